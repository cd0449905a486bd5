"""File that names the model in service and those before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.core import file_sets, timestamps
from energyforecast.core.files import refused, whole_file
from energyforecast.errors import TimeError

__all__ = ["IN_SERVICE", "in_service_since", "read_state", "write_state"]

IN_SERVICE: Final = "in_service.json"
_FORMAT: Final = "energyforecast.operations.in_service"
#: Earlier models in service that are remembered.
_REMEMBERED: Final = 20


def read_state(folder: Path) -> dict[str, Any]:
    """Content of the file: ``name``, ``history``, ``since``; empty if there is none, or a damaged one."""
    state = file_sets.read_index(folder / IN_SERVICE)
    history = state.get("history")
    names = [state.get("name"), *(history if isinstance(history, list) else [None])]
    return state if state.get("format") == _FORMAT and all(isinstance(n, str) for n in names) else {}


def in_service_since(folder: Path, name: str) -> pd.Timestamp | None:
    """Moment since which a model has been in service; None where the file does not have it."""
    content = file_sets.read_index(folder / IN_SERVICE)
    try:
        return timestamps.instant(content["since"]) if content.get("name") == name else None
    except (KeyError, TimeError):
        return None


def write_state(folder: Path, name: str, history: Sequence[str], *, since: pd.Timestamp) -> None:
    """Write which model is in service; the caller holds the folder."""
    content = {
        "format": _FORMAT,
        "schema": 1,
        "name": name,
        "previous": next(iter(history), None),
        "since": f"{timestamps.instant(since):%Y-%m-%d %H:%M:%S}",
        "history": list(history)[:_REMEMBERED],
    }
    try:
        with whole_file(folder / IN_SERVICE) as scratch:
            scratch.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise refused(error, folder) from error
