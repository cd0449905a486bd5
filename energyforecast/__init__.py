"""Plan electricity from the weather: calibrated forecasts of wind, solar and demand, and their worth.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast import (
        checks,
        config,
        datasets,
        errors,
        evaluation,
        features,
        models,
        physics,
        plotting,
        testing,
        times,
        variables,
        weather,
    )
    from energyforecast.asof import Snapshot
    from energyforecast.evaluation import Result, backtest
    from energyforecast.features import Feature, FeatureSet, feature, recipe
    from energyforecast.forecast import Forecast
    from energyforecast.forecaster import Forecaster
    from energyforecast.models import Climatology, LightGBMQuantiles, Persistence, QuantileModel, SeasonalNaive
    from energyforecast.observations import Observations, read_power
    from energyforecast.sites import DemandArea, PVPlant, Site, WindFarm
    from energyforecast.storage import load
    from energyforecast.tasks import Task, day_ahead, intraday
    from energyforecast.variables import Flag

try:
    __version__ = version("energyforecast")
except PackageNotFoundError:  # used from a source tree that was never installed
    __version__ = "0+unknown"

#: Where each public name lives, along the way that data takes.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    # what is forecast
    "sites": ("Site", "WindFarm", "PVPlant", "DemandArea"),
    "tasks": ("Task", "day_ahead", "intraday"),
    # what was measured
    "observations": ("Observations", "read_power"),
    "variables": ("Flag",),
    # what was known
    "asof": ("Snapshot",),
    # what is learnt from it
    "features": ("Feature", "FeatureSet", "feature", "recipe"),
    "models": ("QuantileModel", "LightGBMQuantiles", "Climatology", "Persistence", "SeasonalNaive"),
    # the forecast
    "forecaster": ("Forecaster",),
    "forecast": ("Forecast",),
    "storage": ("load",),
    # what it is worth
    "evaluation": ("backtest", "Result"),
}
_MODULES: Final = (
    "checks",
    "config",
    "datasets",
    "errors",
    "evaluation",
    "features",
    "models",
    "physics",
    "plotting",
    "testing",
    "times",
    "variables",
    "weather",
)
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604  (the names are those of the tables above)
    "__version__",
    *_HOME_OF,
    *_MODULES,
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"energyforecast.{name}")
    if name in _HOME_OF:
        return getattr(import_module(f"energyforecast.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'energyforecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
