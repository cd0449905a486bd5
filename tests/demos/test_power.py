"""The synthetic demo: what it writes, that it says what it is, and that recipes beat every reference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from energyforecast.demos import power
from energyforecast.errors import ConfigurationError

CASES = {
    "wind": {"Climatology", "Persistence", "PowerCurveReference"},
    "solar": {"Climatology", "Persistence", "SmartPersistence"},
    "demand": {"Climatology", "Persistence", "SameTypeDay", "SeasonalNaive"},
    "industry": {"Climatology", "Persistence", "SameTypeDay", "SeasonalNaive"},
    "households": {"Climatology", "Persistence", "SameTypeDay", "SeasonalNaive"},
}


def test_an_unknown_demo_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        power.demo_backtests("atlantis")
    assert "la-haute-borne, shelek and plan" in str(caught.value)


def test_the_real_farm_is_backtested_over_its_second_year() -> None:
    [backtest] = power.demo_backtests("la-haute-borne")
    assert (backtest.start, backtest.end, backtest.refit) == ("2015", "2015", "MS")
    assert list(power.references(backtest.forecaster, backtest.weather)) == ["Climatology", "Persistence"]


@pytest.mark.slow
def test_each_case_has_the_references_of_its_kind() -> None:
    cases = power.demo_backtests("shelek", gate_closure="10:30")
    assert {case.name: set(power.references(case.forecaster, case.weather)) for case in cases} == CASES
    assert all(case.forecaster.task.issue is not None for case in cases)
    assert all("10:30" in case.notes[0] and "assumption" in case.notes[0] for case in cases)
    assert all("synthetic" in site.name for case in cases for site in case.forecaster.sites)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shelek")
    command = [sys.executable, "-m", "energyforecast", "demo", "shelek", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout
    assert "an assumption" in done.stdout
    return out


def _scores(folder: Path) -> Any:
    return json.loads((folder / "scores.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_demo_writes_scores_forecasts_and_figures_of_each_case(folder: Path) -> None:
    wanted = {"scores.json", "scores.csv"}
    kinds = ("forecast_{}.csv", "forecast_{}.nc", "fan_chart_{}.png", "reliability_{}.png")
    wanted |= {kind.format(name) for kind in kinds for name in CASES}
    assert {path.name for path in folder.iterdir()} == wanted
    assert set(_scores(folder)["provenance"]["cases"]) == set(CASES)
    for text in [*folder.glob("*.csv"), folder / "scores.json"]:
        assert "synthetic" in text.read_text(encoding="utf-8"), text.name


@pytest.mark.slow
@pytest.mark.parametrize("reference", sorted(set().union(*CASES.values())))
def test_recipes_beat_the_reference_at_every_lead(folder: Path, reference: str) -> None:
    scores = _scores(folder)["scores"]
    # At dawn hardly any power is to be forecast, and that of yesterday is as good as any.
    dim = {
        (record["site"], record["lead_hours"])
        for record in scores
        if record["metric"] == "mae" and record["model"] == reference and (record["value"] or 0.0) < 0.5
    }
    skills = [
        record
        for record in scores
        if record["metric"] == f"skill_mae_vs_{reference}"
        and record["model"] in ("LightGBMQuantiles", "auto")  # farms, and sites of other kinds
        and record["n"] > 30
        and record["value"] is not None  # at night a PV plant's references make no error either
        and (record["site"], record["lead_hours"]) not in dim
    ]
    assert len(skills) >= 15
    # The same-type day is a strong reference: at single leads, of half a year, it may be level.
    least = -3.0 if reference == "SameTypeDay" else 0.0
    worse = [
        (record["site"], record["lead_hours"], record["value"])
        for record in skills
        if record["value"] <= least
    ]
    assert not worse
    assert np.mean([record["value"] for record in skills]) > 5.0
