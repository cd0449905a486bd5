# The public names, read by type checkers and by lazy_loader.

from . import (
    archives as archives,
    catalogue as catalogue,
    parser as parser,
    source as source,
)
