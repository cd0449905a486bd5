"""Leaf values for many quantiles on the trees of one booster.

Trees cut the space of the features into leaves. Once they are grown, boosting again on the fixed trees
costs little: a row's leaves are known, and a step of all quantiles is a product of sparse matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from energyforecast.errors import RangeError
from energyforecast.models.base import weighted_quantiles

__all__ = ["LeafValues", "fit_leaf_values"]

Array = npt.NDArray[Any]

#: Trees that take their step together: their order matters little, and the residuals are found once.
_TOGETHER: Final = 5
#: Width of the smoothing of the pinball loss, in absolute residuals of the median, as a row's leaves had them lately.
_WIDTH: Final = 0.5
#: What each group of trees says of that residual counts so much, and no row's is taken below a share of the mean.
_NEWS: Final = 0.1
_LEAST: Final = 0.1
#: Sum of the trees' steps, each a share of Newton's, and the largest of one.
_WAY: Final = 7.5
_LARGEST: Final = 0.3
#: No leaf moves farther at once, in widths, unless few trees must take long steps.
_FARTHEST: Final = 0.1
#: Shrinkage of a leaf's step, a share of its rows and in rows.
_SHARE: Final = 0.015
_ROWS: Final = 0.05
#: In place of nothing, where a leaf has no rows.
_TINY: Final = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class LeafValues:
    """What each leaf of each tree adds to each quantile.

    Parameters
    ----------
    base : array, shape (levels,)
        Where each quantile begins, before any leaf.
    values : array of float32, shape (trees * leaves, levels)

    Examples
    --------
    >>> said = LeafValues(np.array([10.0]), np.array([[0.5], [-0.5]], dtype=np.float32))
    >>> said.predict(np.array([[0], [1]])).tolist()  # one tree of two leaves
    [[10.5], [9.5]]
    """

    base: Array
    values: Array

    def predict(self, leaf: Array) -> Array:
        """Quantiles of rows from their leaves, shape (rows, levels).

        Parameters
        ----------
        leaf : array of int, shape (rows, trees)
            The leaf of each row in each tree, counted over all trees.
        """
        return np.asarray(self.base + _incidence(leaf, len(self.values)) @ self.values)


def _incidence(leaf: Array, leaves: int) -> sparse.csr_array:
    """1 where a row lies in a leaf, shape (rows, leaves)."""
    if leaf.size and not 0 <= leaf.min() <= leaf.max() < leaves:  # sparse products would read foreign memory
        raise RangeError(
            f"Leaves are counted from {leaf.min()} to {leaf.max()}.",
            f"Values are known for 0 to {leaves - 1}.",
            "Fit the model again after its settings have changed.",
        )
    rows, trees = leaf.shape
    starts = np.arange(0, rows * trees + 1, trees, dtype=np.int32)
    ones = np.ones(rows * trees, dtype=np.float32)
    return sparse.csr_array((ones, leaf.ravel().astype(np.int32, copy=False), starts), shape=(rows, leaves))


def fit_leaf_values(
    leaf: Array,
    y: Array,
    levels: tuple[float, ...],
    *,
    num_leaves: int,
    start: Array | None = None,
    sample_weight: Array | None = None,
) -> LeafValues:
    """Boost the quantiles of y on fixed trees.

    Every step goes down the pinball loss, smoothed near its kink: the slope is ``level - 1/2 + z/2`` where
    the residual z, in units of the width, lies within 1, and ``level`` or ``level - 1`` beyond.

    Parameters
    ----------
    leaf : array of int, shape (rows, trees)
        The leaf of each row in each tree, counted over all trees.
    y : array, shape (rows,)
    levels : tuple of float
    num_leaves : int
        Leaves of a tree; ``leaf`` is below ``trees * num_leaves``.
    start : array, shape (trees * num_leaves,), optional
        What each leaf says of the median already, as the trees grew: all levels begin there.
    sample_weight : array, shape (rows,), optional
        How many rows each one stands for; at least one is above 0.

    Returns
    -------
    LeafValues

    Notes
    -----
    The loss is smoothed by convolution with a uniform kernel, as in He, Pan, Tan and Zhou (2023), "Smoothed
    quantile regression with large-scale inference", https://doi.org/10.1016/j.jeconom.2021.07.010. The width
    follows the residuals of the median as they shrink, so that the result does not depend on the unit of y; and each
    row has its own, since errors at dusk, or in a calm, are smaller than at noon or in a storm.

    Examples
    --------
    >>> y = np.repeat([1.0, 3.0], 500)
    >>> leaf = np.repeat([[0], [1]], 500, axis=0) + 2 * np.arange(50)  # 50 trees that tell the two apart
    >>> fit_leaf_values(leaf, y, (0.5,), num_leaves=2).predict(leaf[[0, -1]]).round(1).tolist()
    [[1.0], [3.0]]
    """
    trees = leaf.shape[1]
    tau = np.asarray(levels, dtype=np.float32)
    weight = np.ones(len(y), np.float32) if sample_weight is None else np.asarray(sample_weight, np.float32)
    said = np.zeros((trees * num_leaves, 1)) if start is None else start[:, None]
    left = y - (_incidence(leaf, len(said)) @ said)[:, 0]
    base = weighted_quantiles(left, levels, sample_weight)
    residual = (left[:, None] - base).astype(np.float32)
    values = np.repeat(said, len(tau), axis=1).astype(np.float32)
    step = np.float32(min(_WAY / trees, _LARGEST))
    centre = int(np.argmin(np.abs(tau - 0.5)))
    error = np.full(len(y), np.average(np.abs(residual[:, centre]), weights=weight), dtype=np.float32)
    for first in range(0, trees, _TOGETHER):
        group = leaf[:, first : first + _TOGETHER] - first * num_leaves
        part = slice(first * num_leaves, first * num_leaves + group.shape[1] * num_leaves)
        here = _incidence(group, group.shape[1] * num_leaves)
        gathered = here.T.tocsr()
        count = np.maximum(gathered @ weight, _TINY)
        now = np.abs(residual[:, centre])
        mean = np.average(now, weights=weight)
        if mean <= 0:
            break
        error += _NEWS * (here @ (gathered @ (now * weight) / count) / group.shape[1] - error)
        width = _WIDTH * mean * np.maximum(error / np.average(error, weights=weight), _LEAST)
        change = _change(gathered, residual, tau, width.astype(np.float32), weight, count, step)
        values[part] += change
        residual -= here @ change
    return LeafValues(base, values)


def _change(
    gathered: sparse.csr_array,
    residual: Array,
    tau: Array,
    width: Array,
    weight: Array,
    count: Array,
    step: Any,
) -> Array:
    """Change of each leaf and level: a share of Newton's step, and never far; shape (leaves, levels)."""
    z = residual / width[:, None]
    bounded = np.clip(z, -1, 1)
    slope = np.float32(0.5) * bounded + (tau - np.float32(0.5))
    narrow = weight / width
    curved = (bounded == z).astype(np.float32) * narrow[:, None]
    # The harmonic mean of its rows' widths is a leaf's own.
    own = (count / np.maximum(gathered @ narrow, _TINY))[:, None]
    shrunk = (np.float32(_ROWS) + np.float32(_SHARE) * count[:, None]) / own
    newton = (gathered @ (slope * weight[:, None])) / (np.float32(0.5) * (gathered @ curved) + shrunk)
    farthest = own * max(np.float32(_FARTHEST), step)
    return np.asarray(np.clip(step * newton, -farthest, farthest))
