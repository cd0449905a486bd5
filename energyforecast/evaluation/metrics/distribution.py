"""Metrics and diagrams of whole distributions: sharpness subject to calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom

from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import By, Metric, aggregate
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.losses import (
    central_levels,
    crps_of_quantiles,
    interval_loss,
    intervals_of,
)
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric, table

__all__ = [
    "interval_score",
    "pit",
    "reliability",
    "sharpness",
    "threshold_crps",
    "weighted_interval_score",
]

Array = npt.NDArray[Any]


@metric()
def threshold_crps(
    *, above: float | None = None, below: float | None = None, relative: bool = False
) -> Metric:
    r"""Threshold-weighted CRPS, a proper score of a range of power. [MW]

    .. math:: \int_a^b \big(F(x) - \mathbf{1}[x \ge y]\big)^2 \, dx

    Parameters
    ----------
    above, below : float, optional
        Ends of the range; without either, the CRPS. [MW]

    See Also
    --------
    crps, brier

    References
    ----------
    Gneiting and Ranjan (2011), https://doi.org/10.1198/jbes.2010.08110.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> threshold_crps(example_observations(), example_forecast(), above=40.0)[["metric", "value"]]
               metric  value
    0  threshold_crps    0.0
    """
    # A share of the capacity lies between -1, of an area that exports all it can, and 1.
    share = 1.0 if relative else np.inf
    check_range("A threshold", [x for x in (above, below) if x is not None], low=-share, high=share)
    if above is not None and below is not None:
        check_range("The range of power", below - above, low=0.0)

    def points(pairs: Pairs) -> Array:
        unit = pairs.capacity if relative else np.ones(len(pairs))
        low, high = (
            edge if value is None else value * unit for value, edge in ((above, -np.inf), (below, np.inf))
        )
        return crps_of_quantiles(
            pairs.observed, pairs.quantiles, pairs.quantile_levels, above=low, below=high
        )

    return Metric("threshold_crps", points)


@metric()
def interval_score(*, interval: float | Sequence[float] = 0.9) -> list[Metric]:
    r"""Winkler's score of a central interval: its width, and a penalty for an outcome outside. [MW]

    .. math:: (u - l) + \frac{2}{1 - p} \max(l - y, 0) + \frac{2}{1 - p} \max(y - u, 0)

    with the ends :math:`l` and :math:`u` of the interval of probability :math:`p`.

    See Also
    --------
    weighted_interval_score, coverage, width

    References
    ----------
    Winkler (1972), https://doi.org/10.1080/01621459.1972.10481224.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> interval_score(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value"]]
               metric  level  value
    0  interval_score    0.8    8.0
    """
    return [_winkler(p) for p in intervals_of(interval)]


@metric()
def weighted_interval_score() -> Metric:
    r"""Weighted sum of the interval scores of all central intervals and the median. [MW]

    .. math::

        \frac{1}{K + 1/2} \Big(\tfrac{1}{2} |y - m| + \sum_{k=1}^K \tfrac{1 - p_k}{2} \, \mathrm{IS}_{p_k}\Big)

    with the interval score :math:`\mathrm{IS}` of each of :math:`K` central intervals; it approximates the CRPS. By
    ``"level"``, it is the interval score of each. Without the level 0.5, the median :math:`m` is interpolated between
    its neighbours; a level without its opposite, such as 0.1 without 0.9, does not count.

    See Also
    --------
    interval_score, crps

    References
    ----------
    Bracher, Ray, Gneiting and Reich (2021), https://doi.org/10.1371/journal.pcbi.1008618.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> weighted_interval_score(example_observations(), example_forecast())[["metric", "value"]].round(3)
                        metric  value
    0  weighted_interval_score  0.867
    """
    return Metric(
        "weighted_interval_score", _weighted, by_level=lambda levels: [_winkler(p) for p in _central(levels)]
    )


@metric()
def sharpness() -> Metric:
    r"""Mean width of all central intervals of the forecast; blind to calibration. [MW]

    .. math:: \frac{1}{n K} \sum_i \sum_k \big(q_i(\tfrac{1 + p_k}{2}) - q_i(\tfrac{1 - p_k}{2})\big)

    By ``"level"``, it is the width of each interval.

    See Also
    --------
    width, coverage

    References
    ----------
    Gneiting, Balabdaoui and Raftery (2007), https://doi.org/10.1111/j.1467-9868.2007.00587.x.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> sharpness(example_observations(), example_forecast())[["metric", "value"]]
          metric  value
    0  sharpness    8.0
    """
    return Metric(
        "sharpness",
        _mean_width,
        lower_is_better=None,
        by_level=lambda levels: [_interval_width(p) for p in _central(levels)],
    )


@table
def reliability(
    pairs: Pairs, *, by: By = None, weights: Array | None = None, confidence: float = 0.9
) -> pd.DataFrame:
    r"""Reliability diagram: frequency of outcomes at or below each quantile, with consistency bars. [1]

    .. math:: \hat\tau_k = \frac{1}{n} \sum_i \mathbf{1}[y_i \le q_{ik}]

    An outcome on a mass of the distribution counts by its share. The bars hold the frequency of a reliable forecast:
    the fluctuation of the frequency, by days drawn in blocks of seven, is moved to the level. Hours of a day, or days
    of a spell of weather, do not count as so many independent trials.

    Parameters
    ----------
    confidence : float
        Probability of the bars.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``level``, ``value`` (the frequency), ``low``, ``high`` (the bars; NaN with fewer
        than eight days), ``n``, ``missing``, ``hours``.

    See Also
    --------
    pit, coverage, event_reliability

    References
    ----------
    Bröcker and Smith (2007), https://doi.org/10.1175/WAF993.1, here for quantiles and with blocks.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> reliability(example_observations(), example_forecast())[["level", "value", "n"]]
       level  value   n
    0    0.1    0.0  24
    1    0.5    0.0  24
    2    0.9    1.0  24
    """
    check_probability("The confidence", confidence)
    metrics = [_share_at(j, float(level)) for j, level in enumerate(pairs.quantile_levels)]
    table = aggregate(metrics, pairs, by=by, weights=weights, confidence=confidence)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    alone = [binom.ppf(tail, table["n"], table["level"]) / table["n"] for tail in tails]
    for end, other, widest in zip(("low", "high"), alone, (np.fmin, np.fmax), strict=True):
        moved = table["level"] + table[end] - table["value"]
        # Where all outcomes agree, draws do too: the bars are never narrower than those of independent trials.
        table[end] = widest(moved, other).where(moved.notna()).clip(0.0, 1.0)
    return table.drop(columns=["metric", "percent"])


@table
def pit(
    pairs: Pairs, *, bins: int = 10, seed: int | None = None, by: By = None, weights: Array | None = None
) -> pd.DataFrame:
    r"""Histogram of the probability integral transform, flat for a reliable forecast. [1]

    .. math:: u_i = F_i(y_i)

    An outcome on a mass, such as no power or full power, represents all of its probabilities: it is spread over
    them (the non-randomised histogram, ``method`` "spread"), or with a `seed` put on one of them at random
    ("randomised"). So is one beyond the outer quantiles, of which no more is known.

    Parameters
    ----------
    bins : int
    seed : int, optional

    Returns
    -------
    DataFrame
        Columns of `by`, then ``low`` and ``high`` (edges), ``value`` (share of outcomes), ``n``, ``missing``,
        ``hours``, ``method``.

    See Also
    --------
    reliability

    References
    ----------
    Czado, Gneiting and Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pit(example_observations(), example_forecast(), bins=2)[["low", "high", "value", "method"]]
       low  high  value  method
    0  0.0   0.5    0.0  spread
    1  0.5   1.0    1.0  spread
    """
    check_range("bins", bins, low=1)
    check_range("seed", 0 if seed is None else seed, low=0)
    table = aggregate([_bin(place, bins, seed) for place in range(bins)], pairs, by=by, weights=weights)
    table = table.drop(columns=["metric", "percent"]).rename(columns={"level": "low"})
    table.insert(table.columns.get_loc("low") + 1, "high", table["low"] + 1 / bins)
    return table.assign(method="spread" if seed is None else "randomised")


def _winkler(interval: float) -> Metric:
    """Interval score of one interval."""
    low, high = ends = central_levels(interval)
    return Metric(
        "interval_score",
        lambda p: interval_loss(p.observed, p.at(low), p.at(high), interval=interval),
        level=interval,
        reach=ends,
    )


def _central(levels: Array) -> list[float]:
    """Probabilities of the intervals with both ends among the levels, wide ones last."""
    lower = levels[levels < 0.5 - 1e-9]
    paired = [level for level in lower if np.abs(levels - (1 - level)).min() < 1e-9]
    if not paired:
        raise SchemaError(
            f"The levels {levels.tolist()} hold no central interval.",
            "A level and one minus it are the ends of one, like 0.05 and 0.95.",
            "Forecast more levels.",
        )
    return [float(1 - 2 * level) for level in paired[::-1]]


def _weighted(pairs: Pairs) -> Array:
    """Weighted interval score of each row."""
    intervals = _central(pairs.quantile_levels)
    total = 0.5 * np.abs(pairs.observed - pairs.at(0.5))
    for interval in intervals:
        low, high = (pairs.at(level) for level in central_levels(interval))
        total = total + (1 - interval) / 2 * interval_loss(pairs.observed, low, high, interval=interval)
    return np.asarray(total / (len(intervals) + 0.5))


def _interval_width(interval: float) -> Metric:
    """Width of one interval."""
    low, high = central_levels(interval)
    return Metric("sharpness", lambda p: p.at(high) - p.at(low), level=interval, lower_is_better=None)


def _mean_width(pairs: Pairs) -> Array:
    """Mean width of all central intervals of each row."""
    ends = map(central_levels, _central(pairs.quantile_levels))
    return np.asarray(np.mean([pairs.at(high) - pairs.at(low) for low, high in ends], axis=0))


def _share_at(j: int, level: float) -> Metric:
    """Share of outcomes at or below one quantile."""
    return Metric(
        "frequency", lambda p: p.share_at_or_below[:, j], share=True, level=level, lower_is_better=None
    )


def _bin(place: int, bins: int, seed: int | None) -> Metric:
    """Share of outcomes in one bin of the histogram."""
    return Metric(
        "pit", lambda p: _in_bin(p, place, bins, seed), share=True, level=place / bins, lower_is_better=None
    )


def _in_bin(pairs: Pairs, place: int, bins: int, seed: int | None) -> Array:
    """Share of each outcome's probabilities in one bin."""
    low, high = pairs.distribution.pit_interval(pairs.observed)
    if seed is not None:
        low = high = low + (high - low) * np.random.default_rng(seed).uniform(size=len(low))
    width = high - low
    spread = np.clip(np.minimum(high, (place + 1) / bins) - np.maximum(low, place / bins), 0.0, None)
    point = np.minimum((bins * low + 1e-9).astype(int), bins - 1) == place
    return np.asarray(np.where(width > 0, spread / np.where(width > 0, width, 1.0), point))
