"""Tables of weather models that are files of the package."""

from __future__ import annotations

import csv
import tomllib
from importlib import resources
from typing import Any

__all__ = ["csv_rows", "toml_tables"]


def csv_rows(package: str, name: str) -> list[dict[str, str]]:
    """Rows of a CSV file of a package, without its comments."""
    lines = _text(package, name).splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def toml_tables(package: str, name: str) -> dict[str, dict[str, Any]]:
    """Tables of a TOML file of a package."""
    return tomllib.loads(_text(package, name))


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
