"""Random Fourier features of a table, their moments, and ridge regressions on them with rows left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

__all__ = ["FourierFeatures", "Moments", "coefficients"]

Array = npt.NDArray[Any]

#: Rows whose features are in memory at once.
_BLOCK: Final = 2048
#: Penalty of the constant, as a share of that of a feature: nearly none.
_CONSTANT: Final = 1e-6


@dataclass(frozen=True)
class FourierFeatures:
    r"""Constant, inputs, and cosines and sines of random projections.

    With :math:`\omega_d \sim N(0, 2 \gamma I)` the products of the features of two rows estimate the Gaussian kernel,

    .. math:: \frac1m \sum_{d=1}^{m} \cos(\omega_d^\top x) \cos(\omega_d^\top x')
        + \sin(\omega_d^\top x) \sin(\omega_d^\top x') \approx e^{-\gamma \lVert x - x' \rVert^2}.

    References
    ----------
    - Rahimi and Recht (2007), Random features for large-scale kernel machines, NeurIPS 20
    """

    frequencies: Array

    @classmethod
    def drawn(cls, inputs: int, *, count: int, gamma: float, seed: int) -> Self:
        """Features of a number of inputs; `count` projections, each with a cosine and a sine."""
        normal = np.random.default_rng(seed).standard_normal((count, inputs)).T
        return cls(np.sqrt(2 * gamma) * normal)

    def of(self, inputs: Array) -> Array:
        """Features of rows, shape (rows, 1 + inputs + 2 projections)."""
        angle = inputs @ self.frequencies
        scale = 1 / np.sqrt(max(angle.shape[1], 1))
        constant = np.ones((len(inputs), 1))
        return np.concatenate([constant, inputs, scale * np.cos(angle), scale * np.sin(angle)], axis=1)

    def blocks(self, inputs: Array) -> Iterator[tuple[slice, Array]]:
        """Features of a block of rows after the other, with the place of its rows."""
        for first in range(0, len(inputs), _BLOCK):
            rows = slice(first, first + _BLOCK)
            yield rows, self.of(inputs[rows])


@dataclass(frozen=True)
class Moments:
    """Weighted sums of products of features, shape (features, features), and with targets, (features, targets)."""

    gram: Array
    cross: Array

    @classmethod
    def of(cls, features: FourierFeatures, inputs: Array, targets: Array, *, weight: Array) -> Self:
        """Moments of rows."""
        size = 1 + inputs.shape[1] + 2 * features.frequencies.shape[1]
        gram, cross = np.zeros((size, size)), np.zeros((size, targets.shape[1]))
        for rows, terms in features.blocks(inputs):
            weighted = terms * weight[rows, None]
            gram += weighted.T @ terms
            cross += weighted.T @ targets[rows]
        return cls(gram, cross)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.gram + other.gram, self.cross + other.cross)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.gram - other.gram, self.cross - other.cross)


def coefficients(moments: Moments, *, ridge: float) -> Array:
    r"""Coefficients of the ridge regression of each target, shape (features, targets).

    .. math:: \beta = (\Phi^\top W \Phi + \lambda D)^{-1} \Phi^\top W Y, \qquad
        D = \operatorname{diag}(10^{-6}, 1, \dots, 1).
    """
    penalised = moments.gram.copy()
    diagonal = np.diag_indices(len(penalised))
    penalised[diagonal] += ridge
    penalised[0, 0] += (_CONSTANT - 1) * ridge
    return np.asarray(cho_solve(cho_factor(penalised, overwrite_a=True), moments.cross))
