"""Pairs of outcomes and forecasts from plain arrays, an hour a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.evaluation import Pairs

Array = npt.NDArray[np.float64]


def pairs_of(
    observed: npt.ArrayLike,
    quantiles: npt.ArrayLike,
    levels: npt.ArrayLike,
    *,
    kind: str = "wind",
    capacity: float = 100.0,
) -> Pairs:
    """One site, hours after each other, a day an issue."""
    outcomes = np.asarray(observed, dtype=float)
    hours = pd.date_range("2024-01-01", periods=len(outcomes), freq="1h", tz="UTC")
    labels = pd.DataFrame(
        {
            "site": "farm",
            "kind": kind,
            "issue_time": hours.normalize() - pd.Timedelta("15h"),
            "valid_time": hours,
            "lead_time": 15.0 + hours.hour,
            "hour": hours.hour,
            "month": hours.month,
            "quality": 0,
            "weather_age": 6.0,
        }
    )
    limits = np.full(len(outcomes), capacity)
    return Pairs(
        outcomes, np.asarray(quantiles, dtype=float), np.asarray(levels), labels, limits, labels.iloc[:0], 0
    )


def certain(observed: npt.ArrayLike, forecast: npt.ArrayLike, *, kind: str = "wind") -> Pairs:
    """Forecasts of a single value: median and mean are that value."""
    quantiles = np.asarray(forecast, dtype=float)[:, None] + np.zeros(3)
    return pairs_of(observed, quantiles, (0.1, 0.5, 0.9), kind=kind)
