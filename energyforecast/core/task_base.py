"""Base of all tasks, and the windows of hours that forecasts cover."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.quantiles import check_levels
from energyforecast.errors import TimeError

__all__ = ["PERCENTILES", "Task", "Windows"]

#: Quantile levels 0.01, 0.02, ..., 0.99.
PERCENTILES: Final[tuple[float, ...]] = tuple(k / 100 for k in range(1, 100))


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

    @property
    def lead_time(self) -> npt.NDArray[np.timedelta64]:
        """``valid_time - issue_time``, shape (origins, steps)."""
        return self.valid_time - self.issue_time[:, None]


class Task(ABC):
    """Base of all tasks: when a forecast is issued, which hours it covers, its frequency and quantiles.

    Attributes
    ----------
    timezone : str
        Zone of wall times, local days and of strings given as times.
    frequency : Timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    See Also
    --------
    day_ahead, intraday, month_ahead : Make the three tasks.

    Examples
    --------
    >>> from energyforecast.core.tasks import day_ahead
    >>> isinstance(day_ahead("08:00", timezone="Asia/Almaty"), Task)
    True
    """

    timezone: str
    frequency: pd.Timedelta
    quantiles: tuple[float, ...]

    @property
    @abstractmethod
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""

    @abstractmethod
    def _issued(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        """Issue times of windows that begin from one moment to another, the last excluded."""

    @abstractmethod
    def _bounds(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        """Beginning and end of the window of each issue."""

    def __post_init__(self) -> None:
        timestamps.zone(self.timezone)
        object.__setattr__(self, "quantiles", check_levels(self.quantiles))
        if self.frequency <= pd.Timedelta(0) or pd.Timedelta("1D") % self.frequency != pd.Timedelta(0):
            raise TimeError(
                f"The frequency is {self.frequency}.",
                "A day holds a whole number of intervals.",
                "Use e.g. '1h' or '30min'.",
            )

    def moments(self, issue_time: Any) -> timestamps.Times:
        """Given issue times in UTC, in order and each once.

        Parameters
        ----------
        issue_time : str, moment or sequence of moments
            Strings are wall time in the task's zone; ``"now"`` is the present.

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> day_ahead("09:00", timezone="Europe/Paris").moments("2024-07-01 09:00")
        array(['2024-07-01T07:00:00.000000000'], dtype='datetime64[ns]')
        """
        several = [issue_time] if isinstance(issue_time, str) or np.ndim(issue_time) == 0 else issue_time
        given = [timestamps.instant(moment, timezone=self.timezone) for moment in several]
        return np.unique(timestamps.to_ns(pd.DatetimeIndex(given)))

    def issue_times(self, start: Any, end: Any) -> pd.DatetimeIndex:
        """Issue times of the forecasts with windows that begin in a period.

        Parameters
        ----------
        start, end : str or moment
            Strings are read in the task's zone; ``"2015"`` or ``"2015-03"`` mean all of it, the end
            included; a moment as `end` is excluded.

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> task = day_ahead("09:00", timezone="Europe/Paris")
        >>> issued = task.issue_times("2015", "2015")
        >>> len(issued), str(issued[0])
        (365, '2014-12-31 08:00:00+00:00')
        """
        first = timestamps.period(start, timezone=self.timezone)[0]
        begin, last = timestamps.period(end, timezone=self.timezone)
        if last < first or (last == first and begin < first):
            raise TimeError(
                f"The period ends at {last}, before {first}.", "start comes before end.", "Exchange them."
            )
        return self._issued(first, last)

    def windows(self, issue_times: Any) -> Windows:
        """Hours covered by forecasts issued at these times.

        Parameters
        ----------
        issue_times : DatetimeIndex or array of datetime64

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> task = day_ahead("08:00", timezone="Asia/Almaty")
        >>> windows = task.windows(task.issue_times("2024-02-28", "2024-03-01"))
        >>> windows.inside.sum(axis=1).tolist()  # 29 February had 25 hours
        [24, 25, 24]
        """
        issued = timestamps.to_ns(issue_times)
        start, end = self._bounds(issued)
        step = self.frequency.to_timedelta64()
        length = (end - start) // step
        uneven = np.flatnonzero((end - start) % step != np.timedelta64(0, "ns"))
        if uneven.size:
            where = uneven[0]
            raise TimeError(
                f"The window from {start[where]} to {end[where]} is no whole number of intervals of {self.frequency}.",
                "Local days have 23 to 25 hours, in some zones with a half.",
                "Use a shorter frequency, e.g. '1h' or '30min'.",
            )
        steps = np.arange(int(length.max(initial=0)))
        return Windows(
            issue_time=issued,
            valid_time=start[:, None] + steps[None, :] * step,
            inside=steps[None, :] < length[:, None],
            frequency=self.frequency,
        )
