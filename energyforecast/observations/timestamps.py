"""Stamps of measurements, as files write them, in UTC: one column, a date and a clock, or a date and a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.table_format import TableFormat
from energyforecast.core.table_stamps import SECOND, ReadStamps, read_stamps, skipped
from energyforecast.errors import SchemaError, TimeError

__all__ = ["Stamps"]

#: Lengths of a settlement period by their number in an ordinary day. [min]
_PERIODS: Final = {24: 60, 48: 30, 96: 15}
#: A time of day, or the number of an hour, with a mark of a doubled hour.
_CLOCK: Final = (
    r"^(?:HE? ?|Hour ?)?(?P<h>\d{1,2})(?P<mark>[ABXabx])?(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:\.0+)?)?)?"
    r"(?P<tail> ?(?:[ABXabx]|DST))?$"
)
#: Marks of the second of two hours in a column of their own.
_YES: Final = ("Y", "YES", "TRUE", "1", "1.0", "X", "B")

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Columns and form of the stamps of a table; its fields are those of :class:`~energyforecast.TableFormat`."""

    timezone: str
    time: str | Sequence[str] | None = None
    period: str | None = None
    periods_per_day: int = 48
    form: str | None = None
    label: str = "beginning"
    frequency: str | timedelta | None = None
    doubled_hour: str | None = None

    @classmethod
    def of_format(cls, form: TableFormat) -> Stamps:
        """Stamps as a format describes them."""
        return cls(
            timezone=form.required("timezone"),
            time=form.time,
            period=form.period,
            periods_per_day=form.periods_per_day,
            form=form.time_format,
            label=form.required("label"),
            frequency=form.frequency,
            doubled_hour=form.doubled_hour,
        )

    @property
    def are_beginnings(self) -> bool:
        """Whether the stamps that are read begin their interval, whatever end the file names."""
        return self.period is not None or self.label != "ending"

    @property
    def used(self) -> tuple[str, ...]:
        """Columns of the time."""
        named = (self.time,) if isinstance(self.time, str) else tuple(self.time or ())
        return (*named, *(name for name in (self.period, self.doubled_hour) if name is not None))

    def of(self, table: pd.DataFrame) -> ReadStamps:
        """Stamps of the rows: in UTC, or as a wall clock shows them.

        Raises
        ------
        SchemaError
            If a column is missing.
        TimeError
            If stamps cannot be read.
        """
        if self.period is not None:
            begin = self._settled(table, self.period)
            return ReadStamps(begin, np.zeros(len(begin), dtype=bool), np.zeros(len(begin), dtype=bool))
        if self.time is not None and not isinstance(self.time, str):
            read = self._joined(table, *self._pair(self.time))
        else:
            read = self._read(_column(table, self.time))
            _not_dates_alone(read.times)
        if self.doubled_hour is not None:
            read = replace(read, second=read.second | _marked(_column(table, self.doubled_hour)))
        if self.label == "hour_ending":
            return self._begun(read)
        return read

    def in_utc(self, read: ReadStamps, *, empty: Bools, drop: bool) -> tuple[pd.DatetimeIndex, Bools]:
        """Stamps in UTC, and the rows that have one: not those in an hour that the clock skips, if they are empty.

        Raises
        ------
        TimeError
            If a row with values is in such an hour, unless these are dropped, or an hour is ambiguous.
        """
        out = skipped(read.times, self.timezone)
        if not out.any():
            return self._localised(read), np.ones(len(out), dtype=bool)
        step = self._step(read.times) if self.label == "hour_ending" else pd.Timedelta(0)
        named_at_end = out & ~np.asarray((read.times - step).isin(read.times)) & (step > pd.Timedelta(0))
        lost = out & ~named_at_end & ~(empty | drop)
        if lost.any():
            raise self._nonexistent((read.times + step)[lost][0], int(lost.sum())).at(
                rows=np.flatnonzero(lost)
            )
        keep = ~out | named_at_end
        # An hour that is named by the clock at its end, 03:00 after 01:00, began an hour before.
        ends = read.times.where(~named_at_end, read.times + step)
        index = self._localised(ReadStamps(ends, read.first, read.second).kept(keep))
        return index - pd.to_timedelta(named_at_end[keep] * step.value, unit="ns"), keep

    def _localised(self, read: ReadStamps) -> pd.DatetimeIndex:
        try:
            return read.in_utc(self.timezone)
        except TimeError as error:
            if self.label != "ending" or not self._is_counted(read):
                raise
            raise TimeError(
                error.found,
                error.expected,
                "Give label='hour_ending': the stamps are right for hours that are counted from 1 to 24.",
            ) from error

    def _is_counted(self, read: ReadStamps) -> bool:
        """Whether stamps that are no times of the clock are right as numbers of hours."""
        try:
            return bool(read.moved(-self._step(read.times)).in_utc(self.timezone).is_monotonic_increasing)
        except TimeError:
            return False

    def _nonexistent(self, when: pd.Timestamp, count: int) -> TimeError:
        remedy = "Give nonexistent='drop' in the format if these rows only fill the table up"
        if self.label == "ending":
            remedy += ", label='hour_ending' if hours are counted from 1 to 24"
        return TimeError(
            f"{when:%Y-%m-%d %H:%M} does not exist on the clock of {self.timezone}: it was put forward. "
            f"{count} such rows have values.",
            "Wall-clock times must follow the changes of their zone.",
            f"{remedy}, or timezone='fixed:+HH:MM' or 'UTC' if the clock never changes.",
        )

    def _begun(self, read: ReadStamps) -> ReadStamps:
        """Beginnings of hours that are counted from 1."""
        if read.times.tz is not None:
            raise TimeError(
                "The stamps have an offset, and label is 'hour_ending'.",
                "Hours that are counted from 1 to 24 must be those of a wall clock.",
                "Give label='ending' if the stamps are the ends of their intervals.",
            )
        return read.moved(-self._step(read.times))

    def _step(self, wall: pd.DatetimeIndex) -> pd.Timedelta:
        """Declared length of an interval, or the most frequent step of the clock."""
        if self.frequency is not None:
            return timestamps.duration(self.frequency)
        steps = np.diff(np.unique(wall.dropna().to_numpy()))
        if not len(steps):
            return pd.Timedelta("1h")
        lengths, counts = np.unique(steps, return_counts=True)
        return pd.Timedelta(lengths[counts.argmax()])

    def _pair(self, time: Sequence[str]) -> tuple[str, str]:
        if len(time) != 2:
            raise SchemaError(
                f"time names {list(time)}.",
                "It must name one column, or one of dates and one of times of day.",
                "Give time='<column>' or time=['<dates>', '<times of day>'].",
            )
        return time[0], time[1]

    def _read(self, column: pd.Index) -> ReadStamps:
        read = read_stamps(column, form=self.form, at_end=self.label != "beginning")
        self._not_24(np.zeros(0, dtype=bool) if read.ends_day is None else read.ends_day)
        return read

    def _not_24(self, ends_day: Bools) -> None:
        if self.label == "beginning" and ends_day.any():
            raise TimeError(
                f"{int(ends_day.sum())} stamps are 24:00, and label is 'beginning'.",
                "24:00 must end an interval: no interval of the day begins at it.",
                "Give label='hour_ending' or 'ending'.",
            )

    def _joined(self, table: pd.DataFrame, dates: str, clock: str) -> ReadStamps:
        """A date and a time of day, or the number of an hour; 24:00 is the end of the date."""
        day = self._dates(table, dates)
        text = pd.Series(_column(table, clock)).astype(str).str.strip().str.removesuffix(".0")
        parts = text.str.extract(_CLOCK)
        bad = parts["h"].isna() | (parts["h"].fillna("0").astype(int) > 24)
        if bad.any():
            raise TimeError(
                f"{clock!r} holds {text[bad].iloc[0]!r}.",
                "A time of day must be written like '09:30', an hour like '9' or '02X'.",
                "Correct the column, or the name.",
            ).at(rows=np.flatnonzero(bad))
        seconds = parts[["h", "m", "s"]].fillna("0").astype(int).to_numpy() @ np.array([3600, 60, 1])
        self._not_24(seconds == 86_400)
        mark = parts["mark"].fillna(parts["tail"]).fillna("").str.strip().str.upper()
        times = pd.DatetimeIndex(day + pd.to_timedelta(seconds, unit="s"))
        return ReadStamps(times, (mark == "A").to_numpy(), mark.isin(SECOND).to_numpy())

    def _dates(self, table: pd.DataFrame, name: str) -> pd.DatetimeIndex:
        day = read_stamps(_column(table, name), form=self.form).times
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
        given = pd.Series(_column(table, period))
        count = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float)
        length = np.timedelta64(_PERIODS[self.periods_per_day], "m")
        whole = (end - begin) // length
        wrong = ~((count >= 1) & (count <= whole[place]) & (count == np.round(count)))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TimeError(
                f"{period!r} is {given[row]} on {day[row]:%Y-%m-%d}.",
                f"That day must have the periods 1 to {whole[place][row]} in {self.timezone}.",
                f"Check timezone and periods_per_day; hours of the clock (02X, no 3 in March) are read with "
                f"time=[{self.time!r}, {period!r}] and label='hour_ending'.",
            ).at(rows=np.flatnonzero(wrong))
        _not_longer_periods(dates, place, count, whole, name=period)
        return timestamps.to_index(begin[place] + (count.astype("int64") - 1) * length)


