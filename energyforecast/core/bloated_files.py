"""Compressed tables: their content is counted before it is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final

from energyforecast.core.bounded_memory import largest_content
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.errors import FileFormatError

__all__ = ["refuse_bloated_file"]

_OPENERS: Final[dict[str, Callable[[Path], Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ZIPS: Final = (".zip", ".xlsx", ".xlsm")
_BLOCK: Final = 1 << 20
#: Place of a cell of a sheet, and cells that a sheet of any size may span.
_CELL: Final = re.compile(rb'<c[^>]{0,80}? r="([A-Z]{1,3})([0-9]{1,7})"|<row[^>]{0,80}? r="([0-9]{1,7})"')
_CELLS: Final = 5_000_000
_OVERLAP: Final = 128


def refuse_bloated_file(path: Path) -> None:
    """Raise FileFormatError if a compressed file or a workbook has far more content, or cells, than bytes."""
    size, suffix = path.stat().st_size, path.suffix.lower()
    try:
        if suffix in _ZIPS:
            with zipfile.ZipFile(path) as archive:
                content = sum(item.file_size for item in archive.infolist())
                if content <= largest_content(size) and suffix != ".zip":
                    _refuse_far_cells(archive, path, size)
        elif suffix in _OPENERS:
            content = _counted(_OPENERS[suffix](path), largest_content(size))
        else:
            return
    except DAMAGE as error:
        if isinstance(error, FileFormatError):
            raise
        return  # who reads it gets the same error
    if content > largest_content(size):
        raise FileFormatError(
            f"{path} has {size:,} bytes and unpacks to {content:,} or more.",
            f"A file of its size must not unpack to more than {largest_content(size):,} bytes.",
            "Check the file; if it is right, unpack it.",
        )


def _counted(file: IO[bytes], most: int) -> int:
    """Bytes of a file, up to just above a number. [bytes]"""
    found = 0
    with closing(file):
        while found <= most and (block := file.read(_BLOCK)):
            found += len(block)
    return found


def _refuse_far_cells(archive: zipfile.ZipFile, path: Path, size: int) -> None:
    """Refuse sheets with single cells in far rows and columns: a reader fills all before them."""
    for name in archive.namelist():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            with archive.open(name) as file:
                rows, columns = _extent(_overlapping(file))
            if rows * columns > max(_CELLS, 10 * size):
                raise FileFormatError(
                    f"{name} in {path} has cells up to row {rows:,} and column {columns:,}.",
                    f"A workbook of {size:,} bytes must not span more than {max(_CELLS, 10 * size):,} cells.",
                    "Delete the single cells below and beside the table, or save the table as CSV.",
                )


def _extent(blocks: Iterator[bytes]) -> tuple[int, int]:
    """Last row and last column with a cell."""
    rows = columns = 1
    for block in blocks:
        for match in _CELL.finditer(block):
            rows = max(rows, int(match[2] or match[3]))
            columns = max(columns, _column(match[1]) if match[1] else 1)
    return rows, columns


def _column(letters: bytes) -> int:
    """Number of a column: 1 of A, 27 of AA."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _overlapping(file: IO[bytes] | io.BufferedIOBase) -> Iterator[bytes]:
    """Blocks of a file, each with the end of the one before."""
    end = b""
    while block := file.read(_BLOCK):
        yield end + block
        end = block[-_OVERLAP:]
