"""Point-in-time access: weather and lagged observations as they were known at an issue time.

* :func:`weather_as_of`: the newest weather run that had arrived and is complete, one coherent run.
* :func:`history_as_of`: an observation if it was published by then, else the next older one that was.

Outcomes, as of the time of a fit, are looked up by :meth:`energyforecast.Observations.value_at`.
:func:`take_snapshot` walks through both functions for whole tables of origins at once, by array
gathers, and hands features a :class:`Snapshot` of copies: no archive can be reached from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.wording import counted, minute
from energyforecast.errors import SchemaError
from energyforecast.point_in_time.earlier_runs import completed
from energyforecast.point_in_time.weather_runs import (
    NEVER,
    Array,
    ConvertedRuns,
    Gathered,
    Runs,
    arrivals,
    positions,
    to_ints,
)
from energyforecast.weather.processing.temporal import Conversion, Steps, conversion, integral_of, speed_of

__all__ = ["Gathered", "as_double", "weather_as_of", "why_missing"]

_NAT: Final = np.datetime64("NaT", "ns")


def weather_as_of(
    weather: xr.Dataset,
    *,
    site: str,
    issue_time: timestamps.Times,
    valid_time: timestamps.Times,
    inside: npt.NDArray[np.bool_],
    names: Sequence[str],
    required: Sequence[str] | None = None,
    steps: Steps | None = None,
) -> Gathered:
    """The newest usable run at each issue time, one coherent run per origin.

    Where no single run is usable, hours ahead of the first of the newest run come from the runs of the 24 h before it.
    A run is usable when, for every required variable and every step inside the window, the value is
    there and had arrived. Steps outside the window (margins that features look at) may be missing.

    Parameters
    ----------
    weather : Dataset
        A forecast, or an analysis, which answers as a pseudo-run for each origin.
    site : str
        Label of the site.
    issue_time : array of datetime64, shape (origins,)
    valid_time : array of datetime64, shape (origins, steps)
    inside : array of bool, shape (origins, steps)
        Steps that must be there.
    names : sequence of str
        Variables to gather.
    required : sequence of str, optional
        Variables that make a run complete; all of `names` by default.
    steps : Steps, optional
        Steps of the task, to which weather of other steps is brought. By default the valid times must be its stamps.

    Returns
    -------
    Gathered
        NaN where an origin has no usable run.

    Examples
    --------
    The run of 12 UTC (10 m/s) arrives at 18 UTC; before that, the run of 0 UTC (8 m/s) is the newest.

    >>> from energyforecast.testing import example_weather
    >>> issued = np.array(["2024-01-01T17", "2024-01-01T18"], dtype="datetime64[ns]")
    >>> hours = issued[:, None] + np.arange(1, 4) * np.timedelta64(1, "h")
    >>> window = {"issue_time": issued, "valid_time": hours, "inside": np.ones(hours.shape, dtype=bool)}
    >>> gathered = weather_as_of(example_weather(), site="farm", names=["wind_speed_100m"], **window)
    >>> gathered.values["wind_speed_100m"].tolist()
    [[8.0, 8.0, 8.0], [10.0, 10.0, 10.0]]
    """
    needed = tuple(names if required is None else required)
    _check_coherent(weather)
    converted = None if steps is None else conversion(weather, steps, names)
    if weather_schema.is_analysis(weather):
        return _analysis(weather, site, valid_time, names, converted)
    init = to_ints(weather["init_time"].values)
    reach = to_ints(weather["lead_time"].values[-1:])[0] if converted is None else converted.grid.end
    issued = to_ints(issue_time)
    # Windows may begin before the issue: in the hour of the newest observation.
    earliest = min(issued.min(initial=NEVER), to_ints(valid_time)[inside].min(initial=NEVER))
    low = int(np.searchsorted(init, earliest - reach))
    high = int(np.searchsorted(init, issued.max(initial=0), side="right"))
    some = weather.isel(init_time=slice(low, high)) if (low, high) != (0, len(init)) else weather
    if converted is None:
        runs = Runs.of(some, site, names)
    else:
        converted = converted.of_runs(slice(low, high))
        runs = ConvertedRuns.to_steps(some, names, converted)
    found = _newest_usable(runs, needed, issued, to_ints(valid_time), inside)
    whole = completed(
        found, runs, needed, issued, to_ints(valid_time), inside, step_back=_step_back_to_arrived
    )
    return replace(whole, converted=converted)


def _check_coherent(weather: xr.Dataset) -> None:
    """Refuse pieces of many runs, which look like runs with holes."""
    if str(weather.attrs.get("coherent_run", 1)).lower() in ("0", "false"):
        raise SchemaError(
            f"The weather of {weather.attrs.get('source', 'this source')} holds pieces of many runs.",
            "An origin must be forecast from one coherent run.",
            "Use runs, e.g. energyforecast.weather.open_meteo(...); compare pieces with observations directly.",
        )


def _newest_usable(
    runs: Runs,
    needed: Sequence[str],
    issued: npt.NDArray[np.int64],
    valid: npt.NDArray[np.int64],
    inside: npt.NDArray[np.bool_],
) -> Gathered:
    """Values of the newest usable run of each origin, found by steps back from the newest one."""
    origins, init, lead, arrived = len(valid), runs.init, runs.lead, runs.arrived
    out = runs.empty(valid.shape)
    chosen = np.full(origins, -1)
    skipped = np.zeros(origins, dtype=bool)
    last = np.where(inside, valid, np.iinfo(np.int64).min).max(axis=1, initial=np.iinfo(np.int64).min)
    run = np.searchsorted(init, issued, side="right") - 1
    pending = np.flatnonzero(run >= 0)
    while pending.size:
        pending, run = _step_back_to_arrived(pending, run, arrived, issued)
        # A run that does not reach the end of the window gives way, and all older ones with it.
        pending = pending[init[run[pending]] + lead[-1] >= last[pending]]
        at = run[pending]
        column, known = positions(valid[pending] - init[at][:, None], lead)
        if arrived.ndim == 2:
            known = known & (arrived[at[:, None], column] <= issued[pending][:, None])
        found = runs.take(at, column, known)
        complete = _complete(found, needed, known, inside[pending])
        done = pending[complete]
        for name, values in out.items():
            values[done] = found[name] if complete.all() else found[name][complete]
        chosen[done] = at[complete]
        pending = pending[~complete]
        skipped[pending] = True
        run[pending] -= 1
        pending = pending[run[pending] >= 0]
    stamps = np.append(init, np.iinfo(np.int64).min).view("datetime64[ns]")
    return Gathered(out, stamps[chosen], skipped)


def _step_back_to_arrived(
    pending: npt.NDArray[np.int64],
    run: npt.NDArray[np.int64],
    arrived: npt.NDArray[np.int64],
    issued: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Go back to runs of which at least something had arrived at the issue time."""
    first = arrived if arrived.ndim == 1 else arrived.min(axis=1)
    waiting = pending
    while waiting.size:
        waiting = waiting[_not_yet(first[run[waiting]], issued[waiting])]
        run[waiting] -= 1
        waiting = waiting[run[waiting] >= 0]
    return pending[run[pending] >= 0], run


