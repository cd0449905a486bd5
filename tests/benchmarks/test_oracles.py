"""The page "Checked against" shows the committed figures, which are those of all comparisons of tests/oracles."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import energyforecast
from tests.support.oracles import Pair, compared

ROOT = Path(__file__).parents[2]
REMEDY = "run: python benchmarks/oracles.py --json benchmarks/results/oracles.json --add --page"


@pytest.fixture(scope="module")
def oracles() -> Any:
    spec = importlib.util.spec_from_file_location("oracles", ROOT / "benchmarks" / "oracles.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(oracles: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(oracles.RESULT.read_text(encoding="utf-8"))["comparisons"]
    return found


def test_the_page_shows_the_committed_figures(oracles: Any) -> None:
    result = json.loads(oracles.RESULT.read_text(encoding="utf-8"))
    assert oracles.page(result) == oracles.PAGE.read_text(encoding="utf-8"), REMEDY


def test_the_figures_are_those_of_all_comparisons(oracles: Any, rows: list[dict[str, Any]]) -> None:
    try:
        declared = {(file, comparison.name): comparison for file, comparison in oracles.declared()}
    except SystemExit as reason:
        pytest.skip(str(reason))
    assert set(declared) == {(row["file"], row["name"]) for row in rows}, REMEDY
    for row in rows:
        comparison = declared[row["file"], row["name"]]
        for name in ("area", "ours", "theirs", "peer", "tolerance", "convention"):
            assert row[name] == getattr(comparison, name), f"{row['name']}: {REMEDY}"


def test_every_difference_is_within_its_tolerance_and_named_where_it_exists(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        assert row["cases"] > 0
        assert row["relative"] <= row["tolerance"], row["name"]
        functools.reduce(getattr, re.match(r"[\w.]+", row["ours"])[0].split("."), energyforecast)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([1.0], [1.1]), ([np.nan], [1.0]), ([1.0], [np.nan]), ([np.inf], [1.0]), ([1.0, 2.0], [1.0]), ([], [])],
)
def test_a_difference_is_found(ours: list[float], theirs: list[float]) -> None:
    @compared("fault", area="scores", ours="evaluation.score", theirs="none", peer="none", tolerance=0.01)
    def test_fault(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
        yield ours, theirs

    with pytest.raises(AssertionError):
        test_fault()


def test_missing_values_and_infinities_of_both_sides_agree() -> None:
    @compared("same", area="scores", ours="evaluation.score", theirs="none", peer="none", tolerance=0.0)
    def test_same(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
        yield [np.nan, np.inf, -np.inf, 0.0], [np.nan, np.inf, -np.inf, 0.0]

    test_same()
