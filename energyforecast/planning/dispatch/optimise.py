"""Three ways to plan, and what each costs when the truth arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import InfeasibleError, SchemaError, TimeError
from energyforecast.planning.dispatch.inputs import Courses, Given
from energyforecast.planning.dispatch.plan import PARTS, Plan, scheduled
from energyforecast.planning.dispatch.stochastic_program import Found, Tables, optimise
from energyforecast.planning.dispatch.system import System

__all__ = ["perfect_foresight", "plan_median", "plan_scenarios", "realise", "realised_costs"]

Array = npt.NDArray[Any]


def plan_median(
    system: System,
    *,
    demand: Given,
    wind: Given | None = None,
    solar: Given | None = None,
    site_areas: Mapping[str, str] | None = None,
) -> Plan:
    """The cheapest operation if the median came true: what a deterministic planner does.

    Parameters
    ----------
    system : System
    demand, wind, solar : DataFrame, Scenarios or Forecast
        As for :func:`energyforecast.planning.to_pypsa`. Of scenarios the median of each area and hour is taken,
        which is no likely course.
    site_areas : mapping, optional
        The area of each site; sites without one are named like their area.

    Raises
    ------
    InfeasibleError
        If the demand cannot be met and shedding has no price: it says which hour lacks how many MW.

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
    >>> plan = plan_median(system, demand=pd.DataFrame({"South": [300.0, 350.0]}, index=hours))
    >>> plan
    Plan (median): 2 intervals of 1 h from 2024-01-02 00:00 UTC, cost 15,000
    >>> plan.prices["price"].tolist()[1]
    60.0
    """
    courses = Courses.read(system.area_names, demand=demand, wind=wind, solar=solar, site_areas=site_areas)
    return _plan("median", system, courses.median())


def plan_scenarios(
    system: System,
    *,
    demand: Given,
    wind: Given | None = None,
    solar: Given | None = None,
    site_areas: Mapping[str, str] | None = None,
) -> Plan:
    """The schedule of least expected cost: one for all scenarios, while the rest follows each of them.

    First comes the schedule of units and of scheduled links. Then a scenario is revealed, and units leave the schedule
    against a premium, storages, electrolysers and other links move freely, and wind, sun or demand are
    curtailed. This is a program with two stages: what follows knows the whole window, so the expected cost is a little
    less than what can be had hour by hour, for every plan alike.

    Parameters
    ----------
    system, demand, wind, solar, site_areas
        As for :func:`energyforecast.planning.plan_median`; scenarios of several kinds belong together, one by one.

    Examples
    --------
    >>> from energyforecast.core.scenario_set import Scenarios
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30, "premium_down": 10}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> demand = [[[100.0]], [[200.0]], [[210.0]], [[250.0]], [[260.0]]]
    >>> scenarios = Scenarios.from_values(demand, sites=["South"], valid_time=hours, frequency="1h")
    >>> plan = plan_scenarios(system, demand=scenarios)
    >>> plan.schedule["power"].tolist()  # the newsvendor's quantile, 30 / (30 + 10)
    [250.0]
    """
    courses = Courses.read(system.area_names, demand=demand, wind=wind, solar=solar, site_areas=site_areas)
    return _plan("scenarios", system, courses, common=True)


def perfect_foresight(
    system: System,
    *,
    demand: Given,
    wind: Given | None = None,
    solar: Given | None = None,
    site_areas: Mapping[str, str] | None = None,
) -> Plan:
    """The cheapest operation of who knows what comes: no plan can cost less. Of scenarios, each by itself.

    Parameters
    ----------
    system, demand, wind, solar, site_areas
        As for :func:`energyforecast.planning.plan_median`; what is given is the truth.

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> perfect_foresight(system, demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours)).cost
    6000.0
    """
    courses = Courses.read(system.area_names, demand=demand, wind=wind, solar=solar, site_areas=site_areas)
    return _plan("perfect foresight", system, courses)


def realise(
    plan: Plan,
    *,
    demand: Given,
    wind: Given | None = None,
    solar: Given | None = None,
    site_areas: Mapping[str, str] | None = None,
) -> Plan:
    """What is done with a plan when the truth arrives, or in each of several scenarios.

    The schedule is fixed. A unit may give more than it, at its cost and `premium_up`, or less, and then saves
    its cost save `premium_down`, within its `flexible` share, its minimum and its ramp. Everything else is as in
    :func:`plan_scenarios`.

    Parameters
    ----------
    plan : Plan
    demand, wind, solar, site_areas
        The truth, as for :func:`energyforecast.planning.plan_median`.

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_median(system, demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours))
    >>> done = realise(plan, demand=pd.DataFrame({"South": [100.0, 210.0]}, index=hours))
    >>> done.parts()[["fuel", "regulation"]].to_dict()
    {'fuel': 6200.0, 'regulation': 300.0}
    """
    system = plan.system
    courses = Courses.read(system.area_names, demand=demand, wind=wind, solar=solar, site_areas=site_areas)
    return _plan("realised", system, courses, schedule=_fixed(plan, courses))


def realised_costs(
    plans: Mapping[str, Plan],
    *,
    demand: Given,
    wind: Given | None = None,
    solar: Given | None = None,
    site_areas: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """What plans of one system cost when the truth arrives, beside who knew it.

    Parameters
    ----------
    plans : mapping of Plan
    demand, wind, solar, site_areas
        The truth, or scenarios, whose mean is given.

    Returns
    -------
    DataFrame
        A row for each plan and for perfect foresight; a column for each part of the cost, ``total``, and ``regret``:
        what is paid more than under perfect foresight. [currency]

    Examples
    --------
    >>> unit = {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_median(system, demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours))
    >>> truth = pd.DataFrame({"South": [100.0, 210.0]}, index=hours)
    >>> realised_costs({"median": plan}, demand=truth)[["fuel", "regulation", "total", "regret"]]
                         fuel  regulation   total  regret
    plan
    median             6200.0       300.0  6500.0   300.0
    perfect foresight  6200.0         0.0  6200.0     0.0
    """
    system = _system(plans)
    courses = Courses.read(system.area_names, demand=demand, wind=wind, solar=solar, site_areas=site_areas)
    tables = Tables.of(system, courses)
    done = {
        name: _solved("realised", system, courses, tables, schedule=_fixed(plan, courses))
        for name, plan in plans.items()
    }
    done["perfect foresight"] = _solved("perfect foresight", system, courses, tables)
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
    name: str, system: System, courses: Courses, *, common: bool = False, schedule: Array | None = None
) -> Plan:
    tables = Tables.of(system, courses)
    return _solved(name, system, courses, tables, common=common, schedule=schedule)


def _solved(
    name: str,
    system: System,
    courses: Courses,
    tables: Tables,
    *,
    common: bool = False,
    schedule: Array | None = None,
) -> Plan:
    found = optimise(tables, system, common=common, schedule=schedule)
    if found is None:
        raise _infeasible(courses, tables, optimise(tables, system, schedule=schedule, relaxed=True))
    return Plan.of(name, system, courses, tables, found)


def _fixed(plan: Plan, courses: Courses) -> Array:
    """The schedule of a plan as an array of shape (1, components, hours)."""
    frame = plan.schedule
    if frame["scenario"].nunique() > 1:
        raise SchemaError(
            f"{plan!r} has a schedule for each of its scenarios.",
            "One schedule is fixed before the truth arrives.",
            "Realise the plan of the median or of the scenarios.",
        )
    if not plan.valid_times.equals(courses.valid_time):
        raise TimeError(
            f"The plan covers {plan.valid_times[0]} to {plan.valid_times[-1]}, the truth "
            f"{courses.valid_time[0]} to {courses.valid_time[-1]}.",
            "Both cover the same hours.",
            "Cut the truth to the hours of the plan.",
        )
    names = scheduled(plan.system)
    shape = (1, len(names), len(courses.valid_time))
    return frame["power"].to_numpy(dtype=float).reshape(shape) if names else np.zeros(shape)


def _infeasible(courses: Courses, tables: Tables, found: Found | None) -> InfeasibleError:
    """Where the smallest gap of a system lies that cannot do what is asked of it."""
    if found is None:
        return InfeasibleError(
            "The limits of units contradict each other.",
            "Each unit can run within its minimum, its ramp and its schedule.",
            "Compare minimum, ramp and flexible of the units.",
        )
    assert found.lack is not None
    assert found.excess is not None
    assert found.short is not None
    said = [
        _worst(courses, tables, found.lack, "lacks"),
        _worst(courses, tables, found.excess, "has too many:"),
    ]
    for k, name in enumerate(tables.stores):
        if (missing := float(found.short[:, k].max())) > 1e-6:
            said.append(f"The storage {name!r} ends {missing:,.1f} MWh below its end level.")
    return InfeasibleError(
        " ".join(line for line in said if line),
        "Units, links and storages meet all demand, and nothing is left over.",
        "Add capacity, lower an end level, or let it happen at a price: System(shedding_cost=...), "
        "Electrolyser(unserved_cost=...).",
    )


def _worst(courses: Courses, tables: Tables, gaps: Array, verb: str) -> str:
    """One line on the worst hour of the first scenario that has a gap."""
    wrong = np.flatnonzero((gaps > 1e-6).any(axis=(1, 2)))
    if not len(wrong):
        return ""
    gap = gaps[wrong[0]]
    bus, hour = np.unravel_index(int(gap.argmax()), gap.shape)
    where = f"{tables.buses[bus]!r} {verb} {gap[bus, hour]:,.1f} MW at {courses.valid_time[hour]:%Y-%m-%d %H:%M} UTC"
    among = f" in scenario {wrong[0]}" if courses.number > 1 else ""
    return (
        f"{where}{among} ({int((gap > 1e-6).any(axis=0).sum())} such intervals, "
        f"{gap.sum() * courses.hours:,.1f} MWh in all)."
    )
