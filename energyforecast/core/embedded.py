"""PV and wind behind the meters of an area: their capacity by date, each with the time at which it was known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.errors import RangeError, SchemaError

__all__ = ["SOURCES", "EmbeddedCapacity", "Source", "as_embedded", "embedded_at"]

Array = npt.NDArray[Any]
Source: TypeAlias = Literal["pv", "wind"]
SOURCES: Final[tuple[Source, ...]] = ("pv", "wind")


@dataclass(frozen=True, kw_only=True)
class EmbeddedCapacity:
    """Capacity of PV and wind behind the meters of an area from a day on.

    Parameters
    ----------
    pv, wind : float
        Capacity. [MW]
    since : str, optional
        Day or moment from which it is in service, without an offset on the clock of the area; always by default.
    published : str, optional
        Moment at which it was known; a date such as ``"2024-04-10"`` is the end of that day. Beforehand by default.

    Raises
    ------
    RangeError
        If a capacity is negative or infinite.
    TimeError
        If a moment cannot be read.

    See Also
    --------
    energyforecast.DemandArea, energyforecast.features.EmbeddedPower

    Examples
    --------
    >>> EmbeddedCapacity(pv=120, since="2024-04-01", published="2024-04-10").pv
    120
    """

    pv: float = 0.0
    wind: float = 0.0
    since: str | None = None
    published: str | None = None

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))
        for name in SOURCES:
            if not 0 <= getattr(self, name) <= 1e6:
                raise RangeError(
                    f"An embedded capacity has {name} {getattr(self, name):g}.",
                    f"{name} must lie from 0 and up to 1000000 [MW].",
                    "Correct the value, or its unit.",
                )
        self.times(timezone="UTC")

    def times(self, *, timezone: str) -> tuple[np.datetime64, np.datetime64]:
        """Moments from which it is in service and from which it is known, in UTC.

        Parameters
        ----------
        timezone : str
            Zone of moments without an offset.

        Examples
        --------
        >>> roofs = EmbeddedCapacity(pv=120, since="2024-04-01", published="2024-04-10")
        >>> [str(moment)[:16] for moment in roofs.times(timezone="UTC")]
        ['2024-04-01T00:00', '2024-04-11T00:00']
        """
        always = np.datetime64("1700-01-01", "ns")
        given = (
            None if self.since is None else timestamps.instant(self.since, timezone=timezone),
            None if self.published is None else timestamps.period(self.published, timezone=timezone)[1],
        )
        since, known = (always if one is None else timestamps.to_ns([one])[0] for one in given)
        return since, known


def as_embedded(given: Any, *, area: str, timezone: str) -> tuple[EmbeddedCapacity, ...]:
    """Capacities of an area: objects, or the tables of a configuration and of a stored site; their moments exist."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str | Mapping) else (given,)
    try:
        found = tuple(EmbeddedCapacity(**item) if isinstance(item, Mapping) else item for item in several)
    except TypeError as error:
        raise _no_capacity(given, area) from error
    if not all(isinstance(item, EmbeddedCapacity) for item in found):
        raise _no_capacity(given, area)
    for item in found:
        item.times(timezone=timezone)
    return found


def embedded_at(
    capacities: Iterable[EmbeddedCapacity],
    valid_time: Array,
    *,
    issue_time: Array,
    source: Source,
    timezone: str,
) -> npt.NDArray[np.float64]:
    """Capacity at hours (issues, steps) as it was known at each issue; NaN where none was. [MW]"""
    timed = [(*item.times(timezone=timezone), float(getattr(item, source))) for item in capacities]
    result = np.full(valid_time.shape, np.nan)
    for since, known, value in sorted(timed):  # of the same day, what was published last
        result[(valid_time >= since) & (issue_time >= known)[:, None]] = value
    return result


def _no_capacity(given: Any, area: str) -> SchemaError:
    return SchemaError(
        f"Site {area!r} has embedded {given!r}.",
        "Each must be an EmbeddedCapacity, or a table with pv, wind, since and published.",
        'Write embedded=[EmbeddedCapacity(pv=120, since="2024-04-01", published="2024-04-10")].',
    )
