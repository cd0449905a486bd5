"""Sites: wind farms, PV plants and areas of demand, with the bounds of their parameters."""

from __future__ import annotations

import math
import unicodedata
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar, Final, Literal, TypeAlias

import numpy.typing as npt

from energyforecast import physics
from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.power_kinds import Kind
from energyforecast.core.site_facts import Source, as_sources
from energyforecast.errors import ApproximateCoordinatesWarning, RangeError, SchemaError, of_type, one_of

__all__ = ["DemandArea", "PVPlant", "Site", "Sites", "WindFarm", "as_sites"]

#: Coordinates that may be off by this much can fall into another cell of a weather model. [km]
_COARSE: Final = 5.0
Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Site with a forecast of power or demand.

    Parameters
    ----------
    name : str
        Name; the label of the ``site`` dimension everywhere.
    latitude : float
        Latitude, north positive. [degree]
    longitude : float
        Longitude, east positive, -180 to 180. [degree]
    capacity : float, optional
        Installed capacity, the upper bound of every forecast; ``None`` if unknown. [MW]
    timezone : str
        Zone of the site's wall clock, for calendar features.
    altitude : float, optional
        Of the ground above sea level. [m]
    coordinate_uncertainty_km : float, optional
        Distance of the coordinates from the true place, at most; of an area, from its consumers. [km]
    equipment : str, optional
        Turbines or modules, in words.
    yearly_energy : float, optional
        Energy of a year, as planned or published. [GWh]
    sources : mapping of Source, optional
        Source and certainty of facts, by field.

    Raises
    ------
    RangeError
        If a coordinate or the capacity is impossible.

    See Also
    --------
    WindFarm, PVPlant, DemandArea, energyforecast.catalogue

    Examples
    --------
    >>> Site(name="somewhere", latitude=43.6, longitude=78.5, capacity=60).capacity
    60
    """

    #: Kind of its power, by the class: ``"site"`` where it is not known.
    kind: ClassVar[Kind] = "site"

    name: str
    latitude: float
    longitude: float
    capacity: float | None = None
    timezone: str = "UTC"
    altitude: float | None = None
    coordinate_uncertainty_km: float | None = None
    equipment: str | None = None
    yearly_energy: float | None = None
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", as_sources(self.sources, self))
        check_types(vars(self), of=type(self))
        if not self.name:
            raise SchemaError("A site has an empty name.", "Every site must have a name.", "Give it one.")
        timestamps.zone(self.timezone)
        self._bounded("latitude", -90.0, 90.0, "degrees, north positive")
        self._bounded("longitude", -180.0, 180.0, "degrees, east positive")
        self._bounded("capacity", 0.0, 1e6, "MW", above=True)
        self._bounded("altitude", -500.0, 9000.0, "m")
        self._bounded("coordinate_uncertainty_km", 0.0, 5000.0, "km")
        self._bounded("yearly_energy", 0.0, 1e8, "GWh", above=True)

    def coordinates_for_weather(self) -> tuple[float, float]:
        """Latitude and longitude for weather, with a warning if they are coarse. [degree]

        Warns
        -----
        ApproximateCoordinatesWarning
            If they may be 5 km or more off.

        Examples
        --------
        >>> Site(name="somewhere", latitude=43.6, longitude=78.5).coordinates_for_weather()
        (43.6, 78.5)
        """
        if self.coordinate_uncertainty_km is not None and self.coordinate_uncertainty_km >= _COARSE:
            warnings.warn(
                f"The coordinates of {self.name!r} ({self.latitude:g}, {self.longitude:g}) may lie up to "
                f"{self.coordinate_uncertainty_km:g} km from the true place.\n"
                "Weather is asked for at a point, and differs over such a distance.\n"
                "Give better ones: dataclasses.replace(site, latitude=..., longitude=..., "
                "coordinate_uncertainty_km=...); for an area, several points.",
                ApproximateCoordinatesWarning,
                stacklevel=2,
            )
        return self.latitude, self.longitude

    def _bounded(self, field: str, low: float, high: float, unit: str, *, above: bool = False) -> None:
        value = getattr(self, field)
        if value is None:
            return
        finite = isinstance(value, Real) and math.isfinite(value)
        if not (finite and low <= value <= high and not (above and value <= low)):
            raise RangeError(
                f"Site {self.name!r} has {field} {value if isinstance(value, Real) else repr(value)}.",
                f"{field} must lie {'above' if above else 'from'} {low:g} and up to {high:g} [{unit}].",
                "Correct the value; latitude and longitude may be exchanged, or the unit may be another.",
            )


@dataclass(frozen=True, kw_only=True)
class WindFarm(Site):
    """A wind farm.

    Parameters
    ----------
    hub_height : float, optional
        Height of the hubs above ground. [m]
    rotor_diameter : float, optional
        Diameter of the rotors. [m]
    turbines : int, optional
        Number of turbines.
    power_curve : PowerCurve, optional
        Power by the wind at hub height; of one turbine or of the farm, as a share of its rated power.

    See Also
    --------
    PowerCurve, energyforecast.features.PowerCurvePower

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2, hub_height=80)
    >>> farm.kind
    'wind'
    """

    kind: ClassVar[Kind] = "wind"

    hub_height: float | None = None
    rotor_diameter: float | None = None
    turbines: int | None = None
    power_curve: PowerCurve | None = None

    def __post_init__(self) -> None:
        if self.power_curve is not None:
            remedy = "Read it: power_curve=PowerCurve.read('curve.csv')."
            of_type("The power curve", self.power_curve, expected=PowerCurve, remedy=remedy)
        super().__post_init__()
        self._bounded("hub_height", 0.0, 300.0, "m", above=True)
        self._bounded("rotor_diameter", 0.0, 400.0, "m", above=True)
        self._bounded("turbines", 0.0, 10_000.0, "turbines", above=True)


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


@dataclass(frozen=True, kw_only=True)
class DemandArea(Site):
    """Area of consumers; demand is negative while it feeds back, and an optional capacity bounds both directions.

    Parameters
    ----------
    sector : {"total", "industry", "households"}
        Consumers: all, or one sector.
    country : str, optional
        ISO 3166 code of the country that sets the holidays, e.g. ``"KZ"``.
    subdivision : str, optional
        Code of the part of the country, where it has other holidays, e.g. ``"VIC"`` of ``"AU"``.

    See Also
    --------
    energyforecast.core.calendars.look_up : Holidays of countries.

    Examples
    --------
    >>> city = DemandArea(name="city", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ")
    >>> city.sector, city.country
    ('total', 'KZ')
    """

    kind: ClassVar[Kind] = "demand"

    sector: Literal["total", "industry", "households"] = "total"
    country: str | None = None
    subdivision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(f"sector of site {self.name!r}", self.sector, allowed=("total", "industry", "households"))
        if self.country is not None:
            calendars.check_country(self.country, self.subdivision)
        elif self.subdivision is not None:
            raise SchemaError(
                f"Site {self.name!r} has the subdivision {self.subdivision!r} and no country.",
                "A subdivision must be part of a country.",
                "Give both, e.g. country='AU', subdivision='VIC'.",
            )


Sites: TypeAlias = Site | Iterable[Site]  #: One site or several.


def as_sites(sites: Sites) -> tuple[Site, ...]:
    """One or several sites as a tuple, their names unique."""
    several = (sites,) if isinstance(sites, Site) else tuple(sites)
    if not several or not all(isinstance(site, Site) for site in several):
        raise SchemaError(
            f"{several!r} is not a site or a sequence of sites.",
            "Sites must be WindFarm, PVPlant, DemandArea or Site objects, at least one.",
            "Give one, e.g. WindFarm(name=..., latitude=..., longitude=..., capacity=...).",
        )
    names = [unicodedata.normalize("NFC", site.name) for site in several]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SchemaError(
            f"The site name {repeated[0]!r} is given twice.", "Names of sites must be unique.", "Rename one."
        )
    return several
