"""`--json` of the commands: a file, or standard output without anything else; and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from tests.cli.test_commands import _run, _succeeded
from tests.support.toy_weather import toy_power, toy_weather, wind_farm

NAMES = ("[/]", r"$\frac{$")
SITE = """
[sites.'{name}']
kind = "wind"
latitude = 48.0
longitude = 10.0
capacity = 100
hub_height = 100
"""
REST = """
[weather]
file = "weather.nc"
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
[archive]
file = "archive.sqlite"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of two farms with names that markup and formulas would take for their own."""
    pytest.importorskip("sqlalchemy")
    farms = [wind_farm(name=name) for name in NAMES]
    weather, truth = toy_weather(farms, days=30)
    path = tmp_path_factory.mktemp("farms")
    ef.weather.write(weather, path / "weather.nc")
    power = toy_power(farms, truth).values
    power.set_axis(power.index.strftime("%Y-%m-%d %H:%M"), axis=0).to_csv(
        path / "power.csv", index_label="time"
    )
    text = "".join(SITE.format(name=name) for name in NAMES) + REST
    (path / "farms.toml").write_text(text, encoding="utf-8")
    return path


def answer(done: Any) -> dict[str, Any]:
    """Standard output, which is JSON and nothing else."""
    return dict(json.loads(_succeeded(done)))


def test_version_and_configuration_are_json(folder: Path) -> None:
    found = answer(_run("version", "--json", "-", cwd=folder))
    assert found["energyforecast"] == ef.__version__
    assert {"numpy", "pandas", "lightgbm"} <= set(found)
    shown = answer(_run("config", "farms.toml", cwd=folder))
    _succeeded(_run("config", "farms.toml", "--json", "config.json", cwd=folder))
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == shown


@pytest.mark.slow
def test_a_forecast_is_json_and_its_run_is_archived(folder: Path) -> None:
    command = ("forecast", "farms.toml", "--issue-time", "2024-01-25 09:00")
    found = answer(_run(*command, "--json", "-", cwd=folder))
    assert found["issue_time"] == "2024-01-25T09:00:00Z"
    assert found["fallback_level"] == 0
    assert {row["site"] for row in found["rows"]} == set(NAMES)
    table = pd.read_csv(folder / "forecast" / "forecast.csv")
    np.testing.assert_allclose([row["q0.5"] for row in found["rows"]], table["q0.5"], atol=1e-3)

    shown = answer(
        _run("archive", "show", "--site", "[/]", "--archive", "archive.sqlite", "--json", "-", cwd=folder)
    )
    assert len(shown["rows"]) == 24
    export = ("archive", "export", "said.nc", "--site", "[/]", "--archive", "archive.sqlite", "--json", "-")
    assert answer(_run(*export, cwd=folder))["bytes"] == (folder / "said.nc").stat().st_size


@pytest.mark.slow
def test_a_refused_forecast_leaves_the_row_of_its_run(folder: Path) -> None:
    text = (folder / "farms.toml").read_text(encoding="utf-8").replace("power.csv", "gone.csv")
    (folder / "gone.toml").write_text(text, encoding="utf-8")
    done = _run("forecast", "gone.toml", "--issue-time", "2024-01-25 09:00", "--out", "gone", cwd=folder)
    assert done.returncode == 1
    last = ef.archive.open(folder / "archive.sqlite").runs().iloc[-1]
    assert (last["command"], last["exit_code"]) == ("forecast", 1)
    assert last["detail"]["found"] in done.stderr


@pytest.mark.slow
def test_measurements_are_audited_as_json(folder: Path) -> None:
    done = _run("observations", "check", "power.csv", "--config", "farms.toml", "--json", "-", cwd=folder)
    assert done.returncode in (0, 3)
    assert set(json.loads(done.stdout)["sites"]) == set(NAMES)


@pytest.mark.slow
def test_the_daily_run_writes_names_as_they_are(folder: Path) -> None:
    done = _run("run", "farms.toml", "--issue-time", "2024-01-25 09:00", "--json", "-", cwd=folder)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 3), done.stderr
    assert json.dumps(NAMES[0]) in done.stdout
    assert set(pd.read_csv(folder / "operations" / "published" / "forecast.csv")["site"]) == set(NAMES)
