"""Plants of several arrays and inverters, with an export limit and a horizon: power, checks, files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import energyforecast as ef
from energyforecast import configuration, physics
from energyforecast.errors import ConfigurationError, EnergyForecastError
from energyforecast.forecasting.description import site_from_json
from tests.support.error_messages import three_lines

HOURS = np.arange(
    np.datetime64("2023-01-01T00:30", "ns"), np.datetime64("2024-01-01", "ns"), np.timedelta64(1, "h")
)
PLACE: dict[str, Any] = {"name": "roof", "latitude": 60.0, "longitude": 11.0}
SIDES = {"east": 90.0, "west": 270.0}


def _power(plant: ef.PVPlant, scale: float = 1.0, **weather: Any) -> np.ndarray:
    position = physics.solar_position(HOURS, plant.latitude, plant.longitude)
    ghi = scale * physics.clear_sky(position).ghi
    return plant.power(ghi, position, temp_air=5.0, wind_speed=3.0, **weather)


def _roof(*, inverters: bool = False, **given: Any) -> ef.PVPlant:
    arrays = [
        ef.PVArray(dc_capacity=0.06, surface_azimuth=azimuth, inverter=side if inverters else None)
        for side, azimuth in SIDES.items()
    ]
    each = dict.fromkeys(SIDES, 0.03) if inverters else {}
    known: dict[str, Any] = {"capacity": 0.1, "surface_tilt": 30.0, "arrays": arrays, "inverters": each}
    return ef.PVPlant(**PLACE, **known | given)


def test_one_array_is_the_plant_without_arrays() -> None:
    alone = ef.PVPlant(**PLACE, capacity=0.1, surface_tilt=30.0, surface_azimuth=120.0, dc_capacity=0.12)
    array = ef.PVArray(dc_capacity=0.12, surface_azimuth=120.0)
    np.testing.assert_array_equal(
        _power(ef.PVPlant(**PLACE, capacity=0.1, surface_tilt=30.0, arrays=[array])), _power(alone)
    )


def test_on_one_inverter_the_direct_currents_add_up() -> None:
    """Small sides do not reach the limit: their sum is the roof's power, but for the inverter's own use."""
    whole = _power(_roof(), 0.6)
    east = ef.PVPlant(**PLACE, capacity=0.1, dc_capacity=0.06, surface_tilt=30.0, surface_azimuth=90.0)
    sides = [east, dataclasses.replace(east, surface_azimuth=270.0)]
    apart = np.sum([_power(side, 0.6) for side in sides], axis=0)
    day = whole > 0.05
    np.testing.assert_allclose(whole[day], apart[day], atol=0.012)
    morning, evening = (np.arange(len(HOURS)) % 24 == hour for hour in (6, 16))
    assert _power(sides[0])[morning].sum() > 2 * _power(sides[1])[morning].sum()
    assert _power(sides[1])[evening].sum() > 2 * _power(sides[0])[evening].sum()


def test_each_inverter_limits_its_own_arrays() -> None:
    shared, apart = _roof(capacity=0.06), _roof(inverters=True, capacity=0.06)
    assert _power(apart).max() <= 1.0 + 1e-12
    assert (_power(apart) <= _power(shared) + 0.01).all()  # but for the inverters' own use
    assert _power(apart).sum() < 0.98 * _power(shared).sum()  # each side clips at noon of its own
    east = ef.PVPlant(**PLACE, capacity=0.03, dc_capacity=0.06, surface_tilt=30.0, surface_azimuth=90.0)
    west = dataclasses.replace(east, surface_azimuth=270.0)
    np.testing.assert_allclose(_power(apart), 0.5 * (_power(east) + _power(west)), atol=1e-12)


def test_the_export_limit_is_the_highest_power_and_that_of_forecasts() -> None:
    free, cut = _roof(), _roof(export_limit=0.07)
    np.testing.assert_allclose(_power(cut), np.minimum(_power(free), 0.7), atol=1e-12)
    assert cut.largest_share == pytest.approx(0.7)
    assert free.largest_share == 1.0
    position = physics.solar_position(HOURS, 60.0, 11.0)
    assert cut.clear_sky_power(position).max() == pytest.approx(0.7)


def test_a_horizon_in_the_east_takes_the_mornings() -> None:
    free = _roof()
    behind = _roof(horizon=[(30, 0), (60, 30), (120, 30), (150, 0)])
    lost = 1.0 - _power(behind) / np.maximum(_power(free), 1e-9)
    bright = _power(free) > 0.1
    hour = np.arange(len(HOURS)) % 24
    assert lost[bright & (hour == 5)].mean() > 0.5
    assert lost[bright & (hour == 15)].mean() < 0.05


def test_parts_keep_the_settings_of_the_plant() -> None:
    plant = _roof(temperature_model="sapm_close_mount", transposition="perez", bifaciality=0.6)
    assert [part.surface_azimuth for part in plant.parts] == [90.0, 270.0]
    assert {part.temperature_model for part in plant.parts} == {"sapm_close_mount"}
    assert plant.dc_ac_ratio == pytest.approx(1.2)
    assert sum(part.dc_ac_ratio for part in plant.parts) == pytest.approx(1.2)
    assert sum(part.dc_ac_ratio for part in _roof(capacity=None).parts) == pytest.approx(1.2)
    with pytest.raises(EnergyForecastError) as caught:
        plant.orientation(physics.solar_position(HOURS[:1], 60.0, 11.0))
    three_lines(caught.value, "parts")


@pytest.mark.parametrize(
    "wrong",
    [
        {"inverters": {"a": 1.0}},
        {"arrays": [{"azimuth": 90}]},
        {"arrays": [{"surface_azimuth": 90}]},
        {"arrays": [{"dc_capacity": -1.0}]},
        {"arrays": [{"dc_capacity": float("nan")}]},
        {"arrays": [{"dc_capacity": 1.0, "surface_tilt": 100.0}]},
        {"arrays": [{"dc_capacity": 1.0, "inverter": "a"}]},
        {"arrays": [{"dc_capacity": 1.0, "inverter": "a"}], "inverters": {"a": -1.0}},
        {"arrays": [{"dc_capacity": 1.0}], "dc_capacity": 3.0},
        {"arrays": "east"},
        {"arrays": 5},
        {"horizon": [(1, 2, 3)]},
        {"horizon": [(0, 95)]},
        {"horizon": 5},
        {"export_limit": 2.0},
        {"export_limit": 0.0},
        {"transposition": "klucher"},
        {"temperature_model": "sandia"},
        {"row_shading": True, "axis_tilt": 4.0},
        {"axis_tilt": 95.0},
        {"cross_axis_tilt": 90.0},
        {"soiling_rate": 0.5},
        {"snow": 1},
    ],
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        ef.PVPlant(**PLACE, capacity=1.0, **wrong)
    three_lines(caught.value)


FILE = """
[sites.roof]
kind = "solar"
latitude = 60.0
longitude = 11.0
capacity = 0.1
surface_tilt = 30.0
horizon = [[90, 12], [180, 4.5], [270, 20]]
transposition = "perez"
export_limit = 0.08
inverters = { east = 0.03, west = 0.03 }

