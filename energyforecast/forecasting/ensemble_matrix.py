"""Design matrices over past years' temperatures: measured to learn from, an ensemble at each issue time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.features import Needs
from energyforecast.forecasting.defaults import Recipe
from energyforecast.forecasting.design_matrix import (
    DesignMatrix,
    build_design_matrix,
    joint_needs,
    merge_sites,
    of_origins,
)
from energyforecast.forecasting.matrix_joins import join_origins
from energyforecast.weather import TemperatureEnsemble

__all__ = ["ensemble_matrix", "measured_matrix"]

#: A run ends so long after the window, for means over its last interval.
_AFTER: Final = pd.Timedelta("3h")
#: A run begins so long before the margin of the features.
_BEFORE: Final = pd.Timedelta("24h")


def ensemble_matrix(
    weather: TemperatureEnsemble,
    observations: Observations | None,
    windows: Windows,
    *,
    recipes: Sequence[Recipe],
) -> DesignMatrix:
    """Features of issue times, each over the temperature scenarios that were known at it."""
    if not len(windows.issue_time):
        raise SchemaError(
            "Features are asked for without an issue time.",
            "Past years' temperatures give an ensemble for each issue; training has none of its own.",
            "Use fit(..., as_of=...), predict or backtest.",
        )
    lookback = _needs(weather, recipes).margin + _BEFORE
    each = [of_origins(windows, slice(k, k + 1)) for k in range(len(windows.issue_time))]

    def of_window(window: Windows, recipe: Recipe, site: Site) -> DesignMatrix:
        try:
            run = _run(weather, observations, window, site, lookback)
        except MissingDataError as refusal:
            # Without a past year there is no scenario: the origin has no usable weather, as without a run.
            none = weather.models[""].isel(site=[0]).assign_coords(site=[site.name])
            return replace(_of_site(none, observations, window, recipe, site), refusal=refusal)
        return _of_site(run, observations, window, recipe, site)

    def of_site(recipe: Recipe, site: Site) -> DesignMatrix:
        return join_origins([of_window(window, recipe, site) for window in each], windows)

    merged = _merged(of_site, recipes, windows)
    if observations is None:
        return merged
    return replace(merged, measured=partial(measured_matrix, weather, observations, recipes=recipes))


def _run(
    weather: TemperatureEnsemble,
    observations: Observations | None,
    window: Windows,
    site: Site,
    lookback: pd.Timedelta,
) -> xr.Dataset:
    """Ensemble run of one issue time for a site."""
    last = window.valid_time[window.inside].max()
    return weather.run(
        site.name,
        observations,
        issue_time=timestamps.to_index(window.issue_time)[0],
        horizon=pd.Timedelta(last - window.issue_time[0]) + _AFTER,
        lookback=lookback,
    )


def measured_matrix(
    weather: TemperatureEnsemble,
    observations: Observations,
    as_of: pd.Timestamp | None = None,
    *,
    recipes: Sequence[Recipe],
) -> DesignMatrix:
    """Features of all hours with known demand on their measured temperature, as one long window."""
    _needs(weather, recipes)
    window = _known_hours(observations, [site.name for recipe in recipes for site in recipe.sites], as_of)

    def of_site(recipe: Recipe, site: Site) -> DesignMatrix:
        known = weather.known(site.name, observations, as_of=as_of)
        part = _of_site(known, observations, window, recipe, site)
        # Hours without temperature are left out one by one, by the model.
        return replace(part, usable_at={site.name: np.ones(1, dtype=bool)})

    return _merged(of_site, recipes, window)


def _known_hours(observations: Observations, sites: Sequence[str], as_of: pd.Timestamp | None) -> Windows:
    """Window from the first hour with known demand to the last."""
    index = observations.index if as_of is None else observations.index[observations.index < as_of]
    valid = timestamps.to_ns(index)
    known = [np.isfinite(observations.value_at(site, valid, as_of=as_of)) for site in sites]
    span = np.flatnonzero(np.logical_or.reduce(known))
    if not span.size:
        raise MissingDataError(
            f"No demand of {', '.join(map(repr, sites))} was published"
            + ("." if as_of is None else f" by {as_of}."),
            "A response is learnt from past demand.",
            "Give a longer history, or a later as_of.",
        )
    issue = index[-1] + observations.frequency if as_of is None else as_of
    chosen = valid[span[0] : span[-1] + 1][None, :]
    return Windows(
        issue_time=timestamps.to_ns([issue]),
        valid_time=chosen,
        inside=np.ones(chosen.shape, dtype=bool),
        frequency=observations.frequency,
    )


def _needs(weather: TemperatureEnsemble, recipes: Sequence[Recipe]) -> Needs:
    """Needs of the features; lags are refused: in training they would be younger than in a forecast."""
    needs = joint_needs(recipes, weather)
    if needs.history:
        raise SchemaError(
            f"Features ask for lagged observations ({needs.history[0].lag}) with past years' temperatures.",
            "A response is learnt from measured hours, where every lag was known; weeks ahead none is.",
            "Use model=DemandResponse(), or give features=... of the calendar and the temperature.",
        )
    return needs


def _of_site(
    weather: xr.Dataset, observations: Observations | None, windows: Windows, recipe: Recipe, site: Site
) -> DesignMatrix:
    """Rows of one site."""
    alone = recipe._replace(sites=(site,))
    return build_design_matrix(weather, observations, windows, sites=(site,), recipes=(alone,))


def _merged(of_site: Any, recipes: Sequence[Recipe], windows: Windows) -> DesignMatrix:
    """One matrix of the sites of all recipes."""
    pairs = [(recipe, site) for recipe in recipes for site in recipe.sites]
    return merge_sites([of_site(*pair) for pair in pairs], windows, [site for _, site in pairs])
