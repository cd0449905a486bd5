"""What is forecast: when a forecast is issued, which hours it covers, which quantiles it gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import quantile_levels, timestamps
from energyforecast.errors import TimeError

__all__ = ["PERCENTILES", "Task", "Windows", "day_ahead", "intraday", "month_ahead"]

#: Quantile levels 0.01, 0.02, ..., 0.99.
PERCENTILES: Final[tuple[float, ...]] = tuple(k / 100 for k in range(1, 100))


@dataclass(frozen=True)
class Windows:
    """The hours that forecasts cover, an origin a row.

    Parameters
    ----------
    issue_time : array, shape (origins,)
        When each forecast is issued.
    valid_time : array, shape (origins, steps)
        Beginnings of the intervals.
    inside : array of bool, shape (origins, steps)
        Which steps belong to the origin's window: local days have 23 to 25 hours.
    frequency : Timedelta
        Length of an interval.

    Examples
    --------
    >>> task = intraday(every="6h", leads="2h")
    >>> windows = task.windows(task.issue_times("2024-01-01", "2024-01-01"))
    >>> windows.valid_time[:2].astype("datetime64[h]")
    array([['2024-01-01T00', '2024-01-01T01'],
           ['2024-01-01T06', '2024-01-01T07']], dtype='datetime64[h]')
    """

    issue_time: timestamps.Times
    valid_time: timestamps.Times
    inside: npt.NDArray[np.bool_]
    frequency: pd.Timedelta

    @property
    def lead_time(self) -> npt.NDArray[np.timedelta64]:
        """``valid_time - issue_time``, shape (origins, steps)."""
        return self.valid_time - self.issue_time[:, None]


@dataclass(frozen=True, kw_only=True)
class Task:
    """When a forecast is issued, what it covers, its frequency and quantiles.

    Made by :func:`day_ahead`, :func:`intraday` or :func:`month_ahead`.

    Parameters
    ----------
    timezone : str
        Zone of wall times, local days and of strings given as times.
    issue : time, optional
        Wall time at which a day-ahead or month-ahead forecast is issued.
    first_day, days : int
        Day-ahead: the first local day covered, counted from the day of issue, and how many.
    months : int
        Month-ahead: how many whole calendar months are covered, from the first one that begins at least
        `first_day` days after the day of issue; 0 for other tasks.
    every, leads : Timedelta, optional
        Intraday: how often a forecast is issued, and how far it reaches.
    frequency : Timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Raises
    ------
    TimeError
        If it is neither issued at a wall time nor every so often, or covers nothing.

    Examples
    --------
    >>> task = Task(timezone="Asia/Almaty", issue=time(8), quantiles=(0.1, 0.5, 0.9))
    >>> task == day_ahead("08:00", timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9))
    True
    """

    timezone: str = "UTC"
    issue: time | None = None
    first_day: int = 1
    days: int = 1
    months: int = 0
    every: pd.Timedelta | None = None
    leads: pd.Timedelta | None = None
    frequency: pd.Timedelta = pd.Timedelta("1h")
    quantiles: tuple[float, ...] = PERCENTILES

    def __post_init__(self) -> None:
        timestamps.zone(self.timezone)
        object.__setattr__(self, "quantiles", quantile_levels.check_quantiles(self.quantiles))
        if self.frequency <= pd.Timedelta(0) or pd.Timedelta("1D") % self.frequency != pd.Timedelta(0):
            raise TimeError(
                f"The frequency is {self.frequency}.",
                "A day holds a whole number of intervals.",
                "Use e.g. '1h' or '30min'.",
            )
        if self.issue is not None and (self.days < 1 or self.first_day < 0 or self.months < 0):
            raise TimeError(
                f"The task covers {self.days} days or {self.months} months from day {self.first_day} on.",
                "It covers at least one day, from the day of issue (0) on, or whole months.",
                "Use first_day=1, days=1 for the next day.",
            )
        often = self.every is not None and self.every > pd.Timedelta(0)
        if self.issue is None and not (often and self.leads is not None and self.leads >= self.frequency):
            raise TimeError(
                f"The task has issue=None, every={self.every} and leads={self.leads}.",
                "It has a wall time of issue, or is issued every so often and reaches at least one interval.",
                "Use day_ahead('09:00', timezone=...) or intraday(every='1h', leads='12h').",
            )

    def moments(self, issue_time: Any) -> timestamps.Times:
        """Given issue times in UTC, in order and each once.

        Parameters
        ----------
        issue_time : str, moment or sequence of moments
            Strings are wall time in the task's zone; ``"now"`` is the present.

        Examples
        --------
        >>> day_ahead("09:00", timezone="Europe/Paris").moments("2024-07-01 09:00")
        array(['2024-07-01T07:00:00.000000000'], dtype='datetime64[ns]')
        """
        several = [issue_time] if isinstance(issue_time, str) or np.ndim(issue_time) == 0 else issue_time
        given = [timestamps.instant(moment, timezone=self.timezone) for moment in several]
        return np.unique(timestamps.to_ns(pd.DatetimeIndex(given)))

    def issue_times(self, start: Any, end: Any) -> pd.DatetimeIndex:
        """Issue times of the forecasts whose windows begin in a period.

        Parameters
        ----------
        start, end : str or moment
            Strings are read in the task's zone; ``"2015"`` or ``"2015-03"`` mean all of it, the end
            included; a moment as `end` is excluded.

        Examples
        --------
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
        if self.issue is None:
            assert self.every is not None
            early = (first - self.frequency).ceil(self.every)
            issued = pd.date_range(early, last, freq=self.every).as_unit("ns")
            begins = issued.ceil(self.frequency)
            return issued[(begins >= first) & (begins < last)]
        days = timestamps.days_between(first, last, timezone=self.timezone)
        if self.months:
            days = [day for day in days if day.day == 1]
        return timestamps.wall_clock(
            [day - timedelta(days=self.first_day) for day in days], self.issue, timezone=self.timezone
        )

    def windows(self, issue_times: Any) -> Windows:
        """The hours that forecasts issued at these times cover.

        Parameters
        ----------
        issue_times : DatetimeIndex or array of datetime64

        Examples
        --------
        >>> task = day_ahead("08:00", timezone="Asia/Almaty")
        >>> windows = task.windows(task.issue_times("2024-02-28", "2024-03-01"))
        >>> windows.inside.sum(axis=1).tolist()  # 29 February had 25 hours
        [24, 25, 24]
        """
        issued = timestamps.to_ns(issue_times)
        start, end = self._local_days(issued) if self.issue is not None else self._reach(issued)
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

    def _local_days(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        local = pd.DatetimeIndex(issued, tz="UTC").tz_convert(timestamps.zone(self.timezone)).date
        first = [day + timedelta(days=self.first_day) for day in local]
        if self.months:
            first = [_month_from(day, 0 if day.day == 1 else 1) for day in first]
            after = [_month_from(day, self.months) for day in first]
        else:
            after = [day + timedelta(days=self.days) for day in first]
        midnights = timestamps.local_midnights([*first, *after], timezone=self.timezone)
        both = timestamps.to_ns(midnights)
        return both[: len(first)], both[len(first) :]

    def _reach(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        assert self.leads is not None
        start = timestamps.to_ns(pd.DatetimeIndex(issued).ceil(self.frequency))
        return start, start + self.leads.to_timedelta64()


def _month_from(day: date, count: int) -> date:
    """First day of the month that comes so many months after the day's."""
    years, month = divmod(day.month - 1 + count, 12)
    return date(day.year + years, month + 1, 1)


def day_ahead(
    issue: str | time,
    *,
    timezone: str,
    first_day: int = 1,
    days: int = 1,
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> Task:
    """A forecast issued at a wall time every day for whole local days.

    Parameters
    ----------
    issue : str or time
        Wall time, e.g. ``"09:00"``.
    timezone : str
        Zone of the wall time and of the days.
    first_day : int
        First day covered, counted from the day of issue: 1 is tomorrow.
    days : int
        Number of days covered.
    frequency : str or timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Returns
    -------
    Task

    Examples
    --------
    >>> day_ahead("09:00", timezone="Europe/Paris").issue
    datetime.time(9, 0)
    """
    return Task(
        timezone=timezone,
        issue=timestamps.wall_time(issue),
        first_day=first_day,
        days=days,
        frequency=timestamps.duration(frequency),
        quantiles=tuple(quantiles),
    )


def intraday(
    *,
    every: str | timedelta,
    leads: str | timedelta,
    timezone: str = "UTC",
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> Task:
    """A forecast issued every so often for the next hours.

    Parameters
    ----------
    every : str or timedelta
        Time between two issues, e.g. ``"1h"``.
    leads : str or timedelta
        How far a forecast reaches from the first interval that begins at or after its issue.
    timezone : str
        Zone in which strings given as times are read.
    frequency : str or timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Returns
    -------
    Task

    Examples
    --------
    >>> task = intraday(every="1h", leads="12h")
    >>> task.windows(task.issue_times("2024-01-01", "2024-01-01")).valid_time.shape
    (24, 12)
    """
    return Task(
        timezone=timezone,
        every=timestamps.duration(every),
        leads=timestamps.duration(leads),
        frequency=timestamps.duration(frequency),
        quantiles=tuple(quantiles),
    )


def month_ahead(
    issue: str | time = "00:00",
    *,
    timezone: str,
    first_day: int = 0,
    months: int = 1,
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> Task:
    """A forecast issued once a month for whole local calendar months.

    Parameters
    ----------
    issue : str or time
        Wall time.
    timezone : str
        Zone of the wall time and of the months.
    first_day : int
        So many days before the first of the month it is issued: 0 is the first itself.
    months : int
        Number of months covered.
    frequency : str or timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Returns
    -------
    Task

    Raises
    ------
    TimeError
        If it covers no month.

    Examples
    --------
    >>> task = month_ahead(timezone="UTC", first_day=2)
    >>> issued = task.issue_times("2024-02", "2024-03")
    >>> [str(moment.date()) for moment in issued], task.windows(issued).inside.sum(axis=1).tolist()
    (['2024-01-30', '2024-02-28'], [696, 744])
    """
    if months < 1:
        raise TimeError(
            f"The task covers {months} months.", "It covers at least one.", "Use months=1, or day_ahead(...)."
        )
    return Task(
        timezone=timezone,
        issue=timestamps.wall_time(issue),
        first_day=first_day,
        months=months,
        frequency=timestamps.duration(frequency),
        quantiles=tuple(quantiles),
    )
