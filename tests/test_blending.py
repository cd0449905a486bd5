"""Several weather models: their sisters are weighed by what they are worth, and one may be missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.models import Blend, LinearQuantiles
from energyforecast.testing import check_no_leakage
from tests.worlds import replaced, world

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
    return Blend(LEVELS, model=LinearQuantiles(fitted=LEVELS), **settings)


def test_weights_follow_worth_and_beat_equal_ones() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)
    blend = _blend().fit(X, y)
    weights = blend.weights()
    np.testing.assert_allclose(weights.sum(), 1)
    assert (weights.to_numpy() >= 0).all()
    assert weights.loc["sharp", 0.5] > 0.7 > 0.1 > weights.loc["blind", 0.5]
    equal = _blend(fitted_weights=False).fit(X, y)
    best = LinearQuantiles(LEVELS, fitted=LEVELS).fit(X[["sharp:wind", "hour"]], y)
    fitted, others = _loss(truth, blend.predict(new)), _loss(truth, equal.predict(new))
    assert fitted < 0.9 * others
    assert fitted < 1.01 * _loss(truth, best.predict(new[["sharp:wind", "hour"]]))


def test_without_the_weather_of_one_the_others_answer() -> None:
    (X, y), (new, truth) = _sample(), _sample(seed=1)
    blend = _blend().fit(X, y)
    lost = new.assign(**{"sharp:wind": np.nan})
    alone = LinearQuantiles(LEVELS, fitted=LEVELS).fit(X[["blunt:wind", "hour"]], y)
    assert _loss(truth, blend.predict(lost)) < 1.1 * _loss(truth, alone.predict(lost[["blunt:wind", "hour"]]))
    half = new.copy()
    half.loc[half.index[::2], "sharp:wind"] = np.nan
    np.testing.assert_array_equal(blend.predict(half)[1::2], blend.predict(new)[1::2])
    with pytest.raises(MissingDataError, match="no weather model"):
        blend.predict(new.assign(**{f"{name}:wind": np.nan for name in _SPREAD}))


def test_weights_are_found_on_rows_that_the_sisters_did_not_see() -> None:
    """A sister that knows its rows by heart is worth nothing on others."""
    X, y = _sample(1200)
    X["blind:row"] = np.arange(len(X), dtype=float)
    blend = Blend(LEVELS, model=ByHeart(fitted=LEVELS), sources=("sharp", "blind")).fit(X, y)
    assert blend.weights().loc["blind", 0.5] < 0.1


def test_a_weather_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(SchemaError, match="'gfs'"):
        _blend(sources=("sharp", "gfs")).fit(*_sample(300))
    X, y = _sample(300)
    with pytest.raises(MissingDataError, match="'blunt' has no value"):
        _blend().fit(X.assign(**{"blunt:wind": np.nan}), y)


def _two_models() -> tuple[object, dict[str, object]]:
    given = world(days=50)
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
