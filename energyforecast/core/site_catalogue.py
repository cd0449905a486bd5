"""Sites of the catalogue that ships with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from energyforecast.core.site_facts import Source
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm

__all__ = ["catalogue"]

_CLASSES: Final[dict[str, type[Site]]] = {made.kind: made for made in (WindFarm, PVPlant, DemandArea)}


def catalogue() -> dict[str, Site]:
    """Public plants and areas, first of all of Central Asia, with the source of each fact.

    Facts that no source states are absent: a farm may lack its turbines, a pass its capacity.

    Returns
    -------
    dict of Site
        By identifier.

    See Also
    --------
    energyforecast.Site

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
    text = (files("energyforecast.core") / "data" / "sites.toml").read_text(encoding="utf-8")
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
    return _CLASSES[kind](**values, sources=sources)
