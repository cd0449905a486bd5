"""Step of a run in which issued forecasts are scored, and their scores compared with the backtest of the model."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from energyforecast.operations import archiving
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_steps import Run
from energyforecast.operations.service_state import in_service_since

__all__ = ["verify_issued"]

#: Days of which the forecasts are scored.
_DAYS: Final = 30


def verify_issued(run: Run) -> StepOutcome:
    """Score the forecasts of the last 30 days, and look for drift; ``"degraded"`` if there is some.

    The reason is kept in the record of the run, where the next run finds it as a reason to train.
    """
    from energyforecast.operations import drift as drifts
    from energyforecast.operations.verification import verify

    if archiving.missing_library() is not None:
        return StepOutcome("verify", "skipped", "There is no archive.")
    archive = archiving.open_archive(run.settings, run.folder, clock=run.clock)
    found = verify(archive, settings=run.settings, as_of=run.clock(), days=_DAYS)
    served = None if run.registry is None else run.registry.served()
    drift = drifts.drift(found, None if served is None else served.record, since=_since(run))
    run.details["drift"] = drift.reason
    details: dict[str, Any] = {"n": found.n, "drift": drift.to_dict(), "scores": _of_all(found.scores)}
    if drift.reason is not None:
        return StepOutcome("verify", "degraded", f"Drift: {drift.reason}.", details)
    return StepOutcome("verify", "good", f"{found.n} hours of {_DAYS} days are scored.", details)


def _since(run: Run) -> pd.Timestamp | None:
    """Moment since which the model that answers has made the forecasts; None where it is not known."""
    served = None if run.registry is None else run.registry.served()
    if run.registry is None or served is None:
        return None
    if served.refused:  # those of the last days are of the one that is refused now
        return run.moment
    return in_service_since(run.registry.folder, served.record.name)


def _of_all(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Scores of each site, over all leads and levels."""
    if scores.empty:
        return []
    chosen = scores[(scores["leads"] == "") & (scores["fallback_level"] == "")]
    columns = [name for name in ("site", "crps", "coverage", "n") if name in chosen]
    rows = chosen[columns].round(6).to_dict("records")
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]
