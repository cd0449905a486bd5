"""NSRDB: radiation of the Americas from GOES satellites at points."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.variables import POINT
from energyforecast.weather.sources.common.point_series import PointSeries, PointSource, invalid_answer
from energyforecast.weather.sources.common.publication_latency import LATENCIES
from energyforecast.weather.sources.common.units import converted

__all__ = ["NSRDB"]

_NSRDB_URL: Final = "https://developer.nlr.gov/api/nsrdb/v2/solar/nsrdb-GOES-conus-v4-0-0-download.csv"
#: Columns of NSRDB: variable of the library, unit in the header, and the unit. Its wind has no height.
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


@checked()
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
    UTC and leap days are requested: the defaults of the server are local time, and no 29 February. Values are
    instants. Wind is left out, since the file does not give its height. Sengupta et al. (2018),
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
    cell_method = POINT
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
            "wkt": f"POINT({longitude:.4f} {latitude:.4f})",
            "names": year,
            "attributes": _NSRDB_ATTRIBUTES,
            "leap_day": "true",
            "utc": "true",
            "interval": timestamps.duration(self.frequency) // pd.Timedelta("1min"),
        }
        asking = replace(self.http, secret={"api_key": self.api_key, "email": self.email})
        weather = self.parse(asking.get(self.base_url, params=params), site=site)
        length = pd.Timestamp(year + 1, 1, 1) - pd.Timestamp(year, 1, 1)
        count = length // timestamps.duration(self.frequency)
        if weather.sizes["time"] != count:
            raise invalid_answer(self.name, f"has {weather.sizes['time']} rows of {year}, not {count}")
        return weather

    @staticmethod
    def _series(body: bytes) -> PointSeries:
        """Series of a CSV answer, in the time zone of its header."""
        from pvlib.iotools import read_nsrdb_psm4

        if not body.startswith(b"Source,") or not body.endswith(b"\n"):
            raise invalid_answer("nsrdb", "is no whole CSV file")
        table, meta = read_nsrdb_psm4(io.StringIO(body.decode()), map_variables=False)
        columns = {}
        for name, (variable, spelling, unit) in _NSRDB.items():
            if name in table:
                declared = meta[f"{name} Units"]
                if declared.strip().lower() != spelling:
                    raise invalid_answer("nsrdb", f"has {name} in {declared}, not in {spelling}")
                values = table[name].to_numpy(dtype=float)
                columns[variable] = converted(values, variable, unit=unit, hours=1.0)
        return PointSeries(
            columns=columns,
            stamps=timestamps.to_ns(table.index),
            latitude=meta["Latitude"],
            longitude=meta["Longitude"],
            elevation=float(meta["Elevation"]),
        )
