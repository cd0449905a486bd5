"""Every public call at every step from 1 to 180 minutes gives the same answer, or an error of the library.

Power, prices and trajectories are constant for six hours, of which every step is a part: means, energies, costs and
counts of events must not depend on the step. Each entry of the table returns numbers that are compared with those of
hours.
"""

from __future__ import annotations

import inspect
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import evaluation, observations, planning, weather
from energyforecast.errors import EnergyForecastError
from energyforecast.reporting import sheets
from tests.architecture.test_public_names import PACKAGE, STUBS, exported
from tests.support import blocks
from tests.support.steps import every

Numbers: TypeAlias = Any
DAYS = 9
DIMS = ("site", "init_time", "lead_time")
PRICES: dict[str, Any] = {"shortage": 40.0, "surplus": 10.0}
CALLS: dict[str, Callable[[int], Numbers]] = {}
#: Public names that a call covers.
COVERED: dict[str, set[str]] = {}


#: Difference that a call may show, 1e-6 of others.
TOLERANCES: dict[str, float] = {}


def call(*names: str, atol: float = 1e-6) -> Callable[[Callable[[int], Numbers]], Callable[[int], Numbers]]:
    """Register a call with the public names that it sweeps."""

    def register(function: Callable[[int], Numbers]) -> Callable[[int], Numbers]:
        CALLS[function.__name__] = function
        COVERED[function.__name__] = set(names)
        TOLERANCES[function.__name__] = atol
        return function

    return register


# -- scores ----------------------------------------------------------------------------------------

#: Values of parameters without a default.
ARGUMENTS: dict[str, Any] = {
    "threshold": 100.0,
    "changes": (0.2, 0.4),
    "thresholds": (90.0, 120.0),
    "risk": 0.4,
    "shortage": 40.0,
    "surplus": 10.0,
}
#: Of arrays without times, and of demand alone.
OTHERWISE = {"crps_of_samples", "energy_score", "variogram_score", "rank_histogram", "mape"}


def _score(name: str, step: int) -> Numbers:
    observed, forecast = blocks.observations(step, DAYS), blocks.forecast(step, DAYS)
    wanted = inspect.signature(getattr(evaluation, name)).parameters
    prices = {"shortage", "surplus"} <= set(wanted)
    given: dict[str, Any] = {
        key: value
        for key, value in ARGUMENTS.items()
        if key in wanted and (prices or wanted[key].default is inspect.Parameter.empty)
    }
    if name == "economic_value":
        given["reference"] = evaluation.align(observed, blocks.forecast(step, DAYS, worse=2.0))
    table = getattr(evaluation, name)(observed, forecast, **given)
    if name == "contingency":  # counts, as hours
        counted = table["metric"].isin(["hits", "misses", "false_alarms", "correct_negatives"])
        table["value"] *= np.where(counted, step / 60, 1.0)
    numbers = table.select_dtypes("number").drop(columns=["n", "missing"], errors="ignore")
    return table["value"].to_numpy() if "value" in table else numbers.to_numpy()


def _register_metrics() -> None:
    for name in sorted(set(evaluation.metric_names()) - OTHERWISE):
        if name.endswith("_of_samples"):
            continue

        def metric(step: int, name: str = name) -> Numbers:
            return _score(name, step)

        metric.__name__ = f"metric_{name}"
        call(f"evaluation.{name}")(metric)


_register_metrics()


@call("evaluation.mape")
def share_of_demand(step: int) -> Numbers:
    observed, forecast = blocks.observations(step, DAYS), blocks.forecast(step, DAYS, kind="demand")
    return evaluation.mape(observed, forecast)["value"]


@call(
    "evaluation.align",
    "evaluation.Pairs",
    "evaluation.compare",
    "evaluation.score",
    "evaluation.write_scores",
)
def comparison(step: int) -> Numbers:
    observed = blocks.observations(step, DAYS)
    model, other = (
        evaluation.align(observed, blocks.forecast(step, DAYS, worse=worse)) for worse in (1.0, 2.0)
    )
    table = evaluation.compare(model, other, metric="crps")
    by_hour = evaluation.score("mae", model, by="month")["value"].to_numpy()
    return [*table.filter(["value", "reference", "skill", "difference"]).to_numpy().ravel(), *by_hour]


@call("evaluation.recent_bias")
def newest_bias(step: int) -> Numbers:
    pairs = evaluation.align(blocks.observations(step, DAYS), blocks.forecast(step, DAYS))
    return evaluation.recent_bias(pairs, days=1)[["bias", "periods"]].to_numpy().ravel()


