"""PV plants: modules, inverters and their power from the weather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core.power_kinds import Kind
from energyforecast.core.pv_array import Horizon, PVArray, as_arrays, as_horizon, check_inverters
from energyforecast.core.site_base import Site
from energyforecast.errors import SchemaError, one_of
from energyforecast.physics.pv_system import TemperatureModel, Transposition

__all__ = ["PVArray", "PVPlant"]

Array = npt.NDArray[Any]
#: Rated power of modules over the capacity where one of them is not known.
_USUAL_RATIO = 1.2


@dataclass(frozen=True, kw_only=True)
class PVPlant(Site):
    """A photovoltaic plant.

    Parameters
    ----------
    mounting : {"fixed", "single_axis"}
        Fixed modules, or trackers with one axis.
    surface_tilt : float, optional
        Tilt of fixed modules from the horizontal; by default the optimal one of the latitude. [degree]
    surface_azimuth : float, optional
        Direction that fixed modules face, from north clockwise; by default the equator's. [degree]
    axis_azimuth : float
        Direction of a tracker's axis, from north clockwise. [degree]
    axis_tilt : float
        Tilt of a tracker's axis; its end in the direction of `axis_azimuth` is the lower one. [degree]
    cross_axis_tilt : float
        Slope of the ground across trackers' axes, signed as by ``pvlib.tracking.calc_cross_axis_tilt``. [degree]
    max_angle : float
        Greatest rotation of a tracker from the horizontal. [degree]
    backtracking : bool
        Trackers turn back where they would shade each other.
    gcr : float
        Area of the modules over that of the ground.
    row_shading : bool
        Rows shade each other, on level ground (:func:`energyforecast.physics.row_shading`).
    dc_capacity : float, optional
        Rated power of the modules: the sum of those of `arrays`, or 1.2 times the capacity where it is not known. [MW]
    arrays : sequence of PVArray
        Modules of several orientations or inverters; fields that an array does not give are those of the plant.
    inverters : mapping of float
        Capacity of each inverter, by the name that its arrays have. Each limits its own arrays. [MW]
    export_limit : float, optional
        Most power that the plant may give to the grid; forecasts do not exceed it. [MW]
    horizon : sequence of (float, float)
        Direction and elevation of the horizon (:func:`energyforecast.physics.behind_horizon`). [degree]
    transposition : {"haydavies", "perez", "perez-driesse"}
        Model of the sky.
    temperature_model : {"sapm", "sapm_close_mount", "sapm_insulated_back", "pvsyst", "pvsyst_semi_integrated", \
"pvsyst_insulated", "faiman"}
        Model of the cells' temperature (:func:`energyforecast.physics.cell_temperature`).
    snow : bool
        Snow covers the modules: their power uses ``snow_loss`` of the weather, by
        :func:`energyforecast.weather.module_losses`.
    soiling_rate : float, optional
        Share of light lost to dirt per dry day; power uses ``soiling_loss`` of the weather. [d⁻¹]
    bifaciality : float
        Efficiency of the modules' rear over that of their front; 0 for modules with one face.
    gamma_pdc : float
        Change of the modules' power with their temperature. [°C⁻¹]

    Raises
    ------
    RangeError, SchemaError
        If a field is out of its range, or arrays and inverters do not fit together.

    See Also
    --------
    PVArray, energyforecast.physics.pv_power, energyforecast.physics.optimal_tilt

    Examples
    --------
    >>> plant = PVPlant(name="pv", latitude=43.97, longitude=77.11, capacity=100, surface_tilt=35)
    >>> plant.kind, plant.dc_ac_ratio
    ('solar', 1.2)
    >>> sides = [PVArray(dc_capacity=0.06, surface_azimuth=side) for side in (90, 270)]
    >>> roof = PVPlant(name="roof", latitude=60, longitude=11, capacity=0.1, surface_tilt=20, arrays=sides)
    >>> [part.surface_azimuth for part in roof.parts], roof.dc_ac_ratio
    ([90, 270], 1.2)
    """

    kind: ClassVar[Kind] = "solar"

    mounting: Literal["fixed", "single_axis"] = "fixed"
    surface_tilt: float | None = None
    surface_azimuth: float | None = None
    axis_azimuth: float = 180.0
    axis_tilt: float = 0.0
    cross_axis_tilt: float = 0.0
    max_angle: float = 55.0
    backtracking: bool = True
    gcr: float = 0.4
    row_shading: bool = False
    dc_capacity: float | None = None
    bifaciality: float = 0.0
    gamma_pdc: float = -0.0035
    arrays: Sequence[PVArray] = ()
    inverters: Mapping[str, float] = field(default_factory=dict, hash=False)
    export_limit: float | None = None
    horizon: Horizon = ()
    transposition: Transposition = "haydavies"
    temperature_model: TemperatureModel = "sapm"
    snow: bool = False
    soiling_rate: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", as_arrays(self.arrays, plant=self.name))
        object.__setattr__(self, "horizon", as_horizon(self.horizon, plant=self.name))
        super().__post_init__()
        object.__setattr__(self, "inverters", dict(self.inverters))
        one_of(f"mounting of site {self.name!r}", self.mounting, allowed=("fixed", "single_axis"))
        self._bounded("surface_tilt", 0.0, 90.0, "degrees from horizontal")
        self._bounded("surface_azimuth", 0.0, 360.0, "degrees from north, clockwise")
        self._bounded("axis_azimuth", 0.0, 360.0, "degrees from north, clockwise")
        self._bounded("max_angle", 0.0, 90.0, "degrees from horizontal", above=True)
        self._bounded("gcr", 0.0, 1.0, "1", above=True)
        self._bounded("dc_capacity", 0.0, 1e6, "MW", above=True)
        self._bounded("bifaciality", 0.0, 1.0, "1")
        self._bounded("gamma_pdc", -0.01, 0.0, "1/°C")
        self._bounded("axis_tilt", 0.0, 90.0, "degrees from horizontal")
        self._bounded("cross_axis_tilt", -60.0, 60.0, "degrees from horizontal")
        self._bounded("soiling_rate", 0.0, 0.1, "1/d", above=True)
        self._bounded("export_limit", 0.0, self.capacity or 0.0, "MW, at most the capacity", above=True)
        for name, models in (("transposition", Transposition), ("temperature_model", TemperatureModel)):
            one_of(f"{name} of site {self.name!r}", getattr(self, name), allowed=get_args(models))
        if self.horizon:
            physics.sky_view(*zip(*self.horizon, strict=True))
        self._check_arrays()

    def _check_arrays(self) -> None:
        if self.row_shading and (self.axis_tilt or self.cross_axis_tilt):
            raise SchemaError(
                f"Site {self.name!r} has row_shading, axis_tilt {self.axis_tilt:g} and cross_axis_tilt "
                f"{self.cross_axis_tilt:g}.",
                "Rows that shade each other must be on level ground.",
                "Leave row_shading out, and keep backtracking.",
            )
        check_inverters(self.arrays, self.inverters, plant=self.name)
        total = sum(array.dc_capacity for array in self.arrays)
        if self.arrays and self.dc_capacity is not None and abs(self.dc_capacity / total - 1) > 0.001:
            raise SchemaError(
                f"Site {self.name!r} has dc_capacity {self.dc_capacity:g}, and its arrays have {total:g} MW.",
                "The rated power of the modules must be the sum of that of the arrays.",
                "Leave dc_capacity out where arrays are given.",
            )
        _ = self.parts

    @cached_property
    def parts(self) -> tuple[PVPlant, ...]:
        """Arrays as plants of one orientation, each with the capacity of its inverter."""
        if not self.arrays:
            return (self,)
        rated = sum(array.dc_capacity for array in self.arrays) / _USUAL_RATIO
        whole = rated if self.capacity is None else self.capacity
        plain: Any = {"arrays": (), "inverters": {}, "export_limit": None, "sources": {}}
        return tuple(
            replace(
                self,
                capacity=self.inverters.get(array.inverter or "", whole),
                dc_capacity=array.dc_capacity,
                **plain,
                **array.changes,
            )
            for array in self.arrays
        )

    @property
    def dc_ac_ratio(self) -> float:
        """Rated power of the modules over the capacity: 1.2 where one of them is not known."""
        rated = sum(array.dc_capacity for array in self.arrays) or self.dc_capacity
        return _USUAL_RATIO if rated is None or self.capacity is None else rated / self.capacity

    @property
    def largest_share(self) -> float:
        """Upper bound of the power as a share of capacity: that of the export limit."""
        return 1.0 if self.export_limit is None or not self.capacity else self.export_limit / self.capacity

    def orientation(self, position: physics.SolarPosition) -> tuple[Array | float, Array | float]:
        """Tilt and azimuth of the modules at a position of the sun; of arrays ask each of ``parts``. [degree]"""
        if self.arrays:
            raise SchemaError(
                f"Site {self.name!r} has {len(self.arrays)} arrays.",
                "One orientation is that of a plant without arrays.",
                "Ask each array: [part.orientation(position) for part in plant.parts].",
            )
        if self.mounting == "single_axis":
            return physics.tracker_orientation(
                position,
                axis_azimuth=self.axis_azimuth,
                max_angle=self.max_angle,
                gcr=self.gcr,
                axis_tilt=self.axis_tilt,
                cross_axis_tilt=self.cross_axis_tilt,
                backtracking=self.backtracking,
            )
        tilt = float(physics.optimal_tilt(self.latitude)) if self.surface_tilt is None else self.surface_tilt
        equator = 180.0 if self.latitude >= 0 else 0.0
        return tilt, equator if self.surface_azimuth is None else self.surface_azimuth

    def system(self, position: physics.SolarPosition) -> physics.PVSystem:
        """Modules and inverter, with the orientation at a position of the sun; of arrays ask each of ``parts``."""
        tilt, azimuth = self.orientation(position)
        return physics.PVSystem(
            surface_tilt=tilt,
            surface_azimuth=azimuth,
            bifaciality=self.bifaciality,
            gcr=self.gcr,
            dc_ac_ratio=self.dc_ac_ratio,
            gamma_pdc=self.gamma_pdc,
            transposition=self.transposition,
            temperature_model=self.temperature_model,
            row_shading=self.row_shading,
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
        r"""Power as a share of capacity, by :func:`energyforecast.physics.pv_power`.

        .. math:: P = \min\Bigl(\sum_k \frac{C_k}{C} P_k,\, 1,\, \frac{L}{C}\Bigr)

        with the power :math:`P_k` and the capacity :math:`C_k` of each inverter, the capacity :math:`C` of the plant
        and its export limit :math:`L`.

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
        weather: Any = {"temp_air": temp_air, "wind_speed": wind_speed, "albedo": albedo}
        return self._power(irradiance, position, weather | {"soiling": soiling, "snow": snow})

    def _power(
        self, irradiance: physics.Irradiance, position: physics.SolarPosition, weather: Mapping[str, Any]
    ) -> Array:
        """Power of all inverters, within the export limit, as a share of capacity."""
        if self.horizon:
            azimuth, elevation = zip(*self.horizon, strict=True)
            irradiance = physics.behind_horizon(irradiance, position, azimuth=azimuth, elevation=elevation)
        systems = [part.system(position) for part in self.parts]
        if not self.inverters:
            power = physics.pv_power(irradiance, position, system=systems, **weather)
            return power if self.largest_share == 1.0 else np.minimum(power, self.largest_share)
        whole = sum(self.inverters.values()) if self.capacity is None else self.capacity
        total: Array | float = 0.0
        for name, capacity in self.inverters.items():
            own = [one for one, array in zip(systems, self.arrays, strict=True) if array.inverter == name]
            total = total + capacity / whole * physics.pv_power(irradiance, position, system=own, **weather)
        return np.minimum(total, self.largest_share)

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
        clear = physics.clear_sky(position, altitude=self.altitude or 0.0)
        return self._power(clear, position, {"temp_air": None})
