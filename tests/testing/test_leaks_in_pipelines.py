"""Leaks around a forecaster: in the preparation of data, in settings, and in models that were fitted later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import LeakageError, SchemaError
from energyforecast.testing import check_no_leakage, check_pipeline
from tests.support.synthetic_data import synthetic

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
MOMENT = pd.Timestamp("2024-02-10 09:00", tz="UTC")
GIVEN = synthetic(days=56, timezone="UTC")
SMALL = ef.LightGBMQuantiles(n_estimators=5, folds=0)
FEW = (ef.features.HubWind(), ef.features.LocalHour())
PERSISTENCE = ef.Persistence()


def _forecast(
    weather: Any, power: Any, moment: Any, *, site: Any = GIVEN.site, **settings: Any
) -> ef.Forecast:
    chosen = {"model": SMALL, "features": FEW} | settings
    forecaster = ef.Forecaster(site, TASK, **chosen)
    return forecaster.fit(weather, power, as_of=moment).predict(weather, power, issue_time=moment)


def _refused(pipeline: Callable[..., ef.Forecast]) -> str:
    with pytest.raises(LeakageError) as caught:
        check_pipeline(pipeline, GIVEN.weather, GIVEN.power, issue_time=MOMENT)
    assert len(str(caught.value).splitlines()) == 3
    return str(caught.value)


def test_an_honest_pipeline_passes() -> None:
    check_pipeline(_forecast, GIVEN.weather, GIVEN.power, issue_time=MOMENT)


def flags_of_the_whole_record(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """Hours below the 10 % quantile of the record are flagged."""
    low = power.values < power.values.quantile(0.1)
    return _forecast(weather, replace(power, flags=low.astype("int64") * int(ef.Flag.CURTAILED)), moment)


def capacity_of_the_whole_record(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """The capacity is estimated from the largest power of the record."""
    site = replace(GIVEN.site, capacity=1.2 * float(power.values.quantile(0.99).iloc[0]))
    return _forecast(weather, power, moment, site=site)


def curve_of_the_whole_record(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """The power curve is estimated from all hours, and is a feature."""
    first = weather["wind_speed_100m"].sel(site="farm 0").isel(lead_time=slice(0, 6)).values.ravel()
    count = min(len(first), len(power))
    curve = np.polyfit(first[:count], power.values["farm 0"].to_numpy()[:count], 3)

    @ef.feature(weather=["wind_speed_100m"])
    def usual_power(now: Any) -> Any:
        return np.polyval(curve, now["wind_speed_100m"])

    return _forecast(weather, power, moment, features=(*FEW, usual_power))


def smoothing_with_later_hours(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """Power is smoothed by a centred mean."""
    smooth = power.values.rolling(5, center=True, min_periods=1).mean()
    return _forecast(weather, replace(power, values=smooth), moment, model=PERSISTENCE, features=None)


def scaling_by_the_whole_record(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """A feature is the mean power at each hour of the day, of the whole record."""
    means = power.values["farm 0"].groupby(power.index.hour).mean()

    @ef.feature(weather=["wind_speed_100m"])
    def usual(now: Any) -> Any:
        hours = pd.DatetimeIndex(now.valid_time.ravel()).hour
        return means.reindex(hours).to_numpy().reshape(now.valid_time.shape)

    return _forecast(weather, power, moment, features=(*FEW, usual))


def _outcomes_of(made: ef.Forecast, power: Any) -> Any:
    valid = made.data["issue_time"].values[0] + made.data["lead_time"].values
    return power.value_at("farm 0", valid)


def settings_of_the_scored_period(weather: Any, power: Any, moment: Any) -> ef.Forecast:
    """Of several numbers of trees, that which is best on the day that is forecast."""

    def loss(count: int) -> float:
        made = _forecast(weather, power, moment, model=ef.LightGBMQuantiles(n_estimators=count, folds=0))
        return float(np.abs(made.at(0.5).values[0, 0] - _outcomes_of(made, power)).mean())

    best = min((1, 3, 6, 12), key=loss)
    return _forecast(weather, power, moment, model=ef.LightGBMQuantiles(n_estimators=best, folds=0))


@pytest.mark.parametrize(
    "pipeline",
    [
        flags_of_the_whole_record,
        capacity_of_the_whole_record,
        curve_of_the_whole_record,
        smoothing_with_later_hours,
        scaling_by_the_whole_record,
        settings_of_the_scored_period,
    ],
    ids=lambda pipeline: pipeline.__name__,
)
def test_preparation_that_knows_the_future_is_found(pipeline: Callable[..., ef.Forecast]) -> None:
    message = _refused(pipeline)
    assert "by the pipeline changes" in message
    assert "'farm 0'" in message


def test_a_pipeline_that_returns_no_forecast_is_refused() -> None:
    with pytest.raises(SchemaError, match="result of the pipeline"):
        check_pipeline(lambda *_: None, GIVEN.weather, GIVEN.power, issue_time=MOMENT)


# --- Models that were fitted later ------------------------------------------------------------------


@cache
def _fitted_later() -> ef.Forecaster:
    forecaster = ef.Forecaster(GIVEN.site, TASK, model=SMALL, features=FEW)
    return forecaster.fit(GIVEN.weather, GIVEN.power, as_of="2024-02-15 09:00")


def test_a_stored_model_of_later_data_is_refused_in_a_pipeline(tmp_path: Path) -> None:
    path = _fitted_later().save(tmp_path / "farm.forecaster")

    def stored(weather: Any, power: Any, moment: Any) -> ef.Forecast:
        return ef.load(path).predict(weather, power, issue_time=moment)

    message = _refused(stored)
    assert "fitted on data known at 2024-02-15 09:00" in message
    check_pipeline(stored, GIVEN.weather, GIVEN.power, issue_time="2024-02-16 09:00")


def test_a_forecaster_that_was_fitted_later_is_refused() -> None:
    with pytest.raises(LeakageError, match="fitted on data known at 2024-02-15 09:00"):
        check_no_leakage(_fitted_later(), GIVEN.weather, GIVEN.power, issue_time=MOMENT, origins=1)


def test_a_report_names_forecasts_of_models_that_were_fitted_later() -> None:
    made = _fitted_later().predict(GIVEN.weather, GIVEN.power, issue_time=MOMENT)
    result = ef.Result.from_forecasts({"farm": made}, GIVEN.power)
    assert any(
        "farm was fitted on data known at 2024-02-15 09:00" in line for line in result.provenance["caveats"]
    )


# --- Settings that were tuned later -----------------------------------------------------------------


@cache
def _tuned() -> ef.Forecaster:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install 'energyforecast[tune]'")
    linear = ef.LinearQuantiles(fitted_quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(GIVEN.site, TASK, features=FEW, model=linear)
    search = ef.evaluation.Search(trials=1, folds=4)
    return ef.tune(forecaster, GIVEN.weather, GIVEN.power, end="2024-02-20 00:00", search=search).forecaster


@pytest.mark.parametrize("stored", [False, True], ids=["as tuned", "stored and loaded"])
def test_a_backtest_of_the_period_of_tuning_is_refused(stored: bool, tmp_path: Path) -> None:
    forecaster = _tuned()
    if stored:
        fitted = forecaster.unfitted().fit(GIVEN.weather, GIVEN.power, as_of="2024-02-20 00:00")
        forecaster = ef.load(fitted.save(tmp_path / "farm.forecaster")).unfitted()
    assert forecaster.tuned_until == "2024-02-20 00:00"
    with pytest.raises(LeakageError, match="tuned on data known until 2024-02-20 00:00 UTC") as caught:
        ef.backtest({"tuned": forecaster}, GIVEN.weather, GIVEN.power, start="2024-02-15", end="2024-02-22")
    assert len(str(caught.value).splitlines()) == 3
    period = {"start": "2024-02-22", "end": "2024-02-23", "refit": None}
    assert len(ef.backtest({"tuned": forecaster}, GIVEN.weather, GIVEN.power, **period).forecasts) == 1


def test_settings_that_were_tuned_later_are_refused_by_the_check() -> None:
    with pytest.raises(LeakageError, match="tuned on data known until 2024-02-20 00:00"):
        check_no_leakage(_tuned(), GIVEN.weather, GIVEN.power, issue_time="2024-02-18 09:00", origins=1)
