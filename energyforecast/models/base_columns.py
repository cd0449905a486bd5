"""Forecasts of other models as columns of trees: out of fold in training, which is stacking without a leak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.models.base import Array, Part, QuantileModel, parts_of, restored
from energyforecast.models.tree_growth import folds_along_time

__all__ = ["BaseColumns", "fit_base_columns", "out_of_fold"]

#: Levels of a base model, of which one column is the mean, and those that are columns themselves.
_LEVELS: Final = tuple(k / 20 for k in range(1, 20))
_SHOWN: Final = (0.1, 0.5, 0.9)
#: Folds, in blocks of time of a month in the first three years: one held out between others gives away no level.
_FOLDS: Final = 3
_BLOCKS_PER_FOLD: Final = 12
#: Step of the columns as a share of the range of outcomes, and the part of it at which rounding turns upwards.
_STEP: Final = 1e-4
_TURN: Final = 0.618


@dataclass(frozen=True)
class BaseColumns:
    """Fitted base models and the step to which their columns are rounded."""

    models: Sequence[QuantileModel] = ()
    step: float = 1.0
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _names(self.models))

    def values(self, X: pd.DataFrame) -> Array:
        """Columns by the models of all rows, shape (rows, columns)."""
        return self.columns([model.predict(X) for model in self.models], rows=len(X))

    def columns(self, curves: Sequence[Array], *, rows: int) -> Array:
        """Mean and three levels of the quantiles of each model, shape (rows, columns)."""
        shown = [_LEVELS.index(level) for level in _SHOWN]
        several = [np.column_stack([curve.mean(axis=1), curve[:, shown]]) for curve in curves]
        values = np.hstack([np.empty((rows, 0)), *several])
        # Sums of a model end in other bits on other processors: without rounding, trees would differ.
        return np.asarray(np.floor(values / self.step + _TURN) * self.step)

    def parts(self) -> dict[str, Part]:
        """Fitted state, for storage."""
        state: dict[str, Part] = {"base_step": np.array([self.step])} if self.models else {}
        for k, model in enumerate(self.models):
            state |= parts_of(f"base_model_{k}", model)
        return state

    @classmethod
    def restored(cls, models: Sequence[QuantileModel], parts: Mapping[str, Part]) -> BaseColumns:
        """Columns of unfitted models and of :meth:`parts`."""
        if "base_step" not in parts:
            return cls()
        fitted = [restored(f"base_model_{k}", _unfitted(model), parts) for k, model in enumerate(models)]
        return cls(fitted, float(np.asarray(parts["base_step"])[0]))


def fit_base_columns(
    models: Sequence[QuantileModel],
    X: pd.DataFrame,
    y: Array,
    *,
    weight: Array | None,
    bounds: tuple[float, float],
) -> tuple[BaseColumns, Array]:
    """Fit the base models on all rows, and give the out-of-fold columns of each row, shape (rows, columns).

    There are none where rows are too few to be cut into folds.
    """
    fold = folds_along_time(X.index, folds=_FOLDS, blocks_per_fold=_BLOCKS_PER_FOLD)
    if not models or not fold.any():
        return BaseColumns(), np.empty((len(y), 0))
    fitted = [_unfitted(model) for model in models]
    curves = [out_of_fold(model, X, y, fold=fold, sample_weight=weight, bounds=bounds) for model in fitted]
    made = BaseColumns(fitted, _step(y))
    return made, made.columns(curves, rows=len(y))


def out_of_fold(
    model: QuantileModel,
    X: pd.DataFrame,
    y: Array,
    *,
    fold: npt.NDArray[np.int64],
    sample_weight: Array | None,
    bounds: tuple[float, float],
) -> Array:
    """Fit a model on all rows, and give the quantiles of each row by a fit without its fold, shape (rows, levels).

    The cheaper way of :class:`FitsOutOfFold` is not taken: scales of all rows would know a little of each fold.
    """
    rest: dict[str, Any] = {"bounds": bounds}
    curves = np.empty((len(y), len(model.levels)))
    for k in np.unique(fold):
        seen = fold != k
        weight = None if sample_weight is None else sample_weight[seen]
        other = clone(model).fit(X[seen], y[seen], sample_weight=weight, **rest)
        curves[~seen] = other.predict(X[~seen])
    model.fit(X, y, sample_weight=sample_weight, **rest)
    return curves


def _unfitted(model: QuantileModel) -> QuantileModel:
    """Unfitted copy for the levels of the columns."""
    copy: QuantileModel = clone(model)
    copy.set_params(quantiles=_LEVELS)
    return copy


def _names(models: Sequence[QuantileModel]) -> list[str]:
    """Names of the columns, such as ``"LinearQuantiles[0.5]"``; a second model of a kind is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for model in models:
        kind = type(model).__name__
        seen[kind] += 1
        name = kind if seen[kind] == 1 else f"{kind} {seen[kind]}"
        names += [f"{name}[{item}]" for item in ("mean", *_SHOWN)]
    return names


def _step(y: Array) -> float:
    """Power of two near a share of the range of outcomes; with it, rounded numbers are exact in single precision."""
    extent = float(np.ptp(y))
    return float(2.0 ** np.round(np.log2(_STEP * extent))) if extent > 0 else 1.0
