"""Records of daily runs: their steps, their outcome, and how long they took."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.files import whole_file
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_folder import RunFolder

__all__ = ["DEGRADED", "GOOD", "LOCKED", "NO_FORECAST", "RunRecord", "newest_records", "write_record"]

#: Exit codes of a run; 2 is that of wrong options.
GOOD: Final = 0
NO_FORECAST: Final = 1
DEGRADED: Final = 3
LOCKED: Final = 4

#: Largest record that is read. [bytes]
_LARGEST: Final = 2**24


@dataclass(frozen=True)
class RunRecord:
    """Record of one daily run.

    Parameters
    ----------
    start, end : Timestamp
        In UTC, by the clock of the run.
    issue_time : Timestamp, optional
        Of the forecast, in UTC; None if the run ended before it was known.
    steps : tuple of StepOutcome
    is_issued : bool
        Whether a forecast is published for the hours that were asked for.
    is_stopped : bool
        Whether the run was stopped by a signal.
    dry_run : bool
    details : mapping
        Fallback levels, caveats, and the holder of a lock that was taken over.

    See Also
    --------
    daily_run : Makes it.

    Examples
    --------
    >>> moment = pd.Timestamp("2026-03-11 04:00", tz="UTC")
    >>> steps = (StepOutcome("fetch", "failed", "No answer."), StepOutcome("publish", "good"))
    >>> record = RunRecord(start=moment, end=moment, issue_time=moment, steps=steps, is_issued=True)
    >>> record.exit_code, record.state
    (3, 'degraded')
    """

    start: pd.Timestamp
    end: pd.Timestamp
    issue_time: pd.Timestamp | None
    steps: tuple[StepOutcome, ...]
    is_issued: bool
    is_stopped: bool = False
    dry_run: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 good, 3 issued but degraded, 1 no forecast."""
        if not self.is_issued:
            return NO_FORECAST
        return GOOD if all(step.is_good for step in self.steps) else DEGRADED

    @property
    def state(self) -> str:
        """The exit code in a word."""
        return {GOOD: "good", DEGRADED: "degraded", NO_FORECAST: "no forecast"}[self.exit_code]

    def step(self, name: str) -> StepOutcome | None:
        """Outcome of a step by its name; None if the run has no such step."""
        return next((step for step in self.steps if step.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON."""
        return {
            "format": "energyforecast.run",
            "schema": 1,
            "state": self.state,
            "exit_code": self.exit_code,
            "start": _iso(self.start),
            "end": _iso(self.end),
            "issue_time": None if self.issue_time is None else _iso(self.issue_time),
            "is_issued": self.is_issued,
            "is_stopped": self.is_stopped,
            "dry_run": self.dry_run,
            **self.details,
            "steps": [step.to_dict() for step in self.steps],
        }


def write_record(record: RunRecord, folder: RunFolder) -> None:
    """Write the record of a run into the folder of runs."""
    text = json.dumps(record.to_dict(), indent=1, ensure_ascii=False, default=str)
    with whole_file(folder.record(record.start)) as scratch:
        scratch.write_text(text + "\n", encoding="utf-8")


def newest_records(folder: RunFolder, *, count: int) -> Iterator[dict[str, Any]]:
    """Records of the newest runs, the newest first; files that cannot be read are left out."""
    paths = sorted(folder.runs.glob("*.json"), reverse=True) if folder.runs.is_dir() else []
    for path in paths[:count]:
        with suppress(OSError, ValueError, RecursionError):
            if path.stat().st_size <= _LARGEST:
                content = json.loads(path.read_text(encoding="utf-8"))
                if isinstance(content, dict) and isinstance(content.get("steps"), list):
                    yield content


def _iso(moment: pd.Timestamp) -> str:
    return f"{timestamps.instant(moment):%Y-%m-%dT%H:%M:%SZ}"
