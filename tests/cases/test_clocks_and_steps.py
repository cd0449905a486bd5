"""Steps other than an hour, zones off the full hour, and forecasts issued after their hours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import evaluation, planning
from energyforecast.errors import WrongDataError
from energyforecast.point_in_time import take_snapshot
from energyforecast.testing import example_days
from tests.support.known_faults import or_refused
from tests.support.toy_weather import DIMS, quick_model, toy_power, toy_weather, wind_farm

QUANTILES = (0.1, 0.5, 0.9)
HOURS = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")


# -- steps of weather and task ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timezone", "latitude", "longitude", "frequency", "offset", "steps"),
    [
        ("Asia/Kolkata", 8.3, 77.6, "1h", "30min", "1h to 1h from :30"),
        ("Asia/Kathmandu", 27.7, 85.3, "1h", "15min", "1h to 1h from :15"),
        ("Australia/Adelaide", -34.0, 138.5, "30min", "0min", "1h to 30min"),
        ("Europe/Berlin", 48.0, 10.0, "15min", "0min", "1h to 15min"),
    ],
)
def test_hourly_weather_serves_tasks_of_other_steps(
    timezone: str, latitude: float, longitude: float, frequency: str, offset: str, steps: str
) -> None:
    farm = wind_farm(latitude=latitude, longitude=longitude, timezone=timezone)
    weather, truth = toy_weather([farm], days=20)
    task = ef.day_ahead("09:00", timezone=timezone, frequency=frequency, quantiles=QUANTILES)
    power = toy_power([farm], truth, frequency=frequency, offset=offset)
    forecaster = ef.Forecaster(farm, task, model=quick_model()).fit(weather, power, as_of="2024-01-15")
    forecast = forecaster.predict(weather, power, issue_time="2024-01-16 09:00")
    assert int(forecast.inside.sum()) == pd.Timedelta("24h") // pd.Timedelta(frequency)
    assert forecast.data.attrs["weather_steps"] == steps
    matrix = forecaster.design_matrix(weather, power, task.issue_times("2024-01-16", "2024-01-16"))
    run = weather.sel(site="farm", init_time=matrix.weather_init_time[("", "farm")][0])
    stamps = (run["init_time"].values + run["lead_time"].values).astype("i8")
    ends = matrix.valid_time.astype("i8")[:, None] + np.array([0, pd.Timedelta(frequency).value])
    wind = np.interp(ends, stamps, run["wind_speed_100m"]).mean(axis=1)
    np.testing.assert_allclose(matrix.columns["farm"]["wind_speed_100m[mean]"], wind, atol=1e-4)


def _plant() -> ef.PVPlant:
    return ef.PVPlant(name="pv", latitude=43.9, longitude=77.1, capacity=50.0)


def _pv_weather(minutes: int) -> xr.Dataset:
    init = pd.date_range("2024-06-08", "2024-06-11", freq="12h").to_numpy("M8[ns]")
    lead = np.arange(0, 60 * 60, minutes) * np.timedelta64(1, "m").astype("m8[ns]")
    middle = init[:, None] + lead + np.timedelta64(minutes * 30, "s")
    sun = ef.physics.solar_position(middle, 43.9, 77.1)
    ghi = 0.7 * ef.physics.clear_sky(sun).ghi[None]
    constant = {"temp_air": 15.0, "wind_speed_10m": 3.0}
    values = {"ghi": ghi} | {name: np.full(ghi.shape, value) for name, value in constant.items()}
    return xr.Dataset(
        {name: (DIMS, array.astype("f4")) for name, array in values.items()},
        coords={
            "site": ["pv"],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(4, "h")),
        },
    )


@pytest.mark.parametrize("minutes", [60, 30, 20, 15, 12, 10, 6, 5, 3, 1])
def test_features_of_a_pv_plant_exist_at_every_step(minutes: int) -> None:
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{minutes}min", quantiles=QUANTILES)
    issued = task.issue_times("2024-06-10", "2024-06-10")
    matrix = ef.Forecaster(_plant(), task).design_matrix(_pv_weather(minutes), None, issued)
    assert len(matrix.columns["pv"]) == 1440 // minutes


@pytest.mark.parametrize("minutes", [60, 30, 15, 5])
def test_power_curve_reference_forecasts_at_every_step(minutes: int) -> None:
    farm = wind_farm(power_curve=ef.PowerCurve.generic())
    step = f"{minutes}min"
    weather, truth = toy_weather(
        [farm], days=25, cycle="24h", step=step, leads=60 * 60 // minutes, latency="4h"
    )
    task = ef.day_ahead("09:00", timezone="UTC", frequency=step, quantiles=QUANTILES)
    power = toy_power([farm], truth, frequency=step)
    forecaster = ef.Forecaster(farm, task, model=ef.PowerCurveReference(), trust_clock=True)
    forecaster.fit(weather, power, as_of="2024-01-20")
    forecast = forecaster.predict(weather, power, issue_time=task.issue_times("2024-01-22", "2024-01-22")[0])
    assert int(forecast.inside.sum()) == 1440 // minutes


def test_quarter_hourly_means_of_radiation_are_averaged_to_the_hour() -> None:
    plant = _plant()
    weather, _ = toy_weather([plant], start="2024-06-01", step="15min", leads=4 * 72 + 1, days=10)
    task = ef.day_ahead("09:00", timezone="UTC")
    windows = task.windows(task.issue_times("2024-06-05", "2024-06-05"))
    names = {"": ["ghi"]}
    snapshot = take_snapshot(weather, None, sites=[plant], windows=windows, names=names, required=names)
    run = weather.sel(site="pv", init_time=snapshot.init_time[("", "pv")][0])
    quarters = pd.Series(run["ghi"].values, index=run["init_time"].values + run["lead_time"].values)
    expected = quarters.resample("1h").mean().reindex(windows.valid_time[0])
    np.testing.assert_allclose(snapshot.interval_mean("ghi")[0], expected, atol=1.0)


# -- steps of observations and forecast ------------------------------------------------------------


def _hourly_forecast() -> ef.Forecast:
    rows = {"issue_time": "2024-01-01 09:00", "valid_time": HOURS, "q0.1": 40.0, "q0.5": 50.0, "q0.9": 60.0}
    return ef.Forecast.from_frame(pd.DataFrame(rows), kind="wind")


def _quarters(name: str) -> ef.Observations:
    """Quarters of 80, 40, 40 and 40 MW: 50 MW in the mean of each hour."""
    index = pd.date_range("2024-01-02", periods=96, freq="15min", tz="UTC")
    values = pd.DataFrame({name: np.tile([80.0, 40.0, 40.0, 40.0], 24)}, index=index)
    return ef.Observations(values, published_after="1h")


def _realised(observed: ef.Observations | pd.Series) -> float:
    table = planning.compare_schedules(_hourly_forecast(), shortage=40, surplus=10, observations=observed)
    return float(table["realised_cost"].iloc[1])


def _exceedance(observed: ef.Observations) -> float:
    values = np.random.default_rng(0).normal(50, 5, (1000, 1, 24))
    scenarios = ef.Scenarios.from_values(values, sites=["net load"], valid_time=HOURS)
    table = planning.reserve(scenarios, risk=0.05)
    return float(planning.reserve_exceedance(table, observed)["share"].iloc[0])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(
            lambda: evaluation.mae(_quarters("site"), _hourly_forecast())["value"].iloc[0], id="mae"
        ),
        pytest.param(
            lambda: evaluation.imbalance_cost(
                _quarters("site"), _hourly_forecast(), shortage=40, surplus=10, level=0.5
            )["value"].iloc[0],
            id="imbalance_cost",
        ),
        pytest.param(lambda: _realised(_quarters("site")), id="compare_schedules"),
        pytest.param(lambda: _realised(_quarters("site").values["site"]), id="compare_schedules of a Series"),
        pytest.param(lambda: _exceedance(_quarters("net load")), id="reserve_exceedance"),
    ],
)
def test_an_hourly_forecast_of_the_hourly_mean_has_no_error_in_quarter_hours(
    error: Callable[[], float],
) -> None:
    with or_refused():
        assert error() == pytest.approx(0.0, abs=1e-6)


def _in_quarters(hourly: ef.Observations) -> ef.Observations:
    """Quarters around each hour, by -12, 4, 4 and 4 MW: the same means."""
    index = pd.date_range(hourly.index[0], periods=4 * len(hourly.index), freq="15min")
    values = np.repeat(hourly.values.to_numpy(), 4, axis=0)
    values += np.tile([-12.0, 4.0, 4.0, 4.0], len(hourly.index))[:, None]
    return ef.Observations(pd.DataFrame(values, index, list(hourly.sites)), published_after="1h")


@pytest.mark.parametrize(
    "figure",
    [
        pytest.param(lambda f, o: evaluation.bias(o, f)["value"].iloc[0], id="bias"),
        pytest.param(lambda f, o: evaluation.energy_error(o, f)["value"].iloc[0], id="energy_error"),
        pytest.param(lambda f, o: planning.hindcast_residuals(f, o).mean().iloc[0], id="hindcast_residuals"),
        pytest.param(
            lambda f, o: ef.AdaptiveCalibration(min_residuals=20).apply(f, o).data.values.mean(),
            id="AdaptiveCalibration",
        ),
    ],
)
def test_quarter_hours_with_the_same_hourly_means_give_the_same_figure(
    figure: Callable[[ef.Forecast, ef.Observations], float],
) -> None:
    forecast, hourly = example_days(days=14)
    quarters = _in_quarters(hourly)
    np.testing.assert_allclose(quarters.resample("1h").values, hourly.values)
    with or_refused():
        assert figure(forecast, quarters) == pytest.approx(figure(forecast, hourly), abs=1e-3, rel=1e-3)


def test_a_day_of_quarter_hours_is_not_shown_as_96_hours() -> None:
    index = pd.date_range("2024-01-02", periods=96, freq="15min", tz="UTC")
    rows = pd.DataFrame({"issue_time": "2024-01-01 09:00", "valid_time": index, "q0.5": 50.0})
    assert "96 hours" not in repr(ef.Forecast.from_frame(rows))


def test_the_hours_of_a_refused_quarter_hourly_backtest_are_counted_right() -> None:
    index = pd.date_range("2024-02-01", "2024-04-01", freq="15min", tz="UTC", inclusive="left")
    load = pd.DataFrame({"works": 5 + np.sin(np.arange(len(index)) / 15)}, index=index)
    demand = ef.read_demand(load, unit="MW", timezone="UTC", label="beginning", published_after="15min")
    works = ef.DemandArea(name="works", latitude=43.2, longitude=76.9, sector="industry")
    task = ef.intraday(every="1h", leads="4h", frequency="15min", quantiles=QUANTILES)
    forecaster = ef.Forecaster(works, task, model=ef.Persistence())
    with or_refused(r"\A(?!.*24 hours)"):
        ef.backtest(forecaster, {}, demand, start="2024-03", end="2024-03")


# -- issue times -----------------------------------------------------------------------------------


def test_a_forecast_issued_days_after_its_hours_is_refused() -> None:
    rows = pd.DataFrame({"issue_time": "2024-01-05", "valid_time": HOURS, "q0.5": 50.0})
    observed = ef.Observations(pd.DataFrame({"site": 50.0}, index=HOURS), published_after="1h")
    with pytest.raises(WrongDataError):
        evaluation.mae(observed, ef.Forecast.from_frame(rows), by="lead_time")
