"""Rehearsal of a run: its steps and the faults of their inputs, without writing anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.core import file_sets
from energyforecast.core.fallback import FULL, LADDER
from energyforecast.core.wording import counted
from energyforecast.operations import archiving, training_step
from energyforecast.operations.issuing import issue
from energyforecast.operations.lock import holder, is_held
from energyforecast.operations.outcome import State, StepOutcome
from energyforecast.operations.publishing import described
from energyforecast.operations.reading import read_measurements, read_weather
from energyforecast.operations.run_record import RunRecord
from energyforecast.operations.run_steps import Run

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration

__all__ = ["rehearse"]

#: Least free space for a run. [MB]
_LEAST_SPACE: Final = 200.0


def rehearse(run: Run) -> RunRecord:
    """Outcomes that a run would have, from its data as they are; only a forecast in memory is made.

    Parameters
    ----------
    run : Run

    Returns
    -------
    RunRecord
        With ``dry_run``, which is not written.
    """
    start = run.clock()
    run.issue_time = start.ceil("s") if run.issue_time is None else run.issue_time
    run.do("lock", lambda: _lock(run.folder.lock))
    disk = run.do("disk", lambda: _disk(run.folder.root))
    run.do("fetch", lambda: _fetch(run))
    due = training_step.look(run)
    run.do("weather", lambda: read_weather(run))
    run.do("measurements", lambda: read_measurements(run))
    train = StepOutcome("train", "skipped", f"{due} One would be trained." if due else "Not due.")
    run.do("train", lambda: train)
    outcome = run.do("forecast", lambda: _forecast(run))
    if run.settings.plan is not None:
        run.do("plan", lambda: _plan(run.settings))
    run.do("publish", lambda: _publish(run))
    run.do("archive", lambda: _archive(run))
    return RunRecord(
        start=start,
        end=run.clock(),
        issue_time=run.issue_time,
        steps=tuple(run.steps),
        is_issued="failed" not in (disk.state, outcome.state),  # a run could not write
        dry_run=True,
        details=dict(run.details),
    )


def _lock(path: Path) -> StepOutcome:
    """Whether another run works in the folder."""
    if not is_held(path):
        return StepOutcome("lock", "good", "No other run.")
    by = holder(path) or {}
    who = f"{by.get('name')} on {by.get('host')}, process {by.get('pid')}, since {by.get('since')}"
    return StepOutcome("lock", "degraded", f"Another run works in the folder: {who}.", by)


def _disk(folder: Path) -> StepOutcome:
    """Free space, and whether the folder can be written."""
    place = next(item for item in (folder, *folder.resolve().parents) if item.exists())
    space = shutil.disk_usage(place).free / 1e6
    details = {"free_mb": round(space), "folder": str(folder)}
    if not place.is_dir():
        return StepOutcome("disk", "failed", f"{place} is a file in the place of a folder.", details)
    if not os.access(place, os.W_OK):
        return StepOutcome("disk", "failed", f"{place} cannot be written.", details)
    if space < _LEAST_SPACE:
        return StepOutcome("disk", "degraded", f"Only {space:.0f} MB are free in {place}.", details)
    return StepOutcome("disk", "good", f"{space / 1000:.1f} GB are free.", details)


def _fetch(run: Run) -> StepOutcome:
    """Age of the stored weather, and whether newer should be available."""
    from energyforecast.weather.store.update import newest_due

    settings = run.settings
    if "store" not in settings.sections.get("weather", {}):
        return StepOutcome("fetch", "skipped", "The weather is not in a store.")
    source = settings.source()  # refuses a key that is absent
    held = settings.store().describe()
    newest = held[held["source"] == source.name].set_index("site")["newest"].to_dict()
    due = newest_due(source, run.moment)
    known = {site.name: newest.get(site.name) for site in settings.sites}
    details: dict[str, Any] = {"source": source.name, "due": _minute(due)}
    absent = [name for name, last in known.items() if last is None or pd.isna(last)]
    if absent:
        message = f"No weather of {', '.join(absent[:3])} is stored; it would be fetched."
        return StepOutcome("fetch", "degraded", message, details)
    oldest = min(last for last in known.values() if last is not None)
    details["newest"] = _minute(oldest)
    if oldest < due:
        message = f"The newest run is of {_minute(oldest)} UTC; those up to {_minute(due)} would be fetched."
        return StepOutcome("fetch", "good", message, details)
    return StepOutcome("fetch", "good", f"The newest run, of {_minute(oldest)} UTC, is stored.", details)


def _minute(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _forecast(run: Run) -> StepOutcome:
    """The forecast in memory, if a model is in service."""
    serves = run.in_service()
    if serves is None:
        weather = "" if run.inputs.weather is not None else "without weather "
        sites = counted(len(run.settings.sites), "site")
        if run.inputs.observations is None:
            message = (
                f"No model is in service and no measurements can be read: constant quantiles of {sites}."
            )
            return StepOutcome("forecast", "degraded", message)
        return StepOutcome(
            "forecast", "good", f"No model is in service: one would be fitted {weather}for {sites}."
        )
    issued = issue(run.settings, run.inputs, moment=run.moment, in_service=serves)
    about = described(issued.forecast)
    run.details |= about
    level = about["fallback_level"]
    message = f"{issued.by}; level {level}, {LADDER[level]}."
    good = level == FULL and not issued.refused
    details = {**about, "way": issued.way, "refused": list(issued.refused)}
    return StepOutcome("forecast", "good" if good else "degraded", message, details)


def _plan(settings: Configuration) -> StepOutcome:
    """Whether the terms of the plan fit the sites."""
    assert settings.plan is not None
    settings.plan.kinds(settings.sites)
    return StepOutcome("plan", "good", "A plan would be made.")


def _publish(run: Run) -> StepOutcome:
    """The files that are published now."""
    index = file_sets.read_index(run.folder.index)
    if not index:
        return StepOutcome("publish", "good", f"{run.folder.published} has no forecast yet.")
    message = f"Now {index.get('state')}: issue of {index.get('issue_time')}."
    return StepOutcome("publish", "good", message, {"issue_time": index.get("issue_time")})


def _archive(run: Run) -> StepOutcome:
    """Whether the database can be reached."""
    if (missing := archiving.missing_library()) is not None:
        state: State = "degraded" if "archive" in run.settings.sections else "skipped"
        return StepOutcome("archive", state, f"Nothing is archived: {missing} is not installed.")
    return StepOutcome("archive", "good", archiving.reached(run.settings, run.folder))
