"""Gradient-boosted trees for quantiles, on LightGBM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import quantile_levels
from energyforecast.errors import DependencyError, MissingDataError, RangeError, SchemaError, one_of
from energyforecast.models import out_of_fold_calibration
from energyforecast.models.base import Array, Part, QuantileModel
from energyforecast.models.leaf_values import LeafValues, fit_leaf_values

__all__ = ["LightGBMQuantiles"]

#: Levels that are fitted; a curve through them gives the others.
_FITTED: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
#: Fewer rows than this in a part teach nothing about calibration.
_SMALLEST_PART: Final = 200
#: Of a feature, leading bits that trees see; and where, in steps of the last of them, rounding turns upwards.
_BITS: Final = 16
_TURN: Final = 0.618


def _lightgbm() -> ModuleType:
    try:
        import lightgbm
    except OSError as error:
        if "libgomp" not in str(error):
            raise
        raise DependencyError(
            f"LightGBM cannot be loaded: {error}.",
            "On Linux its wheel needs the system's OpenMP runtime, libgomp.so.1.",
            "Install it: apt-get install libgomp1 (Debian, Ubuntu) or dnf install libgomp (Fedora).",
        ) from error
    return lightgbm


class LightGBMQuantiles(QuantileModel):
    """Quantiles from boosted trees that all levels share, calibrated by twins on rows that those did not see.

    One booster is grown on the median. Its trees stay; what their leaves say is fitted for every level. For
    each part of the rows, a twin is grown and fitted on the others. What the twins say of the rows that
    they did not see shows how far such quantiles can be trusted: how often outcomes really fell below them,
    in groups of rows with about the same median. Levels are moved accordingly.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    sharing : {"trees", "none"}
        ``"none"`` grows a booster for each fitted level and part, and averages over the parts.
    n_tree_sets : int
        Sets of trees, grown from different seeds, whose forecasts are averaged: three lose about 0.3 % less, for
        three times the cost.
    fitted_quantiles : tuple of float
        Levels that are fitted, at least two. The others are interpolated linearly in the level.
    folds : int
        Parts of the rows, which take turns along time; with 0 nothing is calibrated. Small samples are not cut.
    blocks_per_fold : int
        Blocks of time in each fold: more where seasons and growth would otherwise be strange to the twins, which
        makes them look worse than the model is; fewer where neighbouring days know much of each other.
    calibrate : bool
        Move the levels as the unseen rows show.
    calibrate_by : str, optional
        Column by whose value too rows are grouped as levels are moved: where rows with the same median are unlike one
        another, as noon in winter and morning in summer are to a PV plant.
    n_estimators : int
        Trees of a booster.
    num_leaves : int
        Leaves of a tree, at most.
    learning_rate : float
        Step of a tree as it grows.
    min_child_samples : int
        Rows in a leaf, at least; fewer where the whole sample is small.
    extra_trees : bool
        Try one random threshold a column for each split, in place of all: trees differ more, grow faster, and
        fit noise less.
    init_from_median : bool
        Let leaf values of all levels begin at the median that the grown trees say, in place of a constant: better
        where features tell nearly everything, as with demand; where they tell little, trees believe too much.
    feature_fraction : float
        Share of the columns that a tree may use.
    bagging_fraction : float
        Share of the rows that a tree sees.
    relative_to : str, optional
        Column of a published level, in the unit of y, from which the outcome is forecast as a departure:
        trees cannot follow growth or a break beyond what they have seen. Rows in which it is missing do not
        train; where it is missing in a forecast, the mean of the level in training stands for it.
    categories : tuple of str
        Columns of whole numbers, not negative, that name categories without order. Columns of pandas'
        ``category`` are so without being named.
    seed : int
        Of all randomness; the result is the same for the same seed.

    Notes
    -----
    The defaults were chosen on years that nothing is scored on; see ``docs/benchmarks/quantile_model.md``.

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
        self.categories = categories
        self.seed = seed

    # -- fitting -------------------------------------------------------------------------------

    def _settings(self, rows: int) -> dict[str, Any]:
        return {
            "objective": "quantile",
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": max(1, min(self.min_child_samples, rows // 20)),
            "extra_trees": self.extra_trees,
            "feature_fraction": self.feature_fraction,
            # LightGBM fails where the bag of a tiny sample is empty.
            "bagging_fraction": self.bagging_fraction if self.bagging_fraction * rows >= 1 else 1.0,
            "bagging_freq": 1,
            "max_bin": 63,
            "deterministic": True,
            "force_col_wise": True,
            "feature_pre_filter": False,
            # One thread: many boosters run side by side in processes, and OpenMP threads that compete
            # for a busy machine were measured to be 8 to 30 times slower.
            "num_threads": 1,
            "verbosity": -1,
        }

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check()
        self._check_by(X)
        y, X, sample_weight = _counting(X, y, sample_weight)
        y, X, sample_weight = self._departures(X, y, sample_weight)
        self.seen_ = np.array([y.min(), y.max()])
        self.names_ = _categories(X, self.categories)
        values = self._matrix(X)
        data = _lightgbm().Dataset(
            values,
            label=y,
            weight=sample_weight,
            feature_name=[f"column_{k}" for k in range(X.shape[1])],
            categorical_feature=[k for k, name in enumerate(X.columns) if str(name) in self.names_],
            params=self._settings(len(y)),
            free_raw_data=False,
        )
        data.construct()
        part = self._parts_of(len(y))
        unseen = (
            self._fit_shared(data, values, y, part, sample_weight)
            if self.sharing == "trees"
            else self._fit_apart(data, values, part)
        )
        self.correction_ = (
            out_of_fold_calibration.correction(
                np.sort(unseen, axis=1), y, self.fitted_quantiles, sample_weight, by=self._by(X)
            )
            if self.calibrate and part.any()
            else np.empty((0, 2 + len(self.fitted_quantiles)))
        )

    def _check(self) -> None:
        one_of("sharing", self.sharing, allowed=("trees", "none"), error=RangeError)
        if self.n_tree_sets < 1:
            raise RangeError(
                f"n_tree_sets is {self.n_tree_sets}.",
                "At least one set of trees is grown.",
                "Leave it out for the default.",
            )
        if len(quantile_levels.check_quantiles(self.fitted_quantiles)) < 2:
            raise RangeError(
                f"The levels {self.fitted_quantiles} are fitted.",
                "A curve goes through at least two levels.",
                "Give fitted_quantiles=(0.1, 0.5, 0.9) or more.",
            )

    def _check_by(self, X: pd.DataFrame) -> None:
        if self.calibrate_by is not None and self.calibrate_by not in X.columns:
            raise SchemaError(
                f"calibrate_by names the column {self.calibrate_by!r}, X has {list(X.columns)}.",
                "Levels are calibrated in groups of one of the features.",
                "Add the feature that gives it, or calibrate_by=None.",
            )

    def _by(self, X: pd.DataFrame) -> Array | None:
        if self.calibrate_by is None:
            return None
        return np.asarray(X[self.calibrate_by].to_numpy(dtype=np.float64, na_value=np.nan))

    def _parts_of(self, rows: int) -> Array:
        """Part of each row: runs along time, dealt out in turn."""
        if self.folds < 2 or rows < self.folds * _SMALLEST_PART:
            return np.zeros(rows, dtype=int)
        return np.arange(rows) * (self.blocks_per_fold * self.folds) // rows % self.folds

    def _grow(self, data: Any, *, level: float, seed: int, rows: int) -> Any:
        settings = self._settings(rows) | {"alpha": level, "seed": 1000 * seed + round(1000 * level)}
        return _lightgbm().train(settings, data, num_boost_round=self.n_estimators)

    def _fit_shared(
        self, data: Any, values: Array, y: Array, part: Array, weight: Array | None
    ) -> npt.NDArray[np.float64]:
        """Grow the structures and fit their leaf values; returns what their twins say of unseen rows."""
        unseen = np.zeros((len(y), len(self.fitted_quantiles)))
        self.boosters_, self.leaf_values_ = [], []
        for k in range(self.n_tree_sets):
            seed = self.seed + k
            for seen in self._seen(part) if self.calibrate else ():
                twin = self._grow(data.subset(np.flatnonzero(seen)), level=0.5, seed=seed, rows=len(y))
                leaf = self._leaf(twin, values)
                learnt = self._fit_leaves(twin, leaf, y, seen, weight)
                unseen[~seen] += learnt.predict(leaf[~seen]) / self.n_tree_sets
            booster = self._grow(data, level=0.5, seed=seed, rows=len(y))
            leaf = self._leaf(booster, values)
            self.boosters_.append(booster)
            self.leaf_values_.append(self._fit_leaves(booster, leaf, y, np.ones(len(y), dtype=bool), weight))
        return unseen

    def _seen(self, part: Array) -> list[npt.NDArray[np.bool_]]:
        """For each part the rows outside it; nothing where the rows are not cut."""
        return [part != k for k in np.unique(part)] if part.any() else []

    def _leaf(self, booster: Any, values: Array) -> npt.NDArray[np.int32]:
        """The leaf of each row in each tree, counted over all trees."""
        leaf = np.asarray(booster.predict(values, pred_leaf=True, num_threads=1), dtype=np.int32)
        leaf = leaf.reshape(len(values), -1)
        return leaf + np.arange(leaf.shape[1], dtype=np.int32) * self.num_leaves

    def _fit_leaves(
        self, booster: Any, leaf: Array, y: Array, seen: npt.NDArray[np.bool_], weight: Array | None
    ) -> LeafValues:
        return fit_leaf_values(
            leaf[seen],
            y[seen],
            self.fitted_quantiles,
            num_leaves=self.num_leaves,
            start=_medians(booster, self.num_leaves) if self.init_from_median else None,
            sample_weight=None if weight is None else weight[seen],
        )

    def _fit_apart(self, data: Any, values: Array, part: Array) -> npt.NDArray[np.float64]:
        """A booster for each level, part and seed; returns what is said of unseen rows."""
        unseen = np.zeros((len(part), len(self.fitted_quantiles)))
        self.boosters_, self.leaf_values_ = [], []
        for k, seen in enumerate(self._seen(part) or [np.ones(len(part), dtype=bool)]):
            chosen = data if seen.all() else data.subset(np.flatnonzero(seen))
            for seed in range(self.seed, self.seed + self.n_tree_sets):
                grown = [
                    self._grow(chosen, level=level, seed=seed + 100 * k, rows=len(part))
                    for level in self.fitted_quantiles
                ]
                if not seen.all():
                    unseen[~seen] += _predicted(grown, values[~seen]) / self.n_tree_sets
                self.boosters_ += grown
        return unseen

    def _departures(
        self, X: pd.DataFrame, y: Array, sample_weight: Array | None
    ) -> tuple[Array, pd.DataFrame, Array | None]:
        """Outcomes as departures from the level, of the rows in which it is known."""
        self.level_ = np.zeros(1)
        if self.relative_to is None:
            return y, X, sample_weight
        if self.relative_to not in X.columns:
            raise SchemaError(
                f"relative_to names the column {self.relative_to!r}, X has {list(X.columns)}.",
                "Outcomes are forecast relative to one of the features.",
                "Add the feature that gives it, or relative_to=None.",
            )
        level = X[self.relative_to].to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(level)
        if not known.any():
            raise MissingDataError(
                f"The column {self.relative_to!r} has no value in {len(X)} rows.",
                "Outcomes are forecast relative to it.",
                "Give a longer past, or relative_to=None.",
            )
        self.level_ = np.array([level[known].mean()])
        weight = None if sample_weight is None else sample_weight[known]
        return (y - level)[known], X[known], weight

    # -- forecasting ---------------------------------------------------------------------------

    def _predict(self, X: pd.DataFrame) -> Array:
        curve = np.sort(self._curve(self._matrix(X)), axis=1)
        by = self._by(X)
        # The correction was learnt from whole curves: read on one that is cut at 0, quantiles of a calm lie above 0.
        whole, cut = (
            out_of_fold_calibration.read(each, self.fitted_quantiles, self.levels, self.correction_, by=by)
            for each in (curve, np.clip(curve, *self.seen_))
        )
        # Trees know nothing beyond what they have seen, where their steps may lead: rare levels alone go beyond.
        lowest, highest = self.seen_
        within = np.clip(whole, np.minimum(cut, lowest), np.maximum(cut, highest))
        return np.asarray(self._level(X)[:, None] + within)

    def _curve(self, values: Array) -> Array:
        """Quantiles at the fitted levels, as the trees say them."""
        if self.sharing == "trees":
            said = [
                learnt.predict(self._leaf(booster, values))
                for booster, learnt in zip(self.boosters_, self.leaf_values_, strict=True)
            ]
            return np.asarray(np.mean(said, axis=0))
        count = len(self.fitted_quantiles)
        sets = [self.boosters_[k : k + count] for k in range(0, len(self.boosters_), count)]
        return np.asarray(np.mean([_predicted(boosters, values) for boosters in sets], axis=0))

    def _level(self, X: pd.DataFrame) -> Array:
        if self.relative_to is None:
            return np.zeros(len(X))
        level = X[self.relative_to].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(np.where(np.isfinite(level), level, self.level_[0]))

    def _matrix(self, X: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Numbers for LightGBM, rounded; a category is exact, and missing where training did not hold it."""
        if not self.names_:
            return _rounded(X.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.column_stack([self._column(X[name]) for name in X.columns]).astype(np.float32)

    def _column(self, column: pd.Series) -> Array:
        names = self.names_.get(str(column.name), [])
        if names:
            return _coded(column, names)
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values if names is None else _rounded(values)

    # -- why -----------------------------------------------------------------------------------

    def gain(self) -> pd.Series:
        """Loss that the splits on each column took away as the trees grew, as shares of 1.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"wind": rng.uniform(size=2000), "noise": rng.uniform(size=2000)})
        >>> LightGBMQuantiles(n_estimators=50).fit(X, X["wind"].to_numpy()).gain().round(1).to_dict()
        {'wind': 1.0, 'noise': 0.0}
        """
        self._check_fitted()
        each = [booster.feature_importance(importance_type="gain") for booster in self.boosters_]
        total = np.sum(each, axis=0)
        return pd.Series(total / max(total.sum(), 1e-300), index=pd.Index(self.columns_), name="gain")

    def contributions(self, X: pd.DataFrame, *, quantile: float = 0.5) -> pd.DataFrame:
        """What each column adds to a quantile of each row, as Shapley values; a column ``base`` besides.

        They add up to the prediction before it is cut, at the bounds or at the outcomes of training.

        Parameters
        ----------
        X : DataFrame, shape (rows, columns)
        quantile : float
            Any level in (0, 1).

        Returns
        -------
        DataFrame, shape (rows, columns + 1)
            In the unit of y.

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
        >>> told = model.contributions(new, quantile=0.9)
        >>> told["wind"].round(1).tolist()
        [-0.4, 0.4]
        >>> np.allclose(told.sum(axis=1), model.predict(new)[:, 2])
        True
        """
        quantile_levels.check_quantiles((quantile,))
        self._check_columns(X)
        values = self._matrix(X)
        curve = self._curve(values)
        order = np.argsort(curve, axis=1, kind="stable")
        ordered = np.take_along_axis(curve, order, axis=1)
        weights = np.empty(curve.shape)
        # A weight belongs to a place in the sorted row: it goes back to the level that took the place.
        placed = out_of_fold_calibration.weights(
            ordered, self.fitted_quantiles, (quantile,), self.correction_, by=self._by(X)
        )[:, :, 0]
        np.put_along_axis(weights, order, placed, axis=1)
        total = sum(
            weights[:, k, None] * self._shapley(values, k)
            for k in range(len(self.fitted_quantiles))
            if np.any(weights[:, k])
        )
        table = pd.DataFrame(total, index=X.index, columns=[*self.columns_, "base"])
        table["base"] += self._level(X)
        return table

    def _shapley(self, values: Array, k: int) -> Array:
        """Shapley values of the curve at one fitted level, mean over boosters."""
        if self.sharing == "none":
            ours = self.boosters_[k :: len(self.fitted_quantiles)]
            return np.asarray(np.mean([_contributions(booster, values) for booster in ours], axis=0))
        said = []
        for booster, learnt in zip(self.boosters_, self.leaf_values_, strict=True):
            told = _contributions(_speaking(booster, learnt.values[:, k], self.num_leaves), values)
            told[:, -1] += learnt.base[k]
            said.append(told)
        return np.asarray(np.mean(said, axis=0))

    # -- storage -------------------------------------------------------------------------------

    def parts(self) -> dict[str, Part]:
        """LightGBM's own text of each booster, the leaves' values, and what moves the levels."""
        texts: dict[str, Part] = {
            f"booster_{k}": booster.model_to_string() for k, booster in enumerate(self.boosters_)
        }
        for k, learnt in enumerate(self.leaf_values_):
            texts |= {f"base_{k}": learnt.base, f"values_{k}": learnt.values}
        texts |= {"categories": json.dumps(self.names_)} if self.names_ else {}
        return texts | {"correction": self.correction_, "level": self.level_, "seen": self.seen_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.correction_, self.level_, self.seen_ = (
            np.asarray(parts[name]) for name in ("correction", "level", "seen")
        )
        self.names_ = json.loads(str(parts.get("categories", "{}")))
        booster, count = _lightgbm().Booster, sum(name.startswith("booster_") for name in parts)
        self.boosters_ = [booster(model_str=str(parts[f"booster_{k}"])) for k in range(count)]
        self.leaf_values_ = [
            LeafValues(np.asarray(parts[f"base_{k}"]), np.asarray(parts[f"values_{k}"]))
            for k in range(count if self.sharing == "trees" else 0)
        ]


def _rounded(values: Array) -> npt.NDArray[np.float32]:
    """Numbers with their leading bits alone, at most 2e-5 from what they were, relatively.

    The last bits of a sine, a logarithm or a sum differ between processors. One such bit moves the edge of a bin, and
    random splits then grow other trees. Rounding turns at 0.38 of a step, not at its half: halves are frequent, as
    means of two rounded numbers, and would fall to either side.
    """
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    steps = np.floor(mantissa * 2.0**_BITS + _TURN)
    return np.asarray(np.ldexp(steps, exponent - _BITS), dtype=np.float32)


def _medians(booster: Any, leaves: int) -> npt.NDArray[np.float64]:
    """What each leaf adds to the median, counted over all trees; from LightGBM's own text of the trees."""
    said = [
        line.partition("=")[2].split()
        for line in booster.model_to_string().splitlines()
        if line.startswith("leaf_value=")
    ]
    values = np.zeros((len(said), leaves))
    for tree, words in enumerate(said):
        values[tree, : len(words)] = [float(word) for word in words]
    return values.ravel()


