"""Features of a wind farm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics, times
from energyforecast.asof import Snapshot
from energyforecast.features.declaration import Array, Columns, Feature

__all__ = ["AirMass", "WindDirection", "WindSpeed", "WindVariability"]


def _step(now: Snapshot) -> float:
    return float(now.windows.frequency / pd.Timedelta("1h"))


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
        return max(times.duration(f"{max(abs(hour) for hour in self.hours)}h"), pd.Timedelta("1h"))

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
        return times.duration(f"{self.hours + 1}h")

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
                ends = zip((now[speed], now.shift(speed, hours=_step(now))), angles, strict=True)
                parts = [physics.wind_components(value, np.degrees(angle)) for value, angle in ends]
                columns[name.replace("direction", "u")], columns[name.replace("direction", "v")] = np.mean(
                    parts, axis=0
                )
        return columns


@dataclass(frozen=True)
class AirMass(Feature):
    """Pressure, density and warming of the air, and the wind speed corrected for density.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0, "temp_air": 15.0, "pressure": 101325.0}, hours=1)
    >>> {name: float(values[0, 0].round(3)) for name, values in AirMass().compute(now).items()}
    {'pressure': 101325.0, 'air_density': 1.225, 'warming': 0.0, 'wind_speed_100m[density]': 8.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m", "temp_air", "pressure")
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
            density = physics.air_density(now.interval_mean(name), pressure)
            columns |= {f"{prefix}pressure": pressure, f"{prefix}air_density": density}
            columns[f"{prefix}warming"] = now.shift(name, hours=4) - now.shift(name, hours=-3)
            for speed in now.matching(f"{prefix}wind_speed_*m"):
                if speed.startswith(prefix):
                    corrected = physics.density_corrected_wind_speed(now.interval_mean(speed), density)
                    columns[f"{speed}[density]"] = corrected
        return columns
