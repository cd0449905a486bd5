# The public names, read by type checkers and by lazy_loader.

from . import (
    accumulation as accumulation,
    grid_cells as grid_cells,
    lazy_points as lazy_points,
    module_losses as module_losses,
    spatial as spatial,
    temporal as temporal,
)
