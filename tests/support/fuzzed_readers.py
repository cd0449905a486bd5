"""Readers of the library with a sample of their files, as the library or a user writes them, and its mutations."""

# ruff: noqa: C901, E501

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast import testing
from energyforecast.errors import EnergyForecastError
from tests.support import mutations
from tests.support.mutations import dump_json, dump_toml, mutated_bytes, mutated_rows, mutated_tree

__all__ = ["READERS", "Reader", "is_own"]

Files = dict[str, bytes]


@dataclass(frozen=True)
class Reader:
    """A reader: its files by relative path, a mutation of them, and how they are read from a folder."""

    name: str
    sample: Callable[[], Files]
    mutate: Callable[[Random, Files], Files]
    read: Callable[[Path], Any]


READERS: dict[str, Reader] = {}


def _add(
    name: str,
    sample: Callable[[], Files],
    mutate: Callable[[Random, Files], Files],
    read: Callable[[Path], Any],
) -> None:
    READERS[name] = Reader(name, functools.cache(sample), mutate, read)


def is_own(error: BaseException) -> bool:
    """Whether an error is of the library, or of the system about an absent file."""
    absent = isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError)
    return isinstance(error, EnergyForecastError) or (absent and getattr(error, "filename", None) is not None)


def _each(*calls: Callable[[], Any]) -> None:
    """Make all calls; the library's error in any of them is raised at the end."""
    refused: list[Exception] = []
    for call in calls:
        try:
            call()
        except Exception as error:
            if not is_own(error):
                raise
            refused.append(error)
    if refused:
        raise refused[0]


