"""Names that other programs would run: formulas, markup of terminals, mathematics of figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast.cli.forecast import backtest, forecast
from energyforecast.core.spreadsheets import plain_text, without_formulas
from energyforecast.reporting.figures.style import new_figure

NAMES = ("=cmd|' /C calc'!A0", "+1", "[/]", r"$\frac{$", "a$b$c")
SITE = """
[sites.{name}]
kind = "wind"
latitude = 43.6
longitude = 78.5
capacity = 60
"""
REST = """
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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Sites of all these names, of which the power is known for forty days."""
    index = pd.date_range("2024-01-01", periods=40 * 24, freq="h")
    values = np.random.default_rng(0).uniform(0, 60, (len(index), len(NAMES))).round(2)
    power = pd.DataFrame(values, index=index.strftime("%Y-%m-%d %H:%M"), columns=list(NAMES))
    power.to_csv(tmp_path / "power.csv", index_label="time")
    path = tmp_path / "farms.toml"
    path.write_text("".join(SITE.format(name=json.dumps(name)) for name in NAMES) + REST, encoding="utf-8")
    return path


def _cells(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [cell for row in csv.reader(file) for cell in row]


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute a cell that is no number."""
    try:
        float(cell)
    except ValueError:
        return cell[:1] in "=+-@" if cell else False
    return cell in NAMES  # +1 as a name of a site


def test_a_forecast_of_any_names_is_written_without_formulas(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forecast(config, "2024-02-08 09:00", out=tmp_path / "out")
    shown = capsys.readouterr().out
    assert all(name in shown for name in NAMES)
    cells = _cells(tmp_path / "out" / "forecast.csv")
    assert not [cell for cell in cells if _is_formula(cell)]
    assert {plain_text(name) for name in NAMES} <= set(cells)
    assert len(list((tmp_path / "out").glob("fan_chart_*.png"))) == len(NAMES)


@pytest.mark.slow
def test_scores_of_any_names_are_written_without_formulas(config: Path, tmp_path: Path) -> None:
    backtest(config, "2024-02-05", "2024-02-07", out=tmp_path / "out", jobs=1)
    for name in ("scores.csv", "forecast.csv"):
        assert not [cell for cell in _cells(tmp_path / "out" / name) if _is_formula(cell)]


def test_numbers_and_times_of_a_table_stay() -> None:
    times = pd.date_range("2024-01-01", periods=2, freq="h", tz="UTC")
    table = pd.DataFrame({"time": times, "=power": [-1.5, np.nan], "kind": pd.Categorical(["a", "a"])})
    guarded = without_formulas(table)
    assert list(guarded.columns) == ["time", "'=power", "kind"]
    assert guarded.set_axis(table.columns, axis=1).equals(table)
    assert list(table.columns) == ["time", "=power", "kind"], "the table of the caller stays"


def test_texts_of_figures_are_drawn_as_they_are_written(tmp_path: Path) -> None:
    """A title in dollars is as wide as its letters, not set as mathematics."""
    figure, axes = new_figure()
    title = axes.set_title(r"$\frac{$ a $x$")
    axes.set_xticks([0.0], [r"$\broken{$"])
    figure.savefig(tmp_path / "one.png")
    assert not title.get_parse_math()
