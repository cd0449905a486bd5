"""Open-Meteo: single runs, forecasts, ensembles, previous runs, stitched histories and ERA5, over one JSON client.

``tables`` has the names, ``asking`` the requests, ``reading`` the answers, ``sources`` what users hold,
``archives`` many runs at once, ``previous`` pieces of earlier runs.
"""

from __future__ import annotations

from energyforecast.weather.sources.openmeteo.archives import open_meteo, read_open_meteo
from energyforecast.weather.sources.openmeteo.catalogue import (
    OPEN_METEO_ENSEMBLES,
    OPEN_METEO_MODELS,
    OpenMeteoModel,
)
from energyforecast.weather.sources.openmeteo.client import Endpoint, RunStatus, get_open_meteo, weight
from energyforecast.weather.sources.openmeteo.parser import decode, parse_open_meteo
from energyforecast.weather.sources.openmeteo.previous_runs import open_meteo_previous_runs
from energyforecast.weather.sources.openmeteo.sources import OpenMeteo, OpenMeteoHistory

__all__ = [
    "OPEN_METEO_ENSEMBLES",
    "OPEN_METEO_MODELS",
    "Endpoint",
    "OpenMeteo",
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
