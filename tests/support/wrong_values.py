"""Values of wrong types, and objects that functions take."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast import planning
from energyforecast.testing import example_days
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

HOURS = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")

WRONG: dict[str, Any] = {
    "None": None,
    "text": "text",
    "empty text": "",
    "bytes": b"1",
    "3.5": 3.5,
    "-1": -1,
    "0": 0,
    "nan": float("nan"),
    "inf": float("inf"),
    "True": True,
    "complex": 1j,
    "list": [],
    "list of text": ["a", None],
    "dict": {},
    "dict of number": {"a": 1},
    "object": object(),
    "class": int,
    "function": len,
    "array": np.ones(3),
    "array of text": np.array(["a", "b"]),
    "array of objects": np.array([{}, None], dtype=object),
    "square": np.ones((2, 2)),
    "array without a dimension": np.array(1.0),
    "naive": pd.Timestamp("2024-01-02"),
    "aware": pd.Timestamp("2024-01-02", tz="Asia/Almaty"),
    "NaT": pd.NaT,
    "date": date(2024, 1, 2),
    "timedelta": pd.Timedelta("90min"),
    "series": pd.Series([1.0, 2.0]),
    "series of text": pd.Series(["a", "b"], index=HOURS[:2]),
    "empty series": pd.Series(dtype=float),
    "frame": pd.DataFrame({"a": [1.0]}),
    "frame of text": pd.DataFrame({"a": ["x"] * 24}, index=HOURS),
    "empty frame": pd.DataFrame(),
    "dataset": xr.Dataset(),
    "data array": xr.DataArray([1.0]),
}


@cache
def given_objects() -> tuple[Any, ...]:
    farm = wind_farm()
    weather, truth = toy_weather([farm], days=12)
    power = toy_power([farm], truth)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(farm, task, model=quick_model(2)).fit(
        weather, power["2024-01-01":"2024-01-08"]
    )
    forecast = forecaster.predict(weather, power, issue_time="2024-01-09 09:00")
    return farm, weather, power, task, forecaster, forecast


@cache
def scenarios() -> Any:
    demand, _ = example_days(days=1, sites=["city"])
    return planning.sample_scenarios(demand, n_scenarios=200, dependence=planning.Independence())
