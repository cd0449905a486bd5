"""Synthetic PV plants: fixed modules at Kapshagay, and a tracker in Uzbekistan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import special

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.generator import MODELS, Generator
from energyforecast.datasets.synthetic.stochastic_processes import (
    Axis,
    Runs,
    autoregression,
    blocks,
    normal_scores,
)
from energyforecast.datasets.synthetic.synthetic_site import SyntheticSite
from energyforecast.datasets.synthetic.targets import PVTargets, pv_statistics

__all__ = ["kapshagay", "nur_navoi"]

Floats = npt.NDArray[np.float64]

#: Correlation of each weather model with the true cloudiness at 24 h, and its decrease with lead time.
_SKILL: Final[dict[str, float]] = {"ecmwf": 0.80, "icon": 0.77, "gfs": 0.72}
_LEAD: Final = (0.0, 24.0, 48.0, 73.0)
_FALL: Final = (1.10, 1.0, 0.94, 0.86)
_SHARED: Final = 0.45
_KEPT: Final = 0.85**0.25
#: Clear-sky index and cloud cover [%] by the share of hours that are cloudier: overcast, broken, clear.
_CLOUDIER: Final = (0.0, 0.10, 0.25, 0.45, 0.60, 1.0)
_CLEARNESS: Final = (0.12, 0.28, 0.62, 0.90, 0.98, 1.04)
_COVER: Final = (100.0, 98.0, 85.0, 45.0, 12.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class _Climate:
    """Climate and losses of a plant; twelve values run from January to December."""

    temperature: Sequence[float]  # [°C]
    swing: float  # of the day [°C]
    cloudiness: Sequence[float]  # [sigma], positive is cloudier
    turbidity: Sequence[float]  # Linke
    soiling: float  # a dry day [1]
    dusty: float  # share of days
    ratio: float  # of DC to AC capacity
    performance: float  # share left by cables, mismatch, age and inverters [1]


_KAPSHAGAY: Final = _Climate(
    temperature=(-6, -4, 3, 12, 17, 22.5, 25, 23.5, 17.5, 10, 2, -4),
    swing=6.0,
    cloudiness=(0.25, 0.2, 0.1, 0.0, -0.1, -0.3, -0.45, -0.5, -0.45, -0.2, 0.1, 0.3),
    turbidity=(2.7, 2.9, 3.3, 3.6, 3.7, 3.8, 3.8, 3.6, 3.3, 3.0, 2.8, 2.7),
    soiling=0.0012,
    dusty=0.01,
    ratio=1.0,
    performance=0.885,
)
_NUR_NAVOI: Final = _Climate(
    temperature=(1, 4, 10, 17, 23, 28, 30, 28, 22, 15, 8, 3),
    swing=7.5,
    cloudiness=(0.3, 0.2, 0.0, -0.3, -0.7, -1.2, -1.4, -1.4, -1.2, -0.6, -0.1, 0.25),
    turbidity=(2.9, 3.1, 3.5, 3.8, 4.0, 4.2, 4.2, 4.0, 3.7, 3.3, 3.0, 2.9),
    soiling=0.002,
    dusty=0.02,
    ratio=1.43,
    performance=0.93,  # includes the gain of the rear sides
)


@checked(seed=(0, inf), hours=(1, 1_000_000))
def kapshagay(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = MODELS,
    version: int = 1,
) -> SyntheticSite:
    """Synthetic PV plant at Kapshagay, Kazakhstan: 100 MW of fixed modules, with weather forecasts as they arrived.

    Synthetic: tuned to published yearly output of such plants; it contains no measured value.

    Parameters
    ----------
    seed : int
        Different seeds give different weather.
    start : str
        First hour; text is UTC.
    hours : int
        Length. [h]
    models : tuple of str
        Weather models, of ``"ecmwf"``, ``"icon"`` and ``"gfs"``: names only, not their data.
    version : int
        Of the generator.

    Returns
    -------
    SyntheticSite
        ``truth`` has the irradiance as hourly means, its clear-sky value, soiling and snow as factors, and the
        power of the whole plant.

    Raises
    ------
    RangeError, SchemaError
        If the period is too short, or a seed, version or weather model does not exist.

    See Also
    --------
    nur_navoi, almaty_region, SyntheticSite

    Examples
    --------
    >>> synthetic = kapshagay(hours=240)
    >>> synthetic.site.surface_tilt, synthetic.site.capacity
    (35.0, 100.0)
    """
    site = PVPlant(
        name="Kapshagay PV (synthetic)",
        latitude=43.967,
        longitude=77.114,
        capacity=100.0,
        timezone="Asia/Almaty",
        altitude=520.0,
        surface_tilt=35.0,
        surface_azimuth=180.0,
        dc_capacity=100.0 * _KAPSHAGAY.ratio,
    )
    made = Generator.of(site.name, seed=seed, start=start, hours=hours, models=models, version=version)
    radiation = {"ecmwf": 0.30, "icon": 0.31, "gfs": 0.33}
    return _synthetic_site(made, site, _KAPSHAGAY, PVTargets(0.165, 0.81, radiation))


@checked(seed=(0, inf), hours=(1, 1_000_000))
def nur_navoi(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = MODELS,
    version: int = 1,
) -> SyntheticSite:
    """Synthetic PV plant near Navoi, Uzbekistan: 100 MW on single-axis trackers, with forecasts as they arrived.

    Synthetic: tuned to published yearly output of such plants; it contains no measured value. The
    rows run from north to south, rotate by up to 60 degrees and backtrack.

    Parameters
    ----------
    seed, start, hours, models, version
        As in :func:`kapshagay`.

    Returns
    -------
    SyntheticSite

    See Also
    --------
    kapshagay, SyntheticSite

    Examples
    --------
    >>> nur_navoi(hours=240).site.surface_tilt is None  # trackers have no fixed tilt
    True
    """
    site = PVPlant(
        name="Nur Navoi PV (synthetic)",
        latitude=40.15,
        longitude=65.35,
        capacity=100.0,
        timezone="Asia/Tashkent",
        altitude=350.0,
        mounting="single_axis",
        max_angle=60.0,
        gcr=0.4,
        dc_capacity=100.0 * _NUR_NAVOI.ratio,
    )
    made = Generator.of(site.name, seed=seed, start=start, hours=hours, models=models, version=version)
    radiation = {"ecmwf": 0.19, "icon": 0.20, "gfs": 0.21}
    return _synthetic_site(made, site, _NUR_NAVOI, PVTargets(0.29, 0.88, radiation))


def _synthetic_site(made: Generator, site: PVPlant, climate: _Climate, targets: PVTargets) -> SyntheticSite:
    sky = _sky(made, site, climate)
    power = _power(sky, site, climate)
    observations = _observations(made, site, power)
    return made.site(
        (site,),
        weather=_weather(sky, made.runs, site, made.attrs),
        observations=observations,
        raw=made.labelled(_raw(observations)),
        truth=made.truth(
            {
                "ghi": sky.ghi,
                "ghi_clear": sky.clear,
                "temp_air": sky.temperature,
                "wind_speed_10m": sky.wind,
                "soiling": sky.soiling,
                "snow": sky.snow,
                "power": power,
            }
        ),
        measure=partial(pv_statistics, targets=targets),
    )


@dataclass(frozen=True)
class _Sky:
    """Weather and soiling of a plant on every hour of the axis, as means over the hour that begins."""

    sun: pd.DataFrame  # position at the middle of the hour
    clear: Floats  # clear-sky global radiation [W m⁻²]
    clouds: Floats  # Gaussian, variance 1, the part that weather models can predict
    cloudiness: Floats  # of the month [sigma]
    ghi: Floats
    temperature: Floats
    wind: Floats
    soiling: Floats  # share of light that passes
    snow: Floats  # share of modules that are free


def _clearness(clouds: npt.NDArray[Any]) -> Floats:
    """Clear-sky index of a standard normal cloudiness."""
    return np.asarray(np.interp(special.ndtr(-clouds), _CLOUDIER, _CLEARNESS))


def _cover(clouds: npt.NDArray[Any]) -> Floats:
    return np.asarray(np.interp(special.ndtr(-clouds), _CLOUDIER, _COVER))


def _sun(axis: Axis, site: PVPlant) -> pd.DataFrame:
    from pvlib import solarposition

    middle = timestamps.to_index(axis.all + np.timedelta64(30, "m"))
    return solarposition.spa_python(middle, site.latitude, site.longitude, altitude=site.altitude)


def _clear_sky(zenith: Floats, turbidity: Floats, site: PVPlant) -> Floats:
    """Global radiation of a cloudless sky by Ineichen's model. [W m⁻²]"""
    from pvlib import atmosphere, clearsky

    clear, up = np.zeros(len(zenith)), zenith < 89.0
    airmass = atmosphere.get_absolute_airmass(
        atmosphere.get_relative_airmass(zenith[up]), atmosphere.alt2pres(site.altitude)
    )
    clear[up] = clearsky.ineichen(zenith[up], airmass, turbidity[up], altitude=site.altitude)["ghi"]
    return clear


