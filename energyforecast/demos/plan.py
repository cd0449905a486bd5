"""Planning demo: a synthetic system planned a day ahead for a week, with the value of its forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast import datasets
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.tasks import day_ahead
from energyforecast.demos.plan_system import TABLES
from energyforecast.demos.power import ASSUMED_GATE_CLOSURE
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.portfolio import PortfolioForecast, forecast_portfolio
from energyforecast.models import Persistence, QuantileModel, SeasonalNaive, SmartPersistence
from energyforecast.planning import (
    DispatchInputs,
    Plan,
    System,
    compare_schedules,
    evaluate_plan,
    hindcast_residuals,
    perfect_foresight,
    plan_deterministic,
    plan_scenarios,
    reserve_exceedance,
    static_reserve,
)
from energyforecast.planning.day import DayPlan, plan_day
from energyforecast.planning.net_load import NET_LOAD
from energyforecast.planning.settings import PlanSettings

__all__ = ["WeekInputs", "WeekPlan", "forecast_week", "plan_week"]

_ZONE: Final = "Asia/Almaty"
#: Forecasts without weather: demand of last week, persistence of wind, cloudiness of yesterday.
_NAIVE: Final[dict[str, type[QuantileModel]]] = {
    "demand": SeasonalNaive,
    "wind": Persistence,
    "solar": SmartPersistence,
}
_PERFECT: Final = "perfect foresight"


@dataclass(frozen=True, eq=False)
class WeekInputs:
    """Inputs of the planned week: forecasts, forecasts without weather, measurements and true values."""

    sites: tuple[Site, ...]
    ahead: PortfolioForecast
    naive: PortfolioForecast
    observations: Observations
    truth: pd.DataFrame
    seed: int


@dataclass(frozen=True, eq=False)
class WeekPlan:
    """Plans of several days with their realised costs by strategy, reserve, schedules and errors of net load."""

    days: tuple[DayPlan, ...]
    done: dict[str, Plan]
    costs: pd.DataFrame
    reserve: pd.DataFrame
    schedules: pd.DataFrame
    net_load: dict[str, float]
    seed: int

    @property
    def caveats(self) -> tuple[str, ...]:
        """Caveats to show with the plan."""
        return tuple(dict.fromkeys(line for day in self.days for line in day.caveats))

    def report(self) -> dict[str, Any]:
        """Everything that was found, for a file of JSON."""
        first = self.days[0]
        levels = {f"{day.issue_time:%Y-%m-%dT%H:%MZ}": day.fallback_levels for day in self.days}
        ends = {
            name: plan.storage.groupby("component", sort=False)["level"].last().round(3).to_dict()
            for name, plan in self.done.items()
        }
        return {
            "synthetic": True,
            "caveats": list(self.caveats),
            "seed": self.seed,
            "n_days": len(self.days),
            "n_hours": len(self.done[_PERFECT].valid_times),
            "dependence": first.dependence,
            "scenarios": {
                "reserve": first.settings.n_scenarios,
                "dispatch": first.settings.n_dispatch_scenarios,
            },
            "fallback_levels": levels,
            "net_load": self.net_load,
            "costs": {str(name): _plain(row) for name, row in self.costs.iterrows()},
            "storage_end": ends,
            "reserve": [_plain(row) for _, row in self.reserve.iterrows()],
            "schedules": [_plain(row) for _, row in self.schedules.iterrows()],
            "system": TABLES,
        }


def _plain(row: pd.Series) -> dict[str, Any]:
    """Numbers of a row to six places; missing ones are null."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        number = isinstance(value, float | np.floating)
        found[str(key)] = (None if not np.isfinite(value) else round(float(value), 6)) if number else value
        if isinstance(value, np.integer):
            found[str(key)] = int(value)
    return found


def settings(sites: Sequence[Site], *, gate_closure: str, seed: int, scenarios: int = 1000) -> PlanSettings:
    """Settings of the plan; all sites are in the south."""
    return PlanSettings.from_dict(
        {
            "areas": {"South": [site.name for site in sites]},
            "n_scenarios": scenarios,
            "seed": seed,
            "reserve": {"risk": 0.05},
            "schedule": {"preset": "kazakhstan", "gate_closure": gate_closure},
            "ramps": {"change": 250, "within": ["1h", "3h"]},
        }
    )


