"""The test of the ablation: right under no difference, and able to see one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ablation.py"
DAYS, SERIES = 92, 1000


@pytest.fixture(scope="module")
def ablation() -> Any:
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def differences(*, memory: float) -> npt.NDArray[np.float64]:
    """Daily differences of mean zero, each like the one before by ``memory``."""
    rng = np.random.default_rng(3)
    days = np.empty((SERIES, DAYS))
    days[:, 0] = rng.normal(size=SERIES) / np.sqrt(1 - memory**2)
    for k in range(1, DAYS):
        days[:, k] = memory * days[:, k - 1] + rng.normal(size=SERIES)
    return days


def p_values(ablation: Any, series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values where the default loses 10 each day; so many fits that their chance is small."""
    default = np.full(DAYS, 10.0)
    return np.array([ablation.comparison(default + days, default, fits=10**6)["p"] for days in series])


def test_p_values_are_uniform_where_nothing_differs(ablation: Any) -> None:
    p = p_values(ablation, differences(memory=0.0))
    shares = np.histogram(p, bins=10, range=(0, 1))[0] / SERIES
    np.testing.assert_allclose(shares, 0.1, atol=0.04)
    assert np.mean(p < 0.05) < 0.08


def test_days_that_resemble_their_neighbours_do_not_make_a_difference(ablation: Any) -> None:
    p = p_values(ablation, differences(memory=0.4))
    assert np.mean(p < 0.05) < 0.10, "without the lagged covariances it is about 0.2"


def test_a_clear_difference_is_seen_on_either_side(ablation: Any) -> None:
    noise = differences(memory=0.0)[:50]
    assert p_values(ablation, noise + 1.0).max() < 0.001
    assert p_values(ablation, noise - 1.0).max() < 0.001


def test_a_forecast_does_not_differ_from_itself(ablation: Any) -> None:
    assert ablation.comparison(np.ones(DAYS), np.ones(DAYS), fits=9)["p"] == 1.0


def test_interval_excludes_no_change_exactly_where_p_is_small(ablation: Any) -> None:
    default = 10 + differences(memory=0.3)[:200]
    changed = default + differences(memory=0.3)[200:400]
    found = [ablation.comparison(*pair, fits=9) for pair in zip(changed, default, strict=True)]
    held = [item["interval"][0] < 0 < item["interval"][1] for item in found]
    assert held == [item["p"] > 0.05 for item in found]
    assert 0.88 < np.mean(held) < 0.99


def test_interval_is_of_the_same_days_and_of_the_chance_of_fits(ablation: Any) -> None:
    default = 10 + differences(memory=0.5)[0] * 2
    ends = [ablation.comparison(1.05 * default, default, fits=fits)["interval"] for fits in (1, 9, 10**8)]
    assert ends[2] == pytest.approx((5, 5), abs=1e-3), "calm and stormy days move both alike"
    few, several = (high - low for low, high in ends[:2])
    assert few == pytest.approx(3 * several, rel=0.01)
    assert few == pytest.approx(2 * 1.986 * 0.4 * 1.05 * 2**0.5, rel=0.05)
