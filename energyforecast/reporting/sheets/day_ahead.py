"""The day-ahead sheet: quantiles, schedule and reserve for each hour of the local day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import check_levels
from energyforecast.errors import MissingDataError
from energyforecast.reporting.sheets import common as parts
from energyforecast.reporting.sheets.sheet import Chart, Column, Line, Sheet, Table
from energyforecast.reporting.translations import Text

__all__ = ["day_ahead_sheet", "fan"]


def day_ahead_sheet(
    forecast: Forecast,
    *,
    timezone: str,
    schedule: pd.DataFrame | None = None,
    reserve: pd.DataFrame | None = None,
    quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
    site: str | None = None,
    issue_time: Any = None,
    day: str | date | None = None,
) -> Sheet:
    """Quantiles, schedule and reserve of each hour of the day, with the basis of the forecast.

    Parameters
    ----------
    forecast : Forecast
    timezone : str
        Zone of the days and hours shown: a local day has 23, 24 or 25 hours.
    schedule : DataFrame, optional
        Columns ``valid_time`` (beginnings of intervals, with a zone) and ``schedule`` [MW]; unknown values are NaN,
        and counted.
    reserve : DataFrame, optional
        Columns ``valid_time``, ``up`` and ``down`` [MW].
    quantile_levels : sequence of float
        Quantiles shown.
    site : str, optional
        Needed if there are several.
    issue_time : moment, optional
        Needed if there are several issues; in UTC unless it has an offset.
    day : str or date, optional
        One local day of a longer forecast; all of its hours by default.

    Returns
    -------
    Sheet

    See Also
    --------
    verification_sheet : The same hours, once they are measured.
    revision_sheet : Changes since an earlier issue.

    Raises
    ------
    TimeError
        If schedule or reserve lack an hour, hold one twice, or have no time zone.
    MissingDataError
        If the site, the issue or the day is missing, or must be chosen.
    RangeError
        If a level lies outside those of the forecast.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> forecast = example_forecast()
    >>> hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    >>> schedule = pd.DataFrame({"valid_time": hours, "schedule": 12.0})
    >>> sheet = day_ahead_sheet(forecast, timezone="UTC", schedule=schedule)
    >>> sheet.to_frame()[["hour", "q0.1", "q0.5", "q0.9", "schedule"]].head(2)
              hour  q0.1  q0.5  q0.9  schedule
    0  00:00–01:00   6.0  10.0  14.0      12.0
    1  01:00–02:00   6.5  10.5  14.5      12.0
    >>> [note.translate() for note in sheet.notes][-1]
    'Scheduled energy: 288 MWh.'
    """
    check_types(locals(), of=day_ahead_sheet)
    shown = check_levels(quantile_levels)
    chosen = parts.one_issue(forecast, site, issue_time)
    data, columns = _hours(chosen, timezone, shown)
    data, columns = _with_plan(data, columns, schedule, reserve, of=chosen)
    data = _of_day(data, timezone, day)
    data["flags"] = _flags(data, shown, timezone)
    tail, last = parts.tail_columns(chosen)
    days = parts.local_days(pd.DatetimeIndex(data["begin"]), timezone)
    return Sheet(
        kind="day_ahead",
        subject=chosen.sites[0],
        period=(days[0], days[-1]),
        timezone=timezone,
        table=Table(
            data.assign(**tail),
            (*columns, parts.FLAGS, *last),
            Text("word.table"),
        ),
        facts=parts.issue_facts(chosen, timezone) | {"fact.hours": len(data)},
        notes=_notes(data, shown, parts.step_of(chosen), reserve),
        caveats=parts.together(chosen.caveats, parts.caveats_of(schedule, reserve)),
        chart=fan(shown, timezone, schedule="schedule" in data),
    )


def fan(levels: Sequence[float], timezone: str, *, schedule: bool = False, observed: bool = False) -> Chart:
    """The outer quantiles as a band, the median, and the schedule and outcome."""
    low, high = levels[0], levels[-1]
    lines = [Line("q0.5", Text("line.median"), "forecast")] if 0.5 in levels else []
    lines += [Line("schedule", Text("line.schedule"), "schedule")] if schedule else []
    lines += [Line("observed", Text("line.observed"), "outcome")] if observed else []
    interval = Text("line.interval", {"low": low, "high": high})
    band = (parts.name_of(low), parts.name_of(high), interval) if low < high else None
    return parts.power_chart(lines, band, timezone)


def _hours(
    forecast: Forecast, timezone: str, levels: Sequence[float]
) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Hours and their quantiles."""
    valid, step = parts.valid_times(forecast), parts.step_of(forecast)
    head, first = parts.head_columns(forecast, timezone)
    found = head | {
        "begin": parts.begin(valid, timezone),
        "hour": parts.hour_names(valid, step, timezone),
    }
    found |= {parts.name_of(level): parts.quantile(forecast, level) for level in levels}
    columns = (*first, *parts.hour_columns(timezone), *parts.quantile_columns(levels))
    if "available_capacity" in forecast.data.coords:
        found["available_capacity"] = forecast.data["available_capacity"].values[0, 0]
        columns = (*columns, parts.power_column("available_capacity"))
    return pd.DataFrame(found), columns


