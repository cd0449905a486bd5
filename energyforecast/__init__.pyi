# The public names, read by type checkers and by lazy_loader.

# sub-packages
from . import (
    archive as archive,
    cli as cli,
    competitions as competitions,
    configuration as configuration,
    core as core,
    datasets as datasets,
    demos as demos,
    errors as errors,
    evaluation as evaluation,
    features as features,
    forecasting as forecasting,
    models as models,
    observations as observations,
    operations as operations,
    physics as physics,
    planning as planning,
    point_in_time as point_in_time,
    reporting as reporting,
    testing as testing,
    weather as weather,
)
from .core import calendars as calendars, settlement as settlement, variables as variables
from .core.version import __version__ as __version__

# the object of a forecast
from .core.sites import (
    DemandArea as DemandArea,
    EmbeddedCapacity as EmbeddedCapacity,
    PVArray as PVArray,
    PVPlant as PVPlant,
    Site as Site,
    TurbineGroup as TurbineGroup,
    WindFarm as WindFarm,
)
from .core.site_catalogue import (
    catalogue as catalogue,
)
from .core.power_curve import (
    PowerCurve as PowerCurve,
)
from .core.tasks import (
    DayAhead as DayAhead,
    Intraday as Intraday,
    MonthAhead as MonthAhead,
    Task as Task,
    day_ahead as day_ahead,
    intraday as intraday,
    month_ahead as month_ahead,
)

# measurements
from .core.alignment import (
    align as align,
)
from .core.available_capacity import (
    AvailableCapacity as AvailableCapacity,
)
from .core.observation_series import (
    Observations as Observations,
)
from .core.planned_operation import (
    PlannedOperation as PlannedOperation,
)
from .core.table_format import (
    TableFormat as TableFormat,
)
from .core.variables import (
    Flag as Flag,
)
from .observations import (
    check_clock as check_clock,
    fit_plant as fit_plant,
    flag_quality as flag_quality,
    read_capacity as read_capacity,
    read_demand as read_demand,
    read_planned_operation as read_planned_operation,
    read_power as read_power,
)

# weather and history as they were known
from .point_in_time import (
    Snapshot as Snapshot,
)

# features and models
from .features import (
    Feature as Feature,
    FeatureSet as FeatureSet,
    feature as feature,
    recipe as recipe,
)
from .models import (
    Blend as Blend,
    Climatology as Climatology,
    ConformalQuantiles as ConformalQuantiles,
    ConvexCombination as ConvexCombination,
    KernelQuantiles as KernelQuantiles,
    LightGBMQuantiles as LightGBMQuantiles,
    LinearQuantiles as LinearQuantiles,
    Persistence as Persistence,
    PowerCurveReference as PowerCurveReference,
    QuantileModel as QuantileModel,
    SameTypeDay as SameTypeDay,
    SeasonalClimatology as SeasonalClimatology,
    SeasonalNaive as SeasonalNaive,
    SmartPersistence as SmartPersistence,
)

# forecasts and scenarios
from .forecasting import (
    AdaptiveCalibration as AdaptiveCalibration,
    Forecaster as Forecaster,
    load as load,
)
from .core.forecast import (
    Forecast as Forecast,
)
from .core.quantile_cube import (
    SiteRows as SiteRows,
)
from .core.scenario_set import (
    Scenarios as Scenarios,
)

# evaluation and tuning
from .evaluation import (
    Result as Result,
    backtest as backtest,
    tune as tune,
)
