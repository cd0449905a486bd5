"""The daily run: a forecast whatever fails, records of it, the lock, deadlines and alerts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import archive, configuration
from energyforecast.core.files import checksum
from energyforecast.errors import RunLockedError
from energyforecast.forecasting import storage
from energyforecast.operations import RunFolder, RunRecord, daily_run
from energyforecast.operations.issuing import Issued
from energyforecast.operations.lock import holder, only_run
from tests.support.climatology_farm import CONFIG, climatology_farm

pytest.importorskip("sqlalchemy")

MORNING = pd.Timestamp("2024-02-25 09:00", tz="UTC")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A farm with sixty days of power, forecast by climatology."""
    return climatology_farm(tmp_path)


def _run(config: Path, moment: pd.Timestamp = MORNING, **given: Any) -> RunRecord:
    return daily_run(configuration.read(config), clock=lambda: moment, **given)


def _index(folder: RunFolder) -> dict[str, Any]:
    return dict(json.loads(folder.index.read_text(encoding="utf-8")))


def _folder(config: Path) -> RunFolder:
    return RunFolder(config.parent / "operations")


def _forget(folder: RunFolder) -> None:
    """Remove the measurements that were known, and the models."""
    folder.archive.unlink()
    shutil.rmtree(folder.models)


def test_a_good_run_publishes_records_and_archives(config: Path) -> None:
    record = _run(config)
    folder = _folder(config)
    assert (record.exit_code, record.state, record.issue_time) == (0, "good", MORNING)
    index = _index(folder)
    assert index["issue_time"] == "2024-02-25T09:00:00Z"
    assert index["files"] == {
        name: checksum((folder.published / name).read_bytes()) for name in ("forecast.csv", "forecast.nc")
    }
    written = json.loads(folder.record(MORNING).read_text(encoding="utf-8"))
    order = ["fetch", "models", "weather", "measurements", "train", "forecast", "publish", "archive"]
    assert [step["name"] for step in written["steps"]][: len(order)] == order
    held = archive.open(folder.archive, create=False)
    assert held.runs()[["command", "exit_code"]].values.tolist() == [["run", 0]]
    said = held.forecast("farm", valid="2024-02-26")
    assert np.allclose(said.data, ef.Forecast.load(folder.published / "forecast.nc").data)
    assert holder(folder.lock) is None
    assert not folder.alerts.exists()


def test_a_run_that_is_repeated_gives_the_same(config: Path) -> None:
    folder = _folder(config)
    _run(config)
    before = (folder.published / "forecast.csv").read_bytes()
    record = _run(config, MORNING + pd.Timedelta("5min"), issue_time=MORNING)
    assert record.exit_code == 0
    assert (folder.published / "forecast.csv").read_bytes() == before
    held = archive.open(folder.archive, create=False)
    assert len(held.issues("farm")) == 1
    assert len(held.runs()) == 2


@pytest.mark.parametrize("content", [None, b"", b"time,farm\n", b"\x00\xff\x00garbage"])
def test_without_measurements_a_forecast_is_published_and_marked(config: Path, content: bytes | None) -> None:
    power = config.parent / "power.csv"
    power.unlink()
    if content is not None:
        power.write_bytes(content)
    record = _run(config)
    assert record.exit_code == 3
    table = pd.read_csv(_folder(config).published / "forecast.csv", comment="#")
    assert len(table) == 24
    assert set(table["fallback_level"]) == {4}
    assert table[["q0.1", "q0.5", "q0.9"]].round(6).drop_duplicates().values.tolist() == [[6.0, 30.0, 54.0]]


def test_a_forecast_of_a_lower_level_of_the_same_hours_stays(config: Path) -> None:
    folder = _folder(config)
    _run(config)
    before = folder.index.read_bytes()
    (config.parent / "power.csv").unlink()
    _forget(folder)
    record = _run(config, MORNING + pd.Timedelta("5min"))
    assert record.exit_code == 3
    assert "level 0 of the same hours" in record.step("publish").message
    assert folder.index.read_bytes() == before
    _run(config, MORNING + pd.Timedelta("1D"))
    assert _index(folder)["fallback_level"] >= 3


