"""Model confidence set and one-sided tests: by brute force, of known truth, and honest about few days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from energyforecast.errors import EnergyForecastError
from energyforecast.evaluation import compare, diebold_mariano, model_confidence_set
from energyforecast.evaluation.bootstrap import block_draws
from energyforecast.evaluation.result import Result
from energyforecast.evaluation.scored_forecasts import ScoredForecasts
from energyforecast.testing import example_days, example_result


def losses(seed: int, *worse: float, days: int = 150) -> pd.DataFrame:
    """Daily losses of models that depend on yesterday and on each other, some of them worse by so much."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(days, len(worse))) + rng.normal(size=(days, 1))
    for day in range(1, days):
        noise[day] += 0.3 * noise[day - 1]
    return pd.DataFrame(10 + noise + worse, columns=[f"m{k}" for k in range(len(worse))])


def by_loops(table: pd.DataFrame, statistic: str) -> dict[str, float]:
    """The algorithm of the paper, model by model and draw by draw."""
    values, names = table.to_numpy(), list(table)
    drawn = block_draws(len(values), block=7, draws=200, seed=0) @ values / len(values)
    mean, p, reached = values.mean(axis=0), {}, 0.0
    left = list(range(len(names)))
    while len(left) > 1:
        if statistic == "range":
            pairs = [(i, j) for i in left for j in left if i != j]
            found = {(i, j): (mean[i] - mean[j], drawn[:, i] - drawn[:, j]) for i, j in pairs}
        else:
            found = {
                (i, i): (mean[i] - mean[left].mean(), drawn[:, i] - drawn[:, left].mean(axis=1)) for i in left
            }
        scale = {key: np.sqrt(np.mean((moved - d) ** 2)) for key, (d, moved) in found.items()}
        test = max(found[key][0] / scale[key] for key in found)
        sampled = np.max([(moved - d) / scale[key] for key, (d, moved) in found.items()], axis=0)
        reached = max(reached, float((sampled >= test).mean()))
        worst = max(found, key=lambda key: found[key][0] / scale[key])[0]
        p[names[worst]] = reached
        left.remove(worst)
    return p | {names[left[0]]: 1.0}


