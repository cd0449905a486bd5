"""Features of a PV plant: irradiance as means of intervals, with the sun of the same intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.sites import PVPlant
from energyforecast.errors import one_of
from energyforecast.features.base import Array, Columns, Feature, offset_name
from energyforecast.features.sun_parts import FINE_PART, mean_of_parts, parts_of, plant_of
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "ClearSky",
    "ClearSkyPersistence",
    "ClearSkyPower",
    "IntervalMean",
    "Irradiance",
    "NewestClearSkyShare",
    "SunPosition",
]

#: Lowest clear-sky power at which the clear-sky index is meaningful. [fraction of capacity]
_MIN_CLEAR: Final = 0.05
_DAY: Final = "24h"


@dataclass(frozen=True)
class SunPosition(Feature):
    """Elevation and azimuth of the sun: ``sun_elevation`` and ``sun_azimuth``. [degree]

    See Also
    --------
    Daylight, energyforecast.physics.solar_position

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> columns = SunPosition().compute(example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1))
    >>> {name: values.round().tolist() for name, values in columns.items()}
    {'sun_elevation': [[45.0]], 'sun_azimuth': [[180.0]]}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``sun_elevation`` and ``sun_azimuth``."""
        position = now.sun()
        return {"sun_elevation": 90.0 - position.zenith, "sun_azimuth": position.azimuth}


def _clear(now: Snapshot) -> Array:
    """Mean of the clear-sky irradiance over each interval, at dawn only a part of which has light. [W m⁻²]"""
    sun = now.sun(parts=parts_of(now, FINE_PART))
    return mean_of_parts(physics.clear_sky(sun, altitude=now.site.altitude or 0.0).ghi)


@dataclass(frozen=True)
class ClearSky(Feature):
    """Clear-sky global irradiance: ``clear_sky_ghi``. [W m⁻²]

    See Also
    --------
    ClearSkyPower, energyforecast.physics.clear_sky

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> now = example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1)
    >>> ClearSky().compute(now)["clear_sky_ghi"].round(-1).tolist()
    [[710.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``clear_sky_ghi``."""
        return {"clear_sky_ghi": _clear(now)}


@checked(hours=(-240, 240))
@dataclass(frozen=True)
class Irradiance(Feature):
    r"""Irradiance of the interval and of those around it, and the clear-sky index.

    .. math:: k_c = \min(\mathrm{GHI} / \mathrm{GHI}_\mathrm{clear},\, 1.5)

    Parameters
    ----------
    variable : {"ghi", "dni", "dhi"}
    hours : tuple of float
        Intervals relative to the forecast one; all values are of one weather run. [h]

    See Also
    --------
    ClearSky, PVChainPower, energyforecast.physics.clear_sky_index

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> now = example_snapshot({"ghi": 400.0}, rising=10.0, sites=plant, start="2024-03-20 12:00", hours=1)
    >>> columns = Irradiance(hours=(-1, 0)).compute(now)
    >>> {name: values.round(1).tolist() for name, values in columns.items()}
    {'ghi[-1h]': [[390.0]], 'ghi[+0h]': [[400.0]], 'clear_sky_index': [[0.6]]}
    """

    variable: str = "ghi"
    hours: tuple[float, ...] = (-2, -1, 0, 1, 2)

    def __post_init__(self) -> None:
        one_of("variable of Irradiance", self.variable, allowed=("ghi", "dni", "dhi"))

    @property
    def name(self) -> str:
        """``Irradiance``, or ``Irradiance_dni`` and ``Irradiance_dhi``."""
        return "Irradiance" if self.variable == "ghi" else f"Irradiance_{self.variable}"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """The variable."""
        return (self.variable,)

    @property
    def optional(self) -> bool:  # type: ignore[override]
        """Global irradiance is required."""
        return self.variable != "ghi"

    @property
    def margin(self) -> pd.Timedelta:
        """Distance of the farthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``ghi[+0h]`` [W m⁻²], and ``clear_sky_index``, NaN while the sun is low."""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            columns |= {f"{name}[{offset_name(hours)}]": now.shift(name, hours=hours) for hours in self.hours}
            if self.variable == "ghi":
                index = physics.clear_sky_index(now[name], _clear(now))
                columns[f"{name.removesuffix('ghi')}clear_sky_index"] = index
        return columns


@checked(hours=(-240, 240))
@dataclass(frozen=True)
class IntervalMean(Feature):
    """Mean of a variable over each interval and those around it, where the weather contains it.

    Parameters
    ----------
    variable : str
        E.g. ``"cloud_cover"``; ``"wind_speed_*m"`` has every height.
    hours : tuple of float
        Intervals relative to the forecast one. [h]

    See Also
    --------
    Irradiance, WindSpeed

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"temp_air": 10.0}, rising=2.0)
    >>> IntervalMean("temp_air").compute(now)["temp_air[mean]"].tolist()
    [[11.0, 13.0, 15.0]]
    >>> list(IntervalMean("temp_air", hours=(-1, 0)).compute(now))
    ['temp_air[mean -1h]', 'temp_air[mean]']
    """

    optional: ClassVar[bool] = True

    variable: str = "cloud_cover"
    hours: tuple[float, ...] = (0,)

    @property
    def name(self) -> str:
        """``IntervalMean_`` and the variable."""
        return f"IntervalMean_{self.variable}"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """The variable."""
        return (self.variable,)

    @property
    def margin(self) -> pd.Timedelta:
        """Distance of the farthest interval, and one hour for its end."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours) + 1}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``cloud_cover[mean]`` and ``cloud_cover[mean -1h]``."""
        return {
            f"{name}[mean{f' {offset_name(hours)}' if hours else ''}]": now.interval_mean(name, hours=hours)
            for name in now.matching(*self.weather)
            for hours in self.hours
        }


