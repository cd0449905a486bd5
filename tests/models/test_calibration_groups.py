"""Calibration by group and by a scale: the stated guarantee, by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import energyforecast as ef
from energyforecast.errors import (
    EnergyForecastError,
    MissingDataError,
    RangeError,
    SchemaError,
    UncalibratedWarning,
)
from energyforecast.models import ConformalQuantiles, QuantileModel
from energyforecast.models.base import Part, parts_of, restored
from energyforecast.models.conformal import quantile_by_level

Array = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)


class Normal(QuantileModel):
    """Quantiles of a normal distribution around x, wrong for all data of this file."""

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        pass

    def _predict(self, X: pd.DataFrame) -> Array:
        return np.asarray(X["x"].to_numpy()[:, None] + stats.norm.ppf(self.levels))

    def parts(self) -> dict[str, Part]:
        return {}

    def restore(self, parts: Any) -> None:
        pass


class Point(Normal):
    """The same value at all levels, as of a model of the mean."""

    def _predict(self, X: pd.DataFrame) -> Array:
        return np.repeat(X[["x"]].to_numpy(), len(self.levels), axis=1)


def _regimes(rows: int, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """Errors of deviation 0.5, 1 and 3 in three regimes of the weather, with a known spread."""
    rng = np.random.default_rng(seed)
    regime = rng.choice(["calm", "breeze", "storm"], rows)
    spread = pd.Series(regime).map({"calm": 0.5, "breeze": 1.0, "storm": 3.0}).to_numpy()
    X = pd.DataFrame(
        {"x": rng.normal(size=rows), "regime": regime, "spread": spread, "hour": np.arange(rows) % 24}
    )
    return X, X["x"].to_numpy() + spread * rng.normal(size=rows)


# --- Guarantee ------------------------------------------------------------------------------------


def test_the_share_below_a_level_is_exact_in_each_group() -> None:
    """119 held-out rows of a group: 120 times 0.1, 0.5 and 0.9 are whole, so the mean share is exactly the level."""
    levels, share = np.array(LEVELS), []
    X = pd.DataFrame({"x": np.zeros(240), "g": np.r_[np.zeros(1), np.ones(1), np.repeat([0.0, 1.0], 119)]})
    for seed in range(300):
        noise = np.random.default_rng(seed).exponential(np.where(X["g"] > 0, 5.0, 1.0))
        model = ConformalQuantiles(LEVELS, model=Normal(), folds=0, share=238.5 / 240, by="g")
        q = model.fit(X, noise).predict(pd.DataFrame({"x": [0.0, 0.0], "g": [0.0, 1.0]}))
        share.append(stats.expon.cdf(q, scale=[[1.0], [5.0]]))
    assert model.counts_.tolist() == [119, 119]
    deviation = np.sqrt(levels * (1 - levels) / 121 / 300)
    assert (np.abs(np.mean(share, axis=0) - levels) < 3.5 * deviation).all()
    # One sample varies as stated: the deviation of its share is about the root of level (1 - level) / n.
    np.testing.assert_allclose(np.std(share, axis=0) / np.sqrt(levels * (1 - levels) / 119), 1, atol=0.15)


@pytest.mark.parametrize("level", [0.001, 0.237, 0.5, 0.9993])
def test_any_level_is_within_one_in_n_plus_one(level: float) -> None:
    n = 40
    share = [
        stats.norm.cdf(quantile_by_level(np.random.default_rng(k).normal(size=(n, 1)), (level,))[0])
        for k in range(1500)
    ]
    assert abs(np.mean(share) - level) < 1 / (n + 1) + 4 * np.std(share) / np.sqrt(1500)


def test_groups_and_scales_are_calibrated_where_all_rows_together_are_not() -> None:
    (X, y), (new, outcome) = _regimes(9000), _regimes(9000, seed=1)
    far = {}
    ways: dict[str, dict[str, Any]] = {"all": {}, "by": {"by": "regime"}, "scaled": {"scaled": "spread"}}
    for name, how in ways.items():
        q = ConformalQuantiles(LEVELS, model=Point(), **how).fit(X, y).predict(new)
        inside = pd.Series((q[:, 0] < outcome) & (outcome < q[:, 2])).groupby(new["regime"]).mean()
        far[name] = float((inside - 0.8).abs().max())
    assert far["all"] > 0.15
    assert far["by"] < 0.025
    assert far["scaled"] < 0.025


def test_one_wild_held_out_row_moves_neither_edges_nor_floors() -> None:
    """The guarantee needs both from the fitted rows; with blocks all rows are fitted."""
    X, y = _regimes(2000)
    wild = X.assign(spread=X["spread"].where(np.arange(2000) < 1999, 1e6))
    ways: tuple[dict[str, Any], ...] = ({"by": "spread", "groups": 2}, {"scaled": "spread"}, {"scaled": True})
    for how in ways:
        one, other = (
            ConformalQuantiles(LEVELS, model=Normal(), folds=0, **how).fit(table, y) for table in (X, wild)
        )
        np.testing.assert_array_equal(one.groups_.edges, other.groups_.edges)
        np.testing.assert_array_equal(one.scale_, other.scale_)


# --- By hand --------------------------------------------------------------------------------------


def test_residuals_are_scaled_by_the_column() -> None:
    X, y = _regimes(1000)
    model = ConformalQuantiles(LEVELS, model=Normal(), scaled="spread").fit(X, y)
    base = Normal(LEVELS).fit(X, y).predict(X)
    expected = quantile_by_level((y[:, None] - base) / X[["spread"]].to_numpy(), LEVELS)
    np.testing.assert_allclose(model.corrections_, expected[None])
    np.testing.assert_allclose(model.predict(X), base + X[["spread"]].to_numpy() * expected)


def test_a_missing_scale_is_the_median_and_a_tiny_one_two_per_cent_of_it() -> None:
    X, y = _regimes(1000)
    model = ConformalQuantiles(LEVELS, model=Normal(), scaled="spread").fit(X, y)
    usual = X["spread"].median()
    given = X[:4].assign(x=0.0, spread=[np.nan, usual, 0.0, 0.02 * usual])
    found = model.predict(given)
    np.testing.assert_allclose(found[[0, 2]], found[[1, 3]])
    assert not np.allclose(found[0], found[2])


@pytest.mark.parametrize("kind", ["text", "category", "numbers"])
def test_text_and_categories_make_the_groups_of_their_codes(kind: str) -> None:
    X, y = _regimes(3000)
    column = X["regime"].map({"breeze": 0.0, "calm": 1.0, "storm": 2.0})  # order of the alphabet
    codes = ConformalQuantiles(LEVELS, model=Normal(), by="regime").fit(X.assign(regime=column), y)
    given = {"text": X["regime"], "category": X["regime"].astype("category"), "numbers": column}[kind]
    made = ConformalQuantiles(LEVELS, model=Normal(), by="regime", groups=3).fit(X.assign(regime=given), y)
    np.testing.assert_array_equal(made.corrections_, codes.corrections_)
    np.testing.assert_array_equal(made.counts_, codes.counts_)
    if kind != "numbers":
        other = X[:3].assign(
            regime=pd.Series(["calm", "hail", None]).astype(given.dtype if kind == "text" else "category")
        )
        added = made.predict(other) - Normal(LEVELS).fit(X, y).predict(other)
        np.testing.assert_allclose(added, made.corrections_[[1, 3, 3]])


def test_small_groups_are_calibrated_as_all_rows_and_counted() -> None:
    X, y = _regimes(1000)
    X.loc[:969, "regime"], X.loc[970:, "regime"] = "usual", "rare"
    with pytest.warns(
        UncalibratedWarning, match="1 of 2 groups of 'regime' have fewer than 100 held-out rows"
    ) as seen:
        model = ConformalQuantiles(LEVELS, model=Normal(), by="regime").fit(X, y)
    assert seen[0].filename == __file__
    assert model.counts_.tolist() == [30, 970]
    np.testing.assert_array_equal(model.corrections_[0], model.corrections_[-1])
    assert not np.array_equal(model.corrections_[1], model.corrections_[-1])


def test_rows_without_weight_do_not_count() -> None:
    X, y = _regimes(1200)
    weight = np.where(X["regime"] == "storm", 0.0, 1.0)
    kept = weight > 0
    with_zeros = ConformalQuantiles(LEVELS, model=Normal(), by="regime").fit(X, y, sample_weight=weight)
    without = ConformalQuantiles(LEVELS, model=Normal(), by="regime").fit(X[kept], y[kept])
    np.testing.assert_allclose(with_zeros.corrections_, without.corrections_)
    assert with_zeros.counts_.sum() == kept.sum()


@pytest.mark.parametrize(
    "how",
    [{"by": "regime"}, {"by": "hour", "groups": 3, "scaled": True}, {"scaled": "spread", "folds": 0}],
    ids=str,
)
def test_groups_and_scales_are_stored(how: dict[str, Any]) -> None:
    X, y = _regimes(1000)
    model = ConformalQuantiles(LEVELS, model=Normal(), **how).fit(X, y)
    again = restored("model", ConformalQuantiles(LEVELS, model=Normal(), **how), parts_of("model", model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.counts_, model.counts_)


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "change", "error"),
    [
        ({"scaled": "regime"}, {}, SchemaError),
        ({"scaled": "altitude"}, {}, SchemaError),
        ({"scaled": 2}, {}, SchemaError),
        ({"scaled": "spread"}, {"spread": -1.0}, RangeError),
        ({"scaled": "spread"}, {"spread": np.inf}, RangeError),
        ({"scaled": "spread"}, {"spread": 0.0}, MissingDataError),
        ({"scaled": "spread"}, {"spread": np.nan}, MissingDataError),
        ({"by": "regime"}, {"regime": None}, MissingDataError),
        ({"by": "spread"}, {"spread": np.nan}, MissingDataError),
        ({"by": 5}, {}, SchemaError),
    ],
    ids=str,
)
def test_columns_that_give_no_group_or_scale_are_refused(
    how: dict[str, Any], change: dict[str, Any], error: type[EnergyForecastError]
) -> None:
    X, y = _regimes(300)
    with pytest.raises(error) as caught:
        ConformalQuantiles(LEVELS, model=Normal(), **how).fit(X.assign(**change), y)
    assert len(str(caught.value).splitlines()) == 3


def test_a_column_of_another_type_than_in_fit_is_refused() -> None:
    X, y = _regimes(1000)
    for by, given in (("regime", X.assign(regime=1.0)), ("spread", X.assign(spread="wide"))):
        model = ConformalQuantiles(LEVELS, model=Normal(), by=by).fit(X, y)
        with pytest.raises(SchemaError, match="In fit it held"):
            model.predict(given)
    with pytest.raises(RangeError, match="must be finite and not negative"):
        ConformalQuantiles(LEVELS, model=Normal(), scaled="spread").fit(X, y).predict(X.assign(spread=-1.0))


def test_groups_and_scale_are_needed_columns() -> None:
    inner = ef.models.Climatology()
    assert ConformalQuantiles(model=inner, by="regime", scaled="spread").needs == ("hour", "regime", "spread")
    assert ConformalQuantiles(model=inner, scaled=True).needs == ("hour",)


# --- Trees ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "folds", "calibrated"), [(99, 2, False), (100, 2, True), (499, 5, True)])
def test_trees_calibrate_in_fewer_folds_or_warn(rows: int, folds: int, calibrated: bool) -> None:
    X, y = _regimes(rows)
    ef.LightGBMQuantiles(LEVELS, folds=0, n_estimators=2).fit(
        X[["x", "hour"]][:50], y[:50]
    )  # as it was asked for
    ef.LightGBMQuantiles(LEVELS, calibrate=False, n_estimators=2).fit(X[["x", "hour"]][:50], y[:50])
    model = ef.LightGBMQuantiles(LEVELS, folds=folds, n_estimators=10)
    with pytest.warns(UncalibratedWarning, match="100 are needed") if not calibrated else _nothing():
        model.fit(X[["x", "hour"]], y)
    assert bool(len(model.correction_)) == calibrated


def test_trees_refuse_groups_of_text() -> None:
    X, y = _regimes(500)
    X["regime"] = X["regime"].astype("category")
    with pytest.raises(SchemaError, match="'regime' is of the type category") as caught:
        ef.LightGBMQuantiles(LEVELS, calibrate_by="regime", n_estimators=2).fit(X, y)
    assert len(str(caught.value).splitlines()) == 3


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()
