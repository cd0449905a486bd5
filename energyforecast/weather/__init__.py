"""Sources of weather and the archive of their runs; each ends in :func:`energyforecast.checks.check_weather`.

Names are imported when they are first used: a source brings the libraries that it needs and no others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
