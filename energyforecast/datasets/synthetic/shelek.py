"""A synthetic wind farm in a gap wind, with the published statistics of the Shelek corridor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import special

from energyforecast import physics
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import WindFarm
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.generator import MODELS, Generator
from energyforecast.datasets.synthetic.stochastic_processes import (
    AFTER,
    Axis,
    Runs,
    autoregression,
    blocks,
    normal_scores,
)
from energyforecast.datasets.synthetic.synthetic_site import SyntheticSite
from energyforecast.datasets.synthetic.targets import shelek_statistics

__all__ = ["shelek"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "Shelek (synthetic)"
_CAPACITY: Final = 60.0
_TURBINES: Final = 24

# -- Wind ------------------------------------------------------------------------------------------
#: Speed is a mixture of a calm and a strong Weibull distribution: share, shape and scale. [m s⁻¹]
_CALM: Final = (0.34, 2.78, 3.26)
_STRONG: Final = (0.66, 2.94, 9.30)
#: Wind by month in standard deviations, January to December, and amplitude of its daily cycle.
_BY_MONTH: Final = (0.16, 0.12, 0.02, 0.0, -0.05, -0.12, -0.28, -0.28, -0.06, 0.08, 0.20, 0.36)
_DAILY: Final = 0.14
_WINDIEST_HOUR: Final = 17.0
#: East-north-east and west-south-west: direction, its spread [degree], mean duration [h], wind [sigma].
_EAST: Final = (71.0, 5.0, 43.0, 0.10)
_WEST: Final = (257.0, 9.0, 21.0, -0.18)
_DURATION_SHAPE: Final = 1.6
#: Depth of the calm at a change of direction. [sigma]
_LULL: Final = 1.0
#: Memory of the fast and of the slow part of the wind [h], and the share of the slow part.
_FAST: Final = 5.7
_SLOW: Final = 60.0
_SLOW_SHARE: Final = 0.10
#: Turbulence of hourly means, invisible to weather models. [m s⁻¹ per m s⁻¹]
_TURBULENCE: Final = 0.085

# -- Weather models --------------------------------------------------------------------------------
#: Correlation with the truth at 24 h, factor of speed, and bias in winter and summer. [m s⁻¹]
_MODELS: Final[dict[str, tuple[float, float, float, float]]] = {
    "ecmwf": (0.775, 1.00, 0.6, 0.1),
    "icon": (0.745, 0.98, 0.4, 0.0),
    "gfs": (0.720, 1.08, 1.0, 0.3),
}
#: Decrease of that correlation with lead time.
_LEAD: Final = (0.0, 24.0, 48.0, 73.0)
_SKILL: Final = (1.14, 1.0, 0.93, 0.82)
_SHARED: Final = 0.46
_ERROR_MEMORY: Final = 5.5
#: Between successive runs: 0.85 from one day to the next.
_KEPT: Final = 0.85**0.25

# -- Plant -----------------------------------------------------------------------------------------
#: Generic 2.5 MW machine: medians of published power by wind speed, and the cut-out. [m s⁻¹, 1]
_CURVE_SPEED: Final = (2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 24.5, 25.5)
_CURVE_POWER: Final = (0.0, 0.04, 0.10, 0.18, 0.29, 0.44, 0.60, 0.77, 0.90, 0.97, 0.99, 0.99, 0.0)
#: Difference between the wind at an anemometer and on all rotors. [m s⁻¹ per m s⁻¹]
_RESPONSE: Final = 0.055
_LOCAL_DENSITY: Final = 1.14  # of the curve [kg m⁻³]
#: The logger stays at UTC+6, although Kazakhstan left it on 1 March 2024.
_LOGGER: Final = np.timedelta64(6, "h")


@checked(seed=(0, inf), hours=(1, 1_000_000))
def shelek(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = MODELS,
    version: int = 1,
) -> SyntheticSite:
    """Synthetic wind farm in the Shelek corridor, Kazakhstan, with weather forecasts as they arrived.

    Sixty MW of generic 2.5 MW turbines in a two-way gap wind. Synthetic: its statistics are tuned to
    published aggregate figures of two turbines in the corridor (2023 to 2026), and it contains no measured value
    of any plant. Scores on it test the code; they are no evidence of the predictability of Shelek.

    Parameters
    ----------
    seed : int
        Different seeds give different weather.
    start : str
        First hour; text is UTC. The default period contains the clock change of Kazakhstan on 1 March 2024.
    hours : int
        Length. [h]
    models : tuple of str
        Weather models, of ``"ecmwf"``, ``"icon"`` and ``"gfs"``: their error statistics, not their data.
    version : int
        Of the generator.

    Returns
    -------
    SyntheticSite
        ``truth`` has the wind at hub height (100 m) as instants, its mean over the hour, and the power
        of all turbines in service. ``raw`` is the record of a ten-minute logger, in kW, with local time stamps
        that ignore the clock change, with duplicate and missing rows.

    Raises
    ------
    RangeError, SchemaError
        If the period is too short, or a seed, version or weather model does not exist.

    See Also
    --------
    almaty_region, kapshagay, SyntheticSite

    References
    ----------
    Target figures: ``docs/explanation/synthetic_sites.md``; :meth:`SyntheticSite.describe` compares them.

    Examples
    --------
    >>> synthetic = shelek(hours=240)
    >>> dict(synthetic.weather["ecmwf"].sizes)
    {'site': 1, 'init_time': 47, 'lead_time': 74}
    >>> synthetic.observations.sites
    ('Shelek (synthetic)',)
    """
    made = Generator.of(_NAME, seed=seed, start=start, hours=hours, models=models, version=version)
    site = WindFarm(
        name=_NAME,
        latitude=43.644,
        longitude=78.537,
        capacity=_CAPACITY,
        timezone="Asia/Almaty",
        altitude=555.0,
        hub_height=100.0,
        turbines=_TURBINES,
        power_curve=PowerCurve(_CURVE_SPEED[:-1], _CURVE_POWER[:-1], name="generic 2.5 MW (synthetic)"),
    )
    nature = _nature(made, site)
    whole, service = _power(made, nature)
    return made.site(
        (site,),
        weather=_weather(nature, made.runs, made.attrs),
        observations=_observations(made, site, whole, service),
        raw=_raw(made, nature, whole * service),
        truth=made.truth(
            {
                "wind_speed_100m": nature.speed,
                "wind_direction_100m": nature.direction,
                "wind_speed_mean": nature.hourly_speed,
                "temp_air": nature.temperature,
                "pressure": nature.pressure,
                "power": whole,
            }
        ),
        measure=partial(shelek_statistics, curve=(_CURVE_SPEED, _CURVE_POWER)),
    )


@dataclass(frozen=True)
class _Nature:
    """Weather of the corridor on every hour of the axis, as instants."""

    wind: Floats  # Gaussian, variance 1, the part that weather models can predict
    speed: Floats
    direction: Floats
    temperature: Floats
    pressure: Floats
    hourly_speed: Floats  # mean over the hour that begins


@cache
def _speed_table() -> tuple[Floats, Floats]:
    """Standard normal values, and the speeds of the mixture at the same probabilities. [m s⁻¹]"""
    speed = np.concatenate([np.geomspace(1e-3, 1.0, 200), np.linspace(1.0, 45.0, 4000)[1:]])
    below = sum(share * -np.expm1(-((speed / scale) ** shape)) for share, shape, scale in (_CALM, _STRONG))
    return special.ndtri(np.clip(below, 1e-12, 1 - 1e-12)), speed


def _speed(wind: npt.NDArray[Any]) -> Floats:
    return np.asarray(np.interp(wind, *_speed_table()))


def _regimes(rng: np.random.Generator, axis: Axis) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Hours with wind from the east, and hours at which the wind changes direction."""
    winter = axis.monthly((1, 0.8, 0.4, 0, -0.4, -0.8, -1, -0.8, -0.4, 0, 0.4, 0.8))
    east = np.empty(axis.length, dtype=bool)
    changes, begin, eastern = [], 0, bool(rng.random() < 0.67)
    while begin < axis.length:
        mean, swing = (_EAST[2], 0.35) if eastern else (_WEST[2], -0.25)
        duration = rng.gamma(_DURATION_SHAPE, mean * (1 + swing * winter[begin]) / _DURATION_SHAPE)
        end = begin + max(2, round(duration))
        east[begin:end] = eastern
        changes.append(begin)
        begin, eastern = end, not eastern
    return east, np.array(changes[1:])


