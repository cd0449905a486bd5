# The public names, read by type checkers and by lazy_loader.

from . import (
    decode as decode,
    decode_worker as decode_worker,
    index as index,
    local_files as local_files,
    models as models,
    parser as parser,
    sources as sources,
)
