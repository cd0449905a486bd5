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
    """Place and direction of each ramp: the greatest change among neighbours that reach the threshold.

    Parameters
    ----------
    change : array, shape (hours,)
        NaN where it is not known. [MW]
    threshold : array or float
        Smallest change that is a ramp. [MW]

    See Also
    --------
    match_ramps

    Examples
    --------
    >>> onsets(np.array([0.0, 4.0, 6.0, -5.0, np.nan]), 4.0)
    [(2, 1), (3, -1)]
    """
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
    """Numbers of the observed ramps that were predicted, and of the predictions that are false alarms.

    Parameters
    ----------
    observed : sequence of tuple
        Hour and direction, 1 or -1, of each observed ramp. [h]
    predicted : sequence of tuple
        First and last hour of each predicted ramp, and its direction. [h]
    tolerance : float
        Time before or after its hours at which a prediction still hits. [h]

    See Also
    --------
    onsets, energyforecast.evaluation.ramps, energyforecast.planning.alarm_scores

    Notes
    -----
    Each observed ramp, in order, takes the nearest predicted one of its direction that is free; each hits once.

    Examples
    --------
    >>> match_ramps([(4, 1), (9, 1)], [(3, 3, 1), (8, 8, -1)], tolerance=1)
    ([0], [1])
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
