"""Kernel ridge regression of the distribution function: against exact kernels, known distributions and refits."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from energyforecast.errors import RangeError, SchemaError
from energyforecast.models import FitsOutOfFold, KernelQuantiles
from energyforecast.models.kernel_distribution import RIDGE, Kinds, Rows, fit_distributions
from energyforecast.models.kernel_quantiles import _first_fit
from energyforecast.models.random_features import (
    FourierFeatures,
    Moments,
    coefficients,
    squared_error,
    squared_gradients,
)

Array = npt.NDArray[Any]
LEVELS = (0.1, 0.5, 0.9)


def _plane(rows: int, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """Outcomes whose spread grows with z, and a column without meaning."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(size=(rows, 3)), columns=["x", "z", "noise"])
    return X, (2 * X["x"] + (0.1 + 0.8 * X["z"]) * rng.normal(size=rows)).to_numpy()


# --- Features and moments -------------------------------------------------------------------------


def test_many_features_are_the_exact_kernel_ridge_regression() -> None:
    """The kernel of the features is 1 for the constant, the product of the inputs, and the Gaussian kernel."""
    rng = np.random.default_rng(1)
    x, new = rng.normal(size=(60, 2)), rng.normal(size=(20, 2))
    y = np.sin(x[:, 0]) + x[:, 1]
    features = FourierFeatures.drawn(2, count=20_000, gamma=0.7, seed=3)

    def kernel(a: Array, b: Array) -> Array:
        return np.asarray(1e6 + a @ b.T + np.exp(-0.7 * cdist(a, b) ** 2))  # the constant is hardly penalised

    exact = kernel(new, x) @ np.linalg.solve(kernel(x, x) + 0.5 * np.eye(60), y)
    terms = features.of(x)
    dual = np.linalg.solve(terms @ terms.T + (1e6 - 1) + 0.5 * np.eye(60), y)
    weights = terms.T @ dual
    weights[0] += (1e6 - 1) * dual.sum()
    np.testing.assert_allclose(features.of(new) @ weights, exact, atol=0.02)


def test_coefficients_are_those_of_the_dual_problem() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))
    features = FourierFeatures.drawn(2, count=40, gamma=1.0, seed=1)
    terms = features.of(x)
    prior = np.diag([1e6, *np.ones(len(features) - 1)])
    dual = prior @ terms.T @ np.linalg.solve(terms @ prior @ terms.T + 2.0 * np.eye(50), y)
    moments = Moments.of(features, x, y, weight=np.ones(50))
    np.testing.assert_allclose(coefficients(moments, ridge=2.0), dual, rtol=1e-6, atol=1e-8)


def test_squared_gradients_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 3))
    features = FourierFeatures.drawn(3, count=15, gamma=0.4, seed=2)
    slope = rng.normal(size=(len(features), 4))
    moments = Moments.of(features, x, np.zeros((40, 1)), weight=np.ones(40))
    step = 1e-5 * np.eye(3)
    each = [(features.of(x + one) - features.of(x - one)) @ slope / 2e-5 for one in step]
    expected = [np.mean(np.sum(one**2, axis=1)) for one in each]
    np.testing.assert_allclose(squared_gradients(features, moments.gram, slope), expected, rtol=1e-6)


