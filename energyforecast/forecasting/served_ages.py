"""Ages of weather runs and measurements at an issue, compared with those from which a forecaster has learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.ladder import AGE_SLACK

__all__ = ["ages_at", "caveats_of_served_ages"]


def ages_at(
    forecaster: Forecaster, weather: Weather, observations: Observations | None, *, issue_time: Any
) -> dict[str, float]:
    """Age of the run that each weather model would serve at an issue, the oldest of its sites. [h]

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    weather : Dataset, mapping of Dataset or ValidatedWeather
    observations : Observations, optional
    issue_time : str or moment

    See Also
    --------
    caveats_of_served_ages

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster, example_weather
    >>> ages_at(example_forecaster(), example_weather(), None, issue_time="2024-01-01 09:00")  # climatology reads none
    {}
    """
    issued = forecaster.task.moments(issue_time)
    try:
        matrix = forecaster.design_matrix(weather, observations, issued)
    except (MissingDataError, SchemaError):  # the forecast itself answers from the ladder, and says so
        return {}
    found: dict[str, float] = {}
    for model, site in matrix.skipped:
        age = float(np.nanmax(matrix.weather_age(model, site), initial=-np.inf))
        if np.isfinite(age):
            found[model] = max(age, found.get(model, age))
    return found


def caveats_of_served_ages(
    forecaster: Forecaster, served: Mapping[str, float], *, moment: str
) -> tuple[str, ...]:
    """Caveats of weather models of which the served run is younger or older than in training, with the remedy.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    served : mapping of float
        From :func:`ages_at`. [h]
    moment : str
        Of the issue, in words.

    Returns
    -------
    tuple of str
        Ages within two hours of those of training, as after a clock change, have none.

    See Also
    --------
    ages_at

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> caveats_of_served_ages(example_forecaster(), {}, moment="09:00")
    ()
    """
    training, found = forecaster.training_, []
    for model, age in served.items():
        of_model = f" of {model}" if model else ""
        newest = training.newest_weather.get(model, age)
        usual = training.usual_weather.get(model, age)
        if age < newest - AGE_SLACK:
            found.append(
                f"training saw weather runs{of_model} {newest:,.0f} h old, and at {moment} one of {age:,.0f} h is "
                "served: the intervals are those of older runs, and the backtest is too pessimistic. The runs arrive "
                "after the issue time of the task: fetch before it, or issue later"
            )
        elif age > usual + AGE_SLACK:
            found.append(
                f"training saw weather runs{of_model} {usual:,.0f} h old, and at {moment} one of {age:,.0f} h is "
                "served: forecasts are on a lower level of the ladder, and the backtest is too optimistic. The archive "
                "holds runs as if they had arrived earlier than they do: fetch more often, or issue later"
            )
    return tuple(found)
