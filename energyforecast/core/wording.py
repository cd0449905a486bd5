"""Moments and counts as messages give them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = ["counted", "minute", "short", "with_few_levels"]

#: Quantile levels beyond this number are summarised.
_FEW: Final = 9


def minute(moment: Any) -> str:
    """A moment to the minute: ``2024-03-01 09:00``."""
    return str(np.datetime64(moment, "m")).replace("T", " ")


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 hour``, ``2 hours``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def short(length: pd.Timedelta) -> str:
    """A length of time in hours or minutes: ``1h``, ``30min``."""
    minutes = length / pd.Timedelta("1min")
    return f"{minutes / 60:g}h" if minutes % 60 == 0 else f"{minutes:g}min"


def with_few_levels(item: Any) -> str:
    """Representation of a dataclass whose quantile levels, if many, are summarised."""
    shown = {field.name: f"{field.name}={getattr(item, field.name)!r}" for field in fields(item)}
    levels = item.quantiles
    if len(levels) > _FEW:
        shown["quantiles"] = f"{len(levels)} quantiles from {levels[0]:g} to {levels[-1]:g}"
    return f"{type(item).__name__}({', '.join(shown.values())})"
