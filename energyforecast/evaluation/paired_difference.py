r"""Test of two forecasts by their losses of the same days, and the interval of the skill that the same test gives.

.. math:: t(s) = \frac{\bar d + s \, \bar b}{\sqrt{\hat V(s)}}, \quad
    \hat V(s) = \frac{\hat\sigma^2_{d + s b}}{c \, n}
        + \kappa^2 \big( \bar m^2 + (1 - s)^2 \, \bar b^2 \big)

with the losses :math:`m` of a model and :math:`b` of a reference on :math:`n` days, their differences
:math:`d = m - b`, the long-run variance :math:`\hat\sigma^2` of Newey and West (1987,
https://doi.org/10.2307/1913610), the correction :math:`c` of Harvey, Leybourne and Newbold (1997,
https://doi.org/10.1016/S0169-2070(96)00719-4), and the spread :math:`\kappa` of the loss between fits. The p-value is
that of :math:`t(0)`, and the interval holds every skill :math:`s` that the test does not reject (Fieller 1954,
https://doi.org/10.1111/j.2517-6161.1954.tb00159.x).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = [
    "LAGS",
    "MINIMUM_DAYS",
    "Alternative",
    "PairedTest",
    "daily_means",
    "long_run_covariance",
    "p_value",
    "paired_test",
    "standardised",
    "usual_fit_spread",
]

Array = npt.NDArray[Any]

#: Which difference a test looks for: any, or one below or above 0.
Alternative = Literal["two-sided", "less", "greater"]
#: Days whose covariances count: a week of weather.
LAGS: Final = 7
#: With fewer days there is no verdict.
MINIMUM_DAYS: Final = 8
#: Standard deviation of the loss between fits that differ by seed alone, as a share of the loss, by kind of site: about
#: the largest that benchmarks/same_model_twice.py measures. Errors of demand last for weeks.
_FIT_SPREAD: Final = {"demand": 0.025}
_OF_OTHERS: Final = 0.004


@dataclass(frozen=True)
class PairedTest:
    """Statistic and p-value of equal skill, and the skills that the same test does not reject."""

    low: float
    high: float
    statistic: float
    p: float
    days: int


def paired_test(
    model: Array,
    reference: Array,
    *,
    lags: int = LAGS,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
    fit_spread: float,
) -> PairedTest:
    """Test of two series of daily losses, with the central interval of the skill; NaN with fewer than eight days."""
    days, nan = len(model), float("nan")
    if days < MINIMUM_DAYS:
        return PairedTest(nan, nan, nan, nan, days)
    means = np.array([np.mean(model - reference), np.mean(reference)])
    of_days = long_run_covariance(np.column_stack([model - reference, reference]), lags=lags)
    variance = of_days + fit_spread**2 * _of_fits(*means)
    statistic = standardised(means[0], variance[0, 0])
    limit = float(stats.t.isf((1 - confidence) / 2, days - 1))
    low, high = _not_rejected(means, variance, limit)
    return PairedTest(low, high, statistic, p_value(statistic, days - 1, alternative), days)


def usual_fit_spread(kinds: Iterable[str]) -> float:
    """Spread of the loss between fits of sites of some kinds, the largest of them."""
    return max((_FIT_SPREAD.get(kind, _OF_OTHERS) for kind in kinds), default=_OF_OTHERS)


def daily_means(losses: Array, day: Array) -> Array:
    """Losses of each day in order of the days, shape (..., days), scaled so that their mean is the mean of all rows."""
    _, number = np.unique(day, return_inverse=True)
    sums = np.array([np.bincount(number, weights=column) for column in np.atleast_2d(losses)])
    return np.asarray(sums * (sums.shape[1] / max(1, len(number))))


def long_run_covariance(series: Array, *, lags: int) -> Array:
    """Covariance of the means of columns, of their autocovariances in Bartlett's weights, corrected for few days."""
    count = len(series)
    lags = min(lags, count // 4)
    about = series - series.mean(axis=0)
    lagged = [about[k:].T @ about[: count - k] / count for k in range(lags + 1)]
    total = lagged[0] + sum((1 - k / (lags + 1)) * (lagged[k] + lagged[k].T) for k in range(1, lags + 1))
    ahead = lags + 1
    return np.asarray(total / (count + 1 - 2 * ahead + ahead * (ahead - 1) / count))


def standardised(mean: float, variance: float) -> float:
    """Mean in standard deviations; of a constant infinite, and 0 where it is 0."""
    if variance <= (1e-12 * max(abs(mean), np.finfo(float).tiny)) ** 2:
        return float(np.copysign(np.inf, mean)) if mean else 0.0
    return float(mean / np.sqrt(variance))


def p_value(statistic: float, freedom: int, alternative: Alternative) -> float:
    """P-value of a statistic that has Student's t distribution."""
    if alternative == "two-sided":
        return float(2 * stats.t.sf(abs(statistic), df=freedom))
    return float(stats.t.sf(statistic if alternative == "greater" else -statistic, df=freedom))


def _of_fits(difference: float, base: float) -> Array:
    """Covariance of the mean difference and the mean of the reference, where each loss varies by its own size."""
    model = difference + base
    return np.array([[model**2 + base**2, -(base**2)], [-(base**2), base**2]])


def _not_rejected(means: Array, variance: Array, limit: float) -> tuple[float, float]:
    """Ends of the skills s with (d + s b)² ≤ limit² V(s); NaN where the loss of the reference may be 0."""
    square = np.outer(means, means) - limit**2 * variance
    first, half, last = square[1, 1], square[0, 1], square[0, 0]
    if first <= 0:
        return float("nan"), float("nan")
    root = np.sqrt(max(0.0, half**2 - first * last))
    return float((-half - root) / first), float((-half + root) / first)
