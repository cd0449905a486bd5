"""Conversion of time: UTC, intervals, wall-clock schedules and local days.

Inside the library time is UTC. Arrays hold ``datetime64[ns]`` without zone, frames hold a
``DatetimeIndex`` in UTC. A local day has 23, 24 or 25 hours: no function adds hours to
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
    "instants",
    "label_slice",
    "local_hours",
    "local_midnights",
    "localise",
    "month_start",
    "next_on_clock",
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
    (re.compile(r"\d{4}", re.ASCII), "Y"),
    (re.compile(r"\d{4}-\d{2}", re.ASCII), "M"),
    (re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII), "D"),
)
_OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?)?"
#: Year, month, day and moment of ISO 8601, the last two also in the basic form: 20240205T0900.
_ISO = re.compile(
    rf"\d{{4}}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d([.,]\d{{1,9}})?)?)?{_OFFSET})?)?)?"
    rf"|\d{{8}}(T\d\d(\d\d(\d\d([.,]\d{{1,9}})?)?)?{_OFFSET})?",
    re.ASCII,
)
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)", re.ASCII)
_LOOSE = re.compile(r"(\d{4})[./-](\d{1,2})(?:[./-](\d{1,2}))?(?!\d)", re.ASCII)


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """Time zone by its IANA name, ``"UTC"``, or a fixed offset as of a logger: ``"fixed:+06:00"``."""
    match = _FIXED.match(name)
    if match and int(match["hours"]) < 24 and int(match["minutes"]) < 60:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return timezone(-offset if match["sign"] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeError(
            f"The time zone {name!r} is unknown.",
            "A zone must be a name of the IANA data base such as 'Asia/Almaty', or 'fixed:+06:00'.",
            "Correct the name; if it is right, upgrade the package tzdata.",
        ) from error


def local_hours(moments: Times, timezone: str) -> npt.NDArray[np.float64]:
    """Hour of the local day at moments in UTC. [h]"""
    local = pd.DatetimeIndex(moments, tz="UTC").tz_convert(zone(timezone))
    return np.asarray(local.hour + local.minute / 60, dtype=float)


def on_clock(moments: Times, timezone: str) -> Times:
    """Readings of a local clock at moments in UTC, without a zone; some hours are repeated, others left out."""
    unique, place = np.unique(moments, return_inverse=True)
    local = pd.DatetimeIndex(unique, tz="UTC").tz_convert(zone(timezone)).tz_localize(None)
    return np.asarray(local.to_numpy().astype("datetime64[ns]", copy=False)[place].reshape(np.shape(moments)))


def duration(value: str | timedelta | np.timedelta64) -> pd.Timedelta:
    """Length of time from ``"1h"``, ``"90min"``, ``"2D"`` or any library's timedelta; bare numbers are refused."""
    given: object = value
    number = isinstance(given, int | float | np.number) and not isinstance(given, np.timedelta64)
    if number or (isinstance(given, str) and not re.search("[A-Za-z:]", given)):
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
        "Lengths of time must be written like '1h', '30min' or '2D', or given as a timedelta.",
        "Give the number its unit.",
    )


def to_ns(times: Any) -> Times:
    """Times as ``datetime64[ns]`` in UTC; arrays of ``datetime64`` have no zone and are taken as UTC."""
    if isinstance(times, np.ndarray) and times.dtype.kind == "M":
        return times.astype("datetime64[ns]", copy=False)
    kind = getattr(times, "dtype", None)
    if not isinstance(kind, pd.DatetimeTZDtype) and getattr(kind, "kind", None) != "M":
        return instants(times)
    index = pd.DatetimeIndex(times)
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    return np.asarray(index.to_numpy()).astype("datetime64[ns]", copy=False)


def to_index(times: Any) -> pd.DatetimeIndex:
    """Times as a ``DatetimeIndex`` in UTC, in nanoseconds."""
    return pd.DatetimeIndex(to_ns(times), tz="UTC")


def now() -> pd.Timestamp:
    """The present moment in UTC."""
    return pd.Timestamp.now(tz="UTC").as_unit("ns")


