"""Places of the files of daily runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """Folder of daily runs: published files, models, records, alerts and the archive.

    Parameters
    ----------
    root : Path
        ``settings.operations.folder`` of a configuration.

    See Also
    --------
    StepOutcome

    Examples
    --------
    >>> folder = RunFolder(Path("operations"))
    >>> folder.published.as_posix(), folder.archive.as_posix()
    ('operations/published', 'operations/archive.sqlite')
    >>> folder.record(pd.Timestamp("2026-03-11 04:00", tz="UTC")).as_posix()
    'operations/runs/2026-03-11T040000Z.json'
    """

    root: Path

    @property
    def lock(self) -> Path:
        """File of the lock, with its holder."""
        return self.root / "run.lock"

    @property
    def models(self) -> Path:
        """Folder of trained models."""
        return self.root / "models"

    @property
    def published(self) -> Path:
        """Folder of the newest forecast and plan, with the status page."""
        return self.root / "published"

    @property
    def index(self) -> Path:
        """Index of the published files."""
        return self.published / "forecast_files.json"

    @property
    def status_page(self) -> Path:
        """Page of the state of the forecasts."""
        return self.published / "status.html"

    @property
    def status_file(self) -> Path:
        """The same as JSON."""
        return self.published / "status.json"

    @property
    def runs(self) -> Path:
        """Folder of records, one file of JSON for each run."""
        return self.root / "runs"

    @property
    def alerts(self) -> Path:
        """File of alerts, one line of JSON each."""
        return self.root / "alerts.jsonl"

    @property
    def archive(self) -> Path:
        """Database that is used where the configuration names none."""
        return self.root / "archive.sqlite"

    def record(self, moment: pd.Timestamp) -> Path:
        """File of the record of the run that was issued, or began, at a moment in UTC."""
        return self.runs / f"{moment:%Y-%m-%dT%H%M%S}Z.json"
