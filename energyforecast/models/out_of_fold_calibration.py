"""Out-of-fold calibration: levels moved by the probability integral transforms of held-out rows.

A curve is a row of quantiles at increasing levels, read as in :mod:`energyforecast.core.quantiles`: linear in the level
between them, and beyond the outer ones, which a correction must reach, linear over the normal score.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats
from scipy.special import ndtr, ndtri

from energyforecast.core.quantile_interpolation import interpolation_weights
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.models.base import weighted_quantiles
from energyforecast.models.tree_growth import days_of

__all__ = [
    "GROWN",
    "correction",
    "read",
    "weights",
    "weights_unsorted",
]

Array = npt.NDArray[Any]

#: Levels that a linear model fits; the others are interpolated.
GROWN: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
#: Groups of rows by their median, within groups of another value (`by`) where there is one.
_GROUPS: Final = 6
_OUTER_GROUPS: Final = 8
#: Mean number of rows in a group, at least: fewer groups of the other value in smaller samples.
_MIN_ROWS: Final = 200
#: Days for each group, at least.
_GROUP_DAYS: Final = 10
#: Dependence of days that is measured [days], and the part of the effective sample that is trusted: residuals of a
#: season are alike beyond a week. Chosen among 1, 1/2, 1/3 and 1/4, see docs/explanation/calibration.md.
_LAGS: Final = 7
_CERTAIN: Final = 1 / 3
#: Independent outcomes, at least.
_MIN_INDEPENDENT: Final = 3.0
#: Highest normal score of an outcome in the measure of dependence.
_MAX_SCORE: Final = 4.0
#: Lowest probability of an outcome.
_MIN_PROBABILITY: Final = 1e-9


def correction(
    unseen: Array,
    y: Array,
    levels: tuple[float, ...],
    weight: Array | None = None,
    *,
    by: Array | None = None,
    times: pd.Index | None = None,
) -> npt.NDArray[np.float64]:
    r"""Calibrated levels by group, at which curves are read so that outcomes fall below them with the nominal share.

    In each group of rows with about the same median, and about the same value of `by`, the level :math:`\tau` becomes
    the :math:`\tau`-quantile of the probability integral transforms :math:`\hat F_i(y_i)` of its rows. Returns the
    medians of `by` (0 without) and of the curves, then the level in place of each; shape (groups, 2 + levels).

    With the `times` of rows, the normal score of each level is multiplied by that of Student's prediction
    interval, :math:`\sqrt{1 + 1/n}\, t_{n - 1}^{-1}(\tau) / \Phi^{-1}(\tau)`, for :math:`n` independent outcomes.
    """
    held_out = QuantileFunction(unseen, levels)
    low, high = (
        np.clip(side(y, tails="normal"), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
        for side in (held_out.below, held_out.at_most)
    )
    rank = 0.5 * (low + high)  # the middle of a mass
    median = held_out.at(0.5)
    other = _filled(by, len(y))
    rows = []
    day = None if times is None else days_of(times)
    wider, groups = _widening(levels, rank, day), _group_count(day)
    for outer in _grouped(other, min(_OUTER_GROUPS, len(y) // (_GROUPS * _MIN_ROWS))):
        for inner in _grouped(median[outer], groups):
            group = outer[inner]
            moved = weighted_quantiles(rank[group], levels, None if weight is None else weight[group])
            moved = np.clip(ndtr(wider * ndtri(moved)), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
            rows.append([np.median(other[outer]), np.median(median[group]), *moved])
    return np.asarray(rows)


def _widening(levels: tuple[float, ...], rank: Array, day: npt.NDArray[np.int64] | None) -> Array:
    """Ratio of the normal scores of Student's prediction interval to those of the normal distribution, by level."""
    if day is None:
        return np.ones(len(levels))
    size = max(_CERTAIN * _independent(rank, day), _MIN_INDEPENDENT)
    outer = np.where(np.isclose(levels, 0.5), 0.75, levels)  # the ratio at the median is that near it
    ratio = np.sqrt(1 + 1 / size) * stats.t.ppf(outer, size - 1) / ndtri(outer)
    return np.asarray(np.round(ratio, 9))  # its last bits differ between processors


def _independent(rank: Array, day: npt.NDArray[np.int64]) -> float:
    """Effective number of independent outcomes: variance of the normal scores over that of their mean.

    The variance of the mean is that of sums of days, with Bartlett's weights for their dependence within a week.
    """
    score = np.clip(ndtri(rank), -_MAX_SCORE, _MAX_SCORE)
    score -= score.mean()
    total = np.bincount(day, score)
    alone = float((total * total).sum())
    lags = range(1, min(_LAGS, len(total) - 1) + 1)
    variance = alone + 2 * sum((1 - k / (_LAGS + 1)) * float((total[k:] * total[:-k]).sum()) for k in lags)
    variance = max(variance, alone / 2) * len(total) / max(len(total) - 1, 1)
    return len(rank) * float((score * score).sum()) / variance if variance > 0 else float(len(total))


