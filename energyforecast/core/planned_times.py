"""Times of planned operation: days, and hours that the clock repeats, in UTC."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import MissingDataError

__all__ = ["activity_times", "is_day", "moments"]

_DAY: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d|\d{8})\s*", re.ASCII)


def activity_times(
    table: pd.DataFrame, *, timezone: str, form: str | None = None
) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Starts and ends in UTC; of an hour that the clock repeats, rows that follow each other meet.

    Alone, an activity holds through both showings of the hour. Of two rows of one activity and publication with the
    same start, no longer than the hour, the later row is for the second showing. An end that is the start of another
    row is the first showing.
    """
    read: Any = {"timezone": timezone, "form": form}
    start, later_start = (
        moments(table["start"], late=False, name="start", second=second, **read) for second in (False, True)
    )
    first_end, end = (
        moments(table["end"], late=True, name="end", second=second, **read) for second in (False, True)
    )
    if (start == later_start).all() and (first_end == end).all():
        return start, end
    keys = table[[name for name in ("site", "activity", "published") if name in table]].astype(str)
    rows = keys.assign(start=start, twice=(later_start > start) & (end - later_start <= later_start - start))
    again = rows["twice"].to_numpy() & rows.duplicated().to_numpy()
    leading = rows["twice"].to_numpy() & rows.duplicated(keep="last").to_numpy() & ~again
    rows["start"] = start = start.where(~again, later_start)
    begun = pd.MultiIndex.from_frame(rows.drop(columns="twice"))
    meets = pd.MultiIndex.from_frame(keys.assign(start=first_end)).isin(begun) & ~again
    ends = end.where(~meets, first_end)
    return start, ends.where(~leading, end - (later_start - start))


def moments(
    column: pd.Series,
    *,
    timezone: str,
    late: bool,
    name: str,
    form: str | None = None,
    second: bool | None = None,
) -> pd.DatetimeIndex:
    """Moments of a column in UTC; `late`: a day is its end; `second`: which of two hours that the clock shows twice.

    The second one counts where `late`, if `second` is not given.

    Raises
    ------
    TimeError
        If a cell cannot be read.
    MissingDataError
        If a cell is empty.
    """
    read = read_stamps(column, form=form)
    if read.times.hasnans:
        raise MissingDataError(
            f"The column {name!r} is empty in row {int(np.argmax(read.times.isna())) + 1}.",
            "Every activity must have a start, an end and the time at which it was known.",
            "Complete the row, or leave it out.",
        )
    if read.times.tz is not None:
        return timestamps.localise(read.times, timezone=timezone)
    second = late if second is None else second
    # Of a day the midnight counts, where the clock skips it the first moment of the day.
    days = _days_alone(column, form)
    whole = read.times[days] + pd.Timedelta(days=int(late))
    result = np.empty(len(days), dtype="datetime64[ns]")
    result[days] = timestamps.to_ns(timestamps.local_midnights(whole, timezone=timezone))
    timed = read.kept(~days)
    result[~days] = timestamps.to_ns(timed.known_by(timezone) if second else timed.begun_by(timezone))
    return timestamps.to_index(result)


def _days_alone(column: pd.Series, form: str | None) -> npt.NDArray[np.bool_]:
    """Cells that are a day without a time of day; a datetime at midnight is a moment."""
    if form is not None and not any(sign in form for sign in ("%H", "%I")):
        return np.ones(len(column), dtype=bool)
    return np.array([is_day(cell) for cell in column], dtype=bool)


def is_day(cell: Any) -> bool:
    """Whether a cell is a day without a time of day."""
    if isinstance(cell, str):
        return _DAY.fullmatch(cell) is not None
    return isinstance(cell, date) and not isinstance(cell, datetime)
