"""Weather: sources of forecasts and analyses, processing, and an archive of runs as they arrived.

Names are imported when they are first used: a source brings the libraries that it needs and no others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
