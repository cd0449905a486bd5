"""Calendars of countries: holidays, bridge days, working weekends, Ramadan.

Holidays come from the package `holidays <https://holidays.readthedocs.io>`_; none is listed here.

The next version of the package knows a decree that moves a day off, often weeks after the decree and sometimes
after the day. A backtest over the past therefore knows every decree, as if each had been announced in time, and a
forecast of tomorrow those of the installed version: keep it up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

import holidays
import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.errors import SchemaError

__all__ = ["Days", "check_country", "has_ramadan", "look_up", "ramadan", "weekend"]

Flags = npt.NDArray[np.bool_]

#: First day of the arithmetical Islamic calendar, as days before 1 January 1970.
_HIJRA: Final = -492_148
#: Days of the Islamic year before its ninth month.
_BEFORE_RAMADAN: Final = 236


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

    @property
    def working(self) -> Flags:
        """Days on which people work."""
        return np.asarray((~self.weekend | self.compensation) & ~self.holiday)


def look_up(days: npt.ArrayLike, *, country: str, subdivision: str | None = None) -> Days:
    """Classes of local days.

    Parameters
    ----------
    days : array of datetime64
        Local days, of any shape.
    country : str
        ISO 3166 code, such as ``"KZ"``.
    subdivision : str, optional
        Code of a part of the country with holidays of its own, such as ``"VIC"`` of ``"AU"``.

    Returns
    -------
    Days

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country or its part.

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
    """
    check_types({"country": country, "subdivision": subdivision}, of=look_up)
    check_country(country, subdivision)
    wanted = timestamps.instants(days).astype("datetime64[D]")
    if np.isnat(wanted).any():
        raise SchemaError("A day is missing.", "Days must be known.", "Leave out rows without a day.")
    if not wanted.size:
        return Days(*[np.zeros(wanted.shape, dtype=bool)] * 7)
    first, last = (
        int(day.astype("datetime64[Y]").astype(int)) + 1970 for day in (wanted.min(), wanted.max())
    )
    table = _table(country, subdivision, first, last)
    place = (wanted - np.datetime64(f"{first}-01-01", "D")).astype(int)
    return Days(*(column[place] for column in table))


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

    Examples
    --------
    >>> days = np.array(["2025-01-03", "2025-01-04", "2025-01-05"], dtype="datetime64[D]")  # Friday to Sunday
    >>> weekend(days, country="KZ").tolist(), weekend(days, country="IL").tolist()
    ([False, True, True], [True, True, False])
    """
    if country is not None:
        return look_up(days, country=country, subdivision=subdivision).weekend
    return np.asarray((timestamps.instants(days).astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5)


def check_country(country: str, subdivision: str | None = None) -> None:
    """Refuse a country, or a part of it, without known holidays.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> check_country("KZ")
    """
    known = _countries()
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


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    return dict(holidays.list_supported_countries(include_aliases=False))


@lru_cache(maxsize=64)
def _table(country: str, subdivision: str | None, first: int, last: int) -> tuple[Flags, ...]:
    """A row a class of :class:`Days`, a column a day of the years."""
    # The years around give the neighbours of the first and the last day, and days moved across the year.
    known = _holidays(country, subdivision, range(first - 1, last + 2))
    span = np.arange(f"{first - 1}-12-31", f"{last + 1}-01-02", dtype="datetime64[D]").tolist()
    holiday = np.array([day in known for day in span])
    estimated = np.array(["estimated" in known.get(day, "") for day in span])
    weekend = np.array([known.is_weekend(day) for day in span])
    compensation = np.array([day in known.weekend_workdays for day in span]) & weekend & ~holiday
    off = (weekend | holiday) & ~compensation
    before, after = np.zeros_like(off), np.zeros_like(off)
    bridge = np.zeros_like(off)
    before[:-1] = ~off[:-1] & holiday[1:]
    after[1:] = ~off[1:] & holiday[:-1]
    bridge[1:-1] = ~off[1:-1] & off[:-2] & off[2:] & ~compensation[1:-1]
    return tuple(flags[1:-1] for flags in (holiday, estimated, weekend, compensation, bridge, before, after))


def _holidays(country: str, subdivision: str | None, years: range) -> Any:
    # English labels where they exist: only they can be searched for "estimated".
    entity = holidays.country_holidays(country)
    language = "en_US" if "en_US" in entity.supported_languages else None
    return holidays.country_holidays(country, subdiv=subdivision, years=years, language=language)


@lru_cache(maxsize=64)
def has_ramadan(country: str) -> bool:
    """Whether the country keeps holidays of the Islamic calendar.

    Examples
    --------
    >>> has_ramadan("KZ"), has_ramadan("FR")
    (True, False)
    """
    from holidays.groups.islamic import IslamicHolidays

    check_country(country)
    return isinstance(holidays.country_holidays(country), IslamicHolidays)


def ramadan(days: npt.ArrayLike) -> Flags:
    """Whether days lie in Ramadan, to within a day at its beginning and end.

    Parameters
    ----------
    days : array of datetime64
        Local days.

    Returns
    -------
    array of bool

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
    day = np.asarray(days).astype("datetime64[D]").astype(np.int64)
    elapsed = day - _HIJRA - _BEFORE_RAMADAN
    year = (30 * elapsed + 10_646) // 10_631
    begin = (year - 1) * 354 + (11 * year + 3) // 30
    return np.asarray((elapsed >= begin) & (elapsed < begin + 29))
