"""Point-in-time access to planned operation: levels of intervals, as the plan was known at each issue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation, joined_plans
from energyforecast.errors import MissingDataError, SchemaError, of_type
from energyforecast.point_in_time.weather_runs import to_ints

__all__ = ["PlanAtIssue", "check_plan", "with_plan"]

Array = npt.NDArray[Any]
_SECOND: Final = 1_000_000_000
#: Decimals of a level: sums over other activities of a plan must not show in the last bits.
_DECIMALS: Final = 9


@dataclass(frozen=True)
class PlanAtIssue:
    """Planned operation of a site, as it was known at each of many issue times.

    Parameters
    ----------
    plan : PlannedOperation
    site : str
    issue_time : array of datetime64, shape (origins,)
    width : Timedelta
        Length of an interval.

    Examples
    --------
    >>> row = {"site": "works", "activity": "furnace", "start": "2024-03-05 10:30", "end": "2024-03-05 12:00"}
    >>> plan = PlannedOperation(pd.DataFrame([row]), published="2024-03-03 12:00")
    >>> issued = np.array(["2024-03-03T11", "2024-03-04T11"], dtype="datetime64[ns]")
    >>> known = PlanAtIssue(plan, "works", issued, pd.Timedelta("1h"))
    >>> known.level("furnace", np.array([["2024-03-05T10", "2024-03-05T11"]] * 2, dtype="datetime64[ns]"))
    array([[nan, nan],
           [0.5, 1. ]])
    """

    plan: PlannedOperation = field(repr=False)
    site: str
    issue_time: timestamps.Times
    width: pd.Timedelta

    @property
    def activities(self) -> tuple[str, ...]:
        """Names of the activities, also of those that were planned later."""
        return self.plan.activities(self.site)

    def repeated(self, count: int) -> PlanAtIssue:
        """Each issue time so many times, as those of an ensemble's members."""
        return replace(self, issue_time=np.repeat(self.issue_time, count))

    def level(self, activity: str, begin: timestamps.Times) -> Array:
        """Mean level of intervals of which the beginnings are given, shape (..., origins, steps).

        0 where nothing was planned, NaN before the first publication of any activity of the site, and of NaT.
        """
        rows = self.plan.rows[self.plan.rows["site"] == self.site]
        unknown = self.issue_time < timestamps.to_ns(rows["published"])[0]
        level = _mean_levels(rows[rows["activity"] == activity], self.issue_time, to_ints(begin), self.width)
        return np.where(np.isnat(begin) | unknown[:, None], np.nan, level)


def _mean_levels(rows: pd.DataFrame, issued: timestamps.Times, begin: Array, width: pd.Timedelta) -> Array:
    """Mean level of each interval, by the rows of one activity that were published by its issue."""
    start, end = (to_ints(timestamps.to_ns(rows[name])) for name in ("start", "end"))
    edges, level = np.unique(np.concatenate([start, end])), rows["level"].to_numpy()
    first, last = np.searchsorted(edges, start), np.searchsorted(edges, end)
    known = np.searchsorted(timestamps.to_ns(rows["published"]), issued, side="right")
    length, bounds = np.diff(edges) / _SECOND, (edges - edges[0]) / _SECOND
    result, current, done = np.zeros(begin.shape), np.zeros(len(edges) - 1), 0
    for count in np.unique(known):  # Plans grow: each state of knowledge is the one before with its new rows.
        for row in range(done, count):
            current[first[row] : last[row]] = level[row]
        done, chosen = count, known == count
        total = np.concatenate([[0.0], np.cumsum(current * length)])
        since = (begin[..., chosen, :] - edges[0]) / _SECOND
        until = np.interp(since + width.value / _SECOND, bounds, total)
        result[..., chosen, :] = (until - np.interp(since, bounds, total)) * _SECOND / width.value
    return np.round(result, _DECIMALS)


def check_plan(plan: PlannedOperation, known: Iterable[str]) -> None:
    """Refuse a plan of sites that are neither forecast nor observed, which is rather a misspelt name.

    Raises
    ------
    SchemaError
        If it is of another site.
    """
    names = set(known)
    other = [name for name in plan.sites if name not in names]
    if other:
        raise SchemaError(
            f"The planned operation is of the site {other[0]!r}.",
            f"Its sites must be among {sorted(names)}.",
            "Correct the name in the rows, or choose the sites: plan.of_sites([...]).",
        )


@overload
def with_plan(observations: Observations, plan: PlannedOperation | None) -> Observations: ...


@overload
def with_plan(observations: Observations | None, plan: PlannedOperation | None) -> Observations | None: ...


def with_plan(observations: Observations | None, plan: PlannedOperation | None) -> Observations | None:
    """Observations with further rows of their plan, if there are any.

    Raises
    ------
    MissingDataError
        If there are rows without observations.
    SchemaError
        If a row contradicts another one of the same publication.
    """
    if plan is None:
        return observations
    of_type("planned", plan, expected=PlannedOperation, remedy="Make it of a table: PlannedOperation(rows).")
    if observations is None:
        raise MissingDataError(
            "Planned operation is given without observations.",
            "A plan changes a forecast from the newest observations and their plan.",
            "Give the observations, too: predict(weather, observations, planned=...).",
        )
    return replace(observations, planned=joined_plans(observations.planned, plan))
