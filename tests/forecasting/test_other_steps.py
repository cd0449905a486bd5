"""Forecasters whose task has other steps than their weather: no leak, one conversion for runs, analyses and members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.observation_series import Observations
from energyforecast.errors import LeakageError, NoRunError, TimeError
from energyforecast.point_in_time import weather_runs
from energyforecast.testing import check_no_leakage
from energyforecast.weather import at_steps
from tests.support.synthetic_data import HOUR, SyntheticSite, analysis_of, synthetic, with_arrival

QUARTERS = ef.day_ahead("09:00", timezone="Europe/Paris", frequency="15min", quantiles=(0.1, 0.5, 0.9))
INDIA = ef.day_ahead("09:00", timezone="Asia/Kolkata", quantiles=(0.1, 0.5, 0.9))
SMALL = ef.LightGBMQuantiles(n_estimators=5, folds=0)
MOMENT = "2024-01-25 09:00"


def _quarters(given: SyntheticSite, frequency: str = "15min", offset: str = "0min") -> Observations:
    """The hourly power, constant in each hour, at another frequency."""
    hourly = given.power.values
    index = pd.date_range(hourly.index[0], hourly.index[-1], freq=frequency) + pd.Timedelta(offset)
    return Observations(hourly.reindex(index, method="ffill"), published_after="2h")


def _forecaster(given: SyntheticSite, task: ef.Task = QUARTERS, **changes: Any) -> ef.Forecaster:
    return ef.Forecaster(given.sites, task, **({"model": SMALL} | changes))


@pytest.mark.parametrize("per_lead", ["0min", "5min"])
@pytest.mark.parametrize(
    ("task", "offset"), [(QUARTERS, "0min"), (INDIA, "30min")], ids=["quarter-hours", "half past"]
)
def test_other_steps_leak_nothing(task: ef.Task, offset: str, per_lead: str) -> None:
    given = synthetic(days=30, per_lead=per_lead)
    power = _quarters(given, f"{task.frequency / pd.Timedelta('1min'):g}min", offset)
    check_no_leakage(_forecaster(given, task), given.weather, power, issue_time=MOMENT)


def test_a_step_that_counts_with_its_first_value_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hour after the window's last quarters had not arrived: its value must not reach them."""
    given = synthetic(days=30)
    late = np.where(np.arange(73) < 47, 7 * HOUR, 12 * HOUR)
    weather = with_arrival(given.weather, given.weather["init_time"].values[:, None] + late)
    check_no_leakage(_forecaster(given), weather, _quarters(given), issue_time=MOMENT)
    right = weather_runs.ConvertedRuns.to_steps

    def early(weather: xr.Dataset, *args: Any) -> Any:
        runs = right(weather, *args)
        first = np.searchsorted(weather["lead_time"].values.astype("i8"), runs.lead, side="right") - 1
        return replace(runs, arrived=weather_runs.arrivals(weather)[:, first])

    monkeypatch.setattr(weather_runs.ConvertedRuns, "to_steps", early)
    with pytest.raises(LeakageError):
        check_no_leakage(_forecaster(given), weather, _quarters(given), issue_time=MOMENT)


@pytest.mark.parametrize("task", [QUARTERS, INDIA], ids=["quarter-hours", "half past"])
def test_the_matrix_is_that_of_weather_brought_to_the_steps_before(task: ef.Task) -> None:
    """For runs, for members, for runs that lack hours, and for an analysis."""
    given = synthetic(days=20, sites=2)
    issued = task.issue_times("2024-01-10", "2024-01-14")
    offset = "30min" if task is INDIA else "0min"
    holes = given.weather.copy(deep=True)
    holes["wind_speed_100m"][:, 30, 20] = np.nan
    faster = given.weather.assign(wind_speed_100m=given.weather["wind_speed_100m"] + 1.0)
    members = xr.concat([given.weather, faster], "member").transpose(..., "member")
    analysis = analysis_of(given)
    for weather in (given.weather, holes, members, analysis):
        forecaster = _forecaster(given, task, perfect_weather=weather is analysis)
        before = at_steps(weather, task.frequency, sites=given.sites, offset=offset)
        found, expected = (forecaster.design_matrix(each, None, issued) for each in (weather, before))
        assert found.usable.all()
        assert not expected.provenance
        for site in given.sites:
            pd.testing.assert_frame_equal(found.columns[site.name], expected.columns[site.name])
            np.testing.assert_array_equal(
                found.weather_init_time[("", site.name)], expected.weather_init_time[("", site.name)]
            )


def test_fit_predict_and_backtest_record_the_steps() -> None:
    given = synthetic(days=40)
    power, forecaster = _quarters(given), _forecaster(given)
    fitted = forecaster.unfitted().fit(given.weather, power, as_of="2024-01-31")
    forecast = fitted.predict(given.weather, power, issue_time="2024-02-01 09:00")
    assert forecast.data.attrs["weather_steps"] == "1h to 15min"
    result = ef.backtest(forecaster, given.weather, power, start="2024-02-01", end="2024-02-03", refit=None)
    assert result.forecasts["model"].data.attrs["weather_steps"] == "1h to 15min"
    assert set(result.scores()["n"]) == {3 * 96}


