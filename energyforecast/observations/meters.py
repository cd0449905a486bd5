"""Energy of the intervals between readings of a meter, without readings that are faulty."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["energies"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Share of a fall that the last step must make good, so that the readings below are faulty: a meter that began again
#: (a new one, or a count of the day) climbs by small steps.
_BACK: Final = 0.9


def energies(
    readings: pd.DataFrame, step: pd.Timedelta | pd.TimedeltaIndex
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energy between a reading and the previous one, and the intervals before and after a faulty reading.

    `step` is the length of an interval, or of that before each reading.
    The energy is missing before and after a gap or a faulty reading, and where the reading falls (a new meter).
    """
    faulty = readings.apply(
        lambda meter: pd.Series(_faulty_of(meter.to_numpy(dtype=float)), index=meter.index)
    )
    trusted = readings.where(~faulty)
    before = trusted.reindex(trusted.index - step).set_axis(trusted.index, axis=0)
    counted = trusted - before
    beside = faulty | (faulty.shift(1, fill_value=False) & readings.notna())
    return counted.where(counted >= 0).iloc[1:], beside.iloc[1:]


def _faulty_of(readings: Floats) -> Bools:
    """Readings that fall and come back, or rise and come back; of two that contradict each other both."""
    known = np.flatnonzero(np.isfinite(readings))
    found = np.zeros(len(readings), dtype=bool)
    values, last = readings[known], len(known) - 1
    below = _excursions(values)
    above = {
        last - fall: (last - end, last - begin) for fall, (begin, end) in _excursions(-values[::-1]).items()
    }
    for fall in {*below, *(rise + 1 for rise in above)}:
        spans = [span for span in (below.get(fall), above.get(fall - 1)) if span is not None]
        shortest = min(end - begin for begin, end in spans)
        for begin, end in spans:
            if end - begin == shortest:
                found[known[begin : end + 1]] = True
    return found


def _excursions(values: Floats) -> dict[int, tuple[int, int]]:
    """First and last reading below the level from which they fell, by the first, where one step leads back."""
    found: dict[int, tuple[int, int]] = {}
    waiting: list[tuple[float, int]] = []  # levels that are not reached again, from high to low
    for place, (before, value) in enumerate(pairwise(values.tolist()), start=1):
        while waiting and waiting[-1][0] <= value:
            level, fall = waiting.pop()
            depth = level - values[fall]
            if level - before >= _BACK * depth and value - level <= depth:
                found[fall] = (fall, place - 1)
        if value < before:
            waiting.append((before, place))
    return found
