"""Plants that grow or face east, loads below zero, power that ended long ago, references, and calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import evaluation
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm


def test_a_farm_that_doubled_is_forecast_at_its_new_size() -> None:
    farm = wind_farm(capacity=200.0)
    weather, truth = toy_weather([farm], days=120)
    values = toy_power([farm], truth).values
    doubled = values.index >= pd.Timestamp("2024-04-01", tz="UTC")
    available = pd.DataFrame({"farm": np.where(doubled, 200.0, 100.0)}, index=values.index)
    power = ef.Observations(values * available / 200.0, published_after="1h", available_capacity=available)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.05, 0.5, 0.95))
    forecaster = ef.Forecaster(farm, task, model=quick_model(100))
    forecaster.fit(weather, power["2024-01-01":"2024-04-03"])
    issued = pd.date_range("2024-04-05 09:00", periods=20, freq="1D", tz="UTC")
    median = forecaster.predict(weather, power, issue_time=issued).to_frame().set_index("valid_time")["q0.5"]
    observed = power.values["farm"].reindex(median.index)
    assert float((median - observed)[observed > 150].mean()) > -40


# -- PV plants that face east or west --------------------------------------------------------------


def _facing(azimuth: float, tilt: float) -> tuple[ef.PVPlant, xr.Dataset, ef.Observations]:
    """A plant under a clear sky, its weather and its power by the library's own chain."""
    plant = ef.PVPlant(
        name="pv", latitude=48, longitude=10, capacity=10, surface_tilt=tilt, surface_azimuth=azimuth
    )
    weather, truth = toy_weather([plant], start="2024-05-01", days=40)
    index = pd.date_range(truth.index[0], truth.index[-1], freq="1h", tz="UTC", inclusive="left")
    middle = (index.tz_localize(None) + pd.Timedelta("30min")).to_numpy("M8[ns]")
    sun = ef.physics.solar_position(middle, 48.0, 10.0)
    share = np.asarray(plant.power(ef.physics.clear_sky(sun).ghi, sun, temp_air=20.0, wind_speed=2.0))
    power = ef.Observations(pd.DataFrame({"pv": 10 * share}, index=index), published_after="1h")
    return plant, weather, power


@pytest.mark.parametrize(
    ("azimuth", "tilt"),
    [
        (180, 30),
        (135, 30),
        (90, 30),
        (270, 30),
    ],
)
def test_a_plant_may_face_any_direction(azimuth: float, tilt: float) -> None:
    plant, weather, power = _facing(azimuth, tilt)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    ef.Forecaster(plant, task, model=quick_model()).fit(weather, power)


@pytest.mark.parametrize(
    ("azimuth", "tilt"),
    [
        (180, 30),
        (135, 30),
        (90, 30),
        (270, 30),
    ],
)
def test_the_clock_of_a_plant_that_faces_any_direction_is_right(azimuth: float, tilt: float) -> None:
    plant, _, power = _facing(azimuth, tilt)
    assert ef.check_clock(power, site=plant).verdict == "right"


# -- seasons that were not seen --------------------------------------------------------------------


def test_a_roof_learnt_in_the_winter_is_forecast_for_a_clear_day_of_april() -> None:
    roof = ef.PVPlant(name="roof", latitude=63.4, longitude=10.4, capacity=1.0)
    index = pd.date_range("2022-11-01", "2023-04-30 23:00", freq="1h")
    middle = (index + pd.Timedelta("30min")).to_numpy("M8[ns]")
    clear = np.asarray(ef.physics.clear_sky(ef.physics.solar_position(middle, 63.4, 10.4)).ghi)
    cloud = np.random.default_rng(3).uniform(0.25, 1.0, len(index) // 24)
    cloud[-5] = 1.0
    ghi = clear * np.repeat(cloud, 24)
    power = ef.Observations(pd.DataFrame({"roof": ghi / 900}, index.tz_localize("UTC")), published_after="1h")
    run = index.normalize() - pd.Timedelta("17h")
    rows = pd.DataFrame({"t": index, "run": run, "ghi": ghi, "temp": 5.0, "ws": 2.0})
    variables = {"ghi": "ghi", "temp": "temp_air", "ws": "wind_speed_10m"}
    weather = ef.weather.read_table(
        rows,
        sites=roof,
        format=ef.TableFormat(timezone="UTC", time="t", init_time="run", columns=variables),
        units={"ghi": "W/m2", "temp_air": "°C", "wind_speed_10m": "m/s"},
        label=ef.weather.Label.MEAN_BEGINNING,
        available_after="1h",
    )
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95))
    fitted = ef.Forecaster(roof, task).fit(weather, power[:"2023-02-28"], missing="drop")
    forecast = (
        fitted.predict(weather, power, issue_time="2023-04-25 09:00").to_frame().set_index("valid_time")
    )
    noon = pd.Timestamp("2023-04-26 11:00", tz="UTC")
    assert forecast.loc[noon, "q0.95"] >= power.values["roof"][noon]


