"""Plants and areas: frozen, keyword-only, checked at birth."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from energyforecast import times
from energyforecast.errors import RangeError, SchemaError

__all__ = ["DemandArea", "PVPlant", "Site", "Sites", "WindFarm", "as_sites"]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place whose power or demand is forecast.

    Parameters
    ----------
    name : str
        Name; the label of the ``site`` dimension everywhere.
    latitude : float
        Latitude, north positive. [degree]
    longitude : float
        Longitude, east positive, -180 to 180. [degree]
    capacity : float, optional
        Installed capacity, the upper bound of every forecast; ``None`` where there is none. [MW]
    timezone : str
        Zone of the site's wall clock, for calendar features.
    altitude : float, optional
        Height of the ground above sea level. [m]

    Raises
    ------
    RangeError
        If a coordinate or the capacity is impossible.

    Examples
    --------
    >>> Site(name="somewhere", latitude=43.6, longitude=78.5, capacity=60).capacity
    60
    """

    kind: ClassVar[str] = "site"

    name: str
    latitude: float
    longitude: float
    capacity: float | None = None
    timezone: str = "UTC"
    altitude: float | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise SchemaError("A site has an empty name.", "Every site has a name.", "Give it one.")
        times.zone(self.timezone)
        self._bounded("latitude", -90.0, 90.0, "degrees, north positive")
        self._bounded("longitude", -180.0, 180.0, "degrees, east positive")
        self._bounded("capacity", 0.0, 1e6, "MW", above=True)
        self._bounded("altitude", -500.0, 9000.0, "m")

    def _bounded(self, field: str, low: float, high: float, unit: str, *, above: bool = False) -> None:
        value = getattr(self, field)
        if value is None:
            return
        inside = low <= value <= high and not (above and value <= low)
        if not (math.isfinite(value) and inside):
            raise RangeError(
                f"Site {self.name!r} has {field} {value}.",
                f"{field} lies {'above' if above else 'from'} {low:g} and up to {high:g} [{unit}].",
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

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2, hub_height=80)
    >>> farm.kind
    'wind'
    """

    kind: ClassVar[str] = "wind"

    hub_height: float | None = None
    rotor_diameter: float | None = None
    turbines: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._bounded("hub_height", 0.0, 300.0, "m", above=True)
        self._bounded("rotor_diameter", 0.0, 400.0, "m", above=True)
        self._bounded("turbines", 0.0, 10_000.0, "turbines", above=True)


@dataclass(frozen=True, kw_only=True)
class PVPlant(Site):
    """A photovoltaic plant.

    Parameters
    ----------
    surface_tilt : float, optional
        Tilt of fixed modules from the horizontal. [degree]
    surface_azimuth : float, optional
        Direction that fixed modules face, from north clockwise. [degree]

    Examples
    --------
    >>> PVPlant(name="pv", latitude=43.97, longitude=77.11, capacity=100, surface_tilt=35).kind
    'solar'
    """

    kind: ClassVar[str] = "solar"

    surface_tilt: float | None = None
    surface_azimuth: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._bounded("surface_tilt", 0.0, 180.0, "degrees from horizontal")
        self._bounded("surface_azimuth", 0.0, 360.0, "degrees from north, clockwise")


@dataclass(frozen=True, kw_only=True)
class DemandArea(Site):
    """An area whose demand is forecast; it needs no capacity.

    Parameters
    ----------
    sector : {"total", "industry", "households"}
        Whose demand it is.

    Examples
    --------
    >>> DemandArea(name="city", latitude=43.24, longitude=76.9, timezone="Asia/Almaty").sector
    'total'
    """

    kind: ClassVar[str] = "demand"

    sector: Literal["total", "industry", "households"] = "total"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sector not in ("total", "industry", "households"):
            raise SchemaError(
                f"Site {self.name!r} has the sector {self.sector!r}.",
                "A sector is 'total', 'industry' or 'households'.",
                "Choose one of them.",
            )


#: One site or several.
Sites: TypeAlias = Site | Iterable[Site]


def as_sites(sites: Sites) -> tuple[Site, ...]:
    """One or several sites as a tuple, their names unique.

    Raises
    ------
    SchemaError
        If there is none, or two have the same name.

    Examples
    --------
    >>> len(as_sites(Site(name="a", latitude=0, longitude=0)))
    1
    """
    several = (sites,) if isinstance(sites, Site) else tuple(sites)
    if not several or not all(isinstance(site, Site) for site in several):
        raise SchemaError(
            f"{several!r} is not a site or a sequence of sites.",
            "Sites are WindFarm, PVPlant, DemandArea or Site objects, at least one.",
            "Give one, e.g. WindFarm(name=..., latitude=..., longitude=..., capacity=...).",
        )
    names = [site.name for site in several]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SchemaError(
            f"The site name {repeated[0]!r} is given twice.",
            "Names of sites are unique.",
            "Rename one of them.",
        )
    return several
