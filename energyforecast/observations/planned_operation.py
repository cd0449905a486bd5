"""Planned operation of consumers from files and frames, with a declared format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.core.planned_operation import COLUMNS, PlannedOperation, refuse_doubled
from energyforecast.core.planned_times import activity_times, moments
from energyforecast.core.table_cells import numbers
from energyforecast.core.table_files import load_table
from energyforecast.core.table_format import TableFormat, format_of
from energyforecast.errors import SchemaError

__all__ = ["USED", "read_planned_operation"]

#: Fields of a format that describe the file, its clock and its columns.
USED: Final = (
    *("timezone", "columns", "time_format", "encoding", "delimiter", "decimal", "thousands"),
    *("missing", "skip_rows", "sheet"),
)

_TIMES: Final = ("start", "end", "published")


def read_planned_operation(
    source: str | Path | pd.DataFrame,
    *,
    timezone: str | None = None,
    site: str | None = None,
    published: Any = None,
    format: TableFormat | str | None = None,
) -> PlannedOperation:
    r"""Read planned operation from a CSV file, a Parquet file, a workbook of Excel or a frame.

    Parameters
    ----------
    source : path or DataFrame
        A row for each plan, with the columns of :class:`energyforecast.PlannedOperation`.
    timezone : str
        Zone of the clock of the times, ``"UTC"`` or ``"fixed:+06:00"``; used where they carry no offset. Needed here or
        in `format`.
    site : str, optional
        Site of all rows, in place of the column.
    published : str or moment, optional
        Time of publication of all rows, in place of the column; a day is its end.
    format : TableFormat or str, optional
        Form of the file and of the times; ``columns={"Beginn": "start", ...}`` maps its columns to those of a plan, and
        leaves others out.

    Returns
    -------
    PlannedOperation

    Raises
    ------
    TimeError, SchemaError, RangeError, MissingDataError
        As :class:`energyforecast.PlannedOperation`.
    FileFormatError
        If the file is of another form than declared.

    See Also
    --------
    energyforecast.PlannedOperation, energyforecast.read_capacity

    Examples
    --------
    >>> rows = "activity,start,end,published\nfurnace,2024-03-05 10:00,2024-03-05 16:00,2024-03-03 12:00\n"
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "plan.csv")
    ...     _ = file.write_text(rows)
    ...     read_planned_operation(file, timezone="Asia/Almaty", site="works")
    PlannedOperation of works: furnace, 1 row from 2024-03-05 05:00 to 2024-03-05 11:00 UTC
    """
    check_types(locals(), of=read_planned_operation)
    form = format_of(format, timezone=timezone)
    form.check_used(*USED, reader="read_planned_operation")
    zone = form.required("timezone")
    table = _named(load_table(source, format=form), form)
    refuse_doubled(table)
    if site is not None:
        if "site" in table:
            raise SchemaError(
                f"The plan has a column 'site', and site={site!r} is given.",
                "One of them must name the site.",
                "Leave one out.",
            )
        table = table.assign(site=site)
    if "level" in table:
        table = table.assign(level=numbers(table["level"], form))
    if not isinstance(source, pd.DataFrame):
        table = table.assign(**{name: _as_shown(table[name]) for name in _TIMES if name in table})
    if {"start", "end"} <= {*table}:
        table["start"], table["end"] = activity_times(table, timezone=zone, form=form.time_format)
    if "published" in table:
        known = moments(table["published"], timezone=zone, late=True, name="published", form=form.time_format)
        table = table.assign(published=known)
    return PlannedOperation(table, published=published, timezone=zone)


def _as_shown(column: pd.Series) -> pd.Series:
    """Column of a file, with days where all its cells are midnights: a workbook keeps a date as one."""
    if column.dtype.kind != "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    return column.dt.date if (column == column.dt.normalize()).all() else column


def _named(table: pd.DataFrame, form: TableFormat) -> pd.DataFrame:
    """Table with the columns of a plan, under its names."""
    given = form.columns
    if given is None:
        return table.reset_index(drop=True)
    names = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    absent = [name for name in names if name not in table.columns]
    unknown = [name for name in names.values() if name not in COLUMNS]
    if absent or unknown:
        raise SchemaError(
            f"There is no column {absent[0]!r} among {list(table.columns)}."
            if absent
            else f"A column of a plan is named {unknown[0]!r}.",
            f"columns must map columns of the source to {', '.join(COLUMNS)}.",
            "Correct the name.",
        )
    return table[list(names)].rename(columns=names).reset_index(drop=True)
