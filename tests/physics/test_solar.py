"""Physics of the sun and of PV plants, against pvlib's own functions and plausible years."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr
from pvlib.bifacial import infinite_sheds

from energyforecast import physics
from energyforecast.core.sites import PVPlant
from energyforecast.errors import RangeError, SchemaError

HALF = np.timedelta64(30, "m")
PLACES = {"Kapshagay": (43.9669, 77.1138), "Melbourne": (-37.5, 145.0), "Tromsø": (69.65, 18.96)}


def _hours(year: int = 2023) -> np.ndarray:
    start = np.datetime64(f"{year}-01-01", "ns")
    end = np.datetime64(f"{year + 1}-01-01", "ns")
    return np.arange(start, end, np.timedelta64(1, "h"))


def _position(place: str = "Kapshagay", year: int = 2023) -> physics.SolarPosition:
    return physics.solar_position(_hours(year) + HALF, *PLACES[place])


def _sample(name: str) -> Path:
    path = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "weather_samples" / name
    if "ENERGYFORECAST_DATA" not in os.environ or not path.exists():
        pytest.skip(f"needs ENERGYFORECAST_DATA with weather_samples/{name}")
    return path


# --- The sun --------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2001, 2023, 2049])
@pytest.mark.parametrize("place", PLACES)
def test_the_sun_stands_where_nrels_algorithm_says(place: str, year: int) -> None:
    ours = _position(place, year)
    spa = pvlib.solarposition.spa_python(pd.DatetimeIndex(_hours(year) + HALF, tz="UTC"), *PLACES[place])
    day = spa["apparent_elevation"].to_numpy() > 0
    for name in ("zenith", "apparent_zenith"):
        assert np.abs(getattr(ours, name) - spa[name].to_numpy())[day].max() < 0.011
    aside = (ours.azimuth - spa["azimuth"].to_numpy() + 180) % 360 - 180
    # An angle on the sky: near the zenith the azimuth itself means little.
    assert np.abs(aside * np.sin(np.radians(ours.zenith)))[day].max() < 0.011


def test_extraterrestrial_radiation_is_that_of_the_earths_distance() -> None:
    times = pd.DatetimeIndex(_hours() + HALF, tz="UTC")
    exact = pvlib.irradiance.get_extra_radiation(times, solar_constant=1361.0, method="nrel")
    np.testing.assert_allclose(_position().dni_extra, exact, rtol=2e-3)


def test_sites_and_hours_are_broadcast() -> None:
    latitude, longitude = (np.array([[value[k]] for value in PLACES.values()]) for k in (0, 1))
    together = physics.solar_position(_hours() + HALF, latitude, longitude)
    for row, place in enumerate(PLACES):
        for name in physics.SolarPosition._fields:
            np.testing.assert_allclose(getattr(together, name)[row], getattr(_position(place), name))
    assert physics.clear_sky(together, altitude=np.array([[480.0], [0.0], [10.0]])).ghi.shape == (3, 8760)


def test_a_missing_time_gives_a_missing_position() -> None:
    position = physics.solar_position(np.array(["NaT", "2024-06-21T12:00"], "datetime64[ns]"), 45.0, 0.0)
    for values in position:
        assert np.isnan(values[0])
        assert np.isfinite(values[1])
    assert np.isnan(_power(500.0, position, temp_air=1.0, wind_speed=1.0)[0])


# --- Clear sky and its index ----------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_clear_sky_is_pvlibs(place: str) -> None:
    times = pd.DatetimeIndex(_hours() + HALF, tz="UTC")
    spot = pvlib.location.Location(*PLACES[place], altitude=480)
    spa = pvlib.solarposition.spa_python(times, *PLACES[place])
    extra = _position(place).dni_extra
    theirs = spot.get_clearsky(times, linke_turbidity=3.0, dni_extra=extra, solar_position=spa)
    ours = physics.clear_sky(_position(place), linke_turbidity=3.0, altitude=480.0)
    for name in ("ghi", "dni", "dhi"):
        # At the horizon 0.01° moves the direct beam, of which hardly anything falls on the ground.
        high = _position(place).zenith < 88
        np.testing.assert_allclose(
            getattr(ours, name)[high], theirs[name].to_numpy()[high], rtol=0.002, atol=0.3
        )
    assert (ours.ghi[_position(place).apparent_zenith > 90] == 0).all()


def test_the_index_says_nothing_where_the_clear_sky_gives_nothing() -> None:
    clear = physics.clear_sky(_position()).ghi
    index = physics.clear_sky_index(0.6 * clear + 2.0, clear)  # a sensor that is 2 W m⁻² too high
    known = np.isfinite(index)
    assert (known == (clear >= 20)).all()
    assert index[known].min() >= 0.6
    assert index[known].max() <= 0.7 + 1e-9
    assert physics.clear_sky_index(np.array([3000.0]), np.array([100.0])) == 1.5
    assert np.isnan(physics.clear_sky_index(np.array([np.nan]), np.array([100.0])))


# --- The chain ------------------------------------------------------------------------------------


def _power(ghi: np.ndarray | float, position: physics.SolarPosition, **given: Any) -> np.ndarray:
    """Power of modules that face south, of global irradiance alone."""
    fields = {name: given.pop(name) for name in ("surface_tilt", "dc_ac_ratio") if name in given}
    system = physics.PVSystem(surface_azimuth=180.0, **{"surface_tilt": 30.0} | fields)
    return physics.pv_power(physics.decompose(ghi, position), position, system=system, **given)


def _cloudy(position: physics.SolarPosition, seed: int = 0) -> np.ndarray:
    """Radiation of a fairly sunny climate: two thirds of that of a clear sky."""
    shape = position.zenith.shape
    return physics.clear_sky(position).ghi * np.random.default_rng(seed).beta(2.0, 0.9, shape)


def _by_pvlib(position: physics.SolarPosition, ghi: np.ndarray, tilt, azimuth, temp, wind) -> np.ndarray:
    """The chain again, from pvlib's highest functions."""
    parts = pvlib.irradiance.erbs_driesse(ghi, position.zenith, dni_extra=position.dni_extra)
    poa = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, position.apparent_zenith, position.azimuth, parts["dni"], ghi, parts["dhi"],
        dni_extra=position.dni_extra, albedo=0.2, model="haydavies",
    )  # fmt: skip
    constants = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_polymer"]
    cell = pvlib.temperature.sapm_cell(poa["poa_global"], temp, wind, **constants)
    dc = pvlib.pvsystem.pvwatts_dc(poa["poa_global"], cell, 1.2 * 0.9, -0.0035)
    return pvlib.inverter.pvwatts(dc, 1 / 0.98, eta_inv_nom=0.98)


