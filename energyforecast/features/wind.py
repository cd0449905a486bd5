"""Features of a wind farm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import timestamps, variables
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import Site, WindFarm
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "AirMass",
    "EnsembleSpread",
    "HubWind",
    "NeighbourWind",
    "NeighbourWindComponents",
    "NewestWind",
    "PowerCurvePower",
    "WindDirection",
    "WindShear",
    "WindSpeed",
    "WindTrend",
    "WindVariability",
    "WindVeer",
]


def _step(now: Snapshot) -> float:
    return float(now.windows.frequency / pd.Timedelta("1h"))


def _by_height(now: Snapshot, variable: str) -> dict[str, dict[float, str]]:
    """Names of a variable by prefix of the weather model and by height, lowest first."""
    found: dict[str, dict[float, str]] = {}
    for name in now.matching(f"{variable}_*m"):
        found.setdefault(name.rpartition(variable)[0], {})[variables.height_of(name) or 0.0] = name
    return {prefix: dict(sorted(names.items())) for prefix, names in found.items()}


def _ends(now: Snapshot, name: str) -> tuple[float, ...]:
    """Instants whose mean stands for the interval: both ends, or none but the mean that is given. [h]"""
    return (0.0,) if now.cell_methods[name] == variables.MEAN else (0.0, _step(now))


def _hub_wind(now: Snapshot, names: dict[float, str], hours: float) -> Array:
    """Every member's wind speed at hub height, from the heights around it, or the two nearest."""
    hub = (now.site.hub_height if isinstance(now.site, WindFarm) else None) or 100.0
    below, above = ([height for height in names if side * height >= side * hub] for side in (-1, 1))
    used = sorted({below[-1], above[0]} if below and above else (below[-2:] or above[:2]))
    speeds = [now.members(names[height], hours=hours) for height in used]
    if len(used) == 1:
        return physics.wind_speed_power_law(speeds[0], height=used[0], hub_height=hub)
    return physics.wind_speed_between_heights(
        *speeds, lower_height=used[0], upper_height=used[1], hub_height=hub
    )


