"""Files that appear whole or not at all, their checksums, and the lock of a writer."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from energyforecast.errors import StoreError, StoreLockedError, require

__all__ = [
    "SCRATCH",
    "checksum",
    "distinct_names",
    "only_writer",
    "refused",
    "sweep",
    "sync_folder",
    "whole_file",
    "without_secrets",
    "write_whole",
]

#: Beginning of the names of temporary files and folders.
SCRATCH: Final = ".part-"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
#: User and query of an address, which may contain keys, and keys in plain text.
_ADDRESS: Final = re.compile(r"(https?://)(?:[^\s/@]*@)?([^\s?#]*)(?:[?#]\S*)?")
_KEY: Final = re.compile(
    r"(?i)\b(api[-_]?key|(?:security|access|private)[-_]?token|token|password|secret)(\s*[=:]\s*)\S+"
)


#: Names that Windows keeps for devices.
_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)


def distinct_names(names: Iterable[str], *, reserved: Iterable[str] = ()) -> dict[str, str]:
    """Name of a file, without its ending, for each name: valid and different on every file system.

    Examples
    --------
    >>> distinct_names(["La Haute Borne", "a/b", "A_B", "scores"], reserved=["scores"])
    {'La Haute Borne': 'La_Haute_Borne', 'a/b': 'a_b', 'A_B': 'A_B_2', 'scores': 'scores_2'}
    """
    taken = {"", *_DEVICES, *(name.casefold() for name in reserved)}
    found = {}
    for name in names:
        stem = re.sub(r"\W+", "_", unicodedata.normalize("NFC", name)).strip("_") or "unnamed"
        candidates = (stem if number == 1 else f"{stem}_{number}" for number in itertools.count(1))
        found[name] = next(one for one in candidates if one.casefold() not in taken)
        taken.add(found[name].casefold())
    return found


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Path to write to: the file takes the place of the old one, whole, when the block ends without an error."""
    path = path.resolve()  # a link stays a link
    if path.exists() and not path.is_file():
        yield path  # a folder refuses, a pipe takes all bytes
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{SCRATCH}{secrets.token_hex(8)}{path.suffix}")
    try:
        yield scratch
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of a store so that at any moment either the old or the new one exists, whole."""
    try:
        with whole_file(path) as scratch:
            scratch.write_bytes(content)
    except OSError as error:
        raise refused(error, path) from error


def sync_folder(folder: Path) -> None:
    """A rename lasts once its folder is on disk; systems that cannot open folders do without."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove temporary files left by killed processes; without an age [s] only the holder of the lock may call it."""
    now = time.time()
    for left in list(folder.rglob(f"{SCRATCH}*") if not older_than else folder.glob(f"{SCRATCH}*")):
        with suppress(OSError):
            if now - left.stat().st_mtime < older_than:
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()


def checksum(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def refused(error: OSError, path: Path) -> StoreError:
    """Error of a store for a refusal of the operating system."""
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    found = f"{shown} cannot be used: {error.strerror or type(error).__name__}."
    if error.errno in _FULL:
        return StoreError(
            found,
            "There must be room on the disk; stored files are untouched.",
            "Free space, then update again: it goes on where it stopped.",
        )
    if error.errno in _FORBIDDEN:
        return StoreError(
            found,
            "Who updates may write in the store's folder; reading needs no such right.",
            "Correct the rights of the folder, or make the disk writable.",
        )
    return StoreError(found, "A store must be a folder of files.", "Check the path and the disk.")


@contextmanager
def only_writer(folder: Path, *, timeout: float) -> Iterator[None]:
    """Hold the lock of a store; the system frees it when a process ends, however it ends."""
    require("filelock", extra="store", purpose="The archive of weather is locked while it is written.")
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
    except Timeout as error:
        shown = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise StoreLockedError(
            f"{shown} is being written by another process, for {timeout:g} s and more.",
            "Only one process must write to a store at a time; others may read.",
            "Wait until the other update has ended, or give Store(..., timeout=...) more seconds.",
        ) from error
    except OSError as error:
        raise refused(error, folder) from error
    try:
        yield
    finally:
        lock.release()


def without_secrets(text: str) -> str:
    """Text with possible keys removed: users and queries of addresses, and values named like keys."""
    return _KEY.sub(r"\1\2***", _ADDRESS.sub(r"\1\2", text))
