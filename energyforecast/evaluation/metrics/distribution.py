"""Scores and pictures of whole distributions: sharp subject to being right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import SchemaError
from energyforecast.evaluation.losses import crps_of_quantiles, interval_loss
from energyforecast.evaluation.metrics.basic import Metric, as_pairs, score
from energyforecast.evaluation.pairing import Pairs

__all__ = [
    "interval_score",
    "pit",
    "reliability",
    "sharpness",
    "threshold_crps",
    "weighted_interval_score",
]

Array = npt.NDArray[Any]
By = str | Sequence[str] | None


def threshold_crps(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    relative: bool = False,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Threshold-weighted CRPS: only the range that matters counts, and the score stays proper. [MW]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    above, below : float, optional
        Ends of the range; without either, the CRPS. [MW]
    relative : bool
        Whether they are shares of the capacity.
    by, weights : optional
        As in :func:`score`.

    References
    ----------
    Gneiting and Ranjan (2011), https://doi.org/10.1198/jbes.2010.08110.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> threshold_crps(example_observations(), example_forecast(), above=40.0)[["metric", "value"]]
       metric  value
    0  twcrps    0.0
    """

    def points(pairs: Pairs) -> Array:
        unit = pairs.capacity if relative else np.ones(len(pairs))
        low, high = (
            edge if value is None else value * unit for value, edge in ((above, -np.inf), (below, np.inf))
        )
        return crps_of_quantiles(pairs.observed, pairs.quantiles, pairs.levels, above=low, below=high)

    return score(Metric("twcrps", points), observed, forecast, by=by, weights=weights)


def _winkler(interval: float) -> Metric:
    ends = (1 - interval) / 2, (1 + interval) / 2
    return Metric(
        "interval_score",
        lambda p: interval_loss(p.observed, p.at(ends[0]), p.at(ends[1]), interval=interval),
        level=interval,
        reach=ends,
    )


