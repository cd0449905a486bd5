"""Peak and energy of days against a simulated truth, and the dependence that a forecaster learns for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.error_correlation import Decay
from energyforecast.core.forecast import SiteRows
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.forecasting.error_dependence import _with_unseen
from energyforecast.planning import GaussianCopula, Independence, energy, peak, period_scores
from energyforecast.testing import example_days

Array = npt.NDArray[Any]
DAYS = 90
RANGE = 6.0


def _covered(table: pd.DataFrame, outcome: Array, *, low: str = "q0.1", high: str = "q0.9") -> float:
    return float(((outcome >= table[low]) & (outcome <= table[high])).mean())


@pytest.fixture(scope="module")
def days() -> tuple[ef.Forecast, Array, GaussianCopula]:
    """N(50, 10²) in each hour, errors of known correlation, and the outcomes, shape (days, sites, hours)."""
    forecast, observations = example_days(days=DAYS, range_hours=RANGE, between=0.5)
    values = np.stack(
        [
            observations.values.loc[pd.DatetimeIndex(v, tz="UTC")].to_numpy().T
            for v in forecast.data["valid_time"].values
        ]
    )
    return forecast, values, GaussianCopula.exponential(range_hours=RANGE, site_correlation=0.5)


def test_intervals_of_peak_and_energy_hold_and_those_of_hours_do_not(days: Any) -> None:
    forecast, outcome, truth = days
    groups = {"both": list(forecast.sites)}
    sums = outcome.sum(axis=1)
    top = peak(forecast, groups=groups, dependence=truth, n_scenarios=100)
    total = energy(forecast, groups=groups, dependence=truth, n_scenarios=100)
    assert _covered(top, sums.max(axis=1)) == pytest.approx(0.8, abs=0.09)
    assert _covered(total, sums.sum(axis=1)) == pytest.approx(0.8, abs=0.09)
    # The highest of the hours' quantiles, and their sums over hours and sites, are no quantiles of these.
    low, high = (forecast.at(level).values.sum(axis=0) for level in (0.1, 0.9))
    hours = pd.DataFrame({"q0.1": low.max(axis=1), "q0.9": high.max(axis=1)})
    assert _covered(hours, sums.max(axis=1)) < 0.75
    assert (sums.max(axis=1) < hours["q0.1"]).mean() == 0
    added = pd.DataFrame({"q0.1": low.sum(axis=1), "q0.9": high.sum(axis=1)})
    assert _covered(added, sums.sum(axis=1)) > 0.9


def test_independent_hours_are_too_certain_of_the_energy(days: Any) -> None:
    forecast, outcome, _ = days
    total = energy(forecast, dependence=Independence(), n_scenarios=100)
    one = total[total["site"] == forecast.sites[0]]
    assert _covered(one, outcome[:, 0].sum(axis=1)) < 0.55


def _forecaster(
    *, level: float, hours: int = 24 * 200, model: Any = None
) -> tuple[ef.Forecaster, ef.Observations]:
    """Demand around a daily cycle, with an error of the whole day and another of the hour, two sites."""
    rng = np.random.default_rng(3)
    index = pd.date_range("2023-01-01", periods=hours, freq="1h", tz="UTC")
    shared = rng.normal(size=hours // 24).repeat(24)
    cycle = 100 + 30 * np.sin(2 * np.pi * (index.hour - 9) / 24)
    columns = {
        name: cycle + 10 * (np.sqrt(level) * shared + np.sqrt(1 - level) * rng.normal(size=hours))
        for name in ("city", "works")
    }
    observations = ef.Observations(pd.DataFrame(columns, index=index), published_after="1h")
    sites = [ef.DemandArea(name=name, latitude=50.0, longitude=0.0) for name in columns]
    task = ef.day_ahead("12:00", timezone="UTC")
    given = model or ef.LightGBMQuantiles(n_estimators=20)
    features = [ef.features.LocalHour()] if model is None else None
    return ef.Forecaster(sites, task, model=given, features=features), observations


def test_a_fit_learns_the_dependence_of_errors_between_hours_and_sites() -> None:
    forecaster, observations = _forecaster(level=0.6)
    forecaster.fit(None, observations, as_of="2023-07-01")
    issued = pd.date_range("2023-07-01 12:00", "2023-07-10 12:00", freq="D", tz="UTC")
    forecast = forecaster.predict(None, observations, issue_time=list(issued))
    correlation = GaussianCopula.of(forecast).target.matrix(("city", "works"), np.arange(24.0))
    assert correlation[0, 12] == pytest.approx(0.6, abs=0.12)  # error of the whole day
    assert correlation[0, 24] == pytest.approx(0.6, abs=0.12)  # shared by the sites
    table = forecast.energy(groups={"all": ["city", "works"]})
    # Standard deviation of the day's energy of both: 24 h × 10 MW × 2 × √0.6, and little else.
    spread = (table["q0.9"] - table["q0.1"]).mean() / 2.563
    assert spread == pytest.approx(480 * np.sqrt(0.6 + 0.4 / 48), rel=0.15)
    assert (table["hours"] == 24).all()


def test_the_dependence_is_saved_and_loaded_with_forecaster_and_forecast(tmp_path: Any) -> None:
    forecaster, observations = _forecaster(level=0.6, hours=24 * 40)
    forecaster.fit(None, observations)
    again = ef.load(forecaster.save(tmp_path / "both.forecaster"))
    one, two = (
        each.predict(None, observations, issue_time="2023-02-08 12:00") for each in (forecaster, again)
    )
    stored = ef.Forecast.load(two.save(tmp_path / "both.nc"))
    pd.testing.assert_frame_equal(one.peak(), stored.peak())


@pytest.mark.parametrize("seasonal", ["SeasonalNaive", "Climatology"])
def test_references_carry_a_dependence_too(seasonal: str) -> None:
    model = getattr(ef.models, seasonal)()
    forecaster, observations = _forecaster(level=0.6, hours=24 * 60, model=model)
    forecast = forecaster.fit(None, observations).predict(None, observations, issue_time="2023-02-28 12:00")
    assert GaussianCopula.of(forecast).target.matrix(("city",), np.arange(24.0))[0, 12] > 0.35


def test_point_masses_of_two_sites_do_not_make_them_dependent() -> None:
    """Half of the outcomes are 0; where is drawn at random, for each site apart."""
    forecaster, observations = _forecaster(level=0.0, hours=24 * 150, model=ef.Climatology())
    independent = np.maximum(np.random.default_rng(0).normal(size=observations.values.shape), 0.0)
    known = ef.Observations(
        pd.DataFrame(independent, observations.index, observations.values.columns), published_after="1h"
    )
    forecast = forecaster.fit(None, known).predict(None, known, issue_time="2023-05-28 12:00")
    between = GaussianCopula.of(forecast).target.matrix(("city", "works"), np.arange(1.0))[0, 1]
    assert between == pytest.approx(0.0, abs=0.03)


def test_a_site_with_few_issues_leaves_the_others_their_dependence() -> None:
    forecaster, observations = _forecaster(level=0.6, hours=24 * 60, model=ef.Climatology())
    young = observations.values.copy()
    young.loc[young.index[: -24 * 6], "works"] = np.nan
    known = ef.Observations(young, published_after="1h")
    forecast = forecaster.fit(None, known, missing="drop").predict(None, known, issue_time="2023-02-28 12:00")
    assert len(forecast.sel(site="city").peak()) == 1
    with pytest.raises(MissingDataError, match="'works'"):
        forecast.peak()


def test_models_of_more_sites_than_are_correlated_keep_no_out_of_fold_quantiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("energyforecast.forecasting.error_dependence._MAX_SITES", 0)
    forecaster, observations = _forecaster(level=0.6, hours=24 * 40)
    forecaster.fit(None, observations)
    assert all(model.unseen_ is None for model in forecaster.models_.values())
    assert not forecaster.training_.error_correlation


def test_a_model_that_is_not_calibrated_carries_none_and_the_remedy_is_named() -> None:
    model = ef.LightGBMQuantiles(n_estimators=5, folds=0)
    forecaster, observations = _forecaster(level=0.6, hours=24 * 40)
    forecaster = ef.Forecaster(
        forecaster.sites, forecaster.task, model=model, features=[ef.features.LocalHour()]
    )
    forecast = forecaster.fit(None, observations).predict(None, observations, issue_time="2023-02-08 12:00")
    with pytest.raises(MissingDataError, match=r"GaussianCopula\.fit"):
        forecast.peak()
    assert len(forecast.peak(dependence=GaussianCopula.exponential(range_hours=6.0))) == 2


def test_a_local_day_of_a_clock_change_has_25_hours() -> None:
    hours = pd.date_range("2024-10-26 22:00", periods=49, freq="1h", tz="UTC")
    scenarios = Scenarios.from_values(np.ones((3, 1, 49)), sites=["a"], valid_time=hours)
    table = energy(scenarios, timezone="Europe/Paris")
    assert table["period"].tolist() == ["2024-10-27", "2024-10-28"]
    assert table["hours"].tolist() == [25.0, 24.0]
    assert table["q0.5"].tolist() == [25.0, 24.0]
    assert energy(scenarios, by="month", timezone="Europe/Paris")["mean"].tolist() == [49.0]
    assert energy(scenarios, by="window")["hours"].tolist() == [49.0]


def test_the_most_likely_hour_counts_its_neighbours() -> None:
    hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    values = np.zeros((5, 1, 24))
    values[np.arange(5), 0, [8, 10, 9, 20, 20]] = 1.0  # 20:00 twice; three within an hour of 09:00
    table = peak(Scenarios.from_values(values, sites=["a"], valid_time=hours))
    assert table["time"][0] == hours[9]
    assert table["probability"][0] == pytest.approx(0.6)
    assert table["q0.5"][0] == 1.0  # a single hour is the peak, however short it is


def test_energy_is_power_times_the_length_of_an_interval() -> None:
    quarters = pd.date_range("2024-01-02", periods=96, freq="15min", tz="UTC")
    scenarios = Scenarios.from_values(np.full((3, 1, 96), 8.0), sites=["a"], valid_time=quarters)
    assert energy(scenarios)[["hours", "mean", "q0.5"]].to_numpy().tolist() == [[24.0, 192.0, 192.0]]


def test_the_variance_that_a_sample_lacks_is_an_error_of_all_hours_together() -> None:
    learnt = Decay(("a",), np.eye(1), np.array([6.0]), np.array([0.5]), np.array([0.2]))
    wider = _with_unseen(learnt, np.array([0.75])).matrix(("a",), np.array([0.0, 1e6]))
    # Three quarters of the variance are as learnt, with 0.2 in common, one quarter is the same in all hours.
    assert wider[0, 1] == pytest.approx(0.75 * 0.2 + 0.25)
    assert wider[0, 0] == 1.0


def test_scores_of_a_perfect_dependence_are_calibrated_and_those_of_hours_alone_not(days: Any) -> None:
    forecast, _, truth = days
    _, observations = example_days(days=DAYS, range_hours=RANGE, between=0.5)
    result = ef.Result.from_forecasts({"a": forecast, "b": forecast}, observations)
    table = period_scores(result, dependence={"a": truth, "b": Independence()}, n_scenarios=100)
    found = table.set_index(["model", "site", "quantity", "metric", "level"])["value"]
    site = forecast.sites[0]
    assert found["a", site, "energy", "coverage", 0.8] == pytest.approx(0.8, abs=0.1)
    assert found["a", site, "peak", "coverage", 0.8] == pytest.approx(0.8, abs=0.1)
    assert found["b", site, "energy", "coverage", 0.8] < 0.55
    biased = table[(table["quantity"] == "peak") & (table["metric"] == "bias") & (table["site"] == site)]
    truly, alone = biased.set_index("model")["value"][["a", "b"]]
    assert abs(truly) < 1.5
    assert alone > 2  # independent hours have higher peaks
    assert (table["n"] == DAYS).all()


def test_only_whole_days_and_months_are_scored_and_gaps_leave_a_day_out() -> None:
    """A constant 2 MW is forecast of a constant 3 MW, three days ahead of which the first is half over."""
    task = ef.day_ahead("12:00", timezone="Europe/Berlin", first_day=0, days=3, quantiles=(0.1, 0.5, 0.9))
    windows = task.windows(task.issue_times("2024-03-30", "2024-03-30"))
    valid = pd.DatetimeIndex(windows.valid_time[windows.inside], tz="UTC")
    late = windows.inside & (windows.valid_time >= windows.issue_time[:, None] + np.timedelta64(1, "h"))
    cut = replace(windows, inside=late)
    rows = SiteRows(np.tile([1.9, 2.0, 2.1], (int(late.sum()), 1)), kind="demand")
    attrs = {"model": "a", "perfect_weather": 0, "timezone": "Europe/Berlin"}
    forecast = ef.Forecast.from_rows(
        {"works": rows}, windows=cut, quantile_levels=task.quantiles, attrs=attrs
    )
    power = pd.DataFrame({"works": 3.0}, index=pd.date_range(valid[0], valid[-1], freq="1h"))
    power.loc["2024-04-01 05:00Z"] = np.nan
    result = ef.Result.from_forecasts({"a": forecast}, ef.Observations(power, published_after="1h"))
    table = period_scores(result, dependence={"a": Independence()})
    error = table[table["metric"] == "mae"].set_index("quantity")["value"]
    assert (table["n"] == 1).all()  # of the 30th the forecast has a part, of 1 April an outcome is missing
    assert error["peak"] == pytest.approx(0.9, abs=0.05)
    assert error["energy"] == pytest.approx(
        23.0, abs=0.1
    )  # hours of 31 March, in which the clock is put forward
    with pytest.raises(MissingDataError, match="whole month"):
        period_scores(result, by="month", dependence={"a": Independence()})


def test_wrong_arguments_are_refused(days: Any) -> None:
    forecast, _, truth = days
    with pytest.raises(MissingDataError, match="north"):
        peak(forecast, groups={"all": ["north"]}, dependence=truth)
    with pytest.raises(SchemaError, match="by"):
        energy(forecast, by="week", dependence=truth)  # type: ignore[arg-type]
