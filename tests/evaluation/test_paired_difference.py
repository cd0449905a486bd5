"""The paired test: its interval is the test turned around, chance alone seldom alarms, real differences are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from energyforecast.errors import RangeError
from energyforecast.evaluation import align, compare, diebold_mariano, model_confidence_set
from energyforecast.evaluation.paired_difference import daily_means, paired_test
from energyforecast.testing import example_days, example_result

Array = npt.NDArray[np.float64]


def losses(days: int, *, better: float = 0.0, fits: float = 0.0, seed: int = 0) -> tuple[Array, Array]:
    """Losses of two models that share the weather of each day; each fit is better or worse by a share."""
    rng = np.random.default_rng(seed)
    weather = rng.gamma(4.0, 0.25, size=days)
    one, two = (weather * np.exp(rng.normal(scale=0.03, size=days)) for _ in range(2))
    return one * (1 - better) * (1 + fits * rng.normal()), two * (1 + fits * rng.normal())


def alarms(days: int, *, fits: float, fit_spread: float) -> float:
    """Share of 90 % intervals of two equal models that exclude 0."""
    tests = [paired_test(*losses(days, fits=fits, seed=k), fit_spread=fit_spread) for k in range(400)]
    return float(np.mean([not test.low <= 0 <= test.high for test in tests]))


@pytest.mark.parametrize("days", [30, 60, 120, 365])
def test_equal_models_whose_fits_differ_by_chance_seldom_look_different(days: int) -> None:
    assert alarms(days, fits=0.004, fit_spread=0.004) <= 0.13  # 0.1 but for the chance of 400 pairs


def test_days_alone_do_not_see_the_chance_of_the_fits() -> None:
    assert alarms(365, fits=0.004, fit_spread=0.0) > 0.35
    assert 0.05 < alarms(365, fits=0.0, fit_spread=0.0) < 0.14


def test_a_difference_of_five_percent_is_found_over_a_year() -> None:
    found = [paired_test(*losses(365, better=0.05, fits=0.004, seed=k), fit_spread=0.004) for k in range(100)]
    assert np.mean([test.low > 0 and test.p < 0.05 for test in found]) == 1.0
    held = np.mean([test.low <= 0.05 <= test.high for test in found])
    assert held >= 0.85


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_the_ends_of_the_interval_are_the_skills_that_the_test_just_rejects(confidence: float) -> None:
    model, reference = losses(90, better=0.02)
    test = paired_test(model, reference, confidence=confidence, fit_spread=0.0)
    for skill in (test.low, test.high):
        turned = diebold_mariano(model - (1 - skill) * reference)
        assert turned.p_value == pytest.approx(1 - confidence, abs=1e-9)


def test_the_chance_of_the_fits_adds_to_the_variance_by_hand() -> None:
    model, reference = losses(60)
    of_days = diebold_mariano(model - reference)
    error = np.hypot(of_days.mean / of_days.statistic, 0.004 * np.hypot(model.mean(), reference.mean()))
    test = paired_test(model, reference, fit_spread=0.004)
    assert test.statistic == pytest.approx(of_days.mean / error)
    assert test.p == pytest.approx(2 * stats.t.sf(abs(test.statistic), 59))


@pytest.mark.parametrize("metric", ["mae", "rmse", "crps"])
def test_p_is_below_a_tenth_exactly_where_the_interval_excludes_zero(metric: str) -> None:
    rng, found = np.random.default_rng(3), []
    forecast, observations = example_days(days=30, sites=["a"])
    pairs = align(observations, forecast)
    _, day = np.unique(pairs.labels["valid_time"].dt.normalize(), return_inverse=True)
    for scale in np.linspace(0.0, 30.0, 6):
        shifts = [scale * share * rng.normal(size=31)[day] for share in (1.0, 0.6)]
        moved = [replace(pairs, quantiles=pairs.quantiles + shift[:, None]) for shift in shifts]
        row = compare(*moved, metric=metric).iloc[0]
        assert row["low"] <= row["skill"] <= row["high"]
        assert (row["p"] < 0.1) == (not row["low"] <= 0 <= row["high"])
        found.append(row["p"] < 0.1)
    assert 0 < sum(found) < len(found), "both are seen"


def test_a_loss_that_may_be_zero_gives_no_interval() -> None:
    rng = np.random.default_rng(0)
    rare = np.where(np.arange(40) == 7, 5.0, 0.0)
    test = paired_test(rare + 0.1 * rng.random(40), rare, fit_spread=0.004)
    assert np.isnan([test.low, test.high]).all()
    assert 0 < test.p < 1
    same = paired_test(rare, rare, fit_spread=0.004)
    assert (same.statistic, same.p) == (0.0, 1.0)


def test_days_are_weighed_by_their_hours_as_the_score_is() -> None:
    day = np.array([0, 0, 0, 1])
    daily = daily_means(np.array([[1.0, 2.0, 3.0, 10.0], [1.0, 1.0, 1.0, 1.0]]), day)
    assert daily.mean(axis=1).tolist() == [4.0, 1.0]


def test_the_confidence_set_keeps_a_model_that_is_worse_by_chance_of_its_fit_alone() -> None:
    model, reference = losses(365)
    table = pd.DataFrame({"a": model, "b": model * 1.004, "c": 1.1 * reference})
    assert model_confidence_set(table)["inside"].tolist() == [True, False, False]
    assert model_confidence_set(table, fit_spread=0.004)["inside"].tolist() == [True, True, False]


def test_fits_of_demand_vary_more_than_those_of_plants() -> None:
    forecast, observations = example_days(days=60, kind="demand")
    pairs = align(observations, forecast)
    other = replace(pairs, quantiles=pairs.quantiles + 1.0)
    demand, known = compare(other, pairs).iloc[0], compare(other, pairs, fit_spread=0.025).iloc[0]
    labels = pairs.labels.assign(kind="wind")
    plant = compare(replace(other, labels=labels), replace(pairs, labels=labels)).iloc[0]
    assert (demand["low"], demand["p"]) == (known["low"], known["p"])
    assert demand["high"] - demand["low"] > plant["high"] - plant["low"]


def test_a_negative_spread_is_refused() -> None:
    pairs = example_result().pairs
    with pytest.raises(RangeError, match="fit_spread"):
        compare(pairs["model"], pairs["reference"], fit_spread=-0.1)
