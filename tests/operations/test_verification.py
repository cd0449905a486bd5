"""Verification of issued forecasts: as issued then, against outcomes as known now."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import archive as archives
from energyforecast import configuration
from energyforecast.core import timestamps
from energyforecast.core.variables import Flag
from energyforecast.errors import RangeError
from energyforecast.operations import verify
from energyforecast.operations.reference_forecasts import reference_forecasts
from energyforecast.testing import example_operations

NOW = pd.Timestamp("2024-02-12 00:00", tz="UTC")  # all 40 days have been measured


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return example_operations(tmp_path_factory.mktemp("operations"), days=40)


@pytest.fixture(scope="module")
def fifteen_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fifteen")
    example_operations(folder, days=15)
    return folder


@pytest.fixture
def copied(fifteen_days: Path, tmp_path: Path) -> Any:
    """A configuration and an archive of fifteen days, in a folder of the test."""

    def make(extra: str = "") -> tuple[Any, Any]:
        shutil.copy(fifteen_days / "archive.sqlite", tmp_path)
        text = (fifteen_days / "farm.toml").read_text(encoding="utf-8")
        (tmp_path / "farm.toml").write_text(text + extra, encoding="utf-8")
        return configuration.read(tmp_path / "farm.toml"), archives.open(tmp_path / "archive.sqlite")

    return make


def _archive(folder: Path, *, at: str) -> Any:
    """The archive with a clock that stands at a moment."""
    return archives.open(folder / "archive.sqlite", clock=lambda: timestamps.instant(at))


def _of_all(verified: Any) -> dict[str, Any]:
    rows = verified.scores
    return rows[(rows["leads"] == "") & (rows["fallback_level"] == "")].iloc[0].to_dict()


def test_scores_are_those_of_evaluation_for_the_hours_of_the_last_days(operations: tuple[Any, Any]) -> None:
    settings, archive = operations
    verified = verify(archive, settings=settings, as_of=NOW, days=10)
    since = NOW - pd.Timedelta("10D")
    forecast = archive.forecast("farm", valid=(since, NOW))
    observed = archive.observations("farm")
    expected = ef.evaluation.score(["mae", "crps", "coverage"], observed, forecast).set_index("metric")
    found = _of_all(verified)
    assert found["n"] == 24 * 9  # the last issue is of 10 February
    assert found["mae"] == pytest.approx(expected.loc["mae", "value"])
    assert found["crps"] == pytest.approx(expected.loc["crps", "value"])
    of_80 = ef.evaluation.score("coverage", observed, forecast).set_index("level").loc[0.8, "value"]
    assert found["coverage"] == pytest.approx(of_80)
    assert found["crps_percent"] == pytest.approx(found["crps"])  # of 100 MW


def test_groups_of_leads_and_levels_add_up_to_all(operations: tuple[Any, Any]) -> None:
    settings, archive = operations
    scores = verify(archive, settings=settings, as_of=NOW).scores
    parts = scores[scores["leads"] != ""]
    assert list(parts["leads"]) == ["6-24 h", "24-48 h"]
    whole = scores.iloc[0]
    assert parts["n"].sum() == whole["n"]
    assert np.average(parts["crps"], weights=parts["n"]) == pytest.approx(whole["crps"])
    assert whole["skill_persistence"] > whole["skill_climatology"] > 0


def test_a_forecast_that_was_changed_afterwards_is_not_scored(tmp_path: Path, copied: Any) -> None:
    settings, archive = copied()
    before = verify(archive, settings=settings, as_of="2024-01-17")
    forecast = archive.forecast("farm", issued="2024-01-10")
    late = _archive(tmp_path, at="2024-01-16 12:00")
    late.write_forecast(ef.Forecast(forecast.data.copy(data=forecast.data.values + np.float32(20))))
    after = verify(archive, settings=settings, as_of="2024-01-17")
    pd.testing.assert_frame_equal(before.scores, after.scores)


def test_of_a_forecast_that_was_corrected_within_its_day_each_hour_counts_as_said_before_it(
    tmp_path: Path, copied: Any
) -> None:
    settings, archive = copied()
    before = verify(archive, settings=settings, as_of="2024-01-17").hours
    forecast = archive.forecast("farm", issued="2024-01-10")
    noon = _archive(tmp_path, at="2024-01-11 12:00")
    noon.write_forecast(ef.Forecast(forecast.data.copy(data=forecast.data.values + np.float32(20))))
    after = verify(archive, settings=settings, as_of="2024-01-17").hours
    both = before.merge(after, on=["issue_time", "valid_time"], suffixes=("", "_after"))
    assert len(both) == len(before) == len(after)
    changed = both["valid_time"][both["bias"] != both["bias_after"]]
    assert changed.min() == pd.Timestamp("2024-01-11 12:00", tz="UTC")
    assert changed.max() == pd.Timestamp("2024-01-11 23:00", tz="UTC")
    np.testing.assert_allclose((both["bias_after"] - both["bias"])[changed.index], 20, atol=1e-4)


def test_a_hindcast_that_was_written_today_is_not_what_was_issued(tmp_path: Path, copied: Any) -> None:
    settings, archive = copied()
    forecast = archive.forecast("farm", issued="2024-01-10")
    moved = forecast.data.assign_coords(
        issue_time=forecast.data["issue_time"] + np.timedelta64(30, "m"),
        lead_time=forecast.data["lead_time"] - np.timedelta64(30, "m"),
    )
    before = verify(archive, settings=settings, as_of="2024-01-17")
    _archive(tmp_path, at="2024-01-16 12:00").write_forecast(ef.Forecast(moved))
    after = verify(archive, settings=settings, as_of="2024-01-17")
    assert after.n == before.n


def test_corrections_of_outcomes_count_from_the_moment_at_which_they_were_known(
    tmp_path: Path, copied: Any
) -> None:
    settings, archive = copied()
    power = archive.observations("farm", valid="2024-01-12")
    corrected = _archive(tmp_path, at="2024-01-18 12:00")
    corrected.write_observations(replace(power, values=power.values - 30))
    then, now = (verify(archive, settings=settings, as_of=day) for day in ("2024-01-18", "2024-01-19"))
    day = pd.Timestamp("2024-01-12", tz="UTC")
    change = now.daily("bias", site="farm") - then.daily("bias", site="farm")
    assert change[day] == pytest.approx(30)
    assert (change.drop(day).dropna() == 0).all()


@pytest.mark.parametrize("way", ["flags", "orders", "outage"])
def test_curtailed_hours_and_outages_are_left_out_and_counted(tmp_path: Path, copied: Any, way: str) -> None:
    hours = pd.date_range("2024-01-12 06:00", periods=5, freq="1h", tz="UTC")
    extra = ""
    if way != "flags":
        name, value = ("curtailment", 20) if way == "orders" else ("available_capacity", 0)
        extra = (
            f'\n[{name}]\nfile = "orders.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\n'
            'published_time = "known"\n'
        )
        rows = [f"{hour:%Y-%m-%dT%H:%MZ},{value},2024-01-11T10:00Z" for hour in hours]
        (tmp_path / "orders.csv").write_text("\n".join(["time,farm,known", *rows]) + "\n")
    settings, archive = copied(extra)
    if way == "flags":
        power = archive.observations("farm", valid="2024-01-12")
        flags = pd.DataFrame(0, index=power.index, columns=["farm"])
        flags.loc[hours] = int(Flag.CURTAILED)
        _archive(tmp_path, at="2024-01-18").write_observations(replace(power, flags=flags))
    verified = verify(archive, settings=settings, as_of="2024-01-19")
    reason = "outage" if way == "outage" else "curtailed"
    assert verified.notes == ()
    assert verified.left_out == {"farm": {reason: 5}}
    assert verified.n == 15 * 24 - 5
    assert not verified.hours["valid_time"].isin(hours).any()


def test_an_order_that_became_known_later_does_not_count_before(tmp_path: Path, copied: Any) -> None:
    extra = (
        '\n[curtailment]\nfile = "orders.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\n'
        'published_time = "known"\n'
    )
    (tmp_path / "orders.csv").write_text(
        "time,farm,known\n2024-01-12T06:00Z,20,2024-01-18T10:00Z\n2024-01-12T07:00Z,,\n"
    )
    settings, archive = copied(extra)
    assert verify(archive, settings=settings, as_of="2024-01-18 09:00").left_out["farm"] == {}
    assert verify(archive, settings=settings, as_of="2024-01-18 11:00").left_out["farm"] == {"curtailed": 1}


def test_references_know_what_was_published_at_each_issue_and_no_more(operations: tuple[Any, Any]) -> None:
    settings, archive = operations
    power = archive.observations("farm")
    issues = settings.task.issue_times("2024-01-20", "2024-01-30")
    before, _ = reference_forecasts(settings.sites[0], settings.task, power, issues=issues)
    last = timestamps.to_ns(issues)[-1]
    poisoned = replace(power, values=power.values.mask(power.published > last, 99.0))
    after, _ = reference_forecasts(settings.sites[0], settings.task, poisoned, issues=issues)
    assert set(before) == {"climatology", "persistence"}
    for name, forecast in before.items():
        np.testing.assert_array_equal(forecast.data.values, after[name].data.values)
    first = timestamps.to_ns(issues)[0]
    poisoned = replace(power, values=power.values.mask(power.published > first, 99.0))
    after, _ = reference_forecasts(settings.sites[0], settings.task, poisoned, issues=issues)
    np.testing.assert_array_equal(
        before["climatology"].data.values, after["climatology"].data.values, "fitted before the first issue"
    )


def test_capacity_and_levels_may_change_between_issues(tmp_path: Path, copied: Any) -> None:
    settings, archive = copied()
    forecast = archive.forecast("farm", issued="2024-01-10")
    grown = forecast.data.assign_coords(capacity=("site", [150.0])).isel(quantile=slice(9, None, 10))
    early = _archive(tmp_path, at="2024-01-10 09:30")
    early.write_forecast(ef.Forecast(grown))
    verified = verify(archive, settings=settings, as_of="2024-01-19")
    assert verified.n == 15 * 24
    day = verified.hours["valid_time"].dt.floor("D") == pd.Timestamp("2024-01-11", tz="UTC")
    assert set(verified.hours["capacity"][day]) == {150.0}
    assert set(verified.hours["capacity"][~day]) == {100.0}


def test_costs_of_archived_schedules_are_those_of_the_terms(tmp_path: Path, copied: Any) -> None:
    extra = (
        '\n[plan]\ndependence = "independent"\n[plan.areas]\nSouth = ["farm"]\n'
        "[plan.schedule]\nshortage = 30\nsurplus = 10\n"
    )
    settings, archive = copied(extra)
    forecast = archive.forecast("farm", issued="2024-01-10")
    made = ef.planning.plan_day(
        settings.plan, ef.forecasting.PortfolioForecast({"wind": forecast}, {}), archive.observations("farm")
    )
    early = _archive(tmp_path, at="2024-01-10 09:30")
    early.write_plan(made.tables(), name="farm", issue_time=made.issue_time)
    plans = verify(archive, settings=settings, as_of="2024-01-19").plans
    table = made.schedules["farm"]
    outcome = archive.observations("farm").value_at("farm", table["valid_time"])
    short = np.maximum(table["schedule"] - outcome, 0)
    over = np.maximum(outcome - table["schedule"], 0)
    assert plans["n"].tolist() == [24]
    assert plans["cost"].tolist() == [pytest.approx(float((30 * short + 10 * over).sum()))]
    assert plans["energy"].tolist() == [pytest.approx(outcome.sum())]


def test_a_site_without_forecasts_or_measurements_is_named(tmp_path: Path, copied: Any) -> None:
    extra = (
        '\n[sites.other]\nkind = "wind"\nlatitude = 43.6\nlongitude = 78.5\ncapacity = 50\nhub_height = 90\n'
    )
    settings, archive = copied(extra)
    verified = verify(archive, settings=settings, as_of="2024-01-19")
    assert set(verified.scores["site"]) == {"farm"}
    assert verified.unscored == ("other",)
    assert verified.notes[0].startswith("other: No forecast")
    with pytest.raises(RangeError):
        verify(archive, settings=settings, as_of="2024-01-19", days=0)


def _command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "energyforecast", *arguments]
    return subprocess.run(command, cwd=cwd, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_prints_scores_and_writes_json(tmp_path: Path, copied: Any) -> None:
    copied()
    done = _command("verify", "farm.toml", "--as-of", "2024-01-19", "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["n"] == 15 * 24
    assert content["scores"][0]["site"] == "farm"
    shown = _command("verify", "farm.toml", "--as-of", "2024-01-19", cwd=tmp_path)
    assert "farm" in shown.stdout
    assert "360" in shown.stdout
    empty = _command("verify", "farm.toml", "--as-of", "2025-01-19", cwd=tmp_path)
    assert empty.returncode == 1
    (tmp_path / "archive.sqlite").unlink()
    gone = _command("verify", "farm.toml", cwd=tmp_path)
    assert gone.returncode == 1
    assert "There is no archive" in gone.stderr


def test_a_configuration_without_an_archive_names_the_remedy(tmp_path: Path, copied: Any) -> None:
    from energyforecast.errors import MissingDataError
    from energyforecast.operations.issued_forecasts import opened_archive

    copied()
    file = tmp_path / "farm.toml"
    file.write_text(file.read_text().replace('[archive]\nfile = "archive.sqlite"\n', ""))
    with pytest.raises(MissingDataError, match="energyforecast run"):
        opened_archive(configuration.read(file))