@pytest.mark.parametrize("mounting", ["fixed", "single_axis"])
def test_the_chain_is_pvlibs_but_for_reflection(mounting: str) -> None:
    position = _position()
    plant = PVPlant(name="pv", latitude=43.9669, longitude=77.1138, capacity=100, mounting=mounting)
    ghi = _cloudy(position)
    ours = plant.power(ghi, position, temp_air=15.0, wind_speed=3.0)
    theirs = _by_pvlib(position, ghi, *plant.orientation(position), 15.0, 3.0)
    assert (ours <= theirs + 1e-9).all()
    assert 0.02 < 1 - ours.sum() / theirs.sum() < 0.05  # the glass reflects 2 to 5 % of a year's light
    overhead = (
        pvlib.irradiance.aoi(*plant.orientation(position), position.apparent_zenith, position.azimuth) < 30
    )
    np.testing.assert_allclose(ours[overhead], theirs[overhead], atol=0.02)


def test_irradiance_in_the_plane_is_pvlibs() -> None:
    position = _position()
    irradiance = physics.decompose(_cloudy(position), position)
    ours = physics.plane_of_array(irradiance, position, surface_tilt=30.0, surface_azimuth=150.0)
    theirs = pvlib.irradiance.get_total_irradiance(
        30.0, 150.0, position.apparent_zenith, position.azimuth, irradiance.dni, irradiance.ghi, irradiance.dhi,
        dni_extra=position.dni_extra, albedo=0.2, model="haydavies",
    )  # fmt: skip
    np.testing.assert_allclose(ours.poa_global, theirs["poa_global"], atol=1e-6)


def test_the_parts_of_the_light_add_up() -> None:
    position = _position()
    ghi = _cloudy(position)
    parts = physics.decompose(ghi, position)
    np.testing.assert_allclose(parts.dhi + parts.dni * np.cos(np.radians(position.zenith)), ghi, atol=1e-6)
    assert parts.dni.min() >= 0


