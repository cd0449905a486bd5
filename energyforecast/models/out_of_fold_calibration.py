"""Curves of a model: the levels that are fitted, and how unseen rows correct them.

A curve is a row of quantiles at rising levels, read as :mod:`energyforecast.core.quantiles` reads it: straight lines
in the level between them, and beyond the outer ones, which a correction must reach, those over the normal score.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from energyforecast.core.quantiles import QuantileFunction, reading_weights
from energyforecast.models.base import weighted_quantiles

__all__ = [
    "GROWN",
    "correction",
    "read",
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


def correction(
    unseen: Array,
    y: Array,
    levels: tuple[float, ...],
    weight: Array | None = None,
    *,
    by: Array | None = None,
) -> npt.NDArray[np.float64]:
    """Levels at which curves must be read so that outcomes fall below as often as they should.

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
        Medians of the other value (0 without) and of the curves in the group, then the level that takes the place
        of each.

    Examples
    --------
    >>> narrow = np.tile([-0.5, 0.0, 0.5], (999, 1))  # outcomes spread twice as far
    >>> y = np.linspace(-1.25, 1.25, 999)
    >>> found = correction(narrow, y, (0.1, 0.5, 0.9))
    >>> read(narrow[:1], (0.1, 0.5, 0.9), (0.1, 0.5, 0.9), found).round(1).tolist()
    [[-1.0, 0.0, 1.0]]
    """
    said = QuantileFunction(unseen, levels)
    low, high = (
        np.clip(side(y, tails="normal"), _RAREST, 1 - _RAREST) for side in (said.below, said.at_most)
    )
    rank = 0.5 * (low + high)  # of a mass, the outcome stands for its middle
    median = said.at(0.5)
    other = _filled(by, len(y))
    rows = []
    for outer in _grouped(other, min(_OUTER, len(y) // (_GROUPS * _FULL))):
        for inner in _grouped(median[outer], _GROUPS):
            group = outer[inner]
            moved = weighted_quantiles(rank[group], levels, None if weight is None else weight[group])
            moved = np.clip(moved, _RAREST, 1 - _RAREST)
            rows.append([np.median(other[outer]), np.median(median[group]), *moved])
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
        return QuantileFunction(curve, levels).table(wanted, tails="normal")
    share = _shares(QuantileFunction(curve, levels).at(0.5), moved, by)
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
        whole = reading_weights(levels, wanted, tails="normal")
        return np.broadcast_to(whole, (len(curve), *whole.shape))
    share = _shares(QuantileFunction(curve, levels).at(0.5), moved, by)
    several = enumerate(_matrices(levels, wanted, moved))
    return np.asarray(sum(share[:, k, None, None] * matrix for k, matrix in several))


def _applied(matrix: Array, curve: Array) -> Array:
    """``curve @ matrix``, to the bit the same for a row alone as among others, which BLAS does not promise."""
    return np.asarray((sparse.csr_array(matrix.T) @ curve.T).T)


def _matrices(levels: tuple[float, ...], wanted: tuple[float, ...], moved: Array) -> list[Array]:
    """For each group, the matrix that reads a corrected curve: both are straight lines, so one does it."""
    asked = reading_weights(levels, wanted, tails="normal")
    return [
        _applied(asked, reading_weights(levels, np.maximum.accumulate(row), tails="normal"))
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
