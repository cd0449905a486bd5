"""A city with known demand: 100 MW, 2 MW a degree below 15 °C, less at weekends, more in the evening."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@cache
def city_demand(seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Temperature and demand of the city, hourly."""
    index = pd.date_range("2021-03-01", "2023-07-01", freq="1h", tz="UTC", inclusive="left")
    hours = np.arange(len(index))
    rng = np.random.default_rng(seed)
    slow = pd.Series(rng.normal(0, 24, len(index))).ewm(alpha=1 / 72).mean().to_numpy()
    warm = 10 - 12 * np.cos(2 * np.pi * (hours / 8766 + 0.4)) + 4 * np.sin(2 * np.pi * hours / 24) + slow
    local = index.tz_convert("Asia/Almaty")
    demand = (100 + 2 * np.maximum(0, 15 - warm)) * np.where(local.day_of_week >= 5, 0.9, 1.0)
    demand *= 1 + 0.1 * np.sin(2 * np.pi * np.asarray(local.hour) / 24)
    demand *= np.exp(rng.normal(0, 0.03, len(index)))
    return pd.DataFrame({"city": warm}, index=index), pd.DataFrame({"city": demand}, index=index)


def city_columns(rows: slice = slice(None)) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """Columns of a demand response, and demand."""
    warm, demand = (frame[rows] for frame in city_demand())
    local = pd.DatetimeIndex(warm.index).tz_convert("Asia/Almaty")
    X = pd.DataFrame(
        {"hour": local.hour, "weekday": local.day_of_week, "temp_air[mean]": warm["city"].to_numpy()}
    ).astype(float)
    return X, demand["city"].to_numpy()


def expected_demand(X: pd.DataFrame) -> Any:
    """Demand without noise. [MW]"""
    daily = 1 + 0.1 * np.sin(2 * np.pi * X["hour"] / 24)
    return (100 + 2 * np.maximum(0, 15 - X["temp_air[mean]"])) * np.where(X["weekday"] >= 5, 0.9, 1.0) * daily
