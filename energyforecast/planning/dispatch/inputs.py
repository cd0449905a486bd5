"""Demand, wind and solar power of a dispatch window, as a user holds them and by area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.wording import spaced
from energyforecast.errors import MissingDataError, SchemaError, TimeError, of_type, one_of

__all__ = ["AreaTrajectories", "DispatchInputs", "Point", "PowerInput"]

Array = npt.NDArray[Any]

#: Power in MW: a frame with a column for each area or site, scenarios, or a forecast of one issue.
PowerInput: TypeAlias = pd.DataFrame | Scenarios | Forecast
#: Statistic that stands for a distribution in a deterministic plan.
Point: TypeAlias = Literal["median", "mean"]

_KINDS: Final = ("demand", "wind", "solar")


@dataclass(frozen=True, eq=False, kw_only=True)
class DispatchInputs:
    """Demand, wind and solar power of a dispatch window, with the area of each site.

    Parameters
    ----------
    demand, wind, solar : DataFrame, Scenarios or Forecast
        Of areas or sites. A frame has UTC hours and a column for each [MW]; a forecast has one issue, and its median or
        mean is taken. Scenarios of all kinds are sampled together.
    site_areas : mapping, optional
        Area of each site; a site without one must be named like its area.

    Raises
    ------
    SchemaError
        When planned: if a site is in no area, numbers of scenarios differ, or medians would have to be added.
    TimeError
        When planned: if hours differ, have no zone, or are not regular.
    MissingDataError
        When planned: if a value is missing.

    See Also
    --------
    plan_deterministic, plan_scenarios, perfect_foresight, evaluate_plan, to_pypsa
    sample_by_kind : Scenarios of all kinds.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> demand = pd.DataFrame({"city": [100.0, 120.0]}, index=hours)
    >>> inputs = DispatchInputs(demand=demand, site_areas={"city": "South"})
    >>> trajectories = inputs.by_area(["North", "South"])
    >>> trajectories.demand.tolist(), trajectories.step
    ([[[0.0, 0.0], [100.0, 120.0]]], 1.0)
    """

    demand: PowerInput
    wind: PowerInput | None = None
    solar: PowerInput | None = None
    site_areas: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))

    def by_area(self, areas: Sequence[str], *, on: Point = "median") -> AreaTrajectories:
        """Sums over the sites of each area; a forecast counts with its median or mean."""
        one_of("on", on, allowed=("median", "mean"))
        given = {kind: getattr(self, kind) for kind in _KINDS if getattr(self, kind) is not None}
        sums = {
            kind: _AreaSums.of(kind, value, areas, self.site_areas or {}, on) for kind, value in given.items()
        }
        first = sums["demand"]
        for kind, other in sums.items():
            _check_hours(kind, first, other)
        n_scenarios = max(len(other.values) for other in sums.values())
        power = dict.fromkeys(_KINDS, np.zeros((n_scenarios, len(areas), len(first.valid_time))))
        power |= {kind: _repeated(kind, other, n_scenarios) for kind, other in sums.items()}
        # Negative power of a plant, such as auxiliary use at night, is demand.
        own_use = np.minimum(power["wind"], 0.0) + np.minimum(power["solar"], 0.0)
        return AreaTrajectories(
            areas=tuple(areas),
            valid_time=first.valid_time,
            step=first.step,
            demand=power["demand"] - own_use,
            wind=np.maximum(power["wind"], 0.0),
            solar=np.maximum(power["solar"], 0.0),
            caveats=tuple(dict.fromkeys(line for other in sums.values() for line in other.caveats)),
        )


@dataclass(frozen=True, eq=False)
class AreaTrajectories:
    """Demand and available wind and solar power by area: arrays of shape (scenarios, areas, intervals). [MW]"""

    areas: tuple[str, ...]
    valid_time: pd.DatetimeIndex
    step: float
    demand: Array
    wind: Array
    solar: Array
    caveats: tuple[str, ...] = ()

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.demand)

    def reduced(self, on: Point) -> AreaTrajectories:
        """One trajectory: the median or mean of each kind, area and hour."""
        statistic = np.median if on == "median" else np.mean
        return replace(
            self, **{kind: statistic(getattr(self, kind), axis=0, keepdims=True) for kind in _KINDS}
        )


@dataclass(frozen=True, eq=False)
class _AreaSums:
    """One kind by area: values of shape (scenarios, areas, intervals)."""

    valid_time: pd.DatetimeIndex
    step: float
    values: Array
    caveats: tuple[str, ...]

    @classmethod
    def of(
        cls, kind: str, given: PowerInput, areas: Sequence[str], site_areas: Mapping[str, str], on: Point
    ) -> _AreaSums:
        """Sums over the sites of each area."""
        if isinstance(given, Forecast):
            valid_time, sites, values = _of_forecast(kind, given, on)
            if on == "median":
                _refuse_sums(kind, sites, site_areas)
        elif isinstance(given, Scenarios):
            valid_time, sites, values = given.valid_times, given.sites, np.asarray(given.data.values)
        else:
            valid_time, sites, values = _of_frame(kind, given)
        _check_finite(kind, values, sites, valid_time)
        sums = np.zeros((len(values), len(areas), len(valid_time)))
        for k, site in enumerate(sites):
            area = site_areas.get(site, site)
            if area not in areas:
                raise SchemaError(
                    f"The {kind} of {site!r} belongs to no area of the system.",
                    f"The areas are {list(areas)}.",
                    f"Name its area: site_areas={{{site!r}: ...}}.",
                )
            sums[:, list(areas).index(area)] += values[:, k]
        step = given.step if isinstance(given, Scenarios) else _step(kind, valid_time, given)
        caveats = () if isinstance(given, pd.DataFrame) else given.caveats
        return cls(valid_time, step, sums, caveats)


def _of_forecast(kind: str, forecast: Forecast, on: Point) -> tuple[pd.DatetimeIndex, tuple[str, ...], Array]:
    """Hours, sites and the median or mean of a forecast, shape (1, sites, hours)."""
    if len(forecast.issue_times) != 1:
        raise SchemaError(
            f"The forecast of {kind} holds {len(forecast.issue_times)} issues.",
            "A plan must be made from one.",
            "Choose one: forecast.sel(issue_time=...).",
        )
    inside = forecast.inside[0]
    valid_time = timestamps.to_index(forecast.data["valid_time"].values[0, inside])
    point = forecast.at(0.5) if on == "median" else forecast.mean
    return valid_time, forecast.sites, np.asarray(point.values[:, 0, inside], dtype=float)[None]


def _refuse_sums(kind: str, sites: Sequence[str], site_areas: Mapping[str, str]) -> None:
    """Medians of several sites in one area are refused."""
    areas = [site_areas.get(site, site) for site in sites]
    for area in areas:
        if areas.count(area) > 1:
            raise SchemaError(
                f"The forecast of {kind} has several sites in the area {area!r}.",
                "The median of a sum is not the sum of medians.",
                'Sample scenarios and plan on these; or plan_deterministic(..., on="mean"): means add up.',
            )


def _of_frame(kind: str, frame: pd.DataFrame) -> tuple[pd.DatetimeIndex, tuple[str, ...], Array]:
    """Hours, sites and values of a frame, shape (1, sites, hours)."""
    of_type(kind, frame, expected=pd.DataFrame, remedy="Give a frame with a column for each area.")
    if not len(frame):
        raise MissingDataError(
            f"The {kind} has no rows.", "A plan must cover at least one hour.", "Choose a period."
        )
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise TimeError(
            f"The index of {kind} is {index[:1].tolist()}.",
            "Rows must be beginnings of intervals, with a time zone.",
            "Localise it: frame.tz_localize('UTC').",
        )
    return timestamps.to_index(index), tuple(map(str, frame.columns)), frame.to_numpy(dtype=float).T[None]


def _step(kind: str, valid_time: pd.DatetimeIndex, given: Any) -> float:
    """Length of the intervals. [h]"""
    steps = np.unique(np.diff(timestamps.to_ns(valid_time)))
    if len(steps) == 0 and isinstance(given, pd.DataFrame) and getattr(given.index, "freq", None) is not None:
        steps = np.array([pd.Timedelta(given.index.freq).to_timedelta64()])
    if len(steps) != 1 or steps[0] <= np.timedelta64(0, "ns"):
        raise TimeError(
            f"The hours of {kind} follow each other by {[str(pd.Timedelta(step)) for step in steps]}.",
            "They must be regular and rising, at least two.",
            "Plan a window without gaps.",
        )
    return float(steps[0] / np.timedelta64(1, "h"))


def _check_finite(kind: str, values: Array, sites: Sequence[str], valid_time: pd.DatetimeIndex) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        _, site, hour = (int(k) for k in np.argwhere(bad)[0])
        raise MissingDataError(
            f"The {kind} of {sites[site]!r} is missing at {valid_time[hour]} ({int(bad.sum())} values in all).",
            "A plan must have a value for every hour.",
            "Fill it, or plan a window without gaps.",
        )


def _check_hours(kind: str, first: _AreaSums, other: _AreaSums) -> None:
    if not first.valid_time.equals(other.valid_time) or first.step != other.step:
        raise TimeError(
            f"The demand covers {_window(first)}, the {kind} {_window(other)}.",
            "All must cover the same hours.",
            "Cut them to one window. A frame of shorter intervals is brought to longer ones by "
            'energyforecast.align(frame, other, how="mean").',
        )


def _window(sums: _AreaSums) -> str:
    first, last = sums.valid_time[0], sums.valid_time[-1]
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC by {spaced(sums.step)}"


def _repeated(kind: str, sums: _AreaSums, n_scenarios: int) -> Array:
    """Values for each scenario; one trajectory serves all."""
    if len(sums.values) not in {1, n_scenarios}:
        raise SchemaError(
            f"There are {len(sums.values)} scenarios of {kind}, and {n_scenarios} of another kind.",
            "Scenarios of all kinds must be sampled together.",
            "Sample them with one call: sample_by_kind(...).",
        )
    return np.repeat(sums.values, n_scenarios // len(sums.values), axis=0)