@dataclass(frozen=True)
class ClearSkyPower(Feature):
    """Clear-sky power of the plant: ``clear_sky_power``. [fraction of capacity]

    It includes the orientation of the modules: a low sun in winter may yield as much as a high one in summer.

    See Also
    --------
    PVChainPower, ClearSkyPersistence, energyforecast.PVPlant.clear_sky_power

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> now = example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1)
    >>> ClearSkyPower().compute(now)["clear_sky_power"].round(2).tolist()
    [[1.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``clear_sky_power``."""
        sun = now.sun(parts=parts_of(now))
        return {"clear_sky_power": mean_of_parts(plant_of(now.site, self.name).clear_sky_power(sun))}


@dataclass(frozen=True)
class ClearSkyPersistence(Feature):
    r"""Persistence of the clear-sky index (smart persistence): ``smart_persistence``. [fraction of capacity]

    .. math:: \hat P_t = \min\bigl(k_c \, P_\mathrm{clear}(t),\, 1\bigr), \qquad
        k_c = \min\Bigl(\frac{P_{t_0}}{P_\mathrm{clear}(t_0)},\, 1.5\Bigr)

    with the newest published power at :math:`t_0`. Where that was at night or at a low sun, the index is that of
    the newest published day at the same hour.

    See Also
    --------
    ClearSkyPower, energyforecast.SmartPersistence

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> past = ClearSkyPersistence.history
    >>> now = example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1, history=past)
    >>> ClearSkyPersistence().compute(now)["smart_persistence"].round(2).tolist()  # yesterday at noon 17 of 60 MW
    [[0.28]]
    """

    history: ClassVar[tuple[Past, ...]] = (
        Past(timestamps.duration("0h")),
        Past(timestamps.duration(_DAY), timestamps.duration(_DAY)),
    )

    def compute(self, now: Snapshot) -> Columns:
        """Column ``smart_persistence``."""
        plant = plant_of(now.site, self.name)
        clear = mean_of_parts(plant.clear_sky_power(now.sun(parts=parts_of(now))))
        newest = _index(now, plant, now.lag("0h"), now.lag_age("0h"))
        daily = _index(now, plant, now.lag(_DAY, step=_DAY), now.lag_age(_DAY, step=_DAY))
        index = np.where(np.isfinite(newest), newest, daily)
        dark = clear < _MIN_CLEAR
        index = np.where(dark & ~np.isfinite(index), 1.0, index)  # irrelevant for the small power
        return {"smart_persistence": np.clip(index * clear, 0.0, 1.0)}


