"""Noise in place of all weather and observations that were not yet known at a moment."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.available_capacity import AvailableCapacity
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.variables import Flag
from energyforecast.core.weather_schema import Weather
from energyforecast.weather import TemperatureEnsemble

__all__ = ["poison_capacity", "poison_observations", "poison_plan", "poison_weather"]


@checked(seed=(0, inf))
def poison_weather(weather: Weather, moment: pd.Timestamp, *, seed: int = 0) -> Weather:
    """Replace weather that had not arrived at a moment by noise; analyses are not changed.

    Parameters
    ----------
    weather : Dataset, mapping of Dataset or TemperatureEnsemble
        Of an ensemble of past years, measured temperatures that were not known are noise.
    moment : Timestamp
    seed : int
        Of the noise.

    See Also
    --------
    poison_observations, check_no_leakage

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> weather = example_weather()
    >>> poisoned = poison_weather(weather, timestamps.instant("2024-01-01 09:00"))
    >>> changed = (poisoned != weather)["wind_speed_100m"].any(["site", "lead_time"])
    >>> changed.values.tolist()  # the second run arrived at 18:00
    [False, True]
    """
    if isinstance(weather, TemperatureEnsemble):
        return replace(
            weather, temperature=_poisoned(weather.temperature, moment, np.random.default_rng(seed))
        )
    models = {
        name: data
        if weather_schema.is_analysis(data)
        else _poisoned(data, moment, np.random.default_rng(seed))
        for name, data in weather_schema.as_models(weather).items()
    }
    return models[""] if isinstance(weather, xr.Dataset) else models


def _poisoned(weather: xr.Dataset, moment: pd.Timestamp, noise: np.random.Generator) -> xr.Dataset:
    """Weather with noise in place of values that were not available."""
    arrived = weather["available_time"]
    unknown = (arrived > timestamps.to_ns([moment])[0]) | arrived.isnull()
    poisoned = weather.copy()
    for name, values in weather.data_vars.items():
        # Drawn from the archive, so that the noise is not refused as impossible or as another unit.
        known = values.values[np.isfinite(values.values)]
        random = noise.choice(known, size=values.shape) if known.size else values.values
        if name == "ghi":  # scaled down by day: light at night would be refused as a wrong clock
            random = values.values * noise.uniform(size=values.shape)
        mask = unknown.broadcast_like(values).transpose(*values.dims)
        poisoned[name] = values.where(~mask, random).astype(values.dtype).assign_attrs(values.attrs)
    return poisoned


@checked(seed=(0, inf))
def poison_observations(observations: Observations, moment: pd.Timestamp, *, seed: int = 0) -> Observations:
    """Replace observations that were not published at a moment by noise, with flags that are drawn.

    Parameters
    ----------
    observations : Observations
    moment : Timestamp
    seed : int
        Of the noise.

    See Also
    --------
    poison_weather, check_no_leakage

    Examples
    --------
    >>> from energyforecast.testing import example_observations
    >>> power = example_observations()
    >>> poisoned = poison_observations(power, power.index[-1])
    >>> int((poisoned.values != power.values).to_numpy().sum())
    2
    """
    unknown = ~(observations.published <= timestamps.to_ns([moment])[0])
    values = observations.values.to_numpy()
    largest = np.nan_to_num(observations.values.abs().where(~observations.unfit).max().to_numpy())
    random = np.random.default_rng(seed).uniform(0, 1, size=values.shape) * largest
    frame = pd.DataFrame(
        np.where(unknown, random, values), index=observations.index, columns=observations.values.columns
    )
    flags = _poisoned_flags(observations, unknown, np.random.default_rng([seed, 1]))
    capacity: Any = observations.available_capacity
    if isinstance(capacity, pd.DataFrame):
        capacity = poison_capacity(observations.capacities[0], moment, seed=seed).values
    elif capacity is not None:
        capacity = [poison_capacity(item, moment, seed=seed) for item in observations.capacities]
    plan = None if observations.planned is None else poison_plan(observations.planned, moment, seed=seed)
    return replace(observations, values=frame, flags=flags, available_capacity=capacity, planned=plan)


def _poisoned_flags(
    observations: Observations, unknown: npt.NDArray[np.bool_], noise: np.random.Generator
) -> pd.DataFrame:
    """Flags of which those of unknown values are drawn: none, an outage, a curtailment."""
    drawn = noise.choice([0, int(Flag.OUTAGE), int(Flag.CURTAILED)], size=unknown.shape)
    given = np.zeros(unknown.shape) if observations.flags is None else observations.flags.to_numpy()
    flags = np.where(unknown, drawn, given).astype(np.int64)
    return pd.DataFrame(flags, index=observations.index, columns=observations.values.columns)


@checked(seed=(0, inf))
def poison_capacity(capacity: AvailableCapacity, moment: pd.Timestamp, *, seed: int = 0) -> AvailableCapacity:
    """Replace capacities in service and limits that were not known at a moment by noise.

    Parameters
    ----------
    capacity : AvailableCapacity
    moment : Timestamp
    seed : int
        Of the noise.

    See Also
    --------
    poison_observations, check_no_leakage

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    >>> capacity = AvailableCapacity(pd.DataFrame({"farm": 60.0}, index=hours), published_after="0h")
    >>> poison_capacity(capacity, hours[1]).values["farm"].round(1).tolist()  # that of 00:00 was known at 01:00
    [60.0, 16.2, 2.5]
    """
    values, noise = capacity.values.copy(), np.random.default_rng(seed)
    for site in capacity.sites:
        known = capacity.published(site) <= timestamps.to_ns([moment])[0]
        random = noise.uniform(0, 1, size=len(values)) * np.nan_to_num(values[site].max())
        values[site] = np.where(known, values[site], random)
    return replace(capacity, values=values)


@checked(seed=(0, inf))
def poison_plan(plan: PlannedOperation, moment: pd.Timestamp, *, seed: int = 0) -> PlannedOperation:
    """Replace levels and times of planned operation that was not published at a moment by noise.

    Parameters
    ----------
    plan : PlannedOperation
    moment : Timestamp
    seed : int
        Of the noise.

    See Also
    --------
    poison_observations, check_no_leakage

    Examples
    --------
    >>> rows = {"site": "works", "activity": "furnace", "start": ["2024-03-05 10:00", "2024-03-05 14:00"]}
    >>> rows |= {"end": ["2024-03-05 12:00", "2024-03-05 16:00"], "published": ["2024-03-03", "2024-03-04 08:00"]}
    >>> plan = PlannedOperation(pd.DataFrame(rows))
    >>> poison_plan(plan, timestamps.instant("2024-03-04")).rows["level"].round(1).tolist()
    [1.0, 0.3]
    """
    rows, noise = plan.rows.copy(), np.random.default_rng(seed)
    unknown = timestamps.to_ns(rows["published"]) > timestamps.to_ns([moment])[0]
    largest = rows["level"].max() or 1.0
    rows["level"] = np.where(unknown, noise.uniform(0, 1, size=len(rows)) * largest, rows["level"])
    # Longer ones reach the hours of every window around them, so that a leak shows.
    before, after = (
        pd.to_timedelta(noise.integers(1, 73, size=len(rows)) * unknown, unit="h") for _ in range(2)
    )
    # A publication of its own for each row: noise must not contradict itself.
    later = pd.to_timedelta(np.cumsum(unknown) * unknown, unit="us")
    return PlannedOperation(
        rows.assign(
            start=rows["start"] - before, end=rows["end"] + after, published=rows["published"] + later
        )
    )
