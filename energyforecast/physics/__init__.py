"""Pure functions on arrays, without pandas, files or clocks, and independent of the library except for its errors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