@pytest.mark.slow
def test_a_site_of_which_nothing_is_known_has_no_forecast_and_yesterdays_is_set_aside(config: Path) -> None:
    text = CONFIG.replace('kind = "wind"', 'kind = "demand"').replace("capacity = 60\n", "")
    config.write_text(text, encoding="utf-8")
    folder = _folder(config)
    assert _run(config).exit_code == 0
    (config.parent / "power.csv").unlink()
    _forget(folder)
    record = _run(config, MORNING + pd.Timedelta("1D"))
    assert record.exit_code == 1
    assert _index(folder)["state"] == "refused"
    assert not (folder.published / "forecast.csv").exists()
    alerts = [json.loads(line) for line in folder.alerts.read_text(encoding="utf-8").splitlines()]
    assert [one["severity"] for one in alerts] == ["error"]
    assert archive.open(folder.archive, create=False).runs()["exit_code"].tolist() == [1]


def test_a_second_run_is_refused_with_the_holder_and_leaves_a_row(config: Path) -> None:
    folder = _folder(config)
    holding = rf"process {os.getpid()}, since 2024-02-25T09:00:00Z"
    with only_run(folder.lock, now=MORNING), pytest.raises(RunLockedError, match=holding):
        _run(config)
    assert archive.open(folder.archive, create=False).runs()["exit_code"].tolist() == [4]
    assert _run(config).exit_code == 0


