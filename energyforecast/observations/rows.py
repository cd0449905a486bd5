"""Observations from rows in any order, with revisions and gaps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from energyforecast.core import observation_frames, table_steps, timestamps
from energyforecast.core.bounded_memory import regular_grid
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import Flag
from energyforecast.errors import MissingDataError, TimeError
from energyforecast.observations import meters, mixed_steps

__all__ = ["observations_from_rows", "one_revision"]


def observations_from_rows(
    values: pd.DataFrame,
    *,
    format: TableFormat,
    published_after: str | timedelta | None,
    published: pd.DatetimeIndex | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Observations from rows in any order, with revisions and gaps; every reader ends here.

    `values` are indexed by stamps in UTC, in the unit of `format`, of which `label`, `frequency`, `resolution`,
    `cumulative` and `duplicates` are used; `published` is when each row was published.
    """
    values = values * format.megawatts
    if published is not None:
        values, published = one_revision(values, published, revisions, as_of)
    moments = None if published is None else pd.Series(published, index=values.index)
    values, moments, doubled = _one_row_per_stamp(values, moments, format.duplicates)
    step = _step(values, format.frequency)
    widths = mixed_steps.lengths_of_intervals(values, step, format=format)
    if widths is None:
        power, flags, known = _on_grid(values, step, format=format, doubled=doubled, moments=moments)
    else:
        power, flags, known = mixed_steps.on_one_grid(
            values, widths, step, format=format, doubled=doubled, moments=moments
        )
        step = power.index[1] - power.index[0]
    result = Observations(
        power,
        published_after=published_after,
        published_time=known,
        flags=flags if flags.to_numpy().any() else None,
        frequency=step,
    )
    return result if as_of is None or published is not None else _published_by(result, as_of)


def _on_grid(
    values: pd.DataFrame,
    step: pd.Timedelta,
    *,
    format: TableFormat,
    doubled: pd.DatetimeIndex,
    moments: pd.Series | None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Power, flags and times of publication on the regular grid of rows of one step."""
    faulty = None
    if format.cumulative:
        values, faulty = meters.energies(values, step)
    if format.is_energy:
        values = values / (step / pd.Timedelta("1h"))
    shift = step if format.required("label") == "ending" else pd.Timedelta(0)
    regular = _regular(values.index - shift, step, shift)
    whole = values.set_axis(values.index - shift, axis=0).reindex(regular)
    flags = pd.DataFrame(0, index=regular, columns=whole.columns)
    flags.loc[regular.intersection(doubled - shift)] = int(Flag.DUPLICATE)
    if faulty is not None:
        beside = faulty.set_axis(faulty.index - shift, axis=0).reindex(regular, fill_value=False)
        flags |= beside.astype("int64") * int(Flag.SPIKE)
    known = None
    if moments is not None:
        times = moments.set_axis(moments.index - shift).reindex(regular)
        known = pd.DataFrame(dict.fromkeys(whole.columns, times), index=regular)
    return whole, flags, known


def one_revision(
    values: pd.DataFrame, published: pd.DatetimeIndex, revisions: str, as_of: Any
) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Of several publications of an interval the first or the last one that was known by a moment."""
    if as_of is not None:
        known = np.asarray(published <= timestamps.instant(as_of))
        values, published = values[known], published[known]
        if not len(values):
            raise MissingDataError(
                f"No value was published by {as_of}.", "At least one value is needed.", "Give a later as_of."
            )
    order = np.lexsort((timestamps.to_ns(published), timestamps.to_ns(values.index)))
    values, published = values.iloc[order], published[order]
    same = pd.MultiIndex.from_arrays([values.index, published]).duplicated(keep=False)
    other = ~np.asarray(values.index.duplicated(keep=revisions))
    # Two rows of one stamp that were published at the same moment are no revisions but doubles.
    keep = other | same
    return values[keep], published[keep]


def _one_row_per_stamp(
    values: pd.DataFrame, published: pd.Series | None, duplicates: str
) -> tuple[pd.DataFrame, pd.Series | None, pd.DatetimeIndex]:
    """Rows in the order of time, and the stamps of rows that contradict each other."""
    if duplicates == "error" or not values.index.has_duplicates:
        observation_frames.check_rising_times(pd.DatetimeIndex(values.index), "power")
        return values, published, pd.DatetimeIndex([], tz="UTC")
    values = values.sort_index(kind="stable")
    spread = values.groupby(level=0).nunique(dropna=False).max(axis=1)
    once = ~np.asarray(values.index.duplicated())
    kept = None if published is None else published.sort_index(kind="stable")[once]
    return values[once], kept, pd.DatetimeIndex(spread.index[spread > 1])


def _regular(index: pd.Index, step: pd.Timedelta, shift: pd.Timedelta) -> pd.DatetimeIndex:
    """Regular grid of the beginnings, on which all must lie; stamps are later by a shift."""
    regular = regular_grid(index, step)
    stray = index.difference(regular)
    if len(stray):
        raise TimeError(
            f"power has a stamp at {stray[0]}, off the grid of {step} that begins at {index[0]}.",
            "Stamps must lie on a regular grid; whole intervals may be absent.",
            "Give frequency=..., or round the stamps of a logger with an unsteady clock.",
        ).at(times=stray + shift)
    return regular


def _step(values: pd.DataFrame, frequency: str | timedelta | None) -> pd.Timedelta:
    """Declared length of an interval, or the shortest step that is usual."""
    steps = np.diff(timestamps.to_ns(values.index))
    if frequency is not None:
        declared = timestamps.duration(frequency)
        observation_frames.check_declared(steps, declared, label="power")
        return declared
    if len(values) < 2:
        raise TimeError(
            "The source has fewer than two rows.", "The frequency must be known.", "Give frequency='1h'."
        )
    lengths = steps.astype("int64")
    if not (lengths > 0).any():
        raise TimeError("All stamps are the same.", "Times must rise.", "Check the column of the stamps.")
    return pd.Timedelta(table_steps.usual_step(lengths), unit="ns").as_unit("ns")


def _published_by(power: Observations, as_of: Any) -> Observations:
    """Up to the last interval that was published by a moment."""
    assert power.published_after is not None
    last = timestamps.instant(as_of) - power.published_after - power.frequency
    if last < power.index[0]:
        raise MissingDataError(
            f"No value was published by {as_of}.", "At least one value is needed.", "Give a later as_of."
        )
    return power[:last]
