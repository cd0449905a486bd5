"""Checks of the arguments of scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from energyforecast.errors import RangeError

__all__ = ["check_probability", "check_range"]


def check_range(name: str, values: Any, *, low: float = -np.inf, high: float = np.inf) -> None:
    """Refuse values outside a range, its ends allowed, and missing ones."""
    array = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    wrong = array[~((low <= array) & (array <= high))]
    if wrong.size:
        limits = [f"at least {low:g}"] if np.isfinite(low) else []
        limits += [f"at most {high:g}"] if np.isfinite(high) else []
        expected = " and ".join(limits) or "a number"
        raise RangeError(f"{name} is {wrong[0]:g}.", f"It must be {expected}.", "Correct it.")


def check_probability(name: str, values: Any) -> None:
    """Refuse values that are not between 0 and 1, both excluded, and missing ones."""
    array = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    wrong = array[~((array > 0) & (array < 1))]
    if wrong.size:
        raise RangeError(
            f"{name} is {wrong[0]:g}.",
            "It must be a probability between 0 and 1.",
            f"Use {wrong[0] / 100:g}, if it is in percent." if 1 < wrong[0] < 100 else "Correct it.",
        )
