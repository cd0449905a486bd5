"""Clock checks over plants of any orientation: no false alarm, and hours that are wrong are found."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "clock_checks.py"


@pytest.fixture(scope="module")
def figures() -> Any:
    spec = importlib.util.spec_from_file_location("clock_checks", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.measure(16)


@pytest.mark.slow
def test_no_right_clock_is_called_wrong(figures: Any) -> None:
    assert figures["right clocks"] == {"right": 16, "refused by fit": 0}


@pytest.mark.parametrize("clock", ["an hour late", "an hour early", "five and a half hours late"])
@pytest.mark.parametrize("by", ["seen by check_clock", "refused by fit"])
def test_hours_that_are_wrong_are_found(figures: Any, clock: str, by: str) -> None:
    counts = figures["wrong clocks"][clock]
    assert counts["open, plants"] >= 5
    assert counts[f"open, {by}"] == counts["open, plants"]
