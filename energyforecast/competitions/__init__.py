"""Forecasting competitions as benchmarks: the organisers' data, tasks and scores, forecast by the library's recipes."""

from energyforecast.competitions.competition import Competition, TaskForecast
from energyforecast.competitions.gefcom2012 import Gefcom2012Wind
from energyforecast.competitions.gefcom2014 import Gefcom2014Solar, Gefcom2014Wind
from energyforecast.competitions.load import Gefcom2014Load
from energyforecast.competitions.running import competition, names, run, write_json

__all__ = [
    "Competition",
    "Gefcom2012Wind",
    "Gefcom2014Load",
    "Gefcom2014Solar",
    "Gefcom2014Wind",
    "TaskForecast",
    "competition",
    "names",
    "run",
    "write_json",
]
