"""Stamps of tables: ISO 8601 or a declared form, 24:00 at the end of a day, and marks of a doubled hour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.table_cells import all_have_offset
from energyforecast.errors import TimeError

__all__ = ["SECOND", "ReadStamps", "read_stamps", "skipped"]

Bools = npt.NDArray[np.bool_]

#: Marks of the second of two hours with the same number: ``02X``, ``2B``. ``A`` marks the first, ``DST`` either.
SECOND: Final = ("X", "B")
_MARK: Final = "[ABXabx]"
_TAIL: Final = rf"(?P<tail> ?(?:{_MARK}|DST))?"
_OFFSET: Final = r" ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
#: Words that pandas takes for the present, in every form.
_WORDS: Final = ("now", "today")
_UNREADABLE: Final = (ValueError, TypeError, OverflowError, re.error)
_ISO: Final = re.compile(
    rf"\d{{4}}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?)?(?:{_OFFSET})?)?"
    rf"|\d{{8}}(?:T\d\d(?:\d\d(?:\d\d(?:[.,]\d{{1,9}})?)?)?(?:{_OFFSET})?)?",
    re.ASCII,
)
#: The same with a mark, or the hour 24.
_SPECIAL_ISO: Final = re.compile(
    rf"\d{{4}}-\d\d-\d\d[T ](?P<H>\d\d|\d(?={_MARK}))(?P<mark>{_MARK})?(?::(?P<M>\d\d))?(?::(?P<S>\d\d))?{_TAIL}",
    re.ASCII,
)
_DIRECTIVES: Final = {
    "H": rf"(?P<H>\d{{1,2}})(?P<mark>{_MARK})?",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "Y": r"\d{4}",
    "y": r"\d\d",
    "b": r"[^\W\d]+\.?",
    "B": r"[^\W\d]+",
    "f": r"\d{1,9}",
    "j": r"\d{1,3}",
    "z": _OFFSET,
    "%": "%",
}
#: Forms that are proposed where all stamps of a column have one.
_DATES: Final = (
    *("%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d"),
    *("%Y.%m.%d", "%d-%b-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
)
_CLOCKS: Final = (" %H:%M", " %H:%M:%S", "", " %H", " %I:%M %p", " %I:%M:%S %p", "T%H:%M", " %H:%M%z")


@dataclass(frozen=True, eq=False)
class ReadStamps:
    """Stamps of rows: in UTC where they have an offset, else as their wall clock shows them.

    `second` is true where a mark names the second of two hours with the same number, `first` where it names the first,
    `ends_day` where the hour is 24.
    """

    times: pd.DatetimeIndex
    first: Bools
    second: Bools
    ends_day: Bools | None = None

    def moved(self, by: pd.Timedelta) -> ReadStamps:
        """The same, later on their clock."""
        return ReadStamps(self.times + by, self.first, self.second)

    def kept(self, rows: Bools) -> ReadStamps:
        """Stamps of some rows."""
        return ReadStamps(self.times[rows], self.first[rows], self.second[rows])

    def in_utc(self, timezone: str) -> pd.DatetimeIndex:
        """Stamps in UTC: doubled hours by their mark, else by their order in time, from either end.

        Raises
        ------
        TimeError
            If a time does not exist, a doubled hour is ambiguous, or a mark is on an hour that is not doubled.
        """
        if self.times.tz is not None:
            return timestamps.localise(self.times, timezone=timezone)
        if not (self.first | self.second).any():
            if _newest_first(self.times):
                return timestamps.localise(self.times[::-1], timezone=timezone)[::-1]
            return timestamps.localise(self.times, timezone=timezone)
        early, late = _both(self.times, timezone)
        strange = (self.first | self.second) & (early == late)
        if strange.any():
            raise TimeError(
                f"{self.times[strange][0]:%Y-%m-%d %H:%M} is marked as an hour that occurs twice, {strange.sum()} such "
                f"rows in all; on the clock of {timezone} it occurs once.",
                "A mark must be on the doubled hour of the day on which the clock is put back.",
                "Check timezone and label (hours counted from 1 have label='hour_ending'), or the column of the mark.",
            )
        return timestamps.to_index(np.where(self.second, late, early))

    def known_by(self, timezone: str) -> pd.DatetimeIndex:
        """Times of publication in UTC, in any order; the later moment where a clock shows one twice."""
        if self.times.tz is not None:
            return timestamps.localise(self.times, timezone=timezone)
        early, late = _both(self.times, timezone)
        return timestamps.to_index(np.where(self.first, early, late))

    def begun_by(self, timezone: str) -> pd.DatetimeIndex:
        """Beginnings in UTC, in any order; the earlier moment where a clock shows one twice."""
        if self.times.tz is not None:
            return timestamps.localise(self.times, timezone=timezone)
        early, late = _both(self.times, timezone)
        return timestamps.to_index(np.where(self.second, late, early))


def _newest_first(times: pd.DatetimeIndex) -> bool:
    """Whether rows go from the newest to the oldest, up to the hours of a clock that is put back."""
    steps = np.diff(times.to_numpy())
    falls = float((steps < np.timedelta64(0, "ns")).mean()) if len(steps) else 0.0
    return falls > 0.5 and bool((steps <= np.timedelta64(2, "h")).all())


def skipped(times: pd.DatetimeIndex, timezone: str) -> Bools:
    """Wall times that do not exist, because the clock is put forward over them."""
    if times.tz is not None:
        return np.zeros(len(times), dtype=bool)
    place = timestamps.zone(timezone)
    local = times.tz_localize(place, ambiguous=np.ones(len(times), dtype=bool), nonexistent="NaT")
    return np.asarray(local.isna() & times.notna())


def _both(times: pd.DatetimeIndex, timezone: str) -> tuple[timestamps.Times, timestamps.Times]:
    """The earlier and the later moment at which a clock shows each time."""
    timestamps.localise(times[skipped(times, timezone)], timezone=timezone)  # refuses times that do not exist
    place = timestamps.zone(timezone)
    ones = np.ones(len(times), dtype=bool)
    one, other = (timestamps.to_ns(times.tz_localize(place, ambiguous=first)) for first in (ones, ~ones))
    return np.minimum(one, other), np.maximum(one, other)


def read_stamps(column: Any, *, form: str | None = None, at_end: bool = False) -> ReadStamps:
    """Stamps of a column: datetimes, text in the form or in ISO 8601, or numbers, which are digits of the form.

    Parameters
    ----------
    column : array_like
        Cells; an empty one is NaT.
    form : str, optional
        Form of text, in directives of :func:`time.strptime`; with an interval, ``"%H:%M - %H:%M"``, in both parts.
    at_end : bool
        Of an interval, the second part is the stamp.

    Raises
    ------
    TimeError
        If a cell cannot be read, or some have an offset and others have none.
    """
    values = pd.Series(column).reset_index(drop=True)
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        return _unmarked(pd.DatetimeIndex(values))
    empty = values.isna().to_numpy() | (values.astype(object) == "").to_numpy()
    try:
        place, unique = pd.factorize(values.astype(object).where(~empty))
    except TypeError as error:
        raise TimeError(
            f"The stamps hold values of the types {sorted({type(cell).__name__ for cell in values})}.",
            "Stamps must be text or datetimes.",
            "Name the column of the stamps.",
        ) from error
    if not len(unique):
        return _unmarked(pd.DatetimeIndex([pd.NaT] * len(values)))
    text, form = _as_text(unique, form)
    try:
        utc = all_have_offset(values[~empty]) if form is None else _has_offset(form)
    except TimeError as error:
        if error.place is not None:
            error.at(rows=np.flatnonzero(~empty)[list(error.place.rows)])
        raise
    found = _parsed(_parts(text, form, at_end), _half(form, at_end), utc=utc)
    if isinstance(found, int):
        row = int(np.argmax(place == found))
        raise _unreadable(text, found, row=row, form=form).at(rows=np.flatnonzero(place == found))
    times, marks, ends_day = found
    return ReadStamps(
        pd.DatetimeIndex(times.append(pd.DatetimeIndex([pd.NaT], tz=times.tz))[place]),
        *(np.append(flags, False)[place] for flags in (marks == "A", np.isin(marks, SECOND), ends_day)),
    )


def _unmarked(times: pd.DatetimeIndex) -> ReadStamps:
    try:
        times = times.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime as error:
        raise _outside(str(times[~_countable(times)].to_numpy()[0])[:10]) from error
    return ReadStamps(times, np.zeros(len(times), dtype=bool), np.zeros(len(times), dtype=bool))


def _as_text(cells: Any, form: str | None) -> tuple[list[str], str | None]:
    """Cells as text, and their form; dates are ISO 8601, numbers digits of the form."""
    is_text = np.array([isinstance(cell, str) for cell in cells])
    is_date = np.array([isinstance(cell, date | np.datetime64) for cell in cells])
    if is_text.all():
        return [cell.strip() for cell in cells], form
    if is_date.all():
        return [_iso(cell) for cell in cells], None
    if (is_text | is_date).all():
        return [cell.strip() if isinstance(cell, str) else _iso(cell) for cell in cells], form
    width = 0 if form is None else len(datetime(2024, 12, 31, 23, 59, 59).strftime(form))  # noqa: DTZ001
    if form is None or not datetime(2024, 12, 31).strftime(form).isdigit():  # noqa: DTZ001
        raise _numbers(cells[~is_text & ~is_date][0])
    return [str(cell).strip().removesuffix(".0").zfill(width) for cell in cells], form


def _iso(cell: Any) -> str:
    return str(cell) if isinstance(cell, np.datetime64) else str(cell.isoformat())


def _numbers(cell: Any) -> TimeError:
    return TimeError(
        f"The stamps are numbers: {cell}.",
        "Stamps must be written like '2024-03-01 00:00', or be datetimes.",
        "Give time='<column of the stamps>', time_format='%Y%m%d%H%M' or the form of the digits, or convert a frame "
        "with pandas.to_datetime(..., unit=...).",
    )


def _has_offset(form: str) -> bool:
    return "%z" in form or re.search(r"(?:%[HMSf]) ?(?:Z|UTC|GMT)$", form) is not None


def _halves(form: str | None) -> list[str]:
    """Forms of beginning and end of an interval, or the form alone."""
    parts = re.split(r"\s+-\s+|\s+bis\s+|\s+to\s+", form or "")
    return parts if len(parts) == 2 and all("%" in part for part in parts) else []


def _half(form: str | None, at_end: bool) -> str | None:
    halves = _halves(form)
    return halves[at_end] if halves else form


def _parts(text: Sequence[str], form: str | None, at_end: bool) -> list[str]:
    """Beginnings or ends of intervals, or the text as it is."""
    if not _halves(form):
        return list(text)
    split = (re.split(r"\s+-\s+|\s+bis\s+|\s+to\s+", cell) for cell in text)
    return [parts[at_end] if len(parts) == 2 else "" for parts in split]


def _parsed(
    text: list[str], form: str | None, *, utc: bool
) -> tuple[pd.DatetimeIndex, npt.NDArray[np.str_], Bools] | int:
    """Times, marks and ends of days, or the place of the first text that cannot be read."""
    marks = np.full(len(text), "", dtype="U3")
    later = np.zeros(len(text), dtype="timedelta64[D]")
    plain = list(text)
    for place in _special(text, form, utc=utc):
        found = _pattern(form).fullmatch(text[place])
        cleaned = None if found is None else _cleaned(found)
        cleaned = cleaned or _iso_in_form(text[place], form)
        if cleaned is None:
            return place
        plain[place], marks[place], later[place] = cleaned
    if form is None:
        plain = [re.sub(" ?(UTC|GMT)$", "Z", cell).replace(",", ".") for cell in plain]
    try:
        times = _times(plain, form, utc=utc)
    except _UNREADABLE:
        return next((place for place, cell in enumerate(plain) if not _is_time(cell, form, utc=utc)), 0)
    return times + later, marks, later > np.timedelta64(0, "D")


def _times(text: list[str], form: str | None, *, utc: bool) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(text, format=form or "ISO8601", utc=utc)).as_unit("ns")


def _is_time(cell: str, form: str | None, *, utc: bool) -> bool:
    try:
        return bool(_times([cell], form, utc=utc).notna().all())
    except _UNREADABLE:
        return False


def _special(text: list[str], form: str | None, *, utc: bool) -> list[int]:
    """Places of texts that are not plainly of the form."""
    if form is None:
        return [
            place for place, cell in enumerate(text) if not _ISO.fullmatch(cell) or _ENDS_DAY.search(cell)
        ]
    try:
        read = pd.to_datetime(text, format=form, errors="coerce", utc=utc)
    except _UNREADABLE:
        return []
    words = [cell.lower() in _WORDS for cell in text]
    return np.flatnonzero(read.isna() | words).tolist()


_ENDS_DAY: Final = re.compile(r"[T ]24(?::00)*$")


@lru_cache(maxsize=64)
def _pattern(form: str | None) -> re.Pattern[str]:
    """Pattern of a stamp of the form, with marks and the hour 24."""
    if form is None:
        return _SPECIAL_ISO
    once = {*re.findall(r"%(.)", form)}
    parts = re.split(r"(%.)", form)
    written = [_DIRECTIVES.get(part[1], r"\d{1,2}") if part[:1] == "%" else re.escape(part) for part in parts]
    if len(once) < form.count("%"):  # a directive that is repeated has no one place
        return re.compile("(?!)")
    return re.compile("".join(written) + _TAIL, re.ASCII)


def _cleaned(found: re.Match[str]) -> tuple[str, str, int] | None:
    """Text with an hour from 00 to 23 and without its mark, the mark, and the days to add; None if it is no stamp."""
    groups = found.groupdict()
    hour = groups.get("H")
    mark = (groups.get("mark") or groups.get("tail") or "").strip().upper()
    ends = hour == "24" and not any(int(groups.get(name) or 0) for name in "MS")
    if hour is None or (not mark and not ends):
        return None
    text = found.string
    whole = text[: found.start("H")] + ("00" if ends else hour.zfill(2)) + text[found.end("H") :]
    if groups.get("tail"):
        whole = whole[: len(whole) - len(groups["tail"])]
    if groups.get("mark"):
        cut = found.start("H") + 2
        whole = whole[:cut] + whole[cut + 1 :]
    return whole, mark, int(ends)


def _iso_in_form(cell: str, form: str | None) -> tuple[str, str, int] | None:
    """ISO 8601 among stamps of another form, which is no guess, written in that form."""
    if form is None or not _ISO.fullmatch(cell):
        return None
    try:
        stamp = datetime.fromisoformat(cell)
        written = stamp.strftime(form)
        same = datetime.strptime(written, form) == stamp  # noqa: DTZ007
    except (ValueError, TypeError):
        return None
    return (written, "", 0) if same else None


def _countable(times: pd.DatetimeIndex) -> Bools:
    """Times between the first and the last year of which nanoseconds are counted."""
    return np.asarray(
        times.isna() | ((times.year > pd.Timestamp.min.year) & (times.year < pd.Timestamp.max.year))
    )


def _outside(stamp: str) -> TimeError:
    return TimeError(
        f"The stamp {stamp} lies outside the years that can be counted.",
        "Times must lie from 1678 to 2261.",
        "Correct it; for an open end, write one that no forecast reaches, such as 2099-12-31.",
    )


def _unreadable(text: list[str], place: int, *, row: int, form: str | None) -> TimeError:
    if form is None and _ISO.fullmatch(text[place]) and not 1678 <= int(text[place][:4]) <= 2261:
        return _outside(text[place])
    fitting = _forms(text, place)
    remedy = (
        "Give " + ", or ".join(f"time_format={one!r}{meant}" for one, meant in fitting.items()) + "."
        if fitting
        else "Give time_format='%d.%m.%Y %H:%M' or the form of the file; lines before its header: skip_rows=<number>."
    )
    return TimeError(
        f"The stamp {text[place]!r} in row {row + 1} cannot be read.",
        "Stamps must be written like "
        + (f"{form!r}." if form else "'2024-03-01 00:00' (ISO 8601), optionally with an offset."),
        remedy,
    )


def _forms(text: list[str], place: int) -> dict[str, str]:
    """Forms that fit all of the first stamps and the one in question, with its reading where they differ."""
    tried = [*text[:300], *text[-300:], text[place]]
    found: dict[pd.Timestamp, str] = {}
    for form in (day + clock for day in _DATES for clock in _CLOCKS):
        read = _parsed([text[place]], form, utc=_has_offset(form))
        if not isinstance(read, int) and not isinstance(_parsed(tried, form, utc=_has_offset(form)), int):
            found.setdefault(read[0][0], form)
    several = len(found) > 1
    return {form: f" if {text[place]!r} is {when:%Y-%m-%d %H:%M}" * several for when, form in found.items()}
