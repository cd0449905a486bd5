# The public names, read by type checkers and by lazy_loader.

from . import (
    ensemble_weather as ensemble_weather,
    processing as processing,
    sources as sources,
    station_ranking as station_ranking,
    store as store,
    temperature_ensemble as temperature_ensemble,
    validation as validation,
)
from .ensemble_weather import (
    TemperatureEnsemble as TemperatureEnsemble,
)
from .measurements import (
    known_by as known_by,
    measured_weather as measured_weather,
)
from .processing.accumulation import (
    de_accumulate as de_accumulate,
    interval_means as interval_means,
)
from .processing.grid_cells import (
    Grid as Grid,
)
from .processing.module_losses import (
    module_losses as module_losses,
)
from .processing.spatial import (
    cells_around as cells_around,
    to_sites as to_sites,
)
from .processing.temporal import (
    at_steps as at_steps,
)
from .sources.common.base import (
    AnalysisSource as AnalysisSource,
    Http as Http,
    Label as Label,
    RunSource as RunSource,
    Source as Source,
)
from .sources.common.publication_latency import (
    LATENCIES as LATENCIES,
    PublicationLatency as PublicationLatency,
)
from .sources.era5.parser import (
    parse_era5_point as parse_era5_point,
)
from .sources.era5.source import (
    Era5 as Era5,
    read_era5 as read_era5,
)
from .sources.grib.local_files import (
    read_grib as read_grib,
)
from .sources.grib.sources import (
    AifsOpenData as AifsOpenData,
    Gefs as Gefs,
    Gfs as Gfs,
    Hrrr as Hrrr,
    IconEu as IconEu,
    IfsOpenData as IfsOpenData,
)
from .sources.nasa_power import (
    NasaPower as NasaPower,
)
from .sources.netcdf import (
    read as read,
    write as write,
)
from .sources.noaa_netcdf import (
    read_noaa_ensemble as read_noaa_ensemble,
    read_noaa_netcdf as read_noaa_netcdf,
)
from .sources.nsrdb import (
    NSRDB as NSRDB,
)
from .sources.openmeteo import (
    OPEN_METEO_ENSEMBLES as OPEN_METEO_ENSEMBLES,
    OPEN_METEO_MODELS as OPEN_METEO_MODELS,
    OpenMeteo as OpenMeteo,
    OpenMeteoAccess as OpenMeteoAccess,
    OpenMeteoHistory as OpenMeteoHistory,
    OpenMeteoModel as OpenMeteoModel,
    open_meteo as open_meteo,
    open_meteo_previous_runs as open_meteo_previous_runs,
    read_open_meteo as read_open_meteo,
)
from .sources.pvgis import (
    PVGIS as PVGIS,
)
from .sources.tables import (
    read_table as read_table,
)
from .station_ranking import (
    rank_stations as rank_stations,
)
from .store.store import (
    Store as Store,
)
from .store.update import (
    UpdateReport as UpdateReport,
)
from .temperature_ensemble import (
    temperature_scenarios as temperature_scenarios,
)
from .validation import (
    ValidatedWeather as ValidatedWeather,
    validated as validated,
)
