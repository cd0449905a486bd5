"""Spans of time that a question to the archive is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from energyforecast.core import timestamps
from energyforecast.errors import TimeError

__all__ = ["Span", "span"]


@dataclass(frozen=True)
class Span:
    """From a moment, included, to another, excluded; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything lies inside."""
        return self.start is None and self.end is None

    def between(self, chosen: sa.Select[Any], column: sa.Column[Any]) -> sa.Select[Any]:
        """Rows of a selection with a moment inside."""
        if self.start is not None:
            chosen = chosen.where(column >= self.start)
        return chosen if self.end is None else chosen.where(column < self.end)


def span(value: Any, *, timezone: str) -> Span:
    """All of a year, month or day, or a moment; of a pair, from the first to the end of the second."""
    if value is None:
        return Span()
    first, last = value if isinstance(value, tuple) and len(value) == 2 else (value, value)
    start = None if first is None else timestamps.period(first, timezone=timezone)[0]
    begin, end = (None, None) if last is None else timestamps.period(last, timezone=timezone)
    if end is not None and begin == end:
        end += pd.Timedelta(1, "us")  # a moment lies inside
    if start is not None and end is not None and end <= start:
        raise TimeError(
            f"The span from {first} to {last} is empty.",
            "Its end must not lie before its beginning.",
            "Exchange them.",
        )
    return Span(*(None if moment is None else moment.to_pydatetime() for moment in (start, end)))
