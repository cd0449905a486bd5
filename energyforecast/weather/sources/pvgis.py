"""PVGIS: hourly radiation from satellites at points."""

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
from energyforecast.weather.sources.common.point_series import PointSource, parsed, point_dataset

__all__ = ["PVGIS", "parse_pvgis", "read_pvgis"]

_PVGIS_URL: Final = "https://re.jrc.ec.europa.eu/api/v5_3/seriescalc"


@dataclass(frozen=True, kw_only=True)
class PVGIS(PointSource):
    """PVGIS of the Joint Research Centre: satellite radiation (SARAH) by hour to 2023, no key.

    Parameters
    ----------
    database : str
        E.g. ``"PVGIS-SARAH3"`` or ``"PVGIS-ERA5"``.
    http : Http
    base_url : str

    Notes
    -----
    SARAH's values are instants at an odd minute of the hour that differs from place to place, of ERA5's at
    the half; they keep their stamps. Hours that PVGIS itself filled in are missing here. The service is at
    https://joint-research-centre.ec.europa.eu/pvgis.

    See Also
    --------
    energyforecast.weather.NasaPower, energyforecast.weather.NSRDB

    Examples
    --------
    >>> PVGIS().labels["ghi"].value
    'value at the stamp'
    """

    database: str = "PVGIS-SARAH3"
    http: Http = field(default_factory=Http)
    base_url: str = _PVGIS_URL
    name = "pvgis"
    variables = ("ghi", "dhi", "temp_air", "wind_speed_10m")
    labels = dict.fromkeys(variables, Label.INSTANT)
    latency = LATENCIES["pvgis"]
    attribution = "PVGIS, European Commission, Joint Research Centre"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        params = {
            "lat": latitude,
            "lon": longitude,
            "startyear": start.year,
            "endyear": (end - pd.Timedelta(1, "ns")).year,
            "raddatabase": self.database,
            "components": 1,
            "angle": 0,
            "outputformat": "json",
        }
        return parse_pvgis(self.http.get(self.base_url, params=params), site=site)


def read_pvgis(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored JSON answer of PVGIS; see :func:`parse_pvgis`."""
    return parse_pvgis(Path(path).read_bytes(), site=site)


def parse_pvgis(body: bytes, *, site: Site) -> xr.Dataset:
    """Weather from a JSON answer of PVGIS's hourly series.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): instants. Radiation only where the plane lies flat: on any other it is not ``ghi``.

    Raises
    ------
    ResponseError
        If it is no whole answer.

    Examples
    --------
    >>> import json
    >>> row = {"time": "20200601:1010", "Gb(i)": 500.0, "Gd(i)": 120.0, "Gr(i)": 0.0, "T2m": 21.0, "WS10m": 2.0}
    >>> row["Int"] = 0.0
    >>> content = {
    ...     "inputs": {
    ...         "location": {"latitude": 45.0, "longitude": 8.0, "elevation": 250.0},
    ...         "mounting_system": {"fixed": {"slope": {"value": 0}}},
    ...     },
    ...     "meta": {"inputs": {}},
    ...     "outputs": {"hourly": [row]},
    ... }
    >>> plant = Site(name="plant", latitude=45.0, longitude=8.0)
    >>> weather = parse_pvgis(json.dumps(content).encode(), site=plant)
    >>> float(weather["ghi"][0, 0]), str(weather["time"].values[0])[:16]
    (620.0, '2020-06-01T10:10')
    """
    return parsed(lambda: _pvgis(body, site), "pvgis")


def _pvgis(body: bytes, site: Site) -> xr.Dataset:
    from pvlib.iotools import read_pvgis_hourly

    table, meta = read_pvgis_hourly(io.StringIO(body.decode()), pvgis_format="json")
    where = meta["inputs"]["location"]
    columns = {"temp_air": table["temp_air"], "wind_speed_10m": table["wind_speed"]}
    slope = meta["inputs"]["mounting_system"].get("fixed", {}).get("slope", {}).get("value")
    if slope == 0:
        measured = table["Int"] == 0
        beam, diffuse = table["poa_direct"], table["poa_sky_diffuse"] + table["poa_ground_diffuse"]
        columns |= {"ghi": (beam + diffuse).where(measured), "dhi": diffuse.where(measured)}
    place = (float(where["latitude"]), float(where["longitude"]), float(where["elevation"]))
    plain = {name: series.to_numpy(dtype=float) for name, series in columns.items()}
    return point_dataset(plain, timestamps.to_ns(table.index), place, site, PVGIS, variables.POINT)
