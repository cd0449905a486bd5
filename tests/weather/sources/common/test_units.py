"""Conversion of units as files write them."""

from __future__ import annotations

import numpy as np
import pytest

from energyforecast.errors import UnitsError
from energyforecast.weather.sources.common.units import converted


@pytest.mark.parametrize(
    ("name", "unit", "hours", "value", "expected"),
    [
        ("wind_speed_100m", "km/h", 1.0, 36.0, 10.0),
        ("temp_air", "K", 1.0, 273.15, 0.0),
        ("temp_air", "°F", 1.0, 212.0, 100.0),
        ("pressure", "hPa", 1.0, 1013.25, 101325.0),
        ("ghi", "J/m2", 0.5, 900_000.0, 500.0),
        ("ghi", "kWh/m2", 3.0, 1.5, 500.0),
        ("precipitation", "mm", 6.0, 3.0, 0.5),
    ],
)
def test_units_become_those_of_the_library(
    name: str, unit: str, hours: float, value: float, expected: float
) -> None:
    assert converted(np.array([value]), name, unit=unit, hours=hours)[0] == pytest.approx(expected)


def test_a_unit_of_another_quantity_is_refused() -> None:
    with pytest.raises(UnitsError, match="temp_air"):
        converted(np.array([1.0]), "temp_air", unit="m/s", hours=1.0)
