"""The command line, run as a user runs it: files, tables, exit codes and errors of three lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast.cli import main
from energyforecast.cli.application import app
from energyforecast.core.forecast import Forecast
from energyforecast.errors import SchemaError
from tests.support.toy_weather import toy_power, toy_weather, wind_farm

CAVEAT = "perfect weather (ERA5 reanalysis): not forecast skill"
EXAMPLE = Path(__file__).parents[2] / "examples" / "la_haute_borne.toml"
PNG = b"\x89PNG"
Done = subprocess.CompletedProcess[str]


def _run(*arguments: str | Path, cwd: Path, timeout: float = 240) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "energyforecast", *map(str, arguments)],
        env={"PYTHONWARNINGS": "error"}
        | os.environ
        | {"PYTHONPATH": str(Path(ef.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def _succeeded(done: Done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def _refused(code: int, out: str, err: str, *named: str) -> None:
    """A heading and three lines end stderr, nothing is on stdout, exit code 1, no traceback."""
    assert code == 1, out + err
    assert "Traceback" not in err
    heading, *lines = err.strip().splitlines()[-4:]
    assert heading.split()[0] == "error", err
    assert len(lines) == 3
    assert not out
    for word in named:
        assert word in err, f"{word!r} is not named in {err}"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with a small model."""
    path = tmp_path_factory.mktemp("config") / "quick.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace("seed = 1", "seed = 1\nn_estimators = 10\nfolds = 0")
    assert "n_estimators = 10" in text
    path.write_text(text, encoding="utf-8")
    return path


def test_version_names_the_library_and_what_it_stands_on(tmp_path: Path) -> None:
    written = _succeeded(_run("version", cwd=tmp_path))
    assert _succeeded(_run("--version", cwd=tmp_path)) == written
    lines = written.splitlines()
    assert lines[0].startswith(f"energyforecast {ef.__version__} on Python 3.")
    for name in ("numpy", "pandas", "xarray", "scikit-learn", "lightgbm", "pvlib"):
        assert f"{name} {version(name)}" in lines


@pytest.mark.slow
def test_a_forecast_is_written_and_a_stored_forecaster_gives_the_same(quick: Path, tmp_path: Path) -> None:
    arguments = ("forecast", quick, "--issue-time", "2014-12-15 09:00")
    first = _succeeded(_run(*arguments, "--save", "farm.forecaster", "--out", "one", cwd=tmp_path))
    folder = tmp_path / "one"
    assert {path.name for path in folder.iterdir()} == {
        "forecast.csv",
        "forecast.nc",
        "forecast_files.json",
        "fan_chart_La_Haute_Borne.png",
    }
    assert (folder / "fan_chart_La_Haute_Borne.png").read_bytes().startswith(PNG)
    table = pd.read_csv(folder / "forecast.csv")
    assert len(table) == 24
    assert table["valid_time"].iloc[[0, -1]].tolist() == ["2014-12-15T23:00Z", "2014-12-16T22:00Z"]
    assert table["issue_time"].unique().tolist() == ["2014-12-15T08:00Z"], "wall time in Paris"
    assert table["caveat"].unique().tolist() == [CAVEAT]
    assert Forecast.load(folder / "forecast.nc").caveats == (CAVEAT,)
    assert CAVEAT in first
    assert "2014-12-16 00:00" in first, "the first hour of the day sheet, in local time"

    _succeeded(_run(*arguments, "--model", "farm.forecaster", "--out", "two", cwd=tmp_path))
    assert (tmp_path / "two" / "forecast.csv").read_bytes() == (folder / "forecast.csv").read_bytes()


