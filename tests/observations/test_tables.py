"""Files of measurements as they are found: clocks, encodings, periods, meters, revisions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast import read_power
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import Flag
from energyforecast.errors import (
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.observations import read_demand
from tests.support.error_messages import three_lines
from tests.support.table_settings import with_format

HOUR = pd.Timedelta("1h")
FORM = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": "1h"}


def _read(table: pd.DataFrame, **changed: object) -> Observations:
    return read_power(table, **with_format(FORM | changed))


def _file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "power.csv"
    path.write_bytes(text.encode(encoding))
    return path


# --- Encodings and decimal signs ------------------------------------------------------------------

RUSSIAN = "Дата и время;Мощность, кВт;Статус\n01.02.2024 00:00;1500,5;норма\n01.02.2024 00:10;-3,0;норма\n"
SAID = {
    "unit": "kW",
    "timezone": "fixed:+06:00",
    "columns": {"Мощность, кВт": "farm"},
    "time_format": "%d.%m.%Y %H:%M",
    "delimiter": ";",
    "decimal": ",",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_russian_scada_is_read_by_what_is_said_of_it(tmp_path: Path, encoding: str) -> None:
    power = _read(_file(tmp_path, RUSSIAN, encoding), encoding=encoding, **SAID)
    assert power.values["farm"].tolist() == [1.5005, -0.003]
    assert power.index[0] == pd.Timestamp("2024-01-31 18:00", tz="UTC"), (
        "the first of February, not of a month 2"
    )
    assert power.frequency == pd.Timedelta("10min")


def test_a_mark_of_byte_order_is_no_part_of_a_header(tmp_path: Path) -> None:
    text = "time,farm\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n"
    for encoding in ("utf-8", "utf-8-sig"):
        power = _read(_file(tmp_path, text, "utf-8-sig"), time="time", encoding=encoding)
        assert power.sites == ("farm",)


@pytest.mark.parametrize(
    ("wrong", "error", "remedy"),
    [
        ({"encoding": "utf-8"}, FileFormatError, "cp1251"),
        ({"encoding": "no such"}, FileFormatError, "encoding"),
        ({"delimiter": ","}, FileFormatError, "delimiter"),
        ({"decimal": "."}, SchemaError, "decimal=','"),
        ({"time_format": "%m.%d.%Y"}, TimeError, "time_format"),
        ({"columns": {"Мощность": "farm"}}, SchemaError, "name"),
        ({"time_format": None}, TimeError, "time_format"),
    ],
)
def test_what_is_said_wrongly_is_refused(
    tmp_path: Path, wrong: dict[str, object], error: type[EnergyForecastError], remedy: str
) -> None:
    with pytest.raises(error, match=remedy) as caught:
        _read(_file(tmp_path, RUSSIAN, "cp1251"), **({"encoding": "cp1251"} | SAID | wrong))
    three_lines(caught.value)


def test_decimal_commas_are_found_where_columns_are_not_named(tmp_path: Path) -> None:
    text = "time;farm\n2024-01-01 00:00;1,5\n2024-01-01 01:00;2,5\n"
    with pytest.raises(SchemaError, match="decimal=','"):
        _read(_file(tmp_path, text), delimiter=";")


def test_parquet_and_a_broken_one(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    stamps = pd.date_range("2024-01-01", periods=3, freq="1h")
    path = tmp_path / "power.parquet"
    pd.DataFrame({"time": stamps, "farm": [1.0, 2.0, 3.0]}).to_parquet(path)
    assert _read(path).values["farm"].tolist() == [1, 2, 3]  # type: ignore[arg-type]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileFormatError, match="parquet"):
        _read(path)  # type: ignore[arg-type]


# --- Settlement periods, dates and times of day ---------------------------------------------------


def _settled(day: str, periods: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": day, "period": np.arange(1, periods + 1), "demand": np.arange(periods, dtype=float)}
    )


@pytest.mark.parametrize(
    ("day", "periods", "first", "last"),
    [
        ("2023-03-26", 46, "2023-03-26 00:00", "2023-03-26 22:30"),
        ("2023-10-29", 50, "2023-10-28 23:00", "2023-10-29 23:30"),
        ("2024-02-29", 48, "2024-02-29 00:00", "2024-02-29 23:30"),
        ("2023-07-01", 48, "2023-06-30 23:00", "2023-07-01 22:30"),
    ],
)
def test_days_of_46_48_and_50_half_hours(day: str, periods: int, first: str, last: str) -> None:
    power = _read(
        _settled(day, periods), timezone="Europe/London", time="date", period="period", columns=["demand"]
    )
    assert power.values["demand"].tolist() == list(range(periods))
    assert power.index[0] == pd.Timestamp(first, tz="UTC")
    assert power.index[-1] == pd.Timestamp(last, tz="UTC")


@pytest.mark.parametrize(("day", "periods"), [("2023-03-26", 47), ("2023-10-29", 51), ("2024-02-29", 49)])
def test_a_period_that_its_day_does_not_have_is_named(day: str, periods: int) -> None:
    with pytest.raises(TimeError, match=f"'period' is {periods} on {day}") as caught:
        _read(_settled(day, periods), timezone="Europe/London", time="date", period="period")
    three_lines(caught.value)


def test_periods_of_an_hour() -> None:
    table = pd.DataFrame({"date": "2023-10-29", "period": range(1, 26), "x": 1.0})
    form = {"timezone": "Europe/Berlin", "time": "date", "period": "period", "periods_per_day": 24}
    assert len(_read(table, columns=["x"], **form)) == 25


@pytest.mark.parametrize("periods", [24, 12])
def test_days_of_longer_periods_than_declared_are_refused(periods: int) -> None:
    """Half-hours among the quarter-hours of a market that went from one to the other."""
    days = pd.concat([_settled(f"2024-01-0{day}", periods if day < 3 else 48) for day in (1, 2, 3, 4)])
    form = {"timezone": "UTC", "time": "date", "period": "period", "columns": ["demand"]}
    with pytest.raises(
        TimeError, match=rf"1 to {periods} on 2024-01-01 .* periods_per_day gives 48"
    ) as caught:
        _read(days, **form)
    three_lines(caught.value)
    today = pd.concat([_settled("2024-01-01", 48), _settled("2024-01-02", periods)])
    assert len(_read(today, **form)) == 48 + periods


def _date_and_clock(periods: int = 96) -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01", periods=periods, freq="30min")
    return pd.DataFrame(
        {"DATE": stamps.normalize(), "TIME": stamps.strftime("%H:%M"), "x": np.arange(periods, dtype=float)}
    )


def test_a_midnight_beside_a_column_of_times_does_not_collapse_the_day() -> None:
    table = _date_and_clock()
    power = _read(table, time=["DATE", "TIME"], columns=["x"])
    assert power.values["x"].tolist() == list(range(96))
    for duplicates in ("error", "flag"):
        with pytest.raises(TimeError, match="48 times") as caught:
            _read(table, time="DATE", columns=["x"], duplicates=duplicates)
        assert "time=[" in caught.value.remedy


def test_the_end_of_a_day_may_be_written_24_00() -> None:
    table = pd.DataFrame({"d": "2024-02-28", "t": ["23:00", "24:00"], "x": [1.0, 2.0]})
    power = _read(table, time=["d", "t"], columns=["x"], label="ending")
    assert list(power.index) == list(pd.date_range("2024-02-28 22:00", periods=2, freq="1h", tz="UTC"))
    with pytest.raises(TimeError, match="noon"):
        _read(table.assign(t=["23:00", "noon"]), time=["d", "t"], columns=["x"])


def test_gb_demand_has_every_half_hour_of_six_years() -> None:
    path = Path(os.environ.get("ENERGYFORECAST_DATA", "nowhere"), "gb_demand", "demand.parquet")
    if not path.exists():
        pytest.skip("ENERGYFORECAST_DATA does not hold gb_demand")
    pytest.importorskip("pyarrow")
    demand = read_demand(
        path,
        unit="MW",
        timezone="Europe/London",
        label="beginning",
        published_after="1h",
        format=TableFormat(
            time="SETTLEMENT_DATE", period="SETTLEMENT_PERIOD", columns={"ND": "Great Britain"}
        ),
    )
    assert len(demand) == 105_168
    assert demand.values["Great Britain"].notna().all()
    assert demand.index[-1] == pd.Timestamp("2023-12-31 23:30", tz="UTC")


# --- Daylight saving: six zones, both changes, both labels ----------------------------------------

ZONES = (
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
)


def _changes(zone: str) -> list[pd.Timestamp]:
    hours = pd.date_range("2023-01-01", "2024-01-01", freq="30min", tz="UTC")
    offset = np.asarray(hours.tz_convert(zone).tz_localize(None) - hours.tz_localize(None))
    return list(hours[1:][offset[1:] != offset[:-1]])


@pytest.mark.parametrize("label", ["beginning", "ending"])
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("zone", ZONES)
def test_local_clocks_over_their_changes(zone: str, change: int, label: str, tmp_path: Path) -> None:
    """Three days around each change come back as they were, whatever the label and the length of the day."""
    moment = _changes(zone)[change]
    true = pd.date_range(moment - 3 * 24 * HOUR, periods=2 * 3 * 48, freq="30min")
    stamps = (true + (true[1] - true[0]) if label == "ending" else true).tz_convert(zone)
    rows = pd.DataFrame({"farm": np.arange(len(true), dtype=float)}, index=stamps.tz_localize(None))
    path = tmp_path / "local.csv"
    rows.to_csv(path, index_label="time")
    power = read_power(path, unit="MW", timezone=zone, label=label, published_after="1h")
    assert list(power.index) == list(true)
    assert power.values["farm"].tolist() == list(range(len(true)))


@pytest.mark.parametrize("zone", ZONES)
def test_local_days_have_their_lengths_in_hourly_files(zone: str) -> None:
    lengths = set()
    for moment in _changes(zone):
        day = moment.tz_convert(zone).date()
        start, end = timestamps.local_midnights([day, day + pd.Timedelta("1D")], timezone=zone)
        lengths.add((end - start) / HOUR)
    assert lengths == ({23.5, 24.5} if zone.endswith("Howe") else {23, 25})


@pytest.mark.parametrize("first", ["2024-02-28 21:00", "2023-12-31 20:00"])
def test_leap_days_and_the_turn_of_the_year(first: str) -> None:
    stamps = pd.date_range(first, periods=60, freq="1h")
    power = _read(pd.DataFrame({"farm": range(60)}, index=stamps), timezone="fixed:+05:00")
    assert len(power) == 60
    assert power.index[0] == pd.Timestamp(first, tz="UTC") - 5 * HOUR


# --- Units and meters -----------------------------------------------------------------------------


def test_energies_of_an_interval_become_power() -> None:
    table = pd.DataFrame({"x": [500.0, 250.0]}, index=pd.date_range("2024-01-01", periods=2, freq="30min"))
    assert _read(table, unit="kWh").values["x"].tolist() == [1.0, 0.5]


def test_a_meter_that_begins_again_loses_one_interval_and_no_more() -> None:
    stamps = pd.date_range("2024-01-01 00:00", periods=7, freq="1h")
    readings = pd.DataFrame({"x": [100.0, 110.0, 125.0, 3.0, 8.0, np.nan, 20.0]}, index=stamps)
    power = _read(readings, unit="MWh", cumulative=True, label="ending")
    assert power.index[0] == pd.Timestamp("2024-01-01 00:00", tz="UTC")
    np.testing.assert_array_equal(power.values["x"], [10, 15, np.nan, 5, np.nan, np.nan])
    with pytest.raises(UnitsError, match="meter"):
        _read(readings, unit="MW", cumulative=True, label="ending")
    with pytest.raises(SchemaError, match="ending"):
        _read(readings, unit="MWh", cumulative=True)


def test_a_reading_that_was_skipped_is_no_peak_afterwards() -> None:
    stamps = pd.DatetimeIndex(
        ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 04:00", "2024-01-01 05:00"]
    )
    power = _read(
        pd.DataFrame({"x": [0.0, 5.0, 35.0, 40.0]}, index=stamps), unit="MWh", cumulative=True, label="ending"
    )
    np.testing.assert_array_equal(power.values["x"], [5, np.nan, np.nan, np.nan, 5])


def _meter(readings: object) -> Observations:
    stamps = pd.date_range("2024-01-01", periods=len(readings), freq="1h")
    return _read(pd.DataFrame({"x": readings}, index=stamps), unit="MWh", cumulative=True, label="ending")


@pytest.mark.parametrize(
    ("begin", "end", "shift"),
    [
        pytest.param(0, 1, -100_000.0, id="a faulty first reading"),
        pytest.param(47, 48, 900_000.0, id="a faulty last reading"),
        pytest.param(20, 48, 500_000.0, id="a meter that begins higher"),
    ],
)
def test_a_leap_of_a_meter_is_no_energy(begin: int, end: int, shift: float) -> None:
    readings = 100_000 + 10.0 * np.arange(48)
    readings[begin:end] += shift
    power = _meter(readings)
    np.testing.assert_array_equal(power.values["x"].dropna(), 10.0)
    assert power.values["x"].isna().sum() == 1
    assert power.flags is not None
    assert (power.flags["x"] > 0).tolist() == power.values["x"].isna().tolist()
    assert set(power.flags["x"]) == {0, int(Flag.SPIKE)}


def test_hours_of_sun_and_of_a_pump_are_no_leaps_of_a_meter() -> None:
    sunny = np.tile(np.clip(np.sin(np.arange(24) / 24 * 2 * np.pi - np.pi / 2), 0, None) ** 3, 10)
    pump = np.where(np.arange(240) % 100 == 50, 1.0, 0.03)
    for energy in (sunny, pump, sunny * (np.arange(240) > 200), [0, 0, 0, 5.0, 0, 0]):
        power = _meter(1000 + np.cumsum([0.0, *energy]))
        np.testing.assert_allclose(power.values["x"], energy, atol=1e-9)
        assert power.flags is None


def test_a_register_that_counts_up_and_down_is_refused() -> None:
    energy = np.tile([10.0, 10.0, -5.0, -5.0], 12)
    with pytest.raises(RangeError, match="fall in 24 of 48 intervals"):
        _meter(1000 + np.cumsum([0.0, *energy]))
    of_the_day = np.tile(np.arange(24.0), 20)
    assert _meter(of_the_day).values["x"].dropna().eq(1.0).all()
    noise = 1000 + np.cumsum(np.where(np.arange(480) % 24 < 12, 0, 1.0)) + 1e-3 * (np.arange(480) % 2)
    assert len(_meter(noise)) == 479


# --- Doubled rows and revisions -------------------------------------------------------------------


def test_conflicting_doubles_are_refused_or_flagged() -> None:
    stamps = pd.DatetimeIndex(
        ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 01:00", "2024-01-01 02:00"]
    )
    table = pd.DataFrame({"x": [1.0, 2.0, 7.0, 3.0]}, index=stamps)
    with pytest.raises(TimeError, match="doubled"):
        _read(table)
    power = _read(table, duplicates="flag")
    assert power.values["x"].tolist() == [1, 2, 3]
    assert power.flags is not None
    assert power.flags["x"].tolist() == [0, int(Flag.DUPLICATE), 0]
    assert power.unfit["x"].tolist() == [False, True, False]
    same = _read(table.assign(x=[1.0, 2.0, 2.0, 3.0]), duplicates="flag")
    assert same.flags is None, "rows that agree say nothing wrong"


def _revised() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "start": ["2024-01-01T00:00Z", "2024-01-01T00:30Z", "2024-01-01T00:00Z"],
            "known": ["2024-01-01T01:00Z", "2024-01-01T01:30Z", "2024-01-06T12:00Z"],
            "x": [10.0, 20.0, 12.0],
        }
    )


@pytest.mark.parametrize(
    ("how", "value", "known"),
    [
        ({}, 10, "2024-01-01T01:00"),
        ({"revisions": "last"}, 12, "2024-01-06T12:00"),
        ({"revisions": "last", "as_of": "2024-01-02"}, 10, "2024-01-01T01:00"),
    ],
)
def test_revisions_carry_the_time_of_their_own_publication(
    how: dict[str, object], value: float, known: str
) -> None:
    power = _read(
        _revised(), time="start", columns=["x"], published_after=None, published_time="known", **how
    )
    assert power.values["x"].tolist() == [value, 20]
    assert power.published[0, 0] == np.datetime64(known)


def test_what_nobody_knew_yet_is_not_there() -> None:
    form = {"time": "start", "columns": ["x"], "published_after": None, "published_time": "known"}
    with pytest.raises(MissingDataError, match="published by"):
        _read(_revised(), as_of="2024-01-01 00:30", **form)
    with pytest.raises(MissingDataError, match="Exactly one"):
        _read(_revised()[:2], time="start", columns=["x"], published_after=None)
    stamps = pd.date_range("2024-01-01", periods=5, freq="1h")
    assert len(_read(pd.DataFrame({"x": range(5)}, index=stamps), as_of="2024-01-01 04:00")) == 3


def test_demand_that_is_never_positive_is_refused() -> None:
    table = pd.DataFrame({"x": [-5.0, -4.0]}, index=pd.date_range("2024-01-01", periods=2, freq="1h"))
    with pytest.raises(SchemaError, match="never above 0"):
        read_demand(table, unit="MW", timezone="UTC", label="beginning", published_after="1h")
