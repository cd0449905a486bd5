"""Days off that a decree sets for one year alone, each with the time at which it was known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.errors import SchemaError, TimeError

__all__ = ["Decree", "as_decrees"]


@dataclass(frozen=True, kw_only=True)
class Decree:
    """Day off by decree, with the working weekend day in exchange.

    Parameters
    ----------
    published : str
        Moment at which the decree was known, without an offset on the clock of the site; a date such as
        ``"2024-12-06"`` is the end of that day.
    day_off : str, optional
        Day off, such as ``"2025-01-03"``.
    working_day : str, optional
        Day of a weekend on which people work in exchange.

    Raises
    ------
    TimeError
        If a day or the moment cannot be read.
    SchemaError
        If neither day is given.

    See Also
    --------
    energyforecast.core.sites.DemandArea, energyforecast.core.calendars.look_up

    Examples
    --------
    >>> Decree(published="2024-12-06", day_off="2025-01-03", working_day="2025-01-05").days
    (datetime.date(2025, 1, 3), datetime.date(2025, 1, 5))
    """

    published: str
    day_off: str | None = None
    working_day: str | None = None

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))
        self.known_from(timezone="UTC")
        if self.days == (None, None):
            raise SchemaError(
                f"The decree of {self.published} has no day.",
                "A decree must have a day off, or a weekend day on which people work, or both.",
                'Give day_off="2025-01-03", working_day="2025-01-05".',
            )

    @property
    def days(self) -> tuple[date | None, date | None]:
        """Day off, and working day."""
        return _day(self.day_off), _day(self.working_day)

    def known_from(self, *, timezone: str) -> pd.Timestamp:
        """First moment at which the decree counts.

        Parameters
        ----------
        timezone : str
            Zone of a moment without an offset.

        Examples
        --------
        >>> str(Decree(published="2024-12-06", day_off="2025-01-03").known_from(timezone="Asia/Almaty"))
        '2024-12-06 19:00:00+00:00'
        """
        return timestamps.period(self.published, timezone=timezone)[1]


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise TimeError(
            f"The day {text!r} of a decree cannot be read.",
            "A day must be ISO 8601 text.",
            'Write it like "2025-01-03".',
        ) from error


def as_decrees(given: Any, *, area: str) -> tuple[Decree, ...]:
    """Decrees of an area: objects, or the tables of a configuration and of a stored site."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str | Mapping) else (given,)
    try:
        decrees = tuple(Decree(**item) if isinstance(item, Mapping) else item for item in several)
    except TypeError as error:
        raise _no_decree(given, area) from error
    if not all(isinstance(item, Decree) for item in decrees):
        raise _no_decree(given, area)
    return decrees


def _no_decree(given: Any, area: str) -> SchemaError:
    return SchemaError(
        f"Site {area!r} has decrees {given!r}.",
        "Each must be a Decree, or a table with published and day_off, working_day or both.",
        'Write decrees=[Decree(published="2024-12-06", day_off="2025-01-03", working_day="2025-01-05")].',
    )
