"""Backtests of ``energyforecast demo``: forecasters with their references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from energyforecast import datasets
from energyforecast.core.available_capacity import AvailableCapacity
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import Task, day_ahead
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import ConfigurationError
from energyforecast.evaluation import Execution, Result, Splits, backtest
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.specification import name_of_model
from energyforecast.models import (
    Climatology,
    Persistence,
    PowerCurveReference,
    QuantileModel,
    SameTypeDay,
    SeasonalNaive,
    SmartPersistence,
)

__all__ = ["ReferenceBacktest", "demo_backtests", "references"]

_SPLITS, _EXECUTION = Splits(), Execution()
#: On the day before, local time: an assumption, since no deadline is published.
ASSUMED_GATE_CLOSURE = "08:00"


@dataclass(frozen=True)
class ReferenceBacktest:
    """A forecaster with its references, and the period of its backtest; an empty name where there is one."""

    name: str
    forecaster: Forecaster
    weather: Weather
    observations: Observations
    start: str
    end: str
    refit: str | int = "MS"
    notes: tuple[str, ...] = ()
    splits: Splits = _SPLITS
    missing: Literal["error", "drop"] = "error"

    def run(self, execution: Execution = _EXECUTION) -> Result:
        """Backtest the forecaster against its references."""
        several = {name_of_model(self.forecaster.model): self.forecaster}
        several |= references(self.forecaster, self.weather)
        return backtest(
            several,
            self.weather,
            self.observations,
            start=self.start,
            end=self.end,
            refit=self.refit,
            splits=self.splits,
            execution=execution,
            missing=self.missing,
        )


def references(forecaster: Forecaster, weather: Weather) -> dict[str, Forecaster]:
    """Reference forecasters for the kind of site; the power curve is applied to the first weather model."""
    models: list[QuantileModel] = [Climatology(), Persistence()]
    site = forecaster.sites[0]
    if isinstance(site, WindFarm) and site.power_curve is not None and as_models(weather):
        first = "" if not isinstance(weather, Mapping) or "" in weather else f"{next(iter(weather))}:"
        models.append(PowerCurveReference(column=f"{first}power_curve"))
    if isinstance(site, PVPlant):
        models.append(SmartPersistence())
    if isinstance(site, DemandArea):
        models += [SeasonalNaive(), SameTypeDay()]
    return {type(model).__name__: _like(forecaster, model) for model in models}


def _like(forecaster: Forecaster, model: QuantileModel) -> Forecaster:
    return Forecaster(
        forecaster.sites, forecaster.task, model=model, perfect_weather=forecaster.perfect_weather
    )


def demo_backtests(name: str, *, gate_closure: str = ASSUMED_GATE_CLOSURE) -> list[ReferenceBacktest]:
    """Backtests of the demo ``"la-haute-borne"`` (real farm, reanalysis) or ``"shelek"`` (synthetic, forecasts)."""
    if name == "la-haute-borne":
        return [_la_haute_borne()]
    if name == "shelek":
        return _shelek(gate_closure)
    raise ConfigurationError(
        f"There is no demo {name!r}.", "There are la-haute-borne, shelek and plan.", "Choose one of them."
    )


def _la_haute_borne() -> ReferenceBacktest:
    site, weather, power = datasets.la_haute_borne()
    forecaster = Forecaster(site, day_ahead("09:00", timezone="Europe/Paris"), perfect_weather=True)
    return ReferenceBacktest("", forecaster, weather, power, start="2015", end="2015")


def _shelek(gate_closure: str) -> list[ReferenceBacktest]:
    note = f"issued at {gate_closure} on the day before: an assumption, no deadline is published"
    task = day_ahead(gate_closure, timezone="Asia/Almaty")
    wind, solar, area = datasets.shelek(), datasets.kapshagay(), datasets.almaty()
    parts = [("wind", wind, wind.site), ("solar", solar, solar.site)]
    parts += list(zip(("demand", "industry", "households"), (area,) * 3, area.sites, strict=True))
    return [_synthetic(name, synthetic, site, task, note) for name, synthetic, site in parts]


def _without_momentary_outages(power: Observations) -> Observations:
    """Measured capacity in service for the scores alone, as if it had never been published."""
    if power.available_capacity is None:
        return power
    # Outages of these plants last hours: of tomorrow the newest state says little, and flags leave them out.
    (measured,) = power.capacities
    never = pd.DataFrame(pd.NaT, index=power.index, columns=measured.values.columns)
    return replace(power, available_capacity=AvailableCapacity(measured.values, published_time=never))


def _synthetic(
    name: str, synthetic: datasets.SyntheticSite, site: Site, task: Task, note: str
) -> ReferenceBacktest:
    end = synthetic.observations.index[-1].tz_convert("Asia/Almaty") - 2 * task.frequency * 24
    start = end - 182 * task.frequency * 24
    return ReferenceBacktest(
        name,
        Forecaster(site, task),
        synthetic.weather,
        _without_momentary_outages(synthetic.observations),
        start=f"{start:%Y-%m-%d}",
        end=f"{end:%Y-%m-%d}",
        refit="QS",
        notes=(note,),
    )
