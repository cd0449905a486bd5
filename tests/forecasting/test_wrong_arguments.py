"""Arguments of a wrong type are refused by name, with the way to the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import energyforecast as ef
from energyforecast.errors import SchemaError, TimeError
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

FARM = wind_farm()
WEATHER, TRUTH = toy_weather([FARM], days=20)
POWER = toy_power([FARM], TRUTH)
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
PERIOD = {"start": "2024-01-15", "end": "2024-01-16"}


def _forecaster(model: Any = None, task: Any = TASK) -> ef.Forecaster:
    return ef.Forecaster(FARM, task, model=model or quick_model())


@pytest.mark.parametrize(
    ("call", "named", "remedy"),
    [
        (lambda: _forecaster(task="day_ahead"), "task is of the type str", "day_ahead"),
        (lambda: _forecaster(model="LightGBM"), "model is of the type str", "LightGBMQuantiles"),
        (lambda: _forecaster(model=ef.Climatology), "model is the class Climatology", "LightGBMQuantiles"),
        (
            lambda: _forecaster().fit(WEATHER, POWER.values),
            "observations is of the type DataFrame",
            "read_power",
        ),
        (lambda: _forecaster().fit("weather.nc", POWER), "weather is of the type str", "readers"),
        (lambda: _forecaster().fit(POWER.values, POWER), "weather is of the type DataFrame", "read_table"),
        (lambda: _forecaster().fit(WEATHER, POWER, missing="skip"), "missing is 'skip'", "Choose"),
        (lambda: ef.backtest("x", WEATHER, POWER, **PERIOD), "forecasters is of the type str", "mapping"),
        (
            lambda: ef.backtest({"a": 1}, WEATHER, POWER, **PERIOD),
            "forecasters['a'] is of the type int",
            "mapping",
        ),
        (lambda: ef.backtest(_forecaster(), WEATHER, POWER.values, **PERIOD), "type DataFrame", "read_power"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(call: Callable[[], Any], named: str, remedy: str) -> None:
    with pytest.raises(SchemaError) as refused:
        call()
    assert named in refused.value.found
    assert remedy in refused.value.remedy


def test_a_table_for_observations_is_named_by_predict_too() -> None:
    fitted = _forecaster().fit(WEATHER, POWER)
    with pytest.raises(SchemaError, match="type DataFrame"):
        fitted.predict(WEATHER, POWER.values, issue_time="2024-01-15 09:00")
    with pytest.raises(TimeError, match="No issue time"):
        fitted.predict(WEATHER, POWER, issue_time=[])
