"""What forecasts are worth."""

from energyforecast.evaluation.backtesting import backtest
from energyforecast.evaluation.gates import Gate, GateReport, read_gates
from energyforecast.evaluation.metrics import (
    METRICS,
    Metric,
    Pairs,
    align,
    bias,
    coverage,
    crps,
    crps_of_quantiles,
    mae,
    pinball,
    pinball_loss,
    rmse,
    score,
    width,
)
from energyforecast.evaluation.results import Result, write_scores

__all__ = [
    "METRICS",
    "Gate",
    "GateReport",
    "Metric",
    "Pairs",
    "Result",
    "align",
    "backtest",
    "bias",
    "coverage",
    "crps",
    "crps_of_quantiles",
    "mae",
    "pinball",
    "pinball_loss",
    "read_gates",
    "rmse",
    "score",
    "width",
    "write_scores",
]
