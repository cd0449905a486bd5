"""The examples and notebooks run as a reader would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from tests.support.notebook_cells import cells

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
GALLERY = sorted((ROOT / "examples" / "gallery").glob("*.py"))
PICTURES = ROOT / "docs" / "gallery"
#: Scripts; modules that they share have no options of their own.
BENCHMARKS = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()]


#: What each notebook must print: what it set out to show, or the caveat without which its scores mislead.
SHOWS = {
    "01_quick_start": "not forecast skill",
    "02_wind_farm_day_ahead": "synthetic: scores say how the code behaves",
    "03_pv_plant": "moved by an hour: off by a constant",
    "04_demand_of_industry_and_households": "synthetic: scores say how the code behaves",
    "05_what_leakage_looks_like": "holds 'measured' (Series)",
    "06_calibration": "not forecast skill",
    "07_comparing_and_blending_weather_models": "synthetic: scores say how the code behaves",
    "08_gefcom2014_against_its_winners": "better in 7 of 9 months",
    "09_planning_with_storage_and_hvdc": "the plan on scenarios saves",
    "10_bring_your_own_data": "60 doubled times",
    "11_a_works": "closed by plan: ",
    "12_a_hundred_households": "exceeded in ",
    "13_a_city_with_ramadan": "first three days: ",
}


def run(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.mark.notebooks
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """Cell by cell, with the last line of each shown and every figure drawn, as Jupyter does."""
    before = sorted(notebook.parent.iterdir())
    shown = run(ROOT / "tests" / "support" / "notebook_cells.py", notebook, tmp_path, cwd=notebook.parent)
    assert sorted(notebook.parent.iterdir()) == before  # nothing is written beside the notebook
    assert SHOWS[notebook.stem] in shown
    drawn = list(tmp_path.glob("cell_*.png"))
    assert drawn
    assert all(path.stat().st_size > 5_000 for path in drawn)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_says_what_it_shows_and_ends_with_exercises(notebook: Path) -> None:
    kinds, sources = zip(*cells(notebook.read_text(encoding="utf-8")), strict=True)
    plain = [source.replace("\n# ", "\n").replace("\n#\n", "\n\n") for source in sources]
    assert kinds[0] == kinds[-1] == "markdown"
    assert plain[0].startswith("\n# ")
    assert "\n**What it shows.**" in plain[0]
    assert "\n**Data.**" in plain[0]
    assert plain[-1].startswith("\n## Exercises")
    assert 3 <= len(re.findall(r"^\d\. ", plain[-1], flags=re.MULTILINE)) <= 5
    assert "filterwarnings" not in "".join(sources)


def test_each_exercise_has_its_solution() -> None:
    solved = sorted((ROOT / "notebooks" / "solutions").glob("*.py"))
    assert {"11_a_works", "12_a_hundred_households", "13_a_city_with_ramadan"} <= {
        path.stem for path in solved
    }
    for path in solved:
        notebook = ROOT / "notebooks" / path.name
        asked, answered = (
            re.findall(r"^# (\d)\. ", text.read_text(encoding="utf-8"), flags=re.MULTILINE)
            for text in (notebook, path)
        )
        assert answered == asked
        assert f"`solutions/{path.name}`" in notebook.read_text(encoding="utf-8")


def test_notebooks_are_numbered_text_without_outputs() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(SHOWS)
    assert all(re.match(r"\d\d_", path.stem) for path in NOTEBOOKS)
    # A copy that Jupyter saved beside the text holds outputs: git does not take it.
    assert "/notebooks/*.ipynb" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for path in [*NOTEBOOKS, *(ROOT / "notebooks" / "solutions").glob("*.py")]:
        assert "formats: ipynb,py:percent" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "report", sorted((ROOT / "benchmarks" / "results").glob("gefcom*.json")), ids=lambda path: path.stem
)
def test_committed_scores_say_how_they_were_made(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    scores = json.loads(text)
    assert scores["made"]["command"].startswith(f"energyforecast benchmark {scores['benchmark']} --data DIR")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", scores["made"]["date"])
    assert scores["mean"] == pytest.approx(sum(scores["tasks"].values()) / len(scores["tasks"]), rel=1e-4)
    if scores["benchmark"] == "gefcom2012-wind":  # nothing is published for 2011 alone
        assert scores["leaderboard"] is None
    else:
        assert "https://doi.org/" in scores["leaderboard"]["source"]
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


@pytest.mark.notebooks
def test_day_ahead_example_writes_what_it_says(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "day_ahead_wind_farm.py", "--out", "out", "--months", "1", cwd=tmp_path)
    assert "perfect weather (ERA5 reanalysis): not forecast skill" in shown
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"fan_chart.png", "la_haute_borne.forecaster", "scores.json", "forecast.csv"} <= written


@pytest.mark.slow
def test_the_example_of_shared_definitions_prints_numbers_that_can_be_checked(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "shared_definitions.py", cwd=tmp_path)
    assert "level 0.37: 14.70 MW; P(power > 17.3 MW) = 0.370" in shown  # 12 + (0.37 - 0.1) / 0.4 * 4
    assert shown.count("4.00 MW") == 2  # 104 - 100, by name and as an object
    assert "schedule of demand: 106.7 MW" in shown  # 100 + 10 * 0.674, the quantile 0.75
    assert "wind farm with the same quantiles: 93.3 MW" in shown  # the quantile 0.25
    assert "known at 03:59: nan MW" in shown
    assert "known at 04:00: 104 MW" in shown
    assert "demand: 112 MW after declaring 100 MW costs 210" in shown  # (12 - 5) * 30
    assert "wind: 112 MW after declaring 100 MW costs 70" in shown  # (12 - 5) * 10


@pytest.mark.notebooks
def test_the_example_of_planned_operation_gains_by_the_plan_and_answers_to_another(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "planned_operation.py", cwd=tmp_path)
    without, with_plan, noise = (float(value) for value in re.findall(r"pinball ([\d.]+) MW", shown))
    assert noise < with_plan < 0.5 * without
    rows = {int(line.split()[0]): line.split()[1:] for line in shown.splitlines()[-6:]}
    gained = {hour: float(runs) - float(still) for hour, (still, runs) in rows.items()}
    assert all(4.5 < gained[hour] < 7.5 for hour in (8, 10, 12))  # 6 MW
    assert all(abs(gained[hour]) < 0.5 for hour in (6, 14, 16))


@pytest.mark.notebooks
def test_the_example_of_a_growing_fleet_is_right_with_the_capacity_in_service(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "growing_fleet.py", cwd=tmp_path)
    bias = [float(value) for value in re.findall(r"bias +(-?[\d.]+) MW", shown)]
    assert bias[0] < bias[1] - 2  # the farm, without and with it
    assert bias[2] < -2
    assert abs(bias[3]) < 1.5  # the roofs
    table = [line.split()[2:] for line in shown.splitlines() if line.startswith("2023-07-16")]
    assert all(float(row[-1]) <= float(row[0]) for row in table)
    assert [float(row[0]) for row in table[2:6]] == [30.0] * 4
    assert [float(row[0]) for row in table[10:14]] == [20.0] * 4


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
def test_the_daily_forecast_answers_when_weather_is_missing_and_says_so(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "daily_forecast.py", "--out", "out", cwd=tmp_path)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"forecast.csv", "forecast.nc", "fan_chart_0.png"} <= written
    assert "synthetic: scores say how the code behaves" in shown
    said = dict(re.findall(r"^(as it came|nothing for \d \w+)\s+(\d)\s", shown, flags=re.MULTILINE))
    assert said == {"as it came": "0", "nothing for 6 h": "1", "nothing for 5 days": "3"}


@pytest.mark.notebooks
def test_quarter_hours_of_three_kinds_come_from_hourly_weather(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "quarter_hour_forecast.py", "--out", "out", cwd=tmp_path)
    assert "96 intervals of 15min" in shown
    assert "weather brought from 1h to 15min" in shown
    table = pd.read_csv(tmp_path / "out" / "forecast.csv")
    assert table.groupby("site").size().tolist() == [96, 96, 96]
    plant = table[table["site"].str.startswith("Kapshagay")]["q0.5"]
    assert plant.max() > 40
    assert plant.nunique() > 40  # each quarter-hour of the day has its own power


@pytest.mark.notebooks
def test_the_reserve_for_tomorrow_covers_what_it_plans(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "reserve_for_tomorrow.py", "--out", "out", cwd=tmp_path)
    assert "2000 scenarios of net load: 24 intervals of 1h" in shown
    assert "synthetic: scores say how the code behaves" in shown
    table = pd.read_csv(tmp_path / "out" / "reserve.csv")
    assert len(table) == 24
    assert (table[["up", "down"]] > 0).all(axis=None)
    assert (tmp_path / "out" / "reserve.png").exists()
    totals = re.findall(r"(?:by hour|one number) +up +(\d+) MWh, down +(\d+) MWh", shown)
    assert float(totals[0][0]) == pytest.approx(table["up"].sum(), abs=1)
    assert len(totals) == 2


@pytest.mark.notebooks
def test_the_diagnostics_add_up_and_draw_their_figures(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "forecast_diagnostics.py", "--out", "out", cwd=tmp_path)
    parts = re.findall(r"^(.{12}) ([\d.]+) = ([\d.]+) - ([\d.]+) \+ ([\d.]+)$", shown, flags=re.MULTILINE)
    crps = {name.strip(): [float(value) for value in values] for name, *values in parts}
    assert len(crps) == 3
    for whole, lost, gained, base in crps.values():
        assert whole == pytest.approx(lost - gained + base, abs=2e-3)
    assert crps["climatology"][2] < 0.1 * crps["boosting"][2]
    figures = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert set(figures) == {"corp_event.png", "corp_quantiles.png", "murphy.png", "value.png"}
    assert min(figures.values()) > 10_000


@pytest.mark.notebooks
def test_the_schedule_under_a_dead_band_is_expected_to_cost_least(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "schedule_dead_band.py", "--out", "out", cwd=tmp_path)
    table = pd.read_csv(tmp_path / "out" / "schedule.csv")
    assert len(table) == 24
    for other in ("mean_cost", "median_cost"):
        assert (table["expected_cost"] <= table[other] + 1e-6).all()
    assert "Beyond 5% of it a missing MWh costs 6, a surplus MWh 6." in shown
    cost = {
        name: float(value)
        for name, value in re.findall(r"^ *(mean|median|optimum) +([\d.]+)", shown, re.MULTILINE)
    }
    assert cost["optimum"] < cost["mean"], "what came bore out what was expected"


@pytest.mark.notebooks
def test_the_gates_let_a_seed_through_and_not_a_mistake(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "backtest_gate.py", cwd=tmp_path)
    assert "another seed. Let through: yes." in shown
    assert "learns from three weeks. Let through: no." in shown
    assert shown.count("perfect weather (ERA5 reanalysis): not forecast skill") == 3


@pytest.mark.notebooks
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps of a workflow are for bash")
def test_the_steps_of_the_workflow_run(tmp_path: Path) -> None:
    """Its own commands, on a checkout that is both base and head, with the environments replaced by this one."""
    text = (ROOT / "examples" / "ci" / "backtest.yml").read_text(encoding="utf-8")
    steps = [textwrap.dedent(step) for step in re.findall(r"run: \|\n((?: {10}.*\n)+)", text)]
    assert len(steps) == 2
    for place in ("base", "head"):
        (tmp_path / place).symlink_to(ROOT)
    for place in ("before", "after"):
        (tmp_path / place / "bin").mkdir(parents=True)
        _program(tmp_path / place / "bin" / "pip", "exit 0")
        _program(
            tmp_path / place / "bin" / "energyforecast", f'exec "{sys.executable}" -m energyforecast "$@"'
        )
    _program(tmp_path / "before" / "bin" / "python", "exit 0")  # instead of: python -m venv
    path = f"{tmp_path / 'before' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    settings = {"PATH": path, "PERIOD": "--start 2015-02 --end 2015-02"}
    for step in steps:
        done = subprocess.run(
            ["bash", "-e", "-c", step],
            cwd=tmp_path,
            env=_environment() | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Forecast gates: all" in (tmp_path / "gates.md").read_text(encoding="utf-8")
    assert "baseline" in (tmp_path / "gates.json").read_text(encoding="utf-8")


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.notebooks
@pytest.mark.parametrize("script", GALLERY, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_draws_its_picture(script: Path, tmp_path: Path) -> None:
    run(script, "figure.png", cwd=tmp_path)
    assert (tmp_path / "figure.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize("script", GALLERY, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_is_short_and_shown(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) < 40
    page = (ROOT / "docs" / "gallery" / "index.md").read_text(encoding="utf-8")
    assert f"]({script.stem}.png)" in page
    assert f"`{script.name}`: " in page, "from which data"
    assert (PICTURES / f"{script.stem}.png").stat().st_size < 80_000


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_listed_with_its_settings(script: Path) -> None:
    page = (ROOT / "docs" / "howto" / "examples.md").read_text(encoding="utf-8")
    assert f"| `{script.name}` |" in page
    settings = script.with_suffix(".toml")
    assert not settings.exists() or f"`{settings.name}`" in page


def test_every_picture_of_the_gallery_has_its_script() -> None:
    assert [path.stem for path in sorted(PICTURES.glob("*.png"))] == [path.stem for path in GALLERY]


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
def test_the_example_of_a_works_needs_no_weather(tmp_path: Path) -> None:
    shown = run(ROOT / "examples" / "works_without_weather.py", cwd=tmp_path)
    assert "96 intervals of 15min" in shown
    mae = {
        name: float(row.split()[-2])
        for row in shown.splitlines()
        for name in ("default", "same type of day", "last week")
        if row.startswith(name)
    }
    assert mae["default"] < 0.8 * mae["last week"]
    assert mae["default"] < 0.9 * mae["same type of day"]
    assert (tmp_path / "works_without_weather" / "forecast.csv").exists()


@pytest.mark.notebooks
def test_the_example_of_a_new_consumer_narrows_with_the_days(tmp_path: Path) -> None:
    run(ROOT / "examples" / "new_consumer.py", "--out", "out", cwd=tmp_path)
    tables = [pd.read_csv(tmp_path / "out" / f"forecast_{days}_days.csv") for days in (0, 2, 7)]
    widths = [(table["q0.9"] - table["q0.1"]).mean() for table in tables]
    assert widths[0] > 1.5 * widths[2]
    assert [table["fallback_level"].max() for table in tables] == [3, 0, 0]


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


@pytest.mark.notebooks
@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark_says_what_it_measures(script: Path, tmp_path: Path) -> None:
    shown = run(script, "--help", cwd=tmp_path)
    assert "--json" in shown
    assert len(shown.splitlines()) > 5


@pytest.mark.notebooks
def test_asof_table_gathers_two_years_of_origins(tmp_path: Path) -> None:
    run(ROOT / "benchmarks" / "asof_table.py", "--json", "figures.json", cwd=tmp_path)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["rows"] == 17_304
    assert figures["columns"] == 8
