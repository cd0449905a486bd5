"""Files, data bases and servers that code opens, observed by an audit hook of the interpreter."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import threading
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = ["opened_files"]

#: Events of the interpreter by which data comes in, with the place of its name among their arguments.
_EVENTS: Final = {
    "open": 0,
    "sqlite3.connect": 0,
    "urllib.Request": 0,
    "subprocess.Popen": 0,
    "socket.connect": 1,
}
_CODE: Final = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".pth")
#: Lists of opened files by thread, while they are observed.
_WATCHED: Final[dict[int, list[str]]] = {}
_INSTALLED: Final[list[bool]] = []


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """List of the files, data bases and servers that this thread opens, filled inside the context.

    Files of Python, of installed packages and of the system are left out. A file that compiled code opens without
    the interpreter (Arrow, HDF5) is not observed.
    """
    if not _INSTALLED:
        _INSTALLED.append(True)
        sys.addaudithook(_hook)  # it cannot be removed; outside of this context it returns at once
    here = threading.get_ident()
    before, found = _WATCHED.get(here), list[str]()
    _WATCHED[here] = found
    try:
        yield found
    finally:
        if before is None:
            del _WATCHED[here]
        else:
            _WATCHED[here] = before


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHED and event in _EVENTS:
        found = _WATCHED.get(threading.get_ident())
        if found is not None:
            _note(found, event, arguments)


def _note(found: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    """Add the name of an opened file, unless it is only written or belongs to Python or the system."""
    name = arguments[_EVENTS[event]]
    if event == "open":
        mode = arguments[1] if len(arguments) > 1 else None
        if not isinstance(name, str | bytes | os.PathLike) or (
            isinstance(mode, str) and not set(mode) & {"r", "+"}
        ):
            return
        name = str(Path(os.fsdecode(name)).absolute())
        if name.endswith(_CODE) or name.startswith(_OF_THE_SYSTEM):
            return
    found.append(str(name))


def _places() -> tuple[str, ...]:
    """Folders of Python, of its packages, of the library and of the system."""
    folders = [sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages(), *zoneinfo.TZPATH]
    folders += [str(Path(__file__).resolve().parents[1]), "/proc", "/sys", "/dev", "/etc", "/usr/share"]
    return tuple(folder.rstrip(os.sep) + os.sep for folder in dict.fromkeys(folders) if folder)


_OF_THE_SYSTEM: Final = _places()
