"""NetCDF files of the library: written whole, with a checksum after the last byte, by which readers find damage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import xarray as xr

from energyforecast.core.files import whole_file
from energyforecast.errors import FileFormatError

__all__ = ["refuse_damage", "write"]

#: Stands after the last byte of the NetCDF, which readers of NetCDF do not reach: unlike an attribute it does not go
#: along when another program reads the file, changes it and writes it anew.
_MARK: Final = b"\nenergyforecast sha256 "
#: Beginning of the mark by which a cut one is known. [bytes]
_NAME: Final = 15
_DIGITS: Final = 64
_LENGTH: Final = len(_MARK) + _DIGITS + 1
_BLOCK: Final = 1 << 20


def write(data: xr.Dataset, path: Path, *, encoding: Mapping[str, Any] | None = None) -> Path:
    """Write NetCDF 3 with its checksum; the file appears whole or not at all.

    See Also
    --------
    refuse_damage : The check.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(xr.Dataset({"power": ("time", [1.0, 2.0])}), Path(folder, "power.nc"))
    ...     refuse_damage(path)
    ...     xr.load_dataset(path, engine="scipy")["power"].values
    array([1., 2.])
    """
    with whole_file(path) as scratch:
        data.to_netcdf(scratch, engine="scipy", encoding=encoding)
        if scratch.is_file():  # a pipe cannot be read again
            digest = _digest(scratch, scratch.stat().st_size)
            with scratch.open("ab") as file:
                file.write(_MARK + digest.encode() + b"\n")
    return path


def refuse_damage(path: Path) -> None:
    """Raise FileFormatError if a file has a checksum and is not as it was written; files of others have none."""
    try:
        whole = not path.is_file() or _is_whole(path)
    except OSError:
        return  # who reads it gets the same error
    if whole:
        return
    raise FileFormatError(
        f"{path} is damaged: it does not have the checksum that was written with it.",
        "A file must be as the library wrote it.",
        "Restore it from a copy, or make it anew.",
    )


def _is_whole(path: Path) -> bool:
    """Whether a file has no checksum, or its own."""
    size = max(0, path.stat().st_size - _LENGTH)
    with path.open("rb") as file:
        file.seek(size)
        end = file.read()
    place = end.rfind(_MARK[:_NAME])
    if place < 0:
        return True
    return place == 0 and end == _MARK + _digest(path, size).encode() + b"\n"


def _digest(path: Path, size: int) -> str:
    """SHA-256 of the first bytes of a file."""
    found, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            found.update(block)
            left -= len(block)
    return found.hexdigest()