@pytest.mark.parametrize("statistic", ["range", "max"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_p_values_are_those_of_the_paper_by_loops(statistic: Literal["range", "max"], seed: int) -> None:
    table = losses(seed, 0.0, 0.1, 0.15, 0.4)
    found = model_confidence_set(table, statistic=statistic, draws=200).set_index("model")["p"]
    assert found.to_dict() == pytest.approx(by_loops(table, statistic))


@pytest.mark.parametrize("statistic", ["range", "max"])
def test_the_best_models_are_kept_and_a_bad_one_is_not(statistic: Literal["range", "max"]) -> None:
    kept, sizes = [], []
    for seed in range(80):
        found = model_confidence_set(losses(seed, 0.0, 0.0, 0.0, 1.5), statistic=statistic, draws=200)
        inside = set(found.loc[found["inside"], "model"])
        kept.append({"m0", "m1", "m2"} <= inside)
        sizes.append("m3" in inside)
    assert np.mean(kept) > 0.8  # 0.9 in the limit of many days
    assert np.mean(sizes) < 0.05


def test_equal_and_constantly_worse_models() -> None:
    table = losses(3, 0.0)
    table["twin"], table["worse"] = table["m0"], table["m0"] + 0.1
    found = model_confidence_set(table).set_index("model")
    assert found["inside"].to_dict() == {"m0": True, "twin": True, "worse": False}
    assert model_confidence_set(table[["m0", "twin"]])["p"].tolist() == [1.0, 1.0]
    assert model_confidence_set(table[["m0"]])["p"].tolist() == [1.0]


def test_missing_days_are_left_out_and_few_days_exclude_no_model() -> None:
    table = losses(4, 0.0, 2.0, days=60)
    gaps = table.mask(np.arange(60)[:, None] == [[3, 40]])
    pd.testing.assert_frame_equal(model_confidence_set(gaps), model_confidence_set(gaps.dropna()))
    assert model_confidence_set(gaps)["days"].tolist() == [58, 58]
    few = model_confidence_set(table.iloc[:7])
    assert few["p"].isna().all()
    assert few["inside"].all()
    assert model_confidence_set(table.iloc[:0])["days"].tolist() == [0, 0]


def test_a_result_takes_the_hours_of_all_models() -> None:
    forecast, observations = example_days(days=40)
    worse = replace(forecast, data=forecast.data + 3.0)
    result = Result.from_forecasts({"a": forecast, "b": worse}, observations)
    table = result.confidence_set("mae")
    assert table["model"].tolist() == ["a", "b"]
    assert table["inside"].tolist() == [True, False]
    scores = result.scores(chosen=["mae"]).set_index("model")["value"]
    assert dict(zip(table["model"], table["value"], strict=True)) == pytest.approx(scores.to_dict())
    shorter = replace(forecast, data=worse.data.isel(issue_time=slice(5, None)))
    table = ScoredForecasts({"a": forecast, "b": shorter}, observations).confidence_set("rmse")
    assert (table["left_out"] > 0).all()
    assert (table["n"] + table["left_out"] == len(result.pairs["a"])).all()


# --- one-sided ------------------------------------------------------------------------------------


def test_one_sided_tests_are_the_halves_of_the_two_sided_one() -> None:
    series = np.random.default_rng(5).normal(size=80) - 0.15
    both, less, greater = (
        diebold_mariano(series, alternative=name) for name in ("two-sided", "less", "greater")
    )
    assert less.p_value == pytest.approx(both.p_value / 2)
    assert greater.p_value == pytest.approx(1 - less.p_value)
    assert diebold_mariano(-series, alternative="greater").p_value == pytest.approx(less.p_value)
    without = diebold_mariano(series, lags=0, alternative="less").p_value
    assert without == pytest.approx(stats.ttest_1samp(series, 0.0, alternative="less").pvalue)
    certain = [diebold_mariano(np.full(9, -1.0), alternative=name).p_value for name in ("less", "greater")]
    assert certain == [0.0, 1.0]


def test_comparisons_are_one_sided() -> None:
    forecast, observations = example_days(days=40)
    worse = replace(forecast, data=forecast.data + 3.0)
    result = Result.from_forecasts({"a": forecast, "b": worse}, observations)
    p = {
        name: result.compare("mae", reference="b", alternative=name)["p"].iloc[0]
        for name in ("two-sided", "less", "greater")
    }
    assert p["less"] < 0.05
    assert p["less"] == pytest.approx(p["two-sided"] / 2, abs=1e-12)
    assert p["greater"] > 0.95


PAIRS = example_result().pairs
TABLE = losses(0, 0.0, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: diebold_mariano(np.ones(9), alternative="smaller"),
        lambda: compare(PAIRS["model"], PAIRS["reference"], alternative="smaller"),
        lambda: model_confidence_set(TABLE, confidence=90.0),
        lambda: model_confidence_set(TABLE, statistic="mean"),
        lambda: model_confidence_set(TABLE, block=0),
        lambda: model_confidence_set(TABLE, draws=0),
        lambda: model_confidence_set(TABLE, seed=-1),
        lambda: model_confidence_set(TABLE, fit_spread=-0.1),
        lambda: model_confidence_set(TABLE[[]]),
        lambda: model_confidence_set(TABLE.set_axis(["a", "a"], axis="columns")),
        lambda: model_confidence_set(TABLE.astype(str) + " MW"),
        lambda: model_confidence_set(TABLE.to_numpy()),
        lambda: example_result().confidence_set("coverage"),
        lambda: example_result().confidence_set("bias"),
    ],
)
def test_senseless_arguments_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 3


def test_an_infinite_loss_is_refused_and_not_left_out() -> None:
    table = losses(0, 0.0, 0.1)
    table.iloc[3, 0] = np.inf
    for call in (lambda: model_confidence_set(table), lambda: diebold_mariano(table["m0"] - table["m1"])):
        with pytest.raises(EnergyForecastError, match="inf"):
            call()
