"""Runs that cover a day in UTC for a task of local days: missing hours come from the run before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import MissingDataError
from energyforecast.testing import check_no_leakage
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

LEVELS = (0.1, 0.5, 0.9)
FARM = wind_farm(timezone="Asia/Almaty")
PV = ef.PVPlant(name="farm", latitude=48, longitude=75, capacity=100, timezone="Asia/Almaty")
CAVEAT = "from the run before"


def _day_runs(site: ef.Site, *, days: int = 80) -> tuple[xr.Dataset, ef.Observations]:
    """Runs of 0 UTC that hold the day after in UTC alone."""
    weather, truth = toy_weather([site], days=days, cycle="24h", leads=48, latency="2h")
    return weather.isel(lead_time=slice(24, None)), toy_power([site], truth)


def _task(timezone: str, issue: str) -> ef.Task:
    return ef.day_ahead(issue, timezone=timezone, quantiles=LEVELS)


@pytest.mark.parametrize("site", [FARM, PV], ids=["wind", "pv"])
def test_a_local_day_is_made_of_two_runs_in_fit_and_forecast(site: ef.Site) -> None:
    weather, power = _day_runs(site)
    task = _task("Asia/Almaty", "09:00")
    forecaster = ef.Forecaster(site, task, model=quick_model(), trust_clock=True).fit(weather, power)
    assert forecaster.training_.origins > 70
    forecast = forecaster.predict(weather, power, issue_time="2024-03-05 09:00")
    assert np.isfinite(forecast.data.values).all()
    assert forecast.data["fallback_level"].values.tolist() == [[0]]
    assert any(CAVEAT in line for line in forecast.caveats)
    assert forecast.data["weather_init_time"].values[0, 0] == np.datetime64("2024-03-05")


def test_each_hour_has_the_value_and_the_age_of_its_run() -> None:
    weather, power = _day_runs(FARM)
    hour = ef.features.FeatureSet((ef.features.WindSpeed(), ef.features.WeatherAge()))
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), features=hour, model=quick_model())
    matrix = forecaster.design_matrix(weather, power, ["2024-03-05 04:00"])
    table = matrix.columns["farm"].set_index(pd.DatetimeIndex(matrix.valid_time))
    # The local day begins at 18 or 19 UTC of 5 March; the run of that day begins on 6 March.
    before = table.index < "2024-03-06"
    assert 5 <= before.sum() <= 6
    assert set(table["weather_age"][before]) == {28.0}
    assert set(table["weather_age"][~before]) == {4.0}
    assert table["weather_lead_time"][before].tolist() == [h + 24.0 for h in table.index.hour[before]]
    assert table["weather_lead_time"][~before].tolist() == [h + 24.0 for h in table.index.hour[~before]]
    speed = weather["wind_speed_100m"].sel(site="farm")
    yesterday = speed.sel(init_time="2024-03-04").values.ravel()[-before.sum() :]
    assert np.isfinite(yesterday).all()
    assert matrix.from_earlier[("", "farm")].tolist() == [before.sum()]
    assert matrix.usable.all()


def test_a_backtest_says_so() -> None:
    weather, power = _day_runs(FARM)
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model())
    result = ef.backtest(forecaster, weather, power, start="2024-03-01", end="2024-03-10")
    assert CAVEAT in repr(result)
    assert set(result.origins["hours_of_earlier_run"]) <= {5, 6}
    assert set(result.origins["weather_age"]) <= {3.0, 4.0}


def test_a_lost_run_leaves_two_local_days_without_weather() -> None:
    weather, power = _day_runs(FARM)
    lost = weather.isel(init_time=weather["init_time"].values != np.datetime64("2024-02-20"))
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model())
    with pytest.raises(MissingDataError, match="2024-02-20"):
        forecaster.fit(lost, power)
    fitted = forecaster.fit(lost, power, missing="drop")
    assert fitted.training_.without_weather == 3  # and the day before the first run


def test_a_single_run_that_has_all_hours_is_preferred() -> None:
    weather, truth = toy_weather([FARM], days=60, cycle="24h", leads=72, latency="2h")
    power = toy_power([FARM], truth)
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model()).fit(weather, power)
    forecast = forecaster.predict(weather, power, issue_time="2024-02-20 09:00")
    assert not forecast.caveats


def test_a_hole_within_the_runs_is_not_filled() -> None:
    weather, power = _day_runs(FARM)
    holed = weather.copy(deep=True)
    holed["wind_speed_100m"][:, :, 10] = np.nan
    with pytest.raises(MissingDataError, match=r"lacks|had arrived|ends at"):
        ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model()).fit(holed, power)


def test_hours_after_the_last_run_are_not_filled() -> None:
    weather, power = _day_runs(FARM)
    farm = wind_farm(timezone="America/New_York")
    forecaster = ef.Forecaster(farm, _task("America/New_York", "09:00"), model=quick_model())
    with pytest.raises(MissingDataError):
        forecaster.fit(weather, power)


@pytest.mark.slow
def test_completed_runs_leak_nothing() -> None:
    weather, power = _day_runs(FARM)
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model())
    check_no_leakage(forecaster, weather, power, issue_time="2024-03-01 09:00")


def test_runs_published_lead_by_lead_are_completed_as_far_as_they_had_arrived() -> None:
    weather, power = _day_runs(FARM)
    arrival = weather["init_time"] + np.timedelta64(2, "h") + 0 * weather["lead_time"]
    forecaster = ef.Forecaster(FARM, _task("Asia/Almaty", "09:00"), model=quick_model())
    forecaster.fit(weather.assign_coords(available_time=arrival), power)
    late = arrival.where(weather["lead_time"] < np.timedelta64(40, "h"), arrival + np.timedelta64(12, "h"))
    with pytest.raises(MissingDataError):
        forecaster.fit(weather.assign_coords(available_time=late), power)
