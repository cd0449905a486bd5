"""Layouts of tables of measurements: a row for each site and time, a row for each day, rows in another order."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.bounded_memory import regular_grid
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.table_stamps import read_stamps
from energyforecast.core.wording import short
from energyforecast.errors import MissingDataError, SchemaError, TimeError

__all__ = ["by_site", "in_order", "joined", "refuse_day_rows", "refuse_several_rows"]

#: Share of rows with the stamp of another one that no change of a clock gives.
_SEVERAL: Final = 0.3
#: Share of rows of one site in a doubled hour.
_DOUBLED: Final = 0.1
#: Names of columns that are hours of a day, and their number.
_HOUR: Final = re.compile(
    r"(?:HE?|Hour|h)? ?_?\d{1,2}(?:[:.]\d\d)?(?: ?(?:-|to|bis) ?\d{1,2}[:.]\d\d)?[ABXabx]?"
)
_PERIODS: Final = (*range(23, 26), *range(46, 51), *range(92, 101))


def by_site(
    table: pd.DataFrame, form: TableFormat
) -> Iterator[tuple[str, pd.DataFrame, npt.NDArray[np.intp]]]:
    """Rows of each site of a table with a row for each site and time, and their places in it."""
    if form.site not in table.columns:
        raise SchemaError(
            f"There is no column {form.site!r} among {list(table.columns)}.",
            "`site` must name the column of the names of the sites.",
            "Correct the name.",
        )
    names = table[form.site]
    if names.isna().any():
        raise SchemaError(
            f"The column {form.site!r} is empty in {int(names.isna().sum())} rows.",
            "Every row must have the name of its site.",
            "Correct or drop the rows.",
        ).at(rows=np.flatnonzero(names.isna()))
    rest = table.drop(columns=form.site)
    for name in dict.fromkeys(names):
        own = (names == name).to_numpy()
        yield str(name), rest[own], np.flatnonzero(own)


def joined(parts: Mapping[str, Observations]) -> Observations:
    """Observations of single columns, each under the name of its site."""
    if not parts:
        raise MissingDataError("The table has no row of a site.", "It must have rows.", "Check the file.")
    several = next((part.sites for part in parts.values() if len(part.sites) != 1), None)
    if several is not None:
        raise SchemaError(
            f"The table has the columns of numbers {list(several)}.",
            "A table with a row for each site and time must have one column of values.",
            f"Give columns=[{several[0]!r}], or another of them.",
        )
    steps = {name: part.frequency for name, part in parts.items()}
    step, first = next(iter(steps.values())), next(iter(steps))
    other = next((name for name in steps if steps[name] != step), None)
    stamps = [timestamps.to_ns(part.index) for part in parts.values()]
    index = timestamps.to_index(np.unique(np.concatenate(stamps)))
    regular = regular_grid(index, step)
    if other is not None or len(index.difference(regular)):
        name = other or next(name for name in parts if len(parts[name].index.difference(regular)))
        raise TimeError(
            f"{name!r} has values every {short(steps[name])} from {parts[name].index[0]}, "
            f"{first!r} every {short(step)} from {parts[first].index[0]}.",
            "Sites of one table must have the same intervals.",
            "Read the sites one by one, and bring them to one frequency by power.resample(...).",
        )
    values, flags, known = (
        {name: column.iloc[:, 0] for name, column in columns.items() if column is not None}
        for columns in (
            {name: getattr(part, field) for name, part in parts.items()}
            for field in ("values", "flags", "published_time")
        )
    )
    sample = parts[first]
    flagged = pd.DataFrame(flags, index=regular, columns=list(parts))
    return Observations(
        pd.DataFrame(values, index=regular),
        published_after=sample.published_after,
        published_time=pd.DataFrame(known, index=regular) if known else None,
        flags=None if not flags else flagged.where(flagged.notna(), 0).astype("int64"),
        frequency=step,
    )


def refuse_several_rows(table: pd.DataFrame, times: pd.DatetimeIndex, spent: Sequence[str | None]) -> None:
    """Refuse a table with a row for each site and time that is not declared as such."""
    if times.duplicated().sum() <= _SEVERAL * len(times):
        return
    for name in table.columns:
        keys = pd.MultiIndex.from_arrays([times, table[name].to_numpy()])
        if name not in spent and table[name].nunique() < len(table) and keys.duplicated().mean() < _DOUBLED:
            is_time = _are_times(table[name])
            field = "published_time" if is_time else "site"
            raise SchemaError(
                f"{times[times.duplicated()][0]} has several rows, one for each value of the column {name!r}.",
                f"A table with several rows for each time must be declared: {field}.",
                f"Give {field}={name!r}"
                + ("." if is_time else " and columns=['<column of the values>'] in the format."),
            )


def _are_times(column: pd.Series) -> bool:
    """Whether a column holds stamps, as of publications."""
    try:
        return bool(read_stamps(column).times.notna().any())
    except TimeError:
        return False


def refuse_day_rows(measured: pd.DataFrame, times: pd.DatetimeIndex, form: TableFormat) -> None:
    """Refuse a table with a row for each day and a column for each hour, which is no table of 24 sites."""
    names = [str(name) for name in measured.columns if _HOUR.fullmatch(str(name))]
    if form.columns is None and len(names) in _PERIODS and (times == times.normalize()).all():
        raise SchemaError(
            f"Each row is a day, and its columns {names[0]!r} to {names[-1]!r} are hours or periods of the day.",
            "A table must have a row for each interval, and a column for each site.",
            "Give frame.melt(id_vars='<column of the days>', var_name='hour', value_name='<site>') with "
            "format=TableFormat(time=['<column of the days>', 'hour'], columns=['<site>']), sorted by time, or "
            "name the columns by columns=[...] if they are sites.",
        )


def in_order(values: pd.DataFrame, wall: pd.DatetimeIndex, *, strict: bool) -> pd.DataFrame:
    """Rows in the order of time: sorted if they go from the newest to the oldest, or have an offset.

    Raises
    ------
    TimeError
        If a clock goes back within the rows, so that they may be misread.
    """
    if values.index.is_monotonic_increasing or values.index.hasnans:
        return values
    if values.index.is_monotonic_decreasing or wall.tz is not None:
        return values.sort_index(kind="stable")
    row = 1 + int(np.flatnonzero(np.diff(timestamps.to_ns(values.index)) < np.timedelta64(0, "ns"))[0])
    before, when = wall[row - 1], wall[row]
    if when == when.normalize() and before.normalize() == when:
        raise TimeError(
            f"power goes back in time from {before} to {when}.",
            "Times must rise; 00:00 begins the day of its date.",
            "Give 00:00 at the end of a day the next date, or write 24:00.",
        )
    if strict:
        raise TimeError(
            f"power goes back in time from {before} to {when}.",
            "Times must rise, or go from the newest to the oldest.",
            "Sort the rows if each stamp is right; else correct time_format, where day and month may be exchanged.",
        ).at(rows=_out_of_order(timestamps.to_ns(values.index)))
    return values


def _out_of_order(times: timestamps.Times) -> list[int]:
    """Fewest rows without which times do not fall."""
    ends: list[int] = []  # row that ends the best rising chain of each length
    before = np.full(len(times), -1)
    stamps = times.astype(np.int64).tolist()
    for row, stamp in enumerate(stamps):
        length = bisect_right(ends, stamp, key=stamps.__getitem__)
        before[row] = ends[length - 1] if length else -1
        ends[length : length + 1] = [row]
    kept, row = set(), ends[-1]
    while row >= 0:
        kept.add(row)
        row = int(before[row])
    return [row for row in range(len(stamps)) if row not in kept]
