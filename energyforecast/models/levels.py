"""Curves through a few quantiles, and quantiles of errors that belong to them."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from energyforecast.models.model import Array

__all__ = ["GROWN", "between_levels", "quantile_by_level"]

#: Levels at which a model is fitted where a curve through them gives the others.
GROWN = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)


def between_levels(values: Array, known: tuple[float, ...], wanted: tuple[float, ...]) -> Array:
    """Quantiles at other levels, by straight lines in the normal score of the level, also beyond the ends.

    Parameters
    ----------
    values : array, shape (rows, known levels)
    known, wanted : tuple of float

    Returns
    -------
    array, shape (rows, wanted levels)

    Examples
    --------
    >>> between_levels(np.array([[1.0, 2.0, 4.0]]), (0.1, 0.5, 0.9), (0.1, 0.5, 0.9)).tolist()
    [[1.0, 2.0, 4.0]]
    """
    if known == wanted:
        return values
    if len(known) == 1:
        return np.repeat(values, len(wanted), axis=1)
    at, to = ndtri(known), ndtri(wanted)
    right = np.clip(np.searchsorted(at, to), 1, len(at) - 1)
    share = (to - at[right - 1]) / (at[right] - at[right - 1])
    return np.asarray(values[:, right - 1] * (1 - share) + values[:, right] * share)


def quantile_by_level(errors: Array, levels: tuple[float, ...], weight: Array | None = None) -> Array:
    """Of each column of errors the quantile at its own level.

    Row k of n in order lies at k/(n + 1): then a new error, exchangeable with these, lies at or below the
    result with exactly the probability of the level [1]_.

    Parameters
    ----------
    errors : array, shape (rows, levels)
    levels : tuple of float
    weight : array, shape (rows,), optional

    Returns
    -------
    array, shape (levels,)

    References
    ----------
    .. [1] Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, doi:10.1007/b106715

    Examples
    --------
    >>> quantile_by_level(np.array([[3.0], [1.0], [2.0]]), (0.5,)).tolist()
    [2.0]
    """
    if weight is None:
        ordered, rows, last = np.sort(errors, axis=0), np.arange(len(levels)), len(errors) - 1
        place = np.clip((last + 2) * np.asarray(levels) - 1, 0, last)
        below = np.minimum(place.astype(int), max(last - 1, 0))
        low, high = ordered[below, rows], ordered[np.minimum(below + 1, last), rows]
        return np.asarray(low + (place - below) * (high - low))
    weights = np.asarray(weight, dtype=float)
    kept = weights > 0
    values, weights = errors[kept], weights[kept]
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    place = np.cumsum(weights[order], axis=0) / (weights.sum() + weights.mean())
    return np.array([np.interp(level, place[:, j], ordered[:, j]) for j, level in enumerate(levels)])
