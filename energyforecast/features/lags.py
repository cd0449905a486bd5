"""Observations of the past, as far as they were published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from energyforecast import times
from energyforecast.asof import Past, Snapshot
from energyforecast.features.declaration import Columns, Feature

__all__ = ["Lag", "LagMean", "NewestObservation"]


def _scale(now: Snapshot) -> float:
    return now.site.capacity or 1.0


@dataclass(frozen=True)
class Lag(Feature):
    """An observation some time before the interval, or the newest older one that was published.

    Parameters
    ----------
    lag : str
        E.g. ``"168h"``.
    step : str, optional
        Go back by whole steps while it is not published: ``"24h"`` keeps the hour of the day.

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> yesterday = Lag("24h")
    >>> columns = yesterday.compute(example_snapshot(history=yesterday.history))  # 11, 11.5, 12 of 60 MW
    >>> columns["lag_24h"].round(3).tolist(), columns["lag_24h_age"].tolist()
    ([[0.183, 0.192, 0.2]], [[9.0, 8.0, 7.0]])
    """

    lag: str = "168h"
    step: str | None = None

    @property
    def name(self) -> str:
        """Name with the lag."""
        return f"lag_{self.lag}"

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The lag."""
        return (Past(times.duration(self.lag), None if self.step is None else times.duration(self.step)),)

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``lag_168h`` and ``lag_168h_age`` [h]."""
        return {
            self.name: now.lag(self.lag, step=self.step) / _scale(now),
            f"{self.name}_age": now.lag_age(self.lag, step=self.step),
        }


@dataclass(frozen=True)
class LagMean(Feature):
    """Mean of observations at even distances before the interval: the same hour of several days or weeks.

    Parameters
    ----------
    step : str
        Distance between two observations, and how far to go back while one is not published.
    count : int
        Number of observations; the nearest is wanted one step before the interval. Several may
        fall back to the same newest published one, which then counts as often.

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW. Missing observations are skipped.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> days = LagMean("24h", count=2)
    >>> columns = days.compute(example_snapshot(history=days.history))  # on both days 11, 11.5, 12 of 60 MW
    >>> columns["mean_2x24h"].round(3).tolist()
    [[0.183, 0.192, 0.2]]
    """

    step: str = "168h"
    count: int = 4

    @property
    def name(self) -> str:
        """Name with the number and the step."""
        return f"mean_{self.count}x{self.step}"

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The lags, in whole steps."""
        step = times.duration(self.step)
        return tuple(Past(step * k, step) for k in range(1, self.count + 1))

    def compute(self, now: Snapshot) -> Columns:
        """Column ``mean_4x168h``."""
        lags = np.stack(
            [now.lag(f"{past.lag / pd.Timedelta('1h'):g}h", step=self.step) for past in self.history]
        )
        known = np.isfinite(lags).sum(axis=0)
        total = np.where(np.isfinite(lags), lags, 0.0).sum(axis=0)
        return {self.name: np.where(known, total / np.maximum(known, 1), np.nan) / _scale(now)}


@dataclass(frozen=True)
class NewestObservation(Feature):
    """The newest published observation: ``newest`` and its age at issue. [fraction of capacity or MW; h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = NewestObservation().compute(example_snapshot(hours=2))  # 14.5 of 60 MW, two hours ago
    >>> columns["newest"].round(3).tolist(), columns["newest_age"].tolist()
    ([[0.242, 0.242]], [[2.0, 2.0]])
    """

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """No lag at all: of every interval the newest that was known."""
        return (Past(times.duration("0h")),)

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``newest`` and ``newest_age`` [h]."""
        return {"newest": now.lag("0h") / _scale(now), "newest_age": now.lag_age("0h")}
