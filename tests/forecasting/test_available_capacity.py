"""Plants that grow, shut down or are curtailed: learnt as shares of the capacity in service, and forecast for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import errors, evaluation
from energyforecast.core.variables import Flag
from energyforecast.point_in_time.capacity import CapacityInService
from energyforecast.testing import check_no_leakage
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95))
STEP = pd.Timestamp("2024-02-20", tz="UTC")
ISSUED = pd.date_range("2024-02-22 09:00", periods=16, freq="1D", tz="UTC")
ISSUE = "2024-02-25 09:00"  # for 26 February
MODELS = [
    quick_model(60),
    ef.Climatology(),
    ef.Persistence(),
    ef.ConvexCombination(),
    ef.SeasonalNaive(),
    ef.SeasonalClimatology(),
]
IDS = [type(model).__name__ for model in MODELS]


def _data(*sites: ef.Site, days: int = 80) -> tuple[xr.Dataset, ef.Observations]:
    weather, truth = toy_weather(list(sites), days=days)
    return weather, toy_power(list(sites), truth)


FARM = wind_farm(capacity=200.0)
WEATHER, FULL = _data(FARM)


def _capacity(values: np.ndarray | float, *, sites: tuple[str, ...] = ("farm",)) -> pd.DataFrame:
    index = FULL.values.index
    return pd.DataFrame(
        {site: np.broadcast_to(values, len(index)).astype(float) for site in sites}, index=index
    )


DOUBLED = _capacity(np.where(FULL.index < STEP, 100.0, 200.0))


def _observed(capacity: pd.DataFrame, full: ef.Observations = FULL, **more: Any) -> ef.Observations:
    rated = capacity.max()
    return ef.Observations(
        full.values * capacity / rated, published_after="1h", available_capacity=capacity, **more
    )


def _frame(forecast: ef.Forecast, power: ef.Observations) -> pd.DataFrame:
    frame = forecast.to_frame()
    return frame.assign(observed=power.value_at("farm", frame["valid_time"], outside="missing"))


# -- growth by a step ------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_forecast_of_a_farm_that_doubled_is_that_of_one_that_always_was_so_large(model: Any) -> None:
    grown, always = (
        ef.Forecaster(FARM, TASK, model=model)
        .fit(WEATHER, power[:"2024-02-21"])
        .predict(WEATHER, power, issue_time=ISSUED)
        for power in (_observed(DOUBLED), FULL)
    )
    np.testing.assert_allclose(grown.data.values, always.data.values, rtol=1e-5, atol=1e-3)


def test_the_climatology_of_an_issue_without_weather_is_at_the_new_size() -> None:
    late = "2024-03-25 09:00"  # the last run began on 20 March
    grown, always = (
        ef.Forecaster(FARM, TASK, model=quick_model())
        .fit(WEATHER, power[:"2024-02-21"])
        .predict(WEATHER, power, issue_time=late, strict=False)
        for power in (_observed(DOUBLED), FULL)
    )
    assert grown.data["fallback_level"].values == 3
    np.testing.assert_allclose(grown.data.values, always.data.values, rtol=1e-5, atol=1e-3)


def test_without_the_capacity_it_is_far_too_low() -> None:
    power = ef.Observations(_observed(DOUBLED).values, published_after="1h")
    forecaster = ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, power[:"2024-02-21"])
    frame = _frame(forecaster.predict(WEATHER, power, issue_time=ISSUED), power)
    assert (frame["q0.5"] - frame["observed"])[frame["observed"] > 150].mean() < -60


def test_rated_capacity_alone_changes_no_bit() -> None:
    forecasts = [
        ef.Forecaster(FARM, TASK, model=quick_model(20))
        .fit(WEATHER, power[:"2024-02-21"])
        .predict(WEATHER, power, issue_time=ISSUED)
        for power in (FULL, _observed(_capacity(200.0)))
    ]
    np.testing.assert_array_equal(*(forecast.data.values for forecast in forecasts))
    assert "available_capacity" not in forecasts[0].data.coords


def test_a_farm_may_grow_beyond_its_rated_capacity() -> None:
    small = wind_farm(capacity=100.0)
    power = _observed(DOUBLED)
    forecaster = ef.Forecaster(small, TASK, model=quick_model(60)).fit(WEATHER, power[:"2024-02-21"])
    forecast = forecaster.predict(WEATHER, power, issue_time=ISSUED)
    assert forecast.data.values.max() > 150
    assert evaluation.mae(power, forecast)["value"].iloc[0] < 25


def test_a_pooled_fleet_learns_from_each_at_its_size() -> None:
    fleet = (FARM, wind_farm(name="other", capacity=50.0, latitude=49.0))
    weather, full = _data(*fleet)
    capacity = pd.DataFrame({"farm": DOUBLED["farm"], "other": 50.0})
    power = ef.Observations(
        full.values * capacity / [200, 50], published_after="1h", available_capacity=capacity
    )
    grown, always = (
        ef.Forecaster(fleet, TASK, model=quick_model(40), pooled=True)
        .fit(weather, given[:"2024-02-21"])
        .predict(weather, given, issue_time=ISSUED)
        for given in (power, full)
    )
    np.testing.assert_allclose(grown.data.values, always.data.values, rtol=1e-5, atol=1e-3)


def test_a_stored_forecaster_goes_on_the_same_way(tmp_path: Path) -> None:
    power = _observed(DOUBLED)
    fitted = ef.Forecaster(FARM, TASK, model=quick_model()).fit(WEATHER, power[:"2024-02-21"])
    again = ef.load(fitted.save(tmp_path / "farm.forecaster"))
    one, two = (item.predict(WEATHER, power, issue_time=ISSUE) for item in (fitted, again))
    assert one.data.identical(two.data)


def test_a_new_plant_without_power_is_forecast_by_physics_at_its_size() -> None:
    half = ef.AvailableCapacity(_capacity(100.0), published_time="2024-01-01")
    fitted = ef.Forecaster(FARM, TASK).fit(WEATHER)
    full = fitted.predict(WEATHER, issue_time=ISSUE)
    small = fitted.predict(WEATHER, issue_time=ISSUE, available_capacity=half)
    assert fitted.cold_starts
    np.testing.assert_allclose(small.data.values, full.data.values / 2, rtol=1e-5)


# -- growth by commissioning dates -----------------------------------------------------------------

OLD = ef.TurbineGroup(capacity=100.0, hub_height=80.0)
BY_DATES = ef.WindFarm(
    name="farm", latitude=FARM.latitude, longitude=FARM.longitude,
    turbine_groups=(OLD, ef.TurbineGroup(capacity=100.0, hub_height=80.0, commissioned="2024-02-20")),
)  # fmt: skip


@pytest.mark.parametrize("model", [quick_model(20), ef.SeasonalNaive()], ids=["trees", "lags"])
def test_commissioning_dates_are_a_capacity_in_service(model: Any) -> None:
    bare = ef.Observations(_observed(DOUBLED).values, published_after="1h")
    features = None if isinstance(model, ef.SeasonalNaive) else ef.recipe(FARM)
    by_dates, by_table = (
        ef.Forecaster(farm, TASK, model=model, features=features)
        .fit(WEATHER, power[:"2024-02-21"])
        .predict(WEATHER, power, issue_time=ISSUED)
        for farm, power in (
            (BY_DATES, bare),
            (dataclasses.replace(FARM, hub_height=80.0), _observed(DOUBLED)),
        )
    )
    np.testing.assert_allclose(by_dates.data.values, by_table.data.values, rtol=1e-6)
    np.testing.assert_array_equal(
        by_dates.data["available_capacity"].values, by_table.data["available_capacity"].values
    )


def test_a_commissioning_of_tomorrow_is_known_today_and_a_table_counts_before_it() -> None:
    bare = ef.Observations(_observed(DOUBLED).values, published_after="1h")
    forecaster = ef.Forecaster(BY_DATES, TASK, model=quick_model(20)).fit(WEATHER, bare[:"2024-02-15"])
    forecast = forecaster.predict(WEATHER, bare, issue_time="2024-02-19 09:00")  # for 20 February
    assert np.unique(forecast.data["available_capacity"].values) == 200.0
    order = ef.AvailableCapacity(_capacity(130.0), published_time="2024-02-18")
    late = forecaster.predict(WEATHER, bare, issue_time="2024-02-19 09:00", available_capacity=order)
    assert np.unique(late.data["available_capacity"].values) == 130.0


def test_power_before_the_first_commissioning_does_not_train() -> None:
    late = dataclasses.replace(BY_DATES, turbine_groups=(
        dataclasses.replace(OLD, commissioned="2024-02-01"),
        ef.TurbineGroup(capacity=100.0, hub_height=80.0, commissioned="2024-02-01"),
    ))  # fmt: skip
    before = FULL.index < "2024-02-01"
    shut, missing = (
        ef.Observations(FULL.values.mask(before[:, None], value), published_after="1h")
        for value in (0.0, np.nan)
    )
    one, other = (
        ef.Forecaster(farm, TASK, model=quick_model(20), features=ef.recipe(FARM), trust_clock=True)
        .fit(WEATHER, power[:"2024-03-10"], missing="drop")
        .predict(WEATHER, power, issue_time="2024-03-12 09:00")
        for farm, power in ((late, shut), (FARM, missing))
    )
    np.testing.assert_allclose(one.data.values, other.data.values, rtol=1e-6)


# -- continuous growth -----------------------------------------------------------------------------


def test_roofs_that_grow_every_day_are_forecast_without_bias() -> None:
    roofs = ef.PVPlant(name="roofs", latitude=48, longitude=10, capacity=300.0)
    weather, full = _data(roofs, days=120)
    share = np.linspace(1 / 3, 1, len(full))
    rng = np.random.default_rng(1)
    noise = np.repeat(rng.uniform(0.5, 1.0, len(full) // 24 + 1), 24)[: len(full)]
    values = full.values["roofs"] * share * noise
    register = pd.DataFrame({"roofs": 300 * share}, index=full.index)
    capacity = ef.AvailableCapacity(register, published_after="24h")
    known = ef.Observations(values.to_frame("roofs"), published_after="1h", available_capacity=capacity)
    plain = ef.Observations(values.to_frame("roofs"), published_after="1h")
    issued = pd.date_range("2024-04-02 09:00", periods=20, freq="1D", tz="UTC")
    bias = []
    for power in (known, plain):
        fitted = ef.Forecaster(
            roofs, TASK, model=ef.LightGBMQuantiles(n_estimators=150, folds=0, min_child_samples=20)
        )
        forecast = fitted.fit(weather, power[:"2024-03-31"]).predict(weather, power, issue_time=issued)
        observed = power.value_at("roofs", forecast.to_frame()["valid_time"])
        bias.append(float((forecast.mean.values.ravel() - observed).mean() / observed.mean()))
    assert abs(bias[0]) < 0.05
    assert bias[1] < -0.07  # a part of the growth is taken for a tilt


# -- outages ---------------------------------------------------------------------------------------


def _shut(values: list[float], *, start: str, published: str, limit: bool = False) -> ef.AvailableCapacity:
    index = pd.date_range(start, periods=len(values), freq="1h", tz="UTC")
    frame = pd.DataFrame({"farm": values}, index=index)
    return ef.AvailableCapacity(frame, published_time=published, limit=limit, frequency="1h")


REPAIR = _shut([50.0, 0.0, 0.0, 50.0], start="2024-02-26 10:00", published="2024-02-25 08:00")


@pytest.fixture(scope="module")
def fitted() -> ef.Forecaster:
    return ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, FULL[:"2024-02-21"])


def test_a_repair_bounds_its_hours_alone(fitted: ef.Forecaster) -> None:
    free = fitted.predict(WEATHER, FULL, issue_time=ISSUE)
    forecast = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=REPAIR)
    expected = free.data.values[0, 0] * np.r_[[1] * 10, 0.25, 0, 0, 0.25, [1] * 10][:, None]
    np.testing.assert_allclose(forecast.data.values[0, 0], expected, rtol=1e-5, atol=1e-4)
    assert forecast.to_frame()["available_capacity"].tolist() == [200.0] * 10 + [50, 0, 0, 50] + [200.0] * 10


def test_a_repair_that_was_not_known_yet_changes_nothing(fitted: ef.Forecaster) -> None:
    free = fitted.predict(WEATHER, FULL, issue_time=ISSUE)
    late = _shut([0.0] * 4, start="2024-02-26 10:00", published="2024-02-25 09:01")
    found = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=late)
    np.testing.assert_array_equal(found.data.values, free.data.values)


def test_a_plant_that_is_shut_has_no_power_and_its_lags_go_back() -> None:
    shut = _capacity(np.where((FULL.index >= "2024-02-24") & (FULL.index < "2024-02-28"), 0.0, 200.0))
    power = _observed(shut)
    fitted = ef.Forecaster(FARM, TASK, model=ef.Persistence()).fit(WEATHER, power[:"2024-02-21"])
    assert not fitted.predict(WEATHER, power, issue_time=ISSUE).data.values.any()
    # Back in service as planned: from the power before the outage, not from its zeros.
    back = _shut([200.0] * 24, start="2024-02-26", published="2024-02-25 08:00")
    forecast = fitted.predict(WEATHER, power, issue_time=ISSUE, available_capacity=back)
    before = power.values["farm"]["2024-02-23 23:00"]
    matrix = fitted.design_matrix(WEATHER, power, [pd.Timestamp(ISSUE, tz="UTC")])
    np.testing.assert_allclose(matrix.columns["farm"]["newest"], before / 200, rtol=1e-6)
    assert forecast.data.values.max() > 0


def test_hours_of_an_outage_do_not_train() -> None:
    shut = _capacity(np.where((FULL.index >= "2024-01-10") & (FULL.index < "2024-02-10"), 0.0, 200.0))
    power = _observed(shut)
    fitted = ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, power[:"2024-02-21"])
    assert fitted.training_.without_outcome["farm"] >= 31 * 24
    flags = (shut == 0) * int(Flag.OUTAGE)
    flagged = ef.Observations(FULL.values, published_after="1h", flags=flags)
    same = ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, flagged[:"2024-02-21"])
    found, expected = (item.predict(WEATHER, FULL, issue_time=ISSUED) for item in (fitted, same))
    np.testing.assert_array_equal(found.data.values, expected.data.values)


# -- orders to curtail -----------------------------------------------------------------------------

ORDER = _shut([60.0] * 24, start="2024-02-26", published="2024-02-25 08:00", limit=True)


def test_an_order_cuts_off_and_scales_nothing(fitted: ef.Forecaster) -> None:
    free = fitted.predict(WEATHER, FULL, issue_time=ISSUE)
    forecast = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=ORDER)
    np.testing.assert_allclose(forecast.data.values, np.minimum(free.data.values, 60.0), rtol=1e-6)
    assert free.data.values.max() > 60
    assert (forecast.to_frame()["available_capacity"] == 60).all()


def test_an_order_and_an_outage_hold_together(fitted: ef.Forecaster) -> None:
    free = fitted.predict(WEATHER, FULL, issue_time=ISSUE)
    forecast = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=[ORDER, REPAIR])
    share = np.r_[[1] * 10, 0.25, 0, 0, 0.25, [1] * 10][:, None]
    np.testing.assert_allclose(
        forecast.data.values[0, 0], np.minimum(free.data.values[0, 0] * share, 60), rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("flagged", [False, True])
def test_hours_under_an_order_do_not_train(flagged: bool) -> None:
    ordered = (FULL.index.hour >= 8) & (FULL.index.hour < 20) & (FULL.index < "2024-02-15")
    limits = _capacity(np.where(ordered, 40.0, np.nan))
    order = ef.AvailableCapacity(limits, published_time="2023-12-31", limit=True)
    values = np.fmin(FULL.values, limits.to_numpy())
    flags = pd.DataFrame(
        {"farm": np.where(ordered & (values["farm"] >= 40), int(Flag.CURTAILED), 0)}, index=FULL.index
    )
    power = ef.Observations(
        values, published_after="1h", available_capacity=order, flags=flags if flagged else None
    )
    fitted = ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, power[:"2024-02-21"])
    frame = _frame(fitted.predict(WEATHER, power, issue_time=ISSUED), FULL)
    by_day = frame["valid_time"].dt.hour.between(8, 19) & (frame["observed"] > 100)
    assert (frame["q0.5"] - frame["observed"])[by_day].mean() > -40
    blind = ef.Observations(values, published_after="1h")
    known = ef.Forecaster(FARM, TASK, model=quick_model(60)).fit(WEATHER, blind[:"2024-02-21"])
    low = _frame(known.predict(WEATHER, blind, issue_time=ISSUED), FULL)
    assert (low["q0.5"] - low["observed"])[by_day].mean() < (frame["q0.5"] - frame["observed"])[
        by_day
    ].mean() - 20


def test_a_lag_that_an_order_held_goes_back_to_free_power() -> None:
    hour = FULL.values["farm"].idxmax()
    issue = hour + pd.Timedelta("3h")
    values = FULL.values.copy()
    values.loc[hour:issue, "farm"] = 40.0
    order = _shut([40.0] * 4, start=str(hour.tz_localize(None)), published="2024-01-01", limit=True)
    power = ef.Observations(values, published_after="1h", available_capacity=order)
    task = ef.intraday(every="1h", leads="3h", quantiles=(0.5,))
    matrix = ef.Forecaster(FARM, task, model=ef.Persistence()).design_matrix(WEATHER, power, [issue])
    np.testing.assert_allclose(
        matrix.columns["farm"]["newest"] * 200, values["farm"][hour - pd.Timedelta("1h")], rtol=1e-6
    )


# -- demand ----------------------------------------------------------------------------------------


def test_of_an_area_it_is_a_bound_in_both_directions() -> None:
    area = ef.DemandArea(name="farm", latitude=48, longitude=10, capacity=200, timezone="UTC")
    weather, full = _data(area)
    fitted = ef.Forecaster(area, TASK, model=quick_model(40)).fit(weather, full[:"2024-02-21"])
    free = fitted.predict(weather, full, issue_time=ISSUE)
    half = _shut([100.0] * 24, start="2024-02-26", published="2024-02-25 08:00")
    bounded = fitted.predict(weather, full, issue_time=ISSUE, available_capacity=half)
    np.testing.assert_allclose(bounded.data.values, np.clip(free.data.values, -100, 100), rtol=1e-6)


# -- the forecast and its files --------------------------------------------------------------------


def test_quantiles_above_the_available_capacity_are_refused(fitted: ef.Forecaster) -> None:
    data = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=REPAIR).data.copy(deep=True)
    data.values[0, 0, 11, -1] = 1.0
    with pytest.raises(errors.RangeError, match="available capacity"):
        ef.Forecast(data)


def test_files_hold_the_available_capacity(fitted: ef.Forecaster, tmp_path: Path) -> None:
    forecast = fitted.predict(WEATHER, FULL, issue_time=ISSUE, available_capacity=REPAIR)
    again = ef.Forecast.load(forecast.save(tmp_path / "farm.nc"))
    assert again.data.equals(forecast.data)
    assert again.data["available_capacity"].attrs["units"] == "MW"
    table = pd.read_csv(forecast.write_csv(tmp_path / "farm.csv"))
    assert table["available_capacity"].tolist() == forecast.to_frame()["available_capacity"].tolist()
    read = ef.Forecast.from_frame(forecast.to_frame(), capacity={"farm": 200.0})
    np.testing.assert_array_equal(
        read.data["available_capacity"].values, forecast.data["available_capacity"].values
    )
    assert "available_capacity" in forecast.data.attrs


# -- backtests -------------------------------------------------------------------------------------


def test_a_backtest_forecasts_with_what_was_known(tmp_path: Path) -> None:
    values = FULL.values.copy()
    hours = pd.date_range("2024-02-26", periods=24, freq="1h", tz="UTC")
    values.loc[hours] = np.minimum(values.loc[hours], 60.0)
    power = ef.Observations(values, published_after="1h")
    forecaster = ef.Forecaster(FARM, TASK, model=quick_model(40))
    period = {"start": "2024-02-22", "end": "2024-03-02", "refit": None}
    free = ef.backtest(forecaster, WEATHER, power, **period)
    told = ef.backtest(forecaster, WEATHER, power, available_capacity=ORDER, **period)
    kept = ef.Observations(values, published_after="1h", available_capacity=ORDER)
    same = ef.backtest(forecaster, WEATHER, kept, **period)
    assert told.forecasts["model"].data.identical(same.forecasts["model"].data)
    assert "Limits of farm" in told.provenance["available_capacity"][0]
    day = told.forecasts["model"].sel(issue_time=ISSUE).data
    np.testing.assert_allclose(
        day.values, np.minimum(free.forecasts["model"].sel(issue_time=ISSUE).data.values, 60)
    )
    told.save(tmp_path / "result")
    again = ef.Result.load(tmp_path / "result")
    assert again.forecasts["model"].data.equals(told.forecasts["model"].data)


def test_a_stopped_backtest_of_another_order_is_not_continued(tmp_path: Path) -> None:
    forecaster = ef.Forecaster(FARM, TASK, model=ef.Climatology())
    rest: dict[str, Any] = {
        "start": "2024-02-22",
        "end": "2024-02-27",
        "execution": evaluation.Execution(resume=tmp_path),
    }
    ef.backtest(forecaster, WEATHER, FULL, available_capacity=ORDER, **rest)
    ef.backtest(forecaster, WEATHER, FULL, available_capacity=ORDER, **rest)
    with pytest.raises(errors.SchemaError, match="backtest"):
        ef.backtest(forecaster, WEATHER, FULL, available_capacity=REPAIR, **rest)


def test_calibration_keeps_within_the_available_capacity() -> None:
    forecaster = ef.Forecaster(FARM, TASK, model=quick_model(40))
    power = _observed(DOUBLED)
    result = ef.backtest(
        forecaster, WEATHER, power, start="2024-02-01", end="2024-03-10", refit=None, available_capacity=ORDER
    )
    calibration = ef.AdaptiveCalibration(window="30D", min_residuals=50)
    found = calibration.apply(result.forecasts["model"], power)
    assert not found.data.equals(result.forecasts["model"].data)
    assert (found.data.max("quantile") <= found.data["available_capacity"] + 1e-3).all()
    before = result.forecasts["model"].data.isel(issue_time=slice(0, 20))
    after = calibration.apply(
        ef.Forecast(result.forecasts["model"].data.isel(issue_time=slice(20, None))),
        power,
        past=ef.Forecast(before),
    )
    np.testing.assert_allclose(
        after.data.values, found.data.isel(issue_time=slice(20, None)).values, rtol=1e-5, atol=1e-4
    )


# -- leakage ---------------------------------------------------------------------------------------


def _leaky_data() -> ef.Observations:
    steps = np.where(FULL.index < STEP, 100.0, 200.0)
    order = _shut([60.0] * 48, start="2024-02-26", published="2024-02-25 10:00", limit=True)
    registered = ef.AvailableCapacity(_capacity(steps), published_after="24h")
    values = FULL.values * _capacity(steps) / 200
    return ef.Observations(values, published_after="1h", available_capacity=[registered, order])


@pytest.mark.parametrize("model", [quick_model(15), ef.Persistence()], ids=["trees", "persistence"])
def test_nothing_leaks_from_it(model: Any) -> None:
    for power in (_leaky_data(), _observed(DOUBLED)):
        check_no_leakage(
            ef.Forecaster(FARM, TASK, model=model), WEATHER, power, issue_time="2024-02-20 09:00"
        )
        check_no_leakage(ef.Forecaster(FARM, TASK, model=model), WEATHER, power, issue_time=ISSUE)


@pytest.mark.parametrize("method", ["in_service", "limit", "void_since"])
def test_a_capacity_that_is_known_too_early_is_caught(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(CapacityInService, method)
    if method == "void_since":

        def early(self: Any, *given: Any) -> Any:
            return np.where(right(self, *given) < np.iinfo(np.int64).max, 0, np.iinfo(np.int64).max)
    else:

        def early(self: Any, site: Any, hours: Any, as_of: Any = None) -> Any:
            return right(self, site, hours)

    monkeypatch.setattr(CapacityInService, method, early)
    shut = _capacity(
        np.where((FULL.index >= "2024-02-25 07:00") & (FULL.index < "2024-02-25 12:00"), 0.0, 200.0)
    )
    late = ef.AvailableCapacity(shut, published_after="6h")
    power = {
        "in_service": _observed(DOUBLED),
        "limit": _leaky_data(),
        "void_since": ef.Observations(
            FULL.values * shut / 200, published_after="0h", available_capacity=late
        ),
    }[method]
    issue = "2024-02-20 09:00" if method == "in_service" else ISSUE
    with pytest.raises(errors.LeakageError):
        check_no_leakage(ef.Forecaster(FARM, TASK, model=ef.Persistence()), WEATHER, power, issue_time=issue)
