"""Open-Meteo: single runs, forecasts, ensembles, previous runs, stitched histories and ERA5, over one JSON client.

``tables`` has the names, ``asking`` the requests, ``reading`` the answers, ``sources`` what users hold,
``archives`` many runs at once, ``previous`` pieces of earlier runs.
"""

from __future__ import annotations

from energyforecast.weather.openmeteo.archives import open_meteo, read_open_meteo
from energyforecast.weather.openmeteo.asking import Endpoint, RunStatus, get_open_meteo, weight
from energyforecast.weather.openmeteo.previous import open_meteo_previous_runs
from energyforecast.weather.openmeteo.reading import decode, parse_open_meteo
from energyforecast.weather.openmeteo.sources import OpenMeteo, OpenMeteoHistory
from energyforecast.weather.openmeteo.tables import OPEN_METEO_ENSEMBLES, OPEN_METEO_MODELS, OpenMeteoModel

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
