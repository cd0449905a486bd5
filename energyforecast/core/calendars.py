"""Calendars of countries: holidays, bridge days, working weekends, half days, school holidays, Ramadan.

Holidays come from the package `holidays <https://holidays.readthedocs.io>`_; none is listed here.

The next version of the package knows a decree that moves a day off, often weeks after the decree and sometimes
after the day. A backtest over the past therefore knows every decree, as if each had been announced in time, and a
forecast of tomorrow those of the installed version: keep it up to date. With ``decrees=False`` the calendar is that
of the laws alone, which was known long before each day; decrees of your own (:class:`Decree`) have the moment at which
they were known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Final

import numpy as np
import numpy.typing as npt

from energyforecast.core import calendar_tables, timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.decrees import Decree
from energyforecast.errors import RangeError, SchemaError

__all__ = [
    "Days",
    "Decree",
    "check_country",
    "has_ramadan",
    "look_up",
    "ramadan",
    "school_holidays",
    "weekend",
]

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

#: First day of the arithmetical Islamic calendar, as days before 1 January 1970.
_HIJRA: Final = -492_148
#: Days of the Islamic year before its ninth month.
_BEFORE_RAMADAN: Final = 236
#: Days after the 29th of Ramadan on which it is celebrated, and those of Kurban Ait, to within a day.
_FEASTS: Final = np.array([1, 2, 3, 68, 69, 70, 71, 72])
#: Years in which a day can be looked up.
_YEARS: Final = (1900, 2200)


@dataclass(frozen=True)
class Days:
    """Classes of local days; arrays of the shape that was asked for.

    Parameters
    ----------
    holiday : array of bool
        A public holiday, with those that were moved or added by decree.
    estimated : array of bool
        A holiday whose date is not yet certain, such as an Eid of years to come.
    weekend : array of bool
        A day of the weekend, whether or not it is a holiday.
    compensation : array of bool
        A day of the weekend on which people work for a day off that was moved elsewhere.
    bridge : array of bool
        A working day with days off on both sides.
    before_holiday, after_holiday : array of bool
        A working day before or after a holiday.
    half_day : array of bool
        A day that is shortened by law or custom, such as Christmas Eve, where the package lists them.
    days_off_before, days_off_after : array of int
        Length of the run of days off that ends on the day before, or begins on the day after: 2 and 0 on an ordinary
        Monday, 4 and 0 after Easter. [d]
    known : array of bool
        Whether the package knows the holidays of the year; where it does not, no day is a holiday.

    Examples
    --------
    >>> days = np.array(["2025-01-03", "2025-01-04", "2025-01-05", "2025-01-06"], dtype="datetime64[D]")
    >>> some = look_up(days, country="KZ")  # Friday was off, and Sunday a working day
    >>> some.weekend.tolist(), some.working.tolist()
    ([False, True, True, False], [False, False, True, True])
    """

    holiday: Flags
    estimated: Flags
    weekend: Flags
    compensation: Flags
    bridge: Flags
    before_holiday: Flags
    after_holiday: Flags
    half_day: Flags
    days_off_before: Counts
    days_off_after: Counts
    known: Flags

    @property
    def working(self) -> Flags:
        """Days on which people work."""
        return np.asarray((~self.weekend | self.compensation) & ~self.holiday)


def look_up(
    days: npt.ArrayLike,
    *,
    country: str,
    subdivision: str | None = None,
    decrees: bool = True,
    more_decrees: Sequence[Decree] = (),
) -> Days:
    """Classes of local days.

    Parameters
    ----------
    days : array of datetime64
        Local days from 1900 to 2200, of any shape.
    country : str
        ISO 3166 code, such as ``"KZ"``.
    subdivision : str, optional
        Code of a part of the country with holidays of its own, such as ``"VIC"`` of ``"AU"``.
    decrees : bool
        Whether days count that were moved or added for one year alone. A backtest without them knows no day off
        before it was announced, and none after it, either.
    more_decrees : sequence of Decree
        Decrees that the package does not know, whenever they were published.

    Returns
    -------
    Days

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country or its part, or a day is missing.
    RangeError
        If a day lies before 1900 or after 2200.

    See Also
    --------
    school_holidays, ramadan

    Notes
    -----
    A working weekend is known where the package gives the day from which a day off was moved, as decrees of
    Kazakhstan, Kyrgyzstan and Uzbekistan do. Working holidays of Kyrgyzstan (category ``workday``) are ordinary
    days.

    Examples
    --------
    >>> days = np.array(["2025-01-03", "2025-01-04", "2025-01-05", "2025-01-06"], dtype="datetime64[D]")
    >>> some = look_up(days, country="KZ")  # Friday was off, and Sunday a working day
    >>> some.holiday.tolist(), some.compensation.tolist()
    ([True, False, False, False], [False, False, True, False])
    >>> some.days_off_before.tolist(), some.days_off_after.tolist()
    ([2, 3, 4, 0], [1, 0, 0, 1])
    >>> look_up(days, country="KZ", decrees=False).holiday.tolist()
    [False, False, False, False]
    >>> decree = Decree(published="2024-12-06", day_off="2025-01-03", working_day="2025-01-05")
    >>> look_up(days, country="KZ", decrees=False, more_decrees=[decree]).working.tolist()
    [False, False, True, True]
    """
    check_types(locals(), of=look_up)
    check_country(country, subdivision)
    wanted, first, last = _wanted(days)
    more = tuple(decree.days for decree in more_decrees)
    table = calendar_tables.day_classes(country, subdivision, years=(first, last), decrees=decrees, more=more)
    place = (wanted - np.datetime64(f"{first}-01-01", "D")).astype(int)
    return Days(*(column[place] for column in table))


def school_holidays(days: npt.ArrayLike, *, country: str, subdivision: str | None = None) -> Shares:
    """Share of a country's parts in which schools are closed, by the package's lists of school holidays.

    Parameters
    ----------
    days : array of datetime64
        Local days from 1900 to 2200, of any shape.
    country : str
        ISO 3166 code, such as ``"FR"``.
    subdivision : str, optional
        Part of the country, such as ``"Zone A"`` of ``"FR"``; all parts count alike where it is left out or has no list
        of its own.

    Returns
    -------
    array
        From 0 to 1, and NaN where the package has no list: it knows Australia, Austria, Belgium, France, Germany,
        Israel, the Netherlands and Poland, each for some years, and single days of others. Weekends and public
        holidays between count as listed.

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country or its part, or a day is missing.
    RangeError
        If a day lies before 1900 or after 2200.

    See Also
    --------
    look_up

    Examples
    --------
    >>> days = np.array(["2019-02-13", "2019-02-20", "2019-02-27", "2019-03-20"], dtype="datetime64[D]")
    >>> school_holidays(days, country="FR").round(2).tolist()  # one zone after the other has its winter break
    [0.33, 0.67, 0.67, 0.0]
    >>> school_holidays(days, country="FR", subdivision="Zone A").tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    check_types(locals(), of=school_holidays)
    check_country(country, subdivision)
    wanted, first, last = _wanted(days)
    place = (wanted - np.datetime64(f"{first}-01-01", "D")).astype(int)
    table = calendar_tables.school_shares(country, subdivision, years=(first, last))
    return np.asarray(table[place])


