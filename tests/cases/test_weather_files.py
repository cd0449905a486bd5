"""Files of weather in forms that readers do not expect: read right, or refused with a message that names the form."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import (
    EnergyForecastError,
    MissingDataError,
    TimeError,
)
from energyforecast.weather import Label, NasaPower, read_era5, read_grib, read_table
from tests.support.grib_samples import FIVE_BY_FIVE, TEMPERATURE, message, write
from tests.support.known_faults import or_refused

SITE = ef.Site(name="x", latitude=48.0, longitude=10.0)
RAMP = np.arange(25.0) / 7

needs_eccodes = pytest.mark.skipif(find_spec("eccodes") is None, reason="the extra 'grib' is not installed")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without the words of a test in its name, which messages repeat."""
    return tmp_path_factory.mktemp("data")


# -- ERA5 ------------------------------------------------------------------------------------------


def _era5(path: Path, times: np.ndarray, attrs: dict[str, str]) -> Path:
    dims = ("valid_time", "latitude", "longitude")
    temperature = (dims, np.full((len(times), 1, 1), 280.0, "f4"), {"units": "K"})
    coords = {"valid_time": ("valid_time", times, attrs), "latitude": [48.0], "longitude": [10.0]}
    xr.Dataset({"t2m": temperature}, coords=coords).to_netcdf(path, engine="scipy")
    return path


DAYS = np.arange("2024-06-01", "2024-06-03", dtype="datetime64[h]").astype("datetime64[ns]")
ROUNDED = ((DAYS - np.datetime64("1900-01-01", "ns")) / np.timedelta64(1, "D")).astype("f4")


@pytest.mark.parametrize(
    ("times", "attrs"),
    [
        pytest.param(np.delete(DAYS, 10), {}, id="an hour missing"),
        pytest.param(ROUNDED, {"units": "days since 1900-01-01"}, id="times in single precision"),
        pytest.param(DAYS[::-1], {}, id="falling hours"),
        pytest.param(np.roll(DAYS, 7), {}, id="unordered hours"),
        pytest.param(np.insert(DAYS, 10, DAYS[9]), {}, id="an hour doubled"),
    ],
)
def test_times_of_era5_are_whole_hours_without_a_gap(
    folder: Path, times: np.ndarray, attrs: dict[str, str]
) -> None:
    path = _era5(folder / "era5.nc", times, attrs)
    with or_refused("(?i)hour|time"):
        steps = np.diff(read_era5(path, sites=SITE)["time"].values)
        assert (steps == np.timedelta64(1, "h")).all()


def _hourly(times: np.ndarray, values: np.ndarray) -> xr.Dataset:
    dims = ("valid_time", "latitude", "longitude")
    coords = {"valid_time": times, "latitude": [48.0], "longitude": [10.0]}
    return xr.Dataset({"t2m": (dims, values.astype("f4")[:, None, None], {"units": "K"})}, coords=coords)


def test_unordered_and_equal_doubled_hours_of_era5_keep_their_values(folder: Path) -> None:
    kelvin = 273.15 + np.arange(float(len(DAYS)))
    order = np.random.default_rng(0).permutation([*range(len(DAYS)), 3, 30])
    _hourly(DAYS[order], kelvin[order]).to_netcdf(folder / "mixed.nc", engine="scipy")
    weather = read_era5(folder / "mixed.nc", sites=SITE)
    np.testing.assert_array_equal(weather["time"].values, DAYS)
    np.testing.assert_allclose(weather["temp_air"].values[0], np.arange(len(DAYS)), atol=1e-3)


def test_doubled_hours_of_era5_with_other_values_are_refused(folder: Path) -> None:
    kelvin = np.append(np.full(len(DAYS), 280.0), 285.0)
    _hourly(np.append(DAYS, DAYS[5]), kelvin).to_netcdf(folder / "two.nc", engine="scipy")
    with pytest.raises(TimeError, match="2024-06-01 05:00:00 twice"):
        read_era5(folder / "two.nc", sites=SITE)


