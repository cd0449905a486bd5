"""Rows of forecasts in the archive, and forecasts of these rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from energyforecast.archive import bulk, tables
from energyforecast.archive.spans import Span
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.errors import StoreError

if TYPE_CHECKING:
    import xarray as xr
    from sqlalchemy import Connection, Row

__all__ = ["Cells", "add_once", "cells_of", "heads", "later", "write"]

Array = npt.NDArray[Any]
_CHUNK: Final = 2000
_TABLE: Final = tables.forecast
_HEAD: Final = tuple(column.name for column in _TABLE.columns)
_CELL: Final = ("forecast_id", "valid_time", "available_capacity", "quantiles", *tables.SUMMARY)


@dataclass(frozen=True)
class Cells:
    """Intervals of one site and issue.

    Parameters
    ----------
    valid_time : array of datetime64, shape (intervals,)
    quantiles : array, shape (intervals, levels)
        [MW]
    available_capacity : array, shape (intervals,)
        NaN where not given. [MW]
    """

    valid_time: timestamps.Times
    quantiles: Array
    available_capacity: Array

    def digest(self, head: Mapping[str, Any]) -> str:
        """SHA-256 of the intervals and of the properties of all of them."""
        found = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for array in (self.valid_time.astype("datetime64[us]"), self.quantiles, self.available_capacity):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def write(connection: Connection, forecast: Forecast, *, model_hash: str | None, moment: pd.Timestamp) -> int:
    """Write the forecasts of sites and issues that differ from the newest ones held; their number."""
    provenance = json.dumps(dict(forecast.data.attrs), sort_keys=True, default=_plain)
    common = {
        "model_hash": model_hash,
        "provenance_hash": hashlib.sha256(provenance.encode()).hexdigest(),
        "quantile_levels": json.dumps(forecast.quantiles),
        "number_type": _little(forecast.data.dtype).str,
    }
    held = _newest(connection, forecast)
    new: list[tuple[dict[str, Any], Cells]] = []
    for head, cells in _pieces(forecast.data):
        full = head | common
        digest = cells.digest(full)
        before = held.get((head["site"], head["issue_time"]))
        if before is None or before.digest != digest:
            times = {} if before is None else {"after": timestamps.instant(before.recorded_time)}
            revision = 0 if before is None else before.revision + 1
            stamps = {"recorded_time": later(moment, **times), "revision": revision, "digest": digest}
            new.append((full | stamps, cells))
    if new:
        stamp = {"provenance_hash": common["provenance_hash"], "recorded_time": moment.to_pydatetime()}
        add_once(connection, tables.provenance, stamp | {"attributes": provenance})
        _insert(connection, new, levels=forecast.quantiles)
    return len(new)


def _pieces(data: xr.DataArray) -> Iterator[tuple[dict[str, Any], Cells]]:
    """Each site and issue of a cube, as text and numbers."""
    values = np.asarray(data.values, dtype=_little(data.dtype))
    valid, issued = data["valid_time"].values, np.datetime_as_string(data["issue_time"].values, unit="us")
    shape = values.shape[:3]
    empty = np.full(shape, np.nan)
    available = data.coords.get("available_capacity", None)
    limits = empty if available is None else available.transpose(*data.dims[:3]).values.astype("<f8")
    runs = data.coords.get("weather_init_time", None)
    run = np.full(shape[:2], "NaT") if runs is None else np.datetime_as_string(runs.values, unit="us")
    levels = data["fallback_level"].values.tolist()
    capacity = bulk.numbers(data["capacity"].values)
    kinds = data["kind"].values.tolist()
    for k, site in enumerate(data["site"].values.tolist()):
        for i, issue in enumerate(issued.tolist()):
            inside = ~np.isnat(valid[i])
            if inside.any():
                head = {
                    "site": site,
                    "issue_time": issue,
                    "kind": kinds[k],
                    "capacity": capacity[k],
                    "fallback_level": int(levels[k][i]),
                    "weather_init_time": None if run[k, i] == "NaT" else str(run[k, i]),
                }
                yield head, Cells(valid[i, inside], values[k, i, inside], limits[k, i, inside])


def _newest(connection: Connection, forecast: Forecast) -> dict[tuple[str, str], Any]:
    """Newest record of each site and issue that a forecast may repeat."""
    issues = forecast.issue_times.sort_values()
    columns = (_TABLE.c.site, _TABLE.c.issue_time, _TABLE.c.revision, _TABLE.c.recorded_time, _TABLE.c.digest)
    wanted = sa.select(*columns).where(
        _TABLE.c.site.in_(forecast.sites),
        _TABLE.c.issue_time.between(issues[0].to_pydatetime(), issues[-1].to_pydatetime()),
    )
    found: dict[tuple[str, str], Any] = {}
    for row in connection.execute(wanted.order_by(_TABLE.c.revision)):
        found[row.site, f"{row.issue_time:%Y-%m-%dT%H:%M:%S.%f}"] = row
    return found


def later(moment: pd.Timestamp, *, after: pd.Timestamp | None = None) -> pd.Timestamp:
    """The moment; with a clock that went back, one just after the record that is corrected."""
    return moment if after is None else max(moment, after + pd.Timedelta(1, "us"))


def add_once(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    """Insert a row unless its key is there; the number of rows inserted."""
    key = next(iter(table.primary_key.columns))
    if connection.scalar(sa.select(sa.func.count()).where(key == row[key.name])):
        return 0
    connection.execute(table.insert(), row)
    return 1


def _insert(
    connection: Connection, new: Sequence[tuple[dict[str, Any], Cells]], *, levels: Sequence[float]
) -> None:
    """Insert records and their intervals; the lock of the transaction keeps their numbers apart."""
    first = (connection.scalar(sa.select(sa.func.max(_TABLE.c.forecast_id))) or 0) + 1
    for begin in range(0, len(new), _CHUNK):
        part = new[begin : begin + _CHUNK]
        numbers = range(first + begin, first + begin + len(part))
        every = {name: [head.get(name) for head, _ in part] for name in _HEAD}
        every["forecast_id"] = list(numbers)
        every["first_valid_time"] = [cells.valid_time[0] for _, cells in part]
        every["last_valid_time"] = [cells.valid_time[-1] for _, cells in part]
        for column in _TABLE.columns:
            if isinstance(column.type, tables.Moment):
                every[column.name] = bulk.moments(connection, pd.to_datetime(every[column.name], utc=True))
        bulk.insert(connection, _TABLE, zip(*every.values(), strict=True), columns=_HEAD)
        counts = [len(cells.valid_time) for _, cells in part]
        rows = _rows(
            connection, np.repeat(numbers, counts), _joined([cells for _, cells in part]), levels=levels
        )
        bulk.insert(connection, tables.forecast_value, rows, columns=_CELL)


def _joined(parts: Sequence[Cells]) -> Cells:
    names = ("valid_time", "quantiles", "available_capacity")
    return Cells(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _rows(
    connection: Connection, numbers: Array, cells: Cells, *, levels: Sequence[float]
) -> Iterator[tuple[Any, ...]]:
    """Rows of intervals in the form of the driver."""
    function = QuantileFunction(cells.quantiles, levels)
    nothing = [None] * len(numbers)
    summary = [
        function.at(level).astype(float).tolist() if levels[0] <= level <= levels[-1] else nothing
        for level in tables.SUMMARY.values()
    ]
    content, size = cells.quantiles.tobytes(), cells.quantiles.itemsize * len(levels)
    blobs = (content[at : at + size] for at in range(0, len(content), size))
    times, available = bulk.moments(connection, cells.valid_time), bulk.numbers(cells.available_capacity)
    return zip(numbers.tolist(), times, available, blobs, *summary, strict=True)


def heads(
    connection: Connection,
    sites: Sequence[str] | None,
    *,
    issued: Span,
    valid: Span,
    until: pd.Timestamp | None,
) -> list[Row[Any]]:
    """Records with their provenance, by site, issue and revision."""
    chosen = sa.select(_TABLE, tables.provenance.c.attributes).join(tables.provenance)
    chosen = issued.between(chosen, _TABLE.c.issue_time)
    if valid.start is not None:
        chosen = chosen.where(_TABLE.c.last_valid_time >= valid.start)
    if valid.end is not None:
        chosen = chosen.where(_TABLE.c.first_valid_time < valid.end)
    if sites is not None:
        chosen = chosen.where(_TABLE.c.site.in_(sites))
    if until is not None:
        chosen = chosen.where(_TABLE.c.recorded_time <= until.to_pydatetime())
    return list(connection.execute(chosen.order_by(_TABLE.c.site, _TABLE.c.issue_time, _TABLE.c.revision)))


def cells_of(connection: Connection, chosen: Sequence[Row[Any]], *, valid: Span) -> dict[int, Cells]:
    """Intervals of records, by the number of the record; whole records must have the digest of their writing."""
    table = tables.forecast_value
    found: dict[int, Cells] = {}
    columns = [table.c[name] for name in _CELL[:4]]
    for begin in range(0, len(chosen), _CHUNK):
        part = {row.forecast_id: row for row in chosen[begin : begin + _CHUNK]}
        wanted = valid.between(
            sa.select(*columns).where(table.c.forecast_id.in_(list(part))), table.c.valid_time
        )
        rows = connection.execute(wanted.order_by(table.c.forecast_id, table.c.valid_time)).all()
        found |= _split(rows, part)
    if valid.is_open:
        _check(chosen, found)
    return found


def _split(rows: Sequence[Row[Any]], heads_by_id: Mapping[int, Row[Any]]) -> dict[int, Cells]:
    """Intervals of each record, of rows in order of records."""
    if not rows:
        return {}
    ids, times, available, blobs = zip(*rows, strict=True)
    numbers, first = np.unique(ids, return_index=True)
    moments = timestamps.to_ns(pd.DatetimeIndex(times))
    limits = np.array([np.nan if value is None else value for value in available])
    found = {}
    for number, begin, end in zip(numbers.tolist(), first, [*first[1:], len(ids)], strict=True):
        quantiles = np.frombuffer(b"".join(blobs[begin:end]), dtype=heads_by_id[number].number_type)
        found[number] = Cells(moments[begin:end], quantiles.reshape(end - begin, -1), limits[begin:end])
    return found


def _check(chosen: Sequence[Row[Any]], found: Mapping[int, Cells]) -> None:
    """Refuse a record with intervals other than those that were written."""
    times = ("issue_time", "weather_init_time")
    names = ("site", "kind", "capacity", "fallback_level", "model_hash", "provenance_hash", "quantile_levels")
    for row in chosen:
        head = {name: getattr(row, name) for name in (*names, "number_type")}
        for name in times:
            time = getattr(row, name)
            head[name] = None if time is None else f"{time:%Y-%m-%dT%H:%M:%S.%f}"
        if row.forecast_id not in found or found[row.forecast_id].digest(head) != row.digest:
            raise StoreError(
                f"The forecast of {row.site!r} issued at {row.issue_time:%Y-%m-%d %H:%M} UTC is not as it was written.",
                "Its intervals must have the digest of their record.",
                "Restore the database from a copy.",
            )


def _little(kind: Any) -> np.dtype[Any]:
    """Type of numbers in the archive: little-endian, single or double precision."""
    return np.dtype("<f4" if np.dtype(kind).itemsize <= 4 else "<f8")


def _plain(value: Any) -> Any:
    """An attribute as JSON holds it."""
    return value.item() if isinstance(value, np.generic) else str(value)
