"""The components of a network over one or many scenarios, as one program for HiGHS.

PyPSA's scenarios share investments, not schedules, so the common schedule of all scenarios is modelled here, with the
same components as the network of PyPSA.
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

#: Smaller flows count as none. [MW]
_NO_FLOW: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Operation:
    """Optimal operation: arrays of shape (scenarios, names, hours)."""

    # Output of generators and flow into links [MW], level of stores at the end of each interval [MWh], price of buses
    # [currency/MWh] (NaN with integers), schedule of units and scheduled links, shape (1 or scenarios, names, hours)
    # [MW]. Of a relaxed program: lack and excess of buses [MW], and shortfall of stores at the end [MWh].
    output: Array
    flow: Array
    level: Array
    price: Array
    schedule: Array | None
    lack: Array | None = None
    excess: Array | None = None
    shortfall: Array | None = None


def optimise(
    tables: ProgramTables,
    system: System,
    *,
    common: bool = False,
    schedule: Array | None = None,
    relaxed: bool = False,
) -> Operation | None:
    """Operation of minimum mean cost, or None if the program is infeasible.

    With `common`, one schedule of all scenarios is optimised with them; `schedule` is a fixed one, of shape
    (1 or scenarios, units and scheduled links, hours) [MW]. A `relaxed` program minimises lack and excess of power.
    """
    # Pumping and generating at once wastes power, which can pay where curtailment or surplus has a price. Machines
    # cannot do both: each case found is excluded by an integer, and few are ever found.
    pairs = tables.pairs
    exclusive = np.zeros((len(pairs), len(tables.loads), tables.loads.shape[2]), dtype=bool)
    while True:
        found = _Builder(tables, system, relaxed).solve(common, schedule, exclusive=exclusive)
        if found is None or relaxed:
            return found
        forward, backward = found.flow[:, pairs[:, 0]], found.flow[:, pairs[:, 1]]
        both = (np.minimum(forward, backward) > _NO_FLOW).swapaxes(0, 1) & ~exclusive
        if not both.any():
            return found
        exclusive |= both


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
        """Add the rows, and solve."""
        balance = self._balance()
        self._ramps(self.output[:, self._ramped], self.tables.ramp[self._ramped])
        plan = self._schedule(schedule) if common or schedule is not None else None
        slack = self._slack(balance) if self.relaxed else None
        for pair, cases in zip(self.tables.pairs, exclusive, strict=True):
            self._exclude(
                *(self.flow[:, link][cases] for link in pair), limits=self.tables.link_capacity[pair]
            )
        solution = self.program.solve()
        if solution is None:
            return None
        return self._operation(solution, balance, plan, slack, integers=bool(exclusive.any()))

    def _balance(self) -> Array:
        """Power balance of each bus in every hour."""
        tables, put = self.tables, self.program.put
        balance = self.program.rows(tables.loads.shape, lower=tables.loads, upper=tables.loads)
        put(balance[:, tables.generator_bus], self.output)
        put(balance[:, tables.link_from], self.flow, -1.0)
        put(balance[:, tables.link_to], self.flow, tables.efficiency[:, None])
        # A store gives power as its level falls; its start level is a fixed column.
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
        """Limits on the change from one interval to the next."""
        if columns.size and self.length > 1:
            shape = (*columns.shape[:2], self.length - 1)
            rows = self.program.rows(shape, lower=-ramp[:, None], upper=ramp[:, None])
            self.program.put(rows, columns[..., 1:])
            self.program.put(rows, columns[..., :-1], -1.0)

    def _schedule(self, fixed: Array | None) -> Array:
        """Columns of the schedule, and rows that relate the operation of each scenario to it."""
        tables, system = self.tables, self.system
        units = [tables.generators.index(unit.name) for unit in system.units]
        links = [k for k, name in enumerate(tables.links) if name in scheduled_links(system)]
        # Limits of units do not differ between scenarios: those of the first are used.
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

    def _exclude(self, forward: Array, backward: Array, *, limits: Array) -> None:
        """Power flows in one direction at a time."""
        direction = self.program.columns(forward.shape, upper=1.0, integer=True)
        first = self.program.rows(forward.shape, upper=0.0)
        self.program.put(first, forward)
        self.program.put(first, direction, -limits[0])
        second = self.program.rows(backward.shape, upper=limits[1])
        self.program.put(second, backward)
        self.program.put(second, direction, limits[1])

    def _slack(self, balance: Array) -> tuple[Array, Array, Array]:
        """Lack and excess of each bus, and shortfall of stores at the end."""
        tables = self.tables
        # Buses of storages have no slack: a gap appears in their area, or at their end level.
        storages = [name in {part.name for part in self.system.storages} for name in tables.buses]
        upper = np.broadcast_to(np.where(storages, 0.0, np.inf)[:, None], balance.shape)
        lack = self.program.columns(balance.shape, upper=upper, cost=1.0)
        excess = self.program.columns(balance.shape, upper=upper, cost=1.0)
        self.program.put(balance, lack)
        self.program.put(balance, excess, -1.0)
        shape = (self.n_scenarios, len(tables.stores))
        shortfall = self.program.columns(shape, cost=1.0 / tables.step)
        end = self.program.rows(shape, lower=tables.min_level[:, -1])
        self.program.put(end, self.level[..., -1])
        self.program.put(end, shortfall)
        return lack, excess, shortfall

    def _operation(
        self,
        solution: Solution,
        balance: Array,
        plan: Array | None,
        slack: tuple[Array, ...] | None,
        *,
        integers: bool,
    ) -> Operation:
        """Values of all columns, and prices of the buses where the program has no integers."""
        values = solution.values
        no_price = integers or self.relaxed
        lack, excess, shortfall = (None, None, None) if slack is None else (values[part] for part in slack)
        return Operation(
            output=values[self.output],
            flow=values[self.flow],
            level=values[self.level],
            price=np.full(balance.shape, np.nan) if no_price else solution.prices[balance] / self.weight,
            schedule=None if plan is None else values[plan],
            lack=lack,
            excess=excess,
            shortfall=shortfall,
        )


def scheduled_links(system: System) -> tuple[str, ...]:
    """Names of the links of the network that are scheduled."""
    return tuple(
        name
        for link in system.links
        if link.scheduled
        for name in ((link.name, f"{link.name} reversed") if link.bidirectional else (link.name,))
    )