@call("evaluation.daylight")
def hours_of_light(step: int) -> Numbers:
    """The sun rises and sets within some interval, so that the share is exact to one of them."""
    plant = ef.PVPlant(name="site", latitude=0.0, longitude=0.0, capacity=200.0)
    pairs = evaluation.align(blocks.observations(step, DAYS), blocks.forecast(step, DAYS, kind="solar"))
    return len(evaluation.daylight(pairs, plant).labels) * step / 60 / 100 // 1 * 100


@call("align", "core.alignment.align")
def brought_together(step: int) -> Numbers:
    """Finer observations become means at the step of the forecast."""
    finer = blocks.observations(next(part for part in (1, 2, 3, 5) if step % part == 0), DAYS)
    means = ef.align(finer, blocks.forecast(step, DAYS), how="mean")
    return blocks.blocks_of(means.values["site"], step)


@call(
    "Observations",
    "backtest",
    "Result",
    "Climatology",
    "evaluation.backtest",
    "evaluation.Splits",
    "SiteRows",
)
def backtested(step: int) -> Numbers:
    task = ef.day_ahead(
        "00:00", timezone="UTC", first_day=0, frequency=f"{step}min", quantiles=(0.1, 0.5, 0.9)
    )
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    forecaster = ef.Forecaster(area, task, model=ef.Climatology())
    power = blocks.observations(step, 16)
    result = ef.backtest(forecaster, {}, power, start="2024-03-14", end="2024-03-16", refit=None)
    return [result.scores(chosen=[metric])["value"].iloc[0] for metric in ("mae", "pinball", "bias")]


# -- references and features -----------------------------------------------------------------------


@call(
    *("Forecaster", "Persistence", "SeasonalNaive", "SeasonalClimatology", "day_ahead", "Task", "DayAhead"),
)
def references(step: int) -> Numbers:
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    power, medians = blocks.observations(step, 20), []
    for model in (ef.Climatology(), ef.Persistence(), ef.SeasonalNaive(), ef.SeasonalClimatology()):
        forecaster = ef.Forecaster(area, task, model=model).fit({}, power, as_of="2024-03-20")
        made = forecaster.predict({}, power, issue_time="2024-03-20 09:00")
        medians.append(blocks.blocks_of(made.at(0.5).values.ravel(), step))
    return np.concatenate(medians)


@call(
    "SameTypeDay", atol=2.5
)  # quarters of an hour, grouped by the hour, have another median error than hours
def day_of_the_same_type(step: int) -> Numbers:
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    power = blocks.observations(step, 20)
    forecaster = ef.Forecaster(area, task, model=ef.SameTypeDay()).fit(None, power, as_of="2024-03-20")
    made = forecaster.predict(None, power, issue_time="2024-03-20 09:00")
    return blocks.blocks_of(made.at(0.5).values.ravel(), step)


@call("intraday", "Intraday")
def next_hours(step: int) -> Numbers:
    task = ef.intraday(every="6h", leads="6h", frequency=f"{step}min", quantiles=(0.5,))
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    power = blocks.observations(step, 20)
    forecaster = ef.Forecaster(area, task, model=ef.Persistence()).fit({}, power, as_of="2024-03-20")
    return forecaster.predict({}, power, issue_time="2024-03-20 12:00").at(0.5).values.mean()


@call("month_ahead", "MonthAhead")
def next_month(step: int) -> Numbers:
    task = ef.month_ahead(timezone="UTC", first_day=0, frequency=f"{step}min", quantiles=(0.5,))
    windows = task.windows(task.issue_times("2024-03-01", "2024-03-01"))
    return windows.inside.sum() * step / 60


CALM: dict[str, float] = {
    "wind_speed_10m": 4.0,
    "wind_speed_100m": 8.0,
    "wind_direction_10m": 250.0,
    "wind_direction_100m": 270.0,
    "temp_air": 12.0,
    "pressure": 95_000.0,
    "relative_humidity": 60.0,
    "cloud_cover": 40.0,
}
#: Columns of the beginning of an interval, and ages of the newest observation, which depend on the step.
OF_THE_BEGINNING = ("hour", "hour_of_week", "lead_time", "weather_lead_time")


