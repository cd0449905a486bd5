"""Losses of modules to snow and dirt: pvlib's models over a season, across runs, as it was known."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pvlib import snow, soiling

import energyforecast as ef
from energyforecast import physics
from energyforecast.errors import EnergyForecastError, SchemaError
from energyforecast.features import FeatureSet, PVChainPower, recipe
from energyforecast.physics.transposition import plane_of_system
from energyforecast.point_in_time import gathering
from tests.support.error_messages import three_lines

HOUR, HALF = np.timedelta64(1, "h"), np.timedelta64(30, "m")
START = np.datetime64("2023-01-01", "ns")
DAYS = 40
SIDES = [ef.PVArray(dc_capacity=0.06, surface_azimuth=azimuth) for azimuth in (90.0, 270.0)]
ROOF = ef.PVPlant(
    name="roof", latitude=60.0, longitude=11.0, capacity=0.1, surface_tilt=30.0, arrays=SIDES,
    snow=True, soiling_rate=0.002,
)  # fmt: skip


def _hourly(seed: int = 2) -> pd.DataFrame:
    """A winter with snow, thaw and rain."""
    rng = np.random.default_rng(seed)
    time = pd.DatetimeIndex(START + np.arange(24 * (DAYS + 4)) * HOUR)
    sun = physics.solar_position(time.to_numpy() + HALF, ROOF.latitude, ROOF.longitude)
    waves = np.convolve(rng.normal(size=len(time) + 99), np.ones(100) / 10.0, mode="valid")
    wet = rng.uniform(size=len(time)) < 0.03
    return pd.DataFrame(
        {
            "ghi": physics.clear_sky(sun).ghi * rng.uniform(0.2, 1.0, len(time)),
            "temp_air": 3.0 * waves - 1.0,
            "precipitation": np.where(wet, rng.gamma(2.0, 2.0, len(time)), 0.0),
        },
        index=time,
        dtype="float32",
    ).astype(float)


def _runs(every: int = 24, leads: int = 73, seed: int = 2) -> xr.Dataset:
    """Runs of the true weather, had six hours later."""
    table = _hourly(seed)
    first = np.arange(0, 24 * DAYS, every)
    place = first[:, None] + np.arange(leads)
    dims = ("site", "init_time", "lead_time")
    return xr.Dataset(
        {name: (dims, table[name].to_numpy()[None, place].astype("float32")) for name in table},
        coords={
            "site": ["roof"],
            "init_time": START + first * HOUR,
            "lead_time": (np.arange(leads) * HOUR).astype("timedelta64[ns]"),
            "available_time": ("init_time", START + (first + 6) * HOUR),
        },
    )


def _expected(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Losses of the whole season by pvlib."""
    sun = physics.solar_position(table.index.to_numpy() + HALF, ROOF.latitude, ROOF.longitude)
    sky = physics.decompose(table["ghi"].to_numpy(), sun)
    light = [plane_of_system(sky, sun, system=part.system(sun)).poa_global for part in ROOF.parts]
    cold = table["temp_air"] <= 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        covered = [
            snow.coverage_nrel(
                table["precipitation"].where(cold, 0.0), pd.Series(one, table.index), table["temp_air"], 30.0
            )
            for one in light
        ]
    lost = [snow.dc_loss_nrel(one.to_numpy(), 3) for one in covered]
    weight = [np.where(sum(light) > 1.0, one, 1.0) for one in light]
    mean = sum(w * x for w, x in zip(weight, lost, strict=True)) / sum(weight)
    rain = table["precipitation"].where(~cold, 0.0)
    return mean, soiling.kimber(rain, soiling_loss_rate=0.002).to_numpy()


def test_runs_of_the_true_weather_have_the_losses_of_the_season() -> None:
    losses = ef.weather.module_losses(_runs(), ROOF)
    covered, dirty = _expected(_hourly())
    place = np.arange(0, 24 * DAYS, 24)[:, None] + np.arange(73)
    np.testing.assert_allclose(losses["snow_loss"].values[0], covered[place], atol=1e-4)
    assert 0.05 < covered.mean() < 0.95
    # The state of dirt before the memory of 120 days does not matter here.
    np.testing.assert_allclose(losses["soiling_loss"].values[0], dirty[place], atol=1e-6)
    assert dirty.max() > 0.02
    analysis = _hourly().to_xarray().rename(index="time").expand_dims(site=["roof"])
    analysis = analysis.assign_coords(available_time=("time", analysis["time"].values + HOUR))
    np.testing.assert_allclose(
        ef.weather.module_losses(analysis, ROOF)["snow_loss"].values[0], covered, atol=1e-4
    )


