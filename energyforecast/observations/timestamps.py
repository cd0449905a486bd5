"""Stamps of measurements, as files write them, in UTC: one column, a date and a clock, or a date and a period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.table_cells import all_have_offset
from energyforecast.errors import SchemaError, TimeError

__all__ = ["Stamps"]

#: Lengths of a settlement period by their number in an ordinary day. [min]
_PERIODS: Final = {24: 60, 48: 30, 96: 15}


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Columns and form of the stamps of a table; its fields are those of :class:`~energyforecast.TableFormat`."""

    timezone: str
    time: str | Sequence[str] | None = None
    period: str | None = None
    periods_per_day: int = 48
    form: str | None = None

    def of(self, table: pd.DataFrame) -> pd.DatetimeIndex:
        """Stamps of the rows, in UTC.

        Raises
        ------
        SchemaError
            If a column is missing.
        TimeError
            If stamps cannot be read, or an hour of a clock change is ambiguous.
        """
        if self.period is not None:
            return self._settled(table, self.period)
        if self.time is not None and not isinstance(self.time, str):
            wall = self._joined(table, *self._pair(self.time))
        else:
            wall = self._read(_column(table, self.time))
            self._not_dates_alone(wall)
        return timestamps.localise(wall, timezone=self.timezone)

    @property
    def used(self) -> tuple[str, ...]:
        """Columns of the time."""
        named = (self.time,) if isinstance(self.time, str) else tuple(self.time or ())
        return (*named, self.period) if self.period is not None else named

    def _pair(self, time: Sequence[str]) -> tuple[str, str]:
        if len(time) != 2:
            raise SchemaError(
                f"time names {list(time)}.",
                "It must name one column, or one of dates and one of times of day.",
                "Give time='<column>' or time=['<dates>', '<times of day>'].",
            )
        return time[0], time[1]

    def _read(self, column: pd.Index) -> pd.DatetimeIndex:
        if isinstance(column, pd.DatetimeIndex):
            return column
        if pd.api.types.is_numeric_dtype(column) and len(column):
            raise TimeError(
                f"The stamps are numbers: {column[0]}.",
                "Stamps must be written like '2024-03-01 00:00', or be datetimes.",
                "Give time='<column of the stamps>', or convert them with pandas.to_datetime(..., unit=...).",
            )
        try:
            utc = all_have_offset(column)
            return pd.DatetimeIndex(pd.to_datetime(column, format=self.form or "ISO8601", utc=utc))
        except TimeError:
            raise
        except (ValueError, TypeError, re.error) as error:
            raise TimeError(
                f"The stamps cannot be read: {error}",
                f"Stamps must be written like {self.form or '2024-03-01 00:00, optionally with an offset'}.",
                "Give time_format='%d.%m.%Y %H:%M' or the form of the file.",
            ) from error

    def _joined(self, table: pd.DataFrame, dates: str, clock: str) -> pd.DatetimeIndex:
        """A date and a time of day; 24:00 is the end of the date."""
        day = self._dates(table, dates)
        text = pd.Series(_column(table, clock)).astype(str).str.strip()
        parts = text.str.extract(r"^(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.0+)?)?$")
        bad = parts["h"].isna()
        if bad.any():
            raise TimeError(
                f"{clock!r} holds {text[bad].iloc[0]!r}.",
                "A time of day must be written like '09:30'.",
                "Correct the column, or the name.",
            )
        seconds = parts.fillna("0").astype(int) @ np.array([3600, 60, 1])
        return pd.DatetimeIndex(day + pd.to_timedelta(seconds.to_numpy(), unit="s"))

    def _dates(self, table: pd.DataFrame, name: str) -> pd.DatetimeIndex:
        day = self._read(_column(table, name))
        if day.tz is not None or (day != day.normalize()).any():
            raise TimeError(
                f"{name!r} holds {day[np.argmax(day != day.normalize())]}.",
                "It must hold local dates, without time of day and offset.",
                "Give it as time=... alone if it is a whole stamp.",
            )
        return day

    def _settled(self, table: pd.DataFrame, period: str) -> pd.DatetimeIndex:
        """Local midnight and a number of periods after it: 46, 48 or 50 half-hours make a day."""
        if not isinstance(self.time, str) or self.periods_per_day not in _PERIODS:
            raise SchemaError(
                f"period={period!r} with time={self.time!r}, {self.periods_per_day} periods a day.",
                f"A period needs the column of its date, and a day must have {list(_PERIODS)} of them.",
                "Give time='<column of the dates>'.",
            )
        day = self._dates(table, self.time)
        dates, place = np.unique(day.to_numpy(), return_inverse=True)
        after = dates + np.timedelta64(1, "D")
        begin, end = (
            timestamps.to_ns(timestamps.local_midnights(pd.DatetimeIndex(days).date, timezone=self.timezone))
            for days in (dates, after)
        )
        count = pd.to_numeric(pd.Series(_column(table, period)), errors="coerce").to_numpy(dtype=float)
        length = np.timedelta64(_PERIODS[self.periods_per_day], "m")
        whole = (end - begin) // length
        wrong = ~((count >= 1) & (count <= whole[place]) & (count == np.round(count)))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TimeError(
                f"{period!r} is {count[row]:g} on {day[row]:%Y-%m-%d}.",
                f"That day must have the periods 1 to {whole[place][row]} in {self.timezone}.",
                "Check timezone, periods_per_day and the column.",
            )
        return timestamps.to_index(begin[place] + (count.astype("int64") - 1) * length)

    def _not_dates_alone(self, wall: pd.DatetimeIndex) -> None:
        """Refuse a date without its column of hours, which would put a whole day on one stamp."""
        if len(wall) > 2 and wall.has_duplicates and (wall == wall.normalize()).all():
            count = int(wall.value_counts().iloc[0])
            raise TimeError(
                f"All stamps are midnights, and {wall[wall.duplicated()][0]:%Y-%m-%d} occurs {count} times.",
                "A stamp must name the time of day; here another column seems to hold it.",
                "Give time=['<dates>', '<times of day>'], or time='<dates>' and period='<count of the period>'.",
            )


def _column(table: pd.DataFrame, name: str | None) -> pd.Index:
    if name is None or (name == table.index.name and name not in table.columns):
        return table.index
    if name not in table.columns:
        raise SchemaError(
            f"There is no column {name!r} among {list(table.columns)}.",
            "`time` and `period` must name columns of the time.",
            "Correct the name.",
        )
    return pd.Index(table[name])