def _sky(made: Generator, site: PVPlant, climate: _Climate) -> _Sky:
    rng, axis = made.stream(f"{site.name}/sky"), made.axis
    sun = _sun(axis, site)
    clear = _clear_sky(sun["apparent_zenith"].to_numpy(), axis.monthly(climate.turbidity), site)
    fronts = autoregression(rng, axis.length, memory=14.0)
    spells = autoregression(rng, axis.length, memory=70.0)
    clouds = normal_scores(np.sqrt(0.6) * fronts + np.sqrt(0.4) * spells)
    cloudiness = axis.monthly(climate.cloudiness)
    patches = 0.35 * rng.standard_normal(axis.length)  # of single hours
    ghi = clear * _clearness(clouds + cloudiness + patches)
    hour = axis.solar_hour(site.longitude)
    bright = np.clip(0.35 - 0.25 * (clouds + cloudiness), 0.2, 1.0)
    temperature = (
        axis.monthly(climate.temperature)
        + climate.swing * bright * 1.6 * np.cos((hour - 15.0) / 24 * 2 * np.pi)
        + 3.5 * autoregression(rng, axis.length, memory=60.0)
    )
    wind = np.exp(0.9 + 0.5 * autoregression(rng, axis.length, memory=8.0))
    rain = (clouds + cloudiness > 1.0) & (rng.random(axis.length) < 0.35)
    return _Sky(
        sun=sun,
        clear=clear,
        clouds=clouds,
        cloudiness=cloudiness,
        ghi=ghi,
        temperature=temperature,
        wind=np.clip(wind, 0.0, 25.0),
        soiling=_soiling(rng, rain & (temperature > 0), climate),
        snow=_free_of_snow(rain & (temperature < -1) & (rng.random(axis.length) < 0.25), temperature, site),
    )


