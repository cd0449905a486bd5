# The public names, read by type checkers and by lazy_loader.

from . import (
    accumulation as accumulation,
    spatial as spatial,
    temporal as temporal,
)
