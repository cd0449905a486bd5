"""NSRDB: radiation of the Americas from GOES satellites at points."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.weather.sources.common.base import LATENCIES
from energyforecast.weather.sources.common.point_series import (
    PointSource,
    invalid_answer,
    parsed,
    point_dataset,
)
from energyforecast.weather.sources.common.units import converted

__all__ = ["NSRDB", "parse_nsrdb", "read_nsrdb"]

_NSRDB_URL: Final = "https://developer.nlr.gov/api/nsrdb/v2/solar/nsrdb-GOES-conus-v4-0-0-download.csv"
#: Columns of NSRDB, our names, the unit in their header, and the unit. Its wind has no height.
_NSRDB: Final[dict[str, tuple[str, str, str]]] = {
    "GHI": ("ghi", "w/m2", "W m-2"),
    "DNI": ("dni", "w/m2", "W m-2"),
    "DHI": ("dhi", "w/m2", "W m-2"),
    "Temperature": ("temp_air", "c", "degree_Celsius"),
    "Dew Point": ("temp_dew", "c", "degree_Celsius"),
    "Relative Humidity": ("relative_humidity", "%", "percent"),
    "Pressure": ("pressure", "mbar", "mbar"),
}
_NSRDB_ATTRIBUTES: Final = "ghi,dni,dhi,air_temperature,dew_point,relative_humidity,surface_pressure"


@dataclass(frozen=True, kw_only=True)
class NSRDB(PointSource):
    """NSRDB of NLR (once NREL): satellite radiation of the Americas from GOES, by year; a free key is needed.

    Parameters
    ----------
    api_key, email : str
        Of the account; no message shows them.
    frequency : {"60min", "30min", "15min", "5min"}
        Between instants; hourly ones are at the half hour.
    http : Http
    base_url : str

    Notes
    -----
    UTC and leap days are asked for: the server's own defaults are local time, and no 29 February. Values are
    instants. Its wind is left out, since the file does not give its height. Sengupta et al. (2018),
    https://doi.org/10.1016/j.rser.2018.03.003.

    See Also
    --------
    energyforecast.weather.NasaPower, energyforecast.weather.PVGIS

    Examples
    --------
    >>> NSRDB(api_key="secret", email="me@example.org")
    NSRDB(frequency='60min')
    """

    api_key: str = field(repr=False)
    email: str = field(repr=False)
    frequency: str = "60min"
    http: Http = field(default_factory=Http, repr=False)
    base_url: str = field(default=_NSRDB_URL, repr=False)
    name = "nsrdb"
    variables = tuple(name for name, _, _ in _NSRDB.values())
    labels = dict.fromkeys(variables, Label.INSTANT)
    latency = LATENCIES["nsrdb"]
    attribution = "National Solar Radiation Database, National Laboratory of the Rockies"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        years = range(start.year, (end - pd.Timedelta(1, "ns")).year + 1)
        return xr.concat(
            [self._get_year(site, year) for year in years], dim="time", coords="minimal", compat="equals"
        )

    def _get_year(self, site: Site, year: int) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        params = {
            "api_key": self.api_key,
            "email": self.email,
            "wkt": f"POINT({longitude:.4f} {latitude:.4f})",
            "names": year,
            "attributes": _NSRDB_ATTRIBUTES,
            "leap_day": "true",
            "utc": "true",
            "interval": timestamps.duration(self.frequency) // pd.Timedelta("1min"),
        }
        weather = parse_nsrdb(self.http.get(self.base_url, params=params), site=site)
        length = pd.Timestamp(year + 1, 1, 1) - pd.Timestamp(year, 1, 1)
        wanted = length // timestamps.duration(self.frequency)
        if weather.sizes["time"] != wanted:
            raise invalid_answer(self.name, f"has {weather.sizes['time']} rows of {year}, not {wanted}")
        return weather


def read_nsrdb(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored CSV file of NSRDB; see :func:`parse_nsrdb`."""
    return parse_nsrdb(Path(path).read_bytes(), site=site)


def parse_nsrdb(body: bytes, *, site: Site) -> xr.Dataset:
    r"""Weather from a CSV answer of NSRDB, in the time zone of its header.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): instants.

    Raises
    ------
    ResponseError
        If it is no whole file, or has another unit.

    Examples
    --------
    >>> head = "Source,Latitude,Longitude,Time Zone,Local Time Zone,Elevation,GHI Units,Temperature Units"
    >>> lines = [head, "NSRDB,39.73,-105.18,-7,-7,1820,w/m2,c", "Year,Month,Day,Hour,Minute,GHI,Temperature"]
    >>> body = "\n".join([*lines, "2024,2,29,11,30,650,8.1", "2024,2,29,12,30,700,9.0", ""]).encode()
    >>> weather = parse_nsrdb(body, site=Site(name="plant", latitude=39.74, longitude=-105.18))
    >>> str(weather["time"].values[0])[:16]
    '2024-02-29T18:30'
    """
    return parsed(lambda: _nsrdb(body, site), "nsrdb")


def _nsrdb(body: bytes, site: Site) -> xr.Dataset:
    from pvlib.iotools import read_nsrdb_psm4

    if not body.startswith(b"Source,") or not body.endswith(b"\n"):
        raise invalid_answer("nsrdb", "is no whole CSV file")
    table, meta = read_nsrdb_psm4(io.StringIO(body.decode()), map_variables=False)
    columns = {}
    for theirs, (ours, spelling, unit) in _NSRDB.items():
        if theirs in table:
            if meta[f"{theirs} Units"].strip().lower() != spelling:
                raise invalid_answer("nsrdb", f"has {theirs} in {meta[f'{theirs} Units']}, not in {spelling}")
            columns[ours] = converted(table[theirs].to_numpy(dtype=float), ours, unit=unit, hours=1.0)
    place = (meta["Latitude"], meta["Longitude"], float(meta["Elevation"]))
    return point_dataset(columns, timestamps.to_ns(table.index), place, site, NSRDB, variables.POINT)