def test_a_missing_hour_of_era5_is_named_and_may_be_allowed(folder: Path) -> None:
    path = _era5(folder / "era5.nc", np.delete(DAYS, 10), {})
    with pytest.raises(MissingDataError, match=r"between 2024-06-01T09.* and 2024-06-01T11"):
        read_era5(path, sites=SITE)
    assert read_era5(path, sites=SITE, allow_missing=True).sizes["time"] == len(DAYS) - 1


def test_grib_given_to_the_reader_of_netcdf_is_named(folder: Path) -> None:
    path = folder / "era5.grib"
    path.write_bytes(b"GRIB" + bytes([0, 0, 40, 1]) + bytes(32) + b"7777")
    with pytest.raises(EnergyForecastError) as refused:
        read_era5(path, sites=SITE)
    text = str(refused.value).replace("b'GRIB", "")
    assert "GRIB" in text
    assert "etCDF" in text


# -- GRIB ------------------------------------------------------------------------------------------


@needs_eccodes
def test_a_masked_cell_of_grib_is_refused(folder: Path) -> None:
    values = 280.0 + RAMP
    values[12] = 9999.0
    keys = {
        "dataDate": 20240601,
        "dataTime": 0,
        "forecastTime": 6,
        "missingValue": 9999.0,
        "bitmapPresent": 1,
    }
    path = write(folder / "masked.grib2", [message(FIVE_BY_FIVE | TEMPERATURE | keys, values)])
    with or_refused():
        weather = read_grib(path, model="gfs", sites=SITE)
        assert not bool(weather["temp_air"].isnull().all()) or "missing" in weather.attrs


@needs_eccodes
def test_a_field_of_another_statistic_is_left_out_or_named(folder: Path) -> None:
    run = FIVE_BY_FIVE | {"dataDate": 20111008, "dataTime": 0}
    cloud = run | {
        "productDefinitionTemplateNumber": 8,
        "discipline": 0,
        "forecastTime": 66,
        "parameterCategory": 6,
        "parameterNumber": 1,
        "typeOfFirstFixedSurface": 10,
        "typeOfStatisticalProcessing": 0,
        "indicatorOfUnitForTimeRange": 1,
        "lengthOfTimeRange": 6,
        "yearOfEndOfOverallTimeInterval": 2011,
        "monthOfEndOfOverallTimeInterval": 10,
        "dayOfEndOfOverallTimeInterval": 11,
    }
    temperature = message(run | TEMPERATURE | {"forecastTime": 72}, 280.0 + RAMP)
    path = write(folder / "gfs.grib2", [temperature, message(cloud, 50.0 + RAMP)])
    with or_refused(r"\bmean\b|names="):
        assert "temp_air" in read_grib(path, model="gfs", sites=SITE)


@needs_eccodes
def test_a_plateau_of_a_field_that_is_not_read_does_no_harm(folder: Path) -> None:
    latitude, longitude = np.meshgrid(np.arange(60.0, 39.0, -1.0), np.arange(0.0, 31.0), indexing="ij")
    grid = FIVE_BY_FIVE | {
        "Ni": 31,
        "Nj": 21,
        "latitudeOfFirstGridPointInDegrees": 60.0,
        "latitudeOfLastGridPointInDegrees": 40.0,
        "longitudeOfFirstGridPointInDegrees": 0.0,
        "longitudeOfLastGridPointInDegrees": 30.0,
    }
    run = grid | {"dataDate": 20240601, "dataTime": 0, "forecastTime": 6} | TEMPERATURE
    pressure_level = {"typeOfFirstFixedSurface": 100, "scaledValueOfFirstFixedSurface": 15000}
    near_ground = message(run | {"decimalPrecision": 2}, (280 + latitude / 7 + longitude / 13).ravel())
    aloft = message(
        run | pressure_level | {"decimalPrecision": 0}, (203.0 + (60 - latitude) + longitude * 0.03).ravel()
    )
    path = write(folder / "nam.grib2", [near_ground, aloft])
    assert "temp_air" in read_grib(path, model="gfs", sites=ef.Site(name="x", latitude=50.0, longitude=10.0))


