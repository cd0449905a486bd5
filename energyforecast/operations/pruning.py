"""Removal of old weather, models, records and alerts; the archive keeps everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.files import sweep, whole_file
from energyforecast.errors import EnergyForecastError, TimeError
from energyforecast.operations.issuing import in_words
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.registry import registry_of
from energyforecast.operations.run_folder import RunFolder
from energyforecast.weather.store.pruning import prune as prune_store

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration

__all__ = ["prune"]

#: Age from which temporary files are those of killed processes. [s]
_ABANDONED: Final = 86_400.0


def prune(settings: Configuration, folder: RunFolder, *, as_of: pd.Timestamp) -> StepOutcome:
    """Remove weather, models, records and alerts that are older than ``keep`` of the configuration.

    Parameters
    ----------
    settings : Configuration
    folder : RunFolder
    as_of : Timestamp
        In UTC.

    Returns
    -------
    StepOutcome
        ``"degraded"`` if a part could not be pruned.
    """
    before = as_of - settings.operations.keep
    removed: dict[str, Any] = {}
    troubles = []
    works: dict[str, Callable[[], int]] = {
        "weather files": lambda: _weather(settings, before),
        "models": lambda: _models(settings, as_of),
        "records": lambda: _records(folder, before),
        "alerts": lambda: _alerts(folder, before),
    }
    for name, work in works.items():
        try:
            removed[name] = work()
        except (OSError, EnergyForecastError) as error:
            troubles.append(in_words(error))
    with suppress(OSError):
        sweep(folder.root, older_than=_ABANDONED)
    shown = ", ".join(f"{count} {name}" for name, count in removed.items() if count) or "nothing"
    if troubles:
        return StepOutcome("prune", "degraded", f"Removed {shown}. {' '.join(troubles)}", removed)
    return StepOutcome("prune", "good", f"Removed {shown}.", removed)


def _weather(settings: Configuration, before: pd.Timestamp) -> int:
    """Files of the store that were removed."""
    if "store" not in settings.sections.get("weather", {}):
        return 0
    return prune_store(settings.store(), before=before)


def _models(settings: Configuration, as_of: pd.Timestamp) -> int:
    """Models that were removed; the one that answers, the one in service and the one before it stay."""
    registry = registry_of(settings)
    return len(registry.prune(keep=settings.operations.keep, as_of=as_of)) if registry.folder.is_dir() else 0


def _records(folder: RunFolder, before: pd.Timestamp) -> int:
    """Records of runs that were removed."""
    if not folder.runs.is_dir():
        return 0
    oldest = folder.record(before).name
    old = [path for path in folder.runs.glob("*.json") if path.name < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _alerts(folder: RunFolder, before: pd.Timestamp) -> int:
    """Lines of alerts that were removed."""
    if not folder.alerts.is_file():
        return 0
    lines = folder.alerts.read_text(encoding="utf-8", errors="replace").splitlines()
    kept = [line for line in lines if not _is_before(line, before)]
    if len(kept) < len(lines):
        with whole_file(folder.alerts) as scratch:
            scratch.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    return len(lines) - len(kept)


def _is_before(line: str, before: pd.Timestamp) -> bool:
    """Whether an alert is of an old run; a line that cannot be read stays."""
    try:
        content = json.loads(line)
        return bool(timestamps.instant(content["start"]) < before)
    except (ValueError, KeyError, TypeError, RecursionError, TimeError):
        return False
