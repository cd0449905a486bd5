"""Energy of the intervals between readings of a meter, without readings that are faulty."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import RangeError

__all__ = ["energies"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Share of a fall that the last step must make good, so that the readings below are faulty: a meter that began again
#: (a new one, or a count of the day) climbs by small steps.
_BACK: Final = 0.9
#: Energy of an interval, as a multiple of the largest of all others, from which on a reading is faulty.
_LEAP: Final = 50.0
#: Number of such intervals that are looked for, and of others that they are compared with.
_LEAPS: Final = 3
#: Falls, and their share of the changes and of the energy, from which on a register also counts down: one that begins
#: again each day falls by all that it counted, but seldom, and noise often, but by little.
_DOWN: Final = (10, 0.2, 0.05)


def energies(
    readings: pd.DataFrame, step: pd.Timedelta | pd.TimedeltaIndex
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energy between a reading and the previous one, and the intervals before and after a faulty reading.

    `step` is the length of an interval, or of that before each reading.
    The energy is missing before and after a gap or a faulty reading, where the reading falls (a new meter), and where
    it leaps: after a faulty first reading, before a faulty last one, and at a meter that begins higher.

    Raises
    ------
    RangeError
        If readings fall as if a register counted up and down.
    """
    for name, meter in readings.items():
        _refuse_falls(meter.dropna().to_numpy(dtype=float), str(name))
    faulty = readings.apply(
        lambda meter: pd.Series(_faulty_of(meter.to_numpy(dtype=float)), index=meter.index)
    )
    trusted = readings.where(~faulty)
    before = trusted.reindex(trusted.index - step).set_axis(trusted.index, axis=0)
    counted = trusted - before
    beside = faulty | (faulty.shift(1, fill_value=False) & readings.notna())
    leaps = counted.apply(
        lambda energy: pd.Series(_leaps_of(energy.to_numpy(dtype=float)), index=energy.index)
    )
    return counted.where((counted >= 0) & ~leaps).iloc[1:], (beside | leaps).iloc[1:]


def _refuse_falls(readings: Floats, name: str) -> None:
    """Refuse a register that counts up and down: its exports would be missing."""
    changes = np.diff(readings)
    falls, rises = -changes[changes < 0], changes[changes > 0]
    count, often, much = _DOWN
    if (
        len(falls) >= count
        and len(falls) > often * (len(falls) + len(rises))
        and falls.sum() > much * rises.sum()
    ):
        raise RangeError(
            f"The readings of {name!r} fall in {len(falls)} of {len(changes)} intervals.",
            "The readings of a meter must rise.",
            "Read import and export by themselves, if they have registers of their own; else read the differences of "
            "the readings, frame.diff(), without cumulative.",
        )


def _leaps_of(energy: Floats) -> Bools:
    """Up to three intervals with many times the energy of any other."""
    largest = np.sort(energy[energy > 0])[::-1]
    for count in range(1, min(_LEAPS, len(largest) - _LEAPS) + 1):
        if largest[count - 1] > _LEAP * largest[count]:
            return np.asarray(energy >= largest[count - 1])
    return np.zeros(len(energy), dtype=bool)


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
