"""Formulas of the documentation, written out again, against the functions that carry them."""

from __future__ import annotations

import numpy as np
import pytest

from energyforecast import physics

DAY = np.datetime64("2024-06-21T00:30", "ns") + np.arange(24) * np.timedelta64(1, "h")
POSITION = physics.solar_position(DAY, 43.97, 77.11)
UP = POSITION.apparent_zenith < 85
ZENITH = np.radians(POSITION.apparent_zenith[UP])
COSINE = np.cos(ZENITH)


def test_clear_sky_is_that_of_ineichen_and_perez() -> None:
    from pvlib import atmosphere

    altitude, turbidity = 800.0, 3.5
    relative = atmosphere.get_relative_airmass(POSITION.apparent_zenith[UP])
    mass = atmosphere.get_absolute_airmass(relative, atmosphere.alt2pres(altitude))
    a1, a2 = 5.09e-5 * altitude + 0.868, 3.92e-5 * altitude + 0.0387
    f1, f2 = np.exp(-altitude / 8000), np.exp(-altitude / 1250)
    expected = a1 * POSITION.dni_extra[UP] * COSINE * np.exp(-a2 * mass * (f1 + f2 * (turbidity - 1)))
    found = physics.clear_sky(POSITION, linke_turbidity=turbidity, altitude=altitude)
    np.testing.assert_allclose(found.ghi[UP], expected)
    np.testing.assert_allclose(found.ghi[UP], found.dni[UP] * COSINE + found.dhi[UP])


def test_the_diffuse_fraction_is_that_of_erbs() -> None:
    noon = physics.solar_position(np.datetime64("2024-06-21T07:00"), 43.97, 77.11)
    index = np.array([0.1, 0.5, 0.9])
    ghi = index * noon.dni_extra * np.cos(np.radians(noon.zenith))
    fraction = physics.decompose(ghi, noon).dhi / ghi
    middle = 0.9511 - 0.1604 * 0.5 + 4.388 * 0.5**2 - 16.638 * 0.5**3 + 12.336 * 0.5**4
    np.testing.assert_allclose(fraction, [1 - 0.09 * 0.1, middle, 0.165], atol=6e-4)


def test_a_tracker_follows_the_sun_and_turns_back_where_rows_would_shade_each_other() -> None:
    gcr = 0.45
    ideal = np.arctan(np.tan(ZENITH) * np.sin(np.radians(POSITION.azimuth[UP] - 180.0)))
    shaded = np.abs(np.cos(ideal)) < gcr
    back = np.sign(ideal) * np.arccos(np.minimum(np.abs(np.cos(ideal)) / gcr, 1.0))
    tilt, _ = physics.tracker_orientation(POSITION, max_angle=90.0, gcr=gcr)
    np.testing.assert_allclose(tilt[UP], np.degrees(np.abs(ideal - np.where(shaded, back, 0.0))), atol=1e-6)
    assert shaded.any()
    assert not shaded.all()


def test_transposition_is_that_of_hay_and_davies() -> None:
    tilt, azimuth, albedo = np.radians(35.0), np.radians(170.0), 0.25
    sky = physics.decompose(0.7 * physics.clear_sky(POSITION).ghi, POSITION)
    ghi, dni, dhi = (values[UP] for values in sky)
    sun = np.radians(POSITION.azimuth[UP])
    incidence = np.cos(tilt) * np.cos(ZENITH) + np.sin(tilt) * np.sin(ZENITH) * np.cos(sun - azimuth)
    cosine, anisotropy = np.maximum(incidence, 0.0), dni / POSITION.dni_extra[UP]
    ratio = cosine / np.maximum(COSINE, np.cos(np.radians(89.0)))
    expected = (
        dni * cosine
        + dhi * (anisotropy * ratio + (1 - anisotropy) * (1 + np.cos(tilt)) / 2)
        + albedo * ghi * (1 - np.cos(tilt)) / 2
    )
    plane = physics.plane_of_array(sky, POSITION, surface_tilt=35.0, surface_azimuth=170.0, albedo=albedo)
    np.testing.assert_allclose(plane.poa_global[UP], expected, rtol=1e-6)


def test_ac_power_is_that_of_pvwatts() -> None:
    effective, cell, ratio, gamma, losses = 700.0, 45.0, 1.1, -0.004, 0.12
    dc = ratio * (1 - losses) * effective / 1000 * (1 + gamma * (cell - 25))
    load = 0.98 * dc
    expected = 0.98 / 0.9637 * (0.9858 - 0.0162 * load - 0.0059 / load) * dc
    found = physics.ac_power(effective, temp_cell=cell, dc_ac_ratio=ratio, gamma_pdc=gamma, losses=losses)
    assert float(found) == pytest.approx(expected)
    assert expected < 1


def test_cells_are_warmer_than_the_air_by_the_constants_of_the_rack() -> None:
    expected = 12.0 + 600.0 * np.exp(-3.56 - 0.075 * 4.0) + 600.0 / 1000.0 * 3.0
    assert float(physics.cell_temperature(600.0, 12.0, 4.0)) == pytest.approx(expected)


def test_soiling_and_snow_dim_the_light_of_cells_and_of_their_temperature() -> None:
    noon = physics.solar_position(np.datetime64("2024-06-21T07:00"), 43.97, 77.11)
    sky = physics.decompose(600.0, noon)
    system = physics.PVSystem(surface_tilt=35.0, surface_azimuth=180.0)
    plane = physics.plane_of_array(sky, noon, surface_tilt=35.0, surface_azimuth=180.0)
    clean = (1 - 0.1) * (1 - 0.2)
    expected = physics.ac_power(
        plane.effective * clean, temp_cell=physics.cell_temperature(plane.poa_global * clean, 5.0, 3.0)
    )
    found = physics.pv_power(sky, noon, system=system, temp_air=5.0, wind_speed=3.0, soiling=0.1, snow=0.2)
    assert float(found) == float(expected)


@pytest.mark.parametrize(("cut_out", "above"), [(24.0, 0.0), (None, 0.5), (26.0, 0.5)])
def test_density_moves_a_curve_below_cut_out_and_not_above(cut_out: float | None, above: float) -> None:
    speed, power = np.array([3.0, 12.0, 24.0, 26.0]), np.array([0.0, 1.0, 1.0, 0.0])
    found = physics.curve_power(np.array([7.5, 23.9, 25.0]), speed, power, density=1.3, cut_out=cut_out)
    corrected = 7.5 * (1.3 / 1.225) ** (1 / 3)
    np.testing.assert_allclose(found, [(corrected - 3) / 9, 1.0, above])
