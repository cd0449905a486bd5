"""A plan: dispatch, storage levels, prices and costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.wording import spaced
from energyforecast.planning.dispatch.inputs import AreaTrajectories
from energyforecast.planning.dispatch.program_tables import ProgramTables
from energyforecast.planning.dispatch.stochastic_program import Operation, scheduled_links
from energyforecast.planning.dispatch.system import System

__all__ = ["PARTS", "Plan", "scheduled"]

Array = npt.NDArray[Any]

#: Parts of the cost of a plan.
PARTS: Final = ("fuel", "regulation", "shedding", "surplus", "curtailment", "hydrogen")


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    r"""Operation of a system over a window, in one scenario or in each of several.

    .. math:: \sum_{j \in a} p_{j,t} = 0, \qquad C = \frac{1}{n} \sum_{k=1}^{n} C_k

    In each hour t the powers p of the components of an area a add up to zero; the cost C is the mean over scenarios.

    Parameters
    ----------
    name : str
        ``"median"``, ``"scenarios"``, ``"perfect foresight"`` or ``"realised"``.
    system : System
    step : float
        Length of an interval. [h]
    schedule : DataFrame
        Fixed a day ahead: ``scenario``, ``valid_time``, ``component``, ``power`` [MW]. One for all scenarios
        (``scenario`` is 0), except under perfect foresight.
    dispatch : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``component``, ``kind``, ``power`` [MW]: power from a component to its
        area, negative where it consumes.
    curtailment : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``kind``, ``power`` [MW]: available wind and solar power not used.
    storage : DataFrame
        ``scenario``, ``valid_time``, ``component``, ``level`` [MWh], **at the end** of the interval.
    prices : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``price``: marginal cost of demand [currency/MWh], in one of several
        scenarios given all others; NaN if the program has integers.
    costs : DataFrame
        ``scenario``, ``part``, ``cost`` [currency].
    caveats : tuple of str

    See Also
    --------
    plan_deterministic, plan_scenarios, perfect_foresight, evaluate_plan

    Examples
    --------
    >>> costs = pd.DataFrame({"scenario": [0, 1], "part": ["fuel", "fuel"], "cost": [100.0, 300.0]})
    >>> nothing = pd.DataFrame()
    >>> plan = Plan("scenarios", System.from_dict({"areas": ["South"]}), 1.0, *[nothing] * 5, costs)
    >>> plan.cost
    200.0
    """

    name: str
    system: System
    step: float
    schedule: pd.DataFrame
    dispatch: pd.DataFrame
    curtailment: pd.DataFrame
    storage: pd.DataFrame
    prices: pd.DataFrame
    costs: pd.DataFrame
    caveats: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        system: System,
        trajectories: AreaTrajectories,
        tables: ProgramTables,
        operation: Operation,
    ) -> Plan:
        """The plan of an operation."""
        rows = {
            "schedule": (_schedule(system, tables, operation), ("component", "power")),
            "dispatch": (_dispatch(system, tables, operation), ("area", "component", "kind", "power")),
            "curtailment": (_curtailment(trajectories, tables, operation), ("area", "kind", "power")),
            "storage": (
                zip(tables.stores, operation.level.swapaxes(0, 1), strict=True),
                ("component", "level"),
            ),
            "prices": (_prices(system, tables, operation), ("area", "price")),
        }
        return cls(
            name=name,
            system=system,
            step=trajectories.step,
            costs=_costs(system, trajectories, tables, operation),
            caveats=trajectories.caveats,
            **{table: _long(trajectories, found, *columns) for table, (found, columns) in rows.items()},
        )

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios that were planned for."""
        return int(self.costs["scenario"].nunique())

    @property
    def cost(self) -> float:
        """Cost of the whole window, in the mean of the scenarios. [currency]"""
        return float(self.costs["cost"].sum() / self.n_scenarios)

    @property
    def valid_times(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return pd.DatetimeIndex(self.dispatch["valid_time"].unique())

    def parts(self) -> pd.Series:
        """Cost by part, in the mean of the scenarios. [currency]"""
        return self.costs.groupby("part", sort=False)["cost"].sum() / self.n_scenarios

    def __repr__(self) -> str:
        over = f" over {self.n_scenarios} scenarios" if self.n_scenarios > 1 else ""
        return (
            f"Plan ({self.name}){over}: {len(self.valid_times)} intervals of {spaced(self.step)} from "
            f"{self.valid_times[0]:%Y-%m-%d %H:%M} UTC, cost {self.cost:,.0f}"
        )


def _long(trajectories: AreaTrajectories, rows: Iterable[tuple[Any, ...]], *columns: str) -> pd.DataFrame:
    """A row for each scenario and hour of each item: its keys, and its values of shape (scenarios, hours)."""
    length, (*keys, value) = len(trajectories.valid_time), columns
    frames = []
    for *names, values in rows:
        number = len(values)
        hours = trajectories.valid_time[np.tile(np.arange(length), number)]
        head = {"scenario": np.repeat(np.arange(number), length), "valid_time": hours}
        body = dict(zip(keys, names, strict=True)) | {value: values.ravel()}
        frames.append(pd.DataFrame(head | body))
    if not frames:
        return pd.DataFrame(columns=["scenario", "valid_time", *columns])
    return pd.concat(frames, ignore_index=True)


def scheduled(system: System) -> tuple[str, ...]:
    """Names of scheduled components: units, then scheduled links."""
    return (*(unit.name for unit in system.units), *scheduled_links(system))


def _schedule(system: System, tables: ProgramTables, operation: Operation) -> Iterator[tuple[str, Array]]:
    """Schedule of each scheduled component: the common one, or the operation under perfect foresight."""
    for k, name in enumerate(scheduled(system)):
        if operation.schedule is not None:
            yield name, operation.schedule[:, k]
        elif name in tables.generators:
            yield name, operation.output[:, tables.generators.index(name)]
        else:
            yield name, operation.flow[:, tables.links.index(name)]


def _dispatch(
    system: System, tables: ProgramTables, operation: Operation
) -> Iterator[tuple[str, str, str, Array]]:
    """Power of each component in its area: generators, links and storages, demand."""
    bus_load = {name: tables.loads[:, k] for k, name in enumerate(tables.buses)}
    kinds = {unit.name: "thermal" for unit in system.units}
    for k, name in enumerate(tables.generators):
        area = tables.buses[tables.generator_bus[k]]
        if area in system.area_names:
            yield area, name, kinds.get(name, name.removeprefix(f"{area} ")), operation.output[:, k]
    yield from _flows(system, tables, operation)
    for area in system.area_names:
        yield area, f"{area} demand", "demand", -bus_load[area]


def _flows(
    system: System, tables: ProgramTables, operation: Operation
) -> Iterator[tuple[str, str, str, Array]]:
    """Power from links to areas; both directions of one component together."""
    owners = _owners(system)
    sums: dict[tuple[str, str, str], Array] = {}
    for k, name in enumerate(tables.links):
        component, kind = owners[name]
        for bus, power in (
            (tables.buses[tables.link_from[k]], -operation.flow[:, k]),
            (tables.buses[tables.link_to[k]], tables.efficiency[k] * operation.flow[:, k]),
        ):
            if bus in system.area_names:
                key = (bus, component, kind)
                sums[key] = sums[key] + power if key in sums else power
    for key, power in sums.items():
        yield *key, power


def _owners(system: System) -> dict[str, tuple[str, str]]:
    """The declared part, and its kind, of each link of the network."""
    found = {part.name: (part.name, "electrolyser") for part in system.electrolysers}
    for link in system.links:
        found |= dict.fromkeys((link.name, f"{link.name} reversed"), (link.name, "HVDC"))
    for storage in system.storages:
        for side in ("pump", "turbine", "charge", "discharge"):
            kind = "pumped storage" if hasattr(storage, "turbine") else "battery"
            found[f"{storage.name} {side}"] = (storage.name, kind)
    return found


def _curtailment(
    trajectories: AreaTrajectories, tables: ProgramTables, operation: Operation
) -> Iterator[tuple[str, str, Array]]:
    """Available minus used wind and solar power of each area."""
    for area in trajectories.areas:
        for kind in ("wind", "solar"):
            k = tables.generators.index(f"{area} {kind}")
            yield area, kind, np.maximum(tables.max_output[:, k] - operation.output[:, k], 0.0)


def _prices(system: System, tables: ProgramTables, operation: Operation) -> Iterator[tuple[str, Array]]:
    """Price of each area."""
    for area in system.area_names:
        yield area, operation.price[:, tables.buses.index(area)]


def _costs(
    system: System, trajectories: AreaTrajectories, tables: ProgramTables, operation: Operation
) -> pd.DataFrame:
    """Cost by scenario and part."""
    costs = {part: np.zeros(trajectories.n_scenarios) for part in PARTS}
    kinds = {f"{area} {kind}": kind for area in trajectories.areas for kind in ("shedding", "surplus")}
    kinds |= {f"{part.name} unserved": "hydrogen" for part in system.electrolysers}
    kinds |= {unit.name: "fuel" for unit in system.units}
    for k, name in enumerate(tables.generators):
        if name in kinds:
            costs[kinds[name]] += tables.generator_cost[k] * operation.output[:, k].sum(axis=1) * tables.step
    for _, _, unused in _curtailment(trajectories, tables, operation):
        costs["curtailment"] += system.curtailment_cost * unused.sum(axis=1) * tables.step
    if operation.schedule is not None:
        costs["regulation"] += _regulation(system, tables, operation) * tables.step
    frames = [
        pd.DataFrame({"scenario": np.arange(trajectories.n_scenarios), "part": part, "cost": values})
        for part, values in costs.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _regulation(system: System, tables: ProgramTables, operation: Operation) -> Array:
    """Premiums on output above and below the schedule."""
    assert operation.schedule is not None
    total = np.zeros(len(operation.output))
    for k, unit in enumerate(system.units):
        deviation = operation.output[:, tables.generators.index(unit.name)] - operation.schedule[:, k]
        total += unit.premium_up * np.maximum(deviation, 0.0).sum(axis=1)
        total += unit.premium_down * np.maximum(-deviation, 0.0).sum(axis=1)
    return total
