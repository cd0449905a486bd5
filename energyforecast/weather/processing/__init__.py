"""Weather on the grid and at the sites of a task: accumulated values, time steps, interpolation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
