"""Features of a PV plant. The sun is taken at the middle of each interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.sites import PVPlant, Site
from energyforecast.core.variables import height_of
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "ClearSky",
    "ClearSkyPersistence",
    "ClearSkyPower",
    "IntervalMean",
    "Irradiance",
    "NeighbourIrradiance",
    "PVChainPower",
    "SunPosition",
]

#: A plant that would give less than this share of its capacity under a clear sky tells nothing of clouds.
_LEAST: Final = 0.05
_DAY: Final = "24h"


def _plant(site: Site, feature: str) -> PVPlant:
    if isinstance(site, PVPlant):
        return site
    raise SchemaError(
        f"The feature {feature!r} is asked of the {type(site).__name__} {site.name!r}.",
        "It is a feature of a PVPlant, whose modules it knows.",
        f"Make the site a PVPlant, or remove the feature: features - {feature!r}.",
    )


@dataclass(frozen=True)
class SunPosition(Feature):
    """Elevation and azimuth of the sun: ``sun_elevation`` and ``sun_azimuth``. [degree]

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


def _clear(now: Snapshot, hours: float = 0.0) -> Array:
    return physics.clear_sky(now.sun(hours=hours), altitude=now.site.altitude or 0.0).ghi


@dataclass(frozen=True)
class ClearSky(Feature):
    """Global irradiance under a clear sky: ``clear_sky_ghi``. [W m⁻²]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> now = example_snapshot(sites=plant, start="2024-03-20 12:00", hours=1)
    >>> ClearSky().compute(now)["clear_sky_ghi"].round(-1).tolist()
    [[720.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``clear_sky_ghi``."""
        return {"clear_sky_ghi": _clear(now)}


@dataclass(frozen=True)
class Irradiance(Feature):
    """Irradiance of the interval and of those around it, and the global one over that of a clear sky.

    Parameters
    ----------
    variable : {"ghi", "dni", "dhi"}
    hours : tuple of float
        Intervals around; a run's own values, never the next run's. [h]

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
        """Global irradiance must be there."""
        return self.variable != "ghi"

    @property
    def margin(self) -> pd.Timedelta:
        """As far as the furthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``ghi[+0h]`` [W m⁻²], and ``clear_sky_index``, NaN while the sun is low."""
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather):
            columns |= {f"{name}[{hours:+g}h]": now.shift(name, hours=hours) for hours in self.hours}
            if self.variable == "ghi":
                index = physics.clear_sky_index(now[name], _clear(now))
                columns[f"{name.removesuffix('ghi')}clear_sky_index"] = index
        return columns


@dataclass(frozen=True)
class NeighbourIrradiance(Feature):
    """Global irradiance at the forecaster's other sites and neighbours, the nearest first; nothing without them.

    Parameters
    ----------
    nearest : int
        So many of them get columns of their own.
    hours : tuple of float
        Intervals around. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> pair = [PVPlant(name=name, latitude=45, longitude=0, capacity=60) for name in ("west", "east")]
    >>> NeighbourIrradiance().compute(example_snapshot({"ghi": 400.0}, sites=pair, start="2024-03-20 12:00", hours=1))
    {'ghi[neighbour 1]': array([[400.]]), "ghi[neighbours' mean]": array([[400.]])}
    """

    weather: ClassVar[tuple[str, ...]] = ("ghi",)

    nearest: int = 9
    hours: tuple[float, ...] = (0,)

    @property
    def margin(self) -> pd.Timedelta:
        """As far as the furthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours)}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``ghi[neighbour 1]``, ``ghi[neighbour 1 -1h]`` and ``ghi[neighbours' mean]``."""
        others = sorted(
            (site for site in now.sites if site.name != now.site.name),
            key=lambda site: np.hypot(
                site.latitude - now.site.latitude,
                (site.longitude - now.site.longitude) * np.cos(np.radians(now.site.latitude)),
            ),
        )
        columns: dict[str, Array] = {}
        for name in now.matching(*self.weather) if others else ():
            for rank, site in enumerate(others[: self.nearest], start=1):
                for hour in self.hours:
                    moved = f" {hour:+g}h" if hour else ""
                    columns[f"{name}[neighbour {rank}{moved}]"] = now.at(site.name).shift(name, hours=hour)
            columns[f"{name}[neighbours' mean]"] = np.mean(
                [now.at(site.name)[name] for site in others], axis=0
            )
        return columns


@dataclass(frozen=True)
class IntervalMean(Feature):
    """Mean of a variable over each interval, where the weather has it.

    Parameters
    ----------
    variable : str
        E.g. ``"cloud_cover"``.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"temp_air": 10.0}, rising=2.0)
    >>> IntervalMean("temp_air").compute(now)["temp_air[mean]"].tolist()
    [[11.0, 13.0, 15.0]]
    """

    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")
    optional: ClassVar[bool] = True

    variable: str = "cloud_cover"

    @property
    def name(self) -> str:
        """``IntervalMean_`` and the variable."""
        return f"IntervalMean_{self.variable}"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """The variable."""
        return (self.variable,)

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``cloud_cover[mean]``."""
        return {f"{name}[mean]": now.interval_mean(name) for name in now.matching(*self.weather)}


@dataclass(frozen=True)
class PVChainPower(Feature):
    """What the plant's modules and inverters would make of the weather: ``pv_chain_power``. [fraction of capacity]

    The wind nearest to 10 m is brought to 10 m by a power law with exponent 1/7.

    Parameters
    ----------
    components : bool
        Take the weather's ``dni`` and ``dhi``, which must be there, in place of splitting ``ghi``.
    hours : tuple of float
        Intervals around; a run's own weather, never the next run's. Their columns are like ``pv_chain_power[-1h]``. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> weather = {"ghi": 400.0, "temp_air": 10.0, "wind_speed_10m": 3.0}
    >>> now = example_snapshot(weather, sites=plant, start="2024-03-20 12:00", hours=1)
    >>> PVChainPower().compute(now)["pv_chain_power"].round(1).tolist()
    [[0.4]]
    """

    optional: ClassVar[bool] = True

    components: bool = False
    hours: tuple[float, ...] = (0,)

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """Irradiance, temperature and wind."""
        return ("ghi", "temp_air", "wind_speed_*m", *(("dni", "dhi") if self.components else ()))

    @property
    def margin(self) -> pd.Timedelta:
        """As far as the end of the furthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours) + 1}h")

    def compute(self, now: Snapshot) -> Columns:
        """Column ``pv_chain_power``, and of intervals around, of each weather model that has all it needs."""
        plant = _plant(now.site, self.name)
        columns: dict[str, Array] = {}
        for name in now.matching("ghi"):
            prefix = name.removesuffix("ghi")
            winds = [wind for wind in now.matching("wind_speed_*m") if wind[: len(prefix)] == prefix]
            winds = [wind for wind in winds if ":" not in wind[len(prefix) :]]
            if not winds or f"{prefix}temp_air" not in now.names:
                continue
            lowest = min(winds, key=lambda wind: abs((height_of(wind) or 10.0) - 10.0))
            down = (10.0 / (height_of(lowest) or 10.0)) ** (1 / 7)
            for hour in self.hours:
                split = [
                    now.shift(f"{prefix}{part}", hours=hour) if self.components else None
                    for part in ("dni", "dhi")
                ]
                moved = f"[{hour:+g}h]" if hour else ""
                columns[f"{prefix}pv_chain_power{moved}"] = plant.power(
                    now.shift(name, hours=hour),
                    now.sun(hours=hour),
                    temp_air=now.interval_mean(f"{prefix}temp_air", hours=hour),
                    wind_speed=now.interval_mean(lowest, hours=hour) * down,
                    dni=split[0],
                    dhi=split[1],
                )
        return columns