def _table(sites: list[Any], step: int, chosen: list[Any], ghi: bool = False) -> pd.DataFrame:
    """Features of a day in calm weather, of hourly runs."""
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    lead = np.arange(90).astype("m8[h]").astype("m8[ns]")
    init = np.array(["2024-03-18", "2024-03-19"], dtype="M8[ns]")
    names, shape = [site.name for site in sites], (len(sites), 2, 90)
    cube = {name: (DIMS, np.full(shape, value, "f4")) for name, value in CALM.items()}
    if ghi:
        middles = init[:, None] + lead + np.timedelta64(30, "m")
        sun = ef.physics.solar_position(middles, sites[0].latitude, sites[0].longitude)
        cube["ghi"] = (DIMS, np.broadcast_to(0.7 * ef.physics.clear_sky(sun).ghi, shape).astype("f4"))
    arrived = ("init_time", init + np.timedelta64(4, "h"))
    coords = {"site": names, "init_time": init, "lead_time": lead, "available_time": arrived}
    values = {name: blocks.by_step(blocks.truth(20), step) for name in names}
    power = ef.Observations(pd.DataFrame(values, index=blocks.index(step, 20)), published_after="0h")
    forecaster = ef.Forecaster(sites if len(sites) > 1 else sites[0], task, features=chosen)
    matrix = forecaster.design_matrix(
        xr.Dataset(cube, coords=coords), power, task.moments("2024-03-19 09:00")
    )
    return matrix.columns[names[0]]