[[sites.roof.arrays]]
dc_capacity = 0.06
surface_azimuth = 90.0
inverter = "east"

[[sites.roof.arrays]]
dc_capacity = 0.06
surface_azimuth = 270.0
inverter = "west"

[weather]
file = "weather.nc"

[observations]
file = "power.csv"
unit = "kW"
timezone = "UTC"
label = "beginning"
published_after = "1h"

[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Oslo"
"""


def test_a_configuration_and_a_stored_forecaster_carry_the_arrays(tmp_path: Path) -> None:
    (tmp_path / "roof.toml").write_text(FILE)
    plant = configuration.read(tmp_path / "roof.toml").sites[0]
    expected = _roof(
        inverters=True, horizon=[(90, 12), (180, 4.5), (270, 20)], transposition="perez", export_limit=0.08
    )
    assert plant == expected
    stored = {"type": "PVPlant"} | dataclasses.asdict(plant)
    assert site_from_json(stored) == plant
    assert isinstance(hash(plant), int)


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("surface_azimuth = 90.0", "surface_azimut = 90.0", "surface_azimuth"),
        ('inverter = "west"', 'inverter = "north"', "north"),
        ('"perez"', '"klucher"', "haydavies"),
        ("[[90, 12],", "[[90, 12, 3],", "horizon"),
        ("dc_capacity = 0.06\nsurface_azimuth = 270.0", "surface_azimuth = 270.0", "dc_capacity"),
    ],
)
def test_a_configuration_names_what_is_wrong(tmp_path: Path, line: str, instead: str, words: str) -> None:
    (tmp_path / "roof.toml").write_text(FILE.replace(line, instead))
    with pytest.raises(ConfigurationError) as caught:
        configuration.read(tmp_path / "roof.toml")
    three_lines(caught.value, words)
