"""Measured weather: when each value was known, and that nobody takes it for a forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast import DemandArea, Forecaster, Observations, day_ahead
from energyforecast.errors import PerfectWeatherError, SchemaError, TimeError, UnitsError
from energyforecast.models import LinearQuantiles
from energyforecast.testing import example_weather
from energyforecast.weather import known_by, measured_weather

HOURS = pd.date_range("2024-03-01", "2024-05-01", freq="1h", tz="UTC", inclusive="left")
ISSUE = np.datetime64("2024-04-10T06:00", "ns")
HOUR = np.timedelta64(1, "h")
CITY = DemandArea(name="city", latitude=43.2, longitude=76.9, timezone="UTC")


def _celsius(seed: int = 1) -> pd.DataFrame:
    """Days, and days that are warmer and colder."""
    rng = np.random.default_rng(seed)
    days = rng.normal(10, 5, len(HOURS) // 24).repeat(24)
    return pd.DataFrame({"city": days + 5 * np.sin(2 * np.pi * HOURS.hour / 24)}, index=HOURS)


def _sun() -> pd.DataFrame:
    return pd.DataFrame({"city": 700 * np.clip(np.sin(2 * np.pi * (HOURS.hour - 1) / 24), 0, 1)}, index=HOURS)


def test_instants_are_known_after_the_latency_and_means_after_their_interval() -> None:
    for values, late in (({"temp_air": _celsius()}, 2), ({"temp_air": _celsius(), "ghi": _sun()}, 3)):
        measured = measured_weather(values, published_after="2h")
        assert (measured["available_time"].values - measured["time"].values == late * HOUR).all()
        known = known_by(measured, ISSUE)["temp_air"].notnull().values[0]
        assert measured["time"].values[known][-1] == ISSUE - late * HOUR
    assert measured["ghi"].attrs["cell_methods"] == "time: mean"
    measured["available_time"][:] = np.datetime64("NaT", "ns")
    assert not known_by(measured, ISSUE)["temp_air"].notnull().any()


def test_tables_of_other_sites_and_times_are_joined() -> None:
    town = _celsius(2)[:-24].set_axis(["town"], axis=1)
    measured = measured_weather({"temp_air": town, "relative_humidity": _sun() / 10}, published_after="0h")
    assert measured["site"].values.tolist() == ["city", "town"]
    assert measured.sizes["time"] == len(HOURS)
    np.testing.assert_allclose(measured["temp_air"].sel(site="town").values[:-24], town["town"], rtol=1e-6)
    assert measured["temp_air"].sel(site="city").isnull().all()


def test_what_is_no_weather_is_refused() -> None:
    with pytest.raises(UnitsError, match="kelvin"):
        measured_weather({"temp_air": _celsius() + 273.15}, published_after="0h")
    with pytest.raises(SchemaError, match="no table"):
        measured_weather({}, published_after="0h")
    with pytest.raises(SchemaError, match="flows"):
        measured_weather({"flows": _sun()}, published_after="0h")
    with pytest.raises(TimeError, match="Times must rise"):
        measured_weather({"temp_air": _celsius()[::-1]}, published_after="0h")


@pytest.mark.parametrize("with_models", [False, True])
def test_it_is_refused_as_a_forecast_alone_and_with_weather_models(with_models: bool) -> None:
    """Its hours of the window are known to nobody at the issue."""
    measured = measured_weather({"temp_air": _celsius()}, published_after="1h")
    weather = (
        {"station": measured, "model": example_weather().assign_coords(site=["city"])}
        if with_models
        else measured
    )
    demand = Observations(100 - _celsius(), published_after="1h")
    forecaster = Forecaster(CITY, day_ahead("06:00", timezone="UTC"), model=LinearQuantiles())
    with pytest.raises(PerfectWeatherError):
        forecaster.fit(weather, demand)
