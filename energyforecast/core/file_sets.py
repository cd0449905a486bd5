"""Sets of files that belong together: published whole, in a folder or with an index, or set aside when out of date."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from energyforecast.core.files import SCRATCH, checksum, sweep, sync_folder, whole_file
from energyforecast.core.structured_text import parse_json

__all__ = [
    "PREVIOUS",
    "alone",
    "drop_folder",
    "read_index",
    "set_aside",
    "whole_folder",
    "whole_set",
    "write_index",
]

#: Folder, within that of a set, of the set that was there before a refusal.
PREVIOUS: Final = "previous"
_FORMAT: Final = "energyforecast.files"
#: Age from which temporary files are those of killed processes. [s]
_ABANDONED: Final = 86_400.0


@contextmanager
def whole_set(folder: Path, *, index: str, about: Mapping[str, Any] | None = None) -> Iterator[Path]:
    """Folder to write to: its files take the place of the old ones together, when the block ends without an error.

    The index goes first and comes last: a set without it is not whole. With `about` it is written here, with the
    checksum of each file, and files of the old set that the new one lacks are removed.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_set(Path(folder), index="set.json", about={"state": "issued"}) as stage:
    ...         _ = (stage / "a.txt").write_text("12 MW")
    ...     sorted(item.name for item in Path(folder).iterdir())
    ['a.txt', 'set.json']
    """
    folder = folder.resolve()  # a link stays a link
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder, older_than=_ABANDONED)
    stage = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
    try:
        yield stage
        if about is not None:
            write_index(stage / index, {**about, "files": _checksums(stage)})
        _publish(stage, folder, index)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def whole_folder(path: Path, *, keep: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """Folder to write to: it gets its name when the block ends without an error.

    The files in it must be on disk when the block ends, as those of :func:`energyforecast.core.files.whole_file` are.
    A folder that is there by then gives way, unless `keep`, which is asked while others cannot publish, is true.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_folder(Path(folder, "model")) as stage:
    ...         _ = (stage / "a.txt").write_text("12 MW")
    ...     [item.name for item in Path(folder).iterdir()]
    ['model']
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, older_than=_ABANDONED)
    stage = _hidden(path.parent)
    stage.mkdir()
    try:
        yield stage
        sync_folder(stage)
        with alone(path.parent):
            if not (path.exists() and keep()):
                drop_folder(path)
                stage.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def drop_folder(path: Path) -> None:
    """Remove a folder, so that no reader finds a part of it; one that is absent is no error."""
    gone = _hidden(path.parent)
    with suppress(FileNotFoundError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _hidden(folder: Path) -> Path:
    """Name of a temporary file or folder."""
    return folder / f"{SCRATCH}{secrets.token_hex(8)}"


def _publish(stage: Path, folder: Path, index: str) -> None:
    """Move the files of a stage into place, those of the index last; all are on disk before the first is moved."""
    names = sorted(_files(stage), key=lambda name: (name == index, name))
    for name in names:
        with (stage / name).open("rb+") as file:
            os.fsync(file.fileno())
    with alone(folder):
        old = read_index(folder / index).get("files", {})
        (folder / index).unlink(missing_ok=True)
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (stage / name).replace(folder / name)
        for name in set(_own(old)) - set(names):
            (folder / name).unlink(missing_ok=True)
    sync_folder(folder)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against others who publish in it; systems and disks that cannot lock folders do without."""
    if not hasattr(os, "O_DIRECTORY"):
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # network disks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _files(folder: Path) -> list[str]:
    """Names of all files below a folder."""
    return sorted(str(item.relative_to(folder)) for item in folder.rglob("*") if item.is_file())


def _own(files: Any) -> list[str]:
    """Names of an index that are names of files in its own folder: it may have been altered."""
    return (
        [str(name) for name in files if str(name) == Path(str(name)).name] if isinstance(files, dict) else []
    )


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file."""
    return {name: checksum((folder / name).read_bytes()) for name in _files(folder)}


def write_index(path: Path, about: Mapping[str, Any]) -> None:
    """Write the index of a set."""
    content = {"format": _FORMAT, "schema": 1, **about}
    with whole_file(path) as scratch:
        scratch.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_index(path: Path) -> dict[str, Any]:
    """Index of a set; empty where there is none, or one that cannot be read."""
    with suppress(OSError, ValueError):
        content = parse_json(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def set_aside(folder: Path, *, index: str, about: Mapping[str, Any], names: Sequence[str] = ()) -> list[str]:
    """Move the files of a set, and those of these names, into :data:`PREVIOUS`, and leave an index with the reason.

    Returns the names of the files that were moved.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_set(Path(folder), index="set.json", about={"state": "issued"}) as stage:
    ...         _ = (stage / "a.txt").write_text("12 MW")
    ...     set_aside(Path(folder), index="set.json", about={"state": "refused"})
    ...     sorted(item.name for item in Path(folder).iterdir())
    ['a.txt']
    ['previous', 'set.json']
    """
    with alone(folder):
        old = dict.fromkeys([*_own(read_index(folder / index).get("files")), *names])
        moved = [name for name in old if (folder / name).is_file()]
        if moved:
            shutil.rmtree(folder / PREVIOUS, ignore_errors=True)
            (folder / PREVIOUS).mkdir()
        for name in [*moved, index] if moved else ():
            with suppress(FileNotFoundError):
                (folder / name).replace(folder / PREVIOUS / name)
        write_index(folder / index, about)
    return moved
