"""Weather is checked once where it enters; a live forecast checks the runs that it may use, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from functools import cache

import numpy as np
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.weather_schema import ValidatedWeather
from energyforecast.errors import EnergyForecastError, PerfectWeatherError, SchemaError
from energyforecast.point_in_time.run_selection import select_runs
from energyforecast.point_in_time.weather_access import weather_as_of
from tests.support.synthetic_data import HOUR, SyntheticSite, analysis_of, replaced, synthetic

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
SMALL = ef.LightGBMQuantiles(n_estimators=10, folds=0)
ISSUED = "2024-03-25 09:00"

Spoil = Callable[[xr.DataArray], xr.DataArray]

#: What cannot be: another unit, an infinity, a value out of bounds; by variable.
WRONG: dict[str, tuple[str, Spoil]] = {
    "kelvin": ("temp_air", lambda x: x + 273.15),
    "km/h": ("wind_speed_100m", lambda x: x * 3.6),
    "hPa": ("pressure", lambda x: x / 100),
    "an infinity": ("temp_air", lambda x: x.where(x < 14.0, np.inf)),
    "a gale": ("wind_speed_100m", lambda x: x.where(x < 12.0, 120.0)),
}


@cache
def _site() -> SyntheticSite:
    return synthetic(days=90)


@cache
def _fitted() -> ef.Forecaster:
    given = _site()
    return ef.Forecaster(given.sites, TASK, model=SMALL).fit(
        given.weather, given.power, as_of="2024-03-01 00:00"
    )


def _spoilt(weather: xr.Dataset, case: str, *, begin: str, end: str) -> xr.Dataset:
    name, spoil = WRONG[case]
    init = weather["init_time"]
    inside = (init >= np.datetime64(begin)) & (init < np.datetime64(end))
    return replaced(weather, name, weather[name].where(~inside, spoil(weather[name])).values)


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_in_runs_that_an_issue_may_use_are_refused(case: str) -> None:
    given = _site()
    wrong = _spoilt(given.weather, case, begin="2024-01-01", end="2024-04-01")
    with pytest.raises(EnergyForecastError, match=WRONG[case][0]) as caught:
        _fitted().predict(wrong, given.power, issue_time=ISSUED)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("case", WRONG)
def test_runs_of_long_ago_are_checked_by_fit_and_not_by_predict(case: str) -> None:
    given = _site()
    wrong = _spoilt(
        given.weather, case, begin="2024-01-01", end="2024-02-25" if case == "km/h" else "2024-01-20"
    )
    with pytest.raises(EnergyForecastError, match=WRONG[case][0]):
        ef.Forecaster(given.sites, TASK, model=SMALL).fit(wrong, given.power)
    forecast = _fitted().predict(wrong, given.power, issue_time=ISSUED)
    expected = _fitted().predict(given.weather, given.power, issue_time=ISSUED)
    assert np.array_equal(forecast.data.values, expected.data.values)


def test_radiation_by_another_clock_is_refused_in_a_live_forecast() -> None:
    site, weather, power = ef.datasets.la_haute_borne()
    forecaster = ef.Forecaster(site, TASK, model=ef.Climatology(), perfect_weather=True).fit(weather, power)
    moment = "2015-06-10 09:00"
    forecaster.predict(weather, power, issue_time=moment)
    height = ef.physics.solar_position(weather["time"].values + 5 * HOUR // 2, site.latitude, site.longitude)
    late = np.clip(np.cos(np.radians(height.zenith)), 0.0, None)[None] * 900
    wrong = weather.assign(ghi=(("site", "time"), late.astype("float32")))
    with pytest.raises(EnergyForecastError, match="the sun"):
        forecaster.predict(wrong, power, issue_time=moment)


def test_validated_weather_gives_the_same_results_everywhere() -> None:
    given = _site()
    checked = ef.weather.validated(given.weather, sites=given.sites)
    assert isinstance(checked, ValidatedWeather)
    assert not isinstance(checked, xr.Dataset)
    forecaster = ef.Forecaster(given.sites, TASK, model=SMALL)
    again = forecaster.unfitted().fit(checked, given.power, as_of="2024-03-01 00:00")
    one = _fitted().predict(given.weather, given.power, issue_time=ISSUED)
    other = again.predict(checked, given.power, issue_time=ISSUED)
    assert np.array_equal(one.data.values, other.data.values)
    period = {"start": "2024-03-20", "end": "2024-03-22", "refit": None}
    plain, wrapped = (
        ef.backtest(forecaster, item, given.power, **period) for item in (given.weather, checked)
    )
    assert plain.forecasts["model"].data.equals(wrapped.forecasts["model"].data)


def test_validated_weather_is_not_checked_again() -> None:
    given = _site()
    weather = given.weather.copy(deep=True)
    checked = ef.weather.validated(weather, sites=given.sites)
    weather["temp_air"].values[:] = -95.0  # against the rules, to see whether anybody looks
    with pytest.raises(EnergyForecastError, match="-95"):
        _fitted().predict(weather, given.power, issue_time=ISSUED)
    _fitted().predict(checked, given.power, issue_time=ISSUED)


def test_wrong_weather_is_never_validated_and_the_wrapper_is_frozen() -> None:
    given = _site()
    with pytest.raises(EnergyForecastError, match="kelvin"):
        ef.weather.validated(given.weather.assign(temp_air=given.weather["temp_air"] + 273.15))
    checked = ef.weather.validated(given.weather)
    with pytest.raises(FrozenInstanceError):
        checked.sites = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        checked.models["other"] = given.weather  # type: ignore[index]


def test_validated_weather_without_a_site_or_of_an_analysis_is_refused() -> None:
    given = _site()
    stranger = ef.weather.validated(given.weather.assign_coords(site=["elsewhere"]))
    with pytest.raises(SchemaError, match="'farm 0'"):
        _fitted().predict(stranger, given.power, issue_time=ISSUED)
    with pytest.raises(PerfectWeatherError):
        _fitted().predict(ef.weather.validated(analysis_of(given)), given.power, issue_time=ISSUED)


@pytest.mark.parametrize(
    "issued",
    [
        ["2023-12-01T00"],
        ["2024-01-01T07"],
        ["2024-02-10T03"],
        ["2024-01-10T08", "2024-03-20T08"],
        ["2024-03-30T00"],
        ["2025-01-01T00"],
    ],
    ids=["before", "first", "middle", "two apart", "last", "long after"],
)
@pytest.mark.parametrize("analysis", [False, True])
def test_selected_runs_hold_all_that_the_archive_knew(issued: list[str], analysis: bool) -> None:
    given = _site()
    weather = analysis_of(given) if analysis else given.weather
    windows = TASK.windows(np.array(issued, dtype="datetime64[ns]"))
    some = select_runs(weather, windows, margin=ef.core.timestamps.duration("4h"))
    wanted = {
        "site": "farm 0",
        "issue_time": windows.issue_time,
        "valid_time": windows.valid_time,
        "inside": windows.inside,
        "names": ["wind_speed_100m"],
    }
    whole, part = weather_as_of(weather, **wanted), weather_as_of(some, **wanted)
    assert np.array_equal(whole.init_time, part.init_time, equal_nan=True)
    assert np.array_equal(whole.values["wind_speed_100m"], part.values["wind_speed_100m"], equal_nan=True)
    axis = "time" if analysis else "init_time"
    assert 1 <= some.sizes[axis] < weather.sizes[axis]
