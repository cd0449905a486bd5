"""Every reader, score, cost and plan with every pair of steps, zone and label: the right number, or a refusal.

The numbers are computed from power in steps of five minutes, in plain numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import evaluation, planning
from energyforecast.errors import EnergyForecastError
from energyforecast.planning import DispatchInputs, System
from energyforecast.reporting import sheets
from tests.support.known_faults import WRONG
from tests.support.steps import LABELS, STEPS, ZONES, Array, Label, Local, joined, locals_of

PAIRS = list(product(STEPS, STEPS))
#: Calls that read a table with either label.
LABELLED = {
    "reader",
    "reader_of_energy",
    "reader_of_a_meter",
    "history",
    "next_hours",
    "climatology",
    "mae",
    "bias",
    "pinball",
    "score_of_series",
    "energy_error",
    "imbalance_cost",
    "realised_cost",
    "exceedance",
    "verification_sheet",
    "outcomes_brought_together",
}
T = TypeVar("T")
Call = Callable[[Local, int, int, Label], None]
CALLS: dict[str, Call] = {}


def call(function: Call) -> Call:
    """Register a call with two steps: of the first and of the second series."""
    CALLS[function.__name__] = function
    return function


def _common(first: int, second: int) -> int:
    """Longer of two steps, of which the other must be a part for any number to be right."""
    longer = max(first, second)
    if longer % min(first, second):
        pytest.fail(f"{first} and {second} min have no common step: this must be refused.")
    return longer


def _both(local: Local, forecast: int, observed: int) -> tuple[Array, Array]:
    """Forecast and outcome at their common step."""
    step = _common(forecast, observed)
    one = joined(local.truth(forecast, 1), forecast, step)
    return one, joined(local.truth(observed, 0), observed, step)


def _near(found: float, expected: float) -> None:
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-3)


# -- readers ---------------------------------------------------------------------------------------


@call
def reader(local: Local, step: int, longer: int, label: Label) -> None:
    power = local.observations(step, label)
    assert power.frequency == pd.Timedelta(minutes=step)
    assert power.index.equals(local.index(step))
    np.testing.assert_allclose(power.values["site"], local.truth(step))
    means = power.resample(f"{longer}min", timezone=local.zone)
    _common(step, longer)
    whole = means.values["site"].dropna()
    expected = pd.Series(local.truth(longer), index=local.index(longer))
    np.testing.assert_allclose(whole, expected.reindex(whole.index))  # none between two intervals
    assert len(whole) == len(expected)


@call
def reader_of_energy(local: Local, step: int, other: int, label: Label) -> None:
    energy = pd.DataFrame({"site": local.truth(step) * step / 60}, index=local.wall(step, label))
    form = ef.TableFormat(unit="MWh", timezone=local.zone, label=label, frequency=f"{other}min")
    power = ef.read_demand(energy, published_after="1h", format=form)
    assert step == other
    np.testing.assert_allclose(power.values["site"], local.truth(step))


@call
def reader_of_a_meter(local: Local, step: int, other: int, label: Label) -> None:
    if label == "beginning":
        return  # a reading of a meter ends its interval
    meter = np.cumsum(local.truth(step) * step / 60)
    table = pd.DataFrame({"site": meter}, index=local.wall(step, label))
    form = ef.TableFormat(
        unit="MWh", timezone=local.zone, label=label, cumulative=True, frequency=f"{other}min"
    )
    power = ef.read_power(table, published_after="1h", format=form)
    assert step == other
    expected = pd.Series(local.truth(step), index=local.index(step))
    np.testing.assert_allclose(power.values["site"], expected.reindex(power.index), rtol=1e-6)


@call
def forecast_of_others(local: Local, step: int, other: int, label: Label) -> None:
    frame = local.forecast(step).to_frame()
    form = ef.TableFormat(frequency=f"{other}min")
    forecast = ef.Forecast.from_frame(frame, format=form)
    assert step == other
    np.testing.assert_allclose(forecast.at(0.5).values.ravel(), local.truth(step, 1), rtol=1e-6)
    assert pd.Timedelta(forecast.data.attrs["frequency"]) == pd.Timedelta(minutes=step)


@call
def history(local: Local, step: int, task_step: int, label: Label) -> None:
    power = local.observations(step, label)
    task = ef.day_ahead(
        "00:00", timezone=local.zone, frequency=f"{task_step}min", first_day=0, quantiles=(0.5,)
    )
    site = ef.DemandArea(name="site", latitude=48, longitude=10, timezone=local.zone)
    forecaster = ef.Forecaster(site, task, features=[ef.features.Lag("24h"), ef.features.LocalHour()])
    matrix = forecaster.design_matrix({}, power, task.moments(local.midnight(2)))
    assert _common(step, task_step) == task_step
    known = pd.Series(local.truth(task_step), index=local.index(task_step))
    before = pd.DatetimeIndex(matrix.valid_time, tz="UTC") - pd.Timedelta("24h")
    np.testing.assert_allclose(matrix.columns["site"]["lag_24h"], known.loc[before], rtol=1e-6)
    np.testing.assert_allclose(
        matrix.columns["site"]["hour"], np.arange(len(before)) * task_step / 60, rtol=1e-6
    )


@call
def next_hours(local: Local, step: int, task_step: int, label: Label) -> None:
    """Intervals of an intraday task begin on the clock of its zone."""
    power = local.observations(step, label)
    task = ef.intraday(
        every="1h", leads="2h", frequency=f"{task_step}min", timezone=local.zone, quantiles=(0.5,)
    )
    site = ef.DemandArea(name="site", latitude=48, longitude=10, timezone=local.zone)
    forecaster = ef.Forecaster(site, task, features=[ef.features.NewestObservation()])
    issued = task.issue_times(local.midnight(1), local.midnight(2))
    matrix = forecaster.design_matrix({}, power, issued)
    assert _common(step, task_step) == task_step
    assert set(issued.tz_convert(local.zone).minute) == {0}
    known = pd.Series(local.truth(task_step), index=local.index(task_step))
    newest = known.loc[issued - pd.Timedelta(minutes=task_step)]
    np.testing.assert_allclose(
        matrix.columns["site"]["newest"], np.repeat(newest.to_numpy(), 120 // task_step), rtol=1e-6
    )


@call
def climatology(local: Local, step: int, task_step: int, label: Label) -> None:
    """Each time of day has its own climatology: that of the only day of training."""
    power = local.observations(step, label)
    task = ef.day_ahead(
        "00:00", timezone=local.zone, frequency=f"{task_step}min", first_day=0, quantiles=(0.5,)
    )
    site = ef.DemandArea(name="site", latitude=48, longitude=10, timezone=local.zone)
    forecaster = ef.Forecaster(site, task, model=ef.Climatology())
    midnights = [local.midnight(day) for day in range(3)]
    forecaster.fit({}, power, as_of=midnights[1])
    median = forecaster.predict({}, power, issue_time=midnights[2]).at(0.5)
    assert _common(step, task_step) == task_step
    truth = pd.Series(local.truth(task_step), index=local.index(task_step).tz_convert(local.zone))
    day, shown = truth[truth.index < midnights[1]], pd.DatetimeIndex(median["valid_time"].values[0], tz="UTC")
    usual = day.groupby(day.index.strftime("%H:%M")).median()
    expected = usual.reindex(shown.tz_convert(local.zone).strftime("%H:%M")).to_numpy()
    known = np.isfinite(expected)
    np.testing.assert_allclose(median.values.ravel()[known], expected[known], atol=1e-4)


# -- scores and costs ------------------------------------------------------------------------------


def _value(
    metric: str, local: Local, forecast: int, observed: int, label: Label, **settings: object
) -> float:
    table = evaluation.score(
        metric, local.observations(observed, label), local.forecast(forecast), **settings
    )
    return float(table["value"].iloc[0])


@call
def mae(local: Local, forecast: int, observed: int, label: Label) -> None:
    found = _value("mae", local, forecast, observed, label)
    predicted, outcome = _both(local, forecast, observed)
    _near(found, np.abs(predicted - outcome).mean())


@call
def bias(local: Local, forecast: int, observed: int, label: Label) -> None:
    found = _value("bias", local, forecast, observed, label)
    predicted, outcome = _both(local, forecast, observed)
    _near(found, (predicted - outcome).mean())


@call
def pinball(local: Local, forecast: int, observed: int, label: Label) -> None:
    found = _value("pinball", local, forecast, observed, label)
    predicted, outcome = _both(local, forecast, observed)
    losses = [
        np.maximum(level * (outcome - value), (level - 1) * (outcome - value)).mean()
        for level, value in ((0.1, predicted - 10), (0.5, predicted), (0.9, predicted + 10))
    ]
    _near(found, float(np.mean(losses)))


@call
def score_of_series(local: Local, forecast: int, observed: int, label: Label) -> None:
    outcome = local.observations(observed, label).values["site"]
    series = pd.Series(local.truth(forecast, 1), index=local.index(forecast))
    found = float(evaluation.score("rmse", outcome, series)["value"].iloc[0])
    predicted, truth = _both(local, forecast, observed)
    _near(found, float(np.sqrt(np.mean((predicted - truth) ** 2))))


@call
def energy_error(local: Local, forecast: int, observed: int, label: Label) -> None:
    table = evaluation.energy_error(local.observations(observed, label), local.forecast(forecast))
    predicted, outcome = _both(local, forecast, observed)
    hours = max(forecast, observed) / 60
    _near(float(table["value"].iloc[0]), (predicted - outcome).sum() * hours)


@call
def imbalance_cost(local: Local, forecast: int, observed: int, label: Label) -> None:
    table = evaluation.imbalance_cost(
        local.observations(observed, label), local.forecast(forecast), shortage=40.0, surplus=10.0, level=0.5
    )
    predicted, outcome = _both(local, forecast, observed)
    _near(float(table["value"].iloc[0]), _cost(outcome - predicted, max(forecast, observed)))


def _cost(deviation: Array, step: int, shortage: Array | float = 40.0) -> float:
    """Cost of a plant's deviations from its schedule."""
    less, more = np.maximum(-deviation, 0), np.maximum(deviation, 0)
    return float((shortage * less + 10.0 * more).sum() * step / 60)


