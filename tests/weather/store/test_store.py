"""The archive of weather: what came is kept with the moment at which it came, and asked for once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core import weather_schema
from energyforecast.errors import (
    DependencyError,
    MissingDataError,
    RunNotPublishedError,
    SchemaError,
    StoreError,
)
from energyforecast.weather import Store
from tests.support.toy_sources import FARM, HOUR, OTHER, Toy, ToyAnalysis, same_values, truth, utc

RUNS = ["2024-06-01 00:00", "2024-06-01 12:00", "2024-06-02 00:00"]


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: str) -> None:
        self.now = utc(now)

    def __call__(self) -> pd.Timestamp:
        return self.now

    def set(self, now: str) -> None:
        self.now = utc(now)


@pytest.fixture
def clock() -> Clock:
    return Clock("2024-06-02 05:00")


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return Store(tmp_path / "archive.zarr", clock=clock)


def arrivals(weather: xr.Dataset) -> list[str]:
    """When each run's last value came."""
    return [
        str(moment)[:16].replace("T", " ") for moment in weather["available_time"].max("lead_time").values
    ]


# --- What is kept -----------------------------------------------------------------------------------


def test_what_a_source_gave_is_what_is_opened(store: Store) -> None:
    store.update(Toy(), sites=[FARM, OTHER], since="2024-06-01")
    weather = store.open("toy")
    assert isinstance(weather, xr.Dataset)
    same_values(weather, truth(RUNS, [FARM, OTHER]))
    weather_schema.check_weather(weather, sites=[FARM, OTHER])
    assert weather["wind_speed_100m"].attrs["units"] == "m s-1"
    assert weather["ghi"].attrs["cell_methods"] == "time: mean"
    assert weather.attrs["attribution"] == "made up"
    assert weather["wind_speed_100m"].dtype == np.float32


def test_a_run_is_asked_for_once(store: Store, clock: Clock) -> None:
    source = Toy()
    store.update(source, sites=FARM, since="2024-06-01")
    first = list(source.asked)
    report = store.update(source, sites=FARM)
    assert source.asked == first
    assert report.stored == []
    clock.set("2024-06-02 17:00")
    store.update(source, sites=FARM)
    assert source.asked[len(first) :] == [(utc("2024-06-02 12:00"), ("farm",))]


def test_runs_that_are_not_due_are_not_asked_for(store: Store, clock: Clock) -> None:
    clock.set("2024-06-02 03:59")  # the run of 0 UTC comes at 4
    source = Toy()
    store.update(source, sites=FARM, since="2024-06-01", until="2025")
    assert [run for run, _ in source.asked] == [utc(run) for run in RUNS[1::-1]]


def test_a_file_is_a_zarr_group_that_xarray_reads(store: Store) -> None:
    from zarr.storage import ZipStore

    store.update(Toy(), sites=FARM, since="2024-06-02")
    (path,) = (store.path / "toy" / "files").iterdir()
    with ZipStore(path, mode="r") as zipped:
        file = xr.open_zarr(zipped, consolidated=False, decode_timedelta=True, chunks=None).load()
    assert str(file["available_time"].values.max())[:16] == "2024-06-02T05:00"
    same_values(file.drop_vars("available_time").assign_coords(site=["farm"]), truth(RUNS[2:]))


def test_values_are_read_when_they_are_touched(store: Store) -> None:
    store.update(Toy(), sites=[FARM, OTHER], since="2024-06-01")
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    assert not any(variable._in_memory for variable in weather.data_vars.values())
    expected = truth(RUNS, [FARM, OTHER])["temp_air"]
    some: dict[str, Any] = {"init_time": [2, 0], "lead_time": slice(3, 9, 2), "site": 1}
    np.testing.assert_array_equal(weather["temp_air"].isel(some).values, expected.isel(some).values)
    last = weather["temp_air"].isel(lead_time=slice(None, None, -1), init_time=-1)
    np.testing.assert_array_equal(
        last.values, expected.isel(lead_time=slice(None, None, -1), init_time=-1).values
    )


def test_start_and_end_name_whole_days(store: Store) -> None:
    store.update(Toy(), sites=FARM, since="2024-06-01")
    day = store.open(start="2024-06-01", end="2024-06-01")
    assert isinstance(day, xr.Dataset)
    same_values(day, truth(RUNS[:2]))
    with pytest.raises(MissingDataError, match="holds no weather of any source for these"):
        store.open(start="2025")


def test_several_sources_are_opened_by_model(store: Store) -> None:
    store.update(Toy(name="open-meteo:ecmwf_ifs"), sites=FARM, since="2024-06-01")
    store.update(Toy(name="open-meteo:gfs"), sites=FARM, since="2024-06-01")
    assert store.sources() == ("open-meteo:ecmwf_ifs", "open-meteo:gfs")
    weather = store.open()
    assert isinstance(weather, dict)
    assert set(weather) == {"ecmwf_ifs", "gfs"}


