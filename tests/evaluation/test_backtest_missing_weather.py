"""Backtests of archives with lost runs: the rule of ``fit``, the remedies of the place, and common issue times."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import MissingDataError
from energyforecast.evaluation import Splits
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

FARM = wind_farm()
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
SPAN = {"start": "2024-03-20", "end": "2024-04-10"}
WEATHER, TRUTH = toy_weather([FARM], days=110, cycle="24h", leads=48)
POWER = toy_power([FARM], TRUTH)


def _without(first: str, last: str) -> xr.Dataset:
    """The archive without the runs of some days: each issue time needs the run of its day."""
    init = WEATHER["init_time"].values
    return WEATHER.isel(init_time=(init < np.datetime64(first)) | (init > np.datetime64(last)))


def _forecasters() -> dict[str, ef.Forecaster]:
    models = {"trees": quick_model(), "climatology": ef.Climatology()}
    return {name: ef.Forecaster(FARM, TASK, model=model) for name, model in models.items()}


@pytest.mark.parametrize("lost", [("2024-02-10", "2024-02-12"), ("2024-04-01", "2024-04-03")])
def test_a_lost_run_is_refused_as_in_fit_whether_learnt_or_forecast(lost: tuple[str, str]) -> None:
    weather = _without(*lost)
    with pytest.raises(MissingDataError) as in_fit:
        ef.Forecaster(FARM, TASK, model=quick_model()).fit(weather, POWER)
    with pytest.raises(MissingDataError) as in_backtest:
        ef.backtest(_forecasters(), weather, POWER, **SPAN)
    assert in_fit.value.found == in_backtest.value.found
    assert "fit(..., missing='drop')" in in_fit.value.remedy
    assert "backtest(..., missing='drop')" in in_backtest.value.remedy
    for other in ("fit(", "predict("):
        assert other not in in_backtest.value.remedy
    assert "backtest(" not in in_fit.value.remedy


def test_issue_times_without_weather_are_left_out_of_all_models_and_counted() -> None:
    weather = _without("2024-04-01", "2024-04-03")
    result = ef.backtest(_forecasters(), weather, POWER, **SPAN, missing="drop")
    whole = ef.backtest(_forecasters(), WEATHER, POWER, **SPAN)
    lost = whole.forecasts["trees"].issue_times.difference(result.forecasts["trees"].issue_times)
    assert lost.strftime("%Y-%m-%d").tolist() == ["2024-04-01", "2024-04-02", "2024-04-03"]
    assert result.provenance["without_weather"] == 3
    assert whole.provenance["without_weather"] == 0
    assert "3 issues left out without weather" in repr(result)
    assert "left out" not in repr(whole)
    first, second = result.forecasts.values()
    assert first.issue_times.equals(second.issue_times)
    assert len(result.pairs["trees"]) == len(result.pairs["climatology"]) == 24 * 19
    assert (result.origins["fallback_level"] == 0).all()


def test_a_first_fit_that_falls_on_lost_weather_moves_to_the_next_issue_time() -> None:
    weather = _without("2024-03-31", "2024-04-02")
    result = ef.backtest(_forecasters(), weather, POWER, **SPAN, missing="drop", refit="MS")
    made = result.folds.loc[result.folds["model"] == "trees", "as_of"].dt.strftime("%m-%d").tolist()
    assert made == ["03-19", "04-03"]


def test_skipped_periods_are_not_asked_for() -> None:
    weather = _without("2024-02-10", "2024-02-12")
    splits = Splits(skip=[("2024-02-11", "2024-02-13")])
    result = ef.backtest(_forecasters(), weather, POWER, **SPAN, splits=splits)
    assert result.provenance["without_weather"] == 0


def test_the_remedy_of_the_message_makes_the_backtest_right() -> None:
    weather = _without("2024-04-01", "2024-04-03")
    with pytest.raises(MissingDataError) as refused:
        ef.backtest(_forecasters(), weather, POWER, **SPAN)
    remedy = refused.value.remedy
    skip = eval(remedy[remedy.index("skip=[") + 5 : remedy.index("]") + 1])
    result = ef.backtest(_forecasters(), weather, POWER, **SPAN, splits=Splits(skip=skip))
    assert len(result.forecasts["trees"].issue_times) == 19


def test_a_period_without_any_weather_is_refused() -> None:
    weather = WEATHER.isel(init_time=WEATHER["init_time"].values < np.datetime64("2024-03-01"))
    with pytest.raises(MissingDataError, match="None of 22 issue times"):
        ef.backtest(_forecasters(), weather, POWER, **SPAN, missing="drop")


def test_references_alone_are_not_asked_for_weather() -> None:
    alone = {"climatology": _forecasters()["climatology"]}
    result = ef.backtest(alone, _without("2024-04-01", "2024-04-03"), POWER, **SPAN)
    assert len(result.forecasts["climatology"].issue_times) == 22
