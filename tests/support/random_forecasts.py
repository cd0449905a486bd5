"""Random outcomes with samples and quantiles, and edge cases: ties, constants, zeros, masses, unequal levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation import Pairs
from tests.support.pairs import pairs_of

Array = npt.NDArray[np.float64]


def samples(rng: np.random.Generator, draws: int) -> Iterator[tuple[Array, Array]]:
    """Outcomes and samples: one, two and many members; ties with each other and with the outcome."""
    for members in (1, 2, 17):
        drawn = rng.normal(size=(draws, members))
        yield rng.normal(size=draws), drawn
        yield np.round(rng.normal(size=draws)), np.round(drawn)  # ties
        yield np.zeros(draws), np.maximum(drawn, 0.0)  # power at night
        yield rng.normal(size=draws), np.repeat(drawn[:, :1], members, axis=1)  # no spread
    yield rng.normal(size=draws) * 1e6, rng.normal(size=(draws, 5)) * 1e6
    yield rng.normal(size=draws) + 1e6, rng.normal(size=(draws, 5)) + 1e6  # a small spread about a large mean


def curves(rng: np.random.Generator, draws: int) -> Iterator[tuple[Array, Array, Array]]:
    """Outcomes, quantiles and levels of power between 0 and 100 MW."""
    for levels in ([0.5], [0.1, 0.5, 0.9], [0.01, 0.03, 0.2, 0.5, 0.55, 0.9], np.arange(1, 100) / 100):
        tau = np.asarray(levels)
        drawn = np.sort(rng.uniform(0, 100, size=(draws, len(tau))), axis=1)
        yield rng.uniform(0, 100, size=draws), drawn, tau
        yield np.clip(rng.normal(0, 40, size=draws), 0, 100), np.clip(2 * drawn - 60, 0, 100), tau  # masses
        yield drawn[:, 0], drawn, tau  # on a quantile
        yield rng.uniform(0, 100, size=draws), drawn[:, :1] + np.zeros(len(tau)), tau  # a single value
        yield np.zeros(draws), np.zeros((draws, len(tau))), tau  # night


def events(rng: np.random.Generator, draws: int) -> Iterator[tuple[Pairs, float, Array, Array]]:
    """Pairs, a threshold [MW], its exceedance by each outcome (0 or 1) and the probability: spread, tied, certain."""
    levels = np.arange(1, 20) / 20
    for rows in (draws, *(40,) * (draws // 50)):
        centre = rng.uniform(10, 90, size=(rows, 1))
        steep = np.sort(centre + rng.normal(size=(rows, len(levels))), axis=1)
        wide = np.sort(rng.uniform(0, 100, size=(rows, len(levels))), axis=1)
        for quantiles in (wide, steep, np.round(wide), wide[rng.integers(0, 4, size=rows)]):
            outcome = rng.uniform(0, 100, size=rows)
            outcome[:2] = 0.0, 100.0  # the event happens, and does not
            for threshold in (50.5, 80.5):
                happened = (outcome > threshold).astype(float)
                below = [np.interp(threshold, curve, levels, left=0.0, right=1.0) for curve in quantiles]
                yield pairs_of(outcome, quantiles, levels), threshold, happened, 1.0 - np.asarray(below)