def test_an_empty_store_says_what_to_do(store: Store) -> None:
    with pytest.raises(MissingDataError, match="Call update"):
        store.open()
    assert store.describe().empty
    assert store.quarantined().empty


# --- Sites ------------------------------------------------------------------------------------------


def test_a_new_site_is_filled_in_from_the_first_run_on(store: Store) -> None:
    source = Toy()
    store.update(source, sites=FARM, since="2024-06-01")
    source.asked.clear()
    store.update(source, sites=[FARM, OTHER])
    assert source.asked == [(utc(run), (OTHER.name,)) for run in RUNS[::-1]]
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    same_values(weather, truth(RUNS, [FARM, OTHER]))
    alone = store.open(sites=OTHER)
    assert isinstance(alone, xr.Dataset)
    same_values(alone, truth(RUNS, [OTHER]))


def test_a_site_that_moved_is_refused(store: Store) -> None:
    from dataclasses import replace

    store.update(Toy(), sites=FARM, since="2024-06-02")
    with pytest.raises(StoreError, match="'farm' lies at") as error:
        store.update(Toy(), sites=replace(FARM, latitude=44.6))
    assert "another name" in error.value.remedy


def test_a_site_that_is_not_there_is_named(store: Store) -> None:
    store.update(Toy(), sites=FARM, since="2024-06-02")
    with pytest.raises(MissingDataError, match="Ферма 2"):
        store.open(sites=[FARM, OTHER])


# --- When it came -----------------------------------------------------------------------------------


def test_live_runs_carry_the_moment_and_older_ones_the_declared_delay(store: Store) -> None:
    store.update(Toy(), sites=FARM, since="2024-05-31 12:00")
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    # At 5:00 of the 2nd: the runs due by 4:00 of the 1st are older than a day.
    assert arrivals(weather) == [
        "2024-05-31 16:00",
        "2024-06-01 04:00",
        "2024-06-02 05:00",
        "2024-06-02 05:00",
    ]
    assert weather["arrival"].values.tolist() == ["declared", "declared", "recorded", "recorded"]


def test_a_clock_that_went_back_is_not_believed_before_the_declared_delay(store: Store, clock: Clock) -> None:
    clock.set("2024-06-02 17:00")
    store.update(Toy(), sites=FARM, since="2024-06-02 12:00")
    clock.set("2024-06-02 02:00")  # a dead battery
    store.update(Toy(), sites=FARM, since="2024-06-01")
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    assert arrivals(weather) == ["2024-06-02 02:00", "2024-06-02 02:00", "2024-06-02 17:00"]
    assert weather["arrival"].values.tolist() == ["declared", "declared", "recorded"]


def half(weather: xr.Dataset) -> xr.Dataset:
    """Published in part: leads to 12 h, and no temperature yet."""
    return weather.isel(lead_time=slice(0, 13)).drop_vars("temp_air")


def test_a_half_published_run_is_completed_and_each_part_keeps_its_arrival(
    store: Store, clock: Clock
) -> None:
    clock.set("2024-06-02 04:30")
    report = store.update(Toy({RUNS[2]: half}), sites=FARM, since=RUNS[2])
    assert list(report.incomplete) == [utc(RUNS[2])]
    assert store.describe()["incomplete"].item() == 1
    clock.set("2024-06-02 06:00")
    report = store.update(Toy(), sites=FARM)
    assert report.stored == [utc(RUNS[2])]
    assert report.incomplete == {}
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    same_values(weather, truth(RUNS[2:]))
    assert store.describe()["coverage"].item() == 1.0


def test_no_lead_counts_before_its_last_value_came(store: Store, clock: Clock) -> None:
    def to_twelve(weather: xr.Dataset) -> xr.Dataset:
        weather["ghi"][..., 12] = np.nan  # the mean of the hour that begins there is not known yet
        return weather.isel(lead_time=slice(0, 13))

    clock.set("2024-06-02 04:30")
    store.update(Toy({RUNS[2]: to_twelve}), sites=FARM, since=RUNS[2])
    clock.set("2024-06-02 06:00")
    store.update(Toy(), sites=FARM)
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    came = [str(moment)[11:16] for moment in weather["available_time"].values[0]]
    assert came == ["04:30"] * 12 + ["06:00"] * 25
    same_values(weather, truth(RUNS[2:]))


