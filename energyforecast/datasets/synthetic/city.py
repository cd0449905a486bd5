"""Synthetic city in half-hours: heating, cooling, Fridays, feasts, and the evenings of Ramadan through the years."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import physics
from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.datasets.synthetic.consumer_statistics import consumer_statistics
from energyforecast.datasets.synthetic.stochastic_processes import autoregression, stream
from energyforecast.datasets.synthetic.synthetic_consumers import (
    LogitNormal,
    SyntheticConsumers,
    clock_time,
    interval_index,
    labelled,
)
from energyforecast.datasets.synthetic.synthetic_site import Statistic

__all__ = ["city"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "city (synthetic)"
_ZONE: Final = "Africa/Casablanca"
_LATITUDE: Final = 35.6
_LONGITUDE: Final = -5.4
#: Mean and limit of demand, growth. [MW; MW; a⁻¹]
_MEAN: Final = 30.0
_CAPACITY: Final = 90.0
_GROWTH: Final = 0.02
#: Weekdays by the clock, 0 to 23 h.
_DAY: Final = (
    0.93, 0.85, 0.80, 0.77, 0.75, 0.73, 0.74, 0.78, 0.87, 0.97, 1.05, 1.09,
    1.11, 1.11, 1.09, 1.07, 1.06, 1.09, 1.18, 1.30, 1.36, 1.32, 1.22, 1.07,
)  # fmt: skip
#: Factors of Saturdays, Sundays, holidays and of the hours after the prayer of Friday.
_SATURDAY: Final = 0.985
_SUNDAY: Final = 0.94
_HOLIDAY: Final = 0.91
_FRIDAY: Final = 0.96
#: Base temperatures of heating and cooling [°C], share of demand per degree [K⁻¹], and time constant of buildings. [h]
_HEATING_BELOW: Final = 14.0
_COOLING_ABOVE: Final = 18.0
_HEATING: Final = 0.016
_COOLING: Final = 0.026
_INERTIA: Final = 18.0
#: Air temperature: middles of the months, half the swing of a day, spread of days. [°C]
_MONTHS: Final = (12.4, 12.9, 14.6, 16.6, 19.9, 22.6, 26.4, 26.0, 23.0, 20.2, 16.4, 13.4)
_SWING: Final = 2.9
_WEATHER: Final = 1.9
#: Ramadan by hours after sunset: quieter days, a still hour when the fast is broken, busy nights until the last meal.
_FAST: Final = (
    (-12.0, -8.0, -4.0, -1.5, 0.0, 1.0, 3.0, 5.0, 6.0, 7.5, 9.0, 12.0),
    (0.92, 0.94, 0.98, 1.01, 0.95, 1.0, 1.14, 1.26, 1.34, 1.2, 1.04, 0.92),
)
#: Spread of the logit; weights and memories of days and hours. [1; h]
_SPREAD: Final = 0.075
_WEIGHTS: Final = (0.8, 0.6)
_MEMORY: Final = (60.0, 3.0)
#: Between the two zones of "Power Consumption of Tetouan City" (UCI, CC BY 4.0), 2017, and tolerances.
_TARGETS: Final = {
    "load factor": (0.59, 0.06),
    "load factor of a day": (0.725, 0.03),
    "Saturday / weekday": (0.97, 0.03),
    "Sunday / weekday": (0.91, 0.05),
    "lowest hour": (0.72, 0.04),
    "highest hour": (1.35, 0.05),
    "spread within an hour": (0.115, 0.03),
    "spread of the day's energy": (0.1, 0.03),
    "autocorrelation 1 h": (0.92, 0.03),
    "autocorrelation 24 h": (0.95, 0.03),
    "autocorrelation 168 h": (0.94, 0.04),
}


@checked(seed=(0, inf), days=(14, 3660))
def city(*, seed: int = 1, start: str = "2022-01-01", days: int = 830) -> SyntheticConsumers:
    """Synthetic city of Morocco in half-hours, with Ramadan, holidays, and a measured temperature.

    Synthetic: its statistics follow those of two zones of a real city; it contains no measured value of them. Ramadan
    is that of the calendar of the library, holidays those of the package ``holidays``, and the clock is Morocco's,
    which goes back by an hour in Ramadan.

    Parameters
    ----------
    seed : int
        Different seeds give different weather and days.
    start : str
        First local day.
    days : int
        Length.

    Returns
    -------
    SyntheticConsumers
        Demand of one area, and its ``temperature`` at the beginnings of the intervals.

    Raises
    ------
    RangeError
        If the length is less than 14 days.

    See Also
    --------
    works, households, almaty, SyntheticConsumers

    Examples
    --------
    >>> synthetic = city(days=28)
    >>> synthetic.temperature.iloc[0].between(5, 20).all()
    np.True_
    """
    index = interval_index(start, days=days, step="30min", timezone=_ZONE)
    temperature = _temperature(index, rng=stream(seed, "temperature"))
    median, rng = _median(index, temperature), stream(seed, "demand")
    memory = 2.0 * np.array(_MEMORY)
    distribution = LogitNormal(
        median=median[:, None],
        spread=np.full((len(index), 1), _SPREAD),
        capacity=np.array([_CAPACITY]),
        weights=np.array(_WEIGHTS),
        memory=memory,
        states=np.array([autoregression(rng, len(index), memory=m)[:, None] for m in memory]),
    )
    power = pd.DataFrame(np.round(distribution.power(), 3), index=index, columns=[_NAME])
    return SyntheticConsumers(
        name=_NAME,
        sites=(_SITE,),
        observations=Observations(power, published_after="15min", frequency="30min"),
        truth=labelled(pd.DataFrame({_NAME: median}, index=index), name=_NAME, seed=seed),
        temperature=pd.DataFrame({_NAME: temperature}, index=index),
        seed=seed,
        distribution=distribution,
        measure=_statistics,
    )


_SITE: Final = DemandArea(
    name=_NAME, latitude=_LATITUDE, longitude=_LONGITUDE, timezone=_ZONE, sector="total", country="MA"
)


def _temperature(index: pd.DatetimeIndex, *, rng: np.random.Generator) -> Floats:
    """Air temperature, rounded as a station gives it. [°C]"""
    month = np.asarray(index.day_of_year / 30.44)
    usual = np.interp(month, np.arange(12) + 0.5, _MONTHS, period=12.0)
    swing = _SWING * np.cos(2 * np.pi * (_solar_hour(index) - 14.5) / 24.0)
    weather = _WEATHER * autoregression(rng, len(index), memory=2 * 50.0)
    return np.asarray(np.round(usual + swing + weather, 1))


def _solar_hour(index: pd.DatetimeIndex) -> Floats:
    return np.asarray(np.mod(clock_time(index) + 0.25 + _LONGITUDE / 15.0, 24.0))


def _median(index: pd.DatetimeIndex, temperature: Floats) -> Floats:
    """Median demand where calendar and temperature are known. [MW]"""
    local = index.tz_convert(_ZONE)
    clock, weekday = clock_time(local), local.day_of_week.to_numpy()
    days = timestamps.on_clock(timestamps.to_ns(index), _ZONE).astype("datetime64[D]")
    shape = np.interp(clock + 0.25, np.arange(25) + 0.5, (*_DAY, _DAY[0]), period=24.0)
    week = np.where(weekday == 5, _SATURDAY, np.where(weekday == 6, _SUNDAY, 1.0))
    friday = np.where((weekday == 4) & (clock >= 12) & (clock < 16), _FRIDAY, 1.0)
    off = np.where(calendars.look_up(days, country="MA").holiday, _HOLIDAY, 1.0)
    felt = np.asarray(pd.Series(temperature).ewm(halflife=2.0 * _INERTIA * np.log(2.0)).mean())
    response = (
        1.0
        + _HEATING * np.maximum(_HEATING_BELOW - felt, 0.0)
        + _COOLING * np.maximum(felt - _COOLING_ABOVE, 0.0)
    )
    sunset = physics.hour_after_sunset(
        _solar_hour(index), physics.day_length(_LATITUDE, local.day_of_year.to_numpy())
    )
    fasting = np.where(calendars.ramadan(days), np.interp(sunset, *_FAST), 1.0)
    growth = (1.0 + _GROWTH) ** (np.arange(len(index)) / (48 * 365.25))
    return np.asarray(_MEAN * growth * shape * week * friday * off * response * fasting)


def _statistics(synthetic: SyntheticConsumers) -> Iterator[Statistic]:
    power = synthetic.observations.values[_NAME].tz_convert(_ZONE).iloc[: 365 * 48]
    yield from consumer_statistics(power, targets=_TARGETS)
