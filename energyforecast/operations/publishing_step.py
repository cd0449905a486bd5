"""Step of a run in which forecast and plan are published, or the files of an earlier run are kept or set aside."""

from __future__ import annotations

from dataclasses import replace

from energyforecast.core.forecast import Forecast
from energyforecast.core.published_set import PublishedSet
from energyforecast.core.wording import counted
from energyforecast.operations.issuing import in_words
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.publishing import described, publish
from energyforecast.operations.run_steps import Run

__all__ = ["publish_issued"]


def publish_issued(run: Run, files: PublishedSet) -> StepOutcome:
    """Publish the set of files, or set the old one aside."""
    if run.issued is None:
        moved = files.refuse("No forecast could be issued.")
        return StepOutcome("publish", "failed", f"No forecast; {counted(len(moved), 'file')} set aside.")
    if (held := _preferred(run, files, run.issued.forecast)) is not None:
        return held
    zone = run.settings.task.timezone
    try:
        names = publish(files, run.issued.forecast, run.plan, timezone=zone)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  (files that are made from the forecast must not prevent it)
        return _publish_alone(run, files, run.issued.forecast, error)
    run.is_published = True
    if run.deadline.is_missed():
        late = f"{', '.join(names)}; after the deadline {run.deadline.moment:%H:%M} UTC."
        return StepOutcome("publish", "degraded", late, {"files": names})
    return StepOutcome("publish", "good", ", ".join(names), {"files": names})


def _preferred(run: Run, files: PublishedSet, forecast: Forecast) -> StepOutcome | None:
    """Outcome if the files of an earlier run are kept; None if they are not."""
    lacks_plan = run.settings.plan is not None and run.plan is None
    held = files.preferred(described(forecast)["fallback_levels"], lacks_plan=lacks_plan)
    return None if held is None else StepOutcome("publish", "degraded", f"Kept: {held}.")


def _publish_alone(run: Run, files: PublishedSet, forecast: Forecast, error: Exception) -> StepOutcome:
    """Publish the forecast without the plan and the other files, one of which could not be written."""
    run.plan = None
    if (held := _preferred(run, files, forecast)) is not None:
        return replace(held, message=f"{held.message} {in_words(error)}")
    names = publish(files, forecast, None, timezone=run.settings.task.timezone, with_periods=False)
    run.is_published = True
    message = f"{', '.join(names)}; no other files: {in_words(error)}"
    return StepOutcome("publish", "degraded", message, {"files": names})
