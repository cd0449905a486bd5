"""A sheet for planners: tables, facts, notes, caveats and a figure, independent of the language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from energyforecast.errors import MissingDataError
from energyforecast.reporting import translations
from energyforecast.reporting.translations import Text

__all__ = ["Chart", "Column", "Kind", "Line", "Part", "Sheet", "Table", "words"]

#: Kinds of cells.
Kind = Literal["number", "count", "share", "yes_no", "time", "day", "text", "score"]
#: Tables of a sheet.
Part = Literal["table", "summary"]


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Parameters
    ----------
    name : str
        Name in frames and machine-readable files.
    label : Text or str
        Heading; a string is not translated.
    unit : str, optional
        ``"MW"``, ``"MWh"``, ``"h"`` or ``"%"``.
    kind : str
        Kind of its cells: ``"number"``, ``"count"``, ``"share"`` (1, shown in percent), ``"yes_no"``,
        ``"time"`` (zone-aware), ``"day"``, ``"text"`` (a string, a Text, or several), ``"score"`` (a number
        with a unit of its own row).
    repeated : bool
        Whether every row has the same value; pages and workbooks show it once, above the table.

    Examples
    --------
    >>> Column("q0.1", Text("column.quantile", {"level": 0.1}), unit="MW").heading("ru")
    'Квантиль 0,1, МВт'
    """

    name: str
    label: Text | str
    unit: str | None = None
    kind: Kind = "number"
    repeated: bool = False

    def heading(self, language: str = "en") -> str:
        """Label and unit."""
        name = translations.format_value(self.label, language)
        if self.unit is None:
            return name
        unit = translations.phrase(f"unit.{self.unit}", language)
        return translations.phrase("phrase.heading", language).format(name=name, unit=unit)


def words(cell: Any, language: str = "en") -> str:
    """Text of a cell; empty if there is none."""
    return "" if cell in ((), None) else translations.format_value(cell, language)


@dataclass(frozen=True, eq=False)
class Table:
    r"""Rows and their columns.

    Parameters
    ----------
    data : DataFrame
        A column for each of `columns`, by name.
    columns : tuple of Column
    title : Text

    Examples
    --------
    >>> data = pd.DataFrame({"flags": [(Text("flag.twice"),)]})
    >>> table = Table(data, (Column("flags", Text("column.flags"), kind="text"),), Text("word.table"))
    >>> table.to_frame("fr").iloc[0, 0]
    "heure répétée\u202f: changement d'heure"
    """

    data: pd.DataFrame
    columns: tuple[Column, ...]
    title: Text

    def to_frame(self, language: str | None = None) -> pd.DataFrame:
        """The rows with headings of a language, or with names and English words."""
        chosen = "en" if language is None else language
        found = pd.DataFrame(
            {
                column.name: self.data[column.name].map(lambda cell: words(cell, chosen))
                if column.kind == "text"
                else self.data[column.name]
                for column in self.columns
            }
        )
        if language is not None:  # headings may be alike, such as those of a forecast and a reference
            found.columns = [column.heading(language) for column in self.columns]
        return found


@dataclass(frozen=True)
class Line:
    """A line of a figure: a column of the table, its label, and its role, which decides its style."""

    column: str
    label: Text
    role: Literal["forecast", "outcome", "schedule", "before"]


@dataclass(frozen=True)
class Chart:
    """Figure of a sheet: lines, the band between two columns with its label, and the labels of both axes."""

    lines: tuple[Line, ...]
    band: tuple[str, str, Text] | None
    axis: Text
    unit: str
    bottom: Text


