"""Lock of a folder of daily runs, with its holder."""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.core.files import refused
from energyforecast.errors import RunLockedError

__all__ = ["holder", "is_held", "only_run"]

#: Largest description of a holder. [bytes]
_LARGEST: Final = 65_536
#: Time for which a lock that is held is asked for again, and the pause between. [s]
_PATIENCE: Final = 1.0
_PAUSE: Final = 0.05


@contextmanager
def only_run(path: Path, *, now: pd.Timestamp) -> Iterator[Mapping[str, Any] | None]:
    """Hold the lock of daily runs; yields the holder that ended without freeing it, if there was one.

    The operating system frees the lock when a process ends, however it ends: the lock of a dead holder is taken over.

    Raises
    ------
    RunLockedError
        If another run holds it; the message names the holder.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path, now = Path(folder.name, "run.lock"), pd.Timestamp("2026-03-11 04:00", tz="UTC")
    >>> with only_run(path, now=now) as dead:
    ...     dead, sorted(holder(path)), holder(path)["since"]
    (None, ['host', 'name', 'pid', 'since'], '2026-03-11T04:00:00Z')
    >>> holder(path) is None
    True
    >>> folder.cleanup()
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise refused(error, path) from error
    try:
        if not _taken_soon(handle):
            raise _locked(path, holder(path))
        dead = holder(path)
        _describe(handle, _own(now))
        try:
            yield dead
        finally:
            with suppress(OSError):  # a full disk; the system frees the lock anyway
                _describe(handle, None)
    finally:
        os.close(handle)


def holder(path: Path) -> dict[str, Any] | None:
    """Name, host, process and beginning of the run that holds the lock, or that ended without freeing it."""
    with suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            content = json.loads(file.read(_LARGEST))
        return content if isinstance(content, dict) else None
    return None


def is_held(path: Path) -> bool:
    """Whether a run holds the lock at this moment."""
    if not path.is_file():
        return False
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:  # a folder of somebody else
        return holder(path) is not None
    try:
        return not _taken(handle)
    finally:
        os.close(handle)


def _taken_soon(handle: int) -> bool:
    """Whether the lock could be taken within a second: who asks whether it is held has it for a moment."""
    until = time.monotonic() + _PATIENCE
    while not _taken(handle):
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE)
    return True


def _taken(handle: int) -> bool:
    """Whether the lock of an open file could be taken."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        lock = msvcrt.locking  # type: ignore[attr-defined,unused-ignore]
        try:
            os.lseek(handle, _LARGEST, os.SEEK_SET)  # beyond the text, which others read
            lock(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # also disks without locks: two runs at once would be worse than none
        return False
    return True


def _own(now: pd.Timestamp) -> dict[str, Any]:
    """Description of this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container without names of users
        name = str(getattr(os, "getuid", lambda: "unknown")())
    since = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    return {"name": name, "host": socket.gethostname(), "pid": os.getpid(), "since": since}


def _describe(handle: int, content: Mapping[str, Any] | None) -> None:
    """Write the holder into the open file, or empty it."""
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    if content is not None:
        os.write(handle, json.dumps(content).encode())


def _locked(path: Path, held_by: Mapping[str, Any] | None) -> RunLockedError:
    """Error that names the holder."""
    known = held_by or {}
    who = (
        f"{known.get('name')} on {known.get('host')}, process {known.get('pid')}, since {known.get('since')}"
        if known
        else "a process that has not yet given its name"
    )
    return RunLockedError(
        f"{path} is held by another run: {who}.",
        "One daily run must work in a folder at a time.",
        "Wait until it has ended, or end that process; the lock of a dead process is taken over.",
    )
