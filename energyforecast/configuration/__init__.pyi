# The public names, read by type checkers and by lazy_loader.

from .plan import (
    plan_settings as plan_settings,
    system as system,
)
from .schema import json_schema as json_schema
from .toml_file import (
    Configuration as Configuration,
    read as read,
)
