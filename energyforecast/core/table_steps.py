"""Lengths of the intervals of a table: known for each stretch, and refused or brought to one where they change."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.wording import short
from energyforecast.errors import TimeError

__all__ = ["changes_of_step", "refusal", "step_changes", "usual_step"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Intervals in a row that show a step.
_RUN: Final = 3
#: Absent intervals in a row of longer steps that are no gaps.
_ABSENT: Final = 8
#: Expected number of such rows by chance, for a logger that loses intervals at random, up to which it is a step.
_CHANCE: Final = 1e-3


def usual_step(steps: Ints) -> int:
    """Shortest step that occurs in a row, which a gap cannot give; else the most frequent one. [ns]"""
    rising = steps[steps > 0]
    starts, lengths = _runs(rising)
    rows = rising[starts][lengths >= _RUN]
    lengths_of, counts = np.unique(rising, return_counts=True)
    common = int(lengths_of[counts.argmax()])
    shorter = [int(step) for step in np.unique(rows) if step < common and common % step == 0]
    return min(shorter, default=common)


def changes_of_step(steps: Ints, step: int, *, all_rows: bool = True) -> Ints:
    """Length of the interval of each step: the usual one, or a multiple that follows itself too often for gaps.

    Zero where it is not known: gaps, and steps between runs of a table (`steps` below or equal to 0). With `all_rows`
    the steps are those of rows, which are all of one length if they follow each other by no other; else those of
    values among empty cells. [ns]
    """
    known = np.where(steps == step, step, 0)
    inside = steps[steps > 0]
    if all_rows and len(inside) > 1 and (inside == inside[0]).all() and inside[0] % step == 0:
        return np.where(steps > 0, inside[0], 0)
    starts, counts = _runs(steps)
    values = steps[starts]
    for run in np.flatnonzero((values > step) & (values % step == 0) & (counts > 1)):
        begin, end = starts[run], starts[run] + counts[run]
        at_edge = all_rows and (begin == 0 or end == len(steps))
        if _is_step(int(values[run] // step), int(counts[run]), inside / step, at_edge=at_edge):
            known[begin:end] = values[run]
    return known


def _is_step(parts: int, count: int, steps: Floats, *, at_edge: bool) -> bool:
    """Whether steps of so many parts in a row are unlikely as gaps, for the share of parts that is absent elsewhere.

    At an edge of a table, where a change of the step leaves a few rows, their place is not one among many.
    """
    absent = (parts - 1) * count
    if at_edge:
        rest = steps.sum() - parts * count
        lost = 1 - (len(steps) - count) / rest if rest > 0 else 1.0
        if 2 * lost**absent < _CHANCE:
            return True
    share = 1 - len(steps) / steps.sum()
    chance = steps.sum() * share**absent * (1 - share) ** count
    return bool(count >= _RUN and absent >= _ABSENT and chance < _CHANCE)


def _runs(steps: Ints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Beginnings and lengths of the runs of equal steps."""
    if not len(steps):
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    starts = np.flatnonzero(np.append(True, steps[1:] != steps[:-1]))
    return starts, np.diff(np.append(starts, len(steps)))


def step_changes(index: pd.DatetimeIndex, step: pd.Timedelta, *, at_end: bool, all_rows: bool) -> Ints | None:
    """Length of the interval of each stamp, where it is not that of `step` for all; else None. [ns]"""
    steps = np.diff(timestamps.to_ns(index).astype("int64"))
    known = changes_of_step(steps, step.value, all_rows=all_rows)
    lengths = np.unique(known[known > 0])
    if not len(lengths) or (len(lengths) == 1 and lengths[0] == step.value):
        return None
    # The step before a stamp is that of an interval named at its end, the step after it of one named at its beginning.
    own = np.append(0, known) if at_end else np.append(known, 0)
    filled = pd.Series(own).replace(0, np.nan)
    filled = filled.bfill().ffill() if at_end else filled.ffill().bfill()
    return np.asarray(filled.to_numpy(), dtype="int64")


def refusal(
    name: str, index: pd.DatetimeIndex, widths: Ints, *, step: pd.Timedelta, remedy: str
) -> TimeError:
    """Error for a step that changes, or that is longer than the declared one."""
    change = np.flatnonzero(widths[1:] != widths[:-1])
    row = int(change[0]) + 1 if len(change) else 0
    before, after = (short(pd.Timedelta(width)) for width in widths[[row - 1, row]])
    when = f"{index[row]:%Y-%m-%d %H:%M}"
    found = f"{name} changes its step from {before} to {after} at {when} UTC."
    if not len(change):
        found = (
            f"{name} has values every {after} from {when} UTC on, and the step of the table is {short(step)}."
        )
    expected = "All intervals of a series must have the same length, that of its frequency."
    return TimeError(found, expected, remedy)
