"""Several weather models: their base models are weighed by what they are worth, and one may be missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import MissingDataError, RangeError, SchemaError
from energyforecast.models import Blend, LinearQuantiles
from energyforecast.testing import check_model, check_no_leakage
from tests.support.synthetic_data import replaced, synthetic

Array = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)


class ByHeart(LinearQuantiles):
    """The outcome of each row that it has seen, if it can tell rows."""

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        super()._fit(X, y, sample_weight)
        self.known_ = dict(zip(X["blind:row"], y, strict=True)) if "blind:row" in X else {}

    def _predict(self, X: pd.DataFrame) -> Array:
        found = super()._predict(X)
        for k, row in enumerate(X["blind:row"] if self.known_ else ()):
            found[k] = self.known_.get(row, found[k])
        return found


def _sample(rows: int = 3000, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """A truth that one model sees with small errors, one with large ones, and one not at all."""
    noise = np.random.default_rng(seed)
    truth = noise.normal(size=rows)
    columns = {f"{name}:wind": truth + spread * noise.normal(size=rows) for name, spread in _SPREAD.items()}
    return pd.DataFrame(columns | {"hour": np.arange(rows) % 24.0}), truth


_SPREAD = {"sharp": 0.3, "blunt": 0.9, "blind": 30.0}


def _loss(y: Array, q: Array) -> float:
    error = y[:, None] - q
    return float(np.maximum(np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error).mean())


def _blend(**settings: object) -> Blend:
    return Blend(LEVELS, model=LinearQuantiles(fitted_quantiles=LEVELS), **settings)


def test_weights_follow_worth_and_beat_equal_ones() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)
    blend = _blend(combination="weights").fit(X, y)
    weights = blend.weights()
    np.testing.assert_allclose(weights.sum(), 1)
    assert (weights.to_numpy() >= 0).all()
    assert weights.loc["sharp", 0.5] > 0.7 > 0.1 > weights.loc["blind", 0.5]
    equal = _blend(combination="equal").fit(X, y)
    best = LinearQuantiles(LEVELS, fitted_quantiles=LEVELS).fit(X[["sharp:wind", "hour"]], y)
    fitted, others = _loss(truth, blend.predict(new)), _loss(truth, equal.predict(new))
    assert fitted < 0.9 * others
    assert fitted < 1.01 * _loss(truth, best.predict(new[["sharp:wind", "hour"]]))


every_combination = pytest.mark.parametrize("combination", ["regression", "weights", "equal"])


def _halves(rows: int = 3000, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """A truth of two parts, and each weather model sees one."""
    noise = np.random.default_rng(seed)
    X = pd.DataFrame({"first:wind": noise.normal(size=rows), "second:wind": noise.normal(size=rows)})
    return X, X.sum(axis=1).to_numpy() + 0.2 * noise.normal(size=rows)


def test_regression_adds_up_what_sisters_know_apart() -> None:
    """No mean can: the sum of two halves lies outside of both."""
    (X, y), (new, truth) = _halves(), _halves(seed=1)
    regression, weights = (_blend(combination=way).fit(X, y) for way in ("regression", "weights"))
    assert _loss(truth, regression.predict(new)) < 0.4 * _loss(truth, weights.predict(new))
    slopes = regression.regressions_["first", "second"].coefficients()[0.5]
    assert slopes.filter(like="first").sum() == pytest.approx(1, abs=0.1)


class Narrow(LinearQuantiles):
    """Too sure of itself."""

    def _predict(self, X: pd.DataFrame) -> Array:
        found = super()._predict(X)
        return np.asarray(found[:, 1:2] + 0.3 * (found - found[:, 1:2]))


def test_regression_widens_sisters_that_are_too_narrow() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)

    def covered(way: str) -> float:
        blend = Blend(
            LEVELS, model=Narrow(fitted_quantiles=LEVELS), combination=way, sources=("sharp", "blunt")
        )
        low, _, high = blend.fit(X, y).predict(new).T
        return float(np.mean((low <= truth) & (truth <= high)))

    assert covered("equal") < 0.5
    assert covered("regression") == pytest.approx(0.8, abs=0.03)


def test_without_the_weather_of_one_a_regression_on_the_others_answers() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)
    blend = _blend().fit(X, y)
    assert set(blend.regressions_) == {tuple(_SPREAD), *(tuple(set_) for set_ in _pairs())}
    lost = new.assign(**{"blind:wind": np.nan})
    pair = _blend(sources=("sharp", "blunt")).fit(X, y)
    np.testing.assert_array_equal(blend.predict(lost), pair.predict(lost))
    lone = new.assign(**{"blind:wind": np.nan, "sharp:wind": np.nan})
    equal = _blend(combination="equal").fit(X, y)
    np.testing.assert_array_equal(blend.predict(lone), equal.predict(lone))
    assert _loss(truth, blend.predict(lone)) < 0.5


def _pairs() -> list[tuple[str, str]]:
    return [("sharp", "blunt"), ("sharp", "blind"), ("blunt", "blind")]


def test_few_rows_make_no_regression() -> None:
    """Nine quantiles and an intercept, of hours that resemble each other: 40 rows for each."""
    X, y = _sample(399)
    few, equal = _blend(folds=2).fit(X, y), _blend(folds=2, combination="equal").fit(X, y)
    np.testing.assert_array_equal(few.predict(X), equal.predict(X))
    assert tuple(_SPREAD) not in few.regressions_
    assert tuple(_SPREAD) in _blend(folds=2).fit(*_sample(400)).regressions_
    assert not _blend(folds=2).fit(*_sample(199)).regressions_


def test_rows_without_weight_do_not_count() -> None:
    X, y = _sample()
    spoilt = np.where(np.arange(len(y)) % 2, y, 100.0)
    blend = _blend().fit(X, spoilt, sample_weight=(np.arange(len(y)) % 2).astype(float))
    assert _loss(y, blend.predict(X)) < 0.15
    assert not _blend().fit(X[:600], y[:600], sample_weight=(np.arange(600) < 200) * 1.0).regressions_


@every_combination
def test_every_combination_keeps_the_contract_also_where_weather_is_missing(combination: str) -> None:
    X, y = _sample(1200)
    X.loc[X.index % 7 == 0, "sharp:wind"] = np.nan
    X.loc[X.index % 11 == 0, ["blunt:wind", "blind:wind"]] = np.nan
    X = X[X[[f"{name}:wind" for name in _SPREAD]].notna().any(axis=1)]
    y = np.clip(30 + 10 * y[X.index], 0, 60)
    check_model(Blend(model=LinearQuantiles(), folds=2, combination=combination), X, y)


@every_combination
def test_levels_that_are_close_together_or_far_from_the_middle(combination: str) -> None:
    X, y = _sample(1000)
    for levels in (np.linspace(0.51, 0.62, 12), np.array([0.1, *np.linspace(0.91, 0.99, 9)])):
        blend = Blend(tuple(levels), model=LinearQuantiles(), folds=2, combination=combination).fit(X, y)
        found = blend.predict(X)
        assert np.isfinite(found).all()
        assert np.mean(y[:, None] <= found, axis=0) == pytest.approx(levels, abs=0.06)


def test_far_from_what_was_seen_levels_do_not_cross_and_bounds_hold() -> None:
    X, y = _sample(1000)
    blend = _blend().fit(X, np.clip(y, -1, 1), bounds=(-1, 1))
    found = blend.predict(X.assign(**{"sharp:wind": 50.0, "blunt:wind": -50.0}))
    assert (np.diff(found, axis=1) >= 0).all()
    assert found.min() >= -1
    assert found.max() <= 1


def test_an_unknown_combination_is_refused() -> None:
    with pytest.raises(RangeError, match="'mean'") as caught:
        _blend(combination="mean").fit(*_sample(300))
    assert "regression" in str(caught.value)


def test_without_the_weather_of_one_the_others_answer() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)
    blend = _blend(combination="weights").fit(X, y)
    lost = new.assign(**{"sharp:wind": np.nan})
    alone = LinearQuantiles(LEVELS, fitted_quantiles=LEVELS).fit(X[["blunt:wind", "hour"]], y)
    assert _loss(truth, blend.predict(lost)) < 1.1 * _loss(truth, alone.predict(lost[["blunt:wind", "hour"]]))
    half = new.copy()
    half.loc[half.index[::2], "sharp:wind"] = np.nan
    np.testing.assert_array_equal(blend.predict(half)[1::2], blend.predict(new)[1::2])
    with pytest.raises(MissingDataError, match="no weather model"):
        blend.predict(new.assign(**{f"{name}:wind": np.nan for name in _SPREAD}))


@pytest.mark.parametrize("combination", ["regression", "weights"])
def test_combinations_are_found_on_rows_that_the_sisters_did_not_see(combination: str) -> None:
    """A base model that knows its rows by heart is worth nothing on others."""
    X, y = _sample(1200)
    X["blind:row"] = np.arange(len(X), dtype=float)
    model = ByHeart(fitted_quantiles=LEVELS)
    blend = Blend(LEVELS, model=model, sources=("sharp", "blind"), combination=combination).fit(X, y)
    new, truth = _sample(seed=1)
    new["blind:row"] = -1.0
    sharp = LinearQuantiles(LEVELS, fitted_quantiles=LEVELS).fit(X[["sharp:wind", "hour"]], y)
    assert _loss(truth, blend.predict(new)) < 1.1 * _loss(truth, sharp.predict(new[["sharp:wind", "hour"]]))


def test_a_weather_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(SchemaError, match="'gfs'"):
        _blend(sources=("sharp", "gfs")).fit(*_sample(300))
    X, y = _sample(300)
    with pytest.raises(MissingDataError, match="'blunt' has no value"):
        _blend().fit(X.assign(**{"blunt:wind": np.nan}), y)


def _two_models() -> tuple[object, dict[str, object]]:
    given = synthetic(days=50)
    noise = np.random.default_rng(5).normal(size=given.weather["wind_speed_100m"].shape)
    rough = np.clip(given.weather["wind_speed_100m"].values + 2 * noise, 0, None)
    return given, {"one": given.weather, "other": replaced(given.weather, "wind_speed_100m", rough)}


def test_a_forecaster_without_one_weather_model_answers_and_says_so() -> None:
    given, weather = _two_models()
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
    forecaster = ef.Forecaster(given.sites, task, model=_blend())
    forecaster.fit(weather, given.power, as_of="2024-02-10 00:00")
    assert set(forecaster.models_["farm 0"].weights().index) == {"one", "other"}
    issued = "2024-02-15 09:00"
    assert forecaster.predict(weather, issue_time=issued).data["fallback_level"].values == 0
    late = weather["one"].isel(init_time=weather["one"]["init_time"].values < np.datetime64("2024-02-13"))
    never = late.isel(lead_time=slice(0, 20))  # no run of it covers the window
    lost = forecaster.predict(weather | {"one": never}, issue_time=issued).data
    assert lost["fallback_level"].values == 2
    assert np.isfinite(lost.values).all()
    check_no_leakage(forecaster, weather, given.power, issue_time="2024-02-10 09:00", origins=1)
