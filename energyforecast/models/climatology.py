"""Climatologies: quantiles of past outcomes by hour and season."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from energyforecast.models.base import Array, Part, QuantileModel, weighted_quantiles

__all__ = ["Climatology", "SeasonalClimatology"]

#: Length of the year. [d]
_YEAR: Final = 365.25


class _GroupedQuantiles(QuantileModel):
    """Empirical quantiles by groups of rows."""

    few_parameters = True
    by: tuple[str, ...]

    def _group(self, X: pd.DataFrame) -> Array:
        """Group of each row, as rounded values of the columns `by`."""
        return np.asarray(np.round(X[list(self.by)].to_numpy(dtype=np.float64), 3))

    def _fit_groups(self, X: pd.DataFrame, values: Array, weight: Array | None) -> None:
        """Quantiles of each group and of all rows."""
        self.overall_ = weighted_quantiles(values, self.levels, weight)
        self._tabulate(self._group(X), values, weight)

    def _tabulate(self, group: Array, values: Array, weight: Array | None) -> None:
        """Quantiles of each group."""
        keys, member = np.unique(group, axis=0, return_inverse=True)
        member = member.ravel()
        self.keys_ = keys
        order = np.argsort(member, kind="stable")
        rows = np.split(order, np.searchsorted(member[order], np.arange(1, len(keys))))
        self.table_ = np.stack(
            [
                weighted_quantiles(values[row], self.levels, None if weight is None else weight[row])
                for row in rows
            ]
        )

    def _look_up(self, X: pd.DataFrame) -> Array:
        """Quantiles of the group of each row."""
        keys, member = np.unique(self._group(X), axis=0, return_inverse=True)
        known = {tuple(key): row for key, row in zip(self.keys_.tolist(), self.table_, strict=True)}
        rows = np.stack([self._of_key(tuple(key), known) for key in keys.tolist()])
        return np.asarray(rows[member.ravel()])

    def _of_key(self, key: tuple[float, ...], known: Mapping[tuple[float, ...], Array]) -> Array:
        """Quantiles of one group, of all rows where it is unseen."""
        return known.get(key, self.overall_)

    def parts(self) -> dict[str, Part]:
        """Groups and their quantiles."""
        return {"keys": self.keys_, "table": self.table_, "overall": self.overall_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.keys_, self.table_, self.overall_ = (
            np.asarray(parts[name]) for name in ("keys", "table", "overall")
        )


class Climatology(_GroupedQuantiles):
    r"""Empirical quantiles of past outcomes in the same group, by default the same hour of the local day.

    With the :math:`n` sorted outcomes :math:`y_{(1)} \le \dots \le y_{(n)}` of a group, linear between them,

    .. math:: q_\tau = y_{(1 + (n - 1) \tau)}.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    by : tuple of str
        Columns that define the groups. An unseen group takes the quantiles of all rows.

    See Also
    --------
    SeasonalClimatology : Climatology by hour and season, weekends apart.
    ConvexCombination : Climatology combined with persistence.

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
        """Columns that define the groups."""
        return tuple(self.by)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._fit_groups(X, y, sample_weight)

    def _predict(self, X: pd.DataFrame) -> Array:
        return self._look_up(X)


class SeasonalClimatology(QuantileModel):
    r"""Empirical quantiles of past outcomes at the same hour and about the same day of the year, weekends apart.

    With the hour :math:`h`, the weekend flag :math:`w` of the site's country and the day of the year :math:`d`, each on
    the local calendar,

    .. math::

        q_\tau(t) = Q_\tau\bigl(y_s : h_s = h_t,\; w_s = w_t,\; \min(|d_s - d_t|, 365.25 - |d_s - d_t|) \le D\bigr).

    It is the reference of demand a month ahead, without temperature and growth.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    days : int
        Half-width :math:`D` of the window around the day of the year. [d]

    See Also
    --------
    Climatology : Climatology by hour of the local day.

    Notes
    -----
    If no past day lies in the window, the nearest days of the year are used.

    Examples
    --------
    >>> days = 2 * np.pi * np.array([0, 1, 2, 3, 180]) / 365.25
    >>> X = pd.DataFrame({"hour": 0.0, "weekend": 0.0, "season_cosine": np.cos(days), "season_sine": np.sin(days)})
    >>> reference = SeasonalClimatology((0.5,), days=1).fit(X, np.array([10.0, 11.0, 13.0, 14.0, 99.0]))
    >>> reference.predict(X[1:3]).ravel().tolist()  # of 10, 11 and 13, and of 11, 13 and 14
    [11.0, 13.0]
    """

    few_parameters = True

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, days: int = 8) -> None:
        super().__init__(quantiles)
        self.days = days

    @property
    def needs(self) -> tuple[str, ...]:
        """Hour, weekend of the country and day of the year."""
        return ("hour", "weekend", "season_cosine", "season_sine")

    def _keys(self, X: pd.DataFrame) -> Array:
        """Hour of the day, whether it is a weekend, and the time of the year in days."""
        hour, weekend, cosine, sine = (X[name].to_numpy(dtype=np.float64) for name in self.needs)
        season = np.mod(np.arctan2(sine, cosine), 2 * np.pi) * _YEAR / (2 * np.pi)
        return np.column_stack([np.round(hour, 3), weekend, season])

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
        """Quantiles of past outcomes about a time of the year."""
        apart = np.abs(past[:, 2] - season)
        apart = np.minimum(apart, _YEAR - apart)
        # Leap days shift the time of the year by less than a day.
        near = apart <= max(self.days, float(apart.min())) + 0.5
        weight = past[near, 4]
        equal = bool((weight == weight[0]).all())
        return weighted_quantiles(past[near, 3], self.levels, None if equal else weight)

    def parts(self) -> dict[str, Part]:
        """Past outcomes with hour, weekend flag and time of the year."""
        return {"past": self.past_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.past_ = np.asarray(parts["past"])
