"""Checks of the arguments of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, SchemaError

__all__ = ["check_pairs", "check_positive", "check_probability", "check_range"]

Array = npt.NDArray[Any]


def check_range(name: str, values: Any, *, low: float = -np.inf, high: float = np.inf) -> None:
    """Refuse values outside a range, its ends allowed, and missing and infinite ones."""
    array = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    wrong = array[~((low <= array) & (array <= high) & np.isfinite(array))]
    if wrong.size:
        limits = [f"at least {low:g}"] if np.isfinite(low) else []
        limits += [f"at most {high:g}"] if np.isfinite(high) else []
        expected = " and ".join(limits) if limits and not np.isinf(wrong[0]) else "a finite number"
        raise RangeError(f"{name} is {wrong[0]:g}.", f"It must be {expected}.", "Correct it.")


def check_positive(name: str, value: float, *, high: float = np.inf) -> None:
    """Refuse a value that is not above 0, is too high, missing or infinite."""
    check_range(name, value, high=high)
    if value <= 0:
        raise RangeError(f"{name} is {value:g}.", "It must be above 0.", "Correct it.")


def check_probability(name: str, values: Any) -> None:
    """Refuse values that are not between 0 and 1, both excluded, missing ones, and none at all."""
    array = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    wrong = array[~((array > 0) & (array < 1))]
    if wrong.size or not array.size:
        found = f"{wrong[0]:g}" if wrong.size else "not given"
        percent = wrong.size and 1 < wrong[0] < 100
        raise RangeError(
            f"{name} is {found}.",
            "It must be a probability between 0 and 1.",
            f"Use {wrong[0] / 100:g}, if it is in percent." if percent else "Correct it.",
        )


def check_pairs(
    observed: Array, quantiles: Array, levels: Array, *, labels: pd.DataFrame, capacity: Array, step: float
) -> None:
    """Refuse outcomes, quantiles, labels and capacities that do not belong together."""
    rows = {np.shape(observed), np.shape(capacity), np.shape(quantiles)[:1]}
    if rows != {(len(labels),)} or np.shape(quantiles)[1:] != np.shape(levels):
        raise SchemaError(
            f"Outcomes, quantiles and capacity have the shapes {np.shape(observed)}, {np.shape(quantiles)} and "
            f"{np.shape(capacity)}, for {len(labels)} rows of labels and {np.size(levels)} levels.",
            "They must have a row for each hour, and quantiles a column for each level.",
            "Use align(observed, forecast).",
        )
    if "kind" not in labels:
        raise SchemaError(
            f"The labels of pairs are {list(labels)}.",
            'They must hold the "kind" of each row\'s site, by which power is produced or consumed.',
            "Use align(observed, forecast).",
        )
    check_levels(levels)
    check_positive("The length of an interval", step)
    if (np.asarray(capacity) < 0).any():
        raise RangeError(
            f"A capacity is {np.nanmin(capacity):g} MW.", "It must be at least 0, or missing.", "Correct it."
        )
    crossing = np.flatnonzero((np.diff(quantiles, axis=1) < 0).any(axis=1))
    if crossing.size:
        where = labels.iloc[int(crossing[0])]
        raise RangeError(
            f"Quantiles of site {where['site']!r} fall from one level to the next at {where['valid_time']} "
            f"({crossing.size} hours in all).",
            "Quantiles must rise with their level.",
            "Sort them where the forecast is made: np.sort(quantiles, axis=-1).",
        )
