"""Driver of a site's power, and the power that is usual with it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energyforecast.core.sites import Site
from energyforecast.observations.power_driver import driver_at, expected_power


def test_a_series_is_linear_between_instants_and_unknown_over_long_gaps() -> None:
    hours = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 06:00"], tz="UTC")
    wind = pd.Series([4.0, 8.0, 9.0], index=hours, name="wind")
    farm = Site(name="farm", latitude=43.6, longitude=78.5)
    moments = pd.DatetimeIndex(["2024-01-01 00:30", "2024-01-01 03:00", "2024-01-01 07:00"], tz="UTC")
    values, name = driver_at(moments, wind, site=farm)
    np.testing.assert_array_equal(values, [6.0, np.nan, np.nan])
    assert name == "wind"


def test_usual_power_is_the_median_of_its_class() -> None:
    wind = np.tile(np.arange(20.0), 50)
    power = wind**2
    power[:20] = 0.0  # an outage in one hour of each class
    assert expected_power(power, wind, classes=20)[:4].round().tolist() == [0.0, 1.0, 4.0, 9.0]
    wind[3] = np.nan
    assert np.isnan(expected_power(power, wind)[3])
    assert np.isnan(expected_power(power[:50], wind[:50])).all()
