"""PVGIS: hourly radiation from satellites at points."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.structured_text import parse_json
from energyforecast.core.variables import POINT
from energyforecast.weather.sources.common.point_series import PointSeries, PointSource
from energyforecast.weather.sources.common.publication_latency import LATENCIES

__all__ = ["PVGIS"]

_PVGIS_URL: Final = "https://re.jrc.ec.europa.eu/api/v5_3/seriescalc"


@checked()
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
    Values of SARAH are instants at a minute of the hour that differs from place to place, those of ERA5 at the half
    hour; they keep their stamps. Hours that PVGIS itself filled in are missing here. The service is at
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
    cell_method = POINT
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
        return self.parse(self.http.get(self.base_url, params=params), site=site)

    @staticmethod
    def _series(body: bytes) -> PointSeries:
        """Series of a JSON answer; radiation only of a level plane, since on any other it is not ``ghi``."""
        from pvlib.iotools import read_pvgis_hourly

        parse_json(body)  # pvlib reads it again, without bounds
        table, meta = read_pvgis_hourly(io.StringIO(body.decode()), pvgis_format="json")
        place = meta["inputs"]["location"]
        columns = {"temp_air": table["temp_air"], "wind_speed_10m": table["wind_speed"]}
        slope = meta["inputs"]["mounting_system"].get("fixed", {}).get("slope", {}).get("value")
        if slope == 0:
            measured = table["Int"] == 0
            beam, diffuse = table["poa_direct"], table["poa_sky_diffuse"] + table["poa_ground_diffuse"]
            columns |= {"ghi": (beam + diffuse).where(measured), "dhi": diffuse.where(measured)}
        return PointSeries(
            columns=columns,
            stamps=timestamps.to_ns(table.index),
            latitude=float(place["latitude"]),
            longitude=float(place["longitude"]),
            elevation=float(place["elevation"]),
        )
