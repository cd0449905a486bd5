"""Reference forecasts of demand: last week's hour, and that of the newest day of the same type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from energyforecast.models.base import Array, weighted_quantiles
from energyforecast.models.references import _PastValue

__all__ = ["SameTypeDay", "SeasonalNaive"]

#: Errors of which a group has its own quantiles.
_ENOUGH: Final = 20
#: Added to classes of days for groups of several: all working days, all days off.
_SEVERAL: Final = 10.0


class _ErrorsByDay(_PastValue):
    """Past value plus the quantiles of its errors by hour and class of the day, as far as there are enough."""

    by = ("hour", "day_class")

    def _group(self, X: pd.DataFrame) -> Array:
        """Hour and class of the day."""
        hour, kind = (X[name].to_numpy(dtype=np.float64) for name in self.by)
        return np.column_stack([np.floor(hour), kind])

    def _fit_groups(self, X: pd.DataFrame, values: Array, weight: Array | None) -> None:
        """Quantiles of each hour and class, of each hour of working days and of others, and of all rows."""
        if weight is not None:  # rows of no weight do not count
            X, values, weight = X[weight > 0], values[weight > 0], weight[weight > 0]
        self.overall_ = weighted_quantiles(values, self.levels, weight)
        fine = self._group(X)
        both = np.vstack([fine, np.column_stack([fine[:, 0], _several(fine[:, 1])])])
        _, member, count = np.unique(both, axis=0, return_inverse=True, return_counts=True)
        enough = count[member.ravel()] >= _ENOUGH
        if not enough.any():
            self.keys_, self.table_ = np.empty((0, 2)), np.empty((0, len(self.levels)))
            return
        twice = None if weight is None else np.tile(weight, 2)[enough]
        self._tabulate(both[enough], np.tile(values, 2)[enough], twice)

    def _of_key(self, key: tuple[float, ...], known: Mapping[tuple[float, ...], Array]) -> Array:
        """Quantiles of an hour and class, or of the wider group."""
        wider = (key[0], float(_several(np.array(key[1]))))
        return known.get(key, known.get(wider, self.overall_))


def _several(kind: Array) -> Array:
    """Number of the wider class: working and bridge days, or weekends and holidays."""
    return np.asarray(_SEVERAL + (kind >= 2.0))


class SeasonalNaive(_ErrorsByDay):
    r"""Seasonal naive: the value of the same hour one season ago, with empirical quantiles of its errors.

    .. math:: q_\tau(t) = y_{t - m} + Q_\tau(y_s - y_{s - m} : s < t,\; h_s = h_t,\; c_s = c_t)

    with the local hour :math:`h` and the class of the day :math:`c`: a quiet night has a narrower distribution than
    noon. Hours of a class with fewer than 20 errors take those of all working days, or of all days off; where these are
    fewer, all errors.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    season : str
        Length :math:`m` of the season: a week by default. Unpublished values are replaced by those of whole seasons
        before.

    See Also
    --------
    SameTypeDay : The newest day of the same type.
    Persistence : Newest observation, with its errors.
    energyforecast.features.DayClass : Classes of days.

    Examples
    --------
    >>> X = pd.DataFrame({"lag_168h": [1.0, 2.0, 3.0], "hour": 0.0, "day_class": 0.0})
    >>> SeasonalNaive((0.5,)).fit(X, np.array([1.0, 2.5, 3.0])).predict(X).ravel().tolist()
    [1.0, 2.0, 3.0]
    """

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, season: str = "168h") -> None:
        super().__init__(quantiles)
        self.season = season

    @property
    def column(self) -> str:
        """Column of the observation one season ago."""
        return f"lag_{self.season}"


class SameTypeDay(_ErrorsByDay):
    r"""Same hour of the newest published day of the same type, with empirical quantiles of its errors.

    .. math::

        q_\tau(t) = y_{t - d} + Q_\tau(y_s - y_{s - d_s} : s < t,\; h_s = h_t,\; c_s = c_t)

    with the distance :math:`d` to the newest day of the same class :math:`c`: a working day, a bridge day, the first or
    second day of the weekend, or a holiday; and the local hour :math:`h`. Groups with few errors are joined as in
    :class:`SeasonalNaive`. This is what a dispatcher does without a model, and the reference of demand a day ahead.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    See Also
    --------
    SeasonalNaive : Last week's hour.
    energyforecast.features.SameTypeLag : Feature that this model reads, with the choice of the day.

    References
    ----------
    Hong and Fan (2016), Probabilistic electric load forecasting: A tutorial review, International Journal of
    Forecasting 32(3), https://doi.org/10.1016/j.ijforecast.2015.11.011: similar days.

    Examples
    --------
    Working days repeat, within 1 MW at noon and exactly at night.

    >>> X = pd.DataFrame({"same_type_lag": 5.0, "hour": np.repeat([0.0, 12.0], 40), "day_class": 0.0})
    >>> y = 5.0 + np.where(X["hour"] == 12, np.tile([-1.0, 1.0], 40), 0.0)
    >>> SameTypeDay((0.1, 0.9)).fit(X, y).predict(X.iloc[[0, 40]]).tolist()
    [[5.0, 5.0], [4.0, 6.0]]
    """

    @property
    def column(self) -> str:
        """Column of the newest day of the same type."""
        return "same_type_lag"
