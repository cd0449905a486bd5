"""The daily run: old gaps, one bad cell, an altered file, a full disk, and a run that arrived late."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.errors import RunNotPublishedError
from energyforecast.testing import example_days, example_source
from energyforecast.weather import Store
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
FARMS = [wind_farm(name=name) for name in ("A", "B")]

SITE = """
[sites.{name}]
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
kind = "LightGBMQuantiles"
n_estimators = 5
folds = 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of two farms, their weather and their power."""
    weather, truth = toy_weather(FARMS, days=60)
    ef.weather.write(weather, tmp_path / "weather.nc")
    power = toy_power(FARMS, truth).values
    power.index = power.index.strftime("%Y-%m-%d %H:%M")
    power.to_csv(tmp_path / "power.csv", index_label="time")
    text = "".join(SITE.format(name=farm.name) for farm in FARMS) + REST
    (tmp_path / "farms.toml").write_text(text, encoding="utf-8")
    return tmp_path


def _run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["forecast", "farms.toml", "--issue-time", "2024-02-25 09:00", "--out", "out", *options]
    return subprocess.run(
        [sys.executable, "-m", "energyforecast", *command],
        env=os.environ | {"PYTHONPATH": str(Path(ef.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def _lose_runs(folder: Path, first: str, last: str) -> None:
    """Take the weather runs of some days out of the file."""
    weather = ef.weather.read(folder / "weather.nc").load()
    begin = weather["init_time"].values
    lost = (begin >= np.datetime64(first)) & (begin < np.datetime64(last))
    ef.weather.write(weather.isel(init_time=~lost), folder / "weather.nc")


@pytest.mark.slow
def test_an_old_gap_of_the_weather_does_not_stop_the_forecast(folder: Path) -> None:
    _lose_runs(folder, "2024-01-20", "2024-01-24")
    done = _run(folder)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert re.search(r"without usable weather: [1-4] issue times", done.stdout)


@pytest.mark.slow
def test_a_day_without_new_weather_is_answered_from_the_run_before(folder: Path) -> None:
    _lose_runs(folder, "2024-02-24T12", "2024-02-26")
    refused = _run(folder)
    assert refused.returncode == 1
    assert "--no-strict" in refused.stderr
    done = _run(folder, "--no-strict")
    assert done.returncode == 3, done.stderr
    assert set(pd.read_csv(folder / "out" / "forecast.csv")["fallback_level"]) == {1}
    assert "fallback model 'older runs'" in done.stdout


@pytest.mark.slow
def test_one_cell_of_text_is_named_or_one_missing_value(folder: Path) -> None:
    power = pd.read_csv(folder / "power.csv", index_col="time").astype(object)
    power.iloc[500, 1] = "ERR"
    power.to_csv(folder / "power.csv")
    done = _run(folder)
    assert "Traceback" not in done.stderr
    assert "ERR" in done.stderr + done.stdout
    if done.returncode == 0:
        table = pd.read_csv(folder / "out" / "forecast.csv")
        assert table.loc[table["site"] == "B", "fallback_level"].max() == 0


LOAD = "import energyforecast, sys; energyforecast.load(sys.argv[1])"


def test_a_forecaster_with_an_altered_tree_is_refused(tmp_path: Path) -> None:
    """Sums of the parts are those of the altered text: the text itself is checked."""
    weather, truth = toy_weather(FARMS[:1], days=30)
    fitted = ef.Forecaster(FARMS[0], TASK, model=quick_model()).fit(weather, toy_power(FARMS[:1], truth))
    with zipfile.ZipFile(io.BytesIO(fitted.save(tmp_path / "whole.forecaster").read_bytes())) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    manifest = json.loads(parts.pop("manifest.json"))
    trees = [name for name in parts if name.endswith(".txt")]
    assert trees
    for name in trees:
        parts[name] = re.sub(rb"num_leaves=\d+", b"num_leaves=1000", parts[name], count=1)
    manifest["files"] = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    path = tmp_path / "altered.forecaster"
    with zipfile.ZipFile(path, "w") as altered:
        altered.writestr("manifest.json", json.dumps(manifest))
        for name, part in parts.items():
            altered.writestr(name, part)
    done = subprocess.run([sys.executable, "-c", LOAD, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "energyforecast.errors." in done.stderr


TWO_DAYS = """
import resource, sys
from energyforecast.testing import example_days
forecast, _ = example_days(days=2, sites=("farm",))
resource.setrlimit(resource.RLIMIT_FSIZE, (28_000, 28_000))
forecast.write_csv(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("resource") is None, reason="no limit of file sizes on this system")
def test_a_file_that_cannot_be_written_whole_leaves_that_of_yesterday(tmp_path: Path) -> None:
    """A limit of the size of files acts as a full disk does."""
    path = example_days(days=1, sites=("farm",))[0].write_csv(tmp_path / "forecast.csv")
    yesterday = path.read_bytes()
    assert len(yesterday) < 28_000
    done = subprocess.run([sys.executable, "-c", TWO_DAYS, path], capture_output=True, text=True, check=False)
    assert "too large" in done.stderr
    assert path.read_bytes() == yesterday


def test_a_run_is_not_available_before_it_was_seen_to_be_absent(tmp_path: Path) -> None:
    class Late(type(example_source())):
        """Source whose run of 3 June is not there at first."""

        down = True

        def get_run(self, sites: Sequence[ef.Site], init_time: pd.Timestamp) -> xr.Dataset:
            if self.down and init_time == timestamps.instant("2024-06-03 00:00"):
                raise RunNotPublishedError("404.", "The run is there.", "Wait.")
            return super().get_run(sites, init_time)

    source = Late()
    clock = [timestamps.instant("2024-06-03 08:00")]
    store = Store(tmp_path / "store", clock=lambda: clock[0])
    store.update(source, sites=[wind_farm()], since="2024-06-01")
    source.down = False
    clock[0] = timestamps.instant("2024-06-04 08:00")
    store.update(source, sites=[wind_farm()])
    run = store.open().load().sel(init_time="2024-06-03T00:00")
    assert run["available_time"].values.max() >= np.datetime64("2024-06-03T08:00")
