"""The daily run: weather is fetched, data checked, models trained, a forecast published and verified."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