def weekend(days: npt.ArrayLike, *, country: str | None, subdivision: str | None = None) -> Flags:
    """Whether local days lie on the weekend of the country at that time; Saturday and Sunday without a country.

    Parameters
    ----------
    days : array of datetime64
        Local days, of any shape.
    country : str or None
        ISO 3166 code.
    subdivision : str, optional
        Code of a part of the country with a weekend of its own, such as ``"03"`` (Kelantan) of ``"MY"``.

    Returns
    -------
    array of bool

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country or its part, or a day is missing.
    RangeError
        If a day lies before 1900 or after 2200.

    Examples
    --------
    >>> days = np.array(["2025-01-03", "2025-01-04", "2025-01-05"], dtype="datetime64[D]")  # Friday to Sunday
    >>> weekend(days, country="KZ").tolist(), weekend(days, country="IL").tolist()
    ([False, True, True], [True, True, False])
    """
    if country is not None:
        return look_up(days, country=country, subdivision=subdivision).weekend
    return np.asarray((_wanted(days)[0].astype(np.int64) + 3) % 7 >= 5)


def check_country(country: str, subdivision: str | None = None) -> None:
    """Refuse a country, or a part of it, without known holidays.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> check_country("KZ")
    """
    check_types(locals(), of=check_country)
    known = calendar_tables.countries()
    if country not in known:
        raise SchemaError(
            f"The country is {country!r}.",
            f"The package holidays {version('holidays')} knows {len(known)} countries by their ISO 3166 code.",
            "Give the code in two capital letters, e.g. 'KZ'; leave country out where none fits.",
        )
    if subdivision is not None and subdivision not in known[country]:
        raise SchemaError(
            f"The subdivision of {country} is {subdivision!r}.",
            f"The package holidays {version('holidays')} knows {', '.join(known[country]) or 'none'}.",
            "Choose one of them, or leave it out.",
        )


