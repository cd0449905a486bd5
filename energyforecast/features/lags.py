"""Lagged observations, as far as they were published at issue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature, mean_of_known
from energyforecast.features.day_class import usual_days
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Lag", "LagMean", "NewestDayMean", "NewestObservation", "RecentLevel"]

#: Days from an interval to the newest published day, at most: those of a week ahead. Older ones count as so old. [d]
_OLDEST = 11


def _scale(now: Snapshot) -> float:
    return now.site.capacity or 1.0


@checked(lag="1min", step="1min")
@dataclass(frozen=True)
class Lag(Feature):
    """Lagged observation before the interval, or the newest older one that was published.

    Parameters
    ----------
    lag : str
        E.g. ``"168h"``.
    step : str, optional
        Go back in whole steps while it is not published: ``"24h"`` keeps the hour of the day.

    See Also
    --------
    LagMean, NewestObservation

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


@checked(step="1min", count=(1, 1000))
@dataclass(frozen=True)
class LagMean(Feature):
    r"""Mean of observations at the same hour of several previous days or weeks.

    .. math:: \frac{1}{n} \sum_{k=1}^{n} y_{t - k s}

    with the step :math:`s` and the count :math:`n`.

    Parameters
    ----------
    step : str
        Distance between two observations, and step back from one that is not published.
    count : int
        Number of observations, the nearest one step before the interval. Several may
        fall back to the same newest published one, which then counts as often.

    See Also
    --------
    Lag, RecentLevel

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
        lags = np.stack([now.lag(past.lag, step=self.step) for past in self.history])
        return {self.name: mean_of_known(lags) / _scale(now)}


@dataclass(frozen=True)
class NewestDayMean(Feature):
    r"""Mean of the newest published observation of each hour of the day, ``day_mean``.

    .. math:: \frac{1}{24} \sum_{h=0}^{23} y_{t - h - 24 n_h}

    in hours, with the fewest whole days :math:`n_h` at which the observation was published. Where all are published up
    to the issue it is the mean of the last 24 hours, a level that a departure may be learnt from.

    See Also
    --------
    LagMean, RecentLevel

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW. Missing observations are skipped.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> mean = NewestDayMean()
    >>> columns = mean.compute(example_snapshot(history=mean.history))  # from 11 to 22.5 of 60 MW in a day
    >>> columns["day_mean"].round(3).tolist()
    [[0.279, 0.279, 0.279]]
    """

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The hour itself and the 23 before it, back in whole days to one that is published."""
        hour, day = timestamps.duration("1h"), timestamps.duration("24h")
        return tuple(Past(hour * k, day) for k in range(24))

    def compute(self, now: Snapshot) -> Columns:
        """Column ``day_mean``."""
        lags = np.stack([now.lag(past.lag, step="24h") for past in self.history])
        return {"day_mean": mean_of_known(lags) / _scale(now)}