def interval_score(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    interval: float = 0.9,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Winkler's score of a central interval: narrow is good, missing the outcome costs. [MW]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    interval : float
        Its probability.
    by, weights : optional
        As in :func:`score`.

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
    return score(_winkler(interval), observed, forecast, by=by, weights=weights)


def _central(levels: Array) -> list[float]:
    """Probabilities of the intervals whose both ends are among the levels, wide ones last."""
    lower = levels[levels < 0.5 - 1e-9]
    there = [level for level in lower if np.abs(levels - (1 - level)).min() < 1e-9]
    if not there:
        raise SchemaError(
            f"The levels {levels.tolist()} hold no central interval.",
            "A level and one minus it are the ends of one, like 0.05 and 0.95.",
            "Forecast more levels.",
        )
    return [float(1 - 2 * level) for level in there[::-1]]


def _weighted(pairs: Pairs) -> Array:
    intervals = _central(pairs.levels)
    total = 0.5 * np.abs(pairs.observed - pairs.at(0.5))
    for interval in intervals:
        low, high = pairs.at((1 - interval) / 2), pairs.at((1 + interval) / 2)
        total = total + (1 - interval) / 2 * interval_loss(pairs.observed, low, high, interval=interval)
    return np.asarray(total / (len(intervals) + 0.5))


def weighted_interval_score(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Interval scores of all central intervals and the median together, which come close to the CRPS. [MW]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`; by ``"level"``, Winkler's score of each interval.

    References
    ----------
    Bracher, Ray, Gneiting and Reich (2021), https://doi.org/10.1371/journal.pcbi.1008618.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> weighted_interval_score(example_observations(), example_forecast())[["metric", "value"]].round(3)
      metric  value
    0    wis  0.867
    """
    metric = Metric("wis", _weighted, by_level=lambda levels: [_winkler(i) for i in _central(levels)])
    return score(metric, observed, forecast, by=by, weights=weights)


def _interval_width(interval: float) -> Metric:
    ends = (1 - interval) / 2, (1 + interval) / 2
    return Metric("sharpness", lambda p: p.at(ends[1]) - p.at(ends[0]), level=interval, lower_is_better=None)


def _mean_width(pairs: Pairs) -> Array:
    ends = [((1 - i) / 2, (1 + i) / 2) for i in _central(pairs.levels)]
    return np.asarray(np.mean([pairs.at(high) - pairs.at(low) for low, high in ends], axis=0))


def sharpness(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean width of all central intervals of the forecast; says nothing of whether they are right. [MW]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`; by ``"level"``, the width of each interval.

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
    metric = Metric(
        "sharpness",
        _mean_width,
        lower_is_better=None,
        by_level=lambda levels: [_interval_width(i) for i in _central(levels)],
    )
    return score(metric, observed, forecast, by=by, weights=weights)


def _share_at(j: int, level: float) -> Metric:
    return Metric(
        "frequency", lambda p: p.share_at_or_below[:, j], share=True, level=level, lower_is_better=None
    )


def reliability(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
    confidence: float = 0.9,
) -> pd.DataFrame:
    """How often outcomes lie at or below each quantile, beside consistency bars. [1]

    The bars say where the frequency of a reliable forecast would lie. The frequency's own fluctuation, by
    days drawn in blocks of seven, is moved to the level: hours of a day, or days of a spell of weather, do not
    count as so many independent trials.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`.
    confidence : float
        Probability of the bars.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``level``, ``value`` (the frequency), ``low``, ``high`` (the bars; NaN with fewer
        than eight days), ``n``, ``missing``, ``hours``.

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
    pairs = as_pairs(observed, forecast)
    metrics = [_share_at(j, float(level)) for j, level in enumerate(pairs.levels)]
    table = score(metrics, pairs, by=by, weights=weights, confidence=confidence)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    alone = [binom.ppf(tail, table["n"], table["level"]) / table["n"] for tail in tails]
    for end, other, widest in zip(("low", "high"), alone, (np.fmin, np.fmax), strict=True):
        moved = table["level"] + table[end] - table["value"]
        # Where all outcomes agree, draws do too: the bars are never narrower than those of independent trials.
        table[end] = widest(moved, other).where(moved.notna()).clip(0.0, 1.0)
    return table.drop(columns=["metric", "percent"])


def _in_bin(pairs: Pairs, place: int, bins: int, seed: int | None) -> Array:
    low, high = pairs.distribution.pit_interval(pairs.observed)
    if seed is not None:
        low = high = low + (high - low) * np.random.default_rng(seed).uniform(size=len(low))
    width = high - low
    spread = np.clip(np.minimum(high, (place + 1) / bins) - np.maximum(low, place / bins), 0.0, None)
    point = np.minimum((bins * low + 1e-9).astype(int), bins - 1) == place
    return np.asarray(np.where(width > 0, spread / np.where(width > 0, width, 1.0), point))


def _bin_metric(place: int, bins: int, seed: int | None) -> Metric:
    return Metric(
        "pit", lambda p: _in_bin(p, place, bins, seed), share=True, level=place / bins, lower_is_better=None
    )


def pit(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    bins: int = 10,
    seed: int | None = None,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Histogram of the probability integral transform: flat where the forecast is reliable. [1]

    An outcome on a mass, such as no power or full power, stands for all of its probabilities: it is spread over
    them (the non-randomised histogram, ``method`` "spread"), or with a `seed` put on one of them at random
    ("randomised"). So is one beyond the outer quantiles, of which no more is known.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    bins : int
    seed : int, optional
    by, weights : optional
        As in :func:`score`.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``low`` and ``high`` (edges), ``value`` (share of outcomes), ``n``, ``missing``,
        ``hours``, ``method``.

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
    metrics = [_bin_metric(place, bins, seed) for place in range(bins)]
    table = score(metrics, observed, forecast, by=by, weights=weights)
    table = table.drop(columns=["metric", "percent"]).rename(columns={"level": "low"})
    table.insert(table.columns.get_loc("low") + 1, "high", table["low"] + 1 / bins)
    return table.assign(method="spread" if seed is None else "randomised")
