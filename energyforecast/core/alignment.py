"""Series matched exactly with hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.errors import RangeError, TimeError

__all__ = ["by_hour", "finite_by_hour", "outcomes_by_hour"]

Array = npt.NDArray[Any]


def by_hour(values: float | pd.Series, hours: pd.DatetimeIndex, *, name: str) -> Array:
    """A value for each hour, which may repeat: one number for all, or a series that must hold each hour."""
    if not isinstance(values, pd.Series):
        return np.full(len(hours), float(values))
    if not isinstance(values.index, pd.DatetimeIndex) or values.index.tz is None:
        raise TimeError(
            f"The series of {name} is indexed by {values.index.dtype}, without a time zone.",
            "A series must be indexed by the beginnings of hours, with their zone.",
            'Use series.tz_localize("UTC"), or the zone of its clock.',
        )
    if values.index.has_duplicates:
        twice = values.index[values.index.duplicated()][0]
        raise TimeError(
            f"The series of {name} holds {twice} twice.",
            "Each hour must appear once.",
            "Drop the doubled rows.",
        )
    wanted = timestamps.to_ns(hours)
    place = pd.Index(timestamps.to_ns(values.index)).get_indexer(pd.Index(wanted))
    absent = place < 0
    if absent.any():
        raise TimeError(
            f"The series of {name} lacks {int(absent.sum())} of {len(hours)} hours, the first {hours[absent][0]}.",
            f"It ({len(values)} hours from {values.index.min()}) must hold every hour that is asked for.",
            "Give the values of all these hours, or choose a shorter window.",
        )
    return np.asarray(values.to_numpy(dtype=float)[place])


def finite_by_hour(values: float | pd.Series, hours: pd.DatetimeIndex, *, name: str) -> Array:
    """A value for each hour as :func:`by_hour`, none missing."""
    found = by_hour(values, hours, name=name)
    bad = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        raise RangeError(
            f"The {name} is {found[bad[0]]} at {hours[bad[0]]} ({bad.size} hours in all).",
            "It must be known at every hour that is asked for.",
            "Give a number for these hours.",
        )
    return found


def outcomes_by_hour(observed: Observations | pd.Series, hours: pd.DatetimeIndex, *, site: str) -> Array:
    """Observed power at each hour; NaN where it is missing or flagged. [MW]"""
    if isinstance(observed, Observations):
        return observed.value_at(site, hours)
    return by_hour(observed, hours, name=f"outcomes of site {site!r}")
