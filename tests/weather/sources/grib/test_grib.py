"""GRIB: what each model's files mean, from real files over a real server."""

from __future__ import annotations

import bz2
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.http import Http
from energyforecast.core.sites import Site
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RunNotPublishedError,
    SchemaError,
    TimeError,
)
from energyforecast.weather import Gefs, Gfs, IconEu, IfsOpenData, read_grib
from energyforecast.weather.sources.grib.decode import _Child, _grid, decode
from energyforecast.weather.sources.grib.index import split_messages
from energyforecast.weather.sources.grib.parser import rotated
from tests.support import grib_files as gf

# Not importorskip: this process must not load it.
pytestmark = pytest.mark.skipif(find_spec("eccodes") is None, reason="the extra 'grib' is not installed")

SAMPLES = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere")) / "weather_samples"
FARM = Site(
    name="farm", latitude=43.6, longitude=78.6
)  # nearest centre: 43.5, 78.5, the third row and column
CELL = 0.01 * (2 * gf.COLUMNS + 2)  # what the slope of the made fields adds there
INIT = pd.Timestamp("2024-06-01", tz="UTC")
NAMES = {
    "u100": "UGRD:100 m above ground",
    "v100": "VGRD:100 m above ground",
    "t2m": "TMP:2 m above ground",
    "dswrf": "DSWRF:surface",
}
WANTED = ("wind_speed_100m", "temp_air", "ghi")
SOON = Http(attempts=1, timeout=5, deadline=20)


def gfs_messages(lead: int, **changes: Any) -> list[dict[str, Any]]:
    """Hours of light of 100, 200, 300 ... W m-2, as means since the last reset."""
    made = [
        gf.field("u100", values=3.0 + lead, lead=lead, named="u100", **changes),
        gf.field("v100", values=-4.0, lead=lead, named="v100", **changes),
        gf.field("t2m", values=280.0 + lead, lead=lead, named="t2m", **changes),
    ]
    if lead:
        begin = (lead - 1) // 6 * 6
        mean = np.mean([100.0 * (hour + 1) for hour in range(begin, lead)])
        made.append(
            gf.field(
                "dswrf", values=mean, lead=lead, begin=begin, mean=True, named="dswrf", slope=False, **changes
            )
        )
    return made


