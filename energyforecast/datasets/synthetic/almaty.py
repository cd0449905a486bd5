"""Synthetic demand of a city and its industry, with the published yearly figures of the region of Almaty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.generator import MODELS, Generator
from energyforecast.datasets.synthetic.stochastic_processes import (
    Axis,
    Runs,
    autoregression,
    blocks,
    whole_kilowatts,
)
from energyforecast.datasets.synthetic.synthetic_site import SyntheticSite
from energyforecast.datasets.synthetic.targets import demand_statistics

__all__ = ["almaty"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "Almaty (synthetic)"
_INDUSTRY: Final = "Almaty industry (synthetic)"
_HOUSEHOLDS: Final = "Almaty households (synthetic)"
_ZONE: Final = "Asia/Almaty"
_LATITUDE: Final = 43.24
_LONGITUDE: Final = 76.9

#: Errors of temperature at 24 h by weather model. [°C]
_ERRORS: Final[dict[str, float]] = {"ecmwf": 1.5, "icon": 1.6, "gfs": 1.9}
_KEPT: Final = 0.85**0.25

#: Mean demand of the first year. [MW]
_MEAN_INDUSTRY: Final = 430.0
_MEAN_HOUSEHOLDS: Final = 755.0
_GROWTH: Final = 0.03
#: Base temperatures of heating and cooling, share of demand per degree, and time constant of buildings. [°C; K⁻¹; h]
_HEATING_BELOW: Final = 13.0
_COOLING_ABOVE: Final = 21.0
_HEATING: Final = 0.021
_COOLING: Final = 0.011
_INERTIA: Final = 18.0
#: Households by local solar hour, 0 to 23 h: a morning rise and an evening peak.
_DAY: Final = (
    0.82, 0.75, 0.71, 0.69, 0.70, 0.76, 0.88, 1.01, 1.08, 1.08, 1.05, 1.03,
    1.02, 1.01, 1.00, 1.01, 1.05, 1.13, 1.22, 1.28, 1.27, 1.20, 1.09, 0.95,
)  # fmt: skip
#: Factors by weekday, Monday to Sunday, and of public holidays.
_WEEK_HOUSEHOLDS: Final = (1.01, 1.015, 1.015, 1.015, 1.01, 0.96, 0.94)
_WEEK_INDUSTRY: Final = (1.0, 1.01, 1.01, 1.01, 1.0, 0.97, 0.955)
_HOLIDAY_HOUSEHOLDS: Final = 0.94
_HOLIDAY_INDUSTRY: Final = 0.93
#: Households in Ramadan by hours after sunset: less during the fast, more when it is broken.
_FAST: Final = ((-12.0, -4.0, -1.0, 0.0, 2.0, 5.0, 12.0), (1.0, 0.99, 0.95, 1.06, 1.06, 1.02, 1.0))
#: Share of the level that a new consumer adds in the second half of the second year.
_BREAK_AFTER: Final = 13_000
_BREAK: Final = 0.06


@checked(seed=(0, inf), hours=(1, 1_000_000))
def almaty(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = MODELS,
    ramadan: bool = False,
    version: int = 1,
) -> SyntheticSite:
    """Synthetic demand of the region of Almaty: total, industry and households, with weather forecasts as they arrived.

    Synthetic: its yearly energy and months are tuned to published figures, its shares and hours are
    design choices; it contains no measured value. Public holidays are those of the package ``holidays``.

    Parameters
    ----------
    seed : int
        Different seeds give different weather and faults.
    start : str
        First hour; text is UTC.
    hours : int
        Length. [h]
    models : tuple of str
        Weather models, of ``"ecmwf"``, ``"icon"`` and ``"gfs"``: names only, not their data.
    ramadan : bool
        Whether households observe Ramadan: less demand before sunset, 6 % more after it. All else is unchanged.
    version : int
        Of the generator.

    Returns
    -------
    SyntheticSite
        Three sites: the total first, then industry and households, which add up to it. ``truth`` has
        the demand of each without failures of meters, and the air temperature.

    Raises
    ------
    RangeError, SchemaError
        If the period is too short, or a seed, version or weather model does not exist.

    See Also
    --------
    almaty_region, SyntheticSite

    Examples
    --------
    >>> synthetic = almaty(hours=240)
    >>> [site.sector for site in synthetic.sites]
    ['total', 'industry', 'households']
    """
    made = Generator.of(_NAME, seed=seed, start=start, hours=hours, models=models, version=version)
    sites = (_area(_NAME, "total"), _area(_INDUSTRY, "industry"), _area(_HOUSEHOLDS, "households"))
    city = _city(made)
    demand = _demand(made, city, fasting=_fasting(made.axis, city) if ramadan else 1.0)
    observations = _observations(made, demand)
    return made.site(
        sites,
        weather=_weather(city, made.runs, [site.name for site in sites], made.attrs),
        observations=observations,
        raw=made.labelled(_raw(observations)),
        truth=made.labelled(demand.assign(temp_air=city.temperature[made.axis.period])),
        measure=partial(demand_statistics, errors=_ERRORS),
    )


def _area(name: str, sector: Literal["total", "industry", "households"]) -> DemandArea:
    return DemandArea(
        name=name,
        latitude=_LATITUDE,
        longitude=_LONGITUDE,
        timezone=_ZONE,
        altitude=800.0,
        sector=sector,
        country="KZ",
    )


@dataclass(frozen=True)
class _City:
    """Weather and calendar on every hour of the axis."""

    temperature: Floats  # instants [°C]
    clouds: Floats  # [%]
    wind: Floats  # [m s⁻¹]
    light: Floats  # clear-sky daylight, 0 to 1
    solar_hour: Floats
    weekday: npt.NDArray[np.int64]
    holiday: npt.NDArray[np.bool_]


def _city(made: Generator) -> _City:
    rng, axis = made.stream("city"), made.axis
    hour = axis.solar_hour(_LONGITUDE)
    local = timestamps.to_index(axis.all).tz_convert(_ZONE)
    clouds = autoregression(rng, axis.length, memory=20.0)
    swing = axis.monthly((3.5, 4, 4.5, 5.5, 6, 6.5, 7, 7, 6.5, 5.5, 4, 3.5))
    temperature = (
        axis.monthly((-5, -3, 4, 12, 17, 22, 25, 23.5, 18, 10.5, 2.5, -3.5))
        + swing * np.cos((hour - 15.0) / 24 * 2 * np.pi)
        + 3.4 * autoregression(rng, axis.length, memory=70.0)
    )
    declination = np.radians(-23.44 * np.cos(2 * np.pi * (axis.year_share() + 10 / 365.25)))
    latitude, angle = np.radians(_LATITUDE), (hour - 12.0) / 12.0 * np.pi
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    return _City(
        temperature=temperature,
        clouds=np.clip(50.0 + 45.0 * clouds, 0.0, 100.0),
        wind=np.clip(np.exp(0.4 + 0.5 * autoregression(rng, axis.length, memory=8.0)), 0.0, 25.0),
        light=np.clip(4.0 * height, 0.0, 1.0),
        solar_hour=hour,
        weekday=local.day_of_week.to_numpy().astype(np.int64),
        holiday=_holidays(local),
    )


def _holidays(local: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    import holidays

    days = local.date
    off = holidays.country_holidays("KZ", years=sorted({day.year for day in days}))
    return np.array([day in off for day in days])


def _smoothed(temperature: Floats) -> Floats:
    """Temperature of buildings, exponentially weighted. [°C]"""
    series = pd.Series(temperature)
    return np.asarray(series.ewm(alpha=1.0 - np.exp(-1.0 / _INERTIA)).mean())


def _fasting(axis: Axis, city: _City) -> Floats:
    """Factor of the demand of households in Ramadan."""
    day = timestamps.to_index(axis.all).tz_convert(_ZONE).tz_localize(None).to_numpy().astype("datetime64[D]")
    length = physics.day_length(_LATITUDE, 365.0 * axis.year_share() + 1.0)
    factor = np.interp(physics.hour_after_sunset(city.solar_hour, length), *_FAST)
    return np.where(calendars.ramadan(day), factor, 1.0)


def _demand(made: Generator, city: _City, *, fasting: Floats | float) -> pd.DataFrame:
    """Demand of the hours of the synthetic site. [MW]"""
    rng, axis = made.stream("demand"), made.axis
    hours = np.arange(axis.length) - axis.period.start
    growth = (1.0 + _GROWTH) ** (hours / 8766.0)
    smoothed = _smoothed(city.temperature)
    weather = (
        1.0
        + _HEATING * np.maximum(_HEATING_BELOW - smoothed, 0.0)
        + _COOLING * np.maximum(smoothed - _COOLING_ABOVE, 0.0)
    )
    dusk = (1.0 - city.light) * np.interp(city.solar_hour, (5, 7, 9, 16, 18, 21, 23), (0, 1, 0, 0, 1, 1, 0))
    shape = np.interp(city.solar_hour, np.arange(25), (*_DAY, _DAY[0])) + 0.07 * dusk
    households = (
        _MEAN_HOUSEHOLDS
        * growth
        * weather
        * shape
        * np.array(_WEEK_HOUSEHOLDS)[city.weekday]
        * np.where(city.holiday, _HOLIDAY_HOUSEHOLDS, 1.0)
        * fasting
        * (1.0 + 0.012 * autoregression(rng, axis.length, memory=30.0))
    )
    industry = _industry(rng, city, hours) * growth
    parts = {_INDUSTRY: industry[axis.period], _HOUSEHOLDS: households[axis.period]}
    return pd.DataFrame({_NAME: parts[_INDUSTRY] + parts[_HOUSEHOLDS], **parts}, index=axis.index)


def _industry(rng: np.random.Generator, city: _City, hours: npt.NDArray[np.int64]) -> Floats:
    """Three even shifts, two maintenance weeks a year, trips of single furnaces, and one new consumer."""
    shift = 1.0 + 0.015 * np.cos((city.solar_hour - 11.0) / 24 * 2 * np.pi)
    week = np.array(_WEEK_INDUSTRY)[city.weekday] * np.where(city.holiday, _HOLIDAY_INDUSTRY, 1.0)
    level = np.where(hours >= _BREAK_AFTER, 1.0 + _BREAK, 1.0)
    repair = np.where(blocks(rng, len(hours), every=4400.0, shortest=120, longest=240), 0.88, 1.0)
    trip = np.where(blocks(rng, len(hours), every=900.0, shortest=2, longest=14), 0.86, 1.0)
    noise = 1.0 + 0.012 * autoregression(rng, len(hours), memory=12.0)
    return np.asarray(_MEAN_INDUSTRY * shift * week * level * repair * trip * noise)


def _weather(city: _City, runs: Runs, sites: list[str], attrs: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    warmth = runs.errors("warmth", memory=14.0, kept=_KEPT, shared=0.4)
    other = runs.errors("other", memory=8.0, kept=_KEPT, shared=0.4)
    place, growth = runs.place, np.sqrt(0.35 + 0.65 * runs.lead / 24.0)
    result = {}
    for model in runs.models:
        values = {
            "temp_air": city.temperature[place] + _ERRORS[model] * growth * warmth[model],
            "cloud_cover": np.clip(city.clouds[place] + 22.0 * growth * other[model], 0.0, 100.0),
            "wind_speed_10m": np.clip(city.wind[place] + 0.7 * growth * other[model], 0.0, 40.0),
        }
        result[model] = runs.dataset(model, values, sites, attrs)
    return result


def _observations(made: Generator, demand: pd.DataFrame) -> Observations:
    """Hourly metered demand, published two hours after the end of the hour; the total is missing with any part."""
    rng, axis = made.stream("metering"), made.axis
    values = demand * (1.0 + 0.002 * rng.standard_normal((axis.hours, 1)))
    silent = {
        name: blocks(rng, axis.hours, every=900.0, shortest=1, longest=8) for name in (_INDUSTRY, _HOUSEHOLDS)
    }
    missing = pd.DataFrame({_NAME: silent[_INDUSTRY] | silent[_HOUSEHOLDS], **silent}, index=axis.index)
    return Observations(
        values.mask(missing).apply(whole_kilowatts),
        published_after="2h",
        flags=missing.astype("int64") * int(Flag.INCOMPLETE),
        frequency="1h",
    )


def _raw(observations: Observations) -> pd.DataFrame:
    """Hourly rows that name the beginning of their hour on the local clock, set back once in 2024."""
    wall = observations.index.tz_convert(_ZONE).tz_localize(None)
    frame = observations.values.round(1).set_axis(wall.rename("time"), axis=0).reset_index()
    return frame.dropna().reset_index(drop=True)
