"""State of a daily run between its steps, and the guard by which every failure of a step is an outcome."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.operations.deadline import Deadline
from energyforecast.operations.inputs import Inputs, weather_of_all_times
from energyforecast.operations.issuing import Issued, in_words
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.served_model import RegistryOfRun

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration
    from energyforecast.planning import DayPlan

__all__ = ["Progress", "Run", "guarded"]


class Progress(Protocol):
    """Listener of a run: called with the name of a step when it begins, and with its outcome when it ends."""

    def __call__(self, name: str, outcome: StepOutcome | None) -> None:
        """Note the beginning or the end of a step."""


@dataclass
class Run:
    """A daily run: its settings and, as its steps come, data, forecast and plan."""

    settings: Configuration
    clock: Callable[[], pd.Timestamp]
    deadline: Deadline
    folder: RunFolder
    progress: Progress | None = None
    issue_time: pd.Timestamp | None = None
    inputs: Inputs = field(default_factory=lambda: Inputs(None, None))
    is_recent: bool = False
    registry: RegistryOfRun | None = None
    issued: Issued | None = None
    plan: DayPlan | None = None
    is_published: bool = False
    steps: list[StepOutcome] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> pd.Timestamp:
        """Issue time, or the present while it is not known."""
        return self.clock() if self.issue_time is None else self.issue_time

    def in_service(self) -> Callable[[], Forecaster] | None:
        """Loads the forecaster in service; None without one."""
        served = None
        with suppress(Exception):  # the step that read it has named the error
            served = None if self.registry is None else self.registry.served()
        return None if served is None else lambda: served.forecaster

    def everything(self) -> Inputs:
        """Inputs with the weather of all times, from which a model can learn."""
        if self.is_recent:
            self.inputs = Inputs(weather_of_all_times(self.settings, self.moment), self.inputs.observations)
            self.is_recent = False
        return self.inputs

    def do(self, name: str, work: Callable[[], StepOutcome]) -> StepOutcome:
        """Do a step; its outcome is kept and reported."""
        self._report(name, None)
        outcome = guarded(name, work)
        self.steps.append(outcome)
        self._report(name, outcome)
        return outcome

    def _report(self, name: str, outcome: StepOutcome | None) -> None:
        """Report to the listener; a closed pipe is no reason to stop."""
        if self.progress is not None:
            with suppress(OSError):
                self.progress(name, outcome)


def guarded(name: str, work: Callable[[], StepOutcome]) -> StepOutcome:
    """Outcome of a step, with its duration; an exception is the outcome ``"failed"``."""
    begun = time.perf_counter()
    try:
        outcome = work()
    except Exception as error:  # noqa: BLE001  (a step that fails must not stop those after it)
        outcome = StepOutcome(name, "failed", in_words(error), _where(error))
    return replace(outcome, seconds=round(time.perf_counter() - begun, 3))


def _where(error: Exception) -> Mapping[str, Any]:
    """Type of an error, and the place in the library that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "place": place}
