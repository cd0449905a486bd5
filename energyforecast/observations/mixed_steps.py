"""Series with intervals of several lengths, brought to one: means over the longest, or held on the shortest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import table_steps, timestamps
from energyforecast.core.bounded_memory import regular_grid
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import Flag
from energyforecast.errors import TimeError
from energyforecast.observations import meters

__all__ = ["lengths_of_intervals", "on_one_grid"]

Ints = npt.NDArray[np.int64]

_REMEDY = (
    "Give resolution='mean' in the format for means over the longest interval, resolution='hold' to hold each value "
    "over its own interval on the shortest, or read the parts one by one, with their frequency."
)


def lengths_of_intervals(
    values: pd.DataFrame, step: pd.Timedelta, *, format: TableFormat
) -> dict[str, Ints] | None:
    """Length of the interval of each value, by column, where they are not all the same; None where they are. [ns]

    Raises
    ------
    TimeError
        If they are not, and the format does not give a resolution: with the first stamp at which the step changes.
    """
    found: dict[str, Ints] = {}
    at_end = format.label == "ending"
    for name in values.columns:
        given = values[name].notna()
        index = pd.DatetimeIndex(values.index[given])
        widths = table_steps.step_changes(index, step, at_end=at_end, all_rows=bool(given.all()))
        if widths is not None:
            if format.resolution == "error":
                raise table_steps.refusal(repr(name), index, widths, step=step, remedy=_REMEDY)
            found[name] = widths
    return found or None


def on_one_grid(
    values: pd.DataFrame,
    widths: Mapping[str, Ints],
    step: pd.Timedelta,
    *,
    format: TableFormat,
    doubled: pd.DatetimeIndex,
    moments: pd.Series | None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Power, flags and times of publication on one regular grid, of rows in MW or MWh with intervals of their own."""
    columns = {}
    for name in values.columns:
        rows = values[[name]].dropna()
        length = pd.to_timedelta(widths.get(name, np.full(len(rows), step.value)), unit="ns")
        columns[name] = _power(rows, length, format, doubled, moments)
    last = max(rows.index[-1] + rows["length"].iloc[-1] for rows in columns.values())
    stamps = np.unique(np.concatenate([timestamps.to_ns(rows.index) for rows in columns.values()]))
    grid = regular_grid(timestamps.to_index(stamps).append(pd.DatetimeIndex([last])), step)
    grid = grid[grid < last]
    held = {name: _held(rows, grid, step) for name, rows in columns.items()}
    if format.resolution == "mean":
        longest = max(int(lengths.max()) for lengths in widths.values())
        origin = next(
            rows.index[rows["length"] == pd.Timedelta(longest)][0]
            for rows in columns.values()
            if (rows["length"] == pd.Timedelta(longest)).any()
        )
        held = {name: _means(parts, pd.Timedelta(longest), origin) for name, parts in held.items()}
    tables = [
        pd.DataFrame({name: parts[part] for name, parts in held.items()}) for part in held[values.columns[0]]
    ]
    return tables[0], tables[1], tables[2] if moments is not None else None


def _power(
    rows: pd.DataFrame,
    length: pd.TimedeltaIndex,
    form: TableFormat,
    doubled: pd.DatetimeIndex,
    moments: pd.Series | None,
) -> pd.DataFrame:
    """Power, flag, moment of publication and length of the intervals of one column, indexed by their beginning."""
    flag = np.where(rows.index.isin(doubled), int(Flag.DUPLICATE), 0)
    known = pd.Series(pd.NaT, index=rows.index) if moments is None else moments.reindex(rows.index)
    if form.cumulative:
        rows, faulty = meters.energies(rows, length)
        flag, known, length = flag[1:] | faulty.to_numpy()[:, 0] * int(Flag.SPIKE), known.iloc[1:], length[1:]
    power = rows.to_numpy()[:, 0]
    if form.is_energy:
        power = power / (length / pd.Timedelta("1h"))
    if not form.cumulative:
        power = np.where(_is_open(length, at_end=form.label == "ending"), np.nan, power)
    begin = rows.index - length if form.label == "ending" else rows.index
    return pd.DataFrame(
        {"power": power, "flag": flag, "known": known.to_numpy(), "length": length},
        index=pd.DatetimeIndex(begin),
    )


def _is_open(length: pd.TimedeltaIndex, *, at_end: bool) -> npt.NDArray[np.bool_]:
    """Values at a change that may be of either length: a gap may lie between long intervals and short ones."""
    longer = length[:-1] > length[1:] if at_end else length[1:] > length[:-1]
    return np.append(longer, False) if at_end else np.append(False, longer)


def _held(rows: pd.DataFrame, grid: pd.DatetimeIndex, step: pd.Timedelta) -> pd.DataFrame:
    """Values of intervals in each of their parts."""
    count = (rows["length"] // step).to_numpy()
    place = grid.get_indexer(rows.index)
    if (place < 0).any():
        raise TimeError(
            f"{rows.index[place < 0][0]} is off the grid of {step} that begins at {grid[0]}.",
            "Intervals of several lengths must begin together.",
            "Read the parts one by one, with their frequency.",
        )
    parts = np.repeat(place - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(count.sum())
    if len(np.unique(parts)) < len(parts):
        raise TimeError(
            f"Intervals of several lengths overlap, the first at {grid[parts[np.argmax(np.diff(parts) <= 0)]]}.",
            "Each moment must belong to one interval.",
            "Check label: it must be the end of the interval that the stamps name.",
        )
    whole = rows.iloc[np.repeat(np.arange(len(rows)), count)].set_axis(grid[parts]).drop(columns="length")
    return whole.reindex(grid).assign(
        flag=lambda table: table["flag"].where(table["flag"].notna(), 0).astype("int64")
    )


def _means(parts: pd.DataFrame, longest: pd.Timedelta, origin: pd.Timestamp) -> pd.DataFrame:
    """Means over whole longer intervals; NaN where a part is missing."""
    groups = parts.resample(longest, origin=origin)
    whole = groups["power"].count() == longest // (parts.index[1] - parts.index[0])
    flags = [
        ((parts["flag"] & int(flag)) > 0).resample(longest, origin=origin).max() * int(flag) for flag in Flag
    ]
    return pd.DataFrame(
        {
            "power": groups["power"].mean().where(whole),
            "flag": sum(flags).astype("int64"),
            "known": groups["known"].max(),
        }
    )