def _scores(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return content


def _one(content: dict[str, Any], metric: str, unit: str, **wanted: Any) -> dict[str, Any]:
    wanted = {"model": "LightGBMQuantiles", "lead_hours": "all"} | wanted
    found = [
        record
        for record in content["scores"]
        if record["metric"] == metric
        and record["unit"] == unit
        and all(record[key] == value for key, value in wanted.items())
    ]
    assert len(found) == 1, found
    return found[0]


BACKTEST_FILES = {
    "scores.json",
    "scores.csv",
    "forecast.csv",
    "forecast.nc",
    "fan_chart.png",
    "reliability.png",
}


TOY = """
[sites.farm]
kind = "wind"
latitude = 48
longitude = 10
capacity = 100
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
[model]
kind = "Climatology"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("levels", "covers"), [("[0.5]", []), ("[0.1, 0.5, 0.9]", ["50%", "80%"])])
def test_a_backtest_shows_the_intervals_that_its_levels_have(
    levels: str, covers: list[str], tmp_path: Path
) -> None:
    farm = wind_farm()
    power = toy_power([farm], toy_weather([farm], days=20)[1])
    power.values.tz_convert(None).to_csv(tmp_path / "power.csv", index_label="time")
    (tmp_path / "toy.toml").write_text(
        TOY.replace("[model]", f"quantiles = {levels}\n[model]"), encoding="utf-8"
    )
    shown = _succeeded(
        _run("backtest", "toy.toml", "--start", "2024-01-15", "--end", "2024-01-16", cwd=tmp_path)
    )
    heads = [word for word in shown.split() if word in ("50%", "80%", "90%")]
    assert heads[: len(heads) // 2 : 2] == covers, "in MW, then in percent of capacity"


@pytest.mark.slow
def test_a_backtest_of_a_month_writes_scores_and_figures(quick: Path, tmp_path: Path) -> None:
    shown = _succeeded(
        _run(
            *(
                "backtest",
                quick,
                "--start",
                "2015-02",
                "--end",
                "2015-02",
                "--jobs",
                "1",
                "--out",
                "february",
                "--report",
                "february.html",
            ),
            cwd=tmp_path,
        )
    )
    folder = tmp_path / "february"
    assert {path.name for path in folder.iterdir()} == BACKTEST_FILES | {"result"}
    assert CAVEAT in (tmp_path / "february.html").read_text(encoding="utf-8")
    content = _scores(folder)
    assert content["schema"] == 1
    assert content["provenance"]["caveats"] == [CAVEAT]
    assert content["provenance"]["issues"] == 28
    assert {record["model"] for record in content["scores"]} == {
        "LightGBMQuantiles",
        "Climatology",
        "Persistence",
    }
    assert _one(content, "skill_crps_vs_Climatology", "%")["value"] > 30
    assert CAVEAT in shown
    for row in ("15 h", "38 h", "all"):
        assert row in shown
    assert f"{_one(content, 'crps', 'MW')['value']:.2f}" in shown, "the table holds the scores of the file"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("demo", "atlantis"), ("ConfigurationError", "atlantis", "la-haute-borne")),
        (("forecast", "absent.toml"), ("ConfigurationError", "absent.toml")),
        (("forecast", "QUICK", "--issue-time", "yesterday"), ("TimeError", "yesterday")),
        (("forecast", "QUICK", "--issue-time", "05.02.2015 09:00"), ("TimeError", "2015-02-05 09:00")),
        (("forecast", "QUICK", "--issue-time", "9:00"), ("TimeError", "9:00")),
        (("forecast", "QUICK", "--issue-time", "2030-01-01 09:00"), ("La Haute Borne",)),
        (("backtest", "QUICK", "--start", "2015-02", "--end", "2015-3"), ("TimeError", "2015-03")),
        (("backtest", "QUICK", "--start", "2015-02", "--end", "Mar 2015"), ("TimeError", "Mar 2015")),
        (("backtest", "QUICK", "--start", "2015/02", "--end", "2015-03"), ("TimeError", "2015-02")),
        (("forecast", "QUICK", "--model", "QUICK"), ("FileFormatError", "quick.toml")),
        (
            ("backtest", "QUICK", "--start", "2015-02", "--end", "2015-02", "--refit", "monthly"),
            ("monthly", "MS"),
        ),
        (("backtest", "QUICK", "--start", "2015-03", "--end", "2015-02"), ("TimeError",)),
        (("forecast", "QUICK", "--issue-time", "2014-12-15 09:00", "--out", "taken"), ("taken",)),
    ],
)
def test_an_error_is_three_lines_and_exit_code_one(
    arguments: tuple[str, ...],
    named: tuple[str, ...],
    quick: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file, not a folder")
    words = [str(quick) if word == "QUICK" else word for word in arguments]
    monkeypatch.setattr(sys, "argv", ["energyforecast", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    _refused(int(caught.value.code or 0), *capsys.readouterr(), *named)


@pytest.mark.slow
def test_an_error_leaves_the_process_as_it_leaves_main(tmp_path: Path) -> None:
    done = _run("forecast", "absent.toml", cwd=tmp_path)
    _refused(done.returncode, done.stdout, done.stderr, "ConfigurationError", "absent.toml")


WORKS = """
[sites.works]
kind = "demand"
latitude = 50.0
longitude = 8.0
timezone = "Europe/Berlin"
[observations]
file = "demand.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "11:00"
timezone = "Europe/Berlin"
[model]
kind = "SeasonalNaive"
"""


def test_a_forecast_of_a_consumer_has_its_peak_and_energy(tmp_path: Path) -> None:
    hours = pd.date_range("2024-01-01", periods=24 * 60, freq="1h", tz="UTC")
    noise = np.random.default_rng(0).normal(0, 0.1, len(hours))
    power = 5.0 + 2.0 * (hours.tz_convert("Europe/Berlin").hour == 18) + noise
    pd.DataFrame({"works": power}, hours).to_csv(tmp_path / "demand.csv", index_label="time")
    (tmp_path / "works.toml").write_text(WORKS, encoding="utf-8")
    arguments = ["forecast", str(tmp_path / "works.toml"), "--issue-time", "2024-02-20 11:00", "--out"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    peak, energy = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("peak", "energy"))
    assert peak[["site", "period", "hours"]].to_numpy().tolist() == [["works", "2024-02-21", 24.0]]
    assert peak["time"].tolist() == ["2024-02-21T17:00Z"]  # 18:00 in Berlin
    assert peak["q0.5"].iloc[0] == pytest.approx(7.0, abs=0.2)
    assert energy["q0.5"].iloc[0] == pytest.approx(122.0, abs=1.5)
    assert "2024-02-21 18:00" in done.output
    refused = CliRunner().invoke(app, [*arguments, str(tmp_path / "out"), "--by", "week"])
    assert isinstance(refused.exception, SchemaError)


@pytest.mark.slow
def test_a_slash_in_the_name_of_a_site_makes_no_folder(tmp_path: Path) -> None:
    """A name is free text; a file name is not."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("La Haute Borne", "Farm 1/2")
    weather, power = ef.datasets.la_haute_borne()[1:]
    ef.weather.write(weather.assign_coords(site=["Farm 1/2"]), tmp_path / "era5.nc")
    frame = power.values["2014-06":"2014-08"].rename(columns={"La Haute Borne": "Farm 1/2"})
    frame.to_csv(tmp_path / "power.csv")
    text = text.replace('[weather]\ndataset = "la-haute-borne"', '[weather]\nfile = "era5.nc"')
    text = text.replace(
        'dataset = "la-haute-borne"',
        'file = "power.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\npublished_after = "1h"',
    ).replace('kind = "LightGBMQuantiles"\nseed = 1', 'kind = "Climatology"')
    (tmp_path / "farm.toml").write_text(text, encoding="utf-8")
    _succeeded(
        _run("forecast", "farm.toml", "--issue-time", "2014-08-30 09:00", "--out", "out", cwd=tmp_path)
    )
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


@pytest.mark.slow
def test_the_demo_proves_a_real_wind_farm_in_one_command(tmp_path: Path) -> None:
    shown = _succeeded(_run("demo", "--out", "demo", cwd=tmp_path, timeout=900))
    folder = tmp_path / "demo"
    assert {path.name for path in folder.iterdir()} >= BACKTEST_FILES
    assert CAVEAT in shown
    content = _scores(folder)
    assert content["schema"] == 1
    assert content["provenance"]["caveats"] == [CAVEAT]
    assert pd.read_csv(folder / "scores.csv")["caveat"].eq(CAVEAT).all()
    assert Forecast.load(folder / "forecast.nc").caveats == (CAVEAT,)

    error = _one(content, "mae", "% of capacity", model="auto")
    assert error["n"] == 8551
    assert error["value"] < 6.3
    assert _one(content, "pinball_7", "% of capacity", model="auto")["value"] < 1.9
    assert 88 <= _one(content, "coverage", "%", level=0.9, model="auto")["value"] <= 92
    for reference in ("Climatology", "Persistence"):
        skills = [
            record
            for record in content["scores"]
            if record["metric"] == f"skill_crps_vs_{reference}"
            and record["model"] == "auto"
            and record["n"] > 100
        ]
        assert len(skills) == 25, "all leads together, and 24 of them"
        assert all(record["value"] > 0 for record in skills)


@pytest.mark.parametrize("command", [["demo"], ["plan", "plan.toml"], ["backtest", "farm.toml"]])
def test_a_negative_number_of_processes_is_refused(command: list[str], tmp_path: Path) -> None:
    done = _run(*command, "--jobs", "-3", cwd=tmp_path)
    assert done.returncode == 2
    assert "--jobs" in done.stderr
