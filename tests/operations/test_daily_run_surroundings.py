"""The daily run among pipes, locks, files in its way, and configurations without measurements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast import configuration
from energyforecast.cli import app
from energyforecast.cli.pipe_console import PipeConsole
from energyforecast.core import netcdf_files
from energyforecast.core.weather_schema import as_models
from energyforecast.operations import RunFolder, daily_run
from energyforecast.operations.deadline import deadline_of
from energyforecast.operations.lock import is_held, only_run
from energyforecast.operations.reading import read_weather
from energyforecast.operations.run_steps import Run

FARM = """
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
"""
TASK = """
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
quantiles = [0.1, 0.5, 0.9]
"""
MODEL = """
[model]
kind = "Climatology"
"""
MORNING = pd.Timestamp("2024-02-25 09:00", tz="UTC")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    index = pd.date_range("2024-01-01", periods=60 * 24, freq="h")
    power = pd.DataFrame({"farm": np.random.default_rng(0).uniform(0, 60, len(index)).round(2)}, index=index)
    power.index = power.index.strftime("%Y-%m-%d %H:%M")
    power.to_csv(tmp_path / "power.csv", index_label="time")
    return _written(tmp_path, FARM + TASK + MODEL)


def _written(folder: Path, text: str) -> Path:
    path = folder / "farm.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _closed_pipe() -> int:
    """Writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_console_falls_silent_when_its_reader_has_gone() -> None:
    with os.fdopen(_closed_pipe(), "w") as stream:
        shown = PipeConsole(file=stream)
        shown.print("first")
        shown.print("second")
        assert shown.quiet
        stream.write("flushed at the end\n")


@pytest.mark.slow
def test_a_closed_pipe_ends_the_lines_and_not_the_run(config: Path) -> None:
    pipe = _closed_pipe()
    done = subprocess.run(
        [sys.executable, "-m", "energyforecast", "run", config.name, "--issue-time", "2024-02-25 09:00"],
        env=os.environ | {"PYTHONPATH": str(Path(ef.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        cwd=config.parent,
        stdout=pipe,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=240,
    )
    os.close(pipe)
    folder = RunFolder(config.parent / "operations")
    (record,) = (json.loads(path.read_text(encoding="utf-8")) for path in folder.runs.iterdir())
    assert "stop" not in [step["name"] for step in record["steps"]]
    assert json.loads(folder.index.read_text(encoding="utf-8"))["state"] == "issued"
    assert (done.returncode, done.stderr) == (record["exit_code"], "")
    assert done.returncode != 1


@pytest.mark.slow
def test_a_record_that_cannot_be_written_is_no_lost_forecast(config: Path) -> None:
    target = config / "record.json"  # in a file
    done = CliRunner().invoke(
        app, ["run", str(config), "--issue-time", "2024-02-25 09:00", "--json", str(target)]
    )
    assert done.exit_code == 3, done.output
    assert f"not written to {target}" in done.stderr
    folder = RunFolder(config.parent / "operations")
    assert json.loads(folder.index.read_text(encoding="utf-8"))["state"] == "issued"


def test_a_lock_that_is_held_for_a_moment_refuses_no_run(tmp_path: Path) -> None:
    """As by ``check``, which takes it to see whether it is free."""
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "run.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert is_held(path)
    freed = threading.Timer(0.2, os.close, [handle])
    freed.start()
    with only_run(path, now=MORNING) as dead:
        assert dead is None
    freed.join()


def test_a_rehearsal_issues_nothing_where_a_file_is_in_the_place_of_the_folder(config: Path) -> None:
    (config.parent / "operations").write_text("", encoding="utf-8")
    record = daily_run(configuration.read(config), clock=lambda: MORNING, dry_run=True)
    assert record.exit_code == 1
    assert "is a file in the place of a folder" in record.step("disk").message
    assert record.step("forecast").state == "good"


@pytest.mark.slow
def test_areas_that_nobody_measures_have_a_good_step_of_measurements(tmp_path: Path) -> None:
    pytest.importorskip("demandlib")
    home = (
        '[sites.home]\nkind = "demand"\nsector = "households"\nlatitude = 52.1\nlongitude = 5.2\n'
        'timezone = "UTC"\ncountry = "NL"\nload_profile = "H25"\nyearly_energy = 0.0035\n'
    )
    settings = configuration.read(_written(tmp_path, home + TASK))
    record = daily_run(settings, clock=lambda: MORNING)
    step = record.step("measurements")
    assert (step.state, step.message) == ("good", "The configuration has none.")
    assert record.step("archive").state in ("good", "skipped"), record.step("archive").message
    assert record.details["fallback_levels"] == {"home": 3}
    table = pd.read_csv(tmp_path / "operations" / "published" / "forecast.csv", comment="#")
    assert table["q0.5"].gt(0).all()


def test_the_weather_of_a_model_in_service_reaches_back_to_the_last_snow(tmp_path: Path) -> None:
    roof = """
[sites.farm]
kind = "solar"
latitude = 60.0
longitude = 11.0
capacity = 1.0
surface_tilt = 30.0
surface_azimuth = 180.0
{}
[weather]
file = "weather.nc"
"""
    _winter_of_one_snowfall(tmp_path / "weather.nc")
    lost = {}
    for more in ("snow = true", ""):
        settings = configuration.read(
            _written(tmp_path, roof.format(more) + FARM[FARM.index("[obs") :] + TASK)
        )
        clock = lambda: MORNING  # noqa: E731
        until = deadline_of(settings.operations.deadline, timezone="UTC", clock=clock)
        run = Run(settings, clock, until, RunFolder(settings.operations.folder), issue_time=MORNING)
        run.is_recent = True
        assert read_weather(run).state == "good"
        (lost[more],) = as_models(run.inputs.weather).values()
    assert lost[""].sizes["init_time"] == 14
    roofs = configuration.read(
        _written(tmp_path, roof.format("snow = true") + FARM[FARM.index("[obs") :] + TASK)
    )
    recent = ef.weather.module_losses(lost["snow = true"], roofs.sites[0])
    assert float(recent["snow_loss"][0, -1].max()) == 1.0


def _winter_of_one_snowfall(path: Path) -> None:
    """Runs of eighty days: snow on the fifth, then frost without sun."""
    days, leads = 80, 48
    first = (MORNING.tz_localize(None).floor("D") - pd.Timedelta(days - 1, "D")).to_datetime64()
    init = first.astype("M8[ns]") + np.arange(days) * np.timedelta64(1, "D")
    lead = (np.arange(leads) * np.timedelta64(1, "h")).astype("timedelta64[ns]")
    dims, shape = ("site", "init_time", "lead_time"), (1, days, leads)
    water = np.zeros(shape, dtype="f4")
    water[0, 4, :12] = 4.0
    units = {"ghi": ("W m-2", 0.0), "temp_air": ("degree_Celsius", -10.0)}
    data = {
        name: (dims, np.full(shape, value, "f4"), {"units": unit}) for name, (unit, value) in units.items()
    }
    weather = xr.Dataset(
        data | {"precipitation": (dims, water, {"units": "mm h-1"})},
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(6, "h")),
        },
        attrs={"kind": "forecast"},
    )
    netcdf_files.write(weather, path, encoding={})
