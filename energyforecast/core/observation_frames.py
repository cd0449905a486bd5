"""Frames of measured series: a regular index in UTC, a numeric column for each site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.variables import Flag
from energyforecast.core.wording import intervals, minute, short
from energyforecast.errors import SchemaError, TimeError, of_type

__all__ = [
    "as_numbers",
    "check_declared",
    "check_frame",
    "check_rising_times",
    "joined",
    "on_same_axes",
    "one_for_each",
    "outside_error",
    "refuse_early",
]

#: Number of steps, none of the declared length, from which on the declaration is refused.
_FEW: Final = 3


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
        ).at(times=[pd.NaT])
    doubled = index[index.duplicated()]
    if len(doubled):
        raise TimeError(
            f"{label} has {len(doubled)} doubled times, the first {doubled[0]}.",
            "Every interval must appear once; a local clock that is put back shows an hour twice.",
            "Read local times with energyforecast.read_power(..., timezone=...), which distinguishes the two.",
        ).at(times=doubled.unique())
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


def check_declared(steps: Any, declared: pd.Timedelta, *, label: str) -> None:
    """Refuse a declared length of an interval when no two stamps follow each other by it."""
    lengths, counts = np.unique(steps, return_counts=True)
    if counts.sum() >= _FEW and declared.to_timedelta64() not in lengths:
        usual = short(pd.Timedelta(lengths[counts.argmax()]))
        raise TimeError(
            f"{label} is declared to come every {short(declared)}, but no two of its stamps follow each other so: "
            f"{counts.max()} of {counts.sum()} steps are {usual}.",
            "The declared frequency must be the length of the intervals.",
            f"Give frequency={usual!r}, or leave it out.",
        )


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
        ).at(times=frame.index[infinite[infinite[:, 1] == column, 0]], columns=[frame.columns[column]])
    values.columns = pd.Index([str(name) for name in frame.columns])
    values.index = timestamps.to_index(frame.index)
    return values


def on_same_axes(
    frame: pd.DataFrame,
    values: pd.DataFrame,
    name: str,
    *,
    remedy: str = "Reindex it: frame.reindex(index=values.index, columns=values.columns).",
) -> pd.DataFrame:
    """Frame of the same sites and hours as the values; others are refused."""
    result = frame.copy()
    result.columns = pd.Index([str(column) for column in frame.columns])
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is not None:
        result.index = timestamps.to_index(frame.index)
    if not (result.index.equals(values.index) and list(result.columns) == list(values.columns)):
        raise SchemaError(
            f"{name} has {len(frame)} rows and the columns {list(frame.columns)}.",
            f"It must have the index and the columns of the values ({len(values)} rows, {list(values.columns)}).",
            remedy,
        )
    return result


def joined(
    frames: Mapping[str, Any],
    *,
    step: pd.Timedelta,
    longer: pd.Timedelta,
    timezone: str | None,
) -> dict[str, Any]:
    """Frames of observations over longer intervals, NaN and flagged where a part is missing."""
    values, flags, published, capacity = (
        frames[name] for name in ("values", "flags", "published_time", "available_capacity")
    )
    assert values is not None
    rule = {"rule": longer, "origin": _origin(pd.DatetimeIndex(values.index), step, longer, timezone)}
    groups, parts = values.resample(**rule), longer // step
    complete = groups.count() == parts
    found = (~complete).astype("int64") * int(Flag.INCOMPLETE)
    if flags is not None:
        for flag in Flag:  # every bit of any part
            found |= ((flags & int(flag)) != 0).resample(**rule).max().astype("int64") * int(flag)
    return {
        "values": groups.mean().where(complete),
        "flags": found,
        "published_time": None if published is None else _whole(published.resample(**rule), "max", parts),
        "available_capacity": _whole(capacity.resample(**rule), "mean", parts)
        if isinstance(capacity, pd.DataFrame)
        else capacity,
    }


def _whole(groups: Any, statistic: str, parts: int) -> pd.DataFrame:
    """A statistic of the intervals of which every part is known."""
    return pd.DataFrame(getattr(groups, statistic)().where(groups.count() == parts))


def _origin(
    index: pd.DatetimeIndex, step: pd.Timedelta, longer: pd.Timedelta, timezone: str | None
) -> pd.Timestamp:
    """A moment at which one of the longer intervals begins."""
    if longer < step or longer % step or pd.Timedelta("1D") % longer:
        raise TimeError(
            f"Intervals of {longer} are asked for, of observations every {step}.",
            "Intervals must be joined whole, and divide a day.",
            "Choose a multiple of the present frequency, such as '1h'.",
        )
    if timezone is None and longer == pd.Timedelta("1D"):
        raise TimeError(
            "Days are asked for without a clock.",
            "A day must be that of a place: a day of UTC begins at 5 in the morning in Almaty.",
            "Give resample('1D', timezone='Asia/Almaty'), or the zone of the site.",
        )
    wall = index.tz_convert(timestamps.zone(timezone or "UTC")).tz_localize(None)
    ahead = np.unique((wall - index.tz_localize(None)).to_numpy() % longer.to_timedelta64())
    if len(ahead) > 1:
        raise TimeError(
            f"The clock of {timezone} changes between {index[0]} and {index[-1]}.",
            f"All intervals of {longer} must have the same length on it.",
            "Resample each season by itself, or take the means of local days: "
            f"observations.values.tz_convert({timezone!r}).resample('D').mean().",
        )
    return pd.Timestamp(0, tz="UTC") - pd.Timedelta(ahead[0])


def one_for_each(as_of: timestamps.Times, shape: tuple[int, ...]) -> timestamps.Times:
    """A moment for each hour."""
    try:
        return np.broadcast_to(as_of, shape)
    except ValueError as error:
        raise SchemaError(
            f"as_of has the shape {as_of.shape}, and the hours {shape}.",
            "It must be one moment for all hours, or one for each.",
            "Repeat it, or add an axis: as_of[:, None].",
        ) from error


def outside_error(
    site: str, wanted: timestamps.Times, index: pd.DatetimeIndex, frequency: pd.Timedelta
) -> TimeError:
    """Error of hours that are no interval of the observations."""
    return TimeError(
        f"Site {site!r} was not observed in {intervals(len(wanted), frequency)}, the first {minute(wanted[0])} UTC.",
        f"The hours must lie among the observations, every {short(frequency)} from {index[0]} to {index[-1]}; an "
        "unknown value is NaN.",
        "Ask for a shorter period, or give more observations; "
        'observations.value_at(..., outside="missing") gives NaN for hours outside.',
    )


def refuse_early(published: timestamps.Times, values: pd.DataFrame, frequency: pd.Timedelta) -> None:
    """Refuse values that were published before their interval ended."""
    ends = timestamps.to_ns(values.index) + frequency.to_timedelta64()
    early = np.argwhere(published < ends[:, None])
    if len(early):
        row, column = early[0]
        raise TimeError(
            f"published_time of site {values.columns[column]!r} at {values.index[row]} is "
            f"{published[row, column]}, before the interval ends.",
            "A mean over an interval must be published after its end.",
            "Check that published_time is in UTC and that the labels are beginnings.",
        )
