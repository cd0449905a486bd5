"""Quantile curves known at a few levels: read at others, and corrected by what unseen rows show.

A curve is a row of quantiles at rising levels. Between the levels it runs on straight lines in the normal
score of the level, beyond them on the lines of its ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from energyforecast.models.model import weighted_quantiles

__all__ = [
    "GROWN",
    "between",
    "correction",
    "interpolation",
    "middle",
    "probability",
    "read",
    "scores",
    "weights",
]

Array = npt.NDArray[Any]

#: Levels at which a model is fitted where a curve through them gives the others.
GROWN: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
#: Correction is by groups of rows with about the same median; where another value counts too, within groups of it.
_GROUPS: Final = 6
_OUTER: Final = 4
#: Groups of the other value are fewer where rows are: those of a median within them hold so many on average.
_FULL: Final = 200
#: No outcome is taken as rarer than this.
_RAREST: Final = 0.001


def scores(levels: tuple[float, ...]) -> Array:
    """Normal score of each level.

    Examples
    --------
    >>> scores((0.5, 0.8413)).round(2).tolist()
    [0.0, 1.0]
    """
    # Without the last digits, in which the logarithms of processors differ.
    return np.asarray(np.round(stats.norm.ppf(levels), 9))


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


def between(curve: Array, levels: tuple[float, ...], wanted: tuple[float, ...]) -> Array:
    """Curves at other levels, between those known and beyond them; shape (rows, wanted).

    Parameters
    ----------
    curve : array, shape (rows, levels)
        Where one level is known alone, all are taken as equal.
    levels, wanted : tuple of float

    Examples
    --------
    >>> between(np.array([[1.0, 2.0, 4.0]]), (0.1, 0.5, 0.9), (0.1, 0.5, 0.9)).tolist()
    [[1.0, 2.0, 4.0]]
    """
    if len(levels) == 1:
        return np.repeat(curve, len(wanted), axis=1)
    return _applied(interpolation(scores(levels), scores(wanted)), curve)


def middle(curve: Array, levels: tuple[float, ...]) -> Array:
    """Median of each curve.

    Examples
    --------
    >>> middle(np.array([[1.0, 3.0]]), (0.1, 0.9)).tolist()
    [2.0]
    """
    return between(curve, levels, (0.5,))[:, 0]


def probability(curve: Array, y: Array, levels: tuple[float, ...]) -> Array:
    """Probability that each rising curve gives to outcomes up to y; half of the mass where it lies at y.

    Examples
    --------
    >>> probability(np.array([[1.0, 2.0, 3.0]]), np.array([2.0]), (0.1, 0.5, 0.9)).tolist()
    [0.5]
    """
    low, high = (_crossing(curve, y, scores(levels), last=last) for last in (False, True))
    return np.asarray(0.5 * (stats.norm.cdf(low) + stats.norm.cdf(high)))


def _crossing(curve: Array, y: Array, score: Array, *, last: bool) -> Array:
    """Normal score at which each curve reaches y, first or last."""
    below = (curve <= y[:, None]) if last else (curve < y[:, None])
    right = np.clip(below.sum(axis=1), 1, curve.shape[1] - 1)
    row = np.arange(len(curve))
    start, rise = curve[row, right - 1], curve[row, right] - curve[row, right - 1]
    away = y - start
    # A flat end goes on flat: what lies off it is out of its reach, what lies on it holds all of it.
    flat = np.where((away > 0) | ((away == 0) & last), np.inf, -np.inf)
    share = np.divide(away, rise, out=flat, where=rise > 0)
    reached = score[right - 1] + share * (score[right] - score[right - 1])
    limit = stats.norm.ppf(1 - _RAREST)
    return np.asarray(np.clip(reached, -limit, limit))


def correction(
    unseen: Array,
    y: Array,
    levels: tuple[float, ...],
    weight: Array | None = None,
    *,
    by: Array | None = None,
) -> npt.NDArray[np.float64]:
    """Normal scores at which curves must be read so that outcomes fall below as often as they should.

    Parameters
    ----------
    unseen : array, shape (rows, levels)
        Rising curves of rows from which they were not made.
    y : array, shape (rows,)
        Outcomes.
    levels : tuple of float
        At least two.
    weight : array, shape (rows,), optional
        Above 0.
    by : array, shape (rows,), optional
        Another value by which rows are unlike one another; missing ones stand at its median.

    Returns
    -------
    array, shape (groups, 2 + levels)
        Medians of the other value (0 without) and of the curves in the group, then a score for each level.

    Examples
    --------
    >>> narrow = np.tile([-0.5, 0.0, 0.5], (999, 1))  # outcomes spread twice as far
    >>> y = np.linspace(-1.25, 1.25, 999)
    >>> found = correction(narrow, y, (0.1, 0.5, 0.9))
    >>> read(narrow[:1], (0.1, 0.5, 0.9), (0.1, 0.5, 0.9), found).round(1).tolist()
    [[-1.0, 0.0, 1.0]]
    """
    rank = probability(unseen, y, levels)
    median = middle(unseen, levels)
    other = _filled(by, len(y))
    rows = []
    for outer in _grouped(other, min(_OUTER, len(y) // (_GROUPS * _FULL))):
        for inner in _grouped(median[outer], _GROUPS):
            group = outer[inner]
            moved = weighted_quantiles(rank[group], levels, None if weight is None else weight[group])
            score = scores(tuple(np.clip(moved, _RAREST, 1 - _RAREST)))
            rows.append([np.median(other[outer]), np.median(median[group]), *score])
    return np.asarray(rows)


def _filled(by: Array | None, rows: int, usual: float | None = None) -> Array:
    """The other value of each row: its usual one where it is missing, 0 where there is none."""
    if by is None or not np.isfinite(by).any():
        return np.full(rows, 0.0 if usual is None else usual)
    return np.where(np.isfinite(by), by, np.nanmedian(by) if usual is None else usual)


def _grouped(values: Array, most: int) -> list[npt.NDArray[np.intp]]:
    """Rows of about the same value, in rising order; fewer groups where values are alike."""
    edges = np.unique(np.quantile(values, np.arange(1, most) / most)) if most > 1 else np.empty(0)
    group = np.searchsorted(edges, values, side="right")
    return [np.flatnonzero(group == k) for k in np.unique(group)]


def read(
    curve: Array,
    levels: tuple[float, ...],
    wanted: tuple[float, ...],
    moved: Array,
    *,
    by: Array | None = None,
) -> Array:
    """Curves at other levels, corrected; shape (rows, wanted).

    Parameters
    ----------
    curve : array, shape (rows, levels)
        Rising curves.
    moved : array, shape (groups, 2 + levels)
        What :func:`correction` gave, or no rows for none.
    by : array, shape (rows,), optional
        The other value, if the correction was given one.

    Examples
    --------
    >>> read(np.array([[1.0, 3.0]]), (0.1, 0.9), (0.1, 0.5, 0.9), np.empty((0, 4))).tolist()
    [[1.0, 2.0, 3.0]]
    """
    if not len(moved):
        return between(curve, levels, wanted)
    share = _shares(middle(curve, levels), moved, by)
    result = np.zeros((len(curve), len(wanted)))
    for k, matrix in enumerate(_matrices(levels, wanted, moved)):
        inside = share[:, k] > 0
        result[inside] += share[inside, k, None] * _applied(matrix, curve[inside])
    return result


def weights(
    curve: Array,
    levels: tuple[float, ...],
    wanted: tuple[float, ...],
    moved: Array,
    *,
    by: Array | None = None,
) -> Array:
    """How much each known level counts in what :func:`read` gives, shape (rows, levels, wanted).

    Examples
    --------
    >>> weights(np.array([[1.0, 3.0]]), (0.1, 0.9), (0.5,), np.empty((0, 4)))[0].tolist()
    [[0.5], [0.5]]
    """
    if not len(moved):
        whole = interpolation(scores(levels), scores(wanted))
        return np.broadcast_to(whole, (len(curve), *whole.shape))
    share = _shares(middle(curve, levels), moved, by)
    several = enumerate(_matrices(levels, wanted, moved))
    return np.asarray(sum(share[:, k, None, None] * matrix for k, matrix in several))


def _applied(matrix: Array, curve: Array) -> Array:
    """``curve @ matrix``, to the bit the same for a row alone as among others, which BLAS does not promise."""
    return np.asarray((sparse.csr_array(matrix.T) @ curve.T).T)


def _matrices(levels: tuple[float, ...], wanted: tuple[float, ...], moved: Array) -> list[Array]:
    """For each group, the matrix that reads a corrected curve: both are straight lines, so one does it."""
    known, asked = scores(levels), scores(wanted)
    return [
        _applied(interpolation(known, asked), interpolation(known, np.maximum.accumulate(row)))
        for row in moved[:, 2:]
    ]


def _shares(median: Array, moved: Array, by: Array | None) -> Array:
    """How much each group counts for each row, shape (rows, groups): neighbours by either value share it."""
    centres = np.unique(moved[:, 0])
    outer = _nearness(_filled(by, len(median), float(np.median(centres))), centres)
    shares = np.zeros((len(median), len(moved)))
    for k, centre in enumerate(centres):
        inside = np.flatnonzero(moved[:, 0] == centre)
        shares[:, inside] = outer[:, k, None] * _nearness(median, moved[inside, 1])
    return shares


def _nearness(values: Array, centres: Array) -> Array:
    """How much each centre counts for each value: straight lines between them, shape (values, centres)."""
    order = np.argsort(centres, kind="stable")
    shares = np.empty((len(values), len(centres)))
    for k in range(len(centres)):
        shares[:, order[k]] = np.interp(values, centres[order], np.eye(len(centres))[k])
    return shares
