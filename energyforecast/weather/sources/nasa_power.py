"""NASA POWER: hourly means at points."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
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

__all__ = ["NasaPower", "parse_nasa_power", "read_nasa_power"]

_POWER_URL: Final = "https://power.larc.nasa.gov/api/temporal/hourly/point"
#: Parameters of NASA POWER, our names, and the units in which they come.
_POWER: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "ALLSKY_SFC_SW_DWN": ("ghi", ("Wh/m^2", "W/m^2"), "W m-2"),
    "ALLSKY_SFC_SW_DNI": ("dni", ("Wh/m^2", "W/m^2"), "W m-2"),
    "ALLSKY_SFC_SW_DIFF": ("dhi", ("Wh/m^2", "W/m^2"), "W m-2"),
    "T2M": ("temp_air", ("C",), "degree_Celsius"),
    "PS": ("pressure", ("kPa",), "kPa"),
    "RH2M": ("relative_humidity", ("%",), "percent"),
    "WS10M": ("wind_speed_10m", ("m/s",), "m s-1"),
    "WS50M": ("wind_speed_50m", ("m/s",), "m s-1"),
    "WD50M": ("wind_direction_50m", ("Degrees",), "degree"),
}


@dataclass(frozen=True, kw_only=True)
class NasaPower(PointSource):
    """NASA POWER: CERES radiation on 1°, MERRA-2 weather on 0.5° x 0.625°, hourly from 2001, no key.

    Parameters
    ----------
    http : Http
    base_url : str

    Notes
    -----
    All its values are means of the hour that BEGINS at the stamp, wind and temperature too. The server's own
    default is local solar time; UTC is asked for, and an answer in another is refused. The service is at
    https://power.larc.nasa.gov.

    See Also
    --------
    energyforecast.weather.PVGIS, energyforecast.weather.NSRDB

    Examples
    --------
    >>> NasaPower().labels["wind_speed_50m"].value
    'mean of the interval that begins at the stamp'
    """

    http: Http = field(default_factory=Http)
    base_url: str = _POWER_URL
    name = "nasa-power"
    variables = tuple(name for name, _, _ in _POWER.values())
    labels = dict.fromkeys(variables, Label.MEAN_BEGINNING)
    latency = LATENCIES["nasa_power"]
    attribution = "NASA Langley Research Center (LaRC) POWER Project"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        last = end - pd.Timedelta(1, "ns")
        params = {
            "parameters": ",".join(_POWER),
            "community": "RE",
            "latitude": latitude,
            "longitude": longitude,
            "start": f"{start:%Y%m%d}",
            "end": f"{last:%Y%m%d}",
            "format": "JSON",
            "time-standard": "UTC",
        }
        weather = parse_nasa_power(self.http.get(self.base_url, params=params), site=site)
        hours = (last.floor("D") - start.floor("D")) // pd.Timedelta("1h") + 24
        if weather.sizes["time"] != hours:
            raise invalid_answer(
                self.name, f"has {weather.sizes['time']} hours for {site.name!r}, not {hours}"
            )
        return weather


def read_nasa_power(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored answer of NASA POWER; see :func:`parse_nasa_power`."""
    return parse_nasa_power(Path(path).read_bytes(), site=site)


def parse_nasa_power(body: bytes, *, site: Site) -> xr.Dataset:
    """Weather from a JSON answer of NASA POWER.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): means of the hour that begins at the stamp; the fill value is NaN.

    Raises
    ------
    ResponseError
        If it is no whole answer, is not in UTC, or has another unit.

    Examples
    --------
    >>> content = {
    ...     "geometry": {"coordinates": [78.5, 43.6, 560.0]},
    ...     "header": {"fill_value": -999.0, "time_standard": "UTC"},
    ...     "parameters": {"T2M": {"units": "C"}},
    ...     "properties": {"parameter": {"T2M": {"2024060100": 18.5, "2024060101": -999.0}}},
    ... }
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> parse_nasa_power(json.dumps(content).encode(), site=farm)["temp_air"].values.tolist()
    [[18.5, nan]]
    """
    return parsed(lambda: _nasa_power(body, site), "nasa-power")


def _nasa_power(body: bytes, site: Site) -> xr.Dataset:
    content = json.loads(body)
    header, values = content["header"], content["properties"]["parameter"]
    if header["time_standard"] != "UTC":
        raise invalid_answer("nasa-power", f"is in {header['time_standard']}, not in UTC")
    table = pd.DataFrame({name: pd.Series(values[name], dtype=float) for name in values if name in _POWER})
    stamps = pd.to_datetime(pd.Index(table.index, dtype=str), format="%Y%m%d%H")
    columns = {}
    for name in table:
        ours, spellings, unit = _POWER[str(name)]
        given = content["parameters"][name]["units"]
        if given not in spellings:
            raise invalid_answer("nasa-power", f"has {name} in {given}, not in {spellings[0]}")
        plain = table[name].where(table[name] != float(header["fill_value"])).to_numpy()
        columns[ours] = converted(plain, ours, unit=unit, hours=1.0)
    longitude, latitude, *height = content["geometry"]["coordinates"]
    place = (float(latitude), float(longitude), float(height[0]) if height else np.nan)
    return point_dataset(columns, timestamps.to_ns(stamps), place, site, NasaPower, variables.MEAN)
