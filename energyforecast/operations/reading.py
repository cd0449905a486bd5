"""Steps of a run that read its data: parts that cannot be right are set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from energyforecast.operations import measurements, usable_weather
from energyforecast.operations.inputs import Inputs
from energyforecast.operations.outcome import State, StepOutcome
from energyforecast.operations.run_steps import Run
from energyforecast.operations.set_aside import SetAside, summary
from energyforecast.weather.processing.module_losses import memory_of

__all__ = ["read_measurements", "read_weather"]

#: Runs of weather that a model in service may look at; losses to snow and dirt follow from many more before them.
_RECENT: Final = pd.Timedelta("14D")


def read_weather(run: Run) -> StepOutcome:
    """Read the weather of the sites."""
    if "weather" not in run.settings.sections:
        return StepOutcome("weather", "skipped", "The configuration has no weather.")
    since = run.moment - _RECENT - memory_of(run.settings.sites) if run.is_recent else None
    usable = usable_weather.read_weather(run.settings, as_of=run.moment, since=since)
    run.inputs = Inputs(usable.weather, run.inputs.observations)
    _note(run, usable.set_aside)
    if usable.weather is None:
        return StepOutcome("weather", "failed", _first(usable.set_aside), _details(usable.set_aside))
    return StepOutcome("weather", _state(usable.set_aside), *_told(usable.set_aside))


def read_measurements(run: Run) -> StepOutcome:
    """Read the measurements of the sites."""
    known = measurements.read_measurements(run.settings, as_of=run.moment)
    power = known.observations
    run.inputs = Inputs(run.inputs.weather, power)
    _note(run, known.set_aside)
    if known.from_archive:
        run.details["from_archive"] = known.from_archive
    details = {**_details(known.set_aside), "from_archive": known.from_archive}
    if power is None:
        return StepOutcome("measurements", "failed", _first(known.set_aside), details)
    answers = f" The archive answers for {', '.join(known.from_archive)}." if known.from_archive else ""
    if "observations" not in run.settings.sections:
        return StepOutcome("measurements", "good", "The configuration has none.", details)
    message = f"Newest of {power.index[-1]:%Y-%m-%d %H:%M} UTC. {_told(known.set_aside)[0]}{answers}"
    return StepOutcome("measurements", _state(known.set_aside), message, details)


def _state(parts: Sequence[SetAside]) -> State:
    return "degraded" if parts else "good"


def _told(parts: Sequence[SetAside]) -> tuple[str, Mapping[str, Any]]:
    """Parts that were set aside, counted, with the first error."""
    if not parts:
        return "", {}
    return f"Set aside: {summary(parts)}. {parts[0].error}", _details(parts)


def _first(parts: Sequence[SetAside]) -> str:
    return parts[0].error if parts else "There is none."


def _details(parts: Sequence[SetAside]) -> dict[str, Any]:
    return {"set_aside": [part.to_dict() for part in parts]}


def _note(run: Run, parts: Sequence[SetAside]) -> None:
    """Note the parts that were set aside in the record of the run."""
    if parts:
        run.details.setdefault("set_aside", []).extend(part.to_dict() for part in parts)
