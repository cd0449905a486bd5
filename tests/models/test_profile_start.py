"""Profiles with the spread of others, of a few of them, and of none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import RangeError
from energyforecast.models import ProfileStart

LEVELS = tuple(np.arange(1, 20) / 20)
COLUMN = "load_profile[H25]"


def _homes(count: int, rows: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Homes with a shape error of their own, in parts of their means: shape, outcome, home."""
    rng = np.random.default_rng(seed)
    shape = rng.uniform(0.4, 1.8, (count, rows))
    own = rng.lognormal(-0.045, 0.3, (count, 1)) ** (shape - 1)
    outcome = shape * own * rng.lognormal(-0.08, 0.4, (count, rows))
    return pd.DataFrame({COLUMN: shape.ravel()}), outcome.ravel(), np.repeat(np.arange(count), rows)


def _held(model: ProfileStart, X: pd.DataFrame, y: np.ndarray) -> float:
    low, high = model.predict(X)[:, [1, 17]].T
    return float(((low <= y) & (y <= high)).mean())


@pytest.mark.parametrize(("others", "least", "most"), [(2, 0.78, 0.97), (20, 0.76, 0.88)])
def test_the_central_80_percent_hold_new_homes_and_few_others_widen_them(
    others: int, least: float, most: float
) -> None:
    X, y, _ = _homes(others, 1000, seed=1)
    model = ProfileStart(LEVELS, single_load=0.4).fit(X, y, sample_weight=np.full(len(y), 1 / 1000))
    new, outcome, _ = _homes(40, 200, seed=2)
    assert least <= _held(model, new, outcome) <= most


def test_the_mean_of_the_quantiles_is_the_profile() -> None:
    X = pd.DataFrame({COLUMN: [0.5, 1.0, 2.0]})
    levels = tuple((np.arange(999) + 0.5) / 999)
    model = ProfileStart(levels, mean=3.0, spread=0.5, single_load=0.1).fit(X[:0], np.empty(0))
    np.testing.assert_allclose(model.predict(X).mean(axis=1), 3.0 * X[COLUMN], rtol=0.01)


def test_many_rows_have_the_quantiles_of_few() -> None:
    X = pd.DataFrame({COLUMN: np.linspace(0.2, 3.0, 5000)})
    model = ProfileStart(LEVELS, single_load=0.4).fit(X[:0], np.empty(0))
    some = X.iloc[::97]
    np.testing.assert_allclose(model.predict(X)[::97], model.predict(some), rtol=2e-3)


def test_each_of_the_others_counts_as_much_as_any() -> None:
    low, high = (pd.DataFrame({COLUMN: np.ones(count)}) for count in (100, 10_000))
    y = np.concatenate([np.full(100, 0.5), np.full(10_000, 1.5)])
    weight = np.concatenate([np.full(100, 1 / 100), np.full(10_000, 1 / 10_000)])
    model = ProfileStart((0.25, 0.75), energy_error=0.0, counts_as=0.0)
    model.fit(pd.concat([low, high]), y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(low[:1]), [[0.5, 1.5]])


@pytest.mark.parametrize(
    "wrong", [{"mean": 0.0}, {"spread": 0.0}, {"single_load": -1.0}, {"counts_as": -1.0}]
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    X = pd.DataFrame({COLUMN: [1.0]})
    with pytest.raises(RangeError, match=next(iter(wrong))):
        ProfileStart(LEVELS, **wrong).fit(X[:0], np.empty(0))