def _predicted(boosters: list[Any], values: Array) -> Array:
    return np.column_stack([booster.predict(values, num_threads=1) for booster in boosters])


def _contributions(booster: Any, values: Array) -> Array:
    return np.asarray(booster.predict(values, pred_contrib=True, num_threads=1))


def _speaking(booster: Any, values: Array, leaves: int) -> Any:
    """A copy of the booster whose leaves say other values."""
    copy = _lightgbm().Booster(model_str=booster.model_to_string())
    used = [tree["num_leaves"] for tree in copy.dump_model()["tree_info"]]
    for tree, count in enumerate(used):
        for leaf in range(count):
            copy.set_leaf_output(tree, leaf, float(values[tree * leaves + leaf]))
    return copy


def _counting(X: pd.DataFrame, y: Array, weight: Array | None) -> tuple[Array, pd.DataFrame, Array | None]:
    """Without the rows of no weight, and weights of mean 1: how far leaves are trusted is told in rows."""
    if weight is None:
        return y, X, None
    counts = weight > 0
    # As LightGBM holds them: rounded so, equal weights are exactly none.
    return y[counts], X[counts], (weight[counts] / weight[counts].mean()).astype(np.float32)


def _categories(X: pd.DataFrame, named: tuple[str, ...]) -> dict[str, list[str] | None]:
    """Columns of categories, with the names that pandas gives them; None where they are numbers."""
    missing = [name for name in named if name not in X.columns]
    if missing:
        raise SchemaError(
            f"categories names the columns {missing}, X has {list(X.columns)}.",
            "Columns of categories are among the features.",
            "Leave out what the features do not give.",
        )
    found: dict[str, list[str] | None] = dict.fromkeys(named)
    for name in X.columns:
        if isinstance(X[name].dtype, pd.CategoricalDtype):
            found[str(name)] = [_name(item) for item in X[name].cat.categories]
    return found


def _coded(column: pd.Series, names: list[str]) -> Array:
    """Position of each category among those of training; NaN for others."""
    code = pd.Index(names, dtype=object).get_indexer(pd.Index(column.astype(object).map(_name), dtype=object))
    return np.asarray(np.where((code < 0) | column.isna().to_numpy(), np.nan, code))


def _name(item: object) -> str:
    """Name of a category: pandas makes 1 a 1.0 where a value is missing."""
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)
