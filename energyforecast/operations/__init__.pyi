# The public names, read by type checkers and by lazy_loader.

from .outcome import StepOutcome as StepOutcome
from .run_folder import RunFolder as RunFolder
