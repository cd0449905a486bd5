"""A sheet as one page that needs no network, reads on a phone and prints on A4."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pandas as pd

from energyforecast.core.files import whole_file
from energyforecast.reporting import page_templates, translations
from energyforecast.reporting.sheets import figure
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table, words
from energyforecast.reporting.sheets.workbook import digits_of

__all__ = ["html", "write_html"]


def write_html(sheet: Sheet, path: str | Path, *, language: str = "en") -> Path:
    """Write the page."""
    page = html(sheet, language=language)
    target = Path(path)
    with whole_file(target) as scratch:
        scratch.write_text(page, encoding="utf-8")
    return target


def html(sheet: Sheet, *, language: str = "en") -> str:
    """The page as a string."""
    title = sheet.title(language)
    headings = {name: translations.phrase(f"word.{name}", language) for name in ("caveats", "notes", "facts")}
    headings["figure"] = translations.Text("word.figure", {"title": title}).translate(language)
    tables = [table for table in (sheet.summary, sheet.table) if table is not None]
    context = {
        "language": language,
        "title": title,
        "headings": headings,
        "caveats": [translations.translate_caveat(line, language) for line in sheet.caveats],
        "figure": "" if sheet.chart is None else _figure(sheet, language),
        "tables": [_table(table, sheet, language) for table in tables],
        "notes": [note.translate(language) for note in sheet.notes],
        "facts": [
            (translations.phrase(key, language), translations.format_value(value, language))
            for key, value in sheet.facts.items()
        ],
    }
    return page_templates.render("sheet.html", context)


def _figure(sheet: Sheet, language: str) -> str:
    """The figure as SVG, in base 64."""
    return base64.b64encode(figure.svg(sheet, language=language)).decode("ascii")


def _table(table: Table, sheet: Sheet, language: str) -> dict[str, Any]:
    """Caption, headings and rows as text, and the positions of columns of words."""
    one_day = sheet.period[0] == sheet.period[1]
    columns = [
        column
        for column in table.columns
        if not column.repeated
        and not (column.name == "begin" and one_day)  # the title has the day, the next column the hour
        and not (column.name == "flags" and not table.data["flags"].map(bool).any())
    ]
    return {
        "caption": table.title.translate(language),
        "heads": [column.heading(language) for column in columns],
        "rows": list(zip(*(_cells(column, table.data, language) for column in columns), strict=True)),
        "text": [k for k, column in enumerate(columns) if column.kind == "text"],
    }


def _cells(column: Column, data: pd.DataFrame, language: str) -> list[str]:
    """The cells of a column as the language writes them."""
    values = data[column.name]
    if column.kind == "score":  # counts have no unit
        digits = [2 if unit else 0 for unit in data["unit"]]
    else:
        digits = [digits_of(values) if column.kind == "number" else 0] * len(values)
    return [_cell(column, cell, places, language) for cell, places in zip(values, digits, strict=True)]


def _cell(column: Column, cell: Any, digits: int, language: str) -> str:
    """One cell by its kind; a missing number is a dash."""
    if column.kind == "text":
        return words(cell, language)
    if pd.isna(cell):
        return "–"
    if column.kind in ("time", "day"):
        return translations.format_moment(cell.date(), language)
    if column.kind == "yes_no":
        return translations.format_value(bool(cell), language)
    if column.kind == "share":
        return translations.format_share(float(cell), language, digits=0)
    return translations.format_number(float(cell), language, digits=digits)
