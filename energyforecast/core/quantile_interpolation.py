"""Interpolation between quantile levels: a straight line in the level, flat or normal tails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from energyforecast.errors import SchemaError

__all__ = [
    "TAILS",
    "Levels",
    "Side",
    "Tails",
    "columns_at",
    "each_at",
    "interpolation_weights",
    "normal_score",
    "position",
]

Array = npt.NDArray[Any]
Levels: TypeAlias = Sequence[float] | npt.NDArray[Any]
Tails: TypeAlias = Literal["flat", "normal"]
Side: TypeAlias = Literal["left", "right"]

#: Continuation of a quantile function beyond its outer levels.
TAILS: Final = ("flat", "normal")
#: Levels nearer to each other than this are the same.
_SAME: Final = 1e-9


def interpolation_weights(levels: Levels, wanted: Levels, *, tails: Tails = "flat") -> Array:
    """Weights of given quantiles in quantiles at wanted levels, shape (levels, wanted); tails have no bounds."""
    if len(levels) == 1:
        return np.ones((1, len(wanted)))
    right, share = position(np.asarray(levels, dtype=float), np.asarray(wanted, dtype=float), tails, "left")
    matrix, column = np.zeros((len(levels), len(wanted))), np.arange(len(wanted))
    matrix[right - 1, column] = 1.0 - share
    matrix[right, column] = share
    return matrix


def normal_score(level: Array) -> Array:
    """Normal score, without the last digits, in which the logarithms of processors differ."""
    return np.asarray(np.round(ndtri(level), 9))


def each_at(values: Array, place: Array) -> Array:
    """Columns at a place: the same for all rows, or one for each."""
    if np.ndim(place) == 0:
        return np.asarray(values[..., int(place)])
    if values.ndim == 1:
        return np.asarray(values[place])
    return np.asarray(np.take_along_axis(values, place[..., None], axis=-1)[..., 0])


def columns_at(values: Array, place: Array) -> Array:
    """Columns at several places, the same for all rows."""
    return np.asarray(values[..., place])


def position(levels: Array, wanted: Array | float, tails: Tails, side: Side) -> tuple[Array, Array]:
    """Index of the level to the right of each wanted one, and the share of the way to it; above 1 in a tail."""
    if tails not in TAILS:
        raise SchemaError(f"tails={tails!r}.", f"It must be one of {TAILS}.", "Leave it out for flat tails.")
    wanted = np.asarray(wanted, dtype=float)
    moved = wanted - _SAME if side == "left" else wanted + _SAME
    right = np.clip(np.searchsorted(levels, moved, side=side), 1, len(levels) - 1)
    low, high = levels[right - 1], levels[right]
    share = np.clip((wanted - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    if tails == "normal":
        begin, end = normal_score(low), normal_score(high)
        beyond = (wanted < levels[0]) | (wanted > levels[-1])
        share = np.where(beyond, (normal_score(wanted) - begin) / (end - begin), share)
    near = np.rint(share)
    return right, np.where(np.abs(share - near) < _SAME, near, share)
