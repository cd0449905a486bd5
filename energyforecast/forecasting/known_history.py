"""History that was known at each origin of a snapshot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["has_history", "newest_observation"]

_NAT = np.datetime64("NaT", "ns")


def has_history(now: Snapshot, site: str) -> npt.NDArray[np.bool_]:
    """Origins for which of every lag at least one value was published."""
    known = [
        np.isfinite(values).any(axis=1) for (_, name), (values, _) in now.history.items() if name == site
    ]
    return np.logical_and.reduce(known) if known else np.ones(len(now.windows.issue_time), dtype=bool)


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
