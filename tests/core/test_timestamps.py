"""Zones, wall-clock schedules, local days and the units in which time is counted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energyforecast.core import timestamps
from energyforecast.errors import TimeError
from tests.support.error_messages import three_lines

ZONES = ("UTC", "Asia/Almaty", "Europe/Paris", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Auckland")
HOUR = pd.Timedelta("1h")


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


# --- Zones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("fixed:+06:00", 6),
        ("fixed:-03:30", -3.5),
        ("+05:00", 5),
        ("UTC+05:45", 5.75),
        ("UTC", 0),
        ("fixed:+0600", 6),
    ],
)
def test_a_fixed_zone_never_changes(name: str, hours: float) -> None:
    place = timestamps.zone(name)
    for moment in (datetime(2024, 1, 15), datetime(2024, 2, 29, 23), datetime(2024, 7, 15)):  # noqa: DTZ001
        assert moment.replace(tzinfo=place).utcoffset() == timedelta(hours=hours)


def test_almaty_moved_from_six_to_five_hours_on_1_march_2024() -> None:
    place = timestamps.zone("Asia/Almaty")
    assert datetime(2024, 2, 29, 12, tzinfo=place).utcoffset() == timedelta(hours=6)
    assert datetime(2024, 3, 1, 0, tzinfo=place).utcoffset() == timedelta(hours=5)


@pytest.mark.parametrize("name", ["Asia/Nowhere", "", "../etc", "fixed:6", "Mars"])
def test_an_unknown_zone_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(TimeError, match="unknown") as caught:
        timestamps.zone(name)
    assert repr(name) in three_lines(caught.value)


@pytest.mark.parametrize("name", ["Asia", "fixed:+25:00"])
def test_a_folder_of_zones_and_an_impossible_offset_are_refused_too(name: str) -> None:
    with pytest.raises(TimeError):
        timestamps.zone(name)


# --- 29 February 2024 in Almaty -------------------------------------------------------------------


def test_29_february_2024_in_almaty_lasts_25_hours() -> None:
    start, end = timestamps.period("2024-02-29", timezone="Asia/Almaty")
    assert (start, end) == (_utc("2024-02-28 18:00"), _utc("2024-02-29 19:00"))
    assert timestamps.period("2024-03-01", timezone="Asia/Almaty")[0] == end


def test_almatys_doubled_hour_is_told_apart_by_its_order() -> None:
    shown = ["22:30", "23:00", "23:30", "23:00", "23:30"]
    wall = pd.DatetimeIndex([*(f"2024-02-29 {clock}" for clock in shown), "2024-03-01 00:00"])
    utc = timestamps.localise(wall, timezone="Asia/Almaty")
    expected = pd.date_range("2024-02-29 16:30", periods=6, freq="30min", tz="UTC")
    assert list(utc) == list(expected)
    assert utc.unit == "ns"


@pytest.mark.parametrize("zone_name", ["Asia/Almaty", "Europe/Paris"])
def test_an_hour_shown_twice_but_held_once_is_refused_with_its_name_and_a_remedy(zone_name: str) -> None:
    hour = {"Asia/Almaty": "2024-02-29 23:00", "Europe/Paris": "2024-10-27 02:00"}[zone_name]
    wall = pd.DatetimeIndex([pd.Timestamp(hour) - HOUR, pd.Timestamp(hour), pd.Timestamp(hour) + HOUR])
    with pytest.raises(TimeError, match="twice") as caught:
        timestamps.localise(wall, timezone=zone_name)
    message = three_lines(caught.value)
    assert hour in message
    assert zone_name in message
    assert "fixed:" in message.splitlines()[2]


def test_an_ambiguous_moment_is_refused_and_an_offset_settles_it() -> None:
    with pytest.raises(TimeError, match="2024-02-29 23:00 occurs twice"):
        timestamps.instant("2024-02-29 23:00", timezone="Asia/Almaty")
    assert timestamps.instant("2024-02-29 23:00+06:00", timezone="Asia/Almaty") == _utc("2024-02-29 17:00")
    assert timestamps.instant("2024-02-29 23:00+05:00", timezone="Asia/Almaty") == _utc("2024-02-29 18:00")
    assert timestamps.instant("2024-02-29 23:00", timezone="fixed:+06:00") == _utc("2024-02-29 17:00")


def test_the_issue_time_follows_almatys_clock() -> None:
    issued = timestamps.wall_clock([date(2024, 2, 29), date(2024, 3, 1)], time(8), timezone="Asia/Almaty")
    assert list(issued) == [_utc("2024-02-29 02:00"), _utc("2024-03-01 03:00")]


def test_a_time_that_almatys_clock_shows_twice_means_its_first_showing() -> None:
    (issued,) = timestamps.wall_clock([date(2024, 2, 29)], time(23, 30), timezone="Asia/Almaty")
    assert issued == _utc("2024-02-29 17:30")


# --- Other clocks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25), ("2024-06-01", 24)])
def test_days_in_paris_have_23_24_and_25_hours(day: str, hours: int) -> None:
    start, end = timestamps.period(day, timezone="Europe/Paris")
    assert end - start == hours * HOUR


def test_an_hour_that_paris_skips_is_refused_with_its_name() -> None:
    wall = pd.DatetimeIndex(["2024-03-31 01:00", "2024-03-31 02:00", "2024-03-31 03:00"])
    with pytest.raises(TimeError, match="does not exist") as caught:
        timestamps.localise(wall, timezone="Europe/Paris")
    assert "2024-03-31 02:00" in three_lines(caught.value)


def test_a_time_that_paris_skips_is_issued_at_the_moment_of_the_skip() -> None:
    (issued,) = timestamps.wall_clock([date(2024, 3, 31)], time(2, 30), timezone="Europe/Paris")
    assert issued == _utc("2024-03-31 01:00")


@pytest.mark.parametrize(
    ("place", "day", "begins"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04 03:00"),
        ("Asia/Beirut", date(2024, 3, 31), "2024-03-30 22:00"),
    ],
)
def test_a_day_without_midnight_begins_where_its_clock_begins(place: str, day: date, begins: str) -> None:
    start, end = timestamps.period(str(day), timezone=place)
    assert start == _utc(begins)
    assert end - start == 23 * HOUR
    assert timestamps.days_between(start, end, timezone=place) == [day]


def test_a_day_whose_last_hour_is_doubled_belongs_to_one_day() -> None:
    # In Sao Paulo midnight was put back to 23:00: midnight of the next day is shown once only.
    start, end = timestamps.period("2018-02-17", timezone="America/Sao_Paulo")
    assert end - start == 25 * HOUR
    assert timestamps.days_between(start, end, timezone="America/Sao_Paulo") == [date(2018, 2, 17)]


# --- Periods and moments --------------------------------------------------------------------------


def test_a_month_means_all_of_it_in_its_zone() -> None:
    start, end = timestamps.period("2024-03", timezone="Europe/Paris")
    assert (start, end) == (_utc("2024-02-29 23:00"), _utc("2024-03-31 22:00"))


def test_a_year_ends_where_the_next_begins() -> None:
    for place in ZONES:
        assert timestamps.period("2023", timezone=place)[1] == timestamps.period("2024", timezone=place)[0]


def test_a_moment_is_its_own_beginning_and_end() -> None:
    start, end = timestamps.period("2024-03-01 08:00", timezone="Asia/Almaty")
    assert start == end == _utc("2024-03-01 03:00")


@pytest.mark.parametrize("value", ["yesterday-ish", None, float("nan"), pd.NaT, "2024-13-45 99:00"])
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(TimeError, match="not a moment") as caught:
        timestamps.instant(value)
    three_lines(caught.value)


@pytest.mark.parametrize("value", ["2024-13", "2024-02-30"])
def test_a_month_or_day_that_does_not_exist_is_refused(value: str) -> None:
    with pytest.raises(TimeError):
        timestamps.period(value)


FIFTH = _utc("2024-02-05 09:00")


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-05 09:00",
        "2024-02-05T09:00",
        "2024-02-05T09",
        "2024-02-05T09:00:00",
        "2024-02-05 09:00:00.000000000",
        "2024-02-05T09:00:00,0Z",
        "2024-02-05T09:00Z",
        "2024-02-05T14:00+05:00",
        "2024-02-05 14:00+0500",
        "2024-02-05T06:00-03",
        "20240205T09",
        "20240205T0900",
        "20240205T140000+0500",
        datetime(2024, 2, 5, 9),  # noqa: DTZ001
        np.datetime64("2024-02-05T09:00"),
    ],
)
def test_every_form_of_iso_8601_and_of_datetimes_is_a_moment(written: object) -> None:
    assert timestamps.instant(written) == FIFTH
    assert timestamps.period(written) == (FIFTH, FIFTH)


@pytest.mark.parametrize("day", ["2024-02-05", "20240205", date(2024, 2, 5)])
def test_a_day_is_all_of_it_as_text_or_as_a_date(day: object) -> None:
    assert timestamps.instant(day) == _utc("2024-02-05")
    assert timestamps.period(day) == (_utc("2024-02-05"), _utc("2024-02-06"))


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("05.02.2024 9:00", "'2024-02-05 09:00' or '2024-05-02 09:00'"),
        ("05/02/2024", "'2024-02-05' or '2024-05-02'"),
        ("13.02.2024", "Write '2024-02-13';"),
        ("02-13-2024", "Write '2024-02-13';"),
        ("2024-2", "Write '2024-02';"),
        ("2024/02", "Write '2024-02';"),
        ("2024-2-5 9:00", "Write '2024-02-05 09:00';"),
        ("2024.02.05T09:00", "Write '2024-02-05T09:00';"),
        ("31.02.2024", "Correct the date"),
        ("2024-02-05 24:00", "Correct the date"),
        ("9:00", "year, month and day in this order"),
        ("Feb 2024", "year, month and day in this order"),
        ("February 2024", "year, month and day in this order"),
        ("5 Feb 2024", "year, month and day in this order"),
        ("202402", "year, month and day in this order"),
        ("today", "year, month and day in this order"),
        (" 2024", "year, month and day in this order"),
        ("2024\n", "year, month and day in this order"),
        ("3000", "year, month and day in this order"),
        (2024, "a number can be converted"),
        (20240205, "a number can be converted"),
        (45292.5, "a number can be converted"),
        (True, "a number can be converted"),
        (np.int64(5), "a number can be converted"),
        (time(9), "Give text or a datetime"),
        (HOUR, "Give text or a datetime"),
        (pd.Period("2024-02"), "Give text or a datetime"),
        (np.datetime64("NaT"), "Give text or a datetime"),
        (np.datetime64("3000-01-01"), "Give text or a datetime"),
    ],
)
def test_all_else_is_refused_with_its_right_spelling(written: object, right: str) -> None:
    for read in (timestamps.instant, timestamps.period):
        with pytest.raises(TimeError, match="not a moment") as caught:
            read(written)
        assert right in three_lines(caught.value).splitlines()[2]


@pytest.mark.parametrize("written", ["05.02.2024", "2024-2", 2024, 45292.5, None])
def test_several_moments_are_read_as_strictly_as_one(written: object) -> None:
    for read in (timestamps.instants, timestamps.to_ns, timestamps.to_index):
        with pytest.raises(TimeError, match="not a moment"):
            read([written])
        with pytest.raises(TimeError, match="not a moment"):
            read(pd.Series([written]))


@pytest.mark.parametrize("value", ["25:00", "nine", 9, "9h"])
def test_what_is_no_time_of_day_is_refused(value: object) -> None:
    with pytest.raises(TimeError, match="not a time of day") as caught:
        timestamps.wall_time(value)  # type: ignore[arg-type]
    three_lines(caught.value)


def test_a_time_of_day_with_an_offset_is_refused() -> None:
    with pytest.raises(TimeError):
        timestamps.wall_time("09:00+02:00")


@pytest.mark.parametrize("value", ["soon", "", None, pd.NaT, "1 fortnight"])
def test_what_is_no_length_of_time_is_refused(value: object) -> None:
    with pytest.raises(TimeError, match="not a length of time") as caught:
        timestamps.duration(value)  # type: ignore[arg-type]
    three_lines(caught.value)


@pytest.mark.parametrize("value", ["2", 2, 2.5, np.int64(2), np.float32(2)])
def test_a_number_without_unit_is_no_length_of_time(value: object) -> None:
    with pytest.raises(TimeError):  # pandas would take it for nanoseconds
        timestamps.duration(value)  # type: ignore[arg-type]


# --- Units of pandas and numpy --------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_pandas_gives_the_same_nanoseconds(unit: str) -> None:
    index = pd.DatetimeIndex(["2024-03-01 00:00", "2024-03-01 01:00"], tz="Asia/Almaty").as_unit(unit)
    expected = np.array(["2024-02-29T19:00", "2024-02-29T20:00"], dtype="datetime64[ns]")
    naive = index.tz_convert("UTC").tz_localize(None)
    for given_times in (index, naive, naive.to_numpy(), list(index), pd.Series(index), index.to_pydatetime()):
        result = timestamps.to_ns(given_times)
        assert result.dtype == "datetime64[ns]"
        assert (result == expected).all()
        assert result.view("int64")[0] == 1709233200 * 10**9
    assert timestamps.to_index(index).unit == "ns"
    assert list(timestamps.to_index(index)) == list(index)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_and_lengths_come_in_nanoseconds_whatever_goes_in(unit: str) -> None:
    moment = timestamps.instant(pd.Timestamp("2024-03-01", tz="UTC").as_unit(unit))
    assert (moment.unit, moment) == ("ns", _utc("2024-03-01"))
    assert timestamps.instant(np.datetime64("2024-03-01", unit)) == moment
    length = timestamps.duration(pd.Timedelta("90min").as_unit(unit))
    assert (length.unit, length) == ("ns", pd.Timedelta("90min"))
    assert timestamps.duration(np.timedelta64(5400, "s").astype(f"timedelta64[{unit}]")) == length


# --- Schedules ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(place=st.sampled_from(ZONES), year=st.integers(2016, 2025), at=st.times(max_value=time(23, 59)))
def test_a_schedule_never_loses_a_day(place: str, year: int, at: time) -> None:
    at = at.replace(second=0, microsecond=0)
    start, end = timestamps.period(str(year), timezone=place)
    days = timestamps.days_between(start, end, timezone=place)
    assert days == [date(year, 1, 1) + timedelta(days=k) for k in range(366 if year % 4 == 0 else 365)]
    issued = timestamps.wall_clock(days, at, timezone=place)
    shown = issued.tz_convert(timestamps.zone(place))
    assert list(shown.date) == days
    assert issued.is_monotonic_increasing
    gaps = np.diff(timestamps.to_ns(issued)) / np.timedelta64(1, "h")
    assert gaps.min() >= 23
    assert gaps.max() <= 25
    # Only on the day on which the clock skips that time does it show another, the next there is.
    moved = [moment.time() for moment in shown if moment.time() != at]
    assert len(moved) <= 1
    assert all(clock > at for clock in moved)


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(ZONES), day=st.dates(date(2016, 1, 1), date(2025, 12, 31)))
def test_wall_times_of_a_whole_day_come_back_to_the_same_moments(place: str, day: date) -> None:
    start, end = timestamps.period(str(day), timezone=place)
    moments = pd.date_range(start, end, freq="15min", inclusive="left").as_unit("ns")
    wall = moments.tz_convert(timestamps.zone(place)).tz_localize(None)
    back = timestamps.localise(wall, timezone=place)
    assert list(back) == list(moments)
