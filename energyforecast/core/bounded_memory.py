"""Bounds of memory: the content that a file declares is compared with its size before it is read."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.wording import minute, short
from energyforecast.errors import FileFormatError, TimeError

__all__ = ["largest_content", "plain_array", "refuse_bloated", "refuse_bloated_zip", "regular_grid"]

#: Content that a file of any size may have [bytes], and the multiple of its size that a larger one may have.
_USUAL: Final = 2**28
_RATIO: Final = 200
_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
#: Intervals that a table of any length may span, and the multiple of its rows that a longer one may span.
_INTERVALS: Final = 250_000
_GAPS: Final = 50


def largest_content(size: int) -> int:
    """Content that a file of this size may unpack to. [bytes]

    Examples
    --------
    >>> largest_content(8_000) // 2**20, largest_content(10_000_000)
    (256, 2000000000)
    """
    return max(_USUAL, _RATIO * size)


def refuse_bloated(file: Path | io.BytesIO, *, size: int, label: str) -> None:
    """Raise FileFormatError if NetCDF 4 has far more content than bytes: even its coordinates are read at opening."""
    import h5netcdf

    with h5netcdf.File(file, "r") as raw:
        content = 8 * sum(math.prod(variable.shape) for variable in raw.variables.values())
    if content > largest_content(size):
        raise FileFormatError(
            f"{label} has {size:,} bytes and unpacks to {content:,}.",
            f"A file of its size must not unpack to more than {largest_content(size):,} bytes.",
            "Check the file; if it is right, write it again in parts, or without compression.",
        )


def refuse_bloated_zip(archive: zipfile.ZipFile, *, size: int) -> None:
    """Raise ValueError if the members of a zip file of this size [bytes] unpack to far more."""
    content = sum(item.file_size for item in archive.infolist())
    if content > largest_content(size):
        raise ValueError(f"{size:,} bytes unpack to {content:,}, more than {largest_content(size):,}")


def plain_array(content: bytes, *, label: str) -> npt.NDArray[Any]:
    """Array of an ``.npy`` file without objects, of its bytes; ValueError if it is none, or declares more than them."""
    file = io.BytesIO(content)
    try:
        read = _HEADERS[np.lib.format.read_magic(file)]
        shape, _, dtype = read(file)
    except (KeyError, TokenError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"{label} is no array: {type(error).__name__} {error}") from error
    if dtype.hasobject or dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize > len(content):
        raise ValueError(f"{label} has the shape {shape}, the type {dtype} and {len(content):,} bytes")
    found: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return found


def regular_grid(stamps: pd.Index, step: pd.Timedelta, *, label: str = "power") -> pd.DatetimeIndex:
    """Regular grid from the first stamp to the last; TimeError if hardly any of its intervals has a row.

    Examples
    --------
    >>> stamps = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 03:00"], tz="UTC")
    >>> len(regular_grid(stamps, pd.Timedelta("1h")))
    4
    """
    count = int((stamps[-1] - stamps[0]) / step) + 1
    if count > max(_INTERVALS, _GAPS * len(stamps)):
        times = timestamps.to_ns(stamps)
        place = int(np.argmax(np.diff(times)))
        raise TimeError(
            f"{label} goes from {minute(times[place])} to {minute(times[place + 1])} without a row between, "
            f"and has {len(stamps)} rows for {count:,} intervals of {short(step)}.",
            f"A table must have a row for at least one of {_GAPS} intervals.",
            "Correct the year of a mistyped stamp, or give the frequency of the rows.",
        )
    return pd.date_range(stamps[0], stamps[-1], freq=step)