@dataclass(frozen=True, eq=False, repr=False)
class Sheet:
    r"""A table for planners, with its facts, notes, caveats and figure.

    Made by :func:`day_ahead_sheet`, :func:`weekly_outlook`, :func:`revision_sheet` and
    :func:`verification_sheet`.

    Parameters
    ----------
    kind : str
        ``"day_ahead"``, ``"weekly_outlook"``, ``"revision"`` or ``"verification"``.
    subject : str
        Site or area.
    period : tuple of date
        First and last local day.
    timezone : str
    table : Table
    summary : Table, optional
        Table shown first: largest changes, scores.
    facts : mapping
        From keys ``fact.*`` of the phrases to values.
    notes : tuple of Text
    caveats : tuple of str
        Caveats of the forecasts; every output shows them.
    chart : Chart, optional

    Examples
    --------
    >>> from energyforecast.reporting.sheets import day_ahead_sheet
    >>> from energyforecast.testing import example_forecast
    >>> sheet = day_ahead_sheet(example_forecast(), timezone="UTC")
    >>> sheet
    Day-ahead sheet: farm, 2024-01-02; 24 rows
    >>> sheet.title("fr")
    'Prévision et programme pour le lendemain\u202f: farm, 02/01/2024'
    >>> sheet.to_frame()[["hour", "q0.5"]].head(2)
              hour  q0.5
    0  00:00–01:00  10.0
    1  01:00–02:00  10.5
    """

    kind: str
    subject: str
    period: tuple[Any, Any]
    timezone: str
    table: Table
    summary: Table | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()
    caveats: tuple[str, ...] = ()
    chart: Chart | None = None

    def title(self, language: str = "en") -> str:
        """Kind, subject and period."""
        first, last = (translations.format_moment(day, language) for day in self.period)
        return translations.phrase("phrase.title", language).format(
            kind=translations.phrase(f"kind.{self.kind}", language),
            subject=self.subject,
            period=first if first == last else f"{first} – {last}",
        )

    def part(self, part: Part = "table") -> Table:
        """One of its tables.

        Raises
        ------
        MissingDataError
            If the sheet has no summary.
        """
        if part == "summary" and self.summary is not None:
            return self.summary
        if part != "table":
            raise MissingDataError(
                f"The part {part!r} of a sheet of kind {self.kind!r} is asked for.",
                f"It has {['table'] + (['summary'] if self.summary is not None else [])}.",
                "Choose one of them.",
            )
        return self.table

    def to_frame(self, language: str | None = None, *, part: Part = "table") -> pd.DataFrame:
        """Rows of a table, with the caveats as last column; headings of a language, or names of columns.

        Parameters
        ----------
        language : str, optional
            One of :func:`energyforecast.reporting.translations.languages`; all but English need the extra
            ``report``.
        part : {"table", "summary"}
        """
        frame = self.part(part).to_frame(language)
        if self.caveats:
            chosen = "en" if language is None else language
            name = "caveat" if language is None else translations.phrase("column.caveat", language)
            frame[name] = "; ".join(translations.translate_caveat(line, chosen) for line in self.caveats)
        return frame

    def write_csv(self, path: str | Path, *, language: str | None = None, part: Part = "table") -> Path:
        """Write one table as CSV: ISO times with their offset, decimal points, the caveats as last column.

        Parameters
        ----------
        path : path
        language : str, optional
            Language of headings and words; names of columns by default. Numbers and times have one format.
        part : {"table", "summary"}

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.reporting.sheets import day_ahead_sheet
        >>> from energyforecast.testing import example_forecast
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sheet = day_ahead_sheet(example_forecast(), timezone="Asia/Almaty")
        ...     sheet.write_csv(folder + "/day.csv").read_text().splitlines()[1]
        'farm,2024-01-01T15:00+06:00,2024-01-02T06:00+06:00,06:00–07:00,6.0000,10.0000,14.0000,,0,9.0000'
        """
        from energyforecast.reporting.sheets import workbook

        return workbook.write_csv(self, path, language=language, part=part)

    def write_xlsx(self, path: str | Path, *, language: str = "en") -> Path:
        """Write a workbook: numbers as numbers, local times as dates, text never as a formula.

        Raises
        ------
        DependencyError
            If XlsxWriter is not installed (extra ``planning``).
        """
        from energyforecast.reporting.sheets import workbook

        return workbook.write_xlsx(self, path, language=language)

    def write_html(self, path: str | Path, *, language: str = "en") -> Path:
        """Write one page that needs no network and prints on A4."""
        from energyforecast.reporting.sheets import html

        return html.write_html(self, path, language=language)

    def __repr__(self) -> str:
        caveats = "".join(f", {line}" for line in self.caveats)
        return f"{self.title()}; {len(self.table.data)} rows{caveats}"
