"""History that was known at each origin of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["has_history", "newest_observation"]

_NAT = np.datetime64("NaT", "ns")


def has_history(now: Snapshot, site: str, *, needed: Iterable[tuple[Past, ...]]) -> npt.NDArray[np.bool_]:
    """Origins for which of the lags of every feature at least one value was published.

    Means of many weeks skip those before the beginning of a record.
    """
    known = {
        past: np.isfinite(values).any(axis=1)
        for (past, name), (values, _) in now.history.items()
        if name == site and not past.optional
    }
    of_features = [
        np.logical_or.reduce([known[past] for past in lags if past in known])
        for lags in needed
        if any(past in known for past in lags)
    ]
    every = np.ones(len(now.windows.issue_time), dtype=bool)
    return np.asarray(np.logical_and.reduce([every, *of_features]))


def newest_observation(now: Snapshot, site: str) -> timestamps.Times:
    """Beginning of the newest observation that any lag took, by origin."""
    issued = now.windows.issue_time
    ages = [age for (_, name), (_, age) in now.history.items() if name == site]
    if not ages:
        return np.full(len(issued), _NAT)
    youngest = np.fmin.reduce(np.concatenate(ages, axis=1), axis=1)
    known = np.isfinite(youngest)
    # Ages are hours: in whole seconds, so that no rounding moves the interval.
    seconds = np.round(np.where(known, youngest, 0.0) * 3600).astype("timedelta64[s]")
    return np.where(known, issued - seconds.astype("timedelta64[ns]"), _NAT)
