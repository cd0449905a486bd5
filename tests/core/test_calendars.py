"""Calendars: days that decrees, newspapers and almanacs tell, and what must follow from them."""

from __future__ import annotations

from datetime import date
from typing import Any

import holidays
import numpy as np
import pytest
from holidays.calendars.islamic import _IslamicLunar

from energyforecast.core import calendars
from energyforecast.core.sites import DemandArea
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError
from energyforecast.features import DayType
from energyforecast.testing import example_snapshot

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


@pytest.mark.parametrize(
    ("country", "part", "day"),
    [("DE", "BY", "2024-05-30"), ("US", "TX", "2024-03-02")],  # Corpus Christi, Texas Independence Day
)
def test_an_area_has_the_holidays_of_its_subdivision(country: str, part: str, day: str) -> None:
    local, whole = (
        DayType().compute(
            example_snapshot(
                sites=DemandArea(name="a", latitude=48, longitude=11, country=country, subdivision=given),
                start=f"{day} 10:00",
                hours=1,
            )
        )
        for given in (part, None)
    )
    assert (local["holiday"][0, 0], whole["holiday"][0, 0]) == (1, 0)


def test_a_country_of_one_calendar_has_no_subdivisions() -> None:
    with pytest.raises(SchemaError, match="subdivision of KZ is 'ALA'"):
        DemandArea(name="a", latitude=43, longitude=77, country="KZ", subdivision="ALA")


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


# --- Runs of days off, half days, schools, decrees -------------------------------------------------


def test_runs_of_days_off_end_and_begin_beside_the_day() -> None:
    # Easter of 2024 in Germany: Good Friday, 29 March, to Monday, 1 April.
    easter = _days("2024-03-25", "2024-03-28", "2024-03-29", "2024-03-31", "2024-04-02", "2024-04-05")
    some = calendars.look_up(easter, country="DE")
    assert some.days_off_before.tolist() == [2, 0, 0, 2, 4, 0]
    assert some.days_off_after.tolist() == [0, 4, 3, 1, 0, 2]


@pytest.mark.parametrize(
    ("country", "year"), [("KG", 2007), *((code, 2021) for code in (*CENTRAL_ASIA, "FR", "CN", "IL", "AE"))]
)
def test_runs_are_those_counted_by_hand(country: str, year: int) -> None:
    days = np.arange(f"{year}-07-01", f"{year + 1}-07-01", dtype="datetime64[D]")
    some = calendars.look_up(days, country=country)
    off = ~some.working
    for k in range(30, 335):
        before = after = 0
        while off[k - 1 - before]:
            before += 1
        while off[k + 1 + after]:
            after += 1
        assert (some.days_off_before[k], some.days_off_after[k]) == (before, after)


def test_half_days_are_those_of_the_package_and_no_holidays() -> None:
    some = calendars.look_up(_days("2024-12-23", "2024-12-24", "2024-02-24"), country="EE")
    assert some.half_day.tolist() == [True, False, False]  # 24 December and 24 February are holidays
    assert calendars.look_up(_days("2024-10-28"), country="TR").half_day.all()
    assert not calendars.look_up(_year(2024), country="KZ").half_day.any()


def test_school_holidays_are_known_where_a_list_goes_on() -> None:
    zones = [
        calendars.school_holidays(_year(2019), country="FR", subdivision=f"Zone {zone}") for zone in "ABC"
    ]
    whole = calendars.school_holidays(_year(2019), country="FR")
    np.testing.assert_allclose(whole, np.mean(zones, axis=0))
    assert whole[180 + 30] == 1  # the end of July
    # The list of France begins in autumn of 2017, and that of Germany ends in summer of 2029.
    begin = calendars.school_holidays(_days("2017-06-01", "2017-10-25", "2017-11-15"), country="FR")
    np.testing.assert_array_equal(begin, [np.nan, 1.0, 0.0])
    assert np.isnan(calendars.school_holidays(_days("2029-12-01"), country="DE", subdivision="BY")).all()
    assert np.isnan(calendars.school_holidays(_year(2025), country="KZ")).all()