@dataclass(frozen=True)
class WindSpeed(Feature):
    """Wind speed over the interval and around it, of every height that is there.

    Parameters
    ----------
    hours : tuple of float
        Instants around the beginning of the interval; a run's own values, never the next run's. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=1.0)
    >>> for name, values in WindSpeed(hours=(-3, 0)).compute(now).items():
    ...     print(name, values)
    wind_speed_100m[mean] [[ 8.5  9.5 10.5]]
    wind_speed_100m[-3h] [[5. 6. 7.]]
    wind_speed_100m[+0h] [[ 8.  9. 10.]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)

    hours: tuple[float, ...] = (-3, -2, -1, 0, 1, 2, 3, 4)

    @property
    def margin(self) -> pd.Timedelta:
        """As far as the furthest instant, and the interval's end."""
        return max(timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h"), pd.Timedelta("1h"))

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[mean]`` and ``wind_speed_100m[+1h]``. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            columns[f"{name}[mean]"] = now.interval_mean(name)
            for hours in self.hours:
                columns[f"{name}[{hours:+g}h]"] = now.shift(name, hours=hours)
        return columns


@dataclass(frozen=True)
class WindVariability(Feature):
    """How the wind speed changes over the interval, and how restless it is around it.

    Parameters
    ----------
    hours : int
        Reach of the standard deviation before and after. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=2.0)
    >>> for name, values in WindVariability(hours=1).compute(now).items():
    ...     print(name, values.round(2))  # the deviation of -2, 0, 2 and 4 m/s
    wind_speed_100m[change] [[2. 2. 2.]]
    wind_speed_100m[deviation] [[2.24 2.24 2.24]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)

    hours: int = 3

    @property
    def margin(self) -> pd.Timedelta:
        """The reach, and one hour for the interval's end."""
        return timestamps.duration(f"{self.hours + 1}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[change]`` and ``wind_speed_100m[deviation]``. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            around = np.stack([now.shift(name, hours=hour) for hour in range(-self.hours, self.hours + 2)])
            columns[f"{name}[change]"] = now.shift(name, hours=_step(now)) - now[name]
            columns[f"{name}[deviation]"] = around.std(axis=0)
        return columns


@dataclass(frozen=True)
class WindDirection(Feature):
    """Where the wind comes from over the interval: as an angle, as a point on a circle, and as components.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_direction_100m": 270.0, "wind_speed_100m": 8.0}, hours=1)
    >>> columns = WindDirection().compute(now)  # a west wind blows to the east
    >>> {name: float(values[0, 0].round(3)) + 0.0 for name, values in columns.items() if "[" not in name}
    {'wind_u_100m': 8.0, 'wind_v_100m': 0.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_direction_*m",)
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_direction_100m[degree]``; with the speed also ``wind_u_100m`` and ``_v_``. [m s⁻¹]

        ``[sine]`` is 1 in an east wind, ``[cosine]`` in a north wind.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            angles = [np.radians(now[name]), np.radians(now.shift(name, hours=_step(now)))]
            sine, cosine = (np.mean([part(angle) for angle in angles], axis=0) for part in (np.sin, np.cos))
            columns[f"{name}[degree]"] = np.mod(np.degrees(np.arctan2(sine, cosine)), 360.0)
            columns[f"{name}[sine]"], columns[f"{name}[cosine]"] = sine, cosine
            speed = name.replace("wind_direction", "wind_speed")
            if speed in now.names:
                u, v = _components(now, speed, name)
                columns[name.replace("direction", "u")], columns[name.replace("direction", "v")] = u, v
        return columns


@dataclass(frozen=True)
class AirMass(Feature):
    """Pressure, density and warming of the air, and the wind speed corrected for density.

    Air is taken as damp as the weather says, as dry where it says nothing of relative humidity.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0, "temp_air": 15.0, "pressure": 101325.0}, hours=1)
    >>> {name: float(values[0, 0].round(3)) for name, values in AirMass().compute(now).items()}
    {'pressure': 101325.0, 'air_density': 1.225, 'warming': 0.0, 'wind_speed_100m[density]': 8.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m", "temp_air", "pressure")
    weather_if_present: ClassVar[tuple[str, ...]] = ("relative_humidity",)
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("4h")
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``pressure`` [Pa], ``air_density`` [kg m⁻³], ``warming`` [°C] and ``...[density]``. [m s⁻¹]

        The warming is that from 3 h before to 4 h after; ``wind_speed_100m[density]`` is the speed that
        carries the same power in standard air.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather[1:2]):
            prefix = name.removesuffix("temp_air")
            if f"{prefix}pressure" not in now.names:
                continue
            pressure = now.interval_mean(f"{prefix}pressure")
            density = _density(now, prefix, now.interval_mean)
            columns |= {f"{prefix}pressure": pressure, f"{prefix}air_density": density}
            columns[f"{prefix}warming"] = now.shift(name, hours=4) - now.shift(name, hours=-3)
            for speed in now.matching(f"{prefix}wind_speed_*m"):
                if speed.startswith(prefix):
                    corrected = physics.density_corrected_wind_speed(now.interval_mean(speed), density)
                    columns[f"{speed}[density]"] = corrected
        return columns


def _density(now: Snapshot, prefix: str, read: Callable[[str], Array]) -> Array:
    """Density of the air of one weather model, dry where its humidity is not known. [kg m⁻³]"""
    names = (f"{prefix}{name}" for name in ("temp_air", "pressure", "relative_humidity"))
    return physics.air_density(*(read(name) for name in names if name in now.names))


@dataclass(frozen=True)
class HubWind(Feature):
    """Wind speed at hub height, from the heights around it, or the two nearest.

    Between two heights on a straight line over the logarithm of height, else by the power law. A site
    that does not say its hub height gets 100 m.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_50m": 6.0, "wind_speed_100m": 8.0})  # the hub is at 90 m
    >>> HubWind().compute(now)["wind_speed_hub"].round(1).tolist()
    [[7.7, 7.7, 7.7]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")

    def compute(self, now: Snapshot) -> Columns:
        """Column ``wind_speed_hub``, the mean over the interval. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for prefix, names in _by_height(now, "wind_speed").items():
            hours = _ends(now, next(iter(names.values())))
            at_ends = [_hub_wind(now, names, hour).mean(axis=2) for hour in hours]
            columns[f"{prefix}wind_speed_hub"] = np.mean(at_ends, axis=0)
        return columns


