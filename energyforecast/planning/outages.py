"""Capacity outage probability table: power lost by forced outages of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from energyforecast.core.arguments import check_types
from energyforecast.errors import RangeError

__all__ = ["Outage", "outage_table"]

Array = npt.NDArray[Any]

#: Largest number of states of all units together.
_MAX_STATES: Final = 100_000
#: Resolution of power. [MW]
_RESOLUTION: Final = 0.001


@dataclass(frozen=True, kw_only=True)
class Outage:
    """Units that may fail, each independently of the others.

    Parameters
    ----------
    capacity : float
        Power lost when one unit fails. [MW]
    probability : float
        Probability that a unit fails and is not replaced within the time for which the reserve is held, in [0, 1).
    units : int
        Number of such units.

    Raises
    ------
    RangeError
        If a value lies outside of these bounds.

    See Also
    --------
    outage_table : Distribution of the power lost.
    reserve : Reserve that covers them.

    Examples
    --------
    >>> Outage(capacity=300, probability=0.01, units=2)
    Outage(capacity=300, probability=0.01, units=2)
    """

    capacity: float
    probability: float
    units: int = 1

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))
        positive = np.isfinite(self.capacity) and self.capacity > 0
        if not (positive and 0.0 <= self.probability < 1.0 and self.units >= 1):
            raise RangeError(
                f"An outage has capacity={self.capacity}, probability={self.probability}, units={self.units}.",
                "The capacity must be above 0 MW, the probability in [0, 1), the number of units at least 1.",
                "Correct it; a probability of 2 % is 0.02.",
            )


def outage_table(outages: Sequence[Outage]) -> tuple[Array, Array]:
    r"""Power lost [MW], rising, and the probability of each value: the exact convolution of all units.

    .. math:: P_j(o) = \sum_{i=0}^{n_j} \binom{n_j}{i} q_j^i (1 - q_j)^{n_j - i}\, P_{j-1}(o - i\, c_j)

    with the number n, capacity c and probability of failure q of the units of kind j, and :math:`P_0(0) = 1`.

    Parameters
    ----------
    outages : sequence of Outage

    Raises
    ------
    RangeError
        If there are more than 100,000 values.

    Notes
    -----
    Sums that are equal to 1 kW are counted together. No coarser grid is used, no rare state is left out.

    References
    ----------
    Billinton and Allan (1996), Reliability Evaluation of Power Systems, https://doi.org/10.1007/978-1-4899-1860-4.

    See Also
    --------
    reserve : Convolves it with the residuals of net load.

    Examples
    --------
    >>> power, chance = outage_table([Outage(capacity=100, probability=0.1, units=2)])
    >>> power.tolist(), chance.round(6).tolist()
    ([0.0, 100.0, 200.0], [0.81, 0.18, 0.01])
    """
    check_types(locals(), of=outage_table)
    steps: Array = np.zeros(1, dtype=np.int64)
    chance: Array = np.ones(1)
    for outage in outages:
        failed = np.arange(outage.units + 1)
        each = stats.binom.pmf(failed, outage.units, outage.probability)
        added = steps[:, None] + failed * round(outage.capacity / _RESOLUTION)
        steps, place = np.unique(added.ravel(), return_inverse=True)
        chance = np.bincount(place.ravel(), weights=np.outer(chance, each).ravel())
        if len(steps) > _MAX_STATES:
            raise RangeError(
                f"The outages of {len(outages)} kinds of units add up to more than {_MAX_STATES} different values.",
                f"Up to {_MAX_STATES} are convolved exactly.",
                "Round capacities, e.g. to 1 MW, or join similar units with units=...",
            )
    return steps * _RESOLUTION, chance
