"""Provenance of a backtest: sites, weather, models, features, definitions and versions."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core.observation_series import Observations
from energyforecast.core.provenance import machine
from energyforecast.core.version import __version__
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.evaluation.metrics.basic import SEVEN_LEVELS
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    QuantileModel,
    SameTypeDay,
    SeasonalNaive,
    SelectedModel,
    SmartPersistence,
)

__all__ = ["notes_of_sites", "provenance_of"]

_REFERENCES: Final = (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SameTypeDay,
    SeasonalNaive,
    SmartPersistence,
)


def provenance_of(
    named: Mapping[str, Forecaster], weather: Weather, tested: pd.DatetimeIndex
) -> dict[str, Any]:
    """Sites, weather, models, definitions and versions of a result."""
    first = next(iter(named.values()))
    levels = first.task.quantiles
    models = as_models(weather)
    caveats = first.caveats(weather)
    source = "; ".join(str(dataset.attrs.get("source", "unnamed")) for dataset in models.values())
    return {
        "caveats": list(caveats),
        "perfect_weather": first.perfect_weather,
        "weather": source,
        "sites": [site.name for site in first.sites],
        "capacity_mw": {site.name: site.capacity for site in first.sites},
        "first_issue": str(tested[0]),
        "last_issue": str(tested[-1]),
        "issues": len(tested),
        "models": {name: _models(item) for name, item in named.items()},
        "features": {name: _features(item) for name, item in named.items()},
        "references": [
            name
            for name, item in named.items()
            if all(isinstance(model, _REFERENCES) for model in item.model_of.values())
        ],
        "pinball_levels": f"{len(levels)} levels from {levels[0]} to {levels[-1]}",
        "pinball_7_levels": list(SEVEN_LEVELS),
        "definitions": "mae of the median; rmse and bias of the mean; pinball not doubled; crps of the curve "
        "through the quantiles, flat outside; outcomes of plants below 0 (auxiliary use) judged as 0",
        **machine(),
        "versions": {
            "energyforecast": __version__,
            "lightgbm": version("lightgbm"),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
    }


def _models(forecaster: Forecaster) -> str:
    return "; ".join(dict.fromkeys(_in_words(model) for *_, model in forecaster.recipes))


def _in_words(model: QuantileModel) -> str:
    """Kind and settings of a model; of one that chooses, its usual choice and its candidates."""
    if not isinstance(model, SelectedModel) or not model.candidates:
        return repr(model)
    usual = model.usual or tuple(model.candidates)[:1]
    words = [" + ".join(n for n in usual if (n in model.early) == short) for short in (False, True)]
    by_default = "; in short histories ".join(filter(None, words))
    return f"chosen among {', '.join(model.candidates)} (by default {by_default})"


def _features(forecaster: Forecaster) -> list[str]:
    """Names of the features, each once."""
    return list(dict.fromkeys(name for _, features, _ in forecaster.recipes for name in features.names))


def notes_of_sites(observations: Observations) -> dict[str, Any]:
    """Capacities in service, limits and planned operation that fits and forecasts met, if any."""
    capacities, plan = [repr(item) for item in observations.capacities], observations.planned
    found = {"available_capacity": capacities, "planned": "" if plan is None else repr(plan)}
    return {name: value for name, value in found.items() if value}
