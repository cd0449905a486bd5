"""Tests of equal skill, intervals and matched hours: right under no difference, able to see one, honest about gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.evaluation import (
    METRICS,
    Pairs,
    Result,
    benjamini_hochberg,
    compare,
    diebold_mariano,
    score,
)
from energyforecast.evaluation.bootstrap import block_draws
from energyforecast.evaluation.matching import match
from energyforecast.testing import example_result

Array = npt.NDArray[np.float64]
LEVELS = np.array([0.1, 0.5, 0.9])


def pairs_of(errors: Array, *, spread: float = 1.0, first: str = "2024-01-01") -> Pairs:
    """Hourly forecasts whose median is wrong by so much."""
    hours = pd.date_range(first, periods=len(errors), freq="1h", tz="UTC")
    labels = pd.DataFrame(
        {
            "site": "farm",
            "kind": "wind",
            "issue_time": hours.normalize() - pd.Timedelta("15h"),
            "valid_time": hours,
            "lead_time": 15.0 + hours.hour,
            "hour": hours.hour,
            "month": hours.month,
            "quality": 0,
            "weather_age": np.where(hours.day % 2 == 0, 6.0, np.nan),
        }
    )
    observed = np.full(len(errors), 50.0)
    quantiles = (observed + errors)[:, None] + spread * np.array([-1.0, 0.0, 1.0])
    return Pairs(
        observed, quantiles, LEVELS, labels, np.full(len(errors), 100.0), labels.iloc[:0], below_zero=0
    )


def noise(days: int, *, seed: int = 0, scale: float = 1.0) -> Array:
    rng = np.random.default_rng(seed)
    return scale * np.repeat(rng.normal(size=days), 24) + scale * rng.normal(size=24 * days)


# --- The test -------------------------------------------------------------------------------------


def test_the_statistic_is_that_of_the_papers_by_hand() -> None:
    d = np.array([1.0, -2.0, 3.0, 0.5, 2.0, 1.5, -0.5, 2.5])
    test = diebold_mariano(d, lags=1)
    about, n = d - d.mean(), len(d)
    long_run = about @ about / n + 2 * 0.5 * (about[1:] @ about[:-1]) / n
    corrected = np.sqrt((n + 1 - 4 + 2 / n) / n) * d.mean() / np.sqrt(long_run / n)
    assert test.statistic == pytest.approx(corrected)
    assert test.p_value == pytest.approx(2 * stats.t.sf(abs(corrected), n - 1))
    without = diebold_mariano(d, lags=0)
    # With no lags the correction turns it into the paired t-test.
    assert without.p_value == pytest.approx(stats.ttest_1samp(d, 0.0).pvalue)


def test_gaps_in_the_differences_are_left_out_and_not_counted() -> None:
    series = np.array([1.0, np.nan, 2.0, 3.0, np.nan, 1.0])
    assert diebold_mariano(series) == diebold_mariano(series[np.isfinite(series)])
    assert diebold_mariano(series).n == 4


@pytest.mark.parametrize("series", [[], [1.0], [1.0, 2.0], [np.nan] * 5])
def test_too_little_gives_no_verdict(series: list[float]) -> None:
    assert np.isnan(diebold_mariano(series).p_value)


def test_benjamini_hochberg_keeps_false_discoveries_rare() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        real = np.abs(rng.normal(4.0, 1.0, size=20))
        p = 2 * stats.norm.sf(np.concatenate([real, np.abs(rng.normal(size=80))]))
        found = benjamini_hochberg(p) < 0.1
        shares.append(found[20:].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.1
    assert np.mean(shares) > 0.03, "adjusted too much"
    np.testing.assert_array_equal(
        benjamini_hochberg([0.01, np.nan, 0.02]), [*benjamini_hochberg([0.01, 0.02])[:1], np.nan, 0.02]
    )


# --- Comparisons ----------------------------------------------------------------------------------


def test_a_better_forecast_is_found_and_an_equal_one_is_not() -> None:
    good, bad = pairs_of(noise(60)), pairs_of(noise(60, seed=1, scale=2.0))
    row = compare(good, bad, metric="mae").iloc[0]
    assert row["p"] < 0.01
    assert 0 < row["low"] < row["skill"] < row["high"] < 1
    similar = compare(good, pairs_of(noise(60, seed=2)), metric="mae").iloc[0]
    assert similar["p"] > 0.05
    assert similar["low"] < 0 < similar["high"]


def test_swapping_the_forecasts_turns_the_statistic_around() -> None:
    one, two = pairs_of(noise(30)), pairs_of(noise(30, seed=1))
    forward, back = compare(one, two).iloc[0], compare(two, one).iloc[0]
    assert forward["statistic"] == pytest.approx(-back["statistic"])
    assert forward["p"] == pytest.approx(back["p"])


def test_days_are_tested_not_hours() -> None:
    """A day's hours hang together: repeating each hour must not make the difference surer."""
    rng = np.random.default_rng(5)
    daily = rng.normal(size=40)
    hourly = compare(
        pairs_of(np.repeat(np.abs(daily), 24)), pairs_of(np.full(960, 0.8)), metric="mae", fit_spread=0
    )
    assert hourly["days"].iloc[0] == 40
    alone = diebold_mariano(np.abs(daily) - 0.8)
    assert hourly["p"].iloc[0] == pytest.approx(alone.p_value)


