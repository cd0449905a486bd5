"""Plan of a day: net load, reserve, schedules, ramps and dispatch from the forecasts of one issue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import SchemaError
from energyforecast.forecasting.portfolio import PortfolioForecast
from energyforecast.planning.dispatch.inputs import DispatchInputs
from energyforecast.planning.dispatch.optimise import plan_scenarios
from energyforecast.planning.dispatch.plan import Plan
from energyforecast.planning.net_load import NET_LOAD, net_load
from energyforecast.planning.ramps import alarms, ramps
from energyforecast.planning.reserve import reserve
from energyforecast.planning.scenario_generation.copula import GaussianCopula
from energyforecast.planning.scenario_generation.dependence import Dependence, Independence
from energyforecast.planning.scenario_generation.empirical import SchaakeShuffle
from energyforecast.planning.scenario_generation.sample import sample_by_kind
from energyforecast.planning.schedule import compare_schedules, schedule
from energyforecast.planning.settings import PlanSettings

__all__ = ["DayPlan", "plan_day"]


@dataclass(frozen=True, eq=False)
class DayPlan:
    """Plans from the forecasts of one issue; parts without settings, or without data, are None.

    Parameters
    ----------
    settings : PlanSettings
    forecasts : dict of Forecast
        By kind, of one issue.
    dependence : str
        Dependence between hours, sites and kinds.
    net_load : Scenarios, optional
        Of the areas and of all, with the sums of demand, wind and solar; None without demand.
    reserve : DataFrame, optional
        Of the net load of all areas.
    schedules : dict of DataFrame
        By plant.
    costs : dict of DataFrame
        Expected cost of declaring mean, median and optimum, by plant.
    ramps, alarms : DataFrame, optional
        Of the net load of all areas.
    scenarios_by_kind : dict of Scenarios
        Scenarios on which units are scheduled.
    dispatch : Plan, optional

    See Also
    --------
    plan_day : Makes it.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> settings = PlanSettings.from_dict(
    ...     {"areas": {"South": ["farm"]}, "dependence": "independent", "schedule": {"shortage": 30, "surplus": 20}}
    ... )
    >>> made = plan_day(settings, PortfolioForecast({"wind": example_forecast()}, {}))
    >>> made.schedules["farm"]["schedule"].head(2).round(2).tolist()
    [9.0, 9.5]
    """

    settings: PlanSettings
    forecasts: dict[str, Forecast]
    dependence: str
    net_load: Scenarios | None
    reserve: pd.DataFrame | None
    schedules: dict[str, pd.DataFrame]
    costs: dict[str, pd.DataFrame]
    ramps: pd.DataFrame | None
    alarms: pd.DataFrame | None
    scenarios_by_kind: dict[str, Scenarios]
    dispatch: Plan | None

    @property
    def issue_time(self) -> pd.Timestamp:
        """Issue time of the forecasts."""
        return next(iter(self.forecasts.values())).issue_times[0]

    @property
    def caveats(self) -> tuple[str, ...]:
        """Caveats to show with the plan."""
        return tuple(dict.fromkeys(line for one in self.forecasts.values() for line in one.caveats))

    @property
    def fallback_levels(self) -> dict[str, int]:
        """Fallback level of the forecast of each site."""
        return {
            name: int(forecast.data["fallback_level"].values[k, 0])
            for forecast in self.forecasts.values()
            for k, name in enumerate(forecast.sites)
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by name of file."""
        frames = {"reserve": self.reserve, "ramps": self.ramps, "ramp_alarms": self.alarms}
        if self.net_load is not None:
            parts = [
                self.net_load.quantiles(self.settings.quantile_levels, site=name).assign(site=name)
                for name in self.net_load.sites
            ]
            frames["net_load_quantiles"] = pd.concat(parts, ignore_index=True)
        for name, by_site in (("schedules", self.schedules), ("schedule_costs", self.costs)):
            if by_site:
                labelled = [table.assign(site=site) for site, table in by_site.items()]
                frames[name] = pd.concat(labelled, ignore_index=True)
        if self.dispatch is not None:
            names = ("schedule", "dispatch", "curtailment", "storage", "prices", "costs")
            frames |= {f"dispatch_{name}": getattr(self.dispatch, name) for name in names}
        return {name: frame for name, frame in frames.items() if frame is not None}

    def write(self, folder: str | Path, *, timezone: str, language: str = "en") -> Path:
        """Write sheets, tables and scenarios; see :func:`energyforecast.reporting.day_plan.write`."""
        from energyforecast.reporting import day_plan

        return day_plan.write(self, folder, timezone=timezone, language=language)


