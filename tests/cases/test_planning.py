"""Edges of plans: names, money, links, must-run units, empty windows, closed gates and the unknown afternoon."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.settlement import kazakhstan
from energyforecast.errors import EnergyForecastError
from energyforecast.planning import (
    Area,
    Battery,
    DispatchInputs,
    HVDCLink,
    PumpedStorage,
    System,
    ThermalUnit,
    evaluate_plan,
    perfect_foresight,
    plan_deterministic,
    schedule,
)
from energyforecast.testing import example_forecast
from tests.support.known_faults import fault, or_refused

DAY = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
ANGLE = np.arange(24) / 24 * 2 * np.pi
COAL = ThermalUnit(name="coal", area="S", capacity=200, cost=20)


def _demand(values: Any, area: str = "S") -> DispatchInputs:
    return DispatchInputs(demand=pd.DataFrame({area: values}, index=DAY[: len(values)]))


# -- names -----------------------------------------------------------------------------------------

GAS = {"area": "A", "capacity": 300, "cost": 60}
FAR = {"area": "B", "capacity": 300, "cost": 10}
LAKE = {"x": {"area": "A", "turbine": 0, "pump": 0, "reservoir": 0}}
LINE = {"from_area": "B", "to_area": "A", "capacity": 300}
TANK = {"e": {"area": "A", "capacity": 10, "hydrogen_demand": 1}}


def _one_area(name: str) -> dict[str, Any]:
    return {"areas": ["A"], "shedding_cost": 1000, "units": {name: GAS}}


def _line_and_lake(name: str) -> dict[str, Any]:
    units = {"gas": GAS, "far": FAR}
    return {"areas": ["A", "B"], "units": units, "links": {name: LINE}, "pumped_storages": LAKE}


def _area_and_tank(name: str) -> dict[str, Any]:
    units = {"gas": GAS, "far": FAR | {"area": name}}
    return {"areas": ["A", name], "shedding_cost": 1000, "units": units, "electrolysers": TANK}


def _cost(tables: dict[str, Any]) -> float:
    demand = _demand([100.0, 200.0, 250.0, 150.0], area="A")
    return plan_deterministic(System.from_dict(tables), demand).cost


@pytest.mark.parametrize(
    ("tables", "reserved", "free"),
    [
        pytest.param(_one_area, "A shedding", "gas", id="unit like the shedding of an area"),
        pytest.param(_one_area, "A wind", "gas", id="unit like the wind of an area"),
        pytest.param(_line_and_lake, "x pump", "line", id="link like the pump of a storage"),
        pytest.param(_area_and_tank, "e hydrogen", "B", id="area like the hydrogen of an electrolyser"),
    ],
)
def test_a_name_does_not_change_the_cost_or_is_refused(tables: Any, reserved: str, free: str) -> None:
    with or_refused("(?i)name"):
        assert _cost(tables(reserved)) == pytest.approx(_cost(tables(free)), rel=1e-6)


# -- money and surplus -----------------------------------------------------------------------------


@fault("costs in millions lie below the smallest cost of a link, and the battery is not used")
def test_the_unit_of_money_does_not_change_the_plan() -> None:
    load = _demand(200 - 80 * np.cos(ANGLE))

    def cost(unit: float) -> float:
        """Cost of a day in tenge, planned in units of so many tenge."""
        coal = ThermalUnit(name="coal", area="S", capacity=200, cost=10_000 / unit)
        gas = ThermalUnit(name="gas", area="S", capacity=200, cost=12_500 / unit)
        battery = Battery(name="B", area="S", power=50, energy=200)
        system = System(
            areas=[Area(name="S")], units=[coal, gas], storages=[battery], shedding_cost=1e6 / unit
        )
        return perfect_foresight(system, load).cost * unit

    assert cost(1e3) == pytest.approx(cost(1.0), rel=1e-6)
    assert cost(1e6) == pytest.approx(cost(1.0), rel=1e-6)


@fault("surplus wind in a net load costs as much as shed demand")
def test_a_net_load_costs_as_much_as_its_parts_or_is_refused() -> None:
    demand = pd.DataFrame({"S": 100 + 20 * np.sin(ANGLE)}, index=DAY)
    wind = pd.DataFrame({"S": np.clip(120 * np.cos(ANGLE) + 60, 0, None)}, index=DAY)
    system = System(
        areas=[Area(name="S")],
        units=[ThermalUnit(name="gas", area="S", capacity=200, cost=60)],
        storages=[Battery(name="B", area="S", power=20, energy=60)],
        shedding_cost=3000,
    )
    apart = perfect_foresight(system, DispatchInputs(demand=demand, wind=wind))
    with or_refused("(?i)below 0|negative|net load|surplus"):
        net = perfect_foresight(system, DispatchInputs(demand=demand - wind))
        assert net.cost == pytest.approx(apart.cost, abs=1.0)


# -- links and units -------------------------------------------------------------------------------


@fault("the second of two parallel links carries power both ways in one hour")
def test_parallel_links_carry_power_one_way() -> None:
    links = [HVDCLink(name=f"L{k}", from_area="N", to_area="S", capacity=200, losses=0.1) for k in (1, 2)]
    must_run = ThermalUnit(name="coal", area="N", capacity=300, cost=20, minimum=0.5)
    system = System(
        areas=[Area(name="N"), Area(name="S")],
        units=[must_run],
        links=links,
        shedding_cost=2000,
        surplus_cost=100,
    )
    load = DispatchInputs(demand=pd.DataFrame({"N": [20.0, 20.0], "S": [20.0, 20.0]}, index=DAY[:2]))
    dispatch = perfect_foresight(system, load).dispatch
    flow = dispatch[dispatch["kind"] == "HVDC"].pivot_table(
        index=["valid_time", "component"], columns="area", values="power"
    )
    sent, received = -flow.min(axis=1), flow.max(axis=1)
    np.testing.assert_allclose(received, 0.9 * sent.clip(lower=0), atol=0.01)


@fault("missing: units that can be switched off, ThermalUnit(committable=)", raises=TypeError)
def test_ten_ordinary_units_meet_a_summer_night() -> None:
    load = 700 - 180 * np.cos(ANGLE) - 120 * np.clip(np.sin(ANGLE - 1.6), 0, None)
    fleet = [
        ThermalUnit(
            name=f"u{k}", area="S", capacity=100 + 20 * k, cost=15 + 6 * k, minimum=0.4, committable=True
        )
        for k in range(10)
    ]
    plan = plan_deterministic(System(areas=[Area(name="S")], units=fleet), _demand(load))
    assert plan.dispatch.groupby("valid_time")["power"].sum().to_numpy() == pytest.approx(load)


# -- windows, gates and foresight ------------------------------------------------------------------


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(EnergyForecastError):
        plan_deterministic(System(areas=[Area(name="S")], units=[COAL]), _demand(np.empty(0)))


@fault("gate_closure is not compared with the issue time")
def test_a_schedule_issued_after_the_gate_closure_is_refused_or_marked() -> None:
    forecast = example_forecast().with_kind("wind")
    terms = kazakhstan(gate_closure="08:00")
    gate = pd.Timestamp("2024-01-01 08:00", tz=terms.timezone)
    assert forecast.issue_times[0] > gate
    with or_refused("(?i)gate"):
        assert any("gate" in str(value) for value in schedule(forecast, terms).attrs.values())


@fault("missing: operation without foresight, evaluate_plan(foresight='none')", raises=TypeError)
def test_the_morning_does_not_depend_on_the_afternoon() -> None:
    coal = ThermalUnit(
        name="coal", area="S", capacity=150, cost=20, flexible=0.05, premium_up=10, premium_down=8
    )
    gas = ThermalUnit(name="gas", area="S", capacity=60, cost=70, premium_up=40, premium_down=30)
    battery = Battery(name="B", area="S", power=60, energy=200, start_level=120)
    system = System(areas=[Area(name="S")], units=[coal, gas], storages=[battery], shedding_cost=2000)
    plan = plan_deterministic(system, _demand(np.full(24, 180.0)))
    mild = np.where(np.arange(24) < 12, 200.0, 180.0)
    hard = mild + np.where((np.arange(24) >= 12) & (np.arange(24) < 15), 70.0, 0.0)
    mornings = []
    for outcome in (mild, hard):
        done = evaluate_plan(plan, _demand(outcome), foresight="none")
        table = done.dispatch.pivot_table(index="valid_time", columns="component", values="power")
        mornings.append(table[["B", "gas"]].iloc[:12].to_numpy())
    np.testing.assert_allclose(mornings[0], mornings[1], atol=1e-3)


# -- time ------------------------------------------------------------------------------------------

CPU_SECONDS = 20


@pytest.mark.slow
@pytest.mark.skipif(find_spec("resource") is None, reason="no limit of CPU time on this system")
@fault("integers against power sent to and fro are added without a limit of time")
def test_a_windy_day_with_priced_surplus_is_planned_in_seconds() -> None:
    import resource

    done = subprocess.run(
        [sys.executable, "-c", "from tests.cases import test_planning as t; t.plan_a_windy_day()"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Error" not in done.stderr, done.stderr
    assert done.returncode == 0


def plan_a_windy_day() -> None:
    """A day of two areas, a link and two storages, in which curtailment and surplus have a price."""
    coal = ThermalUnit(name="coal", area="N", capacity=200, cost=20, minimum=0.5)
    lake = PumpedStorage(name="lake", area="S", turbine=60, pump=60, reservoir=200, start_level=100)
    system = System(
        areas=[Area(name="N"), Area(name="S")],
        units=[coal, ThermalUnit(name="gas", area="S", capacity=150, cost=70)],
        links=[HVDCLink(name="L", from_area="N", to_area="S", capacity=200, losses=0.05)],
        storages=[lake, Battery(name="b", area="N", power=30, energy=60, start_level=30)],
        shedding_cost=2000,
        surplus_cost=50,
        curtailment_cost=20,
    )
    steps = np.random.default_rng(0).normal(0, 40, (5, 1, 24))
    wind = np.median(np.clip(150 + steps.cumsum(2), 0, 400), axis=0)[0]
    demand = pd.DataFrame({"N": 60 + 20 * np.sin(ANGLE), "S": 120 - 30 * np.cos(ANGLE)}, index=DAY)
    perfect_foresight(system, DispatchInputs(demand=demand, wind=pd.DataFrame({"S": wind}, index=DAY)))
