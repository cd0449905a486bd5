"""Parts of scores by isotonic regression, and their diagrams, against other libraries and brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression

from energyforecast import evaluation as ev
from energyforecast.errors import RangeError
from energyforecast.evaluation import align
from energyforecast.evaluation.consistency import reliable_levels
from energyforecast.evaluation.isotonic import isotonic_mean, isotonic_quantile
from energyforecast.testing import example_forecast, example_observations
from tests.support.wandering_pairs import LEVELS, make_pairs

Array = npt.NDArray[Any]


PAIRS = make_pairs(days=40, bias=3.0)


def _random(seed: int) -> tuple[Array, Array, Array, Array]:
    """Few forecasts with ties, outcomes with ties, weights of whole numbers, and a level."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 14))
    forecast = rng.integers(0, 8, size).astype(float)
    outcome = np.round(rng.normal(size=size) + 0.3 * forecast, int(rng.integers(0, 3)))
    weights = rng.integers(1, 4, size).astype(float) if seed % 2 else np.ones(size)
    return forecast, outcome, weights, rng.choice([0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9])


def _max_min(forecast: Array, values: Callable[[Array], float]) -> Array:
    """The max-min formula of isotonic regression: of all blocks from below of all blocks above."""
    known = np.unique(forecast)
    rows = [np.flatnonzero(forecast == value) for value in known]
    size = range(len(known))
    block = {(a, b): values(np.concatenate(rows[a : b + 1])) for a in size for b in size if a <= b}
    fit = [max(min(block[a, b] for b in size if b >= k) for a in range(k + 1)) for k in size]
    return np.array(fit)[np.searchsorted(known, forecast)]


def _lower_quantile(outcome: Array, weights: Array, level: float) -> float:
    order = np.argsort(outcome)
    total = np.cumsum(weights[order])
    return float(outcome[order][np.searchsorted(total, level * total[-1] - 1e-9)])


@pytest.mark.parametrize("seed", range(60))
def test_isotonic_regression_is_that_of_the_max_min_formula(seed: int) -> None:
    forecast, outcome, weights, level = _random(seed)
    quantile = isotonic_quantile(forecast, outcome, level=level, weights=weights)
    brute = _max_min(forecast, lambda rows: _lower_quantile(outcome[rows], weights[rows], level))
    np.testing.assert_array_equal(quantile, brute)
    mean = isotonic_mean(forecast, outcome, weights)
    brute = _max_min(forecast, lambda rows: float(np.average(outcome[rows], weights=weights[rows])))
    np.testing.assert_allclose(mean, brute, atol=1e-12)


def test_rows_of_weight_zero_do_not_count() -> None:
    forecast, outcome = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 9.0, 1.0, 2.0])
    weights = np.array([1.0, 0.0, 1.0, 1.0])
    assert isotonic_mean(forecast, outcome, weights)[[0, 2, 3]].tolist() == [0.0, 1.0, 2.0]
    assert isotonic_mean(forecast, outcome, np.array([0.0, 0.0, 1.0, 1.0])).tolist() == [1.0, 1.0, 1.0, 2.0]


def test_parts_of_the_brier_score_are_those_of_scikit_learn() -> None:
    happened = (PAIRS.observed > 55).astype(float)
    chance = 1 - PAIRS.distribution.at_most(55.0)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, len(PAIRS))
    fitted = IsotonicRegression().fit(chance, happened, weights).predict(chance)
    scores = [np.average((x - happened) ** 2, weights=weights) for x in (chance, fitted)]
    base = np.average(happened, weights=weights)
    expected = [scores[0] - scores[1], base * (1 - base) - scores[1], base * (1 - base)]
    table = ev.brier_parts(PAIRS, threshold=55.0, weights=weights)
    np.testing.assert_allclose(table["value"], expected, atol=1e-12)
    total = table["value"] @ [1, -1, 1]
    assert total == pytest.approx(
        ev.score("brier", PAIRS, weights=weights, parameters={"threshold": 55.0})["value"][0]
    )


def test_parts_of_the_pinball_loss_and_the_crps_add_up() -> None:
    for level in (0.1, 0.5, 0.9):
        table = ev.pinball_parts(PAIRS, level=level)
        loss = ev.pinball_loss(PAIRS.observed, PAIRS.at(level)[:, None], [level]).mean()
        assert table["value"] @ [1, -1, 1] == pytest.approx(loss)
        assert (table["value"] >= 0).all()
    by_level = ev.pinball_parts(PAIRS, by="level")
    assert by_level["level"].tolist() == LEVELS.tolist() * 3
    np.testing.assert_allclose(
        by_level[by_level["level"].round(2) == 0.9]["value"], ev.pinball_parts(PAIRS, level=0.9)["value"]
    )
    parts, crps = ev.crps_parts(PAIRS), ev.crps(PAIRS)
    for column in ("value", "percent"):
        assert parts[column] @ [1, -1, 1] == pytest.approx(crps[column][0], rel=3e-3)
    everyone = np.abs(PAIRS.observed[:, None] - PAIRS.observed).mean() / 2
    assert parts["value"][2] == pytest.approx(everyone, rel=3e-3)
    # Those of few outcomes have a node in each range: they are exact.
    few = PAIRS.of_rows(np.arange(2))
    assert ev.crps_parts(few)["value"] @ [1, -1, 1] == pytest.approx(ev.crps(few)["value"][0], rel=1e-9)


