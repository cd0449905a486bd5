"""Horizon, rows and models of sky and cells, against brute force and pvlib."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from energyforecast import physics
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError
from energyforecast.physics.transposition import plane_of_system
from tests.support.error_messages import three_lines

HOURS = np.arange(
    np.datetime64("2023-01-01T00:30", "ns"), np.datetime64("2024-01-01", "ns"), np.timedelta64(1, "h")
)
PROFILE = ([20.0, 100.0, 200.0, 330.0], [5.0, 25.0, 2.0, 15.0])


def _other(name: str) -> Any:
    """A model that the library has not."""
    return name


def _year(latitude: float = 60.0) -> tuple[physics.SolarPosition, physics.Irradiance]:
    position = physics.solar_position(HOURS, latitude, 10.0)
    ghi = physics.clear_sky(position).ghi * np.random.default_rng(0).beta(2.0, 0.9, len(HOURS))
    return position, physics.decompose(ghi, position)


def test_the_sky_view_is_that_of_rays_in_all_directions() -> None:
    rng = np.random.default_rng(1)
    azimuth = rng.uniform(0.0, 360.0, 400_000)
    elevation = np.degrees(np.arccos(np.sqrt(rng.uniform(size=azimuth.size))))  # by their light on the ground
    hidden = elevation < np.interp(azimuth, *PROFILE, period=360.0)
    assert physics.sky_view(*PROFILE) == pytest.approx(1.0 - hidden.mean(), abs=2e-3)
    assert physics.sky_view([0.0, 180.0], [0.0, 0.0]) == 1.0


def test_a_horizon_hides_the_sun_behind_it_and_no_other() -> None:
    position, light = _year()
    hidden = physics.behind_horizon(light, position, azimuth=PROFILE[0], elevation=PROFILE[1])
    high = 90.0 - position.apparent_zenith > np.interp(position.azimuth, *PROFILE, period=360.0)
    np.testing.assert_array_equal(hidden.dni, np.where(high, light.dni, 0.0))
    np.testing.assert_allclose(hidden.dhi, physics.sky_view(*PROFILE) * light.dhi)
    cosine = np.maximum(np.cos(np.radians(position.zenith)), 0.0)
    closes = np.abs(light.ghi - light.dhi - light.dni * cosine) < 1e-6
    np.testing.assert_allclose((hidden.dhi + hidden.dni * cosine)[closes], hidden.ghi[closes], atol=1e-6)
    # North lies between the last point and the first: 15° at 330° falls to 5° at 20°; the sun is 9.5° high.
    north = physics.SolarPosition(*map(np.array, (80.5, 80.5, 355.0, 1361.0)))
    some = physics.Irradiance(*map(np.array, (300.0, 500.0, 200.0)))
    for azimuth, expected in ((355.0, 0.0), (5.0, 500.0)):  # horizons of 10° and 8°
        sun = north._replace(azimuth=np.array(azimuth))
        seen = physics.behind_horizon(some, sun, azimuth=PROFILE[0], elevation=PROFILE[1])
        assert float(seen.dni) == expected


def test_a_missing_value_stays_missing_behind_a_horizon() -> None:
    position, light = _year()
    gap = light._replace(ghi=light.ghi * np.nan, dni=light.dni * np.nan)
    hidden = physics.behind_horizon(gap, position, azimuth=PROFILE[0], elevation=PROFILE[1])
    assert np.isnan(hidden.ghi).all()
    assert np.isnan(hidden.dni).all()


@pytest.mark.parametrize(
    ("latitude", "tilt", "gcr"), [(60.0, 30.0, 0.5), (40.0, 10.0, 0.9), (-35.0, 35.0, 0.4)]
)
def test_rows_get_the_light_of_infinite_sheds(latitude: float, tilt: float, gcr: float) -> None:
    from pvlib.bifacial import infinite_sheds

    position, light = _year(latitude)
    azimuth = 180.0 if latitude > 0 else 0.0
    rows = physics.PVSystem(surface_tilt=tilt, surface_azimuth=azimuth, gcr=gcr, row_shading=True)
    ours = plane_of_system(light, position, system=rows).poa_global
    theirs = infinite_sheds.get_irradiance_poa(
        tilt, azimuth, position.apparent_zenith, position.azimuth, gcr, 1.5, 3.0, light.ghi, light.dhi,
        light.dni, 0.2, model="haydavies", dni_extra=position.dni_extra,
    )["poa_global"]  # fmt: skip
    assert 0.0 < ours.sum() / theirs.sum() - 1.0 < 0.006  # shadows on the ground
    free = physics.plane_of_array(light, position, surface_tilt=tilt, surface_azimuth=azimuth).poa_global
    assert 0.02 < 1.0 - ours.sum() / free.sum() < 0.06
    assert (ours <= free + 1e-9).all()


def test_backtracking_avoids_the_shade_that_true_tracking_has() -> None:
    position, _ = _year(40.0)
    up = position.apparent_zenith < 87.0
    for backtracking, worst in ((True, 1.0), (False, 0.6)):
        tilt, azimuth = physics.tracker_orientation(
            position, gcr=0.5, max_angle=89.0, backtracking=backtracking
        )
        passing = physics.row_shading(position, surface_tilt=tilt, surface_azimuth=azimuth, gcr=0.5).direct[
            up
        ]
        assert (passing.min() > 0.999) == backtracking
        assert passing.min() <= worst


@pytest.mark.parametrize("model", ["perez", "perez-driesse"])
def test_perez_gives_some_more_light_than_hay_and_davies(model: Any) -> None:
    position, light = _year()
    facing: Any = {"surface_tilt": 45.0, "surface_azimuth": 180.0}
    hay = physics.plane_of_array(light, position, **facing)
    perez = physics.plane_of_array(light, position, transposition=model, **facing)
    assert 0.0 < perez.poa_global.sum() / hay.poa_global.sum() - 1.0 < 0.05
    assert (perez.poa_global >= 0.0).all()
    night = position.zenith > 92.0
    assert np.abs(perez.poa_global[night]).max() == 0.0
    gap = light._replace(dhi=np.where(np.arange(light.dhi.size) % 7, light.dhi, np.nan))
    missing = np.isnan(physics.plane_of_array(gap, position, transposition=model, **facing).poa_global)
    np.testing.assert_array_equal(missing, np.isnan(gap.dhi))


def test_cells_of_other_mountings_are_as_warm_as_their_formulas() -> None:
    temps = {
        model: float(physics.cell_temperature(800.0, 10.0, 2.0, model=model))
        for model in (
            "sapm",
            "sapm_close_mount",
            "sapm_insulated_back",
            "pvsyst",
            "pvsyst_semi_integrated",
            "faiman",
        )
    }
    assert temps["sapm_close_mount"] == pytest.approx(10 + 800 * np.exp(-2.98 - 0.0471 * 2) + 0.8)
    assert temps["sapm_insulated_back"] == pytest.approx(10 + 800 * np.exp(-2.81 - 0.0455 * 2))
    assert temps["pvsyst_semi_integrated"] == pytest.approx(10 + 0.81 * 800 / 20)
    assert temps["faiman"] == pytest.approx(10 + 800 / (25 + 6.84 * 2))
    assert temps["sapm"] < temps["sapm_close_mount"] < temps["sapm_insulated_back"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda p, i: physics.sky_view([0.0, 90.0], [5.0]), SchemaError),
        (lambda p, i: physics.sky_view([], []), SchemaError),
        (lambda p, i: physics.sky_view([0.0, 360.0], [5.0, 6.0]), SchemaError),
        (lambda p, i: physics.sky_view([90.0], [-5.0]), RangeError),
        (lambda p, i: physics.sky_view([400.0], [5.0]), RangeError),
        (lambda p, i: physics.sky_view([np.nan], [5.0]), RangeError),
        (lambda p, i: physics.cell_temperature(800.0, 10.0, 2.0, model=_other("sandia")), RangeError),
        (lambda p, i: physics.tracker_orientation(p, axis_tilt=95.0), RangeError),
        (lambda p, i: physics.tracker_orientation(p, cross_axis_tilt=90.0), RangeError),
        (lambda p, i: physics.tracker_orientation(p, gcr=0.0), RangeError),
        (lambda p, i: physics.PVSystem(surface_tilt=30.0, surface_azimuth=0.0, gcr=1.4), RangeError),
        (lambda p, i: physics.PVSystem(surface_tilt=-1.0, surface_azimuth=0.0), RangeError),
        (
            lambda p, i: physics.plane_of_array(
                i, p, surface_tilt=30.0, surface_azimuth=0.0, transposition=_other("klucher")
            ),
            RangeError,
        ),
        (lambda p, i: physics.pv_power(i, p, system=[], temp_air=1.0, wind_speed=1.0), SchemaError),
    ],
)  # fmt: skip
def test_senseless_arguments_are_refused(call: Any, error: type[EnergyForecastError]) -> None:
    with pytest.raises(error) as caught:
        call(*_year())
    three_lines(caught.value)
