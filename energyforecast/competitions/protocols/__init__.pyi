# The public names, read by type checkers and by lazy_loader.

from . import (
    gefcom2012 as gefcom2012,
    gefcom2014 as gefcom2014,
    gefcom2014_load as gefcom2014_load,
)
