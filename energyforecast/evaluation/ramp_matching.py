"""Ramps: their onsets in a series of changes, and the matching of predicted with observed ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["match_ramps", "onsets"]

Array = npt.NDArray[Any]


def onsets(change: Array, threshold: Array | float) -> list[tuple[int, int]]:
    """Place and direction of each ramp: the greatest change of neighbours of a sign that reach the threshold. [MW]"""
    large = np.where(np.abs(np.nan_to_num(change)) >= threshold, np.sign(np.nan_to_num(change)), 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], large, [0]])))
    return [
        (start + int(np.abs(change[start:end]).argmax()), int(large[start]))
        for start, end in pairwise(edges.tolist())
        if large[start]
    ]


def match_ramps(
    observed: Sequence[tuple[float, int]],
    predicted: Sequence[tuple[float, float, int]],
    *,
    tolerance: float,
) -> tuple[list[int], list[int]]:
    """Numbers of the observed ramps that are hit, and of the predicted ones that are false alarms.

    Observed ramps are (hour, direction), predicted ones (first hour, last hour, direction). Each observed ramp, in
    order, takes the nearest free prediction of its direction within the tolerance. [h]
    """
    free = dict(enumerate(predicted))
    hits = []
    for number, (hour, direction) in enumerate(observed):
        away = {
            key: max(first - hour, hour - last, 0.0)
            for key, (first, last, way) in free.items()
            if way == direction
        }
        near = min(away, key=lambda key: away[key], default=None)
        if near is not None and away[near] <= tolerance + 1e-6:
            hits.append(number)
            del free[near]
    return hits, list(free)
