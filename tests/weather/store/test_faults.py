"""Faults of disk, clock, process and server, planted in an archive of weather.

After each the archive gives what a healthy one gives, or older runs with their age told, or a clear error; and
nothing is lost that was there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.errors import (
    DamagedStoreWarning,
    EnergyForecastError,
    MissingDataError,
    RateLimitError,
    RefusedError,
    ResponseError,
    RunNotPublishedError,
    StoreError,
    StoreLockedError,
    UnreachableError,
)
from energyforecast.weather import Store
from energyforecast.weather.sources.common.base import RunSource, finished
from energyforecast.weather.sources.common.publication_latency import PublicationLatency
from energyforecast.weather.store import archive_files
from tests.support.synthetic_data import SyntheticSite, synthetic
from tests.support.toy_sources import FARM, OTHER, Toy, same_values, truth, utc

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[3]
RUNS = ["2024-06-01 00:00", "2024-06-01 12:00", "2024-06-02 00:00"]
NOW = "2024-06-02 05:00"


def store_at(path: Path, now: str = NOW, **options: Any) -> Store:
    archive_files._cache.clear()  # as a process that was started afresh
    return Store(path / "archive.zarr", clock=lambda: utc(now), **options)


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    store_at(tmp_path).update(Toy(), sites=FARM, since=RUNS[0])
    return tmp_path


def files(path: Path) -> list[Path]:
    """Files, of the oldest run first."""
    manifest = json.loads((path / "archive.zarr/toy/manifest.json").read_text().split("\n", 1)[1])
    listed = sorted(manifest["files"], key=lambda file: file["blocks"])
    return [path / "archive.zarr/toy/files" / f"{file['name']}.zip" for file in listed]


def opened(store: Store, **options: Any) -> xr.Dataset:
    weather = store.open(**options)
    assert isinstance(weather, xr.Dataset)
    return weather.load()


def three_lines(error: EnergyForecastError) -> None:
    assert len(str(error).split("\n")) == 3
    assert all(str(error).split("\n"))


# --- The disk ---------------------------------------------------------------------------------------


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_with_html(path: Path) -> None:
    path.write_bytes(b"<html>Backup failed</html>")


def flip(share: float) -> Callable[[Path], None]:
    def flip_one_bit(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(share * (len(content) - 1))] ^= 0x10
        path.write_bytes(bytes(content))

    flip_one_bit.__name__ = f"flip a bit at {share}"
    return flip_one_bit


DAMAGES = [delete, truncate, empty, replace_with_html, *(flip(share) for share in (0, 0.2, 0.5, 0.8, 1))]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_left_out_told_and_asked_for_again(healthy: Path, damage: Any) -> None:
    before = opened(store_at(healthy))
    damage(files(healthy)[2])
    with pytest.warns(DamagedStoreWarning, match="1 damaged files of toy are left out, with 1 runs"):
        weather = opened(store_at(healthy))
    same_values(weather, truth(RUNS[:2]))  # the run before, whose age its init_time tells
    listed = store_at(healthy).quarantined()
    assert listed["sites"].tolist() == [["farm"]]
    assert listed["blocks"].tolist() == [[utc(RUNS[2])]]
    source = Toy()
    report = store_at(healthy, "2024-06-02 09:00").update(source, sites=FARM)
    assert source.asked == [(utc(RUNS[2]), ("farm",))]
    assert len(report.quarantined) == 1
    healed = opened(store_at(healthy))
    same_values(healed, truth(RUNS))
    # A run that comes again is not younger than it was.
    xr.testing.assert_equal(healed["available_time"], before["available_time"])
    assert store_at(healthy).quarantined().empty


@pytest.mark.parametrize("damage", DAMAGES[::3], ids=lambda damage: damage.__name__)
def test_an_update_finds_damage_by_itself(healthy: Path, damage: Any) -> None:
    damage(files(healthy)[0])
    store_at(healthy).update(Toy(), sites=FARM)
    same_values(opened(store_at(healthy)), truth(RUNS))


@pytest.mark.parametrize("damage", DAMAGES[::3], ids=lambda damage: damage.__name__)
def test_a_damaged_manifest_is_made_again_from_the_files(healthy: Path, damage: Any) -> None:
    before = opened(store_at(healthy))
    damage(healthy / "archive.zarr/toy/manifest.json")
    xr.testing.assert_identical(opened(store_at(healthy)), before)
    source = Toy()
    store_at(healthy).update(source, sites=FARM)
    assert source.asked == []
    xr.testing.assert_identical(opened(store_at(healthy)), before)


def test_a_chunk_deleted_inside_a_file_is_damage(healthy: Path) -> None:
    import zipfile

    path = files(healthy)[1]
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    chunk = next(name for name in content if name.startswith("wind_speed_100m/c/"))
    with zipfile.ZipFile(path, "w") as archive:
        for name in content.keys() - {chunk}:
            archive.writestr(name, content[name])
    with pytest.warns(DamagedStoreWarning):
        same_values(opened(store_at(healthy)), truth([RUNS[0], RUNS[2]]))
    store_at(healthy).update(Toy(), sites=FARM)
    same_values(opened(store_at(healthy)), truth(RUNS))


def test_a_lost_half_of_a_run_is_asked_for_again(tmp_path: Path) -> None:
    half = Toy({RUNS[2]: lambda weather: weather.isel(lead_time=slice(0, 13)).drop_vars("temp_air")})
    store_at(tmp_path).update(half, sites=FARM, since=RUNS[2])
    first = files(tmp_path)
    store_at(tmp_path, "2024-06-02 06:00").update(Toy(), sites=FARM)
    delete(first[0])
    store_at(tmp_path, "2024-06-02 07:00").update(Toy(), sites=FARM)
    weather = opened(store_at(tmp_path))
    same_values(weather, truth(RUNS[2:]))
    assert weather["available_time"].min() >= np.datetime64("2024-06-02T06:00")


def test_everything_damaged_is_a_clear_error_and_heals(healthy: Path) -> None:
    for path in files(healthy):
        truncate(path)
    with pytest.warns(DamagedStoreWarning), pytest.raises(MissingDataError) as error:
        store_at(healthy).open()
    three_lines(error.value)
    store_at(healthy).update(Toy(), sites=FARM)
    same_values(opened(store_at(healthy)), truth(RUNS))


def test_a_manifest_that_names_other_files_is_refused(healthy: Path) -> None:
    """Path traversal by a manifest that was altered, checksum and all."""
    from energyforecast.core.files import checksum

    path = healthy / "archive.zarr/toy/manifest.json"
    state = json.loads(path.read_text().split("\n", 1)[1])
    state["files"][0]["name"] = "../../../../etc/passwd"
    text = json.dumps(state)
    path.write_text(f"{checksum(text.encode())}\n{text}\n")
    with pytest.raises(StoreError, match="altered by hand") as error:
        store_at(healthy).open()
    three_lines(error.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_a_clear_error_and_the_update_goes_on_later(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(60_000))
    source = Toy()
    with pytest.raises(StoreError, match="No space left") as error:
        store_at(small_disk).update(source, sites=FARM, since="2024-05-25")
    three_lines(error.value)
    assert "Free space" in error.value.remedy
    kept = opened(store_at(small_disk))
    same_values(kept, truth([str(run) for run in timestamps.to_index(kept["init_time"].values)]))
    there = kept.sizes["init_time"]
    assert len(source.asked) in (there, there + 1)
    filler.unlink()
    again = Toy()
    store_at(small_disk).update(again, sites=FARM, since="2024-05-29")
    assert {run for run, _ in again.asked}.isdisjoint(timestamps.to_index(kept["init_time"].values))
    assert store_at(small_disk).quarantined().empty


def test_a_disk_that_becomes_read_only_can_still_be_read(small_disk: Path) -> None:
    store_at(small_disk).update(Toy(), sites=FARM, since=RUNS[0])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    same_values(opened(store_at(small_disk)), truth(RUNS))
    with pytest.raises(StoreError, match="Read-only file system") as error:
        store_at(small_disk, "2024-06-02 17:00").update(Toy(), sites=FARM)
    three_lines(error.value)


def test_a_damaged_file_on_a_read_only_disk_is_left_out(small_disk: Path) -> None:
    store_at(small_disk).update(Toy(), sites=FARM, since=RUNS[0])
    truncate(files(small_disk)[2])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.warns(DamagedStoreWarning):
        same_values(opened(store_at(small_disk)), truth(RUNS[:2]))


def in_process(code: str, folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Run code that has a store in the variable `store`."""
    head = """
        import os, resource, signal, sys, time
        from pathlib import Path
        from energyforecast.weather import Store
        from tests.support.toy_sources import FARM, Toy, utc
        store = Store(Path(sys.argv[1]) / "archive.zarr", clock=lambda: utc("2024-06-02 05:00"), timeout=60.0)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_quota_is_a_clear_error(healthy: Path) -> None:
    code = """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            store.update(Toy(), sites=FARM, since="2024-05-31")
        except OSError as error:
            print(type(error).__name__, error)
    """
    done = in_process(code, healthy)
    said, trouble = done.communicate(timeout=60)
    assert said.startswith("StoreError"), trouble
    assert "File too large" in said
    same_values(opened(store_at(healthy)), truth(RUNS))


def test_a_folder_without_rights_is_a_clear_error() -> None:
    code = """
        import filelock  # once the rights are gone, an environment of root's own may be closed

        print(store.open().load().sizes["init_time"])
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            store.update(Toy(), sites=FARM, since="2024-05-31")
        except OSError as error:
            print(type(error).__name__, error)
        print(store.open().load().sizes["init_time"])
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store_at(folder).update(Toy(), sites=FARM, since=RUNS[0])
        for item in (folder, *folder.rglob("*")):
            item.chmod(0o555 if item.is_dir() else 0o444)
        try:
            said, trouble = in_process(code, folder).communicate(timeout=60)
        finally:
            for item in (folder, *folder.rglob("*")):
                item.chmod(0o755)
    assert said.startswith("3\nStoreError"), said + trouble
    assert "Permission denied" in said
    assert said.endswith("\n3\n"), trouble


