"""Fallback ladder of a forecaster: the level of each origin, and the climatology kept for it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.fallback import CLIMATOLOGY, CONSTANT, OLDER_RUN, REDUCED
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import DemandArea, Site
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.newcomers import free_outcomes
from energyforecast.forecasting.profile_starts import blended
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import Climatology, QuantileModel

__all__ = [
    "AGE_SLACK",
    "SiteModels",
    "caveats_of_ages",
    "fallback_levels",
    "fit_climatology",
    "quantiles_of_rows",
]

Array = npt.NDArray[Any]

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


class SiteModels(NamedTuple):
    """Fitted model of a site, the climatology that answers without weather, and the summary of the fit."""

    model: QuantileModel
    climatology: QuantileModel
    training: Training


def quantiles_of_rows(
    matrix: DesignMatrix, site: Site, models: SiteModels, *, chosen: Array, modelled: Array
) -> Array:
    """Quantiles of chosen rows, shape (rows, quantiles): by the model, elsewhere by climatology; zero at night."""
    levels, cold = models.climatology.levels, site.name in models.training.cold
    result = np.empty((len(modelled), len(levels)))
    if cold and isinstance(site, DemandArea):  # a profile needs neither weather nor history
        modelled = np.ones_like(modelled)
    if modelled.any():
        rows = chosen.copy()
        rows[chosen] = modelled
        result[modelled] = (
            models.model.predict(matrix.physics[site.name][rows])
            if cold
            else matrix.predict(models.model, site.name, rows)
        )
    if not modelled.all():
        hour = matrix.hour_of_day(site)[chosen][~modelled]
        result[~modelled] = models.climatology.predict(hour)
    result[matrix.is_dark(site)[chosen]] = 0.0
    return blended(result, matrix, site, training=models.training, levels=levels, rows=chosen)


def fallback_levels(
    matrix: DesignMatrix, site: Site, *, training: Training, model: QuantileModel
) -> npt.NDArray[np.int64]:
    """Fallback level of each origin for a site, shape (origins,)."""
    usable = matrix.usable_at[site.name]
    level = _level_of_runs(matrix, site, training)
    if site.name in training.cold and isinstance(site, DemandArea):
        return np.full(len(usable), CLIMATOLOGY)
    if site.name in training.cold:
        last = CLIMATOLOGY if training.cold[site.name] else CONSTANT
        return np.where(usable & (level < CLIMATOLOGY), level, last)
    # Trees answer without a lag; a reference that rests on it cannot.
    without_history = REDUCED if model.needs is None else CLIMATOLOGY
    known = matrix.any_lag(site.name) if site.name in training.young else matrix.has_history[site.name]
    level = np.where(known, level, np.maximum(level, without_history))
    if model.needs is None and site.name not in training.young:
        level = np.maximum(level, _level_of_measurements(matrix, site, training))
        level = np.where(_lacks_columns(matrix, site, training), np.maximum(level, REDUCED), level)
    return np.where(usable, level, CLIMATOLOGY)


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


def _level_of_measurements(matrix: DesignMatrix, site: Site, training: Training) -> npt.NDArray[np.int64]:
    """Level by the age of the newest measurement: usual, as old as in training, older, or without any."""
    if site.name not in training.oldest_measurement:
        return np.zeros(len(matrix.windows.issue_time), dtype=np.int64)
    age = np.nan_to_num(matrix.measurement_age(site.name), nan=np.inf)
    late = age > training.usual_measurement[site.name] + AGE_SLACK
    level = np.where(age > training.oldest_measurement[site.name] + AGE_SLACK, REDUCED, late * OLDER_RUN)
    # Without weather, a model that reads measurements has then nothing to read.
    reads_weather = any(name == site.name for _, name in matrix.skipped)
    return np.where(np.isinf(age), REDUCED if reads_weather else CLIMATOLOGY, level)


def _lacks_columns(matrix: DesignMatrix, site: Site, training: Training) -> npt.NDArray[np.bool_]:
    """Origins that lack a whole column which never missed a value in training."""
    lost = np.zeros(len(matrix.windows.issue_time), dtype=bool)
    frame, lit = matrix.columns[site.name], ~matrix.is_dark(site)
    always = [name for name in training.always_known.get(site.name, []) if name in frame]
    missing, origin = frame.loc[lit, always].isna().to_numpy(), matrix.origin[lit]
    if missing.any():
        begins = np.flatnonzero(np.r_[True, np.diff(origin) > 0])
        lost[origin[begins]] = np.logical_and.reduceat(missing, begins, axis=0).any(axis=1)
    return lost


def caveats_of_ages(matrix: DesignMatrix, training: Training) -> tuple[str, ...]:
    """Caveats of measurements and weather runs of another age than those of training."""
    found = []
    for name, oldest in training.oldest_measurement.items():
        age = matrix.measurement_age(name) if name in matrix.newest_observation else np.empty(0)
        if (age > oldest + AGE_SLACK).any():
            found.append(
                f"measurements of {name}: the newest is {np.nanmax(age):,.0f} h old, "
                f"in training at most {oldest:,.0f} h"
            )
    for model, youngest in training.newest_weather.items():
        ages = [matrix.weather_age(*key) for key in matrix.skipped if key[0] == model]
        age = np.concatenate(ages) if ages else np.empty(0)
        if (age < youngest - AGE_SLACK).any():
            of_model = f" of {model}" if model else ""
            found.append(
                f"weather runs{of_model} are {np.nanmin(age):,.0f} h old, in training {youngest:,.0f} h: the intervals "
                "are those of older runs"
            )
    return tuple(found)
