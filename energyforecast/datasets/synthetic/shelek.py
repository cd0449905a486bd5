"""A synthetic wind farm in a gap wind, with the published statistics of the Shelek corridor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import special

from energyforecast import physics
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import WindFarm
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.stochastic_processes import (
    AFTER,
    Axis,
    Runs,
    autoregression,
    blocks,
    normal_scores,
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

__all__ = ["shelek"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "Shelek (synthetic)"
_CAPACITY: Final = 60.0
_TURBINES: Final = 24

# -- Wind ------------------------------------------------------------------------------------------
#: Speed is a mixture of a calm and a strong Weibull distribution: share, shape and scale. [m s⁻¹]
_CALM: Final = (0.34, 2.78, 3.26)
_STRONG: Final = (0.66, 2.94, 9.30)
#: Wind by month in standard deviations, January to December, and its daily course.
_BY_MONTH: Final = (0.16, 0.12, 0.02, 0.0, -0.05, -0.12, -0.28, -0.28, -0.06, 0.08, 0.20, 0.36)
_DAILY: Final = 0.14
_WINDIEST_HOUR: Final = 17.0
#: East-north-east and west-south-west: direction, its spread [degree], mean stay [h], wind [sigma].
_EAST: Final = (71.0, 5.0, 43.0, 0.10)
_WEST: Final = (257.0, 9.0, 21.0, -0.18)
_STAY_SHAPE: Final = 1.6
#: Depth of the calm while the wind turns. [sigma]
_TURNING: Final = 1.0
_FAST: Final = 5.7
_SLOW: Final = 60.0
_SLOW_SHARE: Final = 0.10
#: Unrest of hourly means that no weather model sees. [m s⁻¹ per m s⁻¹]
_UNREST: Final = 0.085

# -- Weather models --------------------------------------------------------------------------------
#: Correlation with the truth at 24 h, factor of speed, and bias in winter and summer. [m s⁻¹]
_MODELS: Final[dict[str, tuple[float, float, float, float]]] = {
    "ecmwf": (0.775, 1.00, 0.6, 0.1),
    "icon": (0.745, 0.98, 0.4, 0.0),
    "gfs": (0.720, 1.08, 1.0, 0.3),
}
#: How that correlation falls with lead.
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
#: What an anemometer does not tell of the wind on all rotors. [m s⁻¹ per m s⁻¹]
_RESPONSE: Final = 0.055
_LOCAL_DENSITY: Final = 1.14  # of the curve [kg m⁻³]
#: The logger never left UTC+6, although Kazakhstan did on 1 March 2024.
_LOGGER: Final = np.timedelta64(6, "h")


def shelek(
    *,
    seed: int = 1,
    start: str = "2023-01-01",
    hours: int = 2 * 8760,
    models: tuple[str, ...] = ("ecmwf", "icon", "gfs"),
    version: int = 1,
) -> SyntheticSite:
    """A synthetic wind farm in the Shelek corridor, Kazakhstan, with weather forecasts as they arrived.

    Sixty MW of generic 2.5 MW machines in a two-way gap wind. Synthetic: its statistics are tuned to
    published aggregate figures of two turbines in the corridor (2023 to 2026), and no measured value
    of any plant is in it. Scores on it say how the code behaves, not how well Shelek can be forecast.

    Parameters
    ----------
    seed : int
        Another seed is another weather.
    start : str
        First hour; text is UTC. The default has the change of Kazakhstan's clocks on 1 March 2024 in it.
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
        that all turbines would give. ``raw`` is what a ten-minute logger wrote, in kW, on local stamps
        that ignore the clock change, with doubled and missing rows.

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
    check_arguments(seed=seed, hours=hours, version=version, models=models, known=_MODELS)
    axis = Axis.of(start, hours)
    attrs = provenance(_NAME, seed=seed, version=version)
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
    nature = _nature(seed, axis, site)
    whole, service = _power(seed, nature, axis)
    truth = _truth(nature, whole, axis, attrs)
    return SyntheticSite(
        name=_NAME,
        sites=(site,),
        weather=_weather(nature, Runs(axis, seed, tuple(models)), attrs),
        observations=_observations(seed, whole, service, axis),
        raw=_raw(seed, nature, whole * service, axis, attrs),
        truth=truth,
        seed=seed,
        version=version,
        measure=_statistics,
    )


