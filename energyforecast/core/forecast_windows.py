"""Windows: the hours covered by forecasts, by issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.errors import TimeError

__all__ = ["Windows", "refuse_many_issues"]

#: Issues, or intervals of one issue, that a task may have; and intervals of all issues together.
_MOST: Final = 10_000_000
_MOST_CELLS: Final = 300_000_000


def refuse_many_issues(first: pd.Timestamp, last: pd.Timestamp, every: pd.Timedelta) -> None:
    """Raise TimeError for a period with more issues than fit into memory."""
    count = (last.timestamp() - first.timestamp()) / every.total_seconds()
    _refuse_many(count, f"issues from {first} to {last}")


def _refuse_many(count: float, words: str, *, most: int = _MOST) -> None:
    """Raise TimeError for a number of moments beyond the memory of a computer, before they are made."""
    if count > most:
        raise TimeError(
            f"A task has {count:,.0f} {words}.",
            f"There must be {most:,} at most.",
            "Correct the period or the lengths of time of the task, or go through it in parts.",
        )


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
        longest = int(length.max(initial=0))
        _refuse_many(longest, "intervals in an issue")
        _refuse_many(longest * len(issued), "intervals in its issues", most=_MOST_CELLS)
        steps = np.arange(longest)
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
