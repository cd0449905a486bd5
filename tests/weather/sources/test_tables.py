"""Weather tables of the user's own: units, labels, runs, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core.sites import Site
from energyforecast.core.table_format import TableFormat
from energyforecast.core.weather_schema import check_weather
from energyforecast.errors import (
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.weather import Label, at_steps, read_table
from energyforecast.weather.sources.common.units import converted
from tests.support.table_settings import with_format

FARM = Site(name="farm", latitude=43.6, longitude=78.5)
OTHER = Site(name="other", latitude=44.0, longitude=79.0)
FORM = {
    "sites": FARM,
    "columns": {"ws": "wind_speed_100m"},
    "units": {"wind_speed_100m": "m/s"},
    "timezone": "UTC",
    "label": Label.INSTANT,
    "init_time": "run",
    "lead_time": "lead",
    "available_after": "6h",
}


def _runs(sites: tuple[str, ...] = ("farm",)) -> pd.DataFrame:
    rows = [
        {
            "site": site,
            "run": f"2024-06-0{day}T00:00",
            "lead": lead,
            "ws": 5.0 + lead / 10 + day,
            "q": 100.0 * lead,
        }
        for site in sites
        for day in (1, 2)
        for lead in (1, 2, 3, 6)
    ]
    return pd.DataFrame(rows)


def _read(table: object, **changed: object) -> xr.Dataset:
    return read_table(table, **with_format(FORM | changed, direct=("label",)))


def test_days_before_months_are_read_in_the_form_that_is_told() -> None:
    table = _runs().assign(
        run=lambda rows: rows["run"].str.replace(r"2024-06-0(\d)T00:00", r"0\1-06-2024", regex=True)
    )
    told = _read(table, time_format="%d-%m-%Y", timezone="fixed:+06:00")
    expected = _read(_runs(), timezone="fixed:+06:00")
    xr.testing.assert_identical(told, expected)
    with pytest.raises(TimeError, match="time_format="):
        _read(table)


def test_numbers_are_no_stamps() -> None:
    with pytest.raises(TimeError, match="numbers: 20240601"):
        _read(_runs().assign(run=20240601))


@pytest.mark.parametrize(
    "written", ["2024/06/01", "2024-06-01 9:00", "today", "01.06.2024", "June 2024", "9:00"]
)
def test_stamps_in_another_spelling_than_iso_8601_are_refused(written: str) -> None:
    with pytest.raises(TimeError, match="In the column 'run'"):
        _read(_runs().assign(run=written))


def test_stamps_all_carry_their_offset_or_none() -> None:
    offsets = _runs().assign(run=lambda rows: rows["run"] + "+06:00")
    xr.testing.assert_identical(_read(offsets, timezone="UTC"), _read(_runs(), timezone="fixed:+06:00"))
    table = pd.concat([offsets, _runs()])
    with pytest.raises(TimeError, match="have an offset"):
        _read(table, timezone="Asia/Almaty")


def test_times_may_be_in_the_index() -> None:
    index = pd.date_range("2024-06-01", periods=10, freq="1h", name="t")
    table = pd.DataFrame({"ws": np.arange(10.0)}, index=index)
    analysis = {"init_time": None, "lead_time": None, "available_after": "0h"}
    expected = _read(table.reset_index(), **analysis, time="t")
    for given, time in (
        (table, "t"),
        (table, None),
        (table.rename_axis(None), None),
        (table.tz_localize("UTC").tz_convert("Asia/Almaty"), None),
    ):
        xr.testing.assert_identical(_read(given, **analysis, time=time), expected)
    runs = _runs(("farm", "other"))
    form = {"site": "site", "sites": [FARM, OTHER]}
    levels = ["site", "run", "lead"]
    xr.testing.assert_identical(_read(runs.set_index(levels), **form), _read(runs, **form))


@pytest.mark.parametrize("code", [-99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0])
@pytest.mark.parametrize(("name", "unit", "value"), [("temp_air", "°F", 50.0), ("ghi", "Wh/m2", 20.0)])
def test_codes_in_place_of_missing_values_are_named(name: str, unit: str, value: float, code: float) -> None:
    table = pd.DataFrame({"t": pd.date_range("2024-06-01 06:00", periods=10, freq="1h"), "x": value})
    table.loc[3, "x"] = code
    form = {"columns": {"x": name}, "units": {name: unit}, "init_time": None, "lead_time": None, "time": "t"}
    with pytest.raises(SchemaError, match=f"holds {code:g} in 1 rows"):
        _read(table, **form)
    assert int(_read(table, **form, missing=[f"{code:g}"])[name].isnull().sum()) == 1


def test_rows_in_any_order_of_several_sites(tmp_path: Path) -> None:
    table = _runs(("farm", "other")).sample(frac=1, random_state=0).iloc[:-1]
    path = tmp_path / "weather.csv"
    table.to_csv(path, index=False)
    weather = _read(path, sites=[FARM, OTHER], site="site")
    assert dict(weather.sizes) == {"site": 2, "init_time": 2, "lead_time": 4}
    assert int(weather["wind_speed_100m"].isnull().sum()) == 1, "a row that is absent is NaN"
    assert weather["wind_speed_100m"].dtype == np.float32
    known = weather["available_time"] - weather["init_time"]
    assert (known == np.timedelta64(6, "h")).all()


def test_means_move_to_their_beginning_over_steps_that_differ_and_instants_stay() -> None:
    weather = _read(
        _runs(),
        columns={"ws": "wind_speed_100m", "q": "ghi"},
        units={"wind_speed_100m": "m/s", "ghi": "W/m2"},
        label={"wind_speed_100m": Label.INSTANT, "ghi": Label.MEAN_ENDING},
    )
    hours = (weather["lead_time"].values / np.timedelta64(1, "h")).tolist()
    assert hours == [0, 1, 2, 3, 6]
    np.testing.assert_array_equal(weather["ghi"][0, 0], [100, 200, 300, 600, np.nan])
    np.testing.assert_allclose(weather["wind_speed_100m"][0, 0], [np.nan, 6.1, 6.2, 6.3, 6.6], rtol=1e-6)


def test_sums_are_divided_by_the_length_of_their_own_interval() -> None:
    table = _runs().assign(q=[0.72e6, 0.72e6, 0.72e6, 2.16e6] * 2)
    form = {"columns": {"q": "ghi"}, "units": {"ghi": "J/m2"}, "label": Label.MEAN_ENDING}
    weather = _read(table, **form)
    np.testing.assert_array_equal(weather["ghi"][0, 0], [200, 200, 200, 200, np.nan])


def test_a_run_may_begin_with_the_sum_of_nothing() -> None:
    form = {"columns": {"q": "ghi"}, "units": {"ghi": "J/m2"}, "label": Label.MEAN_ENDING}
    table = pd.DataFrame({"run": "2024-06-01T00:00", "lead": [0, 1, 2], "q": [0.0, 0.36e6, 0.72e6]})
    for first in (0.0, np.nan):
        weather = _read(table.assign(q=table["q"].where(table["lead"] > 0, first)), **form)
        np.testing.assert_array_equal(weather["ghi"][0, 0], [100, 200, np.nan])
    with pytest.raises(TimeError, match="negative"):
        _read(table.assign(q=1e5), **form)


RADIATION = {
    "columns": {"q": "ghi"},
    "units": {"ghi": "J/m2"},
    "label": Label.MEAN_ENDING,
    "init_time": None,
    "lead_time": None,
    "time": "t",
    "available_after": "0h",
}


def _steps(*minutes: tuple[int, int], start: str = "2024-06-01 02:00") -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Stamps, and the length before each [min], from pairs of length and number."""
    length = np.repeat([step for step, _ in minutes], [count for _, count in minutes])
    return pd.Timestamp(start) + pd.to_timedelta(np.cumsum(length), unit="min"), length


