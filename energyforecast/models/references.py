"""Reference forecasts: persistence, power curve, and their combination with climatology."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import pandas as pd

from energyforecast.models.base import Array, Part, weighted_quantiles
from energyforecast.models.climatology import _GroupedQuantiles

__all__ = [
    "ConvexCombination",
    "Persistence",
    "PowerCurveReference",
    "SmartPersistence",
]


class _PastValue(_GroupedQuantiles):
    """Past value plus the empirical quantiles of its past errors."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Column of the past value."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Past value, and columns that define the groups of errors."""
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
        # Before the first publication, the quantiles of all outcomes are given: wide, but not missing.
        return np.asarray(np.where(np.isfinite(past), past + self._look_up(X), self.outcomes_))

    def parts(self) -> dict[str, Part]:
        """Groups with quantiles of their errors, and quantiles of all outcomes."""
        return super().parts() | {"outcomes": self.outcomes_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        super().restore(parts)
        self.outcomes_ = np.asarray(parts["outcomes"])


class Persistence(_PastValue):
    r"""Persistence: the newest published observation plus empirical quantiles of its errors at each lead.

    .. math:: q_\tau(t + k) = y_t + Q_\tau(y_{s + k} - y_s : s < t)

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    See Also
    --------
    SmartPersistence : Persistence of the clear-sky index at PV plants.
    ConvexCombination : Persistence combined with climatology.

    Examples
    --------
    >>> X = pd.DataFrame({"newest": [1.0, 2.0], "lead_time": [1.0, 1.0]})
    >>> Persistence((0.5,)).fit(X, np.array([1.5, 2.5])).predict(X).ravel().tolist()
    [1.5, 2.5]
    """

    by = ("lead_time",)

    @property
    def column(self) -> str:
        """Column of the newest observation."""
        return "newest"


class ConvexCombination(_PastValue):
    r"""Convex combination of persistence and climatology at each lead, with empirical quantiles of its errors.

    With the mean :math:`\mu_c` of the group :math:`c` (the local hour), the usual newest value :math:`\bar p_{k,c}` at
    lead :math:`k`, and the newest published value :math:`p`,

    .. math::

        \hat y = \mu_c + w_k (p - \bar p_{k,c}), \qquad
        w_k = \min\Bigl(1, \max\Bigl(0,
        \frac{\sum_i (p_i - \bar p_i)(y_i - \mu_i)}{\sum_i (p_i - \bar p_i)^2}\Bigr)\Bigr),

    which minimises the squared error at that lead over the rows of fit: persistence for the next hour, climatology for
    the day after tomorrow. Quantiles are clipped to the range of outcomes in fit.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    column : str
        Column of the past value: ``"newest"``, or ``"smart_persistence"`` at PV plants.
    climate : str
        Column whose groups have separate means.

    See Also
    --------
    Persistence : Newest observation, with its errors.
    Climatology : Empirical quantiles by hour.

    References
    ----------
    Nielsen, Joensen, Madsen, Landberg and Giebel (1998), A new reference for wind power forecasting,
    https://doi.org/10.1002/(SICI)1099-1824(199809)1:1%3C29::AID-WE10%3E3.0.CO;2-B.

    Examples
    --------
    At the first lead the newest value is right, at the second it has no information.

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
        """Past value, lead, and column of the climatology."""
        return tuple(dict.fromkeys((self.column, *self.by, self.climate)))

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.range_ = np.array([y[weight > 0].min(), y[weight > 0].max()])
        self.mean_ = _means(X[self.climate].to_numpy(dtype=np.float64), y, weight)
        past = X[self.column].to_numpy(dtype=np.float64)
        known = np.isfinite(past)
        self.usual_ = _means(self._place(X)[known], past[known], weight[known])
        self.usual_[-1, 1] = np.nan  # no usual value at an unseen lead and hour
        departure = y - _of_group(self.mean_, X[self.climate].to_numpy(dtype=np.float64))
        away, lead = self._away(X), np.asarray(np.round(X["lead_time"].to_numpy(dtype=np.float64), 3))
        both, square = (_means(lead, values, weight) for values in (away * departure, away * away))
        best = both[:, 1] / np.where(square[:, 1] > 0, square[:, 1], np.inf)
        self.share_ = np.column_stack([both[:, 0], np.clip(best, 0.0, 1.0)])
        # The last row is for unseen leads: climatology.
        self.share_[-1, 1] = 0.0
        self._fit_groups(X, y - self._point(X), sample_weight)
        self.outcomes_ = weighted_quantiles(y, self.levels, sample_weight)

    def _point(self, X: pd.DataFrame) -> Array:
        normal = _of_group(self.mean_, X[self.climate].to_numpy(dtype=np.float64))
        lead = np.asarray(np.round(X["lead_time"].to_numpy(dtype=np.float64), 3))
        return np.asarray(normal + _of_group(self.share_, lead) * self._away(X))

    def _place(self, X: pd.DataFrame) -> Array:
        """Number of each pair of lead and group."""
        lead, climate = (X[name].to_numpy(dtype=np.float64) for name in ("lead_time", self.climate))
        return np.asarray(np.round(1e4 * lead) + np.round(climate, 3))

    def _away(self, X: pd.DataFrame) -> Array:
        """Newest value minus its usual one; 0, which is climatology, before the first publication."""
        away = X[self.column].to_numpy(dtype=np.float64) - _of_group(self.usual_, self._place(X))
        return np.where(np.isfinite(away), away, 0.0)

    def _predict(self, X: pd.DataFrame) -> Array:
        return np.asarray(np.clip(self._point(X)[:, None] + self._look_up(X), *self.range_))

    def parts(self) -> dict[str, Part]:
        """Means of the groups, usual newest values, weights of persistence by lead, and errors."""
        return super().parts() | {
            "mean": self.mean_,
            "usual": self.usual_,
            "share": self.share_,
            "range": self.range_,
        }

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        super().restore(parts)
        self.mean_, self.usual_, self.share_, self.range_ = (
            np.asarray(parts[name]) for name in ("mean", "usual", "share", "range")
        )


