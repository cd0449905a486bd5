"""Calendars: days that decrees, newspapers and almanacs tell, and what must follow from them."""

from __future__ import annotations

from datetime import date

import holidays
import numpy as np
import pytest
from holidays.calendars.islamic import _IslamicLunar

from energyforecast.core import calendars
from energyforecast.errors import SchemaError

CENTRAL_ASIA = ["KZ", "UZ", "KG", "TJ", "TM"]


def _days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def _year(year: int) -> np.ndarray:
    return np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("KZ", "2025-01-03"),  # moved from Sunday, 5 January
        ("KZ", "2025-03-24"),  # Nauryz on a weekend
        ("KZ", "2025-03-25"),
        ("KZ", "2026-03-24"),
        ("KZ", "2026-03-25"),
        ("UZ", "2026-05-28"),  # by decree
        ("UZ", "2026-05-29"),
        ("UZ", "2026-08-31"),
        ("UZ", "2026-12-31"),
        ("KG", "2025-05-02"),
        ("KG", "2025-05-06"),
        ("KG", "2025-05-08"),
        ("TJ", "2025-06-27"),
        ("TM", "2025-12-12"),
    ],
)
def test_days_off(country: str, day: str) -> None:
    some = calendars.look_up(_days(day), country=country)
    assert some.holiday.all()
    assert not some.working.any()


def test_kazakhstan_of_2026_follows_its_new_constitution() -> None:
    some = calendars.look_up(_days("2025-08-30", "2026-08-30", "2026-08-31"), country="KZ")
    assert some.holiday.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("country", "day", "off"),
    [
        ("KZ", "2025-01-05", "2025-01-03"),  # Sunday
        ("UZ", "2025-01-04", "2025-01-02"),  # Saturday
        ("UZ", "2026-12-12", "2026-12-31"),
        ("KG", "2025-01-11", "2025-01-02"),
        ("KG", "2007-12-29", "2008-01-02"),  # moved across the year's end
    ],
)
def test_working_weekends_are_read_from_what_was_moved(country: str, day: str, off: str) -> None:
    some = calendars.look_up(_days(day, off), country=country)
    assert some.compensation.tolist() == [True, False]
    assert some.weekend.tolist()[0]
    assert some.working.tolist() == [True, False]
    # And the same, if each is asked for alone.
    assert calendars.look_up(_days(day), country=country).compensation.all()


def test_kyrgyz_working_holidays_are_ordinary_days() -> None:
    some = calendars.look_up(_days("2025-04-07", "2025-11-08"), country="KG")  # Monday, Saturday
    assert some.working.tolist() == [True, False]
    assert not some.compensation.any()


def test_bridge_days_have_days_off_on_both_sides() -> None:
    # Kazakhstan 2025: Victory Day is Friday, 9 May, and Defender's Day Wednesday, 7 May.
    some = calendars.look_up(_days("2025-05-06", "2025-05-08", "2025-05-12"), country="KZ")
    assert some.bridge.tolist() == [False, True, False]
    assert some.before_holiday.tolist() == [True, True, False]
    # France 2025: Ascension is Thursday, 29 May.
    some = calendars.look_up(_days("2025-05-28", "2025-05-30"), country="FR")
    assert some.bridge.tolist() == [False, True]
    assert some.before_holiday.tolist() == [True, False]
    assert some.after_holiday.tolist() == [False, True]


def test_a_bridge_across_the_years_end_is_seen() -> None:
    # 1 January 2019 was a Tuesday: Monday, 31 December 2018 lay between it and the weekend.
    assert calendars.look_up(_days("2018-12-31"), country="FR").bridge.all()


@pytest.mark.parametrize("country", [*CENTRAL_ASIA, "AU", "FR", "DE", "IL"])
def test_classes_exclude_each_other(country: str) -> None:
    some = calendars.look_up(_year(2025), country=country)
    assert not (some.holiday & some.working).any()
    assert not (some.estimated & ~some.holiday).any()
    assert not (some.compensation & (~some.weekend | some.holiday)).any()
    for flags in (some.bridge, some.before_holiday, some.after_holiday):
        assert not (flags & ~some.working).any()
    assert some.holiday.sum() >= 5


