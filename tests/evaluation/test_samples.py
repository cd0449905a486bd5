"""Scores and tables of samples: against scoringrules and scores, brute force, known truth, and edge inputs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

from energyforecast import evaluation as ev
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.errors import EnergyForecastError
from energyforecast.evaluation import score

Array = npt.NDArray[np.float64]
SHAPES = [(12, 1), (12, 2), (12, 9), (12, 50)]


@pytest.fixture(scope="module")
def rules() -> Any:
    return pytest.importorskip("scoringrules", "0.10", reason="the extra 'test' has the oracle scoringrules")


@pytest.fixture(scope="module")
def scores() -> Any:
    return pytest.importorskip("scores", "2.7", reason="the extra 'test' has the oracle scores").probability


def drawn(rows: int, members: int, *, dims: int | None = None, seed: int = 0) -> tuple[Array, Array, Array]:
    """Outcomes, samples and weights of members, of one decimal so that there are ties."""
    rng = np.random.default_rng(seed)
    shape = (rows,) if dims is None else (rows, dims)
    y = rng.normal(size=shape).round(1)
    x = rng.normal(size=(shape[0], members, *shape[1:])).round(1)
    return y, x, rng.integers(0, 4, size=(rows, members)) + (np.arange(members) == 0)


def arrays(y: Array, x: Array) -> tuple[xr.DataArray, xr.DataArray]:
    return xr.DataArray(x, dims=("t", "m")), xr.DataArray(y, dims="t")


# --- against other libraries ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_of_one_dimension_are_those_of_scoringrules(shape: tuple[int, int], rules: Any) -> None:
    y, x, w = drawn(*shape)
    share = w / w.sum(axis=1, keepdims=True)
    for given, other in (({}, None), ({"member_weights": w}, share)):
        expected = rules.crps_ensemble(y, x, ens_w=other, estimator="nrg")
        np.testing.assert_allclose(ev.crps_of_samples(y, x, **given), expected, atol=1e-12)
        low, high = rng_range(given)
        expected = rules.twcrps_ensemble(y, x, low, high, ens_w=other, estimator="nrg")
        found = ev.crps_of_samples(y, x, above=low, below=high, **given)
        np.testing.assert_allclose(found, expected, atol=1e-12)
    if shape[1] > 1:
        expected = rules.twcrps_ensemble(y, x, -0.5, 0.7, estimator="fair")
        found = ev.crps_of_samples(y, x, above=-0.5, below=0.7, fair=True)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def rng_range(given: Any) -> tuple[float, float]:
    return (-0.5, 0.7) if given else (0.2, np.inf)


@pytest.mark.parametrize("members", [2, 9, 30])
def test_scores_of_several_dimensions_are_those_of_scoringrules(members: int, rules: Any) -> None:
    y, x, w = drawn(6, members, dims=4)
    share, pairs = w / w.sum(axis=1, keepdims=True), np.arange(16.0).reshape(4, 4)
    for given, other in (
        ({}, {"estimator": "nrg"}),
        ({"fair": True}, {"estimator": "fair"}),
        ({"member_weights": w}, {"estimator": "nrg", "ens_w": share}),
    ):
        np.testing.assert_allclose(
            ev.energy_score(y, x, **given), rules.es_ensemble(y, x, **other), atol=1e-11
        )
        found = ev.variogram_score(y, x, order=0.7, weights=pairs, **given)
        np.testing.assert_allclose(found, rules.vs_ensemble(y, x, pairs, p=0.7, **other), atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_scores_of_events_and_tails_are_those_of_scores(shape: tuple[int, int], scores: Any) -> None:
    y, x, _ = drawn(*shape, seed=3)
    samples, outcomes = arrays(y, x)
    for fair in (False, True):
        expected = scores.brier_score_for_ensemble(
            samples,
            outcomes,
            "m",
            0.3,
            preserve_dims="t",
            fair_correction=fair,
            event_threshold_operator=operator.gt,
        )
        found = ev.brier_of_samples(y, x, threshold=0.3, fair=fair)
        np.testing.assert_allclose(found, expected.values.ravel(), atol=1e-12)
        method = "fair" if fair else "ecdf"
        tail = scores.tail_tw_crps_for_ensemble(
            samples, outcomes, "m", 0.3, tail="lower", method=method, preserve_dims="t"
        )
        np.testing.assert_allclose(ev.crps_of_samples(y, x, below=0.3, fair=fair), tail.values, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_rank_histograms_are_those_of_scores(shape: tuple[int, int], scores: Any) -> None:
    y, x, _ = drawn(*shape, seed=4)
    samples, outcomes = arrays(y, x)
    expected = scores.rank_histogram(samples, outcomes, "m")
    np.testing.assert_allclose(ev.rank_histogram(y, x)["value"], expected.values.ravel(), atol=1e-12)


# --- by brute force -------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [1, 3, 8])
def test_whole_weights_are_members_that_occur_as_often(members: int) -> None:
    y, x, w = drawn(10, members, seed=5)
    y2, x2, _ = drawn(10, members, dims=3, seed=6)
    one: dict[str, Callable[..., Array]] = {
        "crps": ev.crps_of_samples,
        "brier": lambda y, x, **given: ev.brier_of_samples(y, x, threshold=0.0, **given),
        "coverage": lambda y, x, **given: ev.coverage_of_samples(y, x, interval=0.6, **given),
        "quantiles": lambda y, x, **given: ev.quantiles_of_samples(x, (0.1, 0.25, 0.5, 0.9), **given),
    }
    for row in range(10):
        times = w[row]
        for function in one.values():
            found = function(y[[row]], x[[row]], member_weights=times)
            repeated = np.repeat(x[[row]], times, axis=1)
            np.testing.assert_allclose(found, function(y[[row]], repeated), atol=1e-12)
        for vectors in (ev.energy_score, ev.variogram_score):
            found = vectors(y2[[row]], x2[[row]], member_weights=times)
            repeated = np.repeat(x2[[row]], times, axis=1)
            np.testing.assert_allclose(found, vectors(y2[[row]], repeated), atol=1e-12)


def test_weights_are_those_of_members_by_row_and_of_any_sum() -> None:
    y, x, w = drawn(10, 6, seed=7)
    each = [ev.crps_of_samples(y[[k]], x[[k]], member_weights=w[k])[0] for k in range(10)]
    np.testing.assert_allclose(ev.crps_of_samples(y, x, member_weights=7.5 * w), each, atol=1e-12)
    np.testing.assert_allclose(
        ev.crps_of_samples(y, x, member_weights=np.full(6, 3.0)), ev.crps_of_samples(y, x)
    )


@pytest.mark.parametrize("name", ["crps", "brier", "energy", "variogram"])
def test_fair_scores_do_not_depend_on_the_number_of_members(name: str) -> None:
    """Mean over outcomes of the fair score of 3 members is that of 20; the plain one is higher."""
    rng = np.random.default_rng(8)
    y, x = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 20, 2))
    weights = np.array([3.0, 1.0, 1.0])
    functions: dict[str, Callable[..., Array]] = {
        "crps": lambda x, **given: ev.crps_of_samples(y[:, 0], x[:, :, 0], **given),
        "brier": lambda x, **given: ev.brier_of_samples(y[:, 0], x[:, :, 0], threshold=0.4, **given),
        "energy": lambda x, **given: ev.energy_score(y, x, **given),
        "variogram": lambda x, **given: ev.variogram_score(y, x, **given),
    }
    function, few = functions[name], x[:, :3]
    many = function(x, fair=True).mean()
    tolerance = 0.06 * many
    assert function(few, fair=True).mean() == pytest.approx(many, abs=tolerance)
    assert function(few, fair=True, member_weights=weights).mean() == pytest.approx(many, abs=tolerance)
    assert function(few).mean() > many + 2 * tolerance


def test_quantiles_of_equal_members_are_those_of_numpy_and_of_the_library() -> None:
    _, x, _ = drawn(20, 7, seed=9)
    levels = (0.05, 1 / 7, 0.5, 4 / 7, 0.95)
    found = ev.quantiles_of_samples(x, levels)
    np.testing.assert_allclose(found, np.quantile(x, levels, axis=1, method="averaged_inverted_cdf").T)
    curve = QuantileFunction.of_samples(x)
    np.testing.assert_allclose(found, np.column_stack([curve.at(level) for level in levels]))


def test_coverage_is_that_of_the_quantiles_between_samples_and_shares_ties() -> None:
    rng = np.random.default_rng(10)
    y, x = rng.normal(size=3000), rng.normal(size=(3000, 10))
    ends = ev.quantiles_of_samples(x, (0.05, 0.95))
    inside = (ends[:, 0] <= y) & (y <= ends[:, 1])
    np.testing.assert_array_equal(ev.coverage_of_samples(y, x), inside)
    assert inside.mean() == pytest.approx(9 / 11, abs=0.02)
    calm = np.where(rng.uniform(size=(4000, 60)) < 0.5, 0.0, rng.uniform(size=(4000, 60)))
    assert ev.coverage_of_samples(calm[:, 0], calm[:, 1:], interval=0.8).mean() == pytest.approx(
        0.8, abs=0.02
    )


@pytest.mark.parametrize("bins", [1, 2, 3, 6, 12])
def test_fewer_bins_share_ranks_and_a_seed_puts_an_outcome_at_one(bins: int) -> None:
    y, x, _ = drawn(500, 5, seed=11)
    ranks = ev.rank_histogram(y, x)["value"].to_numpy()
    fine = np.repeat(ranks / 12, 12).reshape(bins, -1).sum(axis=1)
    np.testing.assert_allclose(ev.rank_histogram(y, x, bins=bins)["value"], fine, atol=1e-12)
    at_random = ev.rank_histogram(y, x, seed=1)["value"] * 500
    np.testing.assert_allclose(at_random, at_random.round())
    assert np.abs(at_random / 500 - ranks).max() < 0.05


# --- known truth ----------------------------------------------------------------------------------


def _hours(rng: np.random.Generator, days: int, scale: float) -> tuple[Array, Array]:
    """Errors that last for a day, in samples of each hour."""
    return np.repeat(rng.normal(size=days), 24), scale * rng.normal(size=(24 * days, 9))


def test_flatness_holds_its_level_and_blocks_that_of_dependent_hours() -> None:
    found: dict[str, list[ev.RankFlatness]] = {"independent": [], "as if": [], "blocks": []}
    for seed in range(80):
        rng = np.random.default_rng(seed)
        found["independent"].append(ev.rank_flatness(rng.normal(size=240), rng.normal(size=(240, 9))))
        y, x = _hours(rng, 40, 1.0)
        found["as if"].append(ev.rank_flatness(y, x))
        found["blocks"].append(ev.rank_flatness(y, x, block=48, draws=200))
    alarms = {
        name: np.mean([[t.p_value < 0.05, t.slope_p < 0.05] for t in tests]) for name, tests in found.items()
    }
    assert 0.02 < alarms["independent"] < 0.09
    assert alarms["as if"] > 0.5
    assert alarms["blocks"] < 0.2


def test_flatness_names_bias_and_spread() -> None:
    rng = np.random.default_rng(12)
    y, x = rng.normal(size=600), rng.normal(size=(600, 9))
    low, wide = ev.rank_flatness(y, x - 0.4), ev.rank_flatness(y, 1.6 * x)
    assert low.slope > 0
    assert low.slope_p < 1e-6
    assert wide.convexity < 0
    assert wide.convexity_p < 1e-6
    assert wide.slope_p > 0.01


def test_spread_is_the_error_of_a_reliable_ensemble_of_any_size() -> None:
    rng = np.random.default_rng(13)
    scale = rng.choice([1.0, 4.0], size=20000)
    for members, weights in ((2, None), (8, None), (3, np.array([2.0, 1.0, 1.0]))):
        y, x = scale * rng.normal(size=20000), scale[:, None] * rng.normal(size=(20000, members))
        together = ev.spread_skill_of_samples(y, x, bins=1, member_weights=weights)
        assert together["ratio"].iloc[0] == pytest.approx(1.0, abs=0.03)
    table = ev.spread_skill_of_samples(y, x)
    assert table["n"].sum() == 20000
    assert (np.diff(table["spread"]) > 0).all()
    flat = ev.spread_skill_of_samples(np.arange(4.0), np.array([[0.0, 1.0]] * 4), bins=3)
    assert flat["n"].tolist() == [4]


# --- edges and refusals ---------------------------------------------------------------------------


def test_missing_outcomes_are_left_out_and_counted() -> None:
    y, x, w = drawn(9, 5, seed=14)
    y[[2, 5]] = np.nan
    for name, given in (
        ("crps_of_samples", {"member_weights": w, "fair": True}),
        ("brier_of_samples", {"threshold": np.linspace(-1, 1, 9)}),
        ("coverage_of_samples", {"interval": 0.5}),
    ):
        table = score(name, y, x, parameters=given)
        assert table[["n", "missing"]].to_numpy().tolist() == [[7, 2]]
        assert table["value"].iloc[0] == pytest.approx(np.nanmean(getattr(ev, name)(y, x, **given)))
        grouped = score(name, y, x, parameters=given, by=None, weights=(np.arange(9) < 4).astype(float))
        assert grouped["value"].iloc[0] == pytest.approx(np.nanmean(getattr(ev, name)(y, x, **given)[:4]))
    for name in ("rank_histogram", "spread_skill_of_samples"):
        assert score(name, y, x)["missing"].tolist()[0] == 2
    nothing = ev.rank_histogram(np.full(9, np.nan), x)
    assert nothing["value"].isna().all()
    assert ev.rank_flatness(np.full(9, np.nan), x).n == 0
    assert np.isnan(ev.energy_score(np.array([[np.nan, 1.0]]), np.zeros((1, 4, 2)))).all()


def test_constant_samples_and_one_member_have_their_error() -> None:
    y = np.array([1.0, 3.0])
    for fair in (False, True):
        np.testing.assert_allclose(ev.crps_of_samples(y, np.full((2, 4), 3.0), fair=fair), [2.0, 0.0])
        np.testing.assert_allclose(ev.crps_of_samples(y, np.full((2, 1), 3.0), fair=fair), [2.0, 0.0])
        only = ev.crps_of_samples(
            y, np.array([[3.0, 9.0]] * 2), fair=fair, member_weights=np.array([1.0, 0.0])
        )
        np.testing.assert_allclose(only, [2.0, 0.0])
        np.testing.assert_allclose(
            ev.brier_of_samples(y, np.full((2, 1), 3.0), threshold=2.0, fair=fair), [1.0, 0.0]
        )
    large = 1e9 + np.array([[0.0, 2.0]])
    assert ev.crps_of_samples(np.array([1e9 + 1.0]), large).tolist() == [0.5]


def test_ranges_may_be_lists_as_outcomes_and_samples_may() -> None:
    given = [1.0, 5.0], [[0.0, 2.0], [0.0, 2.0]]
    made = ev.crps_of_samples(*given, above=[-np.inf, 1.0], below=[np.inf, 4.0])
    assert made.tolist() == [0.5, pytest.approx(2.25)]  # of 4 and (1, 2)
    curves = ev.crps_of_quantiles([0.0, 0.0], [[2.0, 2.0]] * 2, [0.1, 0.9], above=[-9.0, 1.5])
    assert curves.tolist() == [2.0, 0.5]


ONES = np.ones((3, 4))


@pytest.mark.parametrize(
    "call",
    [
        lambda: ev.crps_of_samples(np.ones(3), ONES, member_weights=np.ones(3)),
        lambda: ev.crps_of_samples(np.ones(3), ONES, member_weights=-np.ones(4)),
        lambda: ev.crps_of_samples(np.ones(3), ONES, member_weights=np.zeros(4)),
        lambda: ev.crps_of_samples(np.ones(3), ONES, member_weights=np.full(4, np.nan)),
        lambda: ev.crps_of_samples(np.ones(3), ONES, above=2.0, below=1.0),
        lambda: ev.crps_of_samples(np.ones(3), ONES, above=np.nan),
        lambda: ev.crps_of_samples(np.ones(3), ONES, above=np.zeros(4)),
        lambda: ev.crps_of_samples(np.ones(3), ONES, above=[0.0, 0.0]),
        lambda: ev.crps_of_samples(np.ones(3), ONES, fair=1),
        lambda: ev.brier_of_samples(np.ones(3), ONES, threshold=np.nan),
        lambda: ev.brier_of_samples(np.ones(3), ONES, threshold=np.ones(4)),
        lambda: ev.coverage_of_samples(np.ones(3), ONES, interval=90.0),
        lambda: ev.coverage_of_samples(np.ones(2), ONES),
        lambda: ev.quantiles_of_samples(ONES, [50.0]),
        lambda: ev.quantiles_of_samples(ONES, [0.5, 0.1]),
        lambda: ev.quantiles_of_samples(np.full((1, 2), np.nan), [0.5]),
        lambda: ev.rank_histogram(np.ones(3), ONES, bins=0),
        lambda: ev.rank_histogram(np.ones(3), ONES, seed=-1),
        lambda: ev.rank_histogram(np.ones(3), ONES, confidence=90.0),
        lambda: ev.rank_flatness(np.ones(3), ONES, block=0),
        lambda: ev.rank_flatness(np.ones(3), ONES, draws=0),
        lambda: ev.spread_skill_of_samples(np.ones(3), ONES[:, :1]),
        lambda: ev.spread_skill_of_samples(np.ones(3), ONES, bins=0),
        lambda: score("rank_histogram", np.ones(3), ONES, by="site"),
        lambda: score("brier_of_samples", np.ones(3), ONES),
        lambda: score("crps_of_samples", np.ones(3), ONES, parameters={"fare": True}),
        lambda: score("crps_of_samples", np.ones(3), ONES, confidence=0.9),
        lambda: score("crps_of_samples", np.ones(3), ONES, by=pd.Series([1, 2, 2], name="n")),
    ],
)
def test_senseless_arguments_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 3


def test_masked_values_are_missing() -> None:
    y = np.ma.masked_greater(np.array([1.0, 9999.0]), 9000.0)
    np.testing.assert_array_equal(ev.crps_of_samples(y, np.zeros((2, 3))), [1.0, np.nan])
    assert ev.diebold_mariano(np.ma.masked_greater(np.arange(9.0), 6.5)).n == 7
    with pytest.raises(EnergyForecastError, match="not finite"):
        ev.crps_of_samples(np.zeros(2), np.ma.masked_equal(np.array([[0, 1], [2, -1]]), -1))
