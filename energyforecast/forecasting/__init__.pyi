# The public names, read by type checkers and by lazy_loader.

from . import (
    adaptive_calibration as adaptive_calibration,
    agreement as agreement,
    checks as checks,
    defaults as defaults,
    description as description,
    design_matrix as design_matrix,
    ensemble_matrix as ensemble_matrix,
    external as external,
    forecaster as forecaster,
    ladder as ladder,
    portfolio as portfolio,
    specification as specification,
    storage as storage,
    training as training,
    training_summary as training_summary,
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
from .portfolio import (
    PortfolioForecast as PortfolioForecast,
    forecast_portfolio as forecast_portfolio,
)
from .storage import (
    load as load,
    save as save,
)
from .training_summary import (
    Training as Training,
)
