"""Moments, counts, levels and small numbers in messages, tables and representations."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = [
    "counted",
    "decimals",
    "intervals",
    "lead",
    "minute",
    "power_unit",
    "short",
    "spaced",
    "with_few_levels",
]

#: Quantile levels beyond this number are summarised.
_FEW: Final = 9
#: Units of lengths of time, in nanoseconds.
_UNITS: Final = {"h": 3_600_000_000_000, "min": 60_000_000_000, "s": 1_000_000_000, "ns": 1}


def minute(moment: Any) -> str:
    """Moment to the minute, like 2024-03-01 09:00; with its seconds where they are not zero."""
    exact = np.datetime64(moment, "ns")
    whole = exact.astype("datetime64[m]")
    text = str(whole) if whole == exact else np.datetime_as_string(exact, unit="auto")
    return "NaT" if np.isnat(exact) else str(text).replace("T", " ")


def counted(count: int, noun: str) -> str:
    """Count with its noun, like 1 hour, 2 hours."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def intervals(count: int, length: Any) -> str:
    """Number of hours, or of intervals of another length (or of an unknown one), like 96 intervals of 15min."""
    if length is None:
        return counted(count, "interval")
    width = pd.Timedelta(length)
    return (
        counted(count, "hour")
        if width == pd.Timedelta("1h")
        else f"{counted(count, 'interval')} of {short(width)}"
    )


def decimals(values: Any, *, least: int) -> int:
    """Decimals of numbers: `least`, and more where all are below 1, so that a household in MW keeps its figures.

    Examples
    --------
    >>> decimals([60.0, 0.01], least=2), decimals([0.0005, 0.0001], least=2)
    (2, 6)
    """
    numbers = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(numbers, initial=0.0, where=np.isfinite(numbers)))
    return least - int(np.floor(np.log10(largest))) if 0.0 < largest < 1.0 else least


def power_unit(largest: float) -> tuple[float, str]:
    """Unit in which powers of some size [MW] are readable, and how many of it a megawatt has.

    Examples
    --------
    >>> power_unit(60.0), power_unit(0.11), power_unit(0.0007)
    ((1.0, 'MW'), (1000.0, 'kW'), (1000000.0, 'W'))
    """
    if not 0.0 < largest < 1.0:
        return 1.0, "MW"
    return (1e3, "kW") if largest >= 1e-3 else (1e6, "W")


def lead(hours: float) -> str:
    """Lead time in hours, with minutes where they are no quarters, like 35.5 h, 35:40 h."""
    minutes = round(60 * hours)
    return f"{hours:g} h" if minutes % 15 == 0 else f"{minutes // 60}:{minutes % 60:02} h"


def spaced(hours: float) -> str:
    """Length of an interval in hours or minutes, like 1 h, 10 min."""
    return f"{hours:g} h" if abs(hours) >= 1 or not hours else f"{60 * hours:g} min"


def short(length: pd.Timedelta) -> str:
    """Length of time as the largest unit of which it is a whole number, like 1h, 10min, 90s."""
    exact = length.as_unit("ns").value
    unit = next(unit for unit in _UNITS if exact % _UNITS[unit] == 0)
    return f"{exact // _UNITS[unit]}{unit}"


def with_few_levels(item: Any) -> str:
    """Representation of a dataclass, with many quantile levels as a range."""
    shown = {field.name: f"{field.name}={getattr(item, field.name)!r}" for field in fields(item)}
    levels = item.quantiles
    if len(levels) > _FEW:
        shown["quantiles"] = f"{len(levels)} quantiles from {levels[0]:g} to {levels[-1]:g}"
    return f"{type(item).__name__}({', '.join(shown.values())})"
