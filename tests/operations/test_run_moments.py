"""Daily runs by a clock that goes on: what was just archived counts, stops, deadlines, and parts that fail."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from energyforecast import archive, configuration
from energyforecast.errors import TimeError
from energyforecast.operations import RunFolder, RunRecord, StepOutcome, daily_run
from energyforecast.operations.deadline import Deadline
from energyforecast.operations.step_times import StepTimes
from tests.support.climatology_farm import CONFIG, climatology_farm

pytest.importorskip("sqlalchemy")

PLAN = """
[plan]
dependence = "independent"
[plan.areas]
South = ["farm"]
"""
SCHEDULE = """
[plan.schedule]
shortage = 40
surplus = 10
"""
MORNING = pd.Timestamp("2024-02-25 09:00", tz="UTC")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A farm with sixty days of power, forecast by climatology."""
    return climatology_farm(tmp_path)


class _Ticking:
    """Clock that goes on by a second each time it is read."""

    def __init__(self, moment: pd.Timestamp) -> None:
        self.moment = moment

    def __call__(self) -> pd.Timestamp:
        self.moment += pd.Timedelta("1s")
        return self.moment


def _run(config: Path, moment: pd.Timestamp = MORNING, **given: Any) -> RunRecord:
    """Run by a clock that stays: two hours after the issue nothing is trained, which takes the most time."""
    given = {"clock": lambda: moment} | given
    return daily_run(configuration.read(config), **given)


def _late_run(config: Path, moment: pd.Timestamp = MORNING, **given: Any) -> RunRecord:
    """Run two hours after its issue, when nothing is trained, by a clock that goes on."""
    return _run(config, clock=_Ticking(moment + pd.Timedelta("2h")), issue_time=moment, **given)


def _stop_at(step: str) -> Callable[[str, StepOutcome | None], None]:
    """Listener by which a run is stopped, as by a signal, when a step begins for the first time."""
    begun: list[str] = []

    def listen(name: str, outcome: StepOutcome | None) -> None:
        if outcome is None:
            begun.append(name)
        if name == step and outcome is None and begun.count(step) == 1:
            raise KeyboardInterrupt

    return listen


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _folder(config: Path) -> RunFolder:
    return RunFolder(config.parent / "operations")


def test_the_status_knows_the_run_that_writes_it(config: Path) -> None:
    folder = _folder(config)
    record = _run(config, clock=_Ticking(MORNING))
    shown = _read(folder.status_file)
    assert shown["state"] == "good", shown["problems"]
    assert shown["sites"][0]["is_current"]
    assert [run["start"] for run in shown["runs"]] == [f"{record.start:%Y-%m-%dT%H:%M:%SZ}"]
    assert record.step("status").is_good
    assert _read(folder.record(record.start))["steps"][-1]["name"] == "status"


@pytest.mark.slow
def test_the_status_is_of_now_after_an_issue_of_the_past_and_a_stop(config: Path) -> None:
    folder = _folder(config)
    _late_run(config)
    later = MORNING + pd.Timedelta("1D")
    _run(config, clock=_Ticking(later), issue_time=MORNING)
    assert _read(folder.status_file)["as_of"] > "2024-02-26T09:00:00Z"
    with pytest.raises(KeyboardInterrupt):
        _run(config, clock=_Ticking(later + pd.Timedelta("1h")), progress=_stop_at("weather"))
    shown = _read(folder.status_file)
    assert shown["as_of"] > "2024-02-26T10:00:00Z"
    assert shown["runs"][0]["start"] > "2024-02-26T10:00:00Z"


@pytest.mark.slow
def test_outcomes_that_a_run_has_archived_are_verified_by_it(config: Path) -> None:
    power = config.parent / "power.csv"
    whole = power.read_text(encoding="utf-8")
    power.write_text(whole[: whole.index("2024-02-25 08:00")], encoding="utf-8")
    _late_run(config)
    power.write_text(whole, encoding="utf-8")
    record = _late_run(config, MORNING + pd.Timedelta("2D"))
    assert record.step("verify").details["n"] == 24


def test_a_stop_before_anything_is_known_leaves_the_forecast_of_the_same_hours(config: Path) -> None:
    seen = config.parent / "seen.json"
    command = json.dumps([sys.executable, "-c", f"open({str(seen)!r}, 'w')"])
    config.write_text(f"{CONFIG}[operations]\nalert_command = {command}\n", encoding="utf-8")
    folder = _folder(config)
    _late_run(config)
    before = folder.index.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        _run(config, MORNING + pd.Timedelta("3h"), progress=_stop_at("fetch"))
    assert folder.index.read_bytes() == before
    written = _read(folder.record(MORNING + pd.Timedelta("3h")))
    assert (written["is_issued"], written["is_stopped"], written["exit_code"]) == (True, True, 3)
    alerts = [json.loads(line) for line in folder.alerts.read_text(encoding="utf-8").splitlines()]
    assert [one["severity"] for one in alerts] == ["warning"], "a run that is stopped leaves its alert"
    assert not seen.exists(), "and does not wait for the command"


