"""ERA5 variables: names, units and time labels in its archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from energyforecast.core.labels import Label

__all__ = ["BY_NAME", "PVLIB", "ROWS", "SPELLINGS", "Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Variable of the library and of ERA5, with the conversion from ERA5's unit and its time label."""

    name: str
    short: str
    long: str
    units: str
    factor: float = 1.0
    offset: float = 0.0
    label: Label = Label.INSTANT


def _row(
    name: str,
    short: str,
    long: str,
    units: str,
    *,
    factor: float = 1.0,
    offset: float = 0.0,
    summed: bool = False,
) -> Row:
    label = Label.SUM_ENDING if summed else Label.INSTANT
    return Row(name=name, short=short, long=long, units=units, factor=factor, offset=offset, label=label)


#: Sums of an hour in J m-2, divided by its seconds, are W m-2; direct_horizontal falls on a horizontal plane.
ROWS: Final = (
    _row("wind_u_10m", "u10", "10m_u_component_of_wind", "m s**-1"),
    _row("wind_v_10m", "v10", "10m_v_component_of_wind", "m s**-1"),
    _row("wind_u_100m", "u100", "100m_u_component_of_wind", "m s**-1"),
    _row("wind_v_100m", "v100", "100m_v_component_of_wind", "m s**-1"),
    _row("wind_gust_10m", "i10fg", "instantaneous_10m_wind_gust", "m s**-1"),
    _row("temp_air", "t2m", "2m_temperature", "K", offset=-273.15),
    _row("temp_dew", "d2m", "2m_dewpoint_temperature", "K", offset=-273.15),
    _row("pressure", "sp", "surface_pressure", "Pa"),
    _row("cloud_cover", "tcc", "total_cloud_cover", "(0 - 1)", factor=100.0),
    _row("ghi", "ssrd", "surface_solar_radiation_downwards", "J m**-2", summed=True),
    _row("direct_horizontal", "fdir", "total_sky_direct_solar_radiation_at_surface", "J m**-2", summed=True),
    _row("longwave_down", "strd", "surface_thermal_radiation_downwards", "J m**-2", summed=True),
    _row("precipitation", "tp", "total_precipitation", "m", factor=3.6e6, summed=True),
)
BY_NAME: Final = {key: row for row in ROWS for key in (row.short, row.long)}
#: Columns of pvlib's reader: converted, but still labelled at the end of the hour.
PVLIB: Final = {
    "temp_air": Row(name="temp_air", short="", long="", units="C"),
    "temp_dew": Row(name="temp_dew", short="", long="", units="C"),
    "pressure": Row(name="pressure", short="", long="", units="Pa"),
    "ghi": Row(name="ghi", short="", long="", units="W", label=Label.MEAN_ENDING),
    "bhi": Row(name="direct_horizontal", short="", long="", units="W", label=Label.MEAN_ENDING),
    "longwave_down": Row(name="longwave_down", short="", long="", units="W", label=Label.MEAN_ENDING),
    "precipitation": Row(
        name="precipitation", short="", long="", units="cm", label=Label.MEAN_ENDING, factor=10.0
    ),
}
SPELLINGS: Final = {
    "m s-1": "m s**-1",
    "m/s": "m s**-1",
    "J m-2": "J m**-2",
    "1": "(0 - 1)",
    "0-1": "(0 - 1)",
}
