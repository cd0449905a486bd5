"""Shared trees against separate boosters, their curves against brute force, and what they say of themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import sklearn.base
from scipy import stats

from energyforecast.core.quantiles import PERCENTILES
from energyforecast.errors import MissingDataError, NotFittedError, RangeError, SchemaError
from energyforecast.models import KernelQuantiles, LightGBMQuantiles, QuantileModel, out_of_fold_calibration
from energyforecast.models.boosters import leaf_indices
from energyforecast.models.leaf_values import LeafValues, fit_leaf_values
from energyforecast.models.tree_growth import Grown

Array = npt.NDArray[Any]

LEVELS = (0.1, 0.5, 0.9)
both_sharings = pytest.mark.parametrize("sharing", ["trees", "none"])


def _sample(rows: int, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """A bent mean and a spread that grows with z; ``noise`` says nothing."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(size=(rows, 3)), columns=["x", "z", "noise"])
    return X, (np.sin(5 * X["x"]) + (0.1 + 0.6 * X["z"]) * rng.normal(size=rows)).to_numpy()


def _pinball(y: Array, quantiles: Array) -> float:
    error = y[:, None] - quantiles
    return float(np.mean(np.maximum(np.array(PERCENTILES) * error, (np.array(PERCENTILES) - 1) * error)))


def _restored(model: QuantileModel) -> Any:
    again = sklearn.base.clone(model)
    again.columns_, again.bounds_ = model.columns_, model.bounds_
    again.restore(model.parts())
    return again


# --- Against separate boosters --------------------------------------------------------------------


def test_shared_trees_score_as_99_boosters_do() -> None:
    (X, y), (new, outcome) = _sample(1200, seed=1), _sample(3000, seed=2)
    size: dict[str, Any] = {
        "n_estimators": 20,
        "num_leaves": 8,
        "learning_rate": 0.25,
        "min_child_samples": 10,
    }
    size["extra_trees"] = False
    shared = LightGBMQuantiles(**size).fit(X, y).predict(new)
    apart = LightGBMQuantiles(sharing="none", fitted_quantiles=PERCENTILES, folds=0, **size).fit(X, y)
    assert abs(_pinball(outcome, shared) / _pinball(outcome, apart.predict(new)) - 1) < 0.03


def test_twins_show_how_far_trees_can_be_trusted_that_learnt_the_very_rows() -> None:
    (X, y), (new, outcome) = _sample(1200, seed=1), _sample(3000, seed=2)
    wild: dict[str, Any] = {
        "n_estimators": 100,
        "num_leaves": 31,
        "min_child_samples": 5,
        "learning_rate": 0.2,
    }
    wild |= {"fitted_quantiles": (0.05, 0.25, 0.5, 0.75, 0.95), "extra_trees": False}

    def inside(**settings: Any) -> float:
        low, high = LightGBMQuantiles((0.05, 0.95), **wild, **settings).fit(X, y).predict(new).T
        return float(np.mean((low <= outcome) & (outcome <= high)))

    assert inside(calibrate=False) < 0.87, "the setting overfits"
    assert inside(sharing="none", folds=0) < 0.8, "separate boosters do still more"
    assert abs(inside(folds=5) - 0.9) < 0.03


