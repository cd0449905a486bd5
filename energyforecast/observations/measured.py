"""Measured power and demand: UTC, interval-beginning, MW, with the time at which each was published."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from energyforecast import checks, times
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.variables import UNFIT, Flag

__all__ = ["Observations", "plain"]


@dataclass(frozen=True, eq=False, repr=False)
class Observations:
    """Observed power of one or several sites, and when it was known.

    Parameters
    ----------
    values : DataFrame
        Indexed by the beginnings of regular intervals in UTC, a column a site. What was not measured
        is NaN; small negative power (auxiliary use) is kept. [MW]
    published_after : str or timedelta
        Delay after the END of an interval at which its value is published, e.g. ``"2h"``.
    published_time : DataFrame
        In place of a delay: the time in UTC at which each value was published (NaT: never).
    flags : DataFrame of int, optional
        Bits of :class:`energyforecast.variables.Flag`.
    available_capacity : DataFrame, optional
        Capacity in service. [MW]
    frequency : str or timedelta, optional
        Length of an interval; read from the index where there is more than one row.

    Raises
    ------
    SchemaError, TimeError
        If the frames are not as described.
    MissingDataError
        If nothing says when the values were published.

    Notes
    -----
    It slices by time like its frame, ``power[:"2014-12"]``, and by name, ``power[["farm"]]``.

    Examples
    --------
    >>> index = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    >>> frame = pd.DataFrame({"farm": [1.0, 2.0, float("nan")]}, index=index)
    >>> power = Observations(frame, published_after="2h")
    >>> power
    Observations of farm: 3 x 1h from 2024-01-01 00:00 UTC, 1 missing, 0 flagged, published after 2h
    >>> power.published[0]
    array(['2024-01-01T03:00:00.000000000'], dtype='datetime64[ns]')
    """

    values: pd.DataFrame
    _: KW_ONLY
    published_after: Any = None
    published_time: pd.DataFrame | None = None
    flags: pd.DataFrame | None = None
    available_capacity: pd.DataFrame | None = None
    frequency: Any = None

    def __post_init__(self) -> None:
        given = None if self.frequency is None else times.duration(self.frequency)
        frequency = checks.check_frame(self.values, label="observations", frequency=given)
        values = plain(self.values, "observations")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "frequency", frequency)
        if (self.published_after is None) == (self.published_time is None):
            raise MissingDataError(
                f"Observations with published_after={self.published_after!r} and "
                f"published_time={'given' if self.published_time is not None else None}.",
                "Exactly one of them says when the values became known.",
                "Give published_after='2h' for a fixed delay after the end of each interval.",
            )
        if self.published_after is not None:
            delay = times.duration(self.published_after)
            if delay < pd.Timedelta(0):
                raise TimeError(
                    f"published_after is {delay}.",
                    "A value is published after its interval.",
                    "Give a delay >= 0.",
                )
            object.__setattr__(self, "published_after", delay)
        for name in ("published_time", "flags", "available_capacity"):
            frame = getattr(self, name)
            if frame is not None:
                object.__setattr__(self, name, _aligned(frame, values, name))
        self._check_published()

    def _check_published(self) -> None:
        if self.published_time is None:
            return
        ends = times.to_ns(self.values.index) + self.frequency.to_timedelta64()
        early = np.argwhere(self.published < ends[:, None])
        if len(early):
            row, column = early[0]
            raise TimeError(
                f"published_time of site {self.values.columns[column]!r} at {self.values.index[row]} is "
                f"{self.published[row, column]}, before the interval ends.",
                "A mean over an interval is published after its end.",
                "Check that published_time is in UTC and that the labels are beginnings.",
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.values.columns)

    @property
    def index(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return pd.DatetimeIndex(self.values.index)

    @property
    def published(self) -> times.Times:
        """When each value was published, shape (rows, sites); NaT for never."""
        if self.published_time is not None:
            return np.column_stack([times.to_ns(self.published_time[name]) for name in self.sites])
        delay = self.frequency.to_timedelta64() + self.published_after.to_timedelta64()
        return np.repeat((times.to_ns(self.index) + delay)[:, None], len(self.sites), axis=1)

    @property
    def unfit(self) -> pd.DataFrame:
        """Cells whose flags set them aside, shape (rows, sites)."""
        if self.flags is None:
            return pd.DataFrame(False, index=self.values.index, columns=self.values.columns)
        return (self.flags & int(UNFIT)) != 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: Any) -> Observations:
        if isinstance(key, str):
            key = [key] if key in self.sites else slice(*self._whole(key))
        if isinstance(key, slice):
            return self._select(lambda frame: frame.loc[key])
        absent = [name for name in key if name not in self.sites]
        if absent:
            raise SchemaError(
                f"There is no site {absent[0]!r} among {list(self.sites)}.",
                "Sites are chosen by name.",
                "Correct the name.",
            )
        return self._select(lambda frame: frame[list(key)])

    def _whole(self, name: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        start, end = times.period(name)
        return start, max(start, end - pd.Timedelta(1, "ns"))

    def _select(self, choose: Any) -> Observations:
        frames: dict[str, Any] = {
            name: None if getattr(self, name) is None else choose(getattr(self, name))
            for name in ("published_time", "flags", "available_capacity")
        }
        return replace(self, values=choose(self.values), **frames)

    def resample(self, frequency: str | timedelta) -> Observations:
        """Means over longer intervals, NaN and flagged ``INCOMPLETE`` where a part is missing.

        Parameters
        ----------
        frequency : str or timedelta
            A multiple of the present one.

        Examples
        --------
        >>> index = pd.date_range("2024-01-01", periods=12, freq="10min", tz="UTC")
        >>> frame = pd.DataFrame({"farm": [6.0] * 11 + [float("nan")]}, index=index)
        >>> Observations(frame, published_after="1h").resample("1h").values["farm"].tolist()
        [6.0, nan]
        """
        longer = times.duration(frequency)
        parts = longer / self.frequency
        if parts != int(parts):
            raise TimeError(
                f"{longer} is not a multiple of {self.frequency}.",
                "Intervals are joined whole.",
                "Choose a multiple of the present frequency.",
            )
        groups = self.values.resample(longer)
        complete = groups.count() == int(parts)
        flags = _joined_flags(self, longer) | (~complete).astype("int64") * int(Flag.INCOMPLETE)
        latest = None if self.published_time is None else _latest(self.published_time, longer, int(parts))
        capacity = (
            None if self.available_capacity is None else self.available_capacity.resample(longer).mean()
        )
        return replace(
            self,
            values=groups.mean().where(complete),
            flags=flags,
            published_time=latest,
            available_capacity=capacity,
            frequency=longer,
        )

    def __repr__(self) -> str:
        missing = int(self.values.isna().to_numpy().sum())
        flagged = 0 if self.flags is None else int((self.flags != 0).to_numpy().sum())
        known = (
            f"after {_short(self.published_after)}" if self.published_time is None else "at recorded times"
        )
        return (
            f"Observations of {', '.join(self.sites)}: {len(self)} x {_short(self.frequency)} from "
            f"{self.index[0]:%Y-%m-%d %H:%M} UTC, {missing} missing, {flagged} flagged, published {known}"
        )


def _latest(published: pd.DataFrame, longer: pd.Timedelta, parts: int) -> pd.DataFrame:
    """When the last part was published; never, if a part never was or is not there."""
    groups = published.resample(longer)
    return groups.max().where(groups.count() == parts)


def _short(length: pd.Timedelta) -> str:
    minutes = length / pd.Timedelta("1min")
    return f"{minutes / 60:g}h" if minutes % 60 == 0 else f"{minutes:g}min"


def _joined_flags(observations: Observations, frequency: pd.Timedelta) -> pd.DataFrame:
    if observations.flags is None:
        shape = observations.values.resample(frequency).count()
        return pd.DataFrame(0, index=shape.index, columns=shape.columns, dtype="int64")
    bits = [int(flag) for flag in Flag]
    return sum(
        ((observations.flags & bit) != 0).resample(frequency).max().astype("int64") * bit for bit in bits
    )


def plain(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    """A frame of finite numbers in double precision, with text for names and UTC nanoseconds for times.

    Raises
    ------
    SchemaError
        If a column is not numeric, or a value infinite.

    Examples
    --------
    >>> index = pd.date_range("2024-01-01", periods=2, freq="1h", tz="UTC")
    >>> plain(pd.DataFrame({1: [1, 2]}, index=index), "power").columns.tolist()
    ['1']
    """
    try:
        values = frame.astype("float64")
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"{label} hold {sorted({str(kind) for kind in frame.dtypes})}: {error}",
            "Every column is numeric, in MW.",
            "Convert text to numbers; what was not measured is NaN.",
        ) from error
    infinite = np.argwhere(np.isinf(values.to_numpy()))
    if len(infinite):
        row, column = infinite[0]
        raise SchemaError(
            f"{label} of site {frame.columns[column]!r} is infinite at {frame.index[row]}.",
            "Values are finite, or NaN where nothing was measured.",
            "Replace infinities by NaN.",
        )
    values.columns = pd.Index([str(name) for name in frame.columns])
    values.index = times.to_index(frame.index)
    return values


def _aligned(frame: pd.DataFrame, values: pd.DataFrame, name: str) -> pd.DataFrame:
    result = frame.copy()
    result.columns = pd.Index([str(column) for column in frame.columns])
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is not None:
        result.index = times.to_index(frame.index)
    if not (result.index.equals(values.index) and list(result.columns) == list(values.columns)):
        raise SchemaError(
            f"{name} has {len(frame)} rows and the columns {list(frame.columns)}.",
            f"It has the index and the columns of the values ({len(values)} rows, {list(values.columns)}).",
            "Reindex it: frame.reindex(index=values.index, columns=values.columns).",
        )
    return result
