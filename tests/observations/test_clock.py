"""The clock check: false offsets, ignored changes and daylight saving are found, right clocks pass."""

from __future__ import annotations

import importlib.util
import re
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pvlib import solarposition

from energyforecast import datasets, physics
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.site_catalogue import catalogue
from energyforecast.core.sites import DemandArea, PVPlant, WindFarm
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.observations import audit_observations, check_clock
from energyforecast.observations import clock as clocks
from energyforecast.weather import measured_weather, validated

HOUR = pd.Timedelta("1h")
SITE, WEATHER, POWER = datasets.la_haute_borne()
TRUE = POWER.values[SITE.name]
FARM = WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=5, timezone="Asia/Almaty")
PLANT = PVPlant(name="plant", latitude=39.74, longitude=-105.18, capacity=1, timezone="America/Denver")


def _restamped(series: pd.Series, read_as: str, clock: str) -> pd.Series:
    """What results if a logger stamps with one clock and its file is read with another.

    Hours that the clock of the reading does not have are lost, as a reader that drops them would.
    """
    wall = series.index.tz_convert(timestamps.zone(clock)).tz_localize(None)
    ambiguous = np.zeros(len(wall), dtype=bool)
    index = wall.tz_localize(timestamps.zone(read_as), ambiguous=ambiguous, nonexistent="NaT").tz_convert(
        "UTC"
    )
    result = series.set_axis(index)[index.notna()]
    result = result[~result.index.duplicated()].sort_index()
    return result.asfreq(series.index[1] - series.index[0])


# --- A real wind farm -----------------------------------------------------------------------------


def test_the_true_clock_of_la_haute_borne_passes() -> None:
    report = check_clock(POWER, WEATHER, site=SITE)
    assert report.right
    assert report.lag is not None
    assert abs(report.lag.minutes) < 30
    assert report.lag.standard_error < 6
    assert report.table["certain"].all()
    assert len(report.table) == 24
    assert "right" in str(report)


@pytest.mark.parametrize("span", ["2014", "2015", slice("2014-03", "2014-11"), slice("2014-10", "2015-04")])
def test_parts_of_it_pass_too(span: str | slice) -> None:
    assert check_clock(POWER[span], WEATHER, site=SITE).right


def test_its_false_offsets_are_found() -> None:
    """The source writes UTC and adds the offset of Paris."""
    false = _restamped(TRUE, "Europe/Paris", "UTC")
    report = check_clock(false, WEATHER, site=SITE)
    assert report.verdict == "follows daylight saving"
    assert report.constant == pytest.approx(-60 + 15, abs=25)
    assert report.change == pytest.approx(-60, abs=20)
    assert "summer" in str(report)


@pytest.mark.parametrize("hours", [-6, -2, -1, 1, 2, 6, 12])
def test_whole_hours_are_found(hours: int) -> None:
    report = check_clock(TRUE.shift(hours, freq="1h"), WEATHER, site=SITE)
    # An hour early is 48 min against this farm's wind, about as much as half an hour's label may give.
    assert report.verdict in (
        {"off by a constant", "half an hour off"} if hours == -1 else {"off by a constant"}
    )
    assert report.constant == pytest.approx(60 * hours + 12, abs=15)


def test_a_farm_read_with_a_change_of_zone_that_its_clock_ignored_is_found() -> None:
    moved = TRUE.copy()
    moved.index = pd.DatetimeIndex(moved.index.where(moved.index < "2015-03-01", moved.index + HOUR))
    report = check_clock(moved.asfreq("1h"), WEATHER, site=SITE)
    assert report.verdict == "change of zone"
    assert report.change == pytest.approx(60, abs=20)
    assert report.since is not None
    assert abs(report.since - pd.Timestamp("2015-03-01", tz="UTC")) < pd.Timedelta("70D")


# --- Shelek's dispute, synthetic ------------------------------------------------------------------


