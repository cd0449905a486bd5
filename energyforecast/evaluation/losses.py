"""Losses at a point: functions on arrays, without sites or hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.arguments import check_positive, check_probability, check_range

__all__ = [
    "central_levels",
    "crps_of_quantiles",
    "crps_of_samples",
    "energy_score",
    "interval_loss",
    "intervals_of",
    "pinball_loss",
    "variogram_score",
]

Array = npt.NDArray[Any]


def pinball_loss(observed: Array, quantiles: Array, quantile_levels: Sequence[float] | Array) -> Array:
    r"""Pinball (quantile) loss of each level, not doubled.

    .. math:: \rho_\tau(y - q) = \max\big(\tau (y - q), (\tau - 1) (y - q)\big)

    Parameters
    ----------
    observed : array, shape (rows,)
    quantiles : array, shape (rows, levels)
    quantile_levels : sequence of float

    Returns
    -------
    array, shape (rows, levels)

    See Also
    --------
    pinball, crps_of_quantiles

    References
    ----------
    Koenker and Bassett (1978), https://doi.org/10.2307/1913643.

    Examples
    --------
    >>> pinball_loss(np.array([3.0]), np.array([[1.0, 4.0]]), [0.1, 0.9]).round(3).tolist()
    [[0.2, 0.1]]
    """
    check_types(locals(), of=pinball_loss)
    outcome, curves, levels = (as_numbers("pinball", part) for part in (observed, quantiles, quantile_levels))
    check_range("A quantile level", levels, low=0.0, high=1.0)
    if curves.shape != (outcome.size, levels.size) or outcome.ndim != 1:
        raise SchemaError(
            f"Outcomes have the shape {outcome.shape}, quantiles {curves.shape}, levels {levels.shape}.",
            "The shapes must be (rows,), (rows, levels) and (levels,).",
            "Give a row of quantiles for each outcome, with a column for each level.",
        )
    error = outcome[:, None] - curves
    return np.asarray(np.maximum(levels * error, (levels - 1) * error))


def crps_of_quantiles(
    observed: Array,
    quantiles: Array,
    quantile_levels: Sequence[float] | Array,
    *,
    above: Array | float = -np.inf,
    below: Array | float = np.inf,
) -> Array:
    r"""Continuous ranked probability score of the curve through the quantiles, exactly.

    .. math:: \int_a^b \big(F(x) - \mathbf{1}[x \ge y]\big)^2 \, dx

    Between levels the quantile function is a straight line; below the first and above the last level
    it is flat, so the outer masses lie on the outer quantiles.

    Parameters
    ----------
    observed : array, shape (rows,)
    quantiles : array, shape (rows, levels)
        Not falling.
    quantile_levels : sequence of float
    above, below : float or array, shape (rows,)
        Weigh only the range between these values (threshold-weighted score).

    Returns
    -------
    array, shape (rows,)

    See Also
    --------
    crps, threshold_crps, crps_of_samples

    References
    ----------
    Gneiting and Ranjan (2011), https://doi.org/10.1198/jbes.2010.08110: the score is twice the
    integral of the pinball loss over all levels. The weighted score is that of the outcome and the
    distribution moved into the range (Allen, Ginsbourger and Ziegel 2023, https://doi.org/10.1137/22M1532184).

    Examples
    --------
    >>> crps_of_quantiles(np.array([0.0]), np.array([[2.0, 2.0]]), [0.1, 0.9]).tolist()  # |2 - 0|
    [2.0]
    >>> crps_of_quantiles(np.array([0.0]), np.array([[2.0, 2.0]]), [0.1, 0.9], above=1.5).tolist()
    [0.5]
    """
    check_types(locals(), of=crps_of_quantiles)
    y = as_numbers("observed", observed, ndim=1)[:, None]
    q, levels = as_numbers("quantiles", quantiles), as_numbers("quantile_levels", quantile_levels, ndim=1)
    if np.shape(q) != (len(y), len(levels)):
        raise SchemaError(
            f"Quantiles have the shape {np.shape(q)}, for {len(y)} outcomes and {len(levels)} levels.",
            "They must have a row for each outcome and a column for each level.",
            "Use align(observed, forecast).",
        )
    check_levels(levels)
    _check_limits(above, below, rows=len(y))
    check_range("The rise from a quantile to the next", np.nan_to_num(np.diff(q, axis=1)), low=0.0)
    curve = np.concatenate([q[:, :1], q, q[:, -1:]], axis=1)
    tau = np.concatenate([[0.0], levels, [1.0]])[None, :]
    # With a node where the curve passes a bound, cutting it there is exact. Values and levels both rise along the
    # curve: sorted apart they still belong together.
    for bound in (above, below):
        if np.isfinite(bound).any():
            value = np.broadcast_to(bound, (len(y),))
            level = QuantileFunction(q, levels).at_most(value)[:, None]
            curve = np.sort(np.column_stack([curve, np.clip(value, q[:, 0], q[:, -1])]), axis=1)
            tau = np.sort(
                np.concatenate([np.broadcast_to(tau, (len(y), tau.shape[1])), level], axis=1), axis=1
            )
    low, high = (np.broadcast_to(bound, (len(y),))[:, None] for bound in (above, below))
    return _crps_of_curve(np.clip(y, low, high), np.clip(curve, low, high), tau)


def _check_limits(above: Array | float, below: Array | float, *, rows: int) -> None:
    """Refuse a range of the wrong shape, in the wrong order, or missing for all rows."""
    if {np.shape(above), np.shape(below)} - {(), (rows,)}:
        raise SchemaError(
            f"The range from above to below has the shapes {np.shape(above)} and {np.shape(below)}.",
            f"Each must be a number, or an array of the shape ({rows},).",
            "Give one for each outcome.",
        )
    if any(np.ndim(end) == 0 and np.isnan(end) for end in (above, below)) or np.any(above > below):
        raise RangeError(
            "The range from above to below ends before it begins, or an end is missing.",
            "The value of above must be at most that of below.",
            "Exchange them, or leave one out.",
        )


def _crps_of_curve(y: Array, values: Array, tau: Array) -> Array:
    """CRPS of a piecewise linear quantile function."""
    curve = values - y
    below, above = curve[:, :-1], curve[:, 1:]
    rise = above - below
    # Share of each piece on which the curve lies below the outcome.
    share = np.where(
        rise > 0, np.clip(-below / np.where(rise > 0, rise, 1.0), 0, 1), (below < 0).astype(float)
    )
    start, end = tau[:, :-1], tau[:, 1:]
    cross = start + share * (end - start)
    touch = below + share * rise
    # (indicator - level) times a straight line is a parabola on each part, for which Simpson's rule is exact.
    lower = _simpson(start, cross, below, touch, 0.0)
    upper = _simpson(cross, end, touch, above, 1.0)
    return np.asarray(2.0 * (lower + upper).sum(axis=1))


def _simpson(a: Array, b: Array, value_a: Array, value_b: Array, indicator: float) -> Array:
    """Integral of (indicator - level) times the curve from level a to level b."""
    middle = (indicator - 0.5 * (a + b)) * 0.5 * (value_a + value_b)
    ends = (indicator - a) * value_a + (indicator - b) * value_b
    return np.asarray((b - a) / 6.0 * (ends + 4.0 * middle))


def intervals_of(interval: float | Sequence[float]) -> list[float]:
    """Probabilities of central intervals; refuse none at all and those that are no probabilities."""
    check_probability("The probability of an interval", interval)
    return [float(p) for p in np.atleast_1d(interval)]


def central_levels(interval: float) -> tuple[float, float]:
    """Levels of the ends of a central interval of some probability."""
    check_probability("The probability of an interval", interval)
    return (1 - interval) / 2, (1 + interval) / 2


def interval_loss(observed: Array, low: Array, high: Array, *, interval: float) -> Array:
    """Winkler's score of a central interval; see :func:`energyforecast.evaluation.interval_score`."""
    outside = np.maximum(low - observed, 0.0) + np.maximum(observed - high, 0.0)
    return np.asarray(high - low + 2.0 / (1.0 - interval) * outside)


# -- samples ---------------------------------------------------------------------------------------


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


def crps_of_samples(observed: Array, samples: Any, *, fair: bool = False) -> Array:
    r"""Continuous ranked probability score of samples, shape (rows,).

    .. math:: \frac{1}{m} \sum_i |x_i - y| - \frac{1}{2 m^2} \sum_{i, j} |x_i - x_j|

    `fair` divides by :math:`m (m - 1)` in place of :math:`m^2`. Of a single sample, which has no spread, it is the
    absolute error, fair or not: compare it with those of more samples by ``fair=False``.

    Parameters
    ----------
    observed : array, shape (rows,)
    samples : array, shape (rows, samples)
        Equally likely.
    fair : bool
        Whether samples are drawn from the distribution that is scored; else they are the distribution itself.

    See Also
    --------
    crps_of_quantiles, energy_score, score_samples

    References
    ----------
    Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437; fair: Ferro (2014),
    https://doi.org/10.1002/qj.2270.

    Examples
    --------
    >>> crps_of_samples(np.array([1.0]), np.array([[0.0, 2.0]])).tolist()
    [0.5]
    """
    check_types(locals(), of=crps_of_samples)
    ordered = np.sort(as_samples(samples, dims=2), axis=1)
    y, size = _outcomes(observed, ordered), ordered.shape[1]
    away = np.abs(ordered - y[:, None]).mean(axis=1)
    rank = 2 * np.arange(1, size + 1) - size - 1
    pairs = size * (size - 1) if fair else size**2
    return np.asarray(away - ordered @ rank / pairs) if size > 1 else np.asarray(away)


def energy_score(observed: Array, samples: Any) -> Array:
    r"""Energy score of samples of several dimensions (leads, sites), shape (rows,): the CRPS of vectors.

    .. math:: \frac{1}{m} \sum_i \|x_i - y\| - \frac{1}{2 m^2} \sum_{i, j} \|x_i - x_j\|

    Parameters
    ----------
    observed : array, shape (rows, dims)
    samples : array, shape (rows, samples, dims)

    See Also
    --------
    variogram_score, score_samples

    References
    ----------
    Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437.

    Examples
    --------
    >>> energy_score(np.array([[0.0, 0.0]]), np.array([[[3.0, 4.0], [3.0, 4.0]]])).tolist()
    [5.0]
    """
    drawn = as_samples(samples, dims=3)
    y = _outcomes(observed, drawn)
    away = np.linalg.norm(drawn - y[:, None, :], axis=2).mean(axis=1)
    # A row at a time: all distances of all rows at once would not fit.
    apart = np.array([np.linalg.norm(row[:, None, :] - row[None, :, :], axis=2).mean() for row in drawn])
    return np.asarray(away - 0.5 * apart)


def variogram_score(
    observed: Array, samples: Any, *, order: float = 0.5, weights: Array | None = None
) -> Array:
    r"""Variogram score of samples of several dimensions, shape (rows,): a score of their dependence.

    .. math:: \sum_{i, j} w_{ij} \Big(|y_i - y_j|^p - \frac{1}{m} \sum_k |x_{ki} - x_{kj}|^p\Big)^2

    Parameters
    ----------
    observed : array, shape (rows, dims)
    samples : array, shape (rows, samples, dims)
    order : float
        Power of the differences, above 0.
    weights : array, shape (dims, dims), optional
        1 for each pair by default; each pair is counted from both sides.

    See Also
    --------
    energy_score, score_samples

    References
    ----------
    Scheuerer and Hamill (2015), https://doi.org/10.1175/MWR-D-14-00269.1.

    Examples
    --------
    >>> variogram_score(np.array([[0.0, 4.0]]), np.array([[[0.0, 1.0], [1.0, 2.0]]])).tolist()  # 2 (2 - 1)²
    [2.0]
    """
    check_positive("The order", order)
    drawn = as_samples(samples, dims=3)
    y = _outcomes(observed, drawn)
    weight = np.ones((y.shape[1],) * 2) if weights is None else as_numbers("weights", weights)
    if weight.shape != (y.shape[1],) * 2:
        raise SchemaError(
            f"Weights have the shape {weight.shape}, for {y.shape[1]} dimensions.",
            "There must be one for each pair of dimensions.",
            "Give a square of them.",
        )
    check_range("A weight", weight, low=0.0)
    rows = []
    for outcome, row in zip(y, drawn, strict=True):
        mean = np.mean(np.abs(row[:, :, None] - row[:, None, :]) ** order, axis=0)
        rows.append((weight * (np.abs(outcome[:, None] - outcome[None, :]) ** order - mean) ** 2).sum())
    return np.asarray(rows, dtype=float)


def _outcomes(observed: Array, drawn: Array) -> Array:
    """Outcomes of the rows and dimensions of samples."""
    y, needed = as_numbers("observed", observed), (drawn.shape[0], *drawn.shape[2:])
    if y.shape != needed:
        raise SchemaError(
            f"Outcomes have the shape {y.shape}, samples {drawn.shape}.",
            "Outcomes must be (rows,) or (rows, dims), samples (rows, samples) or (rows, samples, dims).",
            "Give the outcomes of the same rows and dimensions.",
        )
    return y
