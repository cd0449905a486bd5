"""Errors of other libraries on files that are damaged, cut or of another form."""

from __future__ import annotations

import csv
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import Final

__all__ = ["DAMAGE"]

#: What the readers of zip, gzip, workbooks, Parquet, NetCDF and Zarr raise for bytes that they do not expect. A
#: declared size beyond the memory is a MemoryError, broken XML a SyntaxError, a member with a password a RuntimeError.
DAMAGE: Final[tuple[type[Exception], ...]] = (
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError),
    *(AssertionError, MemoryError, SyntaxError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, csv.Error),
)