@needs_eccodes
def test_a_reanalysis_is_no_forecast_of_the_named_model(folder: Path) -> None:
    run = {"dataDate": 20170101, "dataTime": 1200, "paramId": 167}
    archive = {"marsClass": "ea", "marsType": "an", "marsStream": "oper"}
    keys = FIVE_BY_FIVE | run | archive
    path = write(
        folder / "era5.grib", [message(keys, 270.0 + np.arange(25.0), sample="regular_ll_sfc_grib1")]
    )
    with or_refused():
        assert read_grib(path, model="ifs", sites=SITE).attrs.get("kind") == "analysis"


@needs_eccodes
def test_a_grid_that_is_not_supported_is_named(folder: Path) -> None:
    keys = {"paramId": 167, "dataDate": 20240601, "dataTime": 0}
    path = write(folder / "reduced.grib", [message(keys, sample="reduced_gg_pl_48_grib1")])
    with pytest.raises(EnergyForecastError, match=r"(?i)grid") as refused:
        read_grib(path, model="ifs", sites=SITE)
    assert "etch the file again" not in str(refused.value)


# -- tables and answers of servers -----------------------------------------------------------------


def test_the_daily_product_of_nasa_power_is_no_hourly_one() -> None:
    speeds = {f"202412{day}": 5.0 + day / 10 for day in range(20, 32)}
    content = {
        "geometry": {"coordinates": [SITE.longitude, SITE.latitude, 560.0]},
        "header": {"fill_value": -999.0, "time_standard": "UTC", "api": {"name": "POWER Daily API"}},
        "parameters": {"WS50M": {"units": "m/s"}},
        "properties": {"parameter": {"WS50M": speeds}},
    }
    with or_refused():
        weather = NasaPower.parse(json.dumps(content).encode(), site=SITE)
        assert weather["time"].values[0].astype("M8[D]") == np.datetime64("2024-12-20")


def _wind_table(table: pd.DataFrame, *, timezone: str = "UTC", time: str) -> xr.Dataset:
    return read_table(
        table,
        sites=SITE,
        format=ef.TableFormat(timezone=timezone, time=time, columns={"ws": "wind_speed_100m"}),
        units={"wind_speed_100m": "m/s"},
        label=Label.INSTANT,
        available_after="6h",
    )


def test_a_frame_with_times_as_its_index_is_read() -> None:
    index = pd.date_range("2024-01-01", periods=10, freq="1h", name="time")
    table = pd.DataFrame({"ws": np.arange(10.0)}, index=index)
    assert _wind_table(table, time="time").sizes["time"] == 10


def test_stamps_of_weather_without_an_offset_keep_their_zone_after_one_that_has_it() -> None:
    stamps = ["2024-01-01T00:00:00Z", "2024-01-01 08:00:00", "2024-01-01 09:00:00"]
    table = pd.DataFrame({"t": stamps, "ws": [1.0, 2.0, 3.0]})
    with or_refused("(?i)offset|zone"):
        weather = _wind_table(table, timezone="Asia/Almaty", time="t")
        second = pd.Timestamp(weather["time"].values[1], tz="UTC")
        assert second == pd.Timestamp("2024-01-01 08:00", tz="Asia/Almaty")


def test_sums_of_an_hour_on_rows_of_quarter_hours_are_not_summed_again() -> None:
    """A server may give J/m2 of the past hour every 15 minutes."""
    index = pd.date_range("2023-01-02", "2023-01-09", freq="15min")
    clear = ef.physics.clear_sky(ef.physics.solar_position(index.to_numpy("M8[ns]"), 48.0, 10.0)).ghi
    mean = pd.Series(np.clip(clear, 0, None)).rolling(4, min_periods=1).mean()
    with or_refused():
        weather = read_table(
            pd.DataFrame({"t": index, "sum": mean * 3600}),
            sites=SITE,
            format=ef.TableFormat(timezone="UTC", time="t", columns={"sum": "ghi"}),
            units={"ghi": "J/m2"},
            label=Label.MEAN_ENDING,
            available_after="0h",
        )
        assert float(weather["ghi"].max()) <= 1.1 * mean.max()