def test_a_forecast_that_is_published_is_archived_although_the_run_is_stopped(config: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _late_run(config, progress=_stop_at("archive"))
    held = archive.open(_folder(config).archive, create=False)
    assert len(held.issues("farm")) == 1


def test_an_issue_of_the_past_trains_nothing(config: Path) -> None:
    record = _late_run(config)
    assert record.step("train") is None
    assert record.step("forecast").details["way"] == "new model"
    assert record.exit_code == 0
    assert not list(_folder(config).models.rglob("*.forecaster"))


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_issue_to_come_is_refused(config: Path, dry_run: bool) -> None:
    with pytest.raises(TimeError, match="2024-03-25 09:00 UTC is to come: it is 2024-02-25 09:00 UTC"):
        _run(config, issue_time="2024-03-25 09:00", dry_run=dry_run)
    assert not _folder(config).root.exists()


@pytest.mark.slow
def test_ages_are_those_of_now_when_old_records_are_removed(config: Path) -> None:
    config.write_text(CONFIG + '[operations]\nkeep = "2D"\n', encoding="utf-8")
    _late_run(config)
    record = _run(config, MORNING + pd.Timedelta("5D"), issue_time=MORNING)
    assert record.step("prune").details["records"] == 1


@pytest.mark.slow
def test_a_run_after_the_deadline_plans_and_one_without_a_plan_gives_way(config: Path) -> None:
    config.write_text(f"{CONFIG}[operations]\nadapt = true\n{PLAN}{SCHEDULE}", encoding="utf-8")
    folder, noon = _folder(config), MORNING + pd.Timedelta("5h")
    record = _run(config, noon, issue_time=MORNING, deadline="09:30")
    assert record.step("plan").state == "good", record.step("plan")
    assert "schedules.csv" in _read(folder.index)["files"]
    assert "after the deadline" in record.step("publish").message
    before = folder.index.read_bytes()
    hurried = _run(config, noon, issue_time=MORNING, deadline="14:00")
    assert "0 s are left before the deadline, a plan may take" in hurried.step("plan").message
    assert "0 s are left before the deadline" in hurried.step("adapt").message
    assert "with a plan of the same hours" in hurried.step("publish").message
    assert folder.index.read_bytes() == before
    config.write_text(CONFIG, encoding="utf-8")
    _run(config, noon, issue_time=MORNING)
    assert "schedules.csv" not in _read(folder.index)["files"], "no plan is asked for any more"


def test_time_to_adapt_is_left_before_the_deadline() -> None:
    times = StepTimes({"forecast": 20.0, "adapt": 20.0, "plan": 20.0})
    deadline = Deadline(MORNING + pd.Timedelta("1h"), clock=lambda: MORNING)
    assert times.reserve(deadline) == 90.0


def test_a_plan_without_tables_says_so(config: Path) -> None:
    config.write_text(CONFIG + PLAN, encoding="utf-8")
    record = _late_run(config)
    assert record.step("plan").message == "no table."


def test_a_plan_that_cannot_be_written_does_not_keep_the_forecast(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from energyforecast.reporting import day_plan

    config.write_text(f"{CONFIG}{PLAN}{SCHEDULE}", encoding="utf-8")

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a sheet of no column")

    monkeypatch.setattr(day_plan, "write", broken)
    record = _late_run(config)
    assert record.exit_code == 3
    assert record.step("publish").message.endswith("no other files: ValueError: a sheet of no column")
    assert sorted(_read(_folder(config).index)["files"]) == ["forecast.csv", "forecast.nc"]
    held = archive.open(_folder(config).archive, create=False)
    assert len(held.plans()) == 0, "the archive holds what was published"


def test_measurements_that_cannot_be_archived_do_not_keep_the_forecast_from_it(config: Path) -> None:
    folder = _folder(config)
    archive.open(_make(folder.archive))
    with sqlite3.connect(folder.archive) as connection:
        refusal = "BEGIN SELECT RAISE(ABORT, 'no room for a measurement'); END"
        connection.execute(f"CREATE TRIGGER no_room BEFORE INSERT ON measurement {refusal}")
    connection.close()
    record = _late_run(config)
    assert record.exit_code == 3
    step = record.step("archive")
    assert step.state == "degraded"
    assert "Not archived, measurements:" in step.message
    assert len(archive.open(folder.archive, create=False).issues("farm")) == 1


def _make(file: Path) -> Path:
    file.parent.mkdir(parents=True)
    return file
