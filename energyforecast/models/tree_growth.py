"""Growth of boosters for quantiles: on shared trees, or one booster for each level."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, UncalibratedWarning
from energyforecast.models.base import Array
from energyforecast.models.boosters import leaf_indices, leaf_outputs, lightgbm, predict_each
from energyforecast.models.leaf_values import LeafValues, fit_leaf_values

__all__ = [
    "BOOSTER_RANGES",
    "MIN_ROWS",
    "RANGES",
    "Grown",
    "TreeGrowth",
    "check_fitted",
    "days_of",
    "folds_along_time",
    "warn_of_few_rows",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Rows of a fold, at least, where there are more than two; and of a sample that is cut.
_MIN_FOLD: Final = 200
MIN_ROWS: Final = 100
#: Days of a block of time that is held out, and the number of blocks in short samples.
_BLOCK_DAYS: Final = 30
_MIN_BLOCKS: Final = 4
#: Settings of LightGBM that no model changes.
_ALWAYS: Final[dict[str, Any]] = {
    "objective": "quantile",
    "bagging_freq": 1,
    "max_bin": 63,
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
    # One thread: many boosters run side by side in processes, and OpenMP threads that compete for a busy machine were
    # measured to be 8 to 30 times slower.
    "num_threads": 1,
    "verbosity": -1,
}
#: Lowest and highest values of the parameters that all models of trees share.
RANGES: Final[dict[str, tuple[float, float]]] = {
    "n_estimators": (1, np.inf),
    "num_leaves": (2, np.inf),
    "learning_rate": (1e-6, np.inf),
    "folds": (0, np.inf),
}
#: Those of :class:`energyforecast.models.LightGBMQuantiles`.
BOOSTER_RANGES: Final = (
    RANGES
    | dict.fromkeys(("feature_fraction", "bagging_fraction"), (1e-6, 1.0))
    | dict.fromkeys(("n_tree_sets", "blocks_per_fold", "min_child_samples"), (1, np.inf))
    | dict.fromkeys(("base_after", "season_after"), (0.0, np.inf))
)


@dataclass(frozen=True)
class Grown:
    """Boosters with their leaf values (none without shared trees), and out-of-fold quantiles of the rows."""

    boosters: list[Any]
    leaf_values: list[LeafValues]
    out_of_fold: Floats

    def as_wide(self, seen_curve: Floats, *, centre: int) -> Grown:
        """The same with curves, which are given for the rows, as wide in the mean as those out of fold.

        Where these are wider, half of it in logarithms: out-of-fold models learnt less, and err more.
        """
        unseen, seen = (
            float(np.abs(curve - curve[:, [centre]]).mean()) for curve in (self.out_of_fold, seen_curve)
        )
        if not (unseen > 0 and seen > 0):
            return self
        share = round(
            min(unseen / seen, np.sqrt(unseen / seen)), 9
        )  # its last bits differ between processors
        return replace(self, leaf_values=[each.narrowed(share, centre=centre) for each in self.leaf_values])


@dataclass(frozen=True, kw_only=True)
class TreeGrowth:
    """Settings of growth, and growth itself."""

    levels: tuple[float, ...]
    n_tree_sets: int
    n_estimators: int
    num_leaves: int
    init_from_median: bool
    seed: int
    parameters: dict[str, Any]

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, rows: int) -> Self:
        """Growth by the parameters of a model, for a number of rows."""
        same = ("num_leaves", "learning_rate", "extra_trees", "feature_fraction")
        bag = settings["bagging_fraction"]
        parameters = {name: settings[name] for name in same} | {
            "min_data_in_leaf": max(1, min(settings["min_child_samples"], rows // 20)),
            # LightGBM fails where the bag of a tiny sample is empty.
            "bagging_fraction": bag if bag * rows >= 1 else 1.0,
        }
        own = ("n_tree_sets", "n_estimators", "num_leaves", "init_from_median", "seed")
        return cls(
            levels=settings["fitted_quantiles"],
            parameters=parameters | _ALWAYS,
            **{name: settings[name] for name in own},
        )

    def shared(
        self, data: Any, values: Array, y: Array, *, fold: Array, weight: Array | None, calibrate: bool
    ) -> Grown:
        """Grow sets of trees on the median and fit their leaf values for every level.

        Trees of more rows have wider curves, and calibration is that of out-of-fold curves: they are made as wide.
        """
        every = np.ones(len(y), dtype=bool)
        seen_curve = np.zeros((len(y), len(self.levels)))
        grown = Grown([], [], np.zeros((len(y), len(self.levels))))
        for seed in range(self.seed, self.seed + self.n_tree_sets):
            for seen in _outside(fold) if calibrate else ():
                booster = self._grow(data.subset(np.flatnonzero(seen)), level=0.5, seed=seed)
                leaf = leaf_indices(booster, values, self.num_leaves)
                leaf_values = self._fit_leaves(booster, leaf, y, seen, weight)
                grown.out_of_fold[~seen] += leaf_values.predict(leaf[~seen]) / self.n_tree_sets
            booster = self._grow(data, level=0.5, seed=seed)
            leaf = leaf_indices(booster, values, self.num_leaves)
            grown.boosters.append(booster)
            grown.leaf_values.append(self._fit_leaves(booster, leaf, y, every, weight))
            seen_curve += grown.leaf_values[-1].predict(leaf) / self.n_tree_sets
        return grown.as_wide(seen_curve, centre=int(np.argmin(np.abs(np.array(self.levels) - 0.5))))

    def apart(self, data: Any, values: Array, *, fold: Array) -> Grown:
        """Grow a booster for each level, fold and seed."""
        grown = Grown([], [], np.zeros((len(fold), len(self.levels))))
        for k, seen in enumerate(_outside(fold) or [np.ones(len(fold), dtype=bool)]):
            chosen = data if seen.all() else data.subset(np.flatnonzero(seen))
            for seed in range(self.seed, self.seed + self.n_tree_sets):
                each = [self._grow(chosen, level=level, seed=seed + 100 * k) for level in self.levels]
                if not seen.all():
                    grown.out_of_fold[~seen] += predict_each(each, values[~seen]) / self.n_tree_sets
                grown.boosters.extend(each)
        return grown

    def _grow(self, data: Any, *, level: float, seed: int) -> Any:
        settings = self.parameters | {"alpha": level, "seed": 1000 * seed + round(1000 * level)}
        return lightgbm().train(settings, data, num_boost_round=self.n_estimators)

    def _fit_leaves(
        self, booster: Any, leaf: Array, y: Array, seen: Mask, weight: Array | None
    ) -> LeafValues:
        """Leaf values of all levels on the trees of a booster."""
        return fit_leaf_values(
            leaf[seen],
            y[seen],
            self.levels,
            num_leaves=self.num_leaves,
            start=leaf_outputs(booster, self.num_leaves) if self.init_from_median else None,
            sample_weight=None if weight is None else weight[seen],
        )


def check_fitted(levels: tuple[float, ...]) -> None:
    """Refuse fewer than two fitted levels."""
    if len(check_levels(levels)) < 2:
        raise RangeError(
            f"The levels {levels} are fitted.",
            "At least two levels must be fitted.",
            "Give fitted_quantiles=(0.1, 0.5, 0.9) or more.",
        )


def folds_along_time(index: pd.Index, *, folds: int, blocks_per_fold: int) -> npt.NDArray[np.int64]:
    """Fold of each row: blocks of time, assigned in rotation; fewer, or all 0, if the sample is too small to cut.

    Where the index has times, blocks are whole days, and of a month as far as there are four: next to it, neighbouring
    days would give away the level that a forecast of the next month has to do without.
    """
    rows, day = len(index), days_of(index)
    folds = min(folds, max(2, rows // _MIN_FOLD)) if rows >= MIN_ROWS else 0
    blocks = blocks_per_fold * folds
    if day is None:
        day = np.arange(rows)
    else:
        blocks = min(blocks, max(_MIN_BLOCKS, (int(day.max()) + 1) // _BLOCK_DAYS))
    if folds < 2 or int(day.max()) + 1 < blocks:
        return np.zeros(rows, dtype=np.int64)
    return day * blocks // (int(day.max()) + 1) % folds


def days_of(index: pd.Index) -> npt.NDArray[np.int64] | None:
    """Number of each row's day among the days of a sample; None where the index has no times."""
    if not isinstance(index, pd.DatetimeIndex):
        return None
    return np.unique(index.floor("D"), return_inverse=True)[1].astype(np.int64)


def warn_of_few_rows(rows: int) -> None:
    """Warn that a sample is too small to be cut into folds, and so to calibrate."""
    warnings.warn(
        f"{rows} rows are too few to calibrate the quantiles of LightGBMQuantiles: {MIN_ROWS} are needed. Its "
        "intervals are too narrow, since trees fit the rows they have seen.",
        UncalibratedWarning,
        stacklevel=4,  # where fit() was called
    )


def _outside(fold: Array) -> list[Mask]:
    """Rows outside each fold; none if the sample is not cut."""
    return [fold != k for k in np.unique(fold)] if fold.any() else []
