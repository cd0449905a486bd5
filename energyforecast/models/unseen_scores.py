"""Normal scores of outcomes in the distributions of models that had not learnt them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from energyforecast.core.error_correlation import normal_scores
from energyforecast.models import out_of_fold_calibration
from energyforecast.models.base import Array, QuantileModel
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.selected_model import _CALIBRATED, SelectedModel

__all__ = ["forget_unseen", "unseen_scores"]


def unseen_scores(
    model: QuantileModel, X: pd.DataFrame, y: Array, *, rng: np.random.Generator
) -> Array | None:
    """Normal scores of the rows of the last fit, to be read once: out of fold, NaN where there are none.

    Of a model of few parameters they are in sample; None where a model keeps no out-of-fold quantiles. `rng` draws
    levels on point masses: one for several sites, whose calms would otherwise have the same levels.
    """
    if isinstance(model, SelectedModel) and len(model.models_) == 1:
        return unseen_scores(next(iter(model.models_.values())), X, y, rng=rng)
    if model.few_parameters:
        return _scores(y, model.predict(X), model.levels, rng=rng)
    if not isinstance(model, SelectedModel | LightGBMQuantiles) or model.unseen_ is None:
        return None
    (rows, curves), model.unseen_ = model.unseen_, None  # large, and wanted once
    if rows[-1] >= len(y):  # of several sites together
        return None
    result = np.full(len(y), np.nan)
    levels: tuple[float, ...] = (
        model.fitted_quantiles if isinstance(model, LightGBMQuantiles) else _CALIBRATED
    )
    if isinstance(model, SelectedModel):
        by = model.groups_by(X.iloc[rows])
        curves = out_of_fold_calibration.read(curves, levels, levels, model.correction_, by=by)
    result[rows] = _scores(y[rows], curves, levels, rng=rng)
    return result


def forget_unseen(models: Iterable[QuantileModel]) -> None:
    """Drop the out-of-fold quantiles of fitted models, which are large, where they are not read."""
    for model in models:
        if isinstance(model, SelectedModel):
            forget_unseen(model.models_.values())
        if isinstance(model, SelectedModel | LightGBMQuantiles):
            model.unseen_ = None


def _scores(y: Array, curves: Array, levels: tuple[float, ...], *, rng: np.random.Generator) -> Array:
    """Normal score of each outcome in its curve."""
    return normal_scores(y, np.sort(curves, axis=1), np.asarray(levels), rng=rng)
