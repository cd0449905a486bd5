"""Quantile curves known at a few levels: read between them, and corrected by what unseen rows show.

A curve is a row of quantiles at rising levels. Between the levels it runs on straight lines in the normal
score of the level, beyond them on the lines of its ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from energyforecast.models.model import weighted_quantiles

__all__ = ["correction", "interpolation", "middle", "probability", "read", "scores", "weights"]

Array = npt.NDArray[Any]

#: Correction is by groups of rows with about the same median.
_GROUPS: Final = 6
#: No outcome is taken as rarer than this.
_RAREST: Final = 0.001


def scores(levels: tuple[float, ...]) -> Array:
    """Normal score of each level.

    Examples
    --------
    >>> scores((0.5, 0.8413)).round(2).tolist()
    [0.0, 1.0]
    """
    return np.asarray(stats.norm.ppf(levels))


def interpolation(known: Array, wanted: Array) -> Array:
    """Matrix that reads curves known at some normal scores at others, shape (known, wanted).

    Examples
    --------
    >>> interpolation(np.array([0.0, 1.0]), np.array([0.25])).tolist()
    [[0.75], [0.25]]
    """
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    matrix = np.zeros((len(known), len(wanted)))
    column = np.arange(len(wanted))
    matrix[right - 1, column] = 1.0 - share
    matrix[right, column] = share
    return matrix


def middle(curve: Array, levels: tuple[float, ...]) -> Array:
    """Median of each curve.

    Examples
    --------
    >>> middle(np.array([[1.0, 3.0]]), (0.1, 0.9)).tolist()
    [2.0]
    """
    return _applied(interpolation(scores(levels), np.zeros(1)), curve)[:, 0]


def probability(curve: Array, y: Array, levels: tuple[float, ...]) -> Array:
    """Probability that each rising curve gives to outcomes up to y; half of the mass where it lies at y.

    Examples
    --------
    >>> probability(np.array([[1.0, 2.0, 3.0]]), np.array([2.0]), (0.1, 0.5, 0.9)).tolist()
    [0.5]
    """
    low, high = _crossing(curve, y, scores(levels), "left"), _crossing(curve, y, scores(levels), "right")
    return np.asarray(0.5 * (stats.norm.cdf(low) + stats.norm.cdf(high)))


def _crossing(curve: Array, y: Array, score: Array, side: str) -> Array:
    """Normal score at which each curve reaches y, first (left) or last (right)."""
    below = (curve < y[:, None]) if side == "left" else (curve <= y[:, None])
    right = np.clip(below.sum(axis=1), 1, curve.shape[1] - 1)
    row = np.arange(len(curve))
    start, rise = curve[row, right - 1], curve[row, right] - curve[row, right - 1]
    away = y - start
    # A flat end goes on flat: what lies off it is out of its reach, what lies on it fills it.
    flat = np.where(away == 0, 1.0 if side == "right" else 0.0, np.where(away > 0, np.inf, -np.inf))
    share = np.divide(away, rise, out=flat, where=rise > 0)
    reached = score[right - 1] + share * (score[right] - score[right - 1])
    limit = stats.norm.ppf(1 - _RAREST)
    return np.asarray(np.clip(reached, -limit, limit))


def correction(
    unseen: Array, y: Array, levels: tuple[float, ...], weight: Array | None = None
) -> npt.NDArray[np.float64]:
    """Normal scores at which curves must be read so that outcomes fall below as often as they should.

    Parameters
    ----------
    unseen : array, shape (rows, levels)
        Rising curves of rows from which they were not made.
    y : array, shape (rows,)
        Outcomes.

    Returns
    -------
    array, shape (groups, 1 + levels)
        Median of the group, then a score for each level.

    Examples
    --------
    >>> narrow = np.tile([-0.5, 0.0, 0.5], (999, 1))  # outcomes spread twice as far
    >>> y = np.linspace(-1.25, 1.25, 999)
    >>> found = correction(narrow, y, (0.1, 0.5, 0.9))[0, 1:]
    >>> read(narrow[:1], (0.1, 0.5, 0.9), (0.1, 0.5, 0.9), np.array([[0.0, *found]])).round(1).tolist()
    [[-1.0, 0.0, 1.0]]
    """
    rank = probability(unseen, y, levels)
    median = middle(unseen, levels)
    edges = np.unique(np.quantile(median, np.arange(1, _GROUPS) / _GROUPS))
    group = np.searchsorted(edges, median, side="right")
    rows = []
    for k in np.unique(group):
        moved = weighted_quantiles(rank[group == k], levels, None if weight is None else weight[group == k])
        rows.append([np.median(median[group == k]), *scores(tuple(np.clip(moved, _RAREST, 1 - _RAREST)))])
    return np.asarray(rows)


def read(curve: Array, levels: tuple[float, ...], wanted: tuple[float, ...], moved: Array) -> Array:
    """Curves at other levels, corrected; shape (rows, wanted).

    Parameters
    ----------
    curve : array, shape (rows, levels)
        Rising curves.
    moved : array, shape (groups, 1 + levels)
        What :func:`correction` gave, or no rows for none.

    Examples
    --------
    >>> read(np.array([[1.0, 3.0]]), (0.1, 0.9), (0.1, 0.5, 0.9), np.empty((0, 3))).tolist()
    [[1.0, 2.0, 3.0]]
    """
    if not len(moved):
        return _applied(interpolation(scores(levels), scores(wanted)), curve)
    share = _shares(middle(curve, levels), moved[:, 0])
    result = np.zeros((len(curve), len(wanted)))
    for k, matrix in enumerate(_matrices(levels, wanted, moved)):
        inside = share[:, k] > 0
        result[inside] += share[inside, k, None] * _applied(matrix, curve[inside])
    return result


def weights(curve: Array, levels: tuple[float, ...], wanted: tuple[float, ...], moved: Array) -> Array:
    """How much each known level counts in what :func:`read` gives, shape (rows, levels, wanted).

    Examples
    --------
    >>> weights(np.array([[1.0, 3.0]]), (0.1, 0.9), (0.5,), np.empty((0, 3)))[0].tolist()
    [[0.5], [0.5]]
    """
    if not len(moved):
        whole = interpolation(scores(levels), scores(wanted))
        return np.broadcast_to(whole, (len(curve), *whole.shape))
    share = _shares(middle(curve, levels), moved[:, 0])
    return np.asarray(np.einsum("rg,gkw->rkw", share, np.stack(_matrices(levels, wanted, moved))))


def _applied(matrix: Array, curve: Array) -> Array:
    """``curve @ matrix``, to the bit the same for a row alone as among others, which BLAS does not promise."""
    return np.asarray((sparse.csr_array(matrix.T) @ curve.T).T)


def _matrices(levels: tuple[float, ...], wanted: tuple[float, ...], moved: Array) -> list[Array]:
    """For each group, the matrix that reads a corrected curve: both are straight lines, so one does it."""
    known, asked = scores(levels), scores(wanted)
    return [
        interpolation(known, np.maximum.accumulate(row)) @ interpolation(known, asked) for row in moved[:, 1:]
    ]


def _shares(median: Array, centres: Array) -> Array:
    """How much each group counts for each row: straight lines between their medians, shape (rows, groups)."""
    order = np.argsort(centres, kind="stable")
    shares = np.empty((len(median), len(centres)))
    for k in range(len(centres)):
        shares[:, order[k]] = np.interp(median, centres[order], np.eye(len(centres))[k])
    return shares
