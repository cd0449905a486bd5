"""Step of a run in which a model is trained, if that is due, before the forecast or after it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_record import newest_records
from energyforecast.operations.run_steps import Run
from energyforecast.operations.served_model import RegistryOfRun
from energyforecast.operations.step_times import StepTimes
from energyforecast.operations.training import is_due, train

__all__ = ["due_reason", "is_late", "look", "train_model"]

#: Time that a training may take where none was measured. [s]
_UNKNOWN: Final = 1_800.0
#: Age of an issue from which it is one of the past: its model would take the place of one that knows more.
_PAST: Final = pd.Timedelta("1h")


def look(run: Run) -> str | None:
    """Open the registry, as the step ``"models"``; reason to train, if there is one."""
    found: list[str | None] = []
    run.do("models", lambda: _models(run, found))
    return found[0] if found else None


def _models(run: Run, found: list[str | None]) -> StepOutcome:
    """The model in service, and whether another is due."""
    run.registry = RegistryOfRun.of(run.settings)
    served = run.registry.served()
    due = due_reason(run)
    found.append(due)
    details = {"model": None if served is None else served.record.name, "due": due}
    if served is None:
        refused = run.registry.refused()
        message = f"No model is in service{': ' if refused else ''}{'; '.join(refused) or '.'}"
        return StepOutcome("models", "degraded" if refused else "good", message, details)
    if served.refused:
        message = f"{served.record.name} is in service; {'; '.join(served.refused)}"
        return StepOutcome("models", "degraded", message, details)
    return StepOutcome("models", "good", f"{served.record.name} is in service.", details)


def due_reason(run: Run) -> str | None:
    """Reason to train in this run; None if there is none, or the issue is one of the past."""
    if run.registry is None or run.clock() - run.moment > _PAST:
        return None
    newest = next(newest_records(run.folder, count=1), {})
    drift = newest.get("drift")
    return is_due(run.settings, run.registry, run.moment, drift=drift if isinstance(drift, str) else None)


def is_late(run: Run, times: StepTimes) -> bool:
    """Whether a training would make the forecast late, or later: it is then done once that is published."""
    if run.deadline.is_missed():
        return True
    needed = times.usual("train") or _UNKNOWN
    return run.deadline.seconds_left(reserve=times.reserve(run.deadline)) < needed


def train_model(run: Run, reason: str) -> StepOutcome:
    """Train a model, and put it in service if it is not worse than the one that is."""
    assert run.registry is not None
    inputs = run.everything()
    made = train(
        run.settings,
        weather=inputs.weather,
        observations=inputs.observations,
        as_of=run.moment,
        registry=run.registry,
    )
    details = {"model": made.record.name, "promoted": made.promoted, "due": reason, "verdict": made.reason}
    return StepOutcome("train", "good", f"{reason} {made}", details)
