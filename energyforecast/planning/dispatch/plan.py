"""A plan: dispatch, storage levels, prices and costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

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
    """An operation of a system over some hours, in one scenario or in each of several.

    Parameters
    ----------
    name : str
        ``"median"``, ``"scenarios"``, ``"perfect foresight"`` or ``"realised"``.
    system : System
    step : float
        Length of an interval. [h]
    schedule : DataFrame
        What is fixed a day ahead: ``scenario``, ``valid_time``, ``component``, ``power`` [MW]. One for all scenarios
        (``scenario`` is 0), save under perfect foresight.
    dispatch : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``component``, ``kind``, ``power`` [MW]: what a component gives to its
        area, negative where it takes. In each hour the powers of an area add up to zero.
    curtailment : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``kind``, ``power`` [MW]: wind and sun that were there and not used.
    storage : DataFrame
        ``scenario``, ``valid_time``, ``component``, ``level`` [MWh], **at the end** of the interval.
    prices : DataFrame
        ``scenario``, ``valid_time``, ``area``, ``price``: what one MWh more would cost there [currency/MWh], in one of
        several scenarios given all others; NaN where whole numbers were needed.
    costs : DataFrame
        ``scenario``, ``part``, ``cost`` [currency].
    caveats : tuple of str

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
        keys = ("component",)
        return cls(
            name=name,
            system=system,
            step=trajectories.step,
            schedule=_long(trajectories, _schedule(system, tables, operation), keys, "power"),
            dispatch=_long(
                trajectories, _dispatch(system, tables, operation), ("area", "component", "kind"), "power"
            ),
            curtailment=_long(
                trajectories, _curtailment(trajectories, tables, operation), ("area", "kind"), "power"
            ),
            storage=_long(trajectories, _levels(tables, operation), keys, "level"),
            prices=_long(trajectories, _prices(system, tables, operation), ("area",), "price"),
            costs=_costs(system, trajectories, tables, operation),
            caveats=trajectories.caveats,
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
            f"Plan ({self.name}){over}: {len(self.valid_times)} intervals of {self.step:g} h from "
            f"{self.valid_times[0]:%Y-%m-%d %H:%M} UTC, cost {self.cost:,.0f}"
        )


def _long(
    trajectories: AreaTrajectories, rows: Iterable[tuple[Any, ...]], keys: tuple[str, ...], value: str
) -> pd.DataFrame:
    """A row for each scenario and hour of each item: its keys, and its values of shape (scenarios, hours)."""
    length = len(trajectories.valid_time)
    frames = []
    for *names, values in rows:
        number = len(values)
        hours = trajectories.valid_time[np.tile(np.arange(length), number)]
        head = {"scenario": np.repeat(np.arange(number), length), "valid_time": hours}
        body = dict(zip(keys, names, strict=True)) | {value: values.ravel()}
        frames.append(pd.DataFrame(head | body))
    if not frames:
        return pd.DataFrame(columns=["scenario", "valid_time", *keys, value])
    return pd.concat(frames, ignore_index=True)


def scheduled(system: System) -> tuple[str, ...]:
    """Names of scheduled components: units, then scheduled links.

    Examples
    --------
    >>> scheduled(System.from_dict({"areas": ["South"]}))
    ()
    """
    return (*(unit.name for unit in system.units), *scheduled_links(system))


def _schedule(system: System, tables: ProgramTables, operation: Operation) -> Iterator[tuple[str, Array]]:
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
    for area in trajectories.areas:
        for kind in ("wind", "solar"):
            k = tables.generators.index(f"{area} {kind}")
            yield area, kind, np.maximum(tables.max_output[:, k] - operation.output[:, k], 0.0)


def _levels(tables: ProgramTables, operation: Operation) -> Iterator[tuple[str, Array]]:
    for k, name in enumerate(tables.stores):
        yield name, operation.level[:, k]


def _prices(system: System, tables: ProgramTables, operation: Operation) -> Iterator[tuple[str, Array]]:
    for area in system.area_names:
        yield area, operation.price[:, tables.buses.index(area)]


def _costs(
    system: System, trajectories: AreaTrajectories, tables: ProgramTables, operation: Operation
) -> pd.DataFrame:
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
        beside = operation.output[:, tables.generators.index(unit.name)] - operation.schedule[:, k]
        total += unit.premium_up * np.maximum(beside, 0.0).sum(axis=1)
        total += unit.premium_down * np.maximum(-beside, 0.0).sum(axis=1)
    return total
