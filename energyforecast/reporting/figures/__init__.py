"""Figures of forecasts, scenarios and plans, drawn with matplotlib.

Matplotlib is imported where it is used. Every function returns a matplotlib Figure; none displays it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