@call
def prices_by_step(local: Local, forecast: int, prices: int, label: Label) -> None:
    """Deviations of constant size, so that a mean price is right for all."""
    local = local.of_change
    series = pd.Series(local.truth(prices, 2), index=local.index(prices))
    outcome = pd.Series(local.truth(forecast, 1) - 5.0, index=local.index(forecast))
    observed = ef.Observations(outcome.to_frame("site"), published_after="0h")
    table = evaluation.imbalance_cost(
        observed, local.forecast(forecast), shortage=series, surplus=10.0, level=0.5
    )
    _common(forecast, prices)
    _near(float(table["value"].iloc[0]), 5.0 * local.truth(prices, 2).sum() * prices / 60)


@call
def realised_cost(local: Local, forecast: int, observed: int, label: Label) -> None:
    local = local.of_change
    table = planning.compare_schedules(
        local.forecast(forecast),
        shortage=40.0,
        surplus=10.0,
        observations=local.observations(observed, label),
    )
    predicted, outcome = _both(local, forecast, observed)
    row = table[table.iloc[:, 0].astype(str).str.contains("median")]
    _near(float(row["realised_cost"].iloc[0]), _cost(outcome - predicted, max(forecast, observed)))


@call
def ramp_scores(local: Local, forecast: int, observed: int, label: Label) -> None:
    """An hour-long step is found at each step: once in the forecast, once in the outcome."""
    series = pd.Series(np.where(np.arange(len(local.index(observed))) * observed < 1440, 20.0, 80.0))
    outcome = ef.Observations(series.to_frame("site").set_axis(local.index(observed)), published_after="0h")
    ahead = pd.Series(np.where(np.arange(len(local.index(forecast))) * forecast < 1440, 20.0, 80.0))
    rows = {"issue_time": local.index(60)[0] - pd.Timedelta("9h"), "valid_time": local.index(forecast)}
    frame = pd.DataFrame(rows | {"q0.5": ahead.to_numpy(), "site": "site"})
    predicted = ef.Forecast.from_frame(frame, capacity={"site": 100.0}, kind="wind")
    table = evaluation.ramps(outcome, predicted, change=0.5, window=3.0).set_index("metric")["value"]
    _common(forecast, observed)
    assert [table[name] for name in ("ramp_hits", "ramp_misses", "ramp_false_alarms")] == [1, 0, 0]


