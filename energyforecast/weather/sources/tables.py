"""Weather from CSV, Parquet or data frames, with a declared schema."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.arguments import check_types
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.core.table_cells import numbers, refuse_codes
from energyforecast.core.table_files import load_table
from energyforecast.core.table_format import TableFormat
from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import (
    MissingDataError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.weather.processing.intervals import Intervals
from energyforecast.weather.processing.sum_windows import read_windows
from energyforecast.weather.sources.common.base import finished
from energyforecast.weather.sources.common.table_rows import TableRows
from energyforecast.weather.sources.common.units import converted

__all__ = ["read_table"]

Floats = npt.NDArray[np.float64]

_USED: Final = (
    *("columns", "timezone", "time", "init_time", "lead_time", "site", "published_time"),
    *("time_format", "encoding", "delimiter", "decimal", "thousands", "missing"),
    *("skip_rows", "header", "sheet"),
)
_MEANS: Final = (Label.MEAN_BEGINNING, Label.MEAN_ENDING)


def read_table(
    source: str | Path | pd.DataFrame,
    *,
    sites: Sites,
    format: TableFormat,
    units: Mapping[str, str],
    label: Label | Mapping[str, Label],
    available_after: str | timedelta | None = None,
    accumulated_over: str | timedelta | Mapping[str, str | timedelta] | None = None,
    attribution: str = "provided by the user",
) -> xr.Dataset:
    """Read a forecast or an analysis from a table: a row for each site, run and hour.

    Parameters
    ----------
    source : path or DataFrame
        CSV, or parquet (extra ``benchmark``).
    sites : Site or sequence of Site
    format : TableFormat
        `columns`: mapping to variables of the library, e.g. ``{"ws100": "wind_speed_100m"}`` (of wind components
        speed and direction are made too). `timezone` of stamps without offset. `init_time`: column of the
        initialisation; without it the table is an analysis. `lead_time`: column of the lead, in hours or as
        timedelta, or `time`: column of the valid time. `site`: column of the names of sites, needed for several.
        `published_time`: column of the time at which a row became available, instead of `available_after`.
        `time_format` of the stamps; `delimiter`, `decimal`, `thousands`, `missing`, `encoding`, `skip_rows`, `header`
        and `sheet` of a file.
    units : mapping
        Unit of each variable, in the library's spelling or one of ``m/s``, ``km/h``, ``kn``, ``K``, ``°F``,
        ``hPa``, ``kPa``, ``%``, ``W/m2``, ``J/m2``, ``kWh/m2`` ... Sums become means.
    label : Label or mapping of Label
        Meaning of a stamp, for all variables or by variable: ``INSTANT``, ``MEAN_BEGINNING`` or ``MEAN_ENDING``.
    available_after : str or timedelta
        Latency after the initialisation; of an analysis, after the end of the interval.
    accumulated_over : str, timedelta or mapping, optional
        Length of the interval of all means and sums, or by variable, where it is longer than a step: ``"1h"`` for
        sums of an hour on rows of 15 minutes. By default one step. Windows that overlap are read one after the other.
    attribution : str
        Credit line that the licence of the data demands.

    Returns
    -------
    Dataset
        Dims (site, init_time, lead_time) or (site, time), checked. A mean that is stamped at its end is
        moved to its beginning; rows that are absent are NaN.

    Raises
    ------
    SchemaError, UnitsError, TimeError, RangeError
        If the table is not as described.
    MissingDataError
        If the availability of the values is not declared, or the file does not exist.

    See Also
    --------
    energyforecast.TableFormat : Form of a table.
    read : Weather from NetCDF.

    Examples
    --------
    >>> table = pd.DataFrame({"run": "2024-06-01T00:00", "lead": [1, 2, 3], "ws": [18.0, 36.0, 27.0], "q": 7.2e5})
    >>> weather = read_table(
    ...     table,
    ...     sites=Site(name="farm", latitude=43.6, longitude=78.5),
    ...     format=TableFormat(
    ...         timezone="UTC", init_time="run", lead_time="lead", columns={"ws": "wind_speed_100m", "q": "ghi"}
    ...     ),
    ...     units={"wind_speed_100m": "km/h", "ghi": "J/m2"},
    ...     label={"wind_speed_100m": Label.INSTANT, "ghi": Label.MEAN_ENDING},
    ...     available_after="6h",
    ... )
    >>> weather["wind_speed_100m"].values.ravel().tolist()
    [nan, 5.0, 10.0, 7.5]
    >>> weather["ghi"].values.ravel().tolist()
    [200.0, 200.0, 200.0, nan]
    """
    check_types(locals(), of=read_table)
    places = as_sites(sites)
    format.check_used(*_USED, reader="read_table")
    columns = dict(format.required("columns"))
    format.required("timezone")
    table, format = _with_index(load_table(source, format=format), format)
    by_role = (format.time, format.init_time, format.lead_time, format.site, format.published_time)
    _check_columns(table, [*columns, *(str(name) for name in by_role if name)])
    if (available_after is None) == (format.published_time is None):
        raise MissingDataError(
            f"Weather with available_after={available_after!r} and published_time={format.published_time!r}.",
            "Exactly one of them must declare when its values became available.",
            "Give available_after='6h', or the column of the times.",
        )
    labels = {name: _label(label, name) for name in columns.values()}
    reading = _Reading(table, places, format, units, labels, available_after, attribution)
    if accumulated_over is None:
        return reading.read(slice(None), list(labels))
    return read_windows(
        reading.read,
        _when(table, format)[1],
        windows=accumulated_over,
        means=[name for name in labels if labels[name] in _MEANS],
        others=[name for name in labels if labels[name] not in _MEANS],
        sites=places,
    )


@dataclass(frozen=True)
class _Reading:
    """Table with its declarations, of which some rows and variables are read."""

    table: pd.DataFrame
    places: tuple[Site, ...]
    format: TableFormat
    units: Mapping[str, str]
    labels: Mapping[str, Label]
    available_after: str | timedelta | None
    attribution: str

    def read(self, chosen: Any, names: Collection[str]) -> xr.Dataset:
        """Weather of some rows and variables."""
        table, format = self.table[chosen], self.format
        labels = {name: self.labels[name] for name in names}
        where = _site_places(table, self.places, format.site)
        init, ahead = _when(table, format)
        intervals = _intervals(where, init, ahead, means=set(labels.values()) != {Label.INSTANT})
        before, after = (intervals.at(ahead, lengths) for lengths in (intervals.before, intervals.after))
        stamps = {name: ahead - before if labels[name] is Label.MEAN_ENDING else ahead for name in labels}
        values = {}
        for column, name in format.required("columns").items():
            if name in labels:
                length = after if labels[name] is Label.MEAN_BEGINNING else before
                hours = np.asarray(length / np.timedelta64(1, "h"), dtype=float)
                given = numbers(table[column], format)
                refuse_codes(given)
                unit = _unit(self.units, name)
                values[name] = converted(given.to_numpy(dtype=float), name, unit=unit, hours=hours)
        shown = [_shown(stamps[name], values[name]) for name in values]
        rows = TableRows.of(site=where, init=init, stamps=np.concatenate([ahead, *shown]))
        cube = {name: rows.cube(values[name], stamps[name], sites=len(self.places)) for name in values}
        if format.published_time is None:
            latency = timestamps.duration(self.available_after).to_timedelta64()  # type: ignore[arg-type]
            available = rows.available_after(latency, step=intervals.after.max())
        else:
            available = rows.available_at(_stamps(table, format.published_time, format), stamps)
        return _weather(cube, labels, self.places, rows, available, self.attribution)


def _with_index(table: pd.DataFrame, form: TableFormat) -> tuple[pd.DataFrame, TableFormat]:
    """The table with the named levels of its index as columns; stamps of the index are the times if none are named."""
    if form.time is None and form.lead_time is None and isinstance(table.index, pd.DatetimeIndex):
        form = replace(form, time=str(table.index.name or "time"))
        table = table.rename_axis(form.time)
    roles = (form.time, form.init_time, form.lead_time, form.site, form.published_time)
    levels = [name for name in table.index.names if name in roles and name not in table.columns]
    return (table.reset_index(level=levels) if levels else table), form


def _intervals(
    site: npt.NDArray[np.int64], init: timestamps.Times | None, ahead: Any, *, means: bool
) -> Intervals:
    """Lengths of the intervals, which means of all sites and runs must have in common."""
    found = Intervals.of(ahead, strict=means)
    runs = np.zeros(1) if init is None else np.unique(init)
    group = site if init is None else site * len(runs) + np.searchsorted(runs, init)
    row = found.first_coarser(ahead, group) if means else None
    if row is not None:
        first = ahead[row] if init is None else init[row] + ahead[row]
        raise TimeError(
            f"Row {row + 1}, of {pd.Timestamp(first)} UTC"
            + ("" if init is None else f" in the run of {pd.Timestamp(init[row])}")
            + ", is the first of a site or run with longer steps than the rest of the table.",
            "Means and sums at the same stamp or lead must be of intervals of one length.",
            "Read the rows of each step by themselves, bring them to one step by energyforecast.weather.at_steps, "
            "and join them with xarray.concat.",
        )
    return found


def _shown(stamps: Any, values: Floats) -> Any:
    """Stamps with a place; a run may begin with 0 or NaN for the interval that ends at its initialisation."""
    if stamps.dtype.kind == "M":
        return stamps
    return stamps[(stamps >= np.timedelta64(0, "ns")) | (np.isfinite(values) & (values != 0))]


def _check_columns(table: pd.DataFrame, named: Sequence[str]) -> None:
    absent = [name for name in named if name not in table.columns]
    if absent or not len(table):
        raise SchemaError(
            f"The table has {len(table)} rows and the columns {list(table.columns)}"
            + (f", without {absent[0]!r}." if absent else "."),
            "It must have rows, and the columns that are named.",
            "Correct the name.",
        )


def _site_places(table: pd.DataFrame, places: Sequence[Site], column: str | None) -> npt.NDArray[np.int64]:
    names = [site.name for site in places]
    if column is None:
        if len(places) > 1:
            raise SchemaError(
                f"{len(places)} sites and no column of sites.",
                "A column must name the site of each row.",
                "Give site=... in the format.",
            )
        return np.zeros(len(table), dtype=np.int64)
    given = table[column].astype(str)
    strange = given[~given.isin(names)]
    if len(strange) or set(names) - set(given):
        odd = (
            f"the site {strange.iloc[0]!r}" if len(strange) else f"no row of {min(set(names) - set(given))!r}"
        )
        raise SchemaError(
            f"The column {column!r} has {odd}.",
            f"The sites must be {names}.",
            "Select the rows, or rename the sites.",
        )
    return np.asarray(given.map({name: place for place, name in enumerate(names)}), dtype=np.int64)


def _when(table: pd.DataFrame, form: TableFormat) -> tuple[timestamps.Times | None, Any]:
    """Initialisations and leads of runs, or None and valid times of an analysis."""
    time, init_time, lead_time = form.time, form.init_time, form.lead_time
    if not (time is None or isinstance(time, str)):
        raise SchemaError(
            f"time names {list(time)}.", "It must name one column.", "Join date and time of day."
        )
    if init_time is None:
        if time is None:
            raise SchemaError("No column of times is named.", "Rows must have a time.", "Give time='...'.")
        return None, _stamps(table, time, form)
    init = _stamps(table, init_time, form)
    if (time is None) == (lead_time is None):
        raise SchemaError(
            f"Runs with time={time!r} and lead_time={lead_time!r}.",
            "Exactly one of them must give the lead of a row.",
            "Give lead_time='...' or time='...'.",
        )
    if lead_time is None:
        return init, _stamps(table, str(time), form) - init
    lead = table[lead_time]
    if lead.dtype.kind == "m":
        return init, lead.to_numpy().astype("timedelta64[ns]")
    hours = numbers(lead, form).to_numpy(dtype=float)
    if not np.isfinite(hours).all():
        raise TimeError(f"{lead_time!r} has an empty lead.", "Every row must have a lead.", "Drop such rows.")
    return init, np.round(hours * 3600).astype("timedelta64[s]").astype("timedelta64[ns]")


def _stamps(table: pd.DataFrame, name: str, form: TableFormat) -> timestamps.Times:
    """Stamps of a column in UTC; numbers are digits of their form."""
    try:
        read = read_stamps(table[name], form=form.time_format)
    except TimeError as error:
        raise TimeError(f"In the column {name!r}: {error.found}", error.expected, error.remedy) from error
    if read.times.hasnans:
        raise TimeError(f"{name!r} has an empty stamp.", "Every row must have a time.", "Drop such rows.")
    if read.times.tz is not None or read.first.any() or read.second.any():
        return timestamps.to_ns(read.in_utc(form.required("timezone")))
    # Each stamp occurs in many rows: localise the unique ones.
    unique = pd.DatetimeIndex(np.unique(read.times.to_numpy()))
    moments = timestamps.to_ns(timestamps.localise(unique, timezone=form.required("timezone")))
    return np.asarray(moments[np.searchsorted(unique.to_numpy(), read.times.to_numpy())])


def _label(label: Label | Mapping[str, Label], name: str) -> Label:
    given = label if isinstance(label, Label) else label.get(name)
    if given not in (Label.INSTANT, *_MEANS):
        raise SchemaError(
            f"The label of {name} is {given}.",
            "It must be Label.INSTANT, Label.MEAN_BEGINNING or Label.MEAN_ENDING.",
            "Declare the label; de-accumulate values summed since a start.",
        )
    return given


def _unit(units: Mapping[str, str], name: str) -> str:
    if name not in units:
        raise UnitsError(
            f"The unit of {name} is not declared.",
            "A unit must be declared; none is guessed.",
            f"Give units={{{name!r}: ...}}.",
        )
    return units[name]


def _weather(
    cube: Mapping[str, Floats],
    labels: Mapping[str, Label],
    places: Sequence[Site],
    rows: TableRows,
    available: tuple[tuple[str, ...], timestamps.Times],
    attribution: str,
) -> xr.Dataset:
    runs, stamps = rows.runs, rows.stamps
    dims = ("site", "time") if runs is None else ("site", "init_time", "lead_time")
    axes = {"time": stamps} if runs is None else {"init_time": runs, "lead_time": stamps}
    methods = {name: variables.MEAN if labels[name] in _MEANS else variables.POINT for name in labels}
    weather = xr.Dataset(
        {name: (dims, values, {"cell_methods": methods[name]}) for name, values in cube.items()},
        coords={**axes, "available_time": available},
    )
    for height in {name.removeprefix("wind_u_") for name in cube if name.startswith("wind_u_")}:
        u, v = weather.get(f"wind_u_{height}"), weather.get(f"wind_v_{height}")
        if u is not None and v is not None and f"wind_speed_{height}" not in cube:
            weather[f"wind_speed_{height}"] = np.hypot(u, v)
            weather[f"wind_direction_{height}"] = np.degrees(np.arctan2(-u, -v)) % 360
    kind = "analysis" if runs is None else "forecast"
    source: Any = SimpleNamespace(name="table", kind=kind, attribution=attribution)
    return finished(weather, source=source, sites=places)
