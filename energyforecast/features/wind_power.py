"""Features of the power in the wind: air density, wind at hub height and the power curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import variables
from energyforecast.core.arguments import checked
from energyforecast.core.sites import Site, WindFarm
from energyforecast.core.wind_farm import ModelledGroup
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature, step_hours
from energyforecast.features.heights import by_height, hub_height, interval_states
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["AirMass", "HubWind", "PowerCurvePower", "power_of_mean_wind", "wind_at_height"]


@dataclass(frozen=True)
class AirMass(Feature):
    """Pressure, density and warming of the air, and wind speed corrected for density.

    Air is dry where the weather has no relative humidity. The formulas are those of
    :func:`energyforecast.physics.air_density` and :func:`energyforecast.physics.density_corrected_wind_speed`.

    See Also
    --------
    PowerCurvePower

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

        The warming is the change of temperature from 3 h before to 4 h after; ``wind_speed_100m[density]`` is the
        speed with the same power in standard air.
        """
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather[1:2]):
            prefix = name.removesuffix("temp_air")
            if f"{prefix}pressure" not in now.names:
                continue
            pressure = now.interval_mean(f"{prefix}pressure")
            density = _density(now, prefix, now.interval_mean)
            columns |= {f"{prefix}pressure": pressure, f"{prefix}air_density": density}
            columns[f"{prefix}warming"] = _at(now, name, 4) - _at(now, name, -3)
            for speed in now.matching(f"{prefix}wind_speed_*m"):
                if speed.startswith(prefix):
                    corrected = physics.density_corrected_wind_speed(now.interval_mean(speed), density)
                    columns[f"{speed}[density]"] = corrected
        return columns


def _at(now: Snapshot, name: str, hours: float) -> Array:
    """Instant some hours after the beginning of each interval; of means by the middles of their intervals."""
    middle = 0.5 * step_hours(now) if now.cell_methods[name] == variables.MEAN else 0.0
    return now.shift(name, hours=hours - middle)


def _density(now: Snapshot, prefix: str, read: Callable[[str], Array], height: float | None = None) -> Array:
    """Density of the air of one weather model, at the surface or a height; dry without humidity. [kg m⁻³]"""
    temp_air, pressure = read(f"{prefix}temp_air"), read(f"{prefix}pressure")
    damp = f"{prefix}relative_humidity"
    humidity = read(damp) if damp in now.names else 0.0
    if height is None:
        return physics.air_density(temp_air, pressure, humidity)
    return physics.air_density_at_height(temp_air, pressure, relative_humidity=humidity, hub_height=height)


@dataclass(frozen=True)
class HubWind(Feature):
    r"""Wind speed at hub height, interpolated between the heights around it or extrapolated from the two nearest.

    .. math:: v(z_h) = v_1 + (v_2 - v_1) \, \frac{\ln(z_h / z_1)}{\ln(z_2 / z_1)}, \qquad z_1 \le z_h \le z_2

    Outside the available heights by the power law. A site without a hub height has 100 m.

    See Also
    --------
    PowerCurvePower, energyforecast.physics.wind_speed_between_heights

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
        speeds = wind_at_height(now, hub_height(now.site))
        return {f"{prefix}wind_speed_hub": speed for prefix, speed in speeds.items()}


def wind_at_height(now: Snapshot, hub: float) -> dict[str, Array]:
    """Mean wind speed of the members and over the interval at a height, by prefix of the weather model. [m s⁻¹]"""
    speeds = {}
    for prefix, names in by_height(now, "wind_speed").items():
        states = interval_states(now, *names.values())
        speeds[prefix] = np.mean([_wind_at(names, read, hub).mean(axis=2) for read in states], axis=0)
    return speeds


def power_of_mean_wind(now: Snapshot, farm: WindFarm, read: Callable[[str], Array]) -> dict[str, Array]:
    """Power by the curves of a farm, or the generic one, on mean speeds by height, by prefix of the weather model."""
    groups = list(zip(farm.groups(), farm.group_shares(now.valid_time), strict=True))
    return {
        prefix: np.asarray(
            sum(
                share * group.power_curve.power_at(_wind_at(names, read, group.hub_height))
                for group, share in groups
            )
        )
        for prefix, names in by_height(now, "wind_speed").items()
    }