def _wanted(days: npt.ArrayLike) -> tuple[npt.NDArray[np.datetime64], int, int]:
    """The days, and their first and last year; of no days, any year."""
    wanted = timestamps.instants(days).astype("datetime64[D]")
    if np.isnat(wanted).any():
        raise SchemaError("A day is missing.", "Days must be known.", "Leave out rows without a day.")
    if not wanted.size:
        return wanted, 2000, 2000
    first, last = (
        int(day.astype("datetime64[Y]").astype(int)) + 1970 for day in (wanted.min(), wanted.max())
    )
    if first < _YEARS[0] or last > _YEARS[1]:
        raise RangeError(
            f"The days lie in the years {first} to {last}.",
            f"Calendars reach from {_YEARS[0]} to {_YEARS[1]}.",
            "Give the days as datetime64, in local time.",
        )
    return wanted, first, last


def has_ramadan(country: str) -> bool:
    """Whether the end of Ramadan or Kurban Ait, 70 days later, is a public holiday of the country.

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country.

    Notes
    -----
    A holiday near one of them in most of the years from 2020 to 2029 is enough. Holidays of a part of the country, as
    of Ceuta and Melilla in Spain, or of a religious community do not count.

    Examples
    --------
    >>> has_ramadan("KZ"), has_ramadan("FR"), has_ramadan("ES")
    (True, False, False)
    """
    check_country(country)
    return calendar_tables.is_islamic(country) and _keeps_feasts(country)


@lru_cache(maxsize=256)
def _keeps_feasts(country: str) -> bool:
    days = np.arange("2020-01-01", "2030-01-01", dtype="datetime64[D]")
    fasting = ramadan(days)
    last = np.nonzero(fasting[:-1] & ~fasting[1:])[0]
    last = last[last < len(days) - _FEASTS.max()]
    some = look_up(days, country=country)
    feast = some.holiday[last[:, None] + _FEASTS].any(axis=1)
    return bool(feast[some.known[last]].mean() > 0.6)


def ramadan(days: npt.ArrayLike) -> Flags:
    """Whether days lie in Ramadan, to within a day at its beginning and end.

    Parameters
    ----------
    days : array of datetime64
        Local days.

    Returns
    -------
    array of bool

    Raises
    ------
    SchemaError
        If a day is missing.
    RangeError
        If a day lies before 1900 or after 2200.

    Notes
    -----
    The month begins when the moon is seen, which each country decides; here it is the ninth month of the
    arithmetical Islamic calendar (11 leap years in a cycle of 30, counted from Friday, 16 July 622), and has
    its 29 certain days. Checked against the dates of the package ``holidays`` from 1995 to 2060.

    References
    ----------
    Reingold and Dershowitz (2018), Calendrical Calculations, https://doi.org/10.1017/9781107415058, chapter 7.

    Examples
    --------
    >>> days = np.array(["2025-02-27", "2025-03-02", "2025-03-28", "2025-04-01"], dtype="datetime64[D]")
    >>> ramadan(days).tolist()
    [False, True, True, False]
    """
    day = _wanted(days)[0].astype(np.int64)
    elapsed = day - _HIJRA - _BEFORE_RAMADAN
    year = (30 * elapsed + 10_646) // 10_631
    begin = (year - 1) * 354 + (11 * year + 3) // 30
    return np.asarray((elapsed >= begin) & (elapsed < begin + 29))
