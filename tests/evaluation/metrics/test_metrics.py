"""Scores beyond the table: by hand and by integrals, proper, and honest about bad input (others: tests/oracles)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import energyforecast as ef
from energyforecast import evaluation as ev
from energyforecast.competitions import competition
from energyforecast.competitions.scoring import pinball as official_pinball
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantiles import PERCENTILES, QuantileFunction
from energyforecast.core.settlement import ImbalanceTerms
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError, TimeError
from energyforecast.evaluation import Pairs, align, score
from energyforecast.evaluation.metrics.economic import economic_value, imbalance_cost
from energyforecast.testing import example_forecast, example_observations

Array = npt.NDArray[np.float64]
RNG = np.random.default_rng


def pairs_of(
    observed: Array, quantiles: Array, levels: Any, *, capacity: float = 100.0, first: str = "2024-01-01"
) -> Pairs:
    """Hours after each other, a day an issue."""
    hours = pd.date_range(first, periods=len(observed), freq="1h", tz="UTC")
    labels = pd.DataFrame(
        {
            "site": "farm",
            "kind": "wind",
            "issue_time": hours.normalize(),
            "valid_time": hours,
            "lead_time": hours.hour.astype(float),
            "hour": hours.hour,
            "month": hours.month,
            "quality": hours.day % 3,
            "weather_age": np.where(hours.day % 2 == 0, 6.0, np.nan),
        }
    )
    limits = np.full(len(observed), capacity)
    return Pairs(
        np.asarray(observed, float), quantiles, np.asarray(levels), labels, limits, labels.iloc[:0], 0
    )


def of_kind(pairs: Pairs, kind: str) -> Pairs:
    return replace(pairs, labels=pairs.labels.assign(kind=kind))


def points(observed: Array, forecast: Array) -> Pairs:
    """Certain forecasts."""
    return pairs_of(observed, np.asarray(forecast, dtype=float)[:, None] + np.zeros(3), (0.1, 0.5, 0.9))


def normal(days: int = 40, *, shift: float = 0.0, spread: float = 1.0, seed: int = 0) -> Pairs:
    """Normal outcomes about a centre that moves; the forecast is shifted and stretched against the truth."""
    rng = RNG(seed)
    centre = rng.uniform(30, 70, size=24 * days)
    outcomes = centre + 5 * rng.normal(size=24 * days)
    return pairs_of(
        outcomes, centre[:, None] + 5 * (shift + spread * stats.norm.ppf(PERCENTILES)), PERCENTILES
    )


def value(table: pd.DataFrame, metric: str | None = None) -> float:
    rows = table if metric is None else table[table["metric"] == metric]
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


# --- By hand and by integrals -----------------------------------------------------------------------


def test_the_energy_score_of_one_dimension_is_the_crps() -> None:
    y, x = RNG(4).normal(size=8), RNG(5).normal(size=(8, 21))
    np.testing.assert_allclose(ev.energy_score(y[:, None], x[:, :, None]), ev.crps_of_samples(y, x))


@pytest.mark.parametrize(("above", "below"), [(40.0, np.inf), (-np.inf, 30.0), (20.0, 45.0), (120.0, np.inf)])
def test_the_threshold_weighted_crps_is_the_integral_over_the_range(above: float, below: float) -> None:
    """The integral of the squared distance of the distribution functions, taken numerically."""
    q, levels = np.array([[0.0, 0.0, 12.0, 30.0, 80.0]]), np.array([0.05, 0.2, 0.5, 0.7, 0.95])
    fine = np.interp((np.arange(200_000) + 0.5) / 200_000, levels, q[0])
    grid = np.linspace(max(above, -10), min(below, 130), 40_001)
    curve = np.searchsorted(fine, grid, side="right") / len(fine)
    for y in (0.0, 25.0, 44.0, 99.0):
        integral = np.trapezoid((curve - (grid >= y)) ** 2, grid)
        found = ev.crps_of_quantiles(np.array([y]), q, levels, above=above, below=below)[0]
        assert found == pytest.approx(integral, abs=5e-3)


def test_ranges_that_meet_add_up_to_the_crps() -> None:
    pairs = normal(3)
    low, high = (value(ev.threshold_crps(pairs, **{k: 47.3})) for k in ("below", "above"))  # type: ignore[arg-type]
    assert low + high == pytest.approx(value(score(ev.METRICS[5], pairs)))
    assert value(ev.threshold_crps(pairs)) == pytest.approx(low + high)
    assert value(ev.threshold_crps(pairs, above=0.473, relative=True)) == pytest.approx(high)


# --- Proper ---------------------------------------------------------------------------------------

PROPER: dict[str, Callable[[Pairs], pd.DataFrame]] = {
    "threshold_crps": lambda p: ev.threshold_crps(p, above=50.0),
    "interval_score": lambda p: ev.interval_score(p, interval=0.8),
    "weighted_interval_score": ev.weighted_interval_score,
    "brier": lambda p: ev.brier(p, threshold=50.0).head(1),
    "imbalance_cost": lambda p: imbalance_cost(p, shortage=50.0, surplus=20.0),
}


@pytest.mark.parametrize("name", PROPER)
@pytest.mark.parametrize(("shift", "spread"), [(0.6, 1.0), (-0.6, 1.0), (0.0, 2.0), (0.0, 0.4)])
def test_the_true_distribution_scores_best(name: str, shift: float, spread: float) -> None:
    if name == "imbalance_cost" and shift == 0 and spread < 1:
        spread = 0.1
    true, wrong = (PROPER[name](normal(120, shift=a, spread=b)) for a, b in ((0.0, 1.0), (shift, spread)))
    assert value(true) < value(wrong)


@pytest.mark.parametrize("name", ["crps", "energy", "variogram"])
@pytest.mark.parametrize("wrong", ["shift", "spread", "independent"])
def test_samples_of_the_truth_score_best(name: str, wrong: str) -> None:
    rng = RNG(7)
    root = np.linalg.cholesky(0.8 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4))))
    y = rng.normal(size=(600, 4)) @ root.T
    true = rng.normal(size=(600, 40, 4)) @ root.T
    other = {"shift": true + 0.7, "spread": 2 * true, "independent": rng.normal(size=true.shape)}[wrong]
    blind = (name, wrong) in {("crps", "independent"), ("variogram", "shift")}
    if name == "crps":
        scores = [ev.crps_of_samples(y[:, 0], x[:, :, 0], fair=True).mean() for x in (true, other)]
    else:
        scores = [
            {"energy": ev.energy_score, "variogram": ev.variogram_score}[name](y, x).mean()
            for x in (true, other)
        ]
    if blind:
        assert scores[0] == pytest.approx(scores[1], rel=0.02), "this score cannot see it"
    else:
        assert scores[0] < scores[1]


def test_the_level_that_is_declared_by_default_costs_least() -> None:
    pairs = normal(100)
    best = value(imbalance_cost(pairs, shortage=50.0, surplus=20.0))
    others = [
        value(imbalance_cost(pairs, shortage=50.0, surplus=20.0, level=x)) for x in (0.1, 0.5, 0.7, 0.9)
    ]
    assert best < min(others)
    # Of demand the expensive side is the other one: buying little is what costs.
    used = of_kind(pairs, "demand")
    bought = [value(imbalance_cost(used, shortage=50.0, surplus=20.0, level=x)) for x in (0.286, 0.714)]
    assert bought[1] < bought[0]
    assert value(imbalance_cost(used, shortage=50.0, surplus=20.0)) < bought[0]


# --- What must not matter -------------------------------------------------------------------------

ALL: dict[str, Callable[[Pairs], pd.DataFrame]] = {
    **PROPER,
    "correlation": ev.correlation,
    "mse_parts": ev.mse_parts,
    "energy_error": ev.energy_error,
    "sharpness": ev.sharpness,
    "pit": ev.pit,
    "reliability": ev.reliability,
    "roc_area": lambda p: ev.roc_area(p, threshold=50.0),
    "ramps": lambda p: ev.ramps(p, change=0.2),
    "peaks": ev.peaks,
}
SUMS = {"energy_error", "imbalance_cost", "ramps", "peaks"}


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    pairs = normal(10)
    shuffled = pairs.of_rows(RNG(0).permutation(len(pairs)))
    pd.testing.assert_frame_equal(ALL[name](pairs), ALL[name](shuffled))


@pytest.mark.parametrize("name", sorted(set(ALL) - SUMS - {"reliability"}))
def test_doubling_every_row_changes_only_n(name: str) -> None:
    pairs = normal(10)
    twice = pairs.of_rows(np.tile(np.arange(len(pairs)), 2))
    one, two = ALL[name](pairs), ALL[name](twice)
    pd.testing.assert_frame_equal(one.drop(columns="n"), two.drop(columns="n"))
    assert (two["n"] == 2 * one["n"]).all()


@pytest.mark.parametrize("name", sorted(set(ALL) - {"threshold_crps", "brier", "roc_area"}))
def test_the_unit_of_power_scales_scores_and_leaves_percentages(name: str) -> None:
    pairs = normal(10)
    kilo = replace(
        pairs,
        observed=1024 * pairs.observed,
        quantiles=1024 * pairs.quantiles,
        capacity=1024 * pairs.capacity,
    )
    small, large = ALL[name](pairs), ALL[name](kilo)
    for column in {"percent", "n"} & set(small.columns):
        np.testing.assert_allclose(large[column], small[column], rtol=1e-6, atol=1e-9)
    power = {
        "interval_score": 1,
        "weighted_interval_score": 1,
        "sharpness": 1,
        "energy_error": 1,
        "imbalance_cost": 1,
        "mse_parts": 2,
    }
    if name != "peaks":
        factor = 1024.0 ** power.get(name, 0)
        np.testing.assert_allclose(large["value"], factor * small["value"], rtol=1e-6, atol=1e-9)


# --- Single values --------------------------------------------------------------------------------


def test_the_mean_squared_error_is_the_sum_of_its_parts() -> None:
    pairs = normal(5, shift=0.4, spread=1.5)
    table = ev.mse_parts(pairs, by="hour")
    for _, rows in table.groupby("hour"):
        assert rows["value"].iloc[0] == pytest.approx(rows["value"].iloc[1:].sum())
        assert rows["percent"].iloc[0] == pytest.approx(rows["percent"].iloc[1:].sum())


def test_a_late_forecast_has_phase_error_alone() -> None:
    wave = 50 + 20 * np.sin(2 * np.pi * np.arange(48) / 24)
    table = ev.mse_parts(points(wave, np.roll(wave, 2))).set_index("metric")["value"]
    assert table["mse_phase"] == pytest.approx(table["mse"])
    assert table[["mse_bias", "mse_variance"]].max() < 1e-9


def test_correlation_is_numpys_and_undefined_where_nothing_moves() -> None:
    pairs = normal(5)
    assert value(ev.correlation(pairs)) == pytest.approx(np.corrcoef(pairs.observed, pairs.mean)[0, 1])
    assert np.isnan(value(ev.correlation(points(np.full(24, 7.3), np.arange(24.0)))))


def test_mape_is_for_demand_and_skips_hours_without_any() -> None:
    pairs = points(np.array([0.0, 10.0, 20.0]), np.array([5.0, 11.0, 18.0]))
    with pytest.raises(SchemaError) as caught:
        ev.mape(pairs)
    assert "farm" in str(caught.value)
    town = of_kind(pairs, "demand")
    table = ev.mape(town)
    assert value(table) == pytest.approx(0.1)
    assert table["n"].iloc[0] == 2


def test_energy_counts_the_length_of_intervals() -> None:
    pairs = points(np.full(4, 10.0), np.full(4, 12.0))
    assert value(ev.energy_error(pairs)) == pytest.approx(8.0)
    assert value(ev.energy_error(replace(pairs, step=0.5))) == pytest.approx(4.0)


# --- Distributions --------------------------------------------------------------------------------


def test_pit_masses_are_spread_over_their_probabilities() -> None:
    curve = np.tile([0.0, 0.0, 40.0, 100.0, 100.0], (4, 1))
    levels = np.array([0.1, 0.4, 0.6, 0.8, 0.9])
    low, high = QuantileFunction(curve, levels).pit_interval(np.array([0.0, 100.0, 20.0, 40.0]))
    np.testing.assert_allclose(low, [0.0, 0.8, 0.5, 0.6])
    np.testing.assert_allclose(high, [0.4, 1.0, 0.5, 0.6])
    table = ev.pit(pairs_of(np.zeros(24), np.tile(curve[:1], (24, 1)), levels), bins=5)
    np.testing.assert_allclose(table["value"], [0.5, 0.5, 0, 0, 0])
    assert set(table["method"]) == {"spread"}


@pytest.mark.parametrize("seed", [None, 0])
def test_the_pit_of_a_truth_with_masses_is_flat(seed: int | None) -> None:
    rng = RNG(8)
    centre = rng.uniform(-20, 120, size=24 * 400)
    outcome = np.clip(centre + 30 * rng.normal(size=len(centre)), 0, 100)
    q = np.clip(centre[:, None] + 30 * stats.norm.ppf(PERCENTILES), 0, 100)
    table = ev.pit(pairs_of(outcome, q, PERCENTILES), seed=seed)
    np.testing.assert_allclose(table["value"], 0.1, atol=0.012)


def test_consistency_bars_hold_a_reliable_forecast_and_not_a_biased_one() -> None:
    for shift, lowest, highest in ((0.0, 0.8, 1.0), (0.7, 0.0, 0.1)):
        table = ev.reliability(normal(80, shift=shift))
        inside = ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).mean()
        assert lowest <= inside <= highest
        event = ev.event_reliability(normal(80, shift=shift), threshold=50.0, draws=200)
        held = ((event["low"] <= event["value"]) & (event["value"] <= event["high"])).mean()
        assert (held >= 0.6) == (shift == 0)


def test_pinball_by_level_averages_to_the_pinball_loss() -> None:
    pairs = normal(3)
    table = score(ev.METRICS[3], pairs, by="level")
    assert len(table) == 99
    assert table["value"].mean() == pytest.approx(value(score(ev.METRICS[3], pairs)))
    assert len(ev.sharpness(pairs, by="level")) == 49
    with pytest.raises(SchemaError, match="by level"):
        ev.correlation(pairs, by="level")


# --- Events ---------------------------------------------------------------------------------------


def test_the_brier_score_is_its_parts_together() -> None:
    pairs = normal(20, shift=0.3)
    parts = ev.brier(pairs, threshold=50.0).set_index("metric")["value"]
    probability = 1 - np.array([np.interp(50.0, q, PERCENTILES, 0.0, 1.0) for q in pairs.quantiles])
    happened = pairs.observed > 50
    assert parts["brier"] == pytest.approx(((probability - happened) ** 2).mean())
    assert parts["brier"] == pytest.approx(
        parts["brier_reliability"]
        - parts["brier_resolution"]
        + parts["brier_uncertainty"]
        + parts["brier_within_bins"]
    )
    assert parts["brier_uncertainty"] == pytest.approx(happened.mean() * (1 - happened.mean()))


def test_an_event_that_never_came_has_no_roc() -> None:
    assert np.isnan(value(ev.roc_area(normal(2), threshold=1000.0)))


def _step(at: int, *, height: float = 60.0, hours: int = 24) -> Array:
    return np.where(np.arange(hours) >= at, 20.0 + height, 20.0)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (_step(10), (1, 0, 0)),
        (_step(11), (1, 0, 0)),  # an hour late is in time
        (_step(12), (0, 1, 1)),  # two hours are not
        (_step(10, height=-20.0), (0, 1, 0)),  # too small to be a ramp
        (100 - _step(10), (0, 1, 1)),  # the other direction
        (np.full(24, 20.0), (0, 1, 0)),
    ],
)
def test_ramps_are_matched_within_an_hour(predicted: Array, expected: tuple[int, int, int]) -> None:
    table = ev.ramps(points(_step(10), predicted), change=0.3, window=1).set_index("metric")["value"]
    assert tuple(table[["ramp_hits", "ramp_misses", "ramp_false_alarms"]]) == expected
    assert table["ramp_csi"] == expected[0] / sum(expected)
    hits, misses, alarms = expected
    for name, part, whole in (
        ("ramp_pod", hits, hits + misses),
        ("ramp_far", alarms, hits + alarms),
        ("ramp_frequency_bias", hits + alarms, hits + misses),
    ):
        assert table[name] == part / whole if whole else np.isnan(table[name])


def test_no_ramp_spans_an_hour_that_was_not_observed() -> None:
    pairs = points(_step(10), _step(10))
    holed = pairs.of_rows(np.flatnonzero(~np.isin(np.arange(24), [9])))
    table = ev.ramps(holed, change=0.3, window=1).set_index("metric")
    assert table.loc["ramp_hits", "value"] == 0
    assert np.isnan(table.loc["ramp_csi", "value"])
    assert table.loc["ramp_hits", "n"] == 21


def test_ramps_need_a_capacity() -> None:
    with pytest.raises(RangeError, match="farm"):
        ev.ramps(replace(normal(1), capacity=np.full(24, np.nan)))


def test_peaks_of_windows_with_gaps_do_not_count() -> None:
    day = 10.0 + np.r_[np.arange(12.0), np.arange(12.0)[::-1]]
    pairs = points(np.tile(day, 2), np.tile(np.roll(day, 2) + 3, 2))
    table = ev.peaks(pairs).set_index("metric")
    assert table["value"].tolist() == [3.0, 2.0]
    assert table["n"].tolist() == [2, 2]
    holed = replace(pairs.of_rows(np.arange(1, 48)), missing=pairs.labels.iloc[:1])
    assert ev.peaks(holed)["n"].tolist() == [1, 1]


# --- Money ----------------------------------------------------------------------------------------


def test_costs_by_hand() -> None:
    pairs = points(np.array([8.0, 13.0, 10.5]), np.array([10.0, 10.0, 10.0]))
    assert value(imbalance_cost(pairs, shortage=50.0, surplus=20.0)) == pytest.approx(100 + 60 + 10)
    banded = ImbalanceTerms(shortage=50.0, surplus=20.0, band=0.1)  # 1 of 10 MW
    assert value(imbalance_cost(pairs, terms=banded)) == pytest.approx(50 + 40)
    installed = replace(banded, band=0.01, band_of="capacity", paid="whole")  # 1 of 100 MW
    assert value(imbalance_cost(pairs, terms=installed)) == pytest.approx(100 + 60)
    used = of_kind(pairs, "demand")
    assert value(imbalance_cost(used, shortage=50.0, surplus=20.0)) == pytest.approx(40 + 150 + 25)
    hours = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    prices = pd.Series([1.0, 2.0, 3.0], index=hours)
    assert value(imbalance_cost(pairs, shortage=prices, surplus=prices)) == pytest.approx(2 + 6 + 1.5)
    with pytest.raises(TimeError, match="prices of shortage lacks 1 of 3 hours, the first 2024-01-01 02"):
        imbalance_cost(pairs, shortage=prices.iloc[:2], surplus=20.0)


def test_a_perfect_forecast_has_value_one_and_the_reference_zero() -> None:
    reference = normal(5)
    outcome = np.round(reference.observed)
    reference = replace(reference, observed=outcome)
    perfect = replace(reference, quantiles=np.repeat(outcome[:, None], 99, axis=1))
    for pairs, saving in ((perfect, 1.0), (reference, 0.0)):
        assert value(
            economic_value(pairs, reference=reference, shortage=50.0, surplus=20.0)
        ) == pytest.approx(saving)
    free = economic_value(reference, reference=perfect, shortage=50.0, surplus=20.0)
    assert np.isnan(value(free))


# --- Bad input ------------------------------------------------------------------------------------


def _said(error: EnergyForecastError, *named: str) -> None:
    assert len(str(error).splitlines()) == 3
    for word in named:
        assert word in str(error)


def test_unsorted_quantiles_are_refused_by_site_and_hour() -> None:
    pairs = normal(1)
    turned = pairs.quantiles.copy()
    turned[5] = turned[5, ::-1]
    with pytest.raises(RangeError) as caught:
        replace(pairs, quantiles=turned)
    _said(caught.value, "farm", "2024-01-01 05:00")


def test_samples_of_different_sizes_are_refused_by_row() -> None:
    with pytest.raises(SchemaError) as caught:
        ev.crps_of_samples(np.zeros(3), [[1.0, 2.0], [1.0, 2.0], [1.0]])
    _said(caught.value, "Row 2", "1 samples")
    with pytest.raises(SchemaError, match="outcomes"):
        ev.score_samples("crps_of_samples", np.zeros(2), np.zeros((3, 4)))
    with pytest.raises(RangeError, match="finite"):
        ev.crps_of_samples(np.zeros(1), np.array([[np.nan, 1.0]]))
    with pytest.raises(SchemaError, match="dims"):
        ev.energy_score(np.zeros((1, 3)), np.zeros((1, 3)))


def test_samples_are_scored_by_labels_with_what_is_missing() -> None:
    y = np.array([[0.0, 0.0], [1.0, np.nan], [1.0, 1.0]])
    table = ev.score_samples(
        "energy_score", y, np.zeros((3, 4, 2)), by=pd.Series(["a", "b", "a"], name="site")
    )
    assert table[["site", "n", "missing"]].to_numpy().tolist() == [["a", 2, 0], ["b", 0, 1]]
    assert table["value"].iloc[0] == pytest.approx(np.sqrt(2) / 2)
    assert np.isnan(table["value"].iloc[1])


def _two_sites(values: Any, *, available: Any = None) -> tuple[Observations, Forecast]:
    one = example_forecast()
    cube = ef.Forecast(
        __import__("xarray").concat([one.data, one.data.assign_coords(site=["other"])], dim="site")
    )
    frame = pd.DataFrame(values, index=example_observations().index)
    service = None if available is None else pd.DataFrame(available, index=frame.index)
    return Observations(frame, published_after="1h", available_capacity=service), cube


def test_a_site_without_any_outcome_has_a_row_with_n_zero() -> None:
    known = example_observations().values["farm"]
    observed, forecast = _two_sites({"farm": known, "other": np.nan})
    for table in (
        score(ev.METRICS[:4], observed, forecast, by="site"),
        ev.ramps(observed, forecast, by="site"),
    ):
        lost = table[table["site"] == "other"]
        assert (lost["n"] == 0).all()
        assert len(lost) == len(table) / 2
    assert (
        score(ev.METRICS[:4], observed, forecast, by="site").query("site == 'other'")["missing"] == 24
    ).all()


def test_percentages_are_of_the_capacity_in_service() -> None:
    known = example_observations().values["farm"]
    half = np.r_[np.full(36, 30.0), np.full(12, 60.0)]
    gone = np.r_[np.full(36, 0.0), np.full(12, np.nan)]
    observed, forecast = _two_sites({"farm": known, "other": known}, available={"farm": half, "other": gone})
    table = ev.mae(observed, forecast, by="site").set_index("site")
    # 1 MW in each hour: of 30 MW in half of the hours; where no capacity is known or in service, of the installed one.
    assert table.loc["farm", "percent"] == pytest.approx(100 * (1 / 30 + 1 / 60) / 2)
    assert table.loc["other", "percent"] == pytest.approx(100 / 60)


def test_without_capacity_there_is_no_percentage_but_a_score() -> None:
    pairs = replace(normal(1), capacity=np.full(24, np.nan))
    table = ev.weighted_interval_score(pairs)
    assert np.isfinite(table["value"]).all()
    assert table["percent"].isna().all()


def test_weights_of_another_length_are_refused() -> None:
    with pytest.raises(SchemaError, match="24 hours"):
        ev.correlation(normal(1), weights=np.ones(23))


@pytest.mark.parametrize("by", ["season", "quality", "weather_age", ["season", "quality"]])
def test_every_hour_is_in_one_group(by: Any) -> None:
    pairs = normal(100)
    table = ev.threshold_crps(pairs, by=by)
    assert table["n"].sum() == len(pairs)
    if by == "season":
        assert table["season"].tolist() == ["DJF", "MAM"]
        assert table["n"].tolist() == [60 * 24, 40 * 24]
    if by == "weather_age":
        assert table["weather_age"].isna().sum() == 1, "analyses are a group of their own"


def test_daylight_is_said_and_night_left_out() -> None:
    plant = ef.Site(name="farm", latitude=47.0, longitude=8.0)
    pairs = align(example_observations(), example_forecast())
    table = score(ev.METRICS[:1], ev.daylight(pairs, plant))
    assert (table["hours"].iloc[0], table["n"].iloc[0]) == ("daylight", 9)
    assert score(ev.METRICS[:1], pairs)["hours"].iloc[0] == "all"
    with pytest.raises(SchemaError, match="farm"):
        ev.daylight(pairs, ef.Site(name="other", latitude=47.0, longitude=8.0))


# --- Published numbers ----------------------------------------------------------------------------

DATA = os.environ.get("ENERGYFORECAST_DATA")
needs_data = pytest.mark.skipif(
    not (DATA and Path(DATA, "gefcom2014").is_dir()),
    reason="ENERGYFORECAST_DATA does not hold gefcom2014",
)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "official"),
    [
        ("gefcom2014-wind", {1: 0.08429, 2: 0.07592, 3: 0.07872}),
        ("gefcom2014-load", {4: 18.738}),
        ("gefcom2014-solar", {1: 0.03493}),
    ],
)
def test_the_organisers_benchmarks_come_out_as_published(name: str, official: dict[int, float]) -> None:
    event = competition(name)
    data = event.read(str(DATA))
    for task, published in official.items():
        done = [event.climatology(data, task, site=site) for site in event.sites(data)]
        # Zones weigh alike; each is the mean over its hours and the 99 levels.
        found = np.mean([official_pinball(one) for one in done])
        assert found == pytest.approx(
            published, abs=1e-4 if published < 1 else 5e-4
        )  # as many digits as were printed
