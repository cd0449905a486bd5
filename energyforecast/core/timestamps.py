"""UTC, intervals, wall-clock schedules and local days: the only module that converts time.

Inside the library time is UTC. Arrays hold ``datetime64[ns]`` without zone, frames hold a
``DatetimeIndex`` in UTC. A local day has 23, 24 or 25 hours, so nothing here ever adds hours to
midnight.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import TimeError

__all__ = [
    "Times",
    "days_between",
    "duration",
    "instant",
    "local_midnights",
    "localise",
    "now",
    "period",
    "to_index",
    "to_ns",
    "wall_clock",
    "wall_time",
    "zone",
]

#: Moments in UTC, in nanoseconds.
Times: TypeAlias = npt.NDArray[np.datetime64]

_FIXED = re.compile(r"^(?:fixed:|UTC)?(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})$")
_PERIODS = (
    (re.compile(r"^\d{4}$"), "Y"),
    (re.compile(r"^\d{4}-\d{2}$"), "M"),
    (re.compile(r"^\d{4}-\d{2}-\d{2}$"), "D"),
)


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """Time zone of a name of the IANA data base, ``"UTC"`` or a fixed offset.

    Parameters
    ----------
    name : str
        E.g. ``"Asia/Almaty"``, ``"UTC"`` or ``"fixed:+06:00"`` (a logger that never changes).

    Raises
    ------
    TimeError
        If there is no such zone.

    Examples
    --------
    >>> zone("fixed:+06:00")
    datetime.timezone(datetime.timedelta(seconds=21600))
    """
    match = _FIXED.match(name)
    if match and int(match["hours"]) < 24 and int(match["minutes"]) < 60:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return timezone(-offset if match["sign"] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeError(
            f"The time zone {name!r} is unknown.",
            "A zone is a name of the IANA data base such as 'Asia/Almaty', or 'fixed:+06:00'.",
            "Correct the name; if it is right, upgrade the package tzdata.",
        ) from error


def duration(value: str | timedelta | np.timedelta64) -> pd.Timedelta:
    """A length of time, from ``"1h"``, ``"90min"``, ``"2D"``, a timedelta or another library's.

    Raises
    ------
    TimeError
        If the value cannot be read as a length of time.

    Examples
    --------
    >>> duration("90min")
    Timedelta('0 days 01:30:00')
    """
    given: object = value
    if isinstance(given, int | float) or (isinstance(given, str) and not re.search("[A-Za-z:]", given)):
        raise _bad_duration(value)  # pandas takes a bare number for nanoseconds
    try:
        result = pd.Timedelta(value)
    except (ValueError, TypeError) as error:
        raise _bad_duration(value) from error
    if result is pd.NaT:
        raise _bad_duration(value)
    return result.as_unit("ns")


def _bad_duration(value: object) -> TimeError:
    return TimeError(
        f"{value!r} is not a length of time.",
        "Lengths of time are written like '1h', '30min' or '2D', or given as a timedelta.",
        "Give the number its unit.",
    )


def to_ns(times: Any) -> Times:
    """Times as an array of ``datetime64[ns]`` in UTC, whatever the unit or container.

    Parameters
    ----------
    times : DatetimeIndex, array of datetime64, or sequence of timestamps
        Zone-aware times are converted; ``datetime64`` arrays have no zone and are taken as UTC.

    Examples
    --------
    >>> to_ns(pd.DatetimeIndex(["2024-03-01 00:00"], tz="Asia/Almaty"))
    array(['2024-02-29T19:00:00.000000000'], dtype='datetime64[ns]')
    """
    if isinstance(times, np.ndarray) and times.dtype.kind == "M":
        return times.astype("datetime64[ns]", copy=False)
    index = pd.DatetimeIndex(times)
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.asarray(index.to_numpy()).astype("datetime64[ns]", copy=False)


def to_index(times: Any) -> pd.DatetimeIndex:
    """Times as a UTC ``DatetimeIndex`` in nanoseconds.

    Examples
    --------
    >>> to_index(np.array(["2024-01-01T00:00"], dtype="datetime64[m]"))[0]
    Timestamp('2024-01-01 00:00:00+0000', tz='UTC')
    """
    return pd.DatetimeIndex(to_ns(times), tz="UTC")


def now() -> pd.Timestamp:
    """The present moment in UTC.

    Returns
    -------
    Timestamp

    Examples
    --------
    >>> str(now().tz)
    'UTC'
    """
    return pd.Timestamp.now(tz="UTC").as_unit("ns")


def instant(value: Any, *, timezone: str = "UTC") -> pd.Timestamp:
    """One moment in UTC.

    Parameters
    ----------
    value : str, datetime, Timestamp or datetime64
        ``"now"``, or a moment. A string or datetime without offset is wall time in `timezone`;
        ``datetime64`` has no zone and is taken as UTC.
    timezone : str
        Zone in which wall time is read.

    Returns
    -------
    Timestamp
        In UTC, nanoseconds.

    Raises
    ------
    TimeError
        If the wall time does not exist there, or exists twice.

    Examples
    --------
    >>> instant("2024-03-01 08:00", timezone="Asia/Almaty")
    Timestamp('2024-03-01 03:00:00+0000', tz='UTC')
    """
    if isinstance(value, str) and value == "now":
        return now()
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value).tz_localize("UTC").as_unit("ns")
    stamp = _timestamp(value)
    if stamp.tzinfo is None:
        stamp = localise(pd.DatetimeIndex([stamp]), timezone=timezone)[0]
    return stamp.tz_convert("UTC").as_unit("ns")


def _timestamp(value: Any) -> pd.Timestamp:
    try:
        stamp = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise _bad_moment(value) from error
    if stamp is pd.NaT:
        raise _bad_moment(value)
    return stamp


def _bad_moment(value: object) -> TimeError:
    return TimeError(
        f"{value!r} is not a moment in time.",
        "Moments are written like '2015-03-15 09:00', optionally with an offset, or 'now'.",
        "Correct the value.",
    )


def localise(times: pd.DatetimeIndex, *, timezone: str) -> pd.DatetimeIndex:
    """Wall-clock times of a zone, in UTC; none is guessed.

    An hour that the clock shows twice is told apart by its order where the index holds both;
    where it holds one of the two, nothing can tell which, and that is an error.

    Parameters
    ----------
    times : DatetimeIndex
        Naive wall-clock times, in the order in which they were written.
    timezone : str
        Zone of the clock.

    Raises
    ------
    TimeError
        If a time does not exist on that clock, or cannot be told from its double.

    Examples
    --------
    >>> wall = pd.DatetimeIndex(["2024-02-29 22:00", "2024-02-29 23:00", "2024-02-29 23:00", "2024-03-01 00:00"])
    >>> localise(wall, timezone="Asia/Almaty").strftime("%d %H:%M").tolist()
    ['29 16:00', '29 17:00', '29 18:00', '29 19:00']
    """
    if times.tz is not None:
        return times.tz_convert("UTC").as_unit("ns")
    place = zone(timezone)
    try:
        local = times.tz_localize(place, ambiguous="infer", nonexistent="raise")
    except _unreadable() as error:
        raise _unreadable_wall_time(times, timezone, error) from error
    return local.tz_convert("UTC").as_unit("ns")


def _unreadable() -> tuple[type[Exception], ...]:
    """What pandas raises for wall times that it cannot place: before version 3, errors of pytz."""
    try:
        from pytz.exceptions import InvalidTimeError
    except ModuleNotFoundError:
        return (ValueError,)
    return (ValueError, InvalidTimeError)


def _unreadable_wall_time(times: pd.DatetimeIndex, timezone: str, error: Exception) -> TimeError:
    place = zone(timezone)
    skipped = times[times.tz_localize(place, ambiguous=True, nonexistent="NaT").isna()]
    if len(skipped):
        return TimeError(
            f"{skipped[0]:%Y-%m-%d %H:%M} does not exist on the clock of {timezone}: it was put forward.",
            "Wall-clock times follow the changes of their zone.",
            "If the clock never changes, give timezone='fixed:+HH:MM' or 'UTC'.",
        )
    first = times.tz_localize(place, ambiguous=True, nonexistent="NaT")
    second = times.tz_localize(place, ambiguous=False, nonexistent="NaT")
    doubled = times[np.asarray(first != second)]
    hour = f"{doubled[0]:%Y-%m-%d %H:%M}" if len(doubled) else str(error)
    return TimeError(
        f"{hour} occurs twice on the clock of {timezone}, and the data holds it only once or out of order.",
        "On the day on which a clock is put back, each of the doubled hours is expected twice, in order.",
        "Write the offset ('2024-02-29 23:00+06:00'), or give timezone='fixed:+HH:MM' if the clock never changes.",
    )


def period(value: Any, *, timezone: str = "UTC") -> tuple[pd.Timestamp, pd.Timestamp]:
    """Beginning and end (exclusive) of what a value names: all of a year, month or day.

    Parameters
    ----------
    value : str or moment
        ``"2015"``, ``"2015-03"`` and ``"2015-03-15"`` mean all of it, in `timezone`; a moment means
        itself.

    Returns
    -------
    start, end : Timestamp
        In UTC; equal for a moment.

    Examples
    --------
    >>> start, end = period("2024-02-29", timezone="Asia/Almaty")
    >>> end - start
    Timedelta('1 days 01:00:00')
    """
    if isinstance(value, str):
        for pattern, unit in _PERIODS:
            if pattern.match(value):
                try:
                    named = pd.Period(value, freq=unit)
                except ValueError as error:
                    raise _bad_moment(value) from error
                days = [named.start_time.date(), (named + 1).start_time.date()]
                start, end = local_midnights(days, timezone=timezone)
                return start, end
    moment = instant(value, timezone=timezone)
    return moment, moment


def wall_time(value: str | time) -> time:
    """A time of day, from ``"09:00"``.

    Raises
    ------
    TimeError
        If it is not a time of day.

    Examples
    --------
    >>> wall_time("09:20")
    datetime.time(9, 20)
    """
    try:
        result = value if isinstance(value, time) else time.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise _bad_wall_time(value) from error
    if result.tzinfo is not None:
        raise _bad_wall_time(value)
    return result


def _bad_wall_time(value: object) -> TimeError:
    return TimeError(
        f"{value!r} is not a time of day.",
        "Times of day are written like '09:00', without an offset.",
        "Correct the value; the zone is given by timezone=...",
    )


def wall_clock(days: Any, at: time, *, timezone: str) -> pd.DatetimeIndex:
    """The moments at which a clock shows a time of day, in UTC.

    A time that the clock shows twice means its first showing; one that it skips means the moment of
    the skip, so that a schedule never loses a day.

    Parameters
    ----------
    days : sequence of date
        Local days.
    at : time
        Time of day.

    Examples
    --------
    >>> days = [date(2024, 2, 29), date(2024, 3, 1)]
    >>> wall_clock(days, time(8), timezone="Asia/Almaty").strftime("%d %H:%M").tolist()
    ['29 02:00', '01 03:00']
    """
    naive = pd.DatetimeIndex([datetime.combine(day, at) for day in days])
    place = zone(timezone)
    first = np.ones(len(naive), dtype=bool)
    # ambiguous=True picks daylight saving; where an offset changed for good, compare both readings.
    early = naive.tz_localize(place, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC")
    late = naive.tz_localize(place, ambiguous=~first, nonexistent="shift_forward").tz_convert("UTC")
    return pd.DatetimeIndex(np.minimum(to_ns(early), to_ns(late)), tz="UTC")


def local_midnights(days: Any, *, timezone: str) -> pd.DatetimeIndex:
    """The beginnings of local days, in UTC.

    Examples
    --------
    >>> local_midnights([date(2024, 2, 29), date(2024, 3, 1)], timezone="Asia/Almaty").strftime("%d %H:%M").tolist()
    ['28 18:00', '29 19:00']
    """
    return wall_clock(days, time(0), timezone=timezone)


def days_between(start: pd.Timestamp, end: pd.Timestamp, *, timezone: str) -> list[date]:
    """Local days that begin in [start, end).

    Examples
    --------
    >>> start, end = period("2015-02", timezone="Europe/Paris")
    >>> len(days_between(start, end, timezone="Europe/Paris"))
    28
    """
    place = zone(timezone)
    first = start.tz_convert(place).date()
    last = end.tz_convert(place).date()
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    midnights = local_midnights(days, timezone=timezone)
    return [day for day, midnight in zip(days, midnights, strict=True) if start <= midnight < end]
