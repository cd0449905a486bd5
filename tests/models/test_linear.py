"""Linear quantile regression against an exact solver, with what is missing and what bends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.linear_model import QuantileRegressor

from energyforecast.errors import RangeError, SchemaError
from energyforecast.models import LinearQuantiles

Array = npt.NDArray[np.float64]


def _sample(rows: int = 1500, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    noise = np.random.default_rng(seed)
    X = pd.DataFrame(noise.normal(size=(rows, 3)) * [1, 100, 0.01] + [0, 500, 3], columns=["a", "b", "c"])
    spread = 1 + np.abs(X["a"].to_numpy())
    return X, 2 * X["a"].to_numpy() - 0.01 * X["b"].to_numpy() + 50 * X[
        "c"
    ].to_numpy() + spread * noise.gumbel(size=rows)


def _loss(y: Array, q: Array, level: float) -> float:
    return float(np.maximum(level * (y - q), (level - 1) * (y - q)).mean())


@pytest.mark.parametrize("level", [0.02, 0.1, 0.5, 0.9, 0.98])
def test_the_loss_is_that_of_an_exact_solver(level: float) -> None:
    X, y = _sample()
    exact = QuantileRegressor(quantile=level, alpha=0.0, solver="highs").fit((X - X.mean()) / X.std(), y)
    best = _loss(y, exact.predict((X - X.mean()) / X.std()), level)
    model = LinearQuantiles((level,), fitted_quantiles=(level,)).fit(X, y)
    assert best <= _loss(y, model.predict(X)[:, 0], level) + 1e-12 < 1.002 * best
    assert abs(np.mean(y <= model.predict(X)[:, 0]) - level) < 2 / len(y)


def test_coefficients_have_names_and_are_in_the_units_of_the_columns() -> None:
    X, y = _sample(6000)
    table = LinearQuantiles(fitted_quantiles=(0.5,)).fit(X, y).coefficients()[0.5]
    assert list(table.index) == ["intercept", "a", "b", "c"]
    np.testing.assert_allclose(table[["a", "b", "c"]], [2, -0.01, 50], rtol=0.15)
    by_hand = table["intercept"] + X.to_numpy() @ table[["a", "b", "c"]].to_numpy()
    np.testing.assert_allclose(
        by_hand, LinearQuantiles((0.5,), fitted_quantiles=(0.5,)).fit(X, y).predict(X)[:, 0]
    )


def test_the_unit_of_the_outcome_does_not_matter() -> None:
    X, y = _sample()
    one, other = (LinearQuantiles((0.1, 0.9)).fit(X, y * unit).predict(X) / unit for unit in (1.0, 1e4))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_bent_column_follows_a_power_curve() -> None:
    speed = np.random.default_rng(0).uniform(0, 25, 3000)
    power = np.clip((speed - 3) / 9, 0, 1)
    X = pd.DataFrame({"speed": speed})
    straight, bent = (
        _loss(power, LinearQuantiles((0.5,), spline_columns=how, knots=6).fit(X, power).predict(X)[:, 0], 0.5)
        for how in ((), ("sp*",))
    )
    assert bent < 0.2 * straight


def test_missing_values_are_counted_and_have_a_coefficient_of_their_own() -> None:
    """The outcome is 5 higher where the value is missing."""
    X, y = _sample(4000)
    gone = np.random.default_rng(3).uniform(size=len(X)) < 0.2
    holes = X.assign(b=X["b"].mask(gone), never=np.nan)
    model = LinearQuantiles((0.5,), fitted_quantiles=(0.5,)).fit(holes, y + 5 * gone)
    assert model.missing_ == {"b": int(gone.sum()), "never": len(X)}
    assert abs(model.coefficients().loc["b is missing", 0.5] - 5) < 0.5
    assert model.coefficients().loc["never", 0.5] == 0
    new = holes.iloc[:1].assign(a=np.nan)  # never missing in fit: the median stands for it
    np.testing.assert_allclose(model.predict(new), model.predict(new.assign(a=X["a"].median())))


def test_weights_of_rows_weigh() -> None:
    X, _ = _sample(2000)
    y = np.arange(2000) % 2.0
    model = LinearQuantiles((0.05, 0.25, 0.5), fitted_quantiles=(0.05, 0.25, 0.5))
    result = model.fit(X, y, sample_weight=np.where(y == 1, 9.0, 1.0)).predict(X)
    np.testing.assert_allclose(result.mean(axis=0), [0, 1, 1], atol=0.15)


def test_two_columns_that_say_the_same_share_their_coefficient() -> None:
    X, y = _sample()
    twice = X[["a"]].assign(copy=X["a"])
    table = LinearQuantiles(fitted_quantiles=(0.5,)).fit(twice, y).coefficients()[0.5]
    np.testing.assert_allclose(table["a"], table["copy"], rtol=1e-3)


@pytest.mark.parametrize("wrong", [{"knots": 0}, {"penalty": -1.0}, {"fitted_quantiles": (0.9, 0.1)}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RangeError) as caught:
        LinearQuantiles(**wrong).fit(*_sample(50))
    assert len(str(caught.value).splitlines()) == 3


def test_a_pattern_without_a_column_is_refused() -> None:
    with pytest.raises(SchemaError, match="'wind_"):
        LinearQuantiles(spline_columns=("wind_*",)).fit(*_sample(50))