def _group_count(day: npt.NDArray[np.int64] | None) -> int:
    """Number of groups by the median: fewer in short samples."""
    return _GROUPS if day is None else int(np.clip((day.max() + 1) // _GROUP_DAYS, 1, _GROUPS))


def _filled(by: Array | None, rows: int, usual: float | None = None) -> Array:
    """Other value of each row: the usual one where it is missing, 0 without a column."""
    if by is None or not np.isfinite(by).any():
        return np.full(rows, 0.0 if usual is None else usual)
    return np.where(np.isfinite(by), by, np.nanmedian(by) if usual is None else usual)


def _grouped(values: Array, max_groups: int) -> list[npt.NDArray[np.intp]]:
    """Rows of about the same value, in increasing order; fewer groups where values are alike."""
    edges = (
        np.unique(np.quantile(values, np.arange(1, max_groups) / max_groups))
        if max_groups > 1
        else np.empty(0)
    )
    group = np.searchsorted(edges, values, side="right")
    return [np.flatnonzero(group == k) for k in np.unique(group)]


def read(
    curve: Array,
    levels: tuple[float, ...],
    quantile_levels: tuple[float, ...],
    moved: Array,
    *,
    by: Array | None = None,
) -> Array:
    """Calibrated quantiles at other levels, shape (rows, quantile_levels); `moved` is from :func:`correction`."""
    if not len(moved):
        return QuantileFunction(curve, levels).table(quantile_levels, tails="normal")
    share = _shares(QuantileFunction(curve, levels).at(0.5), moved, by)
    result = np.zeros((len(curve), len(quantile_levels)))
    for k, matrix in enumerate(_matrices(levels, quantile_levels, moved)):
        inside = share[:, k] > 0
        result[inside] += share[inside, k, None] * _applied(matrix, curve[inside])
    return result


def weights(
    curve: Array,
    levels: tuple[float, ...],
    quantile_levels: tuple[float, ...],
    moved: Array,
    *,
    by: Array | None = None,
) -> Array:
    """Weight of each fitted level in the quantiles of :func:`read`, shape (rows, levels, quantile_levels)."""
    if not len(moved):
        whole = interpolation_weights(levels, quantile_levels, tails="normal")
        return np.broadcast_to(whole, (len(curve), *whole.shape))
    share = _shares(QuantileFunction(curve, levels).at(0.5), moved, by)
    several = enumerate(_matrices(levels, quantile_levels, moved))
    return np.asarray(sum(share[:, k, None, None] * matrix for k, matrix in several))


def weights_unsorted(
    curve: Array, levels: tuple[float, ...], level: float, moved: Array, *, by: Array | None = None
) -> Array:
    """Weight of each fitted level in one quantile, where curves are not sorted; shape (rows, levels)."""
    order = np.argsort(curve, axis=1, kind="stable")
    by_position = weights(np.take_along_axis(curve, order, axis=1), levels, (level,), moved, by=by)[:, :, 0]
    result = np.empty(curve.shape)
    # A weight belongs to a position in the sorted row: it goes back to the level in that position.
    np.put_along_axis(result, order, by_position, axis=1)
    return result


def _applied(matrix: Array, curve: Array) -> Array:
    """``curve @ matrix``, bit-identical for a row alone and among others, which BLAS does not guarantee."""
    return np.asarray((sparse.csr_array(matrix.T) @ curve.T).T)


def _matrices(levels: tuple[float, ...], quantile_levels: tuple[float, ...], moved: Array) -> list[Array]:
    """Reading matrix of each group: two linear interpolations in one."""
    reading = interpolation_weights(levels, quantile_levels, tails="normal")
    return [
        _applied(reading, interpolation_weights(levels, np.maximum.accumulate(row), tails="normal"))
        for row in moved[:, 2:]
    ]


def _shares(median: Array, moved: Array, by: Array | None) -> Array:
    """Weight of each group for each row, shape (rows, groups), linear between neighbours in both values."""
    centres = np.unique(moved[:, 0])
    outer = _nearness(_filled(by, len(median), float(np.median(centres))), centres)
    shares = np.zeros((len(median), len(moved)))
    for k, centre in enumerate(centres):
        inside = np.flatnonzero(moved[:, 0] == centre)
        shares[:, inside] = outer[:, k, None] * _nearness(median, moved[inside, 1])
    return shares


def _nearness(values: Array, centres: Array) -> Array:
    """Weight of each centre for each value, linear between centres; shape (values, centres)."""
    order = np.argsort(centres, kind="stable")
    shares = np.empty((len(values), len(centres)))
    for k in range(len(centres)):
        shares[:, order[k]] = np.interp(values, centres[order], np.eye(len(centres))[k])
    return shares
