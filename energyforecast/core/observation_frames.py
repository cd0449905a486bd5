"""Frames of observations: checked, aligned with each other, and joined over longer intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.variables import Flag
from energyforecast.errors import SchemaError

__all__ = ["aligned", "joined_flags", "latest", "plain"]


def plain(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    """Frame of finite numbers in double precision, with text for names and UTC nanoseconds for times."""
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
    values.index = timestamps.to_index(frame.index)
    return values


def aligned(frame: pd.DataFrame, values: pd.DataFrame, name: str) -> pd.DataFrame:
    """Frame of the same sites and hours as the values; others are refused."""
    result = frame.copy()
    result.columns = pd.Index([str(column) for column in frame.columns])
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is not None:
        result.index = timestamps.to_index(frame.index)
    if not (result.index.equals(values.index) and list(result.columns) == list(values.columns)):
        raise SchemaError(
            f"{name} has {len(frame)} rows and the columns {list(frame.columns)}.",
            f"It has the index and the columns of the values ({len(values)} rows, {list(values.columns)}).",
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
