"""Leakage: destroy all that was not yet known, and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import LeakageError
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.testing.feature_contract import _brings_no_archive, _same_features
from energyforecast.testing.poison import poison_observations, poison_weather

__all__ = ["check_no_leakage"]


def check_no_leakage(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    issue_time: Any,
    origins: int = 4,
    seed: int = 0,
) -> None:
    """Destroy everything that was not known, and see that nothing changes.

    At the issue time, all weather that had not arrived and all observations that were not published are
    replaced by noise. The features of that origin, the model fitted as of that time and its forecast
    must stay the same to the bit. The features of some earlier origins are put to the same test, each
    with its own moment, since a leak into training rows shows only there.

    An archive that a feature brings along can't be destroyed, so it is looked for in its code: measurements or
    weather with times of their own, in a variable around the function, a default or a field. What a feature
    reads from a file is not found. Nor are times that are wrong themselves: a run that is said to have been
    available at its initialisation, or power that is said to be published at once.

    Parameters
    ----------
    forecaster : Forecaster
        Its features, model and task are tested; it is not changed.
    weather : Dataset or mapping of Dataset
        Long enough to fit, with runs after the issue time. With ``perfect_weather=True`` an analysis
        is left as it is; the test then covers observations and outcomes.
    observations : Observations
        Reaching beyond the issue time.
    issue_time : str or moment
        When the tested forecast is issued.
    origins : int
        Number of earlier origins.
    seed : int
        Of the noise.

    Raises
    ------
    LeakageError
        Naming what changed: a column, the fitted model or the forecast; or the archive that a feature holds.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> forecaster = ef.Forecaster(site, task, model=ef.Persistence(), perfect_weather=True)
    >>> check_no_leakage(forecaster, weather, power, issue_time="2014-06-10 09:00")
    """
    for features in forecaster.features_of.values():
        for feature in features:
            _brings_no_archive(feature)
    moment = timestamps.instant(issue_time, timezone=forecaster.task.timezone)
    earlier = forecaster.training_origins(weather, observations, as_of=moment)
    chosen = _telling(earlier, weather, origins)
    everything = forecaster.design_matrix(
        weather, observations, np.append(timestamps.to_ns(chosen), timestamps.to_ns([moment]))
    )
    for k, origin in enumerate([*chosen, moment]):
        spoilt = (
            poison_weather(weather, origin, seed=seed),
            poison_observations(observations, origin, seed=seed),
        )
        alone = forecaster.design_matrix(*spoilt, [origin])
        _same_features(everything, alone, k, origin)
    honest = forecaster.unfitted().fit(weather, observations, as_of=moment, missing="drop")
    spoilt = poison_weather(weather, moment, seed=seed), poison_observations(observations, moment, seed=seed)
    fooled = forecaster.unfitted().fit(*spoilt, as_of=moment, missing="drop")
    if storage.parts(honest) != storage.parts(fooled):
        raise LeakageError(
            f"The model fitted as of {moment} changes when data that was not known then is destroyed.",
            "A fit uses outcomes that were published, and weather that had arrived, by its time.",
            "Look for an outcome taken by issue time, or a feature that reaches past the snapshot.",
        )
    before = honest.predict(weather, observations, issue_time=moment, strict=False)
    after = fooled.predict(*spoilt, issue_time=moment, strict=False)
    if not np.array_equal(before.data.values, after.data.values, equal_nan=True):
        raise LeakageError(
            f"The forecast issued at {moment} changes when data that was not known then is destroyed.",
            "A forecast uses what was known when it was issued.",
            "Look for a feature that reaches past the snapshot.",
        )


def _telling(earlier: pd.DatetimeIndex, weather: Weather, count: int) -> pd.DatetimeIndex:
    """Origins spread over time; half of them, where there are such, while a run was still to come."""
    issued = timestamps.to_ns(earlier)
    awaited = np.zeros(len(issued), dtype=bool)
    for dataset in as_models(weather).values():
        if not weather_schema.is_analysis(dataset):
            arrived = timestamps.to_ns(dataset["available_time"].values)
            last = arrived if arrived.ndim == 1 else arrived.max(axis=1)
            newest = np.searchsorted(timestamps.to_ns(dataset["init_time"].values), issued, side="right") - 1
            awaited |= (newest >= 0) & ~(last[newest] <= issued)
    some = _spread(np.flatnonzero(awaited), count // 2)
    return earlier[np.union1d(some, _spread(np.arange(len(issued)), count - len(some)))]


def _spread(places: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    if not len(places) or count < 1:
        return places[:0]
    return np.asarray(places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)])
