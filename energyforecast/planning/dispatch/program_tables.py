"""Tables of a stochastic program: limits and prices of all components over all scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.planning.dispatch.inputs import AreaTrajectories
from energyforecast.planning.dispatch.pypsa import components
from energyforecast.planning.dispatch.system import System

__all__ = ["ProgramTables"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class ProgramTables:
    """Names, positions, limits and prices of the components of a program, in plain arrays."""

    # max_output and loads have the shape (scenarios, names, hours), min_output (names, hours). [MW]
    step: float
    buses: tuple[str, ...]
    generators: tuple[str, ...]
    links: tuple[str, ...]
    stores: tuple[str, ...]
    generator_bus: Array
    generator_cost: Array
    min_output: Array
    max_output: Array
    ramp: Array
    loads: Array
    link_from: Array
    link_to: Array
    link_cost: Array
    link_capacity: Array
    efficiency: Array
    store_bus: Array
    store_start: Array
    min_level: Array
    max_level: Array

    @classmethod
    def of(cls, system: System, trajectories: AreaTrajectories) -> ProgramTables:
        """The tables of a system, over all scenarios of the trajectories."""
        made = components(system, trajectories)
        length = len(trajectories.valid_time)
        buses = tuple(made["Bus"])
        generators, links, stores = (_Columns(made[kind], length) for kind in ("Generator", "Link", "Store"))
        size = generators["p_nom"][:, None]
        energy = stores["e_nom"]
        return cls(
            step=trajectories.step,
            buses=buses,
            generators=generators.names,
            links=links.names,
            stores=stores.names,
            generator_bus=generators.places("bus", buses),
            generator_cost=generators["marginal_cost"],
            min_output=size * generators["p_min_pu"][:, None] + np.zeros(length),
            max_output=_over_scenarios(
                size * generators.series("p_max_pu"), generators.names, _sources(trajectories)
            ),
            ramp=generators["p_nom"] * generators["ramp_limit_up"],
            loads=_loads(_Columns(made["Load"], length), buses, trajectories),
            link_from=links.places("bus0", buses),
            link_to=links.places("bus1", buses),
            link_cost=links["marginal_cost"],
            link_capacity=links["p_nom"],
            efficiency=links["efficiency"],
            store_bus=stores.places("bus", buses),
            store_start=stores["e_initial"],
            min_level=energy[:, None] * stores.series("e_min_pu"),
            max_level=energy,
        )

    @property
    def pairs(self) -> Array:
        """Links in opposite directions between the same two buses, shape (pairs, 2)."""
        ends = list(zip(self.link_from.tolist(), self.link_to.tolist(), strict=True))
        found = [(k, ends.index(end[::-1])) for k, end in enumerate(ends) if end[::-1] in ends[k + 1 :]]
        return np.array(found, dtype=int).reshape(-1, 2)


class _Columns:
    """Attributes of the components of one class, as arrays."""

    def __init__(self, table: Mapping[str, Mapping[str, Any]], length: int) -> None:
        self.names, self._rows, self._length = tuple(table), tuple(table.values()), length

    def __getitem__(self, attribute: str) -> Array:
        return np.array([row[attribute] for row in self._rows], dtype=float)

    def series(self, attribute: str) -> Array:
        """Shape (components, hours)."""
        rows = [np.broadcast_to(row[attribute], self._length) for row in self._rows]
        return np.array(rows, dtype=float).reshape(len(rows), self._length)

    def places(self, attribute: str, buses: tuple[str, ...]) -> Array:
        """Positions of the buses of an attribute."""
        return np.array([buses.index(row[attribute]) for row in self._rows], dtype=int)


def _sources(trajectories: AreaTrajectories) -> dict[str, Array]:
    """Series that differ between scenarios, by their names in the network."""
    found: dict[str, Array] = {}
    for k, area in enumerate(trajectories.areas):
        found[f"{area} wind"], found[f"{area} solar"] = trajectories.wind[:, k], trajectories.solar[:, k]
        found[f"{area} shedding"] = np.maximum(trajectories.demand[:, k], 0.0)
        found[f"{area} demand"] = trajectories.demand[:, k]
    return found


def _over_scenarios(values: Array, names: tuple[str, ...], changed: Mapping[str, Array]) -> Array:
    """Values of shape (names, hours) repeated for each scenario; those that differ between scenarios replaced."""
    number = len(next(iter(changed.values())))
    made = np.repeat(values[None], number, axis=0)
    for k, name in enumerate(names):
        if name in changed:
            made[:, k] = changed[name]
    return made


def _loads(loads: _Columns, buses: tuple[str, ...], trajectories: AreaTrajectories) -> Array:
    """Sum of the loads of each bus, shape (scenarios, buses, hours)."""
    values = _over_scenarios(loads.series("p_set"), loads.names, _sources(trajectories))
    sums = np.zeros((trajectories.n_scenarios, len(buses), values.shape[2]))
    for k, bus in enumerate(loads.places("bus", buses)):
        sums[:, bus] += values[:, k]
    return sums
