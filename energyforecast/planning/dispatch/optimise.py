"""Deterministic and stochastic plans, perfect foresight, and the evaluation of a plan on outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import check_types, checked
from energyforecast.errors import InfeasibleError, SchemaError, TimeError, of_type
from energyforecast.planning.dispatch.inputs import AreaTrajectories, DispatchInputs, Point
from energyforecast.planning.dispatch.plan import PARTS, Plan, scheduled
from energyforecast.planning.dispatch.program_tables import ProgramTables
from energyforecast.planning.dispatch.stochastic_program import Operation, optimise
from energyforecast.planning.dispatch.system import System

__all__ = ["evaluate_plan", "perfect_foresight", "plan_deterministic", "plan_scenarios", "realised_costs"]

Array = npt.NDArray[Any]

_BEST: Final = "perfect foresight"


def plan_deterministic(system: System, inputs: DispatchInputs, *, on: Point = "median") -> Plan:
    r"""Operation of minimum cost on the median or the mean of the inputs, as if it were certain.

    .. math:: \min_x \; c^\top x \quad \text{subject to the limits of the system at } \operatorname{med}(\xi)

    with the operation x, its costs c and the demand, wind and solar power ξ.

    Parameters
    ----------
    system : System
    inputs : DispatchInputs
        Of scenarios the statistic of each kind, area and hour is taken.
    on : {"median", "mean"}
        Statistic of the inputs that is planned on. Means of several sites add up, medians do not.

    Raises
    ------
    InfeasibleError
        If the demand cannot be met and shedding has no price; the error names the hour and the MW that are missing.

    See Also
    --------
    plan_scenarios : Plan on all scenarios at once.
    evaluate_plan, to_pypsa

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
    check_types(locals(), of=plan_deterministic)
    trajectories = _by_area(system, inputs, on=on)
    return _solved(on, system, trajectories.reduced(on))


def plan_scenarios(system: System, inputs: DispatchInputs) -> Plan:
    r"""Schedule of minimum expected cost, common to all scenarios: a stochastic program with two stages.

    .. math:: \min_{s, x_1, \dots, x_n} \; \frac{1}{n} \sum_{k=1}^{n}
        \left( c^\top x_k + r_+^\top (x_k - s)_+ + r_-^\top (s - x_k)_+ \right)

    with the schedule s of units and scheduled links, the operation xₖ within the limits of the system in
    scenario k, and the premiums r₊ and r₋ of deviations from the schedule. The schedule is the first stage. In the
    second, a scenario is revealed: units deviate from the schedule at their premium; storages, electrolysers and other
    links are free; wind, solar or demand are curtailed. The program is risk-neutral: scenarios count by their mean
    cost. Its second stage has foresight of the whole window, so the expected cost is a little lower than
    hour-by-hour operation reaches, for every plan alike.

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
    plan_deterministic : Plan on the median or the mean.
    perfect_foresight, evaluate_plan
    sample_by_kind : Scenarios of demand, wind and solar.

    Examples
    --------
    >>> from energyforecast.core.scenario_set import Scenarios
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30, "premium_down": 10}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> demand = [[[100.0]], [[200.0]], [[210.0]], [[250.0]], [[260.0]]]
    >>> scenarios = Scenarios.from_values(demand, sites=["South"], valid_time=hours, frequency="1h")
    >>> plan = plan_scenarios(system, DispatchInputs(demand=scenarios))
    >>> plan.schedule["power"].tolist()  # the newsvendor quantile, 30 / (30 + 10)
    [250.0]
    """
    check_types(locals(), of=plan_scenarios)
    return _solved("scenarios", system, _by_area(system, inputs), common=True)


def perfect_foresight(system: System, inputs: DispatchInputs) -> Plan:
    r"""Operation of minimum cost on known inputs: the lower bound of every plan. Each scenario has its own.

    .. math:: C^* = \min_x \; c^\top x \quad \text{subject to the limits of the system at the outcome } \xi

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
    >>> from energyforecast.testing import example_dispatch
    >>> system, outcomes = example_dispatch(demand=[100.0, 200.0])  # at 20 currency/MWh
    >>> perfect_foresight(system, outcomes).cost
    6000.0
    """
    return _solved(_BEST, system, _by_area(system, inputs))


@checked()
def evaluate_plan(plan: Plan, outcomes: DispatchInputs) -> Plan:
    r"""Operation under the schedule of a plan on outcomes, or on each of several scenarios.

    .. math:: C(s) = \min_x \; c^\top x + r_+^\top (x - s)_+ + r_-^\top (s - x)_+ \quad
        \text{subject to the limits of the system at the outcome } \xi

    with the fixed schedule s and the premiums r₊ and r₋ of deviations from it. As in :func:`plan_scenarios`, storages,
    electrolysers and free links are operated with foresight of the whole window.

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
    >>> from energyforecast.testing import example_dispatch
    >>> system, inputs = example_dispatch(demand=[250.0, 250.0])
    >>> _, outcomes = example_dispatch(demand=[250.0, 260.0])  # 10 MW more, 30 currency/MWh above the cost of 20
    >>> evaluate_plan(plan_deterministic(system, inputs), outcomes).parts()[["fuel", "regulation"]].to_dict()
    {'fuel': 10200.0, 'regulation': 300.0}
    """
    trajectories = _by_area(plan.system, outcomes)
    return _solved("realised", plan.system, trajectories, schedule=_fixed(plan, trajectories))


