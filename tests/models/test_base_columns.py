"""Base models beneath trees: their columns are out of fold, told by name, stored, and no way for a leak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import sklearn.base

import energyforecast as ef
from energyforecast.errors import SchemaError
from energyforecast.models import (
    Climatology,
    KernelQuantiles,
    LightGBMQuantiles,
    LinearQuantiles,
    QuantileModel,
    SelectedModel,
)
from energyforecast.models.base_columns import fit_base_columns, out_of_fold
from energyforecast.models.tree_growth import folds_along_time
from energyforecast.testing import check_model, check_no_leakage
from tests.support.synthetic_data import synthetic

LEVELS = (0.1, 0.5, 0.9)
KERNEL = KernelQuantiles(projections=40)
#: Learns each row that it sees by heart.
BY_HEART = LightGBMQuantiles(
    folds=0, n_estimators=80, learning_rate=0.3, min_child_samples=1, num_leaves=63, extra_trees=False
)


def _rows(rows: int = 2400, *, seed: int = 0) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """A curve of two columns over hundred days, with a level that trees may leave out."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024", periods=rows, freq="1h", tz="UTC")
    X = pd.DataFrame(rng.uniform(size=(rows, 3)), index, ["x", "z", "level"])
    X["hour"] = index.hour.to_numpy(dtype=float)
    y = X["level"] + np.sin(5 * (X["x"] + X["z"])) + 0.3 * rng.normal(size=rows)
    return X, y.to_numpy()


def _stacked(*base: QuantileModel, **settings: Any) -> LightGBMQuantiles:
    return LightGBMQuantiles(LEVELS, base_models=base, **({"n_estimators": 40} | settings))


def _loss(model: QuantileModel, X: pd.DataFrame, y: npt.NDArray[np.float64]) -> float:
    """Pinball loss of the last third by a fit on the rows before."""
    error = y[1600:, None] - model.fit(X[:1600], y[:1600]).predict(X[1600:])
    levels = np.array(LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


@pytest.mark.parametrize("model", [LinearQuantiles(), BY_HEART, KERNEL])
def test_outcomes_of_a_fold_do_not_change_its_columns(model: QuantileModel) -> None:
    X, y = _rows()
    fold = folds_along_time(X.index, folds=3, blocks_per_fold=12)
    other = y.copy()
    other[fold == 1] = np.random.default_rng(1).permutation(y[fold == 1])
    before, after = (
        fit_base_columns([model], X, outcome, weight=None, bounds=(-np.inf, np.inf))[1]
        for outcome in (y, other)
    )
    np.testing.assert_array_equal(before[fold == 1], after[fold == 1])
    assert (before[fold != 1] != after[fold != 1]).any(axis=1).mean() > 0.5


def test_trees_do_not_trust_a_base_model_that_learns_by_heart() -> None:
    """In-sample columns would be the outcomes themselves, and intervals would close."""
    X, y = _rows()
    X["random"] = np.random.default_rng(2).uniform(size=len(X))
    noise = np.random.default_rng(3).normal(size=len(y))
    model = _stacked(BY_HEART).fit(X[:2000], noise[:2000])
    inside = model.predict(X[2000:])
    held = ((inside[:, 0] <= noise[2000:]) & (noise[2000:] <= inside[:, 2])).mean()
    assert 0.72 < held < 0.88


def test_a_smooth_base_model_lowers_the_loss_of_trees() -> None:
    X, y = _rows()

    assert _loss(_stacked(KERNEL), X, y) < 0.97 * _loss(_stacked(), X, y)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"relative_to": "level", "relative_columns": ("x",)},
        {"share_of": "level"},
        {"linear_base": True, "exclude": ("hour",)},
        {"sharing": "none", "n_estimators": 5},
    ],
)
def test_shapley_values_name_the_base_models_and_add_up(settings: dict[str, Any]) -> None:
    X, y = _rows(800)
    model = _stacked(LinearQuantiles(), Climatology(), LinearQuantiles(), **settings).fit(X, y)
    told = model.contributions(X[:40], quantile=0.9)
    assert list(told)[: X.shape[1]] == list(X)
    named = [
        f"{name}[{item}]"
        for name in ("LinearQuantiles", "Climatology", "LinearQuantiles 2")
        for item in ("mean", 0.1, 0.5, 0.9)
    ]
    assert list(told)[X.shape[1] :] == [*named, "base"]
    # Forecasts are cut at the range of training; contributions are not.
    np.testing.assert_allclose(told.sum(axis=1), model.predict(X[:40])[:, 2], atol=0.02)
    assert list(model.gain().index) == [*X, *named]
    assert model.gain().sum() == pytest.approx(1.0)
    assert model.gain()[named].sum() > 0.1


