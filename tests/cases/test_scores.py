"""Scores of exact forecasts, of large means and close probabilities, and arguments that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

import energyforecast as ef
from energyforecast import evaluation
from energyforecast.core import timestamps
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.settlement import ImbalanceTerms
from energyforecast.errors import EnergyForecastError, MissingDataError
from energyforecast.evaluation.event_probability import exceedance
from energyforecast.planning import (
    MinT,
    alarm_scores,
    ramps,
    reconcile,
    reserve,
    reserve_exceedance,
    schedule,
)
from energyforecast.testing import example_forecast, example_observations


def _pairs(observed: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> evaluation.Pairs:
    times = pd.date_range("2024-01-01", periods=len(observed), freq="1h", tz="UTC")
    labels = pd.DataFrame(
        {
            "site": "s",
            "kind": "site",
            "issue_time": times.floor("D"),
            "valid_time": times,
            "lead_time": 1.0,
            "hour": times.hour,
            "month": times.month,
            "quality": 0,
            "weather_age": 0.0,
        }
    )
    return evaluation.Pairs(
        observed=observed,
        quantiles=quantiles,
        quantile_levels=levels,
        labels=labels,
        capacity=np.full(len(observed), np.nan),
        missing=labels.iloc[:0],
        below_zero=0,
    )


# -- exact forecasts -------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [0.2, 0.5, 0.8, 0.9])
def test_exact_quantiles_of_a_plant_that_often_gives_nothing_cover_their_share(interval: float) -> None:
    rng, n = np.random.default_rng(0), 24 * 200
    levels = np.round(np.arange(0.05, 0.96, 0.05), 2)
    observed = np.where(rng.random(n) < 0.6, 0.0, rng.random(n)) * 10
    exact = np.where(levels <= 0.6, 0.0, (levels - 0.6) / 0.4) * 10
    pairs = _pairs(observed, np.tile(exact, (n, 1)), levels)
    assert evaluation.coverage(pairs, interval=interval)["value"].iloc[0] == pytest.approx(interval, abs=0.03)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "mean"),
    [(1.0, 0.0), (1.0, 1e5), (1.0, 1e6), (1e-3, 1e3)],
)
def test_correlation_and_parts_of_the_squared_error_keep_their_digits(spread: float, mean: float) -> None:
    random = np.random.default_rng(2)
    signal = random.normal(size=400)
    observed = mean + spread * (0.6 * signal + random.normal(size=400))
    forecast = mean + spread * signal
    pairs = _pairs(observed, forecast[:, None], np.array([0.5]))
    expected = np.corrcoef(observed, forecast)[0, 1]
    assert evaluation.correlation(pairs)["value"].iloc[0] == pytest.approx(expected, abs=1e-8)
    parts = evaluation.mse_parts(pairs)["value"].to_numpy()
    assert parts[1:].sum() == pytest.approx(parts[0], rel=1e-6)


def test_the_area_under_the_roc_is_that_of_mann_and_whitney() -> None:
    n = 400
    random = np.random.default_rng(9)
    levels = np.round(np.arange(0.01, 1, 0.01), 2)
    middle = 50 + np.linspace(-0.1, 0.1, n)
    quantiles = middle[:, None] + 10 * norm.ppf(levels)[None]
    observed = np.where(random.uniform(size=n) < 0.3 + 0.3 * np.sign(middle - 50), 80.0, 20.0)
    pairs = _pairs(observed, quantiles, levels)
    happened, probability = exceedance(pairs, 55.0)
    events, rank = happened.sum(), rankdata(probability)
    expected = (rank[happened == 1].sum() - events * (events + 1) / 2) / (events * (n - events))
    assert evaluation.roc_area(pairs, threshold=55.0)["value"].iloc[0] == pytest.approx(expected, abs=1e-6)


def test_the_area_under_the_roc_weighs_its_rows_and_draws_its_days() -> None:
    random = np.random.default_rng(3)
    middle = 50 + random.normal(size=240)
    levels = np.round(np.arange(0.01, 1, 0.01), 2)
    pairs = _pairs(middle + 10 * random.normal(size=240), middle[:, None] + 10 * norm.ppf(levels), levels)
    twice = pairs.of_rows(np.repeat(np.arange(240), np.where(np.arange(240) < 60, 2, 1)))
    weights = np.where(np.arange(240) < 60, 2.0, 1.0)
    weighed, repeated = (
        evaluation.roc_area(pairs, threshold=55.0, weights=weights),
        evaluation.roc_area(twice, threshold=55.0),
    )
    assert weighed["value"].iloc[0] == pytest.approx(repeated["value"].iloc[0])
    curve = evaluation.roc(pairs, threshold=55.0)
    drawn = evaluation.roc_area(pairs, threshold=55.0, confidence=0.9).iloc[0]
    assert np.trapezoid(curve["hit_rate"], curve["false_alarm_rate"]) == pytest.approx(drawn["value"])
    assert drawn["low"] < drawn["value"] < drawn["high"]
    assert drawn["high"] - drawn["low"] < 0.4


def test_moments_of_a_group_do_not_depend_on_the_size_of_another() -> None:
    random = np.random.default_rng(4)
    forecast = random.normal(size=480)
    observed = 0.6 * forecast + random.normal(size=480)
    large = np.where(np.arange(480) % 24 < 12, 1e7, 0.0)
    pairs = _pairs(observed + large, (forecast + large)[:, None], np.array([0.5]))
    small = (large == 0).astype(float)
    expected = np.corrcoef(observed[large == 0], forecast[large == 0])[0, 1]
    assert evaluation.correlation(pairs, weights=small)["value"].iloc[0] == pytest.approx(expected, abs=1e-8)
    drawn = evaluation.correlation(pairs.of_rows(large == 0), confidence=0.9).iloc[0]
    assert drawn["low"] < expected < drawn["high"]


def test_small_errors_of_large_powers_keep_the_digits_of_their_parts() -> None:
    random = np.random.default_rng(5)
    forecast = 1e6 * random.normal(size=400)
    observed = forecast + 1e-3 * random.normal(size=400)
    parts = evaluation.mse_parts(_pairs(observed, forecast[:, None], np.array([0.5])))["value"].to_numpy()
    assert parts[1:].sum() == pytest.approx(parts[0], rel=1e-6)


def test_the_weighted_interval_score_without_a_median_interpolates_it() -> None:
    levels = np.array([0.1, 0.4, 0.6, 0.9])
    given = _pairs(np.array([7.0]), np.array([[1.0, 4.0, 5.0, 9.0]]), levels)
    score = 0.5 * (7.0 - 4.5) + 0.4 * (1.0 + (2 / 0.8) * 2.0) + 0.1 * 8.0
    assert evaluation.weighted_interval_score(given)["value"].iloc[0] == pytest.approx(score / 2.5)


@pytest.mark.parametrize("fair", [False, True])
def test_the_crps_of_one_sample_is_its_absolute_error(fair: bool) -> None:
    assert evaluation.crps_of_samples(np.array([3.0]), np.array([[1.0]]), fair=fair).tolist() == [2.0]


@pytest.mark.parametrize("noise", [1e-14, 1e-12])
def test_residuals_of_rounding_alone_are_refused(noise: float) -> None:
    residuals = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["all", "a", "b"])
    constant = 3.3 + noise * residuals["a"]
    for still in (constant, 1e-16 * residuals["a"]):
        with pytest.raises(MissingDataError, match=r"\['a'\] do not vary"):
            MinT.fit({"all": ["a", "b"]}, residuals=residuals.assign(a=still), method="wls")


def test_residuals_of_a_small_plant_are_trusted() -> None:
    residuals = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["all", "a", "b"])
    small = MinT.fit({"all": ["a", "b"]}, residuals=residuals.assign(a=1e-6 * residuals["a"]), method="wls")
    assert small.weights[0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)


@pytest.mark.parametrize("method", ["wls", "mint_shrink"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3, 1e6 + 0.1])
def test_residuals_that_do_not_vary_are_refused(constant: float, method: str) -> None:
    residuals = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["all", "a", "b"])
    with pytest.raises(MissingDataError):
        MinT.fit({"all": ["a", "b"]}, residuals=residuals.assign(a=constant), method=method)


@pytest.mark.parametrize("growth", [1.0, -1.0])
@pytest.mark.parametrize("level", [0.25, 0.5, 0.75])
def test_adaptive_levels_keep_their_share_where_outcomes_keep_growing(level: float, growth: float) -> None:
    """The bound of Gibbs and Candes (2021) on the long-run share below each level."""
    rate, levels = 0.2, (0.25, 0.5, 0.75)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=levels)
    windows = task.windows(task.issue_times("2024-01-02", "2025-05-15"))
    hours = timestamps.to_index(windows.valid_time[windows.inside])
    forecast = ef.Forecast.from_rows(
        {"a": SiteRows(np.tile([40.0, 50.0, 60.0], (len(hours), 1)), weather_init_time=windows.issue_time)},
        windows=windows,
        quantile_levels=levels,
        attrs={"model": "m", "perfect_weather": 0, "timezone": "UTC"},
    )
    outcome = 50.0 + growth * (np.arange(len(hours)) // 24)
    power = ef.Observations(pd.DataFrame({"a": outcome}, hours), published_after="1h")
    corrected = ef.AdaptiveCalibration(rate=rate).apply(forecast, power).data.values[0]
    below = outcome.reshape(-1, 24)[100:] <= corrected[100:, :, levels.index(level)]
    step = 4 * rate * level * (1 - level)
    bound = (max(level, 1 - level) + step) / (len(below) * step)
    assert below.mean() == pytest.approx(level, abs=bound)


# -- arguments that make no sense ------------------------------------------------------------------

OBSERVED, FORECAST = example_observations(), example_forecast().with_kind("wind")
PAIRS = evaluation.align(OBSERVED, FORECAST)
ONES = np.ones(len(PAIRS))
NOISE = np.random.default_rng(0).normal(size=(1, 5, 3))


TREE = {"all": ["a", "b"]}
DAY = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
DRAWN = ef.Scenarios.from_values(
    np.random.default_rng(0).uniform(0, 50, (200, 1, 24)),
    sites=["city"],
    valid_time=DAY,
    kind="demand",
    frequency="1h",
)
MEASURED = pd.Series(50.0, index=DAY, name="city")


def _fitted(value: Any) -> Any:
    return MinT.fit(TREE, residuals=pd.DataFrame({name: [value] * 20 for name in ("all", "a", "b")}))


def _weights(value: float) -> np.ndarray:
    return np.where(np.arange(len(PAIRS)) < 8, value, 1.0)


def _reconciled(bounds: tuple[float, float]) -> Any:
    hour = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    values = [[[4.0], [5.0], [9.0]]] * 2
    scenarios = ef.Scenarios.from_values(values, sites=["a", "b", "all"], valid_time=hour, frequency="1h")
    return reconcile(scenarios, hierarchy={"all": ["a", "b"]}, method="ols", bounds={"a": bounds})


def _crps(observed: Any = (0.0,), levels: Any = (0.1, 0.5, 0.9), **limits: Any) -> Any:
    return evaluation.crps_of_quantiles(np.array(observed), np.array([[0.0, 1.0, 2.0]]), levels, **limits)


def _samples(weights: np.ndarray) -> Any:
    return evaluation.score_samples("crps_of_samples", np.zeros(2), np.zeros((2, 5)), weights=weights)


SENSELESS: dict[str, Callable[[], Any]] = {
    "negative weights": lambda: evaluation.rmse(PAIRS, weights=_weights(-1.0)),
    "missing weights": lambda: evaluation.mae(PAIRS, weights=_weights(np.nan)),
    "levels of a pinball loss in percent": lambda: evaluation.pinball_loss(
        np.zeros(1), np.ones((1, 2)), [10, 90]
    ),
    "levels of a CRPS in percent": lambda: evaluation.crps_of_quantiles(
        np.zeros(1), np.array([[0.0, 1, 2]]), [10, 50, 90]
    ),
    "falling quantiles": lambda: evaluation.crps_of_quantiles(
        np.zeros(1), np.array([[2.0, 1, 0]]), [0.1, 0.5, 0.9]
    ),
    "coverage of a negative interval": lambda: evaluation.coverage(PAIRS, interval=-0.5),
    "width of a negative interval": lambda: evaluation.width(PAIRS, interval=-0.5),
    "score of a negative interval": lambda: evaluation.interval_score(PAIRS, interval=-0.5),
    "a lower threshold above the upper one": lambda: evaluation.threshold_crps(PAIRS, above=40.0, below=30.0),
    "a missing threshold of a CRPS": lambda: evaluation.threshold_crps(PAIRS, above=np.nan),
    "no bins of a Brier score": lambda: evaluation.brier(PAIRS, threshold=15.0, bins=0),
    "a missing threshold of a Brier score": lambda: evaluation.brier(PAIRS, threshold=np.nan),
    "no bins of a PIT": lambda: evaluation.pit(PAIRS, bins=0),
    "ramps of a negative change": lambda: evaluation.ramps(PAIRS, change=-0.3),
    "ramps of a negative tolerance": lambda: evaluation.ramps(PAIRS, tolerance=-1),
    "a negative dead band": lambda: ImbalanceTerms(shortage=40, surplus=20, band=-5),
    "a confidence in percent": lambda: evaluation.score("mae", PAIRS, confidence=90),
    "a confidence above 1": lambda: evaluation.reliability(PAIRS, confidence=1.5),
    "a table of differences": lambda: evaluation.diebold_mariano(np.arange(12.0).reshape(3, 4)),
    "negative lags": lambda: evaluation.diebold_mariano(np.arange(12.0), lags=-1),
    "weights of one dimension": lambda: evaluation.variogram_score(
        np.zeros((1, 3)), NOISE, weights=np.ones(3)
    ),
    "samples of other rows": lambda: evaluation.crps_of_samples(np.zeros(3), np.zeros((2, 5))),
    "a CRPS of levels that fall": lambda: _crps(levels=[0.9, 0.5, 0.1]),
    "a CRPS of equal levels": lambda: _crps(levels=[0.5, 0.5, 0.5]),
    "a CRPS of no levels": lambda: evaluation.crps_of_quantiles(np.zeros(1), np.zeros((1, 0)), []),
    "a CRPS of a table of outcomes": lambda: _crps(observed=np.zeros((1, 1))),
    "a CRPS above a higher end": lambda: _crps(above=2.0, below=1.0),
    "a CRPS above a missing end": lambda: _crps(above=np.nan),
    "a CRPS above ends of other rows": lambda: _crps(above=np.zeros(4)),
    "a variogram of order 0": lambda: evaluation.variogram_score(np.zeros((1, 3)), NOISE, order=0.0),
    "a variogram of a negative order": lambda: evaluation.variogram_score(
        np.zeros((1, 3)), NOISE, order=-1.0
    ),
    "a variogram of an infinite order": lambda: evaluation.variogram_score(
        np.zeros((1, 3)), NOISE, order=np.inf
    ),
    "negative weights of a variogram": lambda: evaluation.variogram_score(
        np.zeros((1, 3)), NOISE, weights=-np.ones((3, 3))
    ),
    "a variogram of text": lambda: evaluation.variogram_score(np.array([["a", "b", "c"]]), NOISE),
    "negative weights of samples": lambda: _samples(weights=np.array([-1.0, 1.0])),
    "missing weights of samples": lambda: _samples(weights=np.array([np.nan, 1.0])),
    "a table of weights of samples": lambda: _samples(weights=np.ones((2, 2))),
    "infinite weights": lambda: evaluation.mae(PAIRS, weights=_weights(np.inf)),
    "a pinball loss of no levels": lambda: evaluation.pinball(PAIRS, quantile_levels=[]),
    "coverage of no interval": lambda: evaluation.coverage(PAIRS, interval=[]),
    "no metric": lambda: evaluation.score([], PAIRS),
    "a label twice": lambda: evaluation.score("mae", PAIRS, by=["site", "site"]),
    "an infinite threshold": lambda: evaluation.brier(PAIRS, threshold=np.inf),
    "a threshold in percent": lambda: evaluation.roc_area(PAIRS, threshold=50.0, relative=True),
    "a range in percent": lambda: evaluation.threshold_crps(PAIRS, above=50.0, relative=True),
    "a negative number of draws": lambda: evaluation.event_reliability(PAIRS, threshold=15.0, draws=-1),
    "a negative seed of bars": lambda: evaluation.event_reliability(PAIRS, threshold=15.0, seed=-1),
    "a negative seed of a PIT": lambda: evaluation.pit(PAIRS, seed=-1),
    "ramps of no change": lambda: evaluation.ramps(PAIRS, change=0.0),
    "ramps in percent": lambda: evaluation.ramps(PAIRS, change=30.0),
    "ramps within no time": lambda: evaluation.ramps(PAIRS, window=0.0),
    "p-values in percent": lambda: evaluation.benjamini_hochberg([5.0, 50.0]),
    "a table of p-values": lambda: evaluation.benjamini_hochberg(np.full((2, 2), 0.1)),
    "p-values of text": lambda: evaluation.benjamini_hochberg(["a"]),
    "pairs of a table of outcomes": lambda: replace(PAIRS, observed=np.column_stack([ONES, ONES])),
    "pairs of a table of capacities": lambda: replace(PAIRS, capacity=np.column_stack([ONES, ONES])),
    "pairs of a negative capacity": lambda: replace(PAIRS, capacity=-ONES),
    "pairs of levels in percent": lambda: replace(PAIRS, quantile_levels=100 * PAIRS.quantile_levels),
    "pairs of levels that fall": lambda: replace(PAIRS, quantile_levels=PAIRS.quantile_levels[::-1]),
    "pairs of intervals of no length": lambda: replace(PAIRS, step=0.0),
    "a negative window": lambda: ef.AdaptiveCalibration(window="-5D"),
    "bounds in the wrong order": lambda: _reconciled((6.0, 0.0)),
    "residuals of text": lambda: _fitted("x"),
    "residuals of two columns of a name": lambda: MinT.fit(
        TREE, residuals=pd.DataFrame(np.eye(20)[:, :4], columns=["all", "a", "b", "b"])
    ),
    "a hierarchy without sums": lambda: MinT.fit(["a", "b"], method="ols"),  # type: ignore[arg-type]
    "parts as text": lambda: MinT.fit({"all": "ab"}, method="ols"),
    "a negative tolerance of a reserve": lambda: reserve_exceedance(
        reserve(DRAWN, risk=0.1), MEASURED, tolerance=-1.0
    ),
    "a missing tolerance of a reserve": lambda: reserve_exceedance(
        reserve(DRAWN, risk=0.1), MEASURED, tolerance=np.nan
    ),
    "a negative tolerance of alarms": lambda: alarm_scores(
        ramps(DRAWN, change=5.0), MEASURED, tolerance="-1h"
    ),
    "probable ramps in percent": lambda: ramps(DRAWN, change=30.0, capacity=50.0),
    "a negative capacity of a schedule": lambda: schedule(FORECAST, shortage=3.0, surplus=2.0, capacity=-5.0),
    "a missing capacity of a schedule": lambda: schedule(
        FORECAST, shortage=3.0, surplus=2.0, capacity=np.nan
    ),
    "a gate of reversed limits": lambda: evaluation.Gate(metric="mae", min=5.0, max=1.0),
    "a gate of a missing limit": lambda: evaluation.Gate(metric="mae", max=np.nan),
    "a missing bound": lambda: _reconciled((0.0, np.nan)),
    "a bound alone": lambda: _reconciled((6.0,)),  # type: ignore[arg-type]
    "bounds of text": lambda: _reconciled(("0", "6")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", SENSELESS)
def test_an_argument_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(EnergyForecastError):
        SENSELESS[name]()