@pytest.mark.parametrize(
    "minutes",
    [
        [(60, 24), (15, 24)],
        [(15, 24), (60, 24)],
        [(180, 8), (60, 24)],
        [(60, 24), (180, 8)],
        [(60, 10), (30, 8), (10, 12), (60, 24)],
    ],
)
@pytest.mark.parametrize("label", [Label.MEAN_ENDING, Label.MEAN_BEGINNING])
def test_sums_of_an_analysis_follow_a_step_that_changes(minutes: list[tuple[int, int]], label: Label) -> None:
    ends, length = _steps(*minutes)
    begins = ends - pd.to_timedelta(length, unit="min")
    table = pd.DataFrame({"t": ends if label is Label.MEAN_ENDING else begins, "q": 100.0 * 60 * length})
    weather = _read(table, **RADIATION | {"label": label})
    found = weather["ghi"][0].dropna("time")
    np.testing.assert_array_equal(found["time"], begins.to_numpy("M8[ns]"))
    np.testing.assert_allclose(found, 100.0)
    assert (found["available_time"] >= ends.to_numpy("M8[ns]")).all()


def test_rows_that_are_missing_are_no_change_of_the_step() -> None:
    ends, length = _steps((60, 400))
    table = pd.DataFrame({"t": ends, "q": 100.0 * 60 * length})
    for seed in range(20):
        kept = table.sample(frac=0.93, random_state=seed).sort_index()
        np.testing.assert_allclose(_read(kept, **RADIATION)["ghi"][0].dropna("time"), 100.0)


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        (["00:00", "01:00", "02:00", "02:30", "03:00:00", "04:00", "05:00", "05:20", "06:20"], "05:00"),
        (["00:00", "00:15", "00:30", "00:45", "02:45", "03:45", "04:45", "05:45", "06:45"], "00:45"),
    ],
)
def test_a_step_that_cannot_be_told_is_named(stamps: list[str], first: str) -> None:
    table = pd.DataFrame({"t": [f"2024-06-01 {stamp}" for stamp in stamps], "q": 1e5})
    with pytest.raises(TimeError, match=f"After 2024-06-01T{first} UTC"):
        _read(table, **RADIATION)


