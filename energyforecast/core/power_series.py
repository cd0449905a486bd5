"""Measured series that are no power in one unit: readings of a meter, and units that change."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import UnitsError

__all__ = ["check_unit_of_power", "is_counter"]

Floats = npt.NDArray[np.float64]

#: Changes from which a series that hardly ever falls is one of readings.
_CHANGES: Final = 96
#: Share of falls among the changes: a count of the day falls once a day; power falls as often as it rises.
_FALLS: Final = 0.1
#: Days before and after a change of the unit that are compared.
_STRETCH: Final = 15
#: Ratios between them that another unit gives, one or two steps of a thousand: seasons and calms give less.
_RATIOS: Final = ((250.0, 4e3), (2.5e5, 4e6))
#: Largest ratio between the ratios of low, usual and high power: an outage has another shape.
_ALIKE: Final = 4.0
#: Days at an end that have another unit, if each is so many times larger than any other.
_END, _APART = 14, 100.0


def is_counter(values: pd.Series) -> bool:
    """Whether a series rises with hardly a fall, as readings of a meter or a count of the day."""
    changes = np.diff(values.dropna().to_numpy(dtype=float))
    changes = changes[changes != 0]
    return len(changes) >= _CHANGES and float((changes < 0).mean()) < _FALLS


def check_unit_of_power(values: pd.Series, *, label: str) -> None:
    """Refuse power with a unit that changes between two stretches of days.

    Raises
    ------
    UnitsError
        With the first day in another unit: from it on, the medians of the days' median, 90 % quantile and maximum are
        all a thousand times larger or smaller. Of up to 14 days at an end, larger ones alone are found.
    """
    known = values[values.notna() & (values > 0)]
    days = known.groupby(pd.DatetimeIndex(known.index).floor("D"))
    table = pd.DataFrame({"median": days.median(), "high": days.quantile(0.9), "largest": days.max()})
    _refuse_end(table, label)
    usual = table.assign(count=days.size()).rolling(_STRETCH).median().to_numpy()
    if len(usual) < 2 * _STRETCH:
        return
    before, after = usual[_STRETCH - 1 : -_STRETCH], usual[2 * _STRETCH - 1 :]
    as_often = np.abs(np.log2(after[:, 3] / before[:, 3])) < 1  # an outage has few positive values
    before, after = before[:, :3], after[:, :3]
    size = np.exp(np.abs(np.log(after / before)))
    alike = size.max(axis=1) < _ALIKE * size.min(axis=1)
    one_way = (after > before).all(axis=1) | (after < before).all(axis=1)
    units = np.any([((size > low) & (size < high)).all(axis=1) for low, high in _RATIOS], axis=0)
    wrong = np.flatnonzero(alike & one_way & units & as_often)
    if wrong.size:
        first = int(wrong[0])
        row = first + _jump(np.log(table.to_numpy()[first : first + 2 * _STRETCH]).sum(axis=1))
        raise _changes(label, table.index[row], before[first, 2], after[first, 2])


def _changes(label: str, day: pd.Timestamp, before: float, after: float) -> UnitsError:
    return UnitsError(
        f"{label} changes its unit at {day:%Y-%m-%d}: its usual highest power of a day is {after:.4g} MW after it, and "
        f"{before:.4g} MW before.",
        "The whole series must be in one unit, MW.",
        "Read the parts in each unit by themselves, with their unit=..., and join them; if the power is right, "
        "flag the smaller part.",
    )


def _refuse_end(table: pd.DataFrame, label: str) -> None:
    """Refuse a few days at an end that are all a thousand times larger than all others."""
    for count in range(1, min(_END, len(table) - _STRETCH) + 1):
        for end, rest, day in (
            (table[-count:], table[:-count], -count),
            (table[:count], table[count:], count),
        ):
            if end["largest"].min() < _APART * rest["largest"].max():
                continue
            size = (end.median() / rest.median()).to_numpy()
            alike = size.max() < _ALIKE * size.min()
            if alike and any(low < size.min() and size.max() < high for low, high in _RATIOS):
                usual = rest["largest"].median(), end["largest"].median()
                raise _changes(label, table.index[day], *(usual if day < 0 else usual[::-1]))


def _jump(level: Floats) -> int:
    """Place from which a level differs most from that before it: of the largest variance between both parts."""
    parts = np.arange(1, len(level))
    before, total = np.cumsum(level)[:-1], level.sum()
    return 1 + int(np.argmax(before**2 / parts + (total - before) ** 2 / (len(level) - parts)))