def test_each_lead_has_its_test_and_all_are_adjusted_together() -> None:
    table = compare(pairs_of(noise(40)), pairs_of(noise(40, seed=1)), by="lead_time")
    assert table["lead_time"].tolist() == [15.0 + k for k in range(24)]
    assert (table["n"] == 40).all()
    np.testing.assert_allclose(table["p_adjusted"], benjamini_hochberg(table["p"]))


def test_a_single_origin_has_a_score_and_no_verdict() -> None:
    row = compare(pairs_of(noise(1)), pairs_of(noise(1, seed=1))).iloc[0]
    assert np.isfinite(row["value"])
    assert np.isnan([row["p"], row["low"], row["high"]]).all()
    assert (row["days"], row["n"]) == (1, 24)


def test_what_cannot_be_compared_is_refused() -> None:
    one = pairs_of(noise(2))
    with pytest.raises(SchemaError, match="no hour"):
        compare(one, pairs_of(noise(2), first="2025-01-01"))
    for metric in ("coverage", "bias", "nothing"):
        with pytest.raises(SchemaError, match=metric):
            compare(one, one, metric=metric)
    result = example_result()
    with pytest.raises(MissingDataError, match="nobody"):
        result.compare(reference="nobody")


# --- Missing forecasts ----------------------------------------------------------------------------


def test_leaving_out_the_difficult_days_wins_nothing() -> None:
    difficult = np.repeat(np.arange(30) % 3 == 0, 24)
    errors = np.where(difficult, 10.0, 1.0) * noise(30)
    reference = pairs_of(errors)
    same_but_shy = reference.of_rows(~difficult)
    filled = compare(same_but_shy, reference).iloc[0]
    assert filled["skill"] == 0
    assert filled["p"] == 1.0
    assert (filled["n"], filled["filled"], filled["unmatched"]) == (720, 240, 0)
    common = compare(same_but_shy, reference, fill="common").iloc[0]
    assert (common["n"], common["filled"], common["unmatched"]) == (480, 0, 240)


def test_hours_that_only_the_model_has_are_counted_and_left_out() -> None:
    both = match(pairs_of(noise(3)), pairs_of(noise(2)))
    assert (len(both.model), both.unmatched) == (48, 24)


def test_rows_are_matched_by_hour_not_by_place() -> None:
    one = pairs_of(noise(20))
    shuffled = one.of_rows(np.random.default_rng(0).permutation(len(one)))
    for some in (shuffled, shuffled.of_rows(np.arange(300))):  # all hours, and with gaps that are filled
        row = compare(some, one).iloc[0]
        assert (row["skill"], row["p"], row["n"]) == (0.0, 1.0, 480)


def test_forecasts_of_other_issue_times_meet_by_the_hour_unless_that_is_ambiguous() -> None:
    one = pairs_of(noise(5))
    late = replace(one, labels=one.labels.assign(issue_time=one.labels["issue_time"] + pd.Timedelta("1h")))
    assert len(match(late, one).model) == len(one)
    twice = late.of_rows(np.tile(np.arange(len(one)), 2))
    with pytest.raises(SchemaError, match="more than one"):
        match(twice, one)


def test_filling_with_other_levels_is_refused() -> None:
    one = pairs_of(noise(3))
    two = replace(one.of_rows(np.arange(24)), quantile_levels=np.array([0.2, 0.5, 0.8]))
    with pytest.raises(SchemaError, match="levels"):
        match(two, one)


# --- Intervals ------------------------------------------------------------------------------------


def test_blocks_wrap_around_and_keep_days_together() -> None:
    drawn = block_draws(56, block=7, draws=500)
    assert (drawn.sum(axis=1) == 56).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.2)
    # Neighbours come together: their counts agree far more often than those of days apart.
    assert np.corrcoef(drawn[:, 10], drawn[:, 11])[0, 1] > 0.6
    assert abs(np.corrcoef(drawn[:, 10], drawn[:, 30])[0, 1]) < 0.3


def test_every_score_can_have_an_interval_that_holds_it() -> None:
    pairs = pairs_of(noise(60, scale=2.0))
    table = score(METRICS[:4], pairs, confidence=0.9)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    wide = score(METRICS[:4], pairs, confidence=0.99)
    assert (wide["high"] - wide["low"] > table["high"] - table["low"]).all()


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = []
    for seed in range(100):
        table = score(METRICS[2], pairs_of(noise(60, seed=seed)), confidence=0.9)
        held.append(bool((table["low"].iloc[0] < 0) & (table["high"].iloc[0] > 0)))
    assert 0.80 < np.mean(held) < 0.97


def test_few_days_give_no_interval() -> None:
    table = score(METRICS[0], pairs_of(noise(7)), confidence=0.9)
    assert table[["low", "high"]].isna().to_numpy().all()


def test_a_result_compares_all_models_and_adjusts_over_all() -> None:
    result = example_result()
    three = Result(
        forecasts={**result.forecasts, "again": result.forecasts["model"]},
        observations=result.observations,
        folds=result.folds,
        provenance=result.provenance,
    )
    table = three.compare("mae", reference="reference", by="lead_time")
    assert table["model"].unique().tolist() == ["model", "again"]
    assert len(table) == 48
    assert {"low", "high"} <= set(three.scores(confidence=0.9).columns)
