"""NASA POWER: hourly means at points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.structured_text import parse_json
from energyforecast.core.variables import MEAN
from energyforecast.weather.sources.common.point_series import PointSeries, PointSource, invalid_answer
from energyforecast.weather.sources.common.publication_latency import LATENCIES
from energyforecast.weather.sources.common.units import converted

__all__ = ["NasaPower"]

_POWER_URL: Final = "https://power.larc.nasa.gov/api/temporal/hourly/point"
#: Parameters of NASA POWER: variable of the library, spellings of the unit in answers, and the unit.
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


@checked()
@dataclass(frozen=True, kw_only=True)
class NasaPower(PointSource):
    """NASA POWER: CERES radiation on 1°, MERRA-2 weather on 0.5° x 0.625°, hourly from 2001, no key.

    Parameters
    ----------
    http : Http
    base_url : str

    Notes
    -----
    All values are means of the hour that begins at the stamp, wind and temperature too. The default of the server is
    local solar time; UTC is requested, and another answer is refused. The service is at https://power.larc.nasa.gov.

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
    cell_method = MEAN
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
        weather = self.parse(self.http.get(self.base_url, params=params), site=site)
        hours = (last.floor("D") - start.floor("D")) // pd.Timedelta("1h") + 24
        if weather.sizes["time"] != hours:
            raise invalid_answer(
                self.name, f"has {weather.sizes['time']} hours for {site.name!r}, not {hours}"
            )
        return weather

    @staticmethod
    def _series(body: bytes) -> PointSeries:
        """Series of a JSON answer; the fill value is NaN."""
        content = parse_json(body)
        header, values = content["header"], content["properties"]["parameter"]
        if header["time_standard"] != "UTC":
            raise invalid_answer("nasa-power", f"is in {header['time_standard']}, not in UTC")
        table = pd.DataFrame(
            {name: pd.Series(values[name], dtype=float) for name in values if name in _POWER}
        )
        written = pd.Index(table.index, dtype=str)
        odd = [stamp for stamp in written if len(stamp) != len("2024060100")]
        if odd:
            raise invalid_answer("nasa-power", f"is not of hours: it has the stamp {odd[0]!r}")
        stamps = pd.to_datetime(written, format="%Y%m%d%H")
        columns = {}
        for name in table:
            variable, spellings, unit = _POWER[str(name)]
            declared = content["parameters"][name]["units"]
            if declared not in spellings:
                raise invalid_answer("nasa-power", f"has {name} in {declared}, not in {spellings[0]}")
            plain = table[name].where(table[name] != float(header["fill_value"])).to_numpy()
            columns[variable] = converted(plain, variable, unit=unit, hours=1.0)
        longitude, latitude, *height = map(float, content["geometry"]["coordinates"])
        return PointSeries(
            columns=columns,
            stamps=timestamps.to_ns(stamps),
            latitude=latitude,
            longitude=longitude,
            elevation=height[0] if height else np.nan,
        )
