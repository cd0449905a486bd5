"""Arguments of physical functions: wrong types, units and shapes end in errors of the library, all else in numbers."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import physics
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError
from tests.support.error_messages import three_lines

HOURS = np.arange("2024-06-21T00", "2024-06-22T00", dtype="M8[h]").astype("M8[ns]")
SUN = physics.solar_position(HOURS, 48.0, 10.0)
GHI = 0.7 * physics.clear_sky(SUN).ghi
LIGHT = physics.decompose(GHI, SUN)
WIND = np.linspace(0.0, 30.0, 24)
SYSTEM = {"surface_tilt": 30.0, "surface_azimuth": 180.0, "bifaciality": 0.0, "gcr": 0.4, "dc_ac_ratio": 1.2}
CURVE: dict[str, Any] = {"curve_speed": np.array([3.0, 12.0, 25.0]), "power": np.array([0.0, 1.0, 1.0])}
HEIGHTS = {"lower_height": 10.0, "upper_height": 100.0}

#: Valid arguments of each public function.
VALID: dict[str, dict[str, Any]] = {
    "PVSystem": SYSTEM,
    "ac_power": {
        "effective": GHI, "temp_cell": 25.0, "dc_ac_ratio": 1.2, "gamma_pdc": -0.0035, "losses": 0.1,
    },
    "air_density_at_height": {"temp_air": 10.0, "pressure": 1e5, "hub_height": 100.0},
    "air_density": {"temp_air": 10.0, "pressure": 1e5, "relative_humidity": 50.0},
    "apparent_temperature": {"temp_air": 10.0, "relative_humidity": 50.0, "wind_speed": 5.0},
    "behind_horizon": {
        "irradiance": LIGHT, "position": SUN, "azimuth": np.array([90.0, 270.0]), "elevation": np.array([9.0, 3.0]),
    },
    "cell_temperature": {"poa_global": GHI, "temp_air": 10.0, "wind_speed": 3.0, "model": "faiman"},
    "clear_sky": {"position": SUN, "linke_turbidity": 3.0, "altitude": 100.0},
    "clear_sky_index": {"value": GHI, "clear": GHI / 0.7, "min_clear": 20.0, "max_index": 1.5},
    "complete_irradiance": {"ghi": GHI, "position": SUN, "dni": LIGHT.dni, "dhi": None},
    "cooling_degrees": {"temp_air": WIND, "base": 20.0, "softness": 1.0},
    "curve_power": {"wind_speed": WIND, **CURVE, "density": 1.2, "cut_out": 25.0},
    "day_length": {"latitude": 48.0, "day_of_year": 100.0},
    "daylight_share": {"solar_hour": 12.0, "length": 10.0, "interval": 1.0},
    "decompose": {"ghi": GHI, "position": SUN},
    "density_corrected_wind_speed": {"wind_speed": WIND, "density": 1.2},
    "heating_degrees": {"temp_air": WIND, "base": 15.0, "softness": 1.0},
    "hour_after_sunset": {"solar_hour": 12.0, "length": 10.0},
    "icing_conditions": {
        "temp_air": -WIND, "relative_humidity": 90.0, "max_temp_air": 0.0, "min_humidity": 95.0,
    },
    "ideal_turbine_power": {
        "wind_speed": WIND, "specific_power": 300.0, "power_coefficient": 0.4, "density": 1.2,
    },
    "optimal_tilt": {"latitude": 48.0},
    "plane_of_array": {
        "irradiance": LIGHT, "position": SUN, "surface_tilt": 30.0, "surface_azimuth": 180.0, "albedo": 0.2,
        "bifaciality": 0.0, "gcr": 0.4, "transposition": "perez",
    },
    "pv_power": {
        "irradiance": LIGHT, "position": SUN, "system": physics.PVSystem(**SYSTEM), "temp_air": 10.0,
        "wind_speed": 3.0, "albedo": 0.2, "soiling": 0.0, "snow": 0.0,
    },
    "power_from_coefficient": {
        "wind_speed": WIND, "curve_speed": CURVE["curve_speed"], "power_coefficient": np.array([0.2, 0.4, 0.05]),
        "rotor_diameter": 100.0, "density": 1.2, "rated": 3.0, "cut_out": 25.0,
    },
    "pressure_at_height": {
        "pressure": 1e5, "temp_air": 10.0, "hub_height": 100.0, "height": 2.0, "lapse_rate": 0.0065,
    },
    "rear_irradiance": {"ghi": GHI, "surface_tilt": 30.0, "albedo": 0.2, "gcr": 0.4},
    "row_shading": {"position": SUN, "surface_tilt": 30.0, "surface_azimuth": 180.0, "gcr": 0.4},
    "shear_exponent": {
        "lower_speed": WIND, "upper_speed": WIND + 1, **HEIGHTS, "min_speed": 1.0, "bounds": (-0.2, 0.6),
        "calm_exponent": 0.14,
    },
    "sky_view": {"azimuth": np.array([90.0, 270.0]), "elevation": np.array([9.0, 3.0])},
    "smoothed_curve_power": {"wind_speed": WIND, **CURVE, "deviation": 1.0},
    "solar_hour": {"time": HOURS, "longitude": 10.0},
    "solar_position": {"time": HOURS, "latitude": 48.0, "longitude": 10.0},
    "temp_air_at_height": {"temp_air": 10.0, "hub_height": 100.0, "height": 2.0, "lapse_rate": 0.0065},
    "thermal_inertia": {"temp_air": WIND, "time_constant": 24.0, "step": 1.0},
    "tracker_orientation": {"position": SUN, "axis_azimuth": 180.0, "max_angle": 55.0, "gcr": 0.4, "axis_tilt": 5.0},
    "turbines_running": {"wind_speed": WIND, "stop": 25.0, "restart": 22.0, "axis": -1},
    "wake_factor": {
        "wind_direction": WIND, "sector_direction": np.array([0.0, 90.0]), "factor": np.array([0.9, 1.0]),
    },
    "wake_wind_speed": {
        "wind_speed": WIND, "curve_speed": CURVE["curve_speed"], "efficiency": np.array([0.8, 0.9, 1.0]),
    },
    "wind_components": {"wind_speed": WIND, "wind_direction": WIND},
    "wind_from_components": {"eastward": WIND, "northward": WIND},
    "wind_speed_between_heights": {
        "lower_speed": WIND, "upper_speed": WIND + 1, **HEIGHTS, "hub_height": 80.0,
    },
    "wind_speed_log_law": {"wind_speed": WIND, "height": 10.0, "hub_height": 80.0, "roughness_length": 0.1},
    "wind_speed_power_law": {"wind_speed": WIND, "height": 10.0, "hub_height": 80.0, "exponent": 0.14},
    "wind_veer": {"lower_direction": WIND, "upper_direction": WIND},
}  # fmt: skip

#: Functions of positions and structures that the library returns itself.
WITHOUT = {"Irradiance", "PlaneOfArray", "RowShading", "SolarPosition", "is_dark"}

WRONG: list[Any] = [
    "text", b"1", [], ["a", None], {}, object(), len, 1j, True, int, None, [[1.0], [1.0, 2.0]],
    np.datetime64("NaT"), pd.Timestamp("2024-01-01"), np.array(["a"]), np.ones(5), np.ones((5, 5)),
    pd.Series([1.0, 2.0]), pd.DataFrame({"a": ["x"]}), xr.DataArray([1.0]), xr.Dataset(),
]  # fmt: skip
NUMBERS: list[Any] = [
    -1e9, -1.0, -1e-9, 0.0, 1e-9, 50.0, 101.0, 1e12, np.nan, np.inf, -np.inf, np.full(24, np.nan),
    np.array([25.0, 12.0, 3.0]), (2.0, 1.0), (np.nan, 1.0),
]  # fmt: skip


def test_each_public_function_has_an_example() -> None:
    public = {
        name
        for name in dir(physics)
        if not name.startswith("_") and not inspect.ismodule(getattr(physics, name))
    }
    assert set(VALID) == public - WITHOUT


@pytest.mark.parametrize("name", list(VALID))
@pytest.mark.filterwarnings("ignore")
def test_each_argument_gives_numbers_or_an_error_of_the_library(name: str) -> None:
    function = getattr(physics, name)
    for argument in VALID[name]:
        for value in [*WRONG, *NUMBERS]:
            with contextlib.suppress(EnergyForecastError):
                found = function(**VALID[name] | {argument: value})
                parts = [] if name == "PVSystem" else found if isinstance(found, tuple) else (found,)
                for part in map(np.asarray, parts):
                    assert part.dtype.kind in "fib"
                    assert not np.isinf(part).any()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("air_density", {"temp_air": 283.15}),
        ("air_density", {"pressure": 1013.0}),
        ("cell_temperature", {"poa_global": 3.6e6}),
        ("cell_temperature", {"temp_air": np.array([300.0])}),
        ("icing_conditions", {"min_humidity": 950.0}),
        ("pv_power", {"albedo": 20.0}),
        ("pv_power", {"snow": -0.1}),
        ("PVSystem", {"gcr": 40.0}),
        ("PVSystem", {"gamma_pdc": -0.35}),
        ("ac_power", {"losses": 14.0}),
        ("solar_position", {"latitude": 100.0}),
        ("clear_sky", {"altitude": 1e5}),
        ("wake_factor", {"factor": np.array([90.0, 100.0])}),
        ("ideal_turbine_power", {"power_coefficient": 0.6}),
        ("thermal_inertia", {"time_constant": 0.0}),
        ("thermal_inertia", {"step": -1.0}),
        ("day_length", {"day_of_year": 400.0}),
        ("wind_components", {"wind_speed": -3.0}),
        ("curve_power", {"density": 1225.0}),
    ],
    ids=str,
)
def test_another_unit_is_refused_by_its_value(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(RangeError) as caught:
        getattr(physics, name)(**VALID[name] | wrong)
    three_lines(caught.value, f"{next(iter(wrong))} of {name}")


def test_one_value_of_an_array_is_enough_and_unknown_values_are_none() -> None:
    temperature = np.array([np.nan, 10.0, 285.0])
    with pytest.raises(RangeError, match="temp_air of air_density is 285"):
        physics.air_density(temperature, 1e5)
    known = physics.air_density(temperature[:2], 1e5)
    assert np.isnan(known).tolist() == [True, False]


def test_arrays_that_do_not_fit_are_named() -> None:
    with pytest.raises(SchemaError, match=r"temp_air \(5,\), pressure \(3,\)") as caught:
        physics.air_density(np.ones(5), np.full(3, 1e5))
    three_lines(caught.value)
    with pytest.raises(SchemaError, match=r"ghi \(5,\).*position.zenith \(24,\)"):
        physics.decompose(np.ones(5), SUN)


def test_series_and_lists_are_read_as_numbers() -> None:
    wind = pd.Series([3.0, 7.5, 12.0])
    expected = physics.curve_power(wind.to_numpy(), **CURVE)
    np.testing.assert_array_equal(physics.curve_power(wind, **CURVE), expected)
    np.testing.assert_array_equal(physics.curve_power(wind.tolist(), **CURVE), expected)