def _written(write: Callable[[Path], Any]) -> Files:
    """Files that a function writes into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return {
            str(item.relative_to(folder)): item.read_bytes()
            for item in sorted(Path(folder).rglob("*"))
            if item.is_file()
        }


# --- Kinds of mutations -----------------------------------------------------------------------------


def _one(change: Callable[[Random, bytes], bytes], *, bare: float = 0.3) -> Callable[[Random, Files], Files]:
    """Change one file by its structure, or by its bytes."""

    def mutate(random: Random, files: Files) -> Files:
        name = random.choice(list(files))
        raw = random.random() < bare
        return files | {name: mutated_bytes(random, files[name]) if raw else change(random, files[name])}

    return mutate


def _json(random: Random, data: bytes) -> bytes:
    return dump_json(mutated_tree(random, json.loads(data)))


def _toml(random: Random, data: bytes) -> bytes:
    tree = tomllib.loads(data.decode())
    return dump_toml(mutated_tree(random, tree, raws=mutations._DEEP_TOML))


def _toml_part(*path: str) -> Callable[[Random, bytes], bytes]:
    """Change a part of a TOML file."""

    def change(random: Random, data: bytes) -> bytes:
        tree = tomllib.loads(data.decode())
        parent = tree
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = mutated_tree(random, parent[path[-1]], raws=mutations._DEEP_TOML)
        return dump_toml(tree)

    return change


def _xml(random: Random, data: bytes) -> bytes:
    from xml.etree import ElementTree as ET

    root = ET.fromstring(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        every = list(root.iter())
        element, parent = random.choice(every), random.choice(every)
        kind = random.choice(("text", "text", "text", "tag", "drop", "double", "move"))
        if kind == "text":
            odd = random.choice(
                (*mutations._CELLS, "PT1M", "PT0M", "P1Y", "A03", "2024-01-01T00:00Z", "9999-01-01T00:00Z")
            )
            element.text = odd.replace("\x00", "")
        elif kind == "tag":
            element.tag = random.choice(every).tag
        elif kind == "drop" and len(parent):
            parent.remove(parent[0])
        elif kind == "double" and len(parent):
            parent.append(parent[-1])
        elif kind == "move" and element is not root and parent not in set(element.iter()):
            parent.append(element)
    return ET.tostring(root)


def _without_mark(data: bytes) -> bytes:
    """NetCDF of the library without its checksum, as other programs write it."""
    return (
        data[: data.rfind(b"\nenergyforecast sha256 ")]
        if b"\nenergyforecast sha256 " in data[-120:]
        else data
    )


#: NetCDF as it is stored, but for text.
_PLAIN: Any = {
    "decode_times": False,
    "decode_timedelta": False,
    "mask_and_scale": False,
    "decode_coords": False,
}


def _netcdf(random: Random, data: bytes, *, engine: Any = "scipy") -> bytes:
    """NetCDF with changes of variables, types, attributes and dimensions."""
    if random.random() < 0.35:
        return mutated_bytes(random, _without_mark(data))
    source = io.BytesIO(_without_mark(data))
    with xr.open_dataset(source, engine=engine, **_PLAIN) as opened:
        dataset = opened.load()
    for _ in range(random.choice((1, 1, 2))):
        dataset = _change_dataset(random, dataset)
    try:
        content = dataset.to_netcdf(engine=engine)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RuntimeError, OSError):
        return mutated_bytes(random, _without_mark(data))
    return bytes(content)


def _change_dataset(random: Random, dataset: xr.Dataset) -> xr.Dataset:
    names = [str(name) for name in dataset.variables]
    name = random.choice(names)
    variable = dataset.variables[name]
    kind = random.choice(
        (
            "drop",
            "rename",
            "type",
            "values",
            "attr",
            "attr",
            "global",
            "empty",
            "transpose",
            "other",
            "scalar",
            "double",
        )
    )
    with suppress(ValueError, TypeError, KeyError, OverflowError, IndexError):
        if kind == "drop":
            return dataset.drop_vars(name)
        if kind == "rename":
            return dataset.rename({name: random.choice((name + "_2", name.upper(), "x"))})
        if kind == "type":
            return dataset.assign(
                {
                    name: (
                        variable.dims,
                        variable.values.astype(random.choice(("i1", "i4", "f4", "f8", "S1", "f8"))),
                        variable.attrs,
                    )
                }
            )
        if kind == "values" and variable.size:
            values = variable.values.copy()
            values.ravel()[random.randrange(values.size)] = random.choice(
                (np.nan, np.inf, -np.inf, 0, -1, 1e308, 2**31 - 1, 1e18)
            )
            return dataset.assign({name: (variable.dims, values, variable.attrs)})
        if kind == "attr":
            key = random.choice(
                [
                    *map(str, variable.attrs),
                    "units",
                    "calendar",
                    "scale_factor",
                    "add_offset",
                    "_FillValue",
                    "dtype",
                    "coordinates",
                    "missing_value",
                ]
            )
            value: Any = random.choice(
                (
                    "",
                    "x",
                    "hours since 0000-00-00",
                    "seconds since 99999-01-01",
                    "days since 1-1-1",
                    "K",
                    "noleap",
                    0.0,
                    np.nan,
                    1e308,
                    -1,
                    [1.0, 2.0],
                    np.int8(1),
                    "timedelta64[ns]",
                    "bool",
                    "hours",
                )
            )
            changed = dataset.copy()
            changed[name].attrs = {**variable.attrs, key: value}
            return changed
        if kind == "global":
            key = random.choice([*map(str, dataset.attrs), "x"])
            return dataset.assign_attrs(
                {
                    key: random.choice(
                        (
                            "",
                            "{",
                            "NaN",
                            0,
                            -1.0,
                            np.nan,
                            "[" * 5000,
                            '{"a": 1e400}',
                            "Nowhere/Zone",
                            [1, 2],
                            "9" * 5000,
                            "-1h",
                            "1e9D",
                        )
                    )
                }
            )
        dim = random.choice([str(one) for one in dataset.sizes] or ["x"])
        if kind == "empty":
            return dataset.isel({dim: slice(0, random.choice((0, 1, 2)))})
        if kind == "transpose":
            return dataset.transpose(*random.sample(list(dataset.sizes), len(dataset.sizes)))
        if kind == "other":
            return dataset.rename({dim: dim + "_2"})
        if kind == "scalar":
            return dataset.isel({dim: 0}, drop=random.random() < 0.5)
        return (
            xr.concat([dataset, dataset], dim)
            if random.random() < 0.5
            else dataset.isel({dim: slice(None, None, -1)})
        )
    return dataset


# --- Tables -----------------------------------------------------------------------------------------


def _hours(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-03-01", periods=count, freq="1h")


def _power_csv() -> Files:
    power = 1000 + 50 * np.arange(30.0)
    rows = [
        f"{stamp:%Y-%m-%d %H:%M},{value:.1f},{value / 2:.1f}"
        for stamp, value in zip(_hours(30), power, strict=True)
    ]
    return {"power.csv": ("time,farm,park\n" + "\n".join(rows) + "\n").encode()}


def _read_power(path: Path) -> Any:
    return ef.read_power(path, unit="kW", timezone="Asia/Almaty", label="beginning", published_after="2h")


_rows = _one(mutated_rows, bare=0.25)
_add("read_power.csv", _power_csv, _rows, lambda folder: _read_power(folder / "power.csv"))
_add(
    "read_demand.csv",
    lambda: {"demand.csv": _power_csv()["power.csv"].replace(b",", b";")},
    _one(lambda random, data: mutated_rows(random, data, delimiter=";"), bare=0.25),
    lambda folder: ef.read_demand(
        folder / "demand.csv",
        unit="kW",
        timezone="UTC",
        label="ending",
        published_after="1h",
        format=ef.TableFormat(delimiter=";", time_format="%Y-%m-%d %H:%M", thousands=" "),
    ),
)
_add(
    "read_power.long.csv",
    lambda: {
        "power.csv": (
            "site,start,value,published\n"
            + "".join(
                f"{site},{stamp:%Y-%m-%dT%H:%MZ},{k},{stamp + pd.Timedelta('3h'):%Y-%m-%dT%H:%MZ}\n"
                for k, stamp in enumerate(_hours(12))
                for site in ("a", "b")
            )
        ).encode()
    },
    _rows,
    lambda folder: ef.read_power(
        folder / "power.csv",
        unit="MW",
        timezone="UTC",
        label="beginning",
        format=ef.TableFormat(site="site", time="start", columns=["value"], published_time="published"),
    ),
)


def _gz(random: Random, data: bytes) -> bytes:
    text = gzip.decompress(data)
    return (
        gzip.compress(mutated_rows(random, text), mtime=0)
        if random.random() < 0.5
        else mutated_bytes(random, data)
    )


def _zip_csv(random: Random, data: bytes) -> bytes:
    return mutations.mutated_zip(
        random, data, change=lambda random, _, content: mutated_rows(random, content)
    )


_add(
    "read_power.gz",
    lambda: {"power.csv.gz": gzip.compress(_power_csv()["power.csv"], mtime=0)},
    _one(_gz, bare=0.3),
    lambda folder: _read_power(folder / "power.csv.gz"),
)
_add(
    "read_power.zip",
    lambda: {"power.zip": mutations.bytes_of_zip(_power_csv())},
    _one(_zip_csv, bare=0.5),
    lambda folder: _read_power(folder / "power.zip"),
)


def _workbook() -> Files:
    frame = pd.read_csv(io.BytesIO(_power_csv()["power.csv"]), parse_dates=["time"])
    return _written(lambda folder: frame.to_excel(folder / "power.xlsx", index=False))


def _xlsx(random: Random, data: bytes) -> bytes:
    """Workbook with a member changed by its bytes, or a cell by openpyxl."""
    if random.random() < 0.5:
        return mutations.mutated_zip(
            random, data, change=lambda random, _, content: mutated_bytes(random, content)
        )
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.active
    for _ in range(random.choice((1, 2, 3))):
        value = random.choice((*mutations.ODD, *mutations._CELLS))
        with suppress(
            ValueError,
            TypeError,
            OverflowError,
            AttributeError,
            openpyxl.utils.exceptions.IllegalCharacterError,
        ):
            cell = sheet.cell(random.choice((1, 2, 3, random.randrange(1, 32))), random.choice((1, 2, 3, 4)))
            cell.value = value
            if random.random() < 0.2:
                cell.number_format = random.choice(("yyyy-mm-dd", "[h]:mm", "0%", "@"))
    buffer = io.BytesIO()
    try:
        book.save(buffer)
    except (
        ValueError,
        TypeError,
        OverflowError,
        AttributeError,
        openpyxl.utils.exceptions.IllegalCharacterError,
    ):
        return mutated_bytes(random, data)
    return buffer.getvalue()


_add("read_power.xlsx", _workbook, _one(_xlsx, bare=0.2), lambda folder: _read_power(folder / "power.xlsx"))


def _parquet() -> Files:
    frame = pd.read_csv(io.BytesIO(_power_csv()["power.csv"]), parse_dates=["time"])
    return _written(lambda folder: frame.to_parquet(folder / "power.parquet"))


_add(
    "read_power.parquet", _parquet, _one(mutated_bytes), lambda folder: _read_power(folder / "power.parquet")
)
_add(
    "read_capacity.csv",
    lambda: {
        "capacity.csv": (
            "time,farm,known\n"
            + "".join(
                f"{stamp:%Y-%m-%d %H:%M},{50 + k % 3},{stamp - pd.Timedelta('1D'):%Y-%m-%d %H:%M}\n"
                for k, stamp in enumerate(_hours(20))
            )
        ).encode()
    },
    _rows,
    lambda folder: ef.read_capacity(
        folder / "capacity.csv",
        unit="MW",
        timezone="UTC",
        label="beginning",
        format=ef.TableFormat(published_time="known"),
    ),
)
_add(
    "read_planned_operation.csv",
    lambda: {
        "plan.csv": b"site,activity,start,end,level,published\nworks,shift,2024-03-01 06:00,2024-03-01 14:00,1,2024-02-20\n"
        b"works,campaign,2024-03-02,2024-03-05,0.5,2024-02-20 12:00\nworks,shift,2024-03-03 06:00,2024-03-03 14:00,1,2024-02-21\n"
    },
    _rows,
    lambda folder: ef.read_planned_operation(folder / "plan.csv", timezone="Europe/Paris"),
)
_add(
    "scada.csv",
    lambda: {
        "scada.csv": (
            "ID,Статистическое время,Средняя скорость ветра(m/s),Нормализованная активная мощность,"
            "Средняя температура окружающей среды(°C)\n"
            + "".join(f"T1,2023-03-11 0:{k}0:00,7.{k},0.4{k},-3.5\n" for k in range(6))
        ).encode()
    },
    _rows,
    lambda folder: ef.observations.read_shelek_scada(
        folder / "scada.csv",
        rated_power=2.5,
        timezone="fixed:+06:00",
        label="beginning",
        published_after="1h",
    ),
)
_add(
    "PowerCurve.read",
    lambda: {
        "curve.csv": b"wind_speed [m/s],power [kW]\n0,0\n3,0\n5,200\n8,1100\n10,1900\n12,2500\n25,2500\n"
    },
    _rows,
    lambda folder: ef.PowerCurve.read(folder / "curve.csv"),
)
_FARM = ef.Site(name="farm", latitude=43.6, longitude=78.5)
_add(
    "weather.read_table",
    lambda: {
        "weather.csv": (
            "run,lead,ws,temp\n"
            + "".join(
                f"2024-06-0{day}T00:00,{lead},{3 + lead},{10 + day}\n" for day in (1, 2) for lead in range(6)
            )
        ).encode()
    },
    _rows,
    lambda folder: ef.weather.read_table(
        folder / "weather.csv",
        sites=_FARM,
        format=ef.TableFormat(
            columns={"ws": "wind_speed_100m", "temp": "temp_air"},
            timezone="UTC",
            init_time="run",
            lead_time="lead",
        ),
        units={"wind_speed_100m": "km/h", "temp_air": "degree_Celsius"},
        label=ef.weather.Label.INSTANT,
        available_after="6h",
    ),
)


def _forecast_csv() -> Files:
    return _written(lambda folder: testing.example_forecast().write_csv(folder / "forecast.csv"))


def _read_forecast_csv(folder: Path) -> Any:
    try:
        frame = pd.read_csv(folder / "forecast.csv")
    except Exception:  # noqa: BLE001  (pandas reads, the frame is what the library gets)
        return None
    return ef.Forecast.from_frame(frame)


_add("Forecast.from_frame", _forecast_csv, _rows, _read_forecast_csv)


# --- NetCDF -----------------------------------------------------------------------------------------

_add(
    "Forecast.load",
    lambda: _written(lambda folder: testing.example_forecast().save(folder / "forecast.nc")),
    _one(_netcdf, bare=0.1),
    lambda folder: repr(ef.Forecast.load(folder / "forecast.nc")),
)


def _carrying_files() -> Files:
    """Forecast with the correlation of its errors."""
    forecaster, weather = testing.example_forecaster(), testing.example_weather()
    forecast = forecaster.predict(weather, issue_time="2024-01-01 09:00")
    return _written(lambda folder: forecast.save(folder / "forecast.nc"))


def _change_attribute(random: Random, data: bytes) -> bytes:
    """NetCDF with a change of the JSON in an attribute."""
    with xr.open_dataset(io.BytesIO(_without_mark(data)), engine="scipy", **_PLAIN) as opened:
        dataset = opened.load()
    text = dataset["power"].attrs["error_correlation"]
    dataset["power"].attrs["error_correlation"] = _json(random, str(text).encode()).decode()
    return bytes(dataset.to_netcdf(engine="scipy"))


def _summed(folder: Path) -> Any:
    forecast = ef.Forecast.load(folder / "forecast.nc")
    _each(forecast.energy, forecast.peak)


_add("Forecast.energy", _carrying_files, _one(_change_attribute, bare=0.0), _summed)
_add(
    "netcdf.read",
    lambda: _written(
        lambda folder: testing.example_weather().to_netcdf(folder / "weather.nc", engine="scipy")
    ),
    _one(_netcdf, bare=0.1),
    lambda folder: ef.weather.read(folder / "weather.nc"),
)


def _netcdf4(random: Random, data: bytes) -> bytes:
    return _netcdf(random, data, engine="h5netcdf")


_add(
    "netcdf.read.h5",
    lambda: _written(
        lambda folder: testing.example_weather().to_netcdf(folder / "weather.nc", engine="h5netcdf")
    ),
    _one(_netcdf4, bare=0.1),
    lambda folder: ef.weather.read(folder / "weather.nc"),
)


def _result_files(random: Random, files: Files) -> Files:
    read = [name for name in files if name.startswith("result/result/")]
    name = random.choice([*read, *[name for name in read if name.endswith(".json")] * 3])
    if name.endswith(".nc"):
        return files | {name: _netcdf(random, files[name])}
    if name.endswith(".json"):
        return files | {
            name: mutated_bytes(random, files[name]) if random.random() < 0.2 else _json(random, files[name])
        }
    return files | {name: mutated_bytes(random, files[name])}


_add(
    "Result.load",
    lambda: _written(lambda folder: testing.example_result().save(folder / "result")),
    _result_files,
    lambda folder: repr(ef.Result.load(folder / "result")),
)


# --- Configuration ----------------------------------------------------------------------------------

_CONFIGURATION = b"""
[sites.farm]
kind = "wind"
latitude = 43.64
longitude = 78.54
capacity = 60
hub_height = 90
power_curve = "curve.csv"
timezone = "Asia/Almaty"
wake_efficiency = [[5, 0.85], [15, 1.0]]
[[sites.old.turbine_groups]]
capacity = 20.0
hub_height = 140
power_curve = "curve.csv"
commissioned = 2024-06-01
[sites.old]
kind = "wind"
latitude = 43.64
longitude = 78.54
capacity = 20
[sites.park]
kind = "solar"
latitude = 43.6
longitude = 78.5
capacity = 10
dc_capacity = 12
surface_tilt = 30
surface_azimuth = 180
soiling_rate = 0.001
[sites.roofs]
kind = "solar"
latitude = 43.6
longitude = 78.5
capacity = 10
arrays = [{dc_capacity = 6, surface_tilt = 20, surface_azimuth = 90}, {dc_capacity = 6, surface_tilt = 20, surface_azimuth = 270}]
horizon = [[0, 5], [180, 2]]
[sites.city]
kind = "demand"
latitude = 43.2
longitude = 76.9
timezone = "Asia/Almaty"
country = "KZ"
decrees = [{published = "2024-12-06", day_off = "2025-01-03", working_day = "2025-01-05"}]
embedded = [{pv = 120, since = "2024-04-01", published = "2024-04-10"}]
[weather]
store = "archive.zarr"
source = "open-meteo"
model = "ecmwf_ifs"
since = "2024-06"
api_key_env = "NOT_SET"
[observations]
file = "power.csv"
unit = "kW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
delimiter = ","
columns = {farm = "farm", park = "park"}
missing = ["-9999", "ERR"]
[available_capacity]
file = "capacity.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_time = "known"
[planned]
file = "plan.csv"
timezone = "Europe/Paris"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Asia/Almaty"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "LightGBMQuantiles"
seed = 1
n_estimators = 20
[plan]
n_scenarios = 100
dependence = "gaussian"
learn = "60D"
quantile_levels = [0.1, 0.5, 0.9]
seed = 0
[plan.areas]
South = ["city", "farm", "park", "old", "roofs"]
[plan.reserve]
risk = 0.01
outages = [{capacity = 300, probability = 0.01, units = 2}]
[plan.schedule]
preset = "kazakhstan"
gate_closure = "08:00"
[plan.ramps]
change = 200
within = ["1h", "3h"]
probability = 0.3
[plan.system]
areas = ["South"]
shedding_cost = 3000
curtailment_cost = 0
[plan.system.units.coal]
area = "South"
capacity = 1000
cost = 20
[plan.system.batteries.battery]
area = "South"
power = 50
energy = 100
[archive]
file = "archive.sqlite"
"""
_INTRADAY = b"""
[sites.farm]
kind = "wind"
latitude = 43.64
longitude = 78.54
capacity = 60
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
format = "neso"
published_after = "1h"
[task]
kind = "intraday"
every = "1h"
leads = "12h"
frequency = "1h"
[model]
kind = "ConformalQuantiles"
model = {kind = "LightGBMQuantiles", seed = 2}
[archive]
address = "postgresql://user@localhost:5432/db"
"""


def _configuration_files(text: bytes) -> Callable[[], Files]:
    def files() -> Files:
        beside = _power_csv() | READERS["PowerCurve.read"].sample() | READERS["read_capacity.csv"].sample()
        beside |= READERS["read_planned_operation.csv"].sample() | READERS["netcdf.read"].sample()
        return {"farm.toml": text} | beside

    return files


def _only_toml(
    change: Callable[[Random, bytes], bytes], bare: float = 0.15
) -> Callable[[Random, Files], Files]:
    def mutate(random: Random, files: Files) -> Files:
        raw = random.random() < bare
        text = files["farm.toml"]
        return files | {"farm.toml": mutated_bytes(random, text) if raw else change(random, text)}

    return mutate


def _configured(folder: Path) -> Any:
    settings = ef.configuration.read(folder / "farm.toml")
    _each(
        settings.forecaster,
        settings.observations,
        settings.archive,
        lambda: "weather" in settings.sections and settings.weather(),
        lambda: settings.plan is not None and settings.plan.kinds(settings.sites),
    )


_add("configuration", _configuration_files(_CONFIGURATION), _only_toml(_toml), _configured)
_add("configuration.intraday", _configuration_files(_INTRADAY), _only_toml(_toml), _configured)
_add(
    "configuration.plan",
    _configuration_files(_CONFIGURATION),
    _only_toml(_toml_part("plan"), 0.0),
    _configured,
)
_add(
    "configuration.system",
    _configuration_files(_CONFIGURATION),
    _only_toml(_toml_part("plan", "system"), 0.0),
    _configured,
)
_add(
    "configuration.sites",
    _configuration_files(_CONFIGURATION),
    _only_toml(_toml_part("sites"), 0.0),
    _configured,
)


def _plan_tables(folder: Path) -> Any:
    """[plan] without the check of the configuration, as tables of a program."""
    try:
        tables = tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return
    _each(
        lambda: ef.planning.PlanSettings.from_dict(tables),
        lambda: ef.planning.System.from_dict(tables.get("system", {})),
        lambda: ef.configuration.plan_settings(tables),
        lambda: ef.configuration.system(tables.get("system", {})),
    )


_add(
    "PlanSettings.from_dict",
    lambda: {"plan.toml": dump_toml(tomllib.loads(_CONFIGURATION.decode())["plan"])},
    _one(_toml, bare=0.1),
    _plan_tables,
)


def _gated(folder: Path) -> Any:
    gates, baseline = ef.evaluation.read_gates(folder / "gates.toml")
    result = _example_result()
    result.gate(gates, baseline=result, **baseline)


@functools.cache
def _example_result() -> Any:
    return testing.example_result()


_add(
    "read_gates",
    lambda: {
        "gates.toml": b'[[gate]]\nmetric = "crps"\nmax = 0.5\n[[gate]]\nmetric = "coverage"\nlevel = 0.8\nmin = 0.5\n'
        b'max = 0.9\nunit = "%"\nsite = "farm"\n[baseline]\nmetrics = ["crps", "mae"]\nnoise = 0.05\n'
    },
    _one(_toml, bare=0.2),
    _gated,
)


# --- The store of weather ---------------------------------------------------------------------------


def _store_files() -> Files:
    def write(folder: Path) -> None:
        store = ef.weather.Store(folder / "w.zarr", clock=lambda: pd.Timestamp("2024-06-03 13:00", tz="UTC"))
        store.update(testing.example_source(), sites=[_FARM], since="2024-06-02")

    return {name: data for name, data in _written(write).items() if not name.endswith("lock")}


def _opened_store(folder: Path) -> Any:
    from energyforecast.weather.store import archive_files

    archive_files._cache.clear()
    store = ef.weather.Store(folder / "w.zarr", clock=lambda: pd.Timestamp("2024-06-04 13:00", tz="UTC"))

    def load() -> Any:
        opened = store.open()
        return [one.load() for one in (opened.values() if isinstance(opened, dict) else [opened])]

    def update() -> Any:
        return store.update(testing.example_source(), sites=[_FARM])

    _each(store.sources, store.describe, load, store.quarantined, update)


def _manifest_of(files: Files) -> str:
    return next(name for name in files if name.endswith("manifest.json"))


def _signed(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content + b"\n"


def _mutated_manifest(random: Random, files: Files) -> Files:
    """Manifest with a change of its tree, and its checksum."""
    name = _manifest_of(files)
    text = files[name].partition(b"\n")[2].strip()
    changed = mutated_bytes(random, text) if random.random() < 0.15 else _json(random, text)
    return files | {name: _signed(changed)}


def _mutated_chunks(random: Random, files: Files) -> Files:
    """Archive file with a change, under the name of its checksum, with a manifest that lists it or without one."""
    zips = [name for name in files if name.endswith(".zip")]
    old = random.choice(zips)

    def change(random: Random, name: str, content: bytes) -> bytes:
        return (
            _json(random, content)
            if name.endswith(".json") and random.random() < 0.85
            else mutated_bytes(random, content)
        )

    data = mutations.mutated_zip(random, files[old], change=change, compression=zipfile.ZIP_STORED)
    if random.random() < 0.15:
        data = mutated_bytes(random, files[old])
    digest = hashlib.sha256(data).hexdigest()
    changed = {name: one for name, one in files.items() if name != old}
    changed[old.rpartition("/")[0] + f"/{digest}.zip"] = data
    name = _manifest_of(files)
    if random.random() < 0.5:
        del changed[name]
    else:
        text = files[name].partition(b"\n")[2].strip()
        changed[name] = _signed(text.replace(Path(old).stem.encode(), digest.encode()))
    return changed


_add("Store.manifest", _store_files, _mutated_manifest, _opened_store)
_add("Store.files", _store_files, _mutated_chunks, _opened_store)


# --- Forecasters ------------------------------------------------------------------------------------


def _forecaster_of(model: Any) -> Files:
    farm = ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=90)
    rng = np.random.default_rng(0)
    init = pd.date_range("2024-01-01", periods=80, freq="12h")
    speed = 7 + 3 * rng.standard_normal((1, 80, 49)).astype("f4")
    weather = xr.Dataset(
        {"wind_speed_100m": (("site", "init_time", "lead_time"), np.abs(speed))},
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": pd.to_timedelta(np.arange(49), "h"),
            "available_time": ("init_time", init + pd.Timedelta("6h")),
        },
    )
    hours = pd.date_range("2024-01-01", periods=960, freq="1h", tz="UTC")
    power = ef.Observations(pd.DataFrame({"farm": 60 * rng.random(960)}, index=hours), published_after="1h")
    forecaster = ef.Forecaster(
        farm, ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9)), model=model
    )
    forecaster.fit(weather, power)
    return _written(lambda folder: forecaster.save(folder / "farm.forecaster"))


def _mutated_forecaster(random: Random, files: Files) -> Files:
    """Stored forecaster with a change of its manifest, or of a part of a model with the checksums made again."""
    data = files["farm.forecaster"]
    if random.random() < 0.1:
        return {"farm.forecaster": mutated_bytes(random, data)}
    members = mutations.bytes_of(data)
    manifest = json.loads(members["manifest.json"])
    if random.random() < 0.5:
        changed = mutated_tree(random, manifest)
    else:
        changed = manifest
        name = random.choice([name for name in members if name != "manifest.json"])
        members[name] = _mutated_part(random, name, members[name])
        manifest["files"][name] = hashlib.sha256(members[name]).hexdigest()
    return {"farm.forecaster": mutations.bytes_of_zip(members | {"manifest.json": dump_json(changed)})}


def _mutated_part(random: Random, name: str, content: bytes) -> bytes:
    if name.endswith(".txt"):
        with suppress(ValueError):
            if random.random() < 0.6:
                return _json(random, content)
        return mutated_bytes(random, content)
    if random.random() < 0.3:
        return mutated_bytes(random, content)
    array = np.load(io.BytesIO(content))
    kind = random.choice(("type", "shape", "value", "empty", "double", "scalar"))
    with suppress(ValueError, TypeError, OverflowError):
        if kind == "type":
            array = array.astype(random.choice(("i8", "f4", "U5", "S3", "?", "c16", "M8[s]")))
        elif kind == "shape":
            array = array.reshape(random.choice(((-1,), (1, -1), (-1, 1), (1, 1, -1))))
        elif kind == "value" and array.size:
            array = array.copy()
            array.ravel()[random.randrange(array.size)] = random.choice(
                (np.nan, np.inf, -1, 0, 1e308, 2**31, -(2**62))
            )
        elif kind == "empty":
            array = array[:0]
        elif kind == "double":
            array = np.concatenate([array, array])
        else:
            array = np.array(1.0)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _used_forecaster(folder: Path) -> Any:
    loaded = ef.load(folder / "farm.forecaster")
    _each(lambda: repr(loaded), lambda: loaded.save(folder / "again.forecaster"))


_add(
    "storage.load",
    lambda: _written(lambda folder: testing.example_forecaster().save(folder / "farm.forecaster")),
    _mutated_forecaster,
    _used_forecaster,
)
_add(
    "storage.load.lightgbm",
    lambda: _forecaster_of(ef.models.LightGBMQuantiles(n_estimators=5, folds=0)),
    _mutated_forecaster,
    _used_forecaster,
)


# --- The database -----------------------------------------------------------------------------------


def _archive_files() -> Files:
    def write(folder: Path) -> None:
        archive = ef.archive.open(folder / "a.sqlite", clock=lambda: pd.Timestamp("2024-01-03", tz="UTC"))
        archive.write_forecast(testing.example_forecast())
        archive.write_observations(testing.example_observations())
        table = pd.DataFrame({"hour": _hours(3), "power": [1.0, 2.0, np.nan], "name": ["a", None, "c"]})
        archive.write_plan({"schedule": table}, name="day", issue_time="2024-01-01 09:00")
        archive.write_model("abc", manifest={"format": "x", "schema": 1})
        archive.write_run("forecast", start="2024-01-01", end="2024-01-02", detail={"set_aside": []})
        archive._engine.dispose()

    return {"a.sqlite": _written(write)["a.sqlite"]}


def _mutated_database(random: Random, files: Files) -> Files:
    """Database with bytes or cells changed, its triggers gone."""
    import sqlite3

    data = files["a.sqlite"]
    if random.random() < 0.4:
        return {"a.sqlite": mutated_bytes(random, data)}
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        connection.isolation_level = None
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f'drop trigger "{name}"')
        tables = [
            name
            for (name,) in connection.execute(
                "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
            )
        ]
        for _ in range(random.choice((1, 1, 2))):
            _change_table(random, connection, random.choice(tables))
        return {"a.sqlite": connection.serialize()}


def _change_table(random: Random, connection: Any, table: str) -> None:
    import sqlite3

    columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
    if not columns:  # the table was dropped
        return
    column = random.choice(columns)
    kind = random.choice(("set", "set", "set", "set", "json", "json", "drop", "column", "rename", "empty"))
    odd = random.choice(
        [
            one
            for one in mutations.ODD
            if one is None
            or isinstance(one, str | float | bytes)
            or (isinstance(one, int) and abs(one) < 2**63)
        ]
        + [
            b"",
            b"\xff\xfe",
            "9" * 5000,
            "[" * 5000,
            "2024-01-01",
            "99999-01-01 00:00:00",
            "2024-01-01 00:00:00.000000",
        ]
    )
    with suppress(sqlite3.Error, UnicodeError, ValueError, OverflowError):
        connection.execute("pragma foreign_keys = off")
        if kind == "set":
            some = (
                ""
                if random.random() < 0.5
                else f" where {columns[0]} = (select min({columns[0]}) from {table})"
            )
            connection.execute(f'update "{table}" set "{column}" = ?{some}', (odd,))
        elif kind == "json":
            place = random.choice(
                (
                    ("plan", "tables"),
                    ("provenance", "attributes"),
                    ("model", "manifest"),
                    ("run", "detail"),
                    ("forecast", "quantile_levels"),
                )
            )
            text = connection.execute(f"select {place[1]} from {place[0]}").fetchone()[0]
            connection.execute(
                f"update {place[0]} set {place[1]} = ?",
                (_json(random, text.encode()).decode("utf-8", "replace"),),
            )
        elif kind == "drop":
            connection.execute(f'drop table "{table}"')
        elif kind == "column":
            connection.execute(f'alter table "{table}" drop column "{column}"')
        elif kind == "rename":
            connection.execute(f'alter table "{table}" rename column "{column}" to "{column}x"')
        else:
            connection.execute(f'delete from "{table}"')


def _opened_archive(folder: Path) -> Any:
    archive = ef.archive.open(
        folder / "a.sqlite", create=False, clock=lambda: pd.Timestamp("2024-02-03", tz="UTC")
    )
    try:
        _each(
            archive.issues,
            lambda: archive.forecast("farm"),
            lambda: archive.observations("farm"),
            lambda: archive.plan("day", issue_time="2024-01-01 09:00"),
            archive.models,
            archive.runs,
            lambda: archive.write_forecast(testing.example_forecast()),
            lambda: archive.write_observations(testing.example_observations()),
        )
    finally:
        archive._engine.dispose()


_add("archive.open", _archive_files, _mutated_database, _opened_archive)


# --- Checkpoints, sets of files ---------------------------------------------------------------------


def _checkpoint_files() -> Files:
    from energyforecast.evaluation.checkpoints import Checkpoint, Checkpoints

    def write(folder: Path) -> None:
        held = Checkpoints(folder)
        held.begin("mark")
        held.write(
            0, 0, Checkpoint({"farm": np.ones((4, 3))}, {"farm": np.zeros(2, dtype=int)}, {"seconds": 1.0})
        )

    return _written(write)


def _mutated_checkpoint(random: Random, files: Files) -> Files:
    name = random.choice(list(files))
    if random.random() < 0.3:
        return files | {name: mutated_bytes(random, files[name])}
    if name.endswith(".json"):
        return files | {name: _json(random, files[name])}

    def change(random: Random, member: str, content: bytes) -> bytes:
        if member.startswith("text") and random.random() < 0.7:
            buffer = io.BytesIO()
            text = _json(random, str(np.load(io.BytesIO(content))).encode()).decode()
            np.save(buffer, np.array(text.replace("\x00", "")))
            return buffer.getvalue()
        return _mutated_part(random, member, content)

    return files | {
        name: mutations.mutated_zip(random, files[name], change=change, compression=zipfile.ZIP_STORED)
    }


def _resumed(folder: Path) -> Any:
    from energyforecast.evaluation.checkpoints import Checkpoints

    held = Checkpoints(folder)
    _each(lambda: held.begin("mark"), lambda: held.read(0, 0))


_add("checkpoints", _checkpoint_files, _mutated_checkpoint, _resumed)


def _set_files() -> Files:
    from energyforecast.core import file_sets

    def write(folder: Path) -> None:
        about = {"state": "issued", "first_hour": "2024-01-01T00:00:00Z", "levels": {"farm": 0}}
        with file_sets.whole_set(folder / "out", index="forecast_files.json", about=about) as stage:
            (stage / "forecast.csv").write_text("a,b\n1,2\n")

    return _written(write)


def _published(folder: Path) -> Any:
    from energyforecast.core import file_sets
    from energyforecast.core.published_set import PublishedSet

    held = PublishedSet(
        folder / "out", "forecast", report=folder / "report.json", asked={"first_hour": "2024-01-02"}
    )
    _each(
        lambda: file_sets.read_index(folder / "out" / "forecast_files.json"),
        held.is_answered,
        lambda: file_sets.set_aside(folder / "out", index="forecast_files.json", about={"state": "refused"}),
    )
    with held.publish({"x": 1}) as stage:
        (stage / "forecast.csv").write_text("a,b\n1,3\n")


_add(
    "file_sets",
    _set_files,
    _one(lambda random, data: _json(random, data) if data[:1] == b"{" else mutated_bytes(random, data)),
    _published,
)


# --- Answers of servers -----------------------------------------------------------------------------


def _elexon() -> Files:
    rows = [
        {
            "publishTime": f"2024-01-01T{1 + k // 2:02d}:{15 + 30 * (k % 2)}:00Z",
            "startTime": f"2024-01-01T{k // 2:02d}:{30 * (k % 2):02d}:00Z",
            "demand": 21_000 + k,
            "settlementDate": "2024-01-01",
            "settlementPeriod": k + 1,
        }
        for k in range(12)
    ]
    return {"answer.json": json.dumps({"data": rows}).encode()}


_add("read_elexon", _elexon, _one(_json), lambda folder: ef.observations.read_elexon(folder / "answer.json"))


def _elexon_types() -> Files:
    rows = [
        {
            "publishTime": f"2024-01-01T{1 + k // 2:02d}:{15 + 30 * (k % 2)}:00Z",
            "startTime": f"2024-01-01T{k // 2:02d}:{30 * (k % 2):02d}:00Z",
            "quantity": 100 + k,
            "psrType": kind,
        }
        for k in range(4)
        for kind in ("Solar", "Wind Onshore")
    ]
    return {"answer.json": json.dumps(rows).encode()}


_add(
    "read_elexon.types",
    _elexon_types,
    _one(_json),
    lambda folder: ef.observations.read_elexon(folder / "answer.json", plant_type="Solar"),
)


def _entsoe() -> Files:
    from tests.support.entsoe_documents import document, period

    values = {k: 100.0 + k for k in range(1, 25)}
    one = period("2024-01-01T00:00Z", "2024-01-02T00:00Z", values)
    two = period("2024-01-02T00:00Z", "2024-01-02T06:00Z", {1: 5.0, 3: 7.0}, resolution="PT15M", curve="A03")
    return {"answer.xml": document(one, two)}


_add(
    "read_entsoe",
    _entsoe,
    _one(_xml),
    lambda folder: ef.observations.read_entsoe(folder / "answer.xml", site="France", published_after="1h"),
)


def _open_meteo() -> Files:
    hours = [1_717_200_000 + 3600 * k for k in range(24)]
    one = {
        "latitude": 43.6,
        "longitude": 78.5,
        "generationtime_ms": 0.1,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 700.0,
        "hourly_units": {
            "time": "unixtime",
            "temperature_2m": "°C",
            "wind_speed_100m": "m/s",
            "shortwave_radiation": "W/m²",
        },
        "hourly": {
            "time": hours,
            "temperature_2m": [10.0 + k / 10 for k in range(24)],
            "wind_speed_100m": [5.0 + k / 10 for k in range(24)],
            "shortwave_radiation": [max(0.0, 100.0 * (12 - abs(12 - k))) / 2 for k in range(24)],
        },
    }
    return {"answer.json": json.dumps(one).encode()}


_add(
    "read_open_meteo",
    _open_meteo,
    _one(_json),
    lambda folder: ef.weather.read_open_meteo(
        folder / "answer.json", sites=_FARM, model="ecmwf_ifs", init_time="2024-06-01"
    ),
)


def _served(handler: str, query: Mapping[str, str]) -> Callable[[], Files]:
    def files() -> Files:
        from tests.support import replay, replay_points

        request = replay.Request("GET", "/", {key: [value] for key, value in query.items()}, {})
        return {"answer": getattr(replay_points, handler)(request).body}

    return files


_POWER = {
    "latitude": "43.6",
    "longitude": "78.5",
    "start": "20240601",
    "end": "20240601",
    "time-standard": "UTC",
    "parameters": "T2M,ALLSKY_SFC_SW_DWN",
}
_add(
    "NasaPower",
    _served("power", _POWER),
    _one(_json),
    lambda folder: ef.weather.NasaPower.read(folder / "answer", site=_FARM),
)


def _pvgis() -> Files:
    rows = [
        {
            "time": f"20200601:{k:02d}10",
            "Gb(i)": 10.0 * k,
            "Gd(i)": 5.0,
            "Gr(i)": 0.0,
            "H_sun": 1.0,
            "T2m": 12.0,
            "WS10m": 3.0,
            "Int": 0.0,
        }
        for k in range(24)
    ]
    tree = {
        "inputs": {
            "location": {"latitude": 43.6, "longitude": 78.5, "elevation": 560.0},
            "meteo_data": {"radiation_db": "PVGIS-SARAH3"},
            "mounting_system": {
                "fixed": {
                    "slope": {"value": 0, "optimal": False},
                    "azimuth": {"value": 0, "optimal": False},
                    "type": "free-standing",
                }
            },
        },
        "outputs": {"hourly": rows},
        "meta": {"inputs": {}},
    }
    return {"answer": json.dumps(tree).encode()}


_add("PVGIS", _pvgis, _one(_json), lambda folder: ef.weather.PVGIS.read(folder / "answer", site=_FARM))


def _nsrdb() -> Files:
    lines = [
        "Source,Location ID,Latitude,Longitude,Time Zone,Elevation,Local Time Zone,GHI Units,DNI Units,DHI Units,Temperature Units,Wind Speed Units,Pressure Units,Relative Humidity Units"
    ]
    lines += [
        "NSRDB,1,43.61,78.5,0,560,0,w/m2,w/m2,w/m2,c,m/s,mbar,%",
        "Year,Month,Day,Hour,Minute,GHI,DNI,DHI,Temperature,Wind Speed,Pressure,Relative Humidity",
    ]
    lines += [f"2020,6,1,{k},30,{20 * k},{10 * k},{5 * k},12.5,3.1,950,40" for k in range(24)]
    return {"answer": ("\n".join(lines) + "\n").encode()}


_add("NSRDB", _nsrdb, _rows, lambda folder: ef.weather.NSRDB.read(folder / "answer", site=_FARM))


# --- GRIB -------------------------------------------------------------------------------------------


def _index_files() -> Files:
    return {
        "a.idx": b"1:0:d=2024060100:UGRD:10 m above ground:6 hour fcst:\n2:5000:d=2024060100:VGRD:10 m above ground:6 hour fcst:\n"
        b"3:9000:d=2024060100:DSWRF:surface:0-6 hour ave fcst:\n",
        "a.index": b'{"param": "100u", "step": "3", "_offset": 0, "_length": 500, "date": "20240601", "time": "0000", "levtype": "sfc"}\n'
        b'{"param": "t", "step": "0-3", "_offset": 500, "_length": 50, "date": "20240601", "time": "0000", "levtype": "pl", "levelist": "850", "number": 3}\n',
    }


def _mutated_index(random: Random, files: Files) -> Files:
    if random.random() < 0.3:
        name = random.choice(list(files))
        return files | {name: mutated_bytes(random, files[name])}
    if random.random() < 0.3:
        return files | {"a.idx": mutated_rows(random, files["a.idx"], delimiter=":")}
    lines = files["a.index"].splitlines()
    lines[0] = _json(random, lines[0])
    return files | {"a.index": b"\n".join(lines)}


def _indexed(folder: Path) -> Any:
    from energyforecast.weather.sources.grib import index

    _each(
        lambda: index.parse_idx((folder / "a.idx").read_text("utf-8", "replace")),
        lambda: index.parse_ecmwf_index((folder / "a.index").read_text("utf-8", "replace")),
    )


_add("grib.index", _index_files, _mutated_index, _indexed)


def _grib() -> Files:
    from tests.support import grib_samples

    keys = {"dataDate": 20240601, "dataTime": 0, **grib_samples.FIVE_BY_FIVE, **grib_samples.TEMPERATURE}
    messages = [grib_samples.message({**keys, "forecastTime": hour}, [280.0 + hour] * 25) for hour in (0, 3)]
    return _written(lambda folder: grib_samples.write(folder / "a.grib2", messages))


_add(
    "read_grib",
    _grib,
    _one(mutated_bytes),
    lambda folder: ef.weather.read_grib(
        folder / "a.grib2", model="gfs", sites=ef.Site(name="x", latitude=48.2, longitude=10.2)
    ),
)
