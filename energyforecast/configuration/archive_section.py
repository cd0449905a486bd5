"""Section [archive]: the database to which forecasts, plans and measurements are written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict

from energyforecast.configuration.table_sections import described, one_place
from energyforecast.configuration.validation import Section, refuse
from energyforecast.errors import ConfigurationError

__all__ = ["ARCHIVE_KEYS", "archive_place", "archive_section"]

ARCHIVE_KEYS: Final[dict[str, tuple[Any, str]]] = {
    "file": (str, "Path of a file (SQLite), which is made if need be."),
    "address": (
        str,
        "A PostgreSQL database: `postgresql://user@host:5432/database`. A password in the file is refused.",
    ),
    "password_env": (
        str,
        "With `address`: NAME of the environment variable with the password; else that of `PGPASSWORD` or `~/.pgpass`.",
    ),
}
_PLACES: Final = ("file", "address")


class _ArchiveChecks(Section):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in _PLACES]})

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        one_place(given, _PLACES)
        address, variable = str(given.get("address", "")), given.get("password_env", "NAME")
        head, _, options = address.partition("?")
        user = head.rpartition("@")[0].partition("://")[2]
        named = isinstance(variable, str) and re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable)
        if ":" in user or "password" in options.lower() or not named:
            refuse(
                "{where} would put a password into a file.",
                "A password must be kept in the environment.",
                'Remove it, change it if it was shared, and add password_env = "NAME_OF_A_VARIABLE".',
            )


def archive_section() -> type[Section]:
    """Section [archive]."""
    return described("Archive", ARCHIVE_KEYS, _ArchiveChecks)


def archive_place(section: Mapping[str, Any] | None, path: Path) -> dict[str, Any]:
    """Arguments of :func:`energyforecast.archive.open` for a section of a file."""
    if section is None:
        raise ConfigurationError(
            f"{path} has no section [archive].",
            "The section must name a database.",
            'Add [archive] with file = "archive.sqlite", or give --archive.',
        )
    if "file" in section:
        return {"address": path.parent / section["file"]}
    variable = section.get("password_env")
    password = None if variable is None else os.environ.get(variable)
    if variable is not None and not password:
        raise ConfigurationError(
            f"{path}: [archive] has password_env = {variable!r}, and the environment has no such variable.",
            "It must hold the password.",
            f"Set it: export {variable}=...",
        )
    return {"address": section["address"], "password": password}
