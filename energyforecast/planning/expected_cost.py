"""Expected imbalance cost of one hour, and the schedule that minimises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.settlement import ImbalanceTerms, tolerance

__all__ = ["ExpectedCost"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ExpectedCost:
    """Distribution of the outcome of one hour, terms, and prices below and above the schedule."""

    outcomes: QuantileFunction
    terms: ImbalanceTerms
    below: float
    above: float
    capacity: float | None

    def expected(self, declared: Array) -> Array:
        """Expected cost of schedules, a megawatt each hour. [currency per h]"""
        width = self.terms.width(declared, capacity=self.capacity)
        beyond = self.terms.paid == "beyond"
        # Outcomes on the edge of the band are within it, which matters only where the cost jumps there.
        slack = 0.0 if beyond else tolerance(self.outcomes.values)
        below = self.outcomes.below(declared - width - slack)
        at_most = self.outcomes.at_most(declared + width + slack)
        low, high = (declared - width, declared + width) if beyond else (declared, declared)
        less = low * below - self.outcomes.partial_mean(below)
        more = self.outcomes.mean - self.outcomes.partial_mean(at_most) - high * (1.0 - at_most)
        return np.asarray(self.below * np.maximum(less, 0.0) + self.above * np.maximum(more, 0.0))

    def cheapest(self, usual: Array) -> Array:
        """Schedule of minimum expected cost, shape (1,); `usual`, mean and median, are candidates too."""
        edges = np.unique(np.concatenate([self._edges(), usual]))
        candidates = np.concatenate([edges, self._minima(edges)]) if self._is_continuous else edges
        cost = self.expected(candidates)
        equal = candidates[cost <= cost.min() + 1e-12 * max(1.0, float(cost.max()))]
        return np.asarray(equal[[np.abs(equal - usual[-1]).argmin()]])

    @property
    def _is_continuous(self) -> bool:
        """Whether some of the probability lies between nodes, as it does between quantiles."""
        rise, share = np.diff(self.outcomes.values), np.diff(self.outcomes.levels)
        return bool(((rise > 0) & (share > 0)).any())

    def _edges(self) -> Array:
        """Schedules at which an edge of the band passes a node, within the possible outcomes."""
        nodes = np.unique(self.outcomes.values)
        if self.terms.band_of == "capacity":
            width = self.terms.width(nodes, capacity=self.capacity)
            found = [nodes - width, nodes + width]
        else:
            share = self.terms.band * np.sign(nodes)
            found = [nodes / (1.0 + share), nodes / (1.0 - share), np.zeros(1)]
        # Beyond all outcomes only the cost of one side remains, and it grows.
        return np.asarray(np.clip(np.concatenate(found), nodes[0], nodes[-1]))

    def _minima(self, edges: Array) -> Array:
        """Minimum of the parabola between each two edges, where it lies between them."""
        width = np.diff(edges)
        first, middle, last = (self.expected(edges[:-1] + share * width) for share in (0.25, 0.5, 0.75))
        curvature = 8.0 * (first - 2.0 * middle + last)
        place = 0.5 - (last - first) / np.where(curvature > 0, curvature, np.inf)
        inside = (curvature > 0) & (place > 0) & (place < 1)
        return np.asarray((edges[:-1] + place * width)[inside])
