"""Shared parts of the readers of competitions: files, hourly tables, weather as runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import errors
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.variables import MEAN, POINT
from energyforecast.errors import FileFormatError, MissingDataError, SchemaError, TimeError

__all__ = ["CompetitionData", "Information"]

Array = npt.NDArray[Any]

#: As competitors had it (a month's weather at once; all training hours, later ones too), as operators have it
#: (a run a day), or what was known at the issue time alone.
Information: TypeAlias = Literal["competition", "operational", "past"]

_HOUR: Final = pd.Timedelta("1h")


@dataclass(frozen=True, eq=False)
class CompetitionData:
    """Data of a competition in the types of the library.

    Parameters
    ----------
    sites : tuple of Site
    weather : Dataset
        Runs with the time at which each was available.
    observations : Observations
        Power with the time at which each value was published. Forecasts use weather and observations alone.
        [MW, of a capacity of 1]
    outcomes : Observations
        Power by which forecasts are scored.
    starts : dict of Timestamp
        By number of the task: the first hour that is forecast, up to which all data is known.
    information : {"competition", "operational", "past"}
        As :attr:`Competition.information` of the competition lists and describes.

    See Also
    --------
    Competition, read_gefcom2014_wind, read_gefcom2014_solar, read_gefcom2014_load, read_gefcom2012_wind

    Examples
    --------
    >>> from energyforecast.testing import example_observations, example_weather
    >>> from energyforecast.core.sites import WindFarm
    >>> farm, power = WindFarm(name="farm", latitude=44, longitude=78, capacity=60), example_observations()
    >>> data = CompetitionData((farm,), example_weather(), power, power, {1: power.index[0]})
    >>> data.site("farm").capacity
    60
    """

    sites: tuple[Site, ...]
    weather: xr.Dataset
    observations: Observations
    outcomes: Observations
    starts: Mapping[int, pd.Timestamp]
    information: Information = "competition"

    def site(self, name: str) -> Site:
        """Site by its name."""
        return next(site for site in self.sites if site.name == name)

    def others(self, name: str) -> tuple[Site, ...]:
        """All other sites."""
        return tuple(site for site in self.sites if site.name != name)


def find(folder: str | Path, *, names: Iterable[str], file: str) -> Path | None:
    """Prepared file in the folder, or in a folder of the data set's name inside it."""
    places = [Path(folder), *(Path(folder) / name for name in names)]
    return next((place / file for place in places if (place / file).is_file()), None)


def newest(folder: str | Path, pattern: str) -> list[Path]:
    """Official files of the highest task; each task's files repeat all that was known before."""
    numbered: dict[int, dict[str, Path]] = {}
    for path in sorted(Path(folder).rglob("*.csv")):
        match = re.fullmatch(pattern, path.name)
        if match:
            numbered.setdefault(int(match["task"]), {}).setdefault(path.name, path)
    return list(numbered[max(numbered)].values()) if numbered else []


def no_data(folder: str | Path, *, prepared: str, official: str, page: str) -> MissingDataError:
    """Error of a folder without the data set."""
    place = Path(folder)
    inside = sorted(item.name for item in place.iterdir())[:8] if place.is_dir() else None
    return MissingDataError(
        f"{place} holds {', '.join(inside) or 'nothing'}."
        if inside is not None
        else f"There is no folder {place}.",
        f"It, or a folder of the data set's name in it, must hold {prepared}, or the official files {official}.",
        f"Get the data ({page}; see docs/benchmarks/competitions.md), unpack it, and give its folder.",
    )


def read_prepared(
    folder: str | Path, *, names: Iterable[str], file: str, columns: Sequence[str], stamp: str = "timestamp"
) -> pd.DataFrame | None:
    """Prepared Parquet table with the columns that are needed, its stamps as ``time``; None without the file."""
    path = find(folder, names=names, file=file)
    if path is None:
        return None
    pa = errors.require(
        "pyarrow", extra="benchmark", purpose=f"{path.name} is Parquet; the official files are CSV."
    )
    try:
        table = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, "Parquet", error) from error
    return timed(require(table, columns, path.name), path.name, stamp=stamp, form="ISO8601")


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Official table with the columns that are needed, their names in lower case."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' own errors of parsing are ValueErrors
        raise _unreadable(path, "CSV", error) from error
    return require(table.rename(columns=str.lower), columns, path.name)


def _unreadable(path: Path, form: str, error: Exception) -> FileFormatError:
    """Error of a file that cannot be read."""
    return FileFormatError(f"{path} cannot be read: {error}.", f"It must be a {form} file.", "Copy it again.")


