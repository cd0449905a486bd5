"""Frames of measured series: a regular index in UTC, a numeric column for each site."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.variables import Flag
from energyforecast.errors import SchemaError, TimeError, of_type

__all__ = ["as_numbers", "check_frame", "check_rising_times", "joined_flags", "latest", "on_same_axes"]


def check_frame(frame: pd.DataFrame, *, label: str, frequency: pd.Timedelta | None = None) -> pd.Timedelta:
    """Frequency of a frame of observations: UTC, interval-beginning, regular, a column for each site."""
    of_type(
        label,
        frame,
        expected=pd.DataFrame,
        remedy="Give a frame with a column for each site, or series.to_frame().",
    )
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise SchemaError(
            f"{label} is indexed by {type(index).__name__}.",
            "Observations must be indexed by time.",
            "Use frame.set_index('time'), or energyforecast.read_power for files.",
        )
    if index.tz is None:
        raise TimeError(
            f"{label} has a naive index: {index[0] if len(index) else 'no rows'} has no zone.",
            "Observations must be indexed in UTC.",
            "Use energyforecast.read_power(frame, timezone=..., label=...), or frame.tz_localize('UTC') if it is UTC.",
        )
    if len(index) == 0 or frame.shape[1] == 0:
        raise SchemaError(
            f"{label} is empty.", "It must hold at least one hour and one site.", "Check the file and period."
        )
    names = [str(name) for name in frame.columns]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise SchemaError(
            f"{label} has {names.count(repeated[0])} columns for the site {repeated[0]!r}.",
            "There must be one column for each site.",
            "Add them up or choose one.",
        )
    check_rising_times(index, label)
    return _check_regular(index, label, frequency)


def check_rising_times(index: pd.DatetimeIndex, label: str) -> None:
    """Refuse times that are missing, doubled or out of order."""
    if index.hasnans:
        raise TimeError(
            f"{label} has no time in row {int(np.flatnonzero(index.isna())[0])}.",
            "Every row must have its time.",
            "Drop the rows without time: frame[frame.index.notna()].",
        )
    doubled = index[index.duplicated()]
    if len(doubled):
        raise TimeError(
            f"{label} has {len(doubled)} doubled times, the first {doubled[0]}.",
            "Every interval must appear once; a local clock that is put back shows an hour twice.",
            "Read local times with energyforecast.read_power(..., timezone=...), which distinguishes the two.",
        )
    if not index.is_monotonic_increasing:
        where = index[1:][np.diff(timestamps.to_ns(index)) < np.timedelta64(0, "ns")][0]
        raise TimeError(
            f"{label} goes back in time at {where}.", "Times must rise.", "Use frame.sort_index()."
        )


def _check_regular(index: pd.DatetimeIndex, label: str, frequency: pd.Timedelta | None) -> pd.Timedelta:
    stamps = timestamps.to_ns(index)
    if len(index) == 1:
        if frequency is None:
            raise TimeError(f"{label} has one row.", "Its frequency must be known.", "Give frequency='1h'.")
        return frequency
    steps = np.diff(stamps)
    step = frequency.to_timedelta64() if frequency is not None else np.sort(steps)[len(steps) // 2]
    gaps = np.flatnonzero(steps != step)
    if gaps.size:
        missing = pd.Timestamp(stamps[gaps[0]] + step, tz="UTC")
        raise TimeError(
            f"{label} is irregular in {gaps.size} places; the first missing or misplaced time is {missing}.",
            f"Times must follow each other every {pd.Timedelta(step)}; a value that was not measured is NaN.",
            "Use frame.asfreq(...) to make gaps visible as NaN, or energyforecast.read_power.",
        )
    return pd.Timedelta(step).as_unit("ns")


def as_numbers(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    """Frame of finite numbers in double precision, with text for names and UTC nanoseconds for times."""
    try:
        values = frame.astype("float64")
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"{label} hold {sorted({str(kind) for kind in frame.dtypes})}: {error}",
            "Every column must be numeric, in MW.",
            "Convert text to numbers; a value that was not measured is NaN.",
        ) from error
    infinite = np.argwhere(np.isinf(values.to_numpy()))
    if len(infinite):
        row, column = infinite[0]
        raise SchemaError(
            f"{label} of site {frame.columns[column]!r} is infinite at {frame.index[row]}.",
            "Values must be finite, or NaN where no value was measured.",
            "Replace infinities by NaN.",
        )
    values.columns = pd.Index([str(name) for name in frame.columns])
    values.index = timestamps.to_index(frame.index)
    return values


def on_same_axes(frame: pd.DataFrame, values: pd.DataFrame, name: str) -> pd.DataFrame:
    """Frame of the same sites and hours as the values; others are refused."""
    result = frame.copy()
    result.columns = pd.Index([str(column) for column in frame.columns])
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is not None:
        result.index = timestamps.to_index(frame.index)
    if not (result.index.equals(values.index) and list(result.columns) == list(values.columns)):
        raise SchemaError(
            f"{name} has {len(frame)} rows and the columns {list(frame.columns)}.",
            f"It must have the index and the columns of the values ({len(values)} rows, {list(values.columns)}).",
            "Reindex it: frame.reindex(index=values.index, columns=values.columns).",
        )
    return result


def latest(published: pd.DataFrame, longer: pd.Timedelta, parts: int) -> pd.DataFrame:
    """Time at which the last part was published; NaT if one part never was, or is absent."""
    groups = published.resample(longer)
    return groups.max().where(groups.count() == parts)


def joined_flags(flags: pd.DataFrame, longer: pd.Timedelta) -> pd.DataFrame:
    """Flags of longer intervals: every bit of any part."""
    return sum(((flags & int(flag)) != 0).resample(longer).max().astype("int64") * int(flag) for flag in Flag)
