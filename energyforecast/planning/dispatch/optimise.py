"""Deterministic and stochastic plans, perfect foresight, and the evaluation of a plan on outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import InfeasibleError, SchemaError, TimeError
from energyforecast.planning.dispatch.inputs import AreaTrajectories, DispatchInputs, Point
from energyforecast.planning.dispatch.plan import PARTS, Plan, scheduled
from energyforecast.planning.dispatch.program_tables import ProgramTables
from energyforecast.planning.dispatch.stochastic_program import Operation, optimise
from energyforecast.planning.dispatch.system import System

__all__ = ["evaluate_plan", "perfect_foresight", "plan_deterministic", "plan_scenarios", "realised_costs"]

Array = npt.NDArray[Any]


def plan_deterministic(system: System, inputs: DispatchInputs, *, on: Point = "median") -> Plan:
    r"""Operation of least cost on the median or the mean of the inputs, as if it were certain.

    .. math:: \min_x \; c^\top x \quad \text{subject to the limits of the system at } \operatorname{med}(\xi)

    with the operation x, its costs c and the demand, wind and solar power ξ.

    Parameters
    ----------
    system : System
    inputs : DispatchInputs
        Of scenarios the statistic of each kind, area and hour is taken, which is no likely trajectory of a day.
    on : {"median", "mean"}
        Statistic of the inputs that is planned on. Means of several sites add up, medians do not.

    Raises
    ------
    InfeasibleError
        If the demand cannot be met and shedding has no price; the error names the hour and the MW that are lacking.

    See Also
    --------
    plan_scenarios, evaluate_plan, to_pypsa

    Examples
    --------
    >>> system = System.from_dict(
    ...     {
    ...         "areas": ["South"],
    ...         "units": {
    ...             "coal": {"area": "South", "capacity": 300, "cost": 20},
    ...             "gas": {"area": "South", "capacity": 100, "cost": 60},
    ...         },
    ...     }
    ... )
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> demand = pd.DataFrame({"South": [300.0, 350.0]}, index=hours)
    >>> plan = plan_deterministic(system, DispatchInputs(demand=demand))
    >>> plan
    Plan (median): 2 intervals of 1 h from 2024-01-02 00:00 UTC, cost 15,000
    >>> plan.prices["price"].tolist()[1]
    60.0
    """
    trajectories = inputs.by_area(system.area_names, on=on)
    return _plan(on, system, trajectories.reduced(on))


def plan_scenarios(system: System, inputs: DispatchInputs) -> Plan:
    r"""Schedule of least expected cost, common to all scenarios: a stochastic program with two stages.

    .. math:: \min_{s, x_1, \dots, x_n} \; \frac{1}{n} \sum_{k=1}^{n}
        \left( c^\top x_k + r_+^\top (x_k - s)_+ + r_-^\top (s - x_k)_+ \right)

    with the schedule s of units and scheduled links, the operation xₖ within the limits of the system in
    scenario k, and the premiums r₊ and r₋ of leaving the schedule. First comes the schedule. Then a scenario is
    revealed: units leave the schedule against their premium; storages, electrolysers and other links move freely; wind,
    solar or demand are curtailed. The second stage knows the whole window, so the expected cost is a little lower
    than hour-by-hour operation reaches, for every plan alike.

    Parameters
    ----------
    system : System
    inputs : DispatchInputs

    Raises
    ------
    InfeasibleError
        As in :func:`plan_deterministic`.

    References
    ----------
    Birge and Louveaux (2011), Introduction to Stochastic Programming, https://doi.org/10.1007/978-1-4614-0237-4.

    See Also
    --------
    plan_deterministic, perfect_foresight, evaluate_plan, sample_by_kind

    Examples
    --------
    >>> from energyforecast.core.scenario_set import Scenarios
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30, "premium_down": 10}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> demand = [[[100.0]], [[200.0]], [[210.0]], [[250.0]], [[260.0]]]
    >>> scenarios = Scenarios.from_values(demand, sites=["South"], valid_time=hours, frequency="1h")
    >>> plan = plan_scenarios(system, DispatchInputs(demand=scenarios))
    >>> plan.schedule["power"].tolist()  # the newsvendor's quantile, 30 / (30 + 10)
    [250.0]
    """
    return _plan("scenarios", system, inputs.by_area(system.area_names), common=True)


def perfect_foresight(system: System, inputs: DispatchInputs) -> Plan:
    """Operation of least cost when the inputs are known: the lower bound of every plan. Of scenarios, each by itself.

    Parameters
    ----------
    system : System
    inputs : DispatchInputs
        The outcomes.

    Raises
    ------
    InfeasibleError
        As in :func:`plan_deterministic`.

    See Also
    --------
    evaluate_plan, realised_costs

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> perfect_foresight(system, DispatchInputs(demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours))).cost
    6000.0
    """
    return _plan("perfect foresight", system, inputs.by_area(system.area_names))


def evaluate_plan(plan: Plan, outcomes: DispatchInputs) -> Plan:
    """Operation that follows the schedule of a plan when outcomes are revealed, or each of several scenarios.

    The schedule is fixed. A unit may give more than it, at its cost and `premium_up`, or less, and then saves
    its cost except for `premium_down`, within its `flexible` share, its minimum and its ramp. All else is as in
    :func:`plan_scenarios`: storages, electrolysers and free links are operated with foresight of the whole window.

    Parameters
    ----------
    plan : Plan
    outcomes : DispatchInputs
        Over the hours of the plan.

    Raises
    ------
    SchemaError
        If the plan has a schedule for each of its scenarios.
    TimeError
        If the plan covers other hours.
    InfeasibleError
        As in :func:`plan_deterministic`.

    See Also
    --------
    realised_costs, perfect_foresight

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_deterministic(system, DispatchInputs(demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours)))
    >>> outcomes = DispatchInputs(demand=pd.DataFrame({"South": [100.0, 210.0]}, index=hours))
    >>> evaluate_plan(plan, outcomes).parts()[["fuel", "regulation"]].to_dict()
    {'fuel': 6200.0, 'regulation': 300.0}
    """
    trajectories = outcomes.by_area(plan.system.area_names)
    return _plan("realised", plan.system, trajectories, schedule=_fixed(plan, trajectories))


def realised_costs(plans: Mapping[str, Plan], outcomes: DispatchInputs) -> pd.DataFrame:
    """Costs of plans of one system on outcomes, and their regret against perfect foresight.

    Parameters
    ----------
    plans : mapping of Plan
    outcomes : DispatchInputs
        Outcomes, or scenarios, over which costs are averaged.

    Returns
    -------
    DataFrame
        A row for each plan and for perfect foresight; a column for each part of the cost, ``total``, and ``regret``:
        the cost above that of perfect foresight. [currency]

    Raises
    ------
    SchemaError, TimeError, InfeasibleError
        As in :func:`evaluate_plan`; or if the plans are of different systems.

    See Also
    --------
    evaluate_plan, perfect_foresight

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_deterministic(system, DispatchInputs(demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours)))
    >>> outcomes = DispatchInputs(demand=pd.DataFrame({"South": [100.0, 210.0]}, index=hours))
    >>> realised_costs({"median": plan}, outcomes)[["fuel", "regulation", "total", "regret"]]
                         fuel  regulation   total  regret
    plan
    median             6200.0       300.0  6500.0   300.0
    perfect foresight  6200.0         0.0  6200.0     0.0
    """
    system = _system(plans)
    trajectories = outcomes.by_area(system.area_names)
    tables = ProgramTables.of(system, trajectories)
    done = {
        name: _solved("realised", system, trajectories, tables, schedule=_fixed(plan, trajectories))
        for name, plan in plans.items()
    }
    done["perfect foresight"] = _solved("perfect foresight", system, trajectories, tables)
    costs = pd.DataFrame({name: plan.parts() for name, plan in done.items()}).T.rename_axis("plan")
    costs = costs[list(PARTS)].rename_axis(columns=None)
    total = costs.sum(axis=1)
    return costs.assign(total=total, regret=total - total["perfect foresight"])


def _system(plans: Mapping[str, Plan]) -> System:
    systems = [plan.system for plan in plans.values()]
    if not systems or any(system != systems[0] for system in systems):
        raise SchemaError(
            f"The plans {list(plans)} are of {len(set(map(repr, systems)))} different systems.",
            "Costs are compared between plans of one system.",
            "Plan them with the same System.",
        )
    return systems[0]


def _plan(
    name: str,
    system: System,
    trajectories: AreaTrajectories,
    *,
    common: bool = False,
    schedule: Array | None = None,
) -> Plan:
    tables = ProgramTables.of(system, trajectories)
    return _solved(name, system, trajectories, tables, common=common, schedule=schedule)


def _solved(
    name: str,
    system: System,
    trajectories: AreaTrajectories,
    tables: ProgramTables,
    *,
    common: bool = False,
    schedule: Array | None = None,
) -> Plan:
    found = optimise(tables, system, common=common, schedule=schedule)
    if found is None:
        raise _infeasible(trajectories, tables, optimise(tables, system, schedule=schedule, relaxed=True))
    return Plan.of(name, system, trajectories, tables, found)


def _fixed(plan: Plan, trajectories: AreaTrajectories) -> Array:
    """The schedule of a plan as an array of shape (1, components, hours)."""
    frame = plan.schedule
    if frame["scenario"].nunique() > 1:
        raise SchemaError(
            f"{plan!r} has a schedule for each of its scenarios.",
            "One schedule is fixed before outcomes are revealed.",
            "Evaluate a plan of plan_deterministic or plan_scenarios.",
        )
    if not plan.valid_times.equals(trajectories.valid_time):
        raise TimeError(
            f"The plan covers {plan.valid_times[0]} to {plan.valid_times[-1]}, the outcomes "
            f"{trajectories.valid_time[0]} to {trajectories.valid_time[-1]}.",
            "Both cover the same hours.",
            "Cut the outcomes to the hours of the plan.",
        )
    names = scheduled(plan.system)
    shape = (1, len(names), len(trajectories.valid_time))
    return frame["power"].to_numpy(dtype=float).reshape(shape) if names else np.zeros(shape)


def _infeasible(
    trajectories: AreaTrajectories, tables: ProgramTables, found: Operation | None
) -> InfeasibleError:
    """The error that names the smallest gap of an infeasible system."""
    if found is None:
        return InfeasibleError(
            "The limits of units contradict each other.",
            "Each unit can run within its minimum, its ramp and its schedule.",
            "Compare minimum, ramp and flexible of the units.",
        )
    assert found.lack is not None
    assert found.excess is not None
    assert found.short is not None
    lines = [
        _worst(trajectories, tables, found.lack, "lacks"),
        _worst(trajectories, tables, found.excess, "has too many:"),
    ]
    for k, name in enumerate(tables.stores):
        if (missing := float(found.short[:, k].max())) > 1e-6:
            lines.append(f"The storage {name!r} ends {missing:,.1f} MWh below its end level.")
    return InfeasibleError(
        " ".join(line for line in lines if line),
        "Units, links and storages meet all demand, and nothing is left over.",
        "Add capacity, lower an end level, or let it happen at a price: System(shedding_cost=...), "
        "Electrolyser(unserved_cost=...).",
    )


def _worst(trajectories: AreaTrajectories, tables: ProgramTables, gaps: Array, verb: str) -> str:
    """One line on the worst hour of the first scenario that has a gap."""
    wrong = np.flatnonzero((gaps > 1e-6).any(axis=(1, 2)))
    if not len(wrong):
        return ""
    gap = gaps[wrong[0]]
    bus, hour = np.unravel_index(int(gap.argmax()), gap.shape)
    moment = f"{trajectories.valid_time[hour]:%Y-%m-%d %H:%M} UTC"
    where = f"{tables.buses[bus]!r} {verb} {gap[bus, hour]:,.1f} MW at {moment}"
    among = f" in scenario {wrong[0]}" if trajectories.n_scenarios > 1 else ""
    return (
        f"{where}{among} ({int((gap > 1e-6).any(axis=0).sum())} such intervals, "
        f"{gap.sum() * trajectories.step:,.1f} MWh in all)."
    )
