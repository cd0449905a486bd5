"""Calendars of all countries from 2000 to 2030 against the package holidays, asked day by day."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core import calendars
from tests.support.oracles import Pair, compared, peer

holidays = peer("holidays")

DAYS = np.arange("2000-01-01", "2031-01-01", dtype="datetime64[D]")
#: The years around, from which days are moved.
YEARS = range(1999, 2032)


def places(rng: np.random.Generator, draws: int) -> Iterator[tuple[str, str | None]]:
    """As many countries as drawn, each whole and with one of its parts; of all, where more are drawn."""
    known = holidays.list_supported_countries(include_aliases=False)
    for country in rng.permutation(sorted(known))[:draws]:
        yield str(country), None
        if known[country]:
            yield str(country), str(rng.choice(known[country]))


def package(country: str, part: str | None, **more: Any) -> Any:
    """Calendar of the package."""
    with warnings.catch_warnings():
        # Holidays of India are not all known before 2001.
        warnings.filterwarnings("ignore", "Requested Holidays are available only", UserWarning)
        return holidays.country_holidays(country, subdiv=part, years=YEARS, **more)


def flags(test: Any, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.bool_]:
    """Answer for each day."""
    return np.array([bool(test(day)) for day in days.tolist()])


@compared(
    "Public holidays",
    area="calendars",
    ours="calendars.look_up",
    theirs="country_holidays",
    peer="holidays",
    tolerance=0,
    suite=8,
    benchmark=250,
)
def test_public_holidays(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for country, part in places(rng, draws):
        known = package(country, part)
        ours = calendars.look_up(DAYS, country=country, subdivision=part).holiday
        yield ours, flags(known.__contains__, DAYS)


@compared(
    "Working days",
    area="calendars",
    ours="calendars.look_up",
    theirs="HolidayBase.is_working_day",
    peer="holidays",
    tolerance=0,
    convention="a day that is a public holiday and a decreed working weekend at once is a day off",
    suite=8,
    benchmark=250,
)
def test_working_days(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for country, part in places(rng, draws):
        known = package(country, part)
        some = calendars.look_up(DAYS, country=country, subdivision=part)
        both = flags(lambda day, known=known: day in known and day in known.weekend_workdays, DAYS)
        yield some.working[~both], flags(known.is_working_day, DAYS)[~both]
        yield some.weekend, flags(known.is_weekend, DAYS)


@compared(
    "Runs of days off before and after",
    area="calendars",
    ours="calendars.look_up",
    theirs="HolidayBase.get_nth_working_day",
    peer="holidays",
    tolerance=0,
    convention="the package counts to the next working day, we count the days between",
    suite=3,
    benchmark=250,
)
def test_runs_of_days_off(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for country, part in places(rng, draws):
        known = package(country, part)
        chosen = rng.choice(DAYS, size=300, replace=False)
        some = calendars.look_up(chosen, country=country, subdivision=part)
        for ours, way in ((some.days_off_before, -1), (some.days_off_after, 1)):
            theirs = [abs((known.get_nth_working_day(day, way) - day).days) - 1 for day in chosen.tolist()]
            yield ours, theirs


@compared(
    "Half days",
    area="calendars",
    ours="calendars.look_up",
    theirs="country_holidays, category half_day",
    peer="holidays",
    tolerance=0,
    convention="a half day on a public holiday is a holiday",
    suite=3,
    benchmark=20,
)
def test_half_days(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    codes = sorted(holidays.list_supported_countries(include_aliases=False))
    with_half_days = [
        code for code in codes if "half_day" in holidays.country_holidays(code).supported_categories
    ]
    for country in rng.permutation(with_half_days)[:draws]:
        listed, public = package(country, None, categories="half_day"), package(country, None)
        theirs = flags(lambda day, a=listed, b=public: day in a and day not in b, DAYS)
        yield calendars.look_up(DAYS, country=str(country)).half_day, theirs


@compared(
    "School holidays",
    area="calendars",
    ours="calendars.school_holidays",
    theirs="country_holidays, category school",
    peer="holidays",
    tolerance=0,
    convention="days outside the lists are missing with us",
    suite=4,
    benchmark=60,
)
def test_school_holidays(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    parts = [("FR", f"Zone {zone}") for zone in "ABC"]
    parts += [
        (code, part)
        for code in ("AU", "AT", "BE", "DE", "NL", "PL")
        for part in holidays.country_holidays(code).subdivisions
    ]
    for country, part in rng.permutation(parts)[:draws].tolist():
        listed = package(country, part, categories="school")
        ours = calendars.school_holidays(DAYS, country=country, subdivision=part)
        first, last = np.datetime64(min(listed)), np.datetime64(max(listed))
        inside = (first <= DAYS) & (last >= DAYS)
        yield ours[inside], flags(listed.__contains__, DAYS[inside])


@compared(
    "First day of Ramadan, from 2000 to 2030, as a day since 1970",
    area="calendars",
    ours="calendars.ramadan",
    theirs="calendars.islamic._IslamicLunar",
    peer="holidays",
    tolerance=1.1e-4,  # a day
    convention="ours is the arithmetical calendar, within a day of the month that begins when the moon is seen",
    suite=1,
    benchmark=1,
)
def test_first_day_of_ramadan(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    from holidays.calendars.islamic import _IslamicLunar

    fasting = calendars.ramadan(DAYS)
    ours = DAYS[1:][fasting[1:] & ~fasting[:-1]]
    almanac = _IslamicLunar()
    theirs = {day for year in range(2000, 2031) for day, _ in almanac.ramadan_beginning_dates(year)}
    first = date(1970, 1, 1)
    yield ours.astype(int), [(day - first).days for day in sorted(theirs) if 2000 <= day.year <= 2030]