def _of_blocks(table: pd.DataFrame, step: int) -> Numbers:
    """Means of blocks, or values at their beginnings, of all columns but ages of observations."""
    columns = sorted(name for name in table if "age" not in name and "distance" not in name)
    first = slice(None, None, blocks.BLOCK // step)
    return np.concatenate(
        [
            table[name].to_numpy(float)[first]
            if name in OF_THE_BEGINNING
            else blocks.blocks_of(table[name], step)
            for name in columns
        ]
    )


@call(
    *(
        f"features.{name}"
        for name in ("AirMass", "ApparentTemperature", "ColdStartPower", "DayOfYear", "DayType")
    ),
    *(f"features.{name}" for name in ("Daylight", "HourOfWeek", "HubWind", "IntervalMean", "Lag", "LagMean")),
    *(f"features.{name}" for name in ("LeadTime", "LocalHour", "NeighbourWind", "NeighbourWindComponents")),
    *(f"features.{name}" for name in ("NewestObservation", "NewestWind", "PowerCurvePower", "RecentLevel")),
    "features.NewestDepartures",
    *(f"features.{name}" for name in ("CurveError", "DecayingNewest", "NewestChange")),
    *("features.NewestDayMean", "features.DayClass", "features.SameTypeLag"),
    *(f"features.{name}" for name in ("SiteStatics", "Temperature", "WeatherAge", "Weekday", "Weekend")),
    *(
        f"features.{name}"
        for name in ("WindDirection", "WindShear", "WindSpeed", "WindTrend", "WindVariability")
    ),
    *(
        "features.WindVeer",
        "features.recipe",
        "features.FeatureSet",
        "Feature",
        "FeatureSet",
        "recipe",
        "WindFarm",
    ),
    *("PowerCurve", "features.Feature", "Snapshot", "point_in_time.Snapshot", "point_in_time.take_snapshot"),
    atol=0.011,
)
def features_in_calm_weather(step: int) -> Numbers:
    f = ef.features
    curve = ef.PowerCurve.generic()
    farms = [
        ef.WindFarm(
            name=name, latitude=48 + k, longitude=10, capacity=200.0, hub_height=90, power_curve=curve
        )
        for k, name in enumerate(("site", "other"))
    ]
    chosen = [*ef.recipe(farms[0]), f.ApparentTemperature(), f.ColdStartPower(), f.DayType(), f.Daylight()]
    chosen += [f.HourOfWeek(), f.IntervalMean(), f.Lag("48h"), f.LagMean("48h", count=3), f.LocalHour()]
    chosen += [f.NeighbourWind(), f.NeighbourWindComponents(), f.NewestObservation(), f.RecentLevel()]
    chosen += [f.NewestDepartures(hours=(3,))]
    chosen += [f.NewestDayMean(), f.DayClass(), f.SameTypeLag()]
    chosen += [f.SiteStatics(), f.Temperature(), f.Weekend(), f.DayOfYear(), f.NewestWind(reach=20)]
    chosen += [f.CurveError(), f.DecayingNewest(), f.NewestChange(hours=(3, 6))]
    given = {item.name: item for item in chosen}
    return _of_blocks(_table(farms, step, list(given.values())), step)


@call(
    *(
        f"features.{name}"
        for name in ("ClearSky", "ClearSkyPower", "Irradiance", "PVChainPower", "SunPosition")
    ),
    *("features.NeighbourIrradiance", "PVPlant"),
)
def features_of_the_sun(step: int) -> Numbers:
    """Means of the day, in hundredths of their size."""
    f = ef.features
    plants = [ef.PVPlant(name=name, latitude=48, longitude=10, capacity=200.0) for name in ("site", "other")]
    chosen = [*ef.recipe(plants[0]), f.NeighbourIrradiance()]
    table = _table(plants, step, chosen, ghi=True)
    mean = table.filter(regex="ghi|pv_chain|clear_sky_power|elevation").mean()
    return np.round(100 * mean / [10.0 ** np.ceil(np.log10(max(abs(value), 1.0))) for value in mean])


@call("AdaptiveCalibration", "forecasting.AdaptiveCalibration")
def calibrated(step: int) -> Numbers:
    made = ef.AdaptiveCalibration(min_residuals=20, by_lead=4).apply(
        blocks.forecast(step, 30), blocks.observations(step, 30)
    )
    # Shorter steps have more errors to learn from: the level is one of them, to a twentieth.
    return np.round(
        [
            made.at(0.5).values[0, made.inside].mean() / 4,
            (made.at(0.9) - made.at(0.1)).values[0, made.inside].mean() / 4,
        ]
    )


@call("AvailableCapacity")
def capacity_in_service(step: int) -> Numbers:
    values = pd.DataFrame({"site": blocks.by_step(blocks.truth(DAYS), step)}, index=blocks.index(step, DAYS))
    known = ef.AvailableCapacity(values, published_after="0h")
    return blocks.blocks_of(known.values["site"], step)


@call("PlannedOperation", "read_planned_operation", "observations.read_planned_operation", "features.Planned")
def planned_operation(step: int) -> Numbers:
    """An activity from 7:10 to 22:50, planned the day before for each second day, and its departure from the usual."""
    days = blocks.index(1440, DAYS)[::2]
    rows = pd.DataFrame({"start": days + pd.Timedelta("430min"), "end": days + pd.Timedelta("1370min")})
    rows = rows.assign(site="site", activity="shift", level=2.0, published=days - pd.Timedelta("1D"))
    plan = ef.read_planned_operation(rows, timezone="UTC")
    values = pd.DataFrame({"site": blocks.by_step(blocks.truth(DAYS), step)}, index=blocks.index(step, DAYS))
    power = ef.Observations(values, published_after="0h", planned=plan)
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    task = ef.day_ahead("12:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    forecaster = ef.Forecaster(area, task, features=[ef.features.Planned()])
    columns = forecaster.design_matrix(None, power, blocks.index(1440, DAYS)[-6:-2]).columns["site"]
    return blocks.blocks_of(columns.to_numpy(dtype=float).T, step)


# -- plans -----------------------------------------------------------------------------------------


@call("planning.schedule", "planning.compare_schedules")
def schedules(step: int) -> Numbers:
    forecast, observed = blocks.forecast(step, 1), blocks.observations(step, 1)
    table = planning.schedule(forecast, **PRICES)
    costs = planning.compare_schedules(forecast, observations=observed, **PRICES)
    money = costs.select_dtypes("number").drop(columns=["n", "intervals"], errors="ignore")
    return [
        *blocks.blocks_of(table["schedule"], step),
        table["expected_cost"].sum(),
        *money.filter(like="cost").to_numpy().ravel(),
    ]


@call("planning.reserve", "planning.reserve_exceedance", "Scenarios")
def reserves(step: int) -> Numbers:
    table = planning.reserve(blocks.scenarios(step, DAYS), risk=0.1)
    found = planning.reserve_exceedance(table, blocks.observations(step, DAYS), site="site")
    means = [blocks.blocks_of(table[side], step) for side in ("up", "down")]
    return np.concatenate([*means, found["share"].to_numpy()])


@call("planning.static_reserve")
def static_reserves(step: int) -> Numbers:
    stamps = blocks.index(step, DAYS)
    errors = pd.Series(blocks.by_step(np.resize(blocks.ERRORS, 4 * DAYS), step), index=stamps)
    plan = pd.Series(blocks.by_step(blocks.truth(DAYS), step), index=stamps)
    table = planning.static_reserve(errors, plan, risk=0.2)
    return np.concatenate([blocks.blocks_of(table[side], step) for side in ("up", "down")])


@call("planning.ramps", "planning.alarms", "planning.alarm_scores")
def warnings_of_ramps(step: int) -> Numbers:
    table = planning.ramps(blocks.scenarios(step, 3), change=25.0, within=["3h"])
    warned = planning.alarms(table)
    counts = planning.alarm_scores(table, blocks.observations(step, 3), site="site", tolerance="3h")
    return [len(warned), *counts[["hits", "misses", "false_alarms"]].to_numpy().ravel()]


@call("planning.net_load", "planning.sample_by_kind", "planning.sample_scenarios", "planning.Independence")
def loads(step: int) -> Numbers:
    """Sampled: a mean over many values."""
    net = planning.net_load(
        demand=blocks.forecast(step, 1, "area", "demand"),
        wind=blocks.forecast(step, 1, "farm"),
        n_scenarios=400,
        dependence=planning.Independence(),
    )
    return np.round(np.quantile(net.of(), [0.25, 0.5, 0.75], axis=0).mean(axis=1) / 10)


@call("planning.peak", "planning.energy", "planning.period_scores")
def peaks_and_energies(step: int) -> Numbers:
    scenarios = blocks.scenarios(step, 3)
    found = [planning.peak(scenarios)["q0.5"], planning.energy(scenarios)["q0.5"]]
    past, power = blocks.forecast(step, 3, "site", "demand"), blocks.observations(step, 3)
    both = ef.Result.from_forecasts({"model": past}, power)
    daily = {"model": planning.GaussianCopula.exponential(range_hours=1e9)}
    table = planning.period_scores(both, dependence=daily)
    return np.concatenate([*found, table["n"], np.round(table[table["metric"] == "bias"]["value"] / 10)])


@call(
    "planning.GaussianCopula", "planning.Dependence", "planning.hindcast_residuals", "planning.SchaakeShuffle"
)
def dependences(step: int) -> Numbers:
    past, power = blocks.forecast(step, 30), blocks.observations(step, 30)
    residuals = planning.hindcast_residuals(past, power)
    issued, made = pd.Timestamp("2024-04-01 09:00", tz="UTC"), []
    copula = planning.GaussianCopula.fit(past, power, until=issued)
    for dependence in (copula, planning.SchaakeShuffle(power)):
        sampled = planning.sample_scenarios(past, n_scenarios=20, dependence=dependence, issue_time=issued)
        made.append(blocks.blocks_of(sampled.of().mean(axis=0), step))
    errors = np.sort(np.unique(np.round(residuals.to_numpy(), 6)))
    return np.concatenate([errors, *np.round(np.array(made) / 10)])


@call("planning.EnsembleCopulaCoupling")
def members(step: int) -> Numbers:
    coupled = planning.EnsembleCopulaCoupling(blocks.scenarios(step, 1, kind="wind", count=20))
    sampled = planning.sample_scenarios(blocks.forecast(step, 1), n_scenarios=20, dependence=coupled)
    return blocks.blocks_of(np.sort(sampled.of(), axis=0), step)


@call("planning.reconcile", "planning.MinT")
def sums_that_add_up(step: int) -> Numbers:
    parts = [blocks.truth(1), 2 * blocks.truth(1), 3 * blocks.truth(1) + 5.0]
    spread = np.linspace(-1, 1, 10)[:, None]
    values = np.stack([blocks.by_step(part, step) + spread for part in parts], axis=1)
    made = ef.Scenarios.from_values(
        values, sites=["one", "two", "all"], valid_time=blocks.index(step, 1), kind="demand"
    )
    whole = planning.reconcile(made, hierarchy={"all": ["one", "two"]}, method="ols")
    return np.concatenate([blocks.blocks_of(whole.of(site).mean(axis=0), step) for site in ("one", "all")])


@call("planning.reconcile_temporal")
def hierarchy_of_steps(step: int) -> Numbers:
    given = [blocks.scenarios(step, 1), blocks.scenarios(blocks.BLOCK, 1)]
    shorter, longer = planning.reconcile_temporal(given, method="bottom_up")
    return np.concatenate([blocks.blocks_of(shorter.of().mean(axis=0), step), longer.of().mean(axis=0)])


@call(
    *(
        f"planning.{name}"
        for name in ("System", "DispatchInputs", "plan_deterministic", "plan_scenarios", "Plan")
    ),
    *(f"planning.{name}" for name in ("perfect_foresight", "evaluate_plan", "realised_costs", "Battery")),
    *(f"planning.{name}" for name in ("Area", "ThermalUnit")),
)
def dispatched(step: int) -> Numbers:
    system = planning.System.from_dict(
        {
            "areas": ["South"],
            "units": {
                "coal": {"area": "South", "capacity": 90.0, "cost": 20.0},
                "gas": {"area": "South", "capacity": 200.0, "cost": 60.0},
            },
            "batteries": {"store": {"area": "South", "power": 10.0, "energy": 40.0}},
        }
    )
    stamps = blocks.index(step, 1)
    load = pd.DataFrame({"South": blocks.by_step(blocks.truth(1), step)}, index=stamps)
    inputs = planning.DispatchInputs(demand=load)
    plan = planning.plan_deterministic(system, inputs)
    real = planning.evaluate_plan(plan, planning.DispatchInputs(demand=load + 5.0))
    return plan.cost, real.cost, planning.perfect_foresight(system, inputs).cost


# -- sheets, measurements and weather --------------------------------------------------------------


def _sums(sheet: Any, step: int) -> list[float]:
    """Sums of the columns of power of a sheet, as energies."""
    frame = sheet.to_frame()
    names = [
        name for name in frame.select_dtypes("number") if str(name).startswith(("q", "0", "sched", "obs"))
    ]
    return [float(frame[name].sum()) * step for name in names]


@call(
    "reporting.day_ahead_sheet", "reporting.Sheet", "reporting.verification_sheet", "reporting.revision_sheet"
)
def sheets_of_a_day(step: int) -> Numbers:
    forecast, observed = blocks.forecast(step, 1), blocks.observations(step, 1)
    days = sheets.day_ahead_sheet(forecast, timezone="UTC")
    real = sheets.verification_sheet(forecast, observed, timezone="UTC")
    return [*_sums(days, step), *_sums(real, step)]


@call("reporting.weekly_outlook")
def outlook(step: int) -> Numbers:
    frame = sheets.weekly_outlook(blocks.scenarios(step, 7), timezone="UTC", above=110.0).to_frame()
    return frame[["energy_mean", "hours", "hours_at_risk"]].to_numpy().ravel()


@call("read_power", "read_demand", "observations.read_power", "observations.read_demand", "TableFormat")
def tables_of_power(step: int) -> Numbers:
    table = pd.DataFrame({"site": blocks.by_step(blocks.truth(2), step)}, index=blocks.index(step, 2))
    found = []
    readers: list[Any] = [(ef.read_power, "kW", 1000.0), (ef.read_demand, "MWh", step / 60)]
    for read, unit, scale in readers:
        form = ef.TableFormat(unit=unit, timezone="UTC", label="beginning", frequency=f"{step}min")
        power = read(scale * table, published_after="0h", format=form)
        found.append(blocks.blocks_of(power.values["site"], step))
        found.append(power.resample("6h").values["site"].to_numpy())
    return np.concatenate(found)


@call("read_capacity", "observations.read_capacity")
def tables_of_capacity(step: int) -> Numbers:
    table = pd.DataFrame({"site": blocks.by_step(blocks.truth(2), step)}, index=blocks.index(step, 2))
    known = ef.read_capacity(table, unit="MW", timezone="UTC", label="beginning", published_after="0h")
    return known.values["site"].groupby(known.values.index.floor("6h")).mean().to_numpy()


@call("flag_quality", "observations.flag_quality", "observations.flag_table", "Flag")
def flags(step: int) -> Numbers:
    """A day of equal values is stuck, and a leap is above capacity, for as long as they last."""
    values = pd.Series(blocks.by_step(blocks.truth(4), step), index=blocks.index(step, 4))
    rng = np.random.default_rng(0)
    values += rng.uniform(0, 5, len(values))
    values["2024-03-05"] = 50.0
    values["2024-03-06 12:00":"2024-03-06 17:59"] = 900.0
    farm = ef.WindFarm(name="site", latitude=48, longitude=10, capacity=200.0)
    flagged = ef.flag_quality(ef.Observations(values.to_frame("site"), published_after="0h"), sites=farm)
    assert flagged.flags is not None
    bits = flagged.flags["site"].to_numpy()
    return [(bits & int(flag) > 0).sum() * step / 60 for flag in (ef.Flag.STUCK, ef.Flag.ABOVE_CAPACITY)]


@call(
    "check_clock", "observations.check_clock", "observations.audit_observations", "observations.ClockReport"
)
def audited(step: int) -> Numbers:
    plant = ef.PVPlant(name="site", latitude=48, longitude=10, capacity=50.0)
    stamps = blocks.index(1, 120 if step > 60 else 40)
    sun = ef.physics.solar_position(stamps.to_numpy("M8[ns]"), 48, 10)
    power = (50 * plant.clear_sky_power(sun)).reshape(-1, step).mean(axis=1)
    values = pd.DataFrame({"site": power}, index=stamps[::step])
    report = observations.audit_observations(ef.Observations(values, published_after="0h"), sites=plant)
    lag = report.clocks["site"].lag
    assert lag is not None
    return report.passed, round(lag.minutes / 10)


@call("fit_plant", "observations.fit_plant", "observations.PlantFit")
def fitted_plant(step: int) -> Numbers:
    """Modules that face south-east, to the steps of the search."""
    plant = ef.PVPlant(
        name="site", latitude=48, longitude=10, capacity=50.0, surface_tilt=30.0, surface_azimuth=140.0
    )
    stamps = blocks.index(1, 40)
    sun = ef.physics.solar_position(stamps.to_numpy("M8[ns]"), 48, 10)
    power = (50 * plant.clear_sky_power(sun)).reshape(-1, step).mean(axis=1)
    known = ef.PVPlant(name="site", latitude=48, longitude=10, capacity=50.0, surface_tilt=30.0)
    found = ef.fit_plant(pd.Series(power, stamps[::step]), known).plant
    assert found.surface_azimuth is not None
    return round(found.surface_azimuth / 60), found.surface_tilt


@call("weather.at_steps")
def weather_at_other_steps(step: int) -> Numbers:
    """The energy of a day, and the mean of wind that rises steadily."""
    from energyforecast.testing import example_weather

    farm = ef.Site(name="farm", latitude=43.6, longitude=78.5)
    given = example_weather().isel(lead_time=slice(0, 25), init_time=[0])
    hours = np.arange(given.sizes["lead_time"], dtype="f4")
    given["wind_speed_100m"] = given["wind_speed_100m"] * 0 + hours
    middles = given["init_time"].values[0] + given["lead_time"].values + np.timedelta64(30, "m")
    sun = ef.physics.solar_position(middles.astype("M8[ns]"), farm.latitude, farm.longitude)
    ghi = (0.7 * ef.physics.clear_sky(sun).ghi).astype("f4")
    given["ghi"] = (given["wind_speed_100m"] * 0 + ghi).assign_attrs(units="W m-2", cell_methods="time: mean")
    made = weather.at_steps(given, f"{step}min", sites=farm)
    day = made.isel(site=0, init_time=0).sel(lead_time=slice(None, np.timedelta64(24 * 60 - step, "m")))
    return float(day["ghi"].mean()), float(day["wind_speed_100m"].mean()) + step / 120


@call("weather.interval_means", "weather.de_accumulate", "weather.Label")
def sums_of_a_source(step: int) -> Numbers:
    count = blocks.BLOCK // step
    ends = (np.arange(count + 1) * step).astype("m8[m]").astype("m8[ns]")
    sums = 250.0 * 60 * step * np.arange(count + 1.0)
    made = weather.interval_means(sums, ends, label=weather.Label.SUM_SINCE_START)
    return float(np.nanmean(made.values))


@call("PowerCurveReference", "LightGBMQuantiles")
def models_in_calm_weather(step: int) -> Numbers:
    """Of a wind that is always the same the power is that of training."""
    farm = ef.WindFarm(
        name="site",
        latitude=48,
        longitude=10,
        capacity=200.0,
        hub_height=100,
        power_curve=ef.PowerCurve.generic(),
    )
    init = blocks.index(1440, 24).tz_localize(None).to_numpy("M8[ns]")
    lead = np.arange(90).astype("m8[h]").astype("m8[ns]")
    speed = (DIMS, np.full((1, 24, 90), 8.0, "f4"))
    arrived = ("init_time", init + np.timedelta64(4, "h"))
    coords = {"site": ["site"], "init_time": init, "lead_time": lead, "available_time": arrived}
    runs = xr.Dataset({"wind_speed_100m": speed}, coords=coords)
    power = pd.DataFrame({"site": 77.0}, index=blocks.index(step, 24))
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    medians = []
    for model in (ef.PowerCurveReference(), ef.LightGBMQuantiles(n_estimators=5, folds=0)):
        forecaster = ef.Forecaster(farm, task, model=model)
        observed = ef.Observations(power, published_after="0h")
        forecaster.fit(runs, observed, as_of="2024-03-25", missing="drop")
        medians.append(
            forecaster.predict(runs, observed, issue_time="2024-03-25 09:00").at(0.5).values.mean()
        )
    return np.array(medians, dtype=float)


@call("features.ClearSkyPersistence", "features.NewestClearSkyShare", "SmartPersistence")
def persistence_of_a_clear_sky(step: int) -> Numbers:
    """Half the power of a clear sky yesterday is half of it tomorrow."""
    plant = ef.PVPlant(name="site", latitude=48, longitude=10, capacity=200.0)
    stamps = blocks.index(1, 17)
    sun = ef.physics.solar_position(stamps.to_numpy("M8[ns]"), 48, 10)
    power = (100 * plant.clear_sky_power(sun)).reshape(-1, step).mean(axis=1)
    observed = ef.Observations(pd.DataFrame({"site": power}, index=stamps[::step]), published_after="0h")
    task = ef.day_ahead("12:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    f = ef.features
    chosen = [f.ClearSkyPersistence(), f.ClearSkyPower(), f.NewestClearSkyShare()]
    matrix = ef.Forecaster(plant, task, features=chosen).design_matrix(
        {}, observed, task.moments("2024-03-19 12:00")
    )
    means = matrix.columns["site"].mean()
    half = np.round(100 * means["smart_persistence"] / means["clear_sky_power"])
    return np.array([half, np.round(10 * means["newest_clear_sky_share"])])


# -- the sweep -------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _of_hours(name: str) -> npt.NDArray[np.float64]:
    return np.asarray(CALLS[name](60), dtype=float)


@pytest.mark.parametrize("step", every((40,)))
@pytest.mark.parametrize("name", CALLS)
def test_each_call_is_right_or_refused(name: str, step: int) -> None:
    expected = _of_hours(name)
    assert expected.size
    assert np.isfinite(expected).any()
    try:
        found = np.asarray(CALLS[name](step), dtype=float)
    except EnergyForecastError:
        return
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=TOLERANCES[name])


@pytest.mark.parametrize("step", every((8,)))
def test_finer_observations_are_never_taken_for_the_interval(step: int) -> None:
    """A score, a cost or a correction of them is refused: the first part of an interval is not its mean."""
    finer = next((part for part in (step // 2, step // 3, step // 5) if part and step % part == 0), 0)
    if not finer:
        return
    observed, forecast = blocks.observations(finer, DAYS), blocks.forecast(step, DAYS)
    table = planning.reserve(blocks.scenarios(step, DAYS), risk=0.1)
    attempts: list[Callable[[], Any]] = [
        lambda: evaluation.align(observed, forecast),
        lambda: evaluation.mae(observed, forecast),
        lambda: evaluation.imbalance_cost(observed, forecast, **PRICES),
        lambda: planning.hindcast_residuals(forecast, observed),
        lambda: planning.GaussianCopula.fit(forecast, observed),
        lambda: planning.compare_schedules(blocks.forecast(step, 1), observations=observed, **PRICES),
        lambda: planning.reserve_exceedance(table, observed, site="site"),
        lambda: ef.AdaptiveCalibration().apply(forecast, observed),
        lambda: sheets.verification_sheet(blocks.forecast(step, 1), observed, timezone="UTC"),
        lambda: planning.sample_scenarios(forecast, dependence=planning.SchaakeShuffle(observed)),
    ]
    for attempt in attempts:
        with pytest.raises(EnergyForecastError):
            attempt()


#: Packages whose names have no interval of their own, and the reason.
WITHOUT_INTERVALS = {
    "archive": "keeps intervals of any length as they are, which its own tests compare",
    "cli": "calls others",
    "competitions": "readers and protocols of published files of hours",
    "configuration": "objects that others use",
    "core": "modules, reached by the names of the package",
    "datasets": "files and worlds of hours",
    "demos": "calls others",
    "operations": "the daily run: files by the readers, forecasts and scores by what is in the table",
    "forecasting": "modules; Forecaster and AdaptiveCalibration are in the table",
    "physics": "functions of moments and of values; those of a length are called by features in the table",
    "point_in_time": "reached by features in the table",
    "reporting": "draws results and plans; the sheets are in the table",
    "testing": "checks of objects of users",
    "weather": "sources declare labels, which the contract of sources tests; conversions are in the table",
}
#: Names with a reason, by the reason.
REASONS = {
    "calls others of the table": "DayPlan plan_day tune Tuning model_confidence_set Forecast AuditReport",
    "of the user": "Metric feature FunctionFeature score_samples",
    "steps of its service": "get_entsoe parse_entsoe read_entsoe ShelekScada read_shelek_scada",
}
#: Types with times in the signature of a call.
TIMED = re.compile(
    "Observ|Forecast|Scenarios|Pairs|Weather|Snapshot|Predicted|Series|DataFrame|Dataset|DataArray|frequency|timedelta"
)


def _without_times(name: str) -> bool:
    """Whether a function or class takes only values, which have no step."""
    thing = operator.attrgetter(name)(ef)
    try:
        given = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return not callable(thing)
    return not TIMED.search(" ".join(f"{key}: {one.annotation}" for key, one in given.items()))


def test_every_public_name_is_swept_or_has_a_reason() -> None:
    names = {
        f"{'.'.join(stub.relative_to(PACKAGE).parts[:-1])}.{name}".lstrip(".")
        for stub in STUBS
        for name in exported(stub)[1]
    }
    names |= {f"features.{name}" for name in ef.features.__all__} | {
        f"models.{name}" for name in ef.models.__all__
    }
    swept = {name.rpartition(".")[2] for covered in COVERED.values() for name in covered}
    known = swept | {name for text in REASONS.values() for name in text.split()}
    left = {name for name in names if name.partition(".")[0] not in WITHOUT_INTERVALS}
    missing = {name for name in left if name.rpartition(".")[2] not in known and not _without_times(name)}
    assert not missing, "sweep them, or give a reason"
    every_name = {name.rpartition(".")[2] for name in names}
    assert not {name for text in REASONS.values() for name in text.split()} - every_name, "no longer public"
