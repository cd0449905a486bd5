"""Step of a run in which the store of weather is brought up to date."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.core.files import without_secrets
from energyforecast.core.wording import counted
from energyforecast.errors import EnergyForecastError
from energyforecast.operations.deadline import Deadline
from energyforecast.operations.outcome import State, StepOutcome

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration
    from energyforecast.weather.store.update import UpdateReport

__all__ = ["fetch"]

#: Failures that an outcome names.
_SHOWN: Final = 5


class _Stop(Exception):  # noqa: N818  (a signal, not an error)
    """The update is to end after the run that it has stored."""


class _Update(threading.Thread):
    """Update of the store in a thread, for which the run can stop waiting: runs that have arrived are kept."""

    def __init__(self, settings: Configuration, clock: Callable[[], pd.Timestamp]) -> None:
        super().__init__(name="weather fetch", daemon=True)
        self.settings, self.clock = settings, clock
        self.report: UpdateReport | None = None
        self.error: Exception | None = None
        self.done, self.wanted, self.is_late = 0, 0, False

    def run(self) -> None:
        """Update the store; an error is kept for the outcome."""
        try:
            store, source = self.settings.store(), self.settings.source()
            store.clock = self.clock
            self.report = store.update(
                source,
                sites=self.settings.sites,
                since=self.settings.sections["weather"].get("since"),
                progress=self._progress,
            )
        except _Stop:
            pass
        except Exception as error:  # noqa: BLE001  (a fault of a source must not end a run)
            self.error = error

    def _progress(self, done: int, wanted: int) -> None:
        self.done, self.wanted = done, wanted
        if self.is_late:
            raise _Stop


def fetch(
    settings: Configuration,
    *,
    clock: Callable[[], pd.Timestamp],
    deadline: Deadline,
    reserve: float = 0.0,
) -> StepOutcome:
    """Fetch the weather that the store lacks; every failure is an outcome, and runs that arrived are kept.

    Parameters
    ----------
    settings : Configuration
    clock : callable
        The present moment in UTC, with which arrivals are stamped.
    deadline : Deadline
    reserve : float
        Time to leave for the forecast before the deadline. [s]

    Returns
    -------
    StepOutcome
        ``"skipped"`` without a store, ``"failed"`` if no run arrived that was due.
    """
    if "store" not in settings.sections.get("weather", {}):
        return StepOutcome("fetch", "skipped", "The weather is not in a store.")
    left = deadline.seconds_left(reserve=reserve)
    if left <= 0.0:
        return StepOutcome("fetch", "failed", "No time is left to fetch weather before the deadline.")
    update = _Update(settings, clock)
    update.start()
    update.join(None if math.isinf(left) else left)
    if update.is_alive():
        update.is_late = True
        message = f"Stopped for the deadline after {update.done} of {update.wanted} runs of weather."
        return StepOutcome("fetch", "degraded", message, {"done": update.done, "wanted": update.wanted})
    if update.report is None:
        return _failed(update.error)
    return _of_report(update.report)


def _failed(error: Exception | None) -> StepOutcome:
    """Outcome of an update that raised."""
    found = error.found if isinstance(error, EnergyForecastError) else str(error)
    details = {"error": type(error).__name__}
    return StepOutcome("fetch", "failed", without_secrets(found or type(error).__name__), details)


def _of_report(report: UpdateReport) -> StepOutcome:
    """Outcome of an update that ended."""
    troubles = {**report.failed, **report.incomplete}
    details: dict[str, Any] = {
        "source": report.source,
        "stored": len(report.stored),
        "incomplete": len(report.incomplete),
        "failed": len(report.failed),
        "given_up": report.given_up,
        "quarantined": len(report.quarantined),
        "stopped": report.stopped,
        "troubles": {
            f"{run:%Y-%m-%dT%H:%MZ}": reason
            for run, reason in sorted(troubles.items(), reverse=True)[:_SHOWN]
        },
    }
    came = f"{counted(len(report.stored), 'run')} of {report.source} stored"
    if not troubles and not report.stopped:
        return StepOutcome("fetch", "good", f"{came}.", details)
    lost = f"{len(report.failed)} failed, {len(report.incomplete)} incomplete"
    why = report.stopped or next(iter(troubles.values()), "")
    state: State = "degraded" if report.stored else "failed"
    return StepOutcome("fetch", state, f"{came}, {lost}: {why}", details)
