"""From forecasts to a plan: scenarios, net load, reserve, schedules, ramps, dispatch and planners' sheets.

What is added, stored or dispatched over hours and sites is computed in scenarios, never in quantiles.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
