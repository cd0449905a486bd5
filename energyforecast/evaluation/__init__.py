"""Evaluation of forecasts: backtests, scores, tests of equal skill, gates and tuning."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# Functions that have the names of their modules are bound here: importing the modules would hide them.
from energyforecast.evaluation.backtest import backtest  # noqa: E402, F401
from energyforecast.evaluation.score import score  # noqa: E402, F401
