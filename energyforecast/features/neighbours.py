"""Features of the weather at other sites and neighbours, ranked by distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.sites import Site
from energyforecast.features.base import Array, Columns, Feature, offset_name
from energyforecast.features.heights import by_height, mean_components, nearest_to_hub
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["NeighbourIrradiance", "NeighbourWind", "NeighbourWindComponents"]


def neighbours(now: Snapshot) -> list[Snapshot]:
    """Snapshots of the same moment at all other sites, the nearest first."""
    others = sorted((site for site in now.sites if site != now.site), key=lambda to: _distance(now.site, to))
    return [now.at(other.name) for other in others]


def _distance(site: Site, other: Site) -> float:
    """Chord between two sites on the sphere, as a share of its radius."""
    one, two = (
        (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
        for lat, lon in (np.radians([place.latitude, place.longitude]) for place in (site, other))
    )
    return float(np.linalg.norm(np.subtract(one, two)))


@checked(nearest=(1, 1000), hours=(-240, 240))
@dataclass(frozen=True)
class NeighbourWind(Feature):
    """Wind speed at the other sites and neighbours of a forecaster; no column without them.

    Neighbours are ranked by distance, so that columns mean the same for every site of a fleet.

    Parameters
    ----------
    nearest : int
        Number of neighbours with a column each, of the height nearest the hub.
    hours : tuple of float
        Instants relative to the beginning of the interval for the mean of the neighbours at that height:
        weather moves from and to neighbours. [h]

    See Also
    --------
    NeighbourWindComponents, NeighbourIrradiance

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> from energyforecast.core.sites import WindFarm
    >>> farms = [WindFarm(name=name, latitude=44, longitude=78, capacity=60) for name in ("west", "east")]
    >>> columns = NeighbourWind(hours=(-3,)).compute(example_snapshot(sites=farms, hours=1))
    >>> {name: float(values[0, 0]) for name, values in columns.items()}
    {"wind_speed_100m[neighbours' mean]": 8.0, "wind_speed_100m[neighbours' spread]": 0.0,
    'wind_speed_100m[neighbour 1]': 8.0, "wind_speed_100m[neighbours' mean -3h]": 8.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    optional: ClassVar[bool] = True

    nearest: int = 9
    hours: tuple[float, ...] = (-3, -2, -1, 2, 3, 4)

    @property
    def margin(self) -> pd.Timedelta:
        """Distance of the farthest instant, at least the end of the interval."""
        return timestamps.duration(f"{max(1.0, *(abs(hour) for hour in self.hours))}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[neighbours' mean]`` and ``wind_speed_100m[neighbour 1]``. [m s⁻¹]

        Means over the interval, except ``[neighbours' mean -3h]``, an instant before its beginning; ``[neighbours'
        spread]`` is the standard deviation over all neighbours.
        """
        others = neighbours(now)
        columns: dict[str, Array] = {}
        for names in by_height(now, "wind_speed").values() if others else ():
            for name in names.values():
                speeds = np.stack([other.interval_mean(name) for other in others])
                columns[f"{name}[neighbours' mean]"] = speeds.mean(axis=0)
                columns[f"{name}[neighbours' spread]"] = speeds.std(axis=0)
            hub = nearest_to_hub(now, names)
            for rank, other in enumerate(others[: self.nearest], start=1):
                columns[f"{hub}[neighbour {rank}]"] = other.interval_mean(hub)
            for hour in self.hours:
                mean = np.mean([other.shift(hub, hours=hour) for other in others], axis=0)
                columns[f"{hub}[neighbours' mean {offset_name(hour)}]"] = mean
        return columns


@checked(nearest=(1, 1000))
@dataclass(frozen=True)
class NeighbourWindComponents(Feature):
    """Eastward and northward wind at the nearest other sites and neighbours, at the height nearest the hub.

    Parameters
    ----------
    nearest : int
        Number of neighbours, ranked by distance.

    See Also
    --------
    NeighbourWind, energyforecast.physics.wind_components

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> from energyforecast.core.sites import WindFarm
    >>> farms = [WindFarm(name=name, latitude=44, longitude=78, capacity=60) for name in ("west", "east")]
    >>> now = example_snapshot({"wind_speed_100m": 8.0, "wind_direction_100m": 270.0}, sites=farms, hours=1)
    >>> columns = NeighbourWindComponents().compute(now)
    >>> {name: float(values[0, 0].round(3)) + 0.0 for name, values in columns.items()}
    {'wind_u_100m[neighbour 1]': 8.0, 'wind_v_100m[neighbour 1]': 0.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m", "wind_direction_*m")
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")
    optional: ClassVar[bool] = True

    nearest: int = 9

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``wind_u_100m[neighbour 1]`` and ``wind_v_100m[neighbour 1]``, means over the interval. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for names in by_height(now, "wind_speed").values():
            speed = nearest_to_hub(now, names)
            direction = speed.replace("wind_speed", "wind_direction")
            if direction not in now.names:
                continue
            for rank, other in enumerate(neighbours(now)[: self.nearest], start=1):
                u, v = mean_components(other, speed, direction)
                columns[f"{speed.replace('speed', 'u')}[neighbour {rank}]"] = u
                columns[f"{speed.replace('speed', 'v')}[neighbour {rank}]"] = v
        return columns


@checked(nearest=(1, 1000), hours=(-240, 240))
@dataclass(frozen=True)
class NeighbourIrradiance(Feature):
    """Global irradiance at the other sites and neighbours of a forecaster, the nearest first; no column without them.

    Parameters
    ----------
    nearest : int
        Number of neighbours with a column each.
    hours : tuple of float
        Intervals relative to the forecast one. [h]

    See Also
    --------
    Irradiance, NeighbourWind

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> from energyforecast.core.sites import PVPlant
    >>> pair = [PVPlant(name=name, latitude=45, longitude=0, capacity=60) for name in ("west", "east")]
    >>> NeighbourIrradiance().compute(example_snapshot({"ghi": 400.0}, sites=pair, start="2024-03-20 12:00", hours=1))
    {'ghi[neighbour 1]': array([[400.]]), "ghi[neighbours' mean]": array([[400.]])}
    """

    weather: ClassVar[tuple[str, ...]] = ("ghi",)

    nearest: int = 9
    hours: tuple[float, ...] = (0,)

    @property
    def margin(self) -> pd.Timedelta:
        """Distance of the farthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``ghi[neighbour 1]``, ``ghi[neighbour 1 -1h]`` and ``ghi[neighbours' mean]``."""
        others = neighbours(now)
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather) if others else ():
            for rank, other in enumerate(others[: self.nearest], start=1):
                for hour in self.hours:
                    moved = f" {offset_name(hour)}" if hour else ""
                    columns[f"{name}[neighbour {rank}{moved}]"] = other.shift(name, hours=hour)
            columns[f"{name}[neighbours' mean]"] = np.mean([other[name] for other in others], axis=0)
        return columns
