"""Origins that a backtest forecasts, its fits, and the data that each fit may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.tasks import Task
from energyforecast.errors import SchemaError, TimeError
from energyforecast.forecasting.design_matrix import DesignMatrix

__all__ = ["CALENDAR", "Fold", "Memory", "Refit", "Skip", "origins", "split"]

#: When a forecaster is fitted again: see :func:`energyforecast.backtest`.
Refit: TypeAlias = str | int | Callable[[pd.Timestamp, pd.Timestamp | None], bool] | None
#: Periods, each a name such as ``"2015-08"`` or a pair of first and last.
Skip: TypeAlias = str | Sequence[str | tuple[Any, Any]]

#: Local periods at whose first origin a forecaster is fitted again, as pandas names them.
CALENDAR: Final = {"D": "D", "W": "W-SUN", "MS": "M", "QS": "Q", "YS": "Y"}


@dataclass(frozen=True)
class Fold:
    """One fit and the origins that it forecasts.

    Parameters
    ----------
    as_of : Timestamp
        Issue time of its first origin, at which it is fitted.
    issue_time : array of datetime64
        Its origins.

    Examples
    --------
    >>> from energyforecast.core.tasks import day_ahead
    >>> task = day_ahead("09:00", timezone="UTC")
    >>> [fold] = split(task, task.issue_times("2024-01-02", "2024-01-04"), refit=None)
    >>> fold.as_of, len(fold.issue_time)
    (Timestamp('2024-01-01 09:00:00+0000', tz='UTC'), 3)
    """

    as_of: pd.Timestamp
    issue_time: timestamps.Times


@dataclass(frozen=True)
class Memory:
    """Part of the past that a fit may use.

    Parameters
    ----------
    window : str or timedelta
        ``"expanding"``: all of it; ``"365D"``: the last 365 days of it.
    gap : str or timedelta
        How long before the fit its data ends.

    Examples
    --------
    >>> Memory("28D", gap="1D").ends(pd.Timestamp("2024-01-10", tz="UTC"))
    Timestamp('2024-01-09 00:00:00+0000', tz='UTC')
    """

    window: Any = "expanding"
    gap: Any = "0h"

    def __post_init__(self) -> None:
        if timestamps.duration(self.gap) < pd.Timedelta(0) or (
            self.length is not None and self.length <= pd.Timedelta(0)
        ):
            raise TimeError(
                f"window={self.window!r} and gap={self.gap!r}.",
                "A window is 'expanding' or longer than nothing, a gap is not negative.",
                "Use e.g. window='365D', gap='1D'.",
            )

    @property
    def length(self) -> pd.Timedelta | None:
        """Length of the window; None if it grows."""
        return None if self.window == "expanding" else timestamps.duration(self.window)

    def ends(self, as_of: pd.Timestamp) -> pd.Timestamp:
        """The moment up to which a fit knows."""
        return as_of - timestamps.duration(self.gap)

    def begins(self, as_of: pd.Timestamp) -> np.datetime64 | None:
        """The first hour from which a fit learns; None if there is no first.

        Examples
        --------
        >>> Memory("28D").begins(pd.Timestamp("2024-01-31", tz="UTC"))
        np.datetime64('2024-01-03T00:00:00.000000000')
        """
        return None if self.length is None else timestamps.to_ns([self.ends(as_of) - self.length])[0]

    def rows(self, table: DesignMatrix, as_of: pd.Timestamp) -> npt.NDArray[np.bool_]:
        """Rows of a table that a fit may learn from."""
        known = table.issue_time < timestamps.to_ns([self.ends(as_of)])[0]
        begin = self.begins(as_of)
        return np.asarray(known if begin is None else known & (table.valid_time >= begin))


def origins(task: Task, start: Any, end: Any, *, stride: int = 1, skip: Skip = ()) -> pd.DatetimeIndex:
    """Issue times of a period, without those that are skipped, and every so many of the others.

    Parameters
    ----------
    task : Task
    start, end : str or moment
    stride : int
        1: each; 7: every seventh.
    skip : str or sequence
        Periods in which no window begins.

    Raises
    ------
    SchemaError
        If the stride is no count, or nothing is left.

    Examples
    --------
    >>> from energyforecast.core.tasks import day_ahead
    >>> task = day_ahead("09:00", timezone="UTC")
    >>> origins(task, "2024-01", "2024-01", stride=7, skip=[("2024-01-01", "2024-01-09")]).day.tolist()
    [9, 16, 23, 30]
    """
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise SchemaError(
            f"stride={stride!r}.", "It is a count: each origin, every second, ...", "Use stride=1."
        )
    issued = task.issue_times(start, end)
    begins = task.windows(issued).valid_time[:, 0]
    kept = np.ones(len(issued), dtype=bool)
    for item in [skip] if isinstance(skip, str) else skip:
        first, last = (item, item) if isinstance(item, str) else item
        begin = timestamps.period(first, timezone=task.timezone)[0]
        after = timestamps.period(last, timezone=task.timezone)[1]
        bounds = timestamps.to_ns([begin, after])
        kept &= (begins < bounds[0]) | (begins >= bounds[1])
    left = issued[kept][::stride]
    if not len(left):
        raise SchemaError(
            f"No origin is left of {len(issued)} from {start} to {end}.",
            "At least one is forecast.",
            "Choose another period, or skip less.",
        )
    return left


def split(task: Task, tested: pd.DatetimeIndex, *, refit: Refit) -> list[Fold]:
    """Origins in order of time, cut where a forecaster is fitted again.

    Parameters
    ----------
    task : Task
    tested : DatetimeIndex
    refit : str, int, callable or None

    Raises
    ------
    SchemaError
        If `refit` is none of them.

    Examples
    --------
    >>> from energyforecast.core.tasks import day_ahead
    >>> task = day_ahead("09:00", timezone="UTC")
    >>> days = task.issue_times("2024-01-02", "2024-01-11")
    >>> [len(fold.issue_time) for fold in split(task, days, refit=4)]
    [4, 4, 2]
    >>> [len(fold.issue_time) for fold in split(task, days, refit=lambda now, last: now.day_name() == "Monday")]
    [7, 3]
    """
    issued = timestamps.to_ns(tested)
    begins = np.flatnonzero(_begins(task, tested, refit))
    ends = [*begins[1:], len(issued)]
    return [Fold(tested[a], issued[a:b]) for a, b in zip(begins, ends, strict=True)]


def _begins(task: Task, tested: pd.DatetimeIndex, refit: Refit) -> npt.NDArray[np.bool_]:
    """At which origins a forecaster is fitted again; always at the first."""
    if refit is None:
        return np.asarray(np.arange(len(tested)) == 0)
    if callable(refit):
        return _asked(tested, refit)
    if isinstance(refit, int) and not isinstance(refit, bool) and refit >= 1:
        return np.asarray(np.arange(len(tested)) % refit == 0)
    if isinstance(refit, str) and refit in CALENDAR:
        local = timestamps.to_index(task.windows(tested).valid_time[:, 0]).tz_convert(
            timestamps.zone(task.timezone)
        )
        period = np.asarray(local.tz_localize(None).to_period(CALENDAR[refit]).asi8)
        return np.append(True, np.diff(period) != 0)
    raise SchemaError(
        f"refit={refit!r}.",
        f"It is one of {list(CALENDAR)}, a count of origins, a callable or None.",
        "Choose one of them.",
    )


def _asked(
    tested: pd.DatetimeIndex, refit: Callable[[pd.Timestamp, pd.Timestamp | None], bool]
) -> npt.NDArray[np.bool_]:
    last: pd.Timestamp | None = None
    found = np.zeros(len(tested), dtype=bool)
    for k, now in enumerate(tested):
        # Asked at the first too, so that a callable that counts sees each origin once.
        found[k] = bool(refit(now, last)) or k == 0
        last = now if found[k] else last
    return found
