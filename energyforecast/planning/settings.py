"""Settings of a day plan: the section ``[plan]`` of a configuration.

.. code-block:: toml

    [plan]
    n_scenarios = 1000           # for net load, reserve and ramps
    dependence = "gaussian"      # or "schaake", "exponential" with range_hours, "independent"
    learn = "60D"                # past issues from which the dependence is learnt
    quantile_levels = [0.1, 0.5, 0.9]  # on sheets
    seed = 0

    [plan.areas]                 # the sites of each area; their kinds are in [sites]
    South = ["city", "farm"]

    [plan.reserve]
    risk = 0.01
    outages = [{capacity = 300, probability = 0.01, units = 2}]

    [plan.schedule]              # of wind farms and PV plants
    preset = "kazakhstan"        # or shortage = 40, surplus = 10, band = 0.05
    gate_closure = "08:00"       # required with the preset

    [plan.ramps]
    change = 200                 # MW of net load
    within = ["1h", "3h", "6h"]
    probability = 0.3            # threshold of a warning

    [plan.system]                # for dispatch, as System.from_dict takes it
    areas = ["South"]
    shedding_cost = 3000

Only the tables that are given are planned. Prices and risks have no defaults.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types, checked
from energyforecast.core.quantiles import check_levels
from energyforecast.core.settlement import ImbalanceTerms, kazakhstan
from energyforecast.core.sites import Site
from energyforecast.errors import ConfigurationError, EnergyForecastError, one_of
from energyforecast.forecasting.portfolio import PLANNED
from energyforecast.planning.dispatch.system import System
from energyforecast.planning.outages import Outage
from energyforecast.planning.reserve import Tail

__all__ = ["PRESETS", "PlanSettings", "RampTerms", "ReserveTerms"]

_T = TypeVar("_T")

_DEPENDENCES: Final = ("gaussian", "schaake", "exponential", "independent")
#: Published imbalance terms by name.
PRESETS: Final[dict[str, Callable[..., ImbalanceTerms]]] = {"kazakhstan": kazakhstan}


@checked(risk=(1e-12, 1 - 1e-12))
@dataclass(frozen=True, kw_only=True)
class ReserveTerms:
    """Risk of the reserve, and units that may fail.

    See Also
    --------
    energyforecast.planning.reserve : Takes these terms.

    Examples
    --------
    >>> ReserveTerms(risk=0.01).outages
    ()
    """

    risk: float
    outages: tuple[Outage, ...] = ()
    tail: Tail | None = None


@checked(probability=(1e-9, 1))
@dataclass(frozen=True, kw_only=True)
class RampTerms:
    """Change and windows of a ramp of net load, and the probability of a warning.

    See Also
    --------
    energyforecast.planning.ramps : Takes the change [MW] and the windows.
    energyforecast.planning.alarms : Takes the probability.

    Examples
    --------
    >>> RampTerms(change=200.0).within
    ('1h', '3h', '6h')
    """

    change: float
    within: tuple[str, ...] = ("1h", "3h", "6h")
    probability: float = 0.3


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """Settings of a day plan; parts without settings are not planned.

    Parameters
    ----------
    areas : mapping of sequence of str
        Sites of each area.
    n_scenarios : int
        Number of scenarios for net load, reserve and ramps.
    n_dispatch_scenarios : int
        Number of scenarios for the schedule of units.
    dependence : {"gaussian", "schaake", "exponential", "independent"}
        Dependence between hours, sites and kinds. ``"gaussian"`` is learnt from past forecasts out of sample,
        ``"schaake"`` copies past days, ``"exponential"`` decays with `range_hours`; ``"independent"`` is for
        comparison.
    range_hours : float, optional
        [h]
    learn : str or timedelta
        Period before the issue from which the dependence is learnt.
    quantile_levels : sequence of float
        Quantiles on sheets.
    seed : int
    reserve : ReserveTerms, optional
    schedule : ImbalanceTerms, optional
    ramps : RampTerms, optional
    system : System, optional

    See Also
    --------
    plan_day : Takes these settings.

    Examples
    --------
    >>> settings = PlanSettings.from_dict(
    ...     {"areas": {"South": ["farm"]}, "schedule": {"preset": "kazakhstan", "gate_closure": "08:00"}}
    ... )
    >>> settings.site_areas, settings.schedule.band
    ({'farm': 'South'}, 0.05)
    """

    areas: Mapping[str, tuple[str, ...]]
    n_scenarios: int = 1000
    n_dispatch_scenarios: int = 30
    dependence: str = "gaussian"
    range_hours: float | None = None
    learn: Any = "60D"
    quantile_levels: tuple[float, ...] = (0.1, 0.5, 0.9)
    seed: int = 0
    reserve: ReserveTerms | None = None
    schedule: ImbalanceTerms | None = None
    ramps: RampTerms | None = None
    system: System | None = None
    site_areas: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_types(vars(self), of=PlanSettings)
        object.__setattr__(self, "areas", {name: tuple(sites) for name, sites in self.areas.items()})
        object.__setattr__(self, "quantile_levels", tuple(self.quantile_levels))
        check_levels(self.quantile_levels)
        timestamps.duration(self.learn)
        one_of("dependence", self.dependence, allowed=_DEPENDENCES, error=ConfigurationError)
        if (self.dependence == "exponential") != (self.range_hours is not None):
            raise ConfigurationError(
                f"dependence = {self.dependence!r} with range_hours = {self.range_hours}.",
                "An exponential decay has a range in hours; the others are learnt.",
                'Give both dependence = "exponential" and range_hours, or neither.',
            )
        self._check_areas()
        site_areas = {site: area for area, sites in self.areas.items() for site in sites}
        object.__setattr__(self, "site_areas", site_areas)

    def _check_areas(self) -> None:
        """Each site lies in one area, and each area in the system."""
        listed = [site for sites in self.areas.values() for site in sites]
        doubled = sorted({site for site in listed if listed.count(site) > 1})
        if doubled or not listed:
            raise ConfigurationError(
                f"The areas hold {doubled[0]!r} twice." if doubled else "The areas hold no site.",
                "Each site must be in one area.",
                'Correct [plan.areas]: South = ["city", "farm"].',
            )
        declared = () if self.system is None else self.system.area_names
        lacking = [area for area in self.areas if self.system is not None and area not in declared]
        if lacking:
            raise ConfigurationError(
                f"The area {lacking[0]!r} holds {list(self.areas[lacking[0]])} and is not in the system.",
                f"The system has the areas {list(declared)}.",
                "Add it to areas of [plan.system], or correct its name.",
            )

    def kinds(self, sites: Sequence[Site]) -> dict[str, tuple[Site, ...]]:
        """Sites by kind.

        Raises
        ------
        ConfigurationError
            If a site is in no area, an area holds an unknown site, or the kind of a site is not known.

        Examples
        --------
        >>> from energyforecast.core.sites import WindFarm
        >>> farm = WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60)
        >>> list(PlanSettings(areas={"South": ("farm",)}).kinds([farm]))
        ['wind']
        """
        names = [site.name for site in sites]
        unknown = [name for name in self.site_areas if name not in names]
        without = [name for name in names if name not in self.site_areas]
        if unknown or without:
            close = difflib.get_close_matches(unknown[0], names, n=1) if unknown else []
            raise ConfigurationError(
                f"The areas hold {unknown[0]!r}, which is no site."
                if unknown
                else f"Site {without[0]!r} is in no area.",
                f"Sites are {names}, and each must be in one area.",
                f"Did you mean {close[0]!r}?" if close else "Correct [plan.areas].",
            )
        found: dict[str, tuple[Site, ...]] = dict.fromkeys(PLANNED, ())
        for site in sites:
            if site.kind not in PLANNED:
                raise ConfigurationError(
                    f"Site {site.name!r} has no kind that can be planned.",
                    f"Kinds are {', '.join(PLANNED)}.",
                    'Give kind = "wind", "solar" or "demand".',
                )
            found[site.kind] = (*found[site.kind], site)
        return {kind: members for kind, members in found.items() if members}

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> PlanSettings:
        """Settings from plain tables, as ``tomllib.load`` reads them.

        Raises
        ------
        ConfigurationError
            If a key is unknown or missing, or a value is not allowed.

        See Also
        --------
        energyforecast.configuration.plan_settings : With every key and type checked.

        Examples
        --------
        >>> PlanSettings.from_dict({"areas": {"South": ["city"]}, "reserve": {"risk": 0.02}}).reserve.risk
        0.02
        """
        check_types(locals(), of=PlanSettings.from_dict)
        parts: dict[str, Any] = {
            name: _build(maker, tables[name], f"plan.{name}")
            for name, maker in (("reserve", _reserve), ("schedule", _schedule), ("ramps", _ramps))
            if name in tables
        }
        if "system" in tables:
            parts["system"] = _build(System.from_dict, {"tables": tables["system"]}, "plan.system")
        return _build(cls, {**tables, **parts}, "plan")


def _reserve(*, outages: Sequence[Mapping[str, Any]] = (), **terms: Any) -> ReserveTerms:
    return ReserveTerms(outages=tuple(Outage(**row) for row in outages), **terms)


def _ramps(*, within: Sequence[str] = RampTerms.within, **terms: Any) -> RampTerms:
    return RampTerms(within=tuple(within), **terms)


def _schedule(*, preset: str | None = None, **terms: Any) -> ImbalanceTerms:
    maker: Callable[..., ImbalanceTerms] = ImbalanceTerms if preset is None else PRESETS[preset]
    return maker(**terms)


def _build(maker: Callable[..., _T], table: Mapping[str, Any], section: str) -> _T:
    """Object of a table; its errors name the section."""
    try:
        return maker(**table)
    except EnergyForecastError as error:
        raise ConfigurationError(f"[{section}] {error.found}", error.expected, error.remedy) from error
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"[{section}] is not valid: {error}.",
            "Keys must be those of the class of the table, with all that are required.",
            "Correct the table; energyforecast.configuration.plan_settings names the nearest key.",
        ) from error
