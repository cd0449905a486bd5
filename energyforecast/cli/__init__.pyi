# The public names, read by type checkers and by lazy_loader.

from .application import (
    app as app,
    main as main,
)
