"""Smallest inputs by which readers once ended in an error of another library."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import netcdf_files
from energyforecast.errors import (
    ConfigurationError,
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    ResponseError,
    SchemaError,
    StoreError,
)
from energyforecast.evaluation import read_gates
from energyforecast.evaluation.checkpoints import Checkpoint, Checkpoints
from energyforecast.testing import example_forecast, example_observations, example_result
from energyforecast.weather.sources.grib.index import parse_ecmwf_index

_DEEP = "[" * 100_000


def _power(path: Path) -> Any:
    return ef.read_power(path, unit="kW", timezone="UTC", label="beginning", published_after="2h")


# --- Tables -----------------------------------------------------------------------------------------


def test_a_number_of_hundreds_of_digits(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    path.write_text(f"time,farm\n2024-01-01 00:00,1\n2024-01-01 01:00,{'9' * 400}\n")
    with pytest.raises(EnergyForecastError):
        _power(path)
    curve = tmp_path / "curve.csv"
    curve.write_text(f"wind_speed,power [kW]\n3,0\n12,{'9' * 400}\n25,1\n")
    with pytest.raises(EnergyForecastError):
        ef.PowerCurve.read(curve)


def test_a_power_curve_without_rows(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("wind_speed,power [kW]\n")
    with pytest.raises(MissingDataError, match="no row"):
        ef.PowerCurve.read(tmp_path / "curve.csv")


def test_a_long_table_without_rows(tmp_path: Path) -> None:
    (tmp_path / "power.csv").write_text("site,time,power\n")
    form = ef.TableFormat(site="site", time="time", columns=["power"])
    with pytest.raises(MissingDataError):
        ef.read_power(
            tmp_path / "power.csv",
            unit="MW",
            timezone="UTC",
            label="beginning",
            published_after="1h",
            format=form,
        )


def _workbook(path: Path) -> dict[str, bytes]:
    book = openpyxl.Workbook()
    book.active.append(["time", "farm"])
    book.active.append(["2024-01-01 00:00", 1.0])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("content", [b"", b"<a", b"<a/>", b"\xff\xfe"])
@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_a_damaged_part_of_a_workbook(tmp_path: Path, name: str, content: bytes) -> None:
    members = _workbook(tmp_path / "power.xlsx") | {name: content}
    with zipfile.ZipFile(tmp_path / "power.xlsx", "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    with pytest.raises((FileFormatError, MissingDataError, SchemaError)):
        _power(tmp_path / "power.xlsx")


def test_a_workbook_with_two_columns_of_one_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["time", 1, "1"])
    book.active.append(["2024-01-01 00:00", 1.0, 2.0])
    book.save(tmp_path / "power.xlsx")
    with pytest.raises(SchemaError, match="several columns '1'"):
        _power(tmp_path / "power.xlsx")


def test_a_zip_with_an_unknown_flag(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("power.csv", "time,farm\n2024-01-01 00:00,1\n")
    content = bytearray(buffer.getvalue())
    content[content.find(b"PK\x01\x02") + 8] |= 0x20  # patched data
    (tmp_path / "power.zip").write_bytes(content)
    with pytest.raises(FileFormatError):
        _power(tmp_path / "power.zip")


def test_a_year_beyond_python_in_a_parquet_file(tmp_path: Path) -> None:
    stamps = np.array(["2024-01-01", "99999-01-01"], dtype="datetime64[s]")
    pd.DataFrame({"time": stamps, "farm": [1.0, 2.0]}).to_parquet(tmp_path / "power.parquet")
    with pytest.raises(EnergyForecastError):
        _power(tmp_path / "power.parquet")


# --- NetCDF -----------------------------------------------------------------------------------------


def test_a_forecast_without_an_hour(tmp_path: Path) -> None:
    path = example_forecast().save(tmp_path / "forecast.nc")
    with xr.open_dataset(path, engine="scipy") as opened:
        cut = opened.load().isel(lead_time=slice(0))
    netcdf_files.write(cut, path)
    with pytest.raises(EnergyForecastError, match=r"at least|cannot be read"):
        ef.Forecast.load(path)


def test_sites_of_a_weather_file_along_another_axis(tmp_path: Path) -> None:
    values = np.array([[b"f", b"a", b"r"]], dtype="S1")
    xr.Dataset({"site": (("x", "site"), values.astype(str))}, coords={}).to_netcdf(
        tmp_path / "weather.nc", engine="scipy"
    )
    with pytest.raises(EnergyForecastError):
        ef.weather.read(tmp_path / "weather.nc")


def test_a_netcdf_that_declares_more_than_the_memory(tmp_path: Path) -> None:
    header = b"CDF\x01" + b"\x00" * 4 + b"\x00\x00\x00\x0a\x00\x00\x00\x01" + b"\x7f\xff\xff\xff" + b"a"
    (tmp_path / "weather.nc").write_bytes(header)
    with pytest.raises(FileFormatError):
        ef.weather.read(tmp_path / "weather.nc")
    with pytest.raises(FileFormatError):
        ef.Forecast.load(tmp_path / "weather.nc")


# --- Gates, results, checkpoints --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "gate = 3",
        "gate = 2024-01-01",
        "gate = [1]",
        "gate = {a = 1}",
        "baseline = 1",
        f"a = {_DEEP}",
        '[[gate]]\nmetric = ["a"]\nmax = 1',
        '[[gate]]\nmetric = "mae"\nmax = "1"',
        "[baseline]\nmetrics = 3",
        "[baseline]\nmetrics = [[]]",
        '[baseline]\nnoise = "a"',
        "[baseline]\nnoise = nan",
        "[[gate]]\nmetric = 1e400",
        f'[[gate]]\nmetric = "mae"\nmax = {"9" * 400}',
        "gate = []\nbaseline = []",
    ],
)
def test_gates_of_another_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "gates.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"gates\.toml"):
        read_gates(tmp_path / "gates.toml")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("result")
    example_result().write(folder)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"forecasts": []},
        {"forecasts": {}},
        {"forecasts": {"a": 3}},
        {"folds": []},
        {"folds": {"a": 1}},
        {"provenance": "x"},
        {"origins": None},
        {"origins": {"issue_time": ["x"]}},
        {"schema": 10**9},
        {"folds": {"a": {}}},
    ],
)
def test_an_index_of_a_result_of_another_form(result: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    folder = shutil.copytree(result, tmp_path / "result")
    index = next(Path(folder).rglob("result.json"))
    index.write_text(json.dumps(json.loads(index.read_text()) | change))
    with pytest.raises(FileFormatError):
        ef.Result.load(folder)
    index.write_text(_DEEP)
    with pytest.raises(FileFormatError):
        ef.Result.load(folder)


def test_checkpoints_of_another_form(tmp_path: Path) -> None:
    held = Checkpoints(tmp_path)
    held.begin("mark")
    held.write(
        0, 0, Checkpoint({"farm": np.ones((2, 3))}, {"farm": np.zeros(2, dtype=int)}, {"seconds": 1.0})
    )
    whole = held.read(0, 0)
    assert whole is not None
    assert whole.quantiles["farm"].sum() == 6
    assert whole.summary == {"seconds": 1.0}
    for text in ('{"sites": [["farm"]], "summary": []}', '{"sites": 3}', "[]", _DEEP):
        np.savez(tmp_path / "model000_fold00000.npz", text=np.array(text))
        assert held.read(0, 0) is None
    for text in ("[]", _DEEP, '{"fingerprint"'):
        (tmp_path / "backtest.json").write_text(text)
        with pytest.raises(FileFormatError):
            held.begin("mark")


# --- The database -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "a.sqlite"
    archive = ef.archive.open(path)
    archive.write_forecast(example_forecast())
    archive.write_observations(example_observations())
    archive.write_plan({"hours": pd.DataFrame({"power": [1.0]})}, name="day", issue_time="2024-01-01")
    archive.write_model("abc", manifest={})
    archive.write_run("forecast", start="2024-01-01", end="2024-01-02")
    return path


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("update plan set tables = '[[['", lambda held: held.plan("day", issue_time="2024-01-01")),
        ("update plan set tables = '{\"a\": {}}'", lambda held: held.plan("day", issue_time="2024-01-01")),
        ("update provenance set attributes = 'x'", lambda held: held.issues()),
        ("update provenance set attributes = '[]'", lambda held: held.issues()),
        ("update model set manifest = ''", lambda held: held.models()),
        (f"update model set manifest = '{_DEEP}'", lambda held: held.models()),
        ("update run set start_time = 'x'", lambda held: held.runs()),
        ("update run set start_time = 12", lambda held: held.runs()),
        ("update measurement set interval_seconds = 'x'", lambda held: held.observations("farm")),
        ("update measurement set interval_seconds = 0", lambda held: held.observations("farm")),
        ("update measurement set power = 'x'", lambda held: held.observations("farm")),
        ("update measurement set published_time = '2024'", lambda held: held.observations("farm")),
        ("update forecast set quantile_levels = '[]'", lambda held: held.forecast("farm")),
        ("update forecast set number_type = 'O'", lambda held: held.forecast("farm")),
        ("update forecast_value set quantiles = x'00'", lambda held: held.forecast("farm")),
    ],
)
def test_records_that_the_library_does_not_write(
    database: Path, tmp_path: Path, change: str, read: Callable[[Any], Any]
) -> None:
    path = Path(shutil.copy(database, tmp_path / "a.sqlite"))
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f'drop trigger "{name}"')
        connection.execute(change)
        connection.commit()
    archive = ef.archive.open(path, create=False)
    with pytest.raises(StoreError, match=r"cannot be read|cannot be used|not as it was written"):
        read(archive)


def test_a_measurement_of_a_mistyped_year(database: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(database, tmp_path / "a.sqlite"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "insert into measurement select site, '2214-01-01 00:00:00.000000', recorded_time, "
            "published_time, power, flags, 1 from measurement limit 1"
        )
        connection.execute("drop trigger if exists measurement_update")
        connection.commit()
    with pytest.raises(EnergyForecastError):
        ef.archive.open(path, create=False).observations("farm")


# --- Answers of servers -----------------------------------------------------------------------------


def test_answers_nested_without_end() -> None:
    farm = ef.Site(name="farm", latitude=43.6, longitude=78.5)
    deep = _DEEP.encode()
    for source in (ef.weather.NasaPower, ef.weather.PVGIS):
        with pytest.raises(ResponseError):
            source.parse(deep, site=farm)
    with pytest.raises(ResponseError):
        ef.observations.parse_elexon(deep)
    for line in (
        _DEEP,
        '{"param": "t", "step": "3", "_offset": 1e400, "_length": 1, "date": "1", "time": "00"}',
    ):
        with pytest.raises(ResponseError):
            parse_ecmwf_index(line)


def test_types_of_plants_that_are_lists() -> None:
    rows = [
        {
            "publishTime": "2024-01-01T00:45Z",
            "startTime": "2024-01-01T00:00Z",
            "quantity": 1,
            "psrType": ["a"],
        }
    ]
    with pytest.raises(EnergyForecastError):
        ef.observations.parse_elexon(json.dumps(rows).encode(), plant_type="Solar")


def test_an_answer_of_nsrdb_with_a_lone_carriage_return() -> None:
    with pytest.raises(ResponseError):
        ef.weather.NSRDB.parse(
            b"Source,Latitude\r,a\nNSRDB,1\n", site=ef.Site(name="a", latitude=1, longitude=1)
        )


# --- Tables of plans --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tables",
    [
        {"areas": 1.5},
        {"areas": ["a"]},
        {"areas": {"South": 3}},
        {"areas": {"South": [["a"]]}},
        {"areas": "South"},
        {"areas": {"South": ["a"]}, "n_scenarios": 10**400},
        {"areas": {"South": ["a"]}, "quantile_levels": [10**400]},
        {"areas": {"South": ["a"]}, "system": {"areas": 3}},
        {"areas": {"South": ["a"]}, "system": {"units": "x"}},
    ],
)
def test_tables_of_a_plan_of_another_form(tables: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ef.planning.PlanSettings.from_dict(tables)


@pytest.mark.parametrize(
    "tables",
    [
        {"areas": 3},
        {"areas": ["S"], "units": "x"},
        {"areas": ["S"], "units": {"a": "x"}},
        {"areas": ["S"], "units": [1]},
        {"areas": ["S"], "shedding_cost": 10**400},
    ],
)
def test_tables_of_a_system_of_another_form(tables: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, SchemaError)):
        ef.planning.System.from_dict(tables)


def test_a_configuration_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(f"a = {_DEEP}")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ef.configuration.read(tmp_path / "farm.toml")


# --- What a forecast carries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        *({"sites": [1]}, {"sites": 3}, {"between": [[2.0]]}, {"between": [1.0]}, {"strength": ["x"]}),
        *(
            {"range_hours": [-1.0]},
            {"range_hours": [0.0]},
            {"strength": [1.0], "floor": [1.0]},
            {"floor": []},
        ),
        *({"strength": [float("nan")]}, {"more": [1.0]}),
    ],
)
def test_a_correlation_of_errors_that_is_none(change: dict[str, Any]) -> None:
    numbers = {"sites": ["farm"], "between": [[1.0]], "range_hours": [4.0], "strength": [0.8], "floor": [0.1]}
    data = example_forecast().data
    good = ef.Forecast(data.assign_attrs(error_correlation=json.dumps(numbers)))
    assert good.energy() is not None
    for text in (json.dumps(numbers | change), _DEEP, "x"):
        altered = ef.Forecast(data.assign_attrs(error_correlation=text))
        with pytest.raises(EnergyForecastError):
            altered.energy()


def test_coordinates_of_a_forecast_along_other_axes() -> None:
    data = example_forecast().data
    turned = data.assign_coords(valid_time=data["valid_time"].transpose())
    with pytest.raises(SchemaError, match="valid_time of a forecast has the dimensions"):
        ef.Forecast(turned)
