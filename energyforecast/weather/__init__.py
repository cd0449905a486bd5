"""Sources of weather and the archive of their runs; each ends in :func:`energyforecast.checks.check_weather`.

Names are imported when they are first used: a source brings the libraries that it needs and no others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast.weather.accumulation import de_accumulate as de_accumulate
    from energyforecast.weather.accumulation import interval_means as interval_means
    from energyforecast.weather.era5 import Era5 as Era5
    from energyforecast.weather.era5 import parse_era5_point as parse_era5_point
    from energyforecast.weather.era5 import read_era5 as read_era5
    from energyforecast.weather.files import read as read
    from energyforecast.weather.files import write as write
    from energyforecast.weather.grib import read_grib as read_grib
    from energyforecast.weather.grib_sources import AifsOpenData as AifsOpenData
    from energyforecast.weather.grib_sources import Gefs as Gefs
    from energyforecast.weather.grib_sources import Gfs as Gfs
    from energyforecast.weather.grib_sources import Hrrr as Hrrr
    from energyforecast.weather.grib_sources import IconEu as IconEu
    from energyforecast.weather.grib_sources import IfsOpenData as IfsOpenData
    from energyforecast.weather.noaa_netcdf import read_noaa_ensemble as read_noaa_ensemble
    from energyforecast.weather.noaa_netcdf import read_noaa_netcdf as read_noaa_netcdf
    from energyforecast.weather.openmeteo import OPEN_METEO_ENSEMBLES as OPEN_METEO_ENSEMBLES
    from energyforecast.weather.openmeteo import OPEN_METEO_MODELS as OPEN_METEO_MODELS
    from energyforecast.weather.openmeteo import OpenMeteo as OpenMeteo
    from energyforecast.weather.openmeteo import OpenMeteoHistory as OpenMeteoHistory
    from energyforecast.weather.openmeteo import OpenMeteoModel as OpenMeteoModel
    from energyforecast.weather.openmeteo import open_meteo as open_meteo
    from energyforecast.weather.openmeteo import open_meteo_previous_runs as open_meteo_previous_runs
    from energyforecast.weather.openmeteo import read_open_meteo as read_open_meteo
    from energyforecast.weather.point_sources import NSRDB as NSRDB
    from energyforecast.weather.point_sources import PVGIS as PVGIS
    from energyforecast.weather.point_sources import NasaPower as NasaPower
    from energyforecast.weather.scenarios import known_by as known_by
    from energyforecast.weather.scenarios import measured_temperature as measured_temperature
    from energyforecast.weather.scenarios import temperature_scenarios as temperature_scenarios
    from energyforecast.weather.source import DELAYS as DELAYS
    from energyforecast.weather.source import AnalysisSource as AnalysisSource
    from energyforecast.weather.source import Label as Label
    from energyforecast.weather.source import PublicationDelay as PublicationDelay
    from energyforecast.weather.source import RunSource as RunSource
    from energyforecast.weather.source import Source as Source
    from energyforecast.weather.spatial import Grid as Grid
    from energyforecast.weather.spatial import cells_around as cells_around
    from energyforecast.weather.spatial import to_sites as to_sites
    from energyforecast.weather.store import Store as Store
    from energyforecast.weather.tables import read_table as read_table
    from energyforecast.weather.temporal import hourly as hourly
    from energyforecast.weather.transport import Http as Http
    from energyforecast.weather.updating import UpdateReport as UpdateReport

#: Where each public name lives.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "accumulation": ("de_accumulate", "interval_means"),
    "era5": ("Era5", "parse_era5_point", "read_era5"),
    "files": ("read", "write"),
    "grib": ("read_grib",),
    "grib_sources": ("AifsOpenData", "Gefs", "Gfs", "Hrrr", "IconEu", "IfsOpenData"),
    "noaa_netcdf": ("read_noaa_ensemble", "read_noaa_netcdf"),
    "openmeteo": (
        "OPEN_METEO_ENSEMBLES",
        "OPEN_METEO_MODELS",
        "OpenMeteo",
        "OpenMeteoHistory",
        "OpenMeteoModel",
        "open_meteo",
        "open_meteo_previous_runs",
        "read_open_meteo",
    ),
    "point_sources": ("NSRDB", "NasaPower", "PVGIS"),
    "scenarios": ("known_by", "measured_temperature", "temperature_scenarios"),
    "source": ("DELAYS", "AnalysisSource", "Label", "PublicationDelay", "RunSource", "Source"),
    "tables": ("read_table",),
    "store": ("Store",),
    "spatial": ("Grid", "cells_around", "to_sites"),
    "temporal": ("hourly",),
    "transport": ("Http",),
    "updating": ("UpdateReport",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604  (the names are those of the table above)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"energyforecast.weather.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'energyforecast.weather' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
