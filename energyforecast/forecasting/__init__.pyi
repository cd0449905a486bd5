# The public names, read by type checkers and by lazy_loader.

from . import (
    adaptive_calibration as adaptive_calibration,
    checks as checks,
    defaults as defaults,
    description as description,
    design_matrix as design_matrix,
    external as external,
    forecaster as forecaster,
    ladder as ladder,
    month_ahead as month_ahead,
    portfolio as portfolio,
    storage as storage,
    training as training,
)
from .adaptive_calibration import (
    AdaptiveCalibration as AdaptiveCalibration,
)
from .design_matrix import (
    DesignMatrix as DesignMatrix,
)
from .forecaster import (
    Forecaster as Forecaster,
)
from .month_ahead import (
    ScenarioForecaster as ScenarioForecaster,
)
from .portfolio import (
    PortfolioForecast as PortfolioForecast,
    forecast_portfolio as forecast_portfolio,
)
from .storage import (
    load as load,
    save as save,
)
from .training import (
    Training as Training,
)