def forecast_week(
    *,
    days: int = 7,
    seed: int = 1,
    gate_closure: str = ASSUMED_GATE_CLOSURE,
    learn: str = "75D",
    jobs: int = 1,
    synthetic: datasets.SyntheticSite | None = None,
    model: QuantileModel | None = None,
) -> WeekInputs:
    """Forecast the first days of the last whole week; `learn` is the period of residuals before the week."""
    made = datasets.almaty_region(seed=seed) if synthetic is None else synthetic
    task = day_ahead(gate_closure, timezone=_ZONE)
    monday = _last_monday(made.observations.index)
    issues = task.issue_times(f"{monday:%Y-%m-%d}", f"{monday + pd.DateOffset(days=days - 1):%Y-%m-%d}")
    known = (made.weather, made.observations)
    forecaster = Forecaster(made.sites, task, model=model)
    naive = Forecaster(made.sites, task, model={site.name: _NAIVE[site.kind]() for site in made.sites})
    return WeekInputs(
        sites=made.sites,
        ahead=forecast_portfolio(forecaster, *known, issue_times=issues, learn=learn, jobs=jobs),
        naive=forecast_portfolio(naive, *known, issue_times=issues),
        observations=made.observations,
        truth=made.truth.drop(columns="source"),
        seed=made.seed,
    )


def _last_monday(index: pd.DatetimeIndex) -> pd.Timestamp:
    """The local Monday of the last whole week."""
    end = (index[-1] + (index[1] - index[0])).tz_convert(_ZONE)
    return end.normalize() - pd.DateOffset(days=int(end.day_of_week) + 7)


def plan_week(
    inputs: WeekInputs, *, gate_closure: str = ASSUMED_GATE_CLOSURE, scenarios: int = 1000
) -> WeekPlan:
    """Plan and evaluate each day, with the storage levels of the day before."""
    wanted = settings(inputs.sites, gate_closure=gate_closure, seed=inputs.seed, scenarios=scenarios)
    issues = next(iter(inputs.ahead.ahead.values())).issue_times
    days = tuple(plan_day(wanted, inputs.ahead, inputs.observations, issue_time=issue) for issue in issues)
    done = _run(inputs, days, wanted)
    return WeekPlan(
        days=days,
        done=done,
        costs=_costs(done),
        reserve=_reserves(inputs, days),
        schedules=_schedules(inputs, wanted),
        net_load=_errors(inputs, days),
        seed=inputs.seed,
    )


def _run(inputs: WeekInputs, days: Sequence[DayPlan], wanted: PlanSettings) -> dict[str, Plan]:
    """Realised plan of every day by strategy, each with its own storages."""
    system = System.from_dict(TABLES)
    strategies = ("scenarios", "median", "persistence", _PERFECT)
    levels: dict[str, Mapping[str, float]] = {strategy: {} for strategy in strategies}
    ran: dict[str, list[Plan]] = {strategy: [] for strategy in strategies}
    for k, day in enumerate(days):
        truth = _truth(inputs, next(iter(day.forecasts.values())))
        naive = {kind: _points(forecast, k) for kind, forecast in inputs.naive.ahead.items()}
        for strategy in strategies:
            plan = _planned(
                strategy, _resumed(system, levels[strategy]), day, naive, truth, wanted.site_areas
            )
            caveated = replace(plan, caveats=day.caveats)
            ran[strategy].append(caveated)
            levels[strategy] = plan.storage.groupby("component", sort=False)["level"].last().to_dict()
    return {name: _joined(f"{name}, as it was run", plans) for name, plans in ran.items()}


def _planned(
    strategy: str,
    system: System,
    day: DayPlan,
    naive: Mapping[str, pd.DataFrame],
    truth: Mapping[str, pd.DataFrame],
    site_areas: Mapping[str, str],
) -> Plan:
    """Operation of a day planned by one strategy, evaluated on its outcomes."""
    if strategy == _PERFECT:
        return perfect_foresight(system, DispatchInputs(**truth, site_areas=site_areas))
    given: Mapping[str, Any] = naive if strategy == "persistence" else day.scenarios_by_kind
    planner = plan_scenarios if strategy == "scenarios" else plan_deterministic
    outcomes = DispatchInputs(**truth, site_areas=site_areas)
    return evaluate_plan(planner(system, DispatchInputs(**given, site_areas=site_areas)), outcomes)


def _resumed(system: System, levels: Mapping[str, float]) -> System:
    """System with storages at the levels of the day before; end levels are unchanged."""

    def resumed(part: Any, name: str, largest: float) -> Any:
        level = min(max(levels.get(name, part.start_level), 0.0), largest)
        return replace(part, start_level=level, end_level=part.end)

    storages = [
        resumed(part, part.name, part.reservoir if hasattr(part, "reservoir") else part.energy)
        for part in system.storages
    ]
    tanks = [resumed(part, f"{part.name} hydrogen", part.hydrogen_storage) for part in system.electrolysers]
    return replace(system, storages=tuple(storages), electrolysers=tuple(tanks))


