"""Stamps of tables: ISO 8601 or a declared form, digits, the hour 24, marks of doubled hours."""

from __future__ import annotations

import pandas as pd
import pytest

from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import TimeError
from tests.support.error_messages import three_lines


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_stamps_of_a_column_keep_their_clock_or_follow_their_offset() -> None:
    wall = read_stamps(["2024-02-05 09:00", "2024-02-05 10:00", "2024-02-05 09:00"]).times
    assert wall.tz is None
    assert wall.hour.tolist() == [9, 10, 9]
    utc = read_stamps(["2023-10-29 02:00+02:00", "2023-10-29 02:00+01:00"]).times
    assert list(utc) == [_utc("2023-10-29 00:00"), _utc("2023-10-29 01:00")]
    told = read_stamps(["05.02.2024 09:00", "13.02.2024 09:00"], form="%d.%m.%Y %H:%M").times
    assert list(told) == [pd.Timestamp("2024-02-05 09:00"), pd.Timestamp("2024-02-13 09:00")]


@pytest.mark.parametrize(
    ("column", "form"),
    [
        (["2024-02-05 09:00Z", "2024-02-05 10:00"], None),
        (["2024-02-05 09:00", "2024-02-05 10:00Z"], None),
        (["2024-02-05 09:00", "05.02.2024 10:00"], None),
        ([20240205, 20240206], None),
        (["05.02.2024 09:00", "2024-02-05T10:00:01"], "%d.%m.%Y %H:%M"),
    ],
)
def test_a_column_of_stamps_in_two_forms_or_of_numbers_is_refused(
    column: list[object], form: str | None
) -> None:
    with pytest.raises(TimeError) as caught:
        read_stamps(column, form=form)
    three_lines(caught.value)


@pytest.mark.parametrize(
    "cell",
    [
        "2024/03/01 00:00",
        "2024-03-01 9:00",
        "9:00",
        "today",
        "now",
        "2024-3-1",
        "01.03.2024",
        "2024-03-01 24:30",
    ],
)
def test_text_that_is_not_iso_8601_is_refused(cell: str) -> None:
    with pytest.raises(TimeError, match="row 2") as caught:
        read_stamps(["2024-03-01 00:00", cell])
    three_lines(caught.value)


@pytest.mark.parametrize("word", ["now", "today", "Today"])
def test_words_for_the_present_are_no_stamps_of_a_form(word: str) -> None:
    with pytest.raises(TimeError, match=word):
        read_stamps(["01.03.2024 00:00", word], form="%d.%m.%Y %H:%M")


def test_the_remedy_names_the_forms_that_fit_with_their_reading() -> None:
    with pytest.raises(TimeError) as caught:
        read_stamps(["01/02/2024 9:00", "13/02/2024 9:00"])
    assert caught.value.remedy == "Give time_format='%d/%m/%Y %H:%M'."
    with pytest.raises(TimeError, match=r"if .* is 2024-02-01 09:00, or .* is 2024-01-02 09:00"):
        read_stamps(["01/02/2024 9:00"])


@pytest.mark.parametrize(
    ("cells", "form", "right"),
    [
        (["2024-01-01 24:00", "2024-01-01T24:00:00"], None, ["2024-01-02 00:00"] * 2),
        (["31.12.2024 24:00"], "%d.%m.%Y %H:%M", ["2025-01-01"]),
        ([202401012400, 202401020015], "%Y%m%d%H%M", ["2024-01-02 00:00", "2024-01-02 00:15"]),
        ([10220240000, 130220242400], "%d%m%Y%H%M", ["2024-02-01", "2024-02-14"]),
        ([20240101.0, None], "%Y%m%d", ["2024-01-01", "NaT"]),
        (["01/01/2022 24:00", "2022-12-01 01:00:00"], "%m/%d/%Y %H:%M", ["2022-01-02", "2022-12-01 01:00"]),
        (["01.02.2024 00:00 - 01.02.2024 01:00"], "%d.%m.%Y %H:%M - %d.%m.%Y %H:%M", ["2024-02-01"]),
        (["09:00 01-03-2024"], "%H:%M %d-%m-%Y", ["2024-03-01 09:00"]),
        (["2024-01-01 00:00 UTC"], None, ["2024-01-01T00:00Z"]),
        ([pd.Timestamp("2024-01-13"), "2024-01-14 00:00"], None, ["2024-01-13", "2024-01-14"]),
    ],
)
def test_stamps_are_read_as_they_are_written(cells: list[object], form: str | None, right: list[str]) -> None:
    assert list(read_stamps(cells, form=form).times) == list(pd.DatetimeIndex(right)) or right[-1] == "NaT"
    assert read_stamps(cells, form=form).times.isna().tolist() == [cell == "NaT" for cell in right]


def test_marks_of_doubled_hours_are_kept_and_must_be_on_one() -> None:
    read = read_stamps(["2024-10-27 2A:15", "2024-10-27 02:15B", "2024-10-27 03:15"])
    assert read.first.tolist() == [True, False, False]
    assert read.second.tolist() == [False, True, False]
    utc = read.in_utc("Europe/Berlin")
    assert list(utc) == [_utc("2024-10-27 00:15"), _utc("2024-10-27 01:15"), _utc("2024-10-27 02:15")]
    with pytest.raises(TimeError, match="occurs once"):
        read_stamps(["2024-10-28 02X", "2024-10-28 03"]).in_utc("Europe/Berlin")
