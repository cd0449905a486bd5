"""Faults of gridded files and of the servers that give them: an error or the true value, never a wrong number."""

from __future__ import annotations

import bz2
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.http import Http
from energyforecast.core.sites import Site
from energyforecast.errors import (
    EnergyForecastError,
    FileFormatError,
    RangeError,
    ResponseError,
    RunNotPublishedError,
    TimeError,
)
from energyforecast.weather import Gefs, Gfs, IconEu, read_grib
from energyforecast.weather.sources.grib import decode as grib_module
from energyforecast.weather.sources.grib.index import parse_ecmwf_index, parse_idx
from tests.support import grib_files as gf
from tests.weather.sources.grib.test_grib import NAMES, Server, gfs_messages

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(find_spec("eccodes") is None, reason="the extra 'grib' is not installed"),
]

FARM = Site(name="farm", latitude=43.6, longitude=78.6)
INIT = pd.Timestamp("2024-06-01", tz="UTC")
WANTED = ("wind_speed_100m", "temp_air", "ghi")
SOON = Http(attempts=1, timeout=5, deadline=20)
PATH = "gfs.20240601/00/atmos/gfs.t00z.pgrb2.0p25.f{:03d}"
BIG = {"shape": (30, 40)}  # so many cells that a hole is seen


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("healthy")
    files: dict[Path, list[dict[str, Any]]] = {}
    for lead in range(4):
        path = folder / PATH.format(lead)
        path.parent.mkdir(parents=True, exist_ok=True)
        files[path] = gfs_messages(lead, centre="kwbc", **BIG)
    for member, name in ((0, "gec00"), (1, "gep01")):
        path = folder / f"gefs.20240601/00/atmos/pgrb2ap5/{name}.t00z.pgrb2a.0p50.f000"
        path.parent.mkdir(parents=True, exist_ok=True)
        files[path] = [
            gf.field(f"{part}10", values=5.0, member=member, named=f"{part}10", centre="kwbc")
            for part in "uv"
        ]
    # What is wrong from the source on: one field other than the index says, sums for means, another run.
    extra = folder / "extra"
    extra.mkdir()
    files[extra / "swapped"] = [gfs_messages(1, **BIG)[k] for k in (1, 0, 2, 3)]
    files[extra / "sums"] = [
        *gfs_messages(1, **BIG)[:3],
        gf.field("dswrf", values=100.0, lead=1, begin=0, mean=False, named="dswrf", **BIG),
    ]
    files[extra / "window"] = [
        *gfs_messages(2, **BIG)[:3],
        gf.field("dswrf", values=100.0, lead=2, begin=1, mean=True, named="dswrf", **BIG),
    ]
    files[extra / "since_start"] = [
        gf.field("dswrf", values=value, lead=lead, begin=lead - 1, mean=True, named="dswrf", **BIG)
        for lead, value in ((1, 900.0), (2, 100.0))
    ]
    files[extra / "another_run"] = [{**one, "date": 20240531} for one in gfs_messages(1, **BIG)]
    files[extra / "another_grid"] = gfs_messages(1, shape=(20, 30))
    gf.written(files)
    names = NAMES | {"u10": "UGRD:10 m above ground", "v10": "VGRD:10 m above ground"}
    for path, messages in files.items():
        if "atmos" in str(path):
            path.with_name(path.name + ".idx").write_text(gf.idx(path.read_bytes(), messages, names))
    return folder


@pytest.fixture
def folder(healthy: Path, tmp_path: Path) -> Path:
    shutil.copytree(healthy, tmp_path / "server")
    return tmp_path / "server"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    one = Server(folder)
    yield one
    one.close()


@pytest.fixture(scope="module")
def truth(healthy: Path) -> Any:
    return read_grib([healthy / PATH.format(lead) for lead in range(4)], model="gfs", sites=[FARM])


def gfs(server: Server) -> Any:
    return Gfs(variables=WANTED, last_lead="3h", base_url=server.url, http=SOON)


def changed(path: Path, how: Callable[[bytes], bytes]) -> None:
    path.write_bytes(how(path.read_bytes()))