@call
def outcomes_brought_together(local: Local, forecast: int, observed: int, label: Label) -> None:
    """Finer outcomes become means at the step of the forecast; coarser ones are refused."""
    if forecast % observed:
        ef.align(local.observations(observed, label), local.forecast(forecast), how="mean")
        pytest.fail("Means of longer or cut intervals must be refused.")
    means = _never_refused(
        lambda: ef.align(local.observations(observed, label), local.forecast(forecast), how="mean")
    )
    table = evaluation.mae(means, local.forecast(forecast))
    predicted, outcome = _both(local, forecast, observed)
    _near(float(table["value"].iloc[0]), np.abs(predicted - outcome).mean())


@call
def prices_brought_together(local: Local, forecast: int, prices: int, label: Label) -> None:
    """A price holds for the parts of its interval, and longer intervals have its mean."""
    if forecast % prices and prices % forecast:
        return
    series = pd.Series(local.truth(prices, 2), index=local.index(prices))
    how: Literal["mean", "repeat"] = "repeat" if prices > forecast else "mean"
    found = _never_refused(lambda: ef.align(series, local.forecast(forecast), how=how))
    at_step = joined(local.truth(prices, 2), prices, max(prices, forecast))
    np.testing.assert_allclose(found, np.repeat(at_step, max(prices, forecast) // forecast), rtol=1e-6)


def _never_refused(made: Callable[[], T]) -> T:
    """The result of a call that must give one."""
    try:
        return made()
    except EnergyForecastError as error:
        pytest.fail(f"is refused: {error}")


# -- plans -----------------------------------------------------------------------------------------


@call
def schedule_with_prices(local: Local, forecast: int, prices: int, label: Label) -> None:
    """The median is the best schedule for equal prices of both sides, and its cost follows the price."""
    local = local.of_change
    price = pd.Series(local.truth(prices, 2), index=local.index(prices))
    table = planning.schedule(local.forecast(forecast), shortage=price, surplus=price)
    _common(forecast, prices)
    flat = planning.schedule(local.forecast(forecast), shortage=1.0, surplus=1.0)["expected_cost"].iloc[0]
    np.testing.assert_allclose(table["schedule"], local.truth(forecast, 1), rtol=1e-4)
    _near(table["expected_cost"].sum(), flat * local.truth(prices, 2).sum() * prices / forecast)


@call
def reserve_with_schedule(local: Local, scenarios: int, schedule: int, label: Label) -> None:
    series = pd.Series(local.truth(schedule, 1) + 3.0, index=local.index(schedule))
    table = planning.reserve(local.scenarios(scenarios, count=100), risk=0.1, schedule=series)
    longer = _common(scenarios, schedule)
    spread = np.quantile(np.linspace(-10, 10, 100), 0.9)
    np.testing.assert_allclose(table["scheduled"] + table["up"], local.truth(longer, 1) + spread, atol=0.3)


@call
def exceedance(local: Local, scenarios: int, observed: int, label: Label) -> None:
    table = planning.reserve(local.scenarios(scenarios, count=100), risk=0.1)
    power = local.observations(observed, label)
    found = planning.reserve_exceedance(table, power, site="site")
    step = _common(scenarios, observed)
    need = joined(local.truth(observed, 0), observed, step) - joined(
        local.truth(scenarios, 1), scenarios, step
    )
    up, down = table["up"].iloc[0], table["down"].iloc[0]
    shares = found.set_index("direction")["share"]
    _near(float(shares["up"]), float((need > up).mean()))
    _near(float(shares["down"]), float((-need > down).mean()))


@call
def net_load(local: Local, demand: int, wind: int, label: Label) -> None:
    net = planning.net_load(
        demand=local.forecast(demand, 1, "area", "demand"),
        wind=local.forecast(wind, 2, "farm"),
        n_scenarios=50,
    )
    step = _common(demand, wind)
    expected = joined(local.truth(demand, 1), demand, step) - joined(local.truth(wind, 2), wind, step)
    np.testing.assert_allclose(np.median(net.of(), axis=0), expected, atol=8.0)
    assert net.step == pytest.approx(step / 60)
    assert pd.Timedelta(net.data.attrs["frequency"]) == pd.Timedelta(minutes=step)


@call
def dispatch(local: Local, demand: int, wind: int, label: Label) -> None:
    unit = {"area": "South", "capacity": 300.0, "cost": 20.0}
    system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    day = slice(0, None)
    load = pd.DataFrame({"South": local.truth(demand, 1) + 100}, index=local.index(demand))[day]
    power = pd.DataFrame({"South": local.truth(wind, 2)}, index=local.index(wind))[day]
    plan = planning.plan_deterministic(system, DispatchInputs(demand=load, wind=power))
    _common(demand, wind)
    energy = load.to_numpy().sum() * demand / 60 - power.to_numpy().sum() * wind / 60
    _near(plan.cost / 1000, 20.0 * energy / 1000)


@call
def ramp_warnings(local: Local, scenarios: int, observed: int, label: Label) -> None:
    step = np.where(np.arange(len(local.index(scenarios))) * scenarios < 1440, 20.0, 80.0)
    values = np.broadcast_to(step, (10, 1, len(step)))
    sampled = ef.Scenarios.from_values(values, sites=["site"], valid_time=local.index(scenarios), kind="wind")
    table = planning.ramps(sampled, change=50.0, within=["3h"])
    warning = planning.alarms(table)
    assert warning["hours"].tolist() == pytest.approx([3.0])
    outcome = np.where(np.arange(len(local.index(observed))) * observed < 1440, 20.0, 80.0)
    power = ef.Observations(pd.DataFrame({"site": outcome}, local.index(observed)), published_after="0h")
    counts = planning.alarm_scores(table, power, site="site").set_index("direction")
    _common(scenarios, observed)
    assert counts.loc["up", ["hits", "misses", "false_alarms"]].tolist() == [1, 0, 0]


# -- sheets ----------------------------------------------------------------------------------------


@call
def day_ahead_sheet(local: Local, forecast: int, schedule: int, label: Label) -> None:
    planned = pd.DataFrame({"valid_time": local.index(schedule), "schedule": local.truth(schedule, 2)})
    sheet = sheets.day_ahead_sheet(local.forecast(forecast), timezone=local.zone, schedule=planned)
    step = _common(forecast, schedule)
    shown = sheet.to_frame()["schedule"].to_numpy()
    np.testing.assert_allclose(
        joined(shown, forecast, step), joined(local.truth(schedule, 2), schedule, step)
    )


@call
def verification_sheet(local: Local, forecast: int, observed: int, label: Label) -> None:
    power = local.observations(observed, label)
    sheet = sheets.verification_sheet(local.forecast(forecast), power, timezone=local.zone)
    _both(local, forecast, observed)
    shown = sheet.to_frame()["observed"].to_numpy()
    np.testing.assert_allclose(shown, local.truth(forecast, 0), rtol=1e-6)


@call
def weekly_outlook(local: Local, step: int, other: int, label: Label) -> None:
    sheet = sheets.weekly_outlook(local.scenarios(step, count=100), timezone=local.zone, above=0.0)
    frame = sheet.to_frame()
    clock = local.index(step).tz_convert(local.zone)
    energy = pd.Series(local.truth(step, 1) * step / 60).groupby(clock.date).sum()
    np.testing.assert_allclose(frame["energy_mean"], energy, rtol=1e-6)
    hours = pd.Series(step / 60, index=clock).groupby(clock.date).sum()
    np.testing.assert_allclose(frame["hours"], hours)
    np.testing.assert_allclose(frame["hours_at_risk"], hours)
    assert all(spans == "00:00–24:00" or "(UTC" in spans for spans in frame["when_at_risk"])


def _tried(name: str, local: Local, pair: tuple[int, int], label: Label) -> str:
    """Fault of one combination, empty where it gives the right number or is refused by the library."""
    try:
        CALLS[name](local, *pair, label)
    except EnergyForecastError as error:
        return f"refuses equal steps: {error}" if pair[0] == pair[1] else ""
    except (*WRONG, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


def _faults(name: str, combinations: list[tuple[Local, tuple[int, int], Label]]) -> list[str]:
    found = [(c, _tried(name, *c)) for c in combinations]
    return [f"{local}, {pair} min, {label}: {fault}" for (local, pair, label), fault in found if fault]


@pytest.mark.parametrize("name", CALLS)
def test_each_pair_of_steps_is_right_or_refused(name: str) -> None:
    """Zones and labels take turns over the pairs."""
    days = [local for zone in ZONES for local in locals_of(zone)]
    number = list(CALLS).index(name)
    turns = [
        (days[(k + number) % len(days)], pair, LABELS[(k + k // 6 + number) % 2])
        for k, pair in enumerate(PAIRS)
    ]
    faults = _faults(name, turns)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", CALLS)
def test_each_pair_of_steps_in_each_zone_with_each_label(name: str, zone: str) -> None:
    labels = LABELS if name in LABELLED else LABELS[:1]
    every = [(local, pair, label) for local in locals_of(zone) for pair in PAIRS for label in labels]
    faults = _faults(name, every)
    assert not faults, "\n".join(faults)