def _joined(name: str, plans: Sequence[Plan]) -> Plan:
    frames = {
        column: pd.concat([getattr(plan, column) for plan in plans], ignore_index=True)
        for column in ("schedule", "dispatch", "curtailment", "storage", "prices", "costs")
    }
    caveats = tuple(dict.fromkeys(line for plan in plans for line in plan.caveats))
    return replace(plans[0], name=name, caveats=caveats, **frames)


def _costs(done: Mapping[str, Plan]) -> pd.DataFrame:
    costs = pd.DataFrame({name: plan.parts() for name, plan in done.items()}).T
    costs = costs.assign(total=costs.sum(axis=1))
    regret = costs["total"] - costs.loc[_PERFECT, "total"]
    possible = regret["persistence"]
    won = (possible - regret) / possible if possible > 0 else np.nan
    return costs.assign(regret=regret, share_won=won).rename_axis("plan")


def _hours(forecast: Forecast, issue: int) -> pd.DatetimeIndex:
    inside = forecast.inside[issue]
    return timestamps.to_index(forecast.data["valid_time"].values[issue, inside])


def _points(forecast: Forecast, issue: int) -> pd.DataFrame:
    """Medians as a table, which a plan without distributions adds up."""
    inside = forecast.inside[issue]
    values = forecast.at(0.5).values[:, issue, inside].astype(float)
    return pd.DataFrame(values.T, index=_hours(forecast, issue), columns=list(forecast.sites))


def _truth(inputs: WeekInputs, forecast: Forecast) -> dict[str, pd.DataFrame]:
    hours = _hours(forecast, 0)
    truth = inputs.truth.reindex(hours)
    if truth.isna().any(axis=None):
        raise MissingDataError(
            f"The truth lacks an hour from {hours[0]} on.",
            "The synthetic site must be whole.",
            "Use a longer synthetic site.",
        )
    return {kind: truth[list(names)] for kind, names in inputs.ahead.sites.items()}


def _net(frames: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Demand minus wind minus solar. [MW]"""
    sums = {kind: frame.sum(axis=1, skipna=False) for kind, frame in frames.items()}
    plants = sum(values for kind, values in sums.items() if kind != "demand")
    return sums["demand"] - plants


def _true_net(inputs: WeekInputs, days: Sequence[DayPlan]) -> pd.Series:
    return pd.concat([_net(_truth(inputs, next(iter(day.forecasts.values())))) for day in days])


def _reserves(inputs: WeekInputs, days: Sequence[DayPlan]) -> pd.DataFrame:
    """Exceedance of the reserve by hour, and of a static one from residuals before the week."""
    by_hour = pd.concat([day.reserve for day in days if day.reserve is not None], ignore_index=True)
    past = hindcast_residuals(list(inputs.ahead.past.values()), inputs.observations, until=days[0].issue_time)
    errors = _net({kind: past[list(names)] for kind, names in inputs.ahead.sites.items()})
    planned = pd.Series(by_hour["scheduled"].to_numpy(), index=pd.DatetimeIndex(by_hour["valid_time"]))
    assert days[0].settings.reserve is not None
    fixed = static_reserve(errors, planned, risk=days[0].settings.reserve.risk)
    return reserve_exceedance({"by hour": by_hour, "static": fixed}, _true_net(inputs, days))


def _schedules(inputs: WeekInputs, wanted: PlanSettings) -> pd.DataFrame:
    """Costs of schedules of plants, on measured power."""
    tables = []
    for kind in ("wind", "solar"):
        for name in inputs.ahead.sites.get(kind, ()):
            table = compare_schedules(
                inputs.ahead.ahead[kind], wanted.schedule, site=name, observations=inputs.observations
            )
            tables.append(table.assign(site=name))
    return pd.concat(tables, ignore_index=True)


def _errors(inputs: WeekInputs, days: Sequence[DayPlan]) -> dict[str, float]:
    """Mean absolute errors of the net load. [MW]"""
    truth = _true_net(inputs, days).to_numpy()
    nets = [day.net_load for day in days if day.net_load is not None]
    median = np.concatenate([net.quantiles([0.5], site=NET_LOAD)["q0.5"].to_numpy() for net in nets])
    kinds = inputs.naive.ahead
    naive = pd.concat(
        [_net({kind: _points(one, k) for kind, one in kinds.items()}) for k in range(len(days))]
    )
    return {
        "n": len(truth),
        "mean": round(float(truth.mean()), 3),
        "mae_forecast": round(float(np.abs(median - truth).mean()), 3),
        "mae_persistence": round(float(np.abs(naive.to_numpy() - truth).mean()), 3),
    }
