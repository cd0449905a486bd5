"""Quantile levels: probabilities in rising order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from energyforecast.errors import RangeError

__all__ = ["check_quantiles"]


def check_quantiles(levels: Iterable[float]) -> tuple[float, ...]:
    """Quantile levels: at least one, inside (0, 1), rising."""
    result = tuple(float(level) for level in levels)
    outside = [level for level in result if not 0.0 < level < 1.0]
    if outside or not result:
        raise RangeError(
            f"The quantile levels hold {outside[0] if outside else 'nothing'}.",
            "Levels are numbers between 0 and 1, both excluded, such as 0.1, 0.5, 0.9.",
            "Divide percentages by 100; a 'P90' is 0.9, or 0.1 in solar finance.",
        )
    if any(b <= a for a, b in pairwise(result)):
        raise RangeError(
            f"The quantile levels {result} do not rise.",
            "Levels rise and none is repeated.",
            "Sort them, drop doubles.",
        )
    return result
