"""What forecasts are worth."""

from energyforecast.evaluation.backtesting import backtest
from energyforecast.evaluation.deterministic import correlation, energy_error, mape, mse_parts
from energyforecast.evaluation.distributions import (
    interval_score,
    pit,
    reliability,
    sharpness,
    threshold_crps,
    weighted_interval_score,
)
from energyforecast.evaluation.economics import economic_value, imbalance_cost
from energyforecast.evaluation.events import brier, event_reliability, peaks, ramps, roc, roc_area
from energyforecast.evaluation.gates import Gate, GateReport, read_gates
from energyforecast.evaluation.losses import (
    crps_of_quantiles,
    crps_of_samples,
    energy_score,
    pinball_loss,
    variogram_score,
)
from energyforecast.evaluation.metrics import (
    METRICS,
    Metric,
    bias,
    coverage,
    crps,
    mae,
    pinball,
    rmse,
    score,
    width,
)
from energyforecast.evaluation.pairs import Pairs, align, daylight
from energyforecast.evaluation.results import Result, write_scores
from energyforecast.evaluation.samples import score_samples
from energyforecast.evaluation.significance import benjamini_hochberg, compare, diebold_mariano

__all__ = [
    "METRICS",
    "Gate",
    "GateReport",
    "Metric",
    "Pairs",
    "Result",
    "align",
    "backtest",
    "benjamini_hochberg",
    "bias",
    "brier",
    "compare",
    "correlation",
    "coverage",
    "crps",
    "crps_of_quantiles",
    "crps_of_samples",
    "daylight",
    "diebold_mariano",
    "economic_value",
    "energy_error",
    "energy_score",
    "event_reliability",
    "imbalance_cost",
    "interval_score",
    "mae",
    "mape",
    "mse_parts",
    "peaks",
    "pinball",
    "pinball_loss",
    "pit",
    "ramps",
    "read_gates",
    "reliability",
    "rmse",
    "roc",
    "roc_area",
    "score",
    "score_samples",
    "sharpness",
    "threshold_crps",
    "variogram_score",
    "weighted_interval_score",
    "width",
    "write_scores",
]
