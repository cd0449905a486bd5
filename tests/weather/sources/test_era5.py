"""ERA5 of each of its archives."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core.plausibility import check_sun
from energyforecast.core.sites import Site
from energyforecast.errors import FileFormatError, MissingDataError, SchemaError, UnitsError
from energyforecast.weather import Era5, parse_era5_point, read_era5

SAMPLES = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere")) / "weather_samples"
FARM = Site(name="farm", latitude=43.6, longitude=78.6)
HOURS = np.arange("2024-06-01T00", "2024-06-02T00", dtype="datetime64[h]").astype("datetime64[ns]")
SUM = np.clip(np.sin((np.arange(24) - 0.5) / 12 * np.pi), 0, None) * 3.6e6  # J m-2 of the hour that ends


def old_layout() -> xr.Dataset:
    """Latitudes fall, longitudes run to 360, ``time``."""
    grid = ("time", "latitude", "longitude")
    shape = np.ones((24, 3, 4))
    hour = np.arange(24.0)[:, None, None] * shape
    return xr.Dataset(
        {
            "u100": (grid, 3.0 * shape, {"units": "m s**-1"}),
            "v100": (grid, -4.0 * shape, {"units": "m s**-1"}),
            "t2m": (grid, 280.0 + hour, {"units": "K"}),
            "ssrd": (grid, SUM[:, None, None] * shape, {"units": "J m**-2"}),
            "fdir": (grid, 0.7 * SUM[:, None, None] * shape, {"units": "J m**-2"}),
        },
        coords={"time": HOURS, "latitude": [44.0, 43.75, 43.5], "longitude": [78.0, 78.25, 78.5, 78.75]},
    )


def check_day(weather: xr.Dataset) -> None:
    one = weather.isel(site=0)
    np.testing.assert_allclose(one["wind_speed_100m"], 5.0, rtol=1e-3)
    np.testing.assert_allclose(one["temp_air"], 6.85 + np.arange(24), atol=0.01)
    # The sum that ends at an hour is the mean of the hour before, and that of the last hour is not there yet.
    np.testing.assert_allclose(one["ghi"], [*(SUM[1:] / 3600), np.nan], atol=0.2)
    np.testing.assert_allclose(one["dhi"], [*(0.3 * SUM[1:] / 3600), np.nan], atol=0.3)
    assert (one["ghi"].values[:12] > 0).sum() == 12


def test_the_old_layout_packed_into_16_bits(tmp_path: Path) -> None:
    packing = {
        name: {"dtype": "int16", "scale_factor": float(high) / 60000, "add_offset": 0.0, "_FillValue": -32767}
        for name, high in (("u100", 60), ("v100", 60), ("t2m", 700), ("ssrd", 7.2e6), ("fdir", 7.2e6))
    }
    old_layout().to_netcdf(tmp_path / "old.nc", engine="scipy", encoding=packing)
    check_day(read_era5(tmp_path / "old.nc", sites=[FARM]))


def test_final_and_preliminary_halves_are_joined(tmp_path: Path) -> None:
    whole = old_layout()
    final = whole.where(whole["time"] < HOURS[15])
    preliminary = whole.where(whole["time"] >= HOURS[15])
    both = xr.concat([final, preliminary], pd.Index([1, 5], name="expver"))
    both.transpose("time", "expver", "latitude", "longitude").to_netcdf(tmp_path / "both.nc", engine="scipy")
    check_day(read_era5(tmp_path / "both.nc", sites=[FARM], method="bilinear"))


def new_zip() -> bytes:
    """Instants and sums apart, ``valid_time``, ``number`` and ``expver`` as text."""
    new = old_layout().rename(time="valid_time")
    new = new.assign_coords(number=0, expver=("valid_time", ["0001"] * 12 + ["0005"] * 12))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind, names in (("instant", ["u100", "v100", "t2m"]), ("accum", ["ssrd", "fdir"])):
            file = io.BytesIO()
            new[names].to_netcdf(file, engine="h5netcdf")
            archive.writestr(f"data_stream-oper_stepType-{kind}.nc", file.getvalue())
    return packed.getvalue()


def test_the_new_layout_is_a_zip_of_two_files(tmp_path: Path) -> None:
    (tmp_path / "download.nc").write_bytes(new_zip())  # the store names it so
    check_day(read_era5(tmp_path / "download.nc", sites=[FARM]))


def zarr_store(folder: Path) -> Path:
    long = {
        "u100": "100m_u_component_of_wind",
        "v100": "100m_v_component_of_wind",
        "t2m": "2m_temperature",
        "ssrd": "surface_solar_radiation_downwards",
        "fdir": "total_sky_direct_solar_radiation_at_surface",
    }
    store = folder / "era5.zarr"
    old_layout().rename(long).to_zarr(
        store, encoding={name: {"chunks": (12, 2, 2)} for name in long.values()}, consolidated=False
    )
    return store


def test_zarr_with_long_names_as_a_source(tmp_path: Path) -> None:
    store = zarr_store(tmp_path)
    check_day(read_era5(store, sites=[FARM]))
    source = Era5(address=str(store), variables=("wind_speed_100m", "ghi"))
    start, end = (pd.Timestamp(f"2024-06-01 {hour}:00", tz="UTC") for hour in ("06", "12"))
    part = source.get_period([FARM], start, end)
    # The hour that begins at 11 is known: its sum stands at 12.
    np.testing.assert_allclose(part["ghi"][0], SUM[7:13] / 3600, rtol=1e-5)
    assert part.sizes["time"] == 6
    assert part.attrs["source"] == "era5"
    arrived = part["available_time"].values[0] - part["time"].values[0]
    assert arrived == np.timedelta64(5, "D") + np.timedelta64(
        75, "m"
    )  # with the stamp of its end, and a margin


def test_zarr_that_says_null_has_no_consolidated_metadata(tmp_path: Path) -> None:
    about = zarr_store(tmp_path) / "zarr.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"consolidated_metadata": None}))
    check_day(read_era5(about.parent, sites=[FARM]))


@pytest.mark.faults
def test_a_deleted_chunk_is_missing_and_a_cut_one_damaged(tmp_path: Path) -> None:
    store = zarr_store(tmp_path)
    chunks = sorted(path for path in (store / "2m_temperature" / "c").rglob("*") if path.is_file())
    chunk = next(
        path for path in chunks if path.parts[-3:] == ("0", "1", "1")
    )  # that of the site, first half
    content = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(MissingDataError, match=r"no temp_air at site 'farm', 2024-06-01T00.*: 12 of 24"):
        read_era5(store, sites=[FARM])
    assert int(np.isnan(read_era5(store, sites=[FARM], allow_missing=True)["temp_air"]).sum()) == 12
    chunk.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_era5(store, sites=[FARM])


@pytest.mark.faults
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "html"])
@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_damaged_netcdf(tmp_path: Path, damage: str, engine: Any) -> None:
    path = tmp_path / "era5.nc"
    old_layout().to_netcdf(path, engine=engine)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "flipped": data[:4] + bytes(byte ^ 0xFF for byte in data[4:400]) + data[400:],
            "empty": b"",
            "html": b"<html>The service is overloaded</html>",
        }[damage]
    )
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_era5(path, sites=[FARM])


@pytest.mark.faults
@pytest.mark.parametrize(
    ("names", "content", "why"),
    [
        (["../../etc/evil.nc"], b"x", "holds a file named"),
        (["/etc/evil.nc"], b"x", "holds a file named"),
        (["C:\\evil.nc"], b"x", "holds a file named"),
        (["bomb.nc"], bytes(40_000_000), "packed into"),
        ([f"{k}.nc" for k in range(65)], b"x", "holds 65 files"),
        ([], b"", "holds 0 files"),
        (["data.nc"], b"<html>", "begins with"),
    ],
)
def test_zips_that_are_not_to_be_trusted(tmp_path: Path, names: list[str], content: bytes, why: str) -> None:
    path = tmp_path / "in" / "era5.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    with pytest.raises(FileFormatError, match=why):
        read_era5(path, sites=[FARM])
    assert sorted(tmp_path.rglob("*")) == [path.parent, path]  # nothing was unpacked anywhere


@pytest.mark.faults
def test_a_cut_zip_and_halves_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "era5.zip"
    path.write_bytes(new_zip()[:-100])
    with pytest.raises(FileFormatError, match="cannot be unpacked"):
        read_era5(path, sites=[FARM])
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in (
            ("a.nc", old_layout()[["t2m"]]),
            ("b.nc", old_layout()[["ssrd"]].isel(time=slice(0, 20))),
        ):
            file = io.BytesIO()
            part.to_netcdf(file, engine="h5netcdf")
            archive.writestr(name, file.getvalue())
    with pytest.raises(SchemaError, match=r"do not fit each other: they have \[24, 20\] hours"):
        read_era5(path, sites=[FARM])


@pytest.mark.faults
def test_changed_units_and_lost_variables(tmp_path: Path) -> None:
    changed = old_layout()
    changed["t2m"].attrs["units"] = "degC"
    changed.to_netcdf(tmp_path / "a.nc", engine="scipy")
    with pytest.raises(UnitsError, match="'degC'"):
        read_era5(tmp_path / "a.nc", sites=[FARM])
    old_layout().rename(t2m="skt")[["skt"]].to_netcdf(tmp_path / "b.nc", engine="scipy")
    with pytest.raises(SchemaError, match="has the variables skt"):
        read_era5(tmp_path / "b.nc", sites=[FARM])


@pytest.fixture
def data_store() -> Iterator[str]:
    """The points' service of the Climate Data Store: a job, its end, a zip of one CSV."""
    rows = ["valid_time,latitude,longitude,u100,v100,t2m,ssrd"]
    rows += [f"2024-06-01 {h:02d}:00:00,43.5,78.5,3.0,-4.0,{280 + h},{SUM[h]}" for h in range(24)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("reanalysis.csv", "\n".join(rows))

    class Handler(BaseHTTPRequestHandler):
        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(json.dumps({"jobID": "7", "metadata": {}}).encode())

        def do_GET(self) -> None:
            here = f"http://127.0.0.1:{self.server.server_address[1]}"
            if self.path.endswith("/results"):
                self.answer(json.dumps({"asset": {"value": {"href": f"{here}/data.zip"}}}).encode())
            elif self.path.endswith("data.zip"):
                self.answer(packed.getvalue())
            else:
                self.answer(json.dumps({"status": "successful"}).encode())

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("mapped", [True, False])
def test_the_points_of_pvlib(data_store: str, mapped: bool) -> None:
    from pvlib.iotools import get_era5

    day, names = "2024-06-01", ["ghi", "u100", "v100", "temp_air"]
    frame, _ = get_era5(43.6, 78.6, day, day, names, "key", map_variables=mapped, url=data_store)
    one = parse_era5_point(frame, site=FARM).isel(site=0)
    np.testing.assert_allclose(one["ghi"], [*(SUM[1:] / 3600), np.nan], atol=0.01)
    np.testing.assert_allclose(one["temp_air"], 6.85 + np.arange(24), atol=0.01)
    np.testing.assert_allclose(one["wind_speed_100m"], 5.0, rtol=1e-5)


def test_a_year_of_berlin_stands_under_the_sun() -> None:
    path = SAMPLES / "era5_2017_berlin.nc"
    if not path.exists():
        pytest.skip("ENERGYFORECAST_DATA is not set")
    berlin = Site(name="Berlin", latitude=52.5, longitude=13.4)
    weather = read_era5(path, sites=[berlin], method="bilinear")
    lag = check_sun(weather["time"].values, weather["ghi"].values[0].astype(float), site=berlin, label="ghi")
    assert lag is not None
    assert abs(lag) < 10
    assert 1000 < float(weather["ghi"].sum()) / 1000 < 1250  # kWh m-2 in a year
    assert float(weather["wind_speed_100m"].mean()) == pytest.approx(6.3, abs=1.0)
