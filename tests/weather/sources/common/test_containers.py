"""Zip archives and NetCDF files from outside."""

from __future__ import annotations

import io
import zipfile

import pytest

from energyforecast.errors import FileFormatError
from energyforecast.weather.sources.common.containers import open_netcdf, unzipped


def _packed(name: str, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../../evil.nc", "/etc/evil.nc", "..\\evil.nc", "C:evil.nc"])
def test_a_path_that_leaves_the_archive_is_refused(name: str) -> None:
    with pytest.raises(FileFormatError, match="relative"):
        unzipped(_packed(name))


def test_a_bomb_is_refused() -> None:
    with pytest.raises(FileFormatError, match="packed"):
        unzipped(_packed("era5.nc", bytes(1 << 25)))


def test_files_are_unpacked_in_memory() -> None:
    assert unzipped(_packed("era5.nc", b"CDF")) == {"era5.nc": b"CDF"}


def test_a_page_of_html_is_no_netcdf() -> None:
    with pytest.raises(FileFormatError, match="begins with"):
        open_netcdf(b"<html>", label="era5.nc")
