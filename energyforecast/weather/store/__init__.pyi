# The public names, read by type checkers and by lazy_loader.

from . import (
    archive_files as archive_files,
    completeness as completeness,
    lazy_dataset as lazy_dataset,
    integrity as integrity,
    manifest as manifest,
    merge as merge,
    store as store,
    update as update,
)
