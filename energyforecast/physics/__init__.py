"""Pure functions on arrays: no pandas, no files, no time. They import nothing of the library."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