# --- Processes --------------------------------------------------------------------------------------


def test_twenty_kills_lose_and_spoil_nothing(tmp_path: Path) -> None:
    figures = tmp_path / "kills.json"
    script = ROOT / "benchmarks" / "store_kills.py"
    subprocess.run(
        [sys.executable, script, "--kills", "20", "--json", figures],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    found = json.loads(figures.read_text())
    assert {key: found[key] for key in ("kills", "readable", "lost", "corrupt")} == {
        "kills": 20,
        "readable": 20,
        "lost": 0,
        "corrupt": 0,
    }


@pytest.mark.parametrize("call", range(1, 15))
def test_a_kill_at_each_step_of_writing_leaves_the_runs_before_it(tmp_path: Path, call: int) -> None:
    """At the n-th time that bytes go to the disk; forked, since that is quick."""
    child = os.fork()
    if child == 0:  # pragma: no cover
        _die_at(call)
        store_at(tmp_path).update(Toy(), sites=FARM, since=RUNS[0])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    if call >= 4:  # file, its folder, manifest, its folder; the newest run comes first
        weather = opened(store_at(tmp_path))
        stored = call // 4
        same_values(weather, truth(RUNS[max(0, 3 - stored) :]))
    store_at(tmp_path).update(Toy(), sites=FARM, since=RUNS[0])
    same_values(opened(store_at(tmp_path)), truth(RUNS))
    assert not list(tmp_path.rglob(".part-*"))


def _die_at(call: int) -> None:
    sync, calls = os.fsync, iter(range(1, 1000))

    def fsync(handle: int) -> None:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(handle)

    os.fsync = fsync


def test_two_processes_update_one_store_one_after_the_other(tmp_path: Path) -> None:
    code = """
        source = Toy()
        report = store.update(source, sites=FARM, since="2024-05-28")
        print(len(source.asked), len(report.stored))
    """
    both = [in_process(code, tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    asked = [int(out.split()[0]) for out, _ in said if out]
    assert len(asked) == 2, said
    runs = [str(run) for run in pd.date_range("2024-05-28", "2024-06-02", freq="12h")]
    assert sum(asked) == len(runs)  # each run was asked for once, by one of the two
    same_values(opened(store_at(tmp_path)), truth(runs))


HOLD = """
    class Slow(Toy):
        def get_run(self, sites, init_time):
            print("writing", flush=True)
            time.sleep(60)
    store.update(Slow(), sites=FARM, since="2024-06-02")
"""


def test_a_second_writer_is_told_and_readers_go_on(healthy: Path) -> None:
    holder = in_process(HOLD.replace("2024-06-02", "2024-05-31"), healthy)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "writing\n"
        with pytest.raises(StoreLockedError) as error:
            store_at(healthy, timeout=0.1).update(Toy(), sites=FARM)
        three_lines(error.value)
        same_values(opened(store_at(healthy)), truth(RUNS))
    finally:
        holder.kill()
        holder.communicate()


def test_the_lock_of_a_killed_process_holds_nobody_up(healthy: Path) -> None:
    holder = in_process(HOLD.replace("2024-06-02", "2024-05-31"), healthy)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "writing\n"
    holder.kill()
    holder.communicate()
    assert (healthy / "archive.zarr" / "lock").exists()
    store_at(healthy, timeout=0.0).update(Toy(), sites=FARM, since="2024-05-31")
    same_values(opened(store_at(healthy)), truth(["2024-05-31 00:00", "2024-05-31 12:00", *RUNS]))


def test_a_reader_during_an_update_sees_the_runs_before_it(healthy: Path) -> None:
    seen = []

    class Watched(Toy):
        def get_run(self, sites: Any, init_time: pd.Timestamp) -> xr.Dataset:
            seen.append(opened(store_at(healthy)).sizes["init_time"])
            return super().get_run(sites, init_time)

    store_at(healthy).update(Watched(), sites=FARM, since="2024-05-31")
    assert seen == [3, 4]


# --- Clock and names --------------------------------------------------------------------------------


@pytest.mark.parametrize("now", ["1970-01-01 00:10", "2000-01-01", "2024-06-01 23:00"])
def test_a_clock_that_jumps_back_loses_nothing(healthy: Path, now: str) -> None:
    report = store_at(healthy, now).update(Toy(), sites=FARM)
    assert report.stored == []
    store_at(healthy, "2024-06-02 17:00").update(Toy(), sites=FARM)
    same_values(opened(store_at(healthy)), truth([*RUNS, "2024-06-02 12:00"]))


def test_a_clock_that_jumped_ahead_does_not_hide_runs_for_years(healthy: Path) -> None:
    ahead = {run: RunNotPublishedError("Not there.", "It is.", "Wait.") for run in ("2024-06-02 12:00",)}
    store_at(healthy, "2024-06-02 17:00").update(Toy(ahead), sites=FARM)
    store_at(healthy, "2038-01-19 05:00").update(
        Toy(), sites=FARM, since="2024-06-02 12:00", until="2024-06-02 13:00"
    )
    came = opened(store_at(healthy))["available_time"].max()
    assert came == np.datetime64("2024-06-02T17:00"), "when it was last seen to be absent"


@pytest.mark.parametrize(
    "name",
    [
        "Ветер и солнце",
        "a b'c\"d",
        "%7e#?&",
        "émile",
        os.fsdecode(b"caf\xe9"),
        "new\nline",
        "-rf",
        "日本" * 30,
    ],
)
def test_paths_of_any_kind_work(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system cannot have this name")
    store_at(folder).update(Toy(), sites=[FARM, OTHER], since=RUNS[0])
    same_values(opened(store_at(folder)), truth(RUNS, [FARM, OTHER]))
    repr(store_at(folder)).encode()
    with pytest.raises(MissingDataError) as error:
        store_at(folder).open("nothing")
    str(error.value).encode()


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/passwd", "a/b", "..", "CON:nul", "x" * 3000, "<script>"]
)
def test_names_of_sites_never_become_paths(tmp_path: Path, name: str) -> None:
    site = ef.Site(name=name, latitude=43.6, longitude=78.5)
    (tmp_path / "inner").mkdir()
    store_at(tmp_path / "inner").update(Toy(), sites=site, since=RUNS[0])
    same_values(opened(store_at(tmp_path / "inner"), sites=site), truth(RUNS, [site]))
    assert [item.name for item in tmp_path.iterdir()] == ["inner"]
    assert {item.name for item in (tmp_path / "inner/archive.zarr").iterdir()} == {"toy", "lock"}


# --- The server -------------------------------------------------------------------------------------

BROKEN: dict[str, Any] = {
    "a broken 200": ResponseError("Not JSON.", "It is.", "Try later."),
    "in trouble": UnreachableError("503.", "200.", "Try later."),
    "refused": RefusedError("401.", "200.", "Check the key."),
    "not there": RunNotPublishedError("404.", "200.", "Wait."),
    "kelvin": lambda weather: weather.assign(temp_air=weather["temp_air"] + 273.15),
    "another run": lambda weather: weather.assign_coords(
        init_time=weather["init_time"] + np.timedelta64(6, "h")
    ),
    "another site": lambda weather: weather.assign_coords(site=["elsewhere"]),
    "no values": lambda weather: weather * np.float32(np.nan),
    "no availability": lambda weather: weather.drop_vars("available_time"),
    "infinite": lambda weather: weather.assign(ghi=weather["ghi"] + np.float32(np.inf)),
    "negative radiation": lambda weather: weather.assign(ghi=weather["ghi"] - np.float32(500)),
    "doubled leads": lambda weather: xr.concat([weather, weather], dim="lead_time"),
    "unknown variable": lambda weather: weather.assign(ssrd=weather["ghi"].drop_attrs()),
    "an analysis": lambda weather: weather.isel(init_time=0, drop=True).rename(lead_time="time"),
    "two runs": lambda weather: xr.concat(
        [weather, weather.assign_coords(init_time=weather["init_time"] + np.timedelta64(12, "h"))],
        "init_time",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_cannot_be_right_is_not_kept_and_other_runs_are(tmp_path: Path, fault: str) -> None:
    report = store_at(tmp_path).update(Toy({RUNS[1]: BROKEN[fault]}), sites=FARM, since=RUNS[0])
    assert list(report.failed) == [utc(RUNS[1])]
    assert len(report.stored) == 2
    same_values(opened(store_at(tmp_path)), truth([RUNS[0], RUNS[2]]))
    row = store_at(tmp_path).describe().iloc[0]
    assert (row["expected"], row["present"], row["missing"]) == (3, 2, 1)
    store_at(tmp_path).update(Toy(), sites=FARM)
    same_values(opened(store_at(tmp_path)), truth(RUNS))


def test_a_limited_rate_stops_the_update_and_keeps_what_came(tmp_path: Path) -> None:
    limit = RateLimitError("429: Hourly limit.", "5,000 an hour.", "Ask again after 1800 s.", 1800.0)
    source = Toy({RUNS[1]: limit})
    report = store_at(tmp_path).update(source, sites=FARM, since=RUNS[0])
    assert report.stopped == "429: Hourly limit. Ask again after 1800 s."
    assert len(source.asked) == 2
    same_values(opened(store_at(tmp_path)), truth(RUNS[2:]))


def test_a_server_that_is_down_is_not_asked_for_ever(tmp_path: Path) -> None:
    runs = pd.date_range("2024-05-01", "2024-06-02", freq="12h")
    source = Toy({str(run): UnreachableError("Down.", "Up.", "Later.") for run in runs})
    report = store_at(tmp_path).update(source, sites=FARM, since="2024-05-01")
    assert len(source.asked) == 3
    assert report.stopped == "Down. Later."


def test_no_secret_reaches_a_file_a_log_or_an_error(tmp_path: Path, caplog: Any, capfd: Any) -> None:
    address = "https://user:CANARY@api.example.org/v1/forecast?latitude=1&apikey=CANARY"

    def with_secrets(weather: xr.Dataset) -> xr.Dataset:
        weather.attrs |= {"url": address, "model": f"asked {address}", "history": "apikey=CANARY"}
        weather["ghi"].attrs["url"] = address
        weather["site"].attrs["url"] = address
        return weather

    source = Toy(
        {
            RUNS[0]: with_secrets,
            RUNS[1]: ResponseError(f"{address} is broken.", f"{address} is whole.", f"Ask {address}."),
            RUNS[2]: with_secrets,
            "2024-05-31 12:00": RateLimitError(f"{address}: 429.", "Fewer.", f"Ask {address} later.", 60.0),
        }
    )
    source.attribution = f"made up, see {address}"
    store = store_at(tmp_path)
    report = store.update(source, sites=FARM, since="2024-05-31")
    assert report.stopped is not None
    weather = opened(store)
    truncate(files(tmp_path)[0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store_at(tmp_path).open()
    told = [report, report.summary, weather, weather.attrs, [variable.attrs for variable in weather.values()]]
    told += [
        store.describe().to_string(),
        store.quarantined().to_string(),
        *(item.message for item in caught),
    ]
    told += [caplog.text, *capfd.readouterr()]
    assert "CANARY" not in " ".join(map(str, told))
    content = b"".join(item.read_bytes() for item in tmp_path.rglob("*") if item.is_file())
    assert b"CANARY" not in content
    assert b"api.example.org" in content


# --- What a forecaster makes of it ------------------------------------------------------------------


class Replayed(RunSource):
    """The weather of a synthetic site, run by run, with faults of single runs."""

    name, attribution, cycle = "replayed", "made up", pd.Timedelta("12h")
    latency = PublicationLatency(base="7h", margin="0min")

    def __init__(self, given: SyntheticSite, script: dict[str, Any] | None = None) -> None:
        self.weather, self.script = given.weather, {utc(run): what for run, what in (script or {}).items()}
        self.variables = tuple(map(str, given.weather.data_vars))
        self.labels = dict.fromkeys(self.variables, Label.INSTANT)

    def leads(self, init_time: pd.Timestamp) -> Any:
        return self.weather["lead_time"].values

    def get_run(self, sites: Any, init_time: pd.Timestamp) -> xr.Dataset:
        what = self.script.get(init_time, lambda weather: weather)
        if isinstance(what, BaseException):
            raise what
        run = self.weather.sel(init_time=timestamps.to_ns([init_time]), site=[site.name for site in sites])
        return what(finished(run, source=self, sites=sites))


ISSUED = "2024-01-24 09:00"  # in Paris: 8:00 UTC, an hour after the run of 0 UTC
LATE = RunNotPublishedError("Not there.", "It is.", "Wait.")
SERVED: dict[str, tuple[dict[str, Any], int, str]] = {
    "healthy": ({}, 0, "2024-01-24T00"),
    "late": ({"2024-01-24 00:00": LATE}, 1, "2024-01-23T12"),
    "broken": ({"2024-01-24 00:00": BROKEN["kelvin"]}, 1, "2024-01-23T12"),
    "half published": (
        {"2024-01-24 00:00": lambda weather: weather.isel(lead_time=slice(0, 30))},
        1,
        "2024-01-23T12",
    ),
    "without a variable": (
        {"2024-01-24 00:00": lambda weather: weather.drop_vars("wind_speed_100m")},
        1,
        "2024-01-23T12",
    ),
}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[SyntheticSite, ef.Forecaster, Path]:
    """A forecaster that has learnt from an archive that lacks nothing."""
    given, folder = synthetic(days=25, every=12), tmp_path_factory.mktemp("learnt")
    store = store_at(folder, "2024-01-23 20:00")
    store.update(Replayed(given), sites=given.site, since="2024-01-01")
    model = ef.LightGBMQuantiles(n_estimators=5, folds=0)
    forecaster = ef.Forecaster(given.site, ef.day_ahead("09:00", timezone="Europe/Paris"), model=model)
    return given, forecaster.fit(opened(store), given.power, as_of="2024-01-23 20:00"), folder


@pytest.mark.parametrize("fault", SERVED)
def test_a_forecaster_takes_the_run_before_and_says_so(learnt: Any, tmp_path: Path, fault: str) -> None:
    import shutil

    given, forecaster, folder = learnt
    script, level, used = SERVED[fault]
    shutil.copytree(folder / "archive.zarr", tmp_path / "archive.zarr")
    store = store_at(tmp_path, "2024-01-24 07:30")
    report = store.update(Replayed(given, script), sites=given.site)
    assert bool(report.failed or report.incomplete) == (fault != "healthy")
    forecast = forecaster.predict(store.open(), given.power, issue_time=ISSUED, strict=False)
    told = forecast.data
    assert told["fallback_level"].values.tolist() == [[level]]
    assert str(told["weather_init_time"].values.ravel()[0])[:13] == used
    assert np.isfinite(told.values).all()
    # Completed in the evening, the archive still says what was known in the morning.
    store_at(tmp_path, "2024-01-24 20:00").update(Replayed(given), sites=given.site)
    later = opened(store_at(tmp_path))
    again = forecaster.predict(later, given.power, issue_time=ISSUED, strict=False)
    xr.testing.assert_equal(again.data, told)
