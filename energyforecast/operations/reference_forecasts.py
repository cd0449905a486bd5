"""Reference forecasts of past issues: climatology and persistence from outcomes that were published by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.tasks import Task
from energyforecast.errors import MissingDataError, WrongDataError
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, Persistence, QuantileModel

__all__ = ["HISTORY", "REFERENCES", "reference_forecasts"]

#: References by the name that tables show.
REFERENCES: Final[dict[str, Callable[[], QuantileModel]]] = {
    "climatology": Climatology,
    "persistence": Persistence,
}
#: History from which references learn.
HISTORY: Final = pd.Timedelta("400D")
#: After which a fit is tried again where too little was published.
_AGAIN: Final = "7D"


def reference_forecasts(
    site: Site, task: Task, observations: Observations, *, issues: pd.DatetimeIndex
) -> tuple[dict[str, Forecast], list[str]]:
    """References of a site for past issues, and notes on those that could not be made.

    They are fitted on outcomes that were published by the first issue, or, where those were too few, some weeks later
    for the issues from then on. Persistence starts at each issue from the newest value that was published by then.
    """
    found, notes = {}, []
    for name, model in REFERENCES.items():
        for as_of in pd.date_range(issues.min(), issues.max(), freq=_AGAIN):
            reference = Forecaster(site, task, model=model(), trust_clock=True)
            try:
                reference.fit(None, observations, as_of=as_of)
                later = list(issues[issues >= as_of])
                found[name] = reference.predict(None, observations, issue_time=later, strict=False)
                break
            except (MissingDataError, WrongDataError):
                continue
        if name not in found:
            notes.append(
                f"{site.name}: no {name} to compare with, too little was published before these issues."
            )
    return found, notes
