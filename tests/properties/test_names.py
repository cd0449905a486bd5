"""Names that users give, met by names that the library makes: kept apart in tables and files, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import evaluation, planning
from energyforecast.core.files import distinct_names
from energyforecast.errors import SchemaError
from energyforecast.forecasting import PortfolioForecast
from energyforecast.planning.dispatch.system import PARTS
from energyforecast.reporting import day_plan
from energyforecast.testing import example_days, example_dispatch, example_forecast
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

#: Names of columns, dimensions, coordinates, totals and devices.
NAMES = (
    "time", "issue_time", "valid_time", "lead_time", "init_time", "available_time", "quantile", "q0.5", "site",
    "member", "value", "flags", "observed", "total", "net load", "a/b", "a_b", "A_B", "CON", "..", "x: wind",
    "Ünïted", "0", "n",
)  # fmt: skip


@pytest.fixture(scope="module")
def sites() -> list[ef.WindFarm]:
    return [replace(wind_farm(), name=name) for name in NAMES]


@pytest.mark.slow
def test_sites_of_any_name_are_forecast_scored_and_stored(sites: list[ef.WindFarm], tmp_path: Path) -> None:
    weather, truth = toy_weather(sites, days=30)
    power = toy_power(sites, truth)
    plain = [replace(site, name=f"farm {k}") for k, site in enumerate(sites)]
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    results = []
    for given, runs, measured in (
        (sites, weather, power),
        (
            plain,
            weather.assign_coords(site=[site.name for site in plain]),
            replace(power, values=power.values.set_axis([site.name for site in plain], axis=1)),
        ),
    ):
        forecaster = ef.Forecaster(given, task, model=quick_model(5)).fit(
            runs, measured["2024-01-01":"2024-01-20"]
        )
        forecaster = ef.load(forecaster.save(tmp_path / "all.forecaster"))
        forecast = forecaster.predict(runs, measured, issue_time=["2024-01-22 09:00", "2024-01-23 09:00"])
        forecast.save(tmp_path / "forecast.nc")
        kept = ef.Forecast.load(tmp_path / "forecast.nc")
        assert list(kept.sites) == [site.name for site in given]
        back = ef.Forecast.from_frame(kept.to_frame(), capacity={site.name: site.capacity for site in given})
        scores = evaluation.score("mae", measured, back, by="site").set_index("site")["value"]
        results.append([scores[site.name] for site in given])
    assert results[0] == pytest.approx(results[1])


def test_files_of_any_names_are_apart_on_every_system() -> None:
    stems = distinct_names([*NAMES, "", "scores", "é", "e\u0301", "aux", "lpt1"], reserved=["scores"])
    found = [stem.casefold() for stem in stems.values()]
    assert len(set(found)) == len(found)
    assert not {"", "con", "aux", "lpt1", "scores"} & set(found)
    assert all(stem == Path(stem).name and not set(stem) & set('/\\:*?"<>|.') for stem in found)


def test_sites_that_look_the_same_are_refused() -> None:
    with pytest.raises(SchemaError, match="twice"):
        ef.core.sites.as_sites([replace(wind_farm(), name=name) for name in ("Caf\u00e9", "Cafe\u0301")])


@pytest.mark.parametrize("name", ["schedules", "schedule_costs", "South", "a/b", "scenarios"])
def test_sheets_of_sites_do_not_overwrite_tables_and_areas(name: str, tmp_path: Path) -> None:
    terms = {
        "areas": {"South": [name, "a_b"]},
        "dependence": "independent",
        "schedule": {"shortage": 30, "surplus": 20},
    }
    frame = example_forecast().to_frame()
    both = pd.concat([frame.assign(site=one) for one in (name, "a_b")])
    forecast = ef.Forecast.from_frame(both, capacity={name: 100.0, "a_b": 100.0}, kind="wind")
    plan = planning.plan_day(
        planning.PlanSettings.from_dict(terms), PortfolioForecast({"wind": forecast}, {})
    )
    files = sorted(path.name for path in day_plan.write(plan, tmp_path, timezone="UTC").iterdir())
    assert len([file for file in files if file.endswith(".xlsx")]) == 2
    assert len([file for file in files if file.endswith(".csv")]) == 4
    assert set(pd.read_csv(tmp_path / "schedules.csv")["site"]) == {name, "a_b"}


# -- names that a plan makes -----------------------------------------------------------------------

SOUTH = {"areas": ["South"], "shedding_cost": 1000}
KEYS: dict[str, dict[str, Any]] = {
    "units": {"area": "South", "capacity": 300, "cost": 60},
    "links": {"from_area": "South", "to_area": "South", "capacity": 10},
    "pumped_storages": {"area": "South", "turbine": 10, "pump": 10, "reservoir": 20},
    "batteries": {"area": "South", "power": 10, "energy": 20},
    "electrolysers": {"area": "South", "capacity": 10, "hydrogen_demand": 1},
}


@pytest.mark.parametrize("table", list(PARTS))
def test_a_plan_s_own_components_cannot_be_named_by_users(table: str) -> None:
    """Every component of the network is a declared part, or its name is refused for one."""
    from energyforecast.planning.dispatch.pypsa import components

    links = {"line": KEYS["links"] | {"to_area": "North", "bidirectional": True}}
    tables = SOUTH | {
        "areas": ["South", "North"],
        "links": links,
        table: links if table == "links" else {"x": KEYS[table]},
    }
    system = planning.System.from_dict(tables)
    _, inputs = example_dispatch(demand=[10.0, 20.0])
    made = components(system, inputs.by_area(system.area_names, on="median"))
    names = {name for kind, rows in made.items() if kind != "Carrier" for name in rows}
    declared = {*system.area_names, *(part.name for part in system._parts)}
    assert names - declared
    for name in names - declared:
        with pytest.raises(SchemaError, match="name"):
            planning.System.from_dict(tables | {"units": {**tables.get("units", {}), name: KEYS["units"]}})


def _net(area: str) -> Any:
    demand, _ = example_days(days=1, sites=["city"])
    independent = planning.GaussianCopula.exponential(range_hours=12.0)
    return planning.net_load(demand=demand, areas={area: ["city"]}, parts=True, dependence=independent)


@pytest.mark.parametrize(
    "call",
    [
        *(lambda area=area: _net(area) for area in ("net load", "demand", "wind", "north: solar")),
        lambda: planning.realised_costs(
            {"perfect foresight": planning.plan_deterministic(*example_dispatch(demand=[250.0]))},
            example_dispatch(demand=[250.0])[1],
        ),
        lambda: ef.weather.validated({"a:b": toy_weather([wind_farm()], days=5)[0]}),
    ],
)
def test_names_that_the_library_makes_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(SchemaError, match="name"):
        call()


def test_an_area_of_a_free_name_is_planned() -> None:
    assert "north" in _net("north").sites
