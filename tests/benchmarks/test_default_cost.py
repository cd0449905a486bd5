"""Cost of a default fit: quotients are of the right figures, and the first candidate is found."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import energyforecast as ef


@pytest.fixture(scope="module")
def cost() -> Iterator[Any]:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("default_cost")
    sys.path.remove(folder)


def test_quotients_are_of_models_and_of_whole_fits(cost: Any) -> None:
    now = [{"kind": "wind", "features": 1.0, "fit": 3.0, "single": 2.0, "fit / single": 1.5}]
    before = [{"kind": "PV", "features": 9.0, "fit": 9.0}, {"kind": "wind", "features": 1.0, "fit": 1.0}]
    row = cost.compared(now, before).iloc[0]
    assert (row["fit before"], row["fit / before"], row["with features"]) == (1.0, 3.0, 2.0)


def test_the_first_candidate_of_the_usual_choice_is_taken(cost: Any) -> None:
    first, second = ef.LightGBMQuantiles(seed=1), ef.LightGBMQuantiles(seed=2)
    several = {"first": first, "second": second}
    assert cost.first_of(ef.models.SelectedModel(candidates=several)) is first
    assert cost.first_of(ef.models.SelectedModel(candidates=several, usual=("second", "first"))) is second
    assert cost.first_of(first) is first
