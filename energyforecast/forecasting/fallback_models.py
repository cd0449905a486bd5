"""Fallback models: fitted with the full one, asked where its inputs are late or missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.fallback import OLDER_RUN
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import ValidatedWeather, Weather, is_analysis
from energyforecast.core.wording import counted
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.forecasting.fallback_plans import FallbackPlan, fallback_plans
from energyforecast.forecasting.matrix_joins import join_origins
from energyforecast.forecasting.specification import Specification
from energyforecast.models import SelectedModel

__all__ = ["FallbackModel", "fit_fallbacks", "replaced"]

Array = npt.NDArray[Any]


class FallbackModel(NamedTuple):
    """A forecaster of fewer inputs, or of later ones, with its plan."""

    plan: FallbackPlan
    forecaster: Any

    def predict(
        self,
        weather: Weather,
        observations: Observations | None,
        issued: Sequence[Any],
        given: Mapping[str, Any],
    ) -> Forecast:
        """Forecast of its sites; its own levels say where it had its inputs."""
        forecast: Forecast = self.forecaster.predict(
            self.plan.weather(weather), observations, issue_time=issued, strict=False, **given
        )
        return forecast


def fit_fallbacks(
    forecaster: Any, weather: ValidatedWeather, observations: Observations, *, as_of: pd.Timestamp | None
) -> None:
    """Give a fitted forecaster its fallback models, and its summary on how many origins each was fitted."""
    fitted, said = [], {}
    for plan in fallback_plans(forecaster, weather):
        try:
            model = _fit(forecaster, plan, weather, observations, as_of)
        except (MissingDataError, SchemaError) as error:
            said[plan.name] = f"not fitted: {str(error).splitlines()[0]}"
            continue
        fitted.append(FallbackModel(plan, model))
        said[plan.name] = f"fitted on {counted(model.training_.origins, 'origin')}"
    forecaster.fallbacks_ = tuple(fitted)
    forecaster.training_ = replace(forecaster.training_, fallbacks=said)


def _fit(
    forecaster: Specification,
    plan: FallbackPlan,
    weather: ValidatedWeather,
    observations: Observations,
    as_of: pd.Timestamp | None,
) -> Any:
    """Forecaster of a plan, fitted on issues each of which has one of its delays."""
    sites = [site for site in forecaster.sites if site.name in plan.features_of]
    models = {site.name: forecaster.model_of[site.name] for site in sites}
    model: Any = type(forecaster)(
        sites,
        forecaster.task,
        features=plan.features_of,
        model={name: "auto" if isinstance(kind, SelectedModel) else kind for name, kind in models.items()},
        perfect_weather=forecaster.perfect_weather,
        pooled=forecaster.pooled and len(sites) == len(forecaster.sites),
        neighbours=[
            *(site for site in forecaster.sites if site.name not in plan.features_of),
            *forecaster.neighbours,
        ],
        trust_clock=True,  # it was checked before
    )
    chosen = ValidatedWeather(plan.weather(weather) or {}, weather.sites)
    issued = model.training_origins(chosen, observations, as_of=as_of)
    drawn = np.random.default_rng(0).integers(len(plan.delays), size=len(issued))
    parts = [
        model.design_matrix(_later(chosen, runs), _published_later(observations, values), issued[drawn == k])
        for k, (runs, values) in enumerate(plan.delays)
        if (drawn == k).any()
    ]
    matrix = join_origins(parts, forecaster.task.windows(issued))
    return model.fit_matrix(matrix, observations, needs=model.needs(chosen), as_of=as_of)


def _later(weather: ValidatedWeather, hours: int) -> ValidatedWeather:
    """Weather of which every run arrives some hours later."""
    if not hours:
        return weather
    delay = np.timedelta64(hours, "h")
    models = {
        name: data if is_analysis(data) else data.assign_coords(available_time=data["available_time"] + delay)
        for name, data in weather.models.items()
    }
    return ValidatedWeather(models, weather.sites)


def _published_later(observations: Observations, hours: int) -> Observations:
    """Observations of which every value is published some hours later."""
    if not hours:
        return observations
    delay = pd.Timedelta(hours=hours)
    if observations.published_time is None:
        return replace(observations, published_after=observations.published_after + delay)
    return replace(observations, published_time=observations.published_time + delay)


def replaced(
    forecast: Forecast,
    fallbacks: Sequence[FallbackModel],
    weather: Weather,
    observations: Observations | None,
    *,
    given: Mapping[str, Any],
) -> Forecast:
    """Forecast in which the first fallback model that has its inputs answers, where the full model lacks some.

    A fallback is never asked where the full model answers on a better level.
    """
    data = forecast.data.copy(deep=True)
    level = data["fallback_level"].values.copy()
    run = data["weather_init_time"].values.copy()
    pending = level > 0
    used: list[str] = []
    for fallback in fallbacks:
        places = [k for k, site in enumerate(forecast.sites) if site in fallback.plan.features_of]
        wanted = np.zeros_like(pending)
        wanted[places] = pending[places] & (level[places] >= fallback.plan.level)
        issues = np.flatnonzero(wanted.any(axis=0))
        if not issues.size:
            continue
        moments = timestamps.to_index(data["issue_time"].values[issues])
        made = fallback.predict(weather, observations, moments, given).data
        made = made.reindex(lead_time=data["lead_time"].values)
        for site in made["site"].values:
            k = forecast.sites.index(str(site))
            one = made.sel(site=site)
            answers = wanted[k, issues] & (one["fallback_level"].values <= OLDER_RUN)
            at = issues[answers]
            data.values[k, at] = one.values[answers]
            level[k, at], run[k, at] = fallback.plan.level, one["weather_init_time"].values[answers]
            pending[k, at] = False
            used += [_caveat(str(site), fallback.plan.name, len(at), forecast)] if at.size else []
    return _marked(data, level, run, used)


def _caveat(site: str, name: str, count: int, forecast: Forecast) -> str:
    """Caveat of a site that a fallback model answers."""
    issues = len(forecast.issue_times)
    return f"fallback model '{name}' for {site}" + (f" at {count} of {issues} issues" if issues > 1 else "")


def _marked(data: xr.DataArray, level: Array, run: Array, used: Sequence[str]) -> Forecast:
    """A forecast with its levels, runs and caveats."""
    axes = ("site", "issue_time")
    data = data.assign_coords(fallback_level=(axes, level), weather_init_time=(axes, run))
    caveats = "; ".join(filter(None, [data.attrs.get("caveats", ""), *used]))
    return Forecast(data.assign_attrs(caveats=caveats))
