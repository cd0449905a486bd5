"""Values by hour, matched exactly with the hours that are planned."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import times
from energyforecast.errors import RangeError, TimeError
from energyforecast.observations import Observations

__all__ = ["by_hour", "finite_by_hour", "outcomes_by_hour"]

Array = npt.NDArray[Any]


def by_hour(values: float | pd.Series, hours: pd.DatetimeIndex, *, what: str) -> Array:
    """A number for all hours, or a series by the beginnings of hours, of which each hour must be there."""
    if not isinstance(values, pd.Series):
        return np.full(len(hours), float(values))
    if not isinstance(values.index, pd.DatetimeIndex) or values.index.tz is None:
        raise TimeError(
            f"The series of {what} is indexed by {values.index.dtype}, without a time zone.",
            "A series is indexed by the beginnings of hours, with their zone.",
            'Use series.tz_localize("UTC"), or the zone of its clock.',
        )
    if values.index.has_duplicates:
        twice = values.index[values.index.duplicated()][0]
        raise TimeError(
            f"The series of {what} holds {twice} twice.", "Each hour is there once.", "Drop the doubled rows."
        )
    wanted = times.to_ns(hours)
    place = pd.Index(times.to_ns(values.index)).get_indexer(pd.Index(wanted))
    absent = place < 0
    if absent.any():
        raise TimeError(
            f"The series of {what} lacks {int(absent.sum())} of {len(hours)} hours, the first {hours[absent][0]}.",
            f"It ({len(values)} hours from {values.index.min()}) holds every hour that is planned.",
            "Give the values of all these hours, or plan a shorter window.",
        )
    return np.asarray(values.to_numpy(dtype=float)[place])


def finite_by_hour(values: float | pd.Series, hours: pd.DatetimeIndex, *, what: str) -> Array:
    """As :func:`by_hour`, where no value may be missing."""
    found = by_hour(values, hours, what=what)
    bad = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        raise RangeError(
            f"The {what} is {found[bad[0]]} at {hours[bad[0]]} ({bad.size} hours in all).",
            "It is known at every hour that is planned.",
            "Give a number for these hours.",
        )
    return found


def outcomes_by_hour(observed: Observations | pd.Series, hours: pd.DatetimeIndex, *, site: str) -> Array:
    """What was observed at each hour; NaN where it is missing or its flags set it aside. [MW]"""
    if isinstance(observed, Observations):
        return observed.value_at(site, hours)
    return by_hour(observed, hours, what=f"outcomes of site {site!r}")