@dataclass(frozen=True)
class _Nature:
    """What happens in the corridor, on every hour of the axis: instants."""

    wind: Floats  # Gaussian, variance 1, as weather models could see it
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
    """Whether the wind blows from the east, and the hours at which it turns."""
    winter = axis.monthly((1, 0.8, 0.4, 0, -0.4, -0.8, -1, -0.8, -0.4, 0, 0.4, 0.8))
    east = np.empty(axis.length, dtype=bool)
    turns, now, eastern = [], 0, bool(rng.random() < 0.67)
    while now < axis.length:
        mean, swing = (_EAST[2], 0.35) if eastern else (_WEST[2], -0.25)
        stay = rng.gamma(_STAY_SHAPE, mean * (1 + swing * winter[now]) / _STAY_SHAPE)
        until = now + max(2, round(stay))
        east[now:until] = eastern
        turns.append(now)
        now, eastern = until, not eastern
    return east, np.array(turns[1:])


def _nature(seed: int, axis: Axis, site: WindFarm) -> _Nature:
    rng = stream(seed, "nature")
    east, turns = _regimes(rng, axis)
    fast = np.convolve(autoregression(rng, axis.length + 2, memory=_FAST), np.ones(3) / 3, mode="valid")
    slow = autoregression(rng, axis.length, memory=_SLOW)
    noise = normal_scores(np.sqrt(1 - _SLOW_SHARE) * fast / fast.std() + np.sqrt(_SLOW_SHARE) * slow)
    hour = axis.solar_hour(site.longitude)
    lull = np.zeros(axis.length)
    lull[turns] = 1.0
    wind = (
        noise
        + axis.monthly(_BY_MONTH)
        + _DAILY * np.cos((hour - _WINDIEST_HOUR) / 24 * 2 * np.pi)
        + np.where(east, _EAST[3], _WEST[3])
        - _TURNING * np.convolve(lull, (0.4, 1.0, 0.4), mode="same")
    )
    wind = (wind - wind.mean()) / wind.std()
    speed = _speed(wind)
    unrest = 1.0 + _UNREST * rng.standard_normal(axis.length)
    return _Nature(
        wind=wind,
        speed=speed,
        direction=_direction(rng, east),
        temperature=_temperature(rng, axis, hour, east),
        pressure=95_000.0 + 600.0 * autoregression(rng, axis.length, memory=50.0),
        hourly_speed=0.5 * (speed + np.append(speed[1:], speed[-1])) * np.clip(unrest, 0.3, None),
    )


