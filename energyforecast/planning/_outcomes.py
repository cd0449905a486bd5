"""The distribution of one hour's outcome, from samples or from a quantile curve, with exact partial means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Outcomes"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Outcomes:
    """Nodes with a mass on each, and a mass spread evenly between neighbours.

    Samples are masses alone. A quantile curve is the library's: straight lines between the levels, and the
    outer probabilities on the outer quantiles.

    Parameters
    ----------
    nodes : array
        Rising. [MW]
    below, upto : array
        Probability of less than, and of at most, each node.
    """

    nodes: Array
    below: Array
    upto: Array

    @classmethod
    def of_samples(cls, values: Array) -> Outcomes:
        """Each sample alike."""
        count = len(values)
        return cls(np.sort(values), np.arange(count) / count, np.arange(1, count + 1) / count)

    @classmethod
    def of_quantiles(cls, values: Array, levels: Sequence[float]) -> Outcomes:
        """The curve through quantiles."""
        inner = np.asarray(levels, dtype=float)
        return cls(
            np.asarray(values, dtype=float),
            np.concatenate([[0.0], inner[1:]]),
            np.concatenate([inner[:-1], [1.0]]),
        )

    @cached_property
    def _moment(self) -> Array:
        """Mean of what is at most each node, times its probability."""
        on = (self.upto - self.below) * self.nodes
        between = self._spread * (self.nodes[1:] + self.nodes[:-1]) / 2
        return np.cumsum(on + np.concatenate([[0.0], between]))

    @cached_property
    def _spread(self) -> Array:
        return self.below[1:] - self.upto[:-1]

    @cached_property
    def _density(self) -> Array:
        """After each node; tied nodes have none between them, and their mass is counted with the last."""
        wide = np.diff(self.nodes)
        return np.append(np.where(wide > 0, self._spread / np.where(wide > 0, wide, 1.0), 0.0), 0.0)

    @property
    def mean(self) -> float:
        """[MW]"""
        return float(self._moment[-1])

    @property
    def is_spread(self) -> bool:
        """Whether some of the mass lies between nodes."""
        return bool((self._density > 0).any())

    def quantile(self, level: float) -> float:
        """The level's value; where a range of values has it, the middle of that range. [MW]"""
        levels, values = np.ravel([self.below, self.upto], order="F"), np.repeat(self.nodes, 2)
        return float(np.interp([level - 1e-12, level + 1e-12], levels, values).mean())

    def less(self, value: Array) -> tuple[Array, Array]:
        """Probability of less than each value, and the mean of that times the probability."""
        return self._up_to_node(value, np.searchsorted(self.nodes, value, side="left") - 1)

    def at_most(self, value: Array) -> tuple[Array, Array]:
        """Probability of at most each value, and the mean of that times the probability."""
        return self._up_to_node(value, np.searchsorted(self.nodes, value, side="right") - 1)

    def _up_to_node(self, value: Array, last: Array) -> tuple[Array, Array]:
        density, node = self._density[last], self.nodes[last]
        chance = self.upto[last] + density * (value - node)
        moment = self._moment[last] + density * (value**2 - node**2) / 2
        return np.where(last < 0, 0.0, chance), np.where(last < 0, 0.0, moment)
