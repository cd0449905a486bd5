"""Classes of days that are alike, and the newest day of the same class."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.features.calendar import local_times
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["DayClass", "SameTypeLag"]

_WORKING, _BRIDGE, _WEEKEND, _HOLIDAY = 0, 1, 2, 4
_DAY: Final = timestamps.duration("24h")


@dataclass(frozen=True)
class DayClass(Feature):
    """Class of the local day: ``day_class``.

    0 a working day, 1 a bridge day, 2 the first and 3 the second day of the weekend, 4 a holiday.

    See Also
    --------
    DayType, SameTypeLag, energyforecast.core.calendars.look_up

    Notes
    -----
    Working weekends are working days. A site without a country has Saturdays, Sundays and working days alone.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> city = DemandArea(name="city", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ")
    >>> now = example_snapshot(sites=city, start="2024-12-15 18:00", hours=2)  # Sunday 23:00, Independence Day 0:00
    >>> DayClass().compute(now)["day_class"].tolist()
    [[3.0, 4.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``day_class``."""
        return {"day_class": classes_of(now, local_day(now)).astype(np.float64)}


@checked(days=(1, 60))
@dataclass(frozen=True)
class SameTypeLag(Feature):
    """Observation at the same hour of the newest published day of the same class: ``same_type_lag``.

    The classes are those of :class:`DayClass`. A bridge day takes a bridge day or a first day of the weekend, a holiday
    takes a holiday or a second day of the weekend, whichever is newer: days of their own class are seldom recent.

    Parameters
    ----------
    days : int
        Days that are searched. Where none of the class is among them, the newest published week is taken, or else the
        newest published day. [d]

    See Also
    --------
    DayClass, Lag, energyforecast.SameTypeDay

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> lag = SameTypeLag()
    >>> columns = lag.compute(example_snapshot(history=lag.history))  # on every day 11, 11.5, 12 of 60 MW
    >>> columns["same_type_lag"].round(3).tolist()
    [[0.183, 0.192, 0.2]]
    """

    days: int = 28

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The hour of each day before, and of the newest published week."""
        return (*(Past(_DAY * back, _DAY) for back in range(1, self.days + 1)), Past(7 * _DAY, 7 * _DAY))

    def compute(self, now: Snapshot) -> Columns:
        """Column ``same_type_lag``."""
        day = local_day(now)
        first = day.min(axis=1, keepdims=True) - self.days
        span = first + np.arange(int((day - first).max(initial=0).astype(np.int64)) + 1)
        classes, own = classes_of(now, span), classes_of(now, day)
        found = np.full(day.shape, np.nan)
        for back in range(1, self.days + 1):
            away = np.rint((now.lead_time + now.lag_age(f"{24 * back}h", step="24h")) / 24)
            place = (day - first).astype(np.int64) - np.nan_to_num(away, nan=self.days + 1).astype(np.int64)
            then = np.take_along_axis(classes, np.maximum(place, 0), axis=1)
            take = np.isnan(found) & (place >= 0) & _alike(own, then)
            found = np.where(take, now.lag(f"{24 * back}h", step="24h"), found)
        for older in (now.lag("168h", step="168h"), now.lag("24h", step="24h")):
            found = np.where(np.isfinite(found), found, older)
        return {"same_type_lag": found / (now.site.capacity or 1.0)}


def _alike(own: Array, then: Array) -> Array:
    """Whether days may be taken for others."""
    bridge = (own == _BRIDGE) & (then == _WEEKEND)
    return np.asarray((own == then) | bridge | ((own == _HOLIDAY) & (then == _WEEKEND + 1)))


def classes_of(now: Snapshot, day: Array) -> Array:
    """Number of the class of local days, shape (origins, days), by the calendar as known at each issue."""
    usual = _weekday_class(now, day)
    types = calendar_of(now, day)
    if types is None:
        return usual
    special = [types.holiday, types.compensation, types.bridge]
    return np.asarray(np.select(special, [_HOLIDAY, _WORKING, _BRIDGE], usual))


def _weekday_class(now: Snapshot, day: Array) -> Array:
    """Class of days by their weekday alone."""
    place = {name: getattr(now.site, name, None) for name in ("country", "subdivision")}
    weekend = calendars.weekend(day, **place)
    second = weekend & calendars.weekend(day - 1, **place)
    return np.asarray(np.where(weekend, _WEEKEND + second, _WORKING))


def usual_days(now: Snapshot, past: Array) -> Array:
    """Values one day, two days, ... before each interval, where holidays give way to the same weekday a week before.

    So do all days whose class is not that of their weekday: bridge days and working weekends, too. The oldest give way
    to a week after, and one without an ordinary week at hand is missing.
    """
    day, count = local_day(now), len(past)
    first = day.min(axis=1, keepdims=True) - count
    span = first + np.arange(int((day - first).max(initial=0).astype(np.int64)) + 1)
    unusual = classes_of(now, span) != _weekday_class(now, span)
    if not unusual.any():
        return past
    place, usual = (day - first).astype(np.int64), past.copy()
    odd = np.stack([np.take_along_axis(unusual, place - back, axis=1) for back in range(1, count + 1)])
    before = ((k, k + 7) for k in range(count - 8, -1, -1))  # from the oldest on: what takes a place is usual
    after = ((k, k - 7) for k in range(7, count))
    for k, other in (*before, *after):
        take = odd[k] & ~odd[other]
        usual[k], odd[k] = np.where(take, usual[other], usual[k]), odd[k] & ~take
    return np.where(odd, np.nan, usual)


def local_day(now: Snapshot) -> Array:
    """Local day of each interval, shape (origins, steps)."""
    local = local_times(now).tz_localize(None)
    return np.asarray(local.to_numpy().astype("datetime64[D]").reshape(now.valid_time.shape))


def calendar_of(now: Snapshot, day: Array, *, decrees: bool = True) -> calendars.Days | None:
    """Classes of local days of the site's country, with its decrees that were known at each issue."""
    country = getattr(now.site, "country", None)
    if country is None:
        return None
    place: dict[str, Any] = {
        "country": country,
        "subdivision": getattr(now.site, "subdivision", None),
        "decrees": decrees,
    }
    zone = now.site.timezone
    decreed = sorted(getattr(now.site, "decrees", ()), key=lambda decree: decree.known_from(timezone=zone))
    published = timestamps.to_ns([decree.known_from(timezone=zone) for decree in decreed])
    known = np.searchsorted(published, now.windows.issue_time, side="right")
    parts = {
        count: calendars.look_up(day[known == count], more_decrees=decreed[:count], **place)
        for count in (np.unique(known) if known.size else [0])
    }
    return calendars.Days(*(_joined(parts, known, item.name) for item in fields(calendars.Days)))


def _joined(parts: dict[int, calendars.Days], known: Array, name: str) -> Array:
    """One field of the classes, of the issues in their order."""
    some = getattr(next(iter(parts.values())), name)
    whole = np.empty((len(known), *some.shape[1:]), dtype=some.dtype)
    for count, days in parts.items():
        whole[known == count] = getattr(days, name)
    return whole
