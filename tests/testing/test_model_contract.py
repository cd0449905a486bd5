"""The contract of a quantile model: kept by every built-in one, and caught where it is broken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import EnergyForecastError, LeakageError, SchemaError
from energyforecast.models import (
    Blend,
    Climatology,
    ConformalQuantiles,
    LightGBMQuantiles,
    LinearQuantiles,
    QuantileModel,
)
from energyforecast.testing import check_model

#: Small, so that many fits cost little; ColdStart and ProfileStart may learn from nothing, Blend and curves need
#: columns by pattern.
SMALL: dict[str, dict[str, Any]] = {
    "LightGBMQuantiles": {"n_estimators": 5, "folds": 2},
    "ConformalQuantiles": {"model": Climatology(), "folds": 2},
}
OTHERS = {
    "ColdStart",
    "Blend",
    "DayProfile",
    "DemandResponse",
    "ProfileStart",
    "SeasonalClimatology",
    "SmartPersistence",
}
NAMES = sorted(name for name in QuantileModel.registry if not name.startswith("_") and name not in OTHERS)


class Honest(QuantileModel):
    """Quantiles of all outcomes; what follows breaks one thing each."""

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        self.row_ = np.quantile(y, self.levels)

    def _predict(self, X: Any) -> Any:
        return np.tile(self.row_, (len(X), 1))

    def parts(self) -> Any:
        return {"row": self.row_}

    def restore(self, parts: Any) -> None:
        self.row_ = np.asarray(parts["row"])


class Peeks(Honest):
    def _predict(self, X: Any) -> Any:
        return super()._predict(X) + X["x"].mean()


class Gaps(Honest):
    def _predict(self, X: Any) -> Any:
        return super()._predict(X) + X[["x"]].to_numpy()


class Remembers(Honest):
    seen = ()

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        self.seen = (*self.seen, *y)
        self.row_ = np.quantile(self.seen, self.levels)


class Guesses(Honest):
    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        self.row_ = np.quantile(np.random.default_rng().choice(y, 50), self.levels)


class Forgets(Honest):
    def parts(self) -> Any:
        return {"row": self.row_.round()}


class Pickles(Honest):
    def parts(self) -> Any:
        return {"row": list(self.row_)}


class Scribbles(Honest):
    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        X["x"] = X["x"].fillna(0.0)
        super()._fit(X, y, sample_weight)


class Rounds(Honest):
    def __init__(self, quantiles: Any = None, *, share: float = 0.5) -> None:
        super().__init__(quantiles)
        self.share = share + 0.01


class OneLevel(Honest):
    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        self.row_ = np.array([np.median(y)])


@pytest.mark.parametrize("name", NAMES)
def test_the_models_of_the_library_keep_the_contract(name: str) -> None:
    check_model(QuantileModel.registry[name](**SMALL.get(name, {})))


def test_an_honest_model_passes_and_is_not_changed() -> None:
    model = Honest()
    check_model(model)
    assert not hasattr(model, "row_")


@pytest.mark.parametrize(
    ("broken", "error", "says"),
    [
        (Peeks, LeakageError, "when it is forecast alone"),
        (Gaps, SchemaError, "not finite"),
        (Remembers, SchemaError, "remembers rows"),
        (Guesses, SchemaError, "fitted twice"),
        (Forgets, SchemaError, "after restore"),
        (Pickles, SchemaError, "of type list"),
        (Scribbles, SchemaError, "writes into X"),
        (Rounds, SchemaError, "cannot be copied"),
        (OneLevel, SchemaError, "shape"),
    ],
)
def test_what_is_broken_is_named(
    broken: type[QuantileModel], error: type[EnergyForecastError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        check_model(broken())
    assert len(str(caught.value).splitlines()) == 3
    assert broken.__name__ in str(caught.value)


def test_rows_of_ones_own_are_taken() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"wind": rng.uniform(0, 20, 300)})
    check_model(LightGBMQuantiles(n_estimators=5, folds=0), X, 3 * X["wind"].to_numpy())


def test_shares_of_a_bound_keep_the_contract() -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"sky": rng.uniform(-1, 20, 1200), "cloud": rng.uniform(size=1200)})
    X.loc[::7, "sky"] = np.nan
    y = (2 * X["sky"].clip(lower=0.0).fillna(10.0) * X["cloud"]).to_numpy()
    check_model(LightGBMQuantiles(n_estimators=5, share_of="sky"), X, y)


def test_a_calibrated_model_whose_own_part_is_called_about_is_restored() -> None:
    model = ConformalQuantiles(model=LinearQuantiles(), folds=2)
    check_model(Blend(model=LinearQuantiles(), folds=2), *_two_weather_models())
    check_model(model)


def _two_weather_models() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(2)
    wind = rng.uniform(0, 20, 300)
    X = pd.DataFrame({f"{name}:wind": wind + rng.normal(size=300) for name in ("ifs", "gfs")})
    return X, 3 * wind