def test_sums_at_the_beginning_of_their_interval_are_divided_by_the_step_that_follows() -> None:
    lead = [0, 1, 2, 3, 6, 9]
    energy = 100.0 * 3600 * np.array([1, 1, 1, 3, 3, 3])
    table = pd.DataFrame({"run": "2024-06-01T00:00", "lead": lead, "q": energy})
    form = {"columns": {"q": "ghi"}, "units": {"ghi": "J/m2"}, "label": Label.MEAN_BEGINNING}
    np.testing.assert_array_equal(_read(table, **form)["ghi"][0, 0], np.full(6, 100.0))


def _of_steps(**steps: int) -> pd.DataFrame:
    """Runs of 48 h whose steps [h] are given by day."""
    rows = [
        {"run": f"2024-06-{day[1:]}T00:00", "lead": lead, "q": 100.0 * 3600 * step, "ws": 5.0}
        for day, step in steps.items()
        for lead in range(step, 49, step)
    ]
    return pd.DataFrame(rows)


def test_runs_of_other_steps_in_one_table_are_refused_with_the_first_and_can_be_joined() -> None:
    table = _of_steps(d01=3, d02=3, d03=1)
    form = {"columns": {"q": "ghi"}, "units": {"ghi": "J/m2"}, "label": Label.MEAN_ENDING}
    with pytest.raises(TimeError, match="in the run of 2024-06-01"):
        _read(table, **form)
    early = table["run"] < "2024-06-03"
    parts = [at_steps(_read(part, **form), "1h", sites=FARM) for part in (table[early], table[~early])]
    joined = xr.concat(parts, dim="init_time", join="outer", combine_attrs="drop_conflicts")
    check_weather(joined, sites=[FARM])
    assert joined.sizes["init_time"] == 3
    assert float(joined["ghi"][0, 2].mean()) == pytest.approx(100.0)
    with pytest.raises(TimeError, match="in the run of 2024-06-02"):
        _read(_of_steps(d01=1, d02=6), **form)


