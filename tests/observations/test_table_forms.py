"""Forms of published files: hours counted from 1, marks of doubled hours, fillers, layouts, workbooks, order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast import Observations, TableFormat, read_power
from energyforecast.errors import EnergyForecastError, FileFormatError, SchemaError, TimeError
from tests.support.error_messages import three_lines
from tests.support.table_settings import with_format

FORM = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}
HOUR = {"label": "hour_ending", "time": ["day", "hour"], "columns": ["x"]}
TWO = [f"{hour:02d}" for hour in range(3, 25)]


def _read(source: object, **changed: object) -> Observations:
    return read_power(source, **with_format(FORM | changed))


def _day(day: str, hours: list[str] | list[int], **more: object) -> pd.DataFrame:
    return pd.DataFrame({"day": day, "hour": hours, "x": np.arange(len(hours), dtype=float)} | more)


def _is_whole_day(power: Observations, zone: str, day: str) -> None:
    """All hours of a local day, in the order of the rows."""
    first = pd.Timestamp(day, tz=zone)
    hours = pd.date_range(first, first + pd.DateOffset(days=1), freq="1h", inclusive="left")
    assert list(power.index) == list(hours)
    assert power.values["x"].tolist() == list(range(len(hours)))


# --- Hours counted from 1 to 24 -------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["{:02d}:00", "{:02d}", "{}", "HE{:02d}", "{:02d}:00:00"])
@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2023-11-04", [1, 2, *range(3, 25)]),
        ("2023-11-05", [1, 2, 2, *range(3, 25)]),
        ("2023-03-12", [1, 2, *range(4, 25)]),
        ("2023-03-12", [1, 3, *range(4, 25)]),  # the clock at the end of the second hour shows 03:00
    ],
)
def test_hours_counted_from_one_over_both_changes_of_the_clock(
    day: str, hours: list[int], clock: str
) -> None:
    table = _day(day, [clock.format(hour) for hour in hours])
    _is_whole_day(_read(table, timezone="America/Chicago", **HOUR), "America/Chicago", day)


def test_an_integer_column_of_hours_is_read_and_24_begins_no_hour() -> None:
    table = _day("2023-11-04", list(range(1, 25)))
    _is_whole_day(_read(table, timezone="America/Chicago", **HOUR), "America/Chicago", "2023-11-04")
    with pytest.raises(TimeError, match="24:00") as caught:
        _read(table, time=["day", "hour"], columns=["x"])
    three_lines(caught.value)


def test_hour_ending_in_one_column_of_quarter_hours() -> None:
    ends = [f"2024-06-01 {k // 60:02d}:{k % 60:02d}" for k in range(15, 1441, 15)]
    power = _read(
        pd.DataFrame({"t": ends, "x": range(96)}), time="t", label="hour_ending", timezone="Europe/Berlin"
    )
    assert power.index[0] == pd.Timestamp("2024-06-01", tz="Europe/Berlin")
    assert len(power) == 96


def test_the_refusal_of_a_doubled_hour_at_the_end_names_hour_ending() -> None:
    table = _day("2023-11-05", ["01", "02", "02", *TWO])
    with pytest.raises(TimeError, match="hour_ending"):
        _read(table, timezone="America/Chicago", **(HOUR | {"label": "ending"}))


# --- Marks of the doubled hour --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [("02", "02X"), ("2A", "2B"), ("2a", "2b"), ("02:00A", "02:00B"), ("02:00", "02:00 DST")],
)
def test_marks_of_the_doubled_hour(first: str, second: str) -> None:
    table = _day("2023-11-05", ["01", first, second, *TWO])
    _is_whole_day(_read(table, timezone="America/New_York", **HOUR), "America/New_York", "2023-11-05")


def test_marks_hold_whatever_the_order_of_the_rows() -> None:
    table = _day("2023-11-05", ["01", "02X", "02", *TWO])
    with pytest.raises(TimeError, match="goes back"):
        _read(table, timezone="America/New_York", **HOUR)
    quarters = [f"27.10.2024 {hour}:{minute:02d}" for hour in ("2A", "2B") for minute in (0, 15, 30, 45)]
    table = pd.DataFrame({"t": quarters[::-1], "x": range(8)})
    power = _read(table, time="t", timezone="Europe/Berlin", time_format="%d.%m.%Y %H:%M")
    assert power.values["x"].tolist() == list(range(8))[::-1]
    assert power.index[0] == pd.Timestamp("2024-10-27 00:00", tz="UTC")


@pytest.mark.parametrize(("no", "yes"), [("N", "Y"), (0, 1), (False, True), ("", "X")])
def test_a_column_marks_the_second_of_the_doubled_hours(no: object, yes: object) -> None:
    flags = [no, no, yes, *[no] * 22]
    table = _day("2023-11-05", ["01:00", "02:00", "02:00", *(f"{hour}:00" for hour in TWO)], flag=flags)
    form = HOUR | {"timezone": "America/Chicago", "doubled_hour": "flag"}
    _is_whole_day(_read(table, **form), "America/Chicago", "2023-11-05")
    summer = _day("2023-07-01", ["01:00", "02:00"], flag=[yes, yes])
    with pytest.raises(TimeError, match="occurs once") as caught:
        _read(summer, **form)
    three_lines(caught.value)


def test_marks_in_a_column_of_periods_are_named() -> None:
    table = _day("2023-11-05", ["01", "02", "02X", *TWO])
    with pytest.raises(TimeError, match=r"(?s)02X on 2023-11-05.*hour_ending"):
        _read(table, timezone="America/New_York", time="day", period="hour", periods_per_day=24)


# --- A filler hour in March -----------------------------------------------------------------------


@pytest.mark.parametrize("label", ["beginning", "hour_ending"])
def test_an_hour_that_the_clock_skips_is_dropped_if_empty_and_refused_with_a_value(label: str) -> None:
    hours = [f"{hour:02d}:00" for hour in (range(1, 25) if label == "hour_ending" else range(24))]
    table = _day("2024-03-31", hours)
    form = HOUR | {"label": label, "timezone": "Europe/Berlin"}
    with pytest.raises(TimeError, match=r"(?s)put forward.*nonexistent='drop'") as caught:
        _read(table, **form)
    three_lines(caught.value)
    right = [0.0, 1.0, *range(3, 24)]
    assert _read(table.assign(x=table["x"].mask(table["x"] == 2)), **form).values["x"].tolist() == right
    assert _read(table, nonexistent="drop", **form).values["x"].tolist() == right


# --- Order of rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["1h", "15min"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "fixed:+05:00"])
def test_rows_from_the_newest_to_the_oldest_over_a_clock_change(zone: str, step: str) -> None:
    hours = pd.date_range("2024-10-26 22:00", periods=60, freq=step, tz="UTC")
    wall = (hours if zone != "Europe/Berlin" else hours.tz_convert(zone)).tz_localize(None)
    table = pd.DataFrame({"x": range(60)}, index=wall)
    pd.testing.assert_frame_equal(
        _read(table[::-1], timezone=zone).values, _read(table, timezone=zone).values
    )


def test_other_disorder_is_refused_without_an_offset() -> None:
    hours = pd.date_range("2024-01-01", periods=10, freq="1h")
    table = pd.DataFrame({"x": range(10)}, index=hours).iloc[[0, 2, 1, *range(3, 10)]]
    with pytest.raises(TimeError, match="goes back"):
        _read(table)
    assert _read(table.tz_localize("UTC")).values["x"].tolist() == list(range(10))


@pytest.mark.parametrize("duplicates", ["error", "flag"])
def test_midnight_with_the_date_of_its_day_that_ends_is_refused(duplicates: str) -> None:
    ends = pd.date_range("2024-01-01 01:00", periods=48, freq="1h")
    old = [end - pd.Timedelta("1D") if end.hour == 0 else end for end in ends]
    table = pd.DataFrame({"x": range(48)}, index=pd.DatetimeIndex(old))
    with pytest.raises(TimeError, match="24:00"):
        _read(table, label="ending", duplicates=duplicates)


# --- Layouts --------------------------------------------------------------------------------------


def _long() -> pd.DataFrame:
    wall = pd.date_range("2024-10-26", periods=60, freq="1h", tz="Europe/Berlin").tz_localize(None)
    return pd.DataFrame({"t": np.repeat(wall, 2), "area": ["A", "B"] * 60, "x": np.arange(120.0), "y": 1.0})


def test_a_row_for_each_site_and_time() -> None:
    form = {"time": "t", "timezone": "Europe/Berlin"}
    with pytest.raises(SchemaError, match=r"site='area'"):
        _read(_long(), **form)
    with pytest.raises(SchemaError, match=r"columns=\['x'\]"):
        _read(_long(), site="area", **form)
    power = _read(_long(), site="area", columns=["x"], **form)
    assert power.values["A"].tolist() == list(range(0, 120, 2))
    assert power.values["B"].tolist() == list(range(1, 120, 2))
    part = _read(_long().iloc[:-1], site="area", columns=["x"], **form)
    assert part.values["B"].isna().tolist() == [False] * 59 + [True]


def test_publication_times_and_flags_of_a_long_table() -> None:
    table = _long().assign(known=lambda rows: rows["t"] + pd.Timedelta("2h"))
    form = {"time": "t", "site": "area", "columns": ["x"], "published_after": None, "published_time": "known"}
    power = _read(table.drop_duplicates(["t", "area"]), **form)
    assert power.published_time is not None
    assert power.published.shape == (len(power), 2)


def test_a_row_for_each_day_is_named_and_its_remedy_gives_the_values() -> None:
    hours = [f"{hour:02d}:00" for hour in range(24)]
    table = pd.DataFrame(np.arange(72.0).reshape(3, 24), columns=hours)
    table.insert(0, "day", ["2024-01-01", "2024-01-02", "2024-01-03"])
    with pytest.raises(SchemaError, match=r"melt\(id_vars"):
        _read(table, time="day")
    rows = table.melt(id_vars="day", var_name="hour", value_name="x").sort_values(["day", "hour"])
    assert _read(rows, time=["day", "hour"], columns=["x"]).values["x"].tolist() == list(range(72))


def test_twenty_four_turbines_of_hourly_rows_are_no_hours() -> None:
    table = pd.DataFrame(1.0, index=pd.date_range("2024-01-01", periods=5, freq="1h"), columns=range(1, 25))
    assert len(_read(table).sites) == 24


# --- Files ----------------------------------------------------------------------------------------


def _written(folder: Path, text: str, name: str = "power.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_before_the_header_and_a_line_of_units(tmp_path: Path) -> None:
    path = _written(
        tmp_path, "TOA5,x\nstation\ntime,p\nTS,kW\n2024-01-01 00:00:00,1\n2024-01-01 00:10:00,2\n"
    )
    assert _read(path, skip_rows=[1, 2, 4]).values["p"].tolist() == [1, 2]
    path = _written(tmp_path, "Station: x\n\n\ntime,p,q\n2024-01-01 00:00,1,5\n2024-01-01 01:00,2,6\n")
    with pytest.raises(FileFormatError, match="skip_rows=3"):
        _read(path)
    assert _read(path, skip_rows=3).values["q"].tolist() == [5, 6]


def test_a_file_without_a_header(tmp_path: Path) -> None:
    path = _written(tmp_path, "1;2024-01-01 00:00;5.5\n1;2024-01-01 01:00;6.5\n")
    with pytest.raises(SchemaError, match="header=False"):
        _read(path, delimiter=";")
    form = {"delimiter": ";", "header": False, "time": "2", "columns": {"3": "farm"}}
    assert _read(path, **form).values["farm"].tolist() == [5.5, 6.5]


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.csv", '[{"time": 1}]', "JSON"),
        ("a.json", '{"data": []}', "JSON"),
        ("a.xml", "<?xml version='1.0'?><a/>", "XML"),
        ("a.csv", "<html><body>Not found</body></html>", "HTML"),
        ("a.csv", "PK\x03\x04", "Excel"),
        ("a.csv", "PAR1", "Parquet"),
        ("a.xlsx", "no workbook", "Excel"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path: Path, name: str, text: str, named: str) -> None:
    with pytest.raises(FileFormatError, match=named) as caught:
        _read(_written(tmp_path, text, name))
    three_lines(caught.value)


def test_a_workbook_with_dates_numbers_sheets_and_empty_cells(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["exported", None])
    sheet.append(["time", "farm"])
    for k in range(48):  # a fraction of a day, as a formula gives it
        sheet.append([45292 + k / 24, None if k == 5 else k / 2])
        sheet.cell(k + 3, 1).number_format = "dd.mm.yyyy hh:mm"
    book.save(tmp_path / "one.xlsx")
    power = _read(tmp_path / "one.xlsx", skip_rows=1)
    assert list(power.index) == list(pd.date_range("2024-01-01", periods=48, freq="1h", tz="UTC"))
    assert power.values["farm"].isna().sum() == 1
    assert power.values["farm"].iloc[-1] == 23.5
    book.create_sheet("other")
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(SchemaError, match="other"):
        _read(tmp_path / "two.xlsx", skip_rows=1)
    assert len(_read(tmp_path / "two.xlsx", skip_rows=1, sheet=sheet.title)) == 48


def test_publication_times_at_midnight_are_no_lost_hours() -> None:
    hours = pd.date_range("2024-01-01", periods=48, freq="1h")
    known = np.repeat(["2024-01-02 00:00", "2024-01-03 00:00"], 24)
    table = pd.DataFrame({"t": hours, "x": 1.0, "known": known})
    power = _read(table, time="t", columns=["x"], published_after=None, published_time="known")
    assert power.published[0, 0] == np.datetime64("2024-01-02")


def test_periods_begin_whatever_the_label_and_a_meter_is_no_hour_ending() -> None:
    with pytest.raises(SchemaError, match="meter"):
        TableFormat(label="hour_ending", cumulative=True)
    with pytest.raises(EnergyForecastError, match="hour_ending"):
        _read(
            pd.DataFrame({"x": [1.0, 2.0]}, pd.date_range("2024", periods=2, freq="1h", tz="UTC")),
            label="hour_ending",
        )
