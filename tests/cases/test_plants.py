"""Power curves beyond their cut-out, tilts of the south, and instants of irradiance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import features, physics
from tests.support.toy_weather import DIMS

# -- wind ------------------------------------------------------------------------------------------


def test_power_beyond_a_cut_out_inside_the_table_is_zero() -> None:
    curve = ef.PowerCurve((3, 12, 25, 30), (0, 1, 1, 1), cut_out=25)
    np.testing.assert_allclose(curve.power_at([24, 25, 25.5, 27, 30, 31]), [1, 1, 0, 0, 0, 0])


def test_the_plain_function_stops_at_the_cut_out_too() -> None:
    power = physics.curve_power(
        np.array([27.0]), np.array([3.0, 12, 25, 30]), np.array([0.0, 1, 1, 1]), cut_out=25.0
    )
    assert power.tolist() == [0.0]


def test_a_smoothed_curve_is_zero_eight_deviations_beyond_the_cut_out() -> None:
    smoothed = ef.PowerCurve((3, 12, 25, 30), (0, 1, 1, 1), cut_out=25).smoothed(0.5)
    assert float(smoothed.power_at([29.0])[0]) == pytest.approx(0.0, abs=1e-6)


def _true_power(speed: np.ndarray) -> np.ndarray:
    return np.where((speed > 3) & (speed < 25), np.clip((speed / 12) ** 3, 0, 1), 0.0)


@pytest.mark.parametrize("storms", [0, 100, 300])
def test_a_measured_curve_with_storms_is_the_true_one(storms: int) -> None:
    random = np.random.default_rng(0)
    speed = np.concatenate([random.weibull(2, 8000) * 8, random.uniform(25.0, 30.0, storms)])
    curve = ef.PowerCurve.from_measurements(60 * _true_power(speed), speed, rated=60, cut_out=25.0)
    at = np.array([11.0, 16.0, 22.0, 24.0, 26.0, 28.0])
    np.testing.assert_allclose(curve.power_at(at), _true_power(at), atol=0.02)


# -- sun -------------------------------------------------------------------------------------------

#: Polynomials of the optimal tilt of each hemisphere: Jacobson and Jadhav (2018).
NORTH, SOUTH = (0.000080509, -0.014404, 1.2011, 1.3793), (0.00021828, 0.024051, 1.4216, -0.41657)


@pytest.mark.parametrize("latitude", [60.0, 43.9, 23.4, 0.0, -0.5, -23.4, -45.0, -54.8])
def test_the_default_tilt_is_that_of_its_hemisphere(latitude: float) -> None:
    noon = physics.solar_position(np.datetime64("2024-06-21T12:00"), 0.0, 0.0)
    tilt, _ = ef.PVPlant(name="x", latitude=latitude, longitude=0.0, capacity=1.0).orientation(noon)
    expected = abs(float(np.polyval(NORTH if latitude >= 0 else SOUTH, latitude)))
    assert float(tilt) == pytest.approx(expected, abs=0.05)


PLACE = (43.97, 77.11)


@pytest.mark.parametrize("cell_methods", ["time: mean", "time: point"])
def test_a_clear_sky_gives_the_power_of_the_hour_whether_means_or_instants_are_given(
    cell_methods: str,
) -> None:
    plant = ef.PVPlant(
        name="pv",
        latitude=PLACE[0],
        longitude=PLACE[1],
        capacity=50.0,
        dc_capacity=60,
        surface_tilt=30,
        surface_azimuth=180,
    )
    task = ef.day_ahead("09:00", timezone="UTC")
    issued = task.issue_times("2024-06-20", "2024-06-20")
    chosen = features.FeatureSet((features.PVChainPower(), features.Irradiance()))
    matrix = ef.Forecaster(plant, task, features=chosen).design_matrix(_clear(cell_methods), None, issued)
    windows = task.windows(issued)
    minutes = (np.arange(60) * 60 + 30).astype("timedelta64[s]")
    sun = physics.solar_position(windows.valid_time[windows.inside][:, None] + minutes, *PLACE)
    truth = plant.power(physics.clear_sky(sun).ghi, sun, temp_air=15.0, wind_speed=3.0).mean(axis=1)
    high = sun.zenith.max(axis=1) < 85.0
    table = matrix.columns["pv"][high]
    np.testing.assert_allclose(table["pv_chain_power"], truth[high], atol=0.03)
    np.testing.assert_allclose(table["clear_sky_index"], 1.0, atol=0.1)


def _clear(cell_methods: str) -> xr.Dataset:
    """Runs of two days under an exactly clear sky: means of each hour, or instants at its beginning."""
    init = np.array(["2024-06-18T00", "2024-06-19T00"], dtype="datetime64[ns]")
    lead = pd.timedelta_range(0, periods=72, freq="1h").to_numpy("m8[ns]")
    stamps = init[:, None] + lead
    minutes = (np.arange(60) * 60 + 30).astype("timedelta64[s]")
    within = stamps[..., None] + minutes if cell_methods == "time: mean" else stamps[..., None]
    ghi = physics.clear_sky(physics.solar_position(within, *PLACE)).ghi.mean(axis=-1)[None]
    point = {"cell_methods": "time: point"}
    return xr.Dataset(
        {
            "ghi": (DIMS, ghi.astype("f4"), {"units": "W m-2", "cell_methods": cell_methods}),
            "temp_air": (DIMS, np.full(ghi.shape, 15.0, "f4"), point),
            "wind_speed_10m": (DIMS, np.full(ghi.shape, 3.0, "f4"), point),
        },
        coords={
            "site": ["pv"],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(4, "h")),
        },
    )
