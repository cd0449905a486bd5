"""A forecast knows whether its power is made or used, through every file and step, and imbalance costs one thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import energyforecast as ef
from energyforecast import planning
from energyforecast.core import settlement
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import KINDS, Kind, kind_of_sum, power_bounds
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.settlement import ImbalanceTerms
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import EnergyForecastError, MissingDataError, SchemaError
from energyforecast.evaluation import Result, align, imbalance_cost
from energyforecast.forecasting import portfolio
from energyforecast.planning.scenario_generation.marginals import Marginals
from energyforecast.reporting import backtest_report, sheets
from energyforecast.reporting.backtest_report import tables
from energyforecast.reporting.day_plan import _as_forecast
from energyforecast.testing import (
    example_days,
    example_forecast,
    example_observations,
    example_result,
    example_weather,
)

MADE: tuple[Kind, ...] = ("wind", "solar", "generation")
HOURS = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")


def _forecast(rows: Any, levels: tuple[float, ...], *, kind: Kind, capacity: float | None = None) -> Forecast:
    task = day_ahead("09:00", timezone="UTC", quantiles=levels)
    windows = task.windows(task.issue_times("2024-01-02", "2024-01-02"))
    return Forecast.from_rows(
        {
            "a": SiteRows(
                np.broadcast_to(np.asarray(rows, float), (24, len(levels))),
                capacity=capacity,
                kind=kind,
                weather_init_time=windows.issue_time,
            )
        },
        windows=windows,
        quantile_levels=levels,
        attrs={"timezone": "UTC", "perfect_weather": 0},
    )


def _refused(error: EnergyForecastError) -> None:
    assert len(str(error).splitlines()) == 3
    assert "with_kind" in error.remedy
    assert "kind=" in error.remedy


# -- hedging ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenarios", [False, True])
def test_a_demand_is_hedged_on_its_own_side_without_being_told(scenarios: bool) -> None:
    """N(100, 10): a megawatt-hour short costs 30, one over 10; hedged like a plant it would cost twice as much."""
    curve = stats.norm(100, 10).ppf((np.arange(2000) + 0.5) / 2000)
    source: Forecast | Scenarios = (
        Scenarios.from_values(
            curve[:, None, None], sites=["a"], kind="demand", valid_time=HOURS[:1], frequency="1h"
        )
        if scenarios
        else _forecast(stats.norm(100, 10).ppf(PERCENTILES), PERCENTILES, kind="demand")
    )
    right = planning.schedule(source, shortage=30, surplus=10).iloc[0]
    wrong = planning.schedule(source.with_kind("wind"), shortage=30, surplus=10).iloc[0]
    assert right["schedule"] == pytest.approx(106.745, abs=0.02)
    assert wrong["schedule"] == pytest.approx(93.255, abs=0.02)
    terms = ImbalanceTerms(shortage=30, surplus=10)
    costs = [
        terms.cost(curve, np.full(2000, row["schedule"]), kind="demand").mean() for row in (right, wrong)
    ]
    assert costs == [pytest.approx(127.1, abs=0.2), pytest.approx(262.0, abs=0.3)]
    assert right["expected_cost"] == pytest.approx(127.1, rel=0.01)


@pytest.mark.parametrize("kind", MADE)
def test_whatever_is_made_is_hedged_alike(kind: Kind) -> None:
    source = _forecast(stats.norm(100, 10).ppf(PERCENTILES), PERCENTILES, kind=kind)
    assert planning.schedule(source, shortage=30, surplus=10)["schedule"].iloc[0] == pytest.approx(
        93.255, abs=0.02
    )


# -- a plain site ----------------------------------------------------------------------------------


def test_of_a_plain_site_no_side_is_guessed() -> None:
    plain, power = example_forecast().with_kind("site"), example_observations()
    result = Result.from_forecasts({"vendor": plain}, power)
    uneven = {"shortage": 30.0, "surplus": 10.0}
    asked: list[Any] = [
        lambda: planning.schedule(plain, **uneven),
        lambda: planning.schedule(planning.sample_scenarios(plain, n_scenarios=100), **uneven),
        lambda: planning.compare_schedules(plain, observations=power, **uneven),
        lambda: imbalance_cost(power, plain, level=0.5, **uneven),
        lambda: ef.evaluation.economic_value(power, plain, reference=example_forecast(), **uneven),
        lambda: tables.imbalance(result),
        lambda: sheets.verification_sheet(plain, power, timezone="UTC"),
        lambda: settlement.deviations(np.zeros(1), np.ones(1), kind="site"),
    ]
    for ask in asked:
        with pytest.raises(MissingDataError, match="kind is not known") as caught:
            ask()
        _refused(caught.value)


def test_where_both_sides_cost_alike_a_plain_site_is_like_any_other() -> None:
    plain, power = example_forecast().with_kind("site"), example_observations()
    for site in (plain, example_forecast(), example_forecast().with_kind("demand")):
        assert imbalance_cost(power, site, shortage=20, surplus=20)["value"].iloc[0] == pytest.approx(480)
        declared = planning.schedule(site, shortage=20, surplus=20, band=0.05)["schedule"]
        assert declared.to_numpy() == pytest.approx(
            planning.schedule(plain, shortage=20, surplus=20, band=0.05)["schedule"].to_numpy()
        )
    even = pd.Series(np.arange(1.0, 25), index=HOURS)
    assert len(planning.schedule(plain, shortage=even, surplus=even)) == 24
    with pytest.raises(MissingDataError, match=r"\(1 hours\)"):
        planning.schedule(plain, shortage=even, surplus=even.where(even > 1, 5.0))


def test_a_page_of_a_plain_site_says_why_it_shows_no_cost(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    plain = Result.from_forecasts({"vendor": example_forecast().with_kind("site")}, example_observations())
    page = backtest_report.write(plain, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "whether farm generates or consumes is not known" in page
    assert "Cost of imbalance" not in page
    assert "Cost of imbalance" in backtest_report.write(example_result(), tmp_path / "page.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("kind", ["Wind", "", "load"])
def test_an_unknown_kind_is_refused_wherever_it_is_said(kind: Any) -> None:
    frame = example_forecast().to_frame()
    for say in (
        lambda: example_forecast().with_kind(kind),
        lambda: ef.Forecast.from_frame(frame, kind={"farm": kind}),
        lambda: ef.Forecast.from_frame(frame.assign(kind=kind)),
        lambda: Scenarios.from_values([[[1.0, 2.0]]], sites=["a"], valid_time=HOURS[:2], kind=kind),
        lambda: ImbalanceTerms(shortage=1, surplus=1).prices(kind=kind),
    ):
        with pytest.raises(SchemaError, match="one of 'wind', 'solar', 'generation', 'demand', 'site'"):
            say()
    with pytest.raises(SchemaError, match="Sites are"):
        example_forecast().with_kind({"firm": "wind"})


# -- where it comes from, and that it stays --------------------------------------------------------


def _runs(observations: Observations) -> xr.Dataset:
    """Weather of the farm, a run each day."""
    days = observations.index[::24].tz_localize(None).to_numpy().astype("datetime64[ns]")
    one = example_weather().isel(init_time=0, drop=True).drop_vars("available_time", errors="ignore")
    data = one.expand_dims(init_time=days, axis=1)
    return data.assign_coords(available_time=("init_time", days + np.timedelta64(6, "h")))


@pytest.mark.parametrize("cls", [ef.Site, ef.WindFarm, ef.PVPlant, ef.DemandArea])
def test_a_forecast_has_the_kind_of_its_site_also_from_a_stored_model(cls: Any, tmp_path: Path) -> None:
    site, observations = cls(name="farm", latitude=43.64, longitude=78.54), example_observations(days=30)
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    fitted = ef.Forecaster(site, task, model=ef.Climatology()).fit(_runs(observations), observations)
    for one in (fitted, ef.load(fitted.save(tmp_path / "model"))):
        made = one.predict(_runs(observations), observations, issue_time="2024-01-20 09:00")
        assert made.kinds == {"farm": site.kind}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_comes_back_from_every_file(kind: Kind, tmp_path: Path) -> None:
    forecast = example_forecast().with_kind(kind)
    again = Forecast.load(forecast.save(tmp_path / "farm.nc"))
    assert again.kinds == {"farm": kind}
    assert again.data.equals(forecast.data)
    table = pd.read_csv(forecast.write_csv(tmp_path / "farm.csv"))
    assert Forecast.from_frame(table).kinds == {"farm": kind}
    assert Forecast.from_frame(forecast.to_frame()).kinds == {"farm": kind}
    result = Result.from_forecasts({"model": forecast}, example_observations())
    stored = Result.load(result.save(tmp_path / "result"))
    assert stored.forecasts["model"].kinds == {"farm": kind}
    assert set(stored.pairs["model"].kind) == {kind}
    pytest.importorskip("pyarrow")
    result.save(tmp_path / "result", parquet=True)
    assert set(pd.read_parquet(tmp_path / "result" / "pairs.parquet")["kind"]) == {kind}


def test_a_stranger_says_its_kind_by_argument_by_column_or_not_at_all() -> None:
    frame = example_forecast().to_frame()
    both = pd.concat([frame, frame.assign(site="city", kind="demand")])
    bare = both.drop(columns="kind")
    assert Forecast.from_frame(both).kinds == {"city": "demand", "farm": "wind"}
    assert Forecast.from_frame(both, kind="solar").kinds == {"city": "solar", "farm": "solar"}
    assert Forecast.from_frame(both, kind={"farm": "solar"}).kinds == {"city": "demand", "farm": "solar"}
    assert Forecast.from_frame(bare, kind={"city": "demand"}).kinds == {"city": "demand", "farm": "site"}
    assert Forecast.from_frame(bare).kinds == {"city": "site", "farm": "site"}
    with pytest.raises(SchemaError, match=r"has the kinds .*demand.*wind"):
        Forecast.from_frame(frame.assign(kind=["wind", "demand"] * 12))


def test_beside_others_a_stranger_takes_the_kind_that_is_known_and_none_is_of_two() -> None:
    vendor = example_forecast().with_kind("site")
    result = example_result().with_forecasts({"vendor": vendor})
    assert {name: one.kinds["farm"] for name, one in result.forecasts.items()} == dict.fromkeys(
        ["model", "reference", "vendor"], "wind"
    )
    with pytest.raises(SchemaError, match="'farm' is demand in the forecast 'vendor', and wind"):
        example_result().with_forecasts({"vendor": vendor.with_kind("demand")})


def test_the_kind_stays_through_what_is_made_of_a_forecast() -> None:
    forecast, power = example_days(days=40, kind="demand")
    assert forecast.sel(site="a").kinds == {"a": "demand"}
    late = Forecast(forecast.data.isel(issue_time=[39]))
    # An archive from before kinds were told does not rub off.
    past = Forecast(forecast.data.isel(issue_time=slice(39))).with_kind("site")
    calibrated = ef.AdaptiveCalibration(by_lead=1).apply(late, power, past=past)
    assert calibrated.kinds == late.kinds == {"a": "demand", "b": "demand"}
    mixed = late.with_kind({"b": "solar"})
    marginals = Marginals.of(mixed)
    assert dict(zip(marginals.sites, marginals.kinds, strict=True)) == mixed.kinds
    drawn = planning.sample_scenarios([mixed.sel(site="b"), mixed.sel(site="a")], n_scenarios=20)
    assert drawn.kinds == {"b": "solar", "a": "demand"}
    assert drawn.with_kind({"b": "wind"}).kinds == {"b": "wind", "a": "demand"}
    whole = drawn.total({"one": ["a"], "both": ["a", "b"]})
    assert whole.kinds == {"one": "demand", "both": "site"}
    total = Scenarios.from_values(
        np.concatenate([drawn.data.values, drawn.data.values.sum(axis=1, keepdims=True)], axis=1),
        sites=["b", "a", "all"],
        kind=drawn.kinds,
        valid_time=drawn.valid_times,
    )
    assert planning.reconcile(total, hierarchy={"all": ["a", "b"]}, method="ols").kinds == total.kinds


def test_net_load_is_used_and_its_parts_are_what_they_are() -> None:
    demand, _ = example_days(days=1, sites=["city"], kind="demand")
    farm = example_forecast()
    net = planning.net_load(demand=demand, wind=farm, parts=True)
    assert net.kinds == {"net load": "demand", "demand": "demand", "wind": "wind"}
    assert _as_forecast(net, "net load", {"wind": farm}).kinds == {"net load": "demand"}
    for wrong in ({"demand": farm}, {"demand": demand, "wind": farm.with_kind("demand")}):
        with pytest.raises(SchemaError, match="'farm' is given as"):
            planning.net_load(**wrong)


def test_a_reserve_is_of_net_load_not_of_a_plant() -> None:
    farm = planning.sample_scenarios(example_forecast(), n_scenarios=200)
    with pytest.raises(SchemaError, match="'farm', whose kind is 'wind'"):
        planning.reserve(farm, risk=0.1)
    assert (planning.reserve(farm.with_kind("demand"), risk=0.1)["up"] > 0).all()


def test_a_plan_has_forecasts_of_the_kinds_of_its_sites() -> None:
    sites = [
        ef.DemandArea(name="city", latitude=43.2, longitude=76.9),
        ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60),
    ]
    observations = example_observations(days=30)
    both = Observations(
        pd.concat([observations.values, observations.values.rename(columns={"farm": "city"})], axis=1),
        published_after="1h",
    )
    runs = _runs(observations)
    weather = xr.concat([runs, runs.assign_coords(site=["city"])], "site")
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    ahead = portfolio.forecast_portfolio(
        ef.Forecaster(sites, task, model=ef.Climatology()), weather, both, issue_times="2024-01-20 09:00"
    )
    assert {kind: one.kinds for kind, one in ahead.ahead.items()} == {
        "demand": {"city": "demand"},
        "wind": {"farm": "wind"},
    }


def test_sums_of_plants_are_generation_and_hedged_as_such() -> None:
    assert [kind_of_sum(kinds) for kinds in (["wind", "solar"], ["demand"] * 2, ["wind", "site"], [])] == [
        "generation",
        "demand",
        "site",
        "site",
    ]
    samples = np.linspace(0, 50, 101)[:, None, None].repeat(2, axis=1)
    pair = Scenarios.from_values(
        samples,
        sites=["farm", "pv"],
        kind={"farm": "wind", "pv": "solar"},
        valid_time=HOURS[:1],
        frequency="1h",
    )
    table = planning.schedule(pair.total({"all": ["farm", "pv"]}), shortage=30, surplus=10)
    assert table["schedule"].iloc[0] == pytest.approx(25.0, abs=0.5)  # the quarter of 0 to 100


def test_mape_is_of_demand_whether_or_not_it_has_a_capacity() -> None:
    power, demand = example_observations(), example_forecast().with_kind("demand")
    assert np.isfinite(demand.data["capacity"]).all()
    assert ef.evaluation.mape(power, demand)["n"].iloc[0] == 24
    for kind in (*MADE, "site"):
        with pytest.raises(SchemaError, match=f"MAPE is asked for at site 'farm' of the kind '{kind}'"):
            ef.evaluation.mape(power, demand.with_kind(kind))


def test_scores_are_told_by_kind() -> None:
    demand, power = example_days(days=2, sites=["a", "b"])
    table = ef.evaluation.mae(power, demand.with_kind({"a": "demand", "b": "wind"}), by="kind")
    assert table["kind"].tolist() == ["demand", "wind"]
    assert table["n"].tolist() == [48, 48]


POWERS = st.floats(0, 60).map(lambda power: round(power, 3))

# -- one cost --------------------------------------------------------------------------------------


def test_a_report_takes_a_demand_with_a_capacity_for_a_demand() -> None:
    """24 MWh too much used of 402: bought for 30, not sold for 10, a megawatt-hour."""
    found = {}
    for kind in ("wind", "demand"):
        result = Result.from_forecasts({"model": example_forecast().with_kind(kind)}, example_observations())
        found[kind] = tables.imbalance(result).set_index("schedule")
    assert found["wind"].loc["median", "cost"] == pytest.approx(0.597, abs=5e-4)
    assert found["demand"].loc["median", "cost"] == pytest.approx(1.791, abs=5e-4)
    assert found["wind"].loc["cheapest quantile", "level"] == 0.25
    assert found["demand"].loc["cheapest quantile", "level"] == 0.75
    assert found["demand"].loc["cheapest quantile", "cost"] < 1.791


def test_plants_and_demand_in_one_report_are_settled_each_by_its_kind() -> None:
    forecast, power = example_days(days=2)
    both = forecast.with_kind({"a": "demand", "b": "wind"})
    table = tables.imbalance(Result.from_forecasts({"model": both}, power)).set_index("schedule")
    assert np.isnan(table.loc["cheapest quantile", "level"])
    alone = [
        imbalance_cost(power, both.sel(site=name), shortage=30, surplus=10)["value"].iloc[0] for name in "ab"
    ]
    energy = np.abs(power.values.to_numpy()).sum()
    assert table.loc["cheapest quantile", "cost"] == pytest.approx(sum(alone) / energy)


@settings(max_examples=25, deadline=None)
@given(
    outcomes=st.lists(POWERS, min_size=24, max_size=24),
    holes=st.lists(st.booleans(), min_size=24, max_size=24),
    kind=st.sampled_from([kind for kind in KINDS if kind != "site"]),
)
def test_every_way_in_finds_the_same_cost(outcomes: list[float], holes: list[bool], kind: Kind) -> None:
    """Score, comparison of schedules, report and sheet, against a sum written out here."""
    holes[0] = False
    came = np.where(holes, np.nan, outcomes)
    power = Observations(pd.DataFrame({"farm": came}, index=HOURS), published_after="1h")
    forecast = example_forecast().with_kind(kind)
    over = came - forecast.at(0.5).values[0, 0]
    short, many = (over, -over) if kind == "demand" else (-over, over)
    expected = 30 * np.nansum(np.maximum(short, 0)) + 10 * np.nansum(np.maximum(many, 0))

    uneven = {"shortage": 30.0, "surplus": 10.0}
    ways = {"score": imbalance_cost(power, forecast, level=0.5, **uneven)["value"].iloc[0]}
    compared = planning.compare_schedules(forecast, observations=power, **uneven).set_index("schedule")
    ways["comparison"] = compared.loc["median", "realised_cost"]
    told = tables.imbalance(Result.from_forecasts({"model": forecast}, power)).set_index("schedule")
    ways["report"] = told.loc["median", "cost"] * np.nansum(came)
    sheet = sheets.verification_sheet(forecast, power, timezone="UTC")
    energy = sheet.to_frame(part="summary").set_index("key")["forecast"]
    ways["sheet"] = 30 * energy["shortage"] + 10 * energy["surplus"]
    if np.nansum(came) == 0:
        del ways["report"]  # per megawatt-hour of nothing
    assert ways == {name: pytest.approx(expected, abs=1e-3) for name in ways}


@settings(max_examples=25, deadline=None)
@given(
    outcomes=st.lists(POWERS, min_size=24, max_size=24),
    kind=st.sampled_from(["wind", "demand"]),
    band=st.floats(0, 0.5),
    band_of=st.sampled_from(["schedule", "capacity"]),
    paid=st.sampled_from(["beyond", "whole"]),
)
def test_a_dead_band_is_one_rule(
    outcomes: list[float], kind: Kind, band: float, band_of: Any, paid: Any
) -> None:
    power = Observations(pd.DataFrame({"farm": outcomes}, index=HOURS), published_after="1h")
    forecast = example_forecast().with_kind(kind)
    terms = ImbalanceTerms(shortage=30, surplus=10, band=band, band_of=band_of, paid=paid)
    compared = (
        planning.compare_schedules(forecast, terms, observations=power).set_index("schedule").loc["median"]
    )
    scored = imbalance_cost(power, forecast, terms=terms, level=0.5)["value"].iloc[0]
    assert scored == pytest.approx(compared["realised_cost"], abs=1e-9)
    if band_of == "schedule":
        within = sheets.VerificationTerms(tolerance=band)
        sheet = sheets.verification_sheet(forecast, power, timezone="UTC", terms=within)
        share = sheet.to_frame(part="summary").set_index("key").loc["within", "forecast"]
        assert share == pytest.approx(100 * compared["within_band"])


def test_the_edge_of_a_band_is_inside_and_a_step_beyond_is_not() -> None:
    declared, came = np.full(5, 100.0), np.array([90.0, 110.0, 89.99, 110.01, np.nan])
    for paid, beyond in (("beyond", 0.01), ("whole", 10.01)):
        terms = ImbalanceTerms(shortage=30, surplus=10, band=0.1, paid=paid)  # type: ignore[arg-type]
        np.testing.assert_array_equal(terms.within(came, declared), [1, 1, 0, 0, np.nan])
        np.testing.assert_allclose(
            terms.cost(came, declared, kind="demand"), [0, 0, 10 * beyond, 30 * beyond, np.nan], atol=1e-9
        )


def test_rows_of_several_kinds_and_prices_by_hour_are_settled_row_by_row() -> None:
    hours = HOURS[[0, 1, 0]]
    terms = ImbalanceTerms(
        shortage=pd.Series([30.0, 60.0], index=HOURS[:2]), surplus=10.0, band=0.1, band_of="capacity"
    )
    cost = terms.cost(
        np.array([80.0, 120.0, 120.0]),
        np.full(3, 100.0),
        kind=np.array(["wind", "demand", "solar"]),
        hours=hours,
        capacity=np.array([100.0, 50.0, 100.0]),
        step=0.5,
    )
    assert cost.tolist() == [0.5 * 30 * 10, 0.5 * 60 * 15, 0.5 * 10 * 10]


def test_pairs_without_a_kind_are_refused() -> None:
    pairs = align(example_observations(), example_forecast())
    with pytest.raises(SchemaError, match="kind"):
        replace(pairs, labels=pairs.labels.drop(columns="kind"))


def test_prices_or_terms_not_both() -> None:
    terms = ImbalanceTerms(shortage=30, surplus=10)
    power, forecast = example_observations(), example_forecast()
    assert imbalance_cost(power, forecast, terms=terms).equals(
        imbalance_cost(power, forecast, shortage=30, surplus=10)
    )
    for wrong in ({}, {"shortage": 30}, {"terms": terms, "shortage": 30, "surplus": 10}):
        with pytest.raises(SchemaError, match="Either terms, or both prices"):
            imbalance_cost(power, forecast, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_follow_the_kind_and_the_capacity(kind: Kind) -> None:
    assert power_bounds(60.0, kind=kind) == (-60.0 if kind == "demand" else 0.0, 60.0)
    assert power_bounds(None, kind=kind) == power_bounds(np.nan, kind=kind) == (-np.inf, np.inf)
