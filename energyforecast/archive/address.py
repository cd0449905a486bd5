"""Addresses of archives, connections to them, and their errors without passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from energyforecast.errors import (
    ConfigurationError,
    EnergyForecastError,
    StoreError,
    StoreLockedError,
    require,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["engine_of", "shown", "transaction", "url_of"]

#: Longest wait for another writer. [s]
_PATIENCE: Final = 60
#: Of the lock of writers in PostgreSQL; any number that no other program of the database takes.
_LOCK: Final = 7_190_531_845
_LOCKED: Final = re.compile(r"database is locked|lock timeout|LockNotAvailable", re.IGNORECASE)
_POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")


def url_of(address: str | Path, *, password: str | None = None) -> sa.URL:
    """Address as SQLAlchemy takes it: a path is a file of SQLite, ``postgresql://...`` a server.

    Errors do not repeat the address, which may hold a password.
    """
    if isinstance(address, Path) or "://" not in address:
        return sa.URL.create("sqlite", database=str(address))
    scheme, _, rest = address.partition("://")
    if scheme not in _POSTGRES or rest.partition("?")[0].count("@") > 1:
        raise _refused_address(scheme)
    try:
        url = sa.make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise _refused_address(scheme) from None
    require("psycopg", extra="archive", purpose="Archives in PostgreSQL are reached through it.")
    return url if password is None else url.set(password=password)


def _refused_address(scheme: str) -> ConfigurationError:
    return ConfigurationError(
        f"The address of the archive begins with {scheme}:// and cannot be read.",
        "It must be the path of a file (SQLite), or postgresql://user@host:5432/database.",
        "Signs such as @ in a password are written as %40; better, leave the password to PGPASSWORD or ~/.pgpass.",
    )


def shown(url: sa.URL) -> str:
    """Address without user, password and options."""
    if url.drivername == "sqlite":
        return str(url.database)
    port = "" if url.port is None else f":{url.port}"
    return f"postgresql://{url.host or ''}{port}/{url.database or ''}"


def engine_of(url: sa.URL) -> Engine:
    """Connections of an address; each transaction has its own, so that none is left open or goes stale."""
    if url.drivername == "sqlite":
        engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": _PATIENCE})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    options = f"-c timezone=UTC -c lock_timeout={_PATIENCE}s"
    return sa.create_engine(url, poolclass=NullPool, connect_args={"options": options, "connect_timeout": 10})


def _prepare(connection: Any, _record: Any) -> None:
    """Settings of a connection to SQLite; transactions are begun by :func:`_begin`, not by the driver."""
    connection.isolation_level = None
    for setting in ("foreign_keys = ON", "recursive_triggers = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """Connection in a transaction that is committed whole or not at all; writers come one after the other."""
    try:
        with engine.connect().execution_options(writes=write) as connection, connection.begin():
            if not write and engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            elif engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            with _own_records(shown(engine.url)):
                yield connection
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:  # COPY raises those of the driver
        raise _explained(error, shown(engine.url)) from error


@contextmanager
def _own_records(address: str) -> Iterator[None]:
    """Refuse rows with values that the library does not write: another program, or damage, may have changed them."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, EnergyForecastError):
            raise
        raise StoreError(
            f"The archive {address} holds a record that cannot be read: {type(error).__name__} {error}.",
            "Its rows must be as the library wrote them.",
            "Restore the database from a copy.",
        ) from error


def _explained(error: Exception, address: str) -> StoreError:
    """Error of the library; of the driver's words the first line alone, without data."""
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
    if _LOCKED.search(f"{words} {type(getattr(error, 'orig', None)).__name__}"):
        return StoreLockedError(
            f"The archive {address} is being written by another process, for {_PATIENCE} s and more.",
            "Only one process must write to an archive at a time; others wait.",
            "Write again when it has ended: a forecast that is there is not written twice.",
        )
    return StoreError(
        f"The archive {address} cannot be used: {words.rstrip('.')}.",
        "It must be a database of this library that can be reached, with room on its disk; rows are only added.",
        "Check address, rights and disk, and run the command again: a forecast that is there is not written twice.",
    )