def test_a_tracker_never_turns_further_than_it_can_and_turns_back_in_the_morning() -> None:
    position = _position()
    tilt, azimuth = physics.tracker_orientation(position, max_angle=52.0, gcr=0.45)
    assert tilt.max() <= 52 + 1e-9
    assert (tilt[position.apparent_zenith > 90] == 0).all()
    theirs = pvlib.tracking.singleaxis(
        position.apparent_zenith, position.azimuth, axis_azimuth=180, max_angle=52, gcr=0.45
    )
    day = position.apparent_zenith < 90
    np.testing.assert_allclose(tilt[day], theirs["surface_tilt"][day])
    np.testing.assert_allclose(azimuth[day], theirs["surface_azimuth"][day])
    low, high = (position.apparent_zenith > 80) & day, (position.apparent_zenith < 60)
    assert tilt[low].mean() < tilt[high & (np.abs(position.azimuth - 180) > 50)].mean()
    latitude = np.array([[30.0], [45.0]])
    both = physics.solar_position(_hours() + HALF, latitude, 77.0)
    limits = np.array([[40.0], [60.0]])
    assert (physics.tracker_orientation(both, max_angle=limits)[0].max(axis=1) <= limits[:, 0] + 1e-9).all()


@pytest.mark.parametrize("gcr", [0.3, 0.5])
@pytest.mark.parametrize("tilt", [15.0, 30.0, 45.0])
def test_the_rear_gains_about_what_infinite_rows_gain(tilt: float, gcr: float) -> None:
    position = _position()
    irradiance = physics.decompose(_cloudy(position), position)
    theirs = infinite_sheds.get_irradiance(
        tilt, 180.0, position.apparent_zenith, position.azimuth, gcr, 1.0, 2.5, irradiance.ghi, irradiance.dhi,
        irradiance.dni, 0.2, dni_extra=position.dni_extra, model="haydavies", bifaciality=1.0,
    )  # fmt: skip
    ours = physics.rear_irradiance(irradiance.ghi, surface_tilt=tilt, gcr=gcr)
    assert (0.7 if tilt > 30 else 0.85) < ours.sum() / np.nansum(theirs["poa_back"]) < 1.15


def test_a_second_face_gains_power_and_no_heat() -> None:
    position = _position()
    irradiance = physics.decompose(_cloudy(position), position)
    one, two = (
        physics.plane_of_array(irradiance, position, surface_tilt=30.0, surface_azimuth=180.0, bifaciality=b)
        for b in (0.0, 0.7)
    )
    assert 0.04 < two.effective.sum() / one.effective.sum() - 1 < 0.12
    np.testing.assert_array_equal(two.poa_global, one.poa_global)


@pytest.mark.parametrize("name", ["ghi", "temp_air", "wind_speed"])
def test_missing_weather_is_missing_power(name: str) -> None:
    position = _position()
    noon = position.zenith < 60
    weather = {"ghi": _cloudy(position), "temp_air": np.full(8760, 10.0), "wind_speed": np.full(8760, 2.0)}
    weather[name] = np.where(np.arange(8760) % 3 == 0, np.nan, weather[name])
    ghi = weather.pop("ghi")
    power = _power(ghi, position, **weather)
    assert (np.isnan(power) == (np.arange(8760) % 3 == 0)).all()
    assert np.isfinite(power[noon & (np.arange(8760) % 3 != 0)]).all()


def test_power_is_cut_off_at_the_capacity_and_dirt_and_snow_cost_their_share() -> None:
    position = _position()
    clear = physics.clear_sky(position)
    plain = {"surface_tilt": 33.0, "temp_air": 0.0, "wind_speed": 4.0}
    power = _power(clear.ghi, position, dc_ac_ratio=1.5, **plain)
    assert power.max() == 1.0
    assert (power == 1.0).sum() > 100
    assert power.min() == 0.0
    whole = _power(clear.ghi, position, dc_ac_ratio=0.8, **plain)
    dirty = _power(clear.ghi, position, dc_ac_ratio=0.8, soiling=0.1, snow=0.5, **plain)
    assert 0.42 < dirty.sum() / whole.sum() < 0.48  # colder cells give a little back
    assert _power(clear.ghi, position, snow=1.0, **plain).max() == 0.0


def test_a_warm_plant_gives_less() -> None:
    position = _position()
    noon = position.zenith < 50
    cold, hot = (_power(600.0, position, temp_air=t, wind_speed=2.0)[noon] for t in (0.0, 40.0))
    np.testing.assert_allclose(hot / cold, 1 - 40 * 0.0035 / 0.998, atol=0.02)


# --- Plants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"mounting": "two_axis"},
        {"surface_tilt": 95},
        {"max_angle": 0},
        {"gcr": 1.2},
        {"dc_capacity": -5},
        {"bifaciality": 70},
        {"gamma_pdc": 0.004},
    ],
)
def test_an_impossible_plant_is_refused(wrong: dict) -> None:
    with pytest.raises((SchemaError, RangeError)) as caught:
        PVPlant(name="pv", latitude=43.9, longitude=77.1, capacity=100, **wrong)
    assert len(str(caught.value).splitlines()) == 3
    assert next(iter(wrong)) in str(caught.value)