@both_sharings
def test_what_twins_say_of_rows_owes_nothing_to_their_outcomes(
    sharing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = _sample(400)
    said: list[Array] = []
    monkeypatch.setattr(
        out_of_fold_calibration,
        "correction",
        lambda unseen, *_, **__: said.append(unseen) or np.empty((0, 5)),
    )
    other = np.where(np.arange(400) // 100 % 2 == 0, y[::-1] + 3, y)  # runs of 100 rows take turns
    for outcome in (y, other):
        LightGBMQuantiles(LEVELS, fitted_quantiles=LEVELS, sharing=sharing, n_estimators=5).fit(X, outcome)
    same = (said[0] == said[1]).all(axis=1)
    np.testing.assert_array_equal(same, np.arange(400) // 100 % 2 == 0)


@both_sharings
def test_several_structures_are_averaged(sharing: Any) -> None:
    X, y = _sample(300)
    settings: dict[str, Any] = {
        "sharing": sharing,
        "n_estimators": 10,
        "folds": 0,
        "fitted_quantiles": LEVELS,
    }
    both = LightGBMQuantiles(LEVELS, n_tree_sets=2, seed=4, **settings).fit(X, y).predict(X)
    one, other = (LightGBMQuantiles(LEVELS, seed=seed, **settings).fit(X, y).predict(X) for seed in (4, 5))
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-6)
    high = LightGBMQuantiles(LEVELS, n_tree_sets=3, **settings).fit(X, y)
    assert len(high.boosters_) == 3 * (1 if sharing == "trees" else len(LEVELS))


def test_leaf_values_that_begin_at_the_median_of_the_trees_reach_far() -> None:
    """Where features tell nearly everything, small steps from a constant do not get there."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"x": rng.uniform(size=4000), "z": rng.uniform(size=4000)})
    y = 1000 * X["x"].to_numpy() ** 2 + 500 * X["z"].to_numpy() + rng.normal(size=4000)
    size: dict[str, Any] = {
        "n_estimators": 120,
        "num_leaves": 12,
        "learning_rate": 0.1,
        "min_child_samples": 20,
        "folds": 2,
    }
    size |= {"extra_trees": False}
    train, new = slice(0, 2000), slice(2000, None)
    near, far = (
        LightGBMQuantiles(init_from_median=begin, **size).fit(X[train], y[train]).predict(X[new])
        for begin in (True, False)
    )
    assert _pinball(y[new], near) < 0.8 * _pinball(y[new], far)
    inside = np.mean((near[:, 9] <= y[new]) & (y[new] <= near[:, 89]))
    assert abs(inside - 0.8) < 0.05


def test_with_more_blocks_out_of_fold_models_know_each_season() -> None:
    """Steady growth is strange to an out-of-fold model without one whole half: intervals are then too wide."""
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"day": np.arange(2400.0)})
    y = 0.01 * X["day"].to_numpy() + rng.normal(size=2400)
    size: dict[str, Any] = {
        "n_estimators": 60,
        "num_leaves": 12,
        "learning_rate": 0.15,
        "min_child_samples": 20,
    }
    widths = {
        turns: np.ptp(
            LightGBMQuantiles((0.1, 0.9), blocks_per_fold=turns, **size).fit(X, y).predict(X), axis=1
        ).mean()
        for turns in (1, 15)
    }
    assert widths[15] < 0.75 * widths[1]
    assert 2.0 < widths[15] < 3.2, "a normal's 80 % are 2.56 wide"


def test_levels_begin_at_what_the_trees_say_of_the_median() -> None:
    """Without a step to take, all levels are the booster's own prediction, moved by the quantiles of what it missed."""
    X, y = _sample(600)
    model = LightGBMQuantiles(
        LEVELS, fitted_quantiles=LEVELS, n_estimators=12, folds=0, init_from_median=True
    ).fit(X, y)
    [booster], [learnt] = model.boosters_, model.leaf_values_
    leaf = leaf_indices(booster, X.to_numpy(dtype=np.float32), model.num_leaves)
    said = booster.predict(X.to_numpy(dtype=np.float32))
    start = fit_leaf_values(
        leaf, y, LEVELS, num_leaves=model.num_leaves, start=_outputs(booster, model.num_leaves)
    )
    np.testing.assert_array_equal(start.values, learnt.values)
    np.testing.assert_allclose(learnt.base, np.quantile(y - said, LEVELS), atol=0.02)


@pytest.mark.parametrize(("scale", "expected"), [(0.5, 0.5), (4.0, 2.0)])
def test_curves_of_all_rows_are_as_wide_as_those_out_of_fold(scale: float, expected: float) -> None:
    """Narrower ones in full, wider ones by half: in logarithms, the model of all rows errs less."""
    rng = np.random.default_rng(0)
    leaf = np.column_stack([rng.integers(0, 4, 50), 4 + rng.integers(0, 4, 50)])
    each = [LeafValues(np.array(LEVELS), rng.normal(size=(8, 3)).astype(np.float32)) for _ in range(2)]
    curve = np.mean([one.predict(leaf) for one in each], axis=0)
    grown = Grown([], each, scale * curve[::-1]).as_wide(curve, centre=1)
    found = np.mean([one.predict(leaf) for one in grown.leaf_values], axis=0)
    np.testing.assert_allclose(found[:, 1], curve[:, 1], rtol=1e-6)
    np.testing.assert_allclose(
        found - found[:, [1]], expected * (curve - curve[:, [1]]), rtol=1e-4, atol=1e-6
    )
    assert grown.leaf_values[0].values.dtype == np.float32


def test_curves_without_width_stay_as_they_are() -> None:
    grown = Grown([], [LeafValues(np.zeros(3), np.zeros((4, 3)))], np.ones((5, 3)))
    assert grown.as_wide(np.ones((5, 3)), centre=1) is grown


def _outputs(booster: Any, leaves: int) -> Array:
    """Asked of LightGBM leaf by leaf."""
    trees = booster.dump_model()["tree_info"]
    values = np.zeros((len(trees), leaves))
    for k, tree in enumerate(trees):
        for j in range(tree["num_leaves"]):
            values[k, j] = booster.get_leaf_output(k, j)
    return values.ravel()


@pytest.mark.parametrize(
    "wrong", [{"sharing": "leaves"}, {"n_tree_sets": 0}, {"fitted_quantiles": (0.5,)}], ids=str
)
def test_a_setting_that_does_not_exist_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RangeError) as caught:
        LightGBMQuantiles(LEVELS, **wrong).fit(*_sample(30))
    assert len(str(caught.value).splitlines()) == 3
    if "fitted" not in wrong:
        assert repr(next(iter(wrong.values()))) in str(caught.value)


@pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
@pytest.mark.parametrize("rows", [1, 2, 5, 30])
def test_separate_boosters_of_tiny_samples_stay_near_their_outcomes(rows: int) -> None:
    X, y = _sample(rows)
    result = LightGBMQuantiles((0.1, 0.5, 0.9), sharing="none", n_estimators=5).fit(X, y).predict(X)
    assert y.min() - 1e-6 <= result.min() <= result.max() <= y.max() + 1e-6


@both_sharings
@pytest.mark.parametrize("folds", [0, 1, 2])
def test_a_constant_is_forecast_as_itself(sharing: Any, folds: int) -> None:
    X, _ = _sample(420)
    model = LightGBMQuantiles((0.001, 0.5, 0.999), sharing=sharing, folds=folds, n_estimators=4)
    np.testing.assert_allclose(model.fit(X, np.full(420, 7.5)).predict(X[:5]), 7.5, atol=1e-6)


def test_levels_beyond_those_fitted_lie_beyond_them() -> None:
    X, y = _sample(1500)
    result = LightGBMQuantiles((0.001, 0.01, 0.99, 0.999), n_estimators=30).fit(X, y).predict(X)
    assert (np.diff(result[:, :2]) > 0).all()
    assert (np.diff(result[:, 2:]) > 0).all()


def test_nights_without_power_stay_without() -> None:
    rng = np.random.default_rng(0)
    hour = np.arange(2400) % 24.0
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    y = 10 * sun * rng.uniform(0.2, 1, size=2400)
    X = pd.DataFrame({"sun": sun, "noise": rng.uniform(size=2400)})
    result = LightGBMQuantiles(LEVELS, n_estimators=80).fit(X, y, bounds=(0, 10)).predict(X)
    assert np.abs(result[sun == 0]).max() < 0.05
    noon = result[sun == 1]
    np.testing.assert_allclose(noon.mean(axis=0), [2.8, 6.0, 9.2], atol=0.6)


# --- Leaf values ----------------------------------------------------------------------------------


def _leaves(rows: int, trees: int, leaves: int, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(leaves, size=(rows, trees)) + leaves * np.arange(trees)


def test_a_weight_is_how_many_rows_one_stands_for() -> None:
    leaf, y = _leaves(200, 20, 4), np.random.default_rng(1).normal(size=200)
    weight = np.random.default_rng(2).integers(0, 4, size=200)
    again = np.repeat(np.arange(200), weight)
    # Quantiles of all outcomes lie between rows, and rows are not weights there: they are given the same base.
    weighted = fit_leaf_values(leaf, y, LEVELS, num_leaves=4, sample_weight=weight.astype(float))
    repeated = fit_leaf_values(leaf[again], y[again], LEVELS, num_leaves=4)
    np.testing.assert_allclose(weighted.base, repeated.base, atol=0.03)
    np.testing.assert_allclose(weighted.predict(leaf), repeated.predict(leaf), atol=0.04)
    assert (
        np.abs(fit_leaf_values(leaf, y, LEVELS, num_leaves=4).predict(leaf) - repeated.predict(leaf)).max()
        > 0.2
    )


def test_a_step_goes_down_the_smoothed_loss() -> None:
    """One tree of two leaves, by the formula: Newton's step on residuals in half of their usual size.

    That is nine tenths of what it was before, the mean of all, and one tenth of the mean in the row's own leaf.
    """
    y, leaf = np.array([0.0, 1.0, 2.0, 4.0, 8.0]), np.array([[0], [0], [0], [1], [1]])
    weight = np.array([1.0, 2.0, 1.0, 1.0, 2.0])
    found = fit_leaf_values(leaf, y, LEVELS, num_leaves=2, sample_weight=weight)
    error, first = np.abs(y - found.base[1]), leaf[:, 0] == 0
    own = np.where(first, *(np.average(error[rows], weights=weight[rows]) for rows in (first, ~first)))
    width = 0.5 * (0.9 * np.average(error, weights=weight) + 0.1 * own)
    z = (y[:, None] - found.base) / width[:, None]
    slope = np.where(z > 1, LEVELS, np.where(z < -1, np.array(LEVELS) - 1, np.array(LEVELS) - 0.5 + z / 2))
    inside = (np.abs(z) <= 1) * weight[:, None]
    for k, rows in enumerate((slice(0, 3), slice(3, 5))):
        shrunk = 0.05 + 0.015 * weight[rows].sum()
        step = (slope * weight[:, None])[rows].sum(axis=0) / (0.5 * inside[rows].sum(axis=0) + shrunk)
        np.testing.assert_allclose(
            found.values[k], width[rows][0] * np.clip(0.3 * step, -0.3, 0.3), rtol=1e-5
        )


@pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
def test_settings_that_changed_after_the_fit_are_told_and_crash_nothing() -> None:
    X, y = _sample(100)
    model = LightGBMQuantiles(LEVELS, n_estimators=4, num_leaves=3).fit(X, y).set_params(num_leaves=90)
    with pytest.raises(RangeError) as caught:
        model.predict(X)
    assert len(str(caught.value).splitlines()) == 3


def test_rows_of_no_weight_say_nothing_to_leaves() -> None:
    leaf, y = _leaves(300, 15, 4), np.random.default_rng(1).normal(size=300)
    weight = np.repeat([0.0, 1.0], 150)
    wrong = y + np.where(weight == 0, 1e3, 0)
    found = fit_leaf_values(leaf, wrong, LEVELS, num_leaves=4, sample_weight=weight)
    only = fit_leaf_values(leaf[150:], y[150:], LEVELS, num_leaves=4)
    np.testing.assert_allclose(found.predict(leaf), only.predict(leaf), atol=1e-5)


@both_sharings
def test_rows_of_no_weight_teach_nothing_also_where_they_are_long(sharing: Any) -> None:
    """All but the last eighth: no part may be left without rows that count."""
    X, y = _sample(3600)
    weight = np.repeat([0.0, 2.0], [3150, 450])
    wrong = y + np.where(weight == 0, 1e3, 0)
    model = LightGBMQuantiles(LEVELS, sharing=sharing, n_estimators=10)
    weighted = model.fit(X, wrong, sample_weight=weight).predict(X)
    np.testing.assert_allclose(weighted, model.fit(X[3150:], y[3150:]).predict(X), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_weights_does_not_matter(scale: float) -> None:
    X, y = _sample(500)
    weight = np.linspace(1, 3, 500)
    first, second = (
        LightGBMQuantiles(LEVELS, n_estimators=10).fit(X, y, sample_weight=w).predict(X)
        for w in (weight, scale * weight)
    )
    np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("weight", [np.zeros(30), -np.ones(30), np.full(30, np.nan), np.ones(29)])
def test_weights_that_are_none_are_refused(weight: Array) -> None:
    with pytest.raises(RangeError) as caught:
        LightGBMQuantiles(LEVELS).fit(*_sample(30), sample_weight=weight)
    assert len(str(caught.value).splitlines()) == 3


# --- Departures from a level ----------------------------------------------------------------------


def test_a_level_carries_the_forecast_beyond_what_was_seen() -> None:
    X, y = _sample(600)
    X["level"] = np.linspace(100, 200, 600)
    X.loc[::7, "level"] = np.nan
    model = LightGBMQuantiles(LEVELS, relative_to="level", n_estimators=60).fit(
        X, y + X["level"].fillna(0).to_numpy()
    )
    new, outcome = _sample(500, seed=3)
    far = model.predict(new.assign(level=900.0))
    assert abs(np.mean(far[:, 1] - 900 - outcome)) < 0.1
    unknown = model.predict(new.assign(level=np.nan))
    assert abs(np.mean(unknown[:, 1] - X["level"].mean() - outcome)) < 0.2
    with pytest.raises(SchemaError):
        LightGBMQuantiles(LEVELS, relative_to="plan").fit(X, y)
    with pytest.raises(MissingDataError):
        LightGBMQuantiles(LEVELS, relative_to="level").fit(X.assign(level=np.nan), y)


# --- Shares of a bound ----------------------------------------------------------------------------


def _shares(rows: int, *, seed: int, brightest: float) -> tuple[pd.DataFrame, Array]:
    """Outcomes between 0.2 and 0.8 of a bound, by the column x, and the bound itself."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.uniform(size=rows), "sky": rng.uniform(0.02, brightest, size=rows)})
    return X, X["sky"].to_numpy() * (0.2 + 0.5 * X["x"].to_numpy() + 0.1 * rng.uniform(size=rows))


def test_shares_of_a_bound_carry_the_forecast_beyond_what_was_seen() -> None:
    (X, y), (new, outcome) = _shares(3000, seed=1, brightest=0.4), _shares(1000, seed=2, brightest=1.0)
    absolute, share = (
        LightGBMQuantiles(LEVELS, share_of=bound, n_estimators=100).fit(X, y).predict(new)
        for bound in (None, "sky")
    )
    bright = (new["sky"] > 0.8).to_numpy()
    assert np.abs(absolute[bright, 1] - outcome[bright]).mean() > 0.15
    assert np.abs(share[bright, 1] - outcome[bright]).mean() < 0.05
    inside = (share[:, 0] <= outcome) & (outcome <= share[:, 2])
    assert inside.mean() == pytest.approx(0.8, abs=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [LightGBMQuantiles, KernelQuantiles])
def test_bounds_that_are_never_known_at_once_are_refused(kind: Any) -> None:
    y = np.arange(300.0)
    early, late = np.where(y < 150, 400.0, np.nan), np.where(y < 150, np.nan, 400.0)
    X = pd.DataFrame({"x": y, "a": early, "b": late})
    for named in ({"share_of": ("a", "b")}, {"relative_to": "a", "share_of": "b"}):
        with pytest.raises(MissingDataError, match="never known at once") as caught:
            kind(LEVELS, **named).fit(X, y)
        assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(SchemaError, match="name a column"):
        kind(LEVELS, share_of=()).fit(X, y)


def test_a_kernel_learns_the_share_of_several_bounds_too() -> None:
    X = pd.DataFrame({"x": np.arange(300) % 7, "a": 1.0, "b": 3.0, "sky": 2.0})
    several, one = (
        KernelQuantiles(LEVELS, share_of=bound).fit(X, X["x"].to_numpy()).predict(X)
        for bound in (("a", "b"), "sky")
    )
    np.testing.assert_array_equal(several, one)


def test_a_share_of_several_bounds_is_that_of_their_mean() -> None:
    X, y = _shares(600, seed=1, brightest=1.0)
    X = X.assign(a=1.5 * X["sky"], b=0.5 * X["sky"])
    mean, two = (
        LightGBMQuantiles(LEVELS, share_of=bound, n_estimators=20).fit(X, y) for bound in ("sky", ("a", "b"))
    )
    np.testing.assert_allclose(two.predict(X), mean.predict(X), rtol=1e-6)
    one = LightGBMQuantiles(LEVELS, share_of=("sky", "plan"), n_estimators=20).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), mean.predict(X))  # of those that are there
    with pytest.raises(SchemaError):
        LightGBMQuantiles(LEVELS, share_of=("level", "plan")).fit(X, y)
    lacking = two.predict(X.assign(b=np.nan)[:1])  # the mean bound of training
    assert lacking[0, 1] == pytest.approx(X["sky"].mean() * two.predict(X)[0, 1] / X["sky"][0], rel=0.1)


def test_a_column_that_was_always_known_is_its_median_where_it_is_missing() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.uniform(1, 2, size=1000), "often": rng.uniform(1, 2, size=1000)})
    X.loc[::4, "often"] = np.nan
    y = X["x"].to_numpy() + X["often"].fillna(5.0).to_numpy()
    model = LightGBMQuantiles(LEVELS, n_estimators=60, learning_rate=0.2).fit(X, y)
    usual = model.predict(pd.DataFrame({"x": [X["x"].median()], "often": [1.5]}))
    np.testing.assert_array_equal(model.predict(pd.DataFrame({"x": [np.nan], "often": [1.5]})), usual)
    assert model.predict(pd.DataFrame({"x": [1.5], "often": [np.nan]}))[0, 1] > 5.5  # as trees have learnt it


def test_shares_minimise_the_loss_of_the_outcome() -> None:
    rng = np.random.default_rng(0)
    sky = rng.uniform(0.1, 1.0, 4000)
    y = sky * np.where(
        sky > 0.55, 0.3, 0.9
    )  # the sum of |y - q sky| is least at the weighted median of y / sky
    X = pd.DataFrame({"sky": sky, "noise": rng.uniform(size=4000)})
    model = LightGBMQuantiles((0.5,), share_of="sky", n_estimators=1, num_leaves=2, folds=0, extra_trees=True)
    model.set_params(min_child_samples=2000).fit(X[["noise", "sky"]].assign(sky=sky), y)
    share = model.predict(X[["noise", "sky"]])[:, 0] / sky
    assert np.abs(share - 0.3).max() < 0.1  # the median of equally weighted rows would be either


def test_dusk_and_missing_bounds_do_not_train_shares() -> None:
    X, y = _shares(1000, seed=1, brightest=1.0)
    plain = LightGBMQuantiles(LEVELS, share_of="sky", n_estimators=20).fit(X, y)
    dusk = pd.DataFrame({"x": 0.5, "sky": [0.0, 0.005, -0.01, np.nan]})
    more, wrong = pd.concat([X, dusk], ignore_index=True), np.r_[y, [0.4, 0.3, 0.2, 0.9]]
    model = LightGBMQuantiles(LEVELS, share_of="sky", n_estimators=20).fit(more, wrong)
    new = _shares(50, seed=2, brightest=1.0)[0]
    np.testing.assert_array_equal(model.predict(new), plain.predict(new))
    low = model.predict(dusk)
    np.testing.assert_array_equal(low[[0, 2]], 0.0)
    assert (low[1] < 0.005).all()
    assert 0.3 * X["sky"].mean() < low[3, 1] < 0.7 * X["sky"].mean()


def test_bounds_that_cannot_be_used_are_refused() -> None:
    X, y = _shares(100, seed=1, brightest=1.0)
    for column, error in (("plan", SchemaError), ("dark", MissingDataError), ("empty", MissingDataError)):
        with pytest.raises(error) as caught:
            LightGBMQuantiles(LEVELS, share_of=column).fit(X.assign(dark=0.0, empty=np.nan), y)
        assert len(str(caught.value).splitlines()) == 3


def test_weights_of_shares_are_those_of_the_rows_as_well() -> None:
    X, y = _shares(3500, seed=1, brightest=1.0)
    wrong, weight = y.copy(), np.ones(3500)
    wrong[:3000], weight[:3000] = 0.9, 0.0
    model = LightGBMQuantiles(LEVELS, share_of="sky", n_estimators=10)
    weighted = model.fit(X, wrong, sample_weight=weight).predict(X)
    np.testing.assert_allclose(weighted, model.fit(X[3000:], y[3000:]).predict(X), atol=1e-9)


# --- Calibration by a column ----------------------------------------------------------------------


def _alike(rows: int, *, seed: int) -> tuple[pd.DataFrame, Array]:
    """Spreads that differ in a way which the trees are too few to learn."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.uniform(size=rows), "light": rng.uniform(size=rows)})
    return X, X["x"].to_numpy() + np.where(X["light"] < 0.5, 2.0, 0.3) * rng.normal(size=rows)


def test_levels_calibrated_by_a_column_hold_for_each_of_its_values() -> None:
    (X, y), (new, outcome) = _alike(5000, seed=1), _alike(4000, seed=2)
    short: dict[str, Any] = {
        "n_estimators": 8,
        "num_leaves": 4,
        "fitted_quantiles": (0.1, 0.5, 0.9),
        "folds": 3,
    }
    blind, seeing = (LightGBMQuantiles(LEVELS, calibrate_by=by, **short).fit(X, y) for by in (None, "light"))
    shares = {}
    for name, model in (("blind", blind), ("seeing", seeing), ("restored", _restored(seeing))):
        curve = model.predict(new)
        inside = (curve[:, 0] <= outcome) & (outcome <= curve[:, 2])
        shares[name] = [inside[part].mean() for part in (new["light"] < 0.4, new["light"] > 0.6)]
    np.testing.assert_allclose(shares["seeing"], 0.8, atol=0.04)
    assert shares["restored"] == shares["seeing"]
    assert shares["blind"][0] < 0.75
    assert shares["blind"][1] > 0.85
    one = seeing.predict(new[:1])
    np.testing.assert_array_equal(one, seeing.predict(new)[:1])
    np.testing.assert_allclose(
        seeing.contributions(new[:5], quantile=0.9).sum(axis=1), seeing.predict(new[:5])[:, 2]
    )
    assert np.isfinite(seeing.predict(new.assign(light=np.nan))).all()


def test_a_column_that_is_not_there_cannot_calibrate() -> None:
    X, y = _sample(60)
    with pytest.raises(SchemaError, match="calibrate_by") as caught:
        LightGBMQuantiles(LEVELS, calibrate_by="light").fit(X, y)
    assert len(str(caught.value).splitlines()) == 3


# --- Categories -----------------------------------------------------------------------------------


def _by_kind(rows: int = 1500) -> tuple[pd.DataFrame, Array]:
    """Kind 1 of 0, 1, 2 lies apart: no single cut of their order finds it."""
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=rows)
    return pd.DataFrame({"kind": kind, "x": rng.uniform(size=rows)}), 5.0 * (kind == 1) + rng.normal(
        size=rows
    )


@both_sharings
def test_categories_have_no_order_and_the_same_by_code_or_name(sharing: Any) -> None:
    X, y = _by_kind()
    settings: dict[str, Any] = {"sharing": sharing, "n_estimators": 30, "learning_rate": 0.2, "num_leaves": 2}
    coded = LightGBMQuantiles(LEVELS, categories=("kind",), **settings).fit(X, y)
    named = X.assign(kind=X["kind"].map({0: "a", 1: "b", 2: "c"}).astype("category"))
    model = LightGBMQuantiles(LEVELS, **settings).fit(named, y)
    np.testing.assert_array_equal(model.predict(named), coded.predict(X))
    np.testing.assert_array_equal(_restored(model).predict(named), model.predict(named))
    median = pd.Series(coded.predict(X)[:, 1]).groupby(X["kind"]).mean()
    np.testing.assert_allclose(median, [0, 5, 0], atol=0.7)
    # Another table may hold fewer of them, in another order, or as plain texts.
    few = named[named["kind"] != "a"].assign(kind=lambda table: table["kind"].astype(str))
    expected = coded.predict(X)[(named["kind"] != "a").to_numpy()]
    np.testing.assert_array_equal(model.predict(few), expected)
    turned = few.assign(kind=pd.Categorical(few["kind"], categories=["c", "b"]))
    np.testing.assert_array_equal(model.predict(turned), expected)
    for strange in (pd.Categorical(["new"] * len(X)), pd.Categorical([None] * len(X), categories=["a"])):
        assert np.isfinite(model.predict(named.assign(kind=strange))).all()
    assert np.isfinite(coded.predict(X.assign(kind=99))).all()


def test_a_category_of_numbers_is_known_where_others_are_missing() -> None:
    """One missing value, and pandas turns 1 into 1.0."""
    X, y = _by_kind()
    X["kind"] = X["kind"].astype("category")
    model = LightGBMQuantiles(LEVELS, n_estimators=20).fit(X, y)
    holed = X.assign(kind=X["kind"].astype(float).where(X.index > 0).astype("category"))
    np.testing.assert_array_equal(model.predict(holed)[1:], model.predict(X)[1:])


def test_categories_that_the_features_do_not_give_are_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        LightGBMQuantiles(LEVELS, categories=("site",)).fit(*_by_kind(30))
    assert len(str(caught.value).splitlines()) == 3
    assert "['site']" in str(caught.value)


# --- What they say of themselves ------------------------------------------------------------------


@both_sharings
@pytest.mark.parametrize("folds", [0, 2])
@pytest.mark.parametrize("place", [{}, {"relative_to": "level"}, {"share_of": "level"}])
def test_contributions_add_up_to_the_forecast(sharing: Any, folds: int, place: dict[str, str]) -> None:
    X, y = _sample(700)
    X["level"] = np.where(np.arange(700) % 9, 50.0 + 10 * X["noise"], np.nan)
    X["kind"] = pd.Categorical(np.where(X["x"] > 0.5, "high", "low"))
    X["never"] = 3.0
    asked = (0.005, 0.1, 0.3, 0.5, 0.93)
    model = LightGBMQuantiles(
        asked, fitted_quantiles=(0.05, 0.48, 0.5, 0.52, 0.95), sharing=sharing, folds=folds, n_tree_sets=2,
        n_estimators=8, num_leaves=5, **place,
    )  # fmt: skip
    known = X["level"].fillna(0).to_numpy()
    model.fit(X, y + known if "relative_to" in place else y * known if place else y)
    for fitted in (model, _restored(model)):
        new = X[:40].set_index(pd.RangeIndex(100, 140))
        result = fitted.predict(new)
        for k, level in enumerate(asked):
            told = fitted.contributions(new, quantile=level)
            assert list(told.columns) == [*X.columns, "base"]
            assert list(told.index) == list(new.index)
            np.testing.assert_allclose(told.sum(axis=1), result[:, k], rtol=1e-5, atol=2e-5)
            assert (told["never"] == 0).all()
            assert told["x"].abs().mean() + told["kind"].abs().mean() > 0.05
    assert model.gain().sum() == pytest.approx(1)
    assert model.gain()["never"] == 0
    assert model.gain()[["x", "kind"]].sum() > model.gain()["noise"]


@pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
def test_only_a_fitted_model_explains_and_only_the_columns_it_learnt() -> None:
    X, y = _sample(60)
    model = LightGBMQuantiles(LEVELS, n_estimators=3)
    with pytest.raises(NotFittedError):
        model.gain()
    with pytest.raises(NotFittedError):
        model.contributions(X)
    with pytest.raises(SchemaError):
        model.fit(X, y).contributions(X[["z", "x", "noise"]])
    with pytest.raises(RangeError):
        model.contributions(X, quantile=50)


# --- Curves, against brute force ------------------------------------------------------------------

KNOWN = (0.02, 0.1, 0.3, 0.5, 0.8, 0.95)


def _by_hand(curve: Array, wanted: Array) -> Array:
    """Straight lines between the levels; beyond the ends, over the normal score of the level."""
    at, to = stats.norm.ppf(KNOWN), stats.norm.ppf(wanted)
    inner = np.interp(wanted, KNOWN, curve)
    first, last = ((curve[k + 1] - curve[k]) / (at[k + 1] - at[k]) for k in (0, -2))
    inner = np.where(to < at[0], curve[0] + first * (to - at[0]), inner)
    return np.where(to > at[-1], curve[-1] + last * (to - at[-1]), inner)


def _curves(count: int = 60) -> Array:
    """Rising curves, among them such with flat parts at both ends and within."""
    steps = np.random.default_rng(0).integers(0, 3, size=(count, len(KNOWN)))
    return np.vstack([np.cumsum(steps, axis=1), np.zeros(len(KNOWN))]).astype(float)


def test_a_curve_is_read_as_by_hand() -> None:
    curve, wanted = _curves(), (0.001, 0.02, 0.2, 0.5, 0.9, 0.999)
    expected = [_by_hand(row, np.array(wanted)) for row in curve]
    np.testing.assert_allclose(
        out_of_fold_calibration.read(curve, KNOWN, wanted, np.empty((0, 8))), expected, atol=1e-12
    )
    # A correction that moves no level changes nothing.
    still = np.array([[0.0, 0.0, *KNOWN]])
    np.testing.assert_allclose(out_of_fold_calibration.read(curve, KNOWN, wanted, still), expected, atol=1e-9)


@pytest.mark.parametrize("y", [-1.0, 0.0, 0.7, 1.0, 2.0, 3.5, 12.0])
def test_a_level_counts_what_lies_below_and_half_of_what_lies_at(y: float) -> None:
    """Where all outcomes are one value, every level is moved to its probability."""
    fine = (np.arange(8_000) + 0.5) / 8_000
    for row in _curves(12):
        drawn = _by_hand(row, fine)
        expected = np.mean(drawn < y - 1e-9) + 0.5 * np.mean(np.abs(drawn - y) <= 1e-9)
        found = out_of_fold_calibration.correction(np.tile(row, (4, 1)), np.full(4, y), KNOWN)[0, 2:]
        np.testing.assert_allclose(found, np.clip(expected, 0.001, 0.999), atol=1e-3)


def test_a_correction_makes_outcomes_fall_below_as_often_as_they_should() -> None:
    """Too narrow where the median is low, too wide and too high where it is high."""
    rng = np.random.default_rng(0)
    centre = rng.uniform(0, 10, size=12_000)
    spread, shift = np.where(centre < 5, 1.4, 0.7), np.where(centre < 5, 0.0, -1.0)
    y = centre + shift + spread * rng.normal(size=len(centre))
    said = centre[:, None] + stats.norm.ppf(KNOWN)
    moved = out_of_fold_calibration.correction(said, y, KNOWN)
    mended = out_of_fold_calibration.read(said, KNOWN, KNOWN, moved)
    for part in (centre < 4, centre > 6, centre > -1):
        share = (y[part, None] <= mended[part]).mean(axis=0)
        np.testing.assert_allclose(share, KNOWN, atol=0.03)
    # The weights of explanations are those of the reading.
    counted = np.einsum("rk,rkw->rw", said, out_of_fold_calibration.weights(said, KNOWN, KNOWN, moved))
    np.testing.assert_allclose(counted, mended, atol=1e-9)


def test_a_correction_by_another_value_tells_rows_of_the_same_median_apart() -> None:
    """As wide as they should be together; noon in winter too narrow, morning in summer too wide."""
    rng = np.random.default_rng(0)
    centre, other = rng.uniform(0, 10, size=12_000), rng.uniform(size=12_000)
    low = other < 0.5
    y = centre + np.where(low, 1.6, 0.6) * rng.normal(size=len(centre))
    said = centre[:, None] + stats.norm.ppf(KNOWN)
    moved = out_of_fold_calibration.correction(said, y, KNOWN, by=other)
    mended = out_of_fold_calibration.read(said, KNOWN, KNOWN, moved, by=other)
    blind = out_of_fold_calibration.read(
        said, KNOWN, KNOWN, out_of_fold_calibration.correction(said, y, KNOWN)
    )
    for part in (low & (other < 0.4), ~low & (other > 0.6)):
        np.testing.assert_allclose((y[part, None] <= mended[part]).mean(axis=0), KNOWN, atol=0.03)
        assert np.abs((y[part, None] <= blind[part]).mean(axis=0) - KNOWN).max() > 0.06
    counted = np.einsum(
        "rk,rkw->rw", said, out_of_fold_calibration.weights(said, KNOWN, KNOWN, moved, by=other)
    )
    np.testing.assert_allclose(counted, mended, atol=1e-9)
    # A row whose value is missing is read as a usual one.
    usual = out_of_fold_calibration.read(
        said[:9], KNOWN, KNOWN, moved, by=np.full(9, np.median(np.unique(moved[:, 0])))
    )
    np.testing.assert_allclose(
        out_of_fold_calibration.read(said[:9], KNOWN, KNOWN, moved, by=np.full(9, np.nan)), usual
    )


def test_few_rows_are_not_cut_by_another_value() -> None:
    rng = np.random.default_rng(0)
    centre, other = rng.uniform(0, 10, size=2_000), rng.uniform(size=2_000)
    y, said = centre + rng.normal(size=2_000), centre[:, None] + stats.norm.ppf(KNOWN)
    assert len(out_of_fold_calibration.correction(said, y, KNOWN, by=other)) == 6
    many = out_of_fold_calibration.correction(
        np.tile(said, (3, 1)), np.tile(y, 3), KNOWN, by=np.tile(other, 3)
    )
    assert len(many) == 30
    gaps = np.where(np.arange(6_000) % 7, np.tile(other, 3), np.nan)
    assert len(out_of_fold_calibration.correction(np.tile(said, (3, 1)), np.tile(y, 3), KNOWN, by=gaps)) == 30


def test_between_groups_a_correction_goes_over_from_one_to_the_other() -> None:
    score = stats.norm.ppf(KNOWN)
    # Not moved at 0; read one score higher at 10.
    moved = np.array([[0.0, 0.0, *KNOWN], [0.0, 10.0, *stats.norm.cdf(score + 1)]])
    curve = np.array([0.0, 2.5, 10.0, 40.0, -5.0])[:, None] + score
    mended = out_of_fold_calibration.read(curve, KNOWN, KNOWN, moved)
    higher = _by_hand(score, stats.norm.cdf(score + 1)) - score
    np.testing.assert_allclose(mended - curve, np.array([0, 0.25, 1, 1, 0])[:, None] * higher, atol=1e-9)


def test_a_correction_weighs_its_rows_and_bears_ties() -> None:
    said = np.tile(stats.norm.ppf(KNOWN), (2000, 1))  # one median for all
    y = np.tile([-0.5, 0.5], 1000)
    moved = out_of_fold_calibration.correction(said, y, KNOWN, np.tile([1.0, 19.0], 1000))
    assert moved.shape == (1, 8)
    result = out_of_fold_calibration.read(said[:1], KNOWN, KNOWN, moved)[0]
    np.testing.assert_allclose(result, [-0.5, *[0.5] * 5], atol=0.05)
    assert (np.diff(result) >= 0).all()
