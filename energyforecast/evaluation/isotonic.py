"""Isotonic regression of outcomes on forecasts: recalibrated means, probabilities and quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

__all__ = ["isotonic_mean", "isotonic_quantile"]

Array = npt.NDArray[Any]


def isotonic_mean(forecast: Array, outcome: Array, weights: Array | None = None) -> Array:
    r"""Rising function of the forecast with the least squared error, at each forecast, by pool-adjacent-violators.

    Equal forecasts have one value. Rows of the weight 0 have that of the nearest lower forecast that counts, or of the
    first one.
    """
    order, start, weight = _grouped(forecast, weights)
    total = np.add.reduceat(weight, start)
    mean = np.add.reduceat(weight * outcome[order], start) / np.where(total > 0, total, 1.0)
    counts = total > 0
    fit = isotonic_regression(mean[counts], weights=total[counts]).x
    return _spread(fit, np.maximum(np.cumsum(counts) - 1, 0), order, start)


def isotonic_quantile(
    forecast: Array, outcome: Array, *, level: float, weights: Array | None = None
) -> Array:
    r"""Rising function of the forecast with the least pinball loss at a level, at each forecast.

    Of several such functions, the lowest. The part of the forecasts with a value of at most :math:`z` is the beginning
    of the ordered forecasts in which the weighted excess of outcomes up to :math:`z` over the share :math:`\tau`,

    .. math:: \sum_i w_i \big(\mathbf{1}[y_i \le z] - \tau\big),

    is greatest, and longest of those. It grows with :math:`z`, so that halving the outcomes halves the forecasts too.
    """
    order, start, weight = _grouped(forecast, weights)
    value, rank = np.unique(outcome[order], return_inverse=True)
    rank, end = rank.ravel(), np.append(start[1:], len(order))
    fit = np.empty(len(start))
    # Groups first to last, with values of the ranks low to high.
    parts = [(0, len(start), 0, len(value) - 1)]
    slack = 1e-9 * max(float(weight.max()), 1e-300)
    while parts:
        first, last, low, high = parts.pop()
        if first >= last:
            continue
        if low == high:
            fit[first:last] = value[low]
            continue
        middle = (low + high) // 2
        rows = slice(start[first], end[last - 1])
        excess = np.cumsum(weight[rows] * ((rank[rows] <= middle) - level))
        ends = np.concatenate([[0.0], excess[end[first:last] - start[first] - 1]])
        cut = first + len(ends) - 1 - int(np.argmax(ends[::-1] >= ends.max() - slack))
        parts += [(first, cut, low, middle), (cut, last, middle + 1, high)]
    return _spread(fit, np.arange(len(start)), order, start)


def _grouped(forecast: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Order of the forecasts, the first place of each distinct one, and the weights in this order."""
    order = np.argsort(forecast, kind="stable")
    start = np.flatnonzero(np.diff(forecast[order], prepend=np.nan) != 0)
    weight = np.ones(len(order)) if weights is None else np.asarray(weights, dtype=float)[order]
    return order, start, weight


def _spread(fit: Array, group: Array, order: Array, start: Array) -> Array:
    """Values of groups at each row, in the order of the rows."""
    size = np.diff(np.append(start, len(order)))
    result = np.empty(len(order))
    result[order] = np.repeat(fit[group], size)
    return result
