"""Losses at a point: functions on arrays, without sites or hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.arguments import check_probability, check_range

__all__ = [
    "central_levels",
    "check_limits",
    "crps_of_quantiles",
    "interval_loss",
    "intervals_of",
    "pinball_loss",
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
    above, below = check_limits(above, below, rows=len(y))
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


def check_limits(above: Array | float, below: Array | float, *, rows: int) -> tuple[Array, Array]:
    """Ends of a range as arrays; refuse a wrong shape, the wrong order, or an end that is missing for all rows."""
    above, below = as_numbers("above", above), as_numbers("below", below)
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
    return above, below


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
