"""Power that is constant for six hours, so that every step gives the same means, energies and costs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

import energyforecast as ef
from energyforecast.core.power_kinds import Kind

Array = npt.NDArray[np.float64]

#: Length of a block. [min]
BLOCK = 360
START = pd.Timestamp("2024-03-04", tz="UTC")
#: Power of the blocks of a week, from Monday on. [MW]
WEEK = np.tile([60.0, 100.0, 120.0, 70.0], 7) + np.repeat([0.0, 4.0, -6.0, 8.0, 2.0, -9.0, 5.0], 4)
#: Error of the forecast in each of its blocks, of another period than the week. [MW]
ERRORS = np.array([3.0, -5.0, 8.0, -2.0, -7.0, 4.0, 11.0, -12.0, 1.0])
SPREAD = {0.05: -13.0, 0.1: -10.0, 0.25: -4.0, 0.5: 0.0, 0.75: 4.0, 0.9: 10.0, 0.95: 13.0}


def index(step: int, days: int, *, start: pd.Timestamp = START) -> pd.DatetimeIndex:
    """Beginnings of intervals."""
    return pd.date_range(start, periods=days * 1440 // step, freq=f"{step}min")


def by_step(blocks: Array, step: int) -> Array:
    """Values of blocks at a step."""
    return np.repeat(blocks, BLOCK // step)


def blocks_of(values: npt.ArrayLike, step: int) -> Array:
    """Means of blocks, along the last axis."""
    array = np.asarray(values, dtype=float)
    return np.asarray(array.reshape(*array.shape[:-1], -1, BLOCK // step).mean(axis=-1))


def truth(days: int) -> Array:
    """Power of the blocks of some days. [MW]"""
    return np.asarray(np.resize(WEEK, 4 * days))


def predicted(days: int) -> Array:
    """Median forecast of the blocks of some days. [MW]"""
    return np.asarray(truth(days) + np.resize(ERRORS, 4 * days))


@lru_cache(maxsize=128)
def observations(step: int, days: int, site: str = "site") -> ef.Observations:
    """Power at a step, published at once."""
    values = pd.DataFrame({site: by_step(truth(days), step)}, index=index(step, days))
    return ef.Observations(values, published_after="0h")


@lru_cache(maxsize=128)
def forecast(
    step: int, days: int, site: str = "site", kind: Kind = "wind", worse: float = 1.0
) -> ef.Forecast:
    """One issue each day at 09:00 for the next; the median errs by some multiple of the errors."""
    median = by_step(truth(days) + worse * np.resize(ERRORS, 4 * days), step)
    stamps = index(step, days)
    frame = pd.DataFrame(
        {"valid_time": stamps, "site": site, "issue_time": stamps.floor("D") - pd.Timedelta("15h")}
    )
    frame = frame.assign(**{f"q{level}": median + far for level, far in SPREAD.items()})
    capacity = None if kind == "demand" else {site: 200.0}
    return ef.Forecast.from_frame(
        frame, capacity=capacity, kind=kind, format=ef.TableFormat(frequency=f"{step}min")
    )


@lru_cache(maxsize=128)
def scenarios(
    step: int, days: int, site: str = "site", kind: Kind = "demand", count: int = 100
) -> ef.Scenarios:
    """Trajectories at equal distances around the forecast."""
    spread = np.linspace(-10, 10, count)[:, None, None]
    values = by_step(predicted(days), step) + spread
    return ef.Scenarios.from_values(values, sites=[site], valid_time=index(step, days), kind=kind)
