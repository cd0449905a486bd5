"""Small files that ask for much memory are refused before it is taken."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.bounded_memory import regular_grid
from energyforecast.errors import EnergyForecastError, FileFormatError, TimeError
from energyforecast.testing import example_forecaster
from energyforecast.weather.sources.common.containers import open_netcdf

_GIB = 2**30


def _peak(call: Callable[[], object], error: type[EnergyForecastError], match: str) -> int:
    """Greatest memory of a call that is refused, by numpy and Python. [bytes]"""
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(error, match=match):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(find_spec("h5netcdf") is None, reason="NetCDF 4 is not read without h5netcdf")
@pytest.mark.parametrize("name", ["temp_air", "time"], ids=["variable", "coordinate"])
def test_netcdf_of_a_few_bytes_is_not_unpacked(tmp_path: Path, name: str) -> None:
    import h5netcdf

    path = tmp_path / "weather.nc"
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 800_000_000}
        file.create_variable(name, ("time",), "f8", chunks=(1_000_000,), compression="gzip")
    assert path.stat().st_size < 20_000
    for read in (ef.weather.read, lambda source: open_netcdf(source, label="file")):
        assert _peak(lambda read=read: read(path), FileFormatError, "unpacks to 6,400,000,000") < _GIB / 100


def _forecaster(path: Path, part: bytes) -> Path:
    """A stored forecaster of which a part is another one, with its checksum."""
    with zipfile.ZipFile(io.BytesIO(example_forecaster().save(path).read_bytes())) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    manifest = json.loads(parts.pop("manifest.json"))
    parts[next(name for name in parts if name.endswith(".npy"))] = part
    manifest["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as altered:
        altered.writestr("manifest.json", json.dumps(manifest))
        for name, content in parts.items():
            altered.writestr(name, content)
    return path


def test_a_forecaster_of_much_air_is_not_unpacked(tmp_path: Path) -> None:
    path = _forecaster(tmp_path / "farm.forecaster", bytes(2**28))
    assert path.stat().st_size < 2_000_000
    assert _peak(lambda: ef.load(path), FileFormatError, "unpack to more than") < _GIB / 100


@pytest.mark.parametrize("shape", [(2**40,), (2**31, 2**31)])
def test_an_array_with_a_false_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    path = _forecaster(tmp_path / "farm.forecaster", file.getvalue() + bytes(80))
    assert _peak(lambda: ef.load(path), FileFormatError, "shape") < _GIB / 100


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_mistyped_year_is_named(tmp_path: Path, layout: str) -> None:
    times = pd.date_range("2024-01-01", periods=500, freq="1min").strftime("%Y-%m-%d %H:%M").tolist()
    times[-1] = "2240-01-01 08:19"
    table = pd.DataFrame({"time": times, **{f"site {k}": 1.0 for k in range(3)}})
    form = ef.TableFormat(unit="MW", timezone="UTC", label="beginning")
    if layout == "long":
        table = table.melt("time", var_name="name", value_name="power")
        form = replace(form, site="name")
    table.to_csv(tmp_path / "power.csv", index=False)

    def read() -> object:
        return ef.read_power(tmp_path / "power.csv", format=form, published_after="1h")

    assert _peak(read, TimeError, "from 2024-01-01 08:18 to 2240-01-01 08:19 without a row") < _GIB / 50


def test_long_gaps_stay_possible() -> None:
    stamps = pd.DatetimeIndex(["2000-01-01", "2024-01-01"], tz="UTC")
    assert len(regular_grid(stamps, pd.Timedelta("1h"))) == 24 * 8766 + 1
    many = pd.date_range("2024-01-01", periods=100_000, freq="1min", tz="UTC")
    assert len(regular_grid(many.append(many[-1:] + pd.Timedelta("3000D")), pd.Timedelta("1min"))) > 4_000_000
