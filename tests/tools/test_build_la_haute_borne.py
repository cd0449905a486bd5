"""The tool that derives the data of La Haute Borne, the shipped files, and their clock."""

from __future__ import annotations

import gzip
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "energyforecast" / "datasets" / "data"
FILES = ("la_haute_borne_power.csv.gz", "la_haute_borne_era5.csv.gz")
WHEEL = os.environ.get("ENERGYFORECAST_OPENOA_WHEEL")
HALF_HOUR = 0.5


def _load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_la_haute_borne", ROOT / "tools" / "build_la_haute_borne.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load_tool()


# --- The pure functions of the tool ---------------------------------------------------------------


def _rows(start: str, hours: int, power: float = 600.0) -> pd.DataFrame:
    times = pd.date_range(start, periods=6 * hours, freq="10min")
    parts = [pd.DataFrame({"turbine": name, "time": times, "power": power}) for name in tool.TURBINES]
    return pd.concat(parts, ignore_index=True)


def _hours(start: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq="h")


def test_clock_ignores_the_false_offsets() -> None:
    stamps = pd.Series(["2014-01-01T12:00:00+01:00", "2014-07-01T12:10:00+02:00"])
    assert list(tool.utc_clock(stamps)) == [
        pd.Timestamp("2014-01-01T12:00"),
        pd.Timestamp("2014-07-01T12:10"),
    ]


def test_power_is_the_sum_of_the_means_in_megawatts() -> None:
    rows = _rows("2014-01-01", 2)
    rows.loc[rows["time"] == pd.Timestamp("2014-01-01T01:50"), "power"] = 0.0
    farm = tool.farm_power(rows, _hours("2014-01-01", 2))
    assert farm["power"].tolist() == pytest.approx([2.4, 2.0])
    assert farm["turbines_reporting"].tolist() == [4, 4]
    assert farm["clock_ambiguous"].tolist() == [0, 0]


def test_a_stamp_labels_the_beginning_of_its_ten_minutes() -> None:
    rows = _rows("2014-01-01", 2)
    rows.loc[rows["time"] == pd.Timestamp("2014-01-01T01:00"), "power"] = 0.0
    assert tool.farm_power(rows, _hours("2014-01-01", 2))["power"].tolist() == pytest.approx([2.4, 2.0])


def test_a_duplicated_slot_leaves_both_hours_not_reported() -> None:
    rows = _rows("2014-03-30", 5)
    moved = rows["time"].dt.hour == 2
    rows.loc[moved, "time"] += pd.Timedelta(hours=1)
    farm = tool.farm_power(rows, _hours("2014-03-30", 5))
    assert farm["turbines_reporting"].tolist() == [4, 4, 0, 0, 4]
    assert farm["clock_ambiguous"].tolist() == [0, 0, 1, 1, 0]
    assert farm["power"].isna().tolist() == [False, False, True, True, False]


@pytest.mark.parametrize("absent", [True, False], ids=["row absent", "row empty"])
def test_five_slots_of_six_do_not_report(absent: bool) -> None:
    rows = _rows("2014-01-01", 1)
    one = (rows["turbine"] == "R80721") & (rows["time"] == pd.Timestamp("2014-01-01T00:30"))
    rows = rows[~one] if absent else rows.assign(power=rows["power"].mask(one))
    farm = tool.farm_power(rows, _hours("2014-01-01", 1))
    assert farm["turbines_reporting"].tolist() == [3]
    assert farm["power"].tolist() == pytest.approx([1.8])


def test_an_hour_without_rows_is_unknown_and_not_zero() -> None:
    farm = tool.farm_power(_rows("2014-01-01T01:00", 1), _hours("2014-01-01", 2))
    assert np.isnan(farm["power"].iloc[0])
    assert farm["turbines_reporting"].tolist() == [0, 4]


def test_negative_power_is_kept() -> None:
    farm = tool.farm_power(_rows("2014-01-01", 1, power=-5.0), _hours("2014-01-01", 1))
    assert farm["power"].tolist() == pytest.approx([-0.02])


def test_hours_beyond_the_end_are_dropped() -> None:
    farm = tool.farm_power(_rows("2015-12-31T22:00", 3), _hours("2015-12-31T22:00", 2))
    assert len(farm) == 2


