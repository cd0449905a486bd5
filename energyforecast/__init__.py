"""Plan electricity from the weather: calibrated forecasts of wind, solar and demand, and their worth.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast import (
        calendars as calendars,
    )
    from energyforecast import (
        checks as checks,
    )
    from energyforecast import (
        config as config,
    )
    from energyforecast import (
        datasets as datasets,
    )
    from energyforecast import (
        errors as errors,
    )
    from energyforecast import (
        evaluation as evaluation,
    )
    from energyforecast import (
        features as features,
    )
    from energyforecast import (
        models as models,
    )
    from energyforecast import (
        physics as physics,
    )
    from energyforecast import (
        planning as planning,
    )
    from energyforecast import (
        plotting as plotting,
    )
    from energyforecast import (
        sites as sites,
    )
    from energyforecast import (
        testing as testing,
    )
    from energyforecast import (
        times as times,
    )
    from energyforecast import (
        variables as variables,
    )
    from energyforecast import (
        weather as weather,
    )
    from energyforecast.asof import (
        Snapshot as Snapshot,
    )
    from energyforecast.evaluation import (
        Result as Result,
    )
    from energyforecast.evaluation import (
        backtest as backtest,
    )
    from energyforecast.features import (
        Feature as Feature,
    )
    from energyforecast.features import (
        FeatureSet as FeatureSet,
    )
    from energyforecast.features import (
        feature as feature,
    )
    from energyforecast.features import (
        recipe as recipe,
    )
    from energyforecast.forecast import (
        Forecast as Forecast,
    )
    from energyforecast.forecaster import (
        Forecaster as Forecaster,
    )
    from energyforecast.models import (
        Blend as Blend,
    )
    from energyforecast.models import (
        Climatology as Climatology,
    )
    from energyforecast.models import (
        ConformalQuantiles as ConformalQuantiles,
    )
    from energyforecast.models import (
        ConvexCombination as ConvexCombination,
    )
    from energyforecast.models import (
        LightGBMQuantiles as LightGBMQuantiles,
    )
    from energyforecast.models import (
        LinearQuantiles as LinearQuantiles,
    )
    from energyforecast.models import (
        Persistence as Persistence,
    )
    from energyforecast.models import (
        PowerCurveReference as PowerCurveReference,
    )
    from energyforecast.models import (
        QuantileModel as QuantileModel,
    )
    from energyforecast.models import (
        SeasonalClimatology as SeasonalClimatology,
    )
    from energyforecast.models import (
        SeasonalNaive as SeasonalNaive,
    )
    from energyforecast.models import (
        SmartPersistence as SmartPersistence,
    )
    from energyforecast.observations import (
        Observations as Observations,
    )
    from energyforecast.observations import (
        check_clock as check_clock,
    )
    from energyforecast.observations import (
        read_demand as read_demand,
    )
    from energyforecast.observations import (
        read_power as read_power,
    )
    from energyforecast.power_curves import (
        PowerCurve as PowerCurve,
    )
    from energyforecast.quality import (
        flag_quality as flag_quality,
    )
    from energyforecast.recalibration import (
        AdaptiveCalibration as AdaptiveCalibration,
    )
    from energyforecast.scenario_forecaster import (
        ScenarioForecaster as ScenarioForecaster,
    )
    from energyforecast.sites import (
        DemandArea as DemandArea,
    )
    from energyforecast.sites import (
        PVPlant as PVPlant,
    )
    from energyforecast.sites import (
        Site as Site,
    )
    from energyforecast.sites import (
        WindFarm as WindFarm,
    )
    from energyforecast.storage import (
        load as load,
    )
    from energyforecast.tasks import (
        Task as Task,
    )
    from energyforecast.tasks import (
        day_ahead as day_ahead,
    )
    from energyforecast.tasks import (
        intraday as intraday,
    )
    from energyforecast.tasks import (
        month_ahead as month_ahead,
    )
    from energyforecast.tuning import (
        tune as tune,
    )
    from energyforecast.variables import (
        Flag as Flag,
    )

try:
    __version__ = version("energyforecast")
except PackageNotFoundError:  # used from a source tree that was never installed
    __version__ = "0+unknown"

#: Where each public name lives, along the way that data takes.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    # what is forecast
    "sites": ("Site", "WindFarm", "PVPlant", "DemandArea"),
    "power_curves": ("PowerCurve",),
    "tasks": ("Task", "day_ahead", "intraday", "month_ahead"),
    # what was measured
    "observations": ("Observations", "check_clock", "read_demand", "read_power"),
    "quality": ("flag_quality",),
    "variables": ("Flag",),
    # what was known
    "asof": ("Snapshot",),
    # what is learnt from it
    "features": ("Feature", "FeatureSet", "feature", "recipe"),
    "models": (
        "QuantileModel",
        "LightGBMQuantiles",
        "LinearQuantiles",
        "ConformalQuantiles",
        "ConvexCombination",
        "Blend",
        "Climatology",
        "Persistence",
        "PowerCurveReference",
        "SeasonalClimatology",
        "SeasonalNaive",
        "SmartPersistence",
    ),
    # the forecast
    "forecaster": ("Forecaster",),
    "forecast": ("Forecast",),
    "scenario_forecaster": ("ScenarioForecaster",),
    "storage": ("load",),
    "recalibration": ("AdaptiveCalibration",),
    # what it is worth
    "evaluation": ("backtest", "Result"),
    # how it gets better
    "tuning": ("tune",),
}
_MODULES: Final = (
    "calendars",
    "checks",
    "config",
    "datasets",
    "errors",
    "evaluation",
    "features",
    "models",
    "physics",
    "planning",
    "plotting",
    "sites",
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
