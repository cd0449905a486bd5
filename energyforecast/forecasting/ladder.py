"""Fallback ladder of a forecaster: the level of each origin, and the climatology kept for it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.fallback import CLIMATOLOGY, CONSTANT, OLDER_RUN, REDUCED
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import Site
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.newcomers import free_outcomes
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import Climatology, QuantileModel

__all__ = ["AGE_SLACK", "fallback_levels", "fit_climatology"]

#: The age of a run at issue moves with clock changes and late starts, without being late for that. [h]
AGE_SLACK: Final = 2.0


def fit_climatology(
    observations: Observations,
    site: Site,
    *,
    quantiles: tuple[float, ...],
    as_of: pd.Timestamp | np.datetime64 | None = None,
    since: np.datetime64 | None = None,
) -> QuantileModel:
    """Climatology of a site by hour of the day, the answer where there is no weather: of every hour observed."""
    moments, power = free_outcomes(observations, site, as_of=as_of, since=since)
    share, scale = (None, 1.0) if site.capacity is None else (site.largest_share, float(site.capacity))
    hour = pd.DataFrame({"hour": timestamps.local_hours(moments, site.timezone)})
    return Climatology(quantiles).fit(hour, power / scale, bounds=power_bounds(share, kind=site.kind))


def fallback_levels(
    matrix: DesignMatrix, site: Site, *, training: Training, model: QuantileModel
) -> npt.NDArray[np.int64]:
    """Fallback level of each origin for a site, shape (origins,)."""
    level = _level_of_runs(matrix, site, training)
    if site.name in training.cold:
        last = CLIMATOLOGY if training.cold[site.name] else CONSTANT
        return np.where(matrix.usable_at[site.name] & (level < CLIMATOLOGY), level, last)
    # Trees answer without a lag; a reference that rests on it cannot.
    without_history = REDUCED if model.needs is None else CLIMATOLOGY
    known = matrix.any_lag(site.name) if site.name in training.young else matrix.has_history[site.name]
    level = np.where(known, level, np.maximum(level, without_history))
    return np.where(matrix.usable_at[site.name], level, CLIMATOLOGY)


def _level_of_runs(matrix: DesignMatrix, site: Site, training: Training) -> npt.NDArray[np.int64]:
    """Level by the weather runs alone: newest, older or too old."""
    level = np.zeros(len(matrix.windows.issue_time), dtype=np.int64)
    for (model, name), init in matrix.weather_init_time.items():
        if name != site.name or (model, name) not in matrix.skipped:
            continue
        age = matrix.weather_age(model, name)
        if model in training.oldest_weather:  # an analysis has no runs
            level = np.maximum(level, np.where(np.isnat(init), REDUCED, 0))
        usual = training.usual_weather.get(model, np.inf) + AGE_SLACK
        late = matrix.skipped[(model, name)] | (age > usual)
        level = np.maximum(level, np.where(late, OLDER_RUN, 0))
        oldest = training.oldest_weather.get(model, np.inf) + AGE_SLACK
        level = np.where(age > oldest, CLIMATOLOGY, level)
    return level
