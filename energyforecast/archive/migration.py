"""Migrations of the schema, in the order of Alembic's revisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from energyforecast.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["is_current", "migrate"]

_FOLDER: Final = Path(__file__).with_name("migrations")


def is_current(connection: Connection, *, address: str) -> bool:
    """Whether the database has the schema of this version; one of a newer version is refused."""
    scripts = ScriptDirectory(str(_FOLDER))
    held = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if held is not None and held not in known:
        raise StoreError(
            f"The archive {address} has the schema {held!r}.",
            f"This version of energyforecast knows {', '.join(sorted(known))}.",
            "Upgrade energyforecast: a newer version wrote to the archive.",
        )
    return held == scripts.get_current_head()


def migrate(connection: Connection) -> None:
    """Run the migrations that the database lacks, within the transaction of a connection that holds the lock."""
    scripts = ScriptDirectory(str(_FOLDER))
    context = MigrationContext.configure(connection)
    held = context.get_current_revision()
    lacking = list(scripts.iterate_revisions("head", held or "base"))
    for script in reversed([item for item in lacking if item.revision != held]):
        with Operations.context(context):
            script.module.upgrade()
        context.stamp(scripts, script.revision)
