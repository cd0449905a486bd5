"""Sums over windows longer than the rows of a table, such as those of an hour on each quarter-hour."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.sites import Site
from energyforecast.core.wording import short
from energyforecast.errors import TimeError, one_of
from energyforecast.weather.processing.intervals import Intervals
from energyforecast.weather.processing.temporal import at_steps

__all__ = ["read_windows"]

#: Rows of a table, as a mask, and variables to weather.
Reader = Callable[[Any, Collection[str]], xr.Dataset]
_MINUTE: Final = np.timedelta64(1, "m")


def read_windows(
    read: Reader,
    stamps: Any,
    *,
    windows: str | timedelta | Mapping[str, str | timedelta],
    means: Sequence[str],
    others: Sequence[str],
    sites: Sequence[Site],
) -> xr.Dataset:
    """Weather of a table with means or sums over windows of a declared length.

    Of windows that overlap, those that follow each other are read. Next to variables of shorter steps, their means are
    divided as by :func:`at_steps`.

    Parameters
    ----------
    read : callable
        Reader of some of the rows, for some of the variables.
    stamps : array of datetime64 or timedelta64
        Stamp or lead of each row.
    windows : str, timedelta or mapping
        Length for all means, or by variable.
    means, others : sequence of str
        Variables that are means or sums, and instants.
    sites : sequence of Site
    """
    lengths = _lengths(windows, means)
    rest = [name for name in (*means, *others) if name not in lengths]
    step = np.median(Intervals.of(stamps, strict=False).after / _MINUTE)
    parts = []
    for length in sorted(set(lengths.values())):
        _check_length(length, step)
        residue = stamps.astype("i8") % length.value
        chosen = residue == residue.min()
        parts.append(read(chosen, [name for name, one in lengths.items() if one == length]))
    if rest:
        parts.insert(0, read(np.ones(len(stamps), dtype=bool), rest))
    result, width = parts[0], pd.Timedelta(step, "min") if rest else min(lengths.values())
    for part in parts[1:]:
        result = _joined(result, at_steps(part, width, sites=sites, offset=_offset(part, width)))
    return weather_schema.check_weather(result, sites=sites)


def _lengths(
    windows: str | timedelta | Mapping[str, str | timedelta], means: Sequence[str]
) -> dict[str, pd.Timedelta]:
    """Length of the windows of each variable."""
    given = windows if isinstance(windows, Mapping) else dict.fromkeys(means, windows)
    for name in given:
        one_of("mean or sum in accumulated_over", name, allowed=means)
    return {name: timestamps.duration(length) for name, length in given.items()}


def _check_length(length: pd.Timedelta, step: float) -> None:
    if length / pd.Timedelta("1min") % step:
        raise TimeError(
            f"accumulated_over is {short(length)}, and the rows of the table follow each other in {step:g}min.",
            "The window of a mean or sum must be a whole number of steps.",
            "Give the length that its provider states, e.g. accumulated_over='1h'.",
        )


def _offset(weather: xr.Dataset, width: pd.Timedelta) -> pd.Timedelta:
    """Beginning of the steps after midnight, or after the initialisation of the first run."""
    if weather_schema.is_analysis(weather):
        first = timestamps.to_ns(weather["time"].values[:1])
    else:
        first = timestamps.to_ns(weather["init_time"].values[:1]) + weather["lead_time"].values[0]
    return pd.Timedelta(int(first.view(np.int64)[0]) % width.value, "ns")


def _joined(one: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """Variables of both on all stamps, available when both are."""
    both = [one["available_time"], other["available_time"]]
    if "init_time" not in both[0].dims or "lead_time" in both[0].dims:
        both = list(xr.align(*both, join="outer"))
    early, late = both
    latest = early.where(late.isnull() | (early > late), late)
    merged = xr.merge(
        [part.drop_vars("available_time") for part in (one, other)], join="outer", combine_attrs="override"
    )
    return merged.assign_coords(available_time=latest)
