"""Adaptation of issued forecasts: from published outcomes alone, within bounds, marked, and it brings coverage back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import archive as archives
from energyforecast.core import timestamps
from energyforecast.errors import SchemaError
from energyforecast.operations.adaptation import CAVEAT, adapted, archive_adapted
from energyforecast.testing import example_days, example_operations


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    folder = tmp_path_factory.mktemp("adaptation")
    settings, archive = example_operations(folder, days=25)
    return settings, archive, folder


def _today(archive: Any, day: str = "2024-01-25") -> Any:
    return archive.forecast("farm", issued=day)


def test_outcomes_that_are_lower_move_the_forecast_down_and_mark_it(
    operations: tuple[Any, Any, Path],
) -> None:
    _, archive, _ = operations
    power = archive.observations("farm")
    lower = replace(power, values=power.values - 20)
    today = _today(archive)
    moved = adapted(today, lower, archive=archive)
    assert moved.caveats == (f"{CAVEAT} 60D: farm",)
    assert 5 < float(moved.at(0.5).mean()) < 40  # overshoots at first
    assert (np.diff(moved.data.values, axis=-1) >= 0).all()


def test_it_stays_within_the_bounds(operations: tuple[Any, Any, Path]) -> None:
    _, archive, _ = operations
    power = archive.observations("farm")
    low, high = (replace(power, values=power.values * 0 + value) for value in (0.0, 100.0))
    for observed in (low, high):
        values = adapted(_today(archive), observed, archive=archive).data.values
        assert values.min() >= 0
        assert values.max() <= 100


def test_outcomes_that_were_published_after_the_issue_change_nothing(
    operations: tuple[Any, Any, Path],
) -> None:
    _, archive, _ = operations
    power = archive.observations("farm")
    today = _today(archive, "2024-01-20")
    later = power.published > timestamps.to_ns(today.issue_times)[0]
    assert later.any()
    poisoned = replace(power, values=power.values.mask(later, 99.0))
    first, second = (adapted(today, one, archive=archive) for one in (power, poisoned))
    assert first.caveats
    np.testing.assert_array_equal(first.data.values, second.data.values)


@pytest.mark.slow
def test_forecasts_that_were_recorded_after_the_issue_are_not_learnt_from(tmp_path: Path) -> None:
    _, archive = example_operations(tmp_path, days=20)
    power = archive.observations("farm")
    today = _today(archive, "2024-01-20")
    before = adapted(today, power, archive=archive)
    late = archives.open(tmp_path / "archive.sqlite", clock=lambda: pd.Timestamp("2024-02-20", tz="UTC"))
    old = _today(archive, "2024-01-10")
    late.write_forecast(ef.Forecast(old.data.copy(data=old.data.values + np.float32(10))))
    np.testing.assert_array_equal(
        before.data.values, adapted(today, power, archive=late).data.values, "a hindcast was learnt from"
    )


@pytest.mark.slow
def test_the_archive_keeps_both_and_a_repetition_adds_nothing(tmp_path: Path) -> None:
    _, archive = example_operations(tmp_path, days=20)
    power = archive.observations("farm")
    today = _today(archive, "2024-01-20")
    clock = [pd.Timestamp("2024-01-20 09:02", tz="UTC")]
    held = archives.open(tmp_path / "archive.sqlite", clock=lambda: clock[0])
    result = adapted(today, power, archive=held)
    assert archive_adapted(held, today, result, model_hash=None) >= 1
    clock[0] += pd.Timedelta("5min")
    assert archive_adapted(held, today, result, model_hash=None) == 0
    issued = held.forecast("farm", issued="2024-01-20")
    np.testing.assert_array_equal(issued.data.values, result.data.values)
    again = adapted(today, power, archive=held)
    np.testing.assert_array_equal(again.data.values, result.data.values)
    with pytest.raises(SchemaError):
        adapted(result, power, archive=held)


def test_with_too_few_outcomes_the_forecast_is_the_same(operations: tuple[Any, Any, Path]) -> None:
    _, archive, _ = operations
    today = _today(archive, "2024-01-04")
    assert adapted(today, archive.observations("farm"), archive=archive) is today


@pytest.mark.slow
def test_coverage_of_synthetic_shelek_recovers_after_a_planned_drift(tmp_path: Path) -> None:
    """From 1 August a third of the turbines is out, and nobody is told; the model was fitted before."""
    levels = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    synthetic = ef.datasets.shelek()
    task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=levels)
    power = replace(synthetic.observations, available_capacity=None)
    forecaster = ef.Forecaster(synthetic.site, task, model=ef.LightGBMQuantiles(n_estimators=20, folds=0))
    forecaster.fit(synthetic.weather, power["2024-01":"2024-06"], as_of="2024-07-01", missing="drop")
    issues = task.issue_times("2024-07-05", "2024-10-31")
    made = forecaster.predict(synthetic.weather, power, issue_time=list(issues), strict=False)
    values = power.values.copy()
    values.loc["2024-08-01":] *= 0.5
    drifted = replace(power, values=values)
    clock = [issues[0]]
    archive = archives.open(tmp_path / "archive.sqlite", clock=lambda: clock[0])
    for issue in issues:
        clock[0] = issue + pd.Timedelta("1min")
        archive.write_forecast(made.sel(issue_time=issue))
    covered: dict[str, list[float]] = {"before": [], "after": []}
    losses: dict[str, list[float]] = {"before": [], "after": []}
    for issue in issues[-30:]:
        plain = made.sel(issue_time=issue)
        for name, one in (("before", plain), ("after", adapted(plain, drifted, archive=archive))):
            pairs = ef.evaluation.align(drifted, one)
            covered[name] += pairs.share_inside(0.8).tolist()
            losses[name] += np.abs(pairs.observed - pairs.at(0.5)).tolist()
    coverage = {name: float(np.mean(found)) for name, found in covered.items()}
    assert abs(coverage["after"] - 0.8) < 0.08, coverage
    assert abs(coverage["after"] - 0.8) < abs(coverage["before"] - 0.8), coverage
    assert np.mean(losses["after"]) < 0.8 * np.mean(losses["before"])


PASTS: list[ef.Forecast] = []


class _Noting(ef.AdaptiveCalibration):
    """Notes the earlier forecasts that it is given."""

    def apply(
        self, forecast: ef.Forecast, observations: ef.Observations, *, past: ef.Forecast | None = None
    ) -> ef.Forecast:
        assert past is not None
        PASTS.append(past)
        return super().apply(forecast, observations, past=past)


def test_issues_some_seconds_apart_are_calibrated_as_by_a_standing_clock(tmp_path: Path) -> None:
    """Their leads are no whole hours, and none is that of another issue; both sites are of one record."""
    every, power = example_days(days=20, sites=("a", "b"), kind="wind")
    every = ef.Forecast(every.data.assign_coords(capacity=("site", [100.0, 100.0])))
    power = ef.Observations(power.values.clip(0, 100), published_after="1h")
    moment = [every.issue_times[0]]
    archive = archives.open(tmp_path / "archive.sqlite", clock=lambda: moment[0])
    seconds = np.random.default_rng(0).permutation(60)
    for issue, later in zip(every.issue_times, seconds, strict=False):
        moment[0], apart = issue + pd.Timedelta("2min"), np.timedelta64(int(later), "s")
        data = every.sel(issue_time=issue).data
        axes = {
            "issue_time": data["issue_time"].values + apart,
            "lead_time": data["lead_time"].values - apart,
        }
        today = ef.Forecast(data.assign_coords(axes).assign_coords(valid_time=data["valid_time"].variable))
        if issue < every.issue_times[-1]:
            archive.write_forecast(today)
    PASTS.clear()
    moved = adapted(today, power, archive=archive, calibration=_Noting())
    assert [past.data.sizes["lead_time"] for past in PASTS] == [24, 24], (
        "no union of leads that differ by seconds"
    )
    assert moved.caveats == (f"{CAVEAT} 60D: a, b",)
    expected = ef.AdaptiveCalibration().apply(every, power).data.values[:, -1:]
    np.testing.assert_array_equal(moved.data.values, expected)
    np.testing.assert_array_equal(moved.data["lead_time"].values, today.data["lead_time"].values)