class Server:
    """A folder on a local HTTP server that knows byte ranges."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[tuple[str, str | None]]()
        self.knows_ranges = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                outer.asked.append((self.path, wanted))
                path = outer.folder / self.path.lstrip("/")
                if not path.is_file():
                    self.send_error(404)
                    return
                body, status = path.read_bytes(), 200
                if wanted and outer.knows_ranges:
                    first, last = map(int, wanted.removeprefix("bytes=").split("-"))
                    body, status = body[first : last + 1], 206
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: C901
    """All files of these tests, written by one process."""
    folder = tmp_path_factory.mktemp("grib")
    files: dict[Path, list[dict[str, Any]]] = {}
    gfs = folder / "gfs.20240601/00/atmos"
    ifs = folder / "20240601/00z/ifs/0p25/oper"
    gefs = folder / "gefs.20240601/00/atmos/pgrb2ap5"
    for path in (gfs, ifs, gefs, folder / "icon"):
        path.mkdir(parents=True)
    for lead in range(9):
        files[gfs / f"gfs.t00z.pgrb2.0p25.f{lead:03d}"] = gfs_messages(lead, centre="kwbc")
    for lead in (0, 3, 6, 9):
        files[ifs / f"20240601000000-{lead}h-oper-fc.grib2"] = [
            gf.field("u100", values=6.0, lead=lead, named="100u"),
            gf.field("v100", values=8.0, lead=lead, named="100v"),
            gf.field("t2m", values=290.0, lead=lead, named="2t"),
            *(
                [gf.field("ssrd", values=lead**2 * 1e5, lead=lead, begin=0, named="ssrd", slope=False)]
                if lead
                else []
            ),
        ]
    for member, name in ((0, "gec00"), (1, "gep01")):
        for lead in (0, 3, 6):
            files[gefs / f"{name}.t00z.pgrb2a.0p50.f{lead:03d}"] = [
                gf.field("u10", values=3.0 + member, lead=lead, member=member, named="u10", centre="kwbc"),
                gf.field("v10", values=4.0, lead=lead, member=member, named="v10", centre="kwbc"),
            ]
    for lead in (0, 1, 2):
        for name, mean in (("aswdir", 40.0 * lead), ("aswdifd", 30.0)):
            if lead:
                files[folder / f"icon/{name}_{lead}.grib2"] = [
                    gf.field(name, values=mean, lead=lead, begin=0, mean=True, centre="edzw", slope=False)
                ]
    files[folder / "other"] = gfs_messages(2, date=20240602)
    files[folder / "icon_like"] = [
        gf.field(name, values=100.0, lead=7, begin=6, mean=True, centre="edzw", slope=False)
        for name in ("aswdir", "aswdifd")
    ]
    gf.written(files)
    for path, messages in files.items():
        data = path.read_bytes()
        if "atmos" in str(path):
            names = NAMES | {"u10": "UGRD:10 m above ground", "v10": "VGRD:10 m above ground"}
            path.with_name(path.name + ".idx").write_text(gf.idx(data, messages, names))
        elif "oper" in str(path):
            path.with_suffix(".index").write_text(gf.ecmwf_index(data, messages))
    for name, upper in (("aswdir", "ASWDIR_S"), ("aswdifd", "ASWDIFD_S")):
        target = folder / "00" / f"{name}_s"
        target.mkdir(parents=True)
        for lead in (1, 2):
            packed = bz2.compress((folder / f"icon/{name}_{lead}.grib2").read_bytes())
            file = f"icon-eu_europe_regular-lat-lon_single-level_2024060100_{lead:03d}_{upper}.grib2.bz2"
            (target / file).write_bytes(packed)
    return folder


@pytest.fixture
def server(made: Path) -> Iterator[Server]:
    one = Server(made)
    yield one
    one.close()


def gfs_files(made: Path) -> list[Path]:
    return [made / f"gfs.20240601/00/atmos/gfs.t00z.pgrb2.0p25.f{lead:03d}" for lead in range(9)]


def test_gfs_files_become_a_run(made: Path) -> None:
    before = sorted(made.rglob("*"))
    run = read_grib(gfs_files(made), model="gfs", sites=[FARM])
    assert sorted(made.rglob("*")) == before  # no index is ever written beside the data
    one = run.isel(site=0, init_time=0)
    u = 3.0 + np.arange(9) + CELL
    np.testing.assert_allclose(one["wind_speed_100m"], np.hypot(u, -4.0 + CELL), rtol=1e-5)
    np.testing.assert_allclose(one["temp_air"], 280.0 + np.arange(9) + CELL - 273.15, atol=1e-3)
    # The mean of the hour that begins at the lead, through the reset at 6 h; nothing is known of the last.
    np.testing.assert_allclose(one["ghi"], [100, 200, 300, 400, 500, 600, 700, 800, np.nan], atol=0.01)
    assert one["ghi"].attrs["cell_methods"] == "time: mean"
    assert (float(one["cell_latitude"]), float(one["cell_longitude"])) == (43.5, 78.5)
    # A mean comes with the file of its end: 235 min + 0.262 min an hour of lead + 15 min.
    assert pd.Timestamp(one["available_time"].values[0]) == pd.Timestamp("2024-06-01 04:10:15.720")


def test_bilinear_reads_between_the_cells(made: Path) -> None:
    run = read_grib(gfs_files(made)[:2], model="gfs", sites=[FARM], method="bilinear", names=("temp_air",))
    row, column = (44.0 - 43.6) / 0.25, (78.6 - 78.0) / 0.25
    expected = 280.0 - 273.15 + 0.01 * (row * gf.COLUMNS + column)
    assert float(run["temp_air"][0, 0, 0]) == pytest.approx(expected, abs=1e-3)


def test_gfs_over_http_is_the_same_as_from_files(made: Path, server: Server) -> None:
    source = Gfs(variables=WANTED, last_lead="8h", base_url=server.url, http=SOON)
    run = source.get_run([FARM], INIT)
    files = read_grib(gfs_files(made), model="gfs", sites=[FARM])
    for name in WANTED:
        np.testing.assert_array_equal(run[name], files[name])
    assert run.attrs["source"] == "gfs"
    assert {"kind", "attribution", "retrieved_at"} <= set(run.attrs)
    # Byte ranges: never a whole file, and neighbours in the file at once.
    data = [asked for asked in server.asked if not asked[0].endswith(".idx")]
    assert all(span is not None for _, span in data)
    assert len(data) <= 2 * 9


@pytest.mark.faults
def test_a_server_that_ignores_ranges_gives_the_same(server: Server) -> None:
    source = Gfs(variables=WANTED, last_lead="3h", base_url=server.url, http=SOON)
    server.knows_ranges = False
    run = source.get_run([FARM], INIT).isel(site=0, init_time=0)
    np.testing.assert_allclose(run["ghi"], [100, 200, 300, np.nan], atol=0.01)
    np.testing.assert_allclose(run["temp_air"], 280.0 + np.arange(4) + CELL - 273.15, atol=1e-3)


def test_ifs_is_summed_since_its_start(server: Server) -> None:
    source = IfsOpenData(variables=WANTED, last_lead="9h", base_url=server.url, http=SOON)
    run = source.get_run([FARM], INIT).isel(site=0, init_time=0)
    joules = np.array([0, 3, 6, 9]) ** 2 * 1e5
    np.testing.assert_allclose(run["ghi"], [*np.diff(joules) / 10800, np.nan], rtol=1e-4)
    assert (run["lead_time"].values / np.timedelta64(1, "h")).tolist() == [0, 3, 6, 9]


@pytest.mark.slow
def test_gefs_has_members(server: Server) -> None:
    source = Gefs(
        variables=("wind_speed_10m",), members=(0, 1), last_lead="6h", base_url=server.url, http=SOON
    )
    run = source.get_run([FARM], INIT)
    assert run["wind_speed_10m"].dims == ("site", "init_time", "lead_time", "member")
    speeds = [np.hypot(3.0 + member + CELL, 4.0 + CELL) for member in (0, 1)]
    np.testing.assert_allclose(run["wind_speed_10m"][0, 0], np.broadcast_to(speeds, (3, 2)), rtol=1e-5)


@pytest.mark.slow
def test_icon_adds_beam_and_diffuse_since_its_start(server: Server) -> None:
    source = IconEu(variables=("ghi", "dhi"), last_lead="2h", base_url=server.url, http=SOON)
    run = source.get_run([FARM], INIT).isel(site=0, init_time=0)
    # Beam: means of 40 after 1 h and 80 after 2 h are 40 and 120; diffuse is 30 throughout.
    np.testing.assert_allclose(run["ghi"], [70.0, 150.0, np.nan], atol=0.01)
    np.testing.assert_allclose(run["dhi"], [30.0, 30.0, np.nan], atol=0.01)


@pytest.mark.faults
def test_a_run_that_is_not_there_is_not_published(server: Server) -> None:
    source = Gfs(variables=WANTED, last_lead="9h", base_url=server.url, http=SOON)
    with pytest.raises(RunNotPublishedError, match=r"f009\.idx answered 404"):
        source.get_run([FARM], INIT)


def test_streams_and_addresses() -> None:
    before, after = (
        IfsOpenData()._url(pd.Timestamp(day, tz="UTC"), _first(IfsOpenData()))
        for day in ("2026-05-11T06", "2026-05-12T06")
    )
    assert before.endswith("06z/ifs/0p25/scda/20260511060000-0h-scda-fc.grib2")
    assert after.endswith("06z/ifs/0p25/oper/20260512060000-0h-oper-fc.grib2")
    level = IconEu(variables=("wind_speed_78m",))
    assert level._url(INIT, _first(level)).endswith(
        "/00/u/icon-eu_europe_regular-lat-lon_model-level_2024060100_000_72_U.grib2.bz2"
    )


def _first(source: Any) -> Any:
    return source._parts(INIT)[0]


@pytest.mark.slow
def test_winds_of_a_lambert_grid_are_turned_by_the_lean_of_its_own_meridians() -> None:
    """Against the grid's own coordinates: the direction of its rows, by differences between neighbours."""
    if not SAMPLES.exists():
        pytest.skip("ENERGYFORECAST_DATA is not set")
    data = (SAMPLES / "nam.t00z.awp21100.tm00.grib2").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nam.grib2"
        path.write_bytes(data)
        with _Child(folder, 60.0) as child:
            about, arrays = child.request([path])
    grid = _grid(arrays, about[0])
    assert about[0]["grid_relative"]
    latitude, longitude = grid.latitude[20:40, 20:60], grid.longitude[20:40, 20:60]
    east = np.diff(longitude, axis=1)[:-1] * np.cos(np.radians(latitude[:-1, :-1]))
    north = np.diff(latitude, axis=1)[:-1]
    # A wind of 1 along the rows, at the middles between neighbours.
    middle = (longitude[:-1, :-1] + longitude[:-1, 1:]) / 2
    u, v = rotated(np.ones_like(middle), np.zeros_like(middle), longitude=middle, lambert=about[0]["lambert"])
    np.testing.assert_allclose(np.degrees(np.arctan2(v, u)), np.degrees(np.arctan2(north, east)), atol=0.7)
    assert np.ptp(np.degrees(np.arctan2(v, u))) > 5  # the lean matters over this grid
    up = rotated(np.zeros_like(middle), np.ones_like(middle), longitude=middle, lambert=about[0]["lambert"])
    np.testing.assert_allclose(up, (-v, u), atol=1e-12)  # columns stand upright on rows


