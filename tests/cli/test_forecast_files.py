"""Files of the daily commands: never those of yesterday without saying so, whole at any kill, and no children left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.cli.forecast import forecast
from energyforecast.core.file_sets import PREVIOUS
from energyforecast.core.files import checksum
from energyforecast.errors import ConfigurationError, EnergyForecastError, TimeError

CONFIG = """
[sites.farm]
kind = "wind"
latitude = 43.6
longitude = 78.5
capacity = 60
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "Climatology"
"""
MORNINGS = ("2024-02-24 09:00", "2024-02-25 09:00", "2024-02-26 09:00")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A farm with sixty days of power, forecast by climatology."""
    index = pd.date_range("2024-01-01", periods=60 * 24, freq="h")
    power = pd.DataFrame({"farm": np.random.default_rng(0).uniform(0, 60, len(index)).round(2)}, index=index)
    power.index = power.index.strftime("%Y-%m-%d %H:%M")
    power.to_csv(tmp_path / "power.csv", index_label="time")
    path = tmp_path / "farm.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def _index(out: Path) -> dict[str, object]:
    return dict(json.loads((out / "forecast_files.json").read_text(encoding="utf-8")))


def test_the_index_lists_the_files_of_the_issue(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    forecast(config, MORNINGS[0], out=out)
    index = _index(out)
    assert index["state"] == "issued"
    assert index["issue_time"] == "2024-02-24T09:00:00Z"
    assert index["first_hour"] == "2024-02-25T00:00:00Z"
    assert index["files"] == {
        path.name: checksum(path.read_bytes()) for path in out.iterdir() if path.name != "forecast_files.json"
    }


@pytest.mark.parametrize("cause", ["power", "config", "stopped"])
def test_a_refused_morning_leaves_no_forecast_of_yesterday(
    config: Path,
    tmp_path: Path,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    forecast(config, MORNINGS[0], out=out)
    yesterday = (out / "forecast.csv").read_bytes()
    if cause == "power":
        (tmp_path / "power.csv").write_text("time,farm\n", encoding="utf-8")
    elif cause == "config":
        config.write_text("[task", encoding="utf-8")
    else:
        monkeypatch.setattr(ef.Forecast, "write_csv", _stopped)
    with pytest.raises((EnergyForecastError, KeyboardInterrupt)):
        forecast(config, MORNINGS[1], out=out)
    assert not list(out.glob("forecast.*"))
    assert (out / PREVIOUS / "forecast.csv").read_bytes() == yesterday
    index = _index(out)
    assert index["state"] == "refused"
    assert index["error"]
    assert str(out / PREVIOUS) in capsys.readouterr().err


def _stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_second_run_of_the_morning_that_fails_leaves_its_forecast(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    forecast(config, MORNINGS[1], out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (tmp_path / "power.csv").unlink()
    for again in MORNINGS[:2]:
        with pytest.raises(EnergyForecastError):
            forecast(config, again, out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_stored_forecaster_must_be_that_of_the_configuration(config: Path, tmp_path: Path) -> None:
    stored, out = tmp_path / "farm.forecaster", tmp_path / "out"
    forecast(config, MORNINGS[1], save=stored, out=out)
    forecast(config, MORNINGS[2], model=stored, out=out)
    assert _index(out)["issue_time"] == "2024-02-26T09:00:00Z"
    with pytest.raises(TimeError, match="has learnt what came later"):
        forecast(config, MORNINGS[0], model=stored, out=out)
    for old, new, named in (
        ("capacity = 60", "capacity = 80", r"site farm capacity 60, not 80"),
        ("[sites.farm]", "[sites.other]", r"site other absent"),
        ("latitude = 43.6", "latitude = 53.6", r"latitude 43.6, not 53.6"),
        ('issue = "09:00"', 'issue = "08:00"', r"task issue 09:00:00, not 08:00:00"),
        ("0.1, 0.5, 0.9", "0.25, 0.5, 0.75", r"task quantiles \[0.1, 0.5, 0.9\], not \[0.25, 0.5, 0.75\]"),
        ('kind = "Climatology"', 'kind = "Persistence"', r"Climatology, not Persistence"),
    ):
        config.write_text(CONFIG.replace(old, new), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=named):
            forecast(config, MORNINGS[2], model=stored, out=out)
    config.write_text(CONFIG.replace('[model]\nkind = "Climatology"\n', ""), encoding="utf-8")
    forecast(config, MORNINGS[2], model=stored, out=out)  # no model is asked for


COMMAND = [sys.executable, "-m", "energyforecast", "forecast", "farm.toml", "--out", "out", "--issue-time"]


def _started(folder: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(Path(ef.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _is_whole(out: Path) -> bool:
    """Whether the folder holds one set; files alone are whole at any rate."""
    tables = [pd.read_csv(path) for path in out.glob("forecast.csv")]
    assert all(len(table) == 24 and table["q0.9"].notna().all() for table in tables), "a cut table"
    for path in out.glob("forecast.nc"):
        ef.Forecast.load(path)
    if not (out / "forecast_files.json").exists():
        return False
    index = _index(out)
    files = index.get("files", {})
    assert isinstance(files, dict)
    assert all(checksum((out / name).read_bytes()) == digest for name, digest in files.items())
    return index["state"] == "issued"


@pytest.mark.faults
def test_ten_kills_of_the_command_leave_whole_files(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    forecast(config, MORNINGS[0], out=out)
    begun = time.monotonic()
    with _started(tmp_path, *COMMAND, MORNINGS[1]) as process:
        process.communicate()
    usual = time.monotonic() - begun
    rng = np.random.default_rng(0)
    for k in range(10):
        with _started(tmp_path, *COMMAND, MORNINGS[k % 3]) as process:
            time.sleep(float(rng.uniform(0.4, 1.0)) * usual)
            process.kill()
        _is_whole(out)
    with _started(tmp_path, *COMMAND, MORNINGS[2]) as process:
        process.communicate()
    assert process.returncode == 0
    assert _is_whole(out)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_sigterm_leaves_no_children_and_no_half_files(config: Path, tmp_path: Path) -> None:
    command = (
        "import sys; from energyforecast.cli.application import main; import energyforecast.cli.forecast as f\n"
        "from joblib import Parallel, delayed; import time\n"
        "f._write = lambda *_, **__: Parallel(2)(delayed(time.sleep)(60) for _ in range(4))\n"
        f"sys.argv = ['energyforecast', *{COMMAND[3:]!r}, '{MORNINGS[1]}']; main()"
    )
    with _started(tmp_path, sys.executable, "-c", command) as process:
        until = time.monotonic() + 30
        while len(_session(process.pid)) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(_session(process.pid)) >= 3, "the workers run"
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        until = time.monotonic() + 10
        while _session(process.pid) and time.monotonic() < until:
            time.sleep(0.05)
        left = _session(process.pid)
        for child in left:  # they hold the pipes, for which the end of the block waits
            os.kill(child, signal.SIGKILL)
    assert code == 128 + signal.SIGTERM
    assert not left, "children are left"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["forecast_files.json"]
    assert _index(tmp_path / "out")["state"] == "refused"


def _session(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, *rest = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(rest[2]) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found
