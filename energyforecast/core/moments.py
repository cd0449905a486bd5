"""Moments that are asked for, in whatever form they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.errors import SchemaError

__all__ = ["moments", "one_for_each"]


def moments(value: Any) -> timestamps.Times:
    """Moments in UTC, of the shape of what is given; NaT stays."""
    kind = getattr(value, "dtype", None)
    if isinstance(kind, pd.DatetimeTZDtype):
        return timestamps.to_ns(value)
    if getattr(kind, "kind", None) == "M":
        return timestamps.to_ns(np.asarray(value))
    several = np.asarray(value, dtype=object)
    flat = [pd.NaT if moment is pd.NaT else timestamps.instant(moment) for moment in several.ravel()]
    return timestamps.to_ns(flat).reshape(several.shape)


def one_for_each(as_of: timestamps.Times, shape: tuple[int, ...]) -> timestamps.Times:
    """One moment for each hour."""
    try:
        return np.broadcast_to(as_of, shape)
    except ValueError as error:
        raise SchemaError(
            f"as_of has the shape {as_of.shape}, and the hours {shape}.",
            "It is one moment for all hours, or one for each.",
            "Repeat it, or add an axis: as_of[:, None].",
        ) from error
