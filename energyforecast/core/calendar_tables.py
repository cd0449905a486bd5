"""Tables of days by country and year, from the package ``holidays``; each is made once."""

from __future__ import annotations

import warnings
from datetime import date
from functools import lru_cache
from typing import Any, Final

import holidays
import numpy as np
import numpy.typing as npt

__all__ = ["countries", "day_classes", "is_islamic", "school_shares"]

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]
Years = tuple[int, int]

#: Days between two listed days without lessons, at most; a list with a longer gap is not complete.
_SCHOOL_GAP: Final = 200


@lru_cache(maxsize=1)
def countries() -> dict[str, list[str]]:
    """Parts of each country."""
    return dict(holidays.list_supported_countries(include_aliases=False))


@lru_cache(maxsize=256)
def is_islamic(country: str) -> bool:
    """Whether holidays of the country follow the Islamic calendar."""
    from holidays.groups.islamic import IslamicHolidays

    return isinstance(holidays.country_holidays(country), IslamicHolidays)


def _span(first: int, last: int) -> list[Any]:
    """Days of the years, and a month before and after: runs of days off end within it."""
    return list(np.arange(f"{first - 1}-12-01", f"{last + 1}-02-01", dtype="datetime64[D]").tolist())


@lru_cache(maxsize=64)
def day_classes(
    country: str,
    subdivision: str | None,
    *,
    years: Years,
    decrees: bool,
    more: tuple[tuple[date | None, date | None], ...] = (),
) -> tuple[npt.NDArray[Any], ...]:
    """A row a field of :class:`energyforecast.core.calendars.Days`, a column a day of the years.

    ``more`` are pairs of a day off and a weekend day that is worked, besides those of the package.
    """
    # The years around give the neighbours of the first and the last day, and days moved across the year.
    around, span = range(years[0] - 1, years[1] + 2), _span(*years)
    known, complete = _holidays(country, subdivision, around, decrees=decrees)
    days_off, worked = {pair[0] for pair in more}, {pair[1] for pair in more}
    holiday = np.array([day in known or day in days_off for day in span])
    estimated = np.array(["estimated" in known.get(day, "") for day in span])
    weekend = np.array([known.is_weekend(day) for day in span])
    worked |= known.weekend_workdays
    compensation = np.array([day in worked for day in span]) & weekend & ~holiday
    off = (weekend | holiday) & ~compensation
    half = _listed(country, subdivision, "half_day", around)
    before, after = np.zeros_like(off), np.zeros_like(off)
    before[:-1] = ~off[:-1] & holiday[1:]
    after[1:] = ~off[1:] & holiday[:-1]
    run_before, run_after = _run(off), _run(off[::-1])[::-1]
    bridge = ~off & (run_before > 0) & (run_after > 0) & ~compensation
    half_day = np.array([day in half for day in span]) & ~holiday
    in_force = np.array([day.year in complete for day in span])
    fields = (holiday, estimated, weekend, compensation, bridge, before, after, half_day)
    return tuple(flags[31:-31] for flags in (*fields, run_before, run_after, in_force))


def _run(off: Flags) -> Counts:
    """Length of the run of days off that ends on the day before."""
    place = np.arange(len(off))
    newest_work = np.maximum.accumulate(np.where(off, -1, place))
    return np.concatenate([[0], place[:-1] - newest_work[:-1]])


def _holidays(country: str, subdivision: str | None, years: range, *, decrees: bool) -> tuple[Any, set[int]]:
    """Public holidays of the years, with or without decrees of one year alone, and the years that are known."""
    # English labels where they exist: only they can be searched for "estimated".
    entity = holidays.country_holidays(country)
    language = "en_US" if "en_US" in entity.supported_languages else None
    known = holidays.country_holidays(country, subdiv=subdivision, language=language)
    known.has_special_holidays = known.has_special_holidays and decrees
    complete = set()
    for year in years:
        # A year is filled as one of its days is asked for; a warning names years without some of the holidays.
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            known.get(date(year, 1, 1))
        if not warned and known.start_year <= year <= known.end_year:
            complete.add(year)
    return known, complete


def _listed(country: str, subdivision: str | None, category: str, years: range) -> Any:
    """Days of a category that few countries have."""
    if category not in holidays.country_holidays(country).supported_categories:
        return {}
    return holidays.country_holidays(country, subdiv=subdivision, categories=category, years=years)


@lru_cache(maxsize=64)
def school_shares(country: str, subdivision: str | None, *, years: Years) -> Shares:
    """Share of the parts with closed schools, a column a day of the years."""
    around = range(years[0] - 1, years[1] + 2)
    span = np.arange(f"{years[0]}-01-01", f"{years[1] + 1}-01-01", dtype="datetime64[D]")
    own = _listed(country, subdivision, "school", around)
    parts = [own] if own else [_listed(country, part, "school", around) for part in countries()[country]]
    closed = np.array([_closed(span, part) for part in parts if part]).reshape(-1, len(span))
    count = np.isfinite(closed).sum(axis=0)
    return np.where(count > 0, np.nansum(closed, axis=0) / np.maximum(count, 1), np.nan)


def _closed(span: npt.NDArray[np.datetime64], listed: Any) -> Shares:
    """1 on listed days, 0 between two of them, and NaN in gaps of the list."""
    days = np.sort(np.array(list(listed), dtype="datetime64[D]"))
    place = np.searchsorted(days, span)
    inside = (place > 0) & (place < len(days))
    gap = (days[np.minimum(place, len(days) - 1)] - days[np.maximum(place - 1, 0)]).astype(int)
    return np.where(np.isin(span, days), 1.0, np.where(inside & (gap <= _SCHOOL_GAP), 0.0, np.nan))
