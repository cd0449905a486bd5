"""Departures of the newest observation, from which the next hours of demand continue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature, mean_of_known, offset_name, step_hours
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["NewestDepartures"]


@checked(hours=(1 / 60, 168), days=(1, 60), weeks=(1, 52))
@dataclass(frozen=True)
class NewestDepartures(Feature):
    r"""Departures of the newest observation from earlier ones, and the usual change from its hour to the forecast one.

    With the newest published observation :math:`y_n` and the forecast interval :math:`t`, for the lags of days
    :math:`d = 1 \ldots D` and of weeks :math:`d = 7, 14 \ldots 7 W`,

    .. math:: \delta_h = y_n - y_{n - h}, \qquad
        \delta = y_n - \frac{1}{D} \sum_{d} y_{n - d}, \qquad
        \Delta_t = \frac{1}{D} \sum_{d} (y_{t - d} - y_{n - d}).

    Where the departure :math:`\delta` lasts, :math:`y_n + \Delta_t` is the forecast; where it fades, trees and linear
    models learn how much of it is left at each lead.

    Parameters
    ----------
    hours : tuple of float
        Distances :math:`h` back from the newest observation; those shorter than the interval are left out. [h]
    days : int
        Number :math:`D` of days in the mean.
    weeks : int
        Number :math:`W` of weeks in the mean.

    See Also
    --------
    NewestObservation, RecentLevel

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW. Missing observations are replaced by older ones of
    the same hour. A model relative to ``newest`` forecasts the departure from it, of which these columns are parts.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> feature = NewestDepartures(hours=(1, 2))
    >>> columns = feature.compute(example_snapshot(history=feature.history, hours=2))  # 14.5 of 60 MW, at 07 UTC
    >>> {name: values.round(3).tolist()[0] for name, values in columns.items() if "-" in name}  # 14 and 13.5 MW before
    {'newest[-1h]': [0.008, 0.008], 'newest[-2h]': [0.017, 0.017]}
    >>> columns["newest[days]"].tolist(), columns["change[days]"].round(3).tolist()  # every day is the same
    ([[0.0, 0.0]], [[-0.058, -0.05]])
    """

    hours: tuple[float, ...] = (0.25, 0.5, 1, 2, 3)
    days: int = 7
    weeks: int = 4

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The newest observation and those before it, and this hour and that of the newest one on earlier days."""
        newest = (Past(timestamps.duration("0h"), newest=True), *map(_before, self.hours))
        return (*newest, *(lag for lags in self._seasons.values() for pair in lags for lag in pair))

    @property
    def _seasons(self) -> dict[str, tuple[tuple[Past, Past], ...]]:
        """Lags of the forecast hour and of the newest one, by name."""
        day, week = timestamps.duration("24h"), timestamps.duration("168h")
        return {
            "yesterday": (_pair(day, 1),),
            "week": (_pair(week, 1),),
            "days": tuple(_pair(day, k) for k in range(1, self.days + 1)),
            "weeks": tuple(_pair(week, k) for k in range(1, self.weeks + 1)),
        }

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``newest[-1h]``, and the departure ``newest[...]`` and the usual ``change[...]``.

        In the brackets: of ``yesterday`` and of last ``week`` at the same hour, and of the means over ``days`` and
        ``weeks``.
        """
        newest = _value(now, self.history[0])
        step = step_hours(now)
        columns = {
            f"newest[{offset_name(-hours)}]": newest - _value(now, _before(hours))
            for hours in self.hours
            if hours > step - 1e-6
        }
        for name, pairs in self._seasons.items():
            then = mean_of_known(np.stack([_value(now, past) for _, past in pairs]))
            columns[f"newest[{name}]"] = newest - then
            columns[f"change[{name}]"] = (
                mean_of_known(np.stack([_value(now, past) for past, _ in pairs])) - then
            )
        return columns


def _before(hours: float) -> Past:
    """Some hours before the newest observation."""
    return Past(timestamps.duration(f"{hours}h"), newest=True)


def _pair(step: pd.Timedelta, count: int) -> tuple[Past, Past]:
    """Some days or weeks before the forecast hour, and before the newest one."""
    return Past(step * count, step), Past(step * count, step, newest=True)


def _value(now: Snapshot, past: Past) -> Array:
    values: Array = now.history[past, now.site.name][0]
    return values / (now.site.capacity or 1.0)
