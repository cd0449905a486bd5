"""Measured power: how it is read, sliced, joined and refused, and how its clock is checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import UNFIT, Flag
from energyforecast.errors import EnergyForecastError, MissingDataError, SchemaError, TimeError, UnitsError
from energyforecast.observations import estimate_lag, read_power
from tests.support.error_messages import three_lines
from tests.support.table_settings import with_format

HOUR = pd.Timedelta("1h")


def _utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def _frame(periods: int = 6, *, start: str = "2014-12-31 21:00", freq: str = "1h") -> pd.DataFrame:
    index = pd.date_range(start, periods=periods, freq=freq, tz="UTC")
    return pd.DataFrame(
        {"a": np.arange(periods, dtype=float), "b": -np.arange(periods, dtype=float)}, index=index
    )


def _recorded(values: pd.DataFrame, delay: str) -> pd.DataFrame:
    """Times of publication, each some time after the beginning of its interval."""
    stamps = values.index + pd.Timedelta(delay)
    return pd.DataFrame(dict.fromkeys(values.columns, stamps), index=values.index)


def _flagged(values: pd.DataFrame, row: int, flag: Flag) -> pd.DataFrame:
    flags = pd.DataFrame(0, index=values.index, columns=values.columns)
    flags.iloc[row, 0] = int(flag)
    return flags


# --- What is refused ------------------------------------------------------------------------------


def test_a_naive_index_is_refused_with_the_hour() -> None:
    with pytest.raises(TimeError, match="naive") as caught:
        Observations(_frame().tz_localize(None), published_after="2h")
    three_lines(caught.value, "2014-12-31 21:00")


def test_another_zone_is_converted() -> None:
    power = Observations(_frame().tz_convert("Asia/Almaty"), published_after="2h")
    assert list(power.index) == list(_frame().index)
    assert str(power.index.tz) == "UTC"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_publication_does_not_depend_on_the_unit_in_which_pandas_counts(unit: str) -> None:
    values = _frame()
    values.index = pd.DatetimeIndex(values.index).as_unit(unit)
    power = Observations(values, published_after="2h")
    assert power.published.dtype == "datetime64[ns]"
    assert (power.published[:, 0] == timestamps.to_ns(_frame().index + 3 * HOUR)).all()
    assert power.frequency == HOUR


def test_a_doubled_hour_is_named() -> None:
    doubled = _frame().iloc[[0, 1, 2, 2, 3]]
    with pytest.raises(TimeError, match="doubled") as caught:
        Observations(doubled, published_after="2h")
    three_lines(caught.value, "2014-12-31 23:00")


def test_a_missing_hour_is_named() -> None:
    with pytest.raises(TimeError, match="irregular") as caught:
        Observations(_frame().drop(_utc("2014-12-31 23:00")), published_after="2h")
    three_lines(caught.value, "2014-12-31 23:00")


def test_hours_out_of_order_are_named() -> None:
    with pytest.raises(TimeError, match="back in time") as caught:
        Observations(_frame().iloc[[0, 2, 1, 3]], published_after="2h")
    three_lines(caught.value, "2014-12-31 22:00")


def test_an_empty_stamp_is_refused() -> None:
    values = _frame(3)
    values.index = pd.DatetimeIndex([*values.index[:2], pd.NaT])
    with pytest.raises(TimeError):
        Observations(values, published_after="2h")


@pytest.mark.parametrize("values", [_frame(0), _frame()[[]]])
def test_nothing_is_refused(values: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="empty") as caught:
        Observations(values, published_after="2h")
    three_lines(caught.value)


def test_one_row_needs_its_frequency() -> None:
    with pytest.raises(TimeError, match="one row") as caught:
        Observations(_frame(1), published_after="2h")
    three_lines(caught.value)
    assert Observations(_frame(1), published_after="2h", frequency="1h").published[0, 0] == np.datetime64(
        "2015-01-01"
    )


def test_text_is_refused() -> None:
    values = _frame().astype(object)
    values.iloc[2, 0] = "1,5"
    with pytest.raises(SchemaError, match="1,5") as caught:
        Observations(values, published_after="2h")
    three_lines(caught.value)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_an_infinite_value_is_named_by_site_and_hour(infinity: float) -> None:
    values = _frame()
    values.iloc[2, 1] = infinity
    with pytest.raises(SchemaError, match="infinite") as caught:
        Observations(values, published_after="2h")
    three_lines(caught.value, "'b'", "2014-12-31 23:00")


def test_two_columns_of_one_site_are_refused() -> None:
    with pytest.raises(SchemaError):
        Observations(_frame().set_axis(["a", "a"], axis=1), published_after="2h")


@pytest.mark.parametrize("both", [True, False])
def test_exactly_one_thing_says_when_values_were_known(both: bool) -> None:
    values = _frame()
    with pytest.raises(MissingDataError, match="published") as caught:
        Observations(
            values,
            published_after="2h" if both else None,
            published_time=_recorded(values, "3h") if both else None,
        )
    three_lines(caught.value)


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(TimeError, match="published_after") as caught:
        Observations(_frame(), published_after="-1h")
    three_lines(caught.value)


def test_a_value_published_before_its_interval_ended_is_named() -> None:
    values = _frame()
    known = _recorded(values, "1h")
    Observations(values, published_time=known)  # at the very end is not before
    known.iloc[3, 1] -= pd.Timedelta("1s")
    with pytest.raises(TimeError, match="before the interval ends") as caught:
        Observations(values, published_time=known)
    three_lines(caught.value, "'b'", "2015-01-01 00:00")


@pytest.mark.parametrize("name", ["flags", "published_time", "available_capacity"])
@pytest.mark.parametrize("cut", [lambda frame: frame.iloc[1:], lambda frame: frame[["a"]]])
def test_frames_that_do_not_fit_the_values_are_refused(
    name: str, cut: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    values = _frame()
    whole = {
        "flags": _flagged(values, 0, Flag.OUTAGE),
        "published_time": _recorded(values, "3h"),
        "available_capacity": values * 0 + 8,
    }
    delay = {} if name == "published_time" else {"published_after": "2h"}
    with pytest.raises(SchemaError, match=name) as caught:
        Observations(values, **delay, **{name: cut(whole[name])})  # type: ignore[arg-type]
    three_lines(caught.value)


# --- Slicing --------------------------------------------------------------------------------------


def _full() -> Observations:
    values = _frame()
    flags = _flagged(values, 2, Flag.CURTAILED)
    capacity = values * 0 + 8.0
    return Observations(
        values, published_time=_recorded(values, "3h"), flags=flags, available_capacity=capacity
    )


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (slice(None, "2014-12"), slice(0, 3)),
        (slice("2015-01", None), slice(3, 6)),
        (slice("2014-12-31 22:00", "2015-01-01 00:00"), slice(1, 4)),
        (slice(_utc("2014-12-31 22:00"), _utc("2014-12-31 23:00")), slice(1, 3)),
        ("2014", slice(0, 3)),
        ("2015-01", slice(3, 6)),
        ("2014-12-31", slice(0, 3)),
        ("2014-12-31 23:00", slice(2, 3)),
    ],
)
def test_it_slices_by_time_like_its_frame_with_flags_and_publication(key: object, rows: slice) -> None:
    whole = _full()
    part = whole[key]
    pd.testing.assert_frame_equal(part.values, whole.values.iloc[rows], check_freq=False)
    assert part.flags is not None
    assert whole.flags is not None
    assert part.available_capacity is not None
    pd.testing.assert_frame_equal(part.flags, whole.flags.iloc[rows], check_freq=False)
    np.testing.assert_array_equal(part.published, whole.published[rows])
    np.testing.assert_array_equal(part.unfit, whole.unfit.iloc[rows])
    assert len(part.available_capacity) == len(part) == len(part.values)
    assert part.frequency == HOUR


def test_a_delay_stays_when_sliced() -> None:
    part = Observations(_frame(), published_after="2h")["2015"]
    np.testing.assert_array_equal(part.published[:, 0], timestamps.to_ns(part.index + 3 * HOUR))


@pytest.mark.parametrize(
    "key",
    [
        *("05.02.2015", "01/01/2015", "2015-1", "2015/01", "9:00", 2015, 0.5),
        *(slice("01.01.2015", None), slice(None, "2015-1"), slice(0, 3), slice("2015-01", "31.01.2015")),
    ],
)
def test_a_slice_that_is_no_iso_8601_is_refused(key: object) -> None:
    with pytest.raises(TimeError, match="not a moment") as caught:
        _full()[key]
    three_lines(caught.value)


@pytest.mark.parametrize("moment", ["01.01.2015 00:00", "0:00", 2015, 1420070400])
def test_a_value_at_no_moment_is_refused(moment: object) -> None:
    with pytest.raises(TimeError, match="not a moment"):
        _full().value_at("b", [moment])
    with pytest.raises(TimeError, match="not a moment"):
        _full().value_at("b", ["2015-01-01 00:00"], as_of=moment)


@pytest.mark.parametrize("key", ["b", ["b"]])
def test_it_slices_by_site(key: object) -> None:
    part = _full()[key]
    assert part.sites == ("b",)
    assert part.values["b"].tolist() == [-0.0, -1, -2, -3, -4, -5]
    assert part.published.shape == (6, 1)
    assert not part.unfit.to_numpy().any()


def test_a_period_without_observations_and_an_unknown_site_are_refused() -> None:
    with pytest.raises(EnergyForecastError) as caught:
        _full()["2013"]
    three_lines(caught.value)
    with pytest.raises(EnergyForecastError):
        _full()[["c"]]


def test_slicing_with_a_step_does_not_pretend_to_be_hourly() -> None:
    with pytest.raises(TimeError):
        _full()[::2]


def test_flags_set_values_aside_bit_by_bit() -> None:
    values = _frame()
    flags = pd.DataFrame(0, index=values.index, columns=values.columns)
    for row, flag in enumerate(
        [Flag.INCOMPLETE, Flag.NIGHT_GENERATION, Flag.CLIPPING, Flag.CLIPPING | Flag.OUTAGE]
    ):
        flags.iloc[row, 0] = int(flag)
    unfit = Observations(values, published_after="2h", flags=flags).unfit
    assert unfit["a"].tolist() == [True, False, False, True, False, False]
    assert not unfit["b"].any()


def test_bits_of_flags_are_never_renumbered() -> None:
    names = "INCOMPLETE OUTAGE CURTAILED CLOCK_SUSPECT STUCK SPIKE ABOVE_CAPACITY NIGHT_GENERATION CLIPPING"
    names += " INTERPOLATED DUPLICATE USER UNREADABLE"
    assert {flag.name: int(flag) for flag in Flag} == {name: 2**k for k, name in enumerate(names.split())}
    assert UNFIT & (Flag.NIGHT_GENERATION | Flag.CLIPPING) == 0


def test_the_repr_counts_what_is_missing_and_flagged() -> None:
    values = _frame()
    values.iloc[[1, 4], 0] = np.nan
    power = Observations(values, published_after="90min", flags=_flagged(values, 2, Flag.CURTAILED))
    for words in ("a, b", "6 x 1h", "2014-12-31 21:00 UTC", "2 missing", "1 flagged", "90min"):
        assert words in repr(power)
    assert "recorded" in repr(_full())


# --- Longer intervals -----------------------------------------------------------------------------


def _ten_minutes(periods: int = 18) -> pd.DataFrame:
    return _frame(periods, start="2024-01-01 00:00", freq="10min")[["a"]]


def test_longer_intervals_are_means_of_their_parts() -> None:
    hourly = Observations(_ten_minutes(), published_after="2h").resample("1h")
    assert hourly.values["a"].tolist() == [2.5, 8.5, 14.5]
    assert hourly.frequency == HOUR
    assert hourly.published[0, 0] == np.datetime64("2024-01-01T03:00")


def test_an_hour_with_a_missing_part_is_missing_and_flagged_never_scaled() -> None:
    values = _ten_minutes(17)
    values.iloc[3, 0] = np.nan
    hourly = Observations(values, published_after="2h").resample("1h")
    assert hourly.flags is not None
    np.testing.assert_array_equal(hourly.values["a"], [np.nan, 8.5, np.nan])
    assert hourly.flags["a"].tolist() == [int(Flag.INCOMPLETE), 0, int(Flag.INCOMPLETE)]


def test_an_hour_has_the_flags_of_all_its_parts() -> None:
    values = _ten_minutes()
    flags = _flagged(values, 7, Flag.CURTAILED | Flag.CLIPPING)
    flags.iloc[8, 0] = int(Flag.CURTAILED | Flag.STUCK)
    hourly = Observations(values, published_after="2h", flags=flags).resample("1h")
    assert hourly.flags is not None
    assert hourly.flags["a"].tolist() == [0, int(Flag.CURTAILED | Flag.CLIPPING | Flag.STUCK), 0]


def test_an_hour_is_known_when_its_last_part_is() -> None:
    values = _ten_minutes()
    known = _recorded(values, "2h")
    known.iloc[2, 0] = _utc("2024-01-01 09:00")
    hourly = Observations(values, published_time=known).resample("1h")
    expected = ["2024-01-01T09:00", "2024-01-01T03:50", "2024-01-01T04:50"]
    np.testing.assert_array_equal(hourly.published[:, 0], np.array(expected, dtype="datetime64[ns]"))


def test_an_hour_of_which_a_part_was_never_published_was_never_published() -> None:
    values = _ten_minutes()
    known = _recorded(values, "2h")
    known.iloc[2, 0] = pd.NaT
    hourly = Observations(values, published_time=known).resample("1h")
    assert np.isnat(hourly.published[:, 0]).tolist() == [True, False, False]


def test_a_last_hour_of_which_only_the_beginning_is_there_is_missing() -> None:
    values = _ten_minutes(14)
    hourly = Observations(values, published_time=_recorded(values, "10min")).resample("1h")
    np.testing.assert_array_equal(hourly.values["a"], [2.5, 8.5, np.nan])


@pytest.mark.parametrize("frequency", ["25min", "5min"])
def test_intervals_are_not_cut(frequency: str) -> None:
    with pytest.raises(TimeError, match="multiple") as caught:
        Observations(_ten_minutes(), published_after="2h").resample(frequency)
    three_lines(caught.value)


# --- Reading --------------------------------------------------------------------------------------

SCADA = """Время,Станция Шелек,Комментарий
2024-02-29 22:00,1500,
2024-02-29 23:00,-20,собственные нужды
2024-02-29 23:00,3000,
2024-03-01 00:00,,нет связи
2024-03-01 02:00,4500,
"""


def _csv(folder: Path, text: str) -> Path:
    path = folder / "scada.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_logger_in_almaty_is_read_with_russian_names(tmp_path: Path) -> None:
    power = read_power(
        _csv(tmp_path, SCADA),
        unit="kW",
        timezone="Asia/Almaty",
        label="beginning",
        published_after="2h",
        format=TableFormat(time="Время", columns={"Станция Шелек": "shelek"}),
    )
    assert power.sites == ("shelek",)
    assert list(power.index) == list(pd.date_range("2024-02-29 16:00", periods=6, freq="1h", tz="UTC"))
    # The empty cell and the hour that the logger left out are NaN, not zero; auxiliary use stays.
    np.testing.assert_allclose(power.values["shelek"], [1.5, -0.02, 3.0, np.nan, np.nan, 4.5])
    assert "2 missing" in repr(power)
    assert power.published[0, 0] == np.datetime64("2024-02-29T19:00")


def test_the_first_column_holds_the_stamps_and_every_numeric_one_is_read(tmp_path: Path) -> None:
    text = "time,a,note,b\n2024-01-01 00:00,1,x,3\n2024-01-01 01:00,2,y,4\n"
    power = read_power(
        _csv(tmp_path, text), unit="MW", timezone="UTC", label="beginning", published_after="0h"
    )
    assert power.values.to_dict("list") == {"a": [1, 2], "b": [3, 4]}


def test_stamps_may_stand_in_any_column(tmp_path: Path) -> None:
    text = "a,time\n1,2024-01-01 00:00\n2,2024-01-01 01:00\n"
    power = read_power(
        _csv(tmp_path, text),
        unit="MW",
        timezone="UTC",
        label="beginning",
        published_after="0h",
        format=TableFormat(time="time"),
    )
    assert power.values.to_dict("list") == {"a": [1, 2]}
    assert power.index[0] == _utc("2024-01-01")


def test_labels_at_the_end_are_shifted_once(tmp_path: Path) -> None:
    text = "time,a\n2024-01-01 00:10,6\n2024-01-01 00:20,12\n"
    power = read_power(_csv(tmp_path, text), unit="kW", timezone="UTC", label="ending", published_after="2h")
    assert list(power.index) == [_utc("2024-01-01 00:00"), _utc("2024-01-01 00:10")]
    assert power.values["a"].tolist() == [0.006, 0.012]
    assert power.published[0, 0] == np.datetime64("2024-01-01T02:10")


def test_offsets_in_the_stamps_go_before_the_zone(tmp_path: Path) -> None:
    text = "time,a\n2024-02-29T23:00+06:00,1\n2024-02-29T23:00+05:00,2\n2024-03-01T00:00+05:00,3\n"
    power = read_power(
        _csv(tmp_path, text), unit="MW", timezone="Europe/Paris", label="beginning", published_after="0h"
    )
    assert list(power.index) == list(pd.date_range("2024-02-29 17:00", periods=3, freq="1h", tz="UTC"))


@pytest.mark.parametrize(
    "stamps", [["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"], ["2024-01-01 00:00:00", "2024-01-01T01:00"]]
)
def test_every_spelling_of_iso_8601_is_read(stamps: list[str]) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=stamps)
    power = read_power(frame, unit="MW", timezone="UTC", label="beginning", published_after="0h")
    assert list(power.index) == [_utc("2024-01-01 00:00"), _utc("2024-01-01 01:00")]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_frames_are_read_whatever_their_unit_of_time(unit: str) -> None:
    index = pd.date_range("2024-01-01", periods=3, freq="1h").as_unit(unit)
    power = read_power(
        pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=index),
        unit="GW",
        timezone="fixed:+06:00",
        label="beginning",
        published_after="1h",
    )
    assert power.index[0] == _utc("2023-12-31 18:00")
    assert power.values["a"].tolist() == [1000, 2000, 3000]
    assert power.frequency == HOUR


def test_a_series_is_read_by_its_name() -> None:
    index = pd.date_range("2024-01-01", periods=3, freq="1h")
    power = read_power(
        pd.Series(1.0, index, name="farm"), unit="W", timezone="UTC", label="beginning", published_after="1h"
    )
    assert power.sites == ("farm",)
    assert power.values["farm"].tolist() == [1e-6] * 3


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    index = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00"], name="time")
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=index)
    indexed, flat = tmp_path / "indexed.parquet", tmp_path / "flat.parquet"
    frame.to_parquet(indexed)
    frame.reset_index().to_parquet(flat)
    for path in (indexed, flat):
        power = read_power(path, unit="MW", timezone="UTC", label="beginning", published_after="0h")
        assert power.values["a"].tolist() == [1, 2]
        assert power.index[0] == _utc("2024-01-01")


def _read(frame: pd.DataFrame, **changed: object) -> Observations:
    settings: dict[str, object] = {
        "unit": "MW",
        "timezone": "UTC",
        "label": "beginning",
        "published_after": "1h",
    }
    return read_power(frame, **with_format(settings | changed))


def _naive(*stamps: str) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(len(stamps), dtype=float)}, index=pd.DatetimeIndex(stamps))


def test_an_hour_of_a_clock_change_held_once_is_refused() -> None:
    with pytest.raises(TimeError, match="2024-10-27 02:00 occurs twice") as caught:
        _read(_naive("2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 03:00"), timezone="Europe/Paris")
    three_lines(caught.value)


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(TimeError, match="2024-03-31 02:00 does not exist") as caught:
        _read(_naive("2024-03-31 01:00", "2024-03-31 02:00", "2024-03-31 03:00"), timezone="Europe/Paris")
    three_lines(caught.value)


def test_the_hour_that_is_missing_when_a_clock_is_put_forward_is_no_gap() -> None:
    power = _read(_naive("2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00"), timezone="Europe/Paris")
    assert len(power) == 3
    assert "0 missing" in repr(power)


def test_an_hour_doubled_on_an_ordinary_day_is_named() -> None:
    with pytest.raises(TimeError, match="doubled") as caught:
        _read(_naive("2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 01:00", "2024-01-01 02:00"))
    three_lines(caught.value, "2024-01-01 01:00")


def test_stamps_off_the_grid_are_named() -> None:
    with pytest.raises(TimeError, match="off the grid") as caught:
        _read(_naive(*(f"2024-01-01 {clock}" for clock in ("00:00", "01:00", "02:07", "03:00", "04:00"))))
    three_lines(caught.value, "2024-01-01 02:07")


def test_dates_written_in_another_order_are_not_guessed() -> None:
    with pytest.raises(TimeError, match="cannot be read") as caught:
        _read(pd.DataFrame({"a": [1.0, 2.0]}, index=["01.02.2024 00:00", "01.02.2024 01:00"]))
    three_lines(caught.value)


def test_a_column_of_numbers_is_no_time() -> None:
    with pytest.raises(TimeError) as caught:
        _read(pd.DataFrame({"a": [1.0, 2.0]}))
    three_lines(caught.value)


def test_a_row_without_stamp_is_refused(tmp_path: Path) -> None:
    text = "time,a\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n,3\n"
    with pytest.raises(TimeError) as caught:
        read_power(_csv(tmp_path, text), unit="MW", timezone="UTC", label="beginning", published_after="0h")
    three_lines(caught.value)


@pytest.mark.parametrize("text", ["", "time,a\n", "time,a\n2024-01-01 00:00,1\n"])
def test_a_file_with_too_little_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        read_power(_csv(tmp_path, text), unit="MW", timezone="UTC", label="beginning", published_after="0h")
    three_lines(caught.value)


@pytest.mark.parametrize(
    ("changed", "error", "named"),
    [
        ({"unit": "J"}, UnitsError, "J"),
        ({"label": "centre"}, SchemaError, "centre"),
        ({"timezone": "Asia/Nowhere"}, TimeError, "Asia/Nowhere"),
        ({"columns": ["c"]}, SchemaError, "'c'"),
        ({"time": "when"}, SchemaError, "'when'"),
    ],
)
def test_what_is_said_about_a_source_must_be_possible(
    changed: dict[str, object], error: type[EnergyForecastError], named: str
) -> None:
    with pytest.raises(error, match=named) as caught:
        _read(_naive("2024-01-01 00:00", "2024-01-01 01:00"), **changed)
    three_lines(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"absent\.csv") as caught:
        read_power(
            tmp_path / "absent.csv", unit="MW", timezone="UTC", label="beginning", published_after="0h"
        )
    three_lines(caught.value)


# --- The clock ------------------------------------------------------------------------------------


def _wind(hours: int = 6000) -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.convolve(rng.normal(size=hours * 6 + 143), np.hanning(144), mode="valid")


def _at_shifts(series: np.ndarray, reach: int = 4) -> np.ndarray:
    return np.column_stack([np.roll(series, -k) for k in range(-reach, reach + 1)])


@pytest.mark.parametrize("minutes", [-120, -60, -20, 0, 30, 60, 130])
def test_a_measurement_that_comes_late_has_a_positive_lag(minutes: int) -> None:
    fine = _wind()  # every ten minutes
    expected = fine[::6]
    rng = np.random.default_rng(6)
    measured = np.roll(fine, minutes // 10)[::6] + rng.normal(scale=0.3 * fine.std(), size=len(expected))
    lag = estimate_lag(measured, _at_shifts(expected), step=HOUR)
    assert lag is not None
    assert lag.minutes == pytest.approx(minutes, abs=max(6, 3 * lag.standard_error))
    assert 0.2 < lag.standard_error < 6
    assert lag.certain


def test_the_standard_error_is_about_as_large_as_the_spread_of_estimates() -> None:
    rng = np.random.default_rng(8)
    fine = _wind()
    expected = fine[::6]
    found = [
        estimate_lag(
            expected + rng.normal(scale=fine.std(), size=len(expected)), _at_shifts(expected), step=HOUR
        )
        for _ in range(40)
    ]
    lags = np.array([lag.minutes for lag in found if lag is not None])
    claimed = np.median([lag.standard_error for lag in found if lag is not None])
    assert len(lags) == 40
    assert 0.6 < claimed / lags.std() < 1.7


def test_unrelated_series_are_not_certain() -> None:
    rng = np.random.default_rng(7)
    lag = estimate_lag(rng.normal(size=6000), _at_shifts(_wind()[::6]), step=HOUR)
    assert lag is not None
    assert not lag.certain


def test_gaps_do_not_move_the_lag_and_too_little_says_nothing() -> None:
    expected = _wind()[::6]
    measured = np.roll(expected, 2)
    measured[::3] = np.nan
    lag = estimate_lag(measured, _at_shifts(expected), step=HOUR)
    assert lag is not None
    assert lag.minutes == pytest.approx(120, abs=3)
    measured[470:] = np.nan
    assert estimate_lag(measured, _at_shifts(expected), step=HOUR) is None


@pytest.mark.parametrize("given", [{"farm": 1.0}, np.ones(3), pd.Series([1.0])])
def test_values_that_are_no_frame_are_refused_by_name(given: object) -> None:
    with pytest.raises(SchemaError, match="observations is of the type"):
        Observations(given, published_after="1h")
