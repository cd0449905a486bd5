"""Cubes of quantiles: built from rows of sites, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.power_kinds import Kind, bounds_of_rows, check_kind, power_bounds
from energyforecast.core.wording import minute, short
from energyforecast.errors import MissingDataError, RangeError, SchemaError, TimeError, of_type

__all__ = ["SiteRows", "available_capacity", "build", "check", "check_issued_before"]

Array = npt.NDArray[Any]

_DIMS = ("site", "issue_time", "lead_time", "quantile")
_BLOCK = 256
_NAT = np.datetime64("NaT", "ns")


@checked()
@dataclass(frozen=True, eq=False)
class SiteRows:
    """Rows of quantiles of one site, for :meth:`energyforecast.Forecast.from_rows`.

    Parameters
    ----------
    quantiles : array, shape (rows, levels), or iterable of array
        A row for each cell inside the windows, in order of issue, then of lead; or consecutive blocks of rows. [MW]
    capacity : float, optional
        Upper bound of the forecast; of demand, that of exports too. [MW]
    kind : str
        One of :data:`energyforecast.core.power_kinds.KINDS`.
    fallback_level : array of int, shape (issues,), optional
        Level of the fallback ladder; 0 by default.
    weather_init_time : array of datetime64, shape (issues,), optional
        Initialisation of the weather run; NaT by default.
    available_capacity : array, shape (rows,), optional
        Capacity in service, or the limit of an order, as known at the issue; the capacity by default. [MW]

    See Also
    --------
    energyforecast.Forecast.from_rows : Makes a forecast of the rows of sites.

    Examples
    --------
    >>> rows = SiteRows(np.array([[4.0, 5.0, 6.0]]), capacity=60.0, kind="wind")
    >>> rows.kind, rows.capacity
    ('wind', 60.0)
    """

    quantiles: Array | Iterable[Array]
    capacity: float | None = None
    kind: Kind = "site"
    fallback_level: Array | None = None
    weather_init_time: Array | None = None
    available_capacity: Array | None = None


def build(
    sites: Mapping[str, SiteRows],
    windows: Windows,
    quantile_levels: Sequence[float],
    *,
    attrs: Mapping[str, Any],
    allocate: Callable[[tuple[int, ...]], Array] | None = None,
) -> xr.DataArray:
    """Cube of quantiles; its array is made by `allocate`, in memory by default."""
    issues = len(windows.issue_time)
    leads = np.unique(windows.lead_time[windows.inside])
    origin, step = np.nonzero(windows.inside)
    column = np.searchsorted(leads, windows.lead_time[origin, step])
    shape = (len(sites), issues, len(leads), len(quantile_levels))
    cube = np.empty(shape, dtype=np.float32) if allocate is None else allocate(shape)
    _fill(cube, [site.quantiles for site in sites.values()], origin, column)
    valid = np.full((issues, len(leads)), _NAT)
    valid[origin, column] = windows.valid_time[origin, step]
    by_cell = {}
    if any(site.available_capacity is not None for site in sites.values()):
        by_cell["available_capacity"] = _available(sites, shape[:3], origin, column)
        attrs = {"available_capacity": "as known at each issue", **attrs}
    by_issue = {
        "fallback_level": [_or(site.fallback_level, np.zeros(issues, np.int64)) for site in sites.values()],
        "weather_init_time": [_or(site.weather_init_time, np.full(issues, _NAT)) for site in sites.values()],
    }
    return xr.DataArray(
        cube,
        dims=_DIMS,
        coords={
            "site": list(sites),
            "issue_time": windows.issue_time,
            "lead_time": leads,
            "quantile": np.asarray(quantile_levels, dtype=float),
            "valid_time": (("issue_time", "lead_time"), valid),
            "capacity": ("site", np.array([site.capacity for site in sites.values()], dtype=float)),
            "kind": ("site", [site.kind for site in sites.values()]),
        }
        | {name: (("site", "issue_time"), np.stack(values)) for name, values in by_issue.items()}
        | by_cell,
        name="power",
        attrs={"units": "MW", "frequency": str(windows.frequency), **attrs},
    )


def _available(
    sites: Mapping[str, SiteRows], shape: tuple[int, ...], origin: Array, column: Array
) -> tuple[tuple[str, ...], Array, dict[str, str]]:
    """Coordinate of the available capacity; the rated one of sites without."""
    available = np.full(shape, np.nan)
    for k, site in enumerate(sites.values()):
        rated = np.nan if site.capacity is None else site.capacity
        available[k, origin, column] = _or(site.available_capacity, np.full(len(origin), rated))
    return _DIMS[:3], available, {"units": "MW", "long_name": "available capacity as known at the issue"}


def _or(given: Array | None, default: Array) -> Array:
    """A given array, or the default."""
    return default if given is None else given


def _fill(cube: Array, sites: Sequence[Array | Iterable[Array]], origin: Array, column: Array) -> None:
    """Write the rows of each site into the cells of the windows, NaN into all others."""
    filled = np.zeros(cube.shape[1:3], dtype=bool)
    filled[origin, column] = True
    cube[:, ~filled] = np.nan
    for k, given in enumerate(sites):
        begin = 0
        for block in [given] if isinstance(given, np.ndarray) else given:
            rows = slice(begin, begin + len(block))
            cube[k, origin[rows], column[rows]] = block
            begin += len(block)


def check(data: xr.DataArray) -> None:
    """Refuse a cube with other dimensions or coordinates, and quantiles that cross, are missing or out of bounds."""
    of_type("A forecast", data, expected=xr.DataArray, remedy="Read a table with Forecast.from_frame.")
    if data.dims != _DIMS:
        raise SchemaError(
            f"A forecast has the dimensions {data.dims}.",
            f"They must be {_DIMS}.",
            "Transpose or expand the array.",
        )
    if not data.size:
        raise SchemaError(
            f"A forecast has the sizes {dict(data.sizes)}.",
            "It must have a site, an issue, an interval and a level at least.",
            "Check the rows of which it is made.",
        )
    lacking = [
        name for name in ("valid_time", "capacity", "kind", "fallback_level") if name not in data.coords
    ]
    if lacking:
        raise SchemaError(
            f"A forecast has no coordinate {lacking[0]!r}.",
            "It must have valid_time(issue_time, lead_time), capacity(site), kind(site) and "
            "fallback_level(site, issue_time).",
            "Use assign_coords.",
        )
    axes = {"valid_time": _DIMS[1:3], "capacity": _DIMS[:1], "kind": _DIMS[:1], "fallback_level": _DIMS[:2]}
    other = next((name for name, dims in axes.items() if data[name].dims != dims), None)
    if other is not None:
        raise SchemaError(
            f"{other} of a forecast has the dimensions {data[other].dims}.",
            f"They must be {axes[other]}.",
            "Transpose it, or give it for each site and issue.",
        )
    for name, kind in zip(data["site"].values, data["kind"].values, strict=True):
        check_kind(str(kind), of=str(name))
    valid = data["valid_time"].values
    check_issued_before(data["issue_time"].values[:, None], valid, _check_steps(data, valid))
    _check_quantiles(data, np.asarray(~np.isnat(valid)))


def _check_steps(data: xr.DataArray, valid: Array) -> np.timedelta64:
    """Length of an interval; a shorter distance of two of them is refused."""
    apart = np.diff(valid, axis=1)
    known = apart[~np.isnat(apart)]
    shortest = known.min() if known.size else np.timedelta64(0, "ns")
    if "frequency" not in data.attrs:
        return np.timedelta64(shortest, "ns")
    step: np.timedelta64 = timestamps.duration(str(data.attrs["frequency"])).to_timedelta64()
    if known.size and shortest < step:
        where = valid[:, :-1][apart < step][0]
        raise TimeError(
            f"The intervals of a forecast have {short(pd.Timedelta(step))}, and at {minute(where)} UTC the next begins "
            f"after {short(pd.Timedelta(apart[apart < step][0]))}.",
            "A forecast must have intervals of one length.",
            "Give each stretch as a forecast of its own, with its frequency: TableFormat(frequency=...).",
        )
    return step


def check_issued_before(issued: Array, valid: Array, step: np.timedelta64) -> None:
    """Refuse intervals that were over when they were forecast; that which has begun may be forecast."""
    over = valid + step <= issued if step > np.timedelta64(0, "ns") else valid < issued
    if over.any():
        where = np.argwhere(over)[0]
        first = tuple(where)
        issue = np.broadcast_to(issued, valid.shape)[first]
        raise TimeError(
            f"The interval that begins at {minute(valid[first])} UTC was over when it was forecast, at {minute(issue)} "
            f"UTC ({int(over.sum())} of {int((~np.isnat(valid)).sum())} intervals).",
            "A forecast must be issued before its intervals end.",
            "Check the column and the time zone of the issue times; if they are right, leave these rows out.",
        )


def _check_quantiles(data: xr.DataArray, inside: npt.NDArray[np.bool_]) -> None:
    available = available_capacity(data)
    for k, name in enumerate(data["site"].values):
        kind = check_kind(str(data["kind"].values[k]), of=str(name))
        limits = available[k]
        # In blocks of issues, so that a cube on disk is never in memory whole.
        blocks = [slice(at, at + _BLOCK) for at in range(0, len(inside), _BLOCK)]
        faults = [
            _faults(data.values[k, block][inside[block]], limits[block][inside[block]], kind)
            for block in blocks
        ]
        missing, crossing, outside = (np.concatenate(found) for found in zip(*faults, strict=True))
        bounds = power_bounds(float(data["capacity"].values[k]), kind=kind)
        wanted = (
            f"Quantiles of the kind {kind!r} must lie between {bounds[0]:g} and {bounds[1]:g} MW"
            + (", and within the available capacity" if "available_capacity" in data.coords else "")
            + "; only those of demand may be negative"
        )
        for bad, found, expected in (
            (missing, "holds a missing quantile", "Quantiles are finite"),
            (crossing, "has crossing quantiles", "Quantiles rise with their level"),
            (outside, "leaves the site's bounds", wanted),
        ):
            _refuse(bad, data, inside, str(name), found, expected)


def available_capacity(data: xr.DataArray) -> Array:
    """Bound of each cell, shape (site, issue_time, lead_time): the available capacity, or the rated one. [MW]"""
    if "available_capacity" in data.coords:
        return np.asarray(data["available_capacity"].transpose(*_DIMS[:3]).values, dtype=float)
    return np.broadcast_to(data["capacity"].values.astype(float)[:, None, None], data.shape[:3])


def _faults(rows: Array, capacity: Array, kind: Kind) -> tuple[Array, Array, Array]:
    """Rows with a missing quantile, with crossing ones, and with one out of bounds."""
    low, high = bounds_of_rows(capacity, np.array(kind))
    slack = 1e-4 * high
    return (
        np.asarray(~np.isfinite(rows).all(axis=1)),
        np.asarray((np.diff(rows, axis=1) < 0).any(axis=1)),
        (rows[:, 0] < low - slack) | (rows[:, -1] > high + slack),
    )


def _refuse(
    bad: Array, data: xr.DataArray, inside: npt.NDArray[np.bool_], site: str, found: str, expected: str
) -> None:
    where = np.flatnonzero(bad)
    if where.size:
        hour = timestamps.to_index(data["valid_time"].values[inside][where[:1]])[0]
        raise RangeError(
            f"The forecast of site {site!r} {found} at {hour} ({where.size} hours in all).",
            f"{expected}.",
            "Sort and clip the quantiles where the model makes them; a forecast of demand has kind='demand'.",
        )


def check_held(wanted: Any, held: Sequence[Any], kind: str) -> None:
    """Refuse a site or an issue time that a forecast does not hold."""
    if wanted not in held:
        raise MissingDataError(
            f"The forecast has no {kind} {wanted}.",
            f"It has {len(held)}, from {held[0]} to {held[-1]}.",
            "Choose one of them.",
        )