def test_what_came_first_stays(store: Store, clock: Clock) -> None:
    """A server that revises a run changes nothing that a forecast may have seen."""
    store.update(Toy({RUNS[2]: half}), sites=FARM, since=RUNS[2])
    clock.set("2024-06-02 06:00")
    store.update(Toy({RUNS[2]: lambda weather: weather + np.float32(1)}), sites=FARM)
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    before, after = truth(RUNS[2:]), truth(RUNS[2:]) + 1
    first = weather["wind_speed_100m"].values[0, 0]
    np.testing.assert_array_equal(first[:13], before["wind_speed_100m"].values[0, 0, :13])
    np.testing.assert_array_equal(first[13:], after["wind_speed_100m"].values[0, 0, 13:])
    np.testing.assert_array_equal(weather["temp_air"].values, after["temp_air"].values)


def test_leads_that_a_run_never_had_never_arrived(store: Store) -> None:
    class Uneven(Toy):
        """The run of 12 UTC reaches less far."""

        def leads(self, init_time: pd.Timestamp) -> Any:
            return np.arange(37 if init_time.hour == 0 else 19) * HOUR

    short = {RUNS[1]: lambda weather: weather.isel(lead_time=slice(0, 19))}
    report = store.update(Uneven(short), sites=FARM, since="2024-06-01")
    assert report.incomplete == {}
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    assert np.isnat(weather["available_time"].values[1, 19:]).all()
    assert not np.isnat(weather["available_time"].values[[0, 2]]).any()
    weather_schema.check_weather(weather)


class Untold(Toy):
    """Does not say how far its runs reach."""

    def leads(self, init_time: pd.Timestamp) -> Any:
        return None


def holes(weather: xr.Dataset) -> xr.Dataset:
    """As a server says it that has nothing (yet): NaN from lead 18 on, and no temperature."""
    return weather.where(weather["lead_time"] < 18 * HOUR).assign(
        temp_air=weather["temp_air"] * np.float32(np.nan)
    )


def test_what_a_source_never_gives_is_not_waited_for(store: Store, clock: Clock) -> None:
    evenings = {f"2024-05-{day} 12:00": holes for day in (25, 26, 31)}
    clock.set("2024-05-31 17:00")
    store.update(Untold(evenings), sites=FARM, since="2024-05-25", until="2024-05-26")
    report = store.update(Untold(evenings), sites=FARM, since="2024-05-31")
    assert report.incomplete == {}
    assert report.stored == [utc("2024-05-31 12:00"), utc("2024-05-31 00:00")]


def test_what_earlier_runs_had_is_waited_for(store: Store, clock: Clock) -> None:
    clock.set("2024-05-31 17:00")
    store.update(Untold(), sites=FARM, since="2024-05-25", until="2024-05-26")
    report = store.update(Untold({"2024-05-31 12:00": holes}), sites=FARM, since="2024-05-31")
    assert list(report.incomplete) == [utc("2024-05-31 12:00")]
    assert store.update(Untold(), sites=FARM, since="2024-05-31").stored == [utc("2024-05-31 12:00")]


def test_without_its_library_the_store_says_what_to_install(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(DependencyError, match=r"energyforecast\[store\]"):
        store.update(Toy(), sites=FARM)


# --- What does not come -----------------------------------------------------------------------------

NOT_THERE = RunNotPublishedError("Not there.", "It is.", "Wait.")


def test_a_run_that_never_came_is_given_up_and_can_be_asked_for_again(store: Store, clock: Clock) -> None:
    source = Toy({RUNS[0]: NOT_THERE})
    clock.set("2024-06-10 05:00")
    for _ in range(5):
        report = store.update(source, sites=FARM, since=RUNS[0], until=RUNS[1])
    assert len(source.asked) == 3
    assert report.given_up == 1
    assert store.update(Toy(), sites=FARM, since=RUNS[0], until=RUNS[1], retry=True).stored == [utc(RUNS[0])]


def test_a_late_run_is_asked_for_until_it_comes(store: Store, clock: Clock) -> None:
    source = Toy({RUNS[2]: NOT_THERE})
    for hour in range(5, 23):
        clock.set(f"2024-06-02 {hour:02}:00")
        report = store.update(source, sites=FARM, since=RUNS[2], until="2024-06-02 01:00")
        assert report.failed == {utc(RUNS[2]): "Not there."}
    source.script.clear()
    clock.set("2024-06-02 23:00")
    store.update(source, sites=FARM, until="2024-06-02 01:00")
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    assert arrivals(weather) == ["2024-06-02 23:00"]
    assert store.describe()["lateness_max"].item() == pd.Timedelta("23h")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".hidden", "x\0y", "a b", "ü", "a" * 200])