def plan_day(
    settings: PlanSettings,
    ahead: PortfolioForecast,
    observations: Observations | None = None,
    *,
    issue_time: Any = None,
) -> DayPlan:
    """Plan the hours of one issue.

    Parameters
    ----------
    settings : PlanSettings
    ahead : PortfolioForecast
        Forecasts of the sites of all areas, and past ones if the dependence is learnt from them.
    observations : Observations, optional
        Past outcomes; values published after the issue are not used.
    issue_time : moment, optional
        Needed where there are several; in UTC unless it has an offset.

    Raises
    ------
    MissingDataError
        If the data are too few for the dependence.
    RangeError
        If the scenarios cannot support the risk.
    InfeasibleError
        If the system cannot meet the demand and shedding has no price.

    See Also
    --------
    PlanSettings, DayPlan
    net_load, reserve, schedule, ramps, plan_scenarios : The parts.

    Examples
    --------
    >>> from energyforecast.testing import example_days
    >>> demand, _ = example_days(days=40)
    >>> settings = PlanSettings.from_dict(
    ...     {
    ...         "areas": {"South": ["a", "b"]},
    ...         "dependence": "independent",
    ...         "reserve": {"risk": 0.05},
    ...         "system": {"areas": ["South"], "units": {"gas": {"area": "South", "capacity": 200, "cost": 60}}},
    ...     }
    ... )
    >>> made = plan_day(settings, PortfolioForecast({"demand": demand}, {}), issue_time=demand.issue_times[-1])
    >>> made.net_load.n_scenarios, len(made.reserve), made.dispatch.n_scenarios
    (1000, 24, 30)
    """
    check_types(locals(), of=plan_day)
    issue = _issue(ahead, issue_time)
    chosen = {kind: forecast.sel(issue_time=issue) for kind, forecast in ahead.ahead.items()}
    dependence = _dependence(settings, ahead, observations, until=issue)
    net = _net_load(settings, chosen, dependence)
    sampled = sample_by_kind(
        chosen, n_scenarios=settings.n_dispatch_scenarios, dependence=dependence, seed=settings.seed
    )
    schedules, costs = _schedules(settings, chosen)
    ramp_table, warnings = _ramps(settings, net)
    dispatch = None
    if settings.system is not None and net is not None:
        inputs = DispatchInputs(**sampled, site_areas=settings.site_areas)
        dispatch = plan_scenarios(settings.system, inputs)
    return DayPlan(
        settings=settings,
        forecasts=chosen,
        dependence=str(dependence),
        net_load=net,
        reserve=_reserve(settings, net),
        schedules=schedules,
        costs=costs,
        ramps=ramp_table,
        alarms=warnings,
        scenarios_by_kind=sampled,
        dispatch=dispatch,
    )


def _issue(ahead: PortfolioForecast, issue_time: Any) -> pd.Timestamp:
    """The named issue, or the only one."""
    issues = next(iter(ahead.ahead.values())).issue_times
    if issue_time is None and len(issues) > 1:
        raise SchemaError(
            f"The forecasts were issued {len(issues)} times, from {issues[0]} to {issues[-1]}.",
            "A plan must be of one issue.",
            "Choose it: issue_time=...",
        )
    return issues[0] if issue_time is None else timestamps.instant(issue_time)


def _dependence(
    settings: PlanSettings,
    ahead: PortfolioForecast,
    observations: Observations | None,
    *,
    until: pd.Timestamp,
) -> Dependence:
    """Dependence between hours, sites and kinds, learnt from data known by a moment."""
    if settings.dependence == "independent":
        return Independence()
    if settings.dependence == "exponential":
        assert settings.range_hours is not None
        return GaussianCopula.exponential(range_hours=settings.range_hours)
    if observations is None:
        raise SchemaError(
            f"dependence = {settings.dependence!r}, and no observations are given.",
            "It must be learnt from past outcomes.",
            'Give observations, or dependence = "exponential".',
        )
    if settings.dependence == "schaake":
        return SchaakeShuffle(observations)
    if not ahead.past:
        raise SchemaError(
            "dependence = 'gaussian', and no past forecasts are given.",
            "It must be learnt from residuals of forecasts out of sample.",
            'Forecast them too: forecast_portfolio(..., learn="60D"); or dependence = "exponential".',
        )
    return GaussianCopula.fit(list(ahead.past.values()), observations, until=until, seed=settings.seed)


def _net_load(
    settings: PlanSettings, chosen: dict[str, Forecast], dependence: Dependence
) -> Scenarios | None:
    if "demand" not in chosen:
        return None
    sampled = sample_by_kind(
        chosen, n_scenarios=settings.n_scenarios, dependence=dependence, seed=settings.seed
    )
    areas = settings.areas if len(settings.areas) > 1 else None
    wind, solar = sampled.get("wind"), sampled.get("solar")
    return net_load(demand=sampled["demand"], wind=wind, solar=solar, areas=areas, parts=True)


def _schedules(
    settings: PlanSettings, chosen: dict[str, Forecast]
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Schedule and expected costs of each plant."""
    terms = settings.schedule
    plants = {
        name: chosen[kind] for kind in ("wind", "solar") if kind in chosen for name in chosen[kind].sites
    }
    if terms is None:
        return {}, {}
    return (
        {name: schedule(forecast, terms, site=name) for name, forecast in plants.items()},
        {name: compare_schedules(forecast, terms, site=name) for name, forecast in plants.items()},
    )


def _ramps(settings: PlanSettings, net: Scenarios | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Probabilities of ramps, and warnings."""
    terms = settings.ramps
    if net is None or terms is None:
        return None, None
    table = ramps(net, change=terms.change, within=terms.within, site=NET_LOAD)
    return table, alarms(table, probability=terms.probability)


def _reserve(settings: PlanSettings, net: Scenarios | None) -> pd.DataFrame | None:
    terms = settings.reserve
    if net is None or terms is None:
        return None
    return reserve(net, risk=terms.risk, outages=terms.outages, tail=terms.tail, site=NET_LOAD)