HOLD = """
import sys, time, pandas as pd
from pathlib import Path
from energyforecast.operations.lock import only_run
with only_run(Path(sys.argv[1]), now=pd.Timestamp("2024-02-24 09:00", tz="UTC")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_run_is_taken_over(config: Path) -> None:
    folder = _folder(config)
    with subprocess.Popen([sys.executable, "-c", HOLD, folder.lock], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(RunLockedError, match="2024-02-24T09:00:00Z"):
            _run(config)
        process.kill()
    record = _run(config)
    assert record.exit_code == 0
    assert record.details["taken_over_from"]["pid"] == process.pid


@pytest.mark.slow
def test_an_alert_goes_to_the_command_and_a_command_that_fails_is_not_fatal(config: Path) -> None:
    (config.parent / "power.csv").unlink()
    seen = config.parent / "seen.json"
    program = f"import sys; open({str(seen)!r}, 'w').write(sys.stdin.read())"
    section = f"\n[operations]\nalert_command = {json.dumps([sys.executable, '-c', program])}\n"
    config.write_text(CONFIG + section, encoding="utf-8")
    assert _run(config).exit_code == 3
    assert json.loads(seen.read_text(encoding="utf-8"))["severity"] == "warning"
    config.write_text(CONFIG + '\n[operations]\nalert_command = ["/no/such/program"]\n', encoding="utf-8")
    record = _run(config)
    assert record.exit_code == 3
    assert record.step("alert").state == "failed"


def test_a_dry_run_writes_nothing(config: Path) -> None:
    record = _run(config, dry_run=True)
    assert record.exit_code == 0
    assert not _folder(config).root.exists()
    (config.parent / "power.csv").unlink()
    assert _run(config, dry_run=True).exit_code == 3


@pytest.mark.slow
def test_old_records_and_alerts_are_removed(config: Path) -> None:
    config.write_text(CONFIG + '\n[operations]\nkeep = "2D"\n', encoding="utf-8")
    power = config.parent / "power.csv"
    content = power.read_bytes()
    power.unlink()
    folder = _folder(config)
    _run(config)
    power.write_bytes(content)
    _run(config, MORNING + pd.Timedelta("1D"))
    assert len(list(folder.runs.iterdir())) == 2
    record = _run(config, MORNING + pd.Timedelta("3D"))
    assert record.step("prune").details["records"] == 1
    assert record.step("prune").details["alerts"] == 1
    assert len(archive.open(folder.archive, create=False).runs()) == 3, "the archive keeps everything"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(config: Path) -> None:
    config.parent.chmod(0o500)
    try:
        with pytest.raises(ef.errors.StoreError, match="cannot be used"):
            _run(config)
    finally:
        config.parent.chmod(0o700)


@pytest.mark.slow
def test_weather_that_does_not_come_is_given_up_in_time(config: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/forecast"
        text = CONFIG.replace("[observations]", WEATHER.format(address=address) + "[observations]", 1)
        config.write_text(text, encoding="utf-8")
        record = daily_run(configuration.read(config), clock=_Running(MORNING), deadline="09:00:04")
    assert record.step("fetch").state in ("degraded", "failed")
    assert "deadline" in record.step("fetch").message
    assert record.exit_code == 3
    assert record.step("fetch").seconds < 8
    assert record.is_issued


WEATHER = """
[weather]
store = "weather.zarr"
source = "open-meteo"
model = "ecmwf_ifs"
base_url = "{address}"
"""


class _Running:
    """Clock that begins at a moment."""

    def __init__(self, begin: pd.Timestamp) -> None:
        self.begin, self.started = begin, time.monotonic()

    def __call__(self) -> pd.Timestamp:
        return self.begin + pd.Timedelta(seconds=time.monotonic() - self.started)


def _command(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "energyforecast", *options],
        env=os.environ | {"PYTHONPATH": str(Path(ef.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_the_command_gives_codes_lines_and_a_document(config: Path) -> None:
    done = _command(config.parent, "run", "farm.toml", "--issue-time", "2024-02-25 09:00", "--json", "-")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["issue_time"] == "2024-02-25T09:00:00Z"
    assert [line.split()[0] for line in done.stderr.splitlines()][:3] == ["fetch", "models", "weather"]
    checked = _command(config.parent, "check", "farm.toml", "--json", "check.json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads((config.parent / "check.json").read_text(encoding="utf-8"))["dry_run"] is True
    (config.parent / "power.csv").unlink()
    assert _command(config.parent, "run", "farm.toml").returncode == 3
    assert _command(config.parent, "run", "farm.toml", "--deadline", "late").returncode == 1
    assert _command(config.parent, "run", "farm.toml", "--no-such-option").returncode == 2
    with only_run(_folder(config).lock, now=MORNING):
        locked = _command(config.parent, "run", "farm.toml")
    assert locked.returncode == 4
    assert str(os.getpid()) in locked.stderr
    assert "Traceback" not in locked.stderr


@pytest.mark.faults
def test_a_run_that_is_stopped_leaves_a_record_and_no_half_files(config: Path) -> None:
    _run(config, MORNING)
    folder = _folder(config)
    program = (
        "import sys, time; from energyforecast.operations import publishing_step as step\n"
        "from energyforecast.cli.application import main\n"
        "step.publish = lambda *_, **__: (print('publishes', flush=True), time.sleep(60))\n"
        "sys.argv = ['energyforecast', 'run', 'farm.toml', '--issue-time', '2024-02-26 09:00']; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(Path(ef.__file__).parents[1])},
        cwd=config.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "publishes" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    index = _index(folder)
    assert index["state"] == "refused", "yesterday's is not offered for today"
    left = {path.name for path in folder.published.iterdir() if path.stem != "status"}
    assert left == {"forecast_files.json", "previous"}
    newest = max(folder.runs.iterdir())
    assert json.loads(newest.read_text(encoding="utf-8"))["is_stopped"] is True
    assert archive.open(folder.archive, create=False).runs()["exit_code"].tolist() == [0, 1]
    assert holder(folder.lock) is None


@pytest.mark.slow
def test_the_model_of_the_first_morning_serves_until_another_is_due(config: Path) -> None:
    first = _run(config)
    assert first.step("train").details["promoted"]
    second = _run(config, MORNING + pd.Timedelta("1D"))
    assert second.step("train") is None
    assert second.step("forecast").details["way"] == "model in service"
    assert second.exit_code == 0
    later = _run(config, MORNING + pd.Timedelta("8D"))
    assert "one is trained every 7 days" in later.step("train").details["due"]


@pytest.mark.slow
def test_a_damaged_model_is_named_and_another_is_fitted(config: Path) -> None:
    folder = _folder(config)
    _run(config)
    for path in folder.models.rglob("*.forecaster"):
        path.write_bytes(path.read_bytes()[:-100])
    record = _run(config, MORNING + pd.Timedelta("1D"))
    assert record.exit_code in (0, 3)
    assert _index(folder)["issue_time"] == "2024-02-26T09:00:00Z"
    assert record.step("train") is not None


@pytest.mark.slow
def test_without_time_to_train_the_forecast_comes_first(config: Path) -> None:
    _run(config)
    moment = MORNING + pd.Timedelta("8D")
    record = _run(config, moment, deadline="09:00")
    names = [step.name for step in record.steps]
    assert names.index("publish") < names.index("train")
    assert record.step("train").state == "good"
    assert record.exit_code == 0


@pytest.mark.slow
def test_two_runs_at_once_are_one_and_a_refusal(config: Path) -> None:
    settings, found = configuration.read(config), []

    def one() -> None:
        try:
            found.append(daily_run(settings, clock=lambda: MORNING).exit_code)
        except RunLockedError:
            found.append(4)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) in ([0, 4], [0, 0])
    assert 0 in found


@pytest.mark.slow
def test_a_run_adapts_its_forecast_to_the_newest_outcomes_if_asked(config: Path) -> None:
    """The farm gives a third of its power since February; the archive keeps the forecast before and after."""
    table = pd.read_csv(config.parent / "power.csv", index_col="time")
    table.loc["2024-02":] = (table.loc["2024-02":] / 3).round(2)
    table.to_csv(config.parent / "power.csv")
    config.write_text(CONFIG + "[operations]\nadapt = true\n", encoding="utf-8")
    settings, folder = configuration.read(config), _folder(config)
    assert _run(config, MORNING - pd.Timedelta("1D")).step("adapt").message.startswith("Nothing to adapt")
    power = settings.observations()
    old = settings.forecaster().fit(None, power["2024-01"])
    for days in range(20, 1, -1):
        issued = MORNING - pd.Timedelta(days, unit="D")
        held = archive.open(folder.archive, clock=lambda issued=issued: issued)  # type: ignore[misc]
        held.write_forecast(old.predict(None, power, issue_time=issued))
    record = _run(config)
    assert record.step("adapt").message == "intervals adapted to the outcomes of the last 60D: farm."
    assert record.exit_code == 0
    published = ef.Forecast.load(folder.published / "forecast.nc")
    assert "adapted" in published.caveats[-1]
    first, second = _said(folder)
    assert ("adapted" in first, "adapted" in second) == (False, True)
    _run(config, MORNING + pd.Timedelta("5min"), issue_time=MORNING)
    assert len(_said(folder)) == 2


def _said(folder: RunFolder) -> list[str]:
    """Caveats of the records of the forecast of the morning."""
    held = archive.open(folder.archive, create=False)
    return list(held.issues("farm", issued=(MORNING, MORNING))["caveats"])


@pytest.mark.slow
def test_models_that_are_old_are_removed_but_not_those_of_the_service(config: Path) -> None:
    config.write_text(CONFIG + '\n[operations]\nkeep = "2D"\n', encoding="utf-8")
    moments = [MORNING + pd.Timedelta(8 * count, "D") for count in range(3)]
    records = [_run(config, moment) for moment in moments]
    models = [record.step("train").details["model"] for record in records]
    assert [record.step("prune").details["models"] for record in records] == [0, 0, 1]
    assert sorted(path.name for path in _folder(config).models.iterdir() if path.is_dir()) == models[1:]


@pytest.mark.faults
def test_a_model_that_cannot_be_read_is_no_reason_for_no_forecast(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(config)
    for error in (OSError(5, "Input/output error"), KeyError("x")):
        with monkeypatch.context() as patched:
            patched.setattr(storage, "load", _raises(error))
            record = _run(config, MORNING + pd.Timedelta("1D"))
        assert record.step("models").state == ("failed" if isinstance(error, KeyError) else "degraded")
        assert record.step("forecast").message.startswith("By a new model; ")
        assert _index(_folder(config))["issue_time"] == "2024-02-26T09:00:00Z"


def _raises(error: Exception) -> Any:
    def load(path: Path) -> ef.Forecaster:
        raise error

    return load


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("model in service", "By the model in service"),
        ("model in service without weather", "By the model in service without weather"),
        ("new model without fallback models", "By a new model without fallback models"),
        ("reference forecasts", "By reference forecasts"),
    ],
)
def test_each_way_to_a_forecast_reads_as_english(way: str, words: str) -> None:
    assert Issued(None, None, way).by == words  # type: ignore[arg-type]
