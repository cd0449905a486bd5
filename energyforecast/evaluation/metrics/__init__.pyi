# The modules, read by type checkers and by lazy_loader.

from . import (
    basic as basic,
    deterministic as deterministic,
    distribution as distribution,
    economic as economic,
    ensemble as ensemble,
    events as events,
    exceedance as exceedance,
    spread as spread,
)
