"""Core types of the library: sites, tasks, observations, weather, forecasts and scenarios.

Internal: use the names of ``energyforecast``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