def test_names_of_sources_cannot_leave_the_store(store: Store, name: str) -> None:
    with pytest.raises(SchemaError, match="Rename the source"):
        store.update(Toy(name=name), sites=FARM)
    assert not store.path.exists() or not list(store.path.rglob("*.zip"))


# --- Small files become larger ones ----------------------------------------------------------------


def test_months_are_put_together_and_say_the_same(store: Store, clock: Clock) -> None:
    clock.set("2024-05-31 05:00")
    store.update(Toy({"2024-05-28 12:00": half}), sites=FARM, since="2024-05-27")
    before = store.open()
    assert isinstance(before, xr.Dataset)
    before.load()
    clock.set("2024-06-06 05:00")
    store.update(Toy(), sites=FARM, until="2024-05-30")
    # Six runs are one file now, and are still there; apart stay the newest week and the run that came in two.
    assert len(files(store)) == 6 + 1 + 2 + 2
    clock.set("2024-06-08 05:00")
    store.update(Toy(), sites=FARM, until="2024-05-30")
    clock.set("2024-06-09 06:00")  # for a day, files that were merged may still be read
    store.update(Toy(), sites=FARM, until="2024-05-30")
    assert len(files(store)) == 1 + 2
    after = store.open(end="2024-05-30")
    assert isinstance(after, xr.Dataset)
    same_values(after, truth([str(run) for run in pd.date_range("2024-05-27", periods=8, freq="12h")]))
    kept = before["init_time"].values != np.datetime64("2024-05-28T12")  # which was completed
    for name in ("available_time", "arrival"):
        now = after[name].sel(init_time=before["init_time"][:8])
        np.testing.assert_array_equal(now.values[kept[:8]], before[name].values[:8][kept[:8]])


def files(store: Store) -> list[Path]:
    return list(store.path.rglob("files/*.zip"))


def test_a_dataset_opened_before_an_update_can_still_be_read(store: Store, clock: Clock) -> None:
    store.update(Toy(), sites=FARM, since="2024-05-30", until="2024-05-30 13:00")
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    clock.set("2024-06-12")
    store.update(Toy(), sites=FARM, since="2024-05-29", until="2024-05-31")
    clock.set("2024-06-12 23:00")
    store.update(Toy(), sites=FARM, since="2024-05-29", until="2024-05-31")
    assert len(files(store)) == 6 + 1  # for a day, beside the one that they became
    from energyforecast.weather.store import archive_files as held

    held._cache.clear()
    same_values(weather, truth(["2024-05-30 00:00", "2024-05-30 12:00"]))


# --- Analyses ---------------------------------------------------------------------------------------


def test_an_analysis_grows_hour_by_hour(store: Store, clock: Clock) -> None:
    source = ToyAnalysis()
    clock.set("2024-03-05 06:00")
    store.update(source, sites=FARM, since="2024-02-10")
    assert source.asked == [(utc("2024-02-01"), utc("2024-02-29 06:00"))]
    clock.set("2024-03-08 06:00")
    store.update(source, sites=FARM)
    assert source.asked[1:] == [
        (utc("2024-03-01"), utc("2024-03-03 06:00")),
        (utc("2024-02-29 06:00"), utc("2024-03-01")),
    ]
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    hours = pd.date_range("2024-02-01", "2024-03-03 06:00", freq="1h", inclusive="left", tz="UTC")
    expected = ToyAnalysis().get_period([FARM], hours[0], hours[-1] + pd.Timedelta("1h"))
    same_values(weather, expected)
    weather_schema.check_weather(weather)
    came = weather["available_time"].to_series().dt.strftime("%Y-%m-%d %H:%M")
    assert came["2024-02-01 00:00"] == "2024-02-06 00:00"  # filled in: five days later, as is declared
    assert came["2024-02-29 05:00"] == "2024-03-05 06:00"  # seen to arrive
    assert came["2024-03-03 05:00"] == "2024-03-08 06:00"
    store.update(source, sites=FARM)
    assert len(source.asked) == 3


def test_a_month_that_is_over_is_asked_for_until_it_is_whole(store: Store, clock: Clock) -> None:
    gap = slice(100, 110)

    def with_gap(weather: xr.Dataset) -> xr.Dataset:
        weather["temp_air"][:, gap] = np.nan
        return weather

    clock.set("2024-04-05 06:00")
    store.update(ToyAnalysis(with_gap), sites=FARM, since="2024-02", until="2024-02")
    source = ToyAnalysis()
    report = store.update(source, sites=FARM, since="2024-02", until="2024-02")
    assert source.asked == [(utc("2024-02-05 04:00"), utc("2024-03-01"))]
    assert report.incomplete == {}
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    same_values(weather, ToyAnalysis().get_period([FARM], utc("2024-02-01"), utc("2024-03-01")))
