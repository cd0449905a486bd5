"""Power and demand from files and frames, with a declared format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_frames import as_numbers
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_cells import is_of_numbers, numbers, refuse_codes
from energyforecast.core.table_files import load_table
from energyforecast.core.table_format import Ending, TableFormat, Unit, format_of
from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import SchemaError, TimeError, WrongDataError, one_of
from energyforecast.observations.layouts import (
    by_site,
    in_order,
    joined,
    refuse_day_rows,
    refuse_several_rows,
)
from energyforecast.observations.rows import observations_from_rows
from energyforecast.observations.timestamps import Stamps

__all__ = ["indexed", "measured_rows", "read_demand", "read_power"]

_NO_WEATHER: Final = ("init_time", "lead_time")


def read_power(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Unit | None = None,
    timezone: str | None = None,
    label: Ending | None = None,
    published_after: str | timedelta | None = None,
    format: TableFormat | str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    r"""Read power from a CSV file, a Parquet file, a workbook of Excel or a frame in a declared format.

    Parameters
    ----------
    source : path, DataFrame or Series
        The measurements.
    unit : {"W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"}
        Unit of the values; needed here or in `format`, as are `timezone` and `label`.
    timezone : str
        Zone of the clock of the stamps, ``"UTC"`` or ``"fixed:+06:00"``; used where stamps carry no offset.
    label : {"beginning", "ending", "hour_ending"}
        End of its interval that a stamp names; ``"hour_ending"`` for hours that are counted from 1 to 24.
    published_after : str or timedelta, optional
        Latency after the end of an interval at which its value is known; needed unless the format names a column
        `published_time`.
    format : TableFormat or str, optional
        Every other property of the table: columns, form of the stamps, signs of the file; or the name of one of
        :data:`energyforecast.core.table_format.FORMATS`.
    revisions : {"first", "last"}
        Publication that counts where an interval has several, with its time. A forecaster could use the first; the
        last is more accurate, and later.
    as_of : str or moment, optional
        Only values that were published by then.

    Returns
    -------
    Observations
        Regular, in MW and UTC; gaps of the logger are NaN.

    Raises
    ------
    TimeError
        If stamps are doubled, hours of a clock change are ambiguous, or the length of the intervals changes.
    UnitsError, SchemaError, FileFormatError
        If the unit is unknown, a column is absent, or the file is of another form than declared.
    MissingDataError
        If the file is absent or empty, or neither a latency nor a time of publication is given.

    See Also
    --------
    read_demand : The same for consumption.
    energyforecast.TableFormat : Form of a table.

    Examples
    --------
    >>> wall = ["2024-02-29 22:00", "2024-02-29 23:00", "2024-02-29 23:00", "2024-03-01 00:00"]
    >>> frame = pd.DataFrame({"farm": [100.0, 200.0, 300.0, 400.0]}, index=pd.DatetimeIndex(wall))
    >>> read_power(frame, unit="kW", timezone="Asia/Almaty", label="beginning", published_after="2h")
    Observations of farm: 4 x 1h from 2024-02-29 16:00 UTC, 0 missing, 0 flagged, published after 2h

    A logger with Russian headers, another form of dates, and decimal commas:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "scada.csv")
    ...     _ = file.write_text("Время;Мощность, кВт\n01.03.2024 00:00;1500,5\n01.03.2024 01:00;900,0\n", "cp1251")
    ...     logger = TableFormat(
    ...         columns={"Мощность, кВт": "farm"},
    ...         time_format="%d.%m.%Y %H:%M",
    ...         encoding="cp1251",
    ...         decimal=",",
    ...         delimiter=";",
    ...     )
    ...     power = read_power(
    ...         file, unit="kW", timezone="fixed:+06:00", label="beginning", published_after="2h", format=logger
    ...     )
    >>> power.values["farm"].tolist()
    [1.5005, 0.9]
    """
    check_types(locals(), of=read_power)
    one_of("revisions", revisions, allowed=("first", "last"))
    form = format_of(format, unit=unit, timezone=timezone, label=label)
    known = [name for name in form.given if name not in _NO_WEATHER]
    form.check_used(*known, reader="A reader of measurements")
    form.required("timezone")
    table = indexed(source, form)
    settings: dict[str, Any] = {"published_after": published_after, "revisions": revisions, "as_of": as_of}
    if form.site is None:
        return _read(table, form, **settings)
    own = replace(form, site=None)
    return joined({name: _of_site(part, rows, own, settings) for name, part, rows in by_site(table, form)})


def _of_site(
    part: pd.DataFrame, rows: npt.NDArray[np.intp], form: TableFormat, settings: Mapping[str, Any]
) -> Observations:
    """Observations of the rows of one site; an error has their places in the whole table."""
    try:
        return _read(part, form, **settings)
    except WrongDataError as error:
        if error.place is None or not error.place.rows:
            error.at(rows=rows)
        else:
            error.at(rows=rows[list(error.place.rows)], columns=error.place.columns)
        raise


def read_demand(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Unit | None = None,
    timezone: str | None = None,
    label: Ending | None = None,
    published_after: str | timedelta | None = None,
    format: TableFormat | str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Read demand from a CSV file, a Parquet file or a frame; the parameters are those of :func:`read_power`.

    Returns
    -------
    Observations
        Regular, in MW and UTC; gaps are NaN.

    Raises
    ------
    TimeError, UnitsError, SchemaError, FileFormatError
        As :func:`read_power`.
    SchemaError
        Also if an area has no demand at all: all its values are 0 or below.

    See Also
    --------
    read_power, energyforecast.TableFormat

    Examples
    --------
    Great Britain's day of 50 half-hours, in the format of its system operator: date and period of settlement.

    >>> table = pd.DataFrame({"SETTLEMENT_DATE": "2023-10-29", "SETTLEMENT_PERIOD": range(1, 51), "ND": 20_000.0})
    >>> read_demand(table, format="neso", published_after="1h")
    Observations of Great Britain: 50 x 30min from 2023-10-28 23:00 UTC, 0 missing, 0 flagged, published after 1h
    """
    check_types(locals(), of=read_demand)
    demand = read_power(
        source,
        unit=unit,
        timezone=timezone,
        label=label,
        published_after=published_after,
        format=format,
        revisions=revisions,
        as_of=as_of,
    )
    for name in demand.sites:
        if demand.values[name].notna().any() and not (demand.values[name] > 0).any():
            raise SchemaError(
                f"The demand of {name!r} is never above 0; its largest value is {demand.values[name].max():g} MW.",
                "Consumption must be positive.",
                "Change the sign of the column, or choose another.",
            )
    return demand


