"""Ridge regression under trees, for the part that is linear in the columns, also beyond the range of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.models.base import Part
from energyforecast.models.tree_matrix import rounded

__all__ = ["LinearBase", "fit_linear_base"]

Array = npt.NDArray[Any]

#: Knots of a column, at these quantiles of its values, where it has more values than a category.
_KNOTS: Final = (0.25, 0.5, 0.75)
_CATEGORY: Final = 8
#: Penalty of a term, as a share of its variance: strong, since neighbouring columns are nearly collinear.
_PENALTY: Final = 0.1
#: Least variance that the penalty counts: a knot that few rows reach, in a fold by chance none, would have any slope.
_LEAST: Final = 0.01
#: Part of its range by which a column may leave the range of training: the first frost of a mild autumn's history.
_BEYOND: Final = 1.0


@dataclass(frozen=True)
class LinearBase:
    """Terms of a ridge regression, and its coefficients.

    `columns`, shape (terms,), is the column of each term, `knots` the value from which on it rises (-inf: it is the
    column itself), `limits`, shape (3, columns), the median and the lowest and highest value of each column.
    """

    columns: npt.NDArray[np.int64]
    knots: Array
    limits: Array
    coefficients: Array
    intercept: Array

    def predict(self, values: Array) -> npt.NDArray[np.float64]:
        """Level of each row, shape (rows,)."""
        whole = _within(values, self.limits)
        level = np.full(len(whole), float(self.intercept[0]))
        # Term by term: a matrix product would round by the number of rows and by the processor.
        for column, knot, slope in zip(self.columns, self.knots, self.coefficients, strict=True):
            level += slope * _term(whole[:, column], float(knot), self.limits[:, column])
        return level

    def parts(self) -> dict[str, Part]:
        """Fitted state, for storage."""
        return {f"linear_{name}": np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def restored(cls, parts: Any) -> LinearBase | None:
        """Base from :meth:`parts`; None where there is none."""
        if "linear_columns" not in parts:
            return None
        return cls(**{name: np.asarray(parts[f"linear_{name}"]) for name in cls.__dataclass_fields__})


def fit_linear_base(
    values: Array, y: Array, *, fold: Array, weight: Array | None
) -> tuple[LinearBase, Array]:
    r"""Fit the base on all rows, and give the out-of-fold level of each, shape (rows,).

    With centred terms :math:`x` (each column, and its excess over its quartiles, in units of its range) and weights
    that add up to one, the coefficients are

    .. math:: \beta = (X^\top W X + \lambda D)^{-1} X^\top W y, \qquad
        D = \max(\mathrm{diag}(X^\top W X), 0.01), \quad \lambda = 0.1.
    """
    limits = _limits(values)
    whole = _within(values, limits)
    columns, knots = _terms_of(whole)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    pairs = zip(columns, knots, strict=True)
    terms = [_term(whole[:, k], knot, limits[:, k]) for k, knot in pairs]
    design = np.stack(terms, axis=1) if terms else np.empty((len(y), 0))

    def solved(rows: npt.NDArray[np.bool_]) -> LinearBase:
        slope, intercept = _ridge(design[rows], y[rows], w[rows])
        return LinearBase(np.array(columns), np.array(knots), limits, slope, np.array([intercept]))

    every = solved(np.ones(len(y), dtype=bool))
    level = every.predict(values)
    for k in np.unique(fold) if fold.any() else ():
        level[fold == k] = solved(fold != k).predict(values[fold == k])
    return every, level


def _limits(values: Array) -> Array:
    """Median, lowest and highest known value of each column; 0 where none is known."""
    known = np.where(np.isfinite(values), values, np.nan)
    known = np.where(np.isfinite(known).any(axis=0), known, 0.0)
    return np.stack([np.nanmedian(known, axis=0), np.nanmin(known, axis=0), np.nanmax(known, axis=0)])


def _within(values: Array, limits: Array) -> Array:
    """Values with the median where they are missing, not far beyond the range of training."""
    middle, low, high = limits
    slack = _BEYOND * (high - low)
    return np.asarray(np.clip(np.where(np.isfinite(values), values, middle), low - slack, high + slack))


def _term(column: Array, knot: float, limits: Array) -> Array:
    """A column, or its excess over a knot, in units of its range of training."""
    unit = (limits[2] - limits[1]) or 1.0
    return np.asarray(((column - limits[0]) if np.isinf(knot) else np.maximum(column - knot, 0.0)) / unit)


def _terms_of(whole: Array) -> tuple[list[int], list[float]]:
    """Column and knot of each term."""
    columns, knots = [], []
    for k, column in enumerate(whole.T):
        several = np.unique(column)
        if len(several) < 2:
            continue
        inner = np.unique(np.quantile(column, _KNOTS)) if len(several) > _CATEGORY else np.empty(0)
        inner = inner[(inner > several[0]) & (inner < several[-1])]
        columns += [k] * (1 + len(inner))
        knots += [-np.inf, *map(float, inner)]
    return columns, knots


def _ridge(design: Array, y: Array, weight: Array) -> tuple[Array, float]:
    """Coefficients, rounded so that they are the same on every processor, and the intercept."""
    share = weight / weight.sum()
    centre, mean = share @ design, float(share @ y)
    centred = design - centre
    moments = (centred * share[:, None]).T @ centred
    diagonal = np.diag_indices(len(moments))
    moments[diagonal] += _PENALTY * np.maximum(moments[diagonal], _LEAST)
    slope = np.linalg.solve(moments, (centred * share[:, None]).T @ (y - mean))
    slope = rounded(slope).astype(np.float64)
    return slope, float(rounded(np.array([mean - centre @ slope]))[0])
