"""The examples and notebooks run as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))


def run(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.notebooks
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    assert "not forecast skill" in run(notebook, cwd=tmp_path)


@pytest.mark.notebooks
def test_day_ahead_example_writes_what_it_says(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "day_ahead_wind_farm.py", "--out", "out", "--months", "1", cwd=tmp_path)
    assert "perfect weather (ERA5 reanalysis): not forecast skill" in shown
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"fan_chart.png", "la_haute_borne.forecaster", "scores.json", "forecast.csv"} <= written


@pytest.mark.notebooks
def test_the_example_of_observations_finds_what_it_planted(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "check_observations.py", cwd=tmp_path)
    found = {
        line.split()[0]: line.split()
        for line in shown.splitlines()
        if line.startswith(("STU", "CUR", "OUT", "SPI"))
    }
    assert len(found) == 4
    assert all(int(words[2].rstrip("%")) >= 80 for words in found.values()), shown
    assert "follows daylight saving" in shown


@pytest.mark.notebooks
def test_store_example_fetches_fails_and_heals(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    shown = run(ROOT / "examples" / "store_update.py", "--out", "out", cwd=tmp_path)
    assert "7 stored, 0 incomplete, 1 failed" in shown
    assert "1 stored, 0 incomplete, 0 failed, 0 given up, 0 quarantined" in shown
    assert "1 quarantined" in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"archive.zarr", "store_update.toml"}


@pytest.mark.notebooks
def test_open_meteo_example_forecasts_from_a_kept_answer(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "open_meteo_forecast.py", cwd=tmp_path)
    assert "24 hours from 2024-06-10 19:00 UTC" in shown
    assert "cold start: power curve on the weather for planned farm" in shown


@pytest.mark.notebooks
def test_day_ahead_sheet_example_writes_every_form(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "day_ahead_sheet.py", "--out", "out", cwd=tmp_path)
    assert "25 rows, perfect weather (ERA5 reanalysis): not forecast skill" in shown
    assert "02:00–03:00 (UTC+02:00)" in shown
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"day_ahead.csv"} | {
        f"day_ahead_{k}.{e}" for k in ("en", "ru", "fr") for e in ("html", "xlsx")
    }


@pytest.mark.notebooks
def test_verification_example_scores_beside_references(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "verification_of_yesterday.py", "--out", "out", cwd=tmp_path)
    assert "24 hours say little" in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "hours.csv",
        "scores.csv",
        "verification.html",
    }


@pytest.mark.notebooks
def test_weekly_outlook_example_covers_the_short_day(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "weekly_outlook.py", "--out", "out", cwd=tmp_path)
    sunday = next(line for line in shown.splitlines() if line.startswith("Sun 29 Mar"))
    assert sunday.split()[3] == "23"
    assert "of 6 days that were measured whole" in shown


@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark_says_what_it_measures(script: Path, tmp_path: Path) -> None:
    shown = run(script, "--help", cwd=tmp_path)
    assert "--json" in shown
    assert len(shown.splitlines()) > 5


def test_asof_table_gathers_two_years_of_origins(tmp_path: Path) -> None:
    import json

    run(ROOT / "benchmarks" / "asof_table.py", "--json", "figures.json", cwd=tmp_path)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["rows"] == 17_304
    assert figures["columns"] == 8