def zeroed(data: bytes, *, message: int, length: int = 40) -> bytes:
    """Zeros in the middle of the packed values of a message."""
    first = sum(gf.lengths(data)[:message])
    middle = first + gf.lengths(data)[message] // 2
    return data[:middle] + bytes(length) + data[middle + length :]


# --- Files ------------------------------------------------------------------------------------------

DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut by 50 bytes": (lambda data: data[:-50], "within its message 3"),
    "cut in the first message": (lambda data: data[:60], "within its message 0"),
    "40 zeros in the middle of the values": (lambda data: zeroed(data, message=2), "bytes were overwritten"),
    "a page of zeros": (lambda data: zeroed(data, message=0, length=512), "bytes were overwritten"),
    "zeros over a header": (lambda data: data[:20] + bytes(40) + data[60:], "decoded"),
    "empty": (lambda _: b"", "is empty"),
    "html": (lambda _: b"<html>503</html>", "which is no GRIB"),
    "html after the first message": (
        lambda data: data[: gf.lengths(data)[0]] + b"<html>503</html>" * 20,
        "no GRIB",
    ),
    "a message of a length that is not its own": (lambda data: data[:15] + b"\xff" + data[16:], "message 0"),
    "the end of a message overwritten": (lambda data: data[:-4] + b"6666", "ends with"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files(folder: Path, damage: str) -> None:
    how, why = DAMAGES[damage]
    path = folder / PATH.format(2)
    changed(path, how)
    before = sorted(folder.rglob("*"))
    with pytest.raises(FileFormatError, match=why):
        read_grib([folder / PATH.format(lead) for lead in range(4)], model="gfs", sites=[FARM])
    assert sorted(folder.rglob("*")) == before


def test_any_cut_is_seen(folder: Path, truth: Any) -> None:
    """Wherever a file ends, it is an error or, between messages, a field that is told to be missing."""
    paths = [folder / PATH.format(lead) for lead in range(4)]
    data = paths[3].read_bytes()
    edges = set(np.cumsum(gf.lengths(data)).tolist())
    for end in [*np.random.default_rng(0).integers(1, len(data) - 1, 6).tolist(), *sorted(edges)[:-1]]:
        paths[3].write_bytes(data[:end])
        with pytest.raises(
            EnergyForecastError, match="missing at lead 3 h" if end in edges else "within its message"
        ):
            read_grib(paths, model="gfs", sites=[FARM], names=WANTED)


def test_a_lead_that_is_missing_among_files_is_a_longer_step_of_instants_and_an_unknown_mean(
    folder: Path, truth: Any
) -> None:
    """Leads 0, 1, 3: the mean of the step from 1 to 3 is right; none is made up for the hour from 2."""
    run = read_grib([folder / PATH.format(lead) for lead in (0, 1, 3)], model="gfs", sites=[FARM])
    np.testing.assert_allclose(run["ghi"][0, 0], [100.0, 250.0, np.nan], atol=0.01)
    np.testing.assert_array_equal(run["temp_air"][0, 0], truth["temp_air"][0, 0].values[[0, 1, 3]])


def test_sums_where_means_are_known(folder: Path) -> None:
    with pytest.raises(
        EnergyForecastError, match="DSWRF:surface is missing at lead 1 h: the files hold it as sum"
    ):
        read_grib([folder / "extra/sums"], model="gfs", sites=[FARM], names=WANTED)


def test_windows_of_another_rule(folder: Path) -> None:
    with pytest.raises(TimeError, match="lead 2 h declares a window that begins at 1 h"):
        read_grib([folder / PATH.format(1), folder / "extra/window"], model="gfs", sites=[FARM])


def test_grids_that_change_within_a_run(folder: Path) -> None:
    with pytest.raises(FileFormatError, match="its grid is not that of the first message"):
        read_grib([folder / PATH.format(0), folder / "extra/another_grid"], model="gfs", sites=[FARM])


def test_sites_outside(folder: Path) -> None:
    with pytest.raises(RangeError, match="Site 'Lima' at -12, -77 lies outside the grid"):
        read_grib(
            folder / PATH.format(0), model="gfs", sites=[Site(name="Lima", latitude=-12, longitude=-77)]
        )


# --- The process that decodes -----------------------------------------------------------------------


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_decoder_that_dies_is_an_error_and_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch, signal_number: int
) -> None:
    """As by a damaged file, or the killer of a system without memory."""
    true = grib_module._Child.__enter__

    def killed(self: Any) -> Any:
        child = true(self)
        os.kill(child.process.pid, signal_number)
        return child

    monkeypatch.setattr(grib_module._Child, "__enter__", killed)
    with pytest.raises(FileFormatError, match=f"exit code -{int(signal_number)}"):
        read_grib(folder / PATH.format(0), model="gfs", sites=[FARM])


