"""Lengths of the intervals that the stamps of a table end or begin, where the step changes within it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import TimeError

__all__ = ["Intervals"]

#: Equal steps in succession, longer than the usual one, that are no missing rows.
_LASTING: Final = 4
_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
_MINUTE: Final = np.timedelta64(1, "m")


@dataclass(frozen=True)
class Intervals:
    """Stamps of a table, each once, with the lengths of the intervals that end and begin at them."""

    stamps: Any  # datetime64 or timedelta64, which numpy types as strangers
    before: Any
    after: Any

    @classmethod
    def of(cls, stamps: Any, *, strict: bool = True) -> Intervals:
        """Intervals between stamps; where rows are missing, as long as those around.

        Raises
        ------
        TimeError
            If a length cannot be determined and `strict`, with the first stamp at which the step changes.

        Examples
        --------
        >>> hours = np.array([0, 1, 2, 3, 5, 6, 9, 12], dtype="timedelta64[h]").astype("timedelta64[ns]")
        >>> (Intervals.of(hours).before / np.timedelta64(1, "h")).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0]
        """
        unique = np.unique(stamps)
        if len(unique) < 2:
            return cls(unique, *[np.full(len(unique), _HOUR)] * 2)
        given = np.diff(unique)
        if unique.dtype.kind == "m":  # steps never become shorter with the lead
            steps = np.minimum.accumulate(given[::-1])[::-1]
            return cls(unique, np.append(steps[:1], steps), np.append(steps, steps[-1:]))
        kept = _lasting(given)
        following = pd.Series(given).where(kept).bfill().ffill().to_numpy()
        preceding = pd.Series(given).where(kept).ffill().bfill().to_numpy()
        unclear = np.flatnonzero(
            ~kept & ((following != preceding) | (given % following != np.timedelta64(0)))
        )
        if strict and unclear.size:
            raise TimeError(
                f"After {np.datetime_as_string(unique[unclear[0]], unit='m')} UTC the next stamp of the table follows "
                f"in {given[unclear[0]] / _MINUTE:g} min; those before it in {preceding[unclear[0]] / _MINUTE:g} min, "
                f"those after it in {following[unclear[0]] / _MINUTE:g} min.",
                "The length of the interval of each mean or sum must be known.",
                "Read each part of one step by itself, and leave single rows of another step out.",
            )
        return cls(unique, np.append(following[:1], following), np.append(preceding, preceding[-1:]))

    def at(self, stamps: Any, lengths: Any) -> Any:
        """Lengths at some of the stamps."""
        return lengths[np.searchsorted(self.stamps, stamps)]

    def first_coarser(self, stamps: Any, group: npt.NDArray[np.int64]) -> int | None:
        """Row after which its group (a site, or a run of it) has longer steps than the table, if any has."""
        order = np.lexsort((stamps, group))
        inside = np.diff(group[order]) == 0
        rows, steps = order[:-1][inside], np.diff(stamps[order])[inside]
        coarse = np.diff(np.searchsorted(self.stamps, stamps)[order])[inside] > 1
        size = np.bincount(group[rows], minlength=1)
        throughout = ((size > 1) & (np.bincount(group[rows], weights=coarse, minlength=1) == size))[
            group[rows]
        ]
        again = coarse[1:] & coarse[:-1] & (steps[1:] == steps[:-1]) & (np.diff(group[rows]) == 0)
        lasting = np.append(again[1:] & again[:-1], [False] * min(2, len(rows)))
        found = np.flatnonzero(throughout | lasting)
        return int(rows[found[0]]) if found.size else None


def _lasting(steps: Any) -> npt.NDArray[np.bool_]:
    """Which steps belong to a stretch of equal ones: the usual step, shorter ones in pairs, longer ones in fours."""
    sizes, counts = np.unique(steps, return_counts=True)
    usual = sizes[counts.argmax()]
    stretch = np.cumsum(np.append(False, steps[1:] != steps[:-1]))
    length = np.bincount(stretch)[stretch]
    return np.asarray((steps == usual) | (length >= np.where(steps < usual, 2, _LASTING)))