def _direction(rng: np.random.Generator, east: npt.NDArray[np.bool_]) -> Floats:
    """Where the wind comes from; it turns through south within two or three hours. [degree]"""
    spread = np.where(east, _EAST[1], _WEST[1])
    middle = np.where(east, _EAST[0], _WEST[0])
    turning = np.convolve(np.pad(middle, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    return np.mod(turning + spread * autoregression(rng, len(east), memory=4.0), 360.0)


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
        seen = agreement * nature.wind[place] + np.sqrt(1 - agreement**2) * wind[model]
        bias = 0.5 * (cold + mild) + 0.5 * (cold - mild) * winter[place]
        speed = np.clip(factor * _speed(seen) + bias * np.minimum(_speed(seen) / 4.0, 1.0), 0.0, 45.0)
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


def _power(seed: int, nature: _Nature, axis: Axis) -> tuple[Floats, Floats]:
    """Power of the whole farm [MW], and the share of its turbines in service; on every hour."""
    rng = stream(seed, "plant")
    density = physics.air_density(nature.temperature, nature.pressure)
    speed = physics.density_corrected_wind_speed(nature.hourly_speed, density * 1.225 / _LOCAL_DENSITY)
    along = np.abs(np.mod(nature.direction + 90.0 - _EAST[0], 180.0) - 90.0)  # of the axis of the rows
    wake = 1.0 - 0.02 * np.exp(-((along / 8.0) ** 2)) * (speed < 12.0)
    seen = speed * wake * (1.0 + _RESPONSE * rng.standard_normal(axis.length))
    local = seen[:, None] * (1.0 + 0.06 * rng.standard_normal((axis.length, _TURBINES)))
    share = np.interp(local, _CURVE_SPEED, _CURVE_POWER)
    return _CAPACITY * share.mean(axis=1), _service(rng, axis.length).mean(axis=1)


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


def _truth(nature: _Nature, power: Floats, axis: Axis, attrs: Mapping[str, Any]) -> pd.DataFrame:
    here = axis.period
    truth = pd.DataFrame(
        {
            "wind_speed_100m": nature.speed[here],
            "wind_direction_100m": nature.direction[here],
            "wind_speed_mean": nature.hourly_speed[here],
            "temp_air": nature.temperature[here],
            "pressure": nature.pressure[here],
            "power": power[here],
            "source": SYNTHETIC,
        },
        index=axis.index,
    )
    truth.attrs = dict(attrs)
    return truth


def _observations(seed: int, whole: Floats, service: Floats, axis: Axis) -> Observations:
    """Hourly metered power with what really happens to it, published two hours after the hour's end."""
    rng, here = stream(seed, "metering"), axis.period
    power = whole[here] * service[here] * (1.0 + 0.004 * rng.standard_normal(axis.hours))
    power = np.where(power < 0.002 * _CAPACITY, power - 0.003 * _CAPACITY, power)  # own use in a calm
    ordered = blocks(rng, axis.hours, every=700.0, shortest=3, longest=9)
    limit = _CAPACITY * 0.4
    curtailed = ordered & (power > limit)
    power = np.where(curtailed, limit, power)
    stuck = blocks(rng, axis.hours, every=2500.0, shortest=6, longest=24)
    power = pd.Series(power).where(~(stuck & np.append(False, stuck[:-1]))).ffill().to_numpy()
    missing = blocks(rng, axis.hours, every=260.0, shortest=1, longest=12)
    flags = (
        np.where(curtailed, int(Flag.CURTAILED), 0)
        | np.where(service[here] < 0.9, int(Flag.OUTAGE), 0)
        | np.where(stuck, int(Flag.STUCK), 0)
        | np.where(missing, int(Flag.INCOMPLETE), 0)
    )

    def frame(values: npt.NDArray[Any]) -> pd.DataFrame:
        return pd.DataFrame({_NAME: values}, index=axis.index)

    return Observations(
        frame(whole_kilowatts(np.where(missing, np.nan, power))),
        published_after="2h",
        flags=frame(flags),
        available_capacity=frame(_CAPACITY * service[here]),
        frequency="1h",
    )


def _raw(seed: int, nature: _Nature, power: Floats, axis: Axis, attrs: Mapping[str, Any]) -> pd.DataFrame:
    """Ten-minute rows of a logger: kW, naive stamps at UTC+6 for ever, doubled and missing rows."""
    rng, here = stream(seed, "logger"), axis.period
    count = 6 * axis.hours
    stamps = axis.all[here][0] + np.arange(count) * np.timedelta64(10, "m")

    def between(values: Floats, unrest: Floats) -> Floats:
        middles = np.arange(axis.hours) + 0.5
        course = np.interp((np.arange(count) + 0.5) / 6, middles, values[here])
        return np.asarray(course * (1.0 + unrest))

    gusts = 0.05 * rng.standard_normal(count)
    frame = pd.DataFrame(
        {
            "time": (stamps + _LOGGER).astype("datetime64[s]"),
            "wind_speed": between(nature.hourly_speed, gusts).round(2),
            "power": np.clip(between(power * 1000.0, gusts), -150.0, _CAPACITY * 1000.0).round(0),
            "temperature": between(nature.temperature, np.zeros(count)).round(1),
            "source": SYNTHETIC,
        }
    )
    lost = blocks(rng, count, every=700.0, shortest=1, longest=60) | (rng.random(count) < 0.004)
    doubled = np.flatnonzero(~lost & (rng.random(count) < 0.001))
    rows = np.sort(np.concatenate([np.flatnonzero(~lost), doubled]), kind="stable")
    frame = frame.iloc[rows].reset_index(drop=True)
    frame.attrs = dict(attrs)
    return frame


# -- What it reaches ---------------------------------------------------------------------------------


def _statistics(synthetic: SyntheticSite) -> Iterator[Statistic]:
    truth = synthetic.truth
    power = truth["power"] / _CAPACITY
    wind = truth["wind_speed_mean"]
    month, hour = truth.index.month, (truth.index.hour + 5) % 24
    yield Statistic("mean wind", "m s-1", 6.45, 0.25, float(wind.mean()))
    yield Statistic("wind, 95th percentile", "m s-1", 12.8, 0.5, float(wind.quantile(0.95)))
    yield Statistic("wind, maximum", "m s-1", 23.0, 4.0, float(wind.max()))
    yield Statistic("capacity factor", "1", 0.37, 0.02, float(power.mean()))
    yield Statistic("power, standard deviation", "1", 0.36, 0.02, float(power.std()))
    for lag, target, tolerance in ((1, 0.90, 0.02), (6, 0.42, 0.06), (24, 0.10, 0.06), (48, 0.07, 0.06)):
        yield Statistic(f"power, autocorrelation {lag} h", "1", target, tolerance, float(power.autocorr(lag)))
    yield Statistic("capacity factor, December", "1", 0.48, 0.09, float(power[month == 12].mean()))
    yield Statistic(
        "capacity factor, July and August", "1", 0.26, 0.06, float(power[(month == 7) | (month == 8)].mean())
    )
    yield Statistic("capacity factor, night", "1", 0.33, 0.03, float(power[(hour >= 0) & (hour < 6)].mean()))
    yield Statistic(
        "capacity factor, afternoon", "1", 0.40, 0.03, float(power[(hour >= 14) & (hour < 20)].mean())
    )
    yield Statistic(
        "persistence of 24 h, MAE", "1", 0.35, 0.03, float((power - power.shift(24)).abs().mean())
    )
    yield Statistic(
        "climatology by hour, MAE",
        "1",
        0.318,
        0.02,
        float((power - power.groupby(hour).transform("mean")).abs().mean()),
    )
    curve = np.interp(wind, _CURVE_SPEED, _CURVE_POWER)
    yield Statistic("curve on measured wind, MAE", "1", 0.027, 0.01, float((power - curve).abs().mean()))
    yield from _forecast_statistics(synthetic, wind, power)
    yield from _regime_statistics(truth["wind_direction_100m"].to_numpy())


def _forecast_statistics(synthetic: SyntheticSite, wind: pd.Series, power: pd.Series) -> Iterator[Statistic]:
    day = {
        model: at_lead(weather, "wind_speed_100m", 24, wind.index)
        for model, weather in synthetic.weather.items()
    }
    published = {"ecmwf": (2.82, 0.726), "icon": (2.86, 0.695), "gfs": (3.36, 0.670)}
    for model, series in day.items():
        rmse, correlation = published[model]
        yield Statistic(
            f"{model} 24 h, wind RMSE", "m s-1", rmse, 0.25, float(((series - wind) ** 2).mean() ** 0.5)
        )
        yield Statistic(f"{model} 24 h, wind correlation", "1", correlation, 0.03, float(series.corr(wind)))
    if "ecmwf" in synthetic.weather:
        for lead, correlation in ((48, 0.675), (67, 0.60)):
            series = at_lead(synthetic.weather["ecmwf"], "wind_speed_100m", lead, wind.index)
            yield Statistic(
                f"ecmwf {lead} h, wind correlation",
                "1",
                correlation,
                0.03,
                float(series.corr(wind)),
                "design",
            )
    if len(day) == len(_MODELS):
        mean = pd.concat(day, axis=1).mean(axis=1, skipna=False)
        yield Statistic("mean of models 24 h, wind correlation", "1", 0.772, 0.03, float(mean.corr(wind)))
    first = next(iter(day.values()))
    guess = pd.Series(np.interp(first, _CURVE_SPEED, _CURVE_POWER), index=wind.index).where(first.notna())
    yield Statistic("curve on one forecast 24 h, MAE", "1", 0.19, 0.015, float((guess - power).abs().mean()))


def _regime_statistics(direction: Floats) -> Iterator[Statistic]:
    for name, low, high, share, margin, length, spread in (
        ("east-north-east", 45, 105, 0.65, 0.06, 43.0, 8.0),
        ("west-south-west", 225, 295, 0.31, 0.06, 19.0, 6.0),
    ):
        inside = (direction >= low) & (direction <= high)
        episodes = int((np.diff(inside.astype(int), prepend=0) == 1).sum())
        yield Statistic(f"wind from {name}, share", "1", share, margin, float(inside.mean()))
        yield Statistic(
            f"wind from {name}, mean episode", "h", length, spread, float(inside.sum() / max(episodes, 1))
        )
