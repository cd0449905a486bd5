"""Features of the wind: speed, direction, shear, variability and trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import timestamps, variables
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature, offset_name, step_hours
from energyforecast.features.heights import by_height, interval_states, mean_components
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "EnsembleSpread",
    "WindDirection",
    "WindShear",
    "WindSpeed",
    "WindTrend",
    "WindVariability",
    "WindVeer",
]


@checked(hours=(-240, 240))
@dataclass(frozen=True)
class WindSpeed(Feature):
    """Wind speed over the interval and at hours around it, at every available height.

    Parameters
    ----------
    hours : tuple of float
        Instants relative to the beginning of the interval; all values are of one weather run. [h]

    See Also
    --------
    WindTrend, WindVariability, HubWind

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
        """Distance of the farthest instant, at least the end of the interval."""
        return max(timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h"), pd.Timedelta("1h"))

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[mean]`` and ``wind_speed_100m[+1h]``. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            columns[f"{name}[mean]"] = now.interval_mean(name)
            for hours in self.hours:
                columns[f"{name}[{offset_name(hours)}]"] = now.shift(name, hours=hours)
        return columns


@checked(hours=(1, 240))
@dataclass(frozen=True)
class WindVariability(Feature):
    r"""Change of the wind speed over the interval, and its standard deviation around it.

    .. math:: \Delta v = v(t + \Delta) - v(t), \qquad
        s = \sqrt{\frac{1}{2h + 2} \sum_{k=-h}^{h+1} \bigl(v(t + k) - \bar v\bigr)^2}

    Of a variable of means the change is half of that from the interval before to the one after.

    Parameters
    ----------
    hours : int
        Range :math:`h` of the standard deviation before and after. [h]

    See Also
    --------
    WindTrend, WindSpeed

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
        """The range, and one hour for the end of the interval."""
        return timestamps.duration(f"{self.hours + 1}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[change]`` and ``wind_speed_100m[deviation]``. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            step, mean = step_hours(now), now.cell_methods[name] == variables.MEAN
            around = [now.shift(name, hours=hour) for hour in range(-self.hours, self.hours + 2 - mean)]
            change = now.shift(name, hours=step) - now.shift(name, hours=-step if mean else 0.0)
            columns[f"{name}[change]"] = 0.5 * change if mean else change
            columns[f"{name}[deviation]"] = np.std(around, axis=0)
        return columns


@dataclass(frozen=True)
class WindDirection(Feature):
    r"""Wind direction over the interval: as an angle, as sine and cosine, and as components of the wind.

    .. math:: \bar\varphi = \operatorname{atan2}\bigl(\overline{\sin\varphi},\, \overline{\cos\varphi}\bigr),
        \qquad (u, v) = \overline{(-s \sin\varphi,\, -s \cos\varphi)}

    with the direction of origin :math:`\varphi`, the speed :math:`s`, and means over both ends of the interval;
    variables that are means already are taken as they are.

    See Also
    --------
    WindVeer, NeighbourWindComponents, energyforecast.physics.wind_components

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
            angles = np.radians([read(name) for read in interval_states(now, name)])
            sine, cosine = (part(angles).mean(axis=3).mean(axis=0) for part in (np.sin, np.cos))
            columns[f"{name}[degree]"] = np.mod(np.degrees(np.arctan2(sine, cosine)), 360.0)
            columns[f"{name}[sine]"], columns[f"{name}[cosine]"] = sine, cosine
            speed = name.replace("wind_direction", "wind_speed")
            if speed in now.names:
                u, v = mean_components(now, speed, name)
                columns[name.replace("direction", "u")], columns[name.replace("direction", "v")] = u, v
        return columns


@dataclass(frozen=True)
class WindShear(Feature):
    r"""Wind shear between successive heights; no column for a single height.

    .. math:: \alpha = \frac{\ln(v_2 / v_1)}{\ln(z_2 / z_1)}

    See Also
    --------
    WindVeer, HubWind, energyforecast.physics.shear_exponent

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
        """Columns like ``wind_shear_10m_100m``, the exponent of the power law at the beginning of the interval."""
        columns: dict[str, Array] = {}
        for prefix, names in by_height(now, "wind_speed").items():
            for low, high in zip(list(names)[:-1], list(names)[1:], strict=True):
                columns[f"{prefix}wind_shear_{low:g}m_{high:g}m"] = physics.shear_exponent(
                    now[names[low]], now[names[high]], lower_height=low, upper_height=high
                )
        return columns


@dataclass(frozen=True)
class WindVeer(Feature):
    r"""Wind veer between successive heights; no column for a single height.

    .. math:: \Delta\varphi = \bigl((\varphi_2 - \varphi_1 + 180^\circ) \bmod 360^\circ\bigr) - 180^\circ

    See Also
    --------
    WindShear, WindDirection, energyforecast.physics.wind_veer

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
        """Columns like ``wind_veer_10m_100m``, clockwise, at the beginning of the interval. [degree]"""
        columns: dict[str, Array] = {}
        for prefix, names in by_height(now, "wind_direction").items():
            for low, high in zip(list(names)[:-1], list(names)[1:], strict=True):
                veer = physics.wind_veer(now.members(names[low]), now.members(names[high]))
                columns[f"{prefix}wind_veer_{low:g}m_{high:g}m"] = veer.mean(axis=2)
        return columns


@checked(hours=(1, 240))
@dataclass(frozen=True)
class WindTrend(Feature):
    r"""Wind speed smoothed over hours, and its ramp across them.

    .. math:: \bar v_h = \frac{1}{2h + 1} \sum_{k=-h}^{h} v(t + k), \qquad r_h = v(t + h) - v(t - h)

    Parameters
    ----------
    hours : tuple of int
        Ranges :math:`h` before and after the beginning of the interval. [h]

    See Also
    --------
    WindVariability, WindSpeed

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
        """The greatest range."""
        return timestamps.duration(f"{max(self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[smooth 3h]`` and ``wind_speed_100m[ramp 3h]``. [m s⁻¹]"""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            for reach in self.hours:
                around = np.stack([now.shift(name, hours=hour) for hour in range(-reach, reach + 1)])
                columns[f"{name}[smooth {reach}h]"] = around.mean(axis=0)
                columns[f"{name}[ramp {reach}h]"] = around[-1] - around[0]
        return columns


@dataclass(frozen=True)
class EnsembleSpread(Feature):
    r"""Spread of the members of an ensemble; no column for weather without members.

    .. math:: s = \sqrt{\frac{1}{M} \sum_{m=1}^{M} (v_m - \bar v)^2}

    Every other feature uses the mean :math:`\bar v` of the members.

    See Also
    --------
    PowerCurvePower

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

        Low and high are the 0.1 and 0.9 quantiles of the members at the beginning of the interval.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            members = now.members(name)
            if members.shape[2] > 1:
                columns[f"{name}[spread]"] = members.std(axis=2)
                columns[f"{name}[low]"], columns[f"{name}[high]"] = np.quantile(members, (0.1, 0.9), axis=2)
        return columns