def _read(
    table: pd.DataFrame,
    form: TableFormat,
    *,
    published_after: str | timedelta | None,
    revisions: Literal["first", "last"],
    as_of: Any,
) -> Observations:
    """Observations of a table with a column for each site."""
    values, published, form, rows = measured_rows(table, form)
    try:
        return observations_from_rows(
            values,
            format=form,
            published_after=published_after,
            published=published,
            revisions=revisions,
            as_of=as_of,
        )
    except WrongDataError as error:
        if error.place is not None and error.place.times:
            found = rows[np.asarray(values.index.isin(list(error.place.times)))]
            error.at(rows=np.sort(found), columns=error.place.columns)
        raise


def measured_rows(
    table: pd.DataFrame, form: TableFormat
) -> tuple[pd.DataFrame, pd.DatetimeIndex | None, TableFormat, npt.NDArray[np.intp]]:
    """Numbers of a table by stamps in UTC, when each row was published, the format with its label, and the rows."""
    stamps = Stamps.of_format(form)
    read = stamps.of(table)
    spent = (*(stamps.used or (table.index.name,)), form.published_time)
    if form.published_time is None:
        refuse_several_rows(table, read.times, spent)
    measured = _measured(table, form, spent)
    refuse_day_rows(measured, read.times, form)
    empty = measured.isna().to_numpy().all(axis=1)
    index, keep = stamps.in_utc(read, empty=empty, drop=form.nonexistent == "drop")
    rows = np.flatnonzero(keep)
    values = as_numbers(measured[keep].set_axis(index, axis=0), "power")
    published = None if form.published_time is None else _moments(table[keep], form)
    if published is None:
        try:
            ordered = in_order(values, read.kept(keep).times, strict=form.duplicates == "error")
        except TimeError as error:
            if error.place is not None:
                error.at(rows=rows[list(error.place.rows)])
            raise
        rows = rows if ordered is values else rows[np.argsort(timestamps.to_ns(index), kind="stable")]
        values = ordered
    return values, published, replace(form, label="beginning") if stamps.are_beginnings else form, rows


def indexed(source: str | Path | pd.DataFrame | pd.Series, form: TableFormat) -> pd.DataFrame:
    """Table of the source; that of a file is indexed by its first column."""
    if isinstance(source, pd.Series):
        return source.to_frame(source.name if source.name is not None else "power")
    frame = load_table(source, format=form)
    from_file = not isinstance(source, pd.DataFrame) and isinstance(frame.index, pd.RangeIndex)
    return frame.set_index(frame.columns[0], drop=False) if from_file else frame


def _measured(table: pd.DataFrame, form: TableFormat, spent: Sequence[str | None]) -> pd.DataFrame:
    """Numbers of the columns to read, each under the name of its site."""
    chosen = _chosen(table, form, spent)
    if not len(chosen.columns):
        raise SchemaError(
            f"No column of {[str(name) for name in table.columns]} holds numbers, apart from those of the time.",
            "A table of measurements must have a column of numbers for each site.",
            "Give columns=[...], or the signs of the file: delimiter, decimal, thousands.",
        )
    measured = {name: numbers(chosen[name], form) for name in chosen.columns}
    for column in measured.values():
        refuse_codes(column)
    return pd.DataFrame(measured, index=table.index)


def _chosen(table: pd.DataFrame, form: TableFormat, spent: Sequence[str | None]) -> pd.DataFrame:
    """Columns that are named, or all of numbers."""
    if form.columns is None:
        rest = table.drop(columns=[name for name in spent if name in table.columns])
        return rest.loc[:, [is_of_numbers(column, form) for _, column in rest.items()]]
    given = form.columns
    names = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise SchemaError(
            f"There is no column {absent[0]!r} among {list(table.columns)}.",
            "`columns` must name columns of the source.",
            "Correct the name.",
        ).at(columns=absent)
    return table[list(names)].rename(columns=names)


def _moments(table: pd.DataFrame, form: TableFormat) -> pd.DatetimeIndex:
    """Times of publication, in the form of the stamps or ISO 8601."""
    name = str(form.published_time)
    if name not in table.columns:
        raise SchemaError(
            f"There is no column {name!r} among {list(table.columns)}.",
            "`published_time` must name the column of the times of publication.",
            "Correct the name.",
        )
    try:
        read = read_stamps(table[name], form=form.time_format)
    except TimeError:
        if form.time_format is None:
            raise
        read = read_stamps(table[name])
    return read.known_by(form.required("timezone"))