@pytest.mark.parametrize(
    ("u", "v", "degrees"),
    [(0.0, -5.0, 0.0), (-5.0, 0.0, 90.0), (0.0, 5.0, 180.0), (5.0, 0.0, 270.0), (0.001, -5.0, 0.0)],
    ids=["north", "east", "south", "west", "just before north"],
)
def test_direction_is_where_the_wind_comes_from(u: float, v: float, degrees: float) -> None:
    assert tool.direction_from(np.array([u]), np.array([v])).tolist() == [degrees]


def test_weather_units_and_absent_hours() -> None:
    table = pd.DataFrame(
        {
            "datetime": ["2014-01-01 00:00:00", "2014-01-01 02:00:00", "2014-01-01 03:00:00"],
            "u_100": [3.0, 0.0, 1.0],
            "v_100": [4.0, 2.0, np.nan],
            "t_2m": [273.15, 283.15, 280.0],
            "surf_pres": [97000.0, 97100.0, 97200.0],
        }
    )
    weather = tool.site_weather(table, _hours("2014-01-01", 5))
    assert list(weather.index) == [pd.Timestamp("2014-01-01T00:00"), pd.Timestamp("2014-01-01T02:00")]
    assert weather["wind_speed_100m"].tolist() == pytest.approx([5.0, 2.0])
    assert weather["temp_air"].tolist() == pytest.approx([0.0, 10.0])
    assert weather["pressure"].tolist() == [97000.0, 97100.0]


def test_text_is_fixed() -> None:
    frame = pd.DataFrame({"a": [1.25, np.nan, -0.001], "b": [1, 0, 4]}, index=_hours("2014-01-01", 3))
    expected = "time,b,a\n2014-01-01T00:00Z,1,1.25\n2014-01-01T01:00Z,0,\n2014-01-01T02:00Z,4,0.00\n"
    assert tool.csv_text(frame, {"b": 0, "a": 2}) == expected


