"""Period on which settings were chosen, and refusal of a backtest that overlaps it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.wording import minute
from energyforecast.errors import LeakageError
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["refuse_tuned_later"]


def refuse_tuned_later(named: Mapping[str, Forecaster], first: pd.Timestamp) -> None:
    """Refuse forecasters with settings that were chosen on data known after the first issue time."""
    for name, forecaster in named.items():
        if forecaster.tuned_until and timestamps.instant(forecaster.tuned_until) > first:
            raise LeakageError(
                f"The settings of {name!r} were tuned on data known until {forecaster.tuned_until} UTC, and the "
                f"first issue is at {minute(timestamps.to_ns([first])[0])} UTC.",
                "Scores of a period on which settings were chosen are too good: it must begin at the end of tuning.",
                "Begin the backtest later, or tune again with an earlier end: tune(..., end=...).",
            )