def test_instants_of_runs_of_other_steps_are_read_where_they_are() -> None:
    weather = _read(_of_steps(d01=3, d02=1))
    assert weather["wind_speed_100m"].notnull().sum("lead_time").values.tolist() == [[16, 48]]


def test_a_site_with_longer_steps_than_another_is_refused() -> None:
    ends, length = _steps((15, 40))
    fine = pd.DataFrame({"t": ends, "q": 100.0 * 60 * length, "site": "farm"})
    coarse = fine.iloc[3::4].assign(q=100.0 * 3600, site="other")
    form = RADIATION | {"sites": [FARM, OTHER], "site": "site"}
    with pytest.raises(TimeError, match="longer steps than the rest"):
        _read(pd.concat([fine, coarse]), **form)
    assert _read(coarse, **RADIATION | {"sites": OTHER})["ghi"].max() == 100.0


def test_an_analysis_in_local_time_with_daylight_saving() -> None:
    stamps = pd.date_range("2024-10-26 22:00", periods=6, freq="1h", tz="UTC")
    table = pd.DataFrame({"t": stamps.tz_convert("Europe/Paris").strftime("%Y-%m-%dT%H:%M%z"), "ws": 5.0})
    weather = _read(table, time="t", init_time=None, lead_time=None)
    assert list(pd.DatetimeIndex(weather["time"].values, tz="UTC")) == list(stamps)
    assert weather.attrs["kind"] == "analysis"
    assert (weather["available_time"] - weather["time"] == np.timedelta64(7, "h")).all()


def test_the_column_of_availability_follows_what_was_moved() -> None:
    table = _runs()
    table["known"] = pd.to_datetime(table["run"]) + pd.to_timedelta(table["lead"] * 10 + 300, unit="min")
    weather = _read(
        table,
        columns={"q": "ghi"},
        units={"ghi": "W/m2"},
        label=Label.MEAN_ENDING,
        available_after=None,
        published_time="known",
    )
    minutes = (weather["available_time"] - weather["init_time"]).values / np.timedelta64(1, "m")
    assert minutes[0].tolist() == [310, 320, 330, 360, 360]


def test_speed_and_direction_are_made_of_components() -> None:
    table = _runs().assign(u=0.0, v=-10.0)
    weather = _read(
        table,
        columns={"u": "wind_u_100m", "v": "wind_v_100m"},
        units={"wind_u_100m": "m/s", "wind_v_100m": "m/s"},
    )
    assert (weather["wind_speed_100m"] == 10).all()
    assert (weather["wind_direction_100m"] == 0).all(), "it blows from the north"


@pytest.mark.parametrize(
    ("name", "unit", "value", "ours"),
    [
        ("wind_speed_10m", "km/h", 36.0, 10.0),
        ("wind_speed_10m", "kn", 10.0, 5.1444),
        ("wind_speed_10m", "mph", 10.0, 4.4704),
        ("temp_air", "K", 273.15, 0.0),
        ("temp_air", "°F", 212.0, 100.0),
        ("pressure", "hPa", 1013.25, 101_325.0),
        ("pressure", "kPa", 101.325, 101_325.0),
        ("cloud_cover", "1", 0.5, 50.0),
        ("ghi", "kWh/m2", 0.5, 1000.0),
        ("precipitation", "mm", 1.0, 2.0),
        ("wind_direction_10m", "rad", np.pi, 180.0),
    ],
)
def test_units(name: str, unit: str, value: float, ours: float) -> None:
    assert converted(np.array([value]), name, unit=unit, hours=0.5)[0] == pytest.approx(
        ours, rel=1e-4, abs=1e-9
    )


