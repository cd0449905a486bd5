# The public names, read by type checkers and by lazy_loader.

from . import (
    adaptive_calibration as adaptive_calibration,
    defaults as defaults,
    external as external,
    forecaster as forecaster,
    month_ahead as month_ahead,
    portfolio as portfolio,
    storage as storage,
)
from .adaptive_calibration import (
    AdaptiveCalibration as AdaptiveCalibration,
)
from .forecaster import (
    Forecaster as Forecaster,
    Table as Table,
    Training as Training,
)
from .month_ahead import (
    ScenarioForecaster as ScenarioForecaster,
)
from .portfolio import (
    Ahead as Ahead,
    forecast_ahead as forecast_ahead,
)
from .storage import (
    load as load,
    save as save,
)
