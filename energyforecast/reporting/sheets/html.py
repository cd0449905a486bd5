"""A sheet as one page that needs no network, reads on a phone and prints on A4."""

from __future__ import annotations

import base64
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from energyforecast.reporting import translations
from energyforecast.reporting.sheets import figure
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table, words
from energyforecast.reporting.sheets.workbook import digits_of

__all__ = ["html", "write_html"]


def write_html(sheet: Sheet, path: str | Path, *, language: str = "en") -> Path:
    """Write the page.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.reporting.sheets import day_ahead_sheet
    >>> from energyforecast.testing import example_forecast
    >>> sheet = day_ahead_sheet(example_forecast(), timezone="UTC")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_html(sheet, folder + "/day.html", language="ru").read_text("utf-8").splitlines()[1]
    '<html lang="ru">'
    """
    target = Path(path)
    target.write_text(html(sheet, language=language), encoding="utf-8")
    return target


def html(sheet: Sheet, *, language: str = "en") -> str:
    """The page as a string.

    Examples
    --------
    >>> from energyforecast.reporting.sheets import day_ahead_sheet
    >>> from energyforecast.testing import example_forecast
    >>> html(day_ahead_sheet(example_forecast(), timezone="UTC")).count("<tr>")
    25
    """
    title = escape(sheet.title(language))
    parts = [_caveats(sheet, language), _figure(sheet, language)]
    parts += [] if sheet.summary is None else [_table(sheet.summary, sheet, language)]
    parts += [_table(sheet.table, sheet, language), _notes(sheet, language), _facts(sheet, language)]
    style = resources.files("energyforecast.reporting.sheets").joinpath("page.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n<header><h1>{title}</h1></header>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def _caveats(sheet: Sheet, language: str) -> str:
    if not sheet.caveats:
        return ""
    lines = "".join(f"<li>{escape(translations.caveat(line, language))}</li>" for line in sheet.caveats)
    head = escape(translations.say("word.caveats", language))
    return f'<aside aria-label="{head}"><strong>⚠ {head}</strong><ul>{lines}</ul></aside>\n'


def _figure(sheet: Sheet, language: str) -> str:
    if sheet.chart is None:
        return ""
    drawn = base64.b64encode(figure.svg(sheet, language=language)).decode("ascii")
    told = escape(translations.Text("word.figure", {"title": sheet.title(language)}).say(language))
    return f'<img src="data:image/svg+xml;base64,{drawn}" alt="{told}">\n'


def _table(table: Table, sheet: Sheet, language: str) -> str:
    one_day = sheet.period[0] == sheet.period[1]
    columns = [
        column
        for column in table.columns
        if not column.repeated
        and not (column.name == "begin" and one_day)  # the title says the day, the next column the hour
        and not (column.name == "flags" and not table.data["flags"].map(bool).any())
    ]
    caption = escape(table.title.say(language))
    heads = "".join(
        f'<th scope="col"{_class(column)}>{escape(column.heading(language))}</th>' for column in columns
    )
    shown = [_cells(column, table.data, language) for column in columns]
    rows = "".join(_row(columns, cells) for cells in zip(*shown, strict=True))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )


def _row(columns: list[Column], cells: tuple[str, ...]) -> str:
    rest = "".join(
        f"<td{_class(column)}>{cell}</td>" for column, cell in zip(columns[1:], cells[1:], strict=True)
    )
    return f'<tr><th scope="row">{cells[0]}</th>{rest}</tr>\n'


def _class(column: Column) -> str:
    return ' class="text"' if column.kind == "text" else ""


def _cells(column: Column, data: pd.DataFrame, language: str) -> list[str]:
    """The cells of a column as the language writes them, escaped."""
    values = data[column.name]
    if column.kind == "score":  # counts have no unit
        digits = [2 if unit else 0 for unit in data["unit"]]
    else:
        digits = [digits_of(values) if column.kind == "number" else 0] * len(values)
    found = zip(values, digits, strict=True)
    return [escape(_shown(column, cell, places, language)) for cell, places in found]


def _shown(column: Column, cell: Any, digits: int, language: str) -> str:
    if column.kind == "text":
        return words(cell, language)
    if pd.isna(cell):
        return "–"
    if column.kind in ("time", "day"):
        return translations.moment(cell.date(), language)
    if column.kind == "yes_no":
        return translations.shown(bool(cell), language)
    if column.kind == "share":
        return translations.percent(float(cell), language, digits=0)
    return translations.number(float(cell), language, digits=digits)


def _notes(sheet: Sheet, language: str) -> str:
    if not sheet.notes:
        return ""
    lines = "".join(f"<li>{escape(note.say(language))}</li>" for note in sheet.notes)
    return f"<section><h2>{escape(translations.say('word.notes', language))}</h2><ul>{lines}</ul></section>\n"


def _facts(sheet: Sheet, language: str) -> str:
    lines = "".join(
        f"<div><dt>{escape(translations.say(key, language))}</dt>"
        f"<dd>{escape(translations.shown(value, language))}</dd></div>"
        for key, value in sheet.facts.items()
    )
    return f"<section><h2>{escape(translations.say('word.facts', language))}</h2><dl>{lines}</dl></section>\n"
