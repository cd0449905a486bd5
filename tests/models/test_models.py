"""Quantile models: one contract for all, calibration of the trees, references by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import sklearn.base
from scipy import stats

import energyforecast
import energyforecast as ef
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.errors import MissingDataError, NotFittedError, RangeError, SchemaError
from energyforecast.models import Climatology, LightGBMQuantiles, Persistence, QuantileModel, SeasonalNaive

Array = npt.NDArray[np.float64]

#: Samples are small here: test_calibration.py asks for the warning.
pytestmark = pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")

#: ColdStart and ProfileStart, which may learn from nothing, and DemandResponse, which needs months of hours, have their
#: tests.
ELSEWHERE = ("ColdStart", "DemandResponse", "ProfileStart")
NAMES = sorted(name for name in QuantileModel.registry if not name.startswith("_") and name not in ELSEWHERE)
LEVELS = (0.1, 0.5, 0.9)
BOUNDS = (0.0, 5.0)
#: Settings that make a model small enough for many tests.
SMALL: dict[str, dict[str, Any]] = {
    "LightGBMQuantiles": {"n_estimators": 15, "folds": 3},
    "ConformalQuantiles": {"model": Climatology(), "by": "lead_time", "scaled": True},
    "Blend": {"model": Climatology()},
    "LinearQuantiles": {"spline_columns": ("x",)},
}
every_model = pytest.mark.parametrize("name", NAMES)


def _model(name: str, quantiles: tuple[float, ...] | None = LEVELS) -> QuantileModel:
    kind = QuantileModel.registry[name]
    settings = SMALL.get(name, {})
    return kind(quantiles, **settings)


def _sample(rows: int = 900, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """Outcomes whose spread grows with z, with the columns that the references ask for."""
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(size=rows), rng.uniform(size=rows)
    y = 1 + 2 * x + (0.1 + 0.8 * z) * rng.normal(size=rows)
    columns = {
        "x": x,
        "z": z,
        "hour": rng.integers(0, 24, rows).astype(float),
        "weekday": (weekday := rng.integers(0, 7, rows).astype(float)),
        "weekend": (weekday >= 5).astype(float),
        "season_cosine": np.cos(np.arange(rows) / 400),
        "season_sine": np.sin(np.arange(rows) / 400),
        "lead_time": rng.integers(15, 39, rows).astype(float),
        "newest": y + rng.normal(size=rows),
        "lag_168h": y + rng.normal(size=rows),
        "same_type_lag": y + rng.normal(size=rows),
        "mean_7x24h": y + rng.normal(size=rows),
        "day_class": rng.integers(0, 5, rows).astype(float),
        "power_curve": y + rng.normal(size=rows),
        "smart_persistence": y + rng.normal(size=rows),
        "clear_sky_power": np.full(rows, 5.0),
    }
    return pd.DataFrame(columns), y


def _restored(model: QuantileModel) -> QuantileModel:
    again: QuantileModel = sklearn.base.clone(model)
    again.columns_, again.bounds_ = model.columns_, model.bounds_
    again.restore(model.parts())
    return again


# --- The contract ---------------------------------------------------------------------------------


def test_the_models_of_the_library_are_all_under_contract() -> None:
    assert {"LightGBMQuantiles", "Climatology", "Persistence", "SeasonalNaive"} <= set(NAMES)


@every_model
@pytest.mark.parametrize("quantiles", [None, LEVELS, (0.5,)])
def test_predictions_are_rising_quantiles_inside_the_bounds(
    name: str, quantiles: tuple[float, ...] | None
) -> None:
    X, y = _sample()
    model = _model(name, quantiles)
    assert model.fit(X, np.clip(y, *BOUNDS), bounds=BOUNDS) is model
    new = _sample(50, seed=9)[0] * 1.5  # partly outside of what was learnt
    result = model.predict(new)
    assert result.shape == (50, len(PERCENTILES if quantiles is None else quantiles))
    assert np.isfinite(result).all()
    assert (np.diff(result, axis=1) >= 0).all()
    assert result.min() >= BOUNDS[0]
    assert result.max() <= BOUNDS[1]


@every_model
def test_the_same_seed_gives_the_same_forecast_to_the_bit(name: str) -> None:
    X, y = _sample()
    first, second = (_model(name).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@every_model
def test_a_restored_model_gives_the_same_forecast_to_the_bit(name: str) -> None:
    X, y = _sample()
    model = _model(name, PERCENTILES).fit(X, y, bounds=BOUNDS)
    for part in model.parts().values():
        assert isinstance(part, str) or part.dtype.kind == "f", "parts are texts and plain arrays"
    np.testing.assert_array_equal(_restored(model).predict(X), model.predict(X))


@every_model
def test_each_row_is_forecast_alone(name: str) -> None:
    X, y = _sample()
    model = _model(name).fit(X, y)
    new = _sample(20, seed=5)[0]
    alone = np.concatenate([model.predict(new.iloc[[k]]) for k in range(20)])
    np.testing.assert_array_equal(model.predict(new), alone)


@every_model
def test_other_columns_than_those_of_fit_are_refused(name: str) -> None:
    X, y = _sample(60)
    model = _model(name).fit(X, y)
    for other in (X.drop(columns="z"), X[X.columns[::-1]], X.assign(more=1.0), X.rename(columns={"x": "w"})):
        with pytest.raises(SchemaError) as caught:
            model.predict(other)
        assert len(str(caught.value).splitlines()) == 3


@every_model
@pytest.mark.parametrize("names", [["x", "x"], ["x", 1]])
def test_columns_without_a_name_of_their_own_are_refused(name: str, names: list[Any]) -> None:
    X, y = _sample(60)
    wrong = pd.concat([X, X[["x", "z"]].set_axis(names, axis=1)], axis=1)
    with pytest.raises(SchemaError, match="a text of its own") as caught:
        _model(name).fit(wrong, y)
    assert len(str(caught.value).splitlines()) == 3


@every_model
def test_no_rows_have_no_forecasts(name: str) -> None:
    X, y = _sample(150)
    assert _model(name).fit(X, y).predict(X[:0]).shape == (0, 3)


@pytest.mark.parametrize("name", ["LightGBMQuantiles", "KernelQuantiles"])
@pytest.mark.parametrize("words", [["a", "b"], ["a", 1.0], ["a", None]], ids=str)
def test_columns_of_texts_are_refused_with_the_remedy(name: str, words: list[Any]) -> None:
    X, y = _sample(60)
    text = X.assign(kind=pd.Series(words * 30, dtype=object))
    with pytest.raises(SchemaError, match="category") as caught:
        _model(name).fit(text, y)
    assert len(str(caught.value).splitlines()) == 3
    named = text.astype({"kind": "category"})
    assert np.isfinite(_model(name).fit(named, y).predict(named)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["LightGBMQuantiles", "KernelQuantiles"])
@pytest.mark.parametrize("huge", [1e300, -1e308, np.inf])
def test_numbers_beyond_single_precision_are_as_infinite_ones(name: str, huge: float) -> None:
    """Such as the fill values of files: they take no other row with them."""
    X, y = _sample(300)
    endless = X.assign(x=X["x"].where(X.index % 100 > 0, np.copysign(np.inf, huge)))
    given = X.assign(x=X["x"].where(X.index % 100 > 0, huge))
    model, same = _model(name).fit(given, y), _model(name).fit(endless, y)
    np.testing.assert_array_equal(model.predict(given), same.predict(endless))
    assert np.corrcoef(model.predict(X)[:, 1], y)[0, 1] > 0.5


@every_model
def test_an_unfitted_model_does_not_forecast(name: str) -> None:
    with pytest.raises(NotFittedError) as caught:
        _model(name).predict(_sample(3)[0])
    assert len(str(caught.value).splitlines()) == 3
    assert name in str(caught.value)


@every_model
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_outcome_that_is_not_finite_is_refused(name: str, value: float) -> None:
    X, y = _sample(30)
    y[7] = value
    with pytest.raises(MissingDataError) as caught:
        _model(name).fit(X, y)
    assert len(str(caught.value).splitlines()) == 3
    assert "29 are finite" in str(caught.value)


@every_model
@pytest.mark.parametrize("rows", [(0, 0), (10, 9)])
def test_no_rows_or_rows_without_outcome_are_refused(name: str, rows: tuple[int, int]) -> None:
    with pytest.raises(MissingDataError):
        _model(name).fit(_sample(rows[0])[0], _sample(rows[1])[1])


@every_model
@pytest.mark.parametrize("quantiles", [(0.9, 0.1), (0.1, 0.1, 0.9), (10.0, 90.0), ()])
def test_levels_that_do_not_rise_within_0_and_1_are_refused(name: str, quantiles: tuple[float, ...]) -> None:
    """Predictions are sorted: under levels that fall, each would carry the name of another."""
    with pytest.raises(RangeError) as caught:
        _model(name, quantiles).fit(*_sample(60))
    assert len(str(caught.value).splitlines()) == 3


@every_model
@pytest.mark.parametrize("rows", [1, 2, 5, 30])
def test_tiny_samples_give_quantiles_near_their_outcomes(name: str, rows: int) -> None:
    X, y = _sample(rows)
    for past in ("newest", "lag_168h", "same_type_lag", "mean_7x24h", "power_curve", "smart_persistence"):
        X[past] = y  # a value that was right
    result = _model(name).fit(X, y, bounds=BOUNDS).predict(X)
    assert result.shape == (rows, 3)
    assert np.isfinite(result).all()
    assert y.min() - 1e-6 <= result.min() <= result.max() <= y.max() + 1e-6


@every_model
def test_a_constant_outcome_is_forecast_as_itself(name: str) -> None:
    X, _ = _sample(700)
    for past in ("newest", "lag_168h", "same_type_lag", "mean_7x24h", "power_curve", "smart_persistence"):
        X[past] = 2.5
    result = _model(name).fit(X, np.full(700, 2.5), bounds=BOUNDS).predict(X)
    np.testing.assert_allclose(result, 2.5, atol=1e-6)


@every_model
def test_parameters_are_stored_as_given_and_cloned(name: str) -> None:
    model = _model(name)
    parameters = model.get_params()
    assert parameters["quantiles"] == LEVELS
    again = sklearn.base.clone(model.fit(*_sample(60)))
    assert repr(again.get_params()) == repr(parameters)  # a model inside is equal by what it says
    assert not hasattr(again, "columns_")
    assert model.set_params(quantiles=(0.5,)).get_params()["quantiles"] == (0.5,)


@every_model
def test_fit_changes_neither_its_features_nor_its_outcomes(name: str) -> None:
    X, y = _sample(60)
    before = X.copy(), y.copy()
    _model(name).fit(X, y, bounds=BOUNDS).predict(X)
    pd.testing.assert_frame_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@every_model
def test_a_second_fit_forgets_the_first(name: str) -> None:
    X, y = _sample(700)
    refitted = _model(name).fit(X, y + 1, bounds=BOUNDS).fit(X, y)
    np.testing.assert_array_equal(refitted.predict(X), _model(name).fit(X, y).predict(X))


@pytest.mark.parametrize(
    "name", ["Climatology", "LightGBMQuantiles", "Persistence", "SameTypeDay", "SeasonalNaive"]
)
def test_equal_weights_are_no_weights(name: str) -> None:
    X, y = _sample(700)
    weighted = _model(name).fit(X, y, sample_weight=np.full(700, 2.0)).predict(X)
    np.testing.assert_allclose(weighted, _model(name).fit(X, y).predict(X), atol=1e-6)


# --- Trees ----------------------------------------------------------------------------------------


def _covered(outcome: Array, quantiles: Array) -> Array:
    """Share inside the central intervals of 50, 80 and 90 %. [%]"""
    at = {level: quantiles[:, k] for k, level in enumerate(PERCENTILES)}
    pairs = ((0.25, 0.75), (0.1, 0.9), (0.05, 0.95))
    return np.array([100 * np.mean((at[low] <= outcome) & (outcome <= at[high])) for low, high in pairs])


def _trees(folds: int, X: pd.DataFrame, y: Array, new: pd.DataFrame, **settings: object) -> Array:
    return LightGBMQuantiles(folds=folds, **settings).fit(X, y).predict(new)  # type: ignore[arg-type]


def test_trees_are_calibrated_where_the_spread_depends_on_a_feature() -> None:
    (X, y), (new, outcome) = _sample(4000, seed=1), _sample(4000, seed=2)
    columns = ["x", "z"]
    result = _trees(5, X[columns], y, new[columns])
    np.testing.assert_allclose(_covered(outcome, result), [50, 80, 90], atol=3)
    # ... in calm and in rough conditions, not only on average.
    rough = (new["z"] > 0.5).to_numpy()
    for part in (rough, ~rough):
        np.testing.assert_allclose(_covered(outcome[part], result[part]), [50, 80, 90], atol=6)
    true = (0.1 + 0.8 * new["z"].to_numpy()) * 2 * stats.norm.ppf(0.9)
    found = result[:, PERCENTILES.index(0.9)] - result[:, PERCENTILES.index(0.1)]
    assert np.corrcoef(true, found)[0, 1] > 0.95


def test_calibration_mends_trees_that_overfit() -> None:
    (X, y), (new, outcome) = _sample(2000, seed=1), _sample(4000, seed=2)
    columns = ["x", "z"]
    wild = {
        "sharing": "none",
        "extra_trees": False,
        "n_estimators": 30,
        "num_leaves": 31,
        "min_child_samples": 10,
        "learning_rate": 0.2,
    }
    raw, mended = (_covered(outcome, _trees(folds, X[columns], y, new[columns], **wild)) for folds in (0, 5))
    assert raw[1] < 75, "the setting overfits"
    assert raw[2] < 85, "the setting overfits"
    np.testing.assert_allclose(mended, [50, 80, 90], atol=3)


@pytest.mark.parametrize("bound", [0.0, 5.0])
def test_quantiles_lie_on_a_bound_where_many_outcomes_do(bound: float) -> None:
    """Power is exactly 0 in a calm, exactly full in a storm: a quantile just inside would leave all of that out."""

    def sample(seed: int) -> tuple[pd.DataFrame, Array]:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 3, 4000)
        y = np.clip(x + 0.5 * rng.normal(size=4000), 0, 5)
        return pd.DataFrame({"x": x, "z": rng.uniform(size=4000)}), np.abs(bound - y)

    (X, y), (new, outcome) = sample(1), sample(2)
    result = LightGBMQuantiles(LEVELS).fit(X, y, bounds=BOUNDS).predict(new)
    low, high = result[:, 0], result[:, 2]
    at_bound = high if bound else low
    often = (new["x"] < 0).to_numpy()  # more than half of the outcomes
    assert np.mean(at_bound[often] == bound) > 0.85
    assert np.mean(outcome < low) < 0.12
    assert np.mean(outcome > high) < 0.12


def test_features_that_are_missing_are_no_obstacle_to_trees() -> None:
    X, y = _sample()
    holes = X.mask(np.random.default_rng(0).uniform(size=X.shape) < 0.3)
    holes["never"] = np.nan
    result = _model("LightGBMQuantiles").fit(holes, y, bounds=BOUNDS).predict(holes * np.nan)
    assert np.isfinite(result).all()


@pytest.mark.parametrize(("factor", "tolerance"), [(1024.0, 0.0), (1000.0, 1e-5)])
def test_the_unit_of_the_outcome_does_not_matter_to_trees(factor: float, tolerance: float) -> None:
    """To the bit for powers of two; else only the rounding of float32 remains (measured: 7e-7)."""
    X, y = _sample(1200)
    y = np.clip(y, *BOUNDS)
    small = _model("LightGBMQuantiles").fit(X, y, bounds=BOUNDS).predict(X)
    large = _model("LightGBMQuantiles").fit(X, y * factor, bounds=(0.0, 5.0 * factor)).predict(X)
    np.testing.assert_allclose(large / factor, small, rtol=0, atol=tolerance)


@pytest.mark.parametrize("folds", [0, 5])
def test_trees_respect_weights_also_where_they_are_calibrated(folds: int) -> None:
    """Half of the outcomes are 0, half are 1, and a one weighs as much as nine zeros: 90 % are ones."""
    X, _ = _sample(2000)
    y = np.arange(2000) % 2.0
    model = LightGBMQuantiles((0.05, 0.25, 0.5), n_estimators=20, folds=folds)
    result = model.fit(X[["x", "z"]], y, sample_weight=np.where(y == 1, 9.0, 1.0)).predict(X[["x", "z"]])
    np.testing.assert_allclose(result.mean(axis=0), [0, 1, 1], atol=0.1)


@pytest.mark.parametrize("fitted", [(0.1, 0.5, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)])
def test_levels_between_those_fitted_lie_between_them(fitted: tuple[float, ...]) -> None:
    X, y = _sample(2000)
    fine = tuple(sorted({*fitted, 0.3, 0.6}))
    model = LightGBMQuantiles(fine, fitted_quantiles=fitted, n_estimators=20, folds=0).fit(X, y)
    direct = LightGBMQuantiles(fitted, fitted_quantiles=fitted, n_estimators=20, folds=0).fit(X, y)
    result = model.predict(X)
    np.testing.assert_allclose(result[:, [fine.index(level) for level in fitted]], direct.predict(X))
    assert (result[:, fine.index(0.3)] >= result[:, fine.index(fitted[0])]).all()


@pytest.mark.parametrize("fitted", [(0.9, 0.5, 0.1), (0.5,), ()])
def test_levels_to_fit_that_make_no_curve_are_refused(fitted: tuple[float, ...]) -> None:
    with pytest.raises(RangeError) as caught:
        LightGBMQuantiles(LEVELS, fitted_quantiles=fitted, n_estimators=5).fit(*_sample(60))
    assert len(str(caught.value).splitlines()) == 3


def test_boosters_use_one_thread() -> None:
    """Threads that compete for a busy machine were 8 to 30 times slower; processes run side by side."""
    text = _model("LightGBMQuantiles").fit(*_sample(60)).parts()["booster_0"]
    assert "[num_threads: 1]" in str(text)


@pytest.mark.slow
def test_a_missing_openmp_runtime_is_told_with_its_remedy(tmp_path: Path) -> None:
    stub = tmp_path / "lightgbm"
    stub.mkdir()
    (stub / "__init__.py").write_text(
        'raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")\n'
    )
    code = """
