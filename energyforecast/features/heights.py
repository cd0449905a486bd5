"""Variables of the wind by height, which features of wind share."""

from __future__ import annotations

import numpy as np

from energyforecast import physics
from energyforecast.core import variables
from energyforecast.core.sites import Site, WindFarm
from energyforecast.features.base import Array, step_hours
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["by_height", "hub_height", "interval_ends", "mean_components", "nearest_to_hub"]


def by_height(now: Snapshot, variable: str) -> dict[str, dict[float, str]]:
    """Names of a variable by prefix of the weather model and by height, lowest first."""
    found: dict[str, dict[float, str]] = {}
    for name in now.matching(f"{variable}_*m"):
        found.setdefault(name.rpartition(variable)[0], {})[variables.height_of(name) or 0.0] = name
    return {prefix: dict(sorted(names.items())) for prefix, names in found.items()}


def interval_ends(now: Snapshot, name: str) -> tuple[float, ...]:
    """Instants that represent the interval: both ends, or the beginning alone for a mean. [h]"""
    return (0.0,) if now.cell_methods[name] == variables.MEAN else (0.0, step_hours(now))


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
        physics.wind_components(now.shift(speed, hours=hours), now.shift(direction, hours=hours))
        for hours in (0.0, step_hours(now))
    ]
    return np.asarray(np.mean(ends, axis=0))
