"""Deadline of a run, and the time that is left for a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from energyforecast.core import timestamps

__all__ = ["Deadline", "deadline_of"]


@dataclass(frozen=True)
class Deadline:
    """Moment by which a forecast must be published, if there is one.

    Parameters
    ----------
    moment : Timestamp, optional
        In UTC.
    clock : callable
        The present moment in UTC.
    is_over : bool
        Whether it had passed when the run began: there is no time left to keep to.

    Examples
    --------
    >>> now = pd.Timestamp("2026-03-11 04:00", tz="UTC")
    >>> Deadline(now + pd.Timedelta("90s"), clock=lambda: now).seconds_left(reserve=30)
    60.0
    >>> Deadline(now - pd.Timedelta("90s"), clock=lambda: now, is_over=True).seconds_left()
    inf
    >>> Deadline(None, clock=lambda: now).seconds_left()
    inf
    """

    moment: pd.Timestamp | None
    clock: Callable[[], pd.Timestamp]
    is_over: bool = False

    def seconds_left(self, *, reserve: float = 0.0) -> float:
        """Time that is left before the deadline less a reserve; infinite if there is none, or it was over. [s]"""
        if self.moment is None or self.is_over:
            return math.inf
        return max(0.0, float((self.moment - self.clock()).total_seconds()) - reserve)

    def is_missed(self) -> bool:
        """Whether it has passed."""
        return self.moment is not None and self.clock() > self.moment


def deadline_of(text: str | None, *, timezone: str, clock: Callable[[], pd.Timestamp]) -> Deadline:
    """Deadline at a wall time: that of today, or of the day before or after if it is nearer.

    Parameters
    ----------
    text : str, optional
        Such as ``"09:30"``.
    timezone : str
    clock : callable
        The present moment in UTC.

    Raises
    ------
    TimeError
        If the text is not a time of day.

    Examples
    --------
    >>> clock = lambda: pd.Timestamp("2026-03-11 22:50", tz="UTC")
    >>> deadline_of("00:10", timezone="Europe/Paris", clock=clock).moment
    Timestamp('2026-03-11 23:10:00+0000', tz='UTC')
    """
    if text is None:
        return Deadline(None, clock)
    at, now = timestamps.wall_time(text), clock()
    today = now.tz_convert(timestamps.zone(timezone)).date()
    days = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    moments = timestamps.wall_clock(days, at, timezone=timezone)
    nearest = min(moments, key=lambda moment: abs(moment - now))
    return Deadline(nearest, clock, is_over=nearest < now)
