"""Weather and measurements that are lost when a forecast is due: in their place, values that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.weather_schema import Weather, as_models, is_analysis
from energyforecast.features import Needs
from energyforecast.weather import TemperatureEnsemble

__all__ = ["with_every_column", "with_every_measurement", "with_every_variable"]


def with_every_variable(
    weather: Weather | TemperatureEnsemble, needs: Needs, *, places: Sequence[Site], windows: Windows
) -> Weather | TemperatureEnsemble:
    """Weather with every model, variable and place of a fit, missing where it has no value.

    Weather that lacks nothing is returned as it is.
    """
    if isinstance(weather, TemperatureEnsemble):
        return weather
    models, read = as_models(weather), {model: names for model, names in needs.names.items() if names}
    # In the order of the fit, which is that of the columns.
    complete = {
        model: _complete(models.get(model, _no_run(places, windows)), names, places)
        for model, names in read.items()
    }
    if all(models.get(model) is data for model, data in complete.items()):
        return weather
    return complete | {model: data for model, data in models.items() if model not in complete}


def _no_run(places: Sequence[Site], windows: Windows) -> xr.Dataset:
    """A run that arrives after every issue."""
    first, last = windows.issue_time.min(), windows.issue_time.max()
    step = windows.frequency.to_timedelta64()
    return xr.Dataset(
        coords={
            "site": [place.name for place in places],
            "init_time": np.array([first], dtype="datetime64[ns]"),
            "lead_time": np.array([0, 1]) * step,
            "available_time": (
                "init_time",
                np.array([last + np.timedelta64(1, "D")], dtype="datetime64[ns]"),
            ),
        }
    )


def _complete(data: xr.Dataset, names: Sequence[str], places: Sequence[Site]) -> xr.Dataset:
    """One weather model with all variables at all places."""
    held = set(map(str, data["site"].values))
    absent = [place.name for place in places if place.name not in held]
    if absent:
        data = data.reindex(site=[*data["site"].values, *absent])
    axes = ("site", "time") if is_analysis(data) else ("site", "init_time", "lead_time")
    nothing = np.full([data.sizes[axis] for axis in axes], np.nan, dtype=np.float32)
    lost = {
        name: (axes, nothing, {"units": variables.lookup(name).units}) for name in names if name not in data
    }
    others = [name for name in data.data_vars if name not in names]
    return data.assign(lost)[[*names, *others]] if lost else data


def with_every_measurement(
    observations: Observations | None, needs: Needs, *, sites: Sequence[Site], windows: Windows
) -> Observations | None:
    """Observations with a column for every site, missing where it has none."""
    names = [site.name for site in sites]
    if observations is None:
        if not needs.history:
            return None
        end = timestamps.to_index(windows.valid_time[:1, 0])[0]
        index = pd.date_range(end=end, periods=25, freq=windows.frequency)
        return Observations(pd.DataFrame(np.nan, index=index, columns=names), published_after="0h")
    absent = [name for name in names if name not in observations.sites]
    return with_every_column(observations, [*observations.sites, *absent]) if absent else observations


def with_every_column(observations: Observations, names: Sequence[str]) -> Observations:
    """Observations with these columns, missing where there are none."""
    published, flags = (
        None if frame is None else frame.reindex(columns=list(names))
        for frame in (observations.published_time, observations.flags)
    )
    available = observations.available_capacity
    return replace(
        observations,
        values=observations.values.reindex(columns=list(names)),
        published_time=published,
        available_capacity=available.reindex(columns=list(names))
        if isinstance(available, pd.DataFrame)
        else available,
        flags=None if flags is None else flags.where(flags.notna(), 0).astype(int),
    )
