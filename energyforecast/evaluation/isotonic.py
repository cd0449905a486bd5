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

    is greatest, and longest of those. It grows with :math:`z`, so that halving the outcomes parts the forecasts too.
    """
    order, start, weight = _grouped(forecast, weights)
    y, end = outcome[order], np.append(start[1:], len(order))
    fit, slack = np.empty(len(start)), 1e-9 * weight.max()
    # Groups first to last, with values low to high.
    parts = [(0, len(start), -np.inf, np.inf)]
    while parts:
        first, last, low, high = parts.pop()
        rows = slice(start[first], end[last - 1])
        own = y[rows]
        inside = own[(own >= low) & (own <= high)]
        middle, highest = np.partition(inside, (len(inside) - 1) // 2)[(len(inside) - 1) // 2], inside.max()
        if inside.min() == highest:
            fit[first:last] = highest
            continue
        if middle == highest:
            middle = inside[inside < highest].max()
        excess = np.cumsum(weight[rows] * ((own <= middle) - level))[end[first:last] - start[first] - 1]
        longest = np.flatnonzero(excess >= max(excess.max(), 0.0) - slack)
        cut = first + (int(longest[-1]) + 1 if len(longest) else 0)
        above = inside[inside > middle].min()
        parts += [part for part in ((first, cut, low, middle), (cut, last, above, high)) if part[0] < part[1]]
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