@pytest.mark.slow
def test_real_files_of_several_centres_are_read() -> None:
    if not SAMPLES.exists():
        pytest.skip("ENERGYFORECAST_DATA is not set")
    berlin = Site(name="Berlin", latitude=52.5, longitude=13.4)
    gfs = read_grib(SAMPLES / "gfs.t00z.pgrb2full.0p50.f006.grb", model="gfs", sites=[berlin])
    assert float(gfs["temp_air"].item()) == pytest.approx(4.8, abs=0.5)  # as an independent reader has it
    # A file put together from byte ranges that overlap by a byte.
    with pytest.raises(SchemaError, match="tp at level 0"):
        read_grib(
            SAMPLES / "subset_20201214_hrrr.t00z.wrfsfcf12.grib2",
            model="hrrr",
            sites=[Site(name="Kansas", latitude=38.5, longitude=-97.5)],
        )
    old = (SAMPLES / "era5-single-level-scalar-time.grib").read_bytes()
    there = Site(name="there", latitude=45.0, longitude=10.0)
    messages, _ = decode([b"".join(split_messages(old, padding=120))], sites=[there])
    assert messages[0].about["parameter"] == 167


@pytest.mark.slow
@pytest.mark.parametrize("order", ["eccodes, pyproj", "pyproj, eccodes"])
def test_the_process_of_the_user_never_loads_the_library_of_grib(made: Path, order: str) -> None:
    """Whatever another package loaded before or loads after."""
    code = (
        "import sys; from energyforecast.weather import read_grib; from energyforecast import Site\n"
        "farm = Site(name='farm', latitude=43.6, longitude=78.6)\n"
        f"run = read_grib({str(gfs_files(made)[0])!r}, model='gfs', sites=[farm])\n"
        "assert 'eccodes' not in sys.modules and 'gribapi' not in sys.modules\n"
        + ("import pyproj; pyproj.CRS(4326)\n" if order.startswith("eccodes") else "")
    )
    if order.startswith("pyproj"):
        code = "import pyproj; pyproj.CRS(4326)\n" + code
    if find_spec("pyproj") is None:
        pytest.skip("pyproj is not installed")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.faults
