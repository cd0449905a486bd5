"""Model confidence set: the best model, and those that the data cannot separate from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.intervals import check_same_step
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.bootstrap import BLOCK, DRAWS, block_draws
from energyforecast.evaluation.matching import common_keys
from energyforecast.evaluation.paired_difference import MINIMUM_DAYS, usual_fit_spread
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.score import AnyMetric
from energyforecast.evaluation.significance import comparable

__all__ = ["confidence_set_of_pairs", "model_confidence_set"]

Array = npt.NDArray[Any]
Statistic = Literal["range", "max"]


def model_confidence_set(
    losses: pd.DataFrame,
    *,
    confidence: float = 0.9,
    statistic: Statistic = "range",
    block: int = BLOCK,
    draws: int = DRAWS,
    seed: int = 0,
    fit_spread: float = 0.0,
) -> pd.DataFrame:
    r"""Model confidence set: it holds the best model, and those that the data cannot separate from it.

    .. math:: T_R = \max_{i, j} \frac{|\bar d_{ij}|}{\hat\sigma(\bar d_{ij})}, \quad
        T_{\max} = \max_i \frac{\bar d_{i \cdot}}{\hat\sigma(\bar d_{i \cdot})}

    with the mean differences :math:`\bar d_{ij}` of the losses of two models, and :math:`\bar d_{i \cdot}` of a model
    and the mean of all. While equal skill is rejected, the worst model leaves. The distribution of :math:`T` and the
    deviations :math:`\hat\sigma` come from a circular block bootstrap of the days, in which the loss of each model
    also varies by the share `fit_spread`.

    Parameters
    ----------
    losses : DataFrame, shape (days, models)
        Mean loss of each day in order of time, a column a model; less is better. Days with a missing loss are left out.
    confidence : float
        Probability that the best model is in the set.
    statistic : {"range", "max"}
        :math:`T_R` or :math:`T_{\max}`.
    block : int
        Days that are drawn together, at most a quarter of them.
    draws, seed : int
    fit_spread : float
        Standard deviation of the loss between fits that differ by seed alone, as a share of the loss, as in
        :func:`compare`; with 0 the set is one of fits, not of methods.

    Returns
    -------
    DataFrame
        A row for each model, the best first: ``model``, ``loss`` (mean), ``p``, ``inside`` (whether it is in the set:
        `p` is at least 1 − `confidence`), ``days``. With fewer than eight days ``p`` is NaN and all models are inside.

    Raises
    ------
    SchemaError, RangeError
        If there is no model, one occurs twice, a loss is infinite, or a parameter is out of its range.

    See Also
    --------
    compare, energyforecast.evaluation.scored_forecasts.ScoredForecasts.confidence_set

    Notes
    -----
    The p-value of a model is the largest of those at which it and all worse ones were rejected. Unlike p-values of
    pairs (:func:`compare`) it needs no adjustment for the number of models.
    ``arch.bootstrap.MCS`` draws blocks of random length by default (the stationary bootstrap), where p-values differ by
    some hundredths; with ``bootstrap="circular"`` and the same `block_size` they agree but for the chance of the draws.

    References
    ----------
    Hansen, Lunde and Nason (2011), https://doi.org/10.3982/ECTA5771.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(200, 3))
    >>> losses = pd.DataFrame(5 + noise + [0.0, 0.02, 2.0], columns=["a", "b", "c"])
    >>> model_confidence_set(losses)[["model", "inside", "days"]]
      model  inside  days
    0     a    True   200
    1     b    True   200
    2     c   False   200
    """
    check_types(locals(), of=model_confidence_set)
    check_probability("The confidence", confidence)
    one_of("statistic", statistic, allowed=("range", "max"))
    for name, value, low in (("block", block, 1), ("draws", draws, 1), ("seed", seed, 0)):
        check_range(name, value, low=low)
    check_range("fit_spread", fit_spread, low=0.0)
    if not len(losses.columns) or not losses.columns.is_unique:
        raise SchemaError(
            f"Losses of the models {list(losses.columns)} are given.",
            "There must be one column for each model, at least one.",
            "Give a table of the losses of each day by model.",
        )
    daily = as_numbers("losses", losses)
    check_range("A loss", daily[~np.isnan(daily)])
    daily = daily[np.isfinite(daily).all(axis=1)]
    mean = daily.mean(axis=0) if len(daily) else np.full(daily.shape[1], np.nan)
    p = np.full(daily.shape[1], np.nan)
    if len(daily) >= MINIMUM_DAYS:
        drawn = block_draws(len(daily), block=block, draws=draws, seed=seed) @ (daily - mean) / len(daily)
        drawn += fit_spread * mean * np.random.default_rng([seed, 1]).normal(size=drawn.shape)
        p = _p_values(mean, drawn, statistic)
    table = pd.DataFrame({"model": list(losses.columns), "loss": mean, "p": p})
    table["inside"] = ~(table["p"] < 1 - confidence)
    return table.sort_values("loss", kind="stable", ignore_index=True).assign(days=len(daily))


def confidence_set_of_pairs(
    pairs: Mapping[str, Pairs], *, metric: AnyMetric, confidence: float, statistic: Statistic
) -> pd.DataFrame:
    """Model confidence set by a metric, over the hours that all models forecast."""
    item = comparable(metric)
    points, left = _common(pairs, {name: item.pointwise(part) for name, part in pairs.items()})
    day = points.index.get_level_values("valid_time").tz_convert("UTC").normalize()
    table = model_confidence_set(
        points.groupby(day).mean(),
        confidence=confidence,
        statistic=statistic,
        # A root varies by half as much as its square.
        fit_spread=(2 if item.root else 1)
        * usual_fit_spread(next(iter(pairs.values())).labels["kind"].unique()),
    )
    value = {name: item.aggregate(points[name].to_numpy()) for name in points}
    table.insert(1, "metric", item.name)
    table.insert(2, "value", table["model"].map(value))
    return table.drop(columns="loss").assign(n=len(points), left_out=left)


def _common(pairs: Mapping[str, Pairs], points: Mapping[str, Array]) -> tuple[pd.DataFrame, int]:
    """Losses of the hours of all models, by model, and the number of those of the first that are left out."""
    first = next(iter(pairs.values()))
    keys = ["site", "issue_time", "valid_time"]
    for part in pairs.values():
        check_same_step(part.step, first.step, name="A model", other="the first")
        keys = min(keys, common_keys(part, first), key=len)
    series = {
        name: pd.Series(points[name], index=pd.MultiIndex.from_frame(part.labels[keys]))
        for name, part in pairs.items()
    }
    together = pd.concat(series, axis=1, join="inner").dropna()
    return together, len(first) - len(together)


def _p_values(mean: Array, drawn: Array, statistic: Statistic) -> Array:
    """P-value of each model in the confidence set: the worst leaves until one is left."""
    p, inside, reached = np.ones(len(mean)), list(range(len(mean))), 0.0
    while len(inside) > 1:
        test, worst = (
            _range(mean[inside], drawn[:, inside])
            if statistic == "range"
            else _max(mean[inside], drawn[:, inside])
        )
        reached = max(reached, test)
        p[inside.pop(worst)] = reached
    return p


def _range(mean: Array, drawn: Array) -> tuple[float, int]:
    """P-value of the largest difference of two models, and the number of the worst model."""
    apart = mean[:, None] - mean[None, :]
    moved = drawn[:, :, None] - drawn[:, None, :]
    scale = np.sqrt((moved**2).mean(axis=0))
    t = _ratio(apart, scale)
    largest = np.abs(_ratio(moved, scale)).max(axis=(1, 2))
    return float((largest >= np.abs(t).max()).mean()), int(t.max(axis=1).argmax())


def _max(mean: Array, drawn: Array) -> tuple[float, int]:
    """P-value of the largest difference of a model and the mean of all, and the number of that model."""
    apart = mean - mean.mean()
    moved = drawn - drawn.mean(axis=1, keepdims=True)
    scale = np.sqrt((moved**2).mean(axis=0))
    t = _ratio(apart, scale)
    return float((_ratio(moved, scale).max(axis=1) >= t.max()).mean()), int(t.argmax())


def _ratio(difference: Array, scale: Array) -> Array:
    """Differences in deviations; of models that differ by a constant, or not at all, infinite or 0."""
    varies = scale > 1e-12 * max(float(np.abs(difference).max()), np.finfo(float).tiny)
    certain = np.where(difference == 0, 0.0, np.copysign(np.inf, difference))
    return np.where(varies, difference / np.where(varies, scale, 1.0), certain)
