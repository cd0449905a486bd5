"""Weather in files: what is written is read back; what is no weather is refused."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import (
    FileFormatError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
)
from tests.support.error_messages import three_lines
from tests.support.synthetic_data import SyntheticSite, analysis_of, replaced, synthetic, with_arrival

needs_h5netcdf = pytest.mark.skipif(importlib.util.find_spec("h5netcdf") is None, reason="the extra 'store'")


def _small(**changes: str) -> SyntheticSite:
    return synthetic(days=3, sites=2, leads=30, **changes)


def _members(weather: xr.Dataset) -> xr.Dataset:
    return (
        xr.concat([weather, 0.99 * weather], dim="member")
        .transpose(..., "member")
        .assign_attrs(weather.attrs)
    )


def _unarrived(weather: xr.Dataset) -> xr.Dataset:
    arrived = weather["available_time"].values.copy()
    arrived[2] = np.datetime64("NaT", "ns")
    return with_arrival(weather, arrived)


def _described(weather: xr.Dataset) -> xr.Dataset:
    described = weather.copy()
    for name in described.data_vars:
        row = ef.core.variables.lookup(str(name))
        described[name].attrs = {"units": row.units, "cell_methods": row.cell_methods}
    return described


_KINDS = {
    "forecast": lambda: _small().weather,
    "arrival by lead": lambda: _small(per_lead="7min").weather,
    "ensemble": lambda: _members(_small().weather),
    "ensemble with arrival by lead": lambda: _members(_small(per_lead="7min").weather),
    "analysis": lambda: analysis_of(_small()),
    "a run that never arrived": lambda: _unarrived(_small().weather),
    "holes": lambda: replaced(*_holed(_small().weather)),
    "described": lambda: _described(_small().weather),
    "another alphabet": lambda: _small().weather.assign_coords(site=["Шелек", "Ерейментау"]),
}


def _holed(weather: xr.Dataset) -> tuple[xr.Dataset, str, np.ndarray]:
    values = weather["temp_air"].values.copy()
    values[0, 3:5] = np.nan
    return weather, "temp_air", values


def _same(read: xr.Dataset, weather: xr.Dataset) -> None:
    assert read.identical(weather)
    for name in weather.data_vars:
        assert read[name].dims == weather[name].dims
        assert read[name].dtype == weather[name].dtype == np.float32
        np.testing.assert_array_equal(read[name].values, weather[name].values)
    for name in ("init_time", "lead_time", "time", "available_time"):
        if name in weather.coords:
            assert read[name].dims == weather[name].dims
            assert read[name].dtype == weather[name].dtype


@pytest.mark.parametrize("kind", _KINDS)
def test_what_is_written_is_read_back(kind: str, tmp_path: Path) -> None:
    weather = _KINDS[kind]()
    path = ef.weather.write(weather, tmp_path / "weather.nc")
    assert path.read_bytes().startswith(b"CDF")  # NetCDF 3: a base installation reads it
    _same(ef.weather.read(path), weather)


@needs_h5netcdf
@pytest.mark.parametrize("kind", ["ensemble with arrival by lead", "analysis", "another alphabet"])
def test_netcdf_4_of_others_is_read(kind: str, tmp_path: Path) -> None:
    weather = _KINDS[kind]()
    weather.to_netcdf(tmp_path / "weather.nc", engine="h5netcdf")
    _same(ef.weather.read(str(tmp_path / "weather.nc")), weather)


def test_weather_read_from_a_file_gives_the_same_forecast(tmp_path: Path) -> None:
    given = synthetic(days=20)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
    model = ef.LightGBMQuantiles(n_estimators=3, folds=0)
    forecaster = ef.Forecaster(given.site, task, model=model).fit(given.weather, given.power)
    read = ef.weather.read(ef.weather.write(given.weather, tmp_path / "weather.nc"))
    forecasts = [
        forecaster.predict(weather, issue_time="2024-01-15 09:00").data for weather in (given.weather, read)
    ]
    assert forecasts[0].identical(forecasts[1])


# --- Files that are no weather --------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html>503</html>",
        b"CDF",
        b"CDF\x01",
        b"\x89HDF",
        b"\x89HDF\r\n\x1a\n",
        b"GRIB" * 50,
        b"PK\x03\x04",
    ],
    ids=["empty", "html", "beginning", "header", "beginning of 4", "header of 4", "grib", "zip"],
)
def test_a_file_that_is_no_netcdf_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weather.nc"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        ef.weather.read(path)
    three_lines(caught.value, str(path))


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = ef.weather.write(_small().weather, tmp_path / "weather.nc")
    whole = path.read_bytes()
    for length in [*range(0, 3000, 13), *range(3000, len(whole) - 8, 2999)]:
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError) as caught:
            ef.weather.read(path)
        assert str(path) in str(caught.value)


@needs_h5netcdf
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # h5netcdf, while it gives up
def test_a_truncated_netcdf_4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weather.nc"
    _small().weather.to_netcdf(path, engine="h5netcdf")
    whole = path.read_bytes()
    for length in range(100, len(whole) - 8, len(whole) // 8):
        path.write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            ef.weather.read(path)
    gc.collect()  # here, so that its complaints fall into no other test


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.nc", tmp_path):
        with pytest.raises(FileFormatError) as caught:
            ef.weather.read(path)
        three_lines(caught.value, str(path))


# --- Files whose content is wrong -----------------------------------------------------------------


def _hours_without_unit(weather: xr.Dataset) -> xr.Dataset:
    return weather.assign_coords(lead_time=np.arange(weather.sizes["lead_time"]))


def _numbers_for_times(weather: xr.Dataset) -> xr.Dataset:
    analysis = analysis_of(_small())
    arrived = analysis["available_time"].values
    return analysis.assign_coords(time=np.arange(len(arrived)), available_time=("time", arrived))


_WRONG = {
    "kelvin": (UnitsError, "temp_air", lambda weather: weather.assign(temp_air=weather["temp_air"] + 273.15)),
    "too much pressure": (
        RangeError,
        "pressure",
        lambda weather: weather.assign(pressure=weather["pressure"] * 2),
    ),
    "no availability": (SchemaError, "available_time", lambda weather: weather.drop_vars("available_time")),
    "available before the run": (
        TimeError,
        "available",
        lambda weather: with_arrival(weather, weather["init_time"].values - np.timedelta64(1, "h")),
    ),
    "out of order": (TimeError, "init_time", lambda weather: weather.isel(init_time=[1, 0, 2])),
    "unknown variable": (SchemaError, "wind_100", lambda weather: weather.rename(wind_speed_100m="wind_100")),
    "no variables": (SchemaError, "empty", lambda weather: weather.drop_vars(list(weather.data_vars))),
    "no site": (SchemaError, "site", lambda weather: weather.isel(site=0, drop=True)),
    "one site without dimension": (SchemaError, "site", lambda weather: weather.isel(site=0)),
    "the same site twice": (
        SchemaError,
        "farm 0",
        lambda weather: weather.assign_coords(site=["farm 0", "farm 0"]),
    ),
    "leads without unit": (TimeError, "lead_time", _hours_without_unit),
    "numbers for times": (TimeError, "time", _numbers_for_times),
}


@pytest.mark.parametrize("wrong", _WRONG)
def test_wrong_content_is_the_error_of_the_check(wrong: str, tmp_path: Path) -> None:
    kind, named, spoil = _WRONG[wrong]
    path = tmp_path / "weather.nc"
    spoil(_small().weather).to_netcdf(path, engine="scipy")
    with pytest.raises(kind) as caught:
        ef.weather.read(path)
    three_lines(caught.value, named)


def test_wrong_weather_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UnitsError):
        ef.weather.write(_WRONG["kelvin"][2](_small().weather), tmp_path / "weather.nc")
    assert list(tmp_path.iterdir()) == []
