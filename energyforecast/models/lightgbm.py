"""Quantile regression by gradient-boosted trees, on LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import pandas as pd

from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, one_of
from energyforecast.models import learned_outcome, out_of_fold_calibration
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges
from energyforecast.models.boosters import (
    boosters_of,
    dataset,
    gain_shares,
    predict_curve,
    shapley_curve,
    texts_of,
)
from energyforecast.models.calibration_groups import check_column, numbers_of
from energyforecast.models.leaf_values import LeafValues
from energyforecast.models.tree_columns import TreeColumns, fit_tree_columns
from energyforecast.models.tree_growth import (
    BOOSTER_RANGES,
    TreeGrowth,
    check_fitted,
    folds_along_time,
    warn_of_few_rows,
)
from energyforecast.models.tree_matrix import positive_weight

__all__ = ["LightGBMQuantiles"]

#: Levels that are fitted; a curve through them gives the others.
_FITTED: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


class LightGBMQuantiles(QuantileModel):
    r"""Gradient-boosted quantile regression on shared trees, with out-of-fold calibration.

    One booster is grown on the median. Its trees are kept, and the values of their leaves are fitted for every level.
    For each fold of the rows, an out-of-fold model is grown and fitted on the other folds. The share of a fold's
    outcomes below its out-of-fold quantiles, in groups of rows with about the same median, corrects each level.
    The curves of all rows are first made as wide as those out of fold, of which the correction is.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    sharing : {"trees", "none"}
        ``"none"`` grows a booster for each fitted level and fold, and averages over the folds.
    n_tree_sets : int
        Sets of trees from different seeds, averaged: three have a loss about 0.3 % lower, at three times the cost.
    fitted_quantiles : tuple of float
        Levels that are fitted, at least two. The others are interpolated linearly in the level.
    folds : int
        Folds of the rows along time: two in samples of less than 600 rows. With 0 levels are not calibrated; with
        fewer than 100 rows neither, but there is a warning.
    blocks_per_fold : int
        Blocks of time in each fold: more where out-of-fold models would otherwise miss a season or the newest growth,
        and look worse than the model is; fewer where neighbouring days are much alike. Where X is indexed by times, as
        a forecaster gives it, blocks are whole days, and of 30 or more as far as there are four of them.
    calibrate : bool
        Move the levels by the out-of-fold outcomes.
    calibrate_by : str, optional
        Column that groups rows for calibration as well, where rows of the same median differ in spread, as noon in
        winter and morning in summer at a PV plant, or the first hour and the last of an intraday task. With 2,400
        rows or more, up to eight groups.
    n_estimators : int
        Trees of a booster.
    num_leaves : int
        Leaves of a tree, at most.
    learning_rate : float
        Shrinkage of a tree as it grows.
    min_child_samples : int
        Rows in a leaf, at least; fewer where the whole sample is small.
    extra_trees : bool
        Try one random threshold for each column and split, in place of all: trees differ more, grow faster, and
        fit noise less.
    init_from_median : bool
        Start the leaf values of all levels at the median of the grown trees: better where features explain nearly
        everything, as with demand; where they explain little, the trees overfit.
    feature_fraction : float
        Share of the columns that a tree may use.
    bagging_fraction : float
        Share of the rows of a tree.
    relative_to : str, optional
        Column of a level, in the unit of y, or its mean over weather models, from which the departure is forecast, as
        trees cannot follow growth. Rows in which it is missing do not train; in a forecast, its mean takes its place.
    relative_columns : tuple of str
        Columns in the unit of y, or patterns such as ``"lag_*"``, that enter as departures from `relative_to`, too.
    share_of : str or tuple of str, optional
        Column of a bound that physics gives, such as ``"clear_sky_power"``, or several for the mean of those in X; the
        model forecasts the outcome's share of it, so that a winter's history serves a brighter spring. Rows in which
        it is missing, or below 1 % of its largest value, do not train. With `relative_to` it scales the departure.
    linear_base : bool
        Grow trees on the residuals of a ridge regression on the columns, which goes beyond the range of training.
    base_models : tuple of QuantileModel
        Unfitted models whose forecasts are columns of the trees as well (stacking): the mean and the levels 0.1, 0.5
        and 0.9, as ``"LinearQuantiles[0.5]"``. They learn the outcome as trees do, from all columns. In training, a
        row's are those of a fit without its month. With fewer than 100 rows they have no effect.
    base_after : float
        Use base models only where rows span so many years: in weeks, a fit without one of them differs too much. [a]
    exclude : tuple of str
        Columns that trees do not use, or patterns such as ``"season_*"``.
    season_after : float
        Use the season only where rows span so many years: in fewer, trees memorise single weeks. [a]
    categories : tuple of str
        Columns of whole numbers that name categories, besides those of pandas' ``category``.
    seed : int
        Seed of all randomness; the result is the same for the same seed.

    Raises
    ------
    RangeError
        If a setting is out of its range.
    SchemaError
        If a named column is not in X.

    Warns
    -----
    UncalibratedWarning
        In a fit of fewer than 100 rows, which are not calibrated.

    See Also
    --------
    LinearQuantiles : Linear quantile regression.
    ConformalQuantiles : Conformal calibration of any model.
    Blend : Quantile-regression average of models of several weather models.

    Notes
    -----
    Trees are grown to minimise the pinball loss of the median; leaf values minimise, for each level :math:`\tau`, a
    smoothed pinball loss of half-width :math:`h`, whose gradient and hessian in the residual :math:`r = y - q` are,
    with :math:`z = r / h`,

    .. math::

        g_\tau(r) = \tau - \tfrac12 + \tfrac12 \max(-1, \min(1, z)), \qquad
        h_\tau(r) = \tfrac{1}{2h}\, \mathbf{1}[|z| \le 1].

    A leaf :math:`\ell` of :math:`N_\ell` rows moves by a share :math:`s` of the Newton step,
    :math:`s \sum_{i \in \ell} g_\tau(r_i) \big/ \bigl(\sum_{i \in \ell} h_\tau(r_i) + \lambda(N_\ell)\bigr)`.
    Distances of the curves :math:`q_i` of the model of all rows from their median are multiplied by
    :math:`v = \sum_{i,\tau} |\hat q_{i\tau} - \hat q_{i,0.5}| \big/ \sum_{i,\tau} |q_{i\tau} - q_{i,0.5}|`, with the
    out-of-fold curves :math:`\hat q_i`, or by :math:`\sqrt v` where :math:`v > 1`, since out-of-fold models err more.
    Calibration replaces the level :math:`\tau` by the :math:`\tau`-quantile of the out-of-fold probability integral
    transforms :math:`\hat F_i(y_i)` of its group. Where X is indexed by times, its normal score is then multiplied by
    that of Student's prediction interval for :math:`n` independent outcomes,

    .. math::

        \sqrt{1 + \tfrac1n} \; \frac{t_{n - 1}^{-1}(\tau)}{\Phi^{-1}(\tau)}, \qquad
        n = \frac13 \, \frac{\operatorname{var} z}{\operatorname{var} \bar z}, \quad z_i = \Phi^{-1}(\hat F_i(y_i)),

    since hours that share the errors of their days and weeks are few outcomes. The defaults were chosen on years on
    which no score is reported.

    With a level :math:`a_i` (`relative_to`) or a bound :math:`b_i` (`share_of`), trees learn
    :math:`z_i = (y_i - a_i) / b_i` with the weight :math:`b_i`, which is the pinball loss of the outcome itself:

    .. math:: \sum_i b_i\, \rho_\tau(z_i - \hat z_i) = \sum_i \rho_\tau\bigl(y_i - (a_i + b_i \hat z_i)\bigr).

    References
    ----------
    - Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 30
    - He, Pan, Tan and Zhou (2023), Smoothed quantile regression with large-scale inference, Journal of
      Econometrics 232(2), doi:10.1016/j.jeconom.2021.07.010
    - Variance of a mean: Newey and West (1987), Econometrica 55(3), doi:10.2307/1913610

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"x": rng.uniform(size=4000)})
    >>> y = 2 + 2 * X["x"].to_numpy() + rng.uniform(size=4000)  # at 0.5: between 3 and 4
    >>> model = LightGBMQuantiles((0.1, 0.5, 0.9)).fit(X, y)
    >>> model.predict(pd.DataFrame({"x": [0.5]})).round(1).tolist()
    [[3.1, 3.5, 3.9]]
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        sharing: Literal["trees", "none"] = "trees",
        n_tree_sets: int = 1,
        fitted_quantiles: tuple[float, ...] = _FITTED,
        folds: int = 2,
        blocks_per_fold: int = 2,
        calibrate: bool = True,
        calibrate_by: str | None = None,
        n_estimators: int = 250,
        num_leaves: int = 24,
        learning_rate: float = 0.05,
        min_child_samples: int = 100,
        extra_trees: bool = True,
        init_from_median: bool = False,
        feature_fraction: float = 0.8,
        bagging_fraction: float = 1.0,
        relative_to: str | None = None,
        relative_columns: tuple[str, ...] = (),
        share_of: str | tuple[str, ...] | None = None,
        linear_base: bool = False,
        base_models: tuple[QuantileModel, ...] = (),
        base_after: float = 0.0,
        exclude: tuple[str, ...] = (),
        season_after: float = 0.0,
        categories: tuple[str, ...] = (),
        seed: int = 1,
    ) -> None:
        super().__init__(quantiles)
        self.sharing = sharing
        self.n_tree_sets = n_tree_sets
        self.fitted_quantiles = fitted_quantiles
        self.folds = folds
        self.blocks_per_fold = blocks_per_fold
        self.calibrate = calibrate
        self.calibrate_by = calibrate_by
        self.n_estimators = n_estimators
        self.num_leaves = num_leaves
        self.learning_rate = learning_rate
        self.min_child_samples = min_child_samples
        self.extra_trees = extra_trees
        self.init_from_median = init_from_median
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.relative_to = relative_to
        self.relative_columns = relative_columns
        self.share_of = share_of
        self.linear_base = linear_base
        self.base_models = base_models
        self.base_after = base_after
        self.exclude = exclude
        self.season_after = season_after
        self.categories = categories
        self.seed = seed

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check(X)
        counted = np.arange(len(y)) if sample_weight is None else np.flatnonzero(sample_weight > 0)
        y, X, sample_weight = positive_weight(X, y, sample_weight)
        learned = learned_outcome.of_rows(
            X, y, sample_weight, relative_to=self.relative_to, share_of=self.share_of
        )
        X, y, sample_weight, self.level_ = learned.X, learned.y, learned.weight, learned.usual
        settings = self.get_params(deep=False)
        fold = folds_along_time(X.index, folds=self.folds, blocks_per_fold=self.blocks_per_fold)
        self.tree_columns_, values, level = fit_tree_columns(
            settings, learned, fold=fold, bounds=self.bounds_
        )
        y = y - level
        self.seen_ = np.array([y.min(), y.max()])
        growth = TreeGrowth.of(settings, rows=len(y))
        coded = self.tree_columns_.coded
        data = dataset(values, y, sample_weight, coded=coded, parameters=growth.parameters)
        grown = (
            growth.shared(data, values, y, fold=fold, weight=sample_weight, calibrate=self.calibrate)
            if self.sharing == "trees"
            else growth.apart(data, values, fold=fold)
        )
        self.boosters_, self.leaf_values_ = grown.boosters, grown.leaf_values
        self.correction_, self.unseen_ = np.empty((0, 2 + len(self.fitted_quantiles))), None
        if self.calibrate and fold.any():
            calibrated = self._calibrate(X, y, np.sort(grown.out_of_fold, axis=1), weight=learned.counted)
            # Large: who reads them, a mean of models or the forecaster, sets them to None.
            self.unseen_ = counted[learned.rows], learned.whole(calibrated + level[:, None])
        elif self.calibrate and self.folds >= 2:
            warn_of_few_rows(len(y))

    def _calibrate(self, X: pd.DataFrame, y: Array, unseen: Array, *, weight: Array | None) -> Array:
        """Fit the correction of the levels to out-of-fold quantiles, and return these corrected."""
        levels, by = self.fitted_quantiles, self._by(X)
        self.correction_ = out_of_fold_calibration.correction(unseen, y, levels, weight, by=by, times=X.index)
        return out_of_fold_calibration.read(unseen, levels, levels, self.correction_, by=by)

    def _check(self, X: pd.DataFrame) -> None:
        """Refuse settings that cannot be used."""
        check_column(X, self.calibrate_by, parameter="calibrate_by")
        one_of("sharing", self.sharing, allowed=("trees", "none"), error=RangeError)
        check_ranges(self, BOOSTER_RANGES)
        check_fitted(self.fitted_quantiles)

    def _by(self, X: pd.DataFrame) -> Array | None:
        return None if self.calibrate_by is None else numbers_of(X[self.calibrate_by])

    def _predict(self, X: pd.DataFrame) -> Array:
        values, base = self.tree_columns_.values(X)
        curve = np.sort(self._curve(values), axis=1)
        by = self._by(X)
        # The correction was fitted to whole curves: read on one that is cut at 0, quantiles of a calm lie above 0.
        whole, cut = (
            out_of_fold_calibration.read(each, self.fitted_quantiles, self.levels, self.correction_, by=by)
            for each in (curve, np.clip(curve, *self.seen_))
        )
        # Steps of trees may lead beyond the range of training, where they have no data: rare levels alone go beyond.
        lowest, highest = self.seen_
        within = np.clip(whole, np.minimum(cut, lowest), np.maximum(cut, highest))
        level, scale = self._placed(X, base)
        return np.asarray(level[:, None] + scale[:, None] * within)

    def _curve(self, values: Array) -> Array:
        """Quantiles at the fitted levels."""
        count = len(self.fitted_quantiles)
        return predict_curve(
            self.boosters_, self.leaf_values_, values, levels=count, num_leaves=self.num_leaves
        )

    def _placed(self, X: pd.DataFrame, base: Array) -> tuple[Array, Array]:
        """Level and scale of each row, for the forecast of the trees."""
        level, scale = learned_outcome.placed(
            X, relative_to=self.relative_to, share_of=self.share_of, usual=self.level_
        )
        return level + scale * base, scale

    def gain(self) -> pd.Series:
        """Share of each column in the loss reduction of all splits. [1]

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"wind": rng.uniform(size=2000), "noise": rng.uniform(size=2000)})
        >>> LightGBMQuantiles(n_estimators=50).fit(X, X["wind"].to_numpy()).gain().round(1).to_dict()
        {'wind': 1.0, 'noise': 0.0}
        """
        self._check_fitted()
        share = pd.Series(gain_shares(self.boosters_), index=pd.Index(self.tree_columns_.names), name="gain")
        return share.reindex(self.tree_columns_.among(self.columns_), fill_value=0.0)

    def contributions(self, X: pd.DataFrame, *, quantile: float = 0.5) -> pd.DataFrame:
        """Shapley values of each column for one quantile of each row, and the base value.

        They add up to the prediction before it is clipped to the bounds or to the range of outcomes in training.

        Parameters
        ----------
        X : DataFrame, shape (rows, columns)
        quantile : float
            Any level in (0, 1).

        Returns
        -------
        DataFrame, shape (rows, columns + 1)
            In the unit of y, also of the columns of base models; the last column is ``base``.

        Notes
        -----
        Exact for the trees: S. M. Lundberg et al. (2020), "From local explanations to global understanding with
        explainable AI for trees", https://doi.org/10.1038/s42256-019-0138-9.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"wind": rng.uniform(size=2000), "noise": rng.uniform(size=2000)})
        >>> model = LightGBMQuantiles((0.1, 0.5, 0.9)).fit(X, X["wind"].to_numpy() + rng.uniform(size=2000))
        >>> new = pd.DataFrame({"wind": [0.1, 0.9], "noise": [0.5, 0.5]})
        >>> values = model.contributions(new, quantile=0.9)
        >>> values["wind"].round(1).tolist()
        [-0.4, 0.4]
        >>> np.allclose(values.sum(axis=1), model.predict(new)[:, 2])
        True
        """
        check_levels((quantile,))
        self._check_columns(X)
        values, base = self.tree_columns_.values(X)
        curve = self._curve(values)
        weights = out_of_fold_calibration.weights_unsorted(
            curve, self.fitted_quantiles, quantile, self.correction_, by=self._by(X)
        )
        total = shapley_curve(
            self.boosters_, self.leaf_values_, values, weights=weights, num_leaves=self.num_leaves
        )
        level, scale = self._placed(X, base)
        names = [*self.tree_columns_.names, "base"]
        table = pd.DataFrame(scale[:, None] * total, index=X.index, columns=names)
        table["base"] += level
        return table.reindex(columns=[*self.tree_columns_.among(self.columns_), "base"], fill_value=0.0)

    def parts(self) -> dict[str, Part]:
        """Text of each booster, leaf values, and calibration of the levels."""
        texts = texts_of(self.boosters_) | self.tree_columns_.parts()
        for k, leaf_values in enumerate(self.leaf_values_):
            texts |= {f"base_{k}": leaf_values.base, f"values_{k}": leaf_values.values}
        return texts | {"correction": self.correction_, "level": self.level_, "seen": self.seen_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.correction_, self.level_, self.seen_ = (
            np.asarray(parts[name]) for name in ("correction", "level", "seen")
        )
        self.tree_columns_ = TreeColumns.restored(self.get_params(deep=False), parts)
        self.boosters_ = boosters_of(parts)
        self.leaf_values_ = [
            LeafValues(np.asarray(parts[f"base_{k}"]), np.asarray(parts[f"values_{k}"]))
            for k in range(len(self.boosters_) if self.sharing == "trees" else 0)
        ]
