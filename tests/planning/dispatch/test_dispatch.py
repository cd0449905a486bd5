"""Plans of small systems that can be checked by hand, and what every plan has in common."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energyforecast import configuration
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import (
    ConfigurationError,
    DependencyError,
    InfeasibleError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    WrongDataError,
)
from energyforecast.planning import (
    Area,
    Battery,
    Electrolyser,
    HVDCLink,
    Plan,
    PumpedStorage,
    System,
    ThermalUnit,
    evaluate_plan,
    perfect_foresight,
    plan_deterministic,
    plan_scenarios,
    realised_costs,
    to_pypsa,
)
from energyforecast.planning import DispatchInputs as Inputs
from energyforecast.reporting import figures
from energyforecast.testing import example_days, example_forecast
from tests.support import grib_files
from tests.support.power_systems import frame, hours, scenarios, synthetic_system, unit

pytestmark = pytest.mark.skipif(
    find_spec("pypsa") is None or find_spec("highspy") is None, reason="the extra 'planning' is not installed"
)


def south(*units: ThermalUnit, **more: Any) -> System:
    return System(areas=[Area(name="South")], units=units, **more)


def power(plan: Plan, component: str, area: str = "South") -> list[float]:
    rows = plan.dispatch[(plan.dispatch["component"] == component) & (plan.dispatch["area"] == area)]
    return [float(value) for value in rows["power"].round(6) + 0.0]


def levels(plan: Plan, storage: str) -> list[float]:
    return [float(value) for value in plan.storage[plan.storage["component"] == storage]["level"].round(6)]


# --- By hand --------------------------------------------------------------------------------------


def test_a_storage_of_two_hours_by_hand() -> None:
    """40 MW are pumped with coal; 40 x 0.9 x 0.9 MW spare as much gas in the second hour."""
    lake = PumpedStorage(
        name="lake",
        area="South",
        turbine=100,
        pump=40,
        reservoir=90,
        pump_efficiency=0.9,
        turbine_efficiency=0.9,
    )
    system = south(unit("coal", 100, 20), unit("gas", 100, 100), storages=[lake])
    plan = plan_deterministic(system, Inputs(demand=frame(South=[50, 150])))
    assert power(plan, "lake") == [-40.0, 32.4]
    assert levels(plan, "lake") == [36.0, 0.0]
    assert plan.cost == pytest.approx(20 * 90 + 20 * 100 + 100 * 17.6)
    assert plan.parts()["fuel"] == pytest.approx(plan.cost)
    # An hour is two half hours of the same power, and of half the energy in each.
    halves = plan_deterministic(system, Inputs(demand=frame("30min", South=[50, 50, 150, 150])))
    assert halves.cost == pytest.approx(plan.cost)
    assert levels(halves, "lake")[1::2] == [36.0, 0.0]


def test_a_storage_ends_where_it_shall() -> None:
    battery = Battery(
        name="battery", area="South", power=50, energy=100, charge_efficiency=0.8, start_level=60
    )
    system = south(unit("coal", 100, 20), unit("gas", 100, 100), storages=[battery])
    demand = frame(South=[50, 150])
    # The start level is what must be there at the end: what is discharged was charged before.
    assert levels(plan_deterministic(system, Inputs(demand=demand)), "battery")[-1] == pytest.approx(60)
    empty = dataclasses.replace(system, storages=[dataclasses.replace(battery, end_level=0.0)])
    assert levels(plan_deterministic(empty, Inputs(demand=demand)), "battery")[-1] == pytest.approx(0)
    full = dataclasses.replace(system, storages=[dataclasses.replace(battery, end_level=100.0)])
    plan = plan_deterministic(full, Inputs(demand=demand))
    assert levels(plan, "battery") == [100.0, 100.0]
    assert power(plan, "battery") == [-50.0, 0.0]  # 40 MWh at 80 %


def test_what_a_link_loses_is_generated_too() -> None:
    areas = [Area(name="North"), Area(name="South")]
    link = HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=100, losses=0.05)
    units = [unit("coal", 500, 20, "North"), unit("gas", 500, 60)]
    plan = plan_deterministic(
        System(areas=areas, units=units, links=[link]), Inputs(demand=frame(South=[76, 200]))
    )
    assert power(plan, "coal", "North") == [80.0, 100.0]
    assert power(plan, "HVDC", "North") == [-80.0, -100.0]
    assert power(plan, "HVDC") == [76.0, 95.0]
    assert power(plan, "gas") == [0.0, 105.0]
    assert plan.prices[plan.prices["area"] == "South"]["price"].tolist() == pytest.approx(
        [20 / 0.95, 60], abs=0.01
    )
    # It leads back where it may.
    units = [unit("coal", 500, 20), unit("gas", 500, 60, "North")]
    for both, expected in ((True, [80.0, 100.0]), (False, [0.0, 0.0])):
        turned = dataclasses.replace(link, bidirectional=both)
        back = plan_deterministic(
            System(areas=areas, units=units, links=[turned]), Inputs(demand=frame(North=[76, 200]))
        )
        assert power(back, "coal") == expected


def test_a_unit_ramps_as_it_can_in_an_hour() -> None:
    system = south(unit("coal", 200, 20, ramp=10), unit("gas", 100, 60))
    plan = plan_deterministic(system, Inputs(demand=frame(South=[100, 130, 130])))
    assert power(plan, "coal") == [100.0, 110.0, 120.0]
    assert power(plan, "gas") == [0.0, 20.0, 10.0]
    slower = plan_deterministic(system, Inputs(demand=frame("30min", South=[100, 130, 130])))
    assert power(slower, "coal") == [100.0, 105.0, 110.0]


def test_hydrogen_is_made_in_the_cheapest_hours() -> None:
    """13 MWh of hydrogen are 20 MWh of power: 15 from the hour with wind, 5 from that with coal."""
    part = Electrolyser(
        name="H2", area="South", capacity=15, efficiency=0.65, hydrogen_demand=13 / 3, hydrogen_storage=100
    )
    system = south(unit("coal", 30, 20), unit("gas", 100, 60), electrolysers=[part])
    # The demand for hydrogen begins at once, and the tank is empty.
    plan = plan_deterministic(system, Inputs(demand=frame(South=[20, 10, 60]), wind=frame(South=[0, 40, 0])))
    assert power(plan, "H2") == pytest.approx([-20 / 3, -40 / 3, 0])
    assert levels(plan, "H2 hydrogen") == pytest.approx([0, 13 / 3, 0])
    assert plan.parts()["fuel"] == pytest.approx(20 * (20 + 20 / 3) + 20 * 30 + 60 * 30)


def test_shedding_and_curtailment_have_their_price() -> None:
    system = south(unit("gas", 100, 60), shedding_cost=3000, curtailment_cost=5)
    plan = plan_deterministic(system, Inputs(demand=frame(South=[50, 150]), wind=frame(South=[70, 20])))
    assert plan.parts().to_dict() == pytest.approx(
        {"fuel": 6000, "regulation": 0, "shedding": 90_000, "surplus": 0, "curtailment": 100, "hydrogen": 0}
    )
    assert power(plan, "South shedding") == [0.0, 30.0]
    assert plan.curtailment.groupby("kind", sort=False)["power"].sum().to_dict() == {
        "wind": 20.0,
        "solar": 0.0,
    }


def test_what_must_run_and_is_not_needed_is_surplus() -> None:
    system = south(unit("coal", 100, 20, minimum=0.4), shedding_cost=1000)
    plan = plan_deterministic(system, Inputs(demand=frame(South=[30, 50])))
    assert power(plan, "South surplus") == [-10.0, 0.0]
    assert plan.parts()["surplus"] == pytest.approx(10_000)


@pytest.mark.parametrize("part", ["battery", "HVDC"])
def test_nothing_runs_both_ways_at_once_to_burn_power(part: str) -> None:
    """Where curtailment has a price, losses would pay; machines cannot do it."""
    battery = Battery(
        name="battery", area="South", power=50, energy=100, start_level=100, charge_efficiency=0.5
    )
    link = HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=50, losses=0.5)
    system = System(
        areas=[Area(name="North"), Area(name="South")],
        units=[unit("gas", 100, 60)],
        storages=[battery] if part == "battery" else [],
        links=[link] if part == "HVDC" else [],
        curtailment_cost=5,
    )
    plan = plan_deterministic(system, Inputs(demand=frame(South=[50]), wind=frame(South=[100])))
    if part == "battery":
        assert power(plan, "battery") == [0.0]
        assert plan.parts()["curtailment"] == pytest.approx(250)
    else:  # what is sent there is curtailed there: nobody burns it on the way back
        assert (plan.dispatch[plan.dispatch["kind"] == "HVDC"]["power"].abs() < 1e-6).all()


def test_a_plant_that_takes_power_is_demand() -> None:
    plan = plan_deterministic(
        south(unit("gas", 100, 60)), Inputs(demand=frame(South=[50, 50]), wind=frame(South=[-1, 2]))
    )
    assert power(plan, "gas") == [51.0, 48.0]
    assert power(plan, "South demand") == [-51.0, -50.0]


# --- Plans on scenarios and the truth -------------------------------------------------------------


def test_the_schedule_of_one_hour_is_the_newsvendors_quantile() -> None:
    demand = scenarios(np.linspace(1, 99, 99)[:, None])
    for up, down in ((10, 30), (20, 20), (30, 10)):
        system = south(unit("gas", 100, 60, premium_up=up, premium_down=down))
        plan = plan_scenarios(system, Inputs(demand=demand))
        level = up / (up + down) * 100
        assert abs(plan.schedule["power"].iloc[0] - level) <= 1
        spread = np.linspace(1, 99, 99) - plan.schedule["power"].iloc[0]
        expected = np.mean(up * np.maximum(spread, 0) + down * np.maximum(-spread, 0))
        assert plan.parts()["regulation"] == pytest.approx(expected)
    assert list(plan.schedule["scenario"]) == [0]
    assert plan.n_scenarios == 99


def _trajectory(of: dict[str, Scenarios], k: int) -> dict[str, pd.DataFrame]:
    return {
        kind: pd.DataFrame(given.data.values[k].T, index=given.valid_times, columns=list(given.sites))
        for kind, given in of.items()
    }


def test_who_knows_more_pays_less() -> None:
    system, likely = synthetic_system(8)
    plans = {
        "median": plan_deterministic(system, Inputs(**likely)),
        "scenarios": plan_scenarios(system, Inputs(**likely)),
    }
    costs = realised_costs(plans, Inputs(**likely))["total"]
    assert plans["scenarios"].cost == pytest.approx(costs["scenarios"], rel=1e-6)
    # Each step is worth something here: the future is uncertain, and leaving the schedule costs.
    assert costs["perfect foresight"] < costs["scenarios"] - 1
    assert costs["scenarios"] < costs["median"] - 1
    # One scenario by itself is what perfect foresight of it gives, whoever else was asked about.
    alone = perfect_foresight(system, Inputs(**_trajectory(likely, 3)))
    together = perfect_foresight(system, Inputs(**likely))
    costs_of_three = together.costs[together.costs["scenario"] == 3]["cost"].sum()
    assert alone.cost == pytest.approx(costs_of_three, rel=1e-6)
    assert not alone.schedule.equals(plans["median"].schedule)


def test_every_plan_is_one_that_the_system_can_run() -> None:
    system, likely = synthetic_system(4, seed=1)
    truth = _trajectory(synthetic_system(1, seed=2)[1], 0)
    plan = plan_scenarios(system, Inputs(**likely))
    for found in (
        plan,
        evaluate_plan(plan, Inputs(**truth)),
        perfect_foresight(system, Inputs(**truth)),
    ):
        table = found.dispatch
        balance = table.groupby(["scenario", "valid_time", "area"])["power"].sum()
        assert balance.abs().max() < 1e-6
        coal = table[table["component"] == "coal"].pivot(
            index="scenario", columns="valid_time", values="power"
        )
        assert np.abs(np.diff(coal.to_numpy())).max() <= 60 + 1e-6
        assert coal.to_numpy().min() >= 120 - 1e-6
        lake = found.storage[found.storage["component"] == "lake"].groupby("scenario")["level"]
        assert (lake.last() >= 80 - 1e-6).all()
        assert (lake.max() <= 200 + 1e-6).all()
    schedule = plan.schedule.pivot(index="valid_time", columns="component", values="power")
    beside = coal_of(plan).sub(schedule["coal"].to_numpy(), axis=1)
    assert beside.abs().to_numpy().max() <= 40 + 1e-6  # a tenth of its capacity
    assert beside.abs().to_numpy().max() > 1


def coal_of(plan: Plan) -> pd.DataFrame:
    rows = plan.dispatch[plan.dispatch["component"] == "coal"]
    return rows.pivot(index="scenario", columns="valid_time", values="power")


def test_a_scheduled_link_does_not_follow_what_happens() -> None:
    areas = [Area(name="North"), Area(name="South")]
    units = [unit("coal", 500, 20, "North"), unit("gas", 500, 60)]
    flows = {}
    for fixed in (True, False):
        link = HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=300, scheduled=fixed)
        system = System(areas=areas, units=units, links=[link], shedding_cost=1000)
        plan = plan_scenarios(system, Inputs(demand=scenarios([[100], [200]])))
        flows[fixed] = power(plan, "HVDC")
        names = {"coal", "gas"} | ({"HVDC", "HVDC reversed"} if fixed else set())
        assert set(plan.schedule["component"]) == names
        assert power(evaluate_plan(plan, Inputs(demand=frame_of([200]))), "HVDC") == [
            flows[True][0] if fixed else 200.0
        ]
    assert flows == {True: [100.0, 100.0], False: [100.0, 200.0]}


def frame_of(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"South": values}, index=hours(len(values)), dtype=float)


def test_a_thousand_times_the_system_costs_a_thousand_times() -> None:
    small, large = (
        south(
            unit("coal", 0.1 * k, 20, ramp=0.03 * k),
            unit("gas", 0.1 * k, 60),
            storages=[Battery(name="battery", area="South", power=0.02 * k, energy=0.04 * k)],
        )
        for k in (1, 10_000)
    )
    shape = [0.05, 0.09, 0.15, 0.1]
    costs = [
        plan_deterministic(system, Inputs(demand=frame(South=[k * value for value in shape]))).cost
        for k, system in ((1, small), (10_000, large))
    ]
    assert costs[1] == pytest.approx(10_000 * costs[0], rel=1e-5)


# --- What cannot be done --------------------------------------------------------------------------


def test_an_error_says_which_hour_lacks_how_much() -> None:
    with pytest.raises(
        InfeasibleError, match=r"'South' lacks 50.0 MW at 2024-01-02 02:00 UTC \(2 such intervals, 70.0 MWh"
    ):
        plan_deterministic(south(unit("gas", 100, 60)), Inputs(demand=frame(South=[50, 120, 150])))
    with pytest.raises(InfeasibleError, match=r"'South' has a surplus of 10.0 MW at 2024-01-02 01:00 UTC"):
        plan_deterministic(south(unit("gas", 100, 60, minimum=0.5)), Inputs(demand=frame(South=[50, 40])))
    lake = PumpedStorage(
        name="lake", area="South", turbine=9, pump=10, pump_efficiency=1, reservoir=99, end_level=50
    )
    with pytest.raises(InfeasibleError, match=r"storage 'lake' ends 30.0 MWh below its end level"):
        plan_deterministic(
            south(unit("gas", 100, 60), storages=[lake], shedding_cost=1),
            Inputs(demand=frame(South=[50, 50])),
        )
    part = Electrolyser(name="H2", area="South", capacity=10, efficiency=0.5, hydrogen_demand=7)
    system = south(unit("gas", 100, 60), electrolysers=[part], shedding_cost=1000)
    with pytest.raises(InfeasibleError, match=r"'H2 hydrogen' lacks 2.0 MW at 2024-01-02 00:00 UTC"):
        plan_deterministic(system, Inputs(demand=frame(South=[50, 50])))
    paid = dataclasses.replace(system, electrolysers=[dataclasses.replace(part, unserved_cost=200)])
    assert plan_deterministic(paid, Inputs(demand=frame(South=[50, 50]))).parts()[
        "hydrogen"
    ] == pytest.approx(800)
    with pytest.raises(InfeasibleError, match=r"'South' lacks 20.0 MW at 2024-01-02 00:00 UTC in scenario 1"):
        plan_scenarios(south(unit("gas", 100, 60)), Inputs(demand=scenarios([[90], [120]])))


def test_a_schedule_that_no_truth_can_follow_says_so() -> None:
    system = south(unit("coal", 100, 20, flexible=0.1))
    plan = plan_deterministic(system, Inputs(demand=frame(South=[50, 50])))
    with pytest.raises(InfeasibleError, match=r"'South' lacks 5.0 MW at 2024-01-02 01:00 UTC"):
        evaluate_plan(plan, Inputs(demand=frame(South=[50, 65])))
    with pytest.raises(TimeError, match="The plan covers"):
        evaluate_plan(plan, Inputs(demand=frame(South=[50, 65, 70])))
    other = plan_deterministic(south(unit("gas", 100, 20)), Inputs(demand=frame(South=[50, 50])))
    with pytest.raises(SchemaError, match="different systems"):
        realised_costs({"a": plan, "b": other}, Inputs(demand=frame(South=[50, 50])))
    seen = perfect_foresight(system, Inputs(demand=scenarios([[40, 40], [50, 50]])))
    with pytest.raises(SchemaError, match="a schedule for each of its scenarios"):
        evaluate_plan(seen, Inputs(demand=frame(South=[50, 50])))


def test_wrong_trajectories_are_refused() -> None:
    system = south(unit("gas", 100, 60))
    good = frame(South=[50, 60])
    with pytest.raises(MissingDataError, match=r"wind of 'South' is missing at 2024-01-02 01:00"):
        plan_deterministic(system, Inputs(demand=good, wind=frame(South=[1, np.nan])))
    with pytest.raises(TimeError, match="with a time zone"):
        plan_deterministic(system, Inputs(demand=good.tz_localize(None)))
    with pytest.raises(TimeError, match="All must cover the same hours"):
        plan_deterministic(system, Inputs(demand=good, wind=frame(South=[1, 2, 3])))
    with pytest.raises(TimeError, match="regular"):
        plan_deterministic(
            system,
            Inputs(
                demand=frame(South=[1, 2, 3])
                .iloc[[0, 2]]
                .pipe(lambda f: pd.concat([f, f.shift(freq="1h")[1:]]))
            ),
        )
    with pytest.raises(SchemaError, match=r"wind of 'Shelek' belongs to no area"):
        plan_deterministic(system, Inputs(demand=good, wind=frame(Shelek=[1, 2])))
    with pytest.raises(SchemaError, match="2 scenarios of demand, and 3"):
        plan_scenarios(system, Inputs(demand=scenarios([[1, 2]] * 2), wind=scenarios([[1, 2]] * 3)))


def test_sites_lie_in_areas_and_forecasts_give_their_median() -> None:
    system = south(unit("gas", 100, 60))
    forecast = example_forecast()
    demand = pd.DataFrame({"South": 50.0}, index=pd.DatetimeIndex(forecast.to_frame()["valid_time"]))
    plan = plan_deterministic(system, Inputs(demand=demand, wind=forecast, site_areas={"farm": "South"}))
    assert power(plan, "South wind") == pytest.approx(forecast.to_frame()["q0.5"].tolist())
    assert plan.caveats == forecast.caveats
    pair = Scenarios.from_values(
        np.ones((2, 2, 2)), sites=["a", "b"], valid_time=hours(2), caveats=["synthetic"]
    )
    made = plan_deterministic(
        system,
        Inputs(demand=frame(South=[50, 50]), wind=pair, site_areas={"a": "South", "b": "South"}),
    )
    assert power(made, "South wind") == [2.0, 2.0]
    assert made.caveats == ("synthetic",)


@pytest.mark.slow
def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    page = (Path(__file__).parents[3] / "docs" / "howto" / "dispatch.md").read_text(encoding="utf-8")
    code, printed = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0] for kind in ("python", "text"))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "dispatch.md", "exec"), {})
    # Ties between equal plans may fall otherwise with another HiGHS, but not the costs.
    shown = [[float(word) for word in line.split()[-4:]] for line in _rows(capsys.readouterr().out)]
    assert shown == [
        pytest.approx([float(word) for word in line.split()[-4:]], rel=2e-3, abs=300)
        for line in _rows(printed)
    ]
    assert (tmp_path / "plan.png").stat().st_size > 10_000


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("median", "scenarios", "perfect"))]


def test_the_figure_stacks_up_to_what_is_taken() -> None:
    lake = PumpedStorage(name="lake", area="South", turbine=90, pump=40, reservoir=90)
    system = south(unit("coal", 100, 20), unit("gas", 100, 100), storages=[lake])
    likely = Scenarios.from_values(
        [[[50, 150]], [[60, 140]]], sites=["South"], valid_time=hours(2), caveats=["synthetic"]
    )
    plan = plan_scenarios(system, Inputs(demand=likely))
    figure = figures.dispatch(plan, area="South", timezone="Asia/Almaty")
    axes = figure.axes[0]
    corners = [path.vertices[:, 1] for patch in axes.collections for path in patch.get_paths()]
    rows = plan.dispatch[plan.dispatch["power"] > 0].groupby("valid_time")["power"].sum() / 2
    assert max(part.max() for part in corners) == pytest.approx(rows.max())
    assert min(part.min() for part in corners) == pytest.approx(-40)
    assert "mean of 2 scenarios" in axes.get_title(loc="left")
    assert figure.get_supxlabel() == "synthetic"
    with pytest.raises(SchemaError, match="area is 'East'"):
        figures.dispatch(plan, area="East")


# --- Declaring a system ---------------------------------------------------------------------------


def test_wrong_parts_are_refused_at_birth() -> None:
    with pytest.raises(RangeError, match=r"ThermalUnit 'coal' has cost = -1"):
        unit("coal", 100, -1)
    with pytest.raises(
        RangeError, match=r"Battery 'b' has start_level = 20.\nIt must be at least 0 and at most 10"
    ):
        Battery(name="b", area="South", power=1, energy=10, start_level=20)
    with pytest.raises(RangeError, match=r"losses = 1\.0"):
        HVDCLink(name="HVDC", from_area="a", to_area="b", capacity=1, losses=1.0)
    with pytest.raises(RangeError, match="pump_efficiency = 0"):
        PumpedStorage(name="p", area="South", turbine=1, pump=1, reservoir=1, pump_efficiency=0)
    with pytest.raises(RangeError, match="System has shedding_cost = -5"):
        south(shedding_cost=-5)
    with pytest.raises(SchemaError, match="leads from 'a' to itself"):
        HVDCLink(name="HVDC", from_area="a", to_area="a", capacity=1)
    with pytest.raises(SchemaError, match="more than once"):
        south(unit("South", 1, 1))
    with pytest.raises(SchemaError, match="lies in the area 'East'"):
        south(unit("coal", 1, 1, "East"))


def test_a_system_is_read_from_toml() -> None:
    text = """
    areas = ["North", "South"]
    shedding_cost = 3000
    [units."North coal"]
    area = "North"
    capacity = 1000
    cost = 20
    [links.HVDC]
    from_area = "North"
    to_area = "South"
    capacity = 500
    [pumped_storages.lake]
    area = "South"
    turbine = 100
    pump = 120
    reservoir = 600
    [electrolysers.H2]
    area = "South"
    capacity = 50
    hydrogen_demand = 10
    """
    system = System.from_dict(tomllib.loads(text))
    assert repr(system) == "System of North, South: North coal, HVDC, lake, H2"
    assert system.surplus_cost == 3000
    with pytest.raises(ConfigurationError, match="Did you mean 'capacity'"):
        configuration.system(tomllib.loads(text.replace("capacity = 50\n", "capasity = 50\n")))
    with pytest.raises(ConfigurationError, match=r"cannot be made: .*capasity"):
        System.from_dict(tomllib.loads(text.replace("capacity = 50\n", "capasity = 50\n")))
    with pytest.raises(ConfigurationError, match=r"cannot be made: .*'unit'"):
        System.from_dict(tomllib.loads(text.replace("[units.", "[unit.")))
    with pytest.raises(ConfigurationError, match="cannot be made"):
        System.from_dict(tomllib.loads(text.replace("turbine = 100\n", "")))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: plan_deterministic("South", Inputs(demand=frame(South=[50]))), "system is of the type str"),
        (lambda: plan_deterministic(south(unit("gas", 100, 60)), frame(South=[50])), "type DataFrame"),
        (
            lambda: plan_deterministic(south(unit("gas", 100, 60)), Inputs(demand={"South": 50.0})),
            "demand is of the type dict",
        ),
        (lambda: System(areas=["South"]), "An area is of the type str"),
        (lambda: System.from_dict({"areas": [1]}), "name is of the type int"),
        (lambda: unit("gas", "100", 60), "capacity is of the type str"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(call: Any, named: str) -> None:
    with pytest.raises(WrongDataError, match=named):
        call()


# --- PyPSA ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_network_speaks_the_names_of_what_was_declared() -> None:
    system, likely = synthetic_system(2)
    network = to_pypsa(system, Inputs(**likely))
    assert {"North", "South", "lake", "H2 hydrogen"} == set(network.buses.index)
    assert {"coal", "gas"} < set(network.generators.index)
    assert list(network.links.index) == ["HVDC", "HVDC reversed", "lake pump", "lake turbine", "H2"]
    assert (network.snapshot_weightings == 1.0).to_numpy().all()
    assert network.snapshots[0] == pd.Timestamp("2024-01-02")


FIRST_PLAN = """
import logging
import pandas as pd
from energyforecast.planning import DispatchInputs, System, plan_deterministic
before = {name: logging.getLogger(name).level for name in ("pypsa", "linopy")}
system = System.from_dict({"areas": ["S"], "units": {"gas": {"area": "S", "capacity": 9, "cost": 6}}})
index = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
plan_deterministic(system, DispatchInputs(demand=pd.DataFrame({"S": [1.0, 2.0]}, index=index)))
assert {name: logging.getLogger(name).level for name in before} == before
"""


@pytest.mark.slow
def test_the_first_plan_of_a_process_prints_nothing_and_leaves_loggers_as_they_are() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PLAN],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("library", "function"), [("pypsa", to_pypsa), ("highspy", plan_deterministic)])
def test_a_missing_library_names_its_extra(
    library: str, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DependencyError, match=r"energyforecast\[planning\]"):
        function(south(unit("gas", 100, 60)), Inputs(demand=frame(South=[50, 60])))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_plan_beats_perfect_foresight_nor_scenarios_on_themselves(seed: int) -> None:
    system, likely = synthetic_system(3, seed)
    plans = {
        "median": plan_deterministic(system, Inputs(**likely)),
        "scenarios": plan_scenarios(system, Inputs(**likely)),
    }
    expected = realised_costs(plans, Inputs(**likely))["total"]
    slack = 1e-4 * expected["median"]
    assert expected["perfect foresight"] <= expected["scenarios"] + slack
    assert expected["scenarios"] <= expected["median"] + slack
    truth = realised_costs(plans, Inputs(**_trajectory(synthetic_system(1, seed + 1)[1], 0)))
    assert (truth["regret"] >= -slack).all()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("eccodes") is None, reason="the extra 'grib' is not installed")
@pytest.mark.parametrize("first", ["network", "grib"])
def test_a_network_and_the_decoder_of_grib_live_in_one_program(first: str, tmp_path: Path) -> None:
    """PyPSA brings pyproj, and eccodes a copy of PROJ of its own; the decoder runs in another process."""
    file = tmp_path / "wind.grib2"
    grib_files.written({file: [grib_files.field("u10", values=3.0, lead=6)]})
    network = (
        "import pandas as pd; from energyforecast.planning import DispatchInputs, System, to_pypsa\n"
        "s = System.from_dict({'areas': ['S'], 'units': {'gas': {'area': 'S', 'capacity': 9, 'cost': 6}}})\n"
        "index = pd.date_range('2024-01-02', periods=2, freq='1h', tz='UTC')\n"
        "assert len(to_pypsa(s, DispatchInputs(demand=pd.DataFrame({'S': [1.0, 2.0]}, index=index))).buses) == 1\n"
    )
    code = (
        "from energyforecast import Site; from energyforecast.weather.sources.grib.decode import decode\n"
        "farm = Site(name='farm', latitude=43.6, longitude=78.6)\n"
        f"assert len(decode([open({str(file)!r}, 'rb').read()], sites=[farm])[0]) == 1\n"
    )
    parts = [network, code] if first == "network" else [code, network]
    done = subprocess.run(
        [sys.executable, "-c", "".join(parts) + "import sys; assert 'pyproj' in sys.modules\n"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr


def test_a_plan_on_means_takes_the_mean_of_scenarios_and_adds_those_of_sites() -> None:
    system = south(unit("gas", 500, 60))
    skewed = Inputs(demand=scenarios([[100], [100], [190]]))
    assert power(plan_deterministic(system, skewed), "gas") == [100.0]
    assert power(plan_deterministic(system, skewed, on="mean"), "gas") == pytest.approx([130.0])
    pair, _ = example_days(days=1, sites=("a", "b"))
    inputs = Inputs(demand=pair, site_areas={"a": "South", "b": "South"})
    with pytest.raises(SchemaError, match="median of a sum"):
        plan_deterministic(system, inputs)
    made = plan_deterministic(system, inputs, on="mean")
    np.testing.assert_allclose(power(made, "gas"), pair.mean.values[:, 0].sum(axis=0), rtol=1e-6)
    with pytest.raises(SchemaError, match="mode"):
        plan_deterministic(system, inputs, on="mode")