def _means(group: Array, values: Array, weight: Array) -> Array:
    """Groups and their means, in order; the last row, under NaN, is for all rows."""
    keys, member = np.unique(group, return_inverse=True)
    weights = np.append(np.bincount(member, weights=weight), weight.sum())
    sums = np.append(np.bincount(member, weights=weight * values), weight @ values)
    means = sums / np.where(weights > 0, weights, 1.0)
    means = np.where(weights > 0, means, means[-1])  # groups without weight take the mean of all
    return np.column_stack([np.append(keys, np.nan), means])


def _of_group(table: Array, group: Array) -> Array:
    """Mean of each group from the table; its last row for unseen groups."""
    keys = table[:-1, 0]
    if not len(keys):
        return np.full(len(group), table[-1, 1])
    place = np.minimum(np.searchsorted(keys, group), len(keys) - 1)
    return np.asarray(np.where(keys[place] == group, table[place, 1], table[-1, 1]))


class SmartPersistence(_PastValue):
    r"""Smart persistence: persistence of the clear-sky index, with empirical quantiles of its errors.

    With the newest published power :math:`P_t` of a PV plant and its clear-sky power :math:`P^{\mathrm{clear}}`,

    .. math:: \hat P_{t + k} = \frac{P_t}{P^{\mathrm{clear}}_t} P^{\mathrm{clear}}_{t + k},

    plus the quantiles of past errors at the same lead and hour.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    See Also
    --------
    Persistence : Persistence of power itself.
    energyforecast.features.ClearSkyPersistence : Feature that this model reads.

    Examples
    --------
    >>> X = pd.DataFrame({"smart_persistence": [0.2, 0.4], "lead_time": [1.0, 1.0], "hour": [9.0, 9.0]})
    >>> SmartPersistence((0.5,)).fit(X, np.array([0.3, 0.5])).predict(X).ravel().round(6).tolist()
    [0.3, 0.5]
    """

    by = ("lead_time", "hour")

    @property
    def column(self) -> str:
        """Column of the clear-sky persistence."""
        return "smart_persistence"


class PowerCurveReference(_PastValue):
    r"""Power curve on the weather forecast, with empirical quantiles of its errors at each lead.

    .. math:: q_\tau(t + k) = P(\hat v_{t + k}) + Q_\tau(y_{s + k} - P(\hat v_{s + k}) : s < t)

    The reference for any model that is trained on weather forecasts.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    column : str
        Column of the curve's power: with ``"power_curve[density]"`` corrected for the density of the
        air, with ``"ifs:power_curve"`` that of one weather model among several, with ``"pv_chain_power"`` the
        chain of a PV plant.

    See Also
    --------
    energyforecast.PowerCurve : Power curve of a turbine or farm.

    Examples
    --------
    >>> X = pd.DataFrame({"power_curve": [0.2, 0.6], "lead_time": [1.0, 1.0]})
    >>> reference = PowerCurveReference((0.5,)).fit(X, np.array([0.1, 0.5]))  # 0.1 less than the curve
    >>> reference.predict(X).ravel().round(2).tolist()
    [0.1, 0.5]
    """

    by = ("lead_time",)
    column = "power_curve"

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, column: str = "power_curve") -> None:
        super().__init__(quantiles)
        self.column = column
