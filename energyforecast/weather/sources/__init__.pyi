# The public names, read by type checkers and by lazy_loader.

from . import (
    common as common,
    era5 as era5,
    grib as grib,
    netcdf as netcdf,
    noaa_netcdf as noaa_netcdf,
    openmeteo as openmeteo,
    point_sources as point_sources,
    registry as registry,
    tables as tables,
)
