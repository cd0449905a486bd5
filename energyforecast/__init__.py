"""Probabilistic forecasts of wind, solar and demand from the weather, their scores, and plans made from them.

Start with a site (`WindFarm`, `PVPlant`, `DemandArea`), a `Task`, weather and `Observations`; a `Forecaster`
learns from them, and `backtest` scores it. Names are imported at their first use: importing the package is quick.
"""

# All names are in the stub, __init__.pyi: a name is added, moved or renamed there only.
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
