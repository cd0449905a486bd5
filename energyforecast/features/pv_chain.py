"""Feature of a PV plant: its power by the chain of PV models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.sites import PVPlant
from energyforecast.core.variables import height_of
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature, offset_name, step_hours
from energyforecast.features.sun_parts import in_parts, mean_of_parts, parts_of, plant_of
from energyforecast.point_in_time.margins import whole_steps
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["PVChainPower"]


@checked(hours=(-240, 240))
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
        plant = plant_of(now.site, self.name)
        columns: dict[str, Array] = {}
        for ghi in now.matching("ghi"):
            prefix = ghi.removesuffix("ghi")
            names = [name for name in now.matching("wind_speed_*m") if name[: len(prefix)] == prefix]
            winds = [name for name in names if ":" not in name[len(prefix) :]]
            parts = [f"{prefix}{part}" for part in ("dni", "dhi") if self.components]
            parts = [part for part in parts if part in now.names]
            if not winds or f"{prefix}temp_air" not in now.names or (self.components and not parts):
                continue
            wind = min(winds, key=lambda name: abs((height_of(name) or 10.0) - 10.0))
            for hour in self.hours:
                moved = f"[{offset_name(hour)}]" if hour else ""
                power = [
                    share * self._power(now, plant, [ghi, *parts], wind, hours=steps * step_hours(now))
                    for steps, share in whole_steps(hour, now.windows.frequency)
                ]
                columns[f"{prefix}pv_chain_power{moved}"] = np.sum(power, axis=0)
        if self.components and not columns:
            raise SchemaError(
                f"The feature {self.name!r} uses components of irradiance; the weather holds {sorted(now.names)}.",
                "A weather model must have dni or dhi, with ghi, temp_air and wind.",
                "Add one of them to the weather, or leave components=True out: ghi is decomposed then.",
            )
        return columns

    def _power(
        self, now: Snapshot, plant: PVPlant, light: Sequence[str], wind: str, *, hours: float
    ) -> Array:
        """Power some whole steps after each interval, by parts of it with the course of a clear sky."""
        sun = now.sun(hours=hours, parts=parts_of(now))
        clear = physics.clear_sky(sun, altitude=plant.altitude or 0.0)._asdict()
        bare = [name.rpartition(":")[2] for name in light]
        ghi, *parts = (
            in_parts(now.shift(name, hours=hours), clear[part])
            for name, part in zip(light, bare, strict=True)
        )
        prefix = light[0].removesuffix("ghi")
        air = {"temp_air": f"{prefix}temp_air", "wind_speed": wind} | _losses(now, plant, prefix)
        means = {name: now.interval_mean(full, hours=hours) for name, full in air.items()}
        means["wind_speed"] = means["wind_speed"] * (10.0 / (height_of(wind) or 10.0)) ** (1 / 7)
        if ghi.ndim == 3:
            means = {name: values[..., None] for name, values in means.items()}
        irradiance = physics.complete_irradiance(ghi, sun, **dict(zip(bare[1:], parts, strict=True)))
        return mean_of_parts(plant.power(irradiance, sun, **means))


def _losses(now: Snapshot, plant: PVPlant, prefix: str) -> dict[str, str]:
    """Variables of the shares lost to snow and dirt, of a plant that has them."""
    asked = {"snow": plant.snow, "soiling": plant.soiling_rate is not None}
    found = {}
    for name in (name for name, wanted in asked.items() if wanted):
        if f"{prefix}{name}_loss" not in now.names:
            raise SchemaError(
                f"The plant {plant.name!r} has {name}, and the weather no {prefix}{name}_loss: {sorted(now.names)}.",
                "The losses of its modules must be among the weather.",
                "Add them: weather = ef.weather.module_losses(weather, plant), or leave snow and soiling_rate out.",
            )
        found[name] = f"{prefix}{name}_loss"
    return found
