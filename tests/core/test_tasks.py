"""When forecasts are issued and which hours they cover."""

from __future__ import annotations

from datetime import date, time, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energyforecast.core import timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.core.tasks import Task, day_ahead, intraday, month_ahead
from energyforecast.errors import RangeError, TimeError

ZONES = ("UTC", "Asia/Almaty", "Europe/Paris", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Auckland")
HOUR = np.timedelta64(1, "h")


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def _covered(windows: Windows) -> timestamps.Times:
    return windows.valid_time[windows.inside]


# --- Day-ahead ------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    place=st.sampled_from(ZONES),
    year=st.integers(2016, 2024),
    issue=st.times(max_value=time(23, 45)),
    first_day=st.integers(0, 2),
    frequency=st.sampled_from(["1h", "30min", "15min"]),
)
def test_windows_of_two_years_tile_time_without_gap_or_overlap(
    place: str, year: int, issue: time, first_day: int, frequency: str
) -> None:
    task = day_ahead(issue, timezone=place, first_day=first_day, frequency=frequency)
    covered = _covered(task.windows(task.issue_times(str(year), str(year + 1))))
    start, end = (
        timestamps.period(str(year), timezone=place)[0],
        timestamps.period(str(year + 1), timezone=place)[1],
    )
    regular = pd.date_range(start, end, freq=frequency, inclusive="left")
    np.testing.assert_array_equal(covered, timestamps.to_ns(regular))


@pytest.mark.parametrize(
    ("place", "day", "frequency", "length"),
    [
        ("Europe/Paris", "2024-03-31", "1h", 23),
        ("Europe/Paris", "2024-06-01", "1h", 24),
        ("Europe/Paris", "2024-10-27", "1h", 25),
        ("Asia/Almaty", "2024-02-29", "1h", 25),
        ("Asia/Almaty", "2024-03-01", "1h", 24),
        ("Europe/Paris", "2024-03-31", "30min", 46),
        ("Europe/Paris", "2024-06-01", "30min", 48),
        ("Europe/Paris", "2024-10-27", "30min", 50),
        ("America/Sao_Paulo", "2018-11-04", "1h", 23),
        ("Australia/Lord_Howe", "2024-04-07", "30min", 49),
    ],
)
def test_a_window_is_the_whole_local_day(place: str, day: str, frequency: str, length: int) -> None:
    task = day_ahead("09:00", timezone=place, frequency=frequency)
    windows = task.windows(task.issue_times(day, day))
    assert windows.inside.sum(axis=1).tolist() == [length]
    shown = pd.DatetimeIndex(_covered(windows), tz="UTC").tz_convert(timestamps.zone(place))
    assert {str(moment) for moment in shown.date} == {day}


def test_a_short_day_among_long_ones_ends_early_and_its_steps_run_on() -> None:
    task = day_ahead("09:00", timezone="Europe/Paris")
    windows = task.windows(task.issue_times("2024-03-30", "2024-04-01"))
    assert windows.valid_time.shape == windows.inside.shape == windows.lead_time.shape == (3, 24)
    assert windows.inside[1].tolist() == [True] * 23 + [False]
    assert (np.diff(windows.valid_time, axis=1) == HOUR).all()


@pytest.mark.parametrize("first_day", [0, 1, 2])
def test_the_clock_shows_the_issue_time_on_the_day_before(first_day: int) -> None:
    task = day_ahead("09:20", timezone="Asia/Almaty", first_day=first_day)
    issued = task.issue_times("2024-02", "2024-03")
    shown = issued.tz_convert(timestamps.zone("Asia/Almaty"))
    assert {moment.time() for moment in shown} == {time(9, 20)}
    expected = [date(2024, 2, 1) + timedelta(days=k - first_day) for k in range(29 + 31)]
    assert list(shown.date) == expected
    begin = pd.DatetimeIndex(task.windows(issued).valid_time[:, 0], tz="UTC").tz_convert(
        timestamps.zone("Asia/Almaty")
    )
    assert list(begin.date) == [day + timedelta(days=first_day) for day in expected]
    assert {moment.time() for moment in begin} == {time(0)}


def test_lead_time_counts_from_the_issue() -> None:
    task = day_ahead("08:00", timezone="Asia/Almaty")
    windows = task.windows(pd.DatetimeIndex(["2024-02-28 02:00", "2024-02-29 02:00"], tz="UTC"))
    # 29 February begins 16 h after 08:00; 1 March 17 h, for the clock was put back at midnight.
    assert (windows.lead_time[:, 0] / HOUR).tolist() == [16, 17]


def test_two_days_in_one_window() -> None:
    task = day_ahead("09:00", timezone="Europe/Paris", days=2)
    windows = task.windows(task.issue_times("2024-10-26", "2024-10-27"))
    assert windows.inside.sum(axis=1).tolist() == [24 + 25, 25 + 24]


