"""Events of power above a threshold: the outcome, and the probability of a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.arguments import check_range
from energyforecast.evaluation.pairing import Pairs

__all__ = ["check_threshold", "exceedance", "tiers"]

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


def tiers(
    thresholds: Sequence[float] | Array, weights: Sequence[float] | Array | None, relative: bool
) -> tuple[Array, Array]:
    """Thresholds and their weights; refuse those that do not belong together."""
    limits = np.asarray(thresholds, dtype=float)
    scale = np.ones(limits.shape) if weights is None else np.asarray(weights, dtype=float)
    if limits.ndim != 1 or not limits.size or scale.shape != limits.shape:
        raise SchemaError(
            f"Thresholds have the shape {limits.shape}, their weights {scale.shape}.",
            "There must be one or more thresholds, and a weight for each.",
            "Give thresholds=[...], and as many weights.",
        )
    for limit in limits:
        check_threshold(float(limit), relative)
    if (np.diff(limits) <= 0).any():
        raise RangeError(f"The thresholds {limits.tolist()} do not rise.", "They must.", "Sort them.")
    check_range("A weight of a threshold", scale, low=0.0)
    if not scale.all():
        raise RangeError("A weight of a threshold is 0.", "It must be above 0.", "Leave the threshold out.")
    return limits, scale