def test_a_part_without_a_list_takes_that_of_the_country() -> None:
    alsace = calendars.school_holidays(_year(2019), country="FR", subdivision="57")
    np.testing.assert_array_equal(alsace, calendars.school_holidays(_year(2019), country="FR"))


def test_single_days_without_lessons_are_no_list() -> None:
    some = calendars.school_holidays(_days("2024-01-15", "2024-01-16", "2024-01-17"), country="TH")
    np.testing.assert_array_equal(some, [np.nan, 1.0, np.nan])


def test_without_decrees_the_calendar_is_that_of_the_law() -> None:
    days = _days("2024-12-16", "2025-01-01", "2025-01-03", "2025-01-05")
    law = calendars.look_up(days, country="KZ", decrees=False)
    assert law.holiday.tolist() == [True, True, False, False]
    assert law.working.tolist() == [False, False, True, False]
    # The funeral of a queen: announced nine days before.
    funeral = _days("2022-09-19")
    assert calendars.look_up(funeral, country="GB").holiday.all()
    assert not calendars.look_up(funeral, country="GB", decrees=False).holiday.any()


def test_years_before_and_after_those_of_the_package_are_marked() -> None:
    some = calendars.look_up(_days("1985-01-01", "2024-01-01", "2150-01-01"), country="KZ")
    assert some.known.tolist() == [False, True, False]
    assert some.holiday.tolist() == [False, True, False]


def test_years_with_some_of_the_holidays_alone_are_not_known() -> None:
    # Hindu holidays of India are known from 2001 to 2035; the package warns, which would stop a strict program.
    some = calendars.look_up(_days("2000-08-15", "2001-01-26", "2035-08-15", "2036-08-15"), country="IN")
    assert some.known.tolist() == [False, True, True, False]


@pytest.mark.parametrize("call", ["look_up", "school_holidays", "weekend", "ramadan"])
@pytest.mark.parametrize(
    "days", [["1850-01-01"], ["2024-01-01", "9999-12-31"], ["NaT"], [3.5], ["soon"], None]
)
def test_senseless_days_are_refused(call: str, days: Any) -> None:
    place = {} if call == "ramadan" else {"country": "KZ"}
    with pytest.raises(EnergyForecastError) as caught:
        getattr(calendars, call)(np.array(days) if days == ["NaT"] else days, **place)
    assert len(str(caught.value).splitlines()) == 3


def test_days_of_other_centuries_are_named() -> None:
    with pytest.raises(RangeError, match="1850 to 2024"):
        calendars.look_up(_days("1850-01-01", "2024-01-01"), country="KZ")


@pytest.mark.parametrize("country", [None, 7, "", "kz", "KAZ", "Kazakhstan", ["KZ"], "ҚЗ", "KZ "])
@pytest.mark.parametrize("call", ["look_up", "school_holidays", "check_country", "has_ramadan"])
def test_unknown_countries_are_refused(call: str, country: Any) -> None:
    days = [] if call in ("check_country", "has_ramadan") else [_days("2025-01-01")]
    with pytest.raises(SchemaError) as caught:
        getattr(calendars, call)(*days, country=country)
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


@pytest.mark.parametrize("country", [*CENTRAL_ASIA, "MA", "TR", "ID", "MY", "SN", "GW", "EG", "PK", "AZ"])
def test_ramadan_is_kept_where_its_feasts_are_public_holidays(country: str) -> None:
    assert calendars.has_ramadan(country)


@pytest.mark.parametrize("country", ["DE", "FR", "GB", "ES", "AR", "ME", "FJ", "US", "CN"])
def test_ramadan_is_not_kept_where_a_part_or_a_community_has_its_feasts(country: str) -> None:
    assert not calendars.has_ramadan(country)
