# The public names, read by type checkers and by lazy_loader.

from . import (
    common as common,
    era5 as era5,
    grib as grib,
    nasa_power as nasa_power,
    netcdf as netcdf,
    noaa_netcdf as noaa_netcdf,
    nsrdb as nsrdb,
    openmeteo as openmeteo,
    pvgis as pvgis,
    registry as registry,
    tables as tables,
)