@pytest.mark.parametrize("place", ["Europe/Paris", "Asia/Almaty"])
@pytest.mark.parametrize("frequency", ["2h", "6h", "1D"])
def test_intervals_that_do_not_fill_a_local_day_are_refused_not_dropped(place: str, frequency: str) -> None:
    day = {"Europe/Paris": "2024-10-27", "Asia/Almaty": "2024-02-29"}[place]
    task = day_ahead("09:00", timezone=place, frequency=frequency)
    with pytest.raises(TimeError):
        task.windows(task.issue_times(day, day))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_windows_are_the_same_for_every_unit_of_pandas(unit: str) -> None:
    task = day_ahead("09:00", timezone="Europe/Paris")
    issued = task.issue_times("2024-03", "2024-03")
    expected = task.windows(issued)
    got = task.windows(issued.as_unit(unit))
    assert got.issue_time.dtype == got.valid_time.dtype == "datetime64[ns]"
    np.testing.assert_array_equal(got.issue_time, expected.issue_time)
    np.testing.assert_array_equal(got.valid_time, expected.valid_time)
    np.testing.assert_array_equal(got.lead_time, expected.lead_time)


# --- Issue times ----------------------------------------------------------------------------------


def test_a_month_means_all_its_days_the_end_included() -> None:
    task = day_ahead("09:00", timezone="Europe/Paris")
    issued = task.issue_times("2024-03", "2024-04")
    assert len(issued) == 31 + 30
    assert issued[0] == _utc("2024-02-29 08:00")  # for 1 March
    assert issued[-1] == _utc("2024-04-29 07:00")  # for 30 April


def test_a_day_as_end_is_included_and_a_moment_is_not() -> None:
    task = day_ahead("09:00", timezone="Europe/Paris")
    assert len(task.issue_times("2024-03-01", "2024-03-02")) == 2
    assert len(task.issue_times("2024-03-01", "2024-03-02 00:00")) == 1
    assert len(task.issue_times("2024-03-01 00:01", "2024-03-02 00:01")) == 1


def test_strings_are_read_in_the_tasks_zone() -> None:
    task = intraday(every="1h", leads="3h", timezone="Asia/Almaty")
    issued = task.issue_times("2024-02-29", "2024-02-29")
    assert len(issued) == 25
    assert issued[0] == _utc("2024-02-28 18:00")
    assert issued[-1] == _utc("2024-02-29 18:00")


@pytest.mark.parametrize("task", [day_ahead("09:00", timezone="UTC"), intraday(every="1h", leads="3h")])
@pytest.mark.parametrize(
    ("start", "end"), [("2024-03", "2024-01"), ("2024-02", "2024-01"), ("2024-02-02", "2024-02-01")]
)
def test_an_end_before_the_start_is_refused(task: Task, start: str, end: str) -> None:
    with pytest.raises(TimeError) as caught:
        task.issue_times(start, end)
    assert len(str(caught.value).splitlines()) == 3


# --- Month-ahead ----------------------------------------------------------------------------------


def test_a_month_ahead_window_is_a_local_month_whatever_its_length() -> None:
    task = month_ahead("10:00", timezone="Asia/Almaty", first_day=5)
    issued = task.issue_times("2024-01", "2024-03")
    assert issued[1] == _utc("2024-01-27 04:00")  # for February, at UTC+6
    windows = task.windows(issued)
    # Almaty put its clock back at the end of 29 February.
    assert windows.inside.sum(axis=1).tolist() == [31 * 24, 29 * 24 + 1, 31 * 24]
    begin = windows.valid_time[np.arange(3), 0].astype("datetime64[h]").astype(str)
    assert begin.tolist() == ["2023-12-31T18", "2024-01-31T18", "2024-02-29T19"]


def test_only_months_that_begin_in_the_period_are_issued() -> None:
    task = month_ahead(timezone="UTC", months=2)
    issued = task.issue_times("2023-12-02", "2024-02-01")
    assert [f"{moment:%Y-%m-%d %H}" for moment in issued] == ["2024-01-01 00", "2024-02-01 00"]
    assert task.windows(issued).inside.sum(axis=1).tolist() == [60 * 24, 60 * 24]


def test_issued_inside_a_month_the_next_one_is_covered() -> None:
    windows = month_ahead(timezone="UTC").windows(pd.DatetimeIndex(["2023-12-05 07:00"], tz="UTC"))
    assert windows.valid_time[0, 0] == np.datetime64("2024-01-01", "ns")
    assert windows.inside.sum() == 31 * 24


def test_no_month_is_no_task() -> None:
    with pytest.raises(TimeError) as caught:
        month_ahead(timezone="UTC", months=0)
    assert len(str(caught.value).splitlines()) == 3


# --- Intraday -------------------------------------------------------------------------------------


def test_an_intraday_window_begins_with_the_first_interval_at_or_after_the_issue() -> None:
    task = intraday(every="6h", leads="4h")
    windows = task.windows(pd.DatetimeIndex(["2024-01-01 06:00", "2024-01-01 06:01"], tz="UTC"))
    assert windows.inside.all()
    expected = [
        pd.date_range(f"2024-01-01 {hour}:00", periods=4, freq="1h").to_numpy() for hour in ("06", "07")
    ]
    np.testing.assert_array_equal(windows.valid_time, np.array(expected, dtype="datetime64[ns]"))
    assert windows.lead_time[1, 0] == np.timedelta64(59, "m")


