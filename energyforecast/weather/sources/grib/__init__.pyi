# The public names, read by type checkers and by lazy_loader.

from . import (
    decode as decode,
    decode_worker as decode_worker,
    index as index,
    models as models,
    sources as sources,
)
