# The public names, read by type checkers and, for their first use, by lazy_loader. The only list of them.
# A class or function is re-exported as itself (`Site as Site`): without that a stub would keep it to itself.

# sub-packages and modules
from . import (
    asof as asof,
    calendars as calendars,
    checks as checks,
    competitions as competitions,
    config as config,
    core as core,
    datasets as datasets,
    errors as errors,
    evaluation as evaluation,
    features as features,
    forecast as forecast,
    forecaster as forecaster,
    models as models,
    observations as observations,
    physics as physics,
    planning as planning,
    plotting as plotting,
    power_curves as power_curves,
    quality as quality,
    recalibration as recalibration,
    report as report,
    scenario_forecaster as scenario_forecaster,
    sites as sites,
    storage as storage,
    tasks as tasks,
    testing as testing,
    times as times,
    trust as trust,
    tuning as tuning,
    variables as variables,
    vendors as vendors,
    weather as weather,
)

from ._version import __version__ as __version__

# the object of a forecast
from .sites import DemandArea as DemandArea, PVPlant as PVPlant, Site as Site, WindFarm as WindFarm
from .power_curves import PowerCurve as PowerCurve
from .tasks import Task as Task, day_ahead as day_ahead, intraday as intraday, month_ahead as month_ahead

# measurements
from .observations import (
    Observations as Observations,
    check_clock as check_clock,
    read_demand as read_demand,
    read_power as read_power,
)
from .quality import flag_quality as flag_quality
from .variables import Flag as Flag

# weather and history as they were known
from .asof import Snapshot as Snapshot

# features and models
from .features import Feature as Feature, FeatureSet as FeatureSet, feature as feature, recipe as recipe
from .models import (
    Blend as Blend,
    Climatology as Climatology,
    ConformalQuantiles as ConformalQuantiles,
    ConvexCombination as ConvexCombination,
    LightGBMQuantiles as LightGBMQuantiles,
    LinearQuantiles as LinearQuantiles,
    Persistence as Persistence,
    PowerCurveReference as PowerCurveReference,
    QuantileModel as QuantileModel,
    SeasonalClimatology as SeasonalClimatology,
    SeasonalNaive as SeasonalNaive,
    SmartPersistence as SmartPersistence,
)

# forecasts
from .forecaster import Forecaster as Forecaster
from .forecast import Forecast as Forecast
from .scenario_forecaster import ScenarioForecaster as ScenarioForecaster
from .storage import load as load
from .recalibration import AdaptiveCalibration as AdaptiveCalibration

# evaluation and tuning
from .evaluation import Result as Result, backtest as backtest
from .tuning import tune as tune
