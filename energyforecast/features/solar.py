"""Features of a PV plant, with the position of the sun in the middle of each interval."""

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
from energyforecast.features.base import Array, Columns, Feature, offset_name
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "ClearSky",
    "ClearSkyPersistence",
    "ClearSkyPower",
    "IntervalMean",
    "Irradiance",
    "PVChainPower",
    "SunPosition",
]

#: Lowest clear-sky power at which the clear-sky index is meaningful. [fraction of capacity]
_MIN_CLEAR: Final = 0.05
_DAY: Final = "24h"


def _plant(site: Site, feature: str) -> PVPlant:
    if isinstance(site, PVPlant):
        return site
    raise SchemaError(
        f"The feature {feature!r} is used for the {type(site).__name__} {site.name!r}.",
        "It must be used for a PVPlant, with its modules.",
        f"Make the site a PVPlant, or remove the feature: features - {feature!r}.",
    )


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


def _clear(now: Snapshot, hours: float = 0.0) -> Array:
    return physics.clear_sky(now.sun(hours=hours), altitude=now.site.altitude or 0.0).ghi


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
    [[720.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``clear_sky_ghi``."""
        return {"clear_sky_ghi": _clear(now)}


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


@dataclass(frozen=True)
class IntervalMean(Feature):
    """Mean of a variable over each interval, where the weather contains it.

    Parameters
    ----------
    variable : str
        E.g. ``"cloud_cover"``.

    See Also
    --------
    Irradiance, WindSpeed

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
    r"""Power of the plant from the weather by the chain of PV models: ``pv_chain_power``. [fraction of capacity]

    .. math:: P = P_\mathrm{ac}(E, T_\mathrm{cell}), \qquad v_{10} = v_z \, (10 / z)^{1/7}

    of :func:`energyforecast.physics.pv_power`; the wind at the height :math:`z` nearest to 10 m cools the cells. Of a
    plant with ``snow`` or a ``soiling_rate`` the losses are those of the weather
    (:func:`energyforecast.weather.module_losses`).

    Parameters
    ----------
    components : bool
        Use ``dni`` and ``dhi`` of the weather in place of decomposing ``ghi``. One of them must then be there, and
        completes the other by :func:`energyforecast.physics.complete_irradiance`.
    hours : tuple of float
        Intervals relative to the forecast one, of one weather run. Their columns are like ``pv_chain_power[-1h]``. [h]

    See Also
    --------
    ClearSkyPower, energyforecast.PVPlant.power

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> plant = PVPlant(name="pv", latitude=45, longitude=-5.6, capacity=60)  # noon is at 12:30 UTC
    >>> weather = {"ghi": 400.0, "temp_air": 10.0, "wind_speed_10m": 3.0}
    >>> now = example_snapshot(weather, sites=plant, start="2024-03-20 12:00", hours=1)
    >>> PVChainPower().compute(now)["pv_chain_power"].round(1).tolist()
    [[0.4]]
    """

    weather: ClassVar[tuple[str, ...]] = ("ghi", "temp_air", "wind_speed_*m")

    components: bool = False
    hours: tuple[float, ...] = (0,)

    @property
    def weather_if_present(self) -> tuple[str, ...]:  # type: ignore[override]
        """Losses to snow and dirt, and components of the irradiance, where they are used."""
        return ("snow_loss", "soiling_loss", *(("dni", "dhi") if self.components else ()))

    @property
    def optional(self) -> bool:  # type: ignore[override]
        """Left out where variables are missing, unless components are asked for."""
        return not self.components

    @property
    def margin(self) -> pd.Timedelta:
        """Distance of the end of the farthest interval."""
        return timestamps.duration(f"{max(abs(hour) for hour in self.hours) + 1}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``pv_chain_power``, by interval, of each weather model that has all variables.

        Raises
        ------
        SchemaError
            If the site is no PV plant, or no weather model has the components that are asked for, or the losses of a
            plant with snow or a ``soiling_rate``.
        """
        plant = _plant(now.site, self.name)
        columns: dict[str, Array] = {}
        for ghi in now.matching("ghi"):
            prefix = ghi.removesuffix("ghi")
            names = [name for name in now.matching("wind_speed_*m") if name[: len(prefix)] == prefix]
            winds = [name for name in names if ":" not in name[len(prefix) :]]
            parts = [part for part in ("dni", "dhi") if self.components and f"{prefix}{part}" in now.names]
            if not winds or f"{prefix}temp_air" not in now.names or (self.components and not parts):
                continue
            wind = min(winds, key=lambda name: abs((height_of(name) or 10.0) - 10.0))
            to_ten = (10.0 / (height_of(wind) or 10.0)) ** (1 / 7)
            for hour in self.hours:
                given = {part: now.shift(f"{prefix}{part}", hours=hour) for part in parts}
                sun = now.sun(hours=hour)
                moved = f"[{offset_name(hour)}]" if hour else ""
                columns[f"{prefix}pv_chain_power{moved}"] = plant.power(
                    physics.complete_irradiance(now.shift(ghi, hours=hour), sun, **given),
                    sun,
                    temp_air=now.interval_mean(f"{prefix}temp_air", hours=hour),
                    wind_speed=now.interval_mean(wind, hours=hour) * to_ten,
                    **_losses(now, plant, prefix, hour),
                )
        if self.components and not columns:
            raise SchemaError(
                f"The feature {self.name!r} uses components of irradiance; the weather holds {sorted(now.names)}.",
                "A weather model must have dni or dhi, with ghi, temp_air and wind.",
                "Add one of them to the weather, or leave components=True out: ghi is decomposed then.",
            )
        return columns


def _losses(now: Snapshot, plant: PVPlant, prefix: str, hours: float) -> dict[str, Array]:
    """Shares lost to snow and dirt, of a plant that has them."""
    asked = {"snow": plant.snow, "soiling": plant.soiling_rate is not None}
    found = {}
    for name in (name for name, wanted in asked.items() if wanted):
        if f"{prefix}{name}_loss" not in now.names:
            raise SchemaError(
                f"The plant {plant.name!r} has {name}, and the weather no {prefix}{name}_loss: {sorted(now.names)}.",
                "The losses of its modules must be among the weather.",
                "Add them: weather = ef.weather.module_losses(weather, plant), or leave snow and soiling_rate out.",
            )
        found[name] = now.interval_mean(f"{prefix}{name}_loss", hours=hours)
    return found


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
        return {"clear_sky_power": _plant(now.site, self.name).clear_sky_power(now.sun())}


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
        plant = _plant(now.site, self.name)
        clear = plant.clear_sky_power(now.sun())
        newest = _index(now, plant, now.lag("0h"), now.lag_age("0h"))
        daily = _index(now, plant, now.lag(_DAY, step=_DAY), now.lag_age(_DAY, step=_DAY))
        index = np.where(np.isfinite(newest), newest, daily)
        dark = clear < _MIN_CLEAR
        index = np.where(dark & ~np.isfinite(index), 1.0, index)  # irrelevant for the small power
        return {"smart_persistence": np.clip(index * clear, 0.0, 1.0)}


def _index(now: Snapshot, plant: PVPlant, power: Array, age: Array) -> Array:
    """Clear-sky index of an observed power of a given age; NaN where the sun was low."""
    missing = ~np.isfinite(age)
    ago = np.where(missing, 0, age * 3.6e12).astype("timedelta64[ns]")
    middle = now.windows.issue_time[:, None] - ago + now.windows.frequency.to_timedelta64() // 2
    then = plant.clear_sky_power(physics.solar_position(middle, plant.latitude, plant.longitude))
    share = np.where(missing, np.nan, power) / (plant.capacity or np.nan)
    return physics.clear_sky_index(np.maximum(share, 0.0), then, min_clear=_MIN_CLEAR)
