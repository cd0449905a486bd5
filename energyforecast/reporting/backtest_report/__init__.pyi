# The public names, read by type checkers and by lazy_loader.

from . import (
    fans as fans,
    figures as figures,
    page as page,
    tables as tables,
)
from .page import (
    write as write,
)
