"""A synthetic demand of a city and its industry, with the published yearly figures of Almaty's region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import calendars, timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.stochastic_processes import (
    Axis,
    Runs,
    autoregression,
    blocks,
    stream,
    whole_kilowatts,
)
from energyforecast.datasets.synthetic.synthetic_site import (
    SYNTHETIC,
    Statistic,
    SyntheticSite,
    at_lead,
    check_arguments,
    provenance,
)

__all__ = ["almaty"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "Almaty (synthetic)"
_INDUSTRY: Final = "Almaty industry (synthetic)"
_HOUSEHOLDS: Final = "Almaty households (synthetic)"
_ZONE: Final = "Asia/Almaty"
_LATITUDE: Final = 43.24
_LONGITUDE: Final = 76.9

#: Errors of temperature at 24 h by weather model. [°C]
_MODELS: Final[dict[str, float]] = {"ecmwf": 1.5, "icon": 1.6, "gfs": 1.9}
_KEPT: Final = 0.85**0.25

#: Mean demand of the first year. [MW]
_MEAN_INDUSTRY: Final = 430.0
_MEAN_HOUSEHOLDS: Final = 755.0
_GROWTH: Final = 0.03
#: Households need more for each degree below and above these, of temperatures felt in the walls.
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
#: Households in Ramadan by hours after sunset: less while the fast lasts, more when it is broken.
_FAST: Final = ((-12.0, -4.0, -1.0, 0.0, 2.0, 5.0, 12.0), (1.0, 0.99, 0.95, 1.06, 1.06, 1.02, 1.0))
#: Share of the level that a new consumer adds in the second half of the second year.
_BREAK_AFTER: Final = 13_000
_BREAK: Final = 0.06

#: Demand a day by month as a share of the year's: Kazakhstan's whole market in 2018 (KOREM).
_PUBLISHED_MONTHS: Final = (
    1.127, 1.117, 1.035, 0.956, 0.908, 0.897,
    0.931, 0.900, 0.914, 0.989, 1.093, 1.141,
)  # fmt: skip


def almaty(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = ("ecmwf", "icon", "gfs"),
    ramadan: bool = False,
    version: int = 1,
) -> SyntheticSite:
    """A synthetic demand of Almaty and its region: the total, industry and households, with weather as it arrived.

    Synthetic: its yearly energy and months are tuned to published figures, its shares and hours are
    choices of ours; no measured value is in it. Public holidays are those of the package ``holidays``.

    Parameters
    ----------
    seed : int
        Another seed is another weather and other faults.
    start : str
        First hour; text is UTC.
    hours : int
        Length. [h]
    models : tuple of str
        Weather models, of ``"ecmwf"``, ``"icon"`` and ``"gfs"``: names only, not their data.
    ramadan : bool
        Let households keep Ramadan: less demand before sunset, 6 % more after it. All else stays the same.
    version : int
        Of the generator.

    Returns
    -------
    SyntheticSite
        Three sites: the total first, then industry and households, which add up to it. ``truth`` has
        the demand of each without trips of meters, and the air temperature.

    Examples
    --------
    >>> synthetic = almaty(hours=240)
    >>> [site.sector for site in synthetic.sites]
    ['total', 'industry', 'households']
    """
    check_arguments(seed=seed, hours=hours, version=version, models=models, known=_MODELS)
    axis = Axis.of(start, hours)
    attrs = provenance(_NAME, seed=seed, version=version)
    sites = (_area(_NAME, "total"), _area(_INDUSTRY, "industry"), _area(_HOUSEHOLDS, "households"))
    city = _city(seed, axis)
    demand = _demand(seed, city, axis, fast=_fast(axis, city) if ramadan else 1.0)
    truth = demand.assign(temp_air=city.temperature[axis.period], source=SYNTHETIC)
    truth.attrs = dict(attrs)
    observations = _observations(seed, demand, axis)
    return SyntheticSite(
        name=_NAME,
        sites=sites,
        weather=_weather(city, Runs(axis, seed, tuple(models)), [site.name for site in sites], attrs),
        observations=observations,
        raw=_raw(observations, attrs),
        truth=truth,
        seed=seed,
        version=version,
        measure=_statistics,
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


def _city(seed: int, axis: Axis) -> _City:
    rng = stream(seed, "city")
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


def _felt(temperature: Floats) -> Floats:
    """Temperature as walls pass it on, exponentially weighted. [°C]"""
    series = pd.Series(temperature)
    return np.asarray(series.ewm(alpha=1.0 - np.exp(-1.0 / _INERTIA)).mean())


def _fast(axis: Axis, city: _City) -> Floats:
    """Factor of households' demand while the country fasts by day."""
    day = timestamps.to_index(axis.all).tz_convert(_ZONE).tz_localize(None).to_numpy().astype("datetime64[D]")
    length = physics.day_length(_LATITUDE, 365.0 * axis.year_share() + 1.0)
    factor = np.interp(physics.hour_after_sunset(city.solar_hour, length), *_FAST)
    return np.where(calendars.ramadan(day), factor, 1.0)