def test_writer_gives_the_same_bytes_whatever_the_name(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv.gz", tmp_path / "deep" / "b.csv.gz"
    tool.write_gzip("time,a\n", first)
    tool.write_gzip("time,a\n", second)
    content = first.read_bytes()
    assert content == second.read_bytes()
    assert gzip.decompress(content) == b"time,a\n"
    # Flags (no name) and the time of modification, RFC 1952.
    assert content[3:8] == bytes(5)


def test_another_wheel_is_refused_in_three_lines(tmp_path: Path) -> None:
    wheel = tmp_path / tool.WHEEL
    wheel.write_bytes(b"something else")
    with pytest.raises(SystemExit) as caught:
        tool.read_wheel(wheel)
    found, expected, remedy = str(caught.value).splitlines()
    assert tool.WHEEL in found
    assert tool.SHA256 in expected
    assert "--wheel" in remedy


@pytest.mark.skipif(WHEEL is None, reason="ENERGYFORECAST_OPENOA_WHEEL names no wheel of openoa 3.2")
def test_shipped_files_are_what_the_tool_writes(tmp_path: Path) -> None:
    tool.main(["--wheel", str(WHEEL), "--out", str(tmp_path)])
    for name in FILES:
        built, shipped = (tmp_path / name).read_bytes(), (DATA / name).read_bytes()
        # The text first: it tells a change of the data from a change of the compressor.
        assert gzip.decompress(built) == gzip.decompress(shipped)
        assert built == shipped


# --- The shipped files ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def power() -> pd.DataFrame:
    return pd.read_csv(DATA / FILES[0], index_col="time", parse_dates=True)


@pytest.fixture(scope="module")
def era5() -> pd.DataFrame:
    return pd.read_csv(DATA / FILES[1], index_col="time", parse_dates=True)


def test_files_are_small_and_carry_no_time_or_name() -> None:
    assert sum((DATA / name).stat().st_size for name in FILES) < 2.5e6
    assert all((DATA / name).read_bytes()[3:8] == bytes(5) for name in FILES)


def test_power_covers_every_hour(power: pd.DataFrame) -> None:
    assert list(power.columns) == ["power", "turbines_reporting", "clock_ambiguous"]
    assert len(power) == 17_520
    assert (power.index == tool.HOURS.tz_localize("UTC")).all()


def test_turbines_reporting(power: pd.DataFrame) -> None:
    counts = power["turbines_reporting"].value_counts()
    assert counts.to_dict() == {4: 17_259, 3: 180, 0: 76, 2: 5}
    assert power["power"].isna().equals(power["turbines_reporting"] == 0)


def test_power_lies_within_the_turbines_that_report(power: pd.DataFrame) -> None:
    known = power[power["turbines_reporting"] > 0]
    # 2.052 MW is the largest ten-minute mean of a turbine; -0.018 MW the smallest.
    assert (known["power"] <= 2.052 * known["turbines_reporting"]).all()
    assert (known["power"] >= -0.018 * known["turbines_reporting"]).all()
    assert (known["power"] < 0).sum() == 2_119


def test_ambiguous_hours_are_those_of_the_spring_days(power: pd.DataFrame) -> None:
    marked = power[power["clock_ambiguous"] == 1]
    assert list(marked.index.strftime("%Y-%m-%dT%H")) == [
        "2014-03-30T02",
        "2014-03-30T03",
        "2015-03-29T02",
        "2015-03-29T03",
    ]
    assert (marked["turbines_reporting"] == 0).all()


def test_era5_covers_every_instant(era5: pd.DataFrame) -> None:
    assert list(era5.columns) == ["wind_speed_100m", "wind_direction_100m", "temp_air", "pressure"]
    assert (era5.index == tool.INSTANTS.tz_localize("UTC")).all()
    assert not era5.isna().any(axis=None)


def test_era5_is_possible(era5: pd.DataFrame) -> None:
    assert era5["wind_speed_100m"].between(0.0, 40.0).all()
    assert era5["wind_direction_100m"].between(0.0, 359.9).all()
    assert era5["temp_air"].between(-30.0, 45.0).all()
    assert era5["pressure"].between(90_000.0, 105_000.0).all()


# --- The clock ----------------------------------------------------------------------------------------


def _wind_lag(power: pd.Series, era5: pd.DataFrame, season: str) -> float:
    """Hours by which the ERA5 speed follows the power: the peak of the correlation."""
    speed = era5["wind_speed_100m"]
    # Power is the mean of an hour, so it meets the mean of the speeds at both ends.
    hourly = (speed + speed.shift(-1)) / 2.0
    months = (11, 12, 1, 2) if season == "winter" else (5, 6, 7, 8)
    chosen = power[power.index.month.isin(months)]
    lags = np.arange(-3, 4)
    correlations = np.array([chosen.corr(hourly.shift(-lag).reindex(chosen.index)) for lag in lags])
    best = int(correlations.argmax())
    assert 0 < best < len(lags) - 1
    around = slice(best - 1, best + 2)
    curvature, slope, _ = np.polyfit(lags[around], correlations[around], 2)
    return float(-slope / (2.0 * curvature))


def _with_offsets_believed(power: pd.Series) -> pd.Series:
    clock = power.index.tz_localize(None)
    local = clock.tz_localize("Europe/Paris", nonexistent="NaT", ambiguous="NaT")
    moved = power.set_axis(local.tz_convert("UTC"))
    return moved[moved.index.notna()]


@pytest.fixture(scope="module")
def whole_farm(power: pd.DataFrame) -> pd.Series:
    return power["power"][power["turbines_reporting"] == 4]


@pytest.mark.parametrize("season", ["winter", "summer"])
def test_clock_is_utc(whole_farm: pd.Series, era5: pd.DataFrame, season: str) -> None:
    assert abs(_wind_lag(whole_farm, era5, season)) < HALF_HOUR


@pytest.mark.parametrize(("season", "offset"), [("winter", 1.0), ("summer", 2.0)])
def test_clock_test_finds_the_false_offsets(
    whole_farm: pd.Series, era5: pd.DataFrame, season: str, offset: float
) -> None:
    lag = _wind_lag(_with_offsets_believed(whole_farm), era5, season)
    assert lag == pytest.approx(offset, abs=HALF_HOUR)
    assert lag > HALF_HOUR
