"""What a plan costs in CPU time, with HiGHS alone and through PyPSA, and whether both find the same cost.

A synthetic system of two areas, a link, two thermal units and a pumped storage over 24 hours. ``one_course`` is the
deterministic plan (the least of ``--repeats`` runs) beside ``to_pypsa(...).optimize`` of the same system;
``scenarios`` is the plan on ``--scenarios`` scenarios with one schedule, for which PyPSA has no ready form.
``cost_ratio`` is PyPSA's cost by ours: 1 but for rounding.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core.scenario_set import Scenarios
from energyforecast.planning import (
    Area,
    DispatchInputs,
    HVDCLink,
    PumpedStorage,
    System,
    ThermalUnit,
    plan_deterministic,
    plan_scenarios,
    to_pypsa,
)

HOURS = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")


def system() -> System:
    """Coal in the north, gas and a pumped storage in the south."""
    return System(
        areas=[Area(name="North"), Area(name="South")],
        units=[
            ThermalUnit(name="coal", area="North", capacity=400, cost=20, minimum=0.4, ramp=40, premium_up=8),
            ThermalUnit(name="gas", area="South", capacity=150, cost=70, premium_up=40, premium_down=30),
        ],
        links=[HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=200, losses=0.04)],
        storages=[
            PumpedStorage(name="lake", area="South", turbine=40, pump=50, reservoir=200, start_level=80)
        ],
        shedding_cost=2000,
    )


def trajectories(number: int) -> dict[str, Any]:
    """Demand by area, and scenarios of wind in the south. [MW]"""
    daily = -np.cos(np.arange(24) / 24 * 2 * np.pi)
    demand = pd.DataFrame({"North": 150 + 20 * daily, "South": 280 + 60 * daily}, index=HOURS)
    steps = np.random.default_rng(1).normal(scale=14, size=(number, 1, 24)).cumsum(axis=2)
    wind = Scenarios.from_values(np.clip(80 + steps, 0, 180), sites=["South"], valid_time=HOURS)
    return {"demand": demand, "wind": wind}


def timed(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least CPU seconds, and what the last call gave."""
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        found = function()
        spent.append(time.process_time() - begun)
    return min(spent), found


def measure(number: int, repeats: int) -> dict[str, Any]:
    """CPU seconds and costs."""
    declared, given = system(), trajectories(number)
    ours, plan = timed(lambda: plan_deterministic(declared, DispatchInputs(**given)), repeats)

    def through_pypsa() -> Any:
        network = to_pypsa(declared, DispatchInputs(**given))
        network.optimize(solver_name="highs", log_to_console=False, include_objective_constant=False)
        return network

    theirs, network = timed(through_pypsa, repeats)
    stochastic, _ = timed(lambda: plan_scenarios(declared, DispatchInputs(**given)), repeats)
    return {
        "one_course": {
            "highs_cpu_seconds": ours,
            "pypsa_cpu_seconds": theirs,
            "cost_ratio": float(network.objective / plan.cost),
        },
        "scenarios": {"number": number, "highs_cpu_seconds": stochastic},
        "synthetic": True,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--scenarios", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the fastest is taken")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # PyPSA and linopy tell each step
    found = measure(options.scenarios, options.repeats)
    text = json.dumps(found, indent=1)
    if options.json:
        options.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
