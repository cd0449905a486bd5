"""Capacity in service, outages and orders from files and frames, with a declared format."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pandas as pd

from energyforecast.core.available_capacity import AvailableCapacity
from energyforecast.core.table_format import TableFormat, format_of
from energyforecast.errors import UnitsError, one_of
from energyforecast.observations.rows import observations_from_rows, one_revision
from energyforecast.observations.tables import indexed, measured_rows

__all__ = ["read_capacity"]


def read_capacity(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Literal["W", "kW", "MW", "GW"] | None = None,
    timezone: str | None = None,
    label: Literal["beginning", "ending"] | None = None,
    published_after: str | timedelta | None = None,
    format: TableFormat | str | None = None,
    revisions: Literal["first", "last"] = "last",
    limit: bool = False,
) -> AvailableCapacity:
    r"""Read the capacity in service, or orders that limit power, from a file or a frame of hours.

    Parameters
    ----------
    source : path, DataFrame or Series
        A row for each hour (or day); rows may be absent.
    unit : {"W", "kW", "MW", "GW"}
        Unit of the values; needed here or in `format`, as are `timezone` and `label`.
    timezone, label, format
        As in :func:`energyforecast.read_power`; a column `published_time` of the format gives the time at which each
        value was known.
    published_after : str or timedelta, optional
        Latency after the end of an interval, in place of that column.
    revisions : {"first", "last"}
        Publication that counts where an hour has several, with its time. Read both to keep both:
        ``available_capacity=[first, last]``.
    limit : bool
        Whether they are orders; see :class:`energyforecast.AvailableCapacity`.

    Returns
    -------
    AvailableCapacity
        In MW and UTC; hours without a row are not known.

    Raises
    ------
    TimeError, UnitsError, SchemaError, FileFormatError, MissingDataError, RangeError
        As :func:`energyforecast.read_power` and :class:`energyforecast.AvailableCapacity`.

    See Also
    --------
    energyforecast.read_power, energyforecast.AvailableCapacity

    Examples
    --------
    >>> rows = "hour,farm,known\n2024-03-05 10:00,30,2024-03-04 18:00\n2024-03-05 11:00,30,2024-03-04 18:00\n"
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "repairs.csv")
    ...     _ = file.write_text(rows)
    ...     form = TableFormat(time="hour", columns=["farm"], published_time="known")
    ...     read_capacity(file, unit="MW", timezone="UTC", label="beginning", format=form)
    AvailableCapacity of farm: 2 x 1h from 2024-03-05 10:00 UTC, 30 to 30 MW
    """
    one_of("revisions", revisions, allowed=("first", "last"))
    form = format_of(format, unit=unit, timezone=timezone, label=label)
    one_of("The unit of a capacity", form.required("unit"), allowed=("W", "kW", "MW", "GW"), error=UnitsError)
    known = [name for name in form.given if name not in ("init_time", "lead_time", "site")]
    form.check_used(*known, reader="read_capacity")
    form.required("timezone")
    values, published, form, _ = measured_rows(indexed(source, form), form)
    if published is not None:
        values, published = one_revision(values, published, revisions, None)
    regular = observations_from_rows(values, format=form, published_after="0h")
    times = None
    if published is not None:
        begin = values.index - (regular.frequency if form.label == "ending" else pd.Timedelta(0))
        rows = pd.Series(published, index=begin)
        on_grid = rows[~rows.index.duplicated()].reindex(regular.index)
        times = pd.DataFrame(dict.fromkeys(regular.sites, on_grid), index=regular.index)
    return AvailableCapacity(
        regular.values,
        published_after=published_after,
        published_time=times,
        limit=limit,
        frequency=regular.frequency,
    )
