"""Forecasts that any model must beat."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from energyforecast.models.base import Array, Part, QuantileModel, weighted_quantiles

__all__ = [
    "Climatology",
    "ConvexCombination",
    "Persistence",
    "PowerCurveReference",
    "SeasonalClimatology",
    "SeasonalNaive",
    "SmartPersistence",
]

#: Length of the year. [d]
_YEAR: Final = 365.25


class _Grouped(QuantileModel):
    """Quantiles of something by groups of rows."""

    by: tuple[str, ...]

    def _group(self, X: pd.DataFrame) -> Array:
        return np.asarray(np.round(X[list(self.by)].to_numpy(dtype=np.float64), 3))

    def _fit_groups(self, X: pd.DataFrame, values: Array, weight: Array | None) -> None:
        keys, member = np.unique(self._group(X), axis=0, return_inverse=True)
        member = member.ravel()
        self.keys_ = keys
        self.overall_ = weighted_quantiles(values, self.levels, weight)
        rows = [member == k for k in range(len(keys))]
        self.table_ = np.stack(
            [
                weighted_quantiles(values[row], self.levels, None if weight is None else weight[row])
                for row in rows
            ]
        )

    def _look_up(self, X: pd.DataFrame) -> Array:
        wanted, member = np.unique(self._group(X), axis=0, return_inverse=True)
        rows = np.stack([self._row(key) for key in wanted])
        return np.asarray(rows[member.ravel()])

    def _row(self, key: Array) -> Array:
        there = np.flatnonzero((self.keys_ == key).all(axis=1))
        return np.asarray(self.table_[there[0]] if there.size else self.overall_)

    def parts(self) -> dict[str, Part]:
        """Groups and their quantiles."""
        return {"keys": self.keys_, "table": self.table_, "overall": self.overall_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.keys_, self.table_, self.overall_ = (
            np.asarray(parts[name]) for name in ("keys", "table", "overall")
        )


class Climatology(_Grouped):
    """Quantiles of past outcomes in the same group, by default the same hour of the local day.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    by : tuple of str
        Columns that make the groups. A group never seen takes the quantiles of all.

    Examples
    --------
    >>> X = pd.DataFrame({"hour": [0, 0, 0, 12, 12, 12]})
    >>> Climatology((0.5,)).fit(X, np.array([1, 2, 3, 7, 8, 9.0])).predict(X).ravel().tolist()
    [2.0, 2.0, 2.0, 8.0, 8.0, 8.0]
    """

    def __init__(
        self, quantiles: tuple[float, ...] | None = None, *, by: tuple[str, ...] = ("hour",)
    ) -> None:
        super().__init__(quantiles)
        self.by = by

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that make the groups."""
        return tuple(self.by)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._fit_groups(X, y, sample_weight)

    def _predict(self, X: pd.DataFrame) -> Array:
        return self._look_up(X)


