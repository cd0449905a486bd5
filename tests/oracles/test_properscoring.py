"""Scores of samples, distributions and events against properscoring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from energyforecast import evaluation as ev
from tests.support.oracles import Pair, compared, peer
from tests.support.random_forecasts import samples

properscoring = peer("properscoring")


@compared(
    "CRPS of samples",
    area="scores",
    ours="evaluation.crps_of_samples",
    theirs="crps_ensemble",
    peer="properscoring",
)
def test_crps_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        yield ev.crps_of_samples(outcome, drawn), properscoring.crps_ensemble(outcome, drawn)


@compared(
    "CRPS of a normal distribution, from its quantiles",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="crps_gaussian",
    peer="properscoring",
    tolerance=1e-4,
    convention="Straight lines between 9,999 quantiles and no tails beyond them stand for the distribution.",
)
def test_crps_of_a_normal_distribution(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    levels = np.arange(1, 10_000) / 10_000
    centre, spread = rng.normal(50, 10, size=draws), rng.uniform(0.1, 10, size=draws)
    outcome = centre + 2 * spread * rng.normal(size=draws)
    quantiles = centre[:, None] + spread[:, None] * stats.norm.ppf(levels)
    theirs = properscoring.crps_gaussian(outcome, centre, spread)
    yield ev.crps_of_quantiles(outcome, quantiles, levels) / spread, theirs / spread