@lru_cache(maxsize=1)
def _gap_wind() -> tuple[pd.Series, pd.Series]:
    """Wind of a model each hour, and the mean power each ten minutes, 2023-03 to 2025-02; synthetic."""
    rng = np.random.default_rng(11)
    index = pd.date_range("2023-03-11", "2025-03-01", freq="10min", tz="UTC")
    steps = rng.normal(size=len(index) + 300)
    slow = np.convolve(steps, np.exp(-np.arange(301) / 42), mode="valid")
    other = np.convolve(rng.normal(size=len(index) + 300), np.exp(-np.arange(301) / 42), mode="valid")
    true = 6.5 + 3.5 * slow / slow.std()
    model = 6.5 + 3.5 * (0.8 * slow + 0.6 * other) / slow.std()
    power = 5 / (1 + np.exp(-(true - 7) / 1.5))
    # An instant at the hour lies between the ten minutes before it and those after it.
    instants = pd.Series((model[:-1] + model[1:]) / 2, index=index[1:], name="wind_speed_100m")
    hourly = instants[instants.index.minute == 0]
    return hourly, pd.Series(power, index=index)


def test_a_logger_that_ignored_the_change_of_march_2024_is_found() -> None:
    wind, power = _gap_wind()
    false = _restamped(power, "Asia/Almaty", "fixed:+06:00")
    report = check_clock(false, wind, site=FARM)
    assert report.verdict == "change of zone"
    assert report.since == pd.Timestamp("2024-03-01", tz="UTC")
    assert report.change == pytest.approx(60, abs=12)
    assert report.constant == pytest.approx(0, abs=12)
    assert "March 2024" in str(report)


@pytest.mark.parametrize("clock", ["Asia/Almaty", "fixed:+06:00"])
def test_read_as_it_was_written_either_logger_passes(clock: str) -> None:
    wind, power = _gap_wind()
    assert check_clock(_restamped(power, clock, clock), wind, site=FARM).right


# --- PV -------------------------------------------------------------------------------------------


def _pv(site: PVPlant, *, step: str = "15min", days: int = 730, clouds: bool = True) -> pd.Series:
    """Synthetic power of level modules, with days and hours of cloud."""
    index = pd.date_range(
        "2022-01-01", periods=days * int(pd.Timedelta("1D") / pd.Timedelta(step)), freq=step
    )
    index = index.tz_localize("UTC")
    middle = index + pd.Timedelta(step) / 2
    height = np.sin(np.radians(solarposition.spa_python(middle, site.latitude, site.longitude)["elevation"]))
    rng = np.random.default_rng(5)
    day = np.asarray((index - index[0]).days)
    daily = rng.beta(3, 1.5, size=day[-1] + 1)[day] if clouds else 1.0
    noise = rng.uniform(0.7, 1.0, size=len(index)) if clouds else 1.0
    return pd.Series(np.clip(height.to_numpy(), 0, None) * daily * noise, index=index)


@pytest.mark.parametrize("step", ["15min", "30min", "1h"])
def test_a_plant_on_the_suns_clock_passes(step: str) -> None:
    report = check_clock(_pv(PLANT, step=step), site=PLANT)
    assert report.right
    assert report.constant == pytest.approx(0, abs=4)


@pytest.mark.parametrize("zone", ["America/Denver", "UTC"])
def test_daylight_saving_in_a_file_called_utc_minus_7_is_found(zone: str) -> None:
    site = PVPlant(name="plant", latitude=39.74, longitude=-105.18, timezone=zone)
    false = _restamped(_pv(PLANT), "fixed:-07:00", "America/Denver")
    report = check_clock(false, site=site)
    assert report.verdict == "follows daylight saving"
    assert report.change == pytest.approx(60, abs=8)
    assert report.constant == pytest.approx(0, abs=8)


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [
        (30, "half an hour off"),
        (-30, "half an hour off"),
        (60, "off by a constant"),
        (-360, "off by a constant"),
    ],
)
def test_wrong_labels_of_a_plant_are_found(minutes: int, verdict: str) -> None:
    report = check_clock(_pv(PLANT, step="30min").shift(minutes, freq="1min"), site=PLANT)
    assert report.verdict == verdict
    assert report.constant == pytest.approx(minutes, abs=8)


def _west() -> tuple[PVPlant, pd.Series]:
    west = PVPlant(name="west", latitude=43.97, longitude=77.11, surface_tilt=35, surface_azimuth=235)
    index = pd.date_range("2023-01-01", periods=8760, freq="1h", tz="UTC")
    sun = physics.solar_position(timestamps.to_ns(index + HOUR / 2), west.latitude, west.longitude)
    return west, pd.Series(west.clear_sky_power(sun), index=index)


