"""Dispatch against PyPSA with HiGHS; slow, because PyPSA is slow to load."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from energyforecast.planning import DispatchInputs, plan_deterministic, to_pypsa
from tests.support.oracles import Pair, compared
from tests.support.power_systems import synthetic_system

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("pypsa") is None or find_spec("highspy") is None, reason="pypsa is not installed here"
    ),
]


@compared(
    "cost of a day and the power of a unit",
    area="planning",
    ours="planning.plan_deterministic",
    theirs="Network.optimize",
    peer="pypsa",
    tolerance=1e-6,
    suite=2,
    benchmark=20,
    convention="In shares of their cost, and in 100 MW. Links of PyPSA cost 0.001 a MWh, so that power does not flow "
    "to and fro; it is taken off.",
)
def test_dispatch(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for seed in range(draws):
        system, likely = synthetic_system(1, seed)
        system = dataclasses.replace(system, curtailment_cost=0.0)
        inputs = DispatchInputs(**likely)
        network = to_pypsa(system, inputs)
        logging.disable(logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyPSA's own, when a network is optimised
                network.optimize(solver_name="highs", output_flag=False, include_objective_constant=False)
        finally:
            logging.disable(logging.NOTSET)
        plan = plan_deterministic(system, inputs)
        cost = network.objective - 0.001 * network.links_t.p.to_numpy().sum()
        yield [plan.cost / cost], [1.0]
        table = plan.dispatch.set_index(["component", "area"])["power"]
        yield table.loc[("coal", "North")].to_numpy() / 100, network.generators_t.p["coal"].to_numpy() / 100
