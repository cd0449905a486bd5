"""Events of power above a threshold: the outcome, and the probability of a forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation.arguments import check_range
from energyforecast.evaluation.pairing import Pairs

__all__ = ["check_threshold", "exceedance"]

Array = npt.NDArray[Any]


def exceedance(pairs: Pairs, threshold: float, *, relative: bool = False) -> tuple[Array, Array]:
    """Exceedance of a threshold [MW, or a share of the capacity] by each outcome, 0 or 1, and its probability."""
    check_threshold(threshold, relative)
    limit = threshold * (pairs.capacity if relative else np.ones(len(pairs)))
    probability = 1.0 - pairs.distribution.at_most(limit)
    happened = np.where(np.isfinite(limit), pairs.observed > limit, np.nan)
    return happened, np.where(np.isfinite(limit), probability, np.nan)


def check_threshold(threshold: float, relative: bool) -> None:
    """Refuse a threshold that is missing, or a share of the capacity in percent."""
    share = 1.0 if relative else np.inf
    check_range("The threshold", threshold, low=-share, high=share)