@pytest.mark.parametrize("declared", [True, False])
def test_modules_that_face_west_are_not_taken_for_a_wrong_clock(declared: bool) -> None:
    west, power = _west()
    site = west if declared else replace(west, surface_tilt=None, surface_azimuth=None)
    report = check_clock(power, site=site)
    assert report.right
    assert ("another direction" in str(report)) is not declared
    late = check_clock(power.shift(1, freq="1h"), site=site)
    assert late.verdict == "off by a constant"
    assert late.constant == pytest.approx(60, abs=5 if declared else 40)


def test_hills_are_not_taken_for_a_wrong_clock() -> None:
    west, power = _west()
    assert check_clock(power.where(power.index.hour > 4, 0.02 * (power > 0)), site=west).right


def test_power_at_all_hours_has_no_clock_that_the_sun_could_show() -> None:
    """A battery in the evening: no other clock explains it."""
    _, power = _west()
    battery = power + 0.3 * power.index.hour.isin(range(13, 18))
    assert check_clock(battery, site=_west()[0]).verdict in ("right", "unknown")


def _pvanalytics() -> Path:
    found = importlib.util.find_spec("pvanalytics")
    if found is None or found.origin is None:
        pytest.skip("pvanalytics, which ships the measurements of PVDAQ system 50, is not installed")
    pytest.importorskip("pyarrow")
    return Path(found.origin).parent / "data"


@pytest.mark.parametrize("against", ["the sun", "ghi"])
def test_the_clock_of_pvdaq_system_50_follows_daylight_saving(against: str) -> None:
    folder = _pvanalytics()
    table = pd.read_parquet(folder / "system_50_ac_power_2_full_DST.parquet").set_index("measured_on")
    weather = pd.read_parquet(folder / "system_50_ac_power_2_full_DST_psm3.parquet").set_index("index")
    power = table["ac_power_2"].tz_convert("UTC").asfreq("15min")
    ghi = None if against == "the sun" else weather["ghi"].tz_convert("UTC")
    report = check_clock(power, ghi, site=PLANT)
    assert report.verdict == "follows daylight saving"
    assert report.against == against
    if against == "ghi":
        assert report.change == pytest.approx(60, abs=8)


# --- What it is given -----------------------------------------------------------------------------


def test_nothing_is_changed_and_flagged_values_are_left_out() -> None:
    flags = pd.DataFrame({SITE.name: np.where(TRUE.index < "2015", 1 << 3, 0)}, index=TRUE.index)
    values = TRUE.to_frame()
    power = Observations(values.copy(), published_after="1h", flags=flags)
    copy = WEATHER.copy(deep=True)
    report = check_clock(power, WEATHER, site=SITE)
    pd.testing.assert_frame_equal(power.values, values, check_freq=False)
    xr.testing.assert_identical(WEATHER, copy)
    unfit = power.unfit[SITE.name]
    assert report.table["values"].sum() == (TRUE.notna() & ~unfit).sum()


def _runs(hours: tuple[int, ...]) -> xr.Dataset:
    """La Haute Borne's wind as forecasts: older leads are another hour's wind, so that only fresh ones are right."""
    wind = WEATHER["wind_speed_100m"].isel(site=0).values
    init = WEATHER["time"].values[:-30:6]
    cube = np.stack(
        [[wind[6 * k + (h if h < 6 else h - 5)] for h in hours] for k in range(len(init))]
    ).astype("float32")
    return xr.Dataset(
        {"wind_speed_100m": (("site", "init_time", "lead_time"), cube[None])},
        coords={"site": [SITE.name], "init_time": init, "lead_time": np.array(hours, dtype="timedelta64[h]")},
        attrs={"kind": "forecast"},
    )


def test_of_several_runs_the_freshest_is_taken() -> None:
    fresh = check_clock(TRUE, _runs(tuple(range(12))), site=SITE)
    assert fresh.right
    stale = check_clock(TRUE, _runs(tuple(range(6, 12))), site=SITE)
    assert stale.verdict == "off by a constant"


