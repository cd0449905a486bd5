"""The first frost of a short history: demand as it responds to temperature beyond the range of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef

FROST = pd.Timestamp("2023-12-03", tz="UTC")
TOWN = ef.DemandArea(name="town", latitude=50.0, longitude=10.0, timezone="UTC")
#: Demand for each degree below 15 °C. [MW/K]
HEATING = 15.0


def _autumn_and_frost() -> tuple[xr.Dataset, ef.Observations]:
    """Temperatures of an autumn down to about 2 °C, then of -5 °C; demand has a day, a week and heating."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2023-09-01", "2023-12-12", freq="1h", tz="UTC")
    wander = pd.Series(rng.normal(0, 0.35, len(index))).ewm(alpha=0.01).mean().to_numpy() * 30
    hour = np.asarray(index.hour)
    mild = 16 - 8 * np.arange(len(index)) / (24 * 91) + wander + 3 * np.sin(2 * np.pi * (hour - 9) / 24)
    part = np.clip(np.asarray((index - FROST) / pd.Timedelta("2D")), 0, 1)
    temperature = (1 - part) * mild + part * (-5 + wander / 2)
    smooth = pd.Series(temperature).ewm(halflife=6).mean().to_numpy()
    demand = 1000 + 150 * np.sin(2 * np.pi * (hour - 8) / 24) - 120 * (np.asarray(index.day_of_week) >= 5)
    demand = demand + HEATING * np.maximum(15 - smooth, 0) + rng.normal(0, 12, len(index))
    stamps = index.tz_localize(None).to_numpy().astype("datetime64[ns]")
    about = {"units": "degree_Celsius", "standard_name": "air_temperature", "cell_methods": "time: point"}
    weather = xr.Dataset(
        {"temp_air": (("site", "time"), temperature[None].astype("float32"), about)},
        coords={"site": ["town"], "time": stamps, "available_time": ("time", stamps)},
        attrs={"kind": "analysis"},
    )
    return weather, ef.Observations(pd.DataFrame({"town": demand}, index=index), published_after="1h")


def _bias_in_frost(model: ef.models.QuantileModel | None) -> float:
    """Mean of median minus outcome on three days of frost, learnt from the autumn. [MW]"""
    demand, forecast = _in_frost(model)
    return float(ef.evaluation.bias(demand, forecast)["value"].iloc[0])


def _in_frost(model: ef.models.QuantileModel | None) -> tuple[ef.Observations, ef.Forecast]:
    """Demand, and the forecast of three days of frost."""
    weather, demand = _autumn_and_frost()
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(TOWN, task, model=model, perfect_weather=True)
    forecaster.fit(weather, demand[:"2023-12-02"])
    issued = [f"2023-12-0{day} 09:00" for day in (4, 5, 6)]
    return demand, forecaster.predict(weather, demand, issue_time=issued)


@pytest.mark.slow
def test_the_default_follows_a_frost_that_it_has_not_seen_and_trees_alone_do_not() -> None:
    trees = _bias_in_frost(ef.LightGBMQuantiles(extra_trees=False, folds=0))
    assert trees < -10 * HEATING  # as if it were ten degrees warmer
    assert abs(_bias_in_frost(None)) < 0.6 * abs(trees)
    linear = ef.LightGBMQuantiles(extra_trees=False, folds=0, linear_base=True)
    assert abs(_bias_in_frost(linear)) < 0.4 * abs(trees)


@pytest.mark.slow
def test_a_forecast_beyond_the_temperatures_of_training_says_so() -> None:
    _, forecast = _in_frost(None)
    (caveat,) = (text for text in forecast.caveats if "beyond training" in text)
    assert caveat.startswith("town: temp_air[mean] lies beyond training in ")
    assert "where 'linear base, weather' takes over" in caveat
