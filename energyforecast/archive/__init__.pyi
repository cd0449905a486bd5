# The public names, read by type checkers and by lazy_loader.

from . import (
    database as database,
    opening as opening,
)
from .opening import (
    open as open,  # noqa: A004  (ef.archive.open)
)
from .database import (
    Archive as Archive,
)
