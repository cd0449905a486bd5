"""Forecast of a run: by the model in service, by one that is fitted now, or without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from energyforecast.core.files import without_secrets
from energyforecast.core.forecast import Forecast
from energyforecast.errors import EnergyForecastError
from energyforecast.forecasting import agreement
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.operations.inputs import Inputs
from energyforecast.operations.last_resort import reference_forecast

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration

__all__ = ["Issued", "in_words", "issue"]


@dataclass(frozen=True)
class Issued:
    """Forecast of a run, the forecaster that made it, the ways that were tried before, and it before adaptation."""

    forecast: Forecast
    forecaster: Forecaster | None
    way: str
    refused: tuple[str, ...] = ()
    before: Forecast | None = None

    @property
    def by(self) -> str:
        """Way to the forecast as messages have it, like ``"By a new model"``."""
        article = {"model": "the ", "new": "a "}.get(self.way.partition(" ")[0], "")
        return f"By {article}{self.way}"


def in_words(error: Exception) -> str:
    """An error in one line, without keys."""
    found = error.found if isinstance(error, EnergyForecastError) else f"{type(error).__name__}: {error}"
    return without_secrets(" ".join(found.split()))


def issue(
    settings: Configuration,
    inputs: Inputs,
    *,
    moment: pd.Timestamp,
    in_service: Callable[[], Forecaster] | None,
    everything: Callable[[], Inputs] | None = None,
) -> Issued:
    """Forecast of the sites of a configuration: the best that its data allow, never an error of them.

    Parameters
    ----------
    settings : Configuration
    inputs : Inputs
    moment : Timestamp
        Issue time in UTC.
    in_service : callable, optional
        Loads the forecaster in service.
    everything : callable, optional
        Inputs from which a model can be fitted; `inputs` by default.

    Raises
    ------
    MissingDataError
        If nothing is known of any site.
    """
    refused: list[str] = []
    learnt = (lambda: inputs) if everything is None else everything
    for way, makes in _ways(settings, inputs, learnt, moment=moment, in_service=in_service):
        try:
            forecast, forecaster = makes()
        except Exception as error:  # noqa: BLE001  (whatever stops one way, the next one answers)
            refused.append(f"{way}: {in_words(error)}")
            continue
        return Issued(forecast, forecaster, way, tuple(refused))
    forecast = reference_forecast(settings.sites, settings.task, inputs.observations, issue_time=moment)
    return Issued(forecast, None, "reference forecasts", tuple(refused))


def _ways(
    settings: Configuration,
    inputs: Inputs,
    everything: Callable[[], Inputs],
    *,
    moment: pd.Timestamp,
    in_service: Callable[[], Forecaster] | None,
) -> Iterator[tuple[str, Callable[[], tuple[Forecast, Forecaster]]]]:
    """Ways to a forecast, the best first."""
    loaded: list[Forecaster] = []
    if in_service is not None:
        yield (
            "model in service",
            lambda: _by(_agreeing(in_service(), settings, moment, loaded), inputs, moment),
        )
    if loaded:
        for name, fewer in _fewer(inputs):
            yield f"model in service {name}", lambda fewer=fewer: _by(loaded[0], fewer, moment)  # type: ignore[misc]
    for fallbacks in (True, False):
        name = "new model" if fallbacks else "new model without fallback models"
        yield name, lambda fallbacks=fallbacks: _fit(settings, everything(), moment, fallbacks)  # type: ignore[misc]


def _agreeing(
    forecaster: Forecaster, settings: Configuration, moment: pd.Timestamp, loaded: list[Forecaster]
) -> Forecaster:
    """The forecaster in service, if it is of this configuration and was fitted before the issue."""
    wanted = settings.forecaster()
    agreement.refuse_other_settings(forecaster, wanted, model=settings.model is not None, name="The model")
    agreement.refuse_later_fit(forecaster, settings.task.moments(moment), name="The model in service")
    loaded.append(forecaster)
    return forecaster


def _fewer(inputs: Inputs) -> Iterator[tuple[str, Inputs]]:
    """The inputs without those that may be at fault."""
    if inputs.observations is not None:
        yield "without measurements", Inputs(inputs.weather, None)
    if inputs.weather is not None:
        yield "without weather", Inputs(None, inputs.observations)
        yield "without weather and measurements", Inputs(None, None)


def _by(forecaster: Forecaster, inputs: Inputs, moment: pd.Timestamp) -> tuple[Forecast, Forecaster]:
    given: Any = {"issue_time": moment, "strict": False}
    return forecaster.predict(inputs.weather, inputs.observations, **given), forecaster


def _fit(
    settings: Configuration, inputs: Inputs, moment: pd.Timestamp, fallbacks: bool
) -> tuple[Forecast, Forecaster]:
    """Forecast by a forecaster fitted on all that is known."""
    learnt: Any = {"as_of": moment, "missing": "drop", "fallbacks": fallbacks}
    fitted = settings.forecaster().fit(inputs.weather, inputs.observations, **learnt)
    return _by(fitted, inputs, moment)
