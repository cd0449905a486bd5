"""Forecasts of vendors and operators, read from their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import table_steps, timestamps
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_frames import check_declared
from energyforecast.core.power_kinds import Kind, kinds_of
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import check_levels
from energyforecast.core.table_format import TableFormat, format_of
from energyforecast.core.table_stamps import ReadStamps, read_stamps
from energyforecast.core.tasks import Task
from energyforecast.core.wording import short
from energyforecast.errors import SchemaError, TimeError, UnitsError, one_of

__all__ = ["read_frame"]

Array = npt.NDArray[Any]

#: Different minutes of an interval at which issues may lie: every five minutes of an hour.
_PHASES = 12


def read_frame(
    frame: pd.DataFrame,
    form: TableFormat,
    *,
    columns: Mapping[str, float] | str | None,
    task: Task | None,
    capacity: Mapping[str, float | None] | None,
    kind: Kind | Mapping[str, Kind] | None,
    name: str,
) -> Forecast:
    """Read the frame of :meth:`energyforecast.Forecast.from_frame`."""
    check_types(locals(), of=read_frame)
    form.check_used("unit", "timezone", "frequency", "time_format", reader="Forecast.from_frame")
    one_of("unit", form.unit or "MW", allowed=("W", "kW", "MW", "GW"), error=UnitsError)
    levels = _levels(frame, columns)
    clock = form.timezone or ("UTC" if task is None else task.timezone)
    values = _megawatts(frame, levels, form)
    rows = _rows(frame, clock, task, form.time_format)
    known = np.isfinite(values).all(axis=1)
    rows, values = rows[known], values[known]
    if not len(rows):
        raise SchemaError(
            f"The forecast {name!r} has no row without a missing value.",
            "At least one hour must be forecast.",
            "Check the columns.",
        )
    width = _width(rows, task, form.frequency)
    rows = rows.assign(
        issue_time=_whole_minutes(rows["issue_time"].to_numpy(), rows["valid_time"].to_numpy(), width)
    )
    _refuse_doubles(rows)
    windows = _windows(rows, width)
    places = sorted(dict.fromkeys(rows["site"]))
    cube = _placed(rows, values, windows, places)
    bounds = _bounds(frame[known], rows, windows, places, form)
    limits = dict.fromkeys(places) | dict(capacity or {})
    kinds = _kinds(frame, places, kind)
    return Forecast.from_rows(
        {
            site: SiteRows(cube[k], capacity=limits[site], kind=kinds[k], available_capacity=bounds[k])
            for k, site in enumerate(places)
        },
        windows=windows,
        quantile_levels=tuple(levels.values()),
        attrs={
            "model": name,
            "perfect_weather": 0,
            "timezone": clock if task is None else task.timezone,
            "left_out": int((~known).sum()),
        },
    )


def _megawatts(frame: pd.DataFrame, levels: Mapping[str, float], form: TableFormat) -> Array:
    """Quantiles of each row. [MW]"""
    return np.asarray(
        as_numbers(f"frame[{list(levels)}]", frame[list(levels)])
        * format_of(form, unit=form.unit or "MW").megawatts
    )


def _kinds(frame: pd.DataFrame, places: list[str], kind: Kind | Mapping[str, Kind] | None) -> list[Kind]:
    """Kind of each site: as given, else as the frame has it, else not known."""
    written: dict[str, Any] = dict.fromkeys(places, "site")
    if "kind" in frame:
        names = frame["site"].astype(str) if "site" in frame else pd.Series("site", index=frame.index)
        for site, kinds in frame["kind"].groupby(names.to_numpy()):
            if kinds.nunique(dropna=False) > 1:
                raise SchemaError(
                    f"The forecast of {site!r} has the kinds {sorted(map(str, kinds.unique()))}.",
                    "A site must have one kind.",
                    "Correct the column, or give kind=...",
                )
            written[str(site)] = kinds.iloc[0]
    return kinds_of(places, {} if kind is None else kind, usual=written)


def _levels(frame: pd.DataFrame, columns: Mapping[str, float] | str | None) -> dict[str, float]:
    """Level by column, rising."""
    if isinstance(columns, str):
        found = {columns: 0.5}
    elif columns is not None:
        found = dict(columns)
    else:
        found = {str(name): float(name[1:]) for name in frame.columns if _is_level(str(name))}
    if frame.columns.has_duplicates:
        raise SchemaError(
            f"The frame has the columns {list(frame.columns)}.",
            "Names must be unique.",
            "Rename or drop one.",
        )
    absent = [name for name in found if name not in frame.columns]
    if absent or not found:
        raise SchemaError(
            f"The frame has the columns {list(frame.columns)}" + (f", not {absent[0]!r}." if absent else "."),
            "Quantiles must be columns like 'q0.1', or be named by columns=.",
            "Give columns='load' for a point forecast, or columns={'P10': 0.1, ...}.",
        )
    check_levels(tuple(sorted(found.values())))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _is_level(name: str) -> bool:
    digits = name[1:].replace(".", "", 1)
    return name.startswith("q") and digits.isdecimal()


def _rows(frame: pd.DataFrame, clock: str, task: Task | None, form: str | None) -> pd.DataFrame:
    """Site, issue and beginning of the interval of each row."""
    required = (
        ["valid_time"] if task is not None and "issue_time" not in frame else ["issue_time", "valid_time"]
    )
    absent = [name for name in required if name not in frame]
    if absent:
        raise SchemaError(
            f"The frame has no column {absent[0]!r}, and the task is {task}.",
            "A column or a task must give the issue time of each hour.",
            "Rename the column, or give task=day_ahead(...).",
        )
    site = frame["site"].astype(str) if "site" in frame else pd.Series("site", index=frame.index)
    rows = pd.DataFrame({"site": site.to_numpy()})
    group = [rows["site"]]
    if "issue_time" in frame:
        issued = pd.Series(read_stamps(frame["issue_time"], form=form).times)
        unique = pd.Index(issued.unique())
        moments = pd.Series([timestamps.instant(value, timezone=clock) for value in unique], index=unique)
        rows["issue_time"] = timestamps.to_ns(pd.DatetimeIndex(moments.loc[issued]))
        group.append(rows["issue_time"])
    rows["valid_time"] = _valid(read_stamps(frame["valid_time"], form=form), group, clock)
    if task is not None and "issue_time" not in frame:
        rows["issue_time"] = _issued(task, rows["valid_time"].to_numpy())
    _refuse_doubles(rows)
    return rows


def _refuse_doubles(rows: pd.DataFrame) -> None:
    """Refuse two forecasts of an hour in one issue."""
    doubled = rows.duplicated(["site", "issue_time", "valid_time"])
    if doubled.any():
        row = rows[doubled].iloc[0]
        raise TimeError(
            f"The forecast of {row['site']!r} for {row['valid_time']} UTC, issued {row['issue_time']} UTC, "
            "is there twice.",
            "Each issue must forecast an hour once.",
            "Drop duplicates, or name the zone of the stamps: timezone=...",
        )


def _valid(read: ReadStamps, group: list[pd.Series], clock: str) -> timestamps.Times:
    """Beginnings of intervals in UTC; the hours of a clock change are distinguished within each site and issue."""
    if read.times.hasnans:
        raise TimeError(
            f"valid_time is empty in row {int(np.argmax(read.times.isna())) + 1}.",
            "Every row must have its time.",
            "Drop such rows.",
        )
    if read.times.tz is not None or read.first.any() or read.second.any():
        return timestamps.to_ns(read.in_utc(clock))
    valid = np.empty(len(read.times), dtype="datetime64[ns]")
    for _, part in pd.Series(read.times).groupby(group, sort=False):
        valid[part.index.to_numpy()] = timestamps.to_ns(
            timestamps.localise(pd.DatetimeIndex(part), timezone=clock)
        )
    return valid


def _issued(task: Task, valid: timestamps.Times) -> timestamps.Times:
    """The issue of the task that covers each hour."""
    span = timestamps.to_index(np.array([valid.min(), valid.max()]))
    issued = task.issue_times(span[0] - task.reach, span[1] + task.reach)
    windows = task.windows(issued)
    origin, step = np.nonzero(windows.inside)
    hours = windows.valid_time[origin, step]
    order = np.argsort(hours, kind="stable")
    hours, origin = hours[order], origin[order]
    left = np.searchsorted(hours, valid, side="left")
    count = np.searchsorted(hours, valid, side="right") - left
    wrong = np.flatnonzero(count != 1)
    if wrong.size:
        raise TimeError(
            f"{valid[wrong[0]]} UTC is covered by {int(count[wrong[0]])} issues of the task "
            f"({wrong.size} hours in all).",
            "Each hour must belong to one issue.",
            "Give a task whose windows do not overlap, at the forecast's frequency, or a column 'issue_time'.",
        )
    return np.asarray(windows.issue_time[origin[left]])


def _width(rows: pd.DataFrame, task: Task | None, frequency: Any) -> pd.Timedelta:
    """Length of an interval, as given or as the hours follow each other, which must be the same everywhere."""
    hours = np.unique(rows["valid_time"].to_numpy())
    steps = np.diff(hours).astype("int64")
    if frequency is not None or task is not None:
        width = timestamps.duration(task.frequency if frequency is None and task is not None else frequency)
        check_declared(np.diff(hours), width, label="The forecast")
    elif len(steps):
        width = pd.Timedelta(table_steps.usual_step(steps), unit="ns").as_unit("ns")
    else:
        raise TimeError(
            "The forecast has a single hour.",
            "The length of an interval must be known.",
            "Give frequency='1h'.",
        )
    _one_step(timestamps.to_index(hours), steps, width)
    by_issue = rows.sort_values(["site", "issue_time", "valid_time"])
    within = by_issue["valid_time"].diff().to_numpy().astype("int64")[1:]
    same = (
        (by_issue[["site", "issue_time"]] == by_issue[["site", "issue_time"]].shift())
        .all(axis=1)
        .to_numpy()[1:]
    )
    _one_step(timestamps.to_index(by_issue["valid_time"].to_numpy()), np.where(same, within, 0), width)
    return width


def _one_step(hours: pd.DatetimeIndex, steps: npt.NDArray[np.int64], width: pd.Timedelta) -> None:
    """Refuse hours that follow each other by another step than the length of an interval, for too long for gaps."""
    known = table_steps.changes_of_step(steps, width.value)
    longer = np.flatnonzero(known > width.value)
    if len(longer):
        row = int(longer[0])
        raise TimeError(
            f"The forecast has values every {short(pd.Timedelta(known[row]))} from {hours[row]:%Y-%m-%d %H:%M} UTC on, "
            f"and the length of its intervals is {short(width)}.",
            "All intervals of a forecast must have the same length.",
            "Give the frequency of the rows, or read parts of different steps as forecasts of their own.",
        )


def _whole_minutes(
    issued: timestamps.Times, valid: timestamps.Times, width: pd.Timedelta
) -> timestamps.Times:
    """Issue times rounded up to whole minutes, at which they were known; leads must not be scattered over an interval.

    Seconds would give every issue leads of its own.
    """
    minute = np.timedelta64(1, "m")
    begun = issued.astype("datetime64[m]").astype("datetime64[ns]")
    whole = np.where(begun < issued, begun + minute, issued)
    phases = np.unique((valid - whole) % width.to_timedelta64())
    if len(phases) > _PHASES:
        late = timestamps.to_index(whole[(valid - whole) % width.to_timedelta64() == phases[1]])[0]
        raise TimeError(
            f"Issue times lie on {len(phases)} different minutes of an interval of {short(width)}, one is {late}.",
            f"They must lie on at most {_PHASES}, so that issues have lead times in common.",
            "Round them up: frame['issue_time'] = frame['issue_time'].dt.ceil('15min'), or leave the column out and "
            "give the task.",
        )
    return whole


def _windows(rows: pd.DataFrame, width: pd.Timedelta) -> Windows:
    """A row for each issue; its hours need not follow one another."""
    pairs = rows[["issue_time", "valid_time"]].drop_duplicates().sort_values(["issue_time", "valid_time"])
    issued, position = np.unique(pairs["issue_time"].to_numpy(), return_inverse=True)
    first = np.searchsorted(position, np.arange(len(issued)))
    step = np.arange(len(pairs)) - first[position]
    inside = np.zeros((len(issued), int(step.max()) + 1), dtype=bool)
    inside[position, step] = True
    valid = np.repeat(issued[:, None], inside.shape[1], axis=1).astype("datetime64[ns]")
    valid[position, step] = pairs["valid_time"].to_numpy()
    return Windows(issue_time=issued, valid_time=valid, inside=inside, frequency=width)


def _bounds(
    frame: pd.DataFrame, rows: pd.DataFrame, windows: Windows, places: list[str], form: TableFormat
) -> list[Array | None]:
    """Available capacity by site, in the order of the windows' cells; NaN where it is not known. [MW]"""
    if "available_capacity" not in frame:
        return [None] * len(places)
    megawatts = format_of(form, unit=form.unit or "MW").megawatts
    available = as_numbers("available_capacity", frame["available_capacity"]) * megawatts
    cube = _placed(rows, np.where(np.isfinite(available), available, np.inf)[:, None], windows, places)
    return list(np.where(np.isfinite(cube[..., 0]), cube[..., 0], np.nan))


def _placed(rows: pd.DataFrame, values: Array, windows: Windows, places: list[str]) -> Array:
    """Quantiles by site, in the order of the windows' cells."""
    origin, step = np.nonzero(windows.inside)
    cells = pd.MultiIndex.from_arrays([windows.issue_time[origin], windows.valid_time[origin, step]])
    cube = np.full((len(places), len(cells), values.shape[1]), np.nan)
    for k, site in enumerate(places):
        of_site = (rows["site"] == site).to_numpy()
        position = cells.get_indexer(
            pd.MultiIndex.from_frame(rows.loc[of_site, ["issue_time", "valid_time"]])
        )
        cube[k, position] = values[of_site]
    lost = np.argwhere(np.isnan(cube[..., 0]))
    if len(lost):
        k, cell = lost[0]
        raise TimeError(
            f"{places[k]!r} has no forecast for {cells[cell][1]} UTC, issued {cells[cell][0]} UTC, which other "
            f"sites have ({len(lost)} in all).",
            "Sites of one forecast must have the same issues and hours.",
            "Read each site as a forecast of its own.",
        )
    return cube
