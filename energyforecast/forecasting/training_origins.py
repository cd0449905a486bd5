"""Issue times that a fit may learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.observation_series import Observations
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError, NoRunError

__all__ = ["some_origins", "training_origins"]


def training_origins(
    task: Task, weather: Weather, observations: Observations, *, as_of: pd.Timestamp | None = None
) -> pd.DatetimeIndex:
    """Issue times with weather that had arrived and a window inside the observations."""
    start, end, arrival = _common_period(task, weather, observations)
    issued = task.issue_times(start, end) if start < end else pd.DatetimeIndex([], tz="UTC")
    issued = issued[issued >= min(arrival)] if arrival else issued
    issued = issued if as_of is None else issued[issued < as_of]
    if len(issued):
        windows = task.windows(issued)
        last = np.where(windows.inside, windows.valid_time, windows.valid_time[:, :1]).max(axis=1)
        issued = issued[last < timestamps.to_ns([end])[0]]
    if not len(issued):
        raise MissingDataError(
            f"No window can be used for training: observations {observations.index[0]} to {observations.index[-1]}, "
            f"common with the weather from {start} to {end}"
            + (f", as of {as_of}." if as_of is not None else "."),
            "At least one window of the task must lie in the observations, and its weather must have arrived in time.",
            "Check the periods of the weather and of the observations, and the delay in available_time.",
        )
    return issued


def some_origins(
    task: Task, observations: Observations, *, as_of: pd.Timestamp | None = None
) -> pd.DatetimeIndex:
    """Issue times with a window inside the observations, or else one of which no outcome is learnt."""
    try:
        return training_origins(task, {}, observations, as_of=as_of)
    except MissingDataError:
        begin = observations.index[0]
        return task.issue_times(begin, begin + pd.Timedelta("62D"))[:1]


def _common_period(
    task: Task, weather: Weather, observations: Observations
) -> tuple[pd.Timestamp, pd.Timestamp, list[pd.Timestamp]]:
    """Period that observations and analyses share, and the first arrival of each forecast archive."""
    width = task.frequency
    spans, arrival = [(observations.index[0], observations.index[-1] + width)], []
    for dataset in weather_schema.as_models(weather).values():
        if weather_schema.is_analysis(dataset):
            axis = timestamps.to_index(dataset["time"].values)
            spans.append((axis[0], axis[-1] + width))
        else:
            arrival.append(_first_arrival(dataset))
    return max(span[0] for span in spans), min(span[1] for span in spans), arrival


def _first_arrival(dataset: Any) -> pd.Timestamp:
    """When the first run of an archive arrived."""
    arrived = timestamps.to_ns(dataset["available_time"].values.ravel())
    known = arrived[~np.isnat(arrived)]
    if not len(known):
        raise NoRunError(
            "No run of the weather archive ever arrived: every available_time is empty.",
            "available_time must hold the time at which each run arrived.",
            "Add publication delays, or fill the archive.",
        )
    return timestamps.to_index([known.min()])[0]
