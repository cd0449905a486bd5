"""Distributions of one hour's residuals, and the reserve that covers them together with outages."""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["SLACK", "TAIL_SHARE", "Tail", "needed"]

Array = npt.NDArray[Any]
#: Model of the residuals beyond the sample.
Tail: TypeAlias = Literal["gaussian", "pareto"]

#: Share of the sample in its tail. [1]
TAIL_SHARE: Final = 0.1
#: Tolerance for rounding of a residual. [MW]
SLACK: Final = 1e-9


class _Residuals(Protocol):
    """Distribution of residuals: its survival function, and the value exceeded with a probability."""

    def survival(self, value: Array) -> Array: ...

    def exceeded_by(self, risk: float) -> float: ...


class _Sample:
    """Empirical distribution."""

    def __init__(self, residuals: Array) -> None:
        self.values = np.sort(residuals)

    def survival(self, value: Array) -> Array:
        at_most = np.searchsorted(self.values, np.asarray(value) + SLACK, side="right")
        return np.asarray(1.0 - at_most / len(self.values))

    def exceeded_by(self, risk: float) -> float:
        return float(self.values[len(self.values) - 1 - int(risk * len(self.values) + 1e-9)])


class _Gaussian:
    """Normal distribution with the mean and standard deviation of the sample."""

    def __init__(self, residuals: Array) -> None:
        # A normal distribution needs a positive deviation: 1 W for a constant sample.
        self.law = stats.norm(residuals.mean(), max(float(residuals.std(ddof=1)), 1e-6))

    def survival(self, value: Array) -> Array:
        return np.asarray(self.law.sf(value))

    def exceeded_by(self, risk: float) -> float:
        return float(self.law.isf(risk))


class _Pareto:
    """The sample up to its threshold, a generalised Pareto distribution beyond."""

    def __init__(self, residuals: Array) -> None:
        self.sample = _Sample(residuals)
        ordered = self.sample.values
        count = int(TAIL_SHARE * len(ordered))
        self.threshold, self.share = float(ordered[-count - 1]), count / len(ordered)
        excess = ordered[-count:] - self.threshold
        first = excess.mean()
        second = (excess * (1.0 - (np.arange(1, count + 1) - 0.35) / count)).mean()
        # A tail without extent, as of a plant at standstill, remains a point.
        self.flat = bool(first < 1e-6 or first - 2 * second <= 0)
        gap = 1.0 if self.flat else first - 2 * second
        self.law = stats.genpareto(2.0 - first / gap, scale=max(2.0 * first * second / gap, 1e-6))

    def survival(self, value: Array) -> Array:
        inside = self.sample.survival(value)
        if self.flat:
            return inside
        beyond = self.share * self.law.sf(np.asarray(value) - self.threshold)
        return np.where(np.asarray(value) > self.threshold, beyond, inside)

    def exceeded_by(self, risk: float) -> float:
        if self.flat or risk >= self.share:
            return self.sample.exceeded_by(risk)
        return self.threshold + float(self.law.isf(risk / self.share))


_MODELS: Final[dict[str | None, Any]] = {None: _Sample, "gaussian": _Gaussian, "pareto": _Pareto}


def needed(
    residuals: Array, risk: float, tail: str | None, states: tuple[Array, Array] | None = None
) -> float:
    """Minimum reserve, at least 0, that residual and outages together exceed with at most the risk. [MW]"""
    law: _Residuals = _MODELS[tail](residuals)
    low = law.exceeded_by(risk)
    if states is None or len(states[0]) == 1:
        return max(low, 0.0)
    out, chance = states
    # The reserve without outages, plus the power of all units, covers the outage of all units.
    high = low + float(out[-1])
    for _ in range(64):
        middle = (low + high) / 2
        if float(chance @ law.survival(middle - out)) <= risk + 1e-12:
            high = middle
        else:
            low = middle
    return max(_on_sample(law, high, out) if isinstance(law, _Sample) else high, 0.0)


def _on_sample(law: _Sample, value: float, out: Array) -> float:
    """The largest sum of residual and outage that is at most `value`: bisection ends just above it."""
    place = np.searchsorted(law.values, value - out + SLACK, side="right") - 1
    return float((law.values[place] + out)[place >= 0].max())
