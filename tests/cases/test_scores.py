"""Scores of exact forecasts, of large means and close probabilities, and arguments that make no sense."""

from __future__ import annotations

from collections.abc import Callable
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
from energyforecast.evaluation.metrics.exceedance import exceedance
from energyforecast.planning import MinT, reconcile
from energyforecast.testing import example_forecast, example_observations
from tests.support.known_faults import fault


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


RAW_MOMENTS = fault("raw moments lose the digits of a small spread around a large mean")


@pytest.mark.parametrize(
    ("spread", "mean"),
    [
        (1.0, 0.0),
        pytest.param(1.0, 1e5, marks=RAW_MOMENTS),
        pytest.param(1.0, 1e6, marks=RAW_MOMENTS),
        pytest.param(1e-3, 1e3, marks=RAW_MOMENTS),
    ],
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


@fault("probabilities are rounded to one percent")
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


CONSTANT = fault("a constant series of residuals counts as one without error")


@pytest.mark.parametrize("method", ["wls", "mint_shrink"])
@pytest.mark.parametrize(
    "constant", [0.0, *(pytest.param(value, marks=CONSTANT) for value in (0.1, 3.3, 1e6 + 0.1))]
)
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


def _weights(value: float) -> np.ndarray:
    return np.where(np.arange(len(PAIRS)) < 8, value, 1.0)


def _reconciled(bounds: tuple[float, float]) -> Any:
    hour = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    values = [[[4.0], [5.0], [9.0]]] * 2
    scenarios = ef.Scenarios.from_values(values, sites=["a", "b", "all"], valid_time=hour, frequency="1h")
    return reconcile(scenarios, hierarchy={"all": ["a", "b"]}, method="ols", bounds={"a": bounds})


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
    "a negative window": lambda: ef.AdaptiveCalibration(window="-5D"),
    "bounds in the wrong order": lambda: _reconciled((6.0, 0.0)),
}


GIVE_A_NUMBER = {"bounds in the wrong order"}


def _mark(name: str) -> pytest.MarkDecorator | tuple[()]:
    return fault("gives a number") if name in GIVE_A_NUMBER else ()


@pytest.mark.parametrize("name", [pytest.param(name, marks=_mark(name)) for name in SENSELESS])
def test_an_argument_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(EnergyForecastError):
        SENSELESS[name]()