def test_a_lead_without_one_of_its_fields_is_told(made: Path, tmp_path: Path) -> None:
    path = gfs_files(made)[2]
    data = path.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(data[: sum(gf.lengths(data)[:2])])  # whole messages, two of four
    with pytest.raises(MissingDataError, match=r"TMP:2 m above ground is missing at lead 2 h: 1 of 3"):
        read_grib([*gfs_files(made)[:2], cut], model="gfs", sites=[FARM])


@pytest.mark.faults
def test_files_of_two_runs_are_not_one(made: Path) -> None:
    other = made / "other"
    with pytest.raises(TimeError, match="of the runs 20240601T0000 and 20240602T0000"):
        read_grib([gfs_files(made)[1], other], model="gfs", sites=[FARM])


@pytest.mark.faults
def test_the_wrong_model_is_told_by_its_windows(made: Path) -> None:
    """GFS read as if it were since the start of the run: its window at 7 h begins at 6 h."""
    with pytest.raises(TimeError, match="begins at 6 h"):
        read_grib(made / "icon_like", model="icon_eu", sites=[FARM])


def test_html_and_nothing(tmp_path: Path) -> None:
    for content, why in ((b"<html>busy</html>", "which is no GRIB"), (b"", "is empty")):
        path = tmp_path / "gfs.f001"
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=why):
            read_grib(path, model="gfs", sites=[FARM])
