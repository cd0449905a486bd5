"""Orientation of PV plants that do not declare it: estimated in a fit, stored, marked, and known at the fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import physics
from energyforecast.forecasting.fitted_plants import declared_sites, fitted_plants
from energyforecast.testing import check_no_leakage

PLACE: dict[str, Any] = {"name": "roof", "latitude": 55.0, "longitude": 10.0, "capacity": 1.0}
UNKNOWN = ef.PVPlant(**PLACE)
TRUE = ef.PVPlant(surface_tilt=20, surface_azimuth=110, dc_capacity=1.0, **PLACE)
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
MODEL = ef.LightGBMQuantiles(n_estimators=10, folds=0)
HOURS = pd.date_range("2024-03-01", "2024-05-15 23:00", freq="1h", tz="UTC")


def _sky(hours: np.ndarray) -> physics.Irradiance:
    sun = physics.solar_position(hours + np.timedelta64(30, "m"), 55.0, 10.0)
    clear = physics.clear_sky(sun)
    bright = np.random.default_rng(1).choice([1.0, 0.9, 0.5], size=400)
    share = bright[(hours - np.datetime64("2024-02-20")).astype("timedelta64[D]").astype(int)]
    return physics.decompose(clear.ghi * share, sun)


def _power(plant: ef.PVPlant = TRUE) -> ef.Observations:
    hours = HOURS.tz_localize(None).to_numpy().astype("datetime64[ns]")
    sun = physics.solar_position(hours + np.timedelta64(30, "m"), 55.0, 10.0)
    power = plant.power(_sky(hours), sun, temp_air=12.0, wind_speed=2.0)
    return ef.Observations(pd.DataFrame({"roof": power}, HOURS), published_after="1h")


def _weather() -> xr.Dataset:
    runs = pd.date_range("2024-02-28", "2024-05-15", freq="1D").to_numpy().astype("datetime64[ns]")
    lead = (np.arange(60) * np.timedelta64(1, "h")).astype("timedelta64[ns]")
    ghi = _sky((runs[:, None] + lead).ravel()).ghi.reshape(1, len(runs), 60)
    dims = ("site", "init_time", "lead_time")
    values = {"ghi": ghi, "temp_air": np.full(ghi.shape, 12.0), "wind_speed_10m": np.full(ghi.shape, 2.0)}
    coords = {"site": ["roof"], "init_time": runs, "lead_time": lead}
    return xr.Dataset(
        {name: (dims, value.astype("f4")) for name, value in values.items()},
        coords=coords | {"available_time": ("init_time", runs + np.timedelta64(6, "h"))},
    )


@pytest.fixture(scope="module")
def fitted() -> ef.Forecaster:
    return ef.Forecaster(UNKNOWN, TASK, model=MODEL).fit(_weather(), _power()[:"2024-05-10"])


def test_an_undeclared_orientation_is_estimated_and_marked(fitted: ef.Forecaster) -> None:
    plant = fitted.sites[0]
    assert isinstance(plant, ef.PVPlant)
    assert plant.surface_tilt == pytest.approx(20, abs=10)
    assert plant.surface_azimuth == pytest.approx(110, abs=20)
    assert "orientation estimated" in repr(fitted)
    forecast = fitted.predict(_weather(), _power(), issue_time="2024-05-12 09:00")
    assert any("orientation of roof estimated from power" in caveat for caveat in forecast.caveats)
    assert declared_sites(fitted.sites) == (UNKNOWN,)


def test_a_stored_forecaster_keeps_the_estimate(fitted: ef.Forecaster, tmp_path: Path) -> None:
    again = ef.load(fitted.save(tmp_path / "roof.forecaster"))
    assert again.sites == fitted.sites
    first, second = (
        each.predict(_weather(), _power(), issue_time="2024-05-12 09:00") for each in (fitted, again)
    )
    np.testing.assert_array_equal(first.data.values, second.data.values)


@pytest.mark.slow
def test_only_power_published_by_the_fit_counts() -> None:
    power, moment = _power(), pd.Timestamp("2024-04-20 09:00", tz="UTC")
    changed = power.values.copy()
    changed.loc["2024-04-20 08:00":] = 0.9
    poisoned = replace(power, values=changed)
    before, after = (fitted_plants([UNKNOWN], each, as_of=moment) for each in (power, poisoned))
    assert before == after != (UNKNOWN,)
    assert fitted_plants(before, poisoned) != before  # an estimate is made again


def test_declared_plants_and_those_without_a_past_stay_as_they_are() -> None:
    power = _power()
    tracker = replace(UNKNOWN, mounting="single_axis")
    for site in (TRUE, tracker, replace(UNKNOWN, capacity=None), ef.PVPlant(**PLACE | {"name": "new"})):
        assert fitted_plants([site], power) == (site,)
    assert fitted_plants([UNKNOWN], power[:"2024-03-09"]) == (UNKNOWN,)
    half = replace(UNKNOWN, surface_tilt=20.0)
    assert fitted_plants([half], power) == (half,)


@pytest.mark.slow
def test_a_late_clock_is_refused_and_not_learned_as_an_azimuth() -> None:
    late = _power().values.shift(3).fillna(0.0)
    with pytest.raises(ef.errors.TimeError):
        ef.Forecaster(UNKNOWN, TASK, model=MODEL).fit(_weather(), ef.Observations(late, published_after="1h"))


@pytest.mark.slow
def test_backtests_use_the_orientation_as_of_their_first_fit_without_a_leak() -> None:
    forecaster = ef.Forecaster(UNKNOWN, TASK, model=MODEL)
    result = ef.backtest(forecaster, _weather(), _power(), start="2024-05-01", end="2024-05-10", refit=None)
    assert forecaster.sites == (UNKNOWN,)
    assert any("orientation of roof" in caveat for caveat in next(iter(result.forecasts.values())).caveats)
    check_no_leakage(forecaster, _weather(), _power(), issue_time="2024-05-05 09:00")
