"""Plants and areas: frozen, keyword-only, checked at birth."""

from __future__ import annotations

import math
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from energyforecast import calendars, times
from energyforecast.errors import ApproximateCoordinatesWarning, RangeError, SchemaError
from energyforecast.power_curves import PowerCurve

__all__ = ["DemandArea", "PVPlant", "Site", "Sites", "Source", "WindFarm", "as_sites", "catalogue"]

Certainty: TypeAlias = Literal["stated", "derived", "approximate"]

#: Coordinates that may be off by this much can fall into another cell of a weather model. [km]
_COARSE: Final = 5.0


@dataclass(frozen=True)
class Source:
    """Who says a thing, and how certain it is.

    Parameters
    ----------
    text : str
        The source, by name.
    certainty : {"stated", "derived", "approximate"}
        A named source says so; computed or inferred from what sources state; a usable guess.

    Examples
    --------
    >>> Source("pypsa-kz-data, CC-BY-4.0", "stated").certainty
    'stated'
    """

    text: str
    certainty: Certainty

    def __post_init__(self) -> None:
        if self.certainty not in get_args(Certainty):
            raise SchemaError(
                f"The source {self.text!r} has the certainty {self.certainty!r}.",
                f"A certainty is one of {', '.join(get_args(Certainty))}.",
                "Choose one of them.",
            )


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
    coordinate_uncertainty_km : float, optional
        How far from the true place the coordinates may lie; for an area, about how far its consumers
        lie from the point. [km]
    equipment : str, optional
        Turbines or modules, in words.
    yearly_energy : float, optional
        Energy of a year, as planned or published. [GWh]
    sources : mapping of Source, optional
        By field: who says so, and how certain it is.

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
    coordinate_uncertainty_km: float | None = None
    equipment: str | None = None
    yearly_energy: float | None = None
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise SchemaError("A site has an empty name.", "Every site has a name.", "Give it one.")
        object.__setattr__(self, "sources", _as_sources(self.sources, self))
        times.zone(self.timezone)
        self._bounded("latitude", -90.0, 90.0, "degrees, north positive")
        self._bounded("longitude", -180.0, 180.0, "degrees, east positive")
        self._bounded("capacity", 0.0, 1e6, "MW", above=True)
        self._bounded("altitude", -500.0, 9000.0, "m")
        self._bounded("coordinate_uncertainty_km", 0.0, 5000.0, "km")
        self._bounded("yearly_energy", 0.0, 1e8, "GWh", above=True)

    def coordinates_for_weather(self) -> tuple[float, float]:
        """Latitude and longitude at which a source of weather is asked; it warns if they are coarse.

        Returns
        -------
        latitude, longitude : float
            [degree]

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
                f"The coordinates of {self.name!r} ({self.latitude:g}, {self.longitude:g}) stand for a place up "
                f"to {self.coordinate_uncertainty_km:g} km away.\n"
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
        inside = low <= value <= high and not (above and value <= low)
        if not (math.isfinite(value) and inside):
            raise RangeError(
                f"Site {self.name!r} has {field} {value}.",
                f"{field} lies {'above' if above else 'from'} {low:g} and up to {high:g} [{unit}].",
                "Correct the value; latitude and longitude may be exchanged, or the unit may be another.",
            )


def _as_sources(given: Mapping[str, Any], site: Site) -> dict[str, Source]:
    """Sources by field; also from plain mappings, as a file holds them."""
    result = {}
    for name, item in given.items():
        if not hasattr(site, name):
            raise SchemaError(
                f"Site {site.name!r} has a source for {name!r}, which is not a field of a {type(site).__name__}.",
                "Sources are given by field.",
                "Correct the name.",
            )
        result[name] = item if isinstance(item, Source) else Source(**item)
    return result


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
    power_curve: PowerCurve | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.power_curve is None or isinstance(self.power_curve, PowerCurve)):
            raise SchemaError(
                f"Site {self.name!r} has the power curve {self.power_curve!r}.",
                "A power curve is a PowerCurve object.",
                "Read it: power_curve=PowerCurve.read('curve.csv').",
            )
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
    country : str, optional
        ISO 3166 code of the country whose holidays are kept, e.g. ``"KZ"``.
    subdivision : str, optional
        Code of the part of the country, where it has holidays of its own, e.g. ``"VIC"`` of ``"AU"``.

    Examples
    --------
    >>> city = DemandArea(name="city", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ")
    >>> city.sector, city.country
    ('total', 'KZ')
    """

    kind: ClassVar[str] = "demand"

    sector: Literal["total", "industry", "households"] = "total"
    country: str | None = None
    subdivision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._place()
        if self.sector not in ("total", "industry", "households"):
            raise SchemaError(
                f"Site {self.name!r} has the sector {self.sector!r}.",
                "A sector is 'total', 'industry' or 'households'.",
                "Choose one of them.",
            )

    def _place(self) -> None:
        if self.country is not None:
            calendars.check_country(self.country, self.subdivision)
        elif self.subdivision is not None:
            raise SchemaError(
                f"Site {self.name!r} has the subdivision {self.subdivision!r} and no country.",
                "A subdivision is part of a country.",
                "Give both, e.g. country='AU', subdivision='VIC'.",
            )


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


_KINDS: Final[dict[str, type[Site]]] = {kind.kind: kind for kind in (WindFarm, PVPlant, DemandArea)}


def catalogue() -> dict[str, Site]:
    """Public plants and areas, first of all of Central Asia, with the source of each fact.

    What no source states is absent: a farm may lack its turbines, a pass its capacity.

    Returns
    -------
    dict of Site
        By identifier.

    Notes
    -----
    Coordinates and capacities in Kazakhstan are those of pypsa-kz-data (CC-BY-4.0). Positions in
    Uzbekistan and that of Balykchy are approximate (10 km). An area is given by one point.

    Examples
    --------
    >>> sites = catalogue()
    >>> sites["zhanatas"].capacity, sites["zhanatas"].equipment
    (100, '40 × Envision 2.5 MW')
    >>> sites["bash"].sources["latitude"].certainty, sites["bash"].coordinate_uncertainty_km
    ('approximate', 10)
    """
    return dict(_catalogue())


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, Site]:
    text = (files("energyforecast") / "data" / "sites.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    known = tables.pop("sources")
    return {name: _from_table(table, known) for name, table in tables.items()}


def _from_table(table: Mapping[str, Any], known: Mapping[str, str]) -> Site:
    given = dict(table)
    kind, place = given.pop("kind"), given.pop("coordinates")
    values: dict[str, Any] = {"name": given.pop("name"), "timezone": given.pop("timezone")}
    values["latitude"], values["longitude"] = place["value"]
    values["coordinate_uncertainty_km"] = place["uncertainty_km"]
    values |= {name: entry["value"] for name, entry in given.items()}
    facts = dict.fromkeys(("latitude", "longitude"), place) | given
    sources = {
        name: Source(known.get(entry["source"], entry["source"]), entry["certainty"])
        for name, entry in facts.items()
    }
    sources["timezone"] = Source(known["time_zones"], "derived")
    return _KINDS[kind](**values, sources=sources)
