"""Pairs of forecasts of a level that wanders, with outcomes of known errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energyforecast.evaluation import Pairs

LEVELS = np.arange(1, 20) / 20


def make_pairs(*, days: int, seed: int = 0, bias: float = 0.0, capacity: float = 100.0) -> Pairs:
    """Forecasts of a level that wanders, right but for a bias, and outcomes with errors that last for hours."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2023-01-01", periods=24 * days, freq="1h", tz="UTC")
    error, mean = np.empty(len(times)), np.empty(len(times))
    for series, memory in ((error, 0.9), (mean, 0.97)):
        series[0] = rng.normal()
        for k in range(1, len(times)):
            series[k] = memory * series[k - 1] + np.sqrt(1 - memory**2) * rng.normal()
    width = 4.0 + 2.0 * np.abs(mean)
    # Equal steps of the level: a uniform error.
    rank = np.argsort(np.argsort(error)) / len(error)
    labels = pd.DataFrame(
        {
            "site": "a",
            "kind": "demand",
            "issue_time": times.floor("D") - pd.Timedelta("15h"),
            "valid_time": times,
            "lead_time": 15.0 + times.hour,
            "hour": times.hour,
            "month": times.month,
            "quality": 0,
            "weather_age": 0.0,
        }
    )
    centre = 50 + 12 * mean
    return Pairs(
        observed=centre + width * (2 * rank - 1),
        quantiles=centre[:, None] + width[:, None] * (2 * LEVELS - 1) - bias,
        quantile_levels=LEVELS,
        labels=labels,
        capacity=np.full(len(times), capacity),
        missing=labels.iloc[:0],
        below_zero=0,
    )