@dataclass(frozen=True)
class WindShear(Feature):
    """How the wind grows from each height to the next; nothing where there is one height.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_25m": 4.0, "wind_speed_100m": 8.0})  # four times as high, twice as fast
    >>> WindShear().compute(now)["wind_shear_25m_100m"].round(3).tolist()
    [[0.5, 0.5, 0.5]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_shear_10m_100m``, the exponent of the power law at the interval's beginning."""
        columns: dict[str, Array] = {}
        for prefix, names in _by_height(now, "wind_speed").items():
            for low, high in zip(list(names)[:-1], list(names)[1:], strict=True):
                columns[f"{prefix}wind_shear_{low:g}m_{high:g}m"] = physics.shear_exponent(
                    now[names[low]], now[names[high]], lower_height=low, upper_height=high
                )
        return columns


@dataclass(frozen=True)
class WindVeer(Feature):
    """How the wind turns from each height to the next; nothing where there is one height.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_direction_10m": 350.0, "wind_direction_100m": 20.0})
    >>> WindVeer().compute(now)["wind_veer_10m_100m"].tolist()
    [[30.0, 30.0, 30.0]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_direction_*m",)
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_veer_10m_100m``, clockwise, at the interval's beginning. [degree]"""
        columns: dict[str, Array] = {}
        for prefix, names in _by_height(now, "wind_direction").items():
            for low, high in zip(list(names)[:-1], list(names)[1:], strict=True):
                turn = physics.wind_veer(now[names[low]], now[names[high]])
                columns[f"{prefix}wind_veer_{low:g}m_{high:g}m"] = turn
        return columns


@dataclass(frozen=True)
class WindTrend(Feature):
    """Wind speed smoothed over hours, and its ramp across them.

    Parameters
    ----------
    hours : tuple of int
        How far to look before and after the beginning of the interval. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = WindTrend(hours=(3,)).compute(example_snapshot({"wind_speed_100m": 8.0}, rising=1.0))
    >>> {name: values.tolist() for name, values in columns.items()}
    {'wind_speed_100m[smooth 3h]': [[8.0, 9.0, 10.0]], 'wind_speed_100m[ramp 3h]': [[6.0, 6.0, 6.0]]}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)

    hours: tuple[int, ...] = (3, 6)

    @property
    def margin(self) -> pd.Timedelta:
        """The greatest reach."""
        return timestamps.duration(f"{max(self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[smooth 3h]`` and ``wind_speed_100m[ramp 3h]``. [m s⁻¹]

        The mean of all hours from 3 h before to 3 h after, and the last of them minus the first.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            for reach in self.hours:
                around = np.stack([now.shift(name, hours=hour) for hour in range(-reach, reach + 1)])
                columns[f"{name}[smooth {reach}h]"] = around.mean(axis=0)
                columns[f"{name}[ramp {reach}h]"] = around[-1] - around[0]
        return columns


@dataclass(frozen=True)
class EnsembleSpread(Feature):
    """How far the members of an ensemble disagree; nothing where the weather has no members.

    Their mean is what every other feature sees.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = EnsembleSpread().compute(example_snapshot({"wind_speed_100m": [7.0, 9.0]}, hours=1))
    >>> {name: float(values[0, 0].round(1)) for name, values in columns.items()}
    {'wind_speed_100m[spread]': 1.0, 'wind_speed_100m[low]': 7.2, 'wind_speed_100m[high]': 8.8}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``wind_speed_100m[spread]`` (standard deviation), ``[low]`` and ``[high]``. [m s⁻¹]

        Low and high are the 0.1 and 0.9 quantiles of the members at the interval's beginning.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            members = now.members(name)
            if members.shape[2] > 1:
                columns[f"{name}[spread]"] = members.std(axis=2)
                columns[f"{name}[low]"], columns[f"{name}[high]"] = np.quantile(members, (0.1, 0.9), axis=2)
        return columns


