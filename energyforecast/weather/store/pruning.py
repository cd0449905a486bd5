"""Removal of old runs from a store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from energyforecast.core.files import only_writer, refused
from energyforecast.errors import StoreError
from energyforecast.weather.store.manifest import Manifest
from energyforecast.weather.store.store import Store

__all__ = ["prune"]


def prune(store: Store, *, before: pd.Timestamp) -> int:
    """Remove archive files of which every run, or month of an analysis, began before a moment.

    Parameters
    ----------
    store : Store
    before : Timestamp
        In UTC. A file that holds a newer run stays whole.

    Returns
    -------
    int
        Number of files that were removed; their runs are not requested again by an update without ``since``.

    Raises
    ------
    StoreLockedError
        If another process is writing.
    StoreError
        If the folder cannot be written.

    See Also
    --------
    energyforecast.weather.Store

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast import WindFarm
    >>> from energyforecast.core import timestamps
    >>> from energyforecast.testing import example_source
    >>> farm = WindFarm(name="farm", latitude=43.6, longitude=78.5, capacity=60)
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = Store(folder.name + "/archive.zarr", clock=lambda: timestamps.instant("2024-06-03 13:00"))
    >>> _ = store.update(example_source(), sites=[farm], since="2024-06-01")
    >>> prune(store, before=timestamps.instant("2024-06-02"))
    2
    >>> str(store.open()["init_time"].values[0])[:10]
    '2024-06-02'
    >>> folder.cleanup()
    """
    if not store.path.is_dir():
        return 0
    with only_writer(store.path, timeout=store.timeout):
        try:
            folders = sorted(item.parent for item in store.path.glob("*/files"))
        except OSError as error:
            raise refused(error, store.path) from error
        return sum(_prune(folder, int(before.timestamp())) for folder in folders)


def _prune(folder: Path, before: int) -> int:
    """Remove the old files of one source."""
    manifest = Manifest.load(folder)
    if manifest is None:
        return 0
    kept = [record for record in manifest.files if record.blocks and max(record.blocks) >= before]
    # A later part of a run goes only with the file that it completes.
    oldest = min([before, *(min(record.blocks) for record in kept)])
    removed = [record for record in manifest.files if record.blocks and max(record.blocks) < oldest]
    if not removed:
        return 0
    gone = {record.name for record in removed}
    manifest.files = [record for record in manifest.files if record.name not in gone]
    manifest.first = oldest if manifest.first is None else max(manifest.first, oldest)
    for by_block in (manifest.asked, manifest.absent, manifest.reasons):
        for block in [block for block in by_block if block < oldest]:
            del by_block[block]
    manifest.save()
    for name in gone:
        try:
            manifest.path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{manifest.path(name)} cannot be removed: {error.strerror}.",
                "Who prunes must have the right to remove files.",
                "Correct the rights of the folder; the next update removes the file.",
            ) from error
    return len(gone)
