"""From forecasts to a plan: scenarios, net load, reserve, schedules, ramps and dispatch.

Whatever is added, stored or dispatched over hours and sites is computed in scenarios, never in quantiles.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# A function that has the name of its module is bound here: importing the module would hide it.
from energyforecast.planning.net_load import net_load  # noqa: E402, F401
from energyforecast.planning.ramps import ramps  # noqa: E402, F401
from energyforecast.planning.reserve import reserve  # noqa: E402, F401
from energyforecast.planning.schedule import schedule  # noqa: E402, F401
