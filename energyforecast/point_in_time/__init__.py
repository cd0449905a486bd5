"""Point-in-time access: the only code that may ask which values were known at a time. Internal."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
