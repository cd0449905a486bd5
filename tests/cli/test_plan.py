"""From a configuration to sheets, and the synthetic week: refusals, messages and costs."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast import configuration
from energyforecast.cli import app
from energyforecast.core.scenario_set import Scenarios
from energyforecast.demos import plan as demo_plan
from energyforecast.errors import ConfigurationError, MissingDataError, SchemaError
from energyforecast.forecasting.portfolio import PortfolioForecast, forecast_portfolio, weather_of
from energyforecast.planning import (
    DispatchInputs,
    PlanSettings,
    System,
    evaluate_plan,
    perfect_foresight,
    plan_day,
    plan_deterministic,
)
from energyforecast.reporting import day_plan, figures
from energyforecast.testing import example_days, example_forecast

ROOT = Path(__file__).parents[2]

FARM = """
[sites."La Haute Borne"]
kind = "wind"
latitude = 48.45
longitude = 5.59
capacity = 8.2
timezone = "Europe/Paris"
[weather]
dataset = "la-haute-borne"
perfect_weather = true
[observations]
dataset = "la-haute-borne"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Paris"
[model]
kind = "Climatology"
[plan]
dependence = "exponential"
range_hours = 12
[plan.areas]
Lorraine = ["La Haute Borne"]
[plan.schedule]
shortage = 40
surplus = 10
[plan.ramps]
change = 2
"""


def _plan(**tables: Any) -> PlanSettings:
    return configuration.plan_settings({"areas": {"South": ["a", "b"]}} | tables)


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"n_scenario": 100}, "unknown key 'n_scenario'.*\n.*\nDid you mean 'n_scenarios'"),
        ({"reserve": {"riks": 0.1}}, r"\[plan.reserve\].*'riks'.*\n.*\nDid you mean 'risk'"),
        ({"reserve": {"risk": 0.1, "outages": [{"capacty": 3}]}}, "'capacty'.*\n.*\nDid you mean 'capacity'"),
        ({"ramps": {"with": ["1h"]}}, "unknown key 'with'.*\n.*\nDid you mean 'within'"),
        ({"ramps": {}}, "does not give change"),
        ({"schedule": {"preset": "kazakhstan"}}, 'no gate_closure.*\n.*\nAdd gate_closure = "08:00"'),
        ({"schedule": {"preset": "norway"}}, "preset of .plan.schedule. is 'norway'.*\n.*'kazakhstan'"),
        ({"schedule": {"shortage": -1, "surplus": 1}}, "price of shortage is -1"),
        ({"schedule": {"shortage": 1, "surplus": 1, "band": 1.0}}, "dead band is 1"),
        ({"system": {"areas": ["North"]}}, "area 'South'.*not in the system.*\nThe system has .*North"),
        ({"system": {"areas": ["South"], "unit": {}}}, r"\[plan.system\].*\n.*\nDid you mean 'units'"),
        ({"dependence": "copula"}, "dependence is 'copula'"),
        ({"dependence": "exponential"}, "range_hours = None"),
        ({"areas": {"South": ["a"], "North": ["a"]}}, "'a' twice"),
        ({"areas": ["South"]}, "no table"),
        ({"quantile_levels": [0.9, 0.1]}, "0.9"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_misspelt_key_is_refused_with_its_remedy(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _plan(**tables)


def test_a_site_belongs_to_one_area_and_is_of_a_kind_that_can_be_planned() -> None:
    farm = ef.WindFarm(name="farm", latitude=43.6, longitude=78.5, capacity=60)
    with pytest.raises(ConfigurationError, match=r"'fram', which is no site.*\n.*\nDid you mean 'farm'"):
        PlanSettings.from_dict({"areas": {"South": ["fram"]}}).kinds([farm])
    other = replace(farm, name="other")
    with pytest.raises(ConfigurationError, match="'other' is in no area"):
        PlanSettings.from_dict({"areas": {"South": ["farm"]}}).kinds([farm, other])
    plain = ef.Site(name="farm", latitude=43.6, longitude=78.5)
    with pytest.raises(ConfigurationError, match="'farm' has no kind"):
        PlanSettings.from_dict({"areas": {"South": ["farm"]}}).kinds([plain])


def test_a_configuration_names_its_file_in_errors_of_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "farm.toml"
    file.write_text(FARM.replace("change = 2", "chance = 2"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"farm.toml: \[plan.ramps\] holds the unknown key 'chance'"):
        configuration.read(file)


def test_past_forecasts_or_observations_that_lack_are_asked_for() -> None:
    demand, seen = example_days(days=12)
    settings = _plan(areas={"South": ["a", "b"]})
    issue = demand.issue_times[-1]
    with pytest.raises(SchemaError, match="no past forecasts"):
        plan_day(settings, PortfolioForecast({"demand": demand}, {}), seen, issue_time=issue)
    with pytest.raises(SchemaError, match="no observations"):
        plan_day(settings, PortfolioForecast({"demand": demand}, {"demand": demand}), issue_time=issue)
    with pytest.raises(SchemaError, match="issued 12 times"):
        plan_day(settings, PortfolioForecast({"demand": demand}, {}), seen)


def test_what_is_learnt_stops_at_the_issue() -> None:
    """The copula of an issue in the middle is the one of a synthetic site that ends there."""
    demand, seen = example_days(days=40)
    settings = _plan(n_scenarios=50)
    issue = demand.issue_times[25]
    whole = plan_day(
        settings, PortfolioForecast({"demand": demand}, {"demand": demand}), seen, issue_time=issue
    )
    destroyed = seen.values.copy()
    destroyed.loc[destroyed.index >= issue] = 9999.0
    poisoned = ef.Observations(destroyed, published_after="1h")
    again = plan_day(
        settings, PortfolioForecast({"demand": demand}, {"demand": demand}), poisoned, issue_time=issue
    )
    assert whole.net_load is not None
    assert again.net_load is not None
    np.testing.assert_array_equal(whole.net_load.data.values, again.net_load.data.values)


# --- What comes out -------------------------------------------------------------------------------


def test_net_load_is_taken_in_each_scenario_and_its_sheet_says_what_it_is() -> None:
    demand, _ = example_days(days=1)
    wind = example_forecast()
    data = demand.data.assign_coords(issue_time=wind.data["issue_time"].values)
    valid = wind.data["valid_time"].values
    lead = wind.data["lead_time"].values
    demand = ef.Forecast(data.assign_coords(lead_time=lead, valid_time=(("issue_time", "lead_time"), valid)))
    settings = PlanSettings.from_dict(
        {
            "areas": {"South": ["a", "farm"], "North": ["b"]},
            "dependence": "exponential",
            "range_hours": 12,
            "n_scenarios": 400,
            "reserve": {"risk": 0.05},
            "ramps": {"change": 5, "within": ["1h"]},
        }
    )
    made = plan_day(settings, PortfolioForecast({"demand": demand, "wind": wind}, {}))
    net = made.net_load
    assert net is not None
    south = net.of("South: demand") - net.of("South: wind")
    np.testing.assert_allclose(net.of("South"), south)
    np.testing.assert_allclose(net.of("net load"), net.of("South") + net.of("North"))
    sheets = day_plan.sheets(made, timezone="UTC")
    assert list(sheets) == ["South", "North", "net load", "farm"]
    shown = sheets["net load"].to_frame()
    np.testing.assert_allclose(shown["q0.9"], net.quantiles([0.9], site="net load")["q0.9"], rtol=1e-6)
    assert shown["reserve_up"].notna().all()
    assert made.reserve is not None
    np.testing.assert_allclose(shown["schedule"], made.reserve["scheduled"])


@pytest.mark.slow
def test_the_command_plans_a_farm_from_embedded_data(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(FARM, encoding="utf-8")
    out = tmp_path / "plan"
    done = CliRunner().invoke(
        app,
        [
            "plan",
            str(tmp_path / "farm.toml"),
            "--issue-time",
            "2015-03-15 09:00",
            "--out",
            str(out),
            "--language",
            "fr",
            "--json",
            str(out / "plan.json"),
        ],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert "not forecast skill" in done.stdout
    assert "Without a site of demand there is no net load: no ramps" in done.stdout
    page = (out / "La_Haute_Borne.html").read_text("utf-8")
    assert 'lang="fr"' in page
    assert "météo parfaite" in page
    report = json.loads((out / "plan.json").read_text("utf-8"))
    assert report["synthetic"] is False
    assert report["fallback_levels"] == {"La Haute Borne": 0}
    assert len(report["schedules"]) == 24
    costs = {row["schedule"]: row["expected_cost"] for row in report["schedule_costs"]}
    assert costs["optimum"] <= min(costs["mean"], costs["median"])
    for table in out.glob("*.csv"):
        assert pd.read_csv(table).iloc[:, -1].str.contains("not forecast skill").all(), table
    assert (out / "La_Haute_Borne.xlsx").stat().st_size > 4000


def test_a_configuration_without_a_plan_and_an_unknown_language_stop_before_the_fits(tmp_path: Path) -> None:
    file = tmp_path / "farm.toml"
    file.write_text(FARM.split("[plan]", maxsplit=1)[0], encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no section \[plan\]"):
        CliRunner().invoke(app, ["plan", str(file)], catch_exceptions=False)
    file.write_text(FARM, encoding="utf-8")
    with pytest.raises(MissingDataError, match="'kk'"):
        CliRunner().invoke(app, ["plan", str(file), "--language", "kk"], catch_exceptions=False)


def test_the_example_names_sites_that_its_dataset_has() -> None:
    settings = configuration.read(ROOT / "examples" / "plan.toml")
    assert settings.plan is not None
    assert list(settings.plan.kinds(settings.sites)) == ["demand", "wind", "solar"]
    synthetic = ef.datasets.almaty_region(hours=48, models=("ecmwf",))
    assert [site.name for site in settings.sites] == [site.name for site in synthetic.sites]
    tables = tomllib.loads((ROOT / "examples" / "plan.toml").read_text("utf-8"))["plan"]["system"]
    assert System.from_dict(tables).units == System.from_dict(demo_plan.TABLES).units


@pytest.mark.parametrize(
    ("last", "monday"),
    [
        ("2024-12-29 18:00", "2024-12-23"),  # the hour that ends Sunday in Almaty
        ("2024-12-29 17:00", "2024-12-16"),  # Sunday lacks an hour
        ("2024-12-30 23:00", "2024-12-23"),
    ],
)
def test_the_week_is_the_last_whole_one_of_the_local_calendar(last: str, monday: str) -> None:
    index = pd.date_range("2024-11-01", last, freq="1h", tz="UTC")
    assert f"{demo_plan._last_monday(index):%Y-%m-%d %H:%M %z}" == f"{monday} 00:00 +0500"


def test_storages_go_on_where_they_were_left_and_must_come_back() -> None:
    system = System.from_dict(demo_plan.TABLES)
    resumed = demo_plan._resumed(system, {"Pumped storage": 612.0, "Electrolyser hydrogen": 250.0})
    assert (resumed.storages[0].start_level, resumed.storages[0].end) == (612.0, 450)
    assert resumed.electrolysers[0].start_level == 200  # not more than the tank holds
    assert resumed.electrolysers[0].end == 100


def test_figures_of_storages_and_costs_show_the_plans_and_say_their_caveats() -> None:
    battery = {"area": "South", "power": 50, "energy": 100, "start_level": 20}
    units = {
        "coal": {"area": "South", "capacity": 150, "cost": 20},
        "gas": {"area": "South", "capacity": 300, "cost": 60},
    }
    system = System.from_dict({"areas": ["South"], "units": units, "batteries": {"battery": battery}})
    hours = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    demand = Scenarios.from_values(
        [[[100.0, 180.0, 100.0]]], sites=["South"], valid_time=hours, caveats=["synthetic"]
    )
    plans = {
        "median": plan_deterministic(system, DispatchInputs(demand=demand)),
        "perfect": perfect_foresight(system, DispatchInputs(demand=demand)),
    }
    figure = figures.storage(plans, timezone="Asia/Almaty")
    drawn = figure.axes[0].get_lines()
    assert [line.get_label() for line in drawn] == ["median", "perfect"]
    np.testing.assert_allclose(drawn[0].get_ydata(), plans["median"].storage["level"])
    assert drawn[0].get_ydata()[-1] == pytest.approx(20.0)
    assert figure._supxlabel.get_text() == "synthetic"
    with pytest.raises(SchemaError, match="'lake'"):
        figures.storage(plans, component="lake")
    done = evaluate_plan(plans["median"], DispatchInputs(demand=demand))
    table = pd.DataFrame(
        {"total": [done.cost + 5, done.cost], "regret": [5.0, 0.0]}, index=["median", "perfect"]
    )
    bars = figures.costs(table, caveats=["synthetic"])
    assert [bar.get_width() for bar in bars.axes[0].patches] == [5.0]
    assert bars._supxlabel.get_text() == "synthetic"


# --- The synthetic region -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def synthetic() -> ef.datasets.SyntheticSite:
    return ef.datasets.almaty_region(hours=24 * 50, models=("ecmwf",))


@pytest.fixture(scope="module")
def inputs(synthetic: ef.datasets.SyntheticSite) -> demo_plan.WeekInputs:
    return demo_plan.forecast_week(days=2, learn="14D", synthetic=synthetic, model=ef.Climatology())


@pytest.fixture(scope="module")
def week(inputs: demo_plan.WeekInputs) -> demo_plan.WeekPlan:
    return demo_plan.plan_week(inputs, scenarios=200)


@pytest.mark.slow
def test_a_region_is_its_sites_side_by_side(synthetic: ef.datasets.SyntheticSite) -> None:
    farm = ef.datasets.shelek(hours=24 * 50, models=("ecmwf",))
    name = farm.site.name
    pd.testing.assert_frame_equal(synthetic.observations[[name]].values, farm.observations.values)
    np.testing.assert_array_equal(synthetic.observations[[name]].published, farm.observations.published)
    here = weather_of(synthetic.weather, [name])["ecmwf"]
    assert sorted(here.data_vars) == sorted(farm.weather["ecmwf"].data_vars)
    for variable, values in farm.weather["ecmwf"].data_vars.items():
        np.testing.assert_array_equal(here[variable].values, values.values)
    assert here[variable].attrs == values.attrs
    assert "Almaty (synthetic)" not in [site.name for site in synthetic.sites]  # the total is the sum of two


@pytest.mark.slow
def test_who_knows_the_truth_pays_least_and_shares_follow_from_costs(week: demo_plan.WeekPlan) -> None:
    costs = week.costs
    total = costs["total"]
    assert (total >= total["perfect foresight"] - 1e-3).all()
    assert costs.loc["persistence", "share_won"] == 0
    assert costs.loc["perfect foresight", "share_won"] == 1
    assert (costs["share_won"] <= 1 + 1e-9).all()
    won = (total["persistence"] - total["median"]) / (total["persistence"] - total["perfect foresight"])
    assert costs.loc["median", "share_won"] == pytest.approx(won)


@pytest.mark.slow
def test_storages_of_the_second_day_begin_where_the_first_left_them(
    inputs: demo_plan.WeekInputs, week: demo_plan.WeekPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A lower end level, so that the first day leaves another level than it began with.
    lake = demo_plan.TABLES["pumped_storages"]["Pumped storage"] | {"end_level": 200}
    lowered = demo_plan.TABLES | {"pumped_storages": {"Pumped storage": lake}}
    monkeypatch.setattr(demo_plan, "TABLES", lowered)
    part = System.from_dict(lowered).storages[0]
    for name, plan in demo_plan._run(inputs, week.days, week.days[0].settings).items():
        level = plan.storage.loc[plan.storage["component"] == part.name, "level"].to_numpy()
        flow = plan.dispatch[plan.dispatch["component"] == part.name]["power"].to_numpy()
        gained = np.where(flow < 0, -flow * part.pump_efficiency, -flow / part.turbine_efficiency)
        np.testing.assert_allclose(np.diff(level), gained[1:], atol=1e-3, err_msg=name)
        assert level[0] - gained[0] == pytest.approx(part.start_level, abs=1e-3)
        assert level[23] == pytest.approx(part.end, abs=1e-3)
        assert level[-1] >= part.end - 1e-3


@pytest.mark.slow
def test_the_same_region_gives_the_same_report(
    inputs: demo_plan.WeekInputs, week: demo_plan.WeekPlan
) -> None:
    again = demo_plan.plan_week(inputs, scenarios=200).report()
    assert json.dumps(again) == json.dumps(week.report())
    assert again["synthetic"] is True
    assert (again["n_days"], again["n_hours"], again["seed"]) == (2, 48, 1)
    assert set(again["costs"]) == {"scenarios", "median", "persistence", "perfect foresight"}
    assert {row["reserve"] for row in again["reserve"]} == {"by hour", "static"}
    assert {row["n"] + row["missing"] for row in again["reserve"]} == {48}
    assert {row["site"] for row in again["schedules"]} == {"Shelek (synthetic)", "Kapshagay PV (synthetic)"}


@pytest.mark.slow
def test_everything_that_the_demo_writes_says_that_it_is_synthetic(
    week: demo_plan.WeekPlan, tmp_path: Path
) -> None:
    from energyforecast.cli.plan import write_week

    write_week(week, tmp_path, language="ru")
    for table in tmp_path.glob("*.csv"):
        assert pd.read_csv(table).iloc[:, -1].str.startswith("synthetic").all(), table
    for page in tmp_path.glob("*.html"):
        assert "синтетические данные" in page.read_text("utf-8"), page
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {
        "net_load.png",
        "ramps.png",
        "week_dispatch.png",
        "week_storage.png",
        "week_costs.png",
    }
    assert len(list(tmp_path.glob("*.xlsx"))) == 3


@pytest.mark.slow
def test_without_weather_there_is_a_forecast_and_the_sheet_says_so(
    synthetic: ef.datasets.SyntheticSite,
) -> None:
    issue = synthetic.observations.index[-1] - pd.Timedelta("72h")
    cut = {
        name: runs.sel(init_time=runs["init_time"] < np.datetime64("2023-02-10"))
        for name, runs in synthetic.weather.items()
    }
    farm = [site for site in synthetic.sites if site.kind == "wind"]
    task = ef.day_ahead("08:00", timezone="Asia/Almaty")
    made = forecast_portfolio(
        ef.Forecaster(farm, task, model=ef.LightGBMQuantiles(n_estimators=10)),
        cut,
        synthetic.observations,
        issue_times=task.issue_times(issue, issue + pd.Timedelta("24h"))[:1],
    )
    settings = PlanSettings.from_dict(
        {"areas": {"South": [farm[0].name]}, "dependence": "exponential", "range_hours": 12}
    )
    day = plan_day(settings, made)
    assert day.fallback_levels == {farm[0].name: 3}
    [sheet] = day_plan.sheets(day, timezone="Asia/Almaty").values()
    assert "no weather: climatology in place of a forecast (1 of 1 issues)" in sheet.caveats
    assert (sheet.to_frame()["fallback_level"] == 3).all()


@pytest.mark.notebooks
def test_the_example_is_planned(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            "plan",
            str(ROOT / "examples" / "plan.toml"),
            "--issue-time",
            "2024-12-22 08:00",
            "--out",
            str(tmp_path / "plan"),
        ],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert "synthetic" in done.stdout
    assert {"dispatch.png", "net_load.html", "scenarios.nc"} <= {
        path.name for path in (tmp_path / "plan").iterdir()
    }
