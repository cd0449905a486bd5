"""A declared system as a network of PyPSA."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.errors import require
from energyforecast.planning.dispatch.components import Battery, Electrolyser, PumpedStorage
from energyforecast.planning.dispatch.inputs import AreaTrajectories, DispatchInputs, Point
from energyforecast.planning.dispatch.system import System

if TYPE_CHECKING:
    import pypsa

__all__ = ["TIE", "components", "to_pypsa"]

Array = npt.NDArray[Any]

#: Cost of flows of links and storages, by which of two equal plans the one with smaller flows is chosen; it is no part
#: of the cost of a plan. [currency/MWh]
TIE: Final = 0.001

#: Names of the two links of a storage, and the kind that is shown.
_STORAGES: Final = {
    PumpedStorage: ("pump", "turbine", "pumped storage"),
    Battery: ("charge", "discharge", "battery"),
}


@checked()
def to_pypsa(system: System, inputs: DispatchInputs, *, on: Point = "median") -> pypsa.Network:
    """The system over the hours of a forecast, as a network of PyPSA.

    Areas are buses and HVDC lines are links with losses, one for each direction. A pumped storage or battery is a bus
    with a store and two links, for pump and turbine; the end level is a minimum energy of the store in the last hour.
    An electrolyser is a link to a bus of hydrogen. Shedding and surplus are generators with their price; wind and
    solar power may be curtailed.

    ``network.optimize(solver_name="highs")`` finds the same plan as :func:`energyforecast.planning.plan_deterministic`.

    Parameters
    ----------
    system : System
    inputs : DispatchInputs
    on : {"median", "mean"}
        Statistic of forecasts and scenarios that is taken.

    Returns
    -------
    pypsa.Network
        Its snapshots are in UTC, without zone.

    See Also
    --------
    plan_deterministic : The same plan, without PyPSA.

    Examples
    --------
    >>> from energyforecast.planning import Area, HVDCLink, System, ThermalUnit
    >>> system = System(
    ...     areas=[Area(name="North"), Area(name="South")],
    ...     units=[ThermalUnit(name="coal", area="North", capacity=1000, cost=20)],
    ...     links=[HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=500, losses=0.05)],
    ... )
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> network = to_pypsa(system, DispatchInputs(demand=pd.DataFrame({"South": [380.0, 400.0]}, index=hours)))
    >>> network.links["efficiency"].to_dict()
    {'HVDC': 0.95, 'HVDC reversed': 0.95}
    """
    trajectories = inputs.by_area(system.area_names, on=on).reduced(on)
    require("pypsa", extra="planning", purpose="Networks for dispatch are PyPSA's.")
    import pypsa

    with _quiet(), _object_strings(pypsa):
        made = pypsa.Network(name="energyforecast")
        made.set_snapshots(pd.DatetimeIndex(timestamps.to_ns(trajectories.valid_time), name="snapshot"))
        kinds = made.snapshot_weightings.columns
        made.snapshot_weightings = pd.DataFrame(trajectories.step, index=made.snapshots, columns=kinds)
        tables = {kind: table for kind, table in components(system, trajectories).items() if table}
        for kind, table in tables.items():
            made.add(kind, list(table), **_columns(table, made.snapshots))
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the loggers of PyPSA and linopy; restore them afterwards."""
    loggers = [logging.getLogger(name) for name in ("pypsa", "linopy")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _object_strings(pypsa: Any) -> Iterator[None]:
    """Strings as objects, as in older versions; newer ones warn where the option is not set."""
    if not hasattr(pypsa.options.api, "legacy_string_dtype"):
        yield
        return
    with pypsa.option_context("api.legacy_string_dtype", True):
        yield


#: Components of one class of PyPSA: by name their attributes, numbers or an array of shape (hours,).
_Table = dict[str, dict[str, Any]]


def components(system: System, trajectories: AreaTrajectories) -> dict[str, dict[str, dict[str, Any]]]:
    """Class, name and attributes of each component of the network; of several trajectories, the first."""
    tables: dict[str, _Table] = {kind: {} for kind in ("Bus", "Generator", "Load", "Link", "Store")}
    for area in system.area_names:
        tables["Bus"][area] = {"carrier": "AC"}
    _add_units(tables["Generator"], system, trajectories)
    _add_areas(tables, system, trajectories)
    for link in system.links:
        ends = {"bus0": link.from_area, "bus1": link.to_area}
        sides = {link.name: ends}
        if link.bidirectional:
            sides[f"{link.name} reversed"] = {"bus0": link.to_area, "bus1": link.from_area}
        for name, side in sides.items():
            tables["Link"][name] = side | _line(link.capacity, 1 - link.losses, "HVDC")
    for storage in system.storages:
        _add_storage(tables, storage, trajectories)
    for part in system.electrolysers:
        _add_electrolyser(tables, part, trajectories)
    carriers = {row["carrier"] for table in tables.values() for row in table.values()}
    return {"Carrier": {name: {} for name in sorted(carriers)}, **tables}


def _line(capacity: float, efficiency: float, carrier: str) -> dict[str, Any]:
    """Attributes of a link."""
    return {"p_nom": capacity, "efficiency": efficiency, "marginal_cost": TIE, "carrier": carrier}


def _generator(bus: str, carrier: str, *, ramp: float = np.nan, **attributes: Any) -> dict[str, Any]:
    """Attributes of a generator: by default of 1 MW, so that the available share is the available power."""
    limits = {"p_nom": 1.0, "p_min_pu": 0.0, "p_max_pu": 1.0, "ramp_limit_up": ramp, "ramp_limit_down": ramp}
    return {"bus": bus, "carrier": carrier} | limits | attributes


def _add_units(generators: _Table, system: System, trajectories: AreaTrajectories) -> None:
    for unit in system.units:
        # PyPSA limits a ramp from one snapshot to the next, as a share of the capacity.
        change = np.nan if unit.ramp is None else unit.ramp * trajectories.step
        generators[unit.name] = _generator(
            unit.area,
            "thermal",
            p_nom=unit.capacity,
            p_min_pu=unit.minimum,
            marginal_cost=unit.cost,
            ramp=change / unit.capacity if unit.capacity else np.nan,
        )


def _add_areas(tables: dict[str, _Table], system: System, trajectories: AreaTrajectories) -> None:
    """Demand, wind and solar power of the areas, with shedding and surplus."""
    for k, area in enumerate(trajectories.areas):
        demand = trajectories.demand[0, k]
        tables["Load"][f"{area} demand"] = {"bus": area, "carrier": "demand", "p_set": demand}
        sources: _Table = {}
        for kind in ("wind", "solar"):
            available = getattr(trajectories, kind)[0, k]
            sources[kind] = {"p_max_pu": available, "marginal_cost": -system.curtailment_cost}
        if system.shedding_cost is not None:
            sources["shedding"] = {"p_max_pu": np.maximum(demand, 0.0), "marginal_cost": system.shedding_cost}
        if system.surplus_cost is not None:
            bounds = {"p_min_pu": -1.0, "p_max_pu": 0.0, "p_nom": _MAX_SURPLUS}
            sources["surplus"] = bounds | {"marginal_cost": -system.surplus_cost}
        for kind, row in sources.items():
            tables["Generator"][f"{area} {kind}"] = _generator(area, kind, **row)


#: More than the surplus of any area. [MW]
_MAX_SURPLUS: Final = 1e6


def _add_storage(
    tables: dict[str, _Table], part: PumpedStorage | Battery, trajectories: AreaTrajectories
) -> None:
    into_name, out_name, carrier = _STORAGES[type(part)]
    if isinstance(part, PumpedStorage):
        powers, energy = (part.pump, part.turbine), part.reservoir
        into, out = part.pump_efficiency, part.turbine_efficiency
    else:
        powers, energy = (part.power, part.power), part.energy
        into, out = part.charge_efficiency, part.discharge_efficiency
    tables["Bus"][part.name] = {"carrier": carrier}
    tables["Store"][part.name] = _store(part.name, energy, part, carrier, trajectories)
    ends = {"bus0": part.area, "bus1": part.name}
    tables["Link"][f"{part.name} {into_name}"] = ends | _line(powers[0], into, carrier)
    ends = {"bus0": part.name, "bus1": part.area}
    tables["Link"][f"{part.name} {out_name}"] = ends | _line(powers[1] / out, out, carrier)


def _store(
    bus: str,
    energy: float,
    part: PumpedStorage | Battery | Electrolyser,
    carrier: str,
    trajectories: AreaTrajectories,
) -> dict[str, Any]:
    """Attributes of a store, with the end level as a minimum of the last hour."""
    lowest = np.zeros(len(trajectories.valid_time))
    lowest[-1] = part.end / energy if energy else 0.0
    levels = {"e_nom": energy, "e_initial": part.start_level, "e_min_pu": lowest}
    return {"bus": bus, "carrier": carrier} | levels


def _add_electrolyser(tables: dict[str, _Table], part: Electrolyser, trajectories: AreaTrajectories) -> None:
    bus = f"{part.name} hydrogen"
    tables["Bus"][bus] = {"carrier": "hydrogen"}
    ends = {"bus0": part.area, "bus1": bus}
    tables["Link"][part.name] = ends | _line(part.capacity, part.efficiency, "electrolyser")
    tables["Store"][bus] = _store(bus, part.hydrogen_storage, part, "hydrogen", trajectories)
    demand = np.full(len(trajectories.valid_time), part.hydrogen_demand)
    tables["Load"][bus] = {"bus": bus, "carrier": "hydrogen", "p_set": demand}
    if part.unserved_cost is not None:
        unserved = _generator(bus, "unserved hydrogen", p_max_pu=demand, marginal_cost=part.unserved_cost)
        tables["Generator"][f"{part.name} unserved"] = unserved


def _columns(table: _Table, snapshots: pd.Index) -> dict[str, Any]:
    """Columns of a table: a frame over the hours where any row has a series, else one value for each row."""
    names = list(table)
    made: dict[str, Any] = {}
    for name in next(iter(table.values())):
        values = [table[row][name] for row in names]
        if any(isinstance(value, np.ndarray) for value in values):
            columns = [np.broadcast_to(value, len(snapshots)) for value in values]
            made[name] = pd.DataFrame(np.stack(columns, axis=1), index=snapshots, columns=names)
        else:
            made[name] = values
    return made
