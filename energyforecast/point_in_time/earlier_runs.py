"""Hours before the first of a weather run, from the runs of the day before: a UTC day's run for a local day's task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from energyforecast.point_in_time.weather_runs import Array, Gathered, Runs, positions

__all__ = ["completed"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
#: Of pending origins, runs, times of arrival and of issue: pending origins and runs.
StepBack: TypeAlias = Callable[[Ints, Ints, Ints, Ints], tuple[Ints, Ints]]

#: How much older than the newest run another may be, from which it is completed. [ns]
_DAY: Final = np.int64(24 * 3600 * 10**9)


def completed(
    gathered: Gathered,
    runs: Runs,
    required: Sequence[str],
    issued: Ints,
    valid: Ints,
    inside: Bools,
    *,
    step_back: StepBack,
) -> Gathered:
    """Complete origins without a usable run, where the newest run has all but hours ahead of its first.

    Those come from the newest runs of the 24 h before it that have them. A hole within a run is no such hour: an origin
    with one stays without weather.

    Parameters
    ----------
    gathered : Gathered
        Of single runs; its arrays are filled.
    runs : Runs
    required : sequence of str
        Variables that make a run complete.
    issued : array, shape (origins,)
    valid, inside : array, shape (origins, steps)
    step_back : callable
        Goes back to runs of which something had arrived.

    Returns
    -------
    Gathered
        With ``older`` where an origin was completed.

    Examples
    --------
    Runs of 0 and 12 UTC hold the hours from the eighth to the twentieth after them.

    >>> from energyforecast.point_in_time.weather_access import weather_as_of
    >>> from energyforecast.testing import example_weather
    >>> weather = example_weather().isel(lead_time=slice(8, 21))
    >>> issued = np.array(["2024-01-01T18"], dtype="datetime64[ns]")
    >>> hours = issued[:, None] + np.arange(0, 4) * np.timedelta64(1, "h")
    >>> window = {"issue_time": issued, "valid_time": hours, "inside": np.ones(hours.shape, dtype=bool)}
    >>> whole = weather_as_of(weather, site="farm", names=["wind_speed_100m"], **window)
    >>> whole.values["wind_speed_100m"].tolist(), (whole.older / np.timedelta64(1, "h")).tolist()
    ([[8.0, 8.0, 10.0, 10.0]], [[12.0, 12.0, 0.0, 0.0]])
    """
    lost = np.flatnonzero(np.isnat(gathered.init_time))
    if not lost.size or not required or not len(runs.init):
        return gathered
    values, source, whole = _fill(runs, required, issued[lost], valid[lost], inside[lost], step_back)
    done, source = lost[whole], source[whole]
    if not done.size:
        return gathered
    for name, array in gathered.values.items():
        array[done] = values[name][whole]
    newest = runs.init[source.max(axis=1)]
    init, skipped = gathered.init_time.copy(), gathered.skipped.copy()
    init[done], skipped[done] = newest.view("datetime64[ns]"), False
    older = np.zeros(valid.shape, dtype="timedelta64[ns]")
    older[done] = np.where(source < 0, 0, newest[:, None] - runs.init[source]).view("timedelta64[ns]")
    return replace(gathered, init_time=init, skipped=skipped, older=older)


def _fill(
    runs: Runs, required: Sequence[str], issued: Ints, valid: Ints, inside: Bools, step_back: StepBack
) -> tuple[dict[str, Array], Ints, Bools]:
    """Values and run of each cell, the newest run first, and whether each origin is whole."""
    source: Ints = np.full(valid.shape, -1)
    values = runs.empty(valid.shape)
    begins = runs.init + runs.stamps[_present(runs.blocks, required).argmax(axis=1)]
    run = np.searchsorted(runs.init, issued, side="right") - 1
    pending, run = step_back(np.flatnonzero(run >= 0), run, runs.arrived, issued)
    newest = runs.init[run]
    while pending.size:
        at = run[pending]
        column, known = positions(valid[pending] - runs.init[at][:, None], runs.lead)
        if runs.arrived.ndim == 2:
            known = known & (runs.arrived[at[:, None], column] <= issued[pending][:, None])
        found = runs.take(at, column, known)
        row, step = np.nonzero(known & _present(found, required) & (source[pending] < 0))
        for name, array in values.items():
            array[pending[row], step] = found[name][row, step]
        source[pending[row], step] = at[row]
        absent = inside[pending] & (source[pending] < 0)
        hole = (absent & (valid[pending] >= begins[at][:, None])).any(axis=1)
        pending = pending[absent.any(axis=1) & ~hole]
        run[pending] -= 1
        pending, run = step_back(pending[run[pending] >= 0], run, runs.arrived, issued)
        pending = pending[newest[pending] - runs.init[run[pending]] <= _DAY]
    whole = ((source >= 0) | ~inside).all(axis=1) & (source >= 0).any(axis=1)
    return values, source, np.asarray(whole)


def _present(values: Mapping[str, Array], required: Sequence[str]) -> Bools:
    """Cells that have every required variable, with all its members."""
    several = [np.isfinite(values[name]) for name in required]
    return np.asarray(np.logical_and.reduce([one if one.ndim == 2 else one.all(axis=2) for one in several]))
