"""Scores of warnings against the definitions of the library scores, over random and edge tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import evaluation as ev
from energyforecast.errors import RangeError, SchemaError
from tests.support.wandering_pairs import make_pairs

categorical = pytest.importorskip("scores.categorical", reason="the extra 'test' has the oracle scores")
PAIRS = make_pairs(days=40, bias=3.0)
NAMES = {
    "hits": None,
    "pod": "probability_of_detection",
    "far": "false_alarm_ratio",
    "pofd": "probability_of_false_detection",
    "csi": "critical_success_index",
    "ets": "equitable_threat_score",
    "heidke": "heidke_skill_score",
    "peirce": "peirce_skill_score",
    "frequency_bias": "bias_score",
    "sedi": "symmetric_extremal_dependence_index",
}


def _series(values: object) -> pd.Series:
    return pd.Series(
        values, pd.date_range("2024-01-01", periods=len(values), freq="1h", tz="UTC"), dtype=float
    )


def _tables() -> list[tuple[list[int], list[int]]]:
    """Outcomes and warnings, 0 or 1: random, and such with an empty row, column or cell."""
    rng = np.random.default_rng(0)
    random = [
        ((rng.random(40) < a).astype(int), (rng.random(40) < b).astype(int)) for a, b in rng.random((12, 2))
    ]
    edge = [
        ([0, 0], [0, 0]),
        ([1, 1], [1, 1]),
        ([0, 0], [1, 1]),
        ([1, 1], [0, 0]),
        ([0, 1], [0, 1]),
        ([1, 0], [0, 1]),
    ]
    return [(list(y), list(x)) for y, x in [*random, *edge]]


@pytest.mark.parametrize(("happened", "warned"), _tables())
def test_contingency_scores_are_those_of_scores(happened: list[int], warned: list[int]) -> None:
    table = ev.contingency(_series(happened), _series(warned), threshold=0.5).set_index("metric")["value"]
    oracle = categorical.BinaryContingencyManager(xr.DataArray(warned), xr.DataArray(happened)).transform()
    for name, other in NAMES.items():
        if other is not None:
            with np.errstate(all="ignore"):
                expected = float(getattr(oracle, other)())
            np.testing.assert_allclose(table[name], expected if np.isfinite(expected) else np.nan, atol=1e-12)
    counts = oracle.get_counts()
    ours = table[["hits", "misses", "false_alarms", "correct_negatives"]].tolist()
    assert ours == [float(counts[key]) for key in ("tp_count", "fn_count", "fp_count", "tn_count")]


def test_a_warning_is_given_from_its_probability_on() -> None:
    chance = 1 - PAIRS.distribution.at_most(55.0)
    table = ev.contingency(PAIRS, threshold=55.0, probability=0.3).set_index("metric")["value"]
    assert table["hits"] + table["false_alarms"] == (chance >= 0.3 - 1e-9).sum()
    grouped = ev.contingency(PAIRS, threshold=55.0, by="hour")
    assert (
        grouped.groupby("metric")["value"].sum()["hits"]
        == (ev.contingency(PAIRS, threshold=55.0).set_index("metric")["value"]["hits"])
    )
    shares = ev.contingency(PAIRS, threshold=0.55, relative=True, probability=0.3)
    assert shares.set_index("metric")["value"]["hits"] == table["hits"]


@pytest.mark.parametrize("risk", [0.1, 0.5, 0.8])
def test_firm_is_that_of_scores(risk: float) -> None:
    limits, weights = [45.0, 55.0, 70.0], [1.0, 2.0, 5.0]
    quantile, observed = (xr.DataArray(x, dims="t") for x in (PAIRS.at(risk), PAIRS.observed))
    expected = categorical.firm(quantile, observed, risk, limits, weights)
    total = expected["firm_score"] if isinstance(expected, xr.Dataset) else expected  # of older versions
    table = ev.firm(PAIRS, thresholds=limits, risk=risk, threshold_weights=weights).set_index("metric")[
        "value"
    ]
    assert table["firm"] == pytest.approx(float(total))
    missed = [((quantile <= limit) & (limit < observed)).mean() for limit in limits]
    assert table["firm_misses"] == pytest.approx(risk * float(np.dot(weights, missed)))
    assert table["firm_false_alarms"] == pytest.approx(table["firm"] - table["firm_misses"])


def test_firm_is_least_for_the_quantile_of_its_risk() -> None:
    """Warnings from another level cost more, if the forecast is reliable."""
    rng = np.random.default_rng(0)
    mean = rng.normal(50, 10, 4000)
    levels = np.arange(1, 20) / 20
    index = pd.date_range("2024-01-01", periods=4000, freq="1h", tz="UTC")
    table = pd.DataFrame(mean[:, None] + 20 * (levels - 0.5), index, columns=levels.round(2))
    observed = pd.Series(mean + 20 * (rng.random(4000) - 0.5), index)
    costs = {
        level: ev.firm(observed, table[level], thresholds=[50.0, 60.0], risk=0.5)["value"][0]
        for level in table.columns
    }
    assert min(costs, key=lambda level: costs[level]) in (0.45, 0.5, 0.55)


def test_firm_of_ramps_counts_each_hour_size_and_direction() -> None:
    """Changes within an hour: an outcome that rises by 30 and falls by 60, a forecast that rises by 60 an hour late."""
    observed, forecast = _series([0.0, 30.0, 30.0, -30.0]), _series([0.0, 0.0, 60.0, 60.0])
    forecast.attrs["capacity"], forecast.attrs["kind"] = 100.0, "demand"
    given = {"changes": [0.3, 0.5], "threshold_weights": [1.0, 2.0], "window": 1.0}
    table = ev.ramp_firm(observed, forecast, risk=0.8, **given).set_index("metric")
    assert table["n"].eq(3).all()
    assert table.loc["ramp_firm_false_alarms", "value"] == pytest.approx(0.2 * (1 + 2) / 3)
    assert table.loc["ramp_firm_misses", "value"] == pytest.approx(0.8 * (1 + (1 + 2)) / 3)
    assert table.loc["ramp_firm", "value"] == pytest.approx((0.6 + 3.2) / 3)
    categories = [np.array([30.0, 0.0, -60.0]), np.array([0.0, 60.0, 0.0])]
    oracle = sum(
        categorical.firm(
            *(xr.DataArray(sign * x, dims="t") for x in categories[::-1]),
            0.8,
            [30.0, 50.0],
            [1.0, 2.0],
            threshold_assignment="upper",
        )
        for sign in (1, -1)
    )
    total = oracle["firm_score"] if isinstance(oracle, xr.Dataset) else oracle
    assert table.loc["ramp_firm", "value"] == pytest.approx(float(total))


def test_relative_economic_value_is_that_of_scores() -> None:
    probability = pytest.importorskip("scores.probability")
    if not hasattr(probability, "relative_economic_value"):
        pytest.skip("this version of scores has no relative economic value")
    ratios = [0.05, 0.3, 0.5, 0.9]
    happened = xr.DataArray((PAIRS.observed > 55).astype(float), dims="t")
    chance = xr.DataArray(1 - PAIRS.distribution.at_most(55.0), dims="t")
    for limit in (0.2, 0.45, 0.8):
        expected = probability.relative_economic_value(
            chance, happened, cost_loss_ratios=ratios, probability_thresholds=[limit]
        )
        table = ev.relative_economic_value(PAIRS, threshold=55.0, ratios=ratios, probability=limit)
        np.testing.assert_allclose(table["value"], np.asarray(expected).ravel(), atol=1e-12)


def test_value_by_expenses() -> None:
    """Expenses counted hour by hour: protecting costs the ratio, an unprotected event 1."""
    happened = PAIRS.observed > 55
    chance = 1 - PAIRS.distribution.at_most(55.0)
    table = ev.relative_economic_value(PAIRS, threshold=55.0, ratios=[0.2, 0.7], confidence=0.9)
    for row in table.itertuples():
        ratio = row.cost_loss

        def expense(protect: np.ndarray, ratio: float = ratio) -> float:
            return float(np.where(protect, ratio, happened).mean())

        always, never = (expense(np.full(len(PAIRS), x)) for x in (True, False))
        climate = min(always, never)
        value = (climate - expense(chance >= ratio)) / (climate - expense(happened))
        assert row.value == pytest.approx(value)
        assert row.low <= row.value <= row.high
    assert ev.relative_economic_value(PAIRS, threshold=1e6)["value"].isna().all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ev.contingency(PAIRS, threshold=55.0, probability=50.0),
        lambda: ev.contingency(PAIRS, threshold=55.0, probability=0.0),
        lambda: ev.contingency(PAIRS, threshold=55.0, relative=True),
        lambda: ev.firm(PAIRS, thresholds=[2.0, 1.0], risk=0.5),
        lambda: ev.firm(PAIRS, thresholds=[1.0, np.nan], risk=0.5),
        lambda: ev.firm(PAIRS, thresholds=[1.0], risk=80.0),
        lambda: ev.firm(PAIRS, thresholds=[1.0], risk=0.5, threshold_weights=[-1.0]),
        lambda: ev.firm(PAIRS, thresholds=[1.0], risk=0.5, threshold_weights=[0.0]),
        lambda: ev.ramp_firm(PAIRS, changes=[0.0, 0.3], risk=0.5),
        lambda: ev.ramp_firm(PAIRS, changes=[30.0], risk=0.5),
        lambda: ev.ramp_firm(PAIRS, changes=[0.3], risk=0.5, window=0.0),
        lambda: ev.relative_economic_value(PAIRS, threshold=55.0, ratios=[20.0]),
        lambda: ev.relative_economic_value(PAIRS, threshold=55.0, ratios=[]),
        lambda: ev.relative_economic_value(PAIRS, threshold=55.0, probability=-0.1),
    ],
)
def test_senseless_arguments_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(RangeError):
        wrong()


def test_thresholds_and_their_weights_belong_together() -> None:
    for thresholds, weights in (([], None), ([1.0, 2.0], [1.0]), ([[1.0]], None)):
        with pytest.raises(SchemaError):
            ev.firm(PAIRS, thresholds=thresholds, risk=0.5, threshold_weights=weights)