def _demand(seed: int, city: _City, axis: Axis, *, fast: Floats | float) -> pd.DataFrame:
    """Demand of the hours of the synthetic site. [MW]"""
    rng, hours = stream(seed, "demand"), np.arange(axis.length) - axis.period.start
    growth = (1.0 + _GROWTH) ** (hours / 8766.0)
    felt = _felt(city.temperature)
    weather = (
        1.0
        + _HEATING * np.maximum(_HEATING_BELOW - felt, 0.0)
        + _COOLING * np.maximum(felt - _COOLING_ABOVE, 0.0)
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
        * fast
        * (1.0 + 0.012 * autoregression(rng, axis.length, memory=30.0))
    )
    industry = _industry(rng, city, hours) * growth
    here = axis.period
    parts = {_INDUSTRY: industry[here], _HOUSEHOLDS: households[here]}
    return pd.DataFrame({_NAME: parts[_INDUSTRY] + parts[_HOUSEHOLDS], **parts}, index=axis.index)


def _industry(rng: np.random.Generator, city: _City, hours: npt.NDArray[np.int64]) -> Floats:
    """Three even shifts, two maintenance weeks a year, trips of single furnaces, and one new consumer."""
    shift = 1.0 + 0.015 * np.cos((city.solar_hour - 11.0) / 24 * 2 * np.pi)
    week = np.array(_WEEK_INDUSTRY)[city.weekday] * np.where(city.holiday, _HOLIDAY_INDUSTRY, 1.0)
    level = np.where(hours >= _BREAK_AFTER, 1.0 + _BREAK, 1.0)
    repair = np.where(blocks(rng, len(hours), every=4400.0, shortest=120, longest=240), 0.88, 1.0)
    trip = np.where(blocks(rng, len(hours), every=900.0, shortest=2, longest=14), 0.86, 1.0)
    unrest = 1.0 + 0.012 * autoregression(rng, len(hours), memory=12.0)
    return np.asarray(_MEAN_INDUSTRY * shift * week * level * repair * trip * unrest)


def _weather(city: _City, runs: Runs, sites: list[str], attrs: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    warmth = runs.errors("warmth", memory=14.0, kept=_KEPT, shared=0.4)
    other = runs.errors("other", memory=8.0, kept=_KEPT, shared=0.4)
    place, growth = runs.place, np.sqrt(0.35 + 0.65 * runs.lead / 24.0)
    result = {}
    for model in runs.models:
        values = {
            "temp_air": city.temperature[place] + _MODELS[model] * growth * warmth[model],
            "cloud_cover": np.clip(city.clouds[place] + 22.0 * growth * other[model], 0.0, 100.0),
            "wind_speed_10m": np.clip(city.wind[place] + 0.7 * growth * other[model], 0.0, 40.0),
        }
        result[model] = runs.dataset(model, values, sites, attrs)
    return result


def _observations(seed: int, demand: pd.DataFrame, axis: Axis) -> Observations:
    """Hourly metered demand, published two hours after the hour's end; a part that fails leaves no total."""
    rng = stream(seed, "metering")
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


def _raw(observations: Observations, attrs: Mapping[str, Any]) -> pd.DataFrame:
    """Hourly rows that name the beginning of their hour on the wall clock, which is put back once in 2024."""
    wall = observations.index.tz_convert(_ZONE).tz_localize(None)
    frame = observations.values.round(1).set_axis(wall.rename("time"), axis=0).reset_index()
    frame = frame.dropna().assign(source=SYNTHETIC).reset_index(drop=True)
    frame.attrs = dict(attrs)
    return frame


def _statistics(synthetic: SyntheticSite) -> Iterator[Statistic]:
    truth = synthetic.truth
    total, industry = truth[_NAME], truth[_INDUSTRY]
    local = truth.index.tz_convert(_ZONE)
    year = total.iloc[:8760]
    yield Statistic("energy of the first year", "TWh", 11.4, 0.3, float(year.sum() / 1e6))
    monthly = year.groupby(truth.index[: len(year)].month).mean() / year.mean()
    for month, target in enumerate(_PUBLISHED_MONTHS, start=1):
        reached = float(monthly.get(month, np.nan))
        yield Statistic(f"month {month}, demand a day", "year", target, 0.06, reached)
    change = total.iloc[8760:].sum() / max(len(total) - 8760, 1) / year.mean() - 1.0
    yield Statistic("second year against the first", "1", 0.045, 0.02, float(change), "design")
    yield Statistic("share of industry", "1", 0.33, 0.03, float(industry.mean() / total.mean()), "design")
    ordinary = pd.Series(local.day_of_week < 5, index=truth.index)
    weekend = float(total[~ordinary].mean() / total[ordinary].mean() - 1.0)
    yield Statistic("weekend against weekdays", "1", -0.055, 0.02, weekend, "design")
    evening = total.groupby(local.hour).mean()
    yield Statistic(
        "daily peak against the mean", "1", 1.20, 0.04, float(evening.max() / evening.mean()), "design"
    )
    week_ago = float(((total - total.shift(168)).abs() / total).mean())
    yield Statistic("same hour last week, MAPE", "1", 0.038, 0.01, week_ago, "design")
    for model, weather in synthetic.weather.items():
        error = at_lead(weather, "temp_air", 24, truth.index) - truth["temp_air"]
        yield Statistic(
            f"{model} 24 h, temperature RMSE", "degree_Celsius", _MODELS[model] * 1.03, 0.15,
            float((error**2).mean() ** 0.5), "design",
        )  # fmt: skip
