"""Scores of samples and quantiles against scoringrules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energyforecast import evaluation as ev
from tests.support.oracles import Pair, compared, peer
from tests.support.pairs import pairs_of
from tests.support.random_forecasts import curves, samples

scoringrules = peer("scoringrules")


@compared(
    "CRPS of samples",
    area="scores",
    ours="evaluation.crps_of_samples",
    theirs="crps_ensemble, estimators nrg and pwm",
    peer="scoringrules",
)
def test_crps_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        found = ev.crps_of_samples(outcome, drawn)
        yield found, scoringrules.crps_ensemble(outcome, drawn, estimator="nrg", backend="numpy")
        yield found, scoringrules.crps_ensemble(outcome, drawn, estimator="qd", backend="numpy")


@compared(
    "fair CRPS of samples",
    area="scores",
    ours="evaluation.crps_of_samples(fair=True)",
    theirs="crps_ensemble, estimator fair",
    peer="scoringrules",
    convention="The fair score of one sample is not defined: NaN in scoringrules, the absolute error here.",
)
def test_fair_crps_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        if drawn.shape[1] > 1:
            theirs = scoringrules.crps_ensemble(outcome, drawn, estimator="fair", backend="numpy")
            yield ev.crps_of_samples(outcome, drawn, fair=True), theirs


@compared(
    "CRPS of a distribution with masses at its bounds",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="crps_uniform",
    peer="scoringrules",
)
def test_crps_of_a_uniform_distribution_with_masses(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for first, last in ((0.1, 0.9), (0.5, 0.6), (0.01, 0.99), (0.3, 0.35)):
        low = rng.uniform(0, 50, size=draws)
        high = low + rng.uniform(0.1, 50, size=draws)
        for outcome in (rng.uniform(-20, 120, size=draws), low, high):
            ours = ev.crps_of_quantiles(outcome, np.column_stack([low, high]), [first, last])
            yield ours, scoringrules.crps_uniform(outcome, low, high, lmass=first, umass=1 - last)


@compared(
    "pinball loss",
    area="scores",
    ours="evaluation.pinball_loss",
    theirs="quantile_score",
    peer="scoringrules",
)
def test_pinball_loss(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        theirs = scoringrules.quantile_score(outcome[:, None], quantiles, levels, backend="numpy")
        yield ev.pinball_loss(outcome, quantiles, levels), theirs


@compared(
    "mean pinball loss of the levels",
    area="scores",
    ours='evaluation.score("pinball")',
    theirs="crps_quantile",
    peer="scoringrules",
    convention="Their CRPS of quantiles is twice this mean. Here the pinball loss is not doubled, and the CRPS is the "
    "exact integral over all levels.",
)
def test_mean_pinball_loss(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        theirs = scoringrules.crps_quantile(outcome, quantiles, levels, backend="numpy")
        yield ev.score("pinball", pairs_of(outcome, quantiles, levels))["value"], [np.mean(theirs) / 2]


@compared(
    "interval score",
    area="scores",
    ours='evaluation.score("interval_score")',
    theirs="interval_score",
    peer="scoringrules",
)
def test_interval_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        if 0.1 in levels:
            low, high = (quantiles[:, np.flatnonzero(levels == level)[0]] for level in (0.1, 0.9))
            theirs = scoringrules.interval_score(outcome, low, high, 0.2, backend="numpy")
            points = ev.interval_score.metrics({"interval": 0.8})[0].pointwise
            yield points(pairs_of(outcome, quantiles, levels)), theirs


@compared(
    "weighted interval score",
    area="scores",
    ours='evaluation.score("weighted_interval_score")',
    theirs="weighted_interval_score",
    peer="scoringrules",
    convention="Without numba, scoringrules 0.8 to 0.11 adds the median in place of its distance from the outcome; the "
    "intervals are theirs, the distance is put in its place.",
)
def test_weighted_interval_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        lower = np.array([level for level in levels if level < 0.5 and np.isclose(levels, 1 - level).any()])
        if len(lower):
            pairs = pairs_of(outcome, quantiles, levels)
            low, high = (np.column_stack([pairs.at(level) for level in ends]) for ends in (lower, 1 - lower))
            theirs = scoringrules.weighted_interval_score(
                outcome, pairs.at(0.5), low, high, 2 * lower, w_median=0.0, backend="numpy"
            )
            median = 0.5 * np.abs(outcome - pairs.at(0.5)) / (len(lower) + 0.5)
            yield ev.weighted_interval_score.metrics()[0].pointwise(pairs), theirs + median


@compared(
    "energy score",
    area="scores",
    ours="evaluation.energy_score",
    theirs="es_ensemble",
    peer="scoringrules",
)
def test_energy_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for members, dims in ((1, 3), (2, 1), (11, 5)):
        outcome, drawn = rng.normal(size=(draws, dims)), rng.normal(size=(draws, members, dims))
        for rounded in (lambda x: x, np.round):
            theirs = scoringrules.es_ensemble(rounded(outcome), rounded(drawn), backend="numpy")
            yield ev.energy_score(rounded(outcome), rounded(drawn)), theirs


@compared(
    "variogram score",
    area="scores",
    ours="evaluation.variogram_score",
    theirs="vs_ensemble",
    peer="scoringrules",
)
def test_variogram_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for members, dims, order in ((1, 3, 0.5), (2, 1, 1.0), (11, 5, 0.5), (11, 5, 2.0)):
        outcome, drawn = rng.normal(size=(draws, dims)), rng.normal(size=(draws, members, dims))
        theirs = scoringrules.vs_ensemble(outcome, drawn, p=order, backend="numpy")
        yield ev.variogram_score(outcome, drawn, order=order), theirs
        weights = rng.uniform(size=(dims, dims))
        weights[0] = 0.0
        theirs = scoringrules.vs_ensemble(
            outcome, drawn, np.broadcast_to(weights, (draws, dims, dims)), p=order, backend="numpy"
        )
        yield ev.variogram_score(outcome, drawn, order=order, weights=weights), theirs


@compared(
    "CRPS of weighted samples, whole and over a range",
    area="scores",
    ours="evaluation.crps_of_samples(member_weights=..., above=..., below=...)",
    theirs="twcrps_ensemble with ens_w",
    peer="scoringrules",
)
def test_crps_of_weighted_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        weights = rng.uniform(size=drawn.shape)
        weights[:, 1:][rng.uniform(size=drawn[:, 1:].shape) < 0.2] = 0.0
        for low, high in ((-np.inf, np.inf), (0.2, np.inf), (-0.5, 0.7)):
            theirs = scoringrules.twcrps_ensemble(
                outcome, drawn, low, high, ens_w=weights, estimator="nrg", backend="numpy"
            )
            ours = ev.crps_of_samples(outcome, drawn, member_weights=weights, above=low, below=high)
            yield ours, theirs


@compared(
    "fair and weighted energy and variogram scores",
    area="scores",
    ours="evaluation.energy_score, evaluation.variogram_score",
    theirs="es_ensemble, vs_ensemble, estimator fair, or ens_w",
    peer="scoringrules",
    convention="Of one sample, a fair score is that of fair=False here.",
)
def test_fair_and_weighted_scores_of_vectors(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for members, dims in ((2, 1), (11, 5)):
        outcome, drawn = rng.normal(size=(draws, dims)), rng.normal(size=(draws, members, dims))
        weights = rng.uniform(0.1, 1.0, size=(draws, members))
        for ours, theirs in (
            ({"fair": True}, {"estimator": "fair"}),
            ({"member_weights": weights}, {"ens_w": weights}),
        ):
            yield (
                ev.energy_score(outcome, drawn, **ours),
                scoringrules.es_ensemble(outcome, drawn, backend="numpy", **theirs),
            )
            yield (
                ev.variogram_score(outcome, drawn, order=0.7, **ours),
                scoringrules.vs_ensemble(outcome, drawn, p=0.7, backend="numpy", **theirs),
            )
