"""Small synthetic sites with known truth: the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import WindFarm

HOUR = np.timedelta64(3_600_000_000_000, "ns")


@dataclass(frozen=True)
class SyntheticSite:
    """Wind farms, the weather forecasts that they were served, and what they gave."""

    sites: tuple[WindFarm, ...]
    weather: xr.Dataset
    power: Observations

    @property
    def site(self) -> WindFarm:
        return self.sites[0]


def farms(count: int = 1, *, timezone: str = "Europe/Paris") -> tuple[WindFarm, ...]:
    return tuple(
        WindFarm(
            name=f"farm {k}",
            latitude=48.0 + k,
            longitude=5.0 + k,
            capacity=10.0 * (k + 1),
            hub_height=100,
            timezone=timezone,
        )
        for k in range(count)
    )


def synthetic(
    *,
    start: str = "2024-01-01",
    days: int = 60,
    sites: int = 1,
    every: int = 6,
    leads: int = 72,
    delay: str = "7h",
    per_lead: str = "0min",
    published_after: str | None = "2h",
    timezone: str = "Europe/Paris",
    seed: int = 0,
) -> SyntheticSite:
    """Runs every few hours that arrive late, each with errors of its own that grow with the lead.

    A lead arrives `per_lead` after the one before; with ``published_after=None`` each outcome has a
    publication time of its own.
    """
    places = farms(sites, timezone=timezone)
    noise = np.random.default_rng(seed)
    begin = np.datetime64(start, "ns")
    hours = 24 * days
    truth = _wind(noise, sites, hours + leads + 1)
    init = begin + np.arange(0, hours, every) * HOUR
    lead = np.arange(leads + 1) * HOUR
    where = np.arange(0, hours, every)[:, None] + np.arange(leads + 1)
    error = noise.normal(size=(sites, len(init), 1)) * 0.03 * np.arange(leads + 1)
    speed = np.clip(truth[:, where] + error + 0.1 * noise.normal(size=(sites, *where.shape)), 0, 24)
    direction = np.mod(240 + 20 * (truth[:, where] - 8) + 5 * noise.normal(size=speed.shape), 360)
    daily = np.sin(2 * np.pi * (where % 24) / 24)
    cube = {
        "wind_speed_100m": speed,
        "wind_direction_100m": direction,
        "temp_air": 10 + 5 * daily + 0.3 * noise.normal(size=speed.shape),
        "pressure": 98_000 + 200 * (8 - truth[:, where]) + 20 * noise.normal(size=speed.shape),
    }
    arrived = _arrival(init, timestamps.duration(delay), timestamps.duration(per_lead), leads)
    weather = xr.Dataset(
        {name: (("site", "init_time", "lead_time"), array.astype("float32")) for name, array in cube.items()},
        coords={
            "site": [place.name for place in places],
            "init_time": init,
            "lead_time": lead,
            "available_time": (("init_time", "lead_time")[: arrived.ndim], arrived),
        },
        attrs={"kind": "forecast", "source": "a synthetic site"},
    )
    return SyntheticSite(
        places, weather, _power(noise, places, truth[:, : hours + 1], begin, published_after)
    )


def analysis_of(given: SyntheticSite) -> xr.Dataset:
    """What the runs say of their first hours, as one series that was made after the fact."""
    first = given.weather.isel(lead_time=slice(0, 6))
    valid = (first["init_time"].values[:, None] + first["lead_time"].values).ravel()
    values = {
        name: (("site", "time"), array.values.reshape(array.sizes["site"], -1))
        for name, array in first.data_vars.items()
    }
    coords = {"site": first["site"].values, "time": valid, "available_time": ("time", valid + 120 * HOUR)}
    return xr.Dataset(values, coords=coords, attrs={"kind": "analysis", "source": "a synthetic analysis"})


def replaced(weather: xr.Dataset, name: str, values: Any) -> xr.Dataset:
    """The same weather with other values of one variable."""
    return weather.assign({name: weather[name].copy(data=np.asarray(values, dtype="float32"))})


def with_arrival(weather: xr.Dataset, arrived: Any) -> xr.Dataset:
    """The same runs, arriving at other times."""
    dims = ("init_time", "lead_time")[: np.ndim(arrived)]
    return weather.assign_coords(available_time=(dims, arrived))


def _wind(noise: np.random.Generator, sites: int, hours: int) -> np.ndarray:
    """Wind that all sites share in part, with a memory of about half a day."""
    steps = noise.normal(size=(sites + 1, hours + 200))
    kernel = np.exp(-np.arange(48) / 8.0) * (1 - np.exp(-np.arange(48) / 3.0))
    kernel /= np.sqrt((kernel**2).sum())
    paths = np.stack([np.convolve(row, kernel, mode="full")[100 : 100 + hours] for row in steps])
    return np.clip(8 + 3.5 * (0.8 * paths[:1] + 0.6 * paths[1:]), 0, 24)


def _arrival(init: np.ndarray, delay: pd.Timedelta, per_lead: pd.Timedelta, leads: int) -> np.ndarray:
    first = init + delay.to_timedelta64()
    if per_lead == pd.Timedelta(0):
        return first
    return first[:, None] + np.arange(leads + 1) * per_lead.to_timedelta64()


def _power(
    noise: np.random.Generator,
    places: tuple[WindFarm, ...],
    wind: np.ndarray,
    begin: np.datetime64,
    published_after: str | None,
) -> Observations:
    mean = 0.5 * (wind[:, :-1] + wind[:, 1:])
    share = 1 / (1 + np.exp(-(mean - 9) / 1.3)) + 0.02 * noise.normal(size=mean.shape)
    index = timestamps.to_index(begin + np.arange(mean.shape[1]) * HOUR)
    values = pd.DataFrame(
        {place.name: np.clip(share[k], -0.01, 1.0) * place.capacity for k, place in enumerate(places)},
        index=index,
    )
    if published_after is not None:
        return Observations(values, published_after=published_after)
    late = noise.integers(1, 9, size=values.shape)
    stamps = timestamps.to_ns(index)[:, None] + late * HOUR
    known = pd.DataFrame(stamps, index=index, columns=values.columns)
    return Observations(values, published_time=known)
