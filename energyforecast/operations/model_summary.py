"""Model in service as its manifest describes it; the model itself is not read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.service_state import in_service_since

__all__ = ["ModelSummary", "model_in_service"]

_LARGEST: Final = 2**24


@dataclass(frozen=True)
class ModelSummary:
    """Name, moment of the training and manifest of a stored model, and since when it has been in service."""

    name: str
    as_of: pd.Timestamp
    manifest: Mapping[str, Any] = field(default_factory=dict)
    since: pd.Timestamp | None = None

    @property
    def backtest(self) -> Mapping[str, Any] | None:
        """Scores of the weeks outside its training period."""
        found = self.manifest.get("backtest")
        return found if isinstance(found, dict) and isinstance(found.get("blocks"), list) else None

    def usual_weather_age(self) -> float | None:
        """Age under which 95 % of the weather runs of the training stayed, the greatest of all models. [h]"""
        return self._greatest("weather_age", None)

    def usual_measurement_age(self, site: str) -> float | None:
        """Age under which 95 % of the newest measurements of the training stayed. [h]"""
        return self._greatest("measurement_age", site)

    def _greatest(self, part: str, name: str | None) -> float | None:
        training = self.manifest.get("training")
        ages = training.get(part) if isinstance(training, dict) else None
        if not isinstance(ages, dict):
            return None
        chosen = [ages[key] for key in ages if name in (None, key) and isinstance(ages[key], dict)]
        usual = [one["usual"] for one in chosen if isinstance(one.get("usual"), int | float)]
        return float(max(usual)) if usual else None


def model_in_service(folder: RunFolder) -> ModelSummary | None:
    """Model that is named in service; None if there is none, or its manifest cannot be read."""
    state = _content(folder.models / "in_service.json")
    name = state.get("name")
    if not isinstance(name, str) or Path(name).name != name:
        return None
    manifest = _content(folder.models / name / "manifest.json")
    with suppress(KeyError, ValueError):
        since = in_service_since(folder.models, name)
        return ModelSummary(name, timestamps.instant(manifest["as_of"]), manifest, since)
    return None


def _content(path: Path) -> dict[str, Any]:
    """Object of a file of JSON; empty if it cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        if path.stat().st_size <= _LARGEST:
            content = json.loads(path.read_text(encoding="utf-8"))
            return content if isinstance(content, dict) else {}
    return {}