@pytest.mark.parametrize("country", CENTRAL_ASIA)
def test_holidays_are_those_of_the_package(country: str) -> None:
    oracle = holidays.country_holidays(country, years=range(2020, 2027))
    days = np.arange("2020-01-01", "2027-01-01", dtype="datetime64[D]")
    some = calendars.look_up(days, country=country)
    assert set(days[some.holiday].tolist()) == {day for day in oracle if day.year < 2027}
    working = [oracle.is_working_day(day) for day in days.tolist()]
    assert some.working.tolist() == working


def test_an_eid_to_come_is_estimated_and_a_past_one_is_not() -> None:
    some = calendars.look_up(_days("2025-06-06", "2028-05-05"), country="KZ")
    assert some.holiday.tolist() == [True, True]
    assert some.estimated.tolist() == [False, True]


def test_only_labels_of_countries_without_english_hide_that_they_are_estimated() -> None:
    # The flag is read from English labels; where a country has none, its label must hold the word itself.
    for country in (*CENTRAL_ASIA, "TR", "AE", "SA", "EG", "PK", "ID", "MY"):
        assert "en_US" in holidays.country_holidays(country).supported_languages


def test_subdivisions_have_holidays_of_their_own() -> None:
    cup = _days("2013-11-05")  # Melbourne Cup
    assert calendars.look_up(cup, country="AU", subdivision="VIC").holiday.all()
    assert not calendars.look_up(cup, country="AU").holiday.any()


def test_arrays_keep_their_shape_and_order() -> None:
    days = _days("2025-01-01", "2024-12-31", "2025-01-01", "2023-07-04").reshape(2, 2)
    assert calendars.look_up(days, country="KZ").holiday.tolist() == [[True, False], [True, False]]
    assert calendars.look_up(days[:0], country="KZ").holiday.shape == (0, 2)


@pytest.mark.parametrize(
    ("country", "part", "named"), [("XX", None, "'XX'"), ("kz", None, "'kz'"), ("AU", "ZZ", "'ZZ'")]
)
def test_unknown_places_are_refused(country: str, part: str | None, named: str) -> None:
    with pytest.raises(SchemaError) as caught:
        calendars.look_up(_days("2025-01-01"), country=country, subdivision=part)
    assert named in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


# --- Ramadan --------------------------------------------------------------------------------------


def test_ramadan_of_2025() -> None:
    # 1 to 29 March; some countries began a day later.
    days = np.arange("2025-02-01", "2025-05-01", dtype="datetime64[D]")
    fasting = days[calendars.ramadan(days)]
    assert abs((fasting[0] - np.datetime64("2025-03-01")).astype(int)) <= 1
    assert abs((fasting[-1] - np.datetime64("2025-03-29")).astype(int)) <= 1
    assert len(fasting) == (fasting[-1] - fasting[0]).astype(int) + 1


def test_ramadan_is_within_a_day_of_the_package_for_65_years() -> None:
    days = np.arange("1995-01-01", "2060-01-01", dtype="datetime64[D]")
    fasting = calendars.ramadan(days)
    begins = days[1:][fasting[1:] & ~fasting[:-1]].tolist()
    ends = days[:-1][fasting[:-1] & ~fasting[1:]].tolist()
    almanac = _IslamicLunar()
    known = [day for year in range(1994, 2062) for day, _ in almanac.ramadan_beginning_dates(year)]
    feasts = [day for year in range(1994, 2062) for day, _ in almanac.eid_al_fitr_dates(year)]
    assert len(begins) == 67
    assert max(_away(day, known) for day in begins) <= 1
    assert max(_away(date.fromordinal(day.toordinal() + 1), feasts) for day in ends) <= 1


def _away(day: date, known: list[date]) -> int:
    return min(abs((day - other).days) for other in known)


def test_ramadan_is_kept_in_central_asia() -> None:
    assert all(calendars.has_ramadan(country) for country in CENTRAL_ASIA)
    assert not calendars.has_ramadan("DE")
