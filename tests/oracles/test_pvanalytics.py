"""Flags of measurements against pvanalytics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.observations import quality_rules
from energyforecast.observations.quality_rules import MeasuredPower
from tests.support.oracles import Array, Pair, compared, peer

gaps = peer("pvanalytics.quality.gaps")


def series(rng: np.random.Generator) -> Array:
    """Random power with runs of one value, and straight lines, of 2 to 12 hours."""
    values = rng.uniform(0.1, 0.9, 400)
    for begin in range(10, 380, 20):
        length = int(rng.integers(2, 13))
        first, change = rng.uniform(0.1, 0.9), rng.choice([-1, 1]) * rng.uniform(0.01, 0.1)
        values[begin : begin + length] = np.linspace(first, first + change * rng.integers(0, 2), length)
    return values


def marked(function: Any, values: Array) -> npt.NDArray[np.bool_]:
    """Flags of pvanalytics; pandas 3 warns about a call of its code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*fill value")
        return np.asarray(function(pd.Series(values), window=6, mark="all"))


@compared(
    "flags of stuck and of interpolated values",
    area="observations",
    ours="observations.flag_quality, STUCK and INTERPOLATED",
    theirs="stale_values_diff, interpolation_diff",
    peer="pvanalytics",
    tolerance=0.0,
    suite=3,
    benchmark=200,
    convention="Stuck values and lines that rise by less than 0.02 % of capacity are not flagged as interpolated here.",
)
def test_stuck_and_interpolated_values(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        values = series(rng)
        power = MeasuredPower(power=values, hours=1.0)
        stale = marked(gaps.stale_values_diff, values)
        yield quality_rules.stuck(power), stale
        yield quality_rules.interpolated(power), marked(gaps.interpolation_diff, values) & ~stale