def test_the_mean_of_models_with_and_without_base_models_is_told() -> None:
    X, y = _rows(800)
    both = {"plain": _stacked(), "stacked": _stacked(KERNEL)}
    model = SelectedModel(LEVELS, candidates=both, usual=tuple(both), blend=False).fit(X, y)
    told = model.contributions(X[:20])
    assert list(told)[-5:] == [*(f"KernelQuantiles[{item}]" for item in ("mean", *LEVELS)), "base"]
    assert told.notna().all(axis=None)
    assert model.gain().sum() == pytest.approx(1.0)


def test_columns_that_trees_leave_out_reach_base_models() -> None:
    X, y = _rows()
    y = y + 2 * X["level"].to_numpy()
    seeing, blind = (_stacked(*base, exclude=("level",)) for base in ((LinearQuantiles(),), ()))
    assert _loss(seeing, X, y) < 0.8 * _loss(blind, X, y)


def test_a_base_model_has_its_columns_or_is_refused() -> None:
    X, y = _rows(300)
    with pytest.raises(SchemaError, match=r"without \['hour'\]"):
        _stacked(Climatology()).fit(X.drop(columns="hour"), y)
    candidates = {"stacked": _stacked(Climatology()), "plain": _stacked()}
    chosen = SelectedModel(LEVELS, candidates=candidates).fit(X.drop(columns="hour"), y)
    assert list(chosen.models_) == ["plain"]
    with pytest.raises(SchemaError, match="base_models"):
        LightGBMQuantiles(base_models=("KernelQuantiles",)).fit(X, y)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
def test_too_few_rows_for_folds_leave_base_models_without_effect() -> None:
    X, y = _rows(60)
    plain, stacked = (_stacked(*base).fit(X, y).predict(X) for base in ((), (LinearQuantiles(),)))
    np.testing.assert_array_equal(plain, stacked)


def test_base_models_wait_until_rows_span_so_many_years() -> None:
    X, y = _rows(2400)  # 0.27 a
    plain, waiting, stacked = (
        _stacked(*base, base_after=years).fit(X, y)
        for base, years in (((), 0.0), ((LinearQuantiles(),), 0.28), ((LinearQuantiles(),), 0.27))
    )
    np.testing.assert_array_equal(plain.predict(X), waiting.predict(X))
    assert list(waiting.gain().index) == list(X)
    assert "LinearQuantiles[0.5]" in stacked.gain()
    again = sklearn.base.clone(waiting)
    again.columns_, again.bounds_ = waiting.columns_, waiting.bounds_
    again.restore(waiting.parts())
    np.testing.assert_array_equal(again.predict(X), waiting.predict(X))


def test_weights_reach_base_models() -> None:
    X, y = _rows(1200)
    weight = np.where(X["x"] < 0.5, 1.0, 0.0)
    doubled = y + np.where(X["x"] < 0.5, 0.0, 100.0)
    model = _stacked(LinearQuantiles()).fit(X, doubled, sample_weight=weight)
    assert model.predict(X).max() < 10


