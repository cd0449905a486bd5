"""Reader of the load track of the Global Energy Forecasting Competition 2014; the data is not shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.competitions.readers import common as files
from energyforecast.competitions.readers.common import CompetitionData
from energyforecast.core.observation_series import Observations
from energyforecast.core.site_facts import Source
from energyforecast.core.sites import DemandArea
from energyforecast.errors import TimeError
from energyforecast.weather import measured_weather

__all__ = ["read_gefcom2014_load"]

_PAGE: Final = "https://doi.org/10.1016/j.ijforecast.2016.02.001"
_FOLDERS: Final = ("gefcom2014", "GEFCom2014", "GEFCom2014 Data", "gefcom2014-load")
_STATIONS: Final = tuple(f"w{k}" for k in range(1, 26))
_HOUR: Final = pd.Timedelta("1h")
#: First month that was forecast.
_FIRST: Final = pd.Timestamp("2010-10-01", tz="UTC")
_AREA: Final = DemandArea(
    name="utility",
    latitude=42.0,
    longitude=-72.0,
    timezone="UTC",
    country="US",
    coordinate_uncertainty_km=1000.0,
    sources=dict.fromkeys(
        ("latitude", "longitude"),
        Source(
            "a utility of the United States, its place not disclosed; hurricane Irene struck it",
            "approximate",
        ),
    ),
)


def read_gefcom2014_load(folder: str | Path) -> CompetitionData:
    r"""Read the load track: a utility of the United States, with 25 temperature stations.

    Parameters
    ----------
    folder : path
        With ``load.parquet``, alone or in a folder ``gefcom2014``; or with the official files, unpacked:
        ``L1-train.csv``, ``L2-train.csv`` and so on, and ``solution15_L_temperature.csv``.

    Returns
    -------
    CompetitionData
        ``weather`` is an analysis: the temperature of the stations, each known at its instant; the
        competition has no forecast. Load is known at the end of its hour. [°C, MW]

    Raises
    ------
    MissingDataError, DependencyError, SchemaError, TimeError, FileFormatError
        As of :func:`read_gefcom2014_wind`.

    See Also
    --------
    Gefcom2014Load, read_gefcom2014_wind

    Notes
    -----
    Stamps end their hour, on the utility's wall clock, which has no hour doubled or left out. Its zone
    was not disclosed, so **times are that clock's, written as UTC**, and so is the area's zone. Load
    stamped T belongs to the hour that begins at T − 1 h, temperature is of the instant T. Official stamps such as
    ``1112010 1:00`` have neither separators nor leading zeros of the month; they are read as the one hourly series
    that all of them fit.

    References
    ----------
    Hong et al. (2016), https://doi.org/10.1016/j.ijforecast.2016.02.001.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["TIMESTAMP,LOAD," + ",".join(f"w{k}" for k in range(1, 26))]
    >>> rows += [f"112001 {hour}:00,{100 + hour}" + 25 * ",50" for hour in (1, 2, 3)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "L1-train.csv").write_text("\n".join(rows))
    ...     data = read_gefcom2014_load(folder)
    >>> data.observations
    Observations of utility: 3 x 1h from 2001-01-01 00:00 UTC, 0 missing, 0 flagged, published after 0h
    >>> float(data.weather["temp_air"].sel(site="w1")[0])  # 50 °F
    10.0
    """
    table = _table(folder).set_index("time").sort_index()
    doubled = table.index[table.index.duplicated()]
    if len(doubled):
        raise TimeError(
            f"The load track has two rows for {doubled[0]}.",
            "There must be one for each hour.",
            "Drop one of them.",
        )
    every = pd.date_range(table.index[0], table.index[-1], freq=_HOUR)
    table = table.reindex(every).astype("float64")
    load = table[["load"]].set_axis([_AREA.name], axis=1).set_axis(every - _HOUR, axis=0)
    celsius = (table[list(_STATIONS)] - 32.0) / 1.8
    observed = Observations(load.loc[load.first_valid_index() :], published_after="0h")
    wanted = files.months(observed.index)
    wanted = wanted[wanted >= _FIRST]
    return CompetitionData(
        (_AREA,),
        measured_weather({"temp_air": celsius}, published_after="0h").assign_attrs(
            source="GEFCom2014: 25 stations"
        ),
        observed,
        observed,
        dict(enumerate(wanted, start=1)),
    )


def _table(folder: str | Path) -> pd.DataFrame:
    """Time, load and stations, a row an hour."""
    columns = ("timestamp", "load", *_STATIONS)
    prepared = files.read_prepared(folder, names=_FOLDERS, file="load.parquet", columns=columns)
    if prepared is not None:
        return prepared
    parts = {}
    for path in sorted(Path(folder).rglob("L*-train.csv")):
        match = re.fullmatch(r"L(?P<task>\d+)-train\.csv", path.name)
        if match:
            table = files.read_csv(path, columns)
            parts[int(match["task"])] = table.drop(columns="timestamp").assign(
                time=_hours(table["timestamp"], path.name)
            )
    if not parts:
        raise files.no_data(
            folder, prepared="load.parquet", official="L1-train.csv, L2-train.csv ...", page=_PAGE
        )
    solution = sorted(Path(folder).rglob("solution15_L_temperature.csv"))[:1]
    return pd.concat([*parts.values(), *map(_solution, solution)], ignore_index=True)


def _solution(path: Path) -> pd.DataFrame:
    """The last month, in a table by date and hour of the day, 1 to 24."""
    table = files.read_csv(path, ("date", "hour", "load", *_STATIONS))
    table = files.timed(table, path.name, stamp="date", form="%m/%d/%Y")
    hour = pd.to_timedelta(table.pop("hour").to_numpy(), unit="h")
    return table.assign(time=table["time"] + hour)


def _hours(stamps: pd.Series[Any], label: str) -> pd.DatetimeIndex:
    """Stamps without separators as the one series of consecutive hours that all of them fit."""
    written = stamps.astype(str).str.strip()
    for begin in _readings(str(written.iloc[0])):
        hours = pd.date_range(begin, periods=len(written), freq=_HOUR, tz="UTC")
        if (written == _spelled(hours, day="%d")).all() or (written == _spelled(hours, day="")).all():
            return hours
    raise TimeError(
        f"{label}: the stamps from {written.iloc[0]!r} to {written.iloc[-1]!r} are not consecutive hours.",
        "They must be written like '1012001 1:00': month, day and year without separators, hour by hour.",
        "Use the competition's own file, unchanged.",
    )


def _spelled(hours: pd.DatetimeIndex, *, day: str) -> pd.Series[Any]:
    """Hours as stamps, days with a leading zero (``"%d"``) or without."""
    days = hours.strftime("%d") if day else hours.day.astype(str)
    return pd.Series(hours.month.astype(str) + days + hours.strftime("%Y ") + hours.hour.astype(str) + ":00")


def _readings(stamp: str) -> list[pd.Timestamp]:
    """Possible readings of a stamp: its month has one digit or two."""
    found = re.fullmatch(r"(\d{2,4})(\d{4}) (\d{1,2}):00", stamp)
    readings = []
    for width in (1, 2) if found else ():
        date, year, hour = found.groups()  # type: ignore[union-attr]
        moment = pd.to_datetime(f"{year}-{date[:width]}-{date[width:]}", format="%Y-%m-%d", errors="coerce")
        if not pd.isna(moment):
            readings.append(moment + int(hour) * _HOUR)
    return readings