def test_a_run_that_came_late_is_not_remembered_by_those_before_its_arrival() -> None:
    weather = _runs().isel(init_time=slice(16))
    weather["temp_air"][0, 7:] = -8.0
    weather["precipitation"][...] = 0.0
    storm = weather.copy(deep=True)
    storm["precipitation"][0, 6, :24] = 5.0
    storm["temp_air"][0, 6, :24] = -8.0
    arrived = storm["available_time"].values.copy()
    arrived[6] = arrived[9]  # with the third run after it
    storm = storm.assign_coords(available_time=("init_time", arrived))
    seen = ef.weather.module_losses(storm, ROOF)["snow_loss"].values[0]
    without = weather.isel(init_time=[k for k in range(16) if k != 6])
    expected = ef.weather.module_losses(without, ROOF)["snow_loss"].values[0]
    np.testing.assert_array_equal(seen[7:9], expected[6:8])
    assert (seen[6, 0], seen[10, 0]) == (1.0, 1.0)
    assert expected[9, 0] == 0.0


def test_missing_weather_has_missing_losses_and_the_state_goes_on() -> None:
    weather = _runs(leads=25)
    weather["precipitation"][0, 30, 5:9] = np.nan
    losses = ef.weather.module_losses(weather, ROOF)
    missing = np.isnan(losses["snow_loss"].values[0])
    assert missing.sum() == 4
    assert missing[30, 5:9].all()


def test_snow_on_the_ground_of_less_than_a_centimetre_frees_the_modules() -> None:
    weather = _runs()
    bare = weather.assign(snow_depth=0.0 * weather["temp_air"])
    assert ef.weather.module_losses(weather, ROOF)["snow_loss"].max() == 1.0
    assert ef.weather.module_losses(bare, ROOF)["snow_loss"].max() == 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.drop_vars("precipitation"), "precipitation"),
        (lambda w: w.expand_dims(member=3), "mean"),
        (lambda w: w.isel(lead_time=[0, 1, 2, 4, 8]), "at_steps"),
        (lambda w: w.isel(lead_time=[0, 1]), "three"),
        (lambda w: w.assign_coords(site=["other"]), "PVPlant"),
    ],
)
def test_weather_that_does_not_serve_is_refused(change: Any, words: str) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        ef.weather.module_losses(change(_runs()), ROOF)
    three_lines(caught.value, words)


def _chain(weather: xr.Dataset, plant: ef.PVPlant) -> np.ndarray:
    task = ef.day_ahead("09:00", timezone="UTC")
    full = weather.assign(wind_speed_10m=0.0 * weather["ghi"] + 3.0)
    features, needs = FeatureSet((PVChainPower(),)).resolve(full)
    windows = task.windows(task.issue_times("2023-02-01", "2023-02-06"))
    now = gathering.take_snapshot(
        full, None, sites=[plant], windows=windows, names=needs.names, required=needs.names,
        margin=needs.margin,
    )  # fmt: skip
    return features.compute(now)["pv_chain_power"]


def test_the_chain_of_a_plant_with_snow_asks_for_the_losses_and_uses_them() -> None:
    clean = dataclasses.replace(ROOF, snow=False, soiling_rate=None)
    weather = _runs(seed=3)
    weather["temp_air"][...] = -9.0
    losses = ef.weather.module_losses(weather, ROOF)
    bright, covered = _chain(losses, clean), _chain(losses, ROOF)
    assert covered.sum() < 0.6 * bright.sum()
    with pytest.raises(SchemaError) as caught:
        _chain(weather, ROOF)
    three_lines(caught.value, "module_losses")
    assert {"IntervalMean_snow_loss", "IntervalMean_soiling_loss"} <= set(recipe(ROOF).names)
    assert recipe(clean).names == [name for name in recipe(ROOF).names if "_loss" not in name]
