"""Tasks: when a forecast is issued, which hours it covers, which quantiles it gives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, time, timedelta

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.task_base import PERCENTILES, Task, Windows
from energyforecast.errors import TimeError

__all__ = [
    "PERCENTILES",
    "DayAhead",
    "Intraday",
    "MonthAhead",
    "Task",
    "Windows",
    "day_ahead",
    "intraday",
    "month_ahead",
]


class _WholeDays(Task):
    """Task issued at a wall time, for whole local days."""

    issue: time
    first_day: int

    @abstractmethod
    def _days(self, first: pd.Timestamp, last: pd.Timestamp) -> list[date]:
        """First days of the windows that begin in a period."""

    @abstractmethod
    def _first_and_after(self, issued: date) -> tuple[date, date]:
        """First day of the window issued on a day, and the day after its last."""

    def _issued(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        days = [day - timedelta(days=self.first_day) for day in self._days(first, last)]
        return timestamps.wall_clock(days, self.issue, timezone=self.timezone)

    def _bounds(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        local = pd.DatetimeIndex(issued, tz="UTC").tz_convert(timestamps.zone(self.timezone)).date
        spans = [self._first_and_after(day) for day in local]
        days = [*(first for first, _ in spans), *(after for _, after in spans)]
        midnights = timestamps.to_ns(timestamps.local_midnights(days, timezone=self.timezone))
        return midnights[: len(spans)], midnights[len(spans) :]


@dataclass(frozen=True, kw_only=True)
class DayAhead(_WholeDays):
    """Task issued at a wall time every day, for whole local days. Made by :func:`day_ahead`.

    Parameters
    ----------
    timezone : str
    issue : time
        Wall time.
    first_day, days : int
        First local day covered, counted from the day of issue, and number of days.
    frequency : Timedelta
    quantiles : tuple of float

    Raises
    ------
    TimeError
        If it covers no day, or one before its issue.

    Examples
    --------
    >>> task = DayAhead(timezone="Asia/Almaty", issue=time(8), quantiles=(0.1, 0.5, 0.9))
    >>> task == day_ahead("08:00", timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9))
    True
    """

    timezone: str
    issue: time
    first_day: int = 1
    days: int = 1
    frequency: pd.Timedelta = pd.Timedelta("1h")
    quantiles: tuple[float, ...] = PERCENTILES

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.days < 1 or self.first_day < 0:
            raise TimeError(
                f"The task covers {self.days} days from day {self.first_day} on.",
                "It covers at least one day, from the day of issue (0) on.",
                "Use first_day=1, days=1 for the next day.",
            )

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return pd.Timedelta(days=self.first_day + self.days + 1)

    def _days(self, first: pd.Timestamp, last: pd.Timestamp) -> list[date]:
        return timestamps.days_between(first, last, timezone=self.timezone)

    def _first_and_after(self, issued: date) -> tuple[date, date]:
        first = issued + timedelta(days=self.first_day)
        return first, first + timedelta(days=self.days)


@dataclass(frozen=True, kw_only=True)
class MonthAhead(_WholeDays):
    """Task issued once a month, for whole local calendar months. Made by :func:`month_ahead`.

    Parameters
    ----------
    timezone : str
    issue : time
        Wall time.
    first_day : int
        Days before the first of the month at which it is issued.
    months : int
        Number of months covered.
    frequency : Timedelta
    quantiles : tuple of float

    Raises
    ------
    TimeError
        If it covers no month, or one that began before its issue.

    Examples
    --------
    >>> MonthAhead(timezone="UTC") == month_ahead(timezone="UTC")
    True
    """

    timezone: str
    issue: time = time(0)
    first_day: int = 0
    months: int = 1
    frequency: pd.Timedelta = pd.Timedelta("1h")
    quantiles: tuple[float, ...] = PERCENTILES

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.months < 1 or self.first_day < 0:
            raise TimeError(
                f"The task covers {self.months} months, issued {self.first_day} days before.",
                "It covers at least one month that begins on the day of issue (0) or later.",
                "Use months=1, first_day=0, or day_ahead(...).",
            )

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return pd.Timedelta(days=self.first_day + 32 * (self.months + 1))

    def _days(self, first: pd.Timestamp, last: pd.Timestamp) -> list[date]:
        return [day for day in timestamps.days_between(first, last, timezone=self.timezone) if day.day == 1]

    def _first_and_after(self, issued: date) -> tuple[date, date]:
        day = issued + timedelta(days=self.first_day)
        first = _month_from(day, 0 if day.day == 1 else 1)
        return first, _month_from(first, self.months)


@dataclass(frozen=True, kw_only=True)
class Intraday(Task):
    """Task issued every so often, for the next hours. Made by :func:`intraday`.

    Parameters
    ----------
    every : Timedelta
        Time between two issues.
    leads : Timedelta
        Length of the window, from the first interval that begins at or after the issue.
    timezone : str
    frequency : Timedelta
    quantiles : tuple of float

    Raises
    ------
    TimeError
        If it is never issued, or does not reach one interval.

    Examples
    --------
    >>> Intraday(every=pd.Timedelta("1h"), leads=pd.Timedelta("12h")) == intraday(every="1h", leads="12h")
    True
    """

    every: pd.Timedelta
    leads: pd.Timedelta
    timezone: str = "UTC"
    frequency: pd.Timedelta = pd.Timedelta("1h")
    quantiles: tuple[float, ...] = PERCENTILES

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every <= pd.Timedelta(0) or self.leads < self.frequency:
            raise TimeError(
                f"The task has every={self.every} and leads={self.leads}.",
                f"It is issued every so often and reaches at least one interval of {self.frequency}.",
                "Use e.g. intraday(every='1h', leads='12h').",
            )

    @property
    def reach(self) -> pd.Timedelta:
        """Upper bound of the time from an issue to the end of its window."""
        return self.leads + self.frequency

    def _issued(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        early = (first - self.frequency).ceil(self.every)
        issued = pd.date_range(early, last, freq=self.every).as_unit("ns")
        begins = issued.ceil(self.frequency)
        return issued[(begins >= first) & (begins < last)]

    def _bounds(self, issued: timestamps.Times) -> tuple[timestamps.Times, timestamps.Times]:
        start = timestamps.to_ns(pd.DatetimeIndex(issued).ceil(self.frequency))
        return start, start + self.leads.to_timedelta64()


def _month_from(day: date, count: int) -> date:
    """First day of the month so many months after the month of a day."""
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
) -> DayAhead:
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
    DayAhead

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
        quantiles=tuple(quantiles),
    )


def intraday(
    *,
    every: str | timedelta,
    leads: str | timedelta,
    timezone: str = "UTC",
    frequency: str | timedelta = "1h",
    quantiles: tuple[float, ...] = PERCENTILES,
) -> Intraday:
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
    Intraday

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
) -> MonthAhead:
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
    MonthAhead

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
    return MonthAhead(
        timezone=timezone,
        issue=timestamps.wall_time(issue),
        first_day=first_day,
        months=months,
        frequency=timestamps.duration(frequency),
        quantiles=tuple(quantiles),
    )
