"""Durations of the steps of earlier runs, by which a run with a deadline divides its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from energyforecast.operations.deadline import Deadline
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.run_record import newest_records

__all__ = ["StepTimes"]

#: Records that are read.
_RECORDS: Final = 30
#: Steps between the weather and the publication.
_TO_PUBLICATION: Final = ("weather", "measurements", "forecast", "adapt", "plan", "publish")
#: Allowance for a machine that is busier than it was, and least time to leave. [s]
_ALLOWANCE: Final = 1.5
_LEAST: Final = 10.0
#: Time to leave where there is no record. [s]
_UNKNOWN: Final = 120.0


@dataclass(frozen=True)
class StepTimes:
    """Longest recent duration of each step. [s]

    Examples
    --------
    >>> import pandas as pd
    >>> times = StepTimes({"forecast": 20.0, "plan": 40.0})
    >>> times.usual("plan"), times.usual("fetch")
    (60.0, 0.0)
    >>> now = pd.Timestamp("2026-03-11 04:00", tz="UTC")
    >>> times.reserve(Deadline(now + pd.Timedelta("10min"), clock=lambda: now))
    90.0
    """

    seconds: Mapping[str, float]

    @classmethod
    def of(cls, folder: RunFolder) -> StepTimes:
        """Durations in the newest records of a folder."""
        found: dict[str, float] = {}
        for record in newest_records(folder, count=_RECORDS):
            for step in record["steps"]:
                name, seconds = _read(step)
                if seconds > 0.0:
                    found[name] = max(found.get(name, 0.0), seconds)
        return cls(found)

    def usual(self, name: str) -> float:
        """Time that a step needs; 0 if it is not known. [s]"""
        return _ALLOWANCE * self.seconds.get(name, 0.0)

    def reserve(self, deadline: Deadline) -> float:
        """Time to leave between the weather and the deadline: at most half of the rest. [s]"""
        known = sum(self.usual(name) for name in _TO_PUBLICATION)
        wanted = max(_LEAST, known) if known else _UNKNOWN
        return min(wanted, deadline.seconds_left() / 2)


def _read(step: Any) -> tuple[str, float]:
    """Name and duration of a step that was done."""
    if not isinstance(step, dict) or step.get("state") not in ("good", "degraded"):
        return "", 0.0
    seconds = step.get("seconds")
    return str(step.get("name")), float(seconds) if isinstance(seconds, (int, float)) else 0.0