def test_modules_face_the_equator_unless_said_otherwise() -> None:
    north, south = (PVPlant(name="pv", latitude=sign * 40.0, longitude=0) for sign in (1, -1))
    assert [north.orientation(_position())[1], south.orientation(_position())[1]] == [180, 0]
    assert north.orientation(_position())[0] == pytest.approx(31.7, abs=1.5)
    assert PVPlant(name="pv", latitude=40, longitude=0, capacity=50, dc_capacity=65).dc_ac_ratio == 1.3


def _kapshagay(**settings: object) -> np.ndarray:
    plant = PVPlant(name="pv", latitude=43.9669, longitude=77.1138, capacity=100, altitude=480, **settings)
    position = _position()
    season = -np.cos(2 * np.pi * np.arange(8760) / 8760)
    return plant.power(_cloudy(position), position, temp_air=10 + 15 * season, wind_speed=3.0)


def test_a_year_at_kapshagay_is_plausible() -> None:
    power = _kapshagay(surface_tilt=35)
    # Burnoye and Nura, fixed plants in the same country, are reported with 16.7 and 16.9 % of capacity.
    assert 0.15 < power.mean() < 0.19
    assert 1.05 < _kapshagay(mounting="single_axis").mean() / power.mean() < 1.25
    assert 1.03 < _kapshagay(surface_tilt=35, bifaciality=0.7).mean() / power.mean() < 1.12
    assert power[_position().zenith > 95].max() == 0
    month = _hours().astype("datetime64[M]")
    assert (power[month == np.datetime64("2023-06")].mean()) > 1.5 * power[
        month == np.datetime64("2023-12")
    ].mean()


def test_a_year_of_era5_near_berlin_is_plausible_and_its_hours_have_their_sun_in_the_middle() -> None:
    era5 = xr.open_dataset(_sample("era5_2017_berlin.nc")).isel(latitude=0, longitude=1)
    # Sums over the hour before the stamp become means labelled with the hour's beginning.
    ghi, direct = (era5[name].to_numpy()[1:] / 3600.0 for name in ("ssrd", "fdir"))
    begin = era5["time"].to_numpy()[:-1]
    wind = np.hypot(era5["u10"], era5["v10"]).to_numpy()[1:]
    plant = PVPlant(name="pv", latitude=52.6, longitude=13.35, capacity=10, dc_capacity=10, surface_tilt=35)

    def fit(offset: np.timedelta64) -> tuple[float, float]:
        position = physics.solar_position(begin + offset, plant.latitude, plant.longitude)
        clear = physics.clear_sky(position, linke_turbidity=2.0)
        power = plant.power(ghi, position, temp_air=era5["t2m"].to_numpy()[1:] - 273.15, wind_speed=wind)
        return (ghi > 1.2 * clear.ghi + 20).mean(), power.mean()

    brighter, yearly = fit(HALF)
    assert 0.10 < yearly < 0.125  # 880 to 1095 kWh for each kW of modules
    assert brighter < 0.005  # no hour is much brighter than a clear sky, where the sun is right
    for wrong in (np.timedelta64(0, "m"), np.timedelta64(60, "m")):
        assert fit(wrong)[0] > 0.02
    assert (direct <= ghi + 1e-6).all()


# --- Components ------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["dni", "dhi"])
def test_clear_sky_is_completed_from_either_component(given: str) -> None:
    position = _position()
    sky = physics.clear_sky(position)
    found = physics.complete_irradiance(sky.ghi, position, **{given: getattr(sky, given)})
    high = position.zenith < 80
    for name in ("ghi", "dni", "dhi"):
        np.testing.assert_allclose(getattr(found, name)[high], getattr(sky, name)[high], rtol=0.02, atol=2.0)
    np.testing.assert_array_equal(getattr(found, given), getattr(sky, given))
    assert (found.dni[position.zenith > 87] == 0).all() or given == "dni"
    assert ((found.dhi >= 0) & (found.dni >= 0) & (found.dni <= position.dni_extra)).all()


def test_components_that_contradict_global_irradiance_stay_in_their_range() -> None:
    noon = physics.solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    assert float(physics.complete_irradiance(100.0, noon, dni=900.0).dhi) == 0.0
    assert float(physics.complete_irradiance(100.0, noon, dhi=150.0).dni) == 0.0
    assert float(physics.complete_irradiance(2000.0, noon, dhi=0.0).dni) == float(noon.dni_extra)
    assert np.isnan(physics.complete_irradiance(100.0, noon, dhi=np.nan).dni)
    assert np.isnan(physics.complete_irradiance(100.0, noon, dni=np.nan).dhi)
    assert physics.complete_irradiance(500.0, noon) == physics.decompose(500.0, noon)
