"""Open-Meteo: single runs, forecasts, ensembles, previous runs, stitched histories and ERA5, over one JSON client.

``catalogue`` has the names, ``client`` the requests, ``parser`` and ``column_reader`` the answers, ``sources`` the
public sources, ``archives`` many runs at once.
"""

from __future__ import annotations

from energyforecast.weather.sources.openmeteo.archives import (
    open_meteo,
    open_meteo_previous_runs,
    read_open_meteo,
)
from energyforecast.weather.sources.openmeteo.catalogue import (
    OPEN_METEO_ENSEMBLES,
    OPEN_METEO_MODELS,
    OpenMeteoModel,
)
from energyforecast.weather.sources.openmeteo.client import (
    Endpoint,
    OpenMeteoAccess,
    RunStatus,
    get_open_meteo,
    weight,
)
from energyforecast.weather.sources.openmeteo.parser import decode, parse_open_meteo
from energyforecast.weather.sources.openmeteo.sources import OpenMeteo, OpenMeteoHistory

__all__ = [
    "OPEN_METEO_ENSEMBLES",
    "OPEN_METEO_MODELS",
    "Endpoint",
    "OpenMeteo",
    "OpenMeteoAccess",
    "OpenMeteoHistory",
    "OpenMeteoModel",
    "RunStatus",
    "decode",
    "get_open_meteo",
    "open_meteo",
    "open_meteo_previous_runs",
    "parse_open_meteo",
    "read_open_meteo",
    "weight",
]
