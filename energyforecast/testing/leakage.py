"""Check for leakage: replace data that was not yet known by noise, and compare."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import LeakageError
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.testing.feature_contract import _check_closure, _same_features
from energyforecast.testing.noise import poison_observations, poison_weather

__all__ = ["check_no_leakage"]


@checked(origins=(1, 10_000), seed=(0, inf))
def check_no_leakage(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    issue_time: Any,
    origins: int = 4,
    seed: int = 0,
) -> None:
    """Check that a forecast is independent of all data that was not known at its issue time.

    At the issue time, all weather that had not arrived and all observations that were not published are
    replaced by noise. The features of that origin, the model fitted as of that time and its forecast
    must remain identical to the bit. The features of some earlier origins are tested in the same way, each
    at its issue time, since a leak into training rows appears only there.

    An archive inside a feature cannot be replaced by noise, so the code is searched for it: measurements or
    weather with time stamps, in a variable around the function, a default or a field. Files that a feature
    reads are not found. Nor are wrong declarations: a run declared available at its initialisation, or power
    declared as published at once.

    Parameters
    ----------
    forecaster : Forecaster
        Forecaster with the features, model and task to test; it is not changed.
    weather : Dataset or mapping of Dataset
        Long enough to fit, with runs after the issue time. With ``perfect_weather=True`` an analysis
        is not changed; the test then covers observations and outcomes.
    observations : Observations
        Observations that extend beyond the issue time.
    issue_time : str or moment
        Issue time of the tested forecast.
    origins : int
        Number of earlier origins.
    seed : int
        Of the noise.

    Raises
    ------
    LeakageError
        If a column, the fitted model or the forecast changes, or a feature holds an archive.

    See Also
    --------
    check_feature, poison_weather, poison_observations

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
            _check_closure(feature)
    moment = timestamps.instant(issue_time, timezone=forecaster.task.timezone)
    earlier = forecaster.training_origins(weather, observations, as_of=moment)
    chosen = _informative(earlier, weather, origins)
    original = forecaster.design_matrix(
        weather, observations, np.append(timestamps.to_ns(chosen), timestamps.to_ns([moment]))
    )
    for k, origin in enumerate([*chosen, moment]):
        destroyed = (
            poison_weather(weather, origin, seed=seed),
            poison_observations(observations, origin, seed=seed),
        )
        alone = forecaster.design_matrix(*destroyed, [origin])
        _same_features(original, alone, k, origin)
    expected = forecaster.unfitted().fit(weather, observations, as_of=moment, missing="drop")
    destroyed = (
        poison_weather(weather, moment, seed=seed),
        poison_observations(observations, moment, seed=seed),
    )
    found = forecaster.unfitted().fit(*destroyed, as_of=moment, missing="drop")
    if storage.parts(expected) != storage.parts(found):
        raise LeakageError(
            f"The model fitted as of {moment} changes when data that was not known then is destroyed.",
            "A fit must use outcomes that were published, and weather that had arrived, by its time.",
            "Look for an outcome taken by issue time, or a feature that reaches past the snapshot.",
        )
    before = expected.predict(weather, observations, issue_time=moment, strict=False)
    after = found.predict(*destroyed, issue_time=moment, strict=False)
    if not np.array_equal(before.data.values, after.data.values, equal_nan=True):
        raise LeakageError(
            f"The forecast issued at {moment} changes when data that was not known then is destroyed.",
            "A forecast must depend on data known at its issue time only.",
            "Look for a feature that reaches past the snapshot.",
        )


def _informative(earlier: pd.DatetimeIndex, weather: Weather, count: int) -> pd.DatetimeIndex:
    """Origins spread over time; half of them, where possible, while a run had not yet arrived."""
    issued = timestamps.to_ns(earlier)
    awaited = np.zeros(len(issued), dtype=bool)
    for dataset in as_models(weather).values():
        if not weather_schema.is_analysis(dataset):
            arrived = timestamps.to_ns(dataset["available_time"].transpose("init_time", ...).values)
            last = arrived if arrived.ndim == 1 else arrived.max(axis=1)
            newest = np.searchsorted(timestamps.to_ns(dataset["init_time"].values), issued, side="right") - 1
            awaited |= (newest >= 0) & ~(last[newest] <= issued)
    some = _spread(np.flatnonzero(awaited), count // 2)
    return earlier[np.union1d(some, _spread(np.arange(len(issued)), count - len(some)))]


def _spread(places: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    if not len(places) or count < 1:
        return places[:0]
    return np.asarray(places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)])
