"""Distributions of one hour's residuals, and the reserve that covers them together with outages."""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["SLACK", "TAIL_SHARE", "Tail", "needed"]

Array = npt.NDArray[Any]
#: How residuals are continued beyond those that the sample holds.
Tail: TypeAlias = Literal["gaussian", "pareto"]

#: Share of the sample that is its tail.
TAIL_SHARE: Final = 0.1
#: By how much rounding may move a residual. [MW]
SLACK: Final = 1e-9


class _Errors(Protocol):
    """Probability of more than each value, and the least value exceeded with at most a probability."""

    def more(self, value: Array) -> Array: ...

    def exceeded_by(self, risk: float) -> float: ...


class _Sample:
    def __init__(self, errors: Array) -> None:
        self.values = np.sort(errors)

    def more(self, value: Array) -> Array:
        at_most = np.searchsorted(self.values, np.asarray(value) + SLACK, side="right")
        return np.asarray(1.0 - at_most / len(self.values))

    def exceeded_by(self, risk: float) -> float:
        return float(self.values[len(self.values) - 1 - int(risk * len(self.values) + 1e-9)])


class _Gaussian:
    def __init__(self, errors: Array) -> None:
        # Without any spread a normal distribution is not defined; a watt stands for none.
        self.law = stats.norm(errors.mean(), max(float(errors.std(ddof=1)), 1e-6))

    def more(self, value: Array) -> Array:
        return np.asarray(self.law.sf(value))

    def exceeded_by(self, risk: float) -> float:
        return float(self.law.isf(risk))


class _Pareto:
    """The sample up to its threshold, a generalised Pareto distribution beyond."""

    def __init__(self, errors: Array) -> None:
        self.sample = _Sample(errors)
        ordered = self.sample.values
        count = int(TAIL_SHARE * len(ordered))
        self.threshold, self.share = float(ordered[-count - 1]), count / len(ordered)
        excess = ordered[-count:] - self.threshold
        first = excess.mean()
        second = (excess * (1.0 - (np.arange(1, count + 1) - 0.35) / count)).mean()
        # A tail without extent, as where a plant stands still in all of it, stays a point.
        self.flat = bool(first < 1e-6 or first - 2 * second <= 0)
        gap = 1.0 if self.flat else first - 2 * second
        self.law = stats.genpareto(2.0 - first / gap, scale=max(2.0 * first * second / gap, 1e-6))

    def more(self, value: Array) -> Array:
        inside = self.sample.more(value)
        if self.flat:
            return inside
        beyond = self.share * self.law.sf(np.asarray(value) - self.threshold)
        return np.where(np.asarray(value) > self.threshold, beyond, inside)

    def exceeded_by(self, risk: float) -> float:
        if self.flat or risk >= self.share:
            return self.sample.exceeded_by(risk)
        return self.threshold + float(self.law.isf(risk / self.share))


_MODELS: Final[dict[str | None, Any]] = {None: _Sample, "gaussian": _Gaussian, "pareto": _Pareto}


def needed(errors: Array, risk: float, tail: str | None, states: tuple[Array, Array] | None = None) -> float:
    """The least reserve, never below 0, that error and outages together exceed with at most the risk. [MW]"""
    law: _Errors = _MODELS[tail](errors)
    low = law.exceeded_by(risk)
    if states is None or len(states[0]) == 1:
        return max(low, 0.0)
    out, chance = states
    # The reserve that suffices without outages suffices with all units out, once their power is added.
    high = low + float(out[-1])
    for _ in range(64):
        middle = (low + high) / 2
        if float(chance @ law.more(middle - out)) <= risk + 1e-12:
            high = middle
        else:
            low = middle
    return max(_on_sample(law, high, out) if isinstance(law, _Sample) else high, 0.0)


def _on_sample(law: _Sample, value: float, out: Array) -> float:
    """The largest value of error and outage together that is at most `value`: halving ends just above it."""
    place = np.searchsorted(law.values, value - out + SLACK, side="right") - 1
    return float((law.values[place] + out)[place >= 0].max())
