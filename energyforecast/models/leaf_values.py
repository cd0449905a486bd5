"""Leaf values for many quantiles on the trees of one booster.

Trees partition the space of the features into leaves. Once they are grown, boosting again on the fixed trees
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

#: Trees updated in one step: their order matters little, and the residuals are found once.
_GROUP: Final = 5
#: Half-width of the smoothing, in moving averages of the median's absolute residual in a row's leaves.
_WIDTH: Final = 0.5
#: Weight of the newest group of trees in that average, and the lowest average of a row, as a share of the mean.
_UPDATE: Final = 0.1
_MIN_ERROR: Final = 0.1
#: Sum of the trees' step sizes (shares of a Newton step), and the largest of one tree.
_SUM_OF_STEPS: Final = 7.5
_MAX_STEP: Final = 0.3
#: Largest move of a leaf at once, in widths, unless few trees need long steps.
_MAX_MOVE: Final = 0.1
#: Ridge penalty of a leaf's step: a share of its rows, and a constant in rows.
_RIDGE_SHARE: Final = 0.015
_RIDGE_ROWS: Final = 0.05
#: Weight of a leaf without rows.
_TINY: Final = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class LeafValues:
    """Start of each quantile, shape (levels,), and the value of each leaf, shape (trees * num_leaves, levels)."""

    base: Array
    values: Array

    def predict(self, leaf: Array) -> Array:
        """Quantiles of rows, shape (rows, levels), from their leaves, counted over all trees, shape (rows, trees)."""
        return np.asarray(self.base + _incidence(leaf, len(self.values)) @ self.values)

    def narrowed(self, share: float, *, centre: int) -> LeafValues:
        """The same with a share of the distance of all quantiles from one of them, by its place."""
        base, values = (
            middle + each.dtype.type(share) * (each - middle)
            for each, middle in (
                (self.base, self.base[[centre]]),
                (self.values, self.values[:, [centre]]),
            )
        )
        return LeafValues(base, values)


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
    r"""Boost the quantiles of y on fixed trees.

    The pinball loss is smoothed by convolution with a uniform kernel of half-width :math:`h_i` [He et al. 2023]. With
    the residual :math:`z_i = (y_i - q_i) / h_i` and weights :math:`w_i`, a leaf moves by

    .. math::

        s\, \frac{\sum_i w_i \left( \tau - \tfrac12 + \tfrac12 \operatorname{clip}(z_i, -1, 1) \right)}
        {\sum_i \tfrac{w_i}{2 h_i} \mathbf{1}[|z_i| \le 1] + (0.05 + 0.015 \sum_i w_i) / \bar h}, \qquad
        \bar h = \frac{\sum_i w_i}{\sum_i w_i / h_i},

    and at most by :math:`\bar h \max(0.1, s)`. The width follows the residuals of the median as they shrink, so that
    the result does not depend on the unit of y; each row has its own, since errors at dusk, or in a calm, are smaller
    than at noon or in a storm.

    `leaf`, shape (rows, trees), is the leaf of each row in each tree, counted over all trees; `start`, shape
    (trees * num_leaves,), the output of each leaf for the median as the trees grew, where all levels start.

    References
    ----------
    - He, Pan, Tan and Zhou (2023), Smoothed quantile regression with large-scale inference, Journal of
      Econometrics 232(2), doi:10.1016/j.jeconom.2021.07.010
    """
    trees = leaf.shape[1]
    tau = np.asarray(levels, dtype=np.float32)
    weight = np.ones(len(y), np.float32) if sample_weight is None else np.asarray(sample_weight, np.float32)
    begin = np.zeros((trees * num_leaves, 1)) if start is None else start[:, None]
    remainder = y - (_incidence(leaf, len(begin)) @ begin)[:, 0]
    base = weighted_quantiles(remainder, levels, sample_weight)
    residual = (remainder[:, None] - base).astype(np.float32)
    values = np.repeat(begin, len(tau), axis=1).astype(np.float32)
    step = np.float32(min(_SUM_OF_STEPS / trees, _MAX_STEP))
    centre = int(np.argmin(np.abs(tau - 0.5)))
    error = np.full(len(y), np.average(np.abs(residual[:, centre]), weights=weight), dtype=np.float32)
    for first in range(0, trees, _GROUP):
        group = leaf[:, first : first + _GROUP] - first * num_leaves
        part = slice(first * num_leaves, first * num_leaves + group.shape[1] * num_leaves)
        inside = _incidence(group, group.shape[1] * num_leaves)
        gathered = inside.T.tocsr()
        count = np.maximum(gathered @ weight, _TINY)
        absolute = np.abs(residual[:, centre])
        mean = np.average(absolute, weights=weight)
        if mean <= 0:
            break
        error += _UPDATE * (inside @ (gathered @ (absolute * weight) / count) / group.shape[1] - error)
        width = _WIDTH * mean * np.maximum(error / np.average(error, weights=weight), _MIN_ERROR)
        change = _change(gathered, residual, tau, width.astype(np.float32), weight, count, step)
        values[part] += change
        residual -= inside @ change
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
    """Change of each leaf and level: a share of a Newton step, bounded; shape (leaves, levels)."""
    z = residual / width[:, None]
    bounded = np.clip(z, -1, 1)
    slope = np.float32(0.5) * bounded + (tau - np.float32(0.5))
    narrow = weight / width
    curvature = (bounded == z).astype(np.float32) * narrow[:, None]
    # Harmonic mean of the widths of a leaf's rows.
    leaf_width = (count / np.maximum(gathered @ narrow, _TINY))[:, None]
    ridge = (np.float32(_RIDGE_ROWS) + np.float32(_RIDGE_SHARE) * count[:, None]) / leaf_width
    newton = (gathered @ (slope * weight[:, None])) / (np.float32(0.5) * (gathered @ curvature) + ridge)
    farthest = leaf_width * max(np.float32(_MAX_MOVE), step)
    return np.asarray(np.clip(step * newton, -farthest, farthest))
