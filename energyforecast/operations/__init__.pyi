# The public names, read by type checkers and by lazy_loader.

from .run import daily_run as daily_run
from .manifest import ModelRecord as ModelRecord
from .measurements import Measurements as Measurements
from .measurements import read_measurements as read_measurements
from .outcome import StepOutcome as StepOutcome
from .registry import (
    Registry as Registry,
    Served as Served,
    registry_of as registry_of,
)
from .run_folder import RunFolder as RunFolder
from .run_record import RunRecord as RunRecord
from .verification import Verification as Verification, verify as verify
from . import drift as drift
from .drift import Drift as Drift
from .signature import (
    is_signed_by as is_signed_by,
    key_from_environment as key_from_environment,
    sign as sign,
)
from .training import (
    Training as Training,
    is_due as is_due,
    train as train,
)
from .set_aside import SetAside as SetAside
from .usable_weather import UsableWeather as UsableWeather
from .usable_weather import read_weather as read_weather
from . import (
    adaptation as adaptation,
    alerts as alerts,
    manifest as manifest,
    measurements as measurements,
    outcome as outcome,
    registry as registry,
    run as run,
    run_folder as run_folder,
    run_record as run_record,
    set_aside as set_aside,
    signature as signature,
    status as status,
    status_page as status_page,
    training as training,
    usable_weather as usable_weather,
    verification as verification,
)
from .site_status import SiteStatus as SiteStatus
from .status import Problem as Problem, Status as Status
