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
from energyforecast.errors import (
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.weather import Label, read_table
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
    with pytest.raises(TimeError, match="holds numbers: 20240601"):
        _read(_runs().assign(run=20240601))


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
