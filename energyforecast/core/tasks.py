"""Tasks: issue times, hours covered, frequency and quantile levels of forecasts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.core import arguments, timestamps
from energyforecast.core.forecast_windows import Windows, refuse_many_issues
from energyforecast.core.quantiles import PERCENTILES, check_levels
from energyforecast.core.wording import with_few_levels
from energyforecast.errors import TimeError

__all__ = ["DayAhead", "Intraday", "MonthAhead", "Task", "day_ahead", "intraday", "month_ahead"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Task(ABC):
    """Base of all tasks: issue times, hours covered, frequency and quantile levels of forecasts.

    Parameters
    ----------
    timezone : str
        Zone of wall times, local days and of strings given as times.
    frequency : Timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Raises
    ------
    TimeError, RangeError
        If a day holds no whole number of intervals, or a level lies outside (0, 1).

    See Also
    --------
    day_ahead, intraday, month_ahead : Make the three tasks.

    Examples
    --------
    >>> isinstance(day_ahead("08:00", timezone="Asia/Almaty"), Task)
    True
    """

    timezone: str
    frequency: pd.Timedelta = pd.Timedelta("1h")
    quantiles: tuple[float, ...] = PERCENTILES

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
        arguments.check_types(vars(self), of=type(self))
        timestamps.zone(self.timezone)
        object.__setattr__(self, "quantiles", check_levels(self.quantiles))
        if self.frequency < pd.Timedelta("1s") or pd.Timedelta("1D") % self.frequency != pd.Timedelta(0):
            asked = "It must divide a day, and have 1 s or more."
            raise TimeError(f"The frequency is {self.frequency}.", asked, "Use e.g. '1h' or '30min'.")

    __repr__ = with_few_levels

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
        several = [issue_time] if hasattr(issue_time, "keys") or np.ndim(issue_time) == 0 else issue_time
        given = [timestamps.instant(moment, timezone=self.timezone) for moment in several]
        return np.unique(timestamps.to_ns(pd.DatetimeIndex(given)))

    def issue_times(self, start: Any, end: Any) -> pd.DatetimeIndex:
        """Issue times of the forecasts with windows that begin in a period.

        Parameters
        ----------
        start, end : str or moment
            Strings in the task's zone; ``"2015-03"`` means all of it, its end included; a moment as `end` is excluded.

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
            found = f"No time from {first} to {last}."
            raise TimeError(found, "A period must start before it ends.", "Exchange them.")
        return self._issued(first, last)

    def windows(self, issue_times: Any) -> Windows:
        """Hours covered by forecasts issued at these times.

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
        return Windows.between(issued, *self._bounds(issued), frequency=self.frequency)


@dataclass(frozen=True, kw_only=True, repr=False)
class _WholeDays(Task):
    """Task issued at a wall time, for whole local days."""

    _unit: ClassVar[str]
    issue: time
    first_day: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        count = getattr(self, self._unit)
        if count < 1 or self.first_day < 0:
            raise TimeError(
                f"The task covers {count} {self._unit}, with first_day={self.first_day}.",
                f"It must cover one of the {self._unit} or more, none of which begins before its issue.",
                f"Use {self._unit}=1 or more, and first_day=0 or more.",
            )

    @abstractmethod
    def _first_and_after(self, issued: date) -> tuple[date, date]:
        """First day of the window issued on a day, and the day after its last."""

    def _issued(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        days = filter(self._begins, timestamps.days_between(first, last, timezone=self.timezone))
        issued = [day - timedelta(days=self.first_day) for day in days]
        return timestamps.wall_clock(issued, self.issue, timezone=self.timezone)

    def _begins(self, _day: date) -> bool:
        """Whether a window begins on a day."""
        return True

    def _bounds(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        local = pd.DatetimeIndex(issued, tz="UTC").tz_convert(timestamps.zone(self.timezone)).date
        spans = [self._first_and_after(day) for day in local]
        days = [*(first for first, _ in spans), *(after for _, after in spans)]
        midnights = timestamps.to_ns(timestamps.local_midnights(days, timezone=self.timezone))
        return midnights[: len(spans)], midnights[len(spans) :]


@dataclass(frozen=True, kw_only=True, repr=False)
class DayAhead(_WholeDays):
    """Task issued at a wall time every day, for whole local days; its fields are the arguments of :func:`day_ahead`.

    Raises
    ------
    TimeError
        If it covers no day, or one that begins before its issue.

    Examples
    --------
    >>> DayAhead(timezone="Asia/Almaty", issue=time(8)) == day_ahead("08:00", timezone="Asia/Almaty")
    True
    """

    _unit = "days"
    first_day: int = 1
    days: int = 1

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return pd.Timedelta(days=self.first_day + self.days + 1)

    def _first_and_after(self, issued: date) -> tuple[date, date]:
        first = issued + timedelta(days=self.first_day)
        return first, first + timedelta(days=self.days)


@dataclass(frozen=True, kw_only=True, repr=False)
class MonthAhead(_WholeDays):
    """Task issued once a month, for whole local months; its fields are the arguments of :func:`month_ahead`.

    Raises
    ------
    TimeError
        If it covers no month, or one that begins before its issue.

    Examples
    --------
    >>> MonthAhead(timezone="UTC") == month_ahead(timezone="UTC")
    True
    """

    _unit = "months"
    issue: time = time(0)
    months: int = 1

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return pd.Timedelta(days=self.first_day + 32 * (self.months + 1))

    def _begins(self, day: date) -> bool:
        return day.day == 1

    def _first_and_after(self, issued: date) -> tuple[date, date]:
        day = issued + timedelta(days=self.first_day)
        first = timestamps.month_start(day, after=0 if day.day == 1 else 1)
        return first, timestamps.month_start(first, after=self.months)


@dataclass(frozen=True, kw_only=True, repr=False)
class Intraday(Task):
    """Task issued at regular intervals, for the next hours; its fields are the arguments of :func:`intraday`.

    Raises
    ------
    TimeError
        If it is never issued, or does not reach one interval.

    Examples
    --------
    >>> Intraday(every=pd.Timedelta("1h"), leads=pd.Timedelta("12h")) == intraday(every="1h", leads="12h")
    True
    """

    timezone: str = "UTC"
    every: pd.Timedelta
    leads: pd.Timedelta

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < pd.Timedelta("1s") or self.leads < self.frequency:
            raise TimeError(
                f"The task has every={self.every} and leads={self.leads}.",
                f"It must be issued at regular intervals and reach at least one interval of {self.frequency}.",
                "Use e.g. intraday(every='1h', leads='12h').",
            )

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return self.leads + self.frequency

    def _issued(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        begin = timestamps.to_ns([first - self.frequency])
        refuse_many_issues(first, last, self.every)
        early = timestamps.next_on_clock(begin, self.every, timezone=self.timezone)
        issued = pd.date_range(timestamps.to_index(early)[0], last, freq=self.every).as_unit("ns")
        begins = timestamps.to_index(self._bounds(timestamps.to_ns(issued))[0])
        return issued[(begins >= first) & (begins < last)]

    def _bounds(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        start = timestamps.next_on_clock(issued, self.frequency, timezone=self.timezone)
        return start, start + self.leads.to_timedelta64()


def day_ahead(
    issue: str | time,
    *,
    timezone: str,
    first_day: int = 1,
    days: int = 1,
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> DayAhead:
    """Task of a forecast issued at a wall time every day for whole local days.

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

    Examples
    --------
    >>> day_ahead("09:00", timezone="Europe/Paris").issue
    datetime.time(9, 0)
    """
    return DayAhead(
        timezone=timezone,
        issue=timestamps.wall_time(issue),
        first_day=first_day,
        days=days,
        frequency=timestamps.duration(frequency),
        quantiles=quantiles,
    )


def intraday(
    *,
    every: str | timedelta,
    leads: str | timedelta,
    timezone: str = "UTC",
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> Intraday:
    """Task of a forecast issued at regular intervals for the next hours.

    Parameters
    ----------
    every : str or timedelta
        Time between two issues, e.g. ``"1h"``.
    leads : str or timedelta
        Length of the window, from the first interval that begins at or after the issue.
    timezone : str
        Zone of strings given as times, and of the clock on which issues and intervals begin.
    frequency : str or timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Examples
    --------
    >>> task = intraday(every="1h", leads="12h")
    >>> task.windows(task.issue_times("2024-01-01", "2024-01-01")).valid_time.shape
    (24, 12)
    """
    return Intraday(
        timezone=timezone,
        every=timestamps.duration(every),
        leads=timestamps.duration(leads),
        frequency=timestamps.duration(frequency),
        quantiles=quantiles,
    )


def month_ahead(
    issue: str | time = "00:00",
    *,
    timezone: str,
    first_day: int = 0,
    months: int = 1,
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> MonthAhead:
    """Task of a forecast issued once a month for whole local calendar months.

    Parameters
    ----------
    issue : str or time
        Wall time.
    timezone : str
        Zone of the wall time and of the months.
    first_day : int
        Days from the issue to the first of the month: 0 is the first itself.
    months : int
        Number of months covered.
    frequency : str or timedelta
        Length of an interval.
    quantiles : tuple of float
        Levels in (0, 1).

    Examples
    --------
    >>> task = month_ahead(timezone="UTC", first_day=2)
    >>> issued = task.issue_times("2024-02", "2024-03")
    >>> [str(moment.date()) for moment in issued], task.windows(issued).inside.sum(axis=1).tolist()
    (['2024-01-30', '2024-02-28'], [696, 744])
    """
    return MonthAhead(
        timezone=timezone,
        issue=timestamps.wall_time(issue),
        first_day=first_day,
        months=months,
        frequency=timestamps.duration(frequency),
        quantiles=quantiles,
    )