def test_weather_that_is_already_at_the_steps_is_left_alone() -> None:
    given = synthetic(days=20)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.5,))
    matrix = _forecaster(given, task).design_matrix(
        given.weather, None, task.issue_times("2024-01-10", "2024-01-14")
    )
    assert not matrix.provenance


def test_three_hourly_leads_after_hourly_ones_serve_an_hourly_task() -> None:
    given = synthetic(days=20)
    coarse = given.weather.isel(lead_time=[*range(25), *range(27, 73, 3)])
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.5,))
    matrix = _forecaster(given, task).design_matrix(
        coarse, None, task.issue_times("2024-01-10", "2024-01-14")
    )
    assert matrix.usable.all()
    assert matrix.provenance == {"weather_steps": "1h, 3h to 1h"}


def test_an_hour_that_is_missing_in_hourly_runs_is_no_longer_step() -> None:
    given = synthetic(days=20)
    lost = given.weather.isel(lead_time=[k for k in range(73) if k != 40])
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.5,))
    matrix = _forecaster(given, task).design_matrix(lost, None, task.issue_times("2024-01-10", "2024-01-14"))
    assert matrix.skipped[("", "farm 0")].all()
    assert not matrix.provenance


def test_daily_weather_under_an_hourly_task_is_refused_by_its_steps() -> None:
    given = synthetic(days=20)
    daily = given.weather.isel(lead_time=slice(None, None, 24))
    with pytest.raises(TimeError, match="in steps of 24h, and is asked for in steps of 15min") as refusal:
        _forecaster(given).fit(daily, _quarters(given))
    assert len(str(refusal.value).splitlines()) == 3


def test_a_run_that_ends_with_the_last_hour_lacks_its_quarters() -> None:
    """The quarters after the last instant are not known; the message gives the steps."""
    given = synthetic(days=20)
    short = given.weather.isel(lead_time=slice(0, 41))
    short = with_arrival(short, short["init_time"].values + 1 * HOUR)
    with pytest.raises(NoRunError, match="ends at 2024-01-02 22:00 UTC, before 2024-01-02 22:45"):
        _forecaster(given).fit(short, _quarters(given))


def _in_quarters(weather: xr.Dataset) -> xr.Dataset:
    """The same runs, or analysis, with instants of their own in each quarter-hour."""
    axis = "time" if "time" in weather.dims else "lead_time"
    fine = weather.reindex({axis: pd.Index(_each_quarter(weather[axis].values))}).ffill(axis)
    noise = np.random.default_rng(0).uniform(-1, 1, fine["wind_speed_100m"].shape)
    return fine.assign(wind_speed_100m=(fine["wind_speed_100m"] + noise).clip(0).astype("float32"))


def _each_quarter(stamps: np.ndarray) -> np.ndarray:
    return np.arange(stamps[0], stamps[-1] + 1, np.timedelta64(15, "m")).astype(stamps.dtype)


@pytest.mark.parametrize("analysis", [False, True])
def test_quarterly_instants_are_integrated_over_the_hour(analysis: bool) -> None:
    given = synthetic(days=20)
    weather = analysis_of(given) if analysis else given.weather
    fine = _in_quarters(weather.drop_vars("available_time"))
    axis = "time" if analysis else "init_time"
    fine = fine.assign_coords(available_time=(axis, fine[axis].values + 7 * HOUR))
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.5,))
    issued = task.issue_times("2024-01-10", "2024-01-10")
    matrix = _forecaster(given, task, perfect_weather=analysis).design_matrix(fine, None, issued)
    series = fine["wind_speed_100m"].sel(site="farm 0")
    if not analysis:
        run = matrix.weather_init_time[("", "farm 0")][0]
        series = series.sel(init_time=run)
        series = series.assign_coords(lead_time=run + series["lead_time"].values).rename(lead_time="time")
    stamps = matrix.valid_time[:, None] + np.arange(5) * np.timedelta64(15, "m")
    values = series.to_series().reindex(stamps.ravel()).to_numpy().reshape(stamps.shape)
    expected = values @ np.array([0.5, 1, 1, 1, 0.5]) / 4
    np.testing.assert_allclose(matrix.columns["farm 0"]["wind_speed_100m[mean]"], expected, atol=1e-4)
    assert matrix.provenance == {"weather_steps": "15min to 1h"}


def test_instants_within_the_hour_leak_nothing() -> None:
    """The quarters of the window's last hour arrive one after the other."""
    given = synthetic(days=30)
    fine = _in_quarters(given.weather.drop_vars("available_time"))
    late = np.where(fine["lead_time"].values < 46 * HOUR + np.timedelta64(30, "m"), 7 * HOUR, 12 * HOUR)
    weather = with_arrival(fine, fine["init_time"].values[:, None] + late)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
    check_no_leakage(_forecaster(given, task), weather, given.power, issue_time=MOMENT)