def _nature(made: Generator, site: WindFarm) -> _Nature:
    rng, axis = made.stream("nature"), made.axis
    east, changes = _regimes(rng, axis)
    fast = np.convolve(autoregression(rng, axis.length + 2, memory=_FAST), np.ones(3) / 3, mode="valid")
    slow = autoregression(rng, axis.length, memory=_SLOW)
    noise = normal_scores(np.sqrt(1 - _SLOW_SHARE) * fast / fast.std() + np.sqrt(_SLOW_SHARE) * slow)
    hour = axis.solar_hour(site.longitude)
    lull = np.zeros(axis.length)
    lull[changes] = 1.0
    wind = (
        noise
        + axis.monthly(_BY_MONTH)
        + _DAILY * np.cos((hour - _WINDIEST_HOUR) / 24 * 2 * np.pi)
        + np.where(east, _EAST[3], _WEST[3])
        - _LULL * np.convolve(lull, (0.4, 1.0, 0.4), mode="same")
    )
    wind = (wind - wind.mean()) / wind.std()
    speed = _speed(wind)
    turbulence = 1.0 + _TURBULENCE * rng.standard_normal(axis.length)
    return _Nature(
        wind=wind,
        speed=speed,
        direction=_direction(rng, east),
        temperature=_temperature(rng, axis, hour, east),
        pressure=95_000.0 + 600.0 * autoregression(rng, axis.length, memory=50.0),
        hourly_speed=0.5 * (speed + np.append(speed[1:], speed[-1])) * np.clip(turbulence, 0.3, None),
    )


