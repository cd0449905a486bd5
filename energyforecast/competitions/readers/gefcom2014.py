"""Readers of the wind and solar tracks of the Global Energy Forecasting Competition 2014; the data is not shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.competitions.readers import common as files
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.core.site_facts import Source
from energyforecast.core.sites import PVPlant, Site, WindFarm

__all__ = ["read_gefcom2014_solar", "read_gefcom2014_wind"]

Array = npt.NDArray[Any]

_PAGE: Final = "https://doi.org/10.1016/j.ijforecast.2016.02.001"
_SOURCE: Final = "GEFCom2014: ECMWF, runs of 00 UTC, leads 1 to 24 h"
_FOLDERS: Final = ("gefcom2014", "GEFCom2014", "GEFCom2014 Data")
#: First month that was forecast.
_FIRST: Final = {
    "wind": pd.Timestamp("2012-10-01", tz="UTC"),
    "solar": pd.Timestamp("2013-04-01", tz="UTC"),
}

_WIND: Final = ("u10", "v10", "u100", "v100")
_UNDISCLOSED: Final = Source(
    "the competition discloses the country (Australia), not the place", "approximate"
)

#: Fields that are instants: the library's name, factor, offset. The ECMWF numbers them.
_INSTANTS: Final = {
    "var78": ("cloud_water", 1.0, 0.0),
    "var79": ("cloud_ice", 1.0, 0.0),
    "var134": ("pressure", 1.0, 0.0),
    "var157": ("relative_humidity", 1.0, 0.0),
    "var164": ("cloud_cover", 100.0, 0.0),
    "var167": ("temp_air", 1.0, -273.15),
}
#: Fields that accumulate from 00 UTC: the library's name and the factor that makes the mean of an hour.
_ACCUMULATED: Final = {
    "var169": ("ghi", 1 / 3600),
    "var175": ("longwave_down", 1 / 3600),
    "var178": ("top_net_solar", 1 / 3600),
    "var228": ("precipitation", 1000.0),
}
#: Azimuth and tilt [degree], altitude [m] of the plants, as the competition describes them.
_PLANTS: Final = {1: (38.0, 36.0, 595.0), 2: (327.0, 35.0, 602.0), 3: (31.0, 21.0, 951.0)}


def read_gefcom2014_wind(folder: str | Path, *, information: Information = "competition") -> CompetitionData:
    r"""Read the wind track: ten Australian farms, power as a share of capacity, ECMWF wind at 10 and 100 m.

    Parameters
    ----------
    folder : path
        With ``wind.parquet``, alone or in a folder ``gefcom2014``; or with the official files, unpacked:
        ``Task15_W_Zone1.csv``, ``TaskExpVars15_W_Zone1.csv`` and so on, of the highest task, and
        ``solution15_W.csv``.
    information : {"competition", "operational"}
        Whether a month's weather is one run, known whole at the month's first hour, as the competition gave it,
        or a run a day, known from its initialisation at 00 UTC.

    Returns
    -------
    CompetitionData
        Power of a month becomes known at its end.

    Raises
    ------
    MissingDataError
        If the folder holds no such files.
    DependencyError
        If the file is Parquet and the extra ``benchmark`` is not installed.
    SchemaError, TimeError, FileFormatError
        If a file is not one of the competition.

    See Also
    --------
    Gefcom2014Wind, read_gefcom2014_solar, read_gefcom2014_load, read_gefcom2012_wind

    Notes
    -----
    Stamps end their hour: power stamped T belongs to the hour that begins at T − 1 h, wind is of the instant T.
    The instant 0 h of the first run is not in the data; it repeats the next one, and the power of that hour
    is left out. The places of the farms were not disclosed: all have the coordinates of inner Australia.

    References
    ----------
    Hong et al. (2016), https://doi.org/10.1016/j.ijforecast.2016.02.001.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["ZONEID,TIMESTAMP,TARGETVAR,U10,V10,U100,V100"]
    >>> rows += [f"1,2012010{1 + hour // 24} {hour % 24}:00,0.5,3,0,8,0" for hour in range(1, 49)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "Task1_W_Zone1.csv").write_text("\n".join(rows))
    ...     data = read_gefcom2014_wind(folder, information="operational")
    >>> dict(data.weather.sizes), data.weather["wind_direction_100m"].values[0, 0, 0]  # a west wind
    ({'site': 1, 'init_time': 2, 'lead_time': 25}, np.float32(270.0))
    """
    table = _wind_table(folder)
    frames = files.hourly(table, by="zoneid", label="the wind track")
    names = [f"zone {zone}" for zone in frames["targetvar"].columns]
    frames = {name: frame.set_axis(names, axis=1) for name, frame in frames.items()}
    parts = {name: _filled(frames[name]) for name in _WIND}
    instants = {}
    for height in (10, 100):
        u, v = parts[f"u{height}"], parts[f"v{height}"]
        instants[f"wind_speed_{height}m"] = np.hypot(u, v)
        instants[f"wind_direction_{height}m"] = np.degrees(np.arctan2(-u, -v)) % 360.0
    sites = tuple(
        WindFarm(
            name=name,
            latitude=-30.0,
            longitude=145.0,
            capacity=1.0,
            coordinate_uncertainty_km=2000.0,
            sources={"latitude": _UNDISCLOSED, "longitude": _UNDISCLOSED},
        )
        for name in names
    )
    return _data(sites, instants, {}, power=frames["targetvar"], track="wind", information=information)


def _wind_table(folder: str | Path) -> pd.DataFrame:
    """Zone, time, power and wind, a row an hour."""
    columns = ("zoneid", "timestamp", "targetvar", *_WIND)
    prepared = files.read_prepared(
        folder, names=(*_FOLDERS, "gefcom2014-wind"), file="wind.parquet", columns=columns
    )
    if prepared is not None:
        return prepared
    known = files.newest(folder, r"Task(?P<task>\d+)_W_Zone\d+\.csv")
    ahead = files.newest(folder, r"TaskExpVars(?P<task>\d+)_W_Zone\d+\.csv")
    if not known:
        raise files.no_data(
            folder,
            prepared="wind.parquet",
            official="Task15_W_Zone1.csv ... and solution15_W.csv",
            page=_PAGE,
        )
    history = _joined(known, ("zoneid", "timestamp", "targetvar", *_WIND))
    weather = _joined(ahead, ("zoneid", "timestamp", *_WIND))
    solution = _joined(
        files.newest(folder, r"solution(?P<task>\d+)_W\.csv"), ("zoneid", "timestamp", "targetvar")
    )
    return _continued(history, weather, solution)


def _joined(paths: list[Path], columns: tuple[str, ...]) -> pd.DataFrame:
    """Official tables below each other, with ``time``."""
    tables = [files.timed(files.read_csv(path, columns), path.name) for path in paths]
    return pd.concat(tables, ignore_index=True) if tables else _no_rows(columns)


def _no_rows(columns: tuple[str, ...]) -> pd.DataFrame:
    """Empty table with ``time``."""
    kinds = {"zoneid": "int64", "timestamp": "datetime64[ns, UTC]"}
    empty = {name: pd.Series(dtype=kinds.get(name, "float64")) for name in columns}
    return pd.DataFrame(empty).rename(columns={"timestamp": "time"})


def _continued(history: pd.DataFrame, weather: pd.DataFrame, solution: pd.DataFrame) -> pd.DataFrame:
    """History, then the weather of the month to be forecast with its outcomes, where they are known."""
    if weather.empty:
        return history
    later = weather[weather["time"] > history["time"].max()].merge(
        solution, on=["zoneid", "time"], how="left"
    )
    return pd.concat([history, later], ignore_index=True) if len(later) else history


def read_gefcom2014_solar(folder: str | Path, *, information: Information = "competition") -> CompetitionData:
    r"""Read the solar track: three Australian plants, power as a share of capacity, twelve ECMWF fields.

    Parameters
    ----------
    folder : path
        With ``solar.parquet``, alone or in a folder ``gefcom2014``; or with the official files, unpacked:
        ``train15.csv``, ``predictors15.csv`` of the highest task, and ``Solution to Task 15.csv``.
    information : {"competition", "operational"}
        As for :func:`read_gefcom2014_wind`.

    Returns
    -------
    CompetitionData
        Power of a month becomes known at its end.

    Raises
    ------
    MissingDataError, DependencyError, SchemaError, TimeError, FileFormatError
        As of :func:`read_gefcom2014_wind`.

    See Also
    --------
    Gefcom2014Solar, read_gefcom2014_wind

    Notes
    -----
    Stamps end their hour. Radiation and rain accumulate from 00 UTC; their hourly means belong to the hour that
    begins at T − 1 h, and negative ones, due to rounding, are 0. The humidity is that of 1000 hPa. The plants'
    coordinates are those at which the radiation of clear days fits the sun best, within about 150 km.

    References
    ----------
    Hong et al. (2016), https://doi.org/10.1016/j.ijforecast.2016.02.001.

    Examples
    --------
    >>> import tempfile
    >>> fields = [f"VAR{number}" for number in (78, 79, 134, 157, 164, 165, 166, 167, 169, 175, 178, 228)]
    >>> rows = {"train1": ["ZONEID,TIMESTAMP,POWER"], "predictors1": ["ZONEID,TIMESTAMP," + ",".join(fields)]}
    >>> for hour in range(1, 25):  # 3.6 MJ m⁻² each hour
    ...     stamp = f"1,2012040{1 + hour // 24} {hour % 24}:00"
    ...     rows["train1"].append(f"{stamp},0.5")
    ...     rows["predictors1"].append(f"{stamp},0,0,95000,60,0.5,3,4,293.15,{3.6e6 * hour},{3.6e6 * hour},0,0")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, lines in rows.items():
    ...         _ = Path(folder, f"{name}.csv").write_text("\n".join(lines))
    ...     data = read_gefcom2014_solar(folder, information="operational")
    >>> data.weather["ghi"].values[0, 0, [0, 23, 24]]  # the hour that begins at lead 24 h belongs to the next run
    array([1000., 1000., nan], dtype=float32)
    """
    frames = files.hourly(_solar_table(folder), by="zoneid", label="the solar track")
    zones = [int(zone) for zone in frames["power"].columns]
    names = [f"zone {zone}" for zone in zones]
    frames = {name: frame.set_axis(names, axis=1) for name, frame in frames.items()}
    u, v = _filled(frames["var165"]), _filled(frames["var166"])
    instants = {"wind_speed_10m": np.hypot(u, v)}
    instants |= {name: _filled(frames[var]) * by + to for var, (name, by, to) in _INSTANTS.items()}
    means = {name: _of_the_hour(frames[var]) * by for var, (name, by) in _ACCUMULATED.items()}
    sites = tuple(map(_plant, zones, names))
    return _data(sites, instants, means, power=frames["power"], track="solar", information=information)


def _plant(zone: int, name: str) -> PVPlant:
    """Plant of a zone, with the orientation that the competition states."""
    derived = Source("the radiation of clear days, fitted to the sun", "derived")
    azimuth, tilt, altitude = _PLANTS.get(zone, (None, None, None))
    described = Source("the competition's description of its plants", "stated")
    return PVPlant(
        name=name,
        latitude=-36.0,
        longitude=149.25,
        capacity=1.0,
        coordinate_uncertainty_km=150.0,
        surface_azimuth=azimuth,
        surface_tilt=tilt,
        altitude=altitude,
        sources={"latitude": derived, "longitude": derived}
        | dict.fromkeys(("surface_azimuth", "surface_tilt"), described),
    )


def _solar_table(folder: str | Path) -> pd.DataFrame:
    """Zone, time, power and the twelve fields, a row an hour."""
    fields = ("var165", "var166", *_INSTANTS, *_ACCUMULATED)
    prepared = files.read_prepared(
        folder,
        names=(*_FOLDERS, "gefcom2014-solar"),
        file="solar.parquet",
        columns=("zoneid", "timestamp", "power", *fields),
    )
    if prepared is not None:
        return prepared
    weather = files.newest(folder, r"predictors(?P<task>\d+)\.csv")
    known = files.newest(folder, r"train(?P<task>\d+)\.csv")
    if not weather or not known:
        raise files.no_data(
            folder, prepared="solar.parquet", official="train15.csv and predictors15.csv", page=_PAGE
        )
    solution = files.newest(folder, r"Solution to Task (?P<task>\d+)\.csv")
    outcomes = ("zoneid", "timestamp", "power")
    power = pd.concat([_joined(known, outcomes), _joined(solution, outcomes)], ignore_index=True)
    power = power.drop_duplicates(["zoneid", "time"])
    return _joined(weather, ("zoneid", "timestamp", *fields)).merge(power, on=["zoneid", "time"], how="left")


def _of_the_hour(accumulated: pd.DataFrame) -> pd.DataFrame:
    """Sum of each hour, at its beginning, from sums that begin anew at 00 UTC."""
    at_begin = accumulated.copy()
    at_begin.loc[pd.DatetimeIndex(at_begin.index).hour == 0] = 0.0
    return (accumulated.shift(-1) - at_begin).clip(lower=0.0)


def _filled(instants: pd.DataFrame) -> pd.DataFrame:
    """Instants; the first, which the competition lacks, repeats the next."""
    return instants.bfill(limit=1) if instants.iloc[:1].isna().all(axis=None) else instants


def _data(
    sites: tuple[Site, ...],
    instants: dict[str, pd.DataFrame],
    means: dict[str, pd.DataFrame],
    *,
    power: pd.DataFrame,
    track: str,
    information: Information,
) -> CompetitionData:
    """Data of a track from its tables."""
    # Stamped at its end, power belongs to the hour before; that of the first one rests on a repeated instant.
    observed = power.shift(-1).iloc[:-1]
    observed.iloc[0] = np.nan
    index = pd.DatetimeIndex(observed.index)
    means = means | {"run_lead_time": files.lead_of_run(pd.DatetimeIndex(power.index), power.columns)}
    weather = files.as_runs(instants, means, information=information, source=_SOURCE)
    known = files.published_by_month(observed)
    wanted = files.months(index)
    wanted = wanted[wanted >= _FIRST[track]]
    return CompetitionData(sites, weather, known, known, dict(enumerate(wanted, start=1)), information)
