"""Site: the common part of wind farms, PV plants and areas of demand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.power_kinds import Kind
from energyforecast.core.site_facts import Source, as_sources
from energyforecast.errors import ApproximateCoordinatesWarning, RangeError, SchemaError

__all__ = ["Site"]

Array = npt.NDArray[Any]
#: Coordinates that may be off by this much can fall into another cell of a weather model. [km]
_COARSE: Final = 5.0


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

    @property
    def largest_share(self) -> float:
        """Upper bound of the power as a share of capacity."""
        return 1.0

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

    @property
    def grows(self) -> bool:
        """Whether its capacity in service follows from commissioning dates."""
        return False

    def capacity_at(self, valid_time: Any) -> Array:
        """Installed capacity at given hours, in the shape of the hours; NaN where it is not known. [MW]"""
        rated = np.nan if self.capacity is None else float(self.capacity)
        return np.full(timestamps.instants(valid_time).shape, rated)

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
