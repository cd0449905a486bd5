"""Observations of the past, as far as they were published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Lag", "LagMean", "NewestObservation", "RecentLevel"]

#: Days before the interval up to which the newest published day tells how far off the level is.
_OLDEST = 4


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
        return (
            Past(
                timestamps.duration(self.lag), None if self.step is None else timestamps.duration(self.step)
            ),
        )

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
        step = timestamps.duration(self.step)
        return tuple(Past(step * k, step) for k in range(1, self.count + 1))

    def compute(self, now: Snapshot) -> Columns:
        """Column ``mean_4x168h``."""
        lags = np.stack(
            [now.lag(f"{past.lag / pd.Timedelta('1h'):g}h", step=self.step) for past in self.history]
        )
        return {self.name: _mean(lags) / _scale(now)}


def _mean(values: Array) -> Array:
    """Mean over the first axis of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


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
        return (Past(timestamps.duration("0h")),)

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``newest`` and ``newest_age`` [h]."""
        return {"newest": now.lag("0h") / _scale(now), "newest_age": now.lag_age("0h")}


@dataclass(frozen=True)
class RecentLevel(Feature):
    """What the last week and the weekdays of the last weeks say of an interval, and how other pasts depart from it.

    ``level`` is the mean of the newest seven days at this hour, plus what the same weekday lay above the days
    around it in each of the last weeks: it knows weekends, and follows growth and breaks within a week. Trees
    cannot reach beyond levels that they have seen; of departures from a level they have seen many.

    Parameters
    ----------
    weeks : int
        Weeks before, whose weekdays are looked at.

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW. Missing observations are skipped.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> recent = RecentLevel()
    >>> columns = recent.compute(example_snapshot(history=recent.history))  # at night, when there is little
    >>> columns["level"].round(3).tolist()  # every day is the same
    [[0.183, 0.192, 0.2]]
    >>> columns["level[newest]"].round(3).tolist()  # 14.5 of 60 MW
    [[0.058, 0.05, 0.042]]
    """

    weeks: int = 4

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The newest value, and this hour of each day, so far back that every weekday has days around it."""
        day = timestamps.duration("24h")
        days = tuple(Past(day * k, day) for k in range(1, self._days + 1))
        return (Past(timestamps.duration("0h")), *days)

    @property
    def _days(self) -> int:
        return _OLDEST + 7 * self.weeks + 3

    def compute(self, now: Snapshot) -> Columns:
        """Column ``level``, and five departures from it, such as ``level[newest]``.

        Less the level: the newest observation (``[newest]``), that of the newest day at this hour
        (``[yesterday]``), the means of this hour over the last seven days (``[week]``) and over this weekday
        of the last weeks (``[weeks]``). ``[shift]`` is how far the newest day lies above a level made for it,
        as a median over the hours of the window: a repair that has just begun, not a fault of some hours. It
        is not known while the newest day lies more than four days before.
        """
        past = np.stack([now.lag(f"{24 * k}h", step="24h") for k in range(1, self._days + 1)]) / _scale(now)
        newest = np.rint((now.lead_time + now.lag_age("24h", step="24h")) / 24)
        known = newest <= _OLDEST
        newest = np.where(known, newest, _OLDEST).astype(int)
        week = _mean(np.stack([_days_ago(past, newest + k) for k in range(7)]))
        level = week + self._weekday(past, np.zeros_like(newest))
        shift = _days_ago(past, newest) - week - self._weekday(past, newest)
        return {
            "level": level,
            "level[newest]": now.lag("0h") / _scale(now) - level,
            "level[yesterday]": past[0] - level,
            "level[week]": _mean(past[:7]) - level,
            "level[weeks]": _mean(past[6 : 7 * self.weeks : 7]) - level,
            "level[shift]": _median(np.where(known, shift, np.nan)),
        }

    def _weekday(self, past: Array, day: Array) -> Array:
        """What the weekday of so many days ago lay above the seven days around it."""
        departures = []
        for same in (day + 7 * week for week in range(1, self.weeks + 1)):
            around = _mean(np.stack([_days_ago(past, same + k) for k in range(-3, 4)]))
            departures.append(_days_ago(past, same) - around)
        return _mean(np.stack(departures))


def _days_ago(past: Array, day: Array) -> Array:
    return np.asarray(np.take_along_axis(past, day[None] - 1, axis=0)[0])


def _median(values: Array) -> Array:
    """Median of what is known in each row, for all its cells."""
    rows = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values]
    return np.repeat(np.array(rows)[:, None], values.shape[1], axis=1)
