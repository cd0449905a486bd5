"""Evaluation of forecasts: backtests, scores, tests of equal skill, gates and tuning."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# A function that has the name of its module is bound here: importing the module would hide it.
from energyforecast.evaluation.backtest import backtest  # noqa: E402, F401