def test_any_model_gives_quantiles_of_rows_it_has_not_seen() -> None:
    X, y = _rows(400)
    fold = np.arange(400) % 2
    model = Climatology(LEVELS, by=("hour",))
    curves = out_of_fold(model, X, y, fold=fold, sample_weight=None, bounds=(-np.inf, np.inf))
    other = sklearn.base.clone(model).fit(X[fold == 1], y[fold == 1]).predict(X[fold == 0])
    np.testing.assert_array_equal(curves[fold == 0], other)
    np.testing.assert_array_equal(model.predict(X), sklearn.base.clone(model).fit(X, y).predict(X))


def test_stacked_trees_keep_the_contract_of_models() -> None:
    X, y = _rows(700)
    check_model(_stacked(KERNEL, LinearQuantiles(), n_estimators=10), X.reset_index(drop=True), y)


def test_a_stored_forecaster_forecasts_the_same_and_a_second_fit_too(tmp_path: Path) -> None:
    given = synthetic(days=50)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
    made = [ef.Forecaster(given.sites, task, model=_stacked(KERNEL, Climatology())) for _ in range(2)]
    first, second = (
        each.fit(given.weather, given.power, as_of="2024-02-10").predict(
            given.weather, issue_time="2024-02-15 09:00"
        )
        for each in made
    )
    np.testing.assert_array_equal(first.data.values, second.data.values)
    again = ef.load(made[0].save(tmp_path / "farm.forecaster"))
    told = again.predict(given.weather, issue_time="2024-02-15 09:00")
    np.testing.assert_array_equal(told.data.values, first.data.values)
    assert repr(again.model) == repr(made[0].model)


def test_nothing_after_the_issue_reaches_base_models() -> None:
    given = synthetic(days=50)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
    forecaster = ef.Forecaster(given.sites, task, model=_stacked(KERNEL, LinearQuantiles()))
    check_no_leakage(forecaster, given.weather, given.power, issue_time="2024-02-10 09:00", origins=1)


# --- Means of two kinds of model ------------------------------------------------------------------


def _mean_of_two(
    second: QuantileModel, X: pd.DataFrame, y: npt.NDArray[np.float64], *, trees: int = 80
) -> SelectedModel:
    both = {"trees": _stacked(n_estimators=trees), "other": second}
    return SelectedModel(LEVELS, candidates=both, usual=tuple(both), weigh=True, blend=False).fit(X, y)


def test_the_better_of_two_models_has_the_larger_share() -> None:
    X, y = _rows(1600)
    smooth = _mean_of_two(KernelQuantiles(), X, y, trees=15)
    assert list(smooth.models_) == ["trees", "other"]
    assert smooth.shares_[1] >= 0.7
    steps = np.floor(8 * X["x"].to_numpy()) % 2 + 0.1 * y
    assert _mean_of_two(KernelQuantiles(projections=5), X, steps).shares_[0] >= 0.7


def test_halves_are_kept_where_others_are_not_better_beyond_noise() -> None:
    X, y = _rows(800)
    noise = np.random.default_rng(0).normal(size=len(y))
    model = _mean_of_two(_stacked(n_estimators=80), X, noise)
    np.testing.assert_array_equal(model.shares_, [0.5, 0.5])
    again = sklearn.base.clone(model)
    again.columns_, again.bounds_ = model.columns_, model.bounds_
    again.restore(model.parts())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_a_weighed_mean_is_calibrated_and_shares_reach_its_forecast() -> None:
    X, y = _rows()
    model = _mean_of_two(KERNEL, X[:1600], y[:1600])
    low, _, high = model.predict(X[1600:]).T
    assert 0.74 < ((low <= y[1600:]) & (y[1600:] <= high)).mean() < 0.86
    model.shares_ = np.array([0.0, 1.0])
    alone = model.models_["other"].predict(X[1600:])
    model.correction_ = np.empty((0, model.correction_.shape[1]))
    middle = model.models_["other"].levels.index(0.5)
    np.testing.assert_allclose(model.predict(X[1600:])[:, 1], alone[:, middle])


def test_a_choice_without_trees_has_no_gain_of_columns() -> None:
    X, y = _rows(400)
    model = SelectedModel(LEVELS, candidates={"linear": LinearQuantiles()}).fit(X, y)
    assert model.gain().empty
