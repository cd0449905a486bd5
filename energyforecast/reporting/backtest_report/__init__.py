"""The page about a backtest: opens offline, on a phone, in print, by keyboard."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
