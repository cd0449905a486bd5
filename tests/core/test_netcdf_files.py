"""Checksums of NetCDF files: damage is refused, files of others are read, and rewriting drops the checksum."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.netcdf_files import refuse_damage
from energyforecast.errors import FileFormatError
from energyforecast.testing import example_forecast, example_weather


def _damaged(content: bytes, kind: str, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    if kind == "cut":
        return content[:place]
    changed = bytearray(content)
    changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


@pytest.mark.parametrize("kind", ["flip", "cut"])
def test_no_flipped_bit_of_a_forecast_is_read_as_another_number(tmp_path: Path, kind: str) -> None:
    path = example_forecast().save(tmp_path / "forecast.nc")
    content, right = path.read_bytes(), ef.Forecast.load(path).data
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        path.write_bytes(_damaged(content, kind, rng))
        try:
            assert ef.Forecast.load(path).data.identical(right)  # a flip in the mark, or a cut of it
        except FileFormatError:
            refused += 1
    assert refused > 130


def test_no_flipped_bit_of_weather_is_read_as_another_number(tmp_path: Path) -> None:
    path = ef.weather.write(example_weather(), tmp_path / "weather.nc")
    content, right = path.read_bytes(), ef.weather.read(path)
    rng = np.random.default_rng(0)
    for _ in range(60):
        path.write_bytes(_damaged(content, "flip", rng))
        with suppress(FileFormatError):
            assert ef.weather.read(path).identical(right)  # a flip in the mark


def test_files_without_a_checksum_are_read_and_rewriting_drops_it(tmp_path: Path) -> None:
    """Another program changes a file: what it writes is its own, and is not taken for damage."""
    path = ef.weather.write(example_weather(), tmp_path / "weather.nc")
    changed = xr.load_dataset(path, engine="scipy", decode_timedelta=True)
    name = next(iter(changed.data_vars))
    changed[name] = (changed[name] * 0.5).assign_attrs(changed[name].attrs)
    changed.to_netcdf(tmp_path / "changed.nc", engine="scipy")
    assert ef.weather.read(tmp_path / "changed.nc")[name].equals(ef.weather.read(path)[name] * 0.5)


def test_absent_files_and_folders_are_left_to_the_reader(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent.nc"):
        refuse_damage(place)
        with pytest.raises(FileFormatError, match="cannot be read"):
            ef.Forecast.load(place)
        with pytest.raises(FileFormatError, match="cannot be read"):
            ef.weather.read(place)


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="no ncdump")
def test_other_readers_of_netcdf_read_files_with_a_checksum(tmp_path: Path) -> None:
    path = example_forecast().save(tmp_path / "forecast.nc")
    done = subprocess.run(["ncdump", "-h", path], capture_output=True, text=True, check=True)
    assert "power" in done.stdout