@pytest.mark.parametrize(
    ("changed", "error", "named"),
    [
        ({"units": {}}, UnitsError, "wind_speed_100m"),
        ({"units": {"wind_speed_100m": "hPa"}}, UnitsError, "km/h"),
        ({"label": Label.SUM_SINCE_START}, SchemaError, "MEAN_ENDING"),
        ({"label": {}}, SchemaError, "wind_speed_100m"),
        ({"columns": {"nothing": "wind_speed_100m"}}, SchemaError, "nothing"),
        ({"columns": {"ws": "wind"}, "units": {"wind": "m/s"}}, SchemaError, "vocabulary"),
        ({"available_after": None}, MissingDataError, "Exactly one"),
        ({"lead_time": None}, SchemaError, "the lead of a row"),
        ({"init_time": None, "lead_time": None}, SchemaError, "time"),
        ({"sites": [FARM, OTHER]}, SchemaError, "site"),
        ({"sites": OTHER, "site": "site"}, SchemaError, "farm"),
        ({"init_time": "site"}, TimeError, "site"),
        ({"units": {"wind_speed_100m": "kn"}, "columns": {"q": "wind_speed_100m"}}, RangeError, "110"),
    ],
)
def test_what_cannot_be_is_refused(
    changed: dict[str, object], error: type[EnergyForecastError], named: str
) -> None:
    with pytest.raises(error, match=named) as caught:
        _read(_runs(), **changed)
    assert len(str(caught.value).splitlines()) == 3


def test_doubled_rows_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TimeError, match="repeats"):
        _read(pd.concat([_runs(), _runs()[:1]]))
    with pytest.raises(MissingDataError, match="no file"):
        _read(tmp_path / "nowhere.csv")
    pytest.importorskip("pyarrow")
    path = tmp_path / "weather.parquet"
    path.write_bytes(b"<html>")
    with pytest.raises(FileFormatError, match="parquet"):
        _read(path)


@pytest.mark.slow
def test_gefcom2012_as_a_table_is_what_its_own_reader_gives() -> None:
    folder = Path(os.environ.get("ENERGYFORECAST_DATA", "nowhere"), "gefcom2012_wind")
    if not (folder / "forecasts.parquet").exists():
        pytest.skip("ENERGYFORECAST_DATA does not hold gefcom2012_wind")
    pytest.importorskip("pyarrow")
    farms = [Site(name=str(number), latitude=0, longitude=0) for number in range(1, 8)]
    weather = read_table(
        folder / "forecasts.parquet",
        sites=farms,
        format=TableFormat(
            timezone="UTC",
            site="farm",
            init_time="issue_time",
            lead_time="lead_hours",
            columns={
                "u": "wind_u_10m",
                "v": "wind_v_10m",
                "ws": "wind_speed_10m",
                "wd": "wind_direction_10m",
            },
        ),
        units=dict.fromkeys(("wind_u_10m", "wind_v_10m", "wind_speed_10m"), "m/s")
        | {"wind_direction_10m": "°"},
        label=Label.INSTANT,
        available_after="0h",
    )
    from energyforecast.competitions import read_gefcom2012_wind

    other = read_gefcom2012_wind(folder).weather
    assert weather.sizes["init_time"] == other.sizes["init_time"]
    both = np.intersect1d(weather["lead_time"], other["lead_time"])
    name = next(str(name) for name in other.data_vars if str(name).startswith("wind_speed"))
    mine = weather["wind_speed_10m"].sel(lead_time=both).to_numpy()
    theirs = other[name].sel(lead_time=both).transpose("site", "init_time", "lead_time").to_numpy()
    known = np.isfinite(mine) & np.isfinite(theirs)
    assert known.mean() > 0.5
    np.testing.assert_allclose(mine[known], theirs[known], atol=0.02)
