"""Schedules: the newsvendor's quantile, dead bands by hand and by search, and agreement with the evaluation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import Kind
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.settlement import ImbalanceTerms, kazakhstan
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import MissingDataError, RangeError, SchemaError, TimeError
from energyforecast.evaluation import imbalance_cost
from energyforecast.planning import compare_schedules, schedule
from energyforecast.testing import example_forecast, example_observations

HOURS = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")


def _trajectories(values: Any, hours: pd.DatetimeIndex = HOURS, *, kind: Kind = "wind") -> Scenarios:
    """Scenarios of one farm, from an array of shape (scenarios,) or (scenarios, hours)."""
    array = np.asarray(values, float).reshape(len(values), -1)
    return Scenarios.from_values(
        array[:, None, :], sites=["farm"], kind=kind, valid_time=hours, frequency="1h"
    )


def _forecast(
    rows: Any, levels: tuple[float, ...] = PERCENTILES, *, days: int = 1, capacity: float | None = 1000.0
) -> Forecast:
    """A forecast of one farm whose quantiles are given for each hour."""
    task = day_ahead("09:00", timezone="UTC", quantiles=levels)
    windows = task.windows(task.issue_times("2024-01-02", f"2024-01-0{1 + days}"))
    return Forecast.from_rows(
        {
            "farm": SiteRows(
                np.broadcast_to(rows, (24 * days, len(levels))),
                capacity=capacity,
                kind="wind",
                weather_init_time=windows.issue_time,
            )
        },
        windows=windows,
        quantile_levels=levels,
        attrs={"timezone": "UTC", "perfect_weather": 0},
    )


NORMAL = _forecast(stats.norm(500, 50).ppf(PERCENTILES))


# -- without a band --------------------------------------------------------------------------------


@pytest.mark.parametrize(("shortage", "surplus"), [(30.0, 10.0), (10.0, 30.0), (1.0, 1.0), (97.0, 3.0)])
@pytest.mark.parametrize("kind", ["wind", "solar", "generation", "demand"])
def test_without_a_band_the_quantile_of_a_normal_is_declared(
    shortage: float, surplus: float, kind: Kind
) -> None:
    level = (shortage if kind == "demand" else surplus) / (shortage + surplus)
    table = schedule(NORMAL.with_kind(kind), shortage=shortage, surplus=surplus)
    np.testing.assert_allclose(table["schedule"], stats.norm(500, 50).ppf(level), atol=0.01)
    np.testing.assert_allclose(table[["mean", "median"]], 500, atol=0.01)
    if shortage == 30:  # expected cost of the newsvendor: (shortage + surplus) sigma pdf(z)
        expected = 40 * 50 * stats.norm.pdf(stats.norm.ppf(0.25))
        np.testing.assert_allclose(table["expected_cost"], expected, rtol=0.01)


def test_a_level_between_two_of_the_forecast_lies_on_the_line_between_them() -> None:
    table = schedule(_forecast([10.0, 20.0, 40.0], (0.1, 0.5, 0.9)), shortage=70, surplus=30)
    np.testing.assert_allclose(table["schedule"], 15.0, atol=1e-6)
    series = pd.Series(np.arange(24.0) + 2, index=table["valid_time"])
    moving = schedule(
        _forecast([10.0, 20.0, 40.0], (0.1, 0.5, 0.9)), shortage=series, surplus=series[::-1] * 0 + 10
    )
    levels = 10 / (series.to_numpy() + 10)
    np.testing.assert_allclose(
        moving["schedule"], np.interp(levels, [0.1, 0.5, 0.9], [10, 20, 40]), atol=1e-6
    )


def test_the_schedule_is_that_which_the_evaluation_declares_and_pays_for() -> None:
    power, kinds = example_observations(), ("wind", "demand")
    for forecast in (example_forecast().with_kind(kind) for kind in kinds):
        table = compare_schedules(forecast, shortage=40, surplus=25, observations=power)
        paid = imbalance_cost(power, forecast, shortage=40, surplus=25)
        assert table["realised_cost"].iloc[2] == pytest.approx(paid["value"].iloc[0])
        half = imbalance_cost(power, forecast, shortage=40, surplus=25, level=0.5)
        assert table["realised_cost"].iloc[1] == pytest.approx(half["value"].iloc[0])
        assert table["n"].iloc[0] == paid["n"].iloc[0]


def test_mean_and_median_are_those_of_the_forecast_and_half_hours_cost_half() -> None:
    skewed = _forecast([0.0, 10.0, 60.0], (0.1, 0.5, 0.9))
    table = schedule(skewed, shortage=1, surplus=1)
    np.testing.assert_allclose(table["mean"], skewed.mean.values.ravel(), atol=1e-5)
    values = np.linspace(0, 40, 41)[:, None].repeat(2, axis=1)
    whole, half = (
        Scenarios.from_values(
            values[:, None],
            sites=["farm"],
            kind="wind",
            valid_time=pd.date_range(HOURS[0], periods=2, freq=step),
        )
        for step in ("1h", "30min")
    )
    costs = [schedule(source, shortage=3, surplus=1, band=0.1)["expected_cost"] for source in (whole, half)]
    np.testing.assert_allclose(costs[0], 2 * costs[1])


# -- with a band -----------------------------------------------------------------------------------


def test_a_dead_band_on_three_outcomes_by_hand() -> None:
    """Outcomes 80, 100 and 140 MW, twenty scenarios each; shortage 3, surplus 1 per MWh."""
    three = _trajectories(np.repeat([80.0, 100.0, 140.0], 20))
    bare = schedule(three, shortage=3, surplus=1).iloc[0]
    assert bare["schedule"] == 80  # the quantile 0.25
    assert bare["expected_cost"] == pytest.approx((0 + 20 + 60) / 3)
    # A band of 10 % of the schedule s reaches from 0.9 s to 1.1 s. Up to s = 80 / 0.9 nothing is short; there
    # 100 MW leaves 2.2 MW above the band and 140 MW leaves 42.2.
    tenth = schedule(three, shortage=3, surplus=1, band=0.1).iloc[0]
    assert tenth["schedule"] == pytest.approx(80 / 0.9)
    assert tenth["expected_cost"] == pytest.approx((0 + 100 - 88 / 0.9 + 140 - 88 / 0.9) / 3)
    # ... of a capacity of 200 MW: s = 100 holds 80 and 100 MW within 20 MW, 140 MW leaves 20.
    of_capacity = ImbalanceTerms(shortage=3, surplus=1, band=0.1, band_of="capacity")
    share = schedule(three, of_capacity, capacity=200.0).iloc[0]
    assert (share["schedule"], share["expected_cost"]) == (100, pytest.approx(20 / 3))
    # Paid whole, a deviation of 40 MW costs 40, not 20.
    whole = schedule(three, replace(of_capacity, paid="whole"), capacity=200.0).iloc[0]
    assert (whole["schedule"], whole["expected_cost"]) == (100, pytest.approx(40 / 3))
    # Within a band of 40 % all outcomes fit: from 100 to 133 MW every schedule is free, the median is taken.
    wide = schedule(three, shortage=3, surplus=1, band=0.4).iloc[0]
    assert (wide["schedule"], wide["expected_cost"]) == (100, 0)


PRICES = st.floats(0.5, 5.0)
SAMPLES = st.lists(st.one_of(st.just(0.0), st.floats(0, 100)), min_size=4, max_size=12)
TERMS = {"band_of": st.sampled_from(["schedule", "capacity"]), "paid": st.sampled_from(["beyond", "whole"])}


@settings(max_examples=15, deadline=None)
@given(
    samples=SAMPLES, shortage=PRICES, surplus=PRICES, band=st.floats(0.01, 0.6), demand=st.booleans(), **TERMS
)
def test_no_schedule_on_a_fine_grid_costs_less(
    samples: list[float], shortage: float, surplus: float, band: float, demand: bool, band_of: Any, paid: Any
) -> None:
    """The oracle costs each sample by its own definition."""
    terms = ImbalanceTerms(shortage=shortage, surplus=surplus, band=band, band_of=band_of, paid=paid)
    trajectories = _trajectories(np.repeat(samples, 30), kind="demand" if demand else "wind")
    found = schedule(trajectories, terms, capacity=100.0).iloc[0]
    grid = np.unique(
        np.concatenate([np.linspace(0, 160, 1601), [found["schedule"], found["mean"], found["median"]]])
    )
    width = band * (grid if band_of == "schedule" else 100.0)
    short, many = (surplus, shortage) if demand else (shortage, surplus)
    away = np.asarray(samples)[:, None] - grid
    paid_for = np.abs(away) if paid == "whole" else np.abs(away) - width
    out = np.abs(away) > width + 1e-6
    cost = np.where(out, paid_for * np.where(away < 0, short, many), 0.0).mean(axis=0)
    assert found["expected_cost"] <= cost.min() + 1e-5
    assert found["expected_cost"] == pytest.approx(cost[grid == found["schedule"]][0], abs=1e-4)
    assert found["mean_cost"] == pytest.approx(cost[grid == found["mean"]][0], abs=1e-4)


CURVES = st.lists(st.floats(0, 100), min_size=5, max_size=5).map(sorted)


@settings(max_examples=5, deadline=None)
@given(curve=CURVES, shortage=PRICES, surplus=PRICES, band=st.floats(0.01, 0.6), **TERMS)
def test_a_quantile_curve_costs_what_many_draws_from_it_cost(
    curve: list[float], shortage: float, surplus: float, band: float, band_of: Any, paid: Any
) -> None:
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    terms = ImbalanceTerms(shortage=shortage, surplus=surplus, band=band, band_of=band_of, paid=paid)
    exact = schedule(_forecast(np.float32(curve), levels, capacity=100.0), terms).iloc[0]
    draws = np.interp((np.arange(2000) + 0.5) / 2000, levels, np.float32(curve))
    for name, cost in (("schedule", "expected_cost"), ("mean", "mean_cost"), ("median", "median_cost")):
        told = terms.cost(draws, np.full(2000, exact[name]), kind="wind", capacity=100.0).mean()
        # Where a mass lies on the very edge of the band, rounding decides about it; draws cannot tell.
        on_edge = (
            paid == "whole"
            and np.isclose(
                np.abs(np.asarray(curve) - exact[name]),
                terms.width(np.array([exact[name]]), capacity=100.0),
                atol=0.05,
            ).any()
        )
        assert on_edge or told == pytest.approx(exact[cost], rel=0.01, abs=0.06)
    grid = np.linspace(0, 100, 41)
    tried = [terms.cost(draws, np.full(2000, x), kind="wind", capacity=100.0).mean() for x in grid]
    assert exact["expected_cost"] <= min(tried) + 0.06 + 0.01 * min(tried)


@settings(max_examples=15, deadline=None)
@given(samples=SAMPLES, shortage=PRICES, surplus=PRICES, bands=st.tuples(*[st.floats(0, 0.9)] * 2), **TERMS)
def test_a_wider_band_never_costs_more_and_the_optimum_no_more_than_mean_and_median(
    samples: list[float], shortage: float, surplus: float, bands: tuple[float, float], band_of: Any, paid: Any
) -> None:
    trajectories = _trajectories(np.repeat(samples, 30))
    narrow, wide = (
        schedule(
            trajectories,
            ImbalanceTerms(shortage=shortage, surplus=surplus, band=band, band_of=band_of, paid=paid),
            capacity=100.0,
        ).iloc[0]
        for band in sorted(bands)
    )
    assert wide["expected_cost"] <= narrow["expected_cost"] + 1e-7
    for row in (narrow, wide):
        assert 0 <= row["expected_cost"] <= min(row["mean_cost"], row["median_cost"]) + 1e-9


@settings(max_examples=5, deadline=None)
@given(samples=SAMPLES, band=st.floats(0, 0.5), scale=st.sampled_from([1000.0, 0.5]), paid=TERMS["paid"])
def test_units_scale(samples: list[float], band: float, scale: float, paid: Any) -> None:
    """In kW and prices per kWh the schedule is the same, and so is its cost."""
    trajectories, larger = (
        _trajectories(np.repeat(samples, 30)),
        _trajectories(scale * np.repeat(samples, 30)),
    )
    terms = ImbalanceTerms(shortage=3.0, surplus=1.0, band=band, paid=paid)
    one = schedule(trajectories, terms).iloc[0]
    other = schedule(larger, replace(terms, shortage=3.0 / scale, surplus=1.0 / scale)).iloc[0]
    assert other["expected_cost"] == pytest.approx(one["expected_cost"], abs=1e-6)
    assert other["mean"] == pytest.approx(scale * one["mean"], abs=1e-6)


def test_what_the_band_is_worth_is_what_would_be_paid_without_it() -> None:
    forecast = _forecast(np.linspace(0, 100, 99), days=2, capacity=100.0)
    hours = pd.date_range("2024-01-01", periods=96, freq="1h", tz="UTC")
    came = pd.DataFrame({"farm": 53.0}, index=hours)
    came.iloc[30] = np.nan
    power = Observations(came, published_after="1h")
    table = compare_schedules(forecast, shortage=3, surplus=1, band=0.1, observations=power).set_index(
        "schedule"
    )
    bare = compare_schedules(forecast, shortage=3, surplus=1, observations=power).set_index("schedule")
    for told, cost in (("expected_band_worth", "expected_cost"), ("realised_band_worth", "realised_cost")):
        np.testing.assert_allclose(table[told], bare[cost] - table[cost])
    assert (table["n"] == 47).all()
    assert (table["missing"] == 1).all()
    assert table.loc["median", "within_band"] == 1.0
    assert table.loc["optimum", "within_band"] == 0.0
    assert table["expected_cost"].idxmin() == "optimum"
    assert table.loc["median", "energy"] == pytest.approx(48 * 50)
    # A series of the same outcomes says the same.
    again = compare_schedules(forecast, shortage=3, surplus=1, band=0.1, observations=came["farm"])
    pd.testing.assert_frame_equal(again.set_index("schedule"), table)


def test_every_issue_is_planned_unless_one_is_named() -> None:
    forecast = _forecast(np.linspace(0, 100, 99), days=3)
    table = schedule(forecast, shortage=1, surplus=1)
    assert table["issue_time"].nunique() == 3
    assert len(table) == 72
    assert len(schedule(forecast, shortage=1, surplus=1, issue_time="2024-01-02 09:00")) == 24


# -- Kazakhstan ------------------------------------------------------------------------------------


def test_in_kazakhstan_both_sides_cost_alike_whichever_coefficient_is_whose() -> None:
    usual = kazakhstan(gate_closure="08:00", price=20.0)
    turned = kazakhstan(gate_closure="08:00", price=20.0, shortage_coefficient=0.7, surplus_coefficient=1.3)
    for terms in (usual, turned):
        assert (terms.shortage, terms.surplus) == (pytest.approx(6.0), pytest.approx(6.0))
        assert (terms.band, terms.band_of, terms.timezone) == (0.05, "schedule", "Asia/Almaty")
        assert "28 March 2025" in terms.source
    table = schedule(NORMAL, usual)
    np.testing.assert_allclose(table["schedule"], 500, atol=3)


def test_in_kazakhstan_the_gate_closure_is_required() -> None:
    with pytest.raises(TypeError, match="gate_closure"):
        kazakhstan()  # type: ignore[call-arg]
    with pytest.raises(TimeError, match="not a time of day"):
        kazakhstan(gate_closure="25:00")


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [-1.0, np.nan, np.inf, pd.Series([10.0, -0.5], index=HOURS.repeat(2))])
@pytest.mark.parametrize("side", ["shortage", "surplus"])
def test_prices_of_the_wrong_sign_or_missing_are_refused(price: Any, side: str) -> None:
    with pytest.raises(RangeError, match=f"price of {side} is"):
        schedule(NORMAL, **({"shortage": 1.0, "surplus": 1.0} | {side: price}))


@pytest.mark.parametrize("band", [-0.01, 1.0, 1.5, np.nan])
def test_a_band_that_is_no_share_is_refused(band: float) -> None:
    with pytest.raises(RangeError, match="dead band"):
        schedule(NORMAL, shortage=1, surplus=1, band=band)


def test_levels_that_do_not_bracket_the_best_one_are_refused() -> None:
    narrow = _forecast([10.0, 20.0, 40.0], (0.3, 0.5, 0.7))
    for band in (0.0, 0.05):
        with pytest.raises(
            RangeError, match=r"(?s)2024-01-02 00:00.*level of site 'farm' is 0.25.*0.3 to 0.7"
        ):
            schedule(narrow, shortage=3, surplus=1, band=band)
    with pytest.raises(RangeError, match="level of site 'farm' is 0, "):
        schedule(_trajectories(np.arange(50)), shortage=3, surplus=0)
    with pytest.raises(RangeError, match="level of site 'farm' is 1"):
        schedule(NORMAL, shortage=0, surplus=1)


def test_too_few_scenarios_are_refused_with_how_many_are_needed() -> None:
    with pytest.raises(RangeError, match=r"(?s)30 scenarios.*needs 40 scenarios"):
        schedule(_trajectories(np.arange(30)), shortage=3, surplus=1)
    assert len(schedule(_trajectories(np.arange(40)), shortage=3, surplus=1)) == 1


def test_prices_and_outcomes_of_other_hours_are_refused() -> None:
    short = pd.Series(1.0, index=pd.date_range("2024-01-02", periods=20, freq="1h", tz="UTC"))
    with pytest.raises(TimeError, match="shortage lacks 4 of 24 hours, the first 2024-01-02 20:00"):
        schedule(NORMAL, shortage=short, surplus=1.0)
    with pytest.raises(TimeError, match="without a time zone"):
        schedule(NORMAL, shortage=short.tz_localize(None), surplus=1.0)
    with pytest.raises(TimeError, match="outcomes of site 'farm' lacks"):
        compare_schedules(NORMAL, shortage=1, surplus=1, observations=short)


def test_terms_are_given_once_and_a_site_is_named() -> None:
    terms = ImbalanceTerms(shortage=1, surplus=1)
    twice = ({"shortage": 1.0}, {"band": 0.05})
    for wrong in ({"shortage": 1.0}, {}, *({"terms": terms} | more for more in twice)):
        with pytest.raises(SchemaError, match="Either terms, or both prices"):
            schedule(NORMAL, **wrong)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="band_of"):
        ImbalanceTerms(shortage=1, surplus=1, band_of="installed")  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="capacity that is not known"):
        schedule(
            _trajectories(np.arange(40)), ImbalanceTerms(shortage=1, surplus=1, band=0.1, band_of="capacity")
        )
    pair = Scenarios.from_values(np.zeros((40, 2, 1)), sites=["a", "b"], valid_time=HOURS, frequency="1h")
    with pytest.raises(MissingDataError, match="site None"):
        schedule(pair, shortage=1, surplus=1)


def test_public_names_are_functions_after_their_modules_were_imported() -> None:
    import energyforecast.planning
    from energyforecast.planning import (
        schedule,  # noqa: F401
    )

    assert all(callable(getattr(energyforecast.planning, name)) for name in ("schedule", "reserve", "ramps"))
