"""Origins that a backtest forecasts, its fits, and the data that each fit may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.tasks import Task
from energyforecast.errors import SchemaError, TimeError
from energyforecast.forecasting.design_matrix import DesignMatrix

__all__ = ["CALENDAR", "Fold", "Refit", "Skip", "Splits", "ends_within", "split"]

#: When a forecaster is fitted again: see :func:`energyforecast.backtest`.
Refit: TypeAlias = str | int | Callable[[pd.Timestamp, pd.Timestamp | None], bool] | None
#: Periods, each a name such as ``"2015-08"`` or a pair of first and last.
Skip: TypeAlias = str | Sequence[str | tuple[Any, Any]]

#: Local periods at whose first origin a forecaster is fitted again, as pandas names them.
CALENDAR: Final = {"D": "D", "W": "W-SUN", "MS": "M", "QS": "Q", "YS": "Y"}
#: Weeks between the fits of ``"auto"`` while the history is shorter than so many days; each month from then on.
_YOUNG: Final = ((1, 182), (2, 364))


@dataclass(frozen=True)
class Fold:
    """A fit at the issue time of its first origin, and the origins that it forecasts."""

    as_of: pd.Timestamp
    issue_time: timestamps.Times


@checked()
@dataclass(frozen=True)
class Splits:
    """Splits of a backtest: the past from which each fit learns, and the origins that are forecast.

    Parameters
    ----------
    window : "expanding" or str or timedelta
        Length of the past from which a fit learns: all of it, or the last ``"365D"``.
    gap : str or timedelta
        Time between the end of a fit's data and the fit, as fitting and releasing a model takes it.
    stride : int
        Forecast each origin (1), every second, ...
    skip : str or sequence
        Periods in which no forecast begins, each like ``"2015-08"`` or a pair of first and last. Their
        outcomes are learnt from.

    Raises
    ------
    TimeError
        If the window is empty or the gap negative.
    SchemaError
        If the stride is no count.

    See Also
    --------
    energyforecast.backtest, Execution

    Examples
    --------
    >>> Splits(window="28D", gap="1D").ends(pd.Timestamp("2024-01-10", tz="UTC"))
    Timestamp('2024-01-09 00:00:00+0000', tz='UTC')
    """

    window: Any = "expanding"
    gap: Any = "0h"
    stride: int = 1
    skip: Skip = ()

    def __post_init__(self) -> None:
        if timestamps.duration(self.gap) < pd.Timedelta(0) or (
            self.length is not None and self.length <= pd.Timedelta(0)
        ):
            raise TimeError(
                f"window={self.window!r} and gap={self.gap!r}.",
                "A window must be 'expanding' or longer than zero, a gap must not be negative.",
                "Use e.g. window='365D', gap='1D'.",
            )
        if isinstance(self.stride, bool) or not isinstance(self.stride, int) or self.stride < 1:
            raise SchemaError(
                f"stride={self.stride!r}.",
                "It must be a count: each origin, every second, ...",
                "Use stride=1.",
            )

    @property
    def length(self) -> pd.Timedelta | None:
        """Length of the window; None if it grows."""
        return (
            None
            if isinstance(self.window, str) and self.window == "expanding"
            else timestamps.duration(self.window)
        )

    def ends(self, as_of: pd.Timestamp) -> pd.Timestamp:
        """The moment up to which a fit knows."""
        return as_of - timestamps.duration(self.gap)

    def begins(self, as_of: pd.Timestamp) -> np.datetime64 | None:
        """The first hour from which a fit learns; None if there is no first.

        Examples
        --------
        >>> Splits("28D").begins(pd.Timestamp("2024-01-31", tz="UTC"))
        np.datetime64('2024-01-03T00:00:00.000000000')
        """
        return None if self.length is None else timestamps.to_ns([self.ends(as_of) - self.length])[0]

    def history(self, issued: timestamps.Times, first: np.datetime64) -> npt.NDArray[np.timedelta64]:
        """Length of the past from which a fit at each issue time learns, where the first outcome is of `first`.

        Examples
        --------
        >>> issued = np.array(["2024-01-31", "2024-03-31"], dtype="datetime64[ns]")
        >>> Splits("28D", gap="1D").history(issued, np.datetime64("2024-01-20")).astype("timedelta64[D]").tolist()
        [datetime.timedelta(days=10), datetime.timedelta(days=28)]
        """
        known = issued - timestamps.duration(self.gap).to_timedelta64() - first
        return np.asarray(known if self.length is None else np.minimum(known, self.length.to_timedelta64()))

    def rows(self, table: DesignMatrix, as_of: pd.Timestamp) -> npt.NDArray[np.bool_]:
        """Rows of a table that a fit may learn from."""
        known = table.issue_time < timestamps.to_ns([self.ends(as_of)])[0]
        begin = self.begins(as_of)
        return np.asarray(known if begin is None else known & (table.valid_time >= begin))

    def asked(self, task: Task, windows: Windows) -> npt.NDArray[np.bool_]:
        """Origins that do not begin in a period that is skipped, shape (origins,)."""
        begins = windows.valid_time[:, :1].ravel()  # none where the period has no origin
        kept = np.ones(len(begins), dtype=bool)
        for item in [self.skip] if isinstance(self.skip, str) else self.skip:
            first, last = (item, item) if isinstance(item, str) else item
            begin = timestamps.period(first, timezone=task.timezone)[0]
            after = timestamps.period(last, timezone=task.timezone)[1]
            bounds = timestamps.to_ns([begin, after])
            kept &= (begins < bounds[0]) | (begins >= bounds[1])
        return kept

    def origins(self, task: Task, start: Any, end: Any) -> pd.DatetimeIndex:
        """Issue times of a period, without those that are skipped, and every so many of the others.

        Raises
        ------
        SchemaError
            If none is left.

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> splits = Splits(stride=7, skip=[("2024-01-01", "2024-01-09")])
        >>> splits.origins(day_ahead("09:00", timezone="UTC"), "2024-01", "2024-01").day.tolist()
        [9, 16, 23, 30]
        """
        issued = task.issue_times(start, end)
        left = issued[self.asked(task, task.windows(issued))][:: self.stride]
        if not len(left):
            raise SchemaError(
                f"No origin is left of {len(issued)} from {start} to {end}.",
                "At least one must be forecast.",
                "Choose another period, or skip less.",
            )
        return left


def split(
    task: Task,
    tested: pd.DatetimeIndex,
    *,
    refit: Refit,
    history: Callable[[], npt.NDArray[np.timedelta64]] | None = None,
) -> list[Fold]:
    """Origins in order of time, cut where a forecaster is fitted again; ``"auto"`` asks for the history of each."""
    issued = timestamps.to_ns(tested)
    begins = np.flatnonzero(_begins(task, tested, refit, history))
    ends = [*begins[1:], len(issued)]
    return [Fold(tested[a], issued[a:b]) for a, b in zip(begins, ends, strict=True)]


def _begins(
    task: Task,
    tested: pd.DatetimeIndex,
    refit: Refit,
    history: Callable[[], npt.NDArray[np.timedelta64]] | None,
) -> npt.NDArray[np.bool_]:
    """At which origins a forecaster is fitted again; always at the first."""
    if refit is None:
        return np.asarray(np.arange(len(tested)) == 0)
    if callable(refit):
        return _by_callable(tested, refit)
    if isinstance(refit, int) and not isinstance(refit, bool) and refit >= 1:
        return np.asarray(np.arange(len(tested)) % refit == 0)
    if isinstance(refit, str) and refit == "auto" and history is not None:
        return _by_history(task, tested, history())
    if isinstance(refit, str) and refit in CALENDAR:
        return _changes(_periods(task, tested, CALENDAR[refit]))
    raise SchemaError(
        f"refit={refit!r}.",
        f"It must be 'auto', one of {list(CALENDAR)}, a count of origins, a callable or None.",
        "Choose one of them.",
    )


def _periods(task: Task, tested: pd.DatetimeIndex, name: str) -> npt.NDArray[np.int64]:
    """Number of the local period, as pandas names it, in which the window of each origin begins."""
    begins = timestamps.to_index(task.windows(tested).valid_time[:, 0])
    local = begins.tz_convert(timestamps.zone(task.timezone)).tz_localize(None)
    return np.asarray(local.to_period(name).asi8)


def _changes(period: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where a period differs from the one before; true at the first."""
    return np.append(True, np.diff(period) != 0)


