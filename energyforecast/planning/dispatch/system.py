"""The declared system that a plan runs: areas, links, thermal units, storages and electrolysers.

.. code-block:: toml

    areas = ["North", "South"]
    shedding_cost = 3000         # currency/MWh; without it no demand may be left unserved
    curtailment_cost = 0

    [units."North coal"]
    area = "North"
    capacity = 1000              # MW
    cost = 20                    # currency/MWh

    [links."HVDC"]
    from_area = "North"
    to_area = "South"
    capacity = 500
    losses = 0.05

Power is in MW, energy in MWh, money in any one currency. Storages are in the tables ``pumped_storages`` and
``batteries``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from energyforecast.core.arguments import check_types
from energyforecast.errors import ConfigurationError, EnergyForecastError, SchemaError, of_type
from energyforecast.planning.dispatch.components import (
    Area,
    Battery,
    Electrolyser,
    HVDCLink,
    PumpedStorage,
    ThermalUnit,
    check_bounds,
)

__all__ = ["PARTS", "PRICES", "System"]


@dataclass(frozen=True, kw_only=True)
class System:
    """Areas with the components in them and between them.

    Parameters
    ----------
    areas : sequence of Area
    units : sequence of ThermalUnit
    links : sequence of HVDCLink
    storages : sequence of PumpedStorage or Battery
    electrolysers : sequence of Electrolyser
    shedding_cost : float, optional
        Price of unserved demand; without it all must be served. [currency/MWh]
    curtailment_cost : float
        Price of curtailed wind and solar power. [currency/MWh]
    surplus_cost : float, optional
        Price of surplus power that units at their minimum cannot avoid; that of shedding by default. [currency/MWh]

    Raises
    ------
    SchemaError
        If a name occurs twice or is one that a plan makes (``"South wind"``), or an area is not declared.
    RangeError
        If a price is negative.

    See Also
    --------
    plan_deterministic, plan_scenarios, to_pypsa

    Examples
    --------
    >>> System(
    ...     areas=[Area(name="South")],
    ...     units=[ThermalUnit(name="gas", area="South", capacity=300, cost=60)],
    ...     shedding_cost=3000,
    ... )
    System of South: gas
    """

    areas: Sequence[Area]
    units: Sequence[ThermalUnit] = ()
    links: Sequence[HVDCLink] = ()
    storages: Sequence[PumpedStorage | Battery] = ()
    electrolysers: Sequence[Electrolyser] = ()
    shedding_cost: float | None = None
    curtailment_cost: float = 0.0
    surplus_cost: float | None = None

    def __post_init__(self) -> None:
        for area in self.areas if isinstance(self.areas, list | tuple) else ():
            of_type("An area", area, expected=Area, remedy=f"Give Area(name={area!r}).")
        check_types(vars(self), of=type(self))
        for group in ("areas", "units", "links", "storages", "electrolysers"):
            object.__setattr__(self, group, tuple(getattr(self, group)))
        check_bounds(
            self, ("shedding_cost", 0, np.inf), ("curtailment_cost", 0, np.inf), ("surplus_cost", 0, np.inf)
        )
        if self.surplus_cost is None:
            object.__setattr__(self, "surplus_cost", self.shedding_cost)
        self._check_names()
        self._check_areas()

    def _check_names(self) -> None:
        names = [part.name for part in (*self.areas, *self._parts)]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled or not self.areas:
            raise SchemaError(
                f"The system has the names {names}" + (f"; {doubled} more than once." if doubled else "."),
                "A system must have areas, and the names of its parts must be unique.",
                "Rename one of them." if doubled else "Give areas.",
            )
        reserved = {made: part.name for part in (*self.areas, *self._parts) for made in _made_names(part)}
        taken = next((name for name in names if name in reserved), None)
        if taken is not None:
            raise SchemaError(
                f"A part of the system has the name {taken!r}.",
                f"This name must remain free: the plan itself gives it to a component of {reserved[taken]!r}.",
                f"Rename {taken!r}.",
            )

    def _check_areas(self) -> None:
        for part in self._parts:
            for name in (part.from_area, part.to_area) if isinstance(part, HVDCLink) else (part.area,):
                if name not in self.area_names:
                    raise SchemaError(
                        f"{type(part).__name__} {part.name!r} lies in the area {name!r}.",
                        f"The areas are {list(self.area_names)}.",
                        "Correct the name, or add the area.",
                    )

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (*self.units, *self.links, *self.storages, *self.electrolysers)

    @property
    def area_names(self) -> tuple[str, ...]:
        """Names of the areas."""
        return tuple(area.name for area in self.areas)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> System:
        """A system of plain tables, as ``tomllib.load`` reads them from a file.

        Raises
        ------
        ConfigurationError
            If a table or a key is unknown or missing.

        See Also
        --------
        energyforecast.configuration.system : The same, with every key and type checked and the nearest name given.

        Examples
        --------
        >>> System.from_dict(
        ...     {
        ...         "areas": ["South"],
        ...         "shedding_cost": 3000,
        ...         "units": {"gas": {"area": "South", "capacity": 300, "cost": 60}},
        ...         "batteries": {"battery": {"area": "South", "power": 50, "energy": 100}},
        ...     }
        ... )
        System of South: gas, battery
        """
        check_types(locals(), of=System.from_dict)
        given = dict(tables)
        try:
            groups: dict[str, Any] = {"areas": [Area(name=name) for name in given.pop("areas", ())]}
            for table, (group, kind) in PARTS.items():
                parts = [kind(name=name, **keys) for name, keys in dict(given.pop(table, {})).items()]
                groups[group] = groups.get(group, []) + parts
            return cls(**groups, **given)
        except (TypeError, ValueError) as error:
            if isinstance(error, EnergyForecastError):
                raise
            raise ConfigurationError(
                f"The system cannot be made: {error}.",
                f"Its tables are {', '.join(PARTS)}, with the parameters of their classes, and {', '.join(PRICES)}.",
                "Correct the key; energyforecast.configuration.system names the one that is meant.",
            ) from error

    def __repr__(self) -> str:
        return f"System of {', '.join(self.area_names)}: {', '.join(part.name for part in self._parts)}"


def _made_names(
    part: Area | HVDCLink | PumpedStorage | Battery | Electrolyser | ThermalUnit,
) -> Iterator[str]:
    """Names that a plan gives to the components of a part."""
    for kind, suffixes in _SUFFIXES.items():
        if isinstance(part, kind):
            yield from (f"{part.name} {suffix}" for suffix in suffixes)


#: Ends of the names of a plan's components, by the class of their part.
_SUFFIXES: Final[dict[type[Any], tuple[str, ...]]] = {
    Area: ("demand", "wind", "solar", "shedding", "surplus"),
    HVDCLink: ("reversed",),
    PumpedStorage: ("pump", "turbine"),
    Battery: ("charge", "discharge"),
    Electrolyser: ("hydrogen", "unserved"),
}


#: Keys that are prices, and tables with the group and class of their parts.
PRICES: Final = ("shedding_cost", "curtailment_cost", "surplus_cost")
PARTS: Final[dict[str, tuple[str, type[Any]]]] = {
    "units": ("units", ThermalUnit),
    "links": ("links", HVDCLink),
    "pumped_storages": ("storages", PumpedStorage),
    "batteries": ("storages", Battery),
    "electrolysers": ("electrolysers", Electrolyser),
}