def instant(value: Any, *, timezone: str = "UTC") -> pd.Timestamp:
    """One moment in UTC from ``"now"``, ISO 8601 text, a datetime (in `timezone` unless it has an offset)."""
    if isinstance(value, str) and value == "now":
        return now()
    stamp = _timestamp(value)
    if stamp.tzinfo is None:
        clock = "UTC" if isinstance(value, np.datetime64) else timezone
        stamp = localise(pd.DatetimeIndex([stamp]), timezone=clock)[0]
    return stamp.tz_convert("UTC").as_unit("ns")


def instants(value: Any) -> Times:
    """Moments in UTC, in the shape given; NaT stays."""
    kind = getattr(value, "dtype", None)
    if isinstance(kind, pd.DatetimeTZDtype):
        return to_ns(value)
    if getattr(kind, "kind", None) == "M":
        return to_ns(np.asarray(value))
    if hasattr(value, "keys"):  # a Dataset or a table
        raise _bad_moment(value)
    several = np.asarray(value, dtype=object)
    flat = [pd.NaT if _is_nat(moment) else instant(moment) for moment in several.ravel()]
    return to_ns(pd.DatetimeIndex(flat)).reshape(several.shape)


def _is_nat(value: object) -> bool:
    return value is pd.NaT or (isinstance(value, np.datetime64) and bool(np.isnat(value)))


def _timestamp(value: Any) -> pd.Timestamp:
    """ISO 8601 text, a date or a datetime as pandas holds it; all else is refused, as pandas would guess."""
    read = _readable(value)
    if read is None:
        raise _bad_moment(value)
    return read


def _bad_moment(value: object) -> TimeError:
    return TimeError(
        f"{value!r} is not a moment in time.",
        "Moments must be ISO 8601 text like '2015-03-15 09:00', optionally with an offset, a datetime, or 'now'.",
        _remedy(value),
    )


def _readable(value: Any) -> pd.Timestamp | None:
    if isinstance(value, str):
        value = value.replace(",", ".") if _ISO.fullmatch(value) else None
    if not isinstance(value, str | date | np.datetime64):
        return None
    try:
        stamp = pd.Timestamp(value)
        return None if stamp is pd.NaT else stamp.as_unit("ns")
    except (ValueError, TypeError):
        return None


def _remedy(value: object) -> str:
    """The right spelling of a moment; two of them where the order of day and month is open."""
    if not isinstance(value, str):
        return "Give text or a datetime; a number can be converted by pandas.to_datetime(..., unit='s', utc=True)."
    if found := _LOOSE.match(value):
        days = ["-".join(part.zfill(2) for part in found.groups() if part)]
    elif found := _DAY_FIRST.match(value):
        one, other, year = found[1].zfill(2), found[2].zfill(2), found[3]
        days = list(dict.fromkeys([f"{year}-{other}-{one}", f"{year}-{one}-{other}"]))
    else:
        return "Write year, month and day in this order, with hyphens, and a time of day after them if there is one."
    rest = re.sub(r"^([T ])(\d:)", r"\g<1>0\2", value[found.end() :])
    written = [repr(day + rest) for day in days if _readable(day + rest) is not None]
    if not written:
        return "Correct the date or the time of day (00:00 to 23:59); there is no such moment, or it is not ISO 8601."
    return f"Write {' or '.join(written)}; stamps of a table have time_format='%d.%m.%Y %H:%M' or their own form."


def next_on_clock(times: Times, step: pd.Timedelta, *, timezone: str) -> Times:
    """First multiple of a step at or after each moment; hours of India begin at half past the hour UTC."""
    wall = to_index(times).tz_convert(zone(timezone)).tz_localize(None)
    ahead = (to_ns(wall) - times) % np.timedelta64(1, "h")
    return np.asarray(to_ns(pd.DatetimeIndex(times + ahead).ceil(step)) - ahead)