def _not_yet(arrived: npt.NDArray[np.int64], issued: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return arrived > issued


def _complete(
    found: Mapping[str, Array],
    needed: Sequence[str],
    known: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Whether each origin has every required value inside its window."""
    there = known
    for name in needed:
        finite = np.isfinite(found[name])
        there = there & (finite if finite.ndim == 2 else finite.all(axis=2))
    return np.asarray((there | ~inside).all(axis=1))


def _analysis(
    weather: xr.Dataset,
    site: str,
    valid_time: timestamps.Times,
    names: Sequence[str],
    converted: Conversion | None,
) -> Gathered:
    """Values of an analysis as a pseudo-run of each origin."""
    axis = to_ints(weather["time"].values) if converted is None else converted.grid.target
    column, known = positions(to_ints(valid_time), axis)
    wanted = dict.fromkeys(names) | {speed_of(name): None for name in names if speed_of(name) in weather}
    series = {name: np.asarray(weather[name].sel(site=site).transpose("time", ...).values) for name in wanted}
    brought = {name: series[name] for name in names}
    if converted is not None:
        for name in names:
            speed = series.get(speed_of(name))
            made = converted.bring(
                name,
                series[name].T[None],
                attrs=weather[name].attrs,
                speed=None if speed is None else speed.T[None],
            )
            brought[name] = made[0].T
        for name in converted.integrated(weather, names):
            brought[integral_of(name)] = converted.grid.integrals(series[name].T).T
    out = {name: array[column] for name, array in brought.items()}
    for values in out.values():
        values[~known] = np.nan
    none = np.zeros(len(valid_time), dtype=bool)
    return Gathered(out, np.full(len(valid_time), _NAT), none, converted=converted)


def why_missing(
    weather: xr.Dataset,
    *,
    site: str,
    issue_time: np.datetime64,
    valid_time: timestamps.Times,
    names: Sequence[str],
    steps: Steps | None = None,
) -> str | None:
    """Reason why no run was usable at one issue time; ``None`` if one was.

    Parameters
    ----------
    weather : Dataset
    site : str
    issue_time : datetime64
    valid_time : array of datetime64, shape (steps,)
        Hours of the window.
    names : sequence of str
        Required variables.
    steps : Steps, optional
        As in :func:`weather_as_of`.

    Returns
    -------
    str or None

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> early = np.datetime64("2024-01-01T05", "ns")
    >>> why_missing(
    ...     example_weather(), site="farm", issue_time=early, valid_time=early[None], names=["wind_speed_100m"]
    ... )
    'no run had arrived by then.'
    """
    issued = np.array([issue_time])
    window: dict[str, Any] = {"issue_time": issued, "valid_time": valid_time[None, :], "steps": steps}
    none = np.zeros((1, len(valid_time)), dtype=bool)
    unit = "hour" if (np.diff(valid_time) == np.timedelta64(1, "h")).all() else "interval"
    gathered = weather_as_of(weather, site=site, names=names, inside=~none, **window)
    made = "" if gathered.converted is None else f" Its steps were brought from {gathered.converted.words}."
    holes = {name: _holes(values) for name, values in gathered.values.items()}
    if not any(hole.any() for hole in holes.values()):
        return None
    if weather_schema.is_analysis(weather):
        name, hole = next((name, hole) for name, hole in holes.items() if hole.any())
        return f"{name} is missing at {minute(valid_time[hole][0])} UTC ({counted(hole.sum(), unit)}).{made}"
    arrived = arrivals(weather)
    first = arrived if arrived.ndim == 1 else arrived.min(axis=1)
    known = np.flatnonzero(~_not_yet(first, to_ints(np.array(issue_time))))
    if not known.size:
        return "no run had arrived by then."
    newest = weather.isel(init_time=[int(known.max())])
    start = newest["init_time"].values[0]
    reach = start + newest["lead_time"].values[-1]
    if reach < valid_time[-1]:
        return (
            f"the newest run that had arrived, of {minute(start)} UTC, ends at {minute(reach)} UTC, before "
            f"{minute(valid_time[-1])}."
        )
    partial = weather_as_of(newest, site=site, names=names, required=(), inside=none, **window)
    for name, values in partial.values.items():
        missing = valid_time[_holes(values)]
        if len(missing):
            return (
                f"the newest run, of {minute(start)} UTC, lacks {_lost_members(newest, values[0])}{name} at "
                f"{minute(missing[0])} UTC ({counted(len(missing), unit)}).{made}"
            )
    return f"the newest run, of {minute(start)} UTC, had arrived in part only."


def _holes(values: Array) -> npt.NDArray[np.bool_]:
    """Steps of one origin at which a value is missing, or that of a member."""
    return np.asarray(~np.isfinite(values[0].reshape(values.shape[1], -1)).all(axis=1))


def _lost_members(run: xr.Dataset, values: Array) -> str:
    """Words for the members that are missing, if others are whole."""
    if values.ndim == 1:
        return ""
    whole: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=0))
    if not whole.any():
        return ""
    names = run["member"].values if "member" in run.coords else np.arange(len(whole))
    kept = ", ".join(map(str, names[whole]))
    return f"members {', '.join(map(str, names[~whole]))} (it has {kept}) of "


def as_double(values: Array) -> npt.NDArray[np.float64]:
    """Single precision is for storage: its last bit of a sine or a logarithm differs between processors."""
    result = values.astype(np.float64)
    result.flags.writeable = values.flags.writeable
    return result