def _with_plan(
    data: pd.DataFrame,
    columns: tuple[Column, ...],
    schedule: pd.DataFrame | None,
    reserve: pd.DataFrame | None,
    *,
    of: Forecast,
) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Schedule and reserve, added to the quantiles."""
    valid = timestamps.to_index(pd.DatetimeIndex(data["begin"]))
    wanted = [(schedule, "schedule", "schedule", "schedule")]
    wanted += [(reserve, "reserve", side, f"reserve_{side}") for side in ("up", "down")]
    for frame, kind, column, name in wanted:
        if frame is not None:
            data[name] = parts.aligned(frame, column, valid, of=of, kind=kind)
            columns = (*columns, parts.power_column(name))
    return data, columns


def _of_day(data: pd.DataFrame, timezone: str, day: str | date | None) -> pd.DataFrame:
    """The hours of one local day."""
    if day is None:
        return data
    wanted = timestamps.period(str(day), timezone=timezone)
    inside = (data["begin"] >= wanted[0]) & (data["begin"] < wanted[1])
    if not inside.any():
        raise MissingDataError(
            f"A sheet of {day} is asked for.",
            f"The forecast covers {data['begin'].iloc[0]} to {data['begin'].iloc[-1]}.",
            "Choose a day inside, or another issue.",
        )
    return data[inside].reset_index(drop=True)


def _flags(data: pd.DataFrame, levels: Sequence[float], timezone: str) -> list[tuple[Text, ...]]:
    """Flags of single hours."""
    moments = parts.local_moments(pd.DatetimeIndex(data["begin"]), timezone)
    marks: list[tuple[Text, Any]] = [(Text("flag.twice"), [parts.is_doubled(moment) for moment in moments])]
    if "schedule" in data:
        low, high = levels[0], levels[-1]
        marks += [
            (Text("flag.no_schedule"), data["schedule"].isna()),
            (Text("flag.schedule_above", {"level": high}), data["schedule"] > data[parts.name_of(high)]),
            (Text("flag.schedule_below", {"level": low}), data["schedule"] < data[parts.name_of(low)]),
        ]
    if "reserve_up" in data:
        marks.append((Text("flag.no_reserve"), data[["reserve_up", "reserve_down"]].isna().any(axis=1)))
    found = [(text, np.asarray(where, dtype=bool)) for text, where in marks]
    return [tuple(text for text, where in found if where[row]) for row in range(len(data))]


def _notes(
    data: pd.DataFrame, levels: Sequence[float], step: pd.Timedelta, reserve: pd.DataFrame | None
) -> tuple[Text, ...]:
    """Notes on quantiles, scheduled energy and reserve."""
    notes = [Text("note.quantile", {"low": levels[0]}), Text("note.no_sum")]
    if "schedule" in data:
        missing = int(data["schedule"].isna().sum())
        energy = float(data["schedule"].sum() * (step / pd.Timedelta("1h")))
        notes.append(Text("note.scheduled", {"energy": round(energy, 1)}))
        notes += [Text("note.no_schedule", {"n": missing})] if missing else []
    if "reserve_up" in data and data[["reserve_up", "reserve_down"]].notna().any(axis=None):
        up, down = data["reserve_up"].max(), data["reserve_down"].max()
        notes.append(Text("note.reserve", {"up": round(up, 2), "down": round(down, 2)}))
    if reserve is not None and "risk" in reserve.attrs:
        notes.append(Text("note.reserve_risk", {"risk": float(reserve.attrs["risk"])}))
    return tuple(notes)