def _by_history(
    task: Task, tested: pd.DatetimeIndex, history: npt.NDArray[np.timedelta64]
) -> npt.NDArray[np.bool_]:
    """First origins of weeks, fortnights or months, by the length of the history at each."""
    begins = _changes(_periods(task, tested, CALENDAR["MS"]))
    week = _periods(task, tested, CALENDAR["W"])
    for weeks, days in reversed(_YOUNG):
        young = history < np.timedelta64(days, "D")
        begins[young] = _changes(week // weeks)[young]
    begins[0] = True
    return begins


def _by_callable(
    tested: pd.DatetimeIndex, refit: Callable[[pd.Timestamp, pd.Timestamp | None], bool]
) -> npt.NDArray[np.bool_]:
    last: pd.Timestamp | None = None
    begins = np.zeros(len(tested), dtype=bool)
    for k, now in enumerate(tested):
        # Called at the first too, so that a callable that counts sees each origin once.
        begins[k] = bool(refit(now, last)) or k == 0
        last = now if begins[k] else last
    return begins


def ends_within(windows: Windows, last: pd.Timestamp) -> npt.NDArray[np.bool_]:
    """All windows but those that begin in a record, up to its last interval, and end after it, shape (origins,)."""
    end = timestamps.to_ns([last])[0]
    begins = windows.valid_time[:, 0] <= end
    late = ((windows.valid_time > end) & windows.inside).any(axis=1)
    # Where no window is whole, there is nothing to forecast: the hours that lack an outcome are refused.
    return np.asarray(~(begins & late) | (begins & late).all())
