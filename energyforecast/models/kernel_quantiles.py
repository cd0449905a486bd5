"""Quantile regression by kernels: ridge regression of the distribution function on random Fourier features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers
from energyforecast.errors import RangeError
from energyforecast.models import learned_outcome
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges
from energyforecast.models.kernel_distribution import (
    RIDGE,
    Distribution,
    Kinds,
    Rows,
    best_kinds,
    fit_distributions,
    grid_of,
    indicators,
    widths,
)
from energyforecast.models.kernel_inputs import KernelInputs
from energyforecast.models.random_features import FourierFeatures, Moments, coefficients, squared_gradients
from energyforecast.models.tree_growth import folds_along_time
from energyforecast.models.tree_matrix import used_columns

__all__ = ["KernelQuantiles"]

#: Projections of the fit that weights the columns, and rows that it has, at most.
_FIRST: Final = 150
_FIRST_ROWS: Final = 6000
#: Inverse squared length of the kernel, in the mean distance of two rows.
_GAMMA: Final = 1.0
#: Distributions whose quantiles are averaged.
Several: TypeAlias = tuple[Distribution, ...]
#: Parts of time from which departures are learnt, and blocks of each.
_PARTS: Final = 4
_BLOCKS: Final = 3


class KernelQuantiles(QuantileModel):
    r"""Kernel ridge regression of the distribution function, smooth in all columns at once.

    Its errors differ from those of trees: the mean of both is better than either. It does not learn beyond the range of
    the columns in training. Scales, weights of the columns and the kind of distribution follow from the data.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    projections : int
        Random projections of the columns, each with a cosine and a sine.
    relative_to : str, optional
        Column of a level, in the unit of y, or its mean over weather models, from which the departure is forecast. Rows
        in which it is missing do not train; in a forecast, its mean takes its place.
    relative_columns : tuple of str
        Columns in the unit of y, or patterns such as ``"lag_*"``, that enter as departures from `relative_to`, too.
    share_of : str or tuple of str, optional
        Column of a bound that physics gives, in the unit of y, of which the outcome's share is forecast, or several for
        the mean of those in X.
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

    Notes
    -----
    For values :math:`z_1 < \dots < z_K` of the outcome, quantiles of those of training, ridge regressions of the
    indicators on random Fourier features :math:`\varphi` estimate the distribution function,

    .. math::

        \hat F(z_k \mid x) = \beta_k^\top \varphi(x), \qquad
        \beta_k = \arg\min_\beta \sum_i w_i \bigl(\mathbf 1[y_i \le z_k] - \beta^\top \varphi(x_i)\bigr)^2
        + \lambda \lVert \beta \rVert^2, \quad \lambda = 3,

    clipped to [0, 1], sorted over :math:`k` and inverted by straight lines. Over all :math:`z` this loss is the
    continuous ranked probability score, an integral of Brier scores. Features are a constant without penalty, the
    standardised columns, weighted, and cosines and sines of random projections with
    :math:`\omega \sim N(0, 2 I)`, whose products estimate the kernel :math:`e^{-\lVert x - x' \rVert^2}`. Hours are
    on a circle, categories apart; where a column has gaps, there is a column for them.

    Weights of the columns, with squares that add up to 1, are the roots of the mean square of the slopes
    :math:`\partial \hat F(z_k \mid x) / \partial x_j` of a first fit with equal weights, over :math:`k` by the width
    of their intervals: the diagonal of the average gradient outer product.

    A step much narrower than the kernel cannot be fitted, as where columns explain nearly everything. A second
    distribution is therefore that of the departure from a ridge regression of the mean on the same features. Departures
    are as wide as those of parts of time that this regression has not seen. The quantiles of both distributions are
    averaged, or one is left out of which the score in unseen parts of time is higher by more than 8 %.

    References
    ----------
    - Weights: Radhakrishnan et al. (2024), Mechanism for feature learning in neural networks and backpropagation-free
      machine learning models, Science 383, doi:10.1126/science.adi5639
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
        relative_to: str | None = None,
        relative_columns: tuple[str, ...] = (),
        share_of: str | tuple[str, ...] | None = None,
        exclude: tuple[str, ...] = (),
        season_after: float = 0.0,
        categories: tuple[str, ...] = (),
        seed: int = 1,
    ) -> None:
        super().__init__(quantiles)
        self.projections = projections
        self.relative_to = relative_to
        self.relative_columns = relative_columns
        self.share_of = share_of
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

        Moments of the rows are sums over folds, so that each fold costs one subtraction and one solution. Scales,
        weights and kinds are those of all rows: a few dozen numbers, which hold hardly anything of a single outcome.
        Rows are missing of a fold that holds all rows which train.

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
        known = groups[np.isfinite(groups)]
        if len(known) != len(target) or len(groups) != len(known) or len(np.unique(known)) < 2:
            raise RangeError(
                f"fold has {len(groups)} values, {len(known)} known, {len(np.unique(known))} of them different.",
                f"Each of the {len(target)} rows must have a fold, and there must be at least two.",
                "Use energyforecast.models.KernelQuantiles.fit where rows are too few for folds.",
            )
        unseen = self._learn(X, target, weight, fold=groups)
        inputs = self._inputs(X)
        curve = np.empty((len(target), len(self.levels)))
        for k in np.unique(groups):
            here = groups == k
            several = unseen.get(k, self.distributions_)
            curve[here] = self._quantiles(inputs[here], several) if several else np.nan
        return np.asarray(np.clip(np.sort(self._placed(X, curve), axis=1), *self.bounds_))

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._learn(X, y, sample_weight, fold=np.zeros(len(y)))

    def _learn(self, X: pd.DataFrame, y: Array, weight: Array | None, *, fold: Array) -> dict[Any, Several]:
        """Fit on all rows; return the distributions without each fold, none of one that holds all rows."""
        check_ranges(self, {"projections": (1, np.inf), "seed": (0, np.inf), "season_after": (0.0, np.inf)})
        learned = learned_outcome.of_rows(X, y, weight, relative_to=self.relative_to, share_of=self.share_of)
        X, self.level_, fold = learned.X, learned.usual, fold[learned.rows]
        w = np.ones(len(X)) if learned.weight is None else learned.weight / learned.weight.mean()
        self.used_ = used_columns(X, exclude=self.exclude, season_after=self.season_after)
        table = self._departures(X)[self.used_]
        self.inputs_ = KernelInputs.of(table, named=self.categories, weight=w)
        several, part = np.unique(fold, return_inverse=True)
        alone = len(several) < 2
        if alone:
            part = folds_along_time(X.index, folds=_PARTS, blocks_per_fold=_BLOCKS)
        rows = Rows(self.inputs_.of_rows(table), learned.y, w, part)
        self.weights_, kinds = _first_fit(rows, count=min(_FIRST, self.projections), seed=self.seed)
        self.features_ = FourierFeatures.drawn(
            len(self.inputs_), count=self.projections, gamma=_GAMMA, seed=self.seed
        )
        weighted = replace(rows, inputs=rows.inputs * self.weights_)
        found = fit_distributions(weighted, self.features_, kinds=kinds, unseen=not alone)
        self.distributions_: Several = found[0]
        return dict.fromkeys(several, ()) if alone else dict(zip(several, found[1:], strict=True))

    def _departures(self, X: pd.DataFrame) -> pd.DataFrame:
        return learned_outcome.departures(X, self.relative_columns, relative_to=self.relative_to)

    def _inputs(self, X: pd.DataFrame) -> Array:
        """Weighted inputs."""
        return np.asarray(self.inputs_.of_rows(self._departures(X)) * self.weights_)

    def _placed(self, X: pd.DataFrame, curve: Array) -> Array:
        """Quantiles of the outcome, of those that were learnt."""
        level, scale = learned_outcome.placed(
            X, relative_to=self.relative_to, share_of=self.share_of, usual=self.level_
        )
        return np.asarray(level[:, None] + scale[:, None] * curve)

    def _quantiles(self, inputs: Array, several: Several) -> Array:
        """Mean quantiles of distributions; where the outcome's own is at an end, it is a mass, and stays."""
        each = [one.quantiles(self.features_, inputs, levels=self.levels) for one in several]
        first, ends = each[0], several[0].grid[[0, -1]]
        return np.where(np.isin(first, ends), first, sum(each) / len(each))

    def _predict(self, X: pd.DataFrame) -> Array:
        return self._placed(X, self._quantiles(self._inputs(X), self.distributions_))

    def parts(self) -> dict[str, Part]:
        """Coefficients, frequencies, grid of outcomes, scales and weights of the columns."""
        state = {
            "frequencies": self.features_.frequencies,
            "weights": self.weights_,
            "level": self.level_,
            **self.inputs_.parts(),
        }
        for k, one in enumerate(self.distributions_):
            state |= one.parts(k)
        return state

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.inputs_ = KernelInputs.restored(parts)
        self.used_ = self.inputs_.columns
        self.features_ = FourierFeatures(np.asarray(parts["frequencies"]))
        self.weights_, self.level_ = np.asarray(parts["weights"]), np.asarray(parts["level"])
        self.distributions_ = Distribution.restored(parts)


def _first_fit(rows: Rows, *, count: int, seed: int) -> tuple[Array, Kinds]:
    """Weights of the inputs by the slopes of a first fit, and the kinds of distributions that fit best."""
    few = rows.thinned(-(-len(rows.y) // _FIRST_ROWS), seed=seed)
    inputs = few.inputs.shape[1]
    features = FourierFeatures.drawn(inputs, count=count, gamma=_GAMMA / 2, seed=seed)
    equal = few.inputs / np.sqrt(max(inputs, 1))
    grid = grid_of(few.y, few.weight)
    moments = Moments.of(features, equal, indicators(few.y, grid), weight=few.weight)
    slope = coefficients(moments, ridge=RIDGE) * np.sqrt(widths(grid))
    square = np.maximum(squared_gradients(features, moments.gram, slope), 0.0)
    weights = np.sqrt(square / (square.sum() or 1.0))
    return weights, best_kinds(replace(few, inputs=few.inputs * weights), features)
