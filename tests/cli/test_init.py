"""The file that init writes is read, passes the schema, and runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from energyforecast import configuration
from energyforecast.cli.application import app
from energyforecast.operations import RunFolder, daily_run

PLACE = ("--latitude", "43.6", "--longitude", "78.5", "--timezone", "Asia/Almaty")


def _init(file: Path, *options: str) -> int:
    return CliRunner().invoke(app, ["init", str(file), *options]).exit_code


@pytest.mark.parametrize("kind", ["wind", "pv", "demand", "portfolio"])
@pytest.mark.parametrize("name", ["Hill farm", 'Käfer "x" [/] \\ #', "a\tb"])
def test_the_file_is_read_and_passes_the_schema(tmp_path: Path, kind: str, name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    file = tmp_path / "first.toml"
    assert _init(file, "--kind", kind, "--name", name, *PLACE) == 0
    settings = configuration.read(file)
    assert all(site.name.startswith(name) for site in settings.sites)
    assert len(settings.sites) == (3 if kind == "portfolio" else 1)
    assert (settings.plan is not None) == (kind == "portfolio")
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(configuration.json_schema()).validate(content)


def test_a_file_is_not_replaced_unless_asked_and_wrong_answers_write_nothing(tmp_path: Path) -> None:
    file = tmp_path / "first.toml"
    assert _init(file, "--kind", "wind", *PLACE, "--timezone", "Mars") == 1
    assert _init(file, "--kind", "wind") == 2, "no place, and no terminal to ask"
    assert _init(file, "--kind", "windy", *PLACE) == 1
    assert not file.exists()
    assert _init(file, "--kind", "wind", *PLACE) == 0
    assert _init(file, "--kind", "demand", *PLACE) != 0
    assert _init(file, "--kind", "demand", *PLACE, "--force") == 0
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
def test_the_file_runs(tmp_path: Path) -> None:
    """Without a server of weather and with a month of power there is a forecast, marked as what it is."""
    file = tmp_path / "first.toml"
    assert _init(file, "--kind", "wind", "--name", "farm", *PLACE) == 0
    text = file.read_text(encoding="utf-8").replace(
        '# base_url = "https://..."', 'base_url = "http://127.0.0.1:9/x"'
    )
    file.write_text(text, encoding="utf-8")
    index = pd.date_range("2024-01-01", periods=30 * 24, freq="h")
    power = pd.DataFrame({"farm": np.random.default_rng(0).uniform(0, 10, len(index)).round(2)}, index=index)
    power.index = power.index.strftime("%Y-%m-%d %H:%M")
    power.to_csv(tmp_path / "power.csv", index_label="time")
    moment = pd.Timestamp("2024-01-30 04:00", tz="UTC")
    record = daily_run(configuration.read(file), clock=lambda: moment)
    assert record.exit_code == 3
    assert record.step("fetch").state == "failed"
    assert record.details["fallback_levels"] == {"farm": 3}
    assert (RunFolder(tmp_path / "operations").published / "forecast.csv").exists()
