"""Check for leakage: replace data that was not yet known by noise, and compare."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import LeakageError
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.testing.degraded_inputs import Degraded, degraded_inputs
from energyforecast.testing.feature_contract import _check_opened, _same_features
from energyforecast.testing.held_data import models_of, observed_call, of_the_user, refuse_held_data
from energyforecast.testing.noise import poison_observations, poison_weather
from energyforecast.weather import TemperatureEnsemble

__all__ = ["check_no_leakage", "same_forecasts"]


@checked(origins=(1, 10_000), seed=(0, inf))
def check_no_leakage(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    issue_time: Any,
    origins: int = 4,
    seed: int = 0,
    fallbacks: bool = False,
) -> None:
    """Check that a forecast is independent of all data that was not known at its issue time.

    At the issue time, all weather that had not arrived and all observations, flags, capacities in service, limits and
    planned operation that were not published are replaced by noise. The features of that origin, the model fitted as
    of that time and its forecast must remain identical to the bit. The features of some earlier origins are tested in
    the same way, each at its issue time, since a leak into training rows appears only there.

    Data inside a feature or a model cannot be replaced by noise, so what their code can reach is searched for it:
    closures, defaults, globals, helpers, classes, objects, modules and caches. They must hold no data with time
    stamps, no table of 200 numbers or more, no values or means of the observations, and open no file.

    Parameters
    ----------
    forecaster : Forecaster
        Forecaster with the features, model and task to test; it is not changed. A fitted one must be of data known at
        the issue time.
    weather : Dataset or mapping of Dataset
        Long enough to fit, with runs after the issue time. With ``perfect_weather=True`` an analysis
        is not changed; the test then covers observations and outcomes.
    observations : Observations
        Observations that extend beyond the issue time, with their flags, capacities and plans.
    issue_time : str or moment
        Issue time of the tested forecast.
    origins : int
        Number of earlier origins.
    seed : int
        Of the noise.
    fallbacks : bool
        Test the forecasts from missing inputs as well, with fallback models: late and absent weather and measurements,
        and an absent variable.

    Raises
    ------
    LeakageError
        If a column, the fitted model or the forecast changes, a feature or model holds data or opens a file, or the
        forecaster was fitted or tuned on later data.

    See Also
    --------
    check_pipeline : The same for everything that is done with the data before and after.
    check_known_then : Whether the declared times of the data are plausible.
    check_shifted_world : Whether skill disappears with the weather.
    check_feature, poison_weather, poison_observations

    Notes
    -----
    Wrong declarations pass: a run declared available at its initialisation, or power declared as published at once.
    :func:`check_known_then` looks for them.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> forecaster = ef.Forecaster(site, task, model=ef.Persistence(), perfect_weather=True)
    >>> check_no_leakage(forecaster, weather, power, issue_time="2014-06-10 09:00")
    """
    moment = timestamps.instant(issue_time, timezone=forecaster.task.timezone)
    _refuse_later(forecaster, moment)
    earlier = forecaster.training_origins(weather, observations, as_of=moment)
    chosen = _informative(earlier, weather, origins)
    _refuse_data_of_features(forecaster, weather, observations, moment)
    original = forecaster.design_matrix(
        weather, observations, np.append(timestamps.to_ns(chosen), timestamps.to_ns([moment]))
    )
    _refuse_data_of_models(forecaster, observations, original)
    for k, origin in enumerate([*chosen, moment]):
        alone = forecaster.design_matrix(*_destroyed(weather, observations, origin, seed), [origin])
        _same_features(original, alone, k, origin)
    given: Any = {"as_of": moment, "missing": "drop", "fallbacks": fallbacks}
    destroyed = _destroyed(weather, observations, moment, seed)
    expected = forecaster.unfitted().fit(weather, observations, **given)
    found = forecaster.unfitted().fit(*destroyed, **given)
    _same_models(expected, found, moment)
    known: list[Degraded] = [("", weather, observations)]
    spoilt: list[Degraded] = [("", *destroyed)]
    if fallbacks:
        known += degraded_inputs(weather, observations, moment)
        spoilt += degraded_inputs(*destroyed, moment)
    for (words, *before), (_, *after) in zip(known, spoilt, strict=True):
        made, again = (
            fitted.predict(of_weather, measured, issue_time=moment, strict=False)
            for fitted, (of_weather, measured) in ((expected, before), (found, after))
        )
        same_forecasts(made, again, words=words)


def _destroyed(
    weather: Weather, observations: Observations, moment: pd.Timestamp, seed: int
) -> tuple[Weather, Observations]:
    """Weather and observations with noise in place of all that was not known."""
    return poison_weather(weather, moment, seed=seed), poison_observations(observations, moment, seed=seed)


def _refuse_later(forecaster: Forecaster, moment: pd.Timestamp) -> None:
    """Refuse a forecaster that was fitted, or has settings that were tuned, on data which was not known."""
    if forecaster.tuned_until and timestamps.instant(forecaster.tuned_until) > moment:
        raise LeakageError(
            f"The settings were tuned on data known until {forecaster.tuned_until} UTC, after the issue time {moment}.",
            "Settings must be chosen on data known at the issue time of a forecast.",
            "Tune with an earlier end: tune(..., end=...); or test a later issue time.",
        )
    if not (forecaster.is_fitted and forecaster.training_.as_of):
        return
    known = timestamps.instant(forecaster.training_.as_of)
    if known > moment:
        raise LeakageError(
            f"The forecaster was fitted on data known at {known}, after the issue time {moment}.",
            "A forecaster must be fitted on data known at the issue time of its forecasts.",
            "Fit it as of the issue time: fit(..., as_of=issue_time); or test a later issue time.",
        )


def _refuse_data_of_features(
    forecaster: Forecaster, weather: Weather, observations: Observations, moment: pd.Timestamp
) -> None:
    """Refuse features that hold data of their own or open files."""
    for site in forecaster.sites:
        for feature in forecaster.features_of[site.name]:
            reach = refuse_held_data(feature, observations, sites=forecaster.sites)
            if of_the_user(feature) and not isinstance(weather, TemperatureEnsemble):
                places = (*forecaster.sites, *forecaster.neighbours)
                given: Any = {"sites": places, "site": site, "task": forecaster.task}
                _check_opened(feature, reach, weather, observations, issued=moment, **given)


def _refuse_data_of_models(forecaster: Forecaster, observations: Observations, matrix: DesignMatrix) -> None:
    """Refuse models that hold data of their own or open files."""
    for name, several in forecaster.model_of.items():
        for model in models_of(several):
            reach = refuse_held_data(model, observations, sites=forecaster.sites)
            if of_the_user(model) and model is several:
                _fit_observed(model, reach, matrix.columns[name])


def _fit_observed(model: Any, reach: Any, X: pd.DataFrame) -> None:
    """Fit a model to some rows with noise as outcome, and refuse it if it opens a file."""
    y = np.random.default_rng(0).uniform(size=len(X))
    observed_call(model, reach, lambda: clone(model).fit(X.copy(), y, bounds=(0.0, 1.0)).predict(X.copy()))


def _same_models(expected: Forecaster, found: Forecaster, moment: pd.Timestamp) -> None:
    """Refuse fitted models that differ, naming the site, the model and its part."""
    before, after = _parts(expected), _parts(found)
    moved = [key for key in dict.fromkeys([*before, *after]) if not _equal(before.get(key), after.get(key))]
    if moved:
        part, model, site = moved[0]
        raise LeakageError(
            f"The model fitted as of {moment} changes when data that was not known then is destroyed: the part "
            f"{part!r} of {model} at site {site!r}" + (f" and {len(moved) - 1} more." if moved[1:] else "."),
            "A fit must use outcomes that were published, and weather that had arrived, by its time.",
            "Look for an outcome taken by issue time, or a feature that reaches past the snapshot.",
        )


def _parts(forecaster: Forecaster) -> dict[tuple[str, str, str], Any]:
    """Learnt parts of all models of a forecaster, by part, model and site."""
    several = {"": forecaster} | {item.plan.name: item.forecaster for item in forecaster.fallbacks_}
    found: dict[tuple[str, str, str], Any] = {}
    for words, fitted in several.items():
        for kind, models in (("", fitted.models_), ("climatology of the ladder", fitted.climatology_)):
            for site, model in models.items():
                name = " of ".join(filter(None, [kind or type(model).__name__, words]))
                found |= {(part, name, site): value for part, value in model.parts().items()}
                found[("bounds", name, site)] = repr(model.bounds_)
        found[("scale", words or "the forecaster", "")] = repr(fitted.scale_)
    return found


def _equal(one: Any, other: Any) -> bool:
    """Whether two parts are the same to the bit."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    return type(one) is type(other) and bool(one == other)


def same_forecasts(before: Forecast, after: Forecast, *, words: str = "") -> None:
    """Refuse two forecasts that differ, naming the site and the first hour."""
    same = before.data.shape == after.data.shape
    old, new = before.data.values, after.data.values
    differ = ~((old == new) | (np.isnan(old) & np.isnan(new))) if same else np.ones((1, 1, 1, 1), dtype=bool)
    level = before.data["fallback_level"].values
    if differ.any() or not np.array_equal(level, after.data["fallback_level"].values):
        at = np.argwhere(differ)[0] if differ.any() else np.zeros(4, dtype=int)
        issued = timestamps.to_index(before.data["issue_time"].values)[at[1]]
        lead = before.data["lead_time"].values[at[2]] / np.timedelta64(1, "h")
        raise LeakageError(
            f"The forecast issued at {issued}{words and ' ' + words} changes when data that was not known then is "
            f"destroyed: site {before.sites[at[0]]!r}, from lead {lead:g} h on.",
            "A forecast must depend on data known at its issue time only.",
            "Look for data that reaches past the snapshot: a feature, a setting, a flag, a capacity or a curve.",
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
