# The public names, read by type checkers and by lazy_loader.

from . import (
    base as base,
    containers as containers,
    point_series as point_series,
    units as units,
)