def _direction(rng: np.random.Generator, east: npt.NDArray[np.bool_]) -> Floats:
    """Direction of origin; it changes through south within two or three hours. [degree]"""
    spread = np.where(east, _EAST[1], _WEST[1])
    centre = np.where(east, _EAST[0], _WEST[0])
    smooth = np.convolve(np.pad(centre, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    return np.mod(smooth + spread * autoregression(rng, len(east), memory=4.0), 360.0)


def _temperature(rng: np.random.Generator, axis: Axis, hour: Floats, east: npt.NDArray[np.bool_]) -> Floats:
    """Continental, with warm spells in winter while the wind blows from the east. [°C]"""
    season = axis.monthly((-6, -3, 5, 13, 19, 24, 27, 25, 19, 11, 2, -4))
    swing = axis.monthly((4, 4.5, 5, 6, 6.5, 7, 7, 7, 6.5, 6, 4.5, 4))
    warm = np.where(east, axis.monthly((3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 3)), 0.0)
    spells = 3.2 * autoregression(rng, axis.length, memory=55.0)
    return np.asarray(season + swing * np.cos((hour - 15.0) / 24 * 2 * np.pi) + warm + spells)


def _weather(nature: _Nature, runs: Runs, attrs: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    wind = runs.errors("wind", memory=_ERROR_MEMORY, kept=_KEPT, shared=_SHARED)
    warmth = runs.errors("temperature", memory=12.0, kept=_KEPT, shared=0.3)
    timing = runs.errors("turning", memory=30.0, kept=_KEPT, shared=0.5)
    place, winter = runs.place, np.cos(2 * np.pi * runs.axis.year_share())
    hour = runs.axis.solar_hour(78.537)
    shear = 0.16 + 0.07 * np.cos((hour - 2.0) / 24 * 2 * np.pi)  # more at night
    to_ten = 0.1**shear
    growth = np.sqrt(0.3 + runs.lead / 36.0)
    result = {}
    for model in runs.models:
        skill, factor, cold, mild = _MODELS[model]
        agreement = np.minimum(skill * np.interp(runs.lead, _LEAD, _SKILL), 0.98)
        predicted = agreement * nature.wind[place] + np.sqrt(1 - agreement**2) * wind[model]
        bias = 0.5 * (cold + mild) + 0.5 * (cold - mild) * winter[place]
        speed = _speed(predicted)
        speed = np.clip(factor * speed + bias * np.minimum(speed / 4.0, 1.0), 0.0, 45.0)
        late = np.clip(np.round(2.0 * growth * timing[model]), -12, 12).astype(np.int64)
        shifted = np.clip(place + late, 0, len(nature.wind) - 1)
        values = {
            "wind_speed_10m": speed * to_ten[place],
            "wind_speed_100m": speed,
            "wind_direction_100m": np.mod(nature.direction[shifted] + 3.0 * wind[model], 360.0),
            "temp_air": nature.temperature[place] + 1.3 * growth * warmth[model],
            "pressure": nature.pressure[place] - 110.0 * growth * warmth[model],
        }
        result[model] = runs.dataset(model, values, [_NAME], attrs)
    return result


def _power(made: Generator, nature: _Nature) -> tuple[Floats, Floats]:
    """Power of the whole farm [MW], and the share of its turbines in service, on every hour."""
    rng, length = made.stream("plant"), made.axis.length
    density = physics.air_density(nature.temperature, nature.pressure)
    speed = physics.density_corrected_wind_speed(nature.hourly_speed, density * 1.225 / _LOCAL_DENSITY)
    along = np.abs(np.mod(nature.direction + 90.0 - _EAST[0], 180.0) - 90.0)  # of the axis of the rows
    wake = 1.0 - 0.02 * np.exp(-((along / 8.0) ** 2)) * (speed < 12.0)
    mean = speed * wake * (1.0 + _RESPONSE * rng.standard_normal(length))
    local = mean[:, None] * (1.0 + 0.06 * rng.standard_normal((length, _TURBINES)))
    share = np.interp(local, _CURVE_SPEED, _CURVE_POWER)
    return _CAPACITY * share.mean(axis=1), _service(rng, length).mean(axis=1)


def _service(rng: np.random.Generator, length: int) -> npt.NDArray[np.bool_]:
    """Turbines in service, shape (hours, turbines): single faults, one long repair, lost grid."""
    service = np.ones((length, _TURBINES), dtype=bool)
    for turbine in range(_TURBINES):
        starts = np.flatnonzero(rng.random(length) < 1 / 900.0)
        for begin, lasts in zip(starts, rng.lognormal(2.2, 1.0, len(starts)), strict=True):
            service[begin : begin + max(1, int(lasts)), turbine] = False
    repair = int(rng.integers(0, length - AFTER))
    service[repair : repair + int(rng.integers(41, 60)) * 24, int(rng.integers(_TURBINES))] = False
    for begin in np.flatnonzero(rng.random(length) < 1 / 1500.0):
        service[begin : begin + int(rng.integers(2, 14))] = False
    return service


def _observations(made: Generator, site: WindFarm, whole: Floats, service: Floats) -> Observations:
    """Hourly metered power with auxiliary use, curtailment, a stuck meter and gaps."""
    rng, axis = made.stream("metering"), made.axis
    whole, service = whole[axis.period], service[axis.period]
    power = whole * service * (1.0 + 0.004 * rng.standard_normal(axis.hours))
    power = np.where(power < 0.002 * _CAPACITY, power - 0.003 * _CAPACITY, power)  # auxiliary use in a calm
    requested = blocks(rng, axis.hours, every=700.0, shortest=3, longest=9)
    limit = _CAPACITY * 0.4
    curtailed = requested & (power > limit)
    power = np.where(curtailed, limit, power)
    stuck = blocks(rng, axis.hours, every=2500.0, shortest=6, longest=24)
    power = pd.Series(power).where(~(stuck & np.append(False, stuck[:-1]))).ffill().to_numpy()
    missing = blocks(rng, axis.hours, every=260.0, shortest=1, longest=12)
    flagged = {Flag.CURTAILED: curtailed, Flag.STUCK: stuck, Flag.INCOMPLETE: missing}
    return made.metered(site, power, service=service, flagged=flagged)


def _raw(made: Generator, nature: _Nature, power: Floats) -> pd.DataFrame:
    """Ten-minute rows of a logger: kW, naive stamps always at UTC+6, duplicate and missing rows."""
    rng, axis = made.stream("logger"), made.axis
    count = 6 * axis.hours
    stamps = axis.all[axis.period][0] + np.arange(count) * np.timedelta64(10, "m")

    def interpolated(values: Floats, gusts: Floats) -> Floats:
        middles = np.arange(axis.hours) + 0.5
        series = np.interp((np.arange(count) + 0.5) / 6, middles, values[axis.period])
        return np.asarray(series * (1.0 + gusts))

    gusts = 0.05 * rng.standard_normal(count)
    frame = pd.DataFrame(
        {
            "time": (stamps + _LOGGER).astype("datetime64[s]"),
            "wind_speed": interpolated(nature.hourly_speed, gusts).round(2),
            "power": np.clip(interpolated(power * 1000.0, gusts), -150.0, _CAPACITY * 1000.0).round(0),
            "temperature": interpolated(nature.temperature, np.zeros(count)).round(1),
        }
    )
    lost = blocks(rng, count, every=700.0, shortest=1, longest=60) | (rng.random(count) < 0.004)
    duplicate = np.flatnonzero(~lost & (rng.random(count) < 0.001))
    rows = np.sort(np.concatenate([np.flatnonzero(~lost), duplicate]), kind="stable")
    return made.labelled(frame.iloc[rows].reset_index(drop=True))
