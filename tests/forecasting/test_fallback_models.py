"""Fallback models: what answers where weather or measurements are late or lost, and on which level."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import NoRunError
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.forecasting import storage
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

FARMS = (wind_farm(name="A"), wind_farm(name="B", latitude=48.5))
CITY = ef.DemandArea(name="city", latitude=48.0, longitude=10.0, timezone="UTC")
SITES = (*FARMS, CITY)
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
FITTED = pd.Timestamp("2024-02-20", tz="UTC")
MORNINGS = [f"2024-02-{day} 09:00" for day in range(21, 27)]


@cache
def _world() -> tuple[xr.Dataset, ef.Observations]:
    weather, truth = toy_weather(SITES, days=62)
    return weather, toy_power(SITES, truth)


@cache
def _fitted(*, fallbacks: bool = True) -> ef.Forecaster:
    weather, power = _world()
    forecaster = ef.Forecaster(SITES, TASK, model=quick_model(20))
    return forecaster.fit(weather, power, as_of=FITTED, fallbacks=fallbacks)


def _later(weather: xr.Dataset, hours: int) -> xr.Dataset:
    return weather.assign_coords(available_time=weather["available_time"] + np.timedelta64(hours, "h"))


def _levels(forecast: ef.Forecast) -> dict[str, set[int]]:
    levels = forecast.data["fallback_level"].values
    return {site: set(levels[k].tolist()) for k, site in enumerate(forecast.sites)}


def _loss(forecast: ef.Forecast, site: str) -> float:
    one = forecast.data.sel(site=site)
    outcome = _world()[1].value_at(site, one["valid_time"].values.ravel())
    return float(pinball_loss(outcome, one.values.reshape(len(outcome), -1), TASK.quantiles).mean())


@pytest.mark.slow
def test_runs_that_are_a_day_late_are_answered_by_a_model_of_late_runs() -> None:
    weather, power = _world()
    late = {"weather": _later(weather, 24), "observations": power, "issue_time": MORNINGS, "strict": False}
    with_fallbacks, without = _fitted().predict(**late), _fitted(fallbacks=False).predict(**late)
    assert _levels(with_fallbacks) == {"A": {1}, "B": {1}, "city": {1}}
    assert _levels(without) == {"A": {3}, "B": {3}, "city": {3}}
    assert _loss(with_fallbacks, "A") < 0.6 * _loss(without, "A")
    assert "fallback model 'older runs' for A at 6 of 6 issues" in with_fallbacks.caveats
    age = with_fallbacks.data["issue_time"] - with_fallbacks.data["weather_init_time"]
    assert (age >= np.timedelta64(24, "h")).all()
    assert np.isnat(without.data["weather_init_time"].values).all()  # climatology used no run
    with pytest.raises(NoRunError):
        _fitted().predict(_later(weather, 24), power, issue_time=MORNINGS)


def test_a_site_without_weather_degrades_itself_alone() -> None:
    weather, power = _world()
    for lost in (weather.drop_sel(site="B"), weather.where(weather["site"] != "B")):
        forecast = _fitted().predict(lost, power, issue_time=MORNINGS, strict=False)
        levels = _levels(forecast)
        assert levels["city"] == {0}
        assert levels["B"] == {3}
        assert max(levels["A"]) == 2  # it reads the wind of its neighbour
        assert _loss(forecast, "A") < 0.6 * _loss(forecast, "B")


def test_without_a_variable_the_model_of_the_basic_ones_answers() -> None:
    weather, power = _world()
    model = ef.LightGBMQuantiles(n_estimators=20, folds=0)
    moist = weather.assign(pressure=xr.full_like(weather["temp_air"], 101_325.0).assign_attrs(units="Pa"))
    farm = ef.Forecaster(FARMS[0], TASK, model=model).fit(moist, power[["A"]], as_of=FITTED, fallbacks=True)
    forecast = farm.predict(weather, power[["A"]], issue_time=MORNINGS, strict=False)
    assert _levels(forecast) == {"A": {2}}
    assert "fallback model 'basic weather' for A at 6 of 6 issues" in forecast.caveats


@pytest.mark.slow
def test_one_of_several_weather_models_or_any_variable_may_be_absent() -> None:
    weather, power = _world()
    several = {"early": weather, "late": _later(weather, 1)}
    farm = ef.Forecaster(FARMS[0], TASK, model=quick_model())
    farm.fit(several, power[["A"]], as_of=FITTED, fallbacks=True)
    asked = {"observations": power[["A"]], "issue_time": MORNINGS, "strict": False}
    for kept, one in several.items():
        forecast = farm.predict({kept: one}, **asked)
        assert _levels(forecast) == {"A": {2}}
        assert f"fallback model '{kept} alone' for A at 6 of 6 issues" in forecast.caveats
    single = ef.Forecaster(CITY, TASK, model=quick_model()).fit(
        weather, power[["city"]], as_of=FITTED, fallbacks=True
    )
    for name in weather.data_vars:
        asked["observations"] = power[["city"]]
        assert max(_levels(single.predict(weather.drop_vars(name), **asked))["city"]) <= 2


@pytest.mark.slow
def test_demand_without_weather_without_measurements_and_without_both() -> None:
    weather, power = _world()
    forecaster = _fitted()
    asked = {"issue_time": MORNINGS, "strict": False}
    no_weather = forecaster.predict(None, power, **asked)
    assert _levels(no_weather) == {"A": {3}, "B": {3}, "city": {2}}
    assert "fallback model 'measurements alone' for city at 6 of 6 issues" in no_weather.caveats
    no_power = forecaster.predict(weather, None, **asked)
    assert _levels(no_power)["city"] == {2}
    assert "fallback model 'weather alone' for city at 6 of 6 issues" in no_power.caveats
    neither = forecaster.predict(None, None, **asked)
    assert _levels(neither) == {"A": {3}, "B": {3}, "city": {3}}
    for forecast in (no_weather, no_power, neither):
        assert np.isfinite(forecast.data.values[:, forecast.inside]).all()


def test_old_measurements_are_no_forecast_of_level_0() -> None:
    weather, power = _world()
    stale = power[:"2024-02-20"]
    alone = ef.Forecaster(CITY, TASK, model=quick_model()).fit(weather, power[["city"]], as_of=FITTED)
    forecast = alone.predict(weather, stale[["city"]], issue_time=MORNINGS)
    assert _levels(forecast) == {"city": {2}}
    assert any("measurements of city: the newest is" in caveat for caveat in forecast.caveats)
    mended = _fitted().predict(weather, stale, issue_time=MORNINGS, strict=False)
    assert _levels(mended)["city"] == {2}
    assert "fallback model 'older measurements' for city at 6 of 6 issues" in mended.caveats


def test_demand_of_which_nothing_is_known_is_climatology() -> None:
    power = _world()[1][["city"]]
    alone = ef.Forecaster(CITY, TASK, model=quick_model()).fit(None, power, as_of=FITTED, fallbacks=True)
    asked = {"issue_time": MORNINGS, "strict": False}
    assert _levels(alone.predict(None, power, **asked)) == {"city": {0}}
    assert _levels(alone.predict(None, power[:"2024-02-20"], **asked))["city"] <= {1, 2}
    assert _levels(alone.predict(None, None, **asked)) == {"city": {3}}


def test_runs_younger_than_those_of_training_are_named() -> None:
    weather, power = _world()
    farm = ef.Forecaster(FARMS[0], TASK, model=quick_model())
    farm.fit(_later(weather, 24), power[["A"]], as_of=FITTED)
    forecast = farm.predict(weather, power[["A"]], issue_time=MORNINGS)
    assert any("weather runs are 9 h old, in training 33 h" in caveat for caveat in forecast.caveats)
    assert not any(
        "weather runs are" in line for line in _fitted().predict(weather, power, issue_time=MORNINGS).caveats
    )


@pytest.mark.slow
def test_fallback_models_are_stored_with_the_full_one(tmp_path: Path) -> None:
    weather, power = _world()
    loaded = ef.load(_fitted().save(tmp_path / "all.forecaster"))
    assert loaded.training_.fallbacks == _fitted().training_.fallbacks
    for lost in (_later(weather, 24), None):
        asked = {"issue_time": MORNINGS, "strict": False}
        before, after = (one.predict(lost, power, **asked) for one in (_fitted(), loaded))
        xr.testing.assert_identical(before.data, after.data)


def test_a_fallback_model_learns_nothing_of_the_future() -> None:
    weather, power = _world()
    known = power.index < FITTED - pd.Timedelta("1h")  # published an hour after the end of the interval
    values = power.values.copy()
    values.loc[~known] = 55.0
    poisoned = replace(power, values=values)
    first, second = (
        ef.Forecaster(SITES, TASK, model=quick_model()).fit(weather, each, as_of=FITTED, fallbacks=True)
        for each in (power, poisoned)
    )
    assert storage.parts(first) == storage.parts(second)
    assert first.training_.fallbacks == second.training_.fallbacks
