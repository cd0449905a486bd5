"""Check for leakage of a whole pipeline: all that is done with data before and after a forecaster."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather
from energyforecast.core.wording import minute
from energyforecast.errors import LeakageError, of_type
from energyforecast.testing.leakage import same_forecasts
from energyforecast.testing.noise import poison_observations, poison_weather

__all__ = ["Pipeline", "check_pipeline"]

#: Makes a forecast of weather, observations and an issue time.
Pipeline: TypeAlias = Callable[[Any, Any, Any], Forecast]


@checked(seed=(0, inf))
def check_pipeline(
    pipeline: Pipeline, weather: Weather, observations: Observations, *, issue_time: Any, seed: int = 0
) -> None:
    """Check that a pipeline, with all its preparation of data, makes its forecast from data known at its issue time.

    The pipeline is called twice: with the data as given, and with noise in place of all that was not known at the
    issue time. Its forecasts must be identical to the bit. Whatever the pipeline does with the data is tested:
    quality flags, smoothing, capacities and power curves estimated from the record, statistics of the outcome, and the
    choice of features, models and settings.

    Parameters
    ----------
    pipeline : callable
        ``pipeline(weather, observations, issue_time)`` returns a :class:`energyforecast.Forecast`. It must take the
        data from its arguments: data that it reads from files or holds itself is not replaced by noise. It must repeat
        itself: settings of random numbers must be fixed.
    weather : Dataset or mapping of Dataset
        With runs after the issue time. An analysis is not changed.
    observations : Observations
        As they were read, before any preparation, with outcomes after the issue time.
    issue_time : str or moment
        Strings are in UTC.
    seed : int
        Of the noise.

    Raises
    ------
    LeakageError
        If the forecasts differ, or the model was fitted on later data.
    SchemaError
        If the pipeline returns no forecast.

    See Also
    --------
    check_no_leakage : The same for a forecaster, with its features at several issue times.
    check_known_then, check_shifted_world

    Examples
    --------
    Smoothing by a centred mean takes the hours after the issue time into those before it:

    >>> import energyforecast as ef
    >>> from dataclasses import replace
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> def smoothed(weather, power, issue_time):
    ...     power = replace(power, values=power.values.rolling(5, center=True).mean())
    ...     forecaster = ef.Forecaster(site, task, model=ef.Persistence(), perfect_weather=True)
    ...     forecaster.fit(weather, power, as_of=issue_time)
    ...     return forecaster.predict(weather, power, issue_time=issue_time)
    >>> check_pipeline(  # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     smoothed, weather, power["2014-01":"2014-06"], issue_time="2014-06-10 07:00"
    ... )
    Traceback (most recent call last):
        ...
    energyforecast.errors.LeakageError: ...
    """
    moment = timestamps.instant(issue_time)
    before = _made(pipeline, weather, observations, moment)
    spoilt: tuple[Any, Any] = (
        poison_weather(weather, moment, seed=seed),
        poison_observations(observations, moment, seed=seed),
    )
    same_forecasts(before, _made(pipeline, *spoilt, moment), words="by the pipeline")


def _made(pipeline: Pipeline, weather: Any, observations: Any, moment: Any) -> Forecast:
    """Forecast of a pipeline, refused if it is none, or of a model that was fitted later."""
    forecast = pipeline(weather, observations, moment)
    of_type(
        "The result of the pipeline", forecast, expected=Forecast, remedy="Return forecaster.predict(...)."
    )
    fitted = str(forecast.data.attrs.get("fitted_as_of", ""))
    first = forecast.issue_times[0]
    if fitted and timestamps.instant(fitted) > first:
        raise LeakageError(
            f"The forecast issued at {minute(timestamps.to_ns([first])[0])} UTC is of a model that was fitted on data "
            f"known at {fitted} UTC.",
            "A model must be fitted on data known at the issue time of its forecasts.",
            "Fit it as of the issue time: fit(..., as_of=issue_time).",
        )
    return forecast
