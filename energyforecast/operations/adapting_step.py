"""Step of a run in which the forecast is adapted to the newest outcomes, if the configuration asks for it."""

from __future__ import annotations

from dataclasses import replace

from energyforecast.operations import archiving
from energyforecast.operations.adaptation import adapted
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_steps import Run
from energyforecast.operations.step_times import StepTimes

__all__ = ["adapt_issued"]


def adapt_issued(run: Run, times: StepTimes) -> StepOutcome:
    """Adapt the forecast of a run by the residuals of those in the archive; the forecast before it is kept."""
    assert run.issued is not None
    left, usual = run.deadline.seconds_left(), times.usual("adapt")
    if left < usual:
        message = f"Not adapted: {left:.0f} s are left before the deadline, it may take {usual:.0f} s."
        return StepOutcome("adapt", "degraded", message)
    if (missing := archiving.missing_library()) is not None:
        return StepOutcome("adapt", "degraded", f"Not adapted: {missing} is not installed.")
    if run.inputs.observations is None:
        return StepOutcome("adapt", "degraded", "Not adapted: there are no measurements.")
    archive = archiving.open_archive(run.settings, run.folder, clock=run.clock)
    before = run.issued.forecast
    after = adapted(before, run.inputs.observations, archive=archive)
    if after is before:
        return StepOutcome("adapt", "good", "Nothing to adapt: too few outcomes of earlier forecasts.")
    run.issued = replace(run.issued, forecast=after, before=before)
    return StepOutcome("adapt", "good", f"{after.caveats[-1]}.")
