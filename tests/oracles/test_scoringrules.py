"""Scores of samples and quantiles against scoringrules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energyforecast import evaluation as ev
from tests.support.oracles import Array, Pair, compared, peer

scoringrules = peer("scoringrules")


def samples(rng: np.random.Generator, draws: int) -> Iterator[tuple[Array, Array]]:
    """Outcomes and samples: one, two and many members, ties, constants, zeros, far outcomes."""
    for members in (1, 2, 17):
        drawn = rng.normal(size=(draws, members))
        yield rng.normal(size=draws), drawn
        yield np.round(rng.normal(size=draws)), np.round(drawn)  # ties, with the outcome too
        yield np.zeros(draws), np.maximum(drawn, 0.0)  # power at night
        yield rng.normal(size=draws), np.repeat(drawn[:, :1], members, axis=1)  # no spread
    yield rng.normal(size=draws) * 1e6, rng.normal(size=(draws, 5)) * 1e6


@compared(
    "CRPS of samples",
    area="scores",
    ours="evaluation.crps_of_samples",
    theirs="crps_ensemble, estimator nrg",
    peer="scoringrules",
)
def test_crps_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        yield ev.crps_of_samples(outcome, drawn), scoringrules.crps_ensemble(outcome, drawn, estimator="nrg")