def _soiling(rng: np.random.Generator, rain: npt.NDArray[np.bool_], climate: _Climate) -> Floats:
    """Light that passes the dust: less every dry day, much less on a dusty one, until rain or cleaning (at 8 %)."""
    dust = np.where(rng.random(len(rain)) < climate.dusty / 24.0, 0.05, climate.soiling / 24.0)
    total = np.cumsum(dust)
    washed = np.maximum.accumulate(np.where(rain, total, 0.0))
    return np.asarray(1.0 - np.mod(total - washed, 0.08))


def _free_of_snow(snowfall: npt.NDArray[np.bool_], temperature: Floats, site: PVPlant) -> Floats:
    """Share of modules free of snow: none in a snowfall, which slides off within a day, faster in a thaw."""
    duration = 30.0 if site.surface_tilt is not None else 8.0
    free = np.empty(len(snowfall))
    covered = 0.0
    for hour, (falls, warm) in enumerate(zip(snowfall, temperature > 1.0, strict=True)):
        covered = 1.0 if falls else covered * np.exp(-1.0 / (3.0 if warm else duration))
        free[hour] = 1.0 - covered
    return free


def _power(sky: _Sky, site: PVPlant, climate: _Climate) -> Floats:
    """AC power of the whole plant: decomposition, transposition, cell temperature, DC, clipping. [MW]"""
    from pvlib import irradiance, pvsystem, temperature, tracking

    assert site.capacity is not None
    zenith, azimuth = sky.sun["apparent_zenith"].to_numpy(), sky.sun["azimuth"].to_numpy()
    day = pd.DatetimeIndex(sky.sun.index).day_of_year.to_numpy()
    parts = irradiance.erbs(sky.ghi, np.minimum(zenith, 90.0), day)
    tilt: Any = site.surface_tilt
    facing: Any = site.surface_azimuth
    if tilt is None:
        rotation = tracking.singleaxis(zenith, azimuth, max_angle=60.0, backtrack=True, gcr=0.4)
        tilt, facing = np.nan_to_num(rotation["surface_tilt"]), np.nan_to_num(rotation["surface_azimuth"])
    plane = irradiance.get_total_irradiance(
        tilt, facing, zenith, azimuth, parts["dni"], sky.ghi, parts["dhi"], albedo=0.22
    )["poa_global"]
    light = np.nan_to_num(np.asarray(plane)) * sky.soiling * sky.snow
    cell = temperature.faiman(light, sky.temperature, sky.wind)
    direct = pvsystem.pvwatts_dc(light, cell, site.capacity * climate.ratio, -0.0038)
    return np.asarray(np.clip(direct * climate.performance, 0.0, site.capacity))


