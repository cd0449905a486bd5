"""Planned operation of consumers, as it was known at issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.features.lags import RecentLevel
from energyforecast.point_in_time.history import Past, begun
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Planned", "planned_activity", "planned_column"]

_PREFIX: Final = "planned["
_CHANGE: Final = "planned_change["


@checked(weeks=(1, 104))
@dataclass(frozen=True)
class Planned(Feature):
    r"""Planned level of each activity of the site, and its departure from the plan of the last weeks.

    .. math:: \Delta p_t = p_t - L_t(p)

    with the mean planned level :math:`p_t` of the interval and the recent level :math:`L_t` of
    :class:`RecentLevel`, taken of the plan in place of the demand, over the same hours. A departure of demand from its
    recent level, in which a furnace ran another campaign, depends on it.

    Parameters
    ----------
    weeks : int
        Number of weeks, as in :class:`RecentLevel`.
    holidays : bool
        Whether holidays count in the recent level, as in :class:`RecentLevel`.

    See Also
    --------
    RecentLevel, energyforecast.PlannedOperation, energyforecast.read_planned_operation

    Notes
    -----
    All levels, those of past hours too, are as they were published by the issue: 0 where nothing was planned, NaN
    before the first publication. There are no columns where no plan was given.

    Examples
    --------
    A furnace is planned for half of tomorrow's first hour, and was not for weeks.

    >>> import pandas as pd
    >>> from energyforecast.core.planned_operation import PlannedOperation
    >>> from energyforecast.testing import example_snapshot
    >>> row = {"site": "farm", "activity": "furnace", "start": "2024-01-02 00:30", "end": "2024-01-02 01:00"}
    >>> plan = PlannedOperation(pd.DataFrame([row]), published="2023-12-31")
    >>> furnace = Planned()
    >>> columns = furnace.compute(example_snapshot(history=furnace.history, planned=plan))
    >>> {name: values.tolist() for name, values in columns.items()}
    {'planned[furnace]': [[0.5, 0.0, 0.0]], 'planned_change[furnace]': [[0.5, 0.0, 0.0]]}
    """

    weeks: int = 4
    holidays: bool = True

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The hours of the recent level."""
        return RecentLevel(self.weeks).history

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``planned[furnace]`` and ``planned_change[furnace]``, in the unit of the plan."""
        plan = now.plans.get(now.site.name)
        if plan is None:
            return {}
        usual, columns = RecentLevel(self.weeks, self.holidays), dict[str, Array]()
        newest, _ = usual.newest_day(now)
        issued = now.windows.issue_time
        days = np.stack([begun(now.lag_age(past.lag, step="24h"), issued) for past in usual.history[1:]])
        for activity in plan.activities:
            level = plan.level(activity, now.valid_time)
            columns[planned_column(activity)] = level
            past = usual.counted(now, plan.level(activity, days), newest)
            columns[f"{_CHANGE}{activity}]"] = level - usual.of_days(past, newest)
        return columns


def planned_column(activity: str) -> str:
    """Column of the planned level of an activity."""
    return f"{_PREFIX}{activity}]"


def planned_activity(column: str) -> str:
    """Activity of which a column holds the planned level; empty of other columns."""
    return column.removeprefix(_PREFIX).removesuffix("]") if column.startswith(_PREFIX) else ""
