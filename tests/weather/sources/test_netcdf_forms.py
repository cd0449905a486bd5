"""ERA5 in the forms in which archives, xarray and CDO write it: right, or refused in words that fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core.sites import Site
from energyforecast.errors import (
    EnergyForecastError,
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
)
from energyforecast.testing import example_weather
from energyforecast.weather import read, read_era5, write

SITE = Site(name="x", latitude=48.0, longitude=10.0)
WEST = Site(name="west", latitude=48.0, longitude=-5.0)
HOURS = pd.date_range("2024-06-01", "2024-06-03", freq="1h", inclusive="left").to_numpy("M8[ns]")
TRUTH = 10 + 0.1 * np.arange(48)


def _era5(latitude: Any = (49.0, 48.0, 47.0), longitude: Any = (9.0, 10.0, 11.0)) -> xr.Dataset:
    """Temperature that is right at 48 N, 10 E or 5 W alone."""
    north, east = np.meshgrid(latitude, longitude, indexing="ij")
    wrong = ~((north == 48) & np.isin(east, (10.0, 355.0, -5.0)))
    values = 273.15 + TRUTH[:, None, None] + 5.0 * wrong
    dims = ("valid_time", "latitude", "longitude")
    coords = {"valid_time": HOURS, "latitude": list(latitude), "longitude": list(longitude)}
    return xr.Dataset({"t2m": (dims, values.astype("f4"), {"units": "K"})}, coords=coords)


def _counted(calendar: str, first: str = "2024-06-01 00:00:00") -> xr.Dataset:
    attrs = {"units": f"hours since {first}", "calendar": calendar}
    return _era5().assign_coords(valid_time=("valid_time", np.arange(48, dtype="i4"), attrs))


def _two_versions() -> xr.Dataset:
    final = _era5()["valid_time"] < HOURS[24]
    parts = [_era5().where(final), _era5().where(~final)]
    return xr.concat(parts, dim=pd.Index([1, 5], name="expver"))


FORMS = {
    "ascending latitudes": _era5().isel(latitude=slice(None, None, -1)),
    "another order of dimensions": _era5().transpose("longitude", "latitude", "valid_time"),
    "names of CDO": _era5().rename(valid_time="time", latitude="lat", longitude="lon"),
    "one member": _era5().expand_dims(number=[0]).transpose("valid_time", "number", ...),
    "a member that is no dimension": _era5().assign_coords(number=0),
    "one level": _era5().expand_dims(pressure_level=[1000.0]),
    "a height of CDO": _era5().expand_dims(height=[2.0]),
    "versions as text": _era5().assign_coords(expver=("valid_time", ["0001"] * 24 + ["0005"] * 24)),
    "versions as dimension": _two_versions(),
    "bounds of times": _era5().assign(time_bnds=(("valid_time", "bnds"), np.zeros((48, 2)))),
    "layers of another variable": _era5().assign(stl=(("valid_time", "depth"), np.zeros((48, 4)))),
    **{name: _counted(name) for name in ("standard", "gregorian", "proleptic_gregorian")},
    "julian": _counted("julian", "2024-05-19 00:00:00"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_era5_are_read_right(tmp_path: Path, form: str) -> None:
    FORMS[form].to_netcdf(tmp_path / "era5.nc", engine="h5netcdf")
    weather = read_era5(tmp_path / "era5.nc", sites=SITE)
    np.testing.assert_array_equal(weather["time"].values, HOURS)
    np.testing.assert_allclose(weather["temp_air"].values[0], TRUTH, atol=1e-3)


@pytest.mark.parametrize("longitude", [np.arange(0, 360.0), np.arange(-180, 180.0), np.arange(-10, 5.0)])
def test_longitudes_of_either_range_are_read_right(tmp_path: Path, longitude: np.ndarray) -> None:
    _era5(longitude=longitude).to_netcdf(tmp_path / "era5.nc", engine="scipy")
    weather = read_era5(tmp_path / "era5.nc", sites=WEST)
    np.testing.assert_allclose(weather["temp_air"].values[0], TRUTH, atol=1e-3)


@pytest.mark.parametrize("unit", ["days", "hours", "minutes", "seconds"])
def test_times_in_any_unit_are_read_right(tmp_path: Path, unit: str) -> None:
    times = {"units": f"{unit} since 1990-01-01", "dtype": "f8"}
    _era5().to_netcdf(tmp_path / "era5.nc", engine="scipy", encoding={"valid_time": times})
    np.testing.assert_array_equal(read_era5(tmp_path / "era5.nc", sites=SITE)["time"].values, HOURS)


def _with_times(values: Any, **attrs: str) -> xr.Dataset:
    return _era5().assign_coords(valid_time=("valid_time", values, attrs))


REFUSED: dict[str, tuple[xr.Dataset, type[EnergyForecastError], str]] = {
    "noleap": (_counted("noleap"), TimeError, "calendar 'noleap'"),
    "360_day": (_counted("360_day"), TimeError, "calendar '360_day'"),
    "all_leap": (_counted("all_leap"), TimeError, "calendar 'all_leap'"),
    "year 1": (_counted("standard", "0001-01-01"), TimeError, "0001-01-01"),
    "months": (_with_times(np.arange(48), units="months since 2000-01-01"), TimeError, "months since"),
    "numbers": (_with_times(np.arange(48)), TimeError, "the number 0 with the unit None"),
    "absolute": (_with_times(20240601 + np.arange(48) / 24, units="day as %Y%m%d.%f"), TimeError, "cdo.* -r"),
    "members": (_era5().expand_dims(number=[0, 1, 2]), SchemaError, "3 values of 'number'"),
    "levels": (
        _era5().expand_dims(pressure_level=[1000.0, 850.0]),
        SchemaError,
        "values of 'pressure_level'",
    ),
    "leads": (_era5().expand_dims(step=[1, 2]), SchemaError, "values of 'step'"),
    "3 h": (_era5().isel(valid_time=slice(None, None, 3)), MissingDataError, "every 3 h only"),
    "fill": (_era5() * 0 + 9.96921e36, RangeError, "mark of missing values"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_other_forms_of_era5_are_refused_by_name(tmp_path: Path, form: str) -> None:
    raw, error, words = REFUSED[form]
    raw.to_netcdf(tmp_path / "era5.nc", engine="h5netcdf")
    with pytest.raises(error, match=words) as refused:
        read_era5(tmp_path / "era5.nc", sites=SITE)
    assert len(str(refused.value).splitlines()) == 3


def test_every_third_hour_may_be_allowed_and_has_no_radiation(tmp_path: Path) -> None:
    energy = xr.full_like(_era5()["t2m"], 3.6e5).assign_attrs(units="J m**-2")
    coarse = _era5().assign(ssrd=energy).isel(valid_time=slice(None, None, 3))
    coarse.to_netcdf(tmp_path / "era5.nc", engine="scipy")
    weather = read_era5(tmp_path / "era5.nc", sites=SITE, allow_missing=True)
    np.testing.assert_allclose(weather["temp_air"].values[0], TRUTH[::3], atol=1e-3)
    assert bool(weather["ghi"].isnull().all())


@pytest.mark.parametrize("calendar", ["julian", "noleap"])
def test_weather_in_the_form_of_the_library_has_real_days(tmp_path: Path, calendar: str) -> None:
    path = write(example_weather(), tmp_path / "weather.nc")
    with xr.open_dataset(path, engine="scipy", decode_times=False) as raw:
        other = raw.load()
    for name in ("init_time", "available_time"):
        other[name].attrs["calendar"] = calendar
    other.to_netcdf(tmp_path / "other.nc", engine="scipy")
    if calendar == "julian":
        moved = read(tmp_path / "other.nc")["init_time"] - example_weather()["init_time"].values
        assert (abs(moved.values) == np.timedelta64(13, "D")).all()
    else:
        with pytest.raises(TimeError, match="calendar 'noleap'"):
            read(tmp_path / "other.nc")


def test_grib_is_no_weather_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "run.nc").write_bytes(b"GRIB" + bytes(40) + b"7777")
    with pytest.raises(FileFormatError, match="is a GRIB file"):
        read(tmp_path / "run.nc")
