"""Fetching weather into an archive by the command line, from a real server with scripted faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("zarr")

from energyforecast import configuration
from energyforecast.cli.weather import _late
from energyforecast.core import timestamps
from energyforecast.errors import ConfigurationError
from energyforecast.testing import example_source
from energyforecast.weather import Store
from tests.cli.test_commands import _refused, _run, _succeeded
from tests.support.replay import Replay, said
from tests.support.replay_open_meteo import OpenMeteoServer
from tests.support.toy_weather import wind_farm

TEXT = """
[sites.farm]
kind = "wind"
latitude = 43.6
longitude = 78.5
capacity = 60
[sites."Ферма 2"]
kind = "wind"
latitude = 51.1
longitude = 71.4
capacity = 20
[weather]
store = "archive.zarr"
source = "open-meteo"
model = "ecmwf_ifs"
since = "2024-06-18"
{more}
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "08:00"
timezone = "Asia/Almaty"
[model]
kind = "Climatology"
"""


def written(folder: Path, more: str = "") -> Path:
    path = folder / "farm.toml"
    path.write_text(TEXT.format(more=more), encoding="utf-8")
    return path


@pytest.fixture
def server() -> Iterator[Replay]:
    with Replay(OpenMeteoServer().routes()) as replay:
        yield replay


def power(folder: Path) -> None:
    hours = pd.date_range("2024-05-01", "2024-06-19", freq="1h", inclusive="left")
    values = 10.0 + 5.0 * np.sin(np.arange(len(hours)) / 7)
    frame = pd.DataFrame({"farm": values, "Ферма 2": values / 2}, index=pd.Index(hours, name="time"))
    frame.to_csv(folder / "power.csv")


@pytest.mark.slow
def test_weather_is_fetched_told_and_forecast_from(tmp_path: Path, server: Replay) -> None:
    path = written(tmp_path, f'base_url = "{server.url}/single"\napi_key_env = "WEATHER_KEY"')
    power(tmp_path)
    fetch = ("weather", "fetch", path, "--since", "2024-06-11", "--until", "2024-06-18")
    without = _run(*fetch, cwd=tmp_path)
    _refused(without.returncode, without.stdout, without.stderr, "WEATHER_KEY")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEATHER_KEY", "CANARY")
        shown = _run(*fetch, cwd=tmp_path)
        assert "open-meteo:ecmwf_ifs: 32 stored, 0 incomplete, 0 failed" in _succeeded(shown)
        asked = len(server.requests)
        again = _run(*fetch, cwd=tmp_path)
        assert "0 stored" in _succeeded(again)
        assert len(server.requests) == asked
    assert {request.headers.get("X-Api-Key") for request in server.requests} == {"CANARY"}
    status = _run("weather", "status", path, cwd=tmp_path)  # without the key: nothing is asked
    assert status.returncode == 3, "weather of 2024 is old"
    assert "Ферма 2: the newest weather is of 2024-06-18 18:00" in status.stdout
    assert "32 of 32" in status.stdout
    assert "Ферма 2" in status.stdout
    assert "100.0%" in status.stdout
    out = _run("forecast", path, "--issue-time", "2024-06-19 08:00", cwd=tmp_path)
    assert "Written to forecast" in _succeeded(out)
    everything = [item.read_bytes() for item in tmp_path.rglob("*") if item.is_file()]
    texts = [done.stdout + done.stderr for done in (shown, again, status, out)]
    assert not any(b"CANARY" in content for content in everything)
    assert "CANARY" not in "".join(texts)


@pytest.mark.slow
def test_what_did_not_come_is_told_and_fetched_later(tmp_path: Path, server: Replay) -> None:
    path = written(tmp_path, f'base_url = "{server.url}/single"')
    server.script(None, *[said("<html>Down for maintenance</html>")] * 2)
    done = _run("weather", "fetch", path, "--until", "2024-06-18 13:00", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "2 stored, 0 incomplete, 1 failed" in done.stdout
    assert "2024-06-18 06:00" in done.stdout
    status = _run("weather", "status", path, cwd=tmp_path)
    assert status.returncode == 3
    assert "2 of 3" in status.stdout
    for file in (tmp_path / "archive.zarr").rglob("*.zip"):
        file.write_bytes(b"")
    status = _run("weather", "status", path, cwd=tmp_path)
    assert status.returncode == 3
    assert "1 damaged files" in status.stdout
    healed = _run("weather", "fetch", path, "--until", "2024-06-18 13:00", cwd=tmp_path)
    assert "3 stored, 0 incomplete, 0 failed, 0 given up, 1 quarantined" in _succeeded(healed)


def test_a_configuration_without_a_store_cannot_fetch(tmp_path: Path) -> None:
    path = tmp_path / "plain.toml"
    text = TEXT.replace('store = "archive.zarr"', 'file = "weather.nc"')
    for key in ("source", "model", "since"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} ="))
    path.write_text(text.format(more=""), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="names no store"):
        configuration.read(path).store()


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace('"open-meteo"', '"open-meto"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="Did you mean 'open-meteo'"):
        configuration.read(path).source()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('api_key = "CANARY"', "would put a key into a file"),
        ('apikey = "CANARY"', "would put a key into a file"),
        ('api_key_env = "canary-0815-x"', "would put a key into a file"),
        ('base_url = "https://example.org/?apikey=CANARY"', "would put a key into a file"),
        ('base_url = "https://me:CANARY@example.org"', "would put a key into a file"),
        ('file = "weather.nc"', "exactly one of"),
        ("base_url = 3", "text in quotes"),
        ('modell = "x"', "Did you mean 'model'"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configuration.read(written(tmp_path, line))
    assert message in str(error.value)
    assert "CANARY" not in str(error.value)


@pytest.mark.parametrize(
    ("now", "late"), [("2024-06-03 05:00", 0), ("2024-06-04 03:00", 0), ("2024-06-04 17:00", 1)]
)
def test_weather_that_is_a_day_behind_is_named(tmp_path: Path, now: str, late: int) -> None:
    source, moment = example_source(), timestamps.instant(now)
    farm = wind_farm()
    store = Store(tmp_path / "store", clock=lambda: timestamps.instant("2024-06-03 05:00"))
    store.update(source, sites=[farm], since="2024-06-01")
    assert len(_late(store.describe(), source, [farm], now=moment)) == late
    absent = _late(store.describe(), source, [wind_farm(name="other")], now=moment)
    assert absent == [f"other: no weather of {source.name} is stored."]
