"""Plan electricity from the weather: calibrated forecasts of wind, solar and demand, and their worth.

Start with a site (`WindFarm`, `PVPlant`, `DemandArea`), a `Task`, weather and `Observations`; a `Forecaster`
learns from them, and `backtest` scores it. Names are imported when they are first used, so that importing the
package costs nothing.
"""

# All names are in the stub beside this file, __init__.pyi: a name is added, moved or renamed there and nowhere else.
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
