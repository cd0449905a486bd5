"""PV plants: modules, inverters and their power from the weather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy.typing as npt

from energyforecast import physics
from energyforecast.core.power_kinds import Kind
from energyforecast.core.site_base import Site
from energyforecast.errors import one_of

__all__ = ["PVPlant"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class PVPlant(Site):
    """A photovoltaic plant.

    Parameters
    ----------
    mounting : {"fixed", "single_axis"}
        Fixed modules, or trackers with a horizontal axis.
    surface_tilt : float, optional
        Tilt of fixed modules from the horizontal; by default the optimal one of the latitude. [degree]
    surface_azimuth : float, optional
        Direction that fixed modules face, from north clockwise; by default the equator's. [degree]
    axis_azimuth : float
        Direction of a tracker's axis, from north clockwise. [degree]
    max_angle : float
        Greatest rotation of a tracker from the horizontal. [degree]
    gcr : float
        Area of the modules over that of the ground.
    dc_capacity : float, optional
        Rated power of the modules; where it is not known, 1.2 times the capacity is assumed. [MW]
    bifaciality : float
        Efficiency of the modules' rear over that of their front; 0 for modules with one face.
    gamma_pdc : float
        Change of the modules' power with their temperature. [°C⁻¹]

    See Also
    --------
    energyforecast.physics.pv_power, energyforecast.physics.optimal_tilt

    Examples
    --------
    >>> plant = PVPlant(name="pv", latitude=43.97, longitude=77.11, capacity=100, surface_tilt=35)
    >>> plant.kind, plant.dc_ac_ratio
    ('solar', 1.2)
    """

    kind: ClassVar[Kind] = "solar"

    mounting: Literal["fixed", "single_axis"] = "fixed"
    surface_tilt: float | None = None
    surface_azimuth: float | None = None
    axis_azimuth: float = 180.0
    max_angle: float = 55.0
    gcr: float = 0.4
    dc_capacity: float | None = None
    bifaciality: float = 0.0
    gamma_pdc: float = -0.0035

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(f"mounting of site {self.name!r}", self.mounting, allowed=("fixed", "single_axis"))
        self._bounded("surface_tilt", 0.0, 90.0, "degrees from horizontal")
        self._bounded("surface_azimuth", 0.0, 360.0, "degrees from north, clockwise")
        self._bounded("axis_azimuth", 0.0, 360.0, "degrees from north, clockwise")
        self._bounded("max_angle", 0.0, 90.0, "degrees from horizontal", above=True)
        self._bounded("gcr", 0.0, 1.0, "1", above=True)
        self._bounded("dc_capacity", 0.0, 1e6, "MW", above=True)
        self._bounded("bifaciality", 0.0, 1.0, "1")
        self._bounded("gamma_pdc", -0.01, 0.0, "1/°C")

    @property
    def dc_ac_ratio(self) -> float:
        """Rated power of the modules over the capacity: 1.2 where one of them is not known."""
        if self.dc_capacity is None or self.capacity is None:
            return 1.2
        return self.dc_capacity / self.capacity

    def orientation(self, position: physics.SolarPosition) -> tuple[Array | float, Array | float]:
        """Tilt and azimuth of the modules at a position of the sun. [degree]"""
        if self.mounting == "single_axis":
            return physics.tracker_orientation(
                position, axis_azimuth=self.axis_azimuth, max_angle=self.max_angle, gcr=self.gcr
            )
        tilt = float(physics.optimal_tilt(self.latitude)) if self.surface_tilt is None else self.surface_tilt
        equator = 180.0 if self.latitude >= 0 else 0.0
        return tilt, equator if self.surface_azimuth is None else self.surface_azimuth

    def system(self, position: physics.SolarPosition) -> physics.PVSystem:
        """Modules and inverters, with the orientation at a position of the sun."""
        tilt, azimuth = self.orientation(position)
        return physics.PVSystem(
            surface_tilt=tilt,
            surface_azimuth=azimuth,
            bifaciality=self.bifaciality,
            gcr=self.gcr,
            dc_ac_ratio=self.dc_ac_ratio,
            gamma_pdc=self.gamma_pdc,
        )

    def power(
        self,
        irradiance: physics.Irradiance | Array | float,
        position: physics.SolarPosition,
        *,
        temp_air: Array | float,
        wind_speed: Array | float,
        albedo: Array | float = 0.2,
        soiling: Array | float = 0.0,
        snow: Array | float = 0.0,
    ) -> Array:
        """Power as a share of capacity, by :func:`energyforecast.physics.pv_power`.

        Parameters
        ----------
        irradiance : Irradiance or array
            Of the three components, or global horizontal alone, which is decomposed. [W m⁻²]
        position : SolarPosition
            In the middle of each interval.
        temp_air, wind_speed : array
            Air temperature [°C], and wind speed 10 m above ground. [m s⁻¹]
        albedo, soiling, snow : array
            Share of light that the ground reflects, and shares lost to dirt and snow.

        Examples
        --------
        >>> import numpy as np
        >>> plant = PVPlant(name="pv", latitude=45, longitude=0, capacity=100, mounting="single_axis")
        >>> morning = physics.solar_position(np.datetime64("2024-06-21T08:00"), 45.0, 0.0)
        >>> round(float(plant.power(500.0, morning, temp_air=20.0, wind_speed=2.0)), 2)
        0.75
        """
        if not isinstance(irradiance, physics.Irradiance):
            irradiance = physics.decompose(irradiance, position)
        return physics.pv_power(
            irradiance,
            position,
            system=self.system(position),
            temp_air=temp_air,
            wind_speed=wind_speed,
            albedo=albedo,
            soiling=soiling,
            snow=snow,
        )

    def clear_sky_power(self, position: physics.SolarPosition) -> Array:
        """Power under a clear sky, as a share of capacity, with cells at 25 °C: no weather is assumed.

        Examples
        --------
        >>> import numpy as np
        >>> plant = PVPlant(name="pv", latitude=45, longitude=0, capacity=100)
        >>> midnight = physics.solar_position(np.datetime64("2024-06-21T00:00"), 45.0, 0.0)
        >>> float(plant.clear_sky_power(midnight))
        0.0
        """
        system = self.system(position)
        plane = physics.plane_of_array(
            physics.clear_sky(position, altitude=self.altitude or 0.0),
            position,
            surface_tilt=system.surface_tilt,
            surface_azimuth=system.surface_azimuth,
            bifaciality=system.bifaciality,
            gcr=system.gcr,
        )
        return physics.ac_power(plane.effective, dc_ac_ratio=system.dc_ac_ratio, gamma_pdc=system.gamma_pdc)
