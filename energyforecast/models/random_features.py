"""Random Fourier features of a table, their moments, and ridge regressions on them with rows left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

__all__ = ["FourierFeatures", "Moments", "coefficients", "ridge_of", "squared_error", "squared_gradients"]

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

    def __len__(self) -> int:
        inputs, projections = self.frequencies.shape
        return int(1 + inputs + 2 * projections)

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
    def of(cls, features: FourierFeatures, inputs: Array, *targets: Array, weight: Array) -> Self:
        """Moments of rows, of one weight each, with the columns of all targets."""
        size, count = len(features), sum(one.shape[1] for one in targets)
        gram, cross = np.zeros((size, size)), np.zeros((size, count))
        for rows, terms in features.blocks(inputs):
            root = np.sqrt(weight[rows, None])
            scaled = terms * root
            gram += scaled.T @ scaled
            # As floats in a block alone: indicators of all rows would be several times as large as the inputs.
            cross += scaled.T @ (root * np.hstack([one[rows] for one in targets]))
        return cls(gram, cross)

    def without(self, others: Sequence[Moments]) -> Moments:
        """Moments of the rows that are not in some parts of them."""
        gram, cross = self.gram.copy(), self.cross.copy()
        for other in others:
            gram -= other.gram
            cross -= other.cross
        return Moments(gram, cross)

    @classmethod
    def total(cls, each: Sequence[Moments]) -> Moments:
        """Moments of the rows of all parts."""
        return cls(
            np.sum([part.gram for part in each], axis=0), np.sum([part.cross for part in each], axis=0)
        )


def ridge_of(gram: Array, *, ridge: float) -> Callable[[Array], Array]:
    r"""Ridge regression on the features of some rows: coefficients from the moments with targets.

    .. math:: \beta = (\Phi^\top W \Phi + \lambda D)^{-1} \Phi^\top W Y, \qquad
        D = \operatorname{diag}(10^{-6}, 1, \dots, 1).
    """
    penalised = gram.copy()
    penalised[np.diag_indices(len(gram))] += ridge
    penalised[0, 0] += (_CONSTANT - 1) * ridge
    factor = cho_factor(penalised, overwrite_a=True)
    return lambda cross: np.asarray(cho_solve(factor, cross))


def coefficients(moments: Moments, *, ridge: float) -> Array:
    """Coefficients of the ridge regression of each target, shape (features, targets)."""
    return ridge_of(moments.gram, ridge=ridge)(moments.cross)


def squared_error(each: Sequence[Moments], *, ridge: float) -> Array:
    """Sum of the squared errors of targets that are 0 or 1, each part forecast from the others, shape (targets,)."""
    every, total = Moments.total(each), np.zeros(each[0].cross.shape[1])
    for part in each:
        slope = coefficients(every.without([part]), ridge=ridge)
        total += (
            part.cross[0] - 2 * (slope * part.cross).sum(axis=0) + (slope * (part.gram @ slope)).sum(axis=0)
        )
    return total


def squared_gradients(features: FourierFeatures, gram: Array, slope: Array) -> Array:
    r"""Mean square of the derivative by each input, summed over targets.

    The derivatives :math:`\psi` of the features by the projections are the features themselves, with cosine and sine
    exchanged, so that their moments :math:`P` are known, too. With the frequencies :math:`\omega_{jd}` of input j,

    .. math:: \frac1n \sum_{i, k} \left( \frac{\partial f_k}{\partial x_j}(x_i) \right)^2
        = \sum_{d, e} \omega_{jd} \, \omega_{je} \, P_{de} \sum_k \beta_{dk} \beta_{ek}.
    """
    inputs, count = features.frequencies.shape
    itself, cosine = slice(1, 1 + inputs), slice(1 + inputs, 1 + inputs + count)
    sine = slice(1 + inputs + count, None)
    order = np.arange(len(gram))
    order[itself], order[cosine], order[sine] = 0, order[sine].copy(), order[cosine].copy()
    sign = np.ones(len(gram))
    sign[0], sign[cosine] = 0.0, -1.0
    moved = gram[np.ix_(order, order)] * np.outer(sign, sign) / gram[0, 0]
    by = np.zeros((len(gram), inputs))
    by[itself], by[cosine], by[sine] = np.eye(inputs), features.frequencies.T, features.frequencies.T
    return np.asarray((by * ((slope @ slope.T * moved) @ by)).sum(axis=0))
