"""Units that change within an archive of weather: each is found, and right weather passes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.weather_schema import check_weather
from energyforecast.errors import RangeError, UnitsError
from tests.support.toy_weather import DIMS, toy_weather, wind_farm

FARM = wind_farm()
HOURS = pd.date_range("2023-01-01", "2023-05-01", freq="1h", inclusive="left").to_numpy("M8[ns]")


def _analysis(name: str, values: np.ndarray, time: np.ndarray = HOURS) -> xr.Dataset:
    return xr.Dataset(
        {name: (("site", "time"), np.asarray(values, dtype="f4")[None])},
        coords={"site": ["farm"], "time": time, "available_time": ("time", time + np.timedelta64(5, "D"))},
    )


@cache
def _series(name: str, seed: int = 0) -> np.ndarray:
    """Four months of weather with fronts and a cycle of the day."""
    rng = np.random.default_rng(seed)
    front = (
        pd.Series(np.append(0.0, rng.normal(size=len(HOURS) - 1)))
        .ewm(alpha=0.03, adjust=False)
        .mean()
        .to_numpy()
        * 8
    )
    day = np.sin(2 * np.pi * (HOURS.astype("M8[h]").astype(int) % 24 - 9) / 24)
    noise = rng.normal(size=len(HOURS))
    return {
        "wind_speed_100m": np.clip(6 + 3 * front + 0.7 * noise, 0.2, 28),
        "temp_air": 8 + 7 * front + 6 * day + 0.5 * noise,
        "cloud_cover": np.clip(50 + 60 * front + 5 * noise, 0, 100),
        "pressure": 9.5e4 + 800 * front,
    }[name]


@cache
def _runs() -> xr.Dataset:
    weather = toy_weather([FARM], days=60)[0]
    temperature = weather["temp_air"] + 4 * (weather["wind_speed_100m"] - 8)
    return weather.assign(temp_air=temperature.assign_attrs(weather["temp_air"].attrs))


def _from(run: int, changed: xr.DataArray, name: str) -> xr.Dataset:
    weather = _runs()
    late = xr.DataArray(np.arange(weather.sizes["init_time"]) >= run, dims="init_time")
    mixed = xr.where(late, changed, weather[name]).transpose(*DIMS).astype("f4")
    return weather.assign({name: mixed.assign_attrs(weather[name].attrs)})


@pytest.mark.parametrize("name", ["wind_speed_100m", "temp_air", "cloud_cover", "pressure"])
@pytest.mark.parametrize("seed", range(8))
def test_fronts_and_calms_are_no_change_of_a_unit(name: str, seed: int) -> None:
    check_weather(_analysis(name, _series(name, seed)))


def test_right_runs_pass() -> None:
    check_weather(_runs(), sites=[FARM])


@pytest.mark.parametrize("run", [1, 20, 60, 100, 119])
@pytest.mark.parametrize("factor", [3.6, 2.237, 1.944])
def test_wind_of_runs_in_another_unit_is_named_with_the_unit(run: int, factor: float) -> None:
    unit = {3.6: "km/h", 2.237: "mph", 1.944: "knots"}[factor]
    mixed = _from(run, _runs()["wind_speed_100m"] * factor, "wind_speed_100m")
    if factor < 3 and run in (1, 119):
        return  # a single run may differ as much by its weather
    with pytest.raises(UnitsError, match=f"this looks like a part in {unit}"):
        check_weather(mixed)


@pytest.mark.parametrize("run", [5, 60, 119])
def test_temperature_of_runs_in_fahrenheit_is_named(run: int) -> None:
    mixed = _from(run, _runs()["temp_air"] * 1.8 + 32, "temp_air")
    first = pd.Timestamp(_runs()["init_time"].values[run])
    with pytest.raises(
        UnitsError, match=f"changes its unit at {first:%Y-%m-%d %H:%M} UTC.*°F|a part looks like °F"
    ):
        check_weather(mixed)


def _part(name: str, days: float, convert: object, *, last: bool) -> np.ndarray:
    values, length = _series(name), int(days * 24)
    inside = np.arange(len(values)) >= len(values) - length if last else np.arange(len(values)) < length
    return np.where(inside, convert(values), values)  # type: ignore[operator]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("days", [6, 20, 50])
@pytest.mark.parametrize(
    ("name", "convert"),
    [
        pytest.param("wind_speed_100m", lambda x: x * 3.6, id="km/h"),
        pytest.param("temp_air", lambda x: x * 1.8 + 32, id="Fahrenheit"),
        pytest.param("temp_air", lambda x: x + 273.15, id="kelvin"),
        pytest.param("cloud_cover", lambda x: x / 100, id="fraction"),
        pytest.param("pressure", lambda x: x / 100, id="hPa"),
        pytest.param("pressure", lambda x: x / 1000, id="kPa"),
    ],
)
def test_days_at_an_end_of_an_analysis_in_another_unit_are_refused(
    name: str, convert: object, days: int, last: bool
) -> None:
    with pytest.raises((UnitsError, RangeError)):
        check_weather(_analysis(name, _part(name, days, convert, last=last)))


@pytest.mark.parametrize(
    ("name", "convert", "back"),
    [
        ("temp_air", lambda x: x + 273.15, lambda x: x - 273.15),
        ("pressure", lambda x: x / 1000, lambda x: x * 1000),
        ("pressure", lambda x: x / 100, lambda x: x * 100),
    ],
)
def test_the_remedy_of_a_whole_archive_in_another_unit_makes_it_right(
    name: str, convert: object, back: object
) -> None:
    with pytest.raises(UnitsError, match=r"Subtract 273\.15|by 1000|by 100"):
        check_weather(_analysis(name, convert(_series(name))))  # type: ignore[operator]
    check_weather(_analysis(name, back(convert(_series(name)))))  # type: ignore[operator]


@pytest.mark.parametrize("code", [-99.0, -999.0, -9999.0, 999.0, 9999.0, 9.96921e36])
@pytest.mark.parametrize("name", ["wind_speed_100m", "temp_air", "pressure", "cloud_cover"])
def test_marks_of_missing_values_are_named_as_such(name: str, code: float) -> None:
    values = _series(name).copy()
    values[100:110] = code
    with pytest.raises((RangeError, UnitsError)) as refused:
        check_weather(_analysis(name, values))
    assert "mark of missing values" in str(refused.value) or (name == "pressure" and 0 < code < 1e5)
    values[100:110] = np.nan
    check_weather(_analysis(name, values))


@pytest.mark.parametrize(
    ("name", "code"), [("wind_speed_100m", 99.9), ("wind_u_100m", -99.0), ("temp_dew", -99.9)]
)
def test_marks_within_the_bounds_are_found_too(name: str, code: float) -> None:
    values = _series("wind_speed_100m").copy()
    check_weather(_analysis(name, values))
    values[7] = code
    with pytest.raises(RangeError, match=f"holds {code:g} at site 'farm' at time 2023-01-01T07"):
        check_weather(_analysis(name, values))


@pytest.mark.parametrize("offset", [-0.3, -4.9])
def test_humidity_of_99_percent_and_radiation_of_999_are_values(offset: float) -> None:
    check_weather(_analysis("relative_humidity", np.append(np.full(len(HOURS) - 1, 30.0), 99.0)))
    check_weather(_analysis("ghi", np.append(np.full(len(HOURS) - 1, offset), 999.0)))


def _light(share: np.ndarray) -> xr.Dataset:
    """Radiation of summer, as a share of a clear sky by day."""
    time = pd.date_range("2023-05-01", periods=24 * len(share), freq="1h").to_numpy("M8[ns]")
    sun = ef.physics.solar_position(time + np.timedelta64(30, "m"), FARM.latitude, FARM.longitude)
    return _analysis("ghi", ef.physics.clear_sky(sun).ghi * np.repeat(share, 24), time)


def test_energies_of_quarter_hours_in_place_of_power_are_refused_and_a_dull_month_is_not() -> None:
    days = np.random.default_rng(0).uniform(0.1, 1.0, 80)
    check_weather(_light(days), sites=[FARM])
    check_weather(_light(days * 0.4), sites=[FARM])
    with pytest.raises(UnitsError, match="Wh m-2 of an interval shorter than an hour"):
        check_weather(_light(np.where(np.arange(80) < 40, days, days / 4)), sites=[FARM])