def require(table: pd.DataFrame, columns: Sequence[str], label: str) -> pd.DataFrame:
    """Some columns of a table, which must have them and rows."""
    absent = [name for name in columns if name not in table.columns]
    if absent or table.empty:
        raise SchemaError(
            f"{label} has {len(table)} rows and the columns {list(table.columns)}"
            + (f", without {absent[0]!r}." if absent else "."),
            f"Its columns must be {', '.join(columns)}.",
            "Use the competition's own file, unchanged.",
        )
    return table[list(columns)]


def timed(
    table: pd.DataFrame, label: str, *, stamp: str = "timestamp", form: str = "%Y%m%d %H:%M"
) -> pd.DataFrame:
    """Table with the column ``time`` in UTC in place of its stamps."""
    return table.drop(columns=stamp).assign(time=stamps(table[stamp], label, form=form))


def stamps(values: pd.Series[Any], label: str, *, form: str) -> pd.DatetimeIndex:
    """Official time stamps in UTC."""
    try:
        return pd.DatetimeIndex(pd.to_datetime(values.astype(str), format=form, utc=True)).as_unit("ns")
    except ValueError as error:
        raise TimeError(
            f"{label}: a time stamp cannot be read: {error}.",
            f"Stamps must have the form {form}.",
            "Use the competition's own file, unchanged.",
        ) from error


def hourly(table: pd.DataFrame, *, by: str, label: str) -> dict[str, pd.DataFrame]:
    """Columns of a long table (``time``, `by` and values) as frames of every hour, a column a site.

    Rows begin an hour before the first stamp: stamps end their hour.
    """
    doubled = table.duplicated([by, "time"])
    if doubled.any():
        row = table[doubled].iloc[0]
        raise TimeError(
            f"{label} has two rows for {by} {row[by]} at {row['time']}.",
            "There must be one.",
            "Drop one of them.",
        )
    every = pd.date_range(table["time"].min() - _HOUR, table["time"].max(), freq="1h")
    return {
        str(name): table.pivot(index="time", columns=by, values=str(name)).reindex(every)
        for name in table.columns
        if name not in (by, "time")
    }


def months(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """First hours of the months that an hourly index covers completely."""
    firsts = index[(index.day == 1) & (index.hour == 0)]
    return firsts[firsts + pd.offsets.MonthBegin(1) <= index[-1] + _HOUR]


def end_of_month(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """First hour of the month after each."""
    return pd.DatetimeIndex(index.normalize() + pd.offsets.MonthBegin(1)).as_unit("ns")


def published_by_month(power: pd.DataFrame) -> Observations:
    """Power with each month's values published together, at its end."""
    published = pd.DataFrame(
        np.repeat(end_of_month(pd.DatetimeIndex(power.index)).to_numpy()[:, None], power.shape[1], axis=1),
        index=power.index,
        columns=power.columns,
    )
    return Observations(power, published_time=published)


def as_runs(
    instants: Mapping[str, pd.DataFrame],
    means: Mapping[str, pd.DataFrame],
    *,
    information: Information,
    source: str,
) -> xr.Dataset:
    """Hourly instants and means (at the beginning of their hour) as a run a month, or a run a day.

    Lead 0 of a run is the end of the run before: the newest value that was known of that instant.
    """
    index = pd.DatetimeIndex(next(iter(instants.values())).index)
    if information == "competition":
        starts = months(index[:-1])
        after = end_of_month(starts)
    else:
        starts = pd.DatetimeIndex(index[:-1][index[:-1].hour == 0])
        after = starts + pd.Timedelta("1D")
    length = np.asarray((after - starts) // _HOUR)
    lead = np.arange(int(length.max()) + 1)
    place = np.asarray((starts - index[0]) // _HOUR)[:, None] + lead[None, :]
    variables = {}
    for kind, frames in ((POINT, instants), (MEAN, means)):
        inside = (lead[None, :] <= length[:, None] - (kind == MEAN)) & (place < len(index))
        for name, frame in frames.items():
            values = frame.to_numpy(dtype=np.float32).T[:, np.where(inside, place, 0)]
            values[:, ~inside] = np.nan
            variables[name] = (("site", "init_time", "lead_time"), values, {"cell_methods": kind})
    begin = timestamps.to_ns(starts)
    return xr.Dataset(
        variables,
        coords={
            "site": [str(name) for name in next(iter(instants.values())).columns],
            "init_time": begin,
            "lead_time": lead * np.timedelta64(3_600_000_000_000, "ns"),
            "available_time": ("init_time", begin),
        },
        attrs={"kind": "forecast", "source": source},
    )


def lead_of_run(index: pd.DatetimeIndex, columns: pd.Index[Any]) -> pd.DataFrame:
    """True lead of each hour's end, of runs initialised at 00 UTC each day. [h]"""
    return pd.DataFrame(
        np.repeat(np.asarray(index.hour + 1.0)[:, None], len(columns), axis=1), index=index, columns=columns
    )
