"""Cells of files: text among numbers, signs, marks of missing values, offsets, and faulty readings of meters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast import Observations, TableFormat, read_power
from energyforecast.core.variables import Flag
from energyforecast.errors import EnergyForecastError, FileFormatError, SchemaError, TimeError
from tests.support.error_messages import three_lines
from tests.support.table_settings import with_format

FORM = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}
METER = FORM | {"unit": "MWh", "label": "ending", "cumulative": True}


def _read(source: object, **changed: object) -> Observations:
    return read_power(source, **with_format(FORM | changed))


def _file(folder: Path, *cells: str, header: str = "time;farm", stamp: str = "2024-01-01 {:02d}:00") -> Path:
    path = folder / "power.csv"
    path.write_text(
        "\n".join([header, *(f"{stamp.format(k)};{cell}" for k, cell in enumerate(cells))]) + "\n"
    )
    return path


def _frame(*values: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"farm": list(values)}, index=pd.date_range("2024-01-01", periods=len(values), freq="1h")
    )


# --- Text among numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [None, ["farm"]])
def test_text_is_named_with_column_row_and_text_and_may_be_declared_missing(
    tmp_path: Path, columns: list[str] | None
) -> None:
    path = _file(tmp_path, "1.5", "2", "No Data", "4")
    with pytest.raises(SchemaError, match=r"(?s)'farm'.*'No Data' in row 3.*missing=") as caught:
        _read(path, delimiter=";", columns=columns)
    three_lines(caught.value)
    power = _read(path, delimiter=";", columns=columns, missing=["No Data"])
    np.testing.assert_array_equal(power.values["farm"], [1.5, 2, np.nan, 4])


@pytest.mark.parametrize("cell", ["No Data", "12.5 kW", "<0.1", "-"])
def test_a_plant_of_text_alone_is_not_left_out(tmp_path: Path, cell: str) -> None:
    path = _file(tmp_path, *[f"1;{cell}"] * 3, header="time;farm;other")
    with pytest.raises(SchemaError, match="other"):
        _read(path, delimiter=";")


def test_columns_of_words_are_left_out_and_numbers_as_text_are_read() -> None:
    frame = _frame("1.5", " 2", "", None).assign(status="ok", flag=True)
    power = _read(frame)
    assert power.sites == ("farm",)
    np.testing.assert_array_equal(power.values["farm"], [1.5, 2, np.nan, np.nan])


def test_a_table_of_words_alone_is_refused() -> None:
    with pytest.raises(SchemaError, match="No column"):
        _read(_frame("ok", "ok"))


# --- Signs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "declared", "remedies"),
    [
        (("1,5", "2,25"), {}, {"decimal": ","}),
        (("1,234.5", "7"), {}, {"thousands": ","}),
        (("1.234,5", "7,0"), {}, {"decimal": ",", "thousands": "."}),
        (("1 234.5", "7"), {}, {"thousands": " "}),
        (("1\u202f234,5", "7"), {}, {"decimal": ",", "thousands": " "}),
        (("1'234.5", "7"), {}, {"thousands": "'"}),
        (("1.234,5", "7,0"), {"decimal": ","}, {"thousands": "."}),
    ],
)
def test_the_remedy_for_other_signs_gives_the_numbers(
    tmp_path: Path, cells: tuple[str, ...], declared: dict[str, str], remedies: dict[str, str]
) -> None:
    path = _file(tmp_path, *cells)
    with pytest.raises(SchemaError) as caught:
        _read(path, delimiter=";", **declared)
    assert caught.value.remedy == f"Give {', '.join(f'{name}={sign!r}' for name, sign in remedies.items())}."
    first = _read(path, delimiter=";", **(declared | remedies)).values["farm"].iloc[0]
    assert first == (1.5 if cells[0] == "1,5" else 1234.5)


@pytest.mark.parametrize("declared", [{}, {"decimal": ","}])
def test_two_readings_of_a_sign_are_both_given_with_their_value(
    tmp_path: Path, declared: dict[str, str]
) -> None:
    cell = "1.234" if declared else "1,234"
    with pytest.raises(SchemaError, match=r"if .* is 1\.234.*if .* is 1234|if .* is 1234.*if .* is 1\.234"):
        _read(_file(tmp_path, cell, cell), delimiter=";", **declared)


def test_a_decimal_comma_is_no_sign_of_thousands(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="1,5"):
        _read(_file(tmp_path, "1,5", "1,234"), delimiter=";", thousands=",")


def test_points_of_dates_are_no_thousands(tmp_path: Path) -> None:
    path = _file(tmp_path, "00:00;1.234,5", "01:00;2.345,5", header="day;hour;farm", stamp="01.03.2024")
    form = {"decimal": ",", "thousands": ".", "time": ["day", "hour"], "time_format": "%d.%m.%Y"}
    assert _read(path, delimiter=";", **form).values["farm"].tolist() == [1234.5, 2345.5]


def test_signs_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SchemaError, match="thousands"):
        TableFormat(thousands=",", decimal=",")


def test_a_sign_of_thousands_that_splits_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    path.write_text("time,farm\n2024-01-01 00:00,1,234\n2024-01-01 01:00,2,345\n")
    with pytest.raises(FileFormatError, match="quotes"):
        _read(path)


# --- Numbers that are no measurements -------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        -99.0,
        -99.9,
        -999.99,
        -9999.0,
        9999.0,
        -7999.0,
        32767.0,
        -32768.0,
        9999999.0,
        -1e30,
        9.969209968386869e36,
    ],
)
def test_numbers_in_place_of_missing_values_are_refused_until_declared(code: float) -> None:
    frame = _frame(0.0, 12.5, code, 40.0)
    with pytest.raises(SchemaError, match="row 3") as caught:
        _read(frame)
    mark = caught.value.remedy.split("'")[1]
    np.testing.assert_array_equal(_read(frame, missing=[mark]).values["farm"], [0, 12.5, np.nan, 40])


def test_two_codes_in_one_column_are_both_refused() -> None:
    frame = _frame(0.0, -999.0, 12.5, -9999.0, 40.0)
    with pytest.raises(SchemaError, match="-999 "):
        _read(frame)
    with pytest.raises(SchemaError, match="-9999 "):
        _read(frame, missing=["-999"])
    assert _read(frame, missing=["-999", "-9999"]).values["farm"].count() == 3


@pytest.mark.parametrize("values", [(-99.0, -80.0, 60.0), (9000.0, 9999.0, 10_500.0), (98.0, 99.0, 3.0)])
def test_power_of_that_size_is_no_code(values: tuple[float, ...]) -> None:
    assert _read(_frame(*values)).values["farm"].tolist() == list(values)


# --- Offsets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bare", [0, 1, 2])
@pytest.mark.parametrize("offset", ["Z", "+05:00", "+0500", "-03"])
def test_a_mixture_of_stamps_is_refused_wherever_the_other_one_is(bare: int, offset: str) -> None:
    stamps = [f"2024-01-01T0{k}:00{'' if k == bare else offset}" for k in range(3)]
    with pytest.raises(TimeError, match=rf"row {bare + 1}\b") as caught:
        _read(pd.DataFrame({"t": stamps, "farm": 1.0}), time="t", timezone="Asia/Almaty")
    three_lines(caught.value)


def test_a_literal_z_in_the_form_is_utc() -> None:
    stamps = [f"01.01.2024 0{k}:00Z" for k in range(3)]
    table = pd.DataFrame({"t": stamps, "farm": 1.0})
    power = _read(table, time="t", timezone="Asia/Almaty", time_format="%d.%m.%Y %H:%MZ")
    assert power.index[0] == pd.Timestamp("2024-01-01", tz="UTC")


def test_publication_times_are_all_with_an_offset_or_none() -> None:
    table = _frame(1.0, 2.0).assign(known=["2024-01-01T06:00Z", "2024-01-01 07:00"])
    with pytest.raises(TimeError, match="offset"):
        _read(table, published_after=None, published_time="known", columns=["farm"])


# --- Meters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("faulty", [0.0, -3461.0, 900_000.0])
@pytest.mark.parametrize("count", [1, 2])
def test_faulty_readings_are_missing_and_flagged_with_the_interval_after_them(
    faulty: float, count: int
) -> None:
    readings = [100_000.0, 100_010.0, *[faulty] * count, 100_040.0, 100_050.0]
    power = read_power(_frame(*readings), **with_format(METER))
    lost = count + 1
    np.testing.assert_array_equal(power.values["farm"], [10, *[np.nan] * lost, 10])
    assert power.flags is not None
    assert power.flags["farm"].tolist() == [0, *[int(Flag.SPIKE)] * lost, 0]


def test_a_count_of_the_day_that_begins_again_is_not_faulty() -> None:
    day = [0.0, 0.0, 5.0, 15.0, 20.0]
    sunny = [0.0, 0.0, 2.0, 8.0, 15.0, 45.0]
    power = read_power(_frame(*day, *sunny), **with_format(METER))
    np.testing.assert_array_equal(power.values["farm"], [0, 5, 10, 5, np.nan, 0, 2, 6, 7, 30])
    assert power.flags is None


def test_energy_is_never_far_above_the_usual_after_one_faulty_reading_anywhere() -> None:
    truth = 50_000.0 + np.cumsum(np.random.default_rng(7).uniform(5, 15, 48))
    for place in range(1, 47):
        for reading in (0.0, -1.0, 4e6, truth[place] - 1000, truth[place] + 1000):
            readings = truth.copy()
            readings[place] = reading
            assert read_power(_frame(*readings), **with_format(METER)).values["farm"].max() < 15.01


def test_errors_of_cells_are_errors_of_the_library() -> None:
    with pytest.raises(EnergyForecastError):
        _read(_frame(1.0, object()))
