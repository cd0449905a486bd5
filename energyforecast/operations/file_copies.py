"""Copy of a file at one moment: another program may be writing to it, and may have ended in the middle of a row."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from energyforecast.core.files import whole_file
from energyforecast.core.table_format import TableFormat

__all__ = ["copied", "without_cut_cell"]

#: Files that are no lines of text.
_OTHER: Final = (".parquet", ".xlsx", ".xlsm", ".zip", ".gz", ".bz2", ".xz", ".zst", ".tar")
#: Rows with which the last one is compared.
_ROWS: Final = 100
_NUMBER: Final = re.compile(r"[+-]?(\d*)(?:[.,](\d*))?")


@contextmanager
def copied(path: Path, form: TableFormat) -> Iterator[tuple[Path, str | None]]:
    """Copy of a file, without a last cell that was cut, and the text of this cell; None if the file is whole.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    content = path.read_bytes()
    cut: str | None = None
    if path.suffix.lower() not in _OTHER:
        content, cut = without_cut_cell(content, form)
    with tempfile.TemporaryDirectory(prefix="energyforecast-") as folder:
        copy = Path(folder, path.name)
        with whole_file(copy) as scratch:
            scratch.write_bytes(content)
        yield copy, cut


def without_cut_cell(content: bytes, form: TableFormat) -> tuple[bytes, str | None]:
    r"""Content without the last cell, if it may have been cut, and its text; None if it is whole.

    Without an end of line, a last row is taken as whole if it has all fields, and its last number is as long as those
    of the rows before: as many decimals, or, in a column of whole numbers, as many digits. A cut number is shorter.

    Examples
    --------
    >>> form = TableFormat()
    >>> without_cut_cell(b"time,a,b\n00:00,1.50,2.50\n01:00,1.25,2", form)
    (b'time,a,b\n00:00,1.50,2.50\n01:00,1.25,\n', '2')
    >>> without_cut_cell(b"time,a,b\n00:00,1.50,2.50\n01:00,1.25,2.75", form)[1] is None
    True
    """
    lines = content.splitlines()
    if content.endswith((b"\n", b"\r")) or len(lines) < 2 or b"\0" in content[:64]:
        return content, None
    sign = form.delimiter.encode()
    fields, last = lines[-1].split(sign), lines[-1]
    usual = lines[-2].count(sign) + 1
    if last.count(b'"') % 2 or len(fields) > usual:
        kept: list[bytes] = []
    elif len(fields) == usual and _is_as_usual(fields[-1], [line.split(sign)[-1] for line in lines[1:-1]]):
        return content, None
    else:
        kept = fields[:-1]
    # A row that holds its stamp alone is of no use, and one without it cannot be read.
    row = sign.join([*kept, *[b""] * (usual - len(kept))]) + b"\n" if kept else b""
    return content[: len(content) - len(last)] + row, last.split(sign)[-1].decode("utf-8", "replace")


def _is_as_usual(cell: bytes, others: list[bytes]) -> bool:
    """Whether a last number is as long as those before it."""
    found = _lengths(cell)
    usual = [lengths for other in others[-_ROWS:] if (lengths := _lengths(other)) is not None]
    if found is None or not usual:
        return not usual  # a column of text
    decimals = min(lengths[1] for lengths in usual)
    if decimals:
        return found[1] >= decimals
    return found[1] > 0 or found[0] >= min(lengths[0] for lengths in usual)


def _lengths(cell: bytes) -> tuple[int, int] | None:
    """Digits before and after the decimal sign."""
    match = _NUMBER.fullmatch(cell.decode("ascii", "replace").strip().strip('"'))
    return None if match is None else (len(match[1]), len(match[2] or ""))
