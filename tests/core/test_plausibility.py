"""Plausible power and radiation: the sun as a clock, units and capacities."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pvlib import clearsky, solarposition

from energyforecast import physics
from energyforecast.core import plausibility, timestamps, weather_schema
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.errors import RangeError, SchemaError, TimeError, UnitsError
from tests.support.error_messages import three_lines

FARM = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
OTHER = WindFarm(name="other", latitude=43.64, longitude=78.54, capacity=60)
HOURS = np.timedelta64(1, "h")


# --- The sun as a clock ---------------------------------------------------------------------------

PLANTS = [
    PVPlant(name="kapshagay", latitude=43.97, longitude=77.11, capacity=100),
    PVPlant(name="arizona", latitude=33.4, longitude=-112.0, capacity=100),
    PVPlant(name="auckland", latitude=-36.9, longitude=174.8, capacity=100),
]


@lru_cache
def _clear_sky(site: Site) -> pd.Series:
    fine = pd.date_range("2024-03-01", periods=184 * 144, freq="10min", tz="UTC")
    sun = solarposition.spa_python(fine + pd.Timedelta("5min"), site.latitude, site.longitude)
    return clearsky.haurwitz(sun["apparent_zenith"])["ghi"].set_axis(fine)


def _radiation(
    site: Site, *, days: int, shift: int = 0, cloudy: bool = False, width: str = "1h"
) -> pd.Series:
    """Means over intervals from pvlib's clear sky, labelled with their beginning plus `shift` hours."""
    ghi = _clear_sky(site).iloc[: days * 144].resample(width).mean()
    if cloudy:
        rng = np.random.default_rng(5)
        hourly = np.convolve(rng.normal(size=len(ghi) + 8), np.ones(9) / 3, mode="valid")
        ghi *= 1 / (1 + np.exp(-1.5 * hourly))
    ghi.index = ghi.index + pd.Timedelta(shift, "h")
    return ghi


def _with_radiation(site: Site, ghi: pd.Series) -> xr.Dataset:
    axis = timestamps.to_ns(ghi.index)
    return xr.Dataset(
        {"ghi": (("site", "time"), ghi.to_numpy(dtype="float32")[None, :])},
        coords={"site": [site.name], "time": axis, "available_time": ("time", axis + 24 * HOURS)},
    )


@pytest.mark.parametrize("site", PLANTS, ids=lambda site: site.name)
@pytest.mark.parametrize(("days", "cloudy"), [(30, False), (184, True)])
def test_radiation_labelled_at_the_beginning_passes(site: Site, days: int, cloudy: bool) -> None:
    weather_schema.check_weather(
        _with_radiation(site, _radiation(site, days=days, cloudy=cloudy)), sites=[site]
    )


@pytest.mark.parametrize("site", PLANTS, ids=lambda site: site.name)
@pytest.mark.parametrize(("days", "cloudy"), [(30, False), (184, True)])
@pytest.mark.parametrize(("shift", "where"), [(1, "after"), (-1, "before"), (5, "after")])
def test_radiation_labelled_at_the_end_or_in_local_time_is_found_by_the_sun(
    site: Site, days: int, cloudy: bool, shift: int, where: str
) -> None:
    wrong = _with_radiation(site, _radiation(site, days=days, cloudy=cloudy, shift=shift))
    with pytest.raises(TimeError, match=rf"min {where} the sun") as caught:
        weather_schema.check_weather(wrong, sites=[site])
    three_lines(caught.value, "ghi", repr(site.name), "2024-0")


def _as_runs(site: Site, ghi: pd.Series, leads: np.ndarray) -> xr.Dataset:
    init = timestamps.to_ns(ghi.index[: -int(leads[-1]) - 1 : 24])
    position = np.searchsorted(timestamps.to_ns(ghi.index), init)[:, None] + leads[None, :]
    return xr.Dataset(
        {"ghi": (("site", "init_time", "lead_time"), ghi.to_numpy(dtype="float32")[position][None])},
        coords={
            "site": [site.name],
            "init_time": init,
            "lead_time": leads.astype("timedelta64[h]"),
            "available_time": ("init_time", init + 5 * HOURS),
        },
    )


@pytest.mark.parametrize("shift", [0, 1])
def test_the_sun_checks_forecasts_too_whose_runs_overlap(shift: int) -> None:
    weather = _as_runs(PLANTS[0], _radiation(PLANTS[0], days=30, shift=shift), np.arange(60))
    if shift:
        with pytest.raises(TimeError, match="after the sun"):
            weather_schema.check_weather(weather, sites=[PLANTS[0]])
    else:
        weather_schema.check_weather(weather, sites=[PLANTS[0]])


@pytest.mark.parametrize("width", ["10min", "30min", "3h"])
def test_means_over_shorter_and_longer_intervals_are_compared_with_the_suns_middle(width: str) -> None:
    right = _radiation(PLANTS[0], days=30, width=width)
    lag = plausibility.check_sun(timestamps.to_ns(right.index), right.to_numpy(), site=PLANTS[0], label="ghi")
    assert lag is not None
    assert abs(lag) < 5


