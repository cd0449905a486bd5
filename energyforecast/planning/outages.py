"""How much power forced outages of units take away, with which probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from energyforecast.errors import RangeError

__all__ = ["Outage", "outage_table"]

Array = npt.NDArray[Any]

#: States of all units together, beyond which the table is refused.
_STATES: Final = 100_000
#: Power is told apart to this. [MW]
_GRAIN: Final = 0.001


@dataclass(frozen=True, kw_only=True)
class Outage:
    """Units that may fail, each independently of the others.

    Parameters
    ----------
    capacity : float
        What one unit takes away when it fails. [MW]
    probability : float
        That a unit fails and is not replaced within the time for which the reserve is held, in [0, 1).
    units : int
        How many such units there are.

    Raises
    ------
    RangeError
        If a value lies outside of these bounds.

    Examples
    --------
    >>> Outage(capacity=300, probability=0.01, units=2)
    Outage(capacity=300, probability=0.01, units=2)
    """

    capacity: float
    probability: float
    units: int = 1

    def __post_init__(self) -> None:
        positive = np.isfinite(self.capacity) and self.capacity > 0
        if not (positive and 0.0 <= self.probability < 1.0 and self.units >= 1):
            raise RangeError(
                f"An outage has capacity={self.capacity}, probability={self.probability}, units={self.units}.",
                "The capacity is above 0 MW, the probability in [0, 1), and there is at least one unit.",
                "Correct it; a probability of 2 % is 0.02.",
            )


def outage_table(outages: Sequence[Outage]) -> tuple[Array, Array]:
    """Power that is out [MW], rising, and the probability of each value: the exact discrete convolution of all units.

    Parameters
    ----------
    outages : sequence of Outage

    Raises
    ------
    RangeError
        If there are more than 100,000 values.

    Notes
    -----
    Units are added one kind after the other, and equal sums (to 1 kW) are counted together: the capacity
    outage probability table of the recursive algorithm. No coarser grid is used, no rare state is left out.

    References
    ----------
    Billinton and Allan (1996), Reliability Evaluation of Power Systems, https://doi.org/10.1007/978-1-4899-1860-4.

    Examples
    --------
    >>> power, chance = outage_table([Outage(capacity=100, probability=0.1, units=2)])
    >>> power.tolist(), chance.round(6).tolist()
    ([0.0, 100.0, 200.0], [0.81, 0.18, 0.01])
    """
    grains: Array = np.zeros(1, dtype=np.int64)
    chance: Array = np.ones(1)
    for outage in outages:
        failed = np.arange(outage.units + 1)
        each = stats.binom.pmf(failed, outage.units, outage.probability)
        added = grains[:, None] + failed * round(outage.capacity / _GRAIN)
        grains, place = np.unique(added.ravel(), return_inverse=True)
        chance = np.bincount(place.ravel(), weights=np.outer(chance, each).ravel())
        if len(grains) > _STATES:
            raise RangeError(
                f"The outages of {len(outages)} kinds of units add up to more than {_STATES} different values.",
                f"Up to {_STATES} are convolved exactly.",
                "Round capacities, e.g. to 1 MW, or join similar units with units=...",
            )
    return grains * _GRAIN, chance
