"""Conformalised quantile regression against MAPIE."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.base import BaseEstimator, RegressorMixin

from energyforecast.models import ConformalQuantiles
from tests.support.fixed_quantiles import FixedQuantiles
from tests.support.oracles import Array, Pair, compared, peer

regression = peer("mapie.regression")

#: Held-out rows: 128 times half of each miss is a whole number, so that levels fall on residuals.
ROWS = 127
COVERAGES = (0.5, 0.75, 0.9375, 0.96875)


class Shifted(RegressorMixin, BaseEstimator):
    """One quantile of FixedQuantiles, as an estimator of scikit-learn that is fitted."""

    fitted_ = True

    def __init__(self, level: float) -> None:
        self.level = level

    def fit(self, X: Array, y: Array) -> Shifted:
        """Learn nothing."""
        return self

    def predict(self, X: Array) -> Array:
        """Quantile of each row."""
        return np.asarray(np.asarray(X)[:, 0] + ndtri(self.level))


def samples(rng: np.random.Generator, draws: int) -> Iterator[tuple[Array, Array]]:
    """Held-out rows: skewed errors, ties, wide ones."""
    for _ in range(draws):
        x, error = rng.normal(size=ROWS), rng.exponential(2.0, ROWS) - 1
        yield x, x + 3 * error
        yield x, np.round(x + 5 * rng.normal(size=ROWS))
        yield x, x + 1e3 * rng.normal(size=ROWS)


@compared(
    "Conformalised quantile regression, each end corrected alone",
    area="calibration",
    ours="models.ConformalQuantiles",
    theirs="ConformalizedQuantileRegressor",
    peer="MAPIE",
    convention="Between two residuals MAPIE takes the outer one, ours is linear: compared on residuals.",
    suite=10,
    benchmark=500,
)
def test_conformalised_quantile_regression(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for x, y in samples(rng, draws):
        for coverage in COVERAGES:
            low, high = (1 - coverage) / 2, (1 + coverage) / 2
            table = pd.DataFrame({"x": np.concatenate([np.zeros(9), x])})  # the first rows train
            model = ConformalQuantiles(
                (low, high), model=FixedQuantiles(), folds=0, share=(ROWS + 0.5) / len(table)
            ).fit(table, np.concatenate([np.zeros(9), y]))
            estimators = [Shifted(level) for level in (low, high, 0.5)]
            other = regression.ConformalizedQuantileRegressor(
                estimators, confidence_level=coverage, prefit=True
            )
            new = rng.normal(size=(5, 1))
            _, found = other.conformalize(x[:, None], y).predict_interval(new)
            yield model.predict(pd.DataFrame({"x": new[:, 0]})), found[:, :, 0]