@dataclass(frozen=True)
class NewestClearSkyShare(Feature):
    r"""Share of its clear sky that the plant gave on the newest published day: ``newest_clear_sky_share``. [1]

    .. math:: \min\Bigl(\frac{\sum_{h=0}^{23} P_{t_0 - h}}{\sum_{h=0}^{23} P_\mathrm{clear}(t_0 - h)},\, 1.5\Bigr)

    in hours, with the newest published power at :math:`t_0`. Modules below snow or dirt and a plant with a fault are
    recognised on the next day, which no weather shows; so is a cloudy day, which the weather tells apart. The column
    ``newest_clear_sky_share[hour]`` is that of the forecast hour, on the newest day on which it is published. NaN where
    the sum below is less than 0.05, and in a forecast without observations, which is made all the same.

    See Also
    --------
    ClearSkyPersistence, NewestDayMean, energyforecast.weather.module_losses

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)
    >>> past = NewestClearSkyShare().history
    >>> now = example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1, history=past)
    >>> columns = NewestClearSkyShare().compute(now)  # 402 MWh in a day, a clear sky gives 428
    >>> columns["newest_clear_sky_share"].round(2).tolist()
    [[0.94]]
    """

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The hour on the newest day that is published, the newest hour and the 23 before it."""
        hour, day = timestamps.duration("1h"), timestamps.duration(_DAY)
        newest = (Past(hour * k, newest=True, optional=True) for k in range(24))
        return (Past(hour * 0, day, optional=True), *newest)

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``newest_clear_sky_share`` and ``newest_clear_sky_share[hour]``."""
        plant = plant_of(now.site, self.name)
        of_hour, *newest = (now.history[past, now.site.name] for past in self.history)
        power: Array = np.zeros((len(now.valid_time), 1))
        clear = power.copy()
        for values, age in newest:  # alike for all hours of an issue
            then = _clear_then(now, plant, age[:, :1])
            known = np.isfinite(then)
            power += np.where(known, np.maximum(values[:, :1], 0.0), 0.0)
            clear += np.where(known, then, 0.0)
        power /= plant.capacity or np.nan
        day = physics.clear_sky_index(power, clear, min_clear=_MIN_CLEAR)
        return {
            "newest_clear_sky_share": np.broadcast_to(day, now.valid_time.shape),
            "newest_clear_sky_share[hour]": _index(now, plant, *of_hour),
        }


def _index(now: Snapshot, plant: PVPlant, power: Array, age: Array) -> Array:
    """Clear-sky index of an observed power of a given age; NaN where the sun was low."""
    share = np.where(np.isfinite(age), power, np.nan) / (plant.capacity or np.nan)
    return physics.clear_sky_index(np.maximum(share, 0.0), _clear_then(now, plant, age), min_clear=_MIN_CLEAR)


def _clear_then(now: Snapshot, plant: PVPlant, age: Array) -> Array:
    """Clear-sky power of the interval of an observed power of a given age; NaN where there is none."""
    missing = ~np.isfinite(age)
    ago = np.where(missing, 0, age * 3.6e12).astype("timedelta64[ns]")
    parts = parts_of(now)
    offsets = ((np.arange(parts) + 0.5) * (now.windows.frequency.value / parts)).astype("timedelta64[ns]")
    once, where = np.unique(now.windows.issue_time[:, None] - ago, return_inverse=True)
    sun = physics.solar_position(once[:, None] + offsets, plant.latitude, plant.longitude)
    then = plant.clear_sky_power(sun).mean(axis=1)
    return np.where(missing, np.nan, then[where.reshape(age.shape)])
