"""Sites: wind farms, PV plants and areas of demand, with the bounds of their parameters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from energyforecast.core import calendars
from energyforecast.core.decrees import Decree, as_decrees
from energyforecast.core.embedded import EmbeddedCapacity, as_embedded
from energyforecast.core.load_profiles import LOAD_PROFILES, LoadProfile
from energyforecast.core.power_kinds import Kind
from energyforecast.core.pv_plant import PVArray, PVPlant
from energyforecast.core.site_base import Site
from energyforecast.core.wind_farm import TurbineGroup, WindFarm
from energyforecast.errors import SchemaError, one_of

__all__ = [
    "DemandArea",
    "EmbeddedCapacity",
    "PVArray",
    "PVPlant",
    "Site",
    "Sites",
    "TurbineGroup",
    "WindFarm",
    "as_sites",
]


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
    decrees : sequence of Decree
        Days off for one year alone that the package ``holidays`` does not know yet, each with the time at which it was
        known.
    embedded : sequence of EmbeddedCapacity
        Capacity of PV and wind behind the meters, once or from several days on. Its power is then a feature of the
        recipe, where the weather has sun or wind.
    load_profile : str, optional
        Standard load profile of such consumers: ``"H25"`` households, ``"G25"`` trade and industry, ``"L25"`` farms,
        or another of ``core.load_profiles.LOAD_PROFILES``. With `yearly_energy` [GWh] it is the
        forecast until the first day is measured.

    Raises
    ------
    SchemaError
        If the package ``holidays`` does not know the country or its part, or there are decrees without a country.

    See Also
    --------
    EmbeddedCapacity, energyforecast.features.EmbeddedPower, energyforecast.features.StandardLoadProfile
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
    decrees: tuple[Decree, ...] = ()
    embedded: tuple[EmbeddedCapacity, ...] = ()
    load_profile: LoadProfile | None = None

    def __post_init__(self) -> None:
        capacities = as_embedded(self.embedded, area=self.name, timezone=self.timezone)
        object.__setattr__(self, "embedded", capacities)
        object.__setattr__(self, "decrees", as_decrees(self.decrees, area=self.name))
        super().__post_init__()
        one_of(f"sector of site {self.name!r}", self.sector, allowed=("total", "industry", "households"))
        if self.load_profile is not None:
            one_of(f"load_profile of site {self.name!r}", self.load_profile, allowed=LOAD_PROFILES)
        if self.country is not None:
            calendars.check_country(self.country, self.subdivision)
        elif self.subdivision is not None:
            raise SchemaError(
                f"Site {self.name!r} has the subdivision {self.subdivision!r} and no country.",
                "A subdivision must be part of a country.",
                "Give both, e.g. country='AU', subdivision='VIC'.",
            )
        elif self.decrees:
            raise SchemaError(
                f"Site {self.name!r} has decrees and no country.",
                "A decree must change the holidays of a country.",
                "Give country, too, e.g. country='KZ'.",
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
