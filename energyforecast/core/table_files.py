"""Tables of files: CSV, Parquet and workbooks, and files of another kind by name."""

from __future__ import annotations

import csv
import re
import warnings
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.core.bloated_files import refuse_bloated_file
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.table_format import TableFormat
from energyforecast.errors import (
    DependencyError,
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    SchemaError,
    require,
)

__all__ = ["load_table"]

_WORKBOOKS: Final = (".xlsx", ".xlsm")
#: First bytes of files that are no text, or text of another kind, and the remedy.
_KINDS: Final = (
    (
        rb"PK\x03\x04",
        "a workbook of Excel or a zip archive",
        "Name a workbook *.xlsx, and an archive of one CSV file *.zip.",
    ),
    (rb"\xd0\xcf\x11\xe0", "a workbook of old Excel (.xls)", "Save it as .xlsx or CSV."),
    (rb"PAR1", "a Parquet file", "Name it *.parquet."),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{])",
        "JSON",
        "Give the frame that pandas.read_json or pandas.json_normalize makes of it.",
    ),
    (
        rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!DOCTYPE|html|[A-Za-z_:]+[ >])",
        "XML or HTML",
        "Use the reader of its server, as read_entsoe, or give the frame that pandas.read_xml makes of it.",
    ),
)
#: A cell that is a date, in a header that is a row of data.
_STAMP: Final = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d).*|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}(?!\d).*"
    r"|(?:19|20)\d{6}(?:\d{2}){0,3}",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:\.\d+)?", re.ASCII)


def load_table(source: str | Path | pd.DataFrame, *, format: TableFormat) -> pd.DataFrame:
    """Rows of a CSV file, a Parquet file or a workbook; a frame as it is."""
    if isinstance(source, pd.DataFrame):
        return source
    path = Path(source)
    if not path.exists():
        raise MissingDataError(f"There is no file {path}.", "The table must be in a file.", "Check the path.")
    if path.suffix == ".parquet":
        return _parquet(path)
    frame = _workbook(path, format) if path.suffix.lower() in _WORKBOOKS else _csv(path, format)
    if format.header:
        _refuse_data_as_header(frame, path)
        _refuse_doubled_names(frame, path)
        return frame
    return frame.set_axis([str(place + 1) for place in range(frame.shape[1])], axis=1)


def _parquet(path: Path) -> pd.DataFrame:
    require("pyarrow", extra="benchmark", purpose=f"{path} is a parquet file.")
    try:
        return pd.read_parquet(path)
    except DAMAGE as error:
        raise FileFormatError(
            f"{path} cannot be read: {error}", "It must be a whole parquet file.", "Check the file."
        ) from error


def _workbook(path: Path, form: TableFormat) -> pd.DataFrame:
    """A sheet of a workbook; its cells of dates and numbers have their types."""
    require("openpyxl", extra="excel", purpose=f"{path} is a workbook of Excel.")
    refuse_bloated_file(path)
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheet = _sheet(path, [str(name) for name in book.sheet_names], form.sheet)
            frame = pd.read_excel(
                book, sheet_name=sheet, **_header(form), na_values=[str(mark) for mark in form.missing]
            )
    except DAMAGE as error:
        if isinstance(error, EnergyForecastError):
            raise
        raise FileFormatError(
            f"{path} cannot be read as a workbook of Excel: {error}",
            "It must be a whole .xlsx file.",
            "Check the file.",
        ) from error
    if not len(frame):
        raise MissingDataError(
            f"{path} is empty.", "It must have a header and rows.", "Check the file, or sheet=..."
        )
    dates = [name for name in frame.columns if frame[name].dtype.kind == "M"]
    # Times of a workbook are fractions of a day, which are exact to some microseconds.
    return frame.assign(**{str(name): frame[name].dt.round("s") for name in dates}).rename(columns=str)


