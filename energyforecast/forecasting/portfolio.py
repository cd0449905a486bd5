"""Forecasts of all kinds of sites for a plan, and past ones out of sample, from which dependence is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Kind, Site
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import QuantileModel

__all__ = ["PLANNED", "PortfolioForecast", "forecast_portfolio", "weather_of"]

#: Kinds of sites that can be planned.
PLANNED: Final[tuple[Kind, ...]] = ("demand", "wind", "solar")


@dataclass(frozen=True, eq=False)
class PortfolioForecast:
    """Forecasts by kind of site.

    Parameters
    ----------
    ahead : dict of Forecast
        Of the issues that are planned.
    past : dict of Forecast
        Of the issues before them, by models that had not seen their outcomes; empty where none were asked for.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> PortfolioForecast({"wind": example_forecast()}, {}).sites
    {'wind': ('farm',)}
    """

    ahead: dict[str, Forecast]
    past: dict[str, Forecast]

    @property
    def sites(self) -> dict[str, tuple[str, ...]]:
        """Names of the sites of each kind."""
        return {kind: forecast.sites for kind, forecast in self.ahead.items()}


def forecast_portfolio(
    sites: Sequence[Site],
    task: Task,
    weather: Weather,
    observations: Observations,
    *,
    issue_times: Any,
    learn: Any = None,
    model: QuantileModel | Mapping[str, QuantileModel] | None = None,
    perfect_weather: bool = False,
    jobs: int = 1,
) -> PortfolioForecast:
    """Fit on data known at the first issue, once for each kind of site, and forecast.

    Parameters
    ----------
    sites : sequence of Site
    task : Task
    weather : Dataset or mapping of Dataset
        Of all sites; a variable that is empty at all sites of a kind is not looked at for them.
    observations : Observations
    issue_times : moment or sequence of moments
        Strings are wall time in the task's zone.
    learn : str or timedelta, optional
        Forecast also the issues so long before the first, by models that were fitted before them.
    model : QuantileModel or mapping of QuantileModel, optional
        One for all, or by name of site; the default of each kind by default.
    perfect_weather : bool
    jobs : int
        Processes.

    Returns
    -------
    PortfolioForecast
        An issue without usable weather is answered by climatology; its ``fallback_level`` and a caveat say so.

    Raises
    ------
    MissingDataError
        If nothing was known to learn from.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> forecast_portfolio(
    ...     [site],
    ...     task,
    ...     weather,
    ...     power,
    ...     issue_times="2015-03-15 09:00",
    ...     model=ef.Climatology(),
    ...     perfect_weather=True,
    ... ).sites
    {'wind': ('La Haute Borne',)}
    """
    from joblib import Parallel, delayed

    issues = _moments(issue_times, task)
    work = []
    for kind, several in _by_kind(sites).items():
        names = [site.name for site in several]
        chosen = {name: model[name] for name in names} if isinstance(model, Mapping) else model
        forecaster = Forecaster(several, task, model=chosen, perfect_weather=perfect_weather)
        known = (weather_of(weather, names), observations[names])
        work.append((kind, "ahead", forecaster, known, issues))
        if learn is not None:
            work.append((kind, "past", forecaster, known, _before(task, issues[0], learn)))
    # The longest first: demand has several sites, so the other process takes the plants.
    made = Parallel(n_jobs=min(jobs, len(work)))(delayed(_forecast)(*item[2:]) for item in work)
    found: dict[str, dict[str, Forecast]] = {"ahead": {}, "past": {}}
    for (kind, when, *_), forecast in zip(work, made, strict=True):
        found[when][kind] = forecast
    return PortfolioForecast(**found)


def _moments(issue_times: Any, task: Task) -> pd.DatetimeIndex:
    several = [issue_times] if isinstance(issue_times, str) or np.ndim(issue_times) == 0 else issue_times
    return timestamps.to_index([timestamps.instant(moment, timezone=task.timezone) for moment in several])


def _before(task: Task, issue: pd.Timestamp, learn: Any) -> pd.DatetimeIndex:
    """The issues so long before one, without that itself."""
    first = issue - timestamps.duration(learn)
    past = task.issue_times(first, issue)
    return past[past < issue]


def _by_kind(sites: Sequence[Site]) -> dict[str, list[Site]]:
    found = {kind: [site for site in sites if site.kind == kind] for kind in PLANNED}
    return {kind: several for kind, several in found.items() if several}


def _forecast(
    forecaster: Forecaster, known: tuple[Weather, Observations], issues: pd.DatetimeIndex
) -> Forecast:
    weather, observations = known
    fitted = forecaster.fit(weather, observations, as_of=issues[0], missing="drop")
    return _with_caveat(fitted.predict(weather, observations, issue_time=issues, strict=False))


def _with_caveat(forecast: Forecast) -> Forecast:
    """Say where weather was missing: a plan made from climatology looks like any other."""
    level = forecast.data["fallback_level"]
    if not (level >= CLIMATOLOGY).any():
        return forecast
    count, total = int((level >= CLIMATOLOGY).any("site").sum()), len(forecast.issue_times)
    said = f"no weather: climatology in place of a forecast ({count} of {total} issues)"
    data = forecast.data.copy()
    data.attrs["caveats"] = "; ".join([*forecast.caveats, said])
    return Forecast(data)


def weather_of(weather: Weather, names: Sequence[str]) -> Weather:
    """The weather of some sites, without variables that are empty at all of them.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> list(weather_of(example_weather(), ["farm"]).data_vars)
    ['wind_speed_100m']
    """
    if isinstance(weather, xr.Dataset):
        return _filled(weather, names)
    return {model: _filled(dataset, names) for model, dataset in weather_schema.as_models(weather).items()}


def _filled(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    absent = [name for name in names if name not in dataset["site"].values]
    if absent:
        raise MissingDataError(
            f"The weather has no site {absent[0]!r}.",
            f"It has {[str(name) for name in dataset['site'].values]}.",
            "Fetch it for all sites that are planned.",
        )
    here = dataset.sel(site=list(names))
    empty = [name for name, values in here.data_vars.items() if not bool(values.notnull().any())]
    return here.drop_vars(empty)
