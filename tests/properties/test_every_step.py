"""Lags, references, clocks, quality rules and reports at steps of five minutes to an hour."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import physics, planning
from energyforecast.core.wording import lead
from energyforecast.errors import MissingDataError, TimeError
from energyforecast.features import Lag, LagMean
from energyforecast.features.base import offset_name
from energyforecast.observations import estimate_lag
from energyforecast.observations.quality_rules import MeasuredPower, interpolated, stuck
from energyforecast.reporting.backtest_report import tables
from energyforecast.testing import example_snapshot
from tests.support.error_messages import three_lines
from tests.support.steps import STEPS, Local
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

DAYS = Local("Europe/Berlin", "2024-03-30")


@pytest.mark.parametrize("step", STEPS)
def test_a_mean_of_lags_counts_in_lengths_of_time(step: int) -> None:
    task = ef.intraday(every="6h", leads=f"{step}min", frequency=f"{step}min", quantiles=(0.5,))
    area = ef.DemandArea(name="site", latitude=48, longitude=10)
    features = [Lag(f"{3 * step}min"), LagMean(f"{step}min", count=3)]
    forecaster = ef.Forecaster(area, task, features=features)
    power = DAYS.observations(step, "beginning")
    matrix = forecaster.design_matrix({}, power, task.moments("2024-03-31 12:00"))
    known = pd.Series(DAYS.truth(step), index=DAYS.index(step))
    before = known[: pd.Timestamp("2024-03-31 12:00", tz="UTC") - pd.Timedelta(minutes=step)]
    row = matrix.columns["site"].iloc[0]
    assert row[f"lag_{3 * step}min"] == pytest.approx(before.iloc[-3], rel=1e-6)
    assert row[f"mean_3x{step}min"] == pytest.approx(before.iloc[-3:].mean(), rel=1e-6)


@pytest.mark.parametrize("step", STEPS)
def test_scenarios_name_their_interval_exactly(step: int) -> None:
    scenarios = DAYS.scenarios(step)
    assert scenarios.data.attrs["frequency"] == ("1h" if step == 60 else f"{step}min")
    assert pd.Timedelta(scenarios.data.attrs["frequency"]) == pd.Timedelta(minutes=step)


@pytest.mark.parametrize("step", STEPS)
def test_a_warning_lasts_from_its_first_interval_to_the_end_of_its_last(step: int) -> None:
    hours = DAYS.index(step)
    rise = np.where(np.arange(len(hours)) * step < 720, 0.0, 60.0)
    scenarios = ef.Scenarios.from_values(rise[None, None], sites=["farm"], valid_time=hours, kind="wind")
    warning = planning.alarms(planning.ramps(scenarios, change=50.0, within=["2h"])).iloc[0]
    assert warning["hours"] == pytest.approx(2.0)
    assert warning["start"] == hours[0] + pd.Timedelta("10h")


@pytest.mark.parametrize("step", [10, 20])
def test_a_report_counts_ramps_at_steps_that_are_no_decimal_part_of_an_hour(step: int) -> None:
    index = pd.date_range("2024-01-02", periods=24 * 60 // step, freq=f"{step}min", tz="UTC")
    power = pd.Series(np.where(index.hour < 12, 10.0, 90.0), index=index)
    rows = {"issue_time": "2024-01-01 09:00", "valid_time": index, "q0.5": power.to_numpy()}
    forecast = ef.Forecast.from_frame(pd.DataFrame(rows), capacity={"site": 100.0}, kind="wind")
    observed = ef.Observations(power.to_frame("site"), published_after="1h")
    result = SimpleNamespace(pairs={"model": ef.evaluation.align(observed, forecast)})
    table = tables.ramps(result, model="model").set_index("direction")  # type: ignore[arg-type]
    assert table.loc["up", ["observed", "hits", "misses"]].tolist() == [180 // step, 180 // step, 0]


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["1h", "30min", "15min", "10min"])
@pytest.mark.parametrize("late", ["0h", "1h"])
def test_the_clock_of_a_wind_farm_is_checked_at_every_step(step: str, late: str) -> None:
    farm = wind_farm()
    leads = int(pd.Timedelta("48h") / pd.Timedelta(step)) + 1
    weather, truth = toy_weather([farm], step=step, leads=leads, cycle="24h", days=45)
    power = toy_power([farm], truth, frequency=step).values.shift(freq=late)
    task = ef.intraday(every="24h", leads="18h", frequency=step, quantiles=(0.5,))
    features = [ef.features.WindSpeed()]
    forecaster = ef.Forecaster(farm, task, features=features, model=quick_model())
    observed = ef.Observations(power, published_after="0h")
    if late == "0h":
        forecaster.fit(weather, observed, missing="drop")
        return
    with pytest.raises(TimeError, match="after the wind"):
        forecaster.fit(weather, observed, missing="drop")


def test_two_days_of_five_minutes_tell_no_lag() -> None:
    """Twenty rows of five minutes depend on each other, so that a standard error from them is too small."""
    rng = np.random.default_rng(0)
    wind = np.convolve(rng.normal(size=2000), np.ones(72) / 72, mode="same")
    shifted = np.column_stack([np.roll(wind, -12 * k) for k in range(-3, 4)])
    lengths = {"step": pd.Timedelta("1h"), "interval": pd.Timedelta("5min")}
    assert estimate_lag(wind[:600], shifted[:600], **lengths) is None
    assert estimate_lag(np.tile(wind, 4), np.tile(shifted, (4, 1)), **lengths) is not None


# -- rules of quality ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_equal_values_are_stuck_after_two_hours_and_six_values(step: int) -> None:
    needed = max(6, 120 // step)
    for length, found in ((needed - 1, 0), (needed, needed)):
        power = np.concatenate([[0.2, 0.3], np.full(length, 0.5), [0.4, 0.6]])
        assert stuck(MeasuredPower(power=power, hours=step / 60)).sum() == found


@pytest.mark.parametrize("step", [1, *STEPS])
def test_a_line_of_two_hours_is_interpolated_at_every_step(step: int) -> None:
    count = max(6, 120 // step)
    rng = np.random.default_rng(0)
    line = np.linspace(0.3, 0.6, count)
    power = np.concatenate([rng.uniform(0, 1, 20), line, rng.uniform(0, 1, 20)])
    found = interpolated(MeasuredPower(power=power, hours=step / 60))
    assert found[20 : 20 + count].all()
    assert found.sum() <= count + 2  # a random neighbour may lie on the line


@pytest.mark.parametrize("step", [1, 5, 10, 15])
def test_the_smooth_power_of_a_clear_day_is_not_interpolated(step: int) -> None:
    plant = ef.PVPlant(name="pv", latitude=48, longitude=10, capacity=50.0)
    index = pd.date_range("2024-05-01", "2024-05-06", freq=f"{step}min", tz="UTC", inclusive="left")
    sun = physics.solar_position(index.to_numpy("M8[ns]"), 48, 10)
    power = pd.DataFrame({"pv": np.round(50 * plant.clear_sky_power(sun), 2)}, index=index)
    rules = [ef.Flag.INTERPOLATED, ef.Flag.SPIKE]
    flagged = ef.flag_quality(ef.Observations(power, published_after="0h"), sites=plant, rules=rules)
    assert not flagged.unfit.to_numpy().any()


# -- longer intervals ------------------------------------------------------------------------------


def test_days_are_those_of_a_place() -> None:
    index = pd.date_range("2024-01-01 18:30", periods=96, freq="30min", tz="UTC")  # midnight in India
    power = ef.Observations(pd.DataFrame({"farm": np.repeat([10.0, 30.0], 48)}, index), published_after="0h")
    days = power.resample("1D", timezone="Asia/Kolkata")
    assert days.values["farm"].tolist() == [10.0, 30.0]
    assert str(days.index[0]) == "2024-01-01 18:30:00+00:00"
    with pytest.raises(TimeError, match="without a clock") as caught:
        power.resample("1D")
    three_lines(caught.value)


def test_days_of_a_zone_that_changes_its_clock_have_different_lengths() -> None:
    with pytest.raises(TimeError, match="clock of Europe/Berlin changes"):
        DAYS.observations(60, "beginning").resample("1D", timezone="Europe/Berlin")


def test_hours_of_india_begin_at_half_past() -> None:
    kolkata = Local("Asia/Kolkata", "2024-03-30")
    hourly = kolkata.observations(15, "ending").resample("1h", timezone="Asia/Kolkata")
    assert set(hourly.index.minute) == {30}
    np.testing.assert_allclose(hourly.values["site"], kolkata.truth(60))


@pytest.mark.parametrize("declared", ["5min", "20min"])
def test_a_declared_frequency_that_no_stamps_follow_is_refused(declared: str) -> None:
    table = pd.DataFrame({"site": DAYS.truth(10)}, index=DAYS.wall(10, "beginning"))
    form = ef.TableFormat(frequency=declared)
    with pytest.raises(TimeError) as caught:
        ef.read_power(
            table, unit="MWh", timezone=DAYS.zone, label="beginning", published_after="0h", format=form
        )
    three_lines(caught.value)


def test_smart_persistence_has_groups_of_lead_and_time_of_day_at_five_minutes() -> None:
    lead, hour = np.meshgrid(np.arange(72) / 12, np.arange(288) / 12)
    X = pd.DataFrame({"lead_time": lead.ravel(), "hour": hour.ravel(), "smart_persistence": 0.0})
    error = lead.ravel() + 100 * hour.ravel()
    model = ef.SmartPersistence((0.5,)).fit(pd.concat([X, X]), np.concatenate([error, error + 2.0]))
    np.testing.assert_allclose(model.predict(X).ravel(), error + 1.0)


# -- observations and task -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observed", "asked", "remedy"),
    [(10, "1h", "resample('1h', timezone='Asia/Kolkata')"), (60, "15min", "frequency='1h'")],
)
def test_observations_at_another_step_are_refused_with_the_remedy(
    observed: int, asked: str, remedy: str
) -> None:
    """The same rule in design_matrix, fit, predict and backtest."""
    kolkata = Local("Asia/Kolkata", "2024-03-30")
    task = ef.day_ahead("09:00", timezone="Asia/Kolkata", frequency=asked, quantiles=(0.5,))
    area = ef.DemandArea(name="site", latitude=20, longitude=77, timezone="Asia/Kolkata")
    forecaster = ef.Forecaster(area, task, model=ef.Climatology())
    right = kolkata.observations(int(pd.Timedelta(asked).total_seconds() // 60), "ending")
    fitted = ef.Forecaster(area, task, model=ef.Climatology()).fit({}, right)
    power = kolkata.observations(observed, "ending")
    calls = [
        lambda: forecaster.fit({}, power),
        lambda: fitted.predict({}, power, issue_time="2024-03-31 09:00"),
        lambda: ef.backtest(forecaster, {}, power, start="2024-04-01", end="2024-04-01"),
    ]
    for attempt in calls:
        with pytest.raises(TimeError) as caught:
            attempt()
        three_lines(caught.value)
        assert remedy in str(caught.value)
    if observed == 10:  # the remedy makes the data right
        fitted.predict({}, power.resample("1h", timezone="Asia/Kolkata"), issue_time="2024-03-31 09:00")


@pytest.mark.parametrize(
    "task",
    [
        ef.day_ahead("09:00", timezone="Asia/Kathmandu"),
        ef.intraday(every="1h", leads="3h", timezone="Asia/Kathmandu"),
    ],
)
def test_hours_that_begin_at_another_minute_than_those_of_the_task_are_refused(task: ef.Task) -> None:
    area = ef.DemandArea(name="site", latitude=27.7, longitude=85.3, timezone="Asia/Kathmandu")
    forecaster = ef.Forecaster(area, task, model=ef.Climatology())
    with pytest.raises(TimeError, match="begin at") as caught:
        forecaster.fit({}, Local("UTC", "2024-03-30").observations(60, "ending"))
    three_lines(caught.value)
    forecaster.fit({}, Local("Asia/Kathmandu", "2024-03-30").observations(60, "ending"))


@pytest.mark.parametrize("every", ["15min", "1h", "6h"])
def test_intraday_issues_begin_on_the_clock_of_their_zone(every: str) -> None:
    india, utc = (ef.intraday(every=every, leads="6h", timezone=zone) for zone in ("Asia/Kolkata", "UTC"))
    issued = india.issue_times("2024-03-01", "2024-03-01").tz_convert("Asia/Kolkata")
    assert set(issued.minute) == ({0, 15, 30, 45} if every == "15min" else {0})
    begins = pd.DatetimeIndex(india.windows(issued).valid_time[:, 0], tz="UTC").tz_convert("Asia/Kolkata")
    assert set(begins.minute) == {0}
    assert (begins >= issued).all()
    assert (begins - issued < pd.Timedelta("1h")).all()
    assert set(utc.issue_times("2024-03-01", "2024-03-01").minute) == (
        {0, 15, 30, 45} if every == "15min" else {0}
    )


# -- names and messages ----------------------------------------------------------------------------


def test_columns_of_ten_minutes_are_named_in_minutes() -> None:
    now = example_snapshot({"wind_speed_100m": 8.0}, hours=1)
    names = ef.features.WindSpeed(hours=(-1, 0, 1)).compute(now)
    assert {"wind_speed_100m[-1h]", "wind_speed_100m[+0h]"} <= set(names)
    assert [offset_name(hours) for hours in (1 / 6, -0.25, 1 / 12)] == ["+10min", "-0.25h", "+5min"]


@pytest.mark.parametrize(("hours", "written"), [(24.0, "24 h"), (35 + 2 / 3, "35:40 h"), (0.5, "0.5 h")])
def test_leads_are_written_to_the_minute(hours: float, written: str) -> None:
    assert lead(hours) == written


def test_a_plan_of_ten_minutes_names_them() -> None:
    index = pd.date_range("2024-01-02", periods=6, freq="10min", tz="UTC")
    unit = {"area": "South", "capacity": 300.0, "cost": 20.0}
    system = planning.System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    load = pd.DataFrame({"South": 60.0}, index=index)
    plan = planning.plan_deterministic(system, planning.DispatchInputs(demand=load))
    assert "6 intervals of 10 min" in repr(plan)
    assert plan.cost == pytest.approx(60 * 20)


def test_net_load_without_demand_is_refused() -> None:
    with pytest.raises(MissingDataError) as caught:
        planning.net_load(demand=None)  # type: ignore[arg-type]
    three_lines(caught.value)