def test_a_decoder_that_hangs_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = grib_module._Child.__enter__

    def stopped(self: Any) -> Any:
        child = true(self)
        os.kill(child.process.pid, signal.SIGSTOP)
        return child

    monkeypatch.setattr(grib_module._Child, "__enter__", stopped)
    begin = time.monotonic()
    data = (folder / PATH.format(0)).read_bytes()
    with pytest.raises(ResponseError, match="exit code -9 within 1 s"):
        grib_module.decode([data], sites=[FARM], timeout=1.0)
    assert time.monotonic() - begin < 30


# --- Servers ----------------------------------------------------------------------------------------


def test_healthy(server: Server, truth: Any) -> None:
    run = gfs(server).get_run([FARM], INIT)
    for name in WANTED:
        np.testing.assert_array_equal(run[name], truth[name])


def stale_index(folder: Path) -> None:
    changed(folder / (PATH.format(1) + ".idx"), lambda text: text.replace(b"d=2024060100", b"d=2024053100"))


def shifted_index(folder: Path) -> None:
    """The file was written again after its index."""
    changed(
        folder / PATH.format(1), lambda data: data[gf.lengths(data)[0] :] + data[: gf.lengths(data)[0] - 7]
    )


def another_run(folder: Path) -> None:
    shutil.copy(folder / "extra/another_run", folder / PATH.format(1))


def cut_file(folder: Path) -> None:
    changed(folder / PATH.format(1), lambda data: data[:-50])


def html_index(folder: Path) -> None:
    (folder / (PATH.format(1) + ".idx")).write_text("<html>busy</html>")


def half_an_index(folder: Path) -> None:
    changed(folder / (PATH.format(1) + ".idx"), lambda text: text[: text.index(b"\n") + 1])


def line_of_an_index_cut(folder: Path) -> None:
    changed(folder / (PATH.format(1) + ".idx"), lambda text: text[:-30])


def empty_index(folder: Path) -> None:
    (folder / (PATH.format(1) + ".idx")).write_text("")


def lost_lead(folder: Path) -> None:
    (folder / (PATH.format(2) + ".idx")).unlink()


def index_without_file(folder: Path) -> None:
    (folder / PATH.format(2)).unlink()


def zeros_in_the_values(folder: Path) -> None:
    changed(folder / PATH.format(1), lambda data: zeroed(data, message=2))


def html_for_a_file(folder: Path) -> None:
    (folder / PATH.format(1)).write_text("<html>busy</html>" * 1000)


SERVER_FAULTS: dict[Callable[[Path], None], tuple[type[Exception], str]] = {
    stale_index: (ResponseError, "is of the run 2024053100"),
    shifted_index: (ResponseError, "holds no message|no GRIB|has a message|has messages"),
    another_run: (ResponseError, "holds .* of 20240531T0000"),
    cut_file: (ResponseError, "f001 sent"),
    html_index: (ResponseError, "An index of a GRIB file holds '<html>busy</html>'"),
    half_an_index: (ResponseError, "has no VGRD:100 m above ground at lead 1 h"),
    line_of_an_index_cut: (ResponseError, "An index of a GRIB file holds|has no DSWRF"),
    empty_index: (ResponseError, "An index of a GRIB file holds ''"),
    lost_lead: (RunNotPublishedError, r"f002\.idx answered 404"),
    index_without_file: (RunNotPublishedError, "f002 answered 404"),
    zeros_in_the_values: (ResponseError, "bytes were overwritten"),
    html_for_a_file: (ResponseError, "which is no GRIB|holds no message"),
}


