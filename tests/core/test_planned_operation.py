"""Plans of operation: rows that are added, never changed, and what each moment of the past knew of them."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import errors
from energyforecast.point_in_time.planned import PlanAtIssue

FIRST = np.datetime64("2024-02-25", "ns")
COLUMNS = ["site", "activity", "start", "end", "level", "published"]


def plan(*rows: tuple[Any, ...], **more: Any) -> ef.PlannedOperation:
    return ef.PlannedOperation(pd.DataFrame(rows, columns=COLUMNS), **more)


FURNACE = ("works", "furnace", "2024-03-05 10:00", "2024-03-05 13:00", 1.0, "2024-03-03 12:00")


def _random_rows(seed: int) -> pd.DataFrame:
    """Rows with odd minutes, that overlap and correct one another, in any order."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 5 * 1440, 60), unit="min")
    return pd.DataFrame(
        {
            "site": rng.choice(["a", "b"], 60),
            "activity": rng.choice(["x", "y"], 60),
            "start": start,
            "end": start + pd.to_timedelta(rng.integers(1, 600, 60), unit="min"),
            "level": rng.choice([0.0, 0.3, 1.0, 2.0], 60),
            "published": start - pd.to_timedelta(rng.permutation(np.arange(60) * 47 - 600), unit="min"),
        }
    )


@pytest.mark.parametrize("step", [1, 15, 60, 180])
def test_means_of_intervals_are_those_counted_minute_by_minute(step: int) -> None:
    rows = _random_rows(step)
    known = ef.PlannedOperation(rows)
    issued = pd.date_range("2024-02-28 20:00", periods=9, freq="17h", tz="UTC")
    stamps = issued.tz_localize(None).to_numpy().astype("datetime64[ns]")
    begin = stamps[:, None] + np.array([-1440, 0, 60, 1500]) * np.timedelta64(1, "m")
    width = pd.Timedelta(step, unit="min")
    for site in "ab":
        at_issue = PlanAtIssue(known, site, stamps, width)
        first = rows.loc[rows["site"] == site, "published"].min()
        for activity in "xy":
            found = at_issue.level(activity, begin)
            own = rows[(rows["site"] == site) & (rows["activity"] == activity)].sort_values("published")
            for k, moment in enumerate(issued):
                level = _by_minute(own[own["published"] <= moment])
                for j, hour in enumerate(begin[k]):
                    place = int((hour - FIRST) / np.timedelta64(1, "m"))
                    expected = np.nan if moment < first else level[place : place + step].mean()
                    np.testing.assert_allclose(found[k, j], expected, atol=1e-9)


