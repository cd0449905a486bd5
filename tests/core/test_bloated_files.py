"""Compressed tables and workbooks that ask for far more memory than they have bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import energyforecast as ef
from energyforecast.core import bloated_files
from energyforecast.core.bloated_files import refuse_bloated_file
from energyforecast.core.bounded_memory import plain_array
from energyforecast.errors import FileFormatError

_ZEROS = bytes(300 << 20)


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("power.csv", _ZEROS)
    return buffer.getvalue()


def _read(path: Path) -> Any:
    return ef.read_power(path, unit="kW", timezone="UTC", label="beginning", published_after="2h")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", lambda: gzip.compress(_ZEROS)),
        ("a.csv.bz2", lambda: bz2.compress(_ZEROS)),
        ("a.csv.xz", lambda: lzma.compress(_ZEROS, preset=0)),
        ("a.zip", _zipped),
        ("a.xlsx", _zipped),
    ],
)
def test_content_is_counted_before_it_is_read(tmp_path: Path, name: str, content: Any) -> None:
    path = tmp_path / name
    path.write_bytes(content())
    assert path.stat().st_size < 2 << 20
    with pytest.raises(FileFormatError, match="unpacks to"):
        _read(path)


def test_a_single_cell_in_the_last_row_and_column(tmp_path: Path) -> None:
    """17 thousand million cells in 5 kB."""
    book = openpyxl.Workbook()
    book.active.append(["time", "farm"])
    book.active.cell(1_048_576, 16_384).value = 1
    book.save(tmp_path / "power.xlsx")
    with pytest.raises(FileFormatError, match="up to row 1,048,576 and column 16,384"):
        _read(tmp_path / "power.xlsx")


def test_usual_files_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bloated_files, "_BLOCK", 100)  # cells at the border of two blocks
    rows = [("time", "farm"), *((f"2024-01-01 {hour:02d}:00", 10.0 + hour) for hour in range(24))]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "power.csv.gz").write_bytes(gzip.compress(text.encode()))
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "power.xlsx")
    for name in ("power.csv.gz", "power.xlsx"):
        refuse_bloated_file(tmp_path / name)
        assert len(_read(tmp_path / name).values) == 24


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }",
        "{'descr': '<f8'",
        "(",
        "[[[[",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '|S0', 'shape': (9,)}",
    ],
)
def test_header_of_an_array(header: str) -> None:
    written = header.encode().ljust(117) + b"\n"
    with pytest.raises(ValueError, match=r"(?i)x\.npy|header|literal"):
        plain_array(b"\x93NUMPY\x01\x00" + len(written).to_bytes(2, "little") + written, label="x.npy")
