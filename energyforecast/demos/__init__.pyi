# The public names, read by type checkers and by lazy_loader.

from . import (
    plan as plan,
    power as power,
)
