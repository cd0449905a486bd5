"""Kernel ridge regression of the distribution function, on random Fourier features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers
from energyforecast.errors import RangeError
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges
from energyforecast.models.kernel_inputs import KernelInputs
from energyforecast.models.random_features import FourierFeatures, Moments, coefficients
from energyforecast.models.tree_matrix import used_columns

__all__ = ["KernelQuantiles"]

#: Levels of the outcomes at which the distribution function is fitted: denser in the tails.
_LEVELS: Final = np.concatenate([[0.0025, 0.005, 0.01], np.arange(1, 60) / 60, [0.99, 0.995, 0.9975]])
#: Steps in which probabilities are rounded: sums of BLAS differ in their last bits.
_STEP: Final = 2.0**20


class KernelQuantiles(QuantileModel):
    r"""Kernel ridge regression of the distribution function, smooth in all columns at once.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    projections : int
        Random projections of the columns, each with a cosine and a sine.
    gamma : float
        Inverse squared length of the Gaussian kernel, of standardised columns divided by the root of their number.
    ridge : float
        Ridge penalty. [rows]
    exclude : tuple of str
        Columns that the model does not use, or patterns such as ``"season_*"``.
    season_after : float
        Use the season only where rows span so many years. [a]
    categories : tuple of str
        Columns of whole numbers that name categories, besides those of pandas' ``category`` and ``weekday``.
    seed : int
        Seed of the projections.

    Raises
    ------
    RangeError
        If a setting is out of its range.

    See Also
    --------
    LightGBMQuantiles : Gradient-boosted quantile regression.

    References
    ----------
    - Rahimi and Recht (2007), Random features for large-scale kernel machines, NeurIPS 20
    - Matheson and Winkler (1976), Scoring rules for continuous probability distributions, Management Science 22(10),
      doi:10.1287/mnsc.22.10.1087

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"x": rng.uniform(size=4000)})
    >>> y = 2 + 2 * X["x"].to_numpy() + rng.uniform(size=4000)  # at 0.5: between 3 and 4
    >>> model = KernelQuantiles((0.1, 0.5, 0.9)).fit(X, y)
    >>> model.predict(pd.DataFrame({"x": [0.5]})).round(1).tolist()
    [[3.1, 3.5, 3.9]]
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        projections: int = 400,
        gamma: float = 0.3,
        ridge: float = 5.0,
        exclude: tuple[str, ...] = (),
        season_after: float = 0.0,
        categories: tuple[str, ...] = (),
        seed: int = 1,
    ) -> None:
        super().__init__(quantiles)
        self.projections = projections
        self.gamma = gamma
        self.ridge = ridge
        self.exclude = exclude
        self.season_after = season_after
        self.categories = categories
        self.seed = seed

    def fit_out_of_fold(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        fold: npt.ArrayLike,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Array:
        """Fit on all rows, and return the quantiles of each row from a fit without its fold, shape (rows, levels).

        Scales are those of all rows.

        Parameters
        ----------
        X, y, sample_weight, bounds
            As in :meth:`fit`.
        fold : array of int, shape (rows,)
            Fold of each row; at least two folds.

        Raises
        ------
        RangeError
            If there is not a fold for each row, or only one.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"x": rng.uniform(size=2000)})
        >>> unseen = KernelQuantiles((0.1, 0.9)).fit_out_of_fold(X, X["x"].to_numpy(), fold=np.arange(2000) // 1000)
        >>> unseen.shape
        (2000, 2)
        """
        target, weight = self._begin(X, y, sample_weight, bounds)
        groups = as_numbers("fold", fold, ndim=1)
        if len(groups) != len(target) or len(np.unique(groups)) < 2:
            raise RangeError(
                f"fold has {len(groups)} values, {len(np.unique(groups))} of them different.",
                f"Each of the {len(target)} rows must have a fold, and there must be at least two.",
                "Use energyforecast.models.KernelQuantiles.fit where rows are too few for folds.",
            )
        inputs, each = self._learn(X, target, weight, fold=groups)
        every = sum(each[1:], start=each[0])
        curve = np.empty((len(target), len(self.levels)))
        for k, left_out in zip(np.unique(groups), each, strict=True):
            slope = coefficients(every - left_out, ridge=self.ridge)
            curve[groups == k] = self._quantiles(inputs[groups == k], slope)
        return np.asarray(np.clip(np.sort(curve, axis=1), *self.bounds_))

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._learn(X, y, sample_weight, fold=np.zeros(len(y)))

    def _learn(
        self, X: pd.DataFrame, y: Array, weight: Array | None, *, fold: Array
    ) -> tuple[Array, list[Moments]]:
        """Fit on all rows; return their inputs, and the moments of each fold."""
        check_ranges(self, {"projections": (1, np.inf), "gamma": (0, np.inf), "ridge": (1e-9, np.inf)})
        w = np.ones(len(y)) if weight is None else np.asarray(weight / weight.mean(), dtype=np.float64)
        self.used_ = used_columns(X, exclude=self.exclude, season_after=self.season_after)
        self.inputs_ = KernelInputs.of(X[self.used_], named=self.categories, weight=w)
        self.grid_ = _grid(y, w)
        inputs = self._inputs(X)
        self.features_ = FourierFeatures.drawn(
            len(self.inputs_), count=self.projections, gamma=self.gamma, seed=self.seed
        )
        below = (y[:, None] <= self.grid_[:-1]).astype(np.float64)
        each = [
            Moments.of(self.features_, inputs[rows], below[rows], weight=w[rows])
            for rows in (fold == k for k in np.unique(fold))
        ]
        self.coefficients_ = coefficients(sum(each[1:], start=each[0]), ridge=self.ridge)
        return inputs, each

    def _inputs(self, X: pd.DataFrame) -> Array:
        """Standardised inputs over the root of their number."""
        return np.asarray(self.inputs_.of_rows(X[self.used_]) / np.sqrt(max(len(self.inputs_), 1)))

    def _predict(self, X: pd.DataFrame) -> Array:
        return self._quantiles(self._inputs(X), self.coefficients_)

    def _quantiles(self, inputs: Array, slope: Array) -> Array:
        """Quantiles of rows from their inputs."""
        curve = np.empty((len(inputs), len(self.levels)))
        for rows, terms in self.features_.blocks(inputs):
            share = np.round(np.sort(np.clip(terms @ slope, 0.0, 1.0), axis=1) * _STEP) / _STEP
            curve[rows] = _inverted(share, self.grid_, self.levels)
        return curve

    def parts(self) -> dict[str, Part]:
        """Coefficients, frequencies, grid of outcomes, and scales of the columns."""
        arrays = {"grid": self.grid_, "coefficients": self.coefficients_}
        return self.inputs_.parts() | arrays | {"frequencies": self.features_.frequencies}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.inputs_ = KernelInputs.restored(parts)
        self.used_ = self.inputs_.columns
        self.features_ = FourierFeatures(np.asarray(parts["frequencies"]))
        self.grid_, self.coefficients_ = (np.asarray(parts[name]) for name in ("grid", "coefficients"))


def _grid(y: Array, weight: Array) -> Array:
    """Outcomes at which the distribution function is fitted, with the next lower one of an outcome that is frequent."""
    order = np.argsort(y[weight > 0], kind="stable")
    values, w = y[weight > 0][order], weight[weight > 0][order]
    place = np.searchsorted(np.cumsum(w) / w.sum(), np.concatenate([_LEVELS, [1.0]]) - 1e-9)
    found, times = np.unique(values[np.minimum(place, len(values) - 1)], return_counts=True)
    before = np.searchsorted(values, found[times > 1]) - 1
    return np.unique(np.concatenate([values[[0, -1]], found, values[before[before >= 0]]]))


def _inverted(share: Array, grid: Array, levels: tuple[float, ...]) -> Array:
    """Quantiles of distribution functions, shape (rows, grid - 1), that reach 1 at the end of the grid."""
    full = np.concatenate([np.zeros((len(share), 1)), share, np.ones((len(share), 1))], axis=1)
    ends = np.concatenate([grid[:1], grid])
    rows = np.arange(len(share))
    curve = np.empty((len(share), len(levels)))
    for k, level in enumerate(levels):
        end = np.maximum((full < level).sum(axis=1), 1)
        low, high = full[rows, end - 1], full[rows, end]
        part = (level - low) / np.maximum(high - low, 1e-300)
        curve[:, k] = ends[end - 1] + part * (ends[end] - ends[end - 1])
    return curve
