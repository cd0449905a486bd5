"""Files of an issue: published together with an index, or set aside when the issue is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import file_sets
from energyforecast.core.tasks import Task

__all__ = ["PublishedSet"]

#: Files of each command that are moved even if no index names them.
_FILES: Final = {"forecast": ("forecast.csv", "forecast.nc"), "plan": ()}

#: Fallback level that a site without a forecast counts as: above that of constant quantiles.
_ABSENT: Final = 5


@dataclass
class PublishedSet:
    """Folder of a command's files, its report elsewhere, and the issue and hours asked for, once they are known."""

    out: Path
    command: str
    report: Path | None = None
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def index(self) -> str:
        """Name of the file that lists the others."""
        return f"{self.command}_files.json"

    def ask(self, task: Task, moment: pd.Timestamp) -> None:
        """Note the issue time and the hours that are asked for."""
        windows = task.windows(task.moments(moment))
        hours = windows.valid_time[windows.inside]
        self.asked = {"issue_time": _iso(windows.issue_time[0])}
        self.asked |= {"first_hour": _iso(hours.min()), "last_hour": _iso(hours.max())}

    def publish(self, about: Mapping[str, Any]) -> AbstractContextManager[Path]:
        """Folder to write to: its files take the place of the old ones together."""
        content = {"state": "issued", **self.asked, **about}
        return file_sets.whole_set(self.out, index=self.index, about=content)

    @contextmanager
    def or_refused(self) -> Iterator[None]:
        """Set the files of an earlier issue aside if the block ends with an error, or is stopped."""
        try:
            yield
        except BaseException as error:
            with suppress(OSError):  # the disk may be the cause
                self.refuse(str(error) or type(error).__name__)
            raise

    def refuse(self, reason: str) -> list[str]:
        """Move the files of an earlier issue away and leave the reason; names of those that were moved."""
        if not self.out.is_dir() or self.is_answered():
            return []
        about = {"state": "refused", **self.asked, "error": reason}
        if self.report is not None and self.report.is_file():
            file_sets.write_index(self.report, about)
        return file_sets.set_aside(self.out, index=self.index, about=about, names=_FILES[self.command])

    def is_answered(self) -> bool:
        """Whether the files in the folder cover the hours that are asked for, or later ones."""
        held = file_sets.read_index(self.out / self.index)
        if held.get("state") != "issued" or not self.asked:
            return False
        return str(held.get("first_hour")) >= self.asked["first_hour"]

    def preferred(self, levels: Mapping[str, int], *, lacks_plan: bool = False) -> str | None:
        """The files in the folder in words, if they are of later hours, or of the same and better.

        Better are lower fallback levels or, on the same, a plan that the new files lack. Levels of sites are added up,
        so that one site without data does not give way to climatology of all.
        """
        held = file_sets.read_index(self.out / self.index)
        if held.get("state") != "issued":
            return None
        first, issued = str(held.get("first_hour")), held.get("issue_time")
        if first > self.asked["first_hour"]:
            return f"a forecast of later hours, issued {issued}"
        before = _levels(held)
        if first != self.asked["first_hour"] or not before:
            return None
        sites = {*before, *levels}
        worse = sum(levels.get(site, _ABSENT) - before.get(site, _ABSENT) for site in sites)
        if worse == 0 and lacks_plan and held.get("has_plan"):
            return f"the forecast with a plan of the same hours, issued {issued}"
        if worse <= 0:
            return None
        low, high = min(before.values()), max(before.values())
        shown = f"level {low}" if low == high else f"levels {low} to {high}"
        return f"the forecast of {shown} of the same hours, issued {issued}"


def _levels(held: Mapping[str, Any]) -> dict[str, int]:
    """Fallback level of each site, of an index that may have been altered; empty without them."""
    given = held.get("fallback_levels")
    found = given if isinstance(given, dict) else {}
    return found if all(isinstance(level, int) for level in found.values()) else {}


def _iso(moment: np.datetime64) -> str:
    """Moment in UTC, like 2024-02-25T09:00:00Z."""
    return f"{np.datetime_as_string(moment, unit='s')}Z"
