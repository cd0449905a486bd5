"""Losses of samples at a point, such as members of an ensemble and scenarios: functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.arguments import check_range
from energyforecast.evaluation.losses import central_levels, check_limits

__all__ = [
    "as_samples",
    "brier_of_samples",
    "coverage_of_samples",
    "crps_of_samples",
    "member_shares",
    "quantiles_of_samples",
    "rows_of",
    "share_of_pairs",
]

Array = npt.NDArray[Any]

#: Shares that differ by less are the same: sums of weights have rounding errors.
_SAME: Final = 1e-12


def as_samples(samples: Any, *, dims: int) -> Array:
    """Samples as an array; rows of different sizes are refused by the first that differs."""
    if isinstance(samples, Sequence) and not isinstance(samples, str | bytes):
        sizes = [np.shape(row)[0] if np.ndim(row) else 0 for row in samples]
        odd = [k for k, size in enumerate(sizes) if size != sizes[0]]
        if odd:
            raise SchemaError(
                f"Row {odd[0]} has {sizes[odd[0]]} samples, row 0 has {sizes[0]}.",
                "All rows must have the same number of samples.",
                "Draw as many for each row, or score the rows of a size together.",
            )
    array = as_numbers("samples", samples)
    if array.ndim != dims:
        raise SchemaError(
            f"Samples have the shape {array.shape}.",
            f"They must have {'(rows, samples)' if dims == 2 else '(rows, samples, dims)'}.",
            "Reshape them; a single row needs samples[None].",
        )
    if array.shape[1] == 0 or not np.isfinite(array).all():
        raise RangeError(
            f"Samples of the shape {array.shape} hold {int((~np.isfinite(array)).sum())} that are not finite.",
            "There must be at least one sample a row, and all must be finite.",
            "Draw them anew, or leave such rows out of observed and samples.",
        )
    return array


def rows_of(observed: Any, samples: Any, *, dims: int) -> tuple[Array, Array]:
    """Outcomes and samples of the same rows and dimensions."""
    drawn = as_samples(samples, dims=dims)
    y, needed = as_numbers("observed", observed), (drawn.shape[0], *drawn.shape[2:])
    if y.shape != needed:
        raise SchemaError(
            f"Outcomes have the shape {y.shape}, samples {drawn.shape}.",
            "Outcomes must be (rows,) or (rows, dims), samples (rows, samples) or (rows, samples, dims).",
            "Give the outcomes of the same rows and dimensions.",
        )
    return y, drawn


def member_shares(weights: Any, drawn: Array) -> Array:
    """Probability of each member in each row, shape (rows, samples): equal ones without weights."""
    shape = drawn.shape[:2]
    if weights is None:
        return np.full(shape, 1.0 / shape[1])
    weight = as_numbers("member_weights", weights)
    if weight.shape not in (shape, shape[1:]):
        raise SchemaError(
            f"Weights of members have the shape {weight.shape}, for {shape[0]} rows of {shape[1]} members.",
            "There must be one for each member, or a row of them for each outcome.",
            "Weights of the rows are the argument weights of score.",
        )
    check_range("A weight of a member", weight, low=0.0)
    total = weight.sum(axis=-1, keepdims=True)
    if not (total > 0).all():
        raise RangeError(
            "All weights of the members are 0.",
            "One at least must be above 0.",
            "Leave such rows out of observed and samples.",
        )
    return np.broadcast_to(weight / total, shape)


def share_of_pairs(share: Array, fair: bool) -> Array:
    """Share of pairs of different members, by which a fair score divides; 1 where there is one member alone."""
    different = 1.0 - (share**2).sum(axis=1)
    return np.where(different > _SAME, different, 1.0) if fair else np.ones(len(share))


def crps_of_samples(
    observed: Array,
    samples: Any,
    *,
    fair: bool = False,
    member_weights: Array | None = None,
    above: Array | float = -np.inf,
    below: Array | float = np.inf,
) -> Array:
    r"""Continuous ranked probability score of samples, shape (rows,).

    .. math:: \sum_i p_i |x_i - y| - \frac{1}{2} \sum_{i, j} p_i p_j |x_i - x_j|

    with the shares :math:`p_i = 1 / m` of :math:`m` members, or others by `member_weights`. `fair` divides the second
    sum by :math:`1 - \sum_i p_i^2`: by :math:`m (m - 1)` in place of :math:`m^2`. Of a single sample, which has no
    spread, it is the absolute error, fair or not: compare it with those of more samples by ``fair=False``.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN gives NaN.
    samples : array, shape (rows, samples)
    fair : bool
        Whether samples are drawn from the distribution that is scored; else they are the distribution itself.
    member_weights : array, shape (samples,) or (rows, samples), optional
        At least 0, of any sum; equal by default.
    above, below : float or array, shape (rows,)
        Weigh only the range between these values (threshold-weighted score): outcomes and samples are moved into it.

    See Also
    --------
    crps_of_quantiles, energy_score, score_samples

    References
    ----------
    Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437; fair: Ferro (2014),
    https://doi.org/10.1002/qj.2270; threshold-weighted: Gneiting and Ranjan (2011),
    https://doi.org/10.1198/jbes.2010.08110, by Allen, Ginsbourger and Ziegel (2023),
    https://doi.org/10.1137/22M1532184.

    Examples
    --------
    >>> crps_of_samples(np.array([1.0]), np.array([[0.0, 2.0]])).tolist()
    [0.5]
    >>> crps_of_samples(np.array([1.0]), np.array([[0.0, 2.0]]), member_weights=np.array([3.0, 1.0])).tolist()
    [0.625]
    >>> crps_of_samples(np.array([5.0]), np.array([[0.0, 2.0]]), above=1.0).tolist()  # of 5 and (1, 2)
    [3.25]
    """
    check_types(locals(), of=crps_of_samples)
    y, drawn = rows_of(observed, samples, dims=2)
    above, below = check_limits(above, below, rows=len(y))
    share = member_shares(member_weights, drawn)
    low, high = (np.broadcast_to(end, y.shape)[:, None] for end in (above, below))
    error = np.clip(drawn, low, high) - np.clip(y[:, None], low, high)
    order = np.argsort(error, axis=1)
    error, share = np.take_along_axis(error, order, axis=1), np.take_along_axis(share, order, axis=1)
    # In rising order, each sample is the larger one of the pairs with those before it.
    larger = 2.0 * np.cumsum(share, axis=1) - share - 1.0
    apart = (error * share * larger).sum(axis=1) / share_of_pairs(share, fair)
    return np.asarray((share * np.abs(error)).sum(axis=1) - apart)


def brier_of_samples(
    observed: Array,
    samples: Any,
    *,
    threshold: Array | float,
    fair: bool = False,
    member_weights: Array | None = None,
) -> Array:
    r"""Brier score of samples for an outcome above a threshold, shape (rows,). [1]

    .. math:: (P - o)^2, \quad P = \sum_i p_i \mathbf{1}[x_i > t], \quad o = \mathbf{1}[y > t]

    `fair` takes :math:`P (1 - P) / (m - 1)` off, the sampling variance of the probability; it may be below 0.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN gives NaN.
    samples : array, shape (rows, samples)
    threshold : float or array, shape (rows,)
        [MW]
    fair, member_weights : optional
        As in :func:`crps_of_samples`.

    See Also
    --------
    brier, crps_of_samples

    References
    ----------
    Brier (1950), https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2; fair: Ferro (2014),
    https://doi.org/10.1002/qj.2270.

    Examples
    --------
    >>> members = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> brier_of_samples(np.array([5.0]), members, threshold=1.5).tolist()  # (3/4 - 1)²
    [0.0625]
    """
    check_types(locals(), of=brier_of_samples)
    y, drawn = rows_of(observed, samples, dims=2)
    check_range("The threshold", threshold)
    if np.shape(threshold) not in ((), y.shape):
        raise SchemaError(
            f"Thresholds have the shape {np.shape(threshold)}, for {len(y)} outcomes.",
            "There must be one for all, or one for each outcome.",
            "Give the thresholds of the same hours.",
        )
    share, limit = member_shares(member_weights, drawn), np.broadcast_to(threshold, y.shape)
    probability = (share * (drawn > limit[:, None])).sum(axis=1)
    sampling = 1.0 / share_of_pairs(share, fair) - 1.0
    score = (probability - (y > limit)) ** 2 - sampling * probability * (1.0 - probability)
    return np.where(np.isnan(y), np.nan, score)


def coverage_of_samples(
    observed: Array, samples: Any, *, interval: float = 0.9, member_weights: Array | None = None
) -> Array:
    r"""Share of each outcome inside a central interval of its samples, shape (rows,): 0 or 1, between on a tie. [1]

    .. math:: \frac{\big|[F(y^-), F(y)] \cap [\tfrac{1 - p}{2}, \tfrac{1 + p}{2}]\big|}{F(y) - F(y^-)},
        \quad F(y) = \sum_i p_i \mathbf{1}[x_i \le y]

    with the probability :math:`p` of the interval. An outcome between two samples is inside, the ends included, or
    outside; one that equals samples counts by the share of their probability inside.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN gives NaN.
    samples : array, shape (rows, samples)
    interval : float
    member_weights : array, shape (samples,) or (rows, samples), optional

    See Also
    --------
    coverage, rank_histogram

    Notes
    -----
    The mean over outcomes is that of the interval only where there are many samples. In a reliable ensemble of
    :math:`m`, the outcome is equally likely at each of :math:`m + 1` ranks: the expected coverage is the share of the
    :math:`k = 0, \dots, m` with :math:`k / m` in the interval. Of 10 members it is 9/11 at :math:`p = 0.9`.

    References
    ----------
    Christoffersen (1998), https://doi.org/10.2307/2527341; of ties Czado, Gneiting and Held (2009),
    https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> members = np.array([[0.0, 0.0, 1.0, 2.0]])
    >>> [float(coverage_of_samples(np.array([y]), members, interval=0.5)[0]) for y in (0.0, 0.5, 9.0)]
    [0.5, 1.0, 0.0]
    """
    check_types(locals(), of=coverage_of_samples)
    y, drawn = rows_of(observed, samples, dims=2)
    low, high = central_levels(interval)
    share = member_shares(member_weights, drawn)
    first, last = ((share * part).sum(axis=1) for part in (drawn < y[:, None], drawn <= y[:, None]))
    width = last - first
    inside = np.clip(np.minimum(last, high) - np.maximum(first, low), 0.0, None)
    point = (first >= low - _SAME) & (first <= high + _SAME)
    found = np.where(width > _SAME, inside / np.where(width > _SAME, width, 1.0), point)
    return np.where(np.isnan(y), np.nan, found)


def quantiles_of_samples(
    samples: Any, quantile_levels: Sequence[float] | Array, *, member_weights: Array | None = None
) -> Array:
    r"""Quantiles of weighted samples, shape (rows, levels): inverse of their distribution function.

    .. math:: F^{-1}(\tau) = \inf \{ x : F(x) \ge \tau \}, \quad F(x) = \sum_i p_i \mathbf{1}[x_i \le x]

    Where the distribution function is equal to the level between two samples, it is their middle. With equal weights
    this is ``numpy.quantile(..., method="averaged_inverted_cdf")``.

    Parameters
    ----------
    samples : array, shape (rows, samples)
    quantile_levels : sequence of float
    member_weights : array, shape (samples,) or (rows, samples), optional

    See Also
    --------
    crps_of_samples, energyforecast.Scenarios.quantiles

    References
    ----------
    Hyndman and Fan (1996), https://doi.org/10.1080/00031305.1996.10473566: definition 2, here with weights.

    Examples
    --------
    >>> members = np.array([[10.0, 20.0, 30.0]])
    >>> quantiles_of_samples(members, [0.3, 0.5]).tolist()
    [[10.0, 20.0]]
    >>> quantiles_of_samples(members, [0.3, 0.5], member_weights=np.array([1.0, 1.0, 2.0])).tolist()
    [[20.0, 25.0]]
    """
    check_types(locals(), of=quantiles_of_samples)
    levels = check_levels(as_numbers("quantile_levels", quantile_levels, ndim=1))
    drawn = as_samples(samples, dims=2)
    share, order = member_shares(member_weights, drawn), np.argsort(drawn, axis=1)
    value, total = (
        np.take_along_axis(drawn, order, axis=1),
        np.take_along_axis(share, order, axis=1).cumsum(1),
    )
    last = drawn.shape[1] - 1
    columns = []
    for level in levels:
        ends = ((total < level - _SAME).sum(axis=1), (total <= level + _SAME).sum(axis=1))
        columns.append(
            np.mean(
                [np.take_along_axis(value, np.minimum(end, last)[:, None], 1)[:, 0] for end in ends], axis=0
            )
        )
    return np.column_stack(columns)
