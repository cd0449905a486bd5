"""Sheets as CSV, for machines, and as workbooks, for planners."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast.core.files import whole_file
from energyforecast.core.spreadsheets import without_formulas
from energyforecast.errors import require
from energyforecast.reporting import translations
from energyforecast.reporting.sheets.sheet import Column, Part, Sheet, Table, words

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["digits_of", "write_csv", "write_xlsx"]

_A4: Final = 9  # its number in the format of workbooks


def digits_of(values: pd.Series) -> int:
    """Decimals that suit the size of the numbers of a column."""
    largest = float(np.nanmax(np.abs(values.to_numpy(dtype=float)), initial=0.0)) if len(values) else 0.0
    return 0 if largest >= 1000 else 1 if largest >= 100 else 2


def write_csv(sheet: Sheet, path: str | Path, *, language: str | None = None, part: Part = "table") -> Path:
    """Write one table of a sheet; see :meth:`Sheet.write_csv`."""
    frame = sheet.to_frame(language, part=part)
    for place in range(frame.shape[1]):
        cells = frame.iloc[:, place]
        if isinstance(cells.dtype, pd.DatetimeTZDtype):
            frame.isetitem(place, [moment.isoformat(timespec="minutes") for moment in cells])
    frame = without_formulas(frame)
    # Excel reads UTF-8 only where a mark says so; files for machines have none.
    encoding = "utf-8" if language is None else "utf-8-sig"
    target = Path(path)
    with whole_file(target) as scratch:
        frame.to_csv(scratch, index=False, float_format="%.4f", lineterminator="\n", encoding=encoding)
    return target


def write_xlsx(sheet: Sheet, path: str | Path, *, language: str = "en") -> Path:
    """Write a workbook: the table, its summary, and a page of facts, notes and caveats."""
    xlsxwriter = require("xlsxwriter", extra="planning", purpose="Workbooks are written by XlsxWriter.")
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(held, options) as workbook:
        first = sheet.period[0]
        workbook.set_properties(
            # The moment of writing would make the same sheet a different file each time.
            {"title": sheet.title(language), "created": datetime(first.year, first.month, first.day)}  # noqa: DTZ001
        )
        for table in (sheet.table, sheet.summary):
            if table is not None:
                _Page(workbook, sheet, language).write(table)
        _about(workbook, sheet, language)
    target = Path(path)
    with whole_file(target) as scratch:
        scratch.write_bytes(held.getvalue())
    return target


def _sheet_name(title: str) -> str:
    """A name that workbooks allow."""
    return re.sub(r"[\[\]:*?/\\']", " ", title)[:31]


class _Page:
    """A worksheet with title, caveats, frozen headings and typed cells."""

    def __init__(self, workbook: Workbook, sheet: Sheet, language: str) -> None:
        self.workbook, self.sheet, self.language = workbook, sheet, language

    def _format(self, **wanted: Any) -> Format:
        """A format with its text at the top of the cell."""
        return self.workbook.add_format({"valign": "top"} | wanted)

    def write(self, table: Table) -> None:
        """Write a table on a new worksheet."""
        page = self.workbook.add_worksheet(_sheet_name(table.title.translate(self.language)))
        page.write_string(0, 0, self.sheet.title(self.language), self._format(bold=True, font_size=14))
        warned = self._format(bold=True, font_color="#B34700")
        for row, line in enumerate(self.sheet.caveats, start=1):
            page.write_string(row, 0, f"⚠ {translations.translate_caveat(line, self.language)}", warned)
        top = len(self.sheet.caveats) + 1
        columns = [column for column in table.columns if not column.repeated]
        heading = self._format(bold=True, text_wrap=True, bottom=1, bg_color="#E8F1F6")
        frame = table.to_frame()
        for place, column in enumerate(columns):
            page.write_string(top, place, column.heading(self.language), heading)
            width = self._column(page, table, column, place, top + 1)
            page.set_column(place, place, width)
        page.freeze_panes(top + 1, _leading(columns))
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
        page.repeat_rows(top)
        page.set_row(top, 45)
        page.print_area(0, 0, top + len(frame), len(columns) - 1)

    def _column(self, page: Worksheet, table: Table, column: Column, place: int, top: int) -> float:
        """Write the cells of a column; returns its width."""
        cells = table.data[column.name]
        style = self._style(column, cells)
        longest = max((len(word) for word in column.heading(self.language).split()), default=0)
        for row, cell in enumerate(cells, start=top):
            longest = max(longest, _cell(page, row, place, cell, column, style, self.language))
        return float(min(max(longest + 2, 9), 48))

    def _style(self, column: Column, cells: pd.Series) -> Format:
        """Format of the cells of a column."""
        if column.kind == "time":
            return self._format(num_format="yyyy-mm-dd hh:mm", align="left")
        if column.kind == "day":
            return self._format(num_format="yyyy-mm-dd", align="left")
        if column.kind == "share":
            return self._format(num_format="0.0%")
        if column.kind == "count":
            return self._format(num_format="0")
        if column.kind == "number":
            digits = digits_of(cells)
            return self._format(num_format="#,##0" + ("." + "0" * digits if digits else ""))
        return self._format(num_format="#,##0.##" if column.kind == "score" else "General")


def _leading(columns: list[Column]) -> int:
    """Number of columns that stay in sight: those that name the hour or day."""
    return sum(column.kind in ("time", "day") or column.name in ("hour", "score") for column in columns)


def _cell(
    page: Worksheet, row: int, place: int, cell: Any, column: Column, style: Format, language: str
) -> int:
    """Write one cell by its kind; returns its length."""
    if column.kind == "text":
        text = words(cell, language)
        page.write_string(row, place, text, style)  # never a formula, whatever it begins with
        return len(text)
    if pd.isna(cell):
        page.write_blank(row, place, None, style)
        return 0
    if column.kind in ("time", "day"):
        # Workbooks know no zones: local time, which the name of the hour makes unambiguous.
        page.write_datetime(row, place, cell.to_pydatetime().replace(tzinfo=None), style)
        return 16 if column.kind == "time" else 10
    if column.kind == "yes_no":
        page.write_boolean(row, place, bool(cell), style)
        return 5
    page.write_number(row, place, round(float(cell), 6), style)
    return 8


def _about(workbook: Workbook, sheet: Sheet, language: str) -> None:
    """Facts, notes and caveats, on a separate worksheet."""
    page = workbook.add_worksheet(_sheet_name(translations.phrase("word.facts", language)))
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top", "align": "left"})
    bold = workbook.add_format({"bold": True, "valign": "top", "text_wrap": True})
    rows = [(translations.phrase(key, language), value) for key, value in sheet.facts.items()]
    rows += [(translations.phrase("word.notes", language), note) for note in sheet.notes]
    rows += [
        (translations.phrase("word.caveats", language), translations.translate_caveat(line, language))
        for line in sheet.caveats
    ]
    for row, (name, value) in enumerate(rows):
        page.write_string(row, 0, name, bold)
        if isinstance(value, int):
            page.write_number(row, 1, value, wrapped)
        else:
            page.write_string(row, 1, translations.format_value(value, language), wrapped)
    page.set_column(0, 0, 36)
    page.set_column(1, 1, 90)
