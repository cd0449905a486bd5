"""Variables of the wind by height, which features of wind share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from energyforecast import physics
from energyforecast.core import variables
from energyforecast.core.sites import Site, WindFarm
from energyforecast.features.base import Array, step_hours
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.weather.processing.temporal import integral_of

__all__ = [
    "by_height",
    "hub_height",
    "interval_states",
    "mean_components",
    "nearest_to_hub",
]


def by_height(now: Snapshot, variable: str) -> dict[str, dict[float, str]]:
    """Names of a variable by prefix of the weather model and by height, lowest first."""
    found: dict[str, dict[float, str]] = {}
    for name in now.matching(f"{variable}_*m"):
        found.setdefault(name.rpartition(variable)[0], {})[variables.height_of(name) or 0.0] = name
    return {prefix: dict(sorted(names.items())) for prefix, names in found.items()}


def interval_states(now: Snapshot, *names: str) -> list[Callable[[str], Array]]:
    """Readers of the members of variables that represent the interval: its mean, or the instants at both ends."""
    if all(_is_mean(now, name) or (integral_of(name), now.site.name) in now.weather for name in names):
        return [partial(_mean_members, now)]
    return [partial(_members_at, now, hours=hours) for hours in (0.0, step_hours(now))]


def _is_mean(now: Snapshot, name: str) -> bool:
    return now.cell_methods[name] == variables.MEAN


def _mean_members(now: Snapshot, name: str) -> Array:
    return now.members(name if _is_mean(now, name) else integral_of(name))


def _members_at(now: Snapshot, name: str, *, hours: float) -> Array:
    """Members at an end of the interval; of a mean those of the interval, at either end."""
    return now.members(name, hours=0.0 if _is_mean(now, name) else hours)


def hub_height(site: Site) -> float:
    """Hub height of a wind farm; 100 m where it is unknown. [m]"""
    return (site.hub_height if isinstance(site, WindFarm) else None) or 100.0


def nearest_to_hub(now: Snapshot, names: dict[float, str]) -> str:
    """Name of the variable at the height nearest the hub."""
    hub = hub_height(now.site)
    return names[min(names, key=lambda height: abs(height - hub))]


def mean_components(now: Snapshot, speed: str, direction: str) -> Array:
    """Eastward and northward wind over the interval. [m s⁻¹]"""
    ends = [
        np.asarray(physics.wind_components(read(speed), read(direction))).mean(axis=3)
        for read in interval_states(now, speed, direction)
    ]
    return np.asarray(np.mean(ends, axis=0))