# -- loads below zero ------------------------------------------------------------------------------


def test_a_net_load_with_a_capacity_is_forecast_below_zero() -> None:
    station = ef.DemandArea(name="substation", latitude=48, longitude=10, capacity=100, timezone="UTC")
    weather, truth = toy_weather([station], days=40)
    values = toy_power([station], truth).values
    net = ef.Observations(values - values.mean(), published_after="1h")
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.05, 0.5, 0.95))
    forecaster = ef.Forecaster(station, task, model=quick_model(40)).fit(weather, net)
    median = forecaster.predict(weather, net, issue_time="2024-02-05 09:00").to_frame()["q0.5"]
    assert median.min() < -10


def test_outcomes_below_zero_are_scored_as_they_are() -> None:
    valid = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    rows = pd.DataFrame({"issue_time": "2024-01-01 09:00", "valid_time": valid, "q0.5": 0.0})
    forecast = ef.Forecast.from_frame(rows, capacity={"site": 100.0}, kind="demand")
    net = ef.Observations(pd.DataFrame({"site": -20.0}, index=valid), published_after="1h")
    assert evaluation.mae(net, forecast)["value"].iloc[0] == pytest.approx(20.0)


# -- old power -------------------------------------------------------------------------------------


def test_power_that_ended_long_ago_is_named_by_an_intraday_forecast() -> None:
    farm = wind_farm()
    weather, truth = toy_weather([farm], days=240, cycle="24h", leads=31)
    power = toy_power([farm], truth)
    task = ef.intraday(every="6h", leads="6h", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(farm, task, model=quick_model()).fit(weather, power[:"2024-03-31"])
    issued = "2024-08-15 12:00"
    current = forecaster.predict(weather, power, issue_time=issued)
    stale = forecaster.predict(weather, power[:"2024-01-31"], issue_time=issued)
    level = int(stale.data["fallback_level"].min())
    assert level > 0 or set(stale.caveats) - set(current.caveats)


# -- references ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("model", [ef.Climatology(), ef.SeasonalClimatology()], ids=["hours", "seasons"])
def test_a_reference_scores_the_same_with_and_without_weather(model: ef.QuantileModel) -> None:
    index = pd.date_range("2021-01-01", "2022-12-31 23:00", freq="1h", tz="UTC")
    times = index.tz_localize(None)
    middle = (times + pd.Timedelta("30min")).to_numpy("M8[ns]")
    clear = np.asarray(ef.physics.clear_sky(ef.physics.solar_position(middle, 55.0, 10.0)).ghi)
    ghi = clear * np.repeat(np.random.default_rng(0).uniform(0.2, 1, len(index) // 24), 24)
    power = ef.Observations(pd.DataFrame({"pv": ghi / 1000}, index=index), published_after="1h")
    rows = pd.DataFrame({"t": times, "ghi": ghi, "run": times.normalize() - pd.Timedelta("17h")})
    plant = ef.PVPlant(name="pv", latitude=55.0, longitude=10.0, capacity=1.0)
    weather = ef.weather.read_table(
        rows[times >= "2022-02-15"],
        sites=plant,
        format=ef.TableFormat(timezone="UTC", time="t", init_time="run", columns={"ghi": "ghi"}),
        units={"ghi": "W/m2"},
        label=ef.weather.Label.MEAN_BEGINNING,
        available_after="1h",
    )

    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))

    def crps(weather: object) -> float:
        forecaster = ef.Forecaster(plant, task, model=model)
        result = ef.backtest(forecaster, weather, power, start="2022-05", end="2022-05")
        return float(result.scores(chosen=["crps"])["value"].iloc[0])

    assert crps(weather) == pytest.approx(crps({}), rel=0.02)