def _not_dates_alone(wall: pd.DatetimeIndex) -> None:
    """Refuse a date without its column of hours, which would put a whole day on one stamp."""
    if len(wall) > 2 and wall.has_duplicates and (wall == wall.normalize()).all():
        count = int(wall.value_counts().iloc[0])
        raise TimeError(
            f"All stamps are midnights, and {wall[wall.duplicated()][0]:%Y-%m-%d} occurs {count} times.",
            "A stamp must name the time of day; here another column seems to hold it.",
            "Give time=['<dates>', '<times of day>'], time='<dates>' and period='<count of the period>', or "
            "site='<column>' if there is a row for each site and day.",
        )


def _not_longer_periods(
    dates: timestamps.Times,
    place: npt.NDArray[np.intp],
    count: npt.NDArray[np.float64],
    whole: npt.NDArray[np.int64],
    *,
    name: str,
) -> None:
    """Refuse two days in a row that both end after a half or a quarter of their periods: these are longer."""
    last = np.zeros(len(dates))
    np.maximum.at(last, place, count)
    for parts in (2, 4):
        short = last * parts == whole
        found = np.flatnonzero(short[1:] & short[:-1])
        if len(found):
            day = found[0]
            raise TimeError(
                f"{name!r} counts from 1 to {last[day]:.0f} on {pd.Timestamp(dates[day]):%Y-%m-%d} and on the day "
                f"after; periods_per_day gives {whole[day]}.",
                "A day must have the declared number of periods.",
                f"Give periods_per_day={whole[day] // parts} for days with periods of this length, and read parts of "
                "different lengths one by one.",
            )


def _marked(column: pd.Index) -> Bools:
    """Rows with a mark of the second of two hours."""
    return np.asarray(pd.Series(column).astype(str).str.strip().str.upper().isin(_YES))


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
