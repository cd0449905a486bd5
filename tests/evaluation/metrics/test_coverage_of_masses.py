"""Coverage where outcomes lie on a mass of the distribution: at 0, at the capacity, or between."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import evaluation

LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)
HOURS = pd.date_range("2024-01-02", periods=24 * 300, freq="1h", tz="UTC")


def _scored(
    observed: np.ndarray, curve: np.ndarray, levels: np.ndarray = LEVELS, capacity: float = 10.0
) -> tuple[ef.Observations, ef.Forecast]:
    table = {"issue_time": (HOURS - pd.Timedelta("15h")).floor("D"), "valid_time": HOURS}
    table |= {f"q{level:g}": value for level, value in zip(levels, curve, strict=True)}
    forecast = ef.Forecast.from_frame(pd.DataFrame(table), capacity={"site": capacity}, kind="wind")
    return ef.Observations(pd.DataFrame({"site": observed}, index=HOURS), published_after="1h"), forecast


def _draws(zero: float, full: float, capacity: float = 10.0) -> np.ndarray:
    """Outcomes with masses at 0 and at the capacity, uniform between."""
    u = np.random.default_rng(0).random(len(HOURS))
    return capacity * np.clip((u - zero) / (1 - zero - full), 0, 1)


def _exact(zero: float, full: float, levels: np.ndarray = LEVELS, capacity: float = 10.0) -> np.ndarray:
    return capacity * np.clip((levels - zero) / (1 - zero - full), 0, 1)


@pytest.mark.parametrize("interval", [0.5, 0.8, 0.9])
@pytest.mark.parametrize(
    ("zero", "full"), [(0.0, 0.0), (0.05, 0.0), (0.3, 0.0), (0.62, 0.0), (0.0, 0.3), (0.2, 0.17), (0.97, 0.0)]
)
@pytest.mark.parametrize("capacity", [10.0, 8.2])
def test_an_exact_forecast_covers_its_share(
    zero: float, full: float, interval: float, capacity: float
) -> None:
    pairs = _scored(_draws(zero, full, capacity), _exact(zero, full, capacity=capacity), capacity=capacity)
    value = evaluation.coverage(*pairs, interval=interval)["value"].iloc[0]
    assert value == pytest.approx(interval, abs=0.03)


def test_the_closed_coverage_counts_ends_as_inside() -> None:
    pairs = _scored(_draws(0.6, 0.0), _exact(0.6, 0.0))
    closed = evaluation.coverage_closed(*pairs, interval=0.8)["value"].iloc[0]
    assert closed == pytest.approx(0.9, abs=0.02)
    assert evaluation.score("coverage_closed", *pairs)["level"].tolist() == [0.5, 0.8, 0.9]


def test_wrong_forecasts_of_masses_are_found() -> None:
    calm = np.zeros(len(HOURS))
    often = evaluation.coverage(*_scored(_draws(0.6, 0.0), _exact(0.1, 0.0)), interval=0.8)["value"].iloc[0]
    never = evaluation.coverage(*_scored(calm, _exact(0.0, 0.0)), interval=0.8)["value"].iloc[0]
    assert often < 0.5
    assert never == 0.0


def test_an_outcome_at_an_end_without_a_mass_is_inside() -> None:
    observed = np.tile([2.0, 8.0, 5.0, 1.9, 8.1, 5.0], len(HOURS) // 6)
    pairs = _scored(observed, np.array([2.0, 5.0, 8.0]), np.array([0.1, 0.5, 0.9]))
    for metric in (evaluation.coverage, evaluation.coverage_closed):
        assert metric(*pairs, interval=0.8)["value"].iloc[0] == pytest.approx(4 / 6)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_reliability_and_pit_agree_with_the_coverage(level: float) -> None:
    pairs = _scored(_draws(0.3, 0.2, 8.2), _exact(0.3, 0.2, capacity=8.2), capacity=8.2)
    table = evaluation.reliability(*pairs).set_index("level")["value"]
    low, high = round((1 - level) / 2, 3), round((1 + level) / 2, 3)
    found = evaluation.coverage(*pairs, interval=level)["value"].iloc[0]
    assert table[high] - table[low] == pytest.approx(found, abs=0.01)
    bins = evaluation.pit(*pairs, bins=10)["value"]
    assert bins.to_numpy() == pytest.approx(0.1, abs=0.02)


def test_a_gate_on_the_coverage_passes_an_exact_forecast() -> None:
    observed, forecast = _scored(_draws(0.6, 0.0), _exact(0.6, 0.0))
    result = ef.Result.from_forecasts({"exact": forecast}, observed)
    limits = [evaluation.Gate(metric="coverage", level=0.8, min=0.77, max=0.83)]
    assert result.gate(limits).passed
    plain = [evaluation.Gate(metric="coverage_closed", level=0.8, min=0.77, max=0.83)]
    assert not result.gate(plain).passed


@pytest.mark.parametrize(("zero", "full", "capacity"), [(0.3, 0.0, 10.0), (0.6, 0.0, 10.0), (0.0, 0.3, 8.2)])
def test_adaptive_calibration_leaves_an_exact_forecast_of_masses_exact(
    zero: float, full: float, capacity: float
) -> None:
    observed, forecast = _scored(
        _draws(zero, full, capacity), _exact(zero, full, capacity=capacity), capacity=capacity
    )
    calibrated = ef.AdaptiveCalibration().apply(forecast, observed)
    table = evaluation.reliability(observed, calibrated)
    assert table["value"].to_numpy() == pytest.approx(table["level"].to_numpy(), abs=0.03)
    before, after = (evaluation.pinball(observed, item)["value"].iloc[0] for item in (forecast, calibrated))
    assert after < 1.015 * before
