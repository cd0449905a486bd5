"""Shared parts of sheets: one issue of one site, names of its hours, aligned series, columns and charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import by_hour
from energyforecast.core.fallback import LADDER
from energyforecast.core.forecast import Forecast
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.reporting.sheets.sheet import Chart, Column, Line
from energyforecast.reporting.translations import Text

__all__: list[str] = []

Array = npt.NDArray[Any]


def one_site(sites: Sequence[str], site: str | None) -> str:
    """The named site, or the only one."""
    if site is None and len(sites) == 1:
        return sites[0]
    if site is None or site not in sites:
        raise MissingDataError(
            f"A sheet of site {site!r} is asked for.",
            f"There are {list(sites)}.",
            "Name one of them: site=...",
        )
    return site


def one_issue(forecast: Forecast, site: str | None = None, issue_time: Any = None) -> Forecast:
    """One issue of one site."""
    name = one_site(forecast.sites, site)
    issues = forecast.issue_times
    if issue_time is None and len(issues) > 1:
        raise MissingDataError(
            f"The forecast of site {name!r} was issued {len(issues)} times, from {issues[0]} to {issues[-1]}.",
            "A sheet must show one issue.",
            "Choose it: issue_time=..., or forecast.sel(issue_time=...).",
        )
    return forecast.sel(site=name, issue_time=issues[0] if issue_time is None else issue_time)


def valid_times(forecast: Forecast) -> pd.DatetimeIndex:
    """Valid times of the only issue, in UTC."""
    return timestamps.to_index(forecast.data["valid_time"].values[0])


def step_of(forecast: Forecast) -> pd.Timedelta:
    """Length of an interval."""
    if "frequency" in forecast.data.attrs:
        return timestamps.duration(str(forecast.data.attrs["frequency"]))
    return timestamps.duration(np.diff(forecast.data["lead_time"].values).min())


def quantile(forecast: Forecast, level: float) -> Array:
    """A quantile of the only site and issue. [MW]"""
    return np.asarray(forecast.at(level).values[0, 0], dtype=float)


def local_moments(valid: pd.DatetimeIndex, timezone: str) -> list[datetime]:
    """Wall times with their offsets."""
    place: tzinfo = timestamps.zone(timezone)
    return [moment.to_pydatetime(warn=False).astimezone(place) for moment in valid]


def is_doubled(moment: datetime) -> bool:
    """Whether this wall time occurs twice on its clock."""
    return moment.replace(fold=1 - moment.fold).utcoffset() != moment.utcoffset()


def hour_names(valid: pd.DatetimeIndex, step: pd.Timedelta, timezone: str) -> list[str]:
    """Wall times of the intervals, with the offset of hours that occur twice."""
    # Ends have the offset of the beginning, so that each interval has its true length.
    width, names = step.to_pytimedelta(), []
    for moment in local_moments(valid, timezone):
        naive = moment.replace(tzinfo=None)
        end = naive + width
        last = "24:00" if end.date() > naive.date() and end.time() == datetime.min.time() else f"{end:%H:%M}"
        offset = f" (UTC{moment.isoformat()[-6:]})" if is_doubled(moment) else ""
        names.append(f"{naive:%H:%M}–{last}{offset}")
    return names


def local_days(valid: pd.DatetimeIndex, timezone: str) -> list[date]:
    """The local day of each interval."""
    return [moment.date() for moment in local_moments(valid, timezone)]


def begin(valid: pd.DatetimeIndex, timezone: str) -> pd.Series:
    """Beginnings in local time."""
    return pd.Series(valid.tz_convert(timestamps.zone(timezone)))


def aligned(frame: pd.DataFrame, column: str, valid: pd.DatetimeIndex, *, of: Forecast, kind: str) -> Array:
    """A column of a frame with ``valid_time``, for exactly these hours; a missing value stays NaN."""
    site = of.sites[0]
    lacking = [name for name in ("valid_time", column) if name not in frame.columns]
    if lacking:
        raise SchemaError(
            f"The {kind} of site {site!r} has no column {lacking[0]!r}; it has {list(frame.columns)}.",
            f"A {kind} must have the columns 'valid_time' and {column!r} [MW].",
            "Rename the columns.",
        )
    chosen = frame[frame["site"] == site] if "site" in frame.columns else frame
    if "issue_time" in chosen.columns and chosen["issue_time"].nunique() > 1:
        chosen = chosen[chosen["issue_time"] == of.issue_times[0]]
    if not isinstance(chosen["valid_time"].dtype, pd.DatetimeTZDtype):
        raise TimeError(
            f"The hours of the {kind} of site {site!r} have no time zone.",
            "They must be beginnings of intervals with a zone or offset.",
            'frame["valid_time"] = frame["valid_time"].dt.tz_localize("UTC")',
        )
    stamps = timestamps.to_index(pd.DatetimeIndex(chosen["valid_time"]))
    values = pd.Series(chosen[column].to_numpy(dtype=float), index=stamps)
    return by_hour(values, valid, name=f"{kind} of site {site!r}", step=step_of(of))


def check_covers(stamps: pd.DatetimeIndex, valid: pd.DatetimeIndex, *, name: str) -> None:
    """Refuse a series that lacks hours of the forecast."""
    absent = valid[~valid.isin(stamps)]
    if len(absent):
        raise TimeError(
            f"{name} lacks {len(absent)} of {len(valid)} hours, the first {absent[0]}.",
            "It must hold every hour of the forecast; an unknown value is NaN.",
            "Make both for the same hours, by one task.",
        )


def caveats_of(*frames: pd.DataFrame | None) -> tuple[str, ...]:
    """Caveats that frames carry in their attributes or in a column."""
    lines: list[str] = []
    for frame in frames:
        if frame is None:
            continue
        known = frame.attrs.get("caveats", ())
        lines += known.split("; ") if isinstance(known, str) else list(known)
        for column in {"caveat", "caveats"} & set(frame.columns):
            lines += [line for cell in frame[column].dropna().unique() for line in str(cell).split("; ")]
    return tuple(dict.fromkeys(line for line in lines if line))


def together(*caveats: Sequence[str]) -> tuple[str, ...]:
    """Each caveat once."""
    return tuple(dict.fromkeys(line for lines in caveats for line in lines))


def issue_facts(forecast: Forecast, timezone: str) -> dict[str, Any]:
    """Facts of an issue, for the head of a sheet."""
    data = forecast.data
    issued = forecast.issue_times[0]
    capacity = float(data["capacity"].values[0])
    facts: dict[str, Any] = {"fact.site": forecast.sites[0]}
    if "model" in data.attrs:
        facts["fact.model"] = str(data.attrs["model"])
    if np.isfinite(capacity):
        facts["fact.capacity"] = Text("phrase.power", {"value": capacity})
    facts["fact.timezone"] = timezone
    facts["fact.issue"] = local_moments(pd.DatetimeIndex([issued]), timezone)[0]
    facts["fact.run"] = _run(forecast)
    facts["fact.quality"] = quality(forecast)
    return facts


def _run(forecast: Forecast) -> Text:
    """The weather run and its age."""
    age = weather_age(forecast)
    if not np.isfinite(age):
        return Text("phrase.no_run")
    init = timestamps.to_index(forecast.data["weather_init_time"].values[0])[0].to_pydatetime(warn=False)
    return Text("phrase.run", {"time": init, "age": age})


def weather_age(forecast: Forecast) -> float:
    """Issue minus run; NaN for analyses. [h]"""
    if "weather_init_time" not in forecast.data.coords:
        return float("nan")
    age = forecast.data["issue_time"].values[0] - forecast.data["weather_init_time"].values[0, 0]
    return float(age / np.timedelta64(1, "h"))


def fallback_level(forecast: Forecast) -> int:
    """Fallback level of the only site and issue."""
    return int(forecast.data["fallback_level"].values[0, 0])


def quality(forecast: Forecast) -> Text:
    """The fallback level and its meaning."""
    level = fallback_level(forecast)
    words: Text | str = Text(f"quality.{level}") if level in LADDER else "–"
    return Text("phrase.quality", {"level": str(level), "words": words})


def head_columns(forecast: Forecast, timezone: str) -> tuple[dict[str, Any], tuple[Column, ...]]:
    """Site and issue in every row, for machine-readable files."""
    issued = forecast.issue_times[0].tz_convert(timestamps.zone(timezone))
    values = {"site": forecast.sites[0], "issue_time": issued}
    columns = (
        Column("site", Text("column.site"), kind="text", repeated=True),
        Column("issue_time", Text("column.issue_time"), kind="time", repeated=True),
    )
    return values, columns


#: Flags of single hours or days.
FLAGS: Final = Column("flags", Text("column.flags"), kind="text")


def tail_columns(forecast: Forecast) -> tuple[dict[str, Any], tuple[Column, ...]]:
    """Fallback level and age of the weather, in every row."""
    values = {"fallback_level": fallback_level(forecast), "weather_age": weather_age(forecast)}
    columns = (
        Column("fallback_level", Text("column.fallback_level"), kind="count", repeated=True),
        Column("weather_age", Text("column.weather_age"), unit="h", repeated=True),
    )
    return values, columns


def hour_columns(timezone: str) -> tuple[Column, Column]:
    """Beginning and name of an interval."""
    return (
        Column("begin", Text("column.begin", {"timezone": timezone}), kind="time"),
        Column("hour", Text("column.hour"), kind="text"),
    )


def name_of(level: float) -> str:
    """Name of the column of a quantile."""
    return f"q{level:g}"


def power_column(name: str) -> Column:
    """A column of power with the heading of its name."""
    return Column(name, Text(f"column.{name}"), unit="MW")


def quantile_columns(levels: Sequence[float]) -> tuple[Column, ...]:
    """A column of power for each quantile."""
    return tuple(
        Column(name_of(level), Text("column.quantile", {"level": level}), unit="MW") for level in levels
    )


def power_chart(lines: Sequence[Line], band: tuple[str, str, Text] | None, timezone: str) -> Chart:
    """Chart of power by hour."""
    return Chart(tuple(lines), band, Text("axis.power"), "MW", Text("axis.hour", {"timezone": timezone}))