@dataclass(frozen=True)
class ClearSkyPower(Feature):
    """What the plant would give under a clear sky: ``clear_sky_power``. [fraction of capacity]

    It knows which way the modules face: a low sun in winter may give as much as a high one in summer.

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
        return {"clear_sky_power": _plant(now.site, self.name).clear_sky_power(now.sun())}


@dataclass(frozen=True)
class ClearSkyPersistence(Feature):
    """The newest published power, grown or shrunk as it would under a clear sky: ``smart_persistence``.

    Where the newest power was of a low sun or of the night, the newest published day at the same hour tells
    how cloudy it was. [fraction of capacity]

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
        plant = _plant(now.site, self.name)
        clear = plant.clear_sky_power(now.sun())
        newest = _index(now, plant, now.lag("0h"), now.lag_age("0h"))
        daily = _index(now, plant, now.lag(_DAY, step=_DAY), now.lag_age(_DAY, step=_DAY))
        index = np.where(np.isfinite(newest), newest, daily)
        dark = clear < _LEAST
        index = np.where(dark & ~np.isfinite(index), 1.0, index)  # hardly anything to be wrong about
        return {"smart_persistence": np.clip(index * clear, 0.0, 1.0)}


def _index(now: Snapshot, plant: PVPlant, power: Array, age: Array) -> Array:
    """Observed power over that of a clear sky then; NaN where the sun was low."""
    missing = ~np.isfinite(age)
    ago = np.where(missing, 0, age * 3.6e12).astype("timedelta64[ns]")
    middle = now.windows.issue_time[:, None] - ago + now.windows.frequency.to_timedelta64() // 2
    then = plant.clear_sky_power(physics.solar_position(middle, plant.latitude, plant.longitude))
    share = np.where(missing, np.nan, power) / (plant.capacity or np.nan)
    return physics.clear_sky_index(np.maximum(share, 0.0), then, min_clear=_LEAST)
