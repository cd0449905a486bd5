"""Gradient-boosted trees for quantiles, on LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast import checks
from energyforecast.errors import DependencyError, MissingDataError, RangeError
from energyforecast.models.model import Array, Part, QuantileModel, weighted_quantiles

__all__ = ["LightGBMQuantiles"]

#: Levels at which boosters are grown; a curve through them gives the others.
_GROWN: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
#: Calibration is by groups of rows with about the same forecast median.
_GROUPS: Final = 6
#: Fewer rows than this in a block teach nothing about calibration.
_SMALLEST_BLOCK: Final = 200


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
    """Boosters for a few levels, grown on all blocks of time but one, and calibrated on that one.

    The rows are cut into blocks in order of time. For each block, a booster a level is grown on the
    other blocks; the forecast is the mean over blocks. What the boosters say of the block that they
    did not see shows how far their quantiles can be trusted: how often outcomes really fell below
    them, in groups of rows with about the same median. Levels are moved accordingly. All boosters share
    one binned data set.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    grown : tuple of float
        Levels at which boosters are grown, at least two. The others lie on straight lines between
        them in the normal score of the level.
    folds : int
        Blocks of time; 0 grows one set of boosters on all rows and calibrates nothing. Small samples
        are not cut.
    calibrate : bool
        Move the levels as the unseen blocks show.
    trees : int
        Trees of a booster.
    leaves : int
        Leaves of a tree.
    learning_rate : float
        Step of a tree.
    minimum_rows : int
        Rows in a leaf, at least; fewer where the whole sample is small.
    feature_fraction : float
        Share of the columns that a tree may use.
    bagging_fraction : float
        Share of the rows that a tree sees.
    relative_to : str, optional
        Column of a published level, in the unit of y, from which the outcome is forecast as a departure:
        trees cannot follow growth or a break beyond what they have seen. Rows in which it is missing do not
        train; where it is missing in a forecast, the mean of the level in training stands for it.
    seed : int
        Of all randomness; the result is the same for the same seed.

    Notes
    -----
    The defaults were chosen by blocked cross-validation inside one year of one wind farm; see
    ``docs/quantile_model.md``.

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
        grown: tuple[float, ...] = _GROWN,
        folds: int = 5,
        calibrate: bool = True,
        trees: int = 100,
        leaves: int = 10,
        learning_rate: float = 0.08,
        minimum_rows: int = 60,
        feature_fraction: float = 0.6,
        bagging_fraction: float = 0.7,
        relative_to: str | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__(quantiles)
        self.grown = grown
        self.folds = folds
        self.calibrate = calibrate
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.minimum_rows = minimum_rows
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.relative_to = relative_to
        self.seed = seed

    def _settings(self, rows: int) -> dict[str, Any]:
        return {
            "objective": "quantile",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": max(1, min(self.minimum_rows, rows // 20)),
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
        if len(checks.check_quantiles(self.grown)) < 2:
            raise RangeError(
                f"Boosters are grown at {self.grown}.",
                "A curve goes through at least two levels.",
                "Give grown=(0.1, 0.5, 0.9) or more.",
            )
        y, X, sample_weight = self._departures(X, y, sample_weight)
        settings = self._settings(len(y))
        values = _matrix(X)
        data = _lightgbm().Dataset(
            values,
            label=y,
            weight=sample_weight,
            feature_name=[f"column_{k}" for k in range(X.shape[1])],
            params=settings,
            free_raw_data=False,
        )
        data.construct()
        folds = self.folds if len(y) >= self.folds * _SMALLEST_BLOCK else 0
        if folds < 2:
            self.boosters_ = [self._grow(data, settings, block=0)]
            self.remap_ = self._as_grown()
            return
        block = np.arange(len(y)) * folds // len(y)
        unseen = np.empty((len(y), len(self.grown)))
        self.boosters_ = []
        for k in range(folds):
            part = data.subset(np.flatnonzero(block != k))
            self.boosters_.append(self._grow(part, settings, block=k))
            unseen[block == k] = _predicted(self.boosters_[-1], values[block == k])
        self.remap_ = (
            _remap(np.sort(unseen, axis=1), y, self.grown, sample_weight)
            if self.calibrate
            else self._as_grown()
        )

    def _departures(
        self, X: pd.DataFrame, y: Array, sample_weight: Array | None
    ) -> tuple[Array, pd.DataFrame, Array | None]:
        """Outcomes as departures from the level, of the rows in which it is known."""
        self.level_ = np.zeros(1)
        if self.relative_to is None:
            return y, X, sample_weight
        level = X[self.relative_to].to_numpy(dtype=np.float64)
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

    def _level(self, X: pd.DataFrame) -> Array:
        if self.relative_to is None:
            return np.zeros(len(X))
        level = X[self.relative_to].to_numpy(dtype=np.float64)
        return np.asarray(np.where(np.isfinite(level), level, self.level_[0]))

    def _as_grown(self) -> Array:
        """A table of moved levels that moves none."""
        return np.empty((0, 1 + len(self.grown)))

    def _grow(self, data: Any, settings: dict[str, Any], *, block: int) -> list[Any]:
        train = _lightgbm().train
        return [
            train(
                settings | {"alpha": level, "seed": 1000 * (self.seed + block) + round(1000 * level)},
                data,
                num_boost_round=self.trees,
            )
            for level in self.grown
        ]

    def _predict(self, X: pd.DataFrame) -> Array:
        values = _matrix(X)
        grown = np.mean([_predicted(boosters, values) for boosters in self.boosters_], axis=0)
        curve = np.sort(grown, axis=1)
        if len(self.remap_):
            curve = _moved(curve, self.grown, self.remap_)
        wanted = np.broadcast_to(_scores(self.levels), (len(curve), len(self.levels)))
        return self._level(X)[:, None] + _at(curve, _scores(self.grown), wanted)

    def parts(self) -> dict[str, Part]:
        """LightGBM's own text of each booster, and the table of moved levels."""
        texts: dict[str, Part] = {
            f"booster_{block}_{level:g}": booster.model_to_string()
            for block, boosters in enumerate(self.boosters_)
            for level, booster in zip(self.grown, boosters, strict=True)
        }
        return texts | {"remap": self.remap_, "level": self.level_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.remap_, self.level_ = np.asarray(parts["remap"]), np.asarray(parts["level"])
        blocks = (len(parts) - 2) // len(self.grown)
        booster = _lightgbm().Booster
        self.boosters_ = [
            [booster(model_str=str(parts[f"booster_{block}_{level:g}"])) for level in self.grown]
            for block in range(blocks)
        ]


def _matrix(X: pd.DataFrame) -> npt.NDArray[np.float32]:
    return np.asarray(X.to_numpy(dtype=np.float32, na_value=np.nan))


def _predicted(boosters: list[Any], values: Array) -> Array:
    return np.column_stack([booster.predict(values, num_threads=1) for booster in boosters])


def _scores(levels: tuple[float, ...]) -> Array:
    return np.asarray(stats.norm.ppf(levels))


def _at(curve: Array, scores: Array, wanted: Array) -> Array:
    """Read curves at other normal scores, a row of each a row; straight lines, also beyond the ends."""
    right = np.clip(np.searchsorted(scores, wanted), 1, len(scores) - 1)
    share = (wanted - scores[right - 1]) / (scores[right] - scores[right - 1])
    low, high = (np.take_along_axis(curve, column, axis=1) for column in (right - 1, right))
    return np.asarray(low + share * (high - low))


def _remap(
    unseen: Array, y: Array, grown: tuple[float, ...], weight: Array | None = None
) -> npt.NDArray[np.float64]:
    """Normal scores at which the curve must be read so that outcomes fall below it as often as they should.

    Returns
    -------
    array, shape (groups, 1 + levels)
        Median of the group, then a score for each level.
    """
    rank = _probability(unseen, y, grown)
    median = _middle(unseen, grown)
    edges = np.unique(np.quantile(median, np.arange(1, _GROUPS) / _GROUPS))
    group = np.searchsorted(edges, median, side="right")
    rows = []
    for k in np.unique(group):
        moved = weighted_quantiles(rank[group == k], grown, None if weight is None else weight[group == k])
        rows.append([np.median(median[group == k]), *stats.norm.ppf(np.clip(moved, 0.001, 0.999))])
    return np.asarray(rows)


def _probability(curve: Array, y: Array, grown: tuple[float, ...]) -> Array:
    """Probability that the curve gives to outcomes up to y; half of the mass where it lies at y."""
    fine: Array = np.linspace(stats.norm.ppf(0.001), stats.norm.ppf(0.999), 199)
    values = np.sort(_at(curve, _scores(grown), np.broadcast_to(fine, (len(curve), len(fine)))), axis=1)
    below = (values < y[:, None]).sum(axis=1)
    upto = (values <= y[:, None]).sum(axis=1)
    return np.asarray(stats.norm.cdf(np.interp((below + upto) / 2, np.arange(len(fine)) + 0.5, fine)))


def _moved(curve: Array, grown: tuple[float, ...], remap: Array) -> Array:
    """Read each curve at the scores of its group, interpolated in the median."""
    median = _middle(curve, grown)
    wanted = np.column_stack([np.interp(median, remap[:, 0], remap[:, 1 + j]) for j in range(len(grown))])
    return np.sort(_at(curve, _scores(grown), wanted), axis=1)


def _middle(curve: Array, grown: tuple[float, ...]) -> Array:
    """Median of each curve."""
    return _at(curve, _scores(grown), np.zeros((len(curve), 1)))[:, 0]