def _wind_at(names: dict[float, str], read: Callable[[str], Array], hub: float) -> Array:
    """Wind speed at a height, of every member that is read, from the heights around it, or the two nearest."""
    below, above = ([height for height in names if side * height >= side * hub] for side in (-1, 1))
    used = sorted({below[-1], above[0]} if below and above else (below[-2:] or above[:2]))
    speeds = [read(names[height]) for height in used]
    if len(used) == 1:
        return physics.wind_speed_power_law(speeds[0], height=used[0], hub_height=hub)
    return physics.wind_speed_between_heights(
        *speeds, lower_height=used[0], upper_height=used[1], hub_height=hub
    )


@checked()
@dataclass(frozen=True)
class PowerCurvePower(Feature):
    r"""Power by the power curves of the farm on the wind at hub height. [fraction of the capacity in service]

    .. math:: \hat P = \sum_g w_g \, \frac{1}{M} \sum_{m=1}^{M} P_g\bigl(v_m(z_g)\bigr)

    with the share :math:`w_g` of each :class:`energyforecast.TurbineGroup` in the capacity in service, its power curve
    and its hub height; a farm without groups is one. Of an ensemble it is the mean over the members, which differs
    from the power of their mean wind.

    Parameters
    ----------
    density : bool
        Correct for the density of the air at hub height, from ``temp_air`` (2 m above ground), ``pressure`` (at the
        surface) and, where available, ``relative_humidity``.

    See Also
    --------
    HubWind, AirMass, energyforecast.physics.curve_power, energyforecast.physics.air_density_at_height

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> from energyforecast import PowerCurve
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
        """Name that distinguishes both kinds."""
        return "PowerCurvePower[density]" if self.density else "PowerCurvePower"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """Wind, and the variables of density."""
        return ("wind_speed_*m", "temp_air", "pressure") if self.density else ("wind_speed_*m",)

    @property
    def weather_if_present(self) -> tuple[str, ...]:  # type: ignore[override]
        """Humidity, for density."""
        return ("relative_humidity",) if self.density else ()

    @property
    def optional(self) -> bool:  # type: ignore[override]
        """Left out where the variables of density are missing."""
        return self.density

    def compute(self, now: Snapshot) -> Columns:
        """Column ``power_curve`` or ``power_curve[density]``: the mean over the interval. [fraction of capacity]

        Raises
        ------
        SchemaError
            If the site has no power curve.
        """
        farm = _farm(now.site)
        groups = list(zip(farm.groups(), farm.group_shares(now.valid_time), strict=True))
        columns: dict[str, Array] = {}
        for prefix, names in by_height(now, "wind_speed").items():
            air = [f"{prefix}temp_air", f"{prefix}pressure"]
            if self.density and not set(air) <= set(now.names):
                continue
            states = interval_states(now, *names.values(), *(air if self.density else ()))
            power = [
                share / len(states) * self._power(now, prefix, read, group)
                for group, share in groups
                for read in states
            ]
            columns[f"{prefix}power_curve{'[density]' if self.density else ''}"] = np.sum(power, axis=0)
        return columns

    def _power(self, now: Snapshot, prefix: str, read: Callable[[str], Array], group: ModelledGroup) -> Array:
        """Mean power of the members of one weather model in a state of the interval. [fraction of rated]"""
        speed = _wind_at(by_height(now, "wind_speed")[prefix], read, group.hub_height)
        density = _density(now, prefix, read, group.hub_height) if self.density else None
        return np.asarray(group.power_curve.power_at(speed, density).mean(axis=2))


def _farm(site: Site) -> WindFarm:
    if not isinstance(site, WindFarm) or not site.has_power_curve:
        raise SchemaError(
            f"Site {site.name!r} has no power curve.",
            "PowerCurvePower and PowerCurveReference need one for every site.",
            "Give WindFarm(..., power_curve=PowerCurve.read('curve.csv')), or PowerCurve.generic().",
        )
    return site
