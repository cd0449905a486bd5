# The public names, read by type checkers and by lazy_loader.

from . import (
    accumulation as accumulation,
    era5 as era5,
    grib as grib,
    grib_models as grib_models,
    grib_sources as grib_sources,
    noaa_netcdf as noaa_netcdf,
    spatial as spatial,
    temporal as temporal,
)
from .accumulation import de_accumulate as de_accumulate, interval_means as interval_means
from .era5 import Era5 as Era5, parse_era5_point as parse_era5_point, read_era5 as read_era5
from .files import read as read, write as write
from .grib import read_grib as read_grib
from .grib_sources import (
    AifsOpenData as AifsOpenData,
    Gefs as Gefs,
    Gfs as Gfs,
    Hrrr as Hrrr,
    IconEu as IconEu,
    IfsOpenData as IfsOpenData,
)
from .noaa_netcdf import read_noaa_ensemble as read_noaa_ensemble, read_noaa_netcdf as read_noaa_netcdf
from .openmeteo import (
    OPEN_METEO_ENSEMBLES as OPEN_METEO_ENSEMBLES,
    OPEN_METEO_MODELS as OPEN_METEO_MODELS,
    OpenMeteo as OpenMeteo,
    OpenMeteoHistory as OpenMeteoHistory,
    OpenMeteoModel as OpenMeteoModel,
    open_meteo as open_meteo,
    open_meteo_previous_runs as open_meteo_previous_runs,
    read_open_meteo as read_open_meteo,
)
from .point_sources import NSRDB as NSRDB, PVGIS as PVGIS, NasaPower as NasaPower
from .scenarios import (
    known_by as known_by,
    measured_temperature as measured_temperature,
    temperature_scenarios as temperature_scenarios,
)
from .source import (
    DELAYS as DELAYS,
    AnalysisSource as AnalysisSource,
    Label as Label,
    PublicationDelay as PublicationDelay,
    RunSource as RunSource,
    Source as Source,
)
from .spatial import Grid as Grid, cells_around as cells_around, to_sites as to_sites
from .store import Store as Store
from .tables import read_table as read_table
from .temporal import hourly as hourly
from .transport import Http as Http
from .updating import UpdateReport as UpdateReport
