# The public names, read by type checkers and by lazy_loader.

from . import (
    backtest_report as backtest_report,
    day_plan as day_plan,
    figures as figures,
    sheets as sheets,
    translations as translations,
)
from .sheets import (
    Sheet as Sheet,
    VerificationTerms as VerificationTerms,
    day_ahead_sheet as day_ahead_sheet,
    revision_sheet as revision_sheet,
    verification_sheet as verification_sheet,
    weekly_outlook as weekly_outlook,
)
