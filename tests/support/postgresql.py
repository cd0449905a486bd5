"""A real PostgreSQL server for tests: that of EF_TEST_POSTGRES, or one started for them in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

#: Where Debian keeps the programs of a server, newest last.
_FOLDERS = ("/usr/local/bin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))
_USER = "postgres"


@cache
def _programs() -> Path | None:
    """Folder of the programs of a server, if there is one."""
    held = [Path(folder) for folder in _FOLDERS if (Path(folder) / "initdb").exists()]
    found = shutil.which("initdb")
    return held[-1] if held else None if found is None else Path(found).parent


def _as_user(*command: str) -> None:
    """Run a program of the server; it refuses root, for whom another user runs it."""
    prefix = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, capture_output=True, timeout=60, cwd="/")


@contextmanager
def server() -> Iterator[str]:
    """Address of a server on which databases can be made; skips where there is none."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: psycopg is not installed")
    if given := os.environ.get("EF_TEST_POSTGRES"):
        yield given
        return
    programs = _programs()
    if programs is None or os.name == "nt":  # sockets of Unix are used
        pytest.skip("PostgreSQL is not tested: no server here, and EF_TEST_POSTGRES names none")
    with tempfile.TemporaryDirectory(prefix="ef-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        initdb = ("--auth=trust", "--no-sync", f"--username={_USER}", "--encoding=UTF8", "--locale=C")
        _as_user(str(programs / "initdb"), "-D", str(folder / "data"), *initdb)
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=64MB"
        control = (str(programs / "pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w")
        _as_user(*control, "-o", options, "start")
        try:
            yield f"postgresql://{_USER}@/{_USER}?host={folder}"
        finally:
            _as_user(*control, "-m", "immediate", "stop")


@contextmanager
def database(address: str) -> Iterator[str]:
    """Address of a new database of a server, dropped at the end."""
    import psycopg

    name = f"ef_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type,unused-ignore]
    head, _, options = address.partition("?")
    try:
        yield f"{head.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type,unused-ignore]
