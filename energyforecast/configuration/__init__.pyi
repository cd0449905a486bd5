# The public names, read by type checkers and by lazy_loader.

from .toml_file import (
    Configuration as Configuration,
    read as read,
)
