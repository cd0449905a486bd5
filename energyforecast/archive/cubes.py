"""Forecasts of records of the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from energyforecast.archive.forecasts import Cells
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import SchemaError

if TYPE_CHECKING:
    from sqlalchemy import Row

__all__ = ["forecast_of", "newest", "table_of"]


def newest(heads: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Newest record of each site and issue, of records in order of revisions."""
    return list({(row.site, row.issue_time): row for row in heads}.values())


def table_of(heads: Sequence[Row[Any]]) -> pd.DataFrame:
    """A row for each record, with the provenance that users ask for first."""
    rows = []
    for row in heads:
        attributes = parse_json(row.attributes)
        told = {name: attributes.get(name, "") for name in ("model", "energyforecast", "timezone", "caveats")}
        rows.append({name: getattr(row, name) for name in _SHOWN} | told)
    frame = pd.DataFrame(rows, columns=[*_SHOWN, "model", "energyforecast", "timezone", "caveats"])
    for name in frame:
        if str(name).endswith("_time"):
            frame[name] = timestamps.to_index(pd.DatetimeIndex(pd.to_datetime(frame[name], utc=True)))
    return frame


_SHOWN = (
    "site",
    "issue_time",
    "recorded_time",
    "revision",
    "first_valid_time",
    "last_valid_time",
    "fallback_level",
    "weather_init_time",
    "model_hash",
)


def forecast_of(heads: Sequence[Row[Any]], cells: Mapping[int, Cells], *, sites: Sequence[str]) -> Forecast:
    """One forecast of the newest records of sites, which must agree on issues, intervals and levels."""
    by_site = {
        site: [row for row in heads if row.site == site and row.forecast_id in cells] for site in sites
    }
    first = by_site[sites[0]]
    issued = [row.issue_time for row in first]
    for site, rows in by_site.items():
        if [row.issue_time for row in rows] != issued:
            _refuse(
                f"{sites[0]!r} and {site!r} were not forecast at the same issues", "one site after the other"
            )
        for row, other in zip(rows, first, strict=True):
            if not np.array_equal(cells[row.forecast_id].valid_time, cells[other.forecast_id].valid_time):
                _refuse(f"{sites[0]!r} and {site!r} have other intervals", "one site after the other")
    flat = [row for rows in by_site.values() for row in rows]
    _check_same(flat, ("quantile_levels", "number_type"))
    for rows in by_site.values():
        _check_same(rows, ("kind", "capacity"))
    attrs = _attributes(flat)
    number_type = np.dtype(flat[0].number_type)
    return Forecast.from_rows(
        {site: _site_rows(rows, cells) for site, rows in by_site.items()},
        windows=_windows(first, cells, attrs.get("frequency")),
        quantile_levels=parse_json(flat[0].quantile_levels),
        attrs=attrs,
        allocate=lambda shape: np.empty(shape, dtype=number_type),
    )


def _check_same(rows: Sequence[Row[Any]], names: Sequence[str]) -> None:
    """Refuse records of which a property changes."""
    for name in names:
        changed = next((row for row in rows if getattr(row, name) != getattr(rows[0], name)), None)
        if changed is not None:
            _refuse(
                f"{name} of {changed.site!r} is another at the issue {changed.issue_time:%Y-%m-%d %H:%M} UTC",
                "the issues before and after it apart: issued=(..., ...)",
            )


def _refuse(found: str, remedy: str) -> NoReturn:
    raise SchemaError(f"{found}.", "The records of one forecast must agree.", f"Read {remedy}.")


def _windows(rows: Sequence[Row[Any]], cells: Mapping[int, Cells], frequency: str | None) -> Windows:
    """Windows of the issues of a site; without a length of intervals, it is the shortest distance of two."""
    times = [cells[row.forecast_id].valid_time for row in rows]
    valid = np.full((len(rows), max(map(len, times))), np.datetime64("NaT", "ns"))
    for k, own in enumerate(times):
        valid[k, : len(own)] = own
    issued = timestamps.to_ns(pd.DatetimeIndex([row.issue_time for row in rows]))
    apart = [step for own in times for step in np.diff(own)]
    length = min(apart, default=np.timedelta64(1, "h")) if frequency is None else frequency
    return Windows(issued, valid, ~np.isnat(valid), pd.Timedelta(length))


def _site_rows(rows: Sequence[Row[Any]], cells: Mapping[int, Cells]) -> SiteRows:
    parts = [cells[row.forecast_id] for row in rows]
    available = np.concatenate([part.available_capacity for part in parts])
    runs = [row.weather_init_time for row in rows]
    return SiteRows(
        np.concatenate([part.quantiles for part in parts]),
        capacity=rows[0].capacity,
        kind=rows[0].kind,
        fallback_level=np.array([row.fallback_level for row in rows]),
        weather_init_time=timestamps.to_ns(pd.DatetimeIndex(pd.to_datetime(runs, utc=True))),
        available_capacity=None if np.isnan(available).all() else available,
    )


def _attributes(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """Provenance that all records share, with the caveats of each, and analyses of any."""
    every = [parse_json(text) for text in dict.fromkeys(row.attributes for row in rows)]
    steps = {one.get("frequency") for one in every}
    if len(steps) > 1:
        _refuse(f"The intervals of these forecasts have the lengths {steps}", "the issues of one length")
    shared = {name: value for name, value in every[0].items() if all(one.get(name) == value for one in every)}
    if len(every) > 1:
        lines = [line for one in every for line in str(one.get("caveats", "")).split("; ") if line]
        shared["caveats"] = "; ".join(dict.fromkeys(lines))
        shared["perfect_weather"] = max(int(one.get("perfect_weather", 0)) for one in every)
    return shared