def _weather(sky: _Sky, runs: Runs, site: PVPlant, attrs: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    clouds = runs.errors("clouds", memory=9.0, kept=_KEPT, shared=_SHARED)
    warmth = runs.errors("warmth", memory=12.0, kept=_KEPT, shared=0.3)
    place = runs.place
    growth = np.sqrt(0.3 + runs.lead / 36.0)
    result = {}
    for model in runs.models:
        agreement = np.minimum(_SKILL[model] * np.interp(runs.lead, _LEAD, _FALL), 0.98)
        predicted = agreement * sky.clouds[place] + np.sqrt(1 - agreement**2) * clouds[model]
        predicted = predicted + sky.cloudiness[place]
        values = {
            "ghi": sky.clear[place] * _clearness(predicted),
            "cloud_cover": _cover(predicted),
            "temp_air": sky.temperature[place] + 1.2 * growth * warmth[model],
            "wind_speed_10m": np.clip(sky.wind[place] + 0.8 * growth * warmth[model], 0.0, 40.0),
        }
        result[model] = runs.dataset(model, values, [site.name], attrs)
    return result


def _observations(made: Generator, site: PVPlant, power: Floats) -> Observations:
    """Hourly metered power with outages, use at night, curtailment and gaps."""
    assert site.capacity is not None
    rng, axis = made.stream(f"{site.name}/metering"), made.axis
    power = power[axis.period]
    service = np.where(blocks(rng, axis.hours, every=900.0, shortest=2, longest=30), 0.75, 1.0)
    service = np.where(blocks(rng, axis.hours, every=4000.0, shortest=2, longest=20), 0.0, service)
    metered = power * service * (1.0 + 0.004 * rng.standard_normal(axis.hours))
    metered = np.where(power <= 0.0, -0.1, metered)  # transformers at night
    limit = 0.5 * site.capacity
    curtailed = blocks(rng, axis.hours, every=800.0, shortest=2, longest=6) & (metered > limit)
    metered = np.where(curtailed, limit, metered)
    missing = blocks(rng, axis.hours, every=300.0, shortest=1, longest=12)
    flagged = {Flag.CURTAILED: curtailed, Flag.INCOMPLETE: missing}
    return made.metered(site, metered, service=service, flagged=flagged)


def _raw(observations: Observations) -> pd.DataFrame:
    """Hourly rows in kW that name the END of their hour, always at UTC+6; gaps are absent."""
    power = observations.values.iloc[:, 0].dropna()
    ends = timestamps.to_ns(power.index) + np.timedelta64(1 + 6, "h")
    kilowatts = (power.to_numpy() * 1000.0).round(0)
    return pd.DataFrame({"time": ends.astype("datetime64[s]"), "power": kilowatts})
