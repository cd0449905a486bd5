"""Synthetic households in hours: alike in their evening peak, apart in size, habits and absences."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.consumer_statistics import consumer_statistics, statistics_of
from energyforecast.datasets.synthetic.stochastic_processes import autoregression, stream
from energyforecast.datasets.synthetic.synthetic_consumers import (
    LogitNormal,
    SyntheticConsumers,
    clock_time,
    interval_index,
    labelled,
)
from energyforecast.datasets.synthetic.synthetic_site import Statistic

__all__ = ["households"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "households (synthetic)"
_ZONE: Final = "Asia/Almaty"
#: Mean and spread of the median, and the fuse. [MW]
_LEVEL: Final = 0.00042
_DIFFERENT: Final = 0.45
_FUSE: Final = 0.009
#: Base load, daytime, morning and evening peaks relative to the level.
_NIGHT: Final = 0.54
_DAYTIME: Final = 0.2
_MORNING: Final = 0.3
_EVENING: Final = 0.65
#: Weights and memories [h] of what all households share (weather), of each one's days, and of each one's hours.
_WEIGHTS: Final = (0.16, 0.5, np.sqrt(1.0 - 0.16**2 - 0.5**2))
_MEMORY: Final = (70.0, 40.0, 1.5)
#: Share of households that move in later.
_LATER: Final = 0.1
#: Between the three sample households of California (Green Button, 2011), and tolerances; of all households together.
_TARGETS: Final = {
    "load factor": (0.44, 0.08),
    "load factor of a day": (0.68, 0.05),
    "Saturday / weekday": (1.01, 0.04),
    "Sunday / weekday": (1.045, 0.04),
    "lowest hour": (0.67, 0.05),
    "highest hour": (1.41, 0.12),
    "spread within an hour": (0.17, 0.06),
    "spread of the day's energy": (0.17, 0.09),
    "autocorrelation 1 h": (0.93, 0.04),
    "autocorrelation 24 h": (0.95, 0.05),
    "autocorrelation 168 h": (0.91, 0.07),
}


@checked(seed=(0, inf), number=(1, 1000), days=(14, 3660))
def households(
    *, seed: int = 1, number: int = 100, start: str = "2023-01-01", days: int = 365
) -> SyntheticConsumers:
    """Synthetic households in hours: evening peaks, spikes, days at home and away, gaps, and some that move in later.

    Synthetic: the statistics of all together follow those of real sample households; it contains no measured value of
    them. One household alone is far less regular than the sum, by design.

    Parameters
    ----------
    seed : int
        Different seeds give different households.
    number : int
        Of households; those of a smaller number are not the first of a larger one.
    start : str
        First local day.
    days : int
        Length.

    Returns
    -------
    SyntheticConsumers
        Hourly demand; NaN before a household moves in, and in gaps of its meter.

    Raises
    ------
    RangeError
        If there are more than 1000 households, or less than 14 days.

    See Also
    --------
    works, city, SyntheticConsumers

    Examples
    --------
    >>> synthetic = households(number=3, days=28)
    >>> [site.name for site in synthetic.sites]
    ['household 001 (synthetic)', 'household 002 (synthetic)', 'household 003 (synthetic)']
    """
    index = interval_index(start, days=days, step="1h", timezone=_ZONE)
    rng = stream(seed, "households")
    median = _median(index.tz_convert(_ZONE), number, rng=rng)
    distribution = LogitNormal(
        median=median,
        spread=np.broadcast_to(rng.uniform(0.35, 0.75, number), median.shape),
        capacity=np.full(number, _FUSE),
        weights=np.array(_WEIGHTS),
        memory=np.array(_MEMORY),
        states=_states(len(index), number, rng=stream(seed, "days and hours")),
    )
    names = [f"household {k + 1:03d} (synthetic)" for k in range(number)]
    values = pd.DataFrame(np.round(distribution.power(), 6), index=index, columns=names)
    return SyntheticConsumers(
        name=_NAME,
        sites=tuple(
            DemandArea(
                name=name, latitude=43.24, longitude=76.9, timezone=_ZONE, sector="households", country="KZ"
            )
            for name in names
        ),
        observations=_metered(values, rng=stream(seed, "meters")),
        truth=labelled(pd.DataFrame(median, index=index, columns=names), name=_NAME, seed=seed),
        temperature=None,
        seed=seed,
        distribution=distribution,
        measure=_statistics,
    )


def _median(local: pd.DatetimeIndex, number: int, *, rng: np.random.Generator) -> Floats:
    """Median of each household by hour, day of the week and season. [MW]"""
    clock, weekend = clock_time(local)[:, None], (local.day_of_week >= 5)[:, None]
    sunday = (local.day_of_week == 6)[:, None]
    level = _LEVEL * np.exp(_DIFFERENT * rng.standard_normal(number))
    rises, returns = rng.normal(7.3, 0.9, number), rng.normal(20.0, 1.1, number)
    at_home = rng.random(number) < 0.6
    daytime = np.where(at_home, 1.0, np.where(weekend, 0.9, 0.5))
    shape = (
        _NIGHT
        + _DAYTIME * daytime * _peak(clock, 13.5, 5.0)
        + _MORNING * rng.uniform(0.4, 1.6, number) * _peak(clock, rises + 1.5 * weekend, 1.2)
        + _EVENING * rng.uniform(0.5, 1.5, number) * _peak(clock, returns, 2.6)
    )
    winter = np.cos(2 * np.pi * (local.day_of_year.to_numpy()[:, None] - 15) / 365.25)
    summer = np.maximum(-winter, 0.0) ** 4
    season = 1.0 + rng.uniform(0.0, 0.4, number) * winter + rng.uniform(0.0, 1.0, number) * summer
    return np.asarray(level * shape * season * (1.0 + 0.025 * sunday))


def _peak(clock: Floats, at: Floats | float, width: float) -> Floats:
    """Bell over the clock, which goes round. [1]"""
    apart = np.mod(clock - at + 12.0, 24.0) - 12.0
    return np.asarray(np.exp(-0.5 * (apart / width) ** 2))


def _states(length: int, number: int, *, rng: np.random.Generator) -> Floats:
    common = np.repeat(autoregression(rng, length, memory=_MEMORY[0])[:, None], number, axis=1)
    own = [
        np.stack([autoregression(rng, length, memory=memory) for _ in range(number)], axis=1)
        for memory in _MEMORY[1:]
    ]
    return np.array([common, *own])


def _metered(values: pd.DataFrame, *, rng: np.random.Generator) -> Observations:
    """Metered demand in watts, published an hour later: households that move in, and gaps of meters."""
    length, number = values.shape
    moves = rng.random(number) < _LATER
    first = np.where(moves, rng.integers(length // 6, max(length // 6 + 1, 3 * length // 4), number), 0)
    missing = np.arange(length)[:, None] < first
    for k in np.flatnonzero(rng.random(number) < 0.2):
        begin = int(rng.integers(0, length))
        missing[begin : begin + int(rng.integers(12, 15 * 24)), k] = True
    return Observations(
        values.mask(missing),
        published_after="15min",
        flags=pd.DataFrame(missing * int(Flag.INCOMPLETE), index=values.index, columns=values.columns),
        frequency="1h",
    )


def _statistics(synthetic: SyntheticConsumers) -> Iterator[Statistic]:
    power = pd.DataFrame(synthetic.distribution.power(), index=synthetic.observations.index).tz_convert(_ZONE)
    yield from consumer_statistics(power.sum(axis=1), targets=_TARGETS, label="all: ")
    alone = pd.DataFrame([statistics_of(power[k]) for k in list(power)[:20]]).median()
    for name, target, tolerance in (
        ("load factor", 0.13, 0.06),
        ("spread within an hour", 0.6, 0.15),
        ("autocorrelation 1 h", 0.68, 0.12),
        ("autocorrelation 24 h", 0.45, 0.15),
    ):
        yield Statistic(f"one: {name}", "1", target, tolerance, float(alone[name]), basis="design")
