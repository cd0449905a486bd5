"""GRIB files of public weather models: index, decoding in a child process, sources."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
