"""The components of a network over one or many scenarios, as one program for HiGHS.

PyPSA's own scenarios share what is built, not what is scheduled, so the schedule that all scenarios have in common
is put together here, from the same components as the network of PyPSA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.planning.dispatch.linear_program import Program, Solution
from energyforecast.planning.dispatch.program_tables import ProgramTables
from energyforecast.planning.dispatch.system import System

__all__ = ["Operation", "optimise", "scheduled_links"]

Array = npt.NDArray[Any]

#: Less than this is no power. [MW]
_TWICE: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Operation:
    """The best operation: arrays of shape (scenarios, names, hours).

    ``output`` of generators and ``flow`` into links [MW], ``level`` of stores at the end of each interval [MWh],
    ``price`` of buses [currency/MWh] (NaN where it was asked for whole numbers), ``schedule`` of units and scheduled
    links, shape (1 or scenarios, names, hours) [MW]. Where that was sought, ``lack`` and ``excess`` of buses [MW] and
    ``short`` of stores at the end [MWh].

    Examples
    --------
    >>> nothing = np.zeros((1, 0, 2))
    >>> Operation(output=nothing, flow=nothing, level=nothing, price=nothing, schedule=nothing).lack is None
    True
    """

    output: Array
    flow: Array
    level: Array
    price: Array
    schedule: Array | None
    lack: Array | None = None
    excess: Array | None = None
    short: Array | None = None


def optimise(
    tables: ProgramTables,
    system: System,
    *,
    common: bool = False,
    schedule: Array | None = None,
    relaxed: bool = False,
) -> Operation | None:
    """The operation of least (mean) cost, or None where there is none.

    Parameters
    ----------
    tables : ProgramTables
    system : System
    common : bool
        Whether all scenarios share one schedule, which is sought with them.
    schedule : array, shape (1 or scenarios, units and scheduled links, hours), optional
        A schedule that is fixed. [MW]
    relaxed : bool
        Whether to seek the least power that is missing or too much, instead of the least cost.

    Examples
    --------
    >>> import pandas as pd
    >>> from energyforecast.planning import Area, DispatchInputs, ThermalUnit
    >>> gas = ThermalUnit(name="gas", area="South", capacity=300, cost=60)
    >>> system = System(areas=[Area(name="South")], units=[gas])
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> trajectories = DispatchInputs(demand=pd.DataFrame({"South": [280.0, 300.0]}, index=hours)).by_area(["South"])
    >>> tables = ProgramTables.of(system, trajectories)
    >>> optimise(tables, system).output[0, tables.generators.index("gas")].tolist()
    [280.0, 300.0]
    """
    # Burning power by pumping and generating at once can pay where curtailment or surplus has a price. Machines
    # cannot: each case found is forbidden by a whole number, and few are ever found.
    pairs = tables.pairs
    exclusive = np.zeros((len(pairs), len(tables.loads), tables.loads.shape[2]), dtype=bool)
    while True:
        found = _Builder(tables, system, relaxed).solve(common, schedule, exclusive=exclusive)
        if found is None or relaxed:
            return found
        there, back = found.flow[:, pairs[:, 0]], found.flow[:, pairs[:, 1]]
        twice = (np.minimum(there, back) > _TWICE).swapaxes(0, 1) & ~exclusive
        if not twice.any():
            return found
        exclusive |= twice


class _Builder:
    """The columns and rows of one program."""

    def __init__(self, tables: ProgramTables, system: System, relaxed: bool) -> None:
        self.tables, self.system, self.relaxed = tables, system, relaxed
        self.program = Program()
        self.n_scenarios, _, self.length = tables.loads.shape
        self.weight = 0.0 if relaxed else tables.step / self.n_scenarios
        shape = (self.n_scenarios, len(tables.generators), self.length)
        self.output = self.program.columns(
            shape,
            lower=tables.min_output,
            upper=tables.max_output,
            cost=self.weight * tables.generator_cost[:, None],
        )
        self.flow = self.program.columns(
            (self.n_scenarios, len(tables.links), self.length),
            upper=tables.link_capacity[:, None],
            cost=self.weight * tables.link_cost[:, None],
        )
        self.level = self.program.columns(
            (self.n_scenarios, len(tables.stores), self.length),
            lower=0.0 if relaxed else tables.min_level,
            upper=tables.max_level[:, None],
        )

    def solve(self, common: bool, schedule: Array | None, *, exclusive: Array) -> Operation | None:
        balance = self._balance()
        self._ramps(self.output[:, self._ramped], self.tables.ramp[self._ramped])
        plan = self._schedule(schedule) if common or schedule is not None else None
        slack = self._slack(balance) if self.relaxed else None
        for (forth, back), cases in zip(self.tables.pairs, exclusive, strict=True):
            self._exclude(
                self.flow[:, forth][cases],
                self.flow[:, back][cases],
                self.tables.link_capacity[[forth, back]],
            )
        solution = self.program.solve()
        return (
            None
            if solution is None
            else self._found(solution, balance, plan, slack, whole=bool(exclusive.any()))
        )

    def _balance(self) -> Array:
        """Power balance of each bus in every hour."""
        tables, put = self.tables, self.program.put
        balance = self.program.rows(tables.loads.shape, lower=tables.loads, upper=tables.loads)
        put(balance[:, tables.generator_bus], self.output)
        put(balance[:, tables.link_from], self.flow, -1.0)
        put(balance[:, tables.link_to], self.flow, tables.efficiency[:, None])
        # A store gives what its level falls; it starts from its first level, which is no column.
        rows, share = balance[:, tables.store_bus], 1.0 / tables.step
        put(rows, self.level, -share)
        put(rows[..., 1:], self.level[..., :-1], share)
        start = self.program.columns(
            (len(tables.stores),), lower=tables.store_start, upper=tables.store_start
        )
        put(rows[..., 0], start, share)
        return balance

    @property
    def _ramped(self) -> Array:
        return np.flatnonzero(np.isfinite(self.tables.ramp))

    def _ramps(self, columns: Array, ramp: Array) -> None:
        if columns.size and self.length > 1:
            shape = (*columns.shape[:2], self.length - 1)
            rows = self.program.rows(shape, lower=-ramp[:, None], upper=ramp[:, None])
            self.program.put(rows, columns[..., 1:])
            self.program.put(rows, columns[..., :-1], -1.0)

    def _schedule(self, fixed: Array | None) -> Array:
        """Columns of the schedule, and rows that tie each scenario's operation to it."""
        tables, system = self.tables, self.system
        units = [tables.generators.index(unit.name) for unit in system.units]
        links = [k for k, name in enumerate(tables.links) if name in scheduled_links(system)]
        # The first scenario's limits serve: those of units do not differ between scenarios.
        lower = np.concatenate([tables.min_output[units], np.zeros((len(links), self.length))])
        upper = np.concatenate(
            [tables.max_output[0, units], np.repeat(tables.link_capacity[links, None], self.length, axis=1)]
        )
        if fixed is None:
            plan = self.program.columns((1, *lower.shape), lower=lower, upper=upper)
            ramped = [k for k, unit in enumerate(units) if np.isfinite(tables.ramp[unit])]
            self._ramps(plan[:, ramped], tables.ramp[[units[k] for k in ramped]])
        else:
            plan = self.program.columns(fixed.shape, lower=fixed, upper=fixed)
        every = np.broadcast_to(plan, (self.n_scenarios, *plan.shape[1:]))
        self._tie(self.output[:, units], every[:, : len(units)])
        rows = self.program.rows((self.n_scenarios, len(links), self.length), lower=0.0, upper=0.0)
        self.program.put(rows, self.flow[:, links])
        self.program.put(rows, every[:, len(units) :], -1.0)
        return plan

    def _tie(self, output: Array, plan: Array) -> None:
        """Output = schedule + up - down, where up and down are limited and have their premium."""
        units, shape = self.system.units, output.shape
        room = np.array([unit.flexible * unit.capacity for unit in units])[:, None]
        rows = self.program.rows(shape, lower=0.0, upper=0.0)
        self.program.put(rows, output)
        self.program.put(rows, plan, -1.0)
        for side, premiums in (
            (-1.0, [unit.premium_up for unit in units]),
            (1.0, [unit.premium_down for unit in units]),
        ):
            cost = self.weight * np.array(premiums)[:, None]
            self.program.put(rows, self.program.columns(shape, upper=room, cost=cost), side)

    def _exclude(self, forth: Array, back: Array, most: Array) -> None:
        """Power goes one way at a time."""
        forward = self.program.columns(forth.shape, upper=1.0, integer=True)
        first = self.program.rows(forth.shape, upper=0.0)
        self.program.put(first, forth)
        self.program.put(first, forward, -most[0])
        second = self.program.rows(back.shape, upper=most[1])
        self.program.put(second, back)
        self.program.put(second, forward, most[1])

    def _slack(self, balance: Array) -> tuple[Array, Array, Array]:
        """Lack and excess of each bus, and shortfall of stores at the end."""
        tables = self.tables
        # Within a storage nothing appears: what it lacks is lacking in its area, or at its end.
        storages = [name in {part.name for part in self.system.storages} for name in tables.buses]
        most = np.broadcast_to(np.where(storages, 0.0, np.inf)[:, None], balance.shape)
        lack = self.program.columns(balance.shape, upper=most, cost=1.0)
        excess = self.program.columns(balance.shape, upper=most, cost=1.0)
        self.program.put(balance, lack)
        self.program.put(balance, excess, -1.0)
        shape = (self.n_scenarios, len(tables.stores))
        short = self.program.columns(shape, cost=1.0 / tables.step)
        end = self.program.rows(shape, lower=tables.min_level[:, -1])
        self.program.put(end, self.level[..., -1])
        self.program.put(end, short)
        return lack, excess, short

    def _found(
        self,
        solution: Solution,
        balance: Array,
        plan: Array | None,
        slack: tuple[Array, ...] | None,
        *,
        whole: bool,
    ) -> Operation:
        values = solution.values
        price = (
            np.full(balance.shape, np.nan)
            if whole or self.relaxed
            else solution.prices[balance] / self.weight
        )
        lack, excess, short = (None, None, None) if slack is None else (values[part] for part in slack)
        schedule = None if plan is None else values[plan]
        return Operation(
            output=values[self.output],
            flow=values[self.flow],
            level=values[self.level],
            price=price,
            schedule=schedule,
            lack=lack,
            excess=excess,
            short=short,
        )


def scheduled_links(system: System) -> tuple[str, ...]:
    """Names of the links of the network that are scheduled.

    Examples
    --------
    >>> from energyforecast.planning import Area, DispatchInputs, HVDCLink
    >>> areas = [Area(name="North"), Area(name="South")]
    >>> link = HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=500, scheduled=True)
    >>> scheduled_links(System(areas=areas, links=[link]))
    ('HVDC', 'HVDC reversed')
    """
    return tuple(
        name
        for link in system.links
        if link.scheduled
        for name in ((link.name, f"{link.name} reversed") if link.bidirectional else (link.name,))
    )
