"""Forecasts of all kinds of sites for a plan, and hindcasts from which dependence is estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import check_types
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import Kind
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError, RangeError
from energyforecast.forecasting.checks import check_issue_times
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["PLANNED", "PortfolioForecast", "forecast_portfolio", "weather_of"]

#: Kinds of sites that can be planned.
PLANNED: Final[tuple[Kind, ...]] = ("demand", "wind", "solar")


@dataclass(frozen=True, eq=False)
class PortfolioForecast:
    """Forecasts by kind of site.

    Parameters
    ----------
    ahead : dict of Forecast
        Forecasts of the issues that are planned.
    past : dict of Forecast
        Hindcasts of the issues before them, by models fitted without their outcomes; empty if not requested.

    See Also
    --------
    forecast_portfolio : Makes it.

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
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    issue_times: Any,
    learn: Any = None,
    jobs: int = 1,
) -> PortfolioForecast:
    """Fit on data known at the first issue, once for each kind of site, and forecast.

    Parameters
    ----------
    forecaster : Forecaster
        Sites of one or several kinds, with their task, features and models; it is not fitted itself.
    weather : Dataset or mapping of Dataset
        Weather of all sites; a variable that is empty at all sites of a kind is not required for them.
    observations : Observations
        Measured power and demand. [MW]
    issue_times : moment or sequence of moments
        Strings are wall time in the task's zone.
    learn : str or timedelta, optional
        Period before the first issue of which hindcasts are made, by models fitted before it.
    jobs : int
        Number of processes.

    Returns
    -------
    PortfolioForecast
        An issue without usable weather is answered by climatology; its ``fallback_level`` and a caveat
        mark it.

    Raises
    ------
    MissingDataError
        If there is no outcome to learn from.

    See Also
    --------
    energyforecast.planning.plan_day : Plan of a day from these forecasts.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> forecaster = ef.Forecaster(site, task, model=ef.Climatology(), perfect_weather=True)
    >>> forecast_portfolio(forecaster, weather, power, issue_times="2015-03-15 09:00").sites
    {'wind': ('La Haute Borne',)}
    """
    check_types(locals(), of=forecast_portfolio)
    from joblib import Parallel, delayed

    issues = timestamps.to_index(forecaster.task.moments(issue_times))
    check_issue_times(timestamps.to_ns(issues))
    if jobs == 0:
        raise RangeError("jobs is 0.", "It must be a number of processes, or -1 for all.", "Leave it out.")
    work = []
    for kind, part in _by_kind(forecaster).items():
        names = [site.name for site in part.sites]
        known = (weather_of(weather, names), observations[names])
        work.append((kind, "ahead", part, known, issues))
        if learn is not None:
            past = _before(forecaster.task, issues[0], learn)
            check_issue_times(timestamps.to_ns(past))
            work.append((kind, "past", part, known, past))
    # The longest first: demand has several sites, so the other process takes the plants.
    results = Parallel(n_jobs=min(jobs, len(work)))(delayed(_forecast)(*item[2:]) for item in work)
    forecasts: dict[str, dict[str, Forecast]] = {"ahead": {}, "past": {}}
    for (kind, when, *_), forecast in zip(work, results, strict=True):
        forecasts[when][kind] = forecast
    return PortfolioForecast(**forecasts)


def _before(task: Task, issue: pd.Timestamp, learn: Any) -> pd.DatetimeIndex:
    """The issues so long before one, without that itself."""
    first = issue - timestamps.duration(learn)
    past = task.issue_times(first, issue)
    return past[past < issue]


def _by_kind(forecaster: Forecaster) -> dict[str, Forecaster]:
    """Forecasters of the sites of each kind, with their features and models."""
    kinds = {kind: [site for site in forecaster.sites if site.kind == kind] for kind in PLANNED}
    return {
        kind: Forecaster(
            sites,
            forecaster.task,
            features={site.name: forecaster.features_of[site.name] for site in sites},
            model={site.name: forecaster.model_of[site.name] for site in sites},
            perfect_weather=forecaster.perfect_weather,
            pooled=forecaster.pooled,
            neighbours=forecaster.neighbours,
            trust_clock=forecaster.trust_clock,
        )
        for kind, sites in kinds.items()
        if sites
    }


def _forecast(
    forecaster: Forecaster, known: tuple[Weather, Observations], issues: pd.DatetimeIndex
) -> Forecast:
    """Forecasts of one kind of site, fitted as of the first issue."""
    weather, observations = known
    fitted = forecaster.fit(weather, observations, as_of=issues[0], missing="drop")
    return _with_caveat(fitted.predict(weather, observations, issue_time=issues, strict=False))


def _with_caveat(forecast: Forecast) -> Forecast:
    """Mark where weather was missing: a plan made from climatology looks like any other."""
    level = forecast.data["fallback_level"]
    if not (level >= CLIMATOLOGY).any():
        return forecast
    count, total = int((level >= CLIMATOLOGY).any("site").sum()), len(forecast.issue_times)
    caveat = f"no weather: climatology in place of a forecast ({count} of {total} issues)"
    data = forecast.data.copy()
    data.attrs["caveats"] = "; ".join([*forecast.caveats, caveat])
    return Forecast(data)


def weather_of(weather: Weather, names: Sequence[str]) -> Weather:
    """Weather of some sites, without variables that are empty at all of them."""
    if isinstance(weather, xr.Dataset):
        return _filled(weather, names)
    return {model: _filled(dataset, names) for model, dataset in weather_schema.as_models(weather).items()}


def _filled(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Sites of a dataset by name, without the variables that they all lack."""
    places = list(dataset["site"].values) if "site" in dataset.coords else []
    absent = [name for name in names if name not in places]
    if absent:
        raise MissingDataError(
            f"The weather has no site {absent[0]!r}.",
            f"It has {list(map(str, places))}.",
            "Fetch it for all sites that are planned.",
        )
    chosen = dataset.sel(site=list(names))
    empty = [name for name, values in chosen.data_vars.items() if not bool(values.notnull().any())]
    return chosen.drop_vars(empty)