def _cases() -> Iterator[Any]:
    for fault in SERVER_FAULTS:
        yield pytest.param(fault, True, id=fault.__name__)
    for fault in (shifted_index, cut_file, html_for_a_file):
        yield pytest.param(fault, False, id=f"{fault.__name__} without ranges")


@pytest.mark.parametrize(("fault", "ranges"), [*_cases()])
def test_faulty_servers(server: Server, fault: Callable[[Path], None], ranges: bool) -> None:
    server.knows_ranges = ranges
    fault(server.folder)
    kind, why = SERVER_FAULTS[fault]
    with pytest.raises(kind, match=why):
        gfs(server).get_run([FARM], INIT)


def test_fields_in_another_order_than_the_index_says(server: Server, truth: Any) -> None:
    """Of the same lengths: what a message is, it says itself."""
    shutil.copy(server.folder / "extra/swapped", server.folder / PATH.format(1))
    run = gfs(server).get_run([FARM], INIT)
    for name in WANTED:
        np.testing.assert_array_equal(run[name], truth[name])


def test_an_index_that_names_another_field(server: Server) -> None:
    """The bytes of the temperature under the name of the wind."""
    path = server.folder / (PATH.format(1) + ".idx")
    changed(path, lambda text: text.replace(b"UGRD:100", b"XXXX:100").replace(b"TMP:2 m", b"UGRD:100 m"))
    source = Gfs(variables=("wind_speed_100m",), last_lead="1h", base_url=server.url, http=SOON)
    with pytest.raises(ResponseError, match=r"holds .*2t at level 2"):
        source.get_run([FARM], INIT)


def test_a_lost_member(server: Server) -> None:
    lost = next(server.folder.rglob("gep01.*.idx"))
    lost.unlink()
    source = Gefs(
        variables=("wind_speed_10m",), members=(0, 1), last_lead="0h", base_url=server.url, http=SOON
    )
    with pytest.raises(RunNotPublishedError, match="gep01"):
        source.get_run([FARM], INIT)


def test_a_member_that_is_another(server: Server) -> None:
    """The control run under the name of a member would make the spread too small."""
    control, member = (
        next(server.folder.rglob(f"{name}.t00z.pgrb2a.0p50.f000")) for name in ("gec00", "gep01")
    )
    shutil.copy(control, member)
    source = Gefs(
        variables=("wind_speed_10m",), members=(0, 1), last_lead="0h", base_url=server.url, http=SOON
    )
    with pytest.raises(ResponseError, match="member 1"):
        source.get_run([FARM], INIT)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bz2.compress(b"<html>"), "which is no GRIB"),
        (b"<html>", "cannot be unpacked"),
        (bz2.compress(b"GRIB" * 1000)[:-20], "is cut"),
        (b"", "is cut"),
        (bz2.compress(bytes(1 << 27)), "unpacks to more than"),
    ],
    ids=["html inside", "html", "cut", "empty", "bomb"],
)
def test_packed_files_of_icon(server: Server, content: bytes, why: str) -> None:
    path = server.folder / "00/t_2m/icon-eu_europe_regular-lat-lon_single-level_2024060100_000_T_2M.grib2.bz2"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    source = IconEu(variables=("temp_air",), last_lead="0h", base_url=server.url, http=SOON)
    with pytest.raises(ResponseError, match=why):
        source.get_run([FARM], INIT)


def test_a_failed_lead_ends_the_run_and_its_threads(server: Server) -> None:
    lost_lead(server.folder)
    with pytest.raises(RunNotPublishedError):
        gfs(server).get_run([FARM], INIT)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_indices_that_are_none() -> None:
    for text in (
        "",
        "<html>",
        "1:x:d=2024060100:TMP:surface:anl:",
        "2:9:d=2024060100:T:s:anl:\n1:3:d=2024060100:T:s:anl:",
    ):
        with pytest.raises(ResponseError, match="An index of a GRIB file holds"):
            parse_idx(text)
    row = {"param": "u", "step": "3", "date": "20240601", "time": "0000", "_offset": -1, "_length": 2}
    for text in ("", "<html>", "[1]", '{"param": "10u"}', json.dumps(row)):
        with pytest.raises(ResponseError, match="An index of a GRIB file holds"):
            parse_ecmwf_index(text)