def realised_costs(plans: Mapping[str, Plan], outcomes: DispatchInputs) -> pd.DataFrame:
    r"""Costs of plans of one system on outcomes, and their regret against perfect foresight.

    .. math:: \text{regret}(s) = C(s) - C^*

    with the cost C of :func:`evaluate_plan` and the cost C* of :func:`perfect_foresight`.

    Parameters
    ----------
    plans : mapping of Plan
    outcomes : DispatchInputs
        Outcomes, or scenarios, over which costs are averaged.

    Returns
    -------
    DataFrame
        A row for each plan and for perfect foresight; a column for each part of the cost, ``total`` and ``regret``.
        [currency]

    Raises
    ------
    SchemaError, TimeError, InfeasibleError
        As in :func:`evaluate_plan`; or if the plans are of different systems.

    See Also
    --------
    evaluate_plan, perfect_foresight

    Examples
    --------
    >>> from energyforecast.testing import example_dispatch
    >>> system, inputs = example_dispatch(demand=[250.0, 250.0])
    >>> _, outcomes = example_dispatch(demand=[250.0, 260.0])
    >>> plans = {"median": plan_deterministic(system, inputs)}
    >>> realised_costs(plans, outcomes)[["fuel", "regulation", "total", "regret"]]
                          fuel  regulation    total  regret
    plan
    median             10200.0       300.0  10500.0   300.0
    perfect foresight  10200.0         0.0  10200.0     0.0
    """
    check_types(locals(), of=realised_costs)
    system = _system(plans)
    trajectories = _by_area(system, outcomes)
    tables = ProgramTables.of(system, trajectories)
    solved = {
        name: _solved("realised", system, trajectories, tables, schedule=_fixed(plan, trajectories))
        for name, plan in plans.items()
    }
    solved[_BEST] = _solved(_BEST, system, trajectories, tables)
    costs = pd.DataFrame({name: plan.parts() for name, plan in solved.items()}).T.rename_axis("plan")
    costs = costs[list(PARTS)].rename_axis(columns=None)
    total = costs.sum(axis=1)
    return costs.assign(total=total, regret=total - total[_BEST])


def _system(plans: Mapping[str, Plan]) -> System:
    systems = [plan.system for plan in plans.values()]
    if not systems or any(system != systems[0] for system in systems):
        raise SchemaError(
            f"The plans {list(plans)} are of {len(set(map(repr, systems)))} different systems.",
            "Plans that are compared must be of one system.",
            "Plan them with the same System.",
        )
    if _BEST in plans:
        raise SchemaError(
            f"A plan has the name {_BEST!r}.",
            "This name must remain free, for the plan to which all are compared.",
            "Rename it; perfect foresight is always among the rows.",
        )
    return systems[0]


def _by_area(system: System, inputs: DispatchInputs, *, on: Point = "median") -> AreaTrajectories:
    of_type("system", system, expected=System, remedy="Give System(areas=..., units=...).")
    of_type("inputs", inputs, expected=DispatchInputs, remedy="Give DispatchInputs(demand=...).")
    return inputs.by_area(system.area_names, on=on)


def _solved(
    name: str,
    system: System,
    trajectories: AreaTrajectories,
    tables: ProgramTables | None = None,
    *,
    common: bool = False,
    schedule: Array | None = None,
) -> Plan:
    """The plan of minimum cost, or the error that names the smallest gap."""
    tables = ProgramTables.of(system, trajectories) if tables is None else tables
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
            "One schedule must be fixed before outcomes are revealed.",
            "Evaluate a plan of plan_deterministic or plan_scenarios.",
        )
    if not plan.valid_times.equals(trajectories.valid_time):
        raise TimeError(
            f"The plan covers {plan.valid_times[0]} to {plan.valid_times[-1]}, the outcomes "
            f"{trajectories.valid_time[0]} to {trajectories.valid_time[-1]}.",
            "Both must cover the same hours.",
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
            "Each unit must be able to run within its minimum, its ramp and its schedule.",
            "Compare minimum, ramp and flexible of the units.",
        )
    assert found.lack is not None
    assert found.excess is not None
    assert found.shortfall is not None
    lines = [
        _worst(trajectories, tables, found.lack, "lacks"),
        _worst(trajectories, tables, found.excess, "has a surplus of"),
    ]
    for k, name in enumerate(tables.stores):
        if (missing := float(found.shortfall[:, k].max())) > 1e-6:
            lines.append(f"The storage {name!r} ends {missing:,.1f} MWh below its end level.")
    return InfeasibleError(
        " ".join(line for line in lines if line),
        "Units, links and storages must meet all demand, without surplus.",
        "Add capacity, lower an end level, or allow gaps at a price: System(shedding_cost=...), "
        "Electrolyser(unserved_cost=...).",
    )


def _worst(trajectories: AreaTrajectories, tables: ProgramTables, gaps: Array, verb: str) -> str:
    """Largest gap of the first scenario that has one."""
    scenarios = np.flatnonzero((gaps > 1e-6).any(axis=(1, 2)))
    if not len(scenarios):
        return ""
    gap = gaps[scenarios[0]]
    bus, hour = np.unravel_index(int(gap.argmax()), gap.shape)
    moment = f"{trajectories.valid_time[hour]:%Y-%m-%d %H:%M} UTC"
    where = f"{tables.buses[bus]!r} {verb} {gap[bus, hour]:,.1f} MW at {moment}"
    among = f" in scenario {scenarios[0]}" if trajectories.n_scenarios > 1 else ""
    return (
        f"{where}{among} ({int((gap > 1e-6).any(axis=0).sum())} such intervals, "
        f"{gap.sum() * trajectories.step:,.1f} MWh in all)."
    )