import numpy as np, pandas as pd
from energyforecast.errors import DependencyError
from energyforecast.models import LightGBMQuantiles
try:
    LightGBMQuantiles().fit(pd.DataFrame({"x": np.arange(9.0)}), np.arange(9.0))
except DependencyError as error:
    print(error)
"""
    home = Path(energyforecast.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(home)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout + done.stderr
    assert "libgomp.so.1" in lines[0]
    assert "apt-get install libgomp1" in lines[2]


# --- References by hand ---------------------------------------------------------------------------


def test_climatology_is_the_quantiles_of_its_group() -> None:
    X = pd.DataFrame({"hour": [0.0] * 5 + [12.0] * 3})
    y = np.array([5.0, 1, 3, 2, 4, 10, 30, 20])
    model = Climatology((0.25, 0.5, 0.9)).fit(X, y)
    new = pd.DataFrame({"hour": [12.0, 0.0]})
    np.testing.assert_allclose(model.predict(new), [[15, 20, 28], [2, 3, 4.6]])


def test_climatology_of_an_unknown_group_is_that_of_all() -> None:
    X = pd.DataFrame({"hour": [0.0, 0.0, 12.0, 12.0]})
    model = Climatology((0.5,)).fit(X, np.array([1.0, 2.0, 7.0, 8.0]))
    assert model.predict(pd.DataFrame({"hour": [6.0]})).tolist() == [[4.5]]


def test_climatology_groups_by_several_columns() -> None:
    X = pd.DataFrame({"hour": [0.0, 0.0, 1.0, 1.0], "month": [1.0, 7.0, 1.0, 7.0]})
    model = Climatology((0.5,), by=("hour", "month"))
    assert model.needs == ("hour", "month")
    assert model.fit(X, np.array([1.0, 2.0, 3.0, 4.0])).predict(X).ravel().tolist() == [1, 2, 3, 4]


def test_persistence_adds_the_errors_of_each_lead_to_the_newest_value() -> None:
    # Errors at lead 1: -1, 0, 1; at lead 2: -4, 0, 4.
    X = pd.DataFrame({"newest": [5.0] * 6, "lead_time": [1.0, 1, 1, 2, 2, 2]})
    model = Persistence((0.25, 0.5, 0.75)).fit(X, 5 + np.array([-1.0, 0, 1, -4, 0, 4]))
    new = pd.DataFrame({"newest": [20.0, 20.0, 20.0], "lead_time": [1.0, 2.0, 99.0]})
    np.testing.assert_allclose(model.predict(new), [[19.5, 20, 20.5], [18, 20, 22], [19.25, 20, 20.75]])


def test_persistence_is_cut_at_the_bounds() -> None:
    X = pd.DataFrame({"newest": [5.0] * 3, "lead_time": [1.0] * 3})
    model = Persistence((0.1, 0.9)).fit(X, np.array([1.0, 5.0, 9.0]), bounds=(0.0, 10.0))
    assert model.predict(pd.DataFrame({"newest": [0.0], "lead_time": [1.0]})).tolist() == [[0.0, 3.2]]


def test_seasonal_naive_adds_the_errors_of_a_season() -> None:
    X = pd.DataFrame({"lag_168h": [1.0, 2.0, 3.0], "hour": 0.0, "day_class": 0.0})
    model = SeasonalNaive((0.5, 0.75)).fit(X, np.array([2.0, 2.0, 5.0]))  # errors 1, 0, 2
    new = pd.DataFrame({"lag_168h": [10.0], "hour": 0.0, "day_class": 0.0})
    assert model.predict(new).tolist() == [[11.0, 11.5]]
    assert SeasonalNaive(season="24h").needs == ("lag_24h", "hour", "day_class")


@pytest.mark.parametrize("name", ["SeasonalNaive", "SameTypeDay"])
def test_errors_of_an_hour_and_class_of_day_are_its_own_where_there_are_twenty(name: str) -> None:
    """Errors of 1 at 13:00 on working days, 2 on Sundays, 0 at night; six of bridge days and holidays."""
    groups = {(13.0, 0.0): 1.0, (13.75, 0.0): 1.0, (13.0, 3.0): 2.0, (2.0, 0.0): 0.0}
    parts = [
        pd.DataFrame({"hour": hour, "day_class": kind, "error": error}, index=range(20))
        for (hour, kind), error in groups.items()
    ]
    rare = [
        pd.DataFrame({"hour": 13.0, "day_class": kind, "error": 50.0}, index=range(6)) for kind in (1.0, 4.0)
    ]
    table = pd.concat([*parts, *rare], ignore_index=True)
    column = "lag_168h" if name == "SeasonalNaive" else "same_type_lag"
    model = getattr(ef, name)((0.5,)).fit(
        table[["hour", "day_class"]].assign(**{column: 5.0}), 5.0 + table["error"].to_numpy()
    )
    asked = [(13.5, 0.0), (13.0, 3.0), (2.0, 0.0), (13.0, 1.0), (13.0, 4.0), (7.0, 0.0)]
    new = pd.DataFrame(asked, columns=["hour", "day_class"]).assign(**{column: 0.0})
    # A bridge day takes all working days, a holiday all days off, and an unseen hour all errors.
    assert model.predict(new).ravel().tolist() == [1.0, 2.0, 0.0, 1.0, 2.0, 1.0]


@pytest.mark.parametrize("name", ["Persistence", "SameTypeDay", "SeasonalNaive"])
def test_rows_without_a_past_value_teach_nothing(name: str) -> None:
    X, y = _sample(200)
    hidden = X.copy()
    hidden.loc[:49, ["newest", "lag_168h", "same_type_lag"]] = np.nan
    learnt = _model(name).fit(hidden, y).predict(X)
    np.testing.assert_array_equal(learnt, _model(name).fit(X[50:], y[50:]).predict(X))


@pytest.mark.parametrize("name", ["Persistence", "SameTypeDay", "SeasonalNaive"])
def test_an_unknown_past_value_is_answered_by_the_quantiles_of_all_outcomes(name: str) -> None:
    """At the very beginning nothing was published yet; the answer is wide, not missing."""
    X, y = _sample(200)
    unknown = X.assign(newest=np.nan, lag_168h=np.nan, same_type_lag=np.nan)
    result = _model(name).fit(X, y).predict(unknown)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("name", ["Climatology", "Persistence", "SameTypeDay", "SeasonalNaive"])
def test_a_reference_leaves_out_rows_of_no_weight(name: str) -> None:
    X, y = _sample(600)
    wrong = y.copy()
    wrong[:300] += 100.0
    weight = np.r_[np.zeros(300), np.ones(300)]
    weighted = _model(name).fit(X, wrong, sample_weight=weight)
    only = _model(name).fit(X[300:], y[300:], sample_weight=weight[300:])
    np.testing.assert_allclose(weighted.predict(X), only.predict(X))
