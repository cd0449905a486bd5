"""Archive of forecasts, measurements as they were known, plans, models and runs, in a database.

:func:`open` gives an :class:`Archive`: SQLite in a file, or PostgreSQL by its address.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