@given(every=st.sampled_from(["1h", "3h", "6h"]), steps=st.integers(1, 48), month=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_intraday_forecasts_follow_each_other_as_often_as_said(every: str, steps: int, month: int) -> None:
    task = intraday(every=every, leads=f"{steps * 30}min", frequency="30min", timezone="Europe/Paris")
    issued = task.issue_times(f"2024-{month:02d}", f"2024-{month:02d}")
    assert (np.diff(timestamps.to_ns(issued)) == pd.Timedelta(every).to_timedelta64()).all()
    windows = task.windows(issued)
    assert windows.valid_time.shape == (len(issued), steps)
    assert (windows.lead_time >= np.timedelta64(0, "ns")).all()
    assert windows.lead_time.max() == np.timedelta64(30 * (steps - 1), "m")


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", ["0h", "-1h", "7h", "25h", "37min"])
def test_a_frequency_that_does_not_divide_a_day_is_refused(frequency: str) -> None:
    with pytest.raises(TimeError, match="frequency") as caught:
        day_ahead("09:00", timezone="UTC", frequency=frequency)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "levels", [(0.0, 0.5), (0.5, 1.0), (-0.1,), (10, 50, 90), (), (0.5, 0.1), (0.5, 0.5), (float("nan"),)]
)
def test_impossible_quantiles_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(RangeError, match="quantile levels") as caught:
        day_ahead("09:00", timezone="UTC", quantiles=levels)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(("days", "first_day"), [(0, 1), (-1, 1), (1, -1)])
def test_a_task_covers_at_least_one_day_not_before_its_issue(days: int, first_day: int) -> None:
    with pytest.raises(TimeError, match="covers"):
        day_ahead("09:00", timezone="UTC", days=days, first_day=first_day)


def test_a_task_is_one_of_three() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Task()  # type: ignore[abstract]


@pytest.mark.parametrize(("months", "first_day"), [(0, 0), (-1, 0), (1, -1)])
def test_a_task_covers_at_least_one_month_not_before_its_issue(months: int, first_day: int) -> None:
    with pytest.raises(TimeError, match="covers"):
        month_ahead(timezone="UTC", months=months, first_day=first_day)


@pytest.mark.parametrize(
    "task",
    [
        day_ahead("23:59", timezone="Europe/Paris", first_day=2, days=3),
        intraday(every="1h", leads="100h"),
        month_ahead(timezone="Asia/Almaty", first_day=2, months=2),
    ],
    ids=lambda task: type(task).__name__,
)
def test_no_window_ends_beyond_the_reach_of_its_task(task: Task) -> None:
    windows = task.windows(task.issue_times("2024", "2024"))
    end = windows.valid_time.max(axis=1) + windows.frequency.to_timedelta64()
    assert (end - windows.issue_time <= task.reach.to_timedelta64()).all()


@pytest.mark.parametrize(("every", "leads"), [("1h", "30min"), ("0h", "6h"), ("-1h", "6h")])
def test_impossible_intraday_tasks_are_refused(every: str, leads: str) -> None:
    with pytest.raises(TimeError) as caught:
        intraday(every=every, leads=leads)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("issue", "place"), [("25:00", "UTC"), ("09:00", "Asia/Nowhere"), ("09:00+02:00", "UTC")]
)
def test_a_bad_wall_time_or_zone_is_refused_at_birth(issue: str, place: str) -> None:
    with pytest.raises(TimeError):
        day_ahead(issue, timezone=place)


def test_the_default_levels_are_the_99_percentiles() -> None:
    assert day_ahead("09:00", timezone="UTC").quantiles == PERCENTILES
    np.testing.assert_allclose(PERCENTILES, np.arange(1, 100) / 100)


def test_a_task_shows_few_levels_one_by_one_and_many_by_their_range() -> None:
    shown = repr(day_ahead("09:00", timezone="UTC"))
    assert "99 quantiles from 0.01 to 0.99" in shown
    assert "0.02" not in shown
    assert shown.startswith("DayAhead(timezone='UTC', frequency=")
    assert "quantiles=(0.1, 0.5, 0.9)" in repr(day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9)))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"every": "1h", "leads": "24h", "frequency": "1ms"}, "divide a day, and have 1 s"),
        ({"every": "1ms", "leads": "24h"}, "regular intervals"),
    ],
)
def test_lengths_below_a_second(lengths: dict[str, str], message: str) -> None:
    with pytest.raises(TimeError, match=message):
        intraday(**lengths)


def test_more_moments_than_fit_into_memory() -> None:
    """A mistyped period or length is refused before its moments are made."""
    often = intraday(every="1s", leads="4h")
    with pytest.raises(TimeError, match="issues from"):
        often.issue_times("1700", "2200")
    long = intraday(every="1h", leads="200000h", frequency="1s")
    with pytest.raises(TimeError, match="720,000,000 intervals in an issue"):
        long.windows(long.moments("2024-01-01"))
    many = intraday(every="1min", leads="1000h", frequency="1min")
    with pytest.raises(TimeError, match="intervals in its issues"):
        many.windows(many.issue_times("2024", "2024"))
