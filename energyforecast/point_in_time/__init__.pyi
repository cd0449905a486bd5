# The public names, read by type checkers and by lazy_loader.

from . import (
    gathering as gathering,
    history as history,
    run_selection as run_selection,
    snapshot as snapshot,
    weather_access as weather_access,
)
from .gathering import (
    take_snapshot as take_snapshot,
)
from .history import (
    Past as Past,
    history_as_of as history_as_of,
)
from .snapshot import (
    Snapshot as Snapshot,
)
from .weather_access import (
    Gathered as Gathered,
    weather_as_of as weather_as_of,
    why_missing as why_missing,
)
