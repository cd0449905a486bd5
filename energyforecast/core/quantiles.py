"""Quantile functions: values, probabilities, means and tails of the distribution given by a few quantiles.

Every forecast, score, scenario, schedule and model reads quantiles here, so that one set of quantiles has one
distribution in the whole library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from energyforecast.core.quantile_interpolation import (
    TAILS,
    Levels,
    Side,
    Tails,
    columns_at,
    each_at,
    normal_score,
    position,
)
from energyforecast.errors import RangeError, SchemaError

__all__ = ["PERCENTILES", "TAILS", "QuantileFunction", "Tails", "check_levels"]

Array = npt.NDArray[Any]
Bounds: TypeAlias = tuple[float | Array, float | Array]
_Pick: TypeAlias = Callable[[Array, Array], Array]

#: Quantile levels 0.01, 0.02, ..., 0.99.
PERCENTILES: Final[tuple[float, ...]] = tuple(k / 100 for k in range(1, 100))

_OPEN: Final = (-np.inf, np.inf)


def check_levels(levels: Iterable[float]) -> tuple[float, ...]:
    """Quantile levels: at least one, inside (0, 1), rising."""
    result = tuple(float(level) for level in levels)
    outside = [level for level in result if not 0.0 < level < 1.0]
    if outside or not result:
        raise RangeError(
            f"The quantile levels hold {outside[0] if outside else 'no level'}.",
            "Levels must be numbers between 0 and 1, both excluded, such as 0.1, 0.5, 0.9.",
            "Divide percentages by 100; a 'P90' is 0.9, or 0.1 in solar finance.",
        )
    fall = next(((a, b) for a, b in pairwise(result) if b <= a), None)
    if fall:
        raise RangeError(
            f"The quantile levels do not rise: {fall[1]} follows {fall[0]}.",
            "Levels must rise, and none must be repeated.",
            "Sort them, drop doubles.",
        )
    return result


@dataclass(frozen=True, eq=False)
class QuantileFunction:
    r"""Distributions given by quantiles at a few levels.

    Parameters
    ----------
    values : array, shape (..., levels)
        Not falling along the levels; a distribution for each row. NaN gives NaN. [MW, or any unit]
    levels : sequence of float
        Probabilities, not falling. Where two are the same, the quantile function jumps.

    Raises
    ------
    SchemaError
        If values and levels differ in number, or both are empty.

    See Also
    --------
    energyforecast.Forecast.at : One quantile of a forecast.
    energyforecast.evaluation.pinball : Score of quantiles.

    Notes
    -----
    With quantiles :math:`q_1 \le \dots \le q_n` at levels :math:`\tau_1 < \dots < \tau_n` the quantile function is

    .. math::

        Q(\tau) = q_k + \frac{\tau - \tau_k}{\tau_{k+1} - \tau_k} (q_{k+1} - q_k),
        \qquad \tau_k \le \tau \le \tau_{k+1}.

    Beyond the outer levels it is flat, ``tails="flat"``: the probability :math:`\tau_1` lies on :math:`q_1`, and
    :math:`1 - \tau_n` on :math:`q_n`. With ``tails="normal"`` the line through the last two quantiles goes on over
    the normal score :math:`z = \Phi^{-1}(\tau)` of the level,

    .. math::

        Q(\tau) = q_n + \frac{z - z_n}{z_n - z_{n-1}} (q_n - q_{n-1}), \qquad \tau > \tau_n,

    and likewise below; where those two are equal, as on the mass that a plant has at 0, it stays flat.
    Equal quantiles are a mass: its probability is the range of their levels.

    Examples
    --------
    >>> found = QuantileFunction(np.array([12.0, 16.0, 20.0]), (0.1, 0.5, 0.9))
    >>> round(float(found.at(0.37)), 2), round(float(1 - found.at_most(17.3)), 3)
    (14.7, 0.37)
    >>> float(found.at(0.99)), round(float(found.at(0.99, tails="normal")), 2), float(found.mean)
    (20.0, 23.26, 16.0)
    """

    values: Array
    levels: Levels

    def __post_init__(self) -> None:
        count = len(self.levels)
        if not count or np.shape(self.values)[-1:] != (count,):
            raise SchemaError(
                f"Quantiles have the shape {np.shape(self.values)}, for {count} levels.",
                "They must have a column for each level, at least one.",
                "Give the levels of these quantiles.",
            )
        object.__setattr__(self, "values", np.asarray(self.values))
        object.__setattr__(self, "levels", np.asarray(self.levels, dtype=float))

    @classmethod
    def of_samples(cls, samples: Array) -> Self:
        """The distribution of equally likely samples, a step for each.

        Parameters
        ----------
        samples : array, shape (..., samples)

        Examples
        --------
        >>> found = QuantileFunction.of_samples(np.array([4.0, 1.0]))
        >>> [float(found.at(level)) for level in (0.2, 0.5, 0.8)]  # the middle of a jump
        [1.0, 2.5, 4.0]
        """
        count = np.shape(samples)[-1]
        edges = np.repeat(np.arange(count + 1) / max(count, 1), 2)[1:-1]
        return cls(np.repeat(np.sort(samples, axis=-1), 2, axis=-1), edges)

    def at(self, level: Array | float, *, tails: Tails = "flat", bounds: Bounds = _OPEN) -> Array:
        """Value at a level, shape (...,); where the quantile function jumps there, the middle of the jump.

        Parameters
        ----------
        level : float or array
            In [0, 1]; one for all rows, or one for each.
        tails : {"flat", "normal"}
        bounds : tuple of float
            Tails end here; a quantile that lies beyond is kept.

        Examples
        --------
        >>> rows = QuantileFunction(np.array([[0.0, 0.0, 8.0], [0.0, 4.0, 8.0]]), (0.1, 0.5, 0.9))
        >>> rows.at(0.3).round(6).tolist(), rows.at(np.array([0.7, 0.99])).round(6).tolist()
        ([0.0, 2.0], [4.0, 8.0])
        """
        if len(self.levels) == 1:
            return np.broadcast_to(
                self.values[..., 0], np.broadcast_shapes(self.values.shape[:-1], np.shape(level))
            )
        found = self._joined(level, tails, each_at)
        return found if tails == "flat" else _within(found, self.values[..., 0], self.values[..., -1], bounds)

    def table(self, levels: Levels, *, tails: Tails = "flat", bounds: Bounds = _OPEN) -> Array:
        """Values at several levels, shape (..., levels); to the bit those that each row has alone.

        Parameters
        ----------
        levels : sequence of float
        tails, bounds : optional
            As in :meth:`at`.

        Examples
        --------
        >>> QuantileFunction(np.array([[10.0, 20.0]]), (0.1, 0.9)).table((0.1, 0.3, 0.95)).tolist()
        [[10.0, 12.5, 20.0]]
        """
        if len(self.levels) == 1:
            return np.repeat(self.values, len(levels), axis=-1)
        found = self._joined(np.asarray(levels, dtype=float), tails, columns_at)
        first, last = self.values[..., :1], self.values[..., -1:]
        return found if tails == "flat" else _within(found, first, last, bounds)

    def _joined(self, level: Array | float, tails: Tails, pick: _Pick) -> Array:
        """Values at levels; in a jump the mean of its ends."""
        found = self._limit(level, tails, "left", pick)
        return 0.5 * (found + self._limit(level, tails, "right", pick)) if self._jumps else found

    def _limit(self, level: Array | float, tails: Tails, side: Side, pick: _Pick) -> Array:
        """Values at levels, from the left or from the right."""
        right, share = position(np.asarray(self.levels), level, tails, side)
        start, end = pick(self.values, right - 1), pick(self.values, right)
        if np.ndim(share) == 0 and share in (0.0, 1.0):
            return end if share else start
        inside = np.minimum(start + share * (end - start), end)
        return np.asarray(np.where(share >= 1.0, end + (share - 1.0) * (end - start), inside))

    @cached_property
    def _jumps(self) -> bool:
        return bool((np.diff(self.levels) <= 0).any())

    def at_most(self, value: Array | float, *, tails: Tails = "flat") -> Array:
        r"""Probability of at most a value; a mass that lies on it counts.

        .. math:: F(y) = \sup \{ \tau : Q(\tau) \le y \}

        Parameters
        ----------
        value : float or array
            One for all rows, or one for each; any number for a single row without dimension.
        tails : {"flat", "normal"}

        Examples
        --------
        >>> calm = QuantileFunction(np.array([0.0, 0.0, 4.0]), (0.1, 0.5, 0.9))
        >>> calm.at_most(np.array([-1.0, 0.0, 1.0, 4.0])).tolist()
        [0.0, 0.5, 0.6, 1.0]
        """
        return self._probability(value, tails, "right")

    def below(self, value: Array | float, *, tails: Tails = "flat") -> Array:
        r"""Probability of less than a value, arguments as in :meth:`at_most`; a mass that lies on it does not count.

        .. math:: F(y^-) = \inf \{ \tau : Q(\tau) \ge y \}

        Examples
        --------
        >>> calm = QuantileFunction(np.array([0.0, 0.0, 4.0]), (0.1, 0.5, 0.9))
        >>> calm.below(np.array([0.0, 1.0, 4.0, 5.0])).tolist()
        [0.0, 0.6, 0.9, 1.0]
        """
        return self._probability(value, tails, "left")

    def pit_interval(self, value: Array | float, *, tails: Tails = "flat") -> tuple[Array, Array]:
        r"""Probability integral transform of a value, :math:`[F(y^-), F(y)]`: a point, or all of a mass.

        A value beyond the reach of the quantile function lies somewhere in the outer probability.

        Parameters
        ----------
        value : float or array
            As in :meth:`at_most`.
        tails : {"flat", "normal"}

        Returns
        -------
        low, high : array

        References
        ----------
        Czado, Gneiting and Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.

        Examples
        --------
        >>> calm = QuantileFunction(np.array([0.0, 0.0, 4.0]), (0.1, 0.5, 0.9))
        >>> low, high = calm.pit_interval(np.array([0.0, 2.0, 9.0]))
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([0.0, 0.7, 0.9], [0.5, 0.7, 1.0])
        """
        levels, value = np.asarray(self.levels), np.asarray(value, dtype=float)
        under, over = value < self.values[..., 0], value > self.values[..., -1]
        if tails == "normal" and len(levels) > 1:
            under = under & (self.values[..., 1] <= self.values[..., 0])
            over = over & (self.values[..., -2] >= self.values[..., -1])
        low, high = self.below(value, tails=tails), self.at_most(value, tails=tails)
        return np.where(over, levels[-1], low), np.where(under, levels[0], high)

    def _probability(self, value: Array | float, tails: Tails, side: Side) -> Array:
        value, levels, last = np.asarray(value, dtype=float), np.asarray(self.levels), len(self.levels) - 1
        count = self._counted(value, side)
        left, right = np.maximum(count - 1, 0), np.minimum(count, last)
        start, end = each_at(self.values, left), each_at(self.values, right)
        share = np.divide(value - start, end - start, out=np.zeros(count.shape), where=end > start)
        inside = levels[left] + share * (levels[right] - levels[left])
        low, high = self._outer(value, count, tails)
        return np.asarray(np.select([count == 0, count > last], [low, high], inside))

    def _counted(self, value: Array, side: Side) -> npt.NDArray[np.intp]:
        """Number of quantiles below a value, or at most the value."""
        if self.values.ndim == 1:
            return np.asarray(np.searchsorted(self.values, value, side=side))
        under = self.values < value[..., None] if side == "left" else self.values <= value[..., None]
        return np.asarray(under.sum(axis=-1))

    def _outer(self, value: Array, count: Array, tails: Tails) -> tuple[Array | float, Array | float]:
        """Probability up to values below all quantiles, and up to values above all of them."""
        if tails == "flat" or len(self.levels) == 1:
            return 0.0, 1.0
        found: list[Array] = []
        score = normal_score(np.asarray(self.levels))
        for end, inner, certain in ((0, 1, -np.inf), (-1, -2, np.inf)):
            rise = np.broadcast_to(np.abs(self.values[..., end] - self.values[..., inner]), count.shape)
            away = value - self.values[..., end]
            share = np.divide(away, rise, out=np.full(count.shape, certain), where=rise > 0)
            found.append(ndtr(score[end] + share * abs(score[end] - score[inner])))
        return found[0], found[1]

    @cached_property
    def mean(self) -> Array:
        r"""Mean of each distribution, with flat tails.

        .. math::

            \mu = \tau_1 q_1 + \sum_{k=1}^{n-1} \frac{\tau_{k+1} - \tau_k}{2} (q_k + q_{k+1}) + (1 - \tau_n) q_n

        Examples
        --------
        >>> round(float(QuantileFunction(np.array([0.0, 0.0, 8.0]), (0.1, 0.5, 0.9)).mean), 6)  # 0.4 · 4 + 0.1 · 8
        2.4
        """
        levels = np.asarray(self.levels)
        weight = np.diff(np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]]))
        # Term by term: the rounding of a matrix product would depend on the number of rows.
        total = np.zeros(self.values.shape[:-1])
        for k, share in enumerate(weight):
            total = total + share * self.values[..., k]
        return np.asarray(total)

    def partial_mean(self, level: Array | float) -> Array:
        r"""Integral of the quantile function up to a level, with flat tails.

        .. math::

            \int_0^\tau Q(u) \, du

        At :math:`\tau = F(y)` it is the mean of outcomes up to :math:`y` times their probability.

        Parameters
        ----------
        level : float or array
            In [0, 1]; one for all rows, or one for each; any number for a single row without dimension.

        Examples
        --------
        >>> calm = QuantileFunction(np.array([0.0, 0.0, 8.0]), (0.1, 0.5, 0.9))
        >>> calm.partial_mean(np.array([0.5, 0.9, 1.0])).round(6).tolist()
        [0.0, 1.6, 2.4]
        """
        level, levels = np.asarray(level, dtype=float), np.asarray(self.levels)
        node = np.maximum(np.searchsorted(levels, level, side="right") - 1, 0)
        tail = np.minimum(level, levels[0]) * self.values[..., 0]
        segments = each_at(self._moments, node)
        width = np.maximum(level - levels[node], 0.0)
        end = self._limit(level, "flat", "left", each_at) if len(levels) > 1 else self.values[..., 0]
        # Within a step of samples, and in the tails, the line is flat: the mean of its ends is its height.
        return np.asarray(tail + segments + width * 0.5 * (each_at(self.values, node) + end))

    @cached_property
    def _moments(self) -> Array:
        """Integral from the first level to each."""
        middle = 0.5 * (self.values[..., 1:] + self.values[..., :-1])
        moment = np.cumsum(np.diff(self.levels) * middle, axis=-1)
        return np.concatenate([np.zeros((*self.values.shape[:-1], 1)), moment], axis=-1)


def _within(found: Array, first: Array, last: Array, bounds: Bounds) -> Array:
    """Tails end at the bounds; quantiles that lie beyond are kept."""
    return np.asarray(np.clip(found, np.minimum(first, bounds[0]), np.maximum(last, bounds[1])))
