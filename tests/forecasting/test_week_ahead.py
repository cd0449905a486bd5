"""The load of the next seven days: lags as they are known at each lead, and the default against last week."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.testing import check_no_leakage

TOWN = ef.DemandArea(name="town", latitude=45.0, longitude=5.0, timezone="Europe/Paris", country="FR")
WEEK = ef.day_ahead("09:00", timezone="Europe/Paris", days=7, quantiles=(0.1, 0.5, 0.9))


def _growing_demand(days: int = 150) -> ef.Observations:
    """Hourly demand with days and weekends that grows by a third in 150 days, and noise that lasts for hours."""
    index = pd.date_range("2023-09-03 22:00", periods=24 * days, freq="1h", tz="UTC")
    local = index.tz_convert("Europe/Paris")
    shape = 20 * np.sin(2 * np.pi * (np.asarray(local.hour) - 8) / 24) - 15 * (
        np.asarray(local.day_of_week) >= 5
    )
    noise = pd.Series(np.random.default_rng(0).normal(0, 4, len(index))).ewm(alpha=0.1).mean().to_numpy()
    demand = (100 + shape) * (1 + np.arange(len(index)) / (24 * 450)) + noise
    return ef.Observations(pd.DataFrame({"town": demand}, index=index), published_after="1h")


@pytest.mark.slow
def test_the_default_follows_growth_as_last_week_does_and_on_the_last_day_as_on_the_first() -> None:
    demand, errors = _growing_demand(), {}
    issued = [f"2024-01-{day:02d} 09:00" for day in range(8, 24, 3)]
    for name, model in {"default": None, "last week": ef.SeasonalNaive()}.items():
        forecaster = ef.Forecaster(TOWN, WEEK, model=model).fit(None, demand[:"2024-01-07"])
        forecast = forecaster.predict(None, demand, issue_time=issued)
        pairs = ef.evaluation.align(demand, forecast)
        day = (pairs.labels["lead_time"] - 15) // 24  # the first hour is 15 h after the issue
        errors[name] = pd.Series(np.abs(pairs.at(0.5) - pairs.observed)).groupby(day.to_numpy()).mean()
        assert list(errors[name].index) == list(range(7))
    # Of a demand that only grows, last week is all that is known: trees of its whole past must not do worse.
    assert errors["default"].mean() < 1.1 * errors["last week"].mean(), errors
    assert errors["default"].max() < 1.4 * errors["default"][0], errors  # the last day as well as the first


@pytest.mark.slow
def test_a_week_ahead_knows_nothing_of_the_future() -> None:
    small = ef.LightGBMQuantiles(n_estimators=5, folds=0, relative_to="level")
    check_no_leakage(
        ef.Forecaster(TOWN, WEEK, model=small), None, _growing_demand(90), issue_time="2023-11-20 09:00"
    )
