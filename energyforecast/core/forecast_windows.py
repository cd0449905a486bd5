"""Windows: the hours covered by forecasts, by issue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.errors import TimeError

__all__ = ["Windows"]


@dataclass(frozen=True)
class Windows:
    """Hours covered by forecasts, an origin a row.

    Parameters
    ----------
    issue_time : array, shape (origins,)
        Issue time of each forecast.
    valid_time : array, shape (origins, steps)
        Beginnings of the intervals.
    inside : array of bool, shape (origins, steps)
        Steps that belong to the origin's window: local days have 23 to 25 hours.
    frequency : Timedelta
        Length of an interval.
    """

    issue_time: timestamps.Times
    valid_time: timestamps.Times
    inside: npt.NDArray[np.bool_]
    frequency: pd.Timedelta

    @classmethod
    def between(
        cls,
        issued: timestamps.Times,
        start: timestamps.Times,
        end: timestamps.Times,
        *,
        frequency: pd.Timedelta,
    ) -> Windows:
        """Windows from a beginning to an end, one for each issue."""
        step = frequency.to_timedelta64()
        length = (end - start) // step
        uneven = np.flatnonzero((end - start) % step != np.timedelta64(0, "ns"))
        if uneven.size:
            where = uneven[0]
            raise TimeError(
                f"The window from {start[where]} to {end[where]} is no whole number of intervals of {frequency}.",
                "Local days have 23 to 25 hours, in some zones with a half.",
                "Use a shorter frequency, e.g. '1h' or '30min'.",
            )
        steps = np.arange(int(length.max(initial=0)))
        return cls(
            issue_time=issued,
            valid_time=start[:, None] + steps[None, :] * step,
            inside=steps[None, :] < length[:, None],
            frequency=frequency,
        )

    @property
    def lead_time(self) -> npt.NDArray[np.timedelta64]:
        """``valid_time - issue_time``, shape (origins, steps)."""
        return self.valid_time - self.issue_time[:, None]
