"""Measured power and demand: UTC, interval-beginning, MW, with the time at which each was published.

Readers of servers are imported when they are first used: they bring the libraries that they need.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
