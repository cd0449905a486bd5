"""Contract of a feature, checked on weather and history."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site, as_sites
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import LeakageError, SchemaError, TimeError
from energyforecast.features import Feature, FeatureSet
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.point_in_time import gathering
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.testing.closure_scan import Reach
from energyforecast.testing.held_data import observed_call, of_the_user, refuse_held_data
from energyforecast.testing.noise import poison_observations, poison_weather

__all__ = ["check_feature"]


@checked(origins=(1, 10_000), seed=(0, inf))
def check_feature(
    feature: Feature,
    weather: Weather,
    observations: Observations | None = None,
    *,
    sites: Site | Sequence[Site],
    task: Task,
    origins: int = 6,
    seed: int = 0,
) -> None:
    """Check the contract of a feature, on real or synthetic data.

    A feature must declare its inputs and return arrays of numbers, finite or NaN, under the same names each time.
    Its columns must be identical when computed twice, for one origin alone, and after all data that was not known
    at the origin was replaced by noise. It must not change the snapshot.

    Parameters
    ----------
    feature : Feature
    weather : Dataset or mapping of Dataset
        Long enough for some issue times.
    observations : Observations, optional
        Required by features with lags.
    sites : Site or sequence of Site
    task : Task
    origins : int
        Number of tested issue times.
    seed : int
        Of the noise that replaces data not yet known.

    Raises
    ------
    SchemaError
        If an undeclared input is used, a column has a wrong shape, an infinite value or a changing name, or the
        feature writes into the snapshot.
    LeakageError
        If the columns of an origin depend on other origins, on data not known then, or on chance, or the feature
        holds data of its own or opens a file.
    TimeError
        If no issue time lies within the weather.

    See Also
    --------
    check_no_leakage, check_model, check_source, energyforecast.feature

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> check_feature(ef.recipe(site).features[0], weather, sites=site, task=task)
    """
    places = as_sites(sites)
    reach = refuse_held_data(feature, observations, sites=places)
    issued = _some_issues(weather, task, origins)
    if of_the_user(feature):
        given: Any = {"sites": places, "site": places[0], "task": task}
        _check_opened(feature, reach, weather, observations, issued=issued[-1], **given)
    together = _computed(feature, weather, observations, places, task.windows(issued))
    again = _computed(feature, weather, observations, places, task.windows(issued))
    _same_columns(feature, together, again, "when computed twice", "on the snapshot only")
    for k, moment in enumerate(issued):
        expected = {key: values[k : k + 1] for key, values in together.items()}
        windows = task.windows(issued[k : k + 1])
        alone = _computed(feature, weather, observations, places, windows)
        _same_columns(feature, expected, alone, "when the origin is computed alone", "on its origin only")
        past = None if observations is None else poison_observations(observations, moment, seed=seed)
        destroyed = _computed(feature, poison_weather(weather, moment, seed=seed), past, places, windows)
        when = "when data that was not known is destroyed"
        _same_columns(feature, expected, destroyed, when, "on data known at issue only")


def _check_opened(
    feature: Feature,
    reach: Reach,
    weather: Weather,
    observations: Observations | None,
    *,
    issued: pd.Timestamp,
    sites: Sequence[Site],
    site: Site,
    task: Task,
) -> None:
    """Compute a feature at one issue time, and refuse it if it opens a file."""
    features, _ = FeatureSet((feature,)).resolve(weather)
    now = _snapshot(feature, weather, observations, sites, task.windows([issued])).at(site.name)
    observed_call(feature, reach, lambda: _of_site(feature, features, now))


def _some_issues(weather: Weather, task: Task, count: int) -> pd.DatetimeIndex:
    """Issue times spread over the second half of the weather, where lags are available."""
    for label, data in weather_schema.as_models(weather).items():
        weather_schema.check_weather(data, label=label or "weather")
    axes = [
        timestamps.to_index((data["time"] if weather_schema.is_analysis(data) else data["init_time"]).values)
        for data in weather_schema.as_models(weather).values()
    ]
    if not axes:
        raise SchemaError("No weather is given.", "It must have one model.", "See example_weather().")
    start, end = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
    issued = task.issue_times(start + (end - start) / 2, end) if start < end else pd.DatetimeIndex([])
    if not len(issued):
        raise TimeError(
            f"No issue time of the task lies in the second half of the weather, {start} to {end}.",
            "A feature is tested at some issue times.",
            "Give more weather, or a task that is issued more often.",
        )
    return issued[np.unique(np.linspace(0, len(issued) - 1, count).astype(int))]


def _computed(
    feature: Feature,
    weather: Weather,
    observations: Observations | None,
    sites: Sequence[Site],
    windows: Windows,
) -> dict[tuple[str, str], npt.NDArray[Any]]:
    """Columns by site and name, shape (origins, steps), from a snapshot of the declared inputs."""
    features, _ = FeatureSet((feature,)).resolve(weather)
    now = _snapshot(feature, weather, observations, sites, windows)
    columns = {}
    for site in sites:
        for name, values in _of_site(feature, features, now.at(site.name)).items():
            if np.isinf(values[windows.inside]).any():
                raise SchemaError(
                    f"The feature {feature.name!r} gives the column {name!r} at site {site.name!r} with infinite "
                    "values.",
                    "Values must be finite, or NaN where they are unknown.",
                    "Guard the division, or the logarithm.",
                )
            columns[(site.name, name)] = np.where(windows.inside, values, np.nan)
    return columns


def _snapshot(
    feature: Feature,
    weather: Weather,
    observations: Observations | None,
    sites: Sequence[Site],
    windows: Windows,
) -> Snapshot:
    """Snapshot of the inputs that a feature declares."""
    _, needs = FeatureSet((feature,)).resolve(weather)
    return gathering.take_snapshot(
        weather,
        observations,
        sites=sites,
        windows=windows,
        names=needs.names,
        required=needs.names,
        margin=needs.margin,
        history=needs.history,
    )


def _of_site(feature: Feature, features: FeatureSet, now: Snapshot) -> dict[str, npt.NDArray[Any]]:
    try:
        return features.compute(now)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise SchemaError(
            f"The feature {feature.name!r} writes into the snapshot: {error}.",
            "A feature must not change the arrays that it receives.",
            "Compute with a copy: values.copy().",
        ) from error


def _same_columns(
    feature: Feature,
    expected: dict[tuple[str, str], npt.NDArray[Any]],
    found: dict[tuple[str, str], npt.NDArray[Any]],
    when: str,
    depends: str,
) -> None:
    if list(expected) != list(found):
        other = next(iter(set(expected) ^ set(found)), next(iter(expected)))
        raise SchemaError(
            f"The feature {feature.name!r} gives other columns {when}, e.g. {other[1]!r} at site {other[0]!r}.",
            "Names must be the same, in the same order, for any origins.",
            "Let names depend on the weather's variables only, not on values.",
        )
    for (site, name), values in expected.items():
        computed = found[(site, name)]
        # Steps are the union over origins: alone, a short day has fewer.
        width = min(values.shape[1], computed.shape[1])
        if not np.array_equal(values[:, :width], computed[:, :width], equal_nan=True):
            raise LeakageError(
                f"The feature {feature.name!r} gives another column {name!r} at site {site!r} {when}.",
                f"A column must depend {depends}.",
                "Compute each origin from its own row of the snapshot, without means over origins, archives or chance.",
            )


def _same_features(original: DesignMatrix, alone: DesignMatrix, k: int, origin: pd.Timestamp) -> None:
    rows = original.origin == k
    for site, frame in original.columns.items():
        expected = frame[rows].to_numpy()
        found = alone.columns[site].to_numpy()
        same = (
            (expected == found) | (np.isnan(expected) & np.isnan(found))
            if expected.shape == found.shape
            else None
        )
        if same is None or not same.all():
            column = (
                "the rows" if same is None else repr(frame.columns[int(np.flatnonzero(~same.all(axis=0))[0])])
            )
            raise LeakageError(
                f"At site {site!r}, {column} of the origin {origin} changes when data not known then is destroyed.",
                "A feature must use weather that had arrived and observations that were published by the issue time.",
                "Compute it from the snapshot alone, and check available_time and published_after.",
            )
