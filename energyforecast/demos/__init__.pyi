# The public names, read by type checkers and by lazy_loader.

from . import (
    plan as plan,
    plan_system as plan_system,
    power as power,
)
