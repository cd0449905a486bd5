"""Data of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather
from energyforecast.operations.usable_weather import read_weather

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration

__all__ = ["Inputs", "weather_of_all_times"]


@dataclass(frozen=True)
class Inputs:
    """Weather and measurements of a run; None where there are none."""

    weather: Weather
    observations: Observations | None


def weather_of_all_times(settings: Configuration, moment: pd.Timestamp) -> Weather:
    """Weather that had begun by a moment."""
    return read_weather(settings, as_of=moment).weather
