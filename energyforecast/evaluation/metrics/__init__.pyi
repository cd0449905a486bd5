# The modules, read by type checkers and by lazy_loader.

from . import (
    basic as basic,
    contingency as contingency,
    corp as corp,
    corp_diagrams as corp_diagrams,
    deterministic as deterministic,
    distribution as distribution,
    economic as economic,
    ensemble as ensemble,
    events as events,
    exceedance as exceedance,
    expectiles as expectiles,
    explained as explained,
    murphy as murphy,
    spread as spread,
)
