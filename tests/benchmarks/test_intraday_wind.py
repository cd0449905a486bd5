"""Comparison of intraday wind lead by lead: every model forecasts the same hours."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef


@pytest.fixture(scope="module")
def intraday() -> Iterator[Any]:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("intraday_wind")
    sys.path.remove(folder)


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    """A folder in the form of Klim, with the true wind of each hour in all three columns."""
    hours = pd.date_range("2000-05-20", "2000-07-24", freq="1h", tz="UTC")
    rng = np.random.default_rng(0)
    speed = np.clip(
        8 + 3 * np.convolve(rng.normal(size=len(hours) + 11), np.ones(12) / 12**0.5, "valid"), 0, 25
    )
    table = pd.DataFrame({"t": hours, "p": 21 * np.clip(speed / 12 - 0.2, 0, 1)})
    for lead in (1, 2, 3):
        table = table.assign(**{f"Ws{lead}": speed, f"Wd{lead}": 200.0, f"T{lead}": 280.0})
    (tmp_path / "klim").mkdir()
    table.to_parquet(tmp_path / "klim" / "klim.parquet")
    return tmp_path


@pytest.mark.slow
def test_both_kinds_of_model_and_half_of_each_are_scored_at_each_lead(
    intraday: Any, farm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    quick = ef.LightGBMQuantiles(folds=0, n_estimators=20, fitted_quantiles=(0.1, 0.5, 0.9))
    monkeypatch.setattr(intraday, "model_of_wind", lambda *, next_hours, by_recipe: quick)
    case = next(iter(intraday.cases(farm)))
    monkeypatch.setattr(intraday.tries, "by_library", _with(intraday.tries.by_library, quick))
    found = intraday.measure(case.quick(), ["default", "trees", "kernel", "reference"])
    assert [row["lead"] for row in found["leads"]] == [0.0, 1.0, 2.0]
    for row in found["leads"]:
        scores = {name: each["pinball"] for name, each in row["models"].items()}
        assert {"default", "trees", "kernel", "half", "Persistence"} <= scores.keys()
        assert scores["half"] < 0.5 * (scores["trees"] + scores["kernel"])  # the loss is convex
        assert row["default against"]["trees"]["percent"] == 0.0
    assert found["cpu"]["half"] == pytest.approx(found["cpu"]["trees"] + found["cpu"]["kernel"], abs=0.11)


def _with(by_library: Any, usual: ef.QuantileModel) -> Any:
    """The same with another default."""

    def forecast(case: Any, model: ef.QuantileModel | None, rows: Any, **given: Any) -> Any:
        return by_library(case, usual if model is None else model, rows, **given)

    return forecast
