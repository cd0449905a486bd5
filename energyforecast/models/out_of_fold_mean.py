"""Mean of models: their explanations, their out-of-fold quantiles, and the share of each of two by these."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core.quantiles import QuantileFunction
from energyforecast.models.base import Array, FitsOutOfFold, QuantileModel
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.tree_growth import folds_along_time

__all__ = ["fitted_with_unseen", "mean_of_tables", "quantile_of", "shares_of_two"]

#: Shares of the first of two models that are tried, half first; blocks of time and standard errors that tell noise.
_SHARES: Final = (0.5, 0.0, 0.15, 0.3, 0.7, 0.85, 1.0)
_BLOCKS: Final = 30
_BEYOND_NOISE: Final = 2.0


def fitted_with_unseen(
    models: Collection[QuantileModel],
    X: pd.DataFrame,
    y: Array,
    *,
    sample_weight: Array | None,
    bounds: tuple[float, float],
) -> list[Array | None]:
    """Fit models, and give the out-of-fold quantiles of the rows at the levels of each; None where that is not cheap.

    Folds are those of the first model with trees, so that models are compared which learned from the same rows. Rows
    that a model does not learn are missing.
    """
    given: dict[str, Any] = {"sample_weight": sample_weight, "bounds": bounds}
    trees = next((one for one in models if isinstance(one, LightGBMQuantiles)), LightGBMQuantiles())
    fold = folds_along_time(X.index, folds=trees.folds, blocks_per_fold=trees.blocks_per_fold)
    several: list[Array | None] = []
    for model in models:
        if isinstance(model, FitsOutOfFold) and fold.any():
            several.append(np.asarray(model.fit_out_of_fold(X, y, fold=fold, **given)))
            continue
        model.fit(X, y, **given)
        several.append(_unseen(model, len(y)) if isinstance(model, LightGBMQuantiles) else None)
    return several


def _unseen(model: LightGBMQuantiles, rows: int) -> Array | None:
    """Out-of-fold quantiles of trees after a fit; None where there are none."""
    kept = getattr(model, "unseen_", None)
    if kept is None:
        return None
    model.unseen_ = None  # large, and wanted once
    curves = np.full((rows, len(model.levels)), np.nan)
    known = QuantileFunction(np.sort(kept[1], axis=1), model.fitted_quantiles)
    curves[kept[0]] = known.table(model.levels, tails="normal")
    return curves


def shares_of_two(
    unseen: tuple[Array, Array], y: Array, *, weight: Array | None, levels: tuple[float, ...]
) -> Array:
    """Shares of two models with the least pinball loss out of fold; half each unless others are better beyond noise."""
    one, other = unseen
    w = np.ones(len(y)) if weight is None else weight / weight.max()
    known = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1) & (w > 0)
    if known.sum() < 2 * _BLOCKS:
        return np.array([0.5, 0.5])

    def loss(share: float) -> Array:
        error = y[known, None] - (share * one + (1 - share) * other)[known]
        each = np.maximum(np.array(levels) * error, (np.array(levels) - 1) * error).mean(axis=1)
        return np.array([block.mean() for block in np.array_split(w[known] * each, _BLOCKS)])

    reference, best = loss(_SHARES[0]), (0.0, _SHARES[0])
    for share in _SHARES[1:]:
        gain = reference - loss(share)
        noise = _BEYOND_NOISE * gain.std(ddof=1) / np.sqrt(_BLOCKS)
        if gain.mean() > max(noise, best[0]):
            best = (float(gain.mean()), share)
    return np.array([best[1], 1 - best[1]])


def quantile_of(model: QuantileModel, X: pd.DataFrame, level: float) -> Array:
    """Quantile of any level of a model's forecast, shape (rows,)."""
    return QuantileFunction(model.predict(X), model.levels).table((level,), tails="normal")[:, 0]


def mean_of_tables(tables: Sequence[Any], shares: Array) -> Any:
    """Mean of tables, or of series, of which some have columns of their own; the base value stays the last."""
    if not tables:
        return pd.Series(dtype=np.float64)
    names = dict.fromkeys(name for table in tables for name in table.axes[-1])
    whole = sorted(names, key="base".__eq__)
    filled = [table.reindex(whole, axis=table.ndim - 1, fill_value=0.0) for table in tables]
    return sum(share * table for share, table in zip(shares, filled, strict=True))
