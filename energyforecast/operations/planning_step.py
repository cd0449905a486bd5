"""Plan of a run, from the forecast that is issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.errors import ConfigurationError
from energyforecast.forecasting.portfolio import PLANNED, PortfolioForecast, forecast_portfolio
from energyforecast.operations.inputs import Inputs

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration
    from energyforecast.planning import DayPlan

__all__ = ["make_plan"]


def make_plan(
    settings: Configuration, forecast: Forecast, inputs: Inputs, *, moment: pd.Timestamp
) -> DayPlan:
    """Plan of the hours of an issued forecast, by the terms of the configuration.

    Parameters
    ----------
    settings : Configuration
        With a section [plan].
    forecast : Forecast
        Of one issue.
    inputs : Inputs
        From which the dependence of errors is learnt, if the terms ask for it.
    moment : Timestamp
        Issue time in UTC.
    """
    from energyforecast.planning import plan_day

    terms = settings.plan
    if terms is None:
        raise ConfigurationError(
            f"{settings.path} has no section [plan].", "A plan must have terms.", "See docs/howto/plan.md."
        )
    terms.kinds(settings.sites)
    past = {} if terms.dependence != "gaussian" else _past(settings, inputs, moment, learn=terms.learn)
    return plan_day(terms, PortfolioForecast(_by_kind(forecast), past), inputs.observations)


def _by_kind(forecast: Forecast) -> dict[str, Forecast]:
    """Parts of a forecast by kind of site."""
    kinds = forecast.kinds
    names = {kind: [name for name in forecast.sites if kinds[name] == kind] for kind in PLANNED}
    return {kind: Forecast(forecast.data.sel(site=some)) for kind, some in names.items() if some}


def _past(
    settings: Configuration, inputs: Inputs, moment: pd.Timestamp, *, learn: Any
) -> dict[str, Forecast]:
    """Hindcasts of the issues before, by models that were fitted without their outcomes."""
    observations = inputs.observations
    if observations is None:
        return {}
    first = moment - timestamps.duration(learn)
    issues = settings.task.issue_times(first, moment)
    made = forecast_portfolio(
        settings.forecaster(), inputs.weather, observations, issue_times=issues[issues < moment]
    )
    return made.ahead
