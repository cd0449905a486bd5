"""The paired test and the interval of the ablation: right under no difference, and able to see one."""

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
    return np.array([ablation.diebold_mariano(days).p_value for days in series])


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
    assert ablation.diebold_mariano(np.zeros(DAYS)).p_value == 1.0


def test_interval_holds_no_change_as_often_as_it_says(ablation: Any) -> None:
    default = 10 + differences(memory=0.3)[:200]
    changed = default + differences(memory=0.3)[200:400]
    held = [
        low < 0 < high
        for low, high in (
            ablation.interval(here, there, draws=300) for here, there in zip(changed, default, strict=True)
        )
    ]
    assert 0.88 < np.mean(held) < 0.98


def test_interval_is_of_the_same_days(ablation: Any) -> None:
    default = 10 + differences(memory=0.5)[0] * 2
    low, high = ablation.interval(1.05 * default, default)
    assert (low, high) == pytest.approx((5, 5)), "calm and stormy days move both alike"