def test_squared_error_of_unseen_parts_is_that_of_refits() -> None:
    rng = np.random.default_rng(4)
    x, below = rng.normal(size=(90, 2)), (rng.uniform(size=(90, 3)) < 0.4).astype(float)
    features = FourierFeatures.drawn(2, count=10, gamma=0.4, seed=2)
    rows = Rows(x, below[:, 0], np.ones(90), np.arange(90) // 30)
    found = squared_error(rows.moments(features, below), ridge=2.0)
    expected = np.zeros(3)
    for k in range(3):
        out = rows.part == k
        seen = Moments.of(features, x[~out], below[~out], weight=np.ones(60))
        expected += ((below[out] - features.of(x[out]) @ coefficients(seen, ridge=2.0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


# --- Forecasts ------------------------------------------------------------------------------------


def test_a_known_distribution_is_found() -> None:
    X, y = _plane(6000)
    new = pd.DataFrame({"x": [0.3, 0.7], "z": [0.2, 0.8], "noise": [0.5, 0.5]})
    found = KernelQuantiles(LEVELS).fit(X, y).predict(new)
    spread = (0.1 + 0.8 * new["z"].to_numpy())[:, None]
    true = 2 * new["x"].to_numpy()[:, None] + spread * stats.norm.ppf(LEVELS)
    np.testing.assert_allclose(found, true, atol=0.12)


def test_columns_without_meaning_have_little_weight() -> None:
    X, y = _plane(3000)
    model = KernelQuantiles(LEVELS).fit(X, y)
    weights = dict(zip(X.columns, model.weights_, strict=True))
    assert weights["noise"] < 0.5 * weights["z"] < 0.2 * weights["x"]
    assert np.sum(model.weights_**2) == pytest.approx(1)


def test_a_column_of_the_hour_has_weight_in_a_sample_of_any_length() -> None:
    """Every 24th row of 16 years of hours would be that of one hour."""
    hour = np.arange(24 * 6000) % 24
    level = np.sin(2 * np.pi * hour / 24)[:, None]
    inputs = np.hstack([level, np.random.default_rng(0).normal(size=level.shape)])
    outcome = (inputs @ [1.0, 0.2]).ravel()
    rows = Rows(inputs, outcome, np.ones(len(outcome)), np.zeros(len(outcome), dtype=np.int64))
    few = rows.thinned(24, seed=1)
    assert len(few.y) == 6000
    assert set(np.unique(few.inputs[:, 0])) == set(np.unique(inputs[:, 0]))
    np.testing.assert_array_equal(rows.thinned(1, seed=1).y, outcome)
    weights, _ = _first_fit(rows, count=150, seed=1)
    assert weights[0] > 3 * weights[1]


@pytest.mark.parametrize("bound", [0.0, 5.0])
def test_quantiles_lie_on_a_bound_where_many_outcomes_do(bound: float) -> None:
    """Power is exactly 0 in a calm, and full in a storm."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 3, 4000)
    y = np.abs(bound - np.clip(x + 0.5 * rng.normal(size=4000), 0, 5))
    X = pd.DataFrame({"x": x})
    found = KernelQuantiles(LEVELS).fit(X, y, bounds=(0, 5)).predict(X)
    calm = x < -0.5  # nearly all
    median, far = found[:, 1], found[:, 0 if bound else 2]
    assert np.mean(median[calm] == bound) > 0.95
    assert np.mean(found[x < 0][:, 2 if bound else 0] == bound) > 0.95
    assert np.abs(far - median)[x > 1].min() > 0.2


def test_departures_from_the_mean_are_fitted_where_outcomes_are_sharp() -> None:
    """A spread of a fiftieth of the range is finer than a regression of steps can be."""
    rng = np.random.default_rng(6)
    X = pd.DataFrame(rng.uniform(size=(4000, 2)), columns=["x", "z"])
    y = (10 * X["x"] + 5 * np.sin(4 * X["z"]) + rng.normal(scale=0.25, size=4000)).to_numpy()
    model = KernelQuantiles(LEVELS).fit(X[:3000], y[:3000])
    found = model.predict(X[3000:])
    assert len(model.distributions_) == 1
    assert model.distributions_[0].centre.any()
    assert np.mean(found[:, 2] - found[:, 0]) == pytest.approx(0.25 * 2 * stats.norm.ppf(0.9), rel=0.15)
    assert np.mean((found[:, 0] <= y[3000:]) & (y[3000:] <= found[:, 2])) == pytest.approx(0.8, abs=0.05)


def test_hours_are_on_a_circle() -> None:
    hour = np.tile(np.arange(24.0), 60)
    y = np.cos(2 * np.pi * (hour - 23.5) / 24)
    X = pd.DataFrame({"hour": hour})
    seen = hour != 0
    found = KernelQuantiles((0.5,)).fit(X[seen], y[seen]).predict(pd.DataFrame({"hour": [0.0]}))
    assert found[0, 0] == pytest.approx(y[0], abs=0.06)


def test_categories_are_apart_and_an_unknown_one_is_no_obstacle() -> None:
    rng = np.random.default_rng(7)
    kind = pd.Categorical(np.array(["low", "high", "middle"])[np.arange(1500) % 3])
    X = pd.DataFrame({"kind": kind, "number": (np.arange(1500) % 3).astype(float)})
    y = np.array([1.0, 9.0, 5.0])[np.arange(1500) % 3] + 0.1 * rng.normal(size=1500)
    for column, settings in {"kind": {}, "number": {"categories": ("number",)}}.items():
        model = KernelQuantiles((0.5,), **settings).fit(X[[column]], y)  # type: ignore[arg-type]
        np.testing.assert_allclose(model.predict(X[[column]][:3])[:, 0], [1, 9, 5], atol=0.2)
    new = pd.DataFrame({"number": [7.0, np.nan]})
    assert np.isfinite(model.predict(new)).all()


def test_large_numbers_of_categories_are_told_apart() -> None:
    meter = np.repeat([1234567, 1234568], 400)
    y = (meter - 1234567) + 0.1 * np.random.default_rng(0).uniform(size=800)
    model = KernelQuantiles((0.5,), categories=("meter",)).fit(pd.DataFrame({"meter": meter}), y)
    median = model.predict(pd.DataFrame({"meter": [1234567, 1234568]})).ravel()
    np.testing.assert_allclose(median, [0.05, 1.05], atol=0.03)


def test_missing_values_have_a_level_of_their_own() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(size=2000)
    lacking = rng.uniform(size=2000) < 0.3
    X = pd.DataFrame({"x": np.where(lacking, np.nan, x), "never": np.nan})
    y = np.where(lacking, 4.0, x) + 0.05 * rng.normal(size=2000)
    found = KernelQuantiles((0.5,)).fit(X, y).predict(pd.DataFrame({"x": [0.2, np.nan], "never": np.nan}))
    np.testing.assert_allclose(found[:, 0], [0.2, 4.0], atol=0.1)


def test_weights_count_like_repeated_rows() -> None:
    """Moments of weights are those of repeated rows; the penalty is in rows of the mean weight."""
    X, y = _plane(1500)
    weight, features = 1.0 + np.arange(1500) % 3, FourierFeatures.drawn(3, count=20, gamma=1.0, seed=1)
    several = np.repeat(np.arange(1500), weight.astype(int))
    inputs, below = X.to_numpy(), (y[:, None] < 1.0).astype(float)
    weighted = Moments.of(features, inputs, below, weight=weight)
    repeated = Moments.of(features, inputs[several], below[several], weight=np.ones(len(several)))
    np.testing.assert_allclose(weighted.gram, repeated.gram, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(weighted.cross, repeated.cross, rtol=1e-9, atol=1e-9)
    plain = KernelQuantiles(LEVELS).fit(X, y).predict(X)
    equal = KernelQuantiles(LEVELS).fit(X, y, sample_weight=np.full(1500, 7.0)).predict(X)
    np.testing.assert_allclose(equal, plain, atol=1e-4)
    y_of_none = np.where(np.arange(1500) < 300, 1e6, y)
    ignored = KernelQuantiles(LEVELS).fit(X, y_of_none, sample_weight=1.0 * (np.arange(1500) >= 300))
    assert ignored.predict(X).max() < 10


def test_the_unit_of_the_outcome_does_not_matter() -> None:
    X, y = _plane(900)
    small, large = (KernelQuantiles(LEVELS).fit(X, unit * y).predict(X) / unit for unit in (1.0, 1024.0))
    np.testing.assert_allclose(large, small, atol=1e-4)


def test_a_share_and_a_departure_are_forecast_in_the_unit_of_the_outcome() -> None:
    rng = np.random.default_rng(9)
    X = pd.DataFrame({"bound": rng.uniform(1, 9, 3000), "clear": rng.uniform(size=3000)})
    y = (X["bound"] * X["clear"]).to_numpy()
    found = KernelQuantiles((0.5,), share_of="bound").fit(X, y).predict(X)[:, 0]
    assert np.abs(found - y).mean() < 0.1
    level = X["bound"].to_numpy()
    found = (
        KernelQuantiles((0.5,), relative_to="bound").fit(X, level + X["clear"].to_numpy()).predict(X)[:, 0]
    )
    assert np.abs(found - level - X["clear"]).mean() < 0.05


# --- Out of fold ----------------------------------------------------------------------------------


def test_out_of_fold_is_a_fit_without_the_fold() -> None:
    """With the same scales, to rounding."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(600, 2))
    y = x[:, 0] + 0.3 * rng.normal(size=600)
    features = FourierFeatures.drawn(2, count=30, gamma=1.0, seed=1)
    rows = Rows(x, y, np.ones(600), np.arange(600) // 200)
    found = fit_distributions(rows, features, kinds=Kinds(outcome=True, departure=True), unseen=True)
    assert len(found) == 4
    outcome, departure = found[2]  # without part 1
    seen = rows.part != 1

    def refitted(targets: Array) -> Array:
        return coefficients(Moments.of(features, x[seen], targets, weight=np.ones(400)), ridge=RIDGE)

    below = (y[seen, None] <= outcome.grid[:-1]).astype(float)
    np.testing.assert_allclose(outcome.slope, refitted(below), rtol=1e-6, atol=1e-9)
    mean = refitted(y[seen, None])[:, 0]
    np.testing.assert_allclose(departure.centre, mean, rtol=1e-6, atol=1e-9)
    left = y[seen] - features.of(x[seen]) @ mean
    wide = departure.grid[-1] / left.max()
    assert 1.0 < wide < 1.3
    steps = (wide * left[:, None] <= departure.grid[:-1] + 1e-9).astype(float)
    np.testing.assert_allclose(departure.slope, refitted(steps), rtol=1e-6, atol=1e-9)


def test_out_of_fold_does_not_know_the_outcomes_of_its_fold() -> None:
    """Outcomes of one fold are another level that nothing explains: forecasts of its rows must not follow."""
    X, y = _plane(1200)
    fold = np.arange(1200) // 400
    moved = np.where(fold == 1, y + 3.0, y)
    model = KernelQuantiles(LEVELS)
    assert isinstance(model, FitsOutOfFold)
    before, after = (model.fit_out_of_fold(X, values, fold=fold) for values in (y, moved))
    assert np.abs(after - before)[fold == 1].mean() < 0.25
    assert (after - before)[fold == 0, 1].mean() > 1.0
    np.testing.assert_array_equal(
        model.predict(X), KernelQuantiles(LEVELS).fit_out_of_fold(X, moved, fold=fold) * 0 + model.predict(X)
    )


def test_the_fit_of_all_rows_is_nearly_that_of_fit() -> None:
    X, y = _plane(1200)
    fold = np.arange(1200) // 300
    both = KernelQuantiles(LEVELS), KernelQuantiles(LEVELS).fit(X, y)
    both[0].fit_out_of_fold(X, y, fold=fold)
    np.testing.assert_allclose(both[0].predict(X), both[1].predict(X), atol=0.02)


@pytest.mark.parametrize(
    "fold", [np.zeros(100), np.arange(50), np.where(np.arange(100) < 70, np.arange(100), np.nan)]
)
def test_folds_that_are_none_are_refused(fold: Array) -> None:
    with pytest.raises(RangeError, match="at least two") as caught:
        KernelQuantiles().fit_out_of_fold(*_plane(100), fold=fold)
    assert len(str(caught.value).splitlines()) == 3


def test_a_fold_with_all_rows_that_train_has_no_forecast_out_of_fold() -> None:
    rng = np.random.default_rng(0)
    known = np.arange(400) < 200
    X = pd.DataFrame({"x": rng.uniform(size=400), "bound": np.where(known, 1.0, np.nan)})
    model = KernelQuantiles((0.5,), projections=20, share_of="bound")
    unseen = model.fit_out_of_fold(X, rng.uniform(size=400), fold=np.arange(400) // 200)
    assert np.isnan(unseen[known]).all(), "a forecast in sample is not one out of fold"
    assert np.isfinite(unseen[~known]).all()


def test_rows_without_a_level_are_forecast_out_of_fold_too() -> None:
    X, y = _plane(900)
    fold = np.arange(900) // 300
    X["level"] = np.where(fold == 2, np.nan, y.mean())  # a whole fold does not train
    found = KernelQuantiles(LEVELS, relative_to="level").fit_out_of_fold(X, y, fold=fold)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "settings",
    [{"projections": 0}, {"projections": -3}, {"seed": -1}, {"season_after": -1.0}, {"season_after": np.nan}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(RangeError):
        KernelQuantiles(**settings).fit(*_plane(50))


def test_a_category_that_is_not_a_column_is_refused() -> None:
    with pytest.raises(SchemaError):
        KernelQuantiles(categories=("kind",)).fit(*_plane(50))


def test_memory_is_a_few_times_the_table() -> None:
    """Indicators of all rows, of each fold, would be thirty times as large as two columns."""
    rng, rows = np.random.default_rng(0), 40_000
    X = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["x", "z"])
    y = X["x"].to_numpy() + rng.normal(size=rows)
    model = KernelQuantiles((0.5,), projections=5)
    tracemalloc.start()
    model.fit_out_of_fold(X, y, fold=np.arange(rows) * 4 // rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6, "64 indicators as floats have 20 MB in each of five fits"