def test_ten_minutes_are_told_from_the_sun_on_clear_days() -> None:
    clear = _radiation(PLANTS[0], days=30)
    stamps = timestamps.to_ns(clear.index) + np.timedelta64(20, "m")
    lag = plausibility.check_sun(stamps, clear.to_numpy(), site=PLANTS[0], label="ghi")
    assert lag == pytest.approx(20, abs=4)


def test_a_few_days_say_nothing_about_the_clock() -> None:
    few = _radiation(PLANTS[0], days=5, shift=3)
    assert (
        plausibility.check_sun(timestamps.to_ns(few.index), few.to_numpy(), site=PLANTS[0], label="ghi")
        is None
    )


# --- Observations ---------------------------------------------------------------------------------


def _power(values: list[float], start: str = "2024-01-01", site: str = "farm") -> pd.DataFrame:
    index = pd.date_range(start, periods=len(values), freq="1h", tz="UTC")
    return pd.DataFrame({site: values}, index=index)


def test_kilowatts_are_recognised() -> None:
    with pytest.raises(UnitsError, match="kW") as caught:
        plausibility.check_observations(_power([120.0, 8100.0, 35.0]), sites=[FARM])
    three_lines(caught.value, "'farm'", "8100", "2024-01-01 01:00")


def test_gigawatts_are_recognised() -> None:
    with pytest.raises(UnitsError, match="GW") as caught:
        plausibility.check_observations(_power([0.0001, 0.0081] * 300), sites=[FARM])
    three_lines(caught.value, "'farm'")


@pytest.mark.parametrize("value", [12.0, -12.0])
def test_power_above_capacity_is_named_by_site_and_hour(value: float) -> None:
    with pytest.raises(RangeError, match="above") as caught:
        plausibility.check_observations(_power([1.0, 2.0, value]), sites=[FARM])
    three_lines(caught.value, "'farm'", f"{value:g}", "2024-01-01 02:00")


def test_small_negative_power_slightly_more_than_capacity_and_gaps_pass() -> None:
    plausibility.check_observations(_power([-0.05, 8.4, np.nan]), sites=[FARM])
    plausibility.check_observations(_power([np.nan, np.nan]), sites=[FARM])


def test_a_mark_of_missing_values_within_the_capacity_is_no_power_of_a_plant() -> None:
    values = _power([1.0, 8.4, -9.0])
    with pytest.raises(RangeError, match="marks of missing values") as caught:
        plausibility.check_observations(values, sites=[FARM])
    three_lines(caught.value, "'farm'", "-9", "2024-01-01 02:00")
    plausibility.check_observations(values, sites=[FARM], unfit=values < -5)
    area = DemandArea(name="farm", latitude=43.24, longitude=76.9, capacity=10.0)
    plausibility.check_observations(values, sites=[area])


def test_flagged_hours_may_hold_anything() -> None:
    values = _power([1.0, 9999.0])
    plausibility.check_observations(values, sites=[FARM], unfit=values > 100)
    with pytest.raises(UnitsError):
        plausibility.check_observations(values, sites=[FARM], unfit=values < 100)


def test_demand_without_capacity_has_no_bound() -> None:
    area = DemandArea(name="city", latitude=43.24, longitude=76.9)
    plausibility.check_observations(_power([1500.0], site="city"), sites=[area])


def test_a_site_without_a_column_is_named() -> None:
    with pytest.raises(SchemaError, match="without 'other'") as caught:
        plausibility.check_observations(_power([1.0]), sites=[FARM, OTHER])
    three_lines(caught.value)


@pytest.mark.parametrize(("minutes", "right"), [(-40, True), (0, True), (40, True), (60, False)])
def test_the_clock_of_an_ensemble_of_instants_is_that_of_its_stamps(minutes: int, right: bool) -> None:
    """Also where means of xarray drop the attributes, as they did before 2025.11."""
    site = PVPlant(name="p", latitude=43.97, longitude=77.11, capacity=50.0)
    init = np.datetime64("2024-06-01", "ns") + np.arange(24) * np.timedelta64(1, "D")
    lead = np.arange(48).astype("m8[h]").astype("m8[ns]")
    sun = physics.solar_position(
        init[:, None] + lead + np.timedelta64(minutes, "m"), site.latitude, site.longitude
    )
    ghi = np.stack([0.9 * physics.clear_sky(sun).ghi, physics.clear_sky(sun).ghi])[:, None]
    dims = ("member", "site", "init_time", "lead_time")
    weather = xr.Dataset(
        {"ghi": (dims, ghi.astype("f4"), {"units": "W m-2", "cell_methods": "time: point"})},
        coords={
            "member": [0, 1],
            "site": ["p"],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(4, "h")),
        },
    )
    with xr.set_options(keep_attrs=False):  # type: ignore[no-untyped-call]
        if right:
            weather_schema.check_weather(weather, sites=[site])
            return
        with pytest.raises(TimeError, match="before the sun"):
            weather_schema.check_weather(weather, sites=[site])
