"""Means and instants of the same weather: the same features, powers and lags at every step."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import features, physics
from energyforecast.core.variables import MEAN, POINT
from energyforecast.errors import TimeError
from energyforecast.features.base import Feature
from tests.support.steps import every
from tests.support.toy_weather import quick_model

Array = npt.NDArray[np.float64]
DIMS = ("site", "init_time", "lead_time")
START = np.datetime64("2024-06-18", "ns")
PLANT = ef.PVPlant(
    name="site", latitude=43.97, longitude=77.11, capacity=50.0, surface_tilt=30, surface_azimuth=180
)
FARM = ef.WindFarm(
    name="site",
    latitude=43.97,
    longitude=77.11,
    capacity=50.0,
    hub_height=100,
    power_curve=ef.PowerCurve.generic(),
)
METHODS = (MEAN, POINT)
SOME = (20, 60, 180)


def _cases(some: tuple[int, ...]) -> list[Any]:
    """Both methods with some steps, and with all of them where there is time."""
    return [
        pytest.param(method, *step.values, marks=step.marks) for method, step in product(METHODS, every(some))
    ]


def _sky(moments: npt.NDArray[np.datetime64]) -> dict[str, Array]:
    sun = physics.solar_position(moments.astype("M8[ns]"), PLANT.latitude, PLANT.longitude)
    return {name: np.asarray(values) for name, values in physics.clear_sky(sun)._asdict().items()}


def _minutes(stamps: npt.NDArray[np.datetime64], step: int) -> npt.NDArray[np.datetime64]:
    """Middles of the minutes of intervals, as a further axis."""
    return np.asarray(stamps[..., None] + (np.arange(step) * 60 + 30).astype("m8[s]"))


def _weather(values: dict[str, tuple[Array | float, str]], stamps: npt.NDArray[np.datetime64]) -> xr.Dataset:
    """Two runs, of whose stamps the values are."""
    shape = (1, *stamps.shape)
    cube = {
        name: (DIMS, np.broadcast_to(value, shape).astype("f4"), {"cell_methods": method})
        for name, (value, method) in values.items()
    }
    lead = stamps[0] - stamps[0, 0]
    times = {"init_time": stamps[:, 0], "lead_time": lead, "site": ["site"]}
    arrived = ("init_time", stamps[:, 0] + np.timedelta64(4, "h"))
    return xr.Dataset(cube, coords=times | {"available_time": arrived})


def _runs(step: int, hours: int = 72) -> npt.NDArray[np.datetime64]:
    lead = (np.arange(hours * 60 // step) * step).astype("m8[m]").astype("m8[ns]")
    return np.asarray(START + np.array([0, 24], "m8[h]").astype("m8[ns]")[:, None] + lead)


def _columns(site: ef.Site, weather: xr.Dataset, step: int, *chosen: Feature) -> tuple[pd.DataFrame, Any]:
    """Features of the day after the second run, and the beginnings of its intervals."""
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    matrix = ef.Forecaster(site, task, features=list(chosen)).design_matrix(
        weather, None, task.moments("2024-06-19 09:00")
    )
    return matrix.columns["site"], matrix.valid_time


# -- the sun ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("components", [False, True])
@pytest.mark.parametrize(("method", "step"), _cases(SOME))
def test_a_clear_sky_has_the_index_one_and_its_energy(method: str, step: int, components: bool) -> None:
    stamps = _runs(step)
    sky = _sky(stamps if method == POINT else _minutes(stamps, step))
    sky = sky if method == POINT else {name: values.mean(axis=2) for name, values in sky.items()}
    air: dict[str, Any] = {"temp_air": (15.0, POINT), "wind_speed_10m": (3.0, POINT)}
    weather = _weather({name: (values, method) for name, values in sky.items()} | air, stamps)
    chosen = (
        features.Irradiance(hours=(0,)),
        features.PVChainPower(components=components),
        features.ClearSkyPower(),
    )
    found, begins = _columns(PLANT, weather, step, *chosen)
    sun = physics.solar_position(_minutes(begins, step), PLANT.latitude, PLANT.longitude)
    clear = physics.clear_sky(sun)
    power = PLANT.power(clear if components else clear.ghi, sun, temp_air=15.0, wind_speed=3.0).mean(axis=1)
    index = found["clear_sky_index"].dropna()
    assert len(index) * step > 12 * 60
    np.testing.assert_allclose(index, 1.0, atol=0.012)
    np.testing.assert_allclose(found["ghi[+0h]"], clear.ghi.mean(axis=1), atol=3.0)
    np.testing.assert_allclose(found["pv_chain_power"], power, atol=0.01)
    assert found["pv_chain_power"].sum() == pytest.approx(power.sum(), rel=0.003)
    usual = PLANT.clear_sky_power(sun).mean(axis=1)
    assert found["clear_sky_power"].sum() == pytest.approx(usual.sum(), rel=0.003)


@pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofyear")  # of pvlib
@pytest.mark.parametrize(("first", "native"), [(10, 60), (15, 30)])
@pytest.mark.parametrize("step", every((90,)))
def test_instants_of_satellites_meet_the_sun_of_their_minute(first: int, native: int, step: int) -> None:
    """PVGIS gives hours at ten past, NSRDB half-hours: analyses of instants, here of a clear sky by pvlib."""
    from pvlib.location import Location

    stamps = START + np.arange(first, 4 * 1440, native).astype("m8[m]").astype("m8[ns]")
    place = Location(PLANT.latitude, PLANT.longitude, altitude=0)
    sky = place.get_clearsky(pd.DatetimeIndex(stamps, tz="UTC"), linke_turbidity=3.0)
    cube = {"ghi": (("site", "time"), sky["ghi"].to_numpy()[None].astype("f4"), {"cell_methods": POINT})}
    coords = {"site": ["site"], "time": stamps, "available_time": ("time", stamps)}
    weather = xr.Dataset(cube, coords=coords, attrs={"kind": "analysis"})
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    chosen = [features.Irradiance(hours=(0,))]
    forecaster = ef.Forecaster(PLANT, task, features=chosen, perfect_weather=True)
    matrix = forecaster.design_matrix(weather, None, task.moments("2024-06-19 09:00"))
    index = matrix.columns["site"]["clear_sky_index"].dropna()
    assert len(index) * step > 12 * 60
    np.testing.assert_allclose(index, 1.0, atol=0.02)


# -- the wind --------------------------------------------------------------------------------------


def _turning(method: str, step: int, *, rate: float = 7.0) -> xr.Dataset:
    """Wind that turns by some degrees an hour and rises by 0.1 m/s an hour."""
    stamps = _runs(step)
    hours = (stamps - START) / np.timedelta64(1, "h") + (step / 120 if method == MEAN else 0.0)
    return _weather(
        {
            "wind_speed_100m": (5 + 0.05 * hours, method),
            "wind_direction_100m": ((340 + rate * hours) % 360, method),
            "temp_air": (10 + 0.1 * hours, method),
            "pressure": (90_000.0, POINT),
        },
        stamps,
    )


@pytest.mark.parametrize(("method", "step"), _cases((60, 90)))
def test_wind_is_that_of_the_middle_of_the_interval(method: str, step: int) -> None:
    chosen = (
        features.WindSpeed(hours=(0,)),
        features.WindDirection(),
        features.HubWind(),
        features.PowerCurvePower(),
        features.WindVariability(hours=2),
        features.AirMass(),
    )
    found, begins = _columns(FARM, _turning(method, step), step, *chosen)
    middle = (begins - START) / np.timedelta64(1, "h") + step / 120
    speed = 5 + 0.05 * middle
    turn = np.radians(found["wind_direction_100m[degree]"] - (340 + 7 * middle))
    np.testing.assert_allclose(np.sin(turn / 2), 0.0, atol=2e-4)
    np.testing.assert_allclose(found["wind_speed_100m[mean]"], speed, rtol=1e-5)
    np.testing.assert_allclose(found["wind_speed_hub"], speed, rtol=1e-5)
    curve = FARM.power_curve
    assert curve is not None
    np.testing.assert_allclose(found["power_curve"], curve.power_at(speed), atol=0.002)
    np.testing.assert_allclose(found["wind_speed_100m[change]"], 0.05 * step / 60, atol=1e-4)
    np.testing.assert_allclose(found["warming"], 0.7, atol=1e-4)
    # A slow turn hardly shortens the mean vector.
    shorter = 0.97 if step > 60 and method == POINT else 0.995
    ratio = np.hypot(found["wind_u_100m"], found["wind_v_100m"]) / speed
    assert ratio.between(shorter, 1.0001).all()


def test_heights_of_means_and_of_instants_meet_in_the_middle() -> None:
    stamps = _runs(60)
    hours = (stamps - START) / np.timedelta64(1, "h")
    values: dict[str, Any] = {
        "wind_speed_50m": (5 + 0.05 * hours, POINT),
        "wind_speed_150m": (5 + 0.05 * (hours + 0.5), MEAN),
    }
    found, begins = _columns(FARM, _weather(values, stamps), 60, features.HubWind())
    middle = (begins - START) / np.timedelta64(1, "h") + 0.5
    np.testing.assert_allclose(found["wind_speed_hub"], 5 + 0.05 * middle, rtol=1e-5)


def test_wind_within_the_interval_counts_at_the_hub() -> None:
    """Of instants every ten minutes an hour has seven, of which the ends are but two."""
    stamps = _runs(10)
    gusts = np.where((stamps - START) / np.timedelta64(1, "m") % 60 == 30, 12.0, 6.0)
    weather = _weather({"wind_speed_100m": (gusts, POINT)}, stamps)
    found, _ = _columns(FARM, weather, 60, features.HubWind(), features.WindSpeed(hours=(0,)))
    np.testing.assert_allclose(found["wind_speed_hub"], 7.0)
    np.testing.assert_allclose(found["wind_speed_100m[mean]"], 7.0)


def test_members_either_side_of_north_blow_from_the_north() -> None:
    from energyforecast.testing import example_snapshot

    now = example_snapshot({"wind_speed_100m": [8.0, 8.0], "wind_direction_100m": [350.0, 10.0]}, hours=1)
    found = features.WindDirection().compute(now)
    assert np.cos(np.radians(found["wind_direction_100m[degree]"][0, 0])) == pytest.approx(1.0)
    assert found["wind_v_100m"][0, 0] == pytest.approx(-8 * np.cos(np.radians(10)))


# -- recipes and clocks ----------------------------------------------------------------------------


@pytest.mark.parametrize("step", every((8, 90)))
@pytest.mark.parametrize("site", [PLANT, FARM], ids=["plant", "farm"])
def test_recipes_serve_every_step(site: ef.Site, step: int) -> None:
    """Columns of hours that are no whole number of steps lie between them."""
    weather = _turning(POINT, 60, rate=0.0).drop_vars("wind_direction_100m")
    stamps = _runs(60)
    ghi: dict[str, Any] = {"ghi": (500.0 * np.ones(stamps.shape), MEAN), "wind_speed_10m": (3.0, POINT)}
    weather = weather.assign(_weather(ghi, stamps).data_vars)
    found, begins = _columns(site, weather, step, *ef.recipe(site))
    assert len(found) == 1440 // step
    if site is FARM:
        hours = (begins - START) / np.timedelta64(1, "h")
        np.testing.assert_allclose(found["wind_speed_100m[-3h]"], 5 + 0.05 * (hours - 3), rtol=1e-5)
        np.testing.assert_allclose(found["wind_speed_100m[+4h]"], 5 + 0.05 * (hours + 4), rtol=1e-5)


def _smooth(count: int) -> Array:
    """Wind by the minute with a memory of some hours."""
    rng = np.random.default_rng(1)
    hourly = pd.Series(rng.normal(size=count // 60 + 60)).ewm(alpha=0.12).mean().to_numpy()
    wind = np.interp(np.arange(count) / 60, np.arange(len(hourly)), hourly)
    return np.asarray(np.clip(8 + 3 * wind / wind.std(), 0, 25))


@pytest.mark.parametrize(("method", "step"), _cases((15, 60)))
def test_fit_measures_the_minutes_of_a_wrong_clock(method: str, step: int) -> None:
    days = 50 if step <= 60 else 120
    wind = _smooth(days * 1440)
    stamps = START + np.arange(0, (days - 4) * 1440, 1440).astype("m8[m]").astype("m8[ns]")[:, None]
    stamps = stamps + np.arange(0, 72 * 60, step).astype("m8[m]").astype("m8[ns]")
    at = ((stamps - START) / np.timedelta64(1, "m")).astype(int)
    means = wind[: len(wind) // step * step].reshape(-1, step).mean(axis=1)
    values = wind[at] if method == POINT else means[at // step]
    weather = _weather({"wind_speed_100m": (values, method)}, stamps)
    curve = FARM.power_curve
    assert curve is not None
    power = 50 * curve.power_at(wind)
    task = ef.day_ahead("09:00", timezone="UTC", frequency=f"{step}min", quantiles=(0.5,))
    for late in (0, 120):
        shown = np.roll(power, late)[: len(power) // step * step].reshape(-1, step).mean(axis=1)
        index = pd.date_range(START, periods=len(shown), freq=f"{step}min", tz="UTC")
        observed = ef.Observations(pd.DataFrame({"site": shown}, index), published_after="0h")
        report = ef.check_clock(observed, weather, site=FARM)
        assert report.lag is not None
        assert report.lag.minutes == pytest.approx(late, abs=5 if step <= 60 else 25)
        assert report.right == (late == 0)
        forecaster = ef.Forecaster(FARM, task, features=[features.WindSpeed(hours=(0,))], model=quick_model())
        if late == 0:
            forecaster.fit(weather, observed, missing="drop")
            continue
        with pytest.raises(TimeError, match="after the wind") as caught:
            forecaster.fit(weather, observed, missing="drop")
        minutes = float(str(caught.value).partition("comes ")[2].partition(" ")[0])
        assert minutes == pytest.approx(late, abs=5 if step <= 60 else 25)


@pytest.mark.parametrize(("method", "step"), _cases((15, 60)))
def test_the_clock_of_a_plant_is_read_with_either_kind_of_radiation(method: str, step: int) -> None:
    days = 40 if step <= 60 else 100
    minutes = START + np.arange(days * 1440).astype("m8[m]").astype("m8[ns]")
    sun = physics.solar_position(minutes + np.timedelta64(30, "s"), PLANT.latitude, PLANT.longitude)
    ghi = 0.8 * physics.clear_sky(sun).ghi
    power = 50 * PLANT.power(ghi, sun, temp_air=20.0, wind_speed=3.0)
    count = len(ghi) // step
    means = ghi[: count * step].reshape(-1, step).mean(axis=1)
    values = means if method == MEAN else np.asarray(ghi[: count * step : step])
    stamps = minutes[: count * step : step]
    cube = {"ghi": (("site", "time"), values[None].astype("f4"), {"cell_methods": method})}
    coords = {"site": ["site"], "time": stamps, "available_time": ("time", stamps)}
    weather = xr.Dataset(cube, coords=coords, attrs={"kind": "analysis"})
    for late in (0, 120):
        shown = np.roll(power, late)[: count * step].reshape(-1, step).mean(axis=1)
        index = pd.DatetimeIndex(stamps, tz="UTC")
        observed = ef.Observations(pd.DataFrame({"site": shown}, index), published_after="0h")
        report = ef.check_clock(observed, weather, site=PLANT)
        assert report.lag is not None
        assert report.lag.minutes == pytest.approx(late, abs=5 if step <= 60 else 20)
        assert report.right == (late == 0)
