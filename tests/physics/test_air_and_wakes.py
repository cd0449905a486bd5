"""Air at hub height, power coefficients and wakes by wind speed: published values, laws and refused arguments."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyforecast import physics
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError
from tests.support.error_messages import three_lines

# --- Air at hub height ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("altitude", "temp_air", "pressure", "density"),
    [
        # ISO 2533 / US Standard Atmosphere (1976): altitude [m], °C, Pa, kg m⁻³
        (100, 14.35, 100_129, 1.2133),
        (500, 11.75, 95_461, 1.1673),
        (1000, 8.5, 89_876, 1.1117),
        (2000, 2.0, 79_501, 1.0066),
        (5000, -17.5, 54_020, 0.73612),  # geopotential altitude
    ],
)
def test_the_air_is_that_of_the_standard_atmosphere(
    altitude: int, temp_air: float, pressure: float, density: float
) -> None:
    warmth = physics.temp_air_at_height(15.0, hub_height=altitude, height=0.0)
    assert float(warmth) == pytest.approx(temp_air, abs=0.02)
    found = physics.pressure_at_height(101_325.0, 15.0, hub_height=altitude)
    assert float(found) == pytest.approx(pressure, rel=3e-4)
    thin = physics.air_density_at_height(15.0, 101_325.0, hub_height=altitude, temp_height=0.0)
    assert float(thin) == pytest.approx(density, rel=5e-4)


def test_the_pressure_is_the_weight_of_the_air_above() -> None:
    # The hydrostatic equation, summed over layers of 1 cm.
    for lapse in (-0.02, 0.0, 1e-9, 0.0065, 0.012):
        height = np.arange(0.0, 200.0, 0.01) + 0.005
        kelvin = 283.15 - lapse * height
        summed = 98_000.0 * np.exp(-9.80665 / 287.05 * np.sum(0.01 / kelvin))
        found = physics.pressure_at_height(98_000.0, 10.0, hub_height=200.0, lapse_rate=lapse)
        assert float(found) == pytest.approx(summed, rel=1e-9)


@given(st.floats(-40, 45), st.floats(60_000, 105_000), st.floats(0, 100), st.floats(2, 250))
def test_the_density_is_that_of_the_pressure_and_the_temperature_there(
    temp_air: float, pressure: float, humidity: float, hub: float
) -> None:
    dry = physics.air_density_at_height(temp_air, pressure, hub_height=hub, temp_height=0.0)
    warmth = physics.temp_air_at_height(temp_air, hub_height=hub, height=0.0)
    there = physics.pressure_at_height(pressure, temp_air, hub_height=hub)
    assert float(dry) == pytest.approx(float(physics.air_density(warmth, there)), rel=1e-12)
    damp = physics.air_density_at_height(
        temp_air, pressure, hub_height=hub, relative_humidity=humidity, temp_height=0.0
    )
    assert float(damp) <= float(dry)


def test_at_the_heights_of_the_data_nothing_changes_and_missing_stays_missing() -> None:
    warmth, pressure = np.array([10.0, np.nan]), np.array([99_000.0, 99_000.0])
    same = physics.air_density_at_height(warmth, pressure, hub_height=0.0, temp_height=0.0)
    np.testing.assert_allclose(same, physics.air_density(warmth, pressure), rtol=1e-14)
    inverted = physics.temp_air_at_height(5.0, hub_height=102.0, lapse_rate=np.array([-0.01, np.nan]))
    np.testing.assert_allclose(inverted, [6.0, np.nan])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: physics.temp_air_at_height(15.0, hub_height=-1.0), "0 or above"),
        (lambda: physics.temp_air_at_height(15.0, hub_height=math.nan), "0 or above"),
        (lambda: physics.temp_air_at_height(15.0, hub_height=100.0, height=math.inf), "0 or above"),
        (lambda: physics.temp_air_at_height(15.0, hub_height=100.0, lapse_rate=6.5), "0.0065"),
        (lambda: physics.temp_air_at_height(-300.0, hub_height=100.0), "temp_air"),
        (lambda: physics.pressure_at_height(0.0, 15.0, hub_height=100.0), "pressure"),
        (lambda: physics.pressure_at_height(1e5, 15.0, hub_height=100.0, lapse_rate=-0.04), "lapse_rate"),
        (lambda: physics.air_density_at_height(15.0, -1.0, hub_height=100.0), "pressure"),
    ],
)
def test_air_that_cannot_be_is_refused(call: Callable[[], object], named: str) -> None:
    with pytest.raises(RangeError) as caught:
        call()
    three_lines(caught.value, named)


# --- Power coefficients ---------------------------------------------------------------------------

COEFFICIENT = np.array([3.0, 5.0, 10.0, 25.0]), np.array([0.2, 0.42, 0.45, 0.03])


def test_the_power_of_a_coefficient_by_hand() -> None:
    # π/8 × 1.225 × 100² × 10³ × 0.45 W = 2.1648 MW, in air of 1.0 kg/m³ 1.7671 MW
    found = physics.power_from_coefficient(
        10.0, *COEFFICIENT, rotor_diameter=100, density=np.array([1.225, 1.0])
    )
    np.testing.assert_allclose(found, [2.1648, 1.7671], atol=5e-5)


def test_power_ends_at_rated_and_at_the_cut_out() -> None:
    wind = np.array([2.9, 3.0, 14.0, 24.0, 25.0, 27.0, 28.1, np.nan])
    plain = physics.power_from_coefficient(wind, *COEFFICIENT, rotor_diameter=100, rated=3.0)
    np.testing.assert_allclose(plain, [0.0, 0.02598, 3.0, 3.0, 2.25495, 0.0, 0.0, np.nan], atol=5e-5)
    further = physics.power_from_coefficient(wind, *COEFFICIENT, rotor_diameter=100, rated=3.0, cut_out=28.0)
    np.testing.assert_allclose(further[5:], [2.84059, 0.0, np.nan], atol=5e-5)


@pytest.mark.parametrize(
    ("changed", "kind", "named"),
    [
        ({"power_coefficient": np.array([20.0, 42.0, 45.0, 3.0])}, RangeError, "16/27"),
        ({"power_coefficient": np.array([0.2, np.nan, 0.45, 0.03])}, SchemaError, "power_coefficient"),
        ({"curve_speed": np.array([3.0, 3.0, 10.0, 25.0])}, SchemaError, "must rise"),
        ({"rotor_diameter": 0.0}, RangeError, "rotor diameter"),
        ({"rated": -1.0}, RangeError, "rated power"),
        ({"density": np.array([1.2, 0.0])}, RangeError, "density"),
    ],
)
def test_a_coefficient_that_no_rotor_has_is_refused(
    changed: dict[str, object], kind: type[EnergyForecastError], named: str
) -> None:
    given = {"curve_speed": COEFFICIENT[0], "power_coefficient": COEFFICIENT[1], "rotor_diameter": 100.0}
    with pytest.raises(kind) as caught:
        physics.power_from_coefficient(8.0, **{**given, **changed})
    three_lines(caught.value, named)


# --- Wakes by wind speed --------------------------------------------------------------------------


def test_the_efficiency_is_constant_outside_its_points() -> None:
    wind = np.array([0.0, 2.0, 7.5, 30.0, np.nan])
    found = physics.wake_wind_speed(wind, np.array([5.0, 10.0]), np.array([0.8, 0.9]))
    np.testing.assert_allclose(found, [0.0, 1.6, 6.375, 27.0, np.nan])


@pytest.mark.parametrize(
    ("speeds", "efficiency", "kind"),
    [
        ([10.0, 5.0], [0.8, 0.9], SchemaError),
        ([5.0, np.nan], [0.8, 0.9], SchemaError),
        ([], [], SchemaError),
        ([5.0, 10.0], [0.8], SchemaError),
        ([5.0, 10.0], [80.0, 90.0], RangeError),
        ([5.0, 10.0], [0.0, 0.9], RangeError),
        ([5.0, 10.0], [np.nan, 0.9], SchemaError),
    ],
)
def test_an_efficiency_that_is_no_share_by_wind_speed_is_refused(
    speeds: list[float], efficiency: list[float], kind: type[EnergyForecastError]
) -> None:
    with pytest.raises(kind) as caught:
        physics.wake_wind_speed(8.0, np.array(speeds), np.array(efficiency))
    three_lines(caught.value, "fficiency")
