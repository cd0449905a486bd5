r"""Circular block bootstrap of days: the distribution of a score over spells of weather.

.. math:: S^{*} = g\Big(\frac{\sum_d c_d \sum_{i \in d} s_i}{\sum_d c_d n_d}\Big)

with the points :math:`s_i` of day :math:`d`, their number :math:`n_d` and the count :math:`c_d` of the day in a draw:
blocks of seven days begin on any day with equal probability, and wrap around the end.

Politis and Romano (1994), https://doi.org/10.1080/01621459.1994.10476870; Künsch (1989),
https://doi.org/10.1214/aos/1176347265.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "DRAWS", "block_draws", "quantile_interval", "resampled", "reweighted"]

Array = npt.NDArray[Any]

#: Days that are drawn together.
BLOCK: Final = 7
#: Number of draws.
DRAWS: Final = 1000
#: Fewer days than this give no interval.
_FEWEST: Final = 8
#: Weights of rows that are in memory at once.
_WEIGHTS: Final = 2**22


def block_draws(days: int, *, block: int = BLOCK, draws: int = DRAWS, seed: int = 0) -> Array:
    """Count of each of some consecutive days in each draw, shape (draws, days).

    A block has at most a quarter of the days.
    """
    length = max(1, min(block, days // 4))
    first = np.random.default_rng(seed).integers(days, size=(draws, -(-days // length)))
    chosen = (first[:, :, None] + np.arange(length)).reshape(draws, -1)[:, :days] % days
    flat = chosen + days * np.arange(draws)[:, None]
    return np.bincount(flat.ravel(), minlength=draws * days).reshape(draws, days)


def resampled(
    points: Array,
    day: Array,
    drawn: Array,
    *,
    weights: Array | None = None,
    total: bool = False,
) -> Array:
    """Means (or sums) of points in each draw, shape (draws, ...); NaN where a draw holds no point."""
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    columns = points.reshape(len(points), -1)
    days = drawn.shape[1]
    sums = np.column_stack(
        [np.bincount(day, weights=weight * column, minlength=days) for column in columns.T]
    )
    result: Array = drawn @ sums
    if not total:
        count = drawn @ np.bincount(day, weights=weight, minlength=days)
        with np.errstate(invalid="ignore", divide="ignore"):
            result = result / count[:, None]
    return np.asarray(result.reshape(len(drawn), *points.shape[1:]))


def reweighted(
    statistic: Callable[[Array, Array], Array],
    points: Array,
    day: Array,
    *,
    drawn: Array,
    weights: Array | None = None,
) -> Array:
    """A statistic of points and weights in each draw, shape (draws,): a row has the count of its day as weight."""
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    pieces = np.array_split(drawn, min(len(drawn), 1 + drawn.shape[0] * len(points) // _WEIGHTS))
    return np.concatenate([statistic(points, piece[:, day] * weight) for piece in pieces])


def quantile_interval(draw: Callable[[], Array], *, days: int, interval: float) -> tuple[float, float]:
    """Central interval of drawn values; NaN with fewer than eight days or where no draw has a value."""
    if days < _FEWEST:
        return float("nan"), float("nan")
    values = draw()
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, ((1 - interval) / 2, (1 + interval) / 2))
    return float(low), float(high)