def _by_minute(known: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Level of each minute from the first on, by the row that was published last."""
    level, minute = np.zeros(20 * 1440), FIRST + np.arange(20 * 1440) * np.timedelta64(1, "m")
    for start, end, value in known[["start", "end", "level"]].itertuples(index=False):
        level[(minute >= start.to_datetime64()) & (minute < end.to_datetime64())] = value
    return level


def test_a_correction_counts_from_its_publication_and_zero_cancels() -> None:
    works = plan(
        FURNACE, ("works", "furnace", "2024-03-05 12:00", "2024-03-05 13:00", 0.0, "2024-03-05 08:00")
    )
    noon = ["2024-03-05 12:30"]
    assert works.at("works", "furnace", noon, as_of="2024-03-05 07:59").tolist() == [1.0]
    assert works.at("works", "furnace", noon, as_of="2024-03-05 08:00").tolist() == [0.0]
    assert works.at("works", "furnace", ["2024-03-05 13:00"]).tolist() == [
        0.0
    ]  # the end does not belong to it


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = _random_rows(7)
    one, other = ef.PlannedOperation(rows), ef.PlannedOperation(rows[::-1])
    pd.testing.assert_frame_equal(one.rows, other.rows)


def test_days_are_whole_on_the_clock_of_the_site_and_known_at_their_end() -> None:
    closed = plan(
        ("works", "closed", "2024-03-31", "2024-04-01", 1.0, "2024-03-01"), timezone="Europe/Berlin"
    )
    row = closed.rows.iloc[0]
    assert row["start"] == pd.Timestamp("2024-03-30 23:00", tz="UTC")
    assert row["end"] == pd.Timestamp("2024-04-01 22:00", tz="UTC")  # 47 hours: the clock is put forward
    assert row["published"] == pd.Timestamp("2024-03-01 23:00", tz="UTC")


def test_the_hour_that_a_clock_repeats_is_planned_whole() -> None:
    night = plan(
        ("works", "shift", "2024-10-27 02:00", "2024-10-27 02:30", 1.0, "2024-10-01 08:00"),
        timezone="Europe/Berlin",
    )
    assert night.rows["start"][0] == pd.Timestamp("2024-10-27 00:00", tz="UTC")
    assert night.rows["end"][0] == pd.Timestamp("2024-10-27 01:30", tz="UTC")


def _by_the_clock(*spans: tuple[str, str], **more: Any) -> ef.PlannedOperation:
    """Rows of one night of autumn, each with its place in the table as its level."""
    day = "2024-10-27 "
    rows = [
        ("works", "furnace", day + start, day + end, float(k), "2024-10-20")
        for k, (start, end) in enumerate(spans)
    ]
    return plan(*rows, timezone="Europe/Berlin", **more)


def _levels(table: ef.PlannedOperation, *, freq: str) -> list[float]:
    """Levels from 01:00 local to the end of the repeated hour, and of the interval after it."""
    moments = pd.date_range("2024-10-26 23:00", "2024-10-27 02:00", freq=freq)
    return table.at("works", "furnace", moments).tolist()


def test_hours_of_a_plan_meet_where_the_clock_repeats_one(tmp_path: Path) -> None:
    hours = [(f"0{h}:00", f"0{h + 1}:00") for h in range(5)]
    once = _by_the_clock(*hours)
    assert _levels(once, freq="1h") == [1, 2, 2, 3]  # the hour holds through both showings
    assert _levels(_by_the_clock(*hours[:3], *hours[2:]), freq="1h") == [1, 2, 3, 4]  # 25 rows
    table = pd.DataFrame(
        [("f", f"2024-10-27 {a}", f"2024-10-27 {b}", float(k)) for k, (a, b) in enumerate(hours)],
        columns=["activity", "start", "end", "level"],
    )
    table.to_csv(tmp_path / "plan.csv", index=False)
    for source in (tmp_path / "plan.csv", table):
        read = ef.read_planned_operation(
            source, timezone="Europe/Berlin", site="works", published="2024-10-20"
        )
        pd.testing.assert_frame_equal(read.rows[["start", "end"]], once.rows[["start", "end"]])


def test_quarters_of_a_plan_meet_where_the_clock_repeats_them() -> None:
    times = [f"0{h}:{m:02d}" for h in (1, 2, 3) for m in (0, 15, 30, 45)]
    quarters = list(itertools.pairwise(times))
    once = _levels(_by_the_clock(*quarters), freq="15min")
    assert once == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 8]
    twice = _levels(_by_the_clock(*quarters[:8], *quarters[4:]), freq="15min")
    assert twice == list(range(13))


def test_marks_and_whole_shifts_keep_their_showing_of_a_repeated_hour() -> None:
    marked = _by_the_clock(("01:00", "02B:00"), ("02B:00", "03:00"))
    assert _levels(marked, freq="1h") == [0, 0, 1, 0]
    shifts = _by_the_clock(("00:00", "02:30"), ("02:30", "08:00"))
    assert _levels(shifts, freq="30min") == [0, 0, 0, 1, 1, 1, 1]
    with pytest.raises(errors.SchemaError, match="levels 0 and 1"):
        _by_the_clock(("02:00", "05:00"), ("02:00", "05:00"))  # longer than the hour: no showings of it


def test_a_day_of_publication_is_its_end_for_all_rows_too() -> None:
    rows = pd.DataFrame([FURNACE], columns=COLUMNS).drop(columns="published")
    for day in ("2024-03-04", "20240304", date(2024, 3, 4)):
        given = ef.PlannedOperation(rows, published=day, timezone="Europe/Berlin")
        assert given.rows["published"][0] == pd.Timestamp("2024-03-04 23:00", tz="UTC")
        read = ef.read_planned_operation(rows, published=day, timezone="Europe/Berlin")
        pd.testing.assert_frame_equal(read.rows, given.rows)
    moment = ef.PlannedOperation(rows, published=pd.Timestamp("2024-03-04"), timezone="Europe/Berlin")
    assert moment.rows["published"][0] == pd.Timestamp("2024-03-03 23:00", tz="UTC")


def test_days_begin_where_the_clock_skips_or_repeats_midnight() -> None:
    cairo = plan(("works", "closed", "2024-04-25", "2024-04-25", 1, "2024-03-01"), timezone="Africa/Cairo")
    after = plan(("works", "closed", "2024-04-26", "2024-04-26", 1, "2024-03-01"), timezone="Africa/Cairo")
    assert cairo.rows["end"][0] == after.rows["start"][0] == pd.Timestamp("2024-04-25 22:00", tz="UTC")
    havana = plan(("works", "closed", "2024-11-02", "2024-11-02", 1, "2024-03-01"), timezone="America/Havana")
    assert havana.rows["end"][0] == pd.Timestamp("2024-11-03 04:00", tz="UTC")


def test_blanks_around_names_do_not_make_others() -> None:
    cancelled = (" works", "furnace ", *FURNACE[2:4], 0.0, "2024-03-04 12:00")
    found = plan(FURNACE, cancelled)
    assert (found.sites, found.activities("works")) == (("works",), ("furnace",))
    assert found.at("works", "furnace", ["2024-03-05 11:00"]).tolist() == [0.0]


def test_offsets_count_before_the_zone() -> None:
    given = plan((*FURNACE[:2], "2024-03-05 10:00+05:00", "2024-03-05 13:00+05:00", 1, "2024-03-01"))
    assert given.rows["start"][0] == pd.Timestamp("2024-03-05 05:00", tz="UTC")


def test_level_is_one_and_one_publication_may_hold_for_all() -> None:
    rows = pd.DataFrame([FURNACE], columns=COLUMNS).drop(columns=["level", "published"])
    given = ef.PlannedOperation(rows, published="2024-03-04 18:00", timezone="Asia/Almaty")
    assert given.rows["level"].tolist() == [1.0]
    assert given.rows["published"][0] == pd.Timestamp("2024-03-04 13:00", tz="UTC")  # UTC+5 since that March


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"end": "2024-03-05 09:00"}, errors.TimeError, "An end must lie after its start"),
        ({"end": "2024-03-05 10:00"}, errors.TimeError, "An end must lie after its start"),
        ({"start": "5.3.2024"}, errors.TimeError, "5.3.2024"),
        ({"start": None}, errors.MissingDataError, "'start' is empty in row 1"),
        ({"published": None}, errors.MissingDataError, "'published' is empty in row 1"),
        ({"level": -1.0}, errors.RangeError, "level of row 1 is"),
        ({"level": "two"}, errors.RangeError, "'two'"),
        ({"level": np.nan}, errors.RangeError, "nan"),
        ({"level": 1 + 2j}, errors.RangeError, "2j"),
        ({"level": pd.Timestamp("2024-03-05")}, errors.RangeError, "2024-03-05"),
        ({"level": pd.Timedelta("1h")}, errors.RangeError, "1:00:00"),
        ({"level": 10**400}, errors.RangeError, "level of row 1 is"),
        ({"end": "9999-12-31"}, errors.TimeError, "9999-12-31 lies outside"),
        ({"end": np.datetime64("9999-12-31")}, errors.TimeError, "9999-12-31 lies outside"),
        ({"activity": " "}, errors.MissingDataError, "'activity' is empty in row 1"),
        ({"site": None}, errors.MissingDataError, "'site' is empty in row 1"),
        ({"levle": 2.0}, errors.SchemaError, "column 'levle'"),
    ],
)
def test_a_wrong_row_is_refused(changes: dict[str, Any], error: type[Exception], words: str) -> None:
    row = dict(zip(COLUMNS, FURNACE, strict=True)) | changes
    with pytest.raises(error, match=words) as caught:
        ef.PlannedOperation(pd.DataFrame([row], dtype=object))
    assert len(str(caught.value).splitlines()) == 3


def test_an_absent_column_and_an_empty_table_are_refused() -> None:
    frame = pd.DataFrame([FURNACE], columns=COLUMNS)
    with pytest.raises(errors.SchemaError, match="no column 'published'"):
        ef.PlannedOperation(frame.drop(columns="published"))
    with pytest.raises(errors.SchemaError, match=r"published=\.\.\. is given"):
        ef.PlannedOperation(frame, published="2024-03-01 08:00")
    with pytest.raises(errors.MissingDataError, match="no rows"):
        ef.PlannedOperation(frame[:0])
    for name in COLUMNS:
        with pytest.raises(errors.SchemaError, match=f"two columns '{name}'"):
            ef.PlannedOperation(pd.concat([frame, frame[[name]]], axis=1))
    with pytest.raises(errors.SchemaError, match="rows"):
        ef.PlannedOperation([FURNACE])  # type: ignore[arg-type]


def test_rows_of_one_publication_must_agree() -> None:
    other = ("works", "furnace", "2024-03-05 12:00", "2024-03-05 15:00", 0.0, "2024-03-03 12:00")
    with pytest.raises(errors.SchemaError, match="levels 1 and 0 at 2024-03-05 12:00 UTC"):
        plan(FURNACE, other)
    plan(FURNACE, (*other[:4], 1.0, other[5]))  # the same level
    plan(FURNACE, (*other[:5], "2024-03-03 12:01"))  # a correction
    plan(FURNACE, ("works", "furnace", FURNACE[3], "2024-03-05 15:00", 0.0, FURNACE[5]))  # the hours after it
    plan(FURNACE, ("works", "press", *other[2:]))
    hidden = ("works", "furnace", "2024-03-05 10:30", "2024-03-05 11:00", 1.0, "2024-03-03 12:00")
    with pytest.raises(errors.SchemaError, match="levels 1 and 0"):
        plan(FURNACE, hidden, other)


def test_a_plan_knows_its_sites_and_activities() -> None:
    both = plan(FURNACE, ("mill", "shift", *FURNACE[2:]))
    assert (both.sites, both.activities("mill")) == (("mill", "works"), ("shift",))
    mill = both.of_sites(["mill"])
    assert mill is not None
    assert mill.sites == ("mill",)
    assert both.of_sites(["other"]) is None
    assert repr(both.of_sites("mill")) == repr(mill)
    with pytest.raises(errors.SchemaError, match="sites is of the type int"):
        both.of_sites(3)  # type: ignore[arg-type]


def test_the_level_of_an_unknown_name_or_moment_is_not_zero() -> None:
    works = plan(FURNACE)
    with pytest.raises(errors.SchemaError, match="perhaps 'furnace' is meant"):
        works.at("works", "furnce", ["2024-03-05 11:00"])
    with pytest.raises(errors.SchemaError, match="site is 'wrks'"):
        works.at("wrks", "furnace", ["2024-03-05 11:00"])
    assert np.isnan(works.at("works", "furnace", pd.DatetimeIndex([pd.NaT]))).all()


# -- files -----------------------------------------------------------------------------------------

TABLE = """\
# plan of the melt shop
Anlage;Beginn;Ende;Stufe;bekannt
Ofen;05.03.2024 10:00;05.03.2024 13:00;1,5;03.03.2024 12:00
Ofen;05.03.2024 22:00;05.03.2024 24:00;1,5;03.03.2024 12:00
"""


def test_a_file_with_other_names_signs_and_stamps(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(TABLE, encoding="cp1252")
    names = {
        "Anlage": "activity",
        "Beginn": "start",
        "Ende": "end",
        "Stufe": "level",
        "bekannt": "published",
    }
    form = ef.TableFormat(
        delimiter=";",
        decimal=",",
        encoding="cp1252",
        skip_rows=1,
        time_format="%d.%m.%Y %H:%M",
        columns=names,
    )
    found = ef.read_planned_operation(path, timezone="Europe/Berlin", site="works", format=form)
    assert found.rows["level"].tolist() == [1.5, 1.5]
    assert found.rows["start"][0] == pd.Timestamp("2024-03-05 09:00", tz="UTC")
    assert found.rows["end"][1] == pd.Timestamp("2024-03-05 23:00", tz="UTC")


def test_a_workbook_and_a_frame_are_the_same_plan(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame([FURNACE], columns=COLUMNS)
    typed = frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("start", "end", "published")})
    typed.to_excel(tmp_path / "plan.xlsx", index=False)
    book = ef.read_planned_operation(tmp_path / "plan.xlsx", timezone="Asia/Almaty")
    pd.testing.assert_frame_equal(book.rows, ef.read_planned_operation(frame, timezone="Asia/Almaty").rows)


def test_days_of_a_workbook_are_days(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    row = ("works", "closed", "2024-12-24", "2024-12-26", 1.0, "2024-06-30")
    frame = pd.DataFrame([row], columns=COLUMNS)
    text = ef.read_planned_operation(frame, timezone="Europe/Berlin")
    days = {name: pd.to_datetime(frame[name]).dt.date for name in ("start", "end", "published")}
    frame.assign(**days).to_excel(tmp_path / "plan.xlsx", index=False)
    book = ef.read_planned_operation(tmp_path / "plan.xlsx", timezone="Europe/Berlin")
    pd.testing.assert_frame_equal(book.rows, text.rows)
    assert book.rows["end"][0] == pd.Timestamp("2024-12-26 23:00", tz="UTC")


def test_a_reader_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    frame = pd.DataFrame([FURNACE], columns=COLUMNS)
    with pytest.raises(errors.SchemaError, match="timezone of the table is not given"):
        ef.read_planned_operation(frame)
    with pytest.raises(errors.SchemaError, match="label"):
        ef.read_planned_operation(frame, timezone="UTC", format=ef.TableFormat(label="ending"))
    with pytest.raises(errors.SchemaError, match="site='works' is given"):
        ef.read_planned_operation(frame, timezone="UTC", site="works")
    with pytest.raises(errors.SchemaError, match="no column 'begin'"):
        ef.read_planned_operation(frame, timezone="UTC", format=ef.TableFormat(columns={"begin": "start"}))
    with pytest.raises(errors.SchemaError, match="'begin'"):
        ef.read_planned_operation(frame, timezone="UTC", format=ef.TableFormat(columns={"start": "begin"}))
    twice = ef.TableFormat(columns={"site": "level", "level": "level"})
    with pytest.raises(errors.SchemaError, match="two columns 'level'"):
        ef.read_planned_operation(frame, timezone="UTC", format=twice)
    with pytest.raises(errors.MissingDataError, match="no file"):
        ef.read_planned_operation(tmp_path / "none.csv", timezone="UTC")
