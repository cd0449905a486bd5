"""Gates: limits, a baseline beaten by noise only, and the command from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import ConfigurationError, MissingDataError, SchemaError
from energyforecast.evaluation import Gate, Result, read_gates
from energyforecast.evaluation.paired_difference import paired_test
from energyforecast.testing import example_result

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        (Gate(metric="mae", max=1.0), True),
        (Gate(metric="mae", max=0.99), False),
        (Gate(metric="mae", max=1.7, unit="% of capacity"), True),
        (Gate(metric="mae", max=1.6, unit="% of capacity"), False),
        (Gate(metric="bias", min=-0.9, max=0.9), False),
        (Gate(metric="coverage", level=0.8, min=0.7), True),
        (Gate(metric="coverage", level=0.8, max=0.9), False),
        (Gate(metric="skill_mae", reference="reference", min=0.49), True),
        (Gate(metric="skill_mae", reference="reference", min=51, unit="%"), False),
        (Gate(metric="mae", model="reference", site="farm", max=1.5), False),
        (Gate(metric="correlation", min=0.99), True),
        (Gate(metric="energy_error", max=-23, min=-25), True),
        (Gate(metric="brier", parameters={"threshold": 15.0}, max=0.07), False),
        (Gate(metric="ramp_csi", parameters={"change": 0.02}, min=1), True),
    ],
)
def test_a_score_keeps_its_limits_or_fails(gate: Gate, passed: bool) -> None:
    assert example_result().gate([gate]).passed is passed


def test_a_gate_that_meets_nothing_is_refused() -> None:
    with pytest.raises(MissingDataError):
        example_result().gate([Gate(metric="coverage", max=1, model="nobody", level=0.5)])
    with pytest.raises(SchemaError, match="mea"):
        example_result().gate([Gate(metric="mea", max=1)])
    with pytest.raises(ConfigurationError, match="in MW"):
        example_result().gate([Gate(metric="mae", max=1, unit="1")])
    for wrong in (
        {"metric": "mae"},
        {"metric": "mae", "max": 1, "unit": "GW"},
        {"metric": "skill_mae", "min": 0},
    ):
        with pytest.raises(ConfigurationError):
            Gate(**wrong)


def _result(error: float, *, days: int = 60, seed: int = 0) -> Result:
    """A point forecast that is wrong by noise about 1 MW, plus something."""
    hours = pd.date_range("2024-01-01", periods=24 * days, freq="1h", tz="UTC")
    load = 50.0 + 10 * np.sin(np.arange(len(hours)))
    noise = np.abs(np.random.default_rng(seed).normal(1.0, 0.5, size=len(hours)))
    task = ef.day_ahead("09:00", timezone="UTC")
    frame = pd.DataFrame({"site": "a", "valid_time": hours, "point": load + noise + error})
    power = ef.Observations(pd.DataFrame({"a": load}, index=hours), published_after="0h")
    forecast = ef.Forecast.from_frame(frame, columns="point", task=task)
    return Result.from_forecasts({"model": forecast}, power)


def test_worse_than_the_baseline_by_more_than_noise_fails() -> None:
    baseline = _result(0.0)
    assert baseline.gate(baseline=baseline).passed, "equal is not worse"
    noisy = [_result(0.0, seed=seed) for seed in (1, 2, 3, 4)]
    baseline_mae, *others = (
        result.scores().set_index("metric")["value"]["mae"] for result in [baseline, *noisy]
    )
    assert max(others) > baseline_mae, "some are worse"
    assert all(result.gate(baseline=baseline, noise=0.001).passed for result in noisy), "but by noise alone"
    report = _result(0.2, seed=1).gate(baseline=baseline)
    assert not report.passed
    assert {item.metric for item in report.checks if not item.passed} == {"crps", "mae"}
    assert _result(-0.2, seed=1).gate(baseline=baseline).passed, "better is not worse"
    few = _result(0.2, days=5).gate(baseline=_result(0.0, days=5))
    assert few.passed
    assert "too few" in few.checks[0].note


def test_a_baseline_of_other_hours_is_refused_and_some_are_counted() -> None:
    long, short = _result(0.0), _result(0.0, days=30)
    assert f"{24 * 30} hours of one only" in short.gate(baseline=long).checks[0].note
    other = replace(long, forecasts={"other": long.forecasts["model"]})
    with pytest.raises(MissingDataError):
        long.gate(baseline=other)


def test_false_alarms_are_as_rare_as_said_though_days_remember() -> None:
    """Daily differences of which each remembers half of the last; single days would alarm too often."""
    generator, alarms, naive = np.random.default_rng(3), 0, 0
    for _ in range(400):
        noise = generator.normal(size=160)
        daily = np.zeros(160)
        for k in range(1, 160):
            daily[k] = 0.5 * daily[k - 1] + noise[k]
        alarms += (
            paired_test(50 + daily[40:], np.full(120, 50.0), alternative="greater", fit_spread=0).p < 0.05
        )
        naive += daily[40:].mean() / (daily[40:].std() / np.sqrt(120)) > 1.645
    assert alarms / 400 < 0.11 < naive / 400


def test_gates_are_read_and_misspelt_ones_refused(tmp_path: Path) -> None:
    gates, baseline = read_gates(EXAMPLES / "gates.toml")
    assert len(gates) >= 3
    assert baseline["metrics"]
    path = tmp_path / "gates.toml"
    for text in (
        "[[gate]]\nmetric='mae'\nmaximum=1",
        "[[gates]]\nmetric='mae'",
        "[[gate]]\nmax=1",
        "nonsense",
    ):
        path.write_text(text)
        with pytest.raises(ConfigurationError):
            read_gates(path)


# --- From outside ---------------------------------------------------------------------------------


def _command(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "energyforecast", "backtest", *map(str, arguments)],
        env={"PYTHONWARNINGS": "error"}
        | os.environ
        | {"PYTHONPATH": str(EXAMPLES.parent), "OMP_NUM_THREADS": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_command_leaves_with_the_verdict(tmp_path: Path) -> None:
    text = (EXAMPLES / "la_haute_borne.toml").read_text(encoding="utf-8")
    good, bad = (
        text.replace("seed = 1", f"seed = 1\nn_estimators = {count}\nfolds = 0") for count in (60, 2)
    )
    (tmp_path / "good.toml").write_text(good)
    (tmp_path / "bad.toml").write_text(bad)
    span = ("--start", "2015-02", "--end", "2015-02", "--jobs", "1")
    gates = EXAMPLES / "gates.toml"
    first = _command("good.toml", *span, "--gate", gates, "--out", "main", "--resume", "run",
                     "--json", "gates.json", "--markdown", "gates.md", cwd=tmp_path)  # fmt: skip
    assert first.returncode == 0, first.stdout + first.stderr
    report = json.loads((tmp_path / "gates.json").read_text())
    assert report["passed"] is True
    assert (tmp_path / "gates.md").read_text().strip() in first.stdout
    assert "not forecast skill" in (tmp_path / "gates.md").read_text()
    second = _command("bad.toml", *span, "--baseline", "main", "--markdown", "worse.md", cwd=tmp_path)
    assert second.returncode == 3, second.stdout + second.stderr
    table = (tmp_path / "worse.md").read_text()
    assert "❌ | LightGBMQuantiles" in table
    assert "✅ | Climatology" in table
    refused = _command("good.toml", *span, "--gate", "absent.toml", cwd=tmp_path)
    assert refused.returncode == 1
    assert "ConfigurationError" in refused.stderr