def _sheet(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    raise SchemaError(
        f"{path} has the sheets {names}, and sheet={wanted!r}.",
        "One sheet of a workbook must be chosen.",
        f"Give sheet={names[0]!r}, or another of them.",
    )


def _header(form: TableFormat) -> dict[str, Any]:
    """Arguments of pandas for the lines before the first row."""
    if isinstance(form.skip_rows, int):
        skipped: Any = form.skip_rows
    else:
        skipped = [line - 1 for line in form.skip_rows]
    return {"skiprows": skipped, "header": 0 if form.header else None}


def _csv(path: Path, form: TableFormat) -> pd.DataFrame:
    _refuse_other_kinds(path)
    refuse_bloated_file(path)
    signs = f"encoding={form.encoding!r}, delimiter={form.delimiter!r}, decimal={form.decimal!r}"
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            # Thousands are left to the reader of numbers: pandas takes 1,5 as 15 and 01.03.2024 as 1032024.
            frame = pd.read_csv(
                path,
                encoding=form.encoding,
                decimal=form.decimal,
                sep=form.delimiter,
                na_values=[str(mark) for mark in form.missing],
                index_col=False,
                **_header(form),
            )
    except pd.errors.EmptyDataError as error:
        raise MissingDataError(
            f"{path} is empty.", "It must have a header and rows.", "Check the file."
        ) from error
    except pd.errors.ParserWarning as error:
        _refuse_lines_before(path, form)
        raise FileFormatError(
            f"{path} has rows with more fields than its header has columns, read with {signs}.",
            "Each column must have its name in the header, and a sign inside a number must not be the delimiter.",
            'Name the column without a name, correct the delimiter, put numbers such as "1,234" in quotes, or give '
            "skip_rows=1 if the first line is not the header.",
        ) from error
    except ImportError as error:  # pandas names the library that unpacks a kind of file
        raise _packed(path, error) from error
    except DAMAGE as error:
        _refuse_lines_before(path, form)
        raise FileFormatError(
            f"{path} cannot be read with {signs}: {error}",
            "A file must have the form that is declared for it.",
            "Give encoding='cp1251' or 'utf-8', delimiter=';' or decimal=',' as the file has it.",
        ) from error
    _check_delimiter(frame, path, form, signs)
    return frame


def _packed(path: Path, error: ImportError) -> DependencyError:
    return DependencyError(
        f"{path} cannot be unpacked: {error}",
        "Its compression needs a library.",
        "Install it, or unpack the file.",
    )


def _check_delimiter(frame: pd.DataFrame, path: Path, form: TableFormat, signs: str) -> None:
    other = {";", "\t"} - {form.delimiter}
    if len(frame.columns) == 1 or any(set(str(name)) & other for name in frame.columns):
        _refuse_lines_before(path, form)
        raise FileFormatError(
            f"{path} has the columns {list(frame.columns)}, read with {signs}.",
            "It must have a column of stamps and columns of values.",
            "Give delimiter=';' or the sign between its columns.",
        )


def _refuse_other_kinds(path: Path) -> None:
    """Refuse a file that is no CSV by its first bytes; compressed ones are left to pandas."""
    if path.is_dir() or path.suffix.lower() in (".zip", ".gz", ".bz2", ".xz", ".zst", ".tar"):
        return
    with path.open("rb") as file:
        begin = file.read(512)
    for pattern, kind, remedy in _KINDS:
        if re.match(pattern, begin):
            raise FileFormatError(
                f"{path} is {kind}.", "It must be a CSV file, a Parquet file or an .xlsx workbook.", remedy
            )


def _refuse_lines_before(path: Path, form: TableFormat) -> None:
    """Refuse a file with first lines of fewer fields than its rows, with the number of such lines."""
    try:
        with path.open(encoding=form.encoding, newline="") as file:
            fields = [len(row) for row in csv.reader(islice(file, 200), delimiter=form.delimiter)]
    except (OSError, ValueError, LookupError, TypeError, csv.Error):
        return
    usual = max(set(fields), key=fields.count, default=0)
    before = next((line for line, count in enumerate(fields) if count == usual), 0)
    skipped = form.skip_rows if isinstance(form.skip_rows, int) else 0
    short_header = before == 1 and fields[0] >= usual - 1
    if usual > 1 and before > skipped and not short_header and fields[before:].count(usual) >= 2:
        raise FileFormatError(
            f"{path} has {before} lines before its first line with {usual} fields, and skip_rows={form.skip_rows!r}.",
            "Lines before the header must be declared.",
            f"Give skip_rows={before} in the format; header=False if line {before + 1} holds values.",
        )


def _refuse_doubled_names(frame: pd.DataFrame, path: Path) -> None:
    """Refuse columns of one name, such as the number 1 and the text '1' in a workbook."""
    if frame.columns.has_duplicates:
        name = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(
            f"{path} has several columns {name!r}.",
            "Columns must have different names.",
            "Rename one of them.",
        )


def _refuse_data_as_header(frame: pd.DataFrame, path: Path) -> None:
    """Refuse a header that holds a date and numbers, which is a row of data."""
    names = [str(name) for name in frame.columns]
    stamps = [name for name in names if _STAMP.fullmatch(name)]
    if stamps and any(_NUMBER.fullmatch(name) for name in names if name not in stamps[:1]):
        raise SchemaError(
            f"The header of {path} is {names[:4]}, which looks like a row of data.",
            "The first line must name the columns.",
            "Give header=False if the file has no header: its columns are then '1', '2', ...",
        )
