# The public names, read by type checkers and by lazy_loader.

from .run import daily_run as daily_run
from .outcome import StepOutcome as StepOutcome
from .run_folder import RunFolder as RunFolder
from .run_record import RunRecord as RunRecord
from .verification import Verification as Verification, verify as verify
from . import drift as drift
from .drift import Drift as Drift