def localise(times: pd.DatetimeIndex, *, timezone: str) -> pd.DatetimeIndex:
    """Wall-clock times of a zone in UTC: doubled hours are resolved by their order, others are refused."""
    if times.tz is not None:
        return times.tz_convert("UTC").as_unit("ns")
    place = zone(timezone)
    try:
        local = times.tz_localize(place, ambiguous="infer", nonexistent="raise")
    except _unreadable() as error:
        raise _unreadable_wall_time(times, timezone, error) from error
    return local.tz_convert("UTC").as_unit("ns")


def _unreadable() -> tuple[type[Exception], ...]:
    """Errors of pandas for wall times that do not exist or are ambiguous: before version 3, those of pytz."""
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
            "Wall-clock times must follow the changes of their zone.",
            "If the clock never changes, give timezone='fixed:+HH:MM' or 'UTC'.",
        )
    first = times.tz_localize(place, ambiguous=True, nonexistent="NaT")
    second = times.tz_localize(place, ambiguous=False, nonexistent="NaT")
    doubled = times[np.asarray(first != second)]
    hour = f"{doubled[0]:%Y-%m-%d %H:%M}" if len(doubled) else str(error)
    return TimeError(
        f"{hour} occurs twice on the clock of {timezone}, and the data holds it only once or out of order.",
        "On the day on which a clock is put back, each of the doubled hours must occur twice, in order.",
        "Write the offset ('2024-02-29 23:00+06:00'), or give timezone='fixed:+HH:MM' if the clock never changes.",
    )


def period(value: Any, *, timezone: str = "UTC") -> tuple[pd.Timestamp, pd.Timestamp]:
    """Beginning and end (exclusive) of a year, month or day given as text, or of a date; a moment is both."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        for pattern, unit in _PERIODS:
            if pattern.fullmatch(value):
                first = _timestamp(value)
                days = [first.date(), _timestamp((first.to_period(unit) + 1).start_time.date()).date()]
                start, end = local_midnights(days, timezone=timezone)
                return start, end
    moment = instant(value, timezone=timezone)
    return moment, moment


def label_slice(key: slice) -> slice:
    """Bounds, both included, of a label slice in UTC: a year, month or day given as text means all of it."""
    start = None if key.start is None else period(key.start)[0]
    if key.stop is None:
        return slice(start, None, key.step)
    begin, end = period(key.stop)
    return slice(start, max(begin, end - pd.Timedelta(1, "ns")), key.step)


def wall_time(value: str | time) -> time:
    """Time of day from ``"09:00"``."""
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
        "Times of day must be written like '09:00', without an offset.",
        "Correct the value; the zone is given by timezone=...",
    )


def wall_clock(days: Any, at: time, *, timezone: str) -> pd.DatetimeIndex:
    """Moments in UTC at which a clock shows a time of day: the first if it does so twice, the skip if it never does."""
    naive = pd.DatetimeIndex([datetime.combine(day, at) for day in days])
    place = zone(timezone)
    first = np.ones(len(naive), dtype=bool)
    # ambiguous=True picks daylight saving; where an offset changed for good, compare both readings.
    early = naive.tz_localize(place, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC")
    late = naive.tz_localize(place, ambiguous=~first, nonexistent="shift_forward").tz_convert("UTC")
    return pd.DatetimeIndex(np.minimum(to_ns(early), to_ns(late)), tz="UTC")


def local_midnights(days: Any, *, timezone: str) -> pd.DatetimeIndex:
    """Beginnings of local days, in UTC."""
    return wall_clock(days, time(0), timezone=timezone)


def days_between(start: pd.Timestamp, end: pd.Timestamp, *, timezone: str) -> list[date]:
    """Local days that begin in [start, end)."""
    place = zone(timezone)
    first = start.tz_convert(place).date()
    last = end.tz_convert(place).date()
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    midnights = local_midnights(days, timezone=timezone)
    return [day for day, midnight in zip(days, midnights, strict=True) if start <= midnight < end]


def month_start(day: date, *, after: int) -> date:
    """First day of the month that lies so many months after that of a day."""
    years, month = divmod(day.month - 1 + after, 12)
    return date(day.year + years, month + 1, 1)