@dataclass(frozen=True)
class NeighbourWind(Feature):
    """Wind speed at the forecaster's other sites and neighbours; nothing where there is none.

    Neighbours are counted by distance, so that columns mean the same for every site of a fleet.

    Parameters
    ----------
    nearest : int
        So many of them get columns of their own, of the height nearest the hub.
    hours : tuple of float
        Instants around the beginning of the interval at which the neighbours' mean is looked at, at that height:
        weather comes from neighbours and goes to them. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
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
        """As far as the furthest instant, and the interval's end."""
        return timestamps.duration(f"{max(1.0, *(abs(hour) for hour in self.hours))}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[neighbours' mean]`` and ``wind_speed_100m[neighbour 1]``. [m s⁻¹]

        Means over the interval, but ``[neighbours' mean -3h]``, an instant before its beginning; ``[neighbours'
        spread]`` is the standard deviation over all neighbours.
        """
        others = _neighbours(now)
        columns: dict[str, Array] = {}
        for names in _by_height(now, "wind_speed").values() if others else ():
            for name in names.values():
                speeds = np.stack([other.interval_mean(name) for other in others])
                columns[f"{name}[neighbours' mean]"] = speeds.mean(axis=0)
                columns[f"{name}[neighbours' spread]"] = speeds.std(axis=0)
            hub = _nearest_hub(now, names)
            for rank, other in enumerate(others[: self.nearest], start=1):
                columns[f"{hub}[neighbour {rank}]"] = other.interval_mean(hub)
            for hour in self.hours:
                mean = np.mean([other.shift(hub, hours=hour) for other in others], axis=0)
                columns[f"{hub}[neighbours' mean {hour:+g}h]"] = mean
        return columns


@dataclass(frozen=True)
class NeighbourWindComponents(Feature):
    """Wind to the east and to the north at the nearest other sites and neighbours, at the height nearest the hub.

    Parameters
    ----------
    nearest : int
        So many of them, counted by distance.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
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
        for names in _by_height(now, "wind_speed").values():
            speed = _nearest_hub(now, names)
            direction = speed.replace("wind_speed", "wind_direction")
            if direction not in now.names:
                continue
            for rank, other in enumerate(_neighbours(now)[: self.nearest], start=1):
                u, v = _components(other, speed, direction)
                columns[f"{speed.replace('speed', 'u')}[neighbour {rank}]"] = u
                columns[f"{speed.replace('speed', 'v')}[neighbour {rank}]"] = v
        return columns


def _components(now: Snapshot, speed: str, direction: str) -> Array:
    """Wind to the east and to the north, over the interval."""
    ends = [
        physics.wind_components(now.shift(speed, hours=hours), now.shift(direction, hours=hours))
        for hours in (0.0, _step(now))
    ]
    return np.asarray(np.mean(ends, axis=0))


def _neighbours(now: Snapshot) -> list[Snapshot]:
    """The same moment seen from all other places, the nearest first."""
    others = sorted((site for site in now.sites if site != now.site), key=lambda to: _far(now.site, to))
    return [now.at(other.name) for other in others]


def _nearest_hub(now: Snapshot, names: dict[float, str]) -> str:
    hub = (now.site.hub_height if isinstance(now.site, WindFarm) else None) or 100.0
    return names[min(names, key=lambda height: abs(height - hub))]


def _far(site: Site, other: Site) -> float:
    """Chord between two sites over the sphere, as a share of its radius: it rises with the distance."""
    one, two = (
        (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
        for lat, lon in (np.radians([place.latitude, place.longitude]) for place in (site, other))
    )
    return float(np.linalg.norm(np.subtract(one, two)))


@dataclass(frozen=True)
class NewestWind(Feature):
    """What the run said of the wind in the hour of the newest published observation.

    Beside that observation it shows how far off the run is now, which it will be for some hours more.

    Parameters
    ----------
    reach : int
        Observations older than this before the window tell nothing of the run's error in it. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0})  # the newest hour lies too far before the window
    >>> NewestWind(reach=4).compute(now)["wind_speed_100m[newest]"].tolist()
    [nan]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    history: ClassVar[tuple[Past, ...]] = (Past(pd.Timedelta("0h")),)

    reach: int = 6

    @property
    def margin(self) -> pd.Timedelta:
        """The reach."""
        return timestamps.duration(f"{self.reach}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[newest]``, the mean over that hour; NaN if the run began after it. [m s⁻¹]"""
        wait = (now.valid_time[:, 0] - now.windows.issue_time) / np.timedelta64(1, "h")
        # The newest one known at issue is the same for every step.
        back = (wait + now.lag_age("0h")[:, 0]) / _step(now)
        before = round(self.reach / _step(now))
        known = np.isfinite(back) & (back <= before) & (back >= 1)
        first = np.where(known, before - np.where(known, back, 0.0), 0.0).round().astype(int)
        rows = np.arange(len(first))
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            path = now.path(name, hours=self.reach)
            last = first + (now.cell_methods[name] != variables.MEAN)
            columns[f"{name}[newest]"] = np.where(known, 0.5 * (path[rows, first] + path[rows, last]), np.nan)
        return columns


@dataclass(frozen=True)
class PowerCurvePower(Feature):
    """Power by the farm's curve on the wind at hub height.

    Of an ensemble it is the mean of the members' power, which is not the power of their mean wind.

    Parameters
    ----------
    density : bool
        Correct for the density of the air; that needs ``temp_air`` and ``pressure``, and takes ``relative_humidity``
        where it is there.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> line = PowerCurve([3.0, 13.0, 25.0], [0.0, 1.0, 1.0])
    >>> farm = WindFarm(name="farm", latitude=44, longitude=78, capacity=60, hub_height=100, power_curve=line)
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, sites=farm)
    >>> PowerCurvePower().compute(now)["power_curve"].round(2).tolist()
    [[0.5, 0.5, 0.5]]
    """

    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")

    density: bool = False

    @property
    def name(self) -> str:
        """Name, so that both kinds can stand side by side."""
        return "PowerCurvePower[density]" if self.density else "PowerCurvePower"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """The wind, and what density is made of."""
        return ("wind_speed_*m", "temp_air", "pressure") if self.density else ("wind_speed_*m",)

    @property
    def weather_if_present(self) -> tuple[str, ...]:  # type: ignore[override]
        """What makes air lighter."""
        return ("relative_humidity",) if self.density else ()

    @property
    def optional(self) -> bool:  # type: ignore[override]
        """Left out where the weather does not give density."""
        return self.density

    def compute(self, now: Snapshot) -> Columns:
        """Column ``power_curve`` or ``power_curve[density]``: the mean over the interval. [fraction of capacity]

        Raises
        ------
        SchemaError
            If the site has no power curve.
        """
        curve = _curve(now.site)
        columns: dict[str, Array] = {}
        for prefix, names in _by_height(now, "wind_speed").items():
            air = [f"{prefix}temp_air", f"{prefix}pressure"]
            if self.density and not set(air) <= set(now.names):
                continue
            power = []
            for hour in _ends(now, next(iter(names.values()))):
                density = _density(now, prefix, partial(now.members, hours=hour)) if self.density else None
                power.append(curve.power_at(_hub_wind(now, names, hour), density).mean(axis=2))
            columns[f"{prefix}power_curve{'[density]' if self.density else ''}"] = np.mean(power, axis=0)
        return columns


def _curve(site: Site) -> PowerCurve:
    curve = site.power_curve if isinstance(site, WindFarm) else None
    if curve is None:
        raise SchemaError(
            f"Site {site.name!r} has no power curve.",
            "PowerCurvePower and PowerCurveReference need one for every site.",
            "Give WindFarm(..., power_curve=PowerCurve.read('curve.csv')), or PowerCurve.generic().",
        )
    return curve
