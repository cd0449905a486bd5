"""Inputs of a morning on which something is late or absent, one way after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models, is_analysis

__all__ = ["Degraded", "degraded_inputs"]

#: Words for what is missing, the weather and the observations.
Degraded = tuple[str, Any, Observations]


def degraded_inputs(weather: Weather, observations: Observations, moment: pd.Timestamp) -> list[Degraded]:
    """Weather and observations of which some are late or absent at a moment, with words for each.

    What is taken away depends on times and names alone, so that data and its poisoned copy lose the same.
    """
    models = as_models(weather)
    # An ensemble of past years, or no weather at all, has no runs that could be late.
    runs = (
        bool(models) and isinstance(weather, xr.Dataset | dict) and not any(map(is_analysis, models.values()))
    )
    cases: list[Degraded] = [("without the measurements", weather, _without(observations, None))]
    cases += [
        (
            f"with measurements {days} days late",
            weather,
            _without(observations, moment - pd.Timedelta(days, "D")),
        )
        for days in (2, 30)
    ]
    if not runs:
        return cases
    cases += [
        (f"with weather {hours} h late", _late(models, moment, hours), observations) for hours in (6, 24, 240)
    ]
    cases += [
        (f"without {name or 'the weather'}", _late(models, moment, None, of=name), observations)
        for name in models
    ]
    cases.append(
        ("without weather and measurements", _late(models, moment, None), _without(observations, None))
    )
    name, data = next(iter(models.items()))
    variable = str(next(iter(data.data_vars)))
    lost = data.assign(
        {
            variable: data[variable].where(
                data["init_time"] < timestamps.to_ns([moment])[0] - np.timedelta64(10, "D")
            )
        }
    )
    cases.append((f"without {variable}", _as_given(models | {name: lost}), observations))
    return cases


def _as_given(models: dict[str, xr.Dataset]) -> Any:
    return models[""] if set(models) == {""} else models


def _late(models: Any, moment: pd.Timestamp, hours: int | None, *, of: str | None = None) -> Any:
    """Weather of which no run of the last hours, or none of the last weeks, has arrived."""
    since = timestamps.to_ns([moment])[0] - np.timedelta64(24 * 60 if hours is None else hours, "h")
    found = {}
    for name, data in models.items():
        if of is None or name == of:
            arrived = data["available_time"]
            data = data.assign_coords(available_time=arrived.where(arrived <= since))  # noqa: PLW2901
        found[name] = data
    return _as_given(found)


def _without(observations: Observations, since: pd.Timestamp | None) -> Observations:
    """Observations without the values from a moment on, or without any."""
    begin = observations.index[0] if since is None else since
    kept = np.asarray(observations.index < begin)[:, None]
    return replace(observations, values=observations.values.where(kept))
