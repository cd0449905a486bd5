"""Forecast of consumers without measurements: a standard load profile and the yearly energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import gamma

from energyforecast.models.base import Array, Part, QuantileModel, check_ranges, weighted_quantiles

__all__ = ["ProfileStart"]

#: Groups of the profile with separate ratios of other consumers, and rows that a group needs.
_GROUPS: Final = 10
_MIN_ROWS: Final = 100
#: Levels at which the ratios of others, and the error of the yearly energy, are taken.
_FINE: Final = tuple((np.arange(99) + 0.5) / 99)
#: Variances of which quantiles are computed, at most.
_GRID: Final = 200
_COARSE: Final = (np.arange(21) + 0.5) / 21


class ProfileStart(QuantileModel):
    r"""Standard load profile scaled to a mean, with the spread of alike consumers or one that is assumed.

    With the profile :math:`p` in parts of its mean of a year and the mean demand :math:`m`, without rows of others

    .. math::

        \frac{y}{m p} \sim \mathrm{Gamma}\Bigl(\frac{1}{v}, v\Bigr), \qquad v = s^2 + \frac{a}{m p},

    of mean 1 and variance :math:`v`: consumers of a kind differ from its profile by the share :math:`s`, and a sum of
    single loads of the size :math:`a` varies by :math:`\sqrt{a / (m p)}`, much for one home, little for a city. With
    rows of :math:`n` others, the distribution is a mixture: with the weight :math:`n` that of their ratios at about the
    same :math:`p`, times a lognormal error of the yearly energy, with the weight :math:`k` the assumed one. Few
    consumers are not all that there are.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    mean : float
        Mean demand of a year :math:`m`. [unit of the outcome]
    spread : float
        Standard deviation :math:`s` of a consumer from the profile, in parts of it.
    single_load : float
        Size :math:`a` of single loads. [unit of the outcome]
    energy_error : float
        Standard deviation of the logarithm of the yearly energy around the stated one.
    counts_as : float
        Consumers :math:`k` as many of which the assumed distribution counts.

    Raises
    ------
    RangeError
        If the mean or the spread is not positive, or another parameter negative.

    See Also
    --------
    energyforecast.features.StandardLoadProfile : Profiles and their scale.
    DayProfile : Profile of a consumer with a history of days.
    ColdStart : The same for wind farms and PV plants.

    Notes
    -----
    X has one column, the profile. Outcomes of others are given in parts of their own mean of a year, with weights of
    rows that are 1 in sum for each of them: a fit without weights knows of no others.

    References
    ----------
    Munkhammar, Rydén and Widén (2014), Characterizing probability density distributions for household electricity load
    profiles from high-resolution electricity use data, Applied Energy 135, 382-390,
    https://doi.org/10.1016/j.apenergy.2014.08.093: the sum over homes varies less the more they are.

    Examples
    --------
    One home of 0.5 kW, and a thousand such homes, in an hour in which the profile is at its mean:

    >>> X = pd.DataFrame({"load_profile[H25]": [1.0]})
    >>> for homes in (1, 1000):
    ...     model = ProfileStart((0.1, 0.5, 0.9), mean=0.5 * homes, spread=0.3, single_load=0.4)
    ...     (model.fit(X[:0], np.empty(0)).predict(X) / homes).round(2).tolist()
    [[0.06, 0.36, 1.12]]
    [[0.32, 0.48, 0.7]]
    """

    needs_rows: ClassVar[bool] = False

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        mean: float = 1.0,
        spread: float = 0.35,
        single_load: float = 0.0,
        energy_error: float = 0.1,
        counts_as: float = 1.0,
    ) -> None:
        super().__init__(quantiles)
        self.mean = mean
        self.spread = spread
        self.single_load = single_load
        self.energy_error = energy_error
        self.counts_as = counts_as

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        positive = np.finfo(float).tiny
        check_ranges(
            self,
            {
                "mean": (positive, np.inf),
                "spread": (positive, np.inf),
                "single_load": (0.0, np.inf),
                "energy_error": (0.0, np.inf),
                "counts_as": (0.0, np.inf),
            },
        )
        self.others_ = 0.0 if sample_weight is None else float(np.round(sample_weight.sum()))
        if not len(y):
            self.centres_, self.ratios_ = np.empty(0), np.empty((0, len(_FINE)))
            return
        shape = X.iloc[:, 0].to_numpy(dtype=np.float64)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        groups = max(1, min(_GROUPS, len(y) // _MIN_ROWS))
        member = np.searchsorted(np.quantile(shape, np.arange(1, groups) / groups), shape, side="right")
        rows = [row for row in (member == k for k in range(groups)) if weight[row].any()]
        self.centres_ = np.array([shape[row].mean() for row in rows])
        self.ratios_ = np.stack([self._with_energy((y / shape)[row], weight[row]) for row in rows])

    def _with_energy(self, ratios: Array, weight: Array) -> Array:
        """Quantiles of the ratios of a group times the error of the yearly energy."""
        error = np.exp(self.energy_error * ndtri(_COARSE))
        fine = weighted_quantiles(ratios, _FINE, weight)
        return np.asarray(np.quantile(np.outer(fine, error), _FINE))

    def _predict(self, X: pd.DataFrame) -> Array:
        shape = X.iloc[:, 0].to_numpy(dtype=np.float64)[:, None]
        variance = self.spread**2 + self.single_load / (self.mean * shape)
        levels = np.array(_FINE if len(self.centres_) else self.levels)
        ratios = _gamma_quantiles(variance[:, 0], levels)
        if len(self.centres_):
            of_others = np.column_stack(
                [np.interp(shape[:, 0], self.centres_, one) for one in self.ratios_.T]
            )
            ratios = self._mixed(of_others, ratios)
        return np.asarray(self.mean * shape * ratios)

    def _mixed(self, of_others: Array, assumed: Array) -> Array:
        """Quantiles of the mixture of two samples of each row, shape (rows, levels)."""
        values = np.hstack([of_others, assumed])
        weight = np.repeat([self.others_, self.counts_as], len(_FINE))
        order = np.argsort(values, axis=1, kind="stable")
        values, weight = np.take_along_axis(values, order, axis=1), weight[order]
        place = (np.cumsum(weight, axis=1) - weight / 2) / weight.sum(axis=1, keepdims=True)
        return np.stack([np.interp(self.levels, *row) for row in zip(place, values, strict=True)])

    def parts(self) -> dict[str, Part]:
        """Centres of the groups and quantiles of their ratios; both empty without rows of others."""
        return {"centres": self.centres_, "ratios": self.ratios_, "others": np.array(self.others_)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.centres_, self.ratios_ = (np.asarray(parts[name]) for name in ("centres", "ratios"))
        self.others_ = float(np.asarray(parts["others"]).item())


def _gamma_quantiles(variance: Array, levels: Array) -> Array:
    """Quantiles of gamma distributions of mean 1, shape (rows, levels); of many rows between those of a grid."""
    grid = variance if len(variance) <= _GRID else np.geomspace(variance.min(), variance.max(), _GRID)
    exact = gamma.ppf(levels, 1.0 / grid[:, None], scale=grid[:, None])
    if grid is variance:
        return np.asarray(exact)
    return np.column_stack([np.interp(np.log(variance), np.log(grid), column) for column in exact.T])
