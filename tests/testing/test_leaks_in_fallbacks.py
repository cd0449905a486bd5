"""Forecasts from late and absent inputs use only what was known, on every level of the ladder."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core import fallback
from energyforecast.errors import LeakageError
from energyforecast.forecasting import fallback_models
from energyforecast.forecasting.ladder import fit_climatology
from energyforecast.testing import check_no_leakage
from energyforecast.testing.degraded_inputs import degraded_inputs
from tests.support.synthetic_data import synthetic

pytestmark = pytest.mark.slow

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
MOMENT = pd.Timestamp("2024-02-12 09:00", tz="UTC")
GIVEN = synthetic(days=50, timezone="UTC")
FEATURES = (ef.features.HubWind(), ef.features.LocalHour(), ef.features.NewestObservation())


@cache
def _weather() -> dict[str, Any]:
    other = synthetic(days=50, timezone="UTC", every=12, delay="9h", seed=5).weather
    return {"fast": GIVEN.weather, "slow": other}


def _forecaster() -> ef.Forecaster:
    model = ef.LightGBMQuantiles(n_estimators=5, folds=0)
    return ef.Forecaster(GIVEN.site, TASK, features=FEATURES, model=model)


def _check() -> None:
    check_no_leakage(_forecaster(), _weather(), GIVEN.power, issue_time=MOMENT, origins=1, fallbacks=True)


def test_forecasts_from_missing_inputs_use_only_what_was_known() -> None:
    _check()


def test_the_missing_inputs_reach_every_level_of_models_and_climatology() -> None:
    fitted = _forecaster().fit(_weather(), GIVEN.power, as_of=MOMENT, missing="drop", fallbacks=True)
    reached = {}
    for words, weather, power in [
        ("", _weather(), GIVEN.power),
        *degraded_inputs(_weather(), GIVEN.power, MOMENT),
    ]:
        made = fitted.predict(weather, power, issue_time=MOMENT, strict=False)
        reached[words] = int(made.data["fallback_level"].values[0, 0])
    assert reached[""] == fallback.FULL
    assert {fallback.OLDER_RUN, fallback.REDUCED, fallback.CLIMATOLOGY} <= set(reached.values())


def test_a_fallback_model_that_learns_from_later_outcomes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fallback_models._fit

    def later(forecaster: Any, plan: Any, weather: Any, observations: Any, as_of: Any) -> Any:
        return right(
            forecaster, plan, weather, replace(observations, published_after="0h"), as_of + pd.Timedelta("5D")
        )

    monkeypatch.setattr(fallback_models, "_fit", later)
    with pytest.raises(LeakageError, match=r"the part .* of LightGBMQuantiles of .* at site 'farm 0'"):
        _check()


def test_a_climatology_of_later_outcomes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*args: Any, as_of: Any = None, **kwargs: Any) -> Any:
        return fit_climatology(*args, **kwargs)

    monkeypatch.setattr("energyforecast.forecasting.ladder.fit_climatology", later)
    with pytest.raises(LeakageError, match="climatology of the ladder"):
        check_no_leakage(_forecaster(), _weather(), GIVEN.power, issue_time=MOMENT, origins=1)
