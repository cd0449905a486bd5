"""Driver of a site's power, and the power that is usual with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core.sites import PVPlant, Site
from energyforecast.observations.power_driver import driver_at, expected_power


def test_a_series_is_linear_between_instants_and_unknown_over_long_gaps() -> None:
    hours = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 06:00"], tz="UTC")
    wind = pd.Series([4.0, 8.0, 9.0], index=hours, name="wind")
    farm = Site(name="farm", latitude=43.6, longitude=78.5)
    moments = pd.DatetimeIndex(["2024-01-01 00:30", "2024-01-01 03:00", "2024-01-01 07:00"], tz="UTC")
    values, name = driver_at(moments, wind, site=farm)
    np.testing.assert_array_equal(values, [6.0, np.nan, np.nan])
    assert name == "wind"


@pytest.mark.parametrize(("method", "expected"), [("time: point", 130.0), ("time: mean", 100.0)])
def test_radiation_of_weather_is_taken_at_its_instants_or_in_the_middle_of_its_means(
    method: str, expected: float
) -> None:
    plant = PVPlant(name="pv", latitude=43.6, longitude=78.5, capacity=1.0)
    hours = np.datetime64("2024-06-01T04", "ns") + np.arange(4) * np.timedelta64(1, "h")
    ghi = xr.DataArray([[70.0, 130.0, 190.0, 250.0]], dims=("site", "time"), attrs={"cell_methods": method})
    coords = {"site": ["pv"], "time": hours, "available_time": ("time", hours + np.timedelta64(5, "D"))}
    weather = xr.Dataset({"ghi": ghi}, coords=coords, attrs={"kind": "analysis"})
    assert driver_at(pd.DatetimeIndex(hours[1:2], tz="UTC"), weather, site=plant)[0] == [expected]


def test_usual_power_is_the_median_of_its_class() -> None:
    wind = np.tile(np.arange(20.0), 50)
    power = wind**2
    power[:20] = 0.0  # an outage in one hour of each class
    assert expected_power(power, wind, classes=20)[:4].round().tolist() == [0.0, 1.0, 4.0, 9.0]
    wind[3] = np.nan
    assert np.isnan(expected_power(power, wind)[3])
    assert np.isnan(expected_power(power[:50], wind[:50])).all()