class SeasonalClimatology(QuantileModel):
    """Quantiles of past outcomes at the same hour, about the same day of any year, weekends apart.

    What demand a month ahead must beat: it knows neither temperature nor growth.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    days : int
        How far a day of the past may lie from the day of the year. [d]

    Notes
    -----
    Where nothing was seen so near, the nearest days of the year stand for it.

    Examples
    --------
    >>> days = 2 * np.pi * np.array([0, 1, 2, 3, 180]) / 365.25
    >>> X = pd.DataFrame({"hour": 0.0, "weekday": 0.0, "season_cosine": np.cos(days), "season_sine": np.sin(days)})
    >>> reference = SeasonalClimatology((0.5,), days=1).fit(X, np.array([10.0, 11.0, 13.0, 14.0, 99.0]))
    >>> reference.predict(X[1:3]).ravel().tolist()  # of 10, 11 and 13, and of 11, 13 and 14
    [11.0, 13.0]
    """

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, days: int = 8) -> None:
        super().__init__(quantiles)
        self.days = days

    @property
    def needs(self) -> tuple[str, ...]:
        """Hour, weekday and day of the year."""
        return ("hour", "weekday", "season_cosine", "season_sine")

    def _keys(self, X: pd.DataFrame) -> Array:
        """Hour of the day, whether it is a weekend, and the time of the year in days."""
        hour, weekday, cosine, sine = (X[name].to_numpy(dtype=np.float64) for name in self.needs)
        season = np.mod(np.arctan2(sine, cosine), 2 * np.pi) * _YEAR / (2 * np.pi)
        return np.column_stack([np.round(hour, 3), weekday >= 5, season])

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.past_ = np.column_stack([self._keys(X), y, weight])[weight > 0]

    def _predict(self, X: pd.DataFrame) -> Array:
        keys = self._keys(X)
        result = np.empty((len(X), len(self.levels)))
        kinds, member = np.unique(keys[:, :2], axis=0, return_inverse=True)
        for k, kind in enumerate(kinds):
            same = (self.past_[:, :2] == kind).all(axis=1)
            past = self.past_[same] if same.any() else self.past_
            for row in np.flatnonzero(member.ravel() == k):
                result[row] = self._near(past, keys[row, 2])
        return result

    def _near(self, past: Array, season: float) -> Array:
        apart = np.abs(past[:, 2] - season)
        apart = np.minimum(apart, _YEAR - apart)
        # Leap days move the time of the year by less than a day.
        near = apart <= max(self.days, float(apart.min())) + 0.5
        weight = past[near, 4]
        equal = bool((weight == weight[0]).all())
        return weighted_quantiles(past[near, 3], self.levels, None if equal else weight)

    def parts(self) -> dict[str, Part]:
        """Every past outcome with its place in the day, the week and the year."""
        return {"past": self.past_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.past_ = np.asarray(parts["past"])


class _PastValue(_Grouped):
    """A past value, and the quantiles of its past errors."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Column of the past value."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The past value and the columns that make the groups."""
        return (self.column, *self.by)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        past = X[self.column].to_numpy(dtype=np.float64)
        known = np.isfinite(past)
        weight = None if sample_weight is None else sample_weight[known]
        if not known.any():
            known, past, weight = np.ones(len(y), dtype=bool), np.zeros(len(y)), sample_weight
        self._fit_groups(X[known], (y - past)[known], weight)
        self.outcomes_ = weighted_quantiles(y, self.levels, sample_weight)

    def _predict(self, X: pd.DataFrame) -> Array:
        past = X[self.column].to_numpy(dtype=np.float64)[:, None]
        # Where nothing was published yet, all outcomes are the answer: wide, but not missing.
        return np.asarray(np.where(np.isfinite(past), past + self._look_up(X), self.outcomes_))

    def parts(self) -> dict[str, Part]:
        """Groups and the quantiles of their errors, and the quantiles of all outcomes."""
        return super().parts() | {"outcomes": self.outcomes_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        super().restore(parts)
        self.outcomes_ = np.asarray(parts["outcomes"])


class Persistence(_PastValue):
    """The newest published observation goes on, with the errors that this made at each lead.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    Examples
    --------
    >>> X = pd.DataFrame({"newest": [1.0, 2.0], "lead_time": [1.0, 1.0]})
    >>> Persistence((0.5,)).fit(X, np.array([1.5, 2.5])).predict(X).ravel().tolist()
    [1.5, 2.5]
    """

    by = ("lead_time",)

    @property
    def column(self) -> str:
        """The newest observation."""
        return "newest"


class ConvexCombination(_PastValue):
    """Climatology and persistence in the mixture that was best at each lead, with the errors that it made.

    The point is ``w`` times persistence plus ``1 - w`` times climatology, the mean of the local hour. Persistence
    here follows the day: the newest published value, plus what the mean changes from its hour to the forecast's.
    ``w`` has the least squared error at that lead over the rows that the model is fitted to, and lies between 0
    and 1: persistence for the next hour, climatology for the day after tomorrow. Quantiles stay within the
    outcomes that were learnt from.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    column : str
        Column of the past value: ``"newest"``, or ``"smart_persistence"`` at PV plants.
    climate : str
        Column whose groups have a mean of their own.

    References
    ----------
    Nielsen, Joensen, Madsen, Landberg and Giebel (1998), A new reference for wind power forecasting,
    https://doi.org/10.1002/(SICI)1099-1824(199809)1:1%3C29::AID-WE10%3E3.0.CO;2-B.

    Examples
    --------
    At the first lead the newest value is right, at the second it says nothing.

    >>> X = pd.DataFrame({"newest": [1.0, 3.0, 1.0, 3.0], "lead_time": [1.0, 1.0, 2.0, 2.0], "hour": 0.0})
    >>> model = ConvexCombination((0.5,)).fit(X, np.array([1.0, 3.0, 2.0, 2.0]))
    >>> model.predict(X).ravel().tolist()
    [1.0, 3.0, 2.0, 2.0]
    """

    by = ("lead_time",)
    column = "newest"

    def __init__(
        self, quantiles: tuple[float, ...] | None = None, *, column: str = "newest", climate: str = "hour"
    ) -> None:
        super().__init__(quantiles)
        self.column = column
        self.climate = climate

    @property
    def needs(self) -> tuple[str, ...]:
        """The past value, the lead, and the column that has means of its own."""
        return tuple(dict.fromkeys((self.column, *self.by, self.climate)))

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.range_ = np.array([y[weight > 0].min(), y[weight > 0].max()])
        self.mean_ = _means(X[self.climate].to_numpy(dtype=np.float64), y, weight)
        past = X[self.column].to_numpy(dtype=np.float64)
        known = np.isfinite(past)
        self.usual_ = _means(self._place(X)[known], past[known], weight[known])
        self.usual_[-1, 1] = np.nan  # at a lead and hour never seen nothing is usual
        wanted = y - _of_group(self.mean_, X[self.climate].to_numpy(dtype=np.float64))
        away, lead = self._away(X), np.asarray(np.round(X["lead_time"].to_numpy(dtype=np.float64), 3))
        both, square = (_means(lead, values, weight) for values in (away * wanted, away * away))
        best = both[:, 1] / np.where(square[:, 1] > 0, square[:, 1], np.inf)
        self.share_ = np.column_stack([both[:, 0], np.clip(best, 0.0, 1.0)])
        # The last row is for leads that were never seen: climatology.
        self.share_[-1, 1] = 0.0
        self._fit_groups(X, y - self._point(X), sample_weight)
        self.outcomes_ = weighted_quantiles(y, self.levels, sample_weight)

    def _point(self, X: pd.DataFrame) -> Array:
        normal = _of_group(self.mean_, X[self.climate].to_numpy(dtype=np.float64))
        lead = np.asarray(np.round(X["lead_time"].to_numpy(dtype=np.float64), 3))
        return np.asarray(normal + _of_group(self.share_, lead) * self._away(X))

    def _place(self, X: pd.DataFrame) -> Array:
        """A number for each lead and group."""
        lead, climate = (X[name].to_numpy(dtype=np.float64) for name in ("lead_time", self.climate))
        return np.asarray(np.round(1e4 * lead) + np.round(climate, 3))

    def _away(self, X: pd.DataFrame) -> Array:
        """The newest value against its usual one; 0, which is climatology, where nothing was published."""
        away = X[self.column].to_numpy(dtype=np.float64) - _of_group(self.usual_, self._place(X))
        return np.where(np.isfinite(away), away, 0.0)

    def _predict(self, X: pd.DataFrame) -> Array:
        return np.asarray(np.clip(self._point(X)[:, None] + self._look_up(X), *self.range_))

    def parts(self) -> dict[str, Part]:
        """Means of the groups, usual newest values, shares of persistence by lead, and the errors."""
        return super().parts() | {
            "mean": self.mean_,
            "usual": self.usual_,
            "share": self.share_,
            "range": self.range_,
        }

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        super().restore(parts)
        self.mean_, self.usual_, self.share_, self.range_ = (
            np.asarray(parts[name]) for name in ("mean", "usual", "share", "range")
        )


def _means(group: Array, values: Array, weight: Array) -> Array:
    """Each group and its mean, in order, and last that of all rows under NaN."""
    keys, member = np.unique(group, return_inverse=True)
    weights = np.append(np.bincount(member, weights=weight), weight.sum())
    sums = np.append(np.bincount(member, weights=weight * values), weight @ values)
    means = sums / np.where(weights > 0, weights, 1.0)
    means = np.where(weights > 0, means, means[-1])  # rows of no weight teach nothing
    return np.column_stack([np.append(keys, np.nan), means])


def _of_group(table: Array, group: Array) -> Array:
    """What stands beside each group; the last row for groups that are not there."""
    keys = table[:-1, 0]
    if not len(keys):
        return np.full(len(group), table[-1, 1])
    place = np.minimum(np.searchsorted(keys, group), len(keys) - 1)
    return np.asarray(np.where(keys[place] == group, table[place, 1], table[-1, 1]))


class SmartPersistence(_PastValue):
    """Clouds stay as they are while the sun moves, with the errors that this made at each lead and hour.

    The newest published power of a PV plant over that under a clear sky, times that under a clear sky at
    the time of the forecast.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    Examples
    --------
    >>> X = pd.DataFrame({"smart_persistence": [0.2, 0.4], "lead_time": [1.0, 1.0], "hour": [9.0, 9.0]})
    >>> SmartPersistence((0.5,)).fit(X, np.array([0.3, 0.5])).predict(X).ravel().round(6).tolist()
    [0.3, 0.5]
    """

    by = ("lead_time", "hour")

    @property
    def column(self) -> str:
        """Clear-sky persistence."""
        return "smart_persistence"


class SeasonalNaive(_PastValue):
    """The value of the same hour one season ago, with the errors that this made.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    season : str
        Length of the season: a week by default. While the value is not published, whole seasons before it.

    Examples
    --------
    >>> X = pd.DataFrame({"lag_168h": [1.0, 2.0, 3.0]})
    >>> SeasonalNaive((0.5,)).fit(X, np.array([1.0, 2.5, 3.0])).predict(X).ravel().tolist()
    [1.0, 2.0, 3.0]
    """

    by = ()

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, season: str = "168h") -> None:
        super().__init__(quantiles)
        self.season = season

    @property
    def column(self) -> str:
        """The observation one season ago."""
        return f"lag_{self.season}"

    def _group(self, X: pd.DataFrame) -> Array:
        return np.zeros((len(X), 1))


class PowerCurveReference(_PastValue):
    """The farm's power curve on the weather forecast, with the errors that this made at each lead.

    What a user has without any learning from weather: a model is worth what it adds to it.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    column : str
        Column of the curve's power: with ``"power_curve[density]"`` corrected for the density of the
        air, with ``"ifs:power_curve"`` that of one weather model among several.

    Examples
    --------
    >>> X = pd.DataFrame({"power_curve": [0.2, 0.6], "lead_time": [1.0, 1.0]})
    >>> reference = PowerCurveReference((0.5,)).fit(X, np.array([0.1, 0.5]))  # 0.1 less than the curve says
    >>> reference.predict(X).ravel().round(2).tolist()
    [0.1, 0.5]
    """

    by = ("lead_time",)
    column = "power_curve"

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, column: str = "power_curve") -> None:
        super().__init__(quantiles)
        self.column = column