def test_quarters_need_less_and_too_little_says_nothing() -> None:
    assert len(check_clock(TRUE, WEATHER, site=SITE, by="quarter").table) == 8
    few = check_clock(TRUE["2014-02-01":"2014-02-07"], WEATHER, site=SITE)
    assert few.verdict == "unknown"
    assert few.lag is None
    assert "too little" in str(few)
    rng = np.random.default_rng(0)
    noise = pd.Series(rng.normal(size=len(TRUE)), index=TRUE.index)
    assert check_clock(noise, WEATHER, site=SITE).verdict == "unknown"


def test_what_cannot_be_compared_is_refused() -> None:
    area = DemandArea(name="area", latitude=43.2, longitude=76.9)
    wind = WEATHER["wind_speed_100m"].isel(site=0).to_series()
    with pytest.raises(MissingDataError, match="compare"):
        check_clock(TRUE, site=area)
    with pytest.raises(SchemaError, match="Nurly"):
        check_clock(POWER, WEATHER, site=catalogue()["nurly"])
    with pytest.raises(SchemaError, match="wind_direction"):
        check_clock(TRUE, WEATHER[["wind_direction_100m"]], site=SITE)
    with pytest.raises(TimeError, match="zone"):
        check_clock(TRUE, wind, site=SITE)
    with pytest.raises(TimeError, match="naive"):
        check_clock(TRUE.tz_localize(None), WEATHER, site=SITE)
    with pytest.raises(MissingDataError, match="empty"):
        check_clock(TRUE, wind.tz_localize("UTC").iloc[:0], site=SITE)


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(0, "right"), (-30, "half an hour off"), (-60, "off by a constant"), (300, "off by a constant")],
)
def test_radiation_measured_in_an_area_shows_the_clock_of_its_table(minutes: int, verdict: str) -> None:
    """Clouds that are a little thicker in the afternoon, and demand that has nothing to do with the sun."""
    area = DemandArea(name="area", latitude=43.2, longitude=76.9, timezone="Asia/Almaty")
    index = pd.date_range("2024-02-01", "2024-06-01", freq="10min", tz="UTC", inclusive="left")
    sun = physics.solar_position(
        timestamps.to_ns(index + pd.Timedelta("5min")), area.latitude, area.longitude
    )
    rng = np.random.default_rng(0)
    clouds = rng.uniform(0.3, 1, len(index) // 144).repeat(144) * np.where(index.hour >= 7, 0.93, 1)
    ghi = np.nan_to_num(physics.clear_sky(sun).ghi) * clouds
    stamps = index + pd.Timedelta(minutes, "min")
    measured = measured_weather({"ghi": pd.DataFrame({"area": ghi}, index=stamps)}, published_after="0h")
    demand = pd.Series(rng.uniform(1, 2, len(index)), index=stamps)
    report = check_clock(demand, measured, site=area)
    assert report.verdict == verdict
    assert report.against == "the sun"
    assert report.lag is not None
    assert abs(report.lag.minutes - minutes) < 15
    refused = [TimeError] if minutes else []
    audit = audit_observations(
        Observations(demand.to_frame("area"), published_after="0h"), sites=area, weather=measured
    )
    assert [problem for problem in audit.problems if "Clock" in problem] == ([str(report)] if minutes else [])
    with pytest.raises(TimeError) if refused else nullcontext() as caught:
        validated(measured, sites=[area])
    if caught is not None:
        found, _, remedy = str(caught.value).splitlines()
        assert re.search(r"comes (\d+) min", found)
        assert "same table has the same clock" in remedy
        assert ("Asia/Almaty" in found) == (
            minutes == 300
        )  # five hours ahead of UTC since March 2024, six before


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["sign", "middle"])
def test_a_planted_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "sign":
        honest = clocks.estimate_lag
        flipped = lambda *args, **kw: honest(args[0], args[1][:, ::-1], **kw)  # noqa: E731
        monkeypatch.setattr(clocks, "estimate_lag", flipped)
        with pytest.raises(AssertionError):
            test_its_false_offsets_are_found()
    else:
        honest_sun = clocks.clock_driver
        shifted = lambda when, *rest, **kw: honest_sun(when - pd.Timedelta("30min"), *rest, **kw)  # noqa: E731
        monkeypatch.setattr(clocks, "clock_driver", shifted)
        with pytest.raises(AssertionError):
            test_a_plant_on_the_suns_clock_passes("1h")