@dataclass(frozen=True)
class NewestObservation(Feature):
    """Newest published observation, ``newest``, and its age at issue. [fraction of capacity or MW; h]

    See Also
    --------
    Lag, NewestWind, ClearSkyPersistence

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = NewestObservation().compute(example_snapshot(hours=2))  # 14.5 of 60 MW, two hours ago
    >>> columns["newest"].round(3).tolist(), columns["newest_age"].tolist()
    ([[0.242, 0.242]], [[2.0, 2.0]])
    """

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """A lag of zero: of every interval the newest that was known."""
        return (Past(timestamps.duration("0h")),)

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``newest`` and ``newest_age`` [h]."""
        return {"newest": now.lag("0h") / _scale(now), "newest_age": now.lag_age("0h")}


@checked(weeks=(1, 104))
@dataclass(frozen=True)
class RecentLevel(Feature):
    r"""Recent level of demand by hour and weekday, and departures of other observations from it.

    .. math::
        L_t = \frac{1}{7} \sum_{k=0}^{6} y_{t - (n + k)} + \frac{1}{W} \sum_{w=v}^{v+W-1} \Bigl(
            y_{t - 7w} - \frac{1}{7} \sum_{k=-3}^{3} y_{t - 7w - k} \Bigr), \qquad
        v = \Bigl\lceil \frac{n + 3}{7} \Bigr\rceil,

    in days, with the newest published day :math:`n`, the number :math:`W` of weeks and the newest week :math:`v` whose
    days around the weekday are all published: the mean of the newest seven days at this hour, plus the usual departure
    of the weekday from the days around it. It follows growth and structural breaks within a week, and serves leads of
    up to a week. Trees cannot extrapolate beyond the levels of their training data, but have seen many departures from
    a level.

    Parameters
    ----------
    weeks : int
        Number of weeks for the departure of the weekday.
    holidays : bool
        Whether holidays count. A run of them is not the level of the weeks after it: with False, days whose
        :class:`DayClass` is not that of their weekday (holidays, bridge days, working weekends) give way to the same
        weekday a week before, the oldest to that of a week after. The level of a holiday is then that of an ordinary
        day.

    See Also
    --------
    LagMean, NewestObservation, DayClass, SameTypeLag

    Notes
    -----
    As a fraction of capacity where the site has one, else in MW. Missing observations are skipped.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> recent = RecentLevel()
    >>> columns = recent.compute(example_snapshot(history=recent.history))  # at night, when demand is low
    >>> columns["level"].round(3).tolist()  # every day is the same
    [[0.183, 0.192, 0.2]]
    >>> columns["level[newest]"].round(3).tolist()  # 14.5 of 60 MW
    [[0.058, 0.05, 0.042]]
    """

    weeks: int = 4
    holidays: bool = True

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The newest value, and this hour of each day, as far back as every weekday has days around it."""
        day = timestamps.duration("24h")
        days = tuple(Past(day * k, day) for k in range(1, self._days + 1))
        return (Past(timestamps.duration("0h")), *days)

    @property
    def _days(self) -> int:
        return _OLDEST + 7 * self.weeks + 3

    def compute(self, now: Snapshot) -> Columns:
        """Column ``level``, and five departures from it, such as ``level[newest]``.

        Minus the level: the newest observation (``[newest]``), that of the newest day at this hour
        (``[yesterday]``), the means of this hour over the last seven days (``[week]``) and over this weekday
        of the last weeks (``[weeks]``). ``[shift]`` is the departure of the newest day from a level computed for
        it, as a median over the hours of the window: a repair that has just begun, not a fault of some hours. It
        is NaN if the newest day is more than eleven days before the interval.
        """
        past = np.stack([now.lag(f"{24 * k}h", step="24h") for k in range(1, self._days + 1)]) / _scale(now)
        newest, known = self.newest_day(now)
        past = self.counted(now, past, newest)
        level = self.of_days(past, newest)
        shift = _days_ago(past, newest) - _week(past, newest) - self._weekday(past, newest)
        return {
            "level": level,
            "level[newest]": now.lag("0h") / _scale(now) - level,
            "level[yesterday]": past[0] - level,
            "level[week]": mean_of_known(past[:7]) - level,
            "level[weeks]": mean_of_known(self._same_weekday(past, _weeks_before(newest))) - level,
            # Cells beyond a window that is shorter than others, as by an hour in spring, belong to no hour of it.
            "level[shift]": _median(np.where(known & now.windows.inside, shift, np.nan)),
        }

    def newest_day(self, now: Snapshot) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Days from each interval back to the newest published day, at most eleven, and whether they are no more."""
        newest = np.rint((now.lead_time + now.lag_age("24h", step="24h")) / 24)
        known = newest <= _OLDEST
        return np.where(known, newest, _OLDEST).astype(int), known

    def counted(self, now: Snapshot, past: Array, newest: Array) -> Array:
        """Values of ordinary days in place of holidays that do not count, of the newest day for unpublished ones."""
        if self.holidays:
            return past
        days = np.arange(1, len(past) + 1)[:, None, None]
        return np.take_along_axis(usual_days(now, past), np.maximum(days, newest) - 1, axis=0)

    def of_days(self, past: Array, newest: Array) -> Array:
        """Level, from the values of this hour one day, two days, ... ago, of which the newest known is so old. [d]"""
        return _week(past, newest) + self._weekday(past, _weeks_before(newest + 3))

    def _same_weekday(self, past: Array, day: Array) -> Array:
        """Same hour of the weekday in each week before a day, so many days ago."""
        return np.stack([_days_ago(past, day + 7 * week) for week in range(1, self.weeks + 1)])

    def _weekday(self, past: Array, day: Array) -> Array:
        """Mean departure of the weekday, so many days ago, from the seven days around it."""
        departures = []
        for same in (day + 7 * week for week in range(1, self.weeks + 1)):
            around = mean_of_known(np.stack([_days_ago(past, same + k) for k in range(-3, 4)]))
            departures.append(_days_ago(past, same) - around)
        return mean_of_known(np.stack(departures))


def _week(past: Array, newest: Array) -> Array:
    """Mean of this hour over the newest seven days."""
    return mean_of_known(np.stack([_days_ago(past, newest + k) for k in range(7)]))


def _weeks_before(day: Array) -> Array:
    """Days of the whole weeks before one in which a day lies, so many days ago."""
    return np.asarray(7 * ((day - 1) // 7))


def _days_ago(past: Array, day: Array) -> Array:
    return np.asarray(np.take_along_axis(past, day[None] - 1, axis=0)[0])


def _median(values: Array) -> Array:
    """Median of the known values in each row, for all its cells."""
    rows = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values]
    return np.repeat(np.array(rows)[:, None], values.shape[1], axis=1)