def test_a_bias_is_miscalibration_and_discrimination_does_not_see_it() -> None:
    right, biased = make_pairs(days=40), PAIRS
    for name, given in (("crps_parts", {}), ("pinball_parts", {"level": 0.5})):
        first, second = (ev.score(name, pairs, parameters=given)["value"] for pairs in (right, biased))
        assert second[0] > first[0] + 0.3
        assert second[1] == pytest.approx(first[1], rel=0.05)
        assert second[2] == pytest.approx(first[2], rel=3e-3)


def test_percent_is_of_the_capacity_of_each_row() -> None:
    doubled = make_pairs(days=10, capacity=50.0)
    table = ev.crps_parts(doubled)
    np.testing.assert_allclose(table["percent"], 2 * table["value"])
    table = ev.pinball_parts(doubled)
    np.testing.assert_allclose(table["percent"], 2 * table["value"])


@pytest.mark.parametrize("every", [1, 2])
def test_there_is_no_percent_where_a_capacity_is_not_known(every: int) -> None:
    capacity = PAIRS.capacity.copy()
    capacity[::every] = np.nan
    unknown = replace(PAIRS, capacity=capacity)
    for name, given in (
        ("crps_parts", {}),
        ("pinball_parts", {"level": 0.5}),
        ("mse_parts", {}),
        ("crps", {}),
    ):
        with_capacity, without = (ev.score(name, pairs, parameters=given) for pairs in (PAIRS, unknown))
        assert without["percent"].isna().all()
        assert without["value"].tolist() == with_capacity["value"].tolist()


def test_groups_and_intervals_of_the_parts() -> None:
    assert len(ev.brier_parts(PAIRS, threshold=50.0, by="hour")) == 3 * 24
    table = ev.brier_parts(PAIRS.of_rows(np.arange(240)), threshold=50.0, confidence=0.9)
    inside = table[table["metric"] == "brier_uncertainty"]
    assert ((inside["low"] <= inside["value"]) & (inside["value"] <= inside["high"])).all()
    always = ev.brier_parts(PAIRS, threshold=-1000.0)
    assert always["value"].tolist() == [0.0, 0.0, 0.0]


def test_the_curve_is_the_recalibrated_forecast_and_the_band_holds_a_reliable_one() -> None:
    happened = (PAIRS.observed > 50).astype(float)
    chance = 1 - PAIRS.distribution.at_most(50.0)
    diagram = ev.corp_event_reliability(PAIRS, threshold=50.0, draws=60)
    fitted = IsotonicRegression().fit(chance, happened).predict(diagram["probability"])
    np.testing.assert_allclose(diagram["value"], fitted, atol=1e-12)
    assert ((diagram["value"] > diagram["high"]) & (diagram["probability"].between(0.2, 0.8))).any()
    reliable = ev.corp_event_reliability(make_pairs(days=40), threshold=50.0, draws=60)
    outside = (reliable["value"] < reliable["low"] - 1e-9) | (reliable["value"] > reliable["high"] + 1e-9)
    assert outside.mean() < 0.35
    pd.testing.assert_frame_equal(
        reliable, ev.corp_event_reliability(make_pairs(days=40), threshold=50.0, draws=60)
    )


def test_the_curve_of_a_quantile_shows_the_bias_at_each_forecast() -> None:
    diagram = ev.corp_quantile_reliability(PAIRS, level=0.5, draws=40)
    middle = diagram[diagram["forecast"].between(40, 55)]
    assert (middle["value"] - middle["forecast"]).mean() == pytest.approx(3.0, abs=1.5)
    assert (middle["value"] > middle["high"]).mean() > 0.3
    assert (np.diff(diagram["value"]) >= 0).all()
    assert diagram["n"].eq(len(PAIRS)).all()


def test_drawn_levels_are_uniform_and_keep_days_together() -> None:
    drawn = np.array(list(reliable_levels(PAIRS, draws=200, seed=3)))
    assert drawn.mean() == pytest.approx(0.5, abs=0.02)
    assert np.quantile(drawn, [0.1, 0.9]) == pytest.approx([0.1, 0.9], abs=0.02)
    neighbours = np.mean([np.corrcoef(row[:-1], row[1:])[0, 1] for row in drawn])
    assert neighbours > 0.6
    assert abs(np.mean([np.corrcoef(row, PAIRS.at(0.5))[0, 1] for row in drawn])) < 0.03


def test_fewer_than_eight_days_have_a_curve_and_no_band() -> None:
    pairs = align(example_observations(), example_forecast())
    diagram = ev.corp_quantile_reliability(pairs)
    assert diagram[["low", "high"]].isna().all(axis=None)
    empty = ev.corp_event_reliability(pairs.of_rows(np.zeros(24, dtype=bool)), threshold=15.0)
    assert len(empty) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ev.pinball_parts(PAIRS, level=90.0),
        lambda: ev.brier_parts(PAIRS, threshold=55.0, relative=True),
        lambda: ev.corp_event_reliability(PAIRS, threshold=np.nan),
        lambda: ev.corp_event_reliability(PAIRS, threshold=50.0, draws=-1),
        lambda: ev.corp_quantile_reliability(PAIRS, confidence=90.0),
        lambda: ev.corp_quantile_reliability(PAIRS, level=0.01),
    ],
)
def test_senseless_arguments_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(RangeError):
        wrong()
