"""Scores of ensembles, warnings, decisions and expectiles against scores of the Bureau of Meteorology."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast import evaluation as ev
from tests.support.oracles import Pair, compared, peer
from tests.support.pairs import pairs_of
from tests.support.random_forecasts import curves, events, samples

probability, categorical = peer("scores.probability"), peer("scores.categorical")
continuous, plotdata = peer("scores.continuous"), peer("scores.plotdata")


def hours(values: npt.ArrayLike) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims="hour")


def members(values: npt.ArrayLike) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims=("hour", "member"))


@compared(
    "rank histogram",
    area="scores",
    ours="evaluation.rank_histogram",
    theirs="rank_histogram",
    peer="scores",
)
def test_rank_histogram(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        outcome[0] = np.nan
        yield (
            ev.rank_histogram(outcome, drawn)["value"],
            probability.rank_histogram(members(drawn), hours(outcome), "member"),
        )


@compared(
    "Brier score of samples, fair or not",
    area="scores",
    ours="evaluation.brier_of_samples",
    theirs="brier_score_for_ensemble",
    peer="scores",
    convention="Of one sample, the fair score is that of fair=False here, and in scores.",
)
def test_brier_score_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        outcome[0] = np.nan
        for fair in (False, True):
            theirs = probability.brier_score_for_ensemble(
                members(drawn),
                hours(outcome),
                "member",
                0.0,
                fair_correction=fair,
                event_threshold_operator=operator.gt,
                preserve_dims=["hour"],
            )
            yield ev.brier_of_samples(outcome, drawn, threshold=0.0, fair=fair), theirs.squeeze("threshold")


SCORES = {
    "pod": "probability_of_detection",
    "far": "false_alarm_ratio",
    "pofd": "probability_of_false_detection",
    "csi": "critical_success_index",
    "ets": "equitable_threat_score",
    "heidke": "heidke_skill_score",
    "peirce": "peirce_skill_score",
    "frequency_bias": "frequency_bias",
    "sedi": "symmetric_extremal_dependence_index",
}


@compared(
    "scores of warnings",
    area="scores",
    ours='evaluation.score("pod"), "far", "pofd", "csi", "ets", "heidke", "peirce", "frequency_bias", "sedi"',
    theirs=", ".join(SCORES.values()),
    peer="scores",
    convention="A score that divides by 0 is missing here; scores gives infinity for some.",
)
def test_scores_of_warnings(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, chance in events(rng, draws):
        for limit in (0.13, 0.52):
            ours = ev.contingency(pairs, threshold=threshold, probability=limit).set_index("metric")["value"]
            with np.errstate(all="ignore"):
                table = categorical.BinaryContingencyManager(
                    hours((chance >= limit).astype(float)), hours(happened)
                ).transform()
                theirs = np.array([float(getattr(table, name)()) for name in SCORES.values()])
            yield ours[list(SCORES)], np.where(np.isinf(theirs), np.nan, theirs)


@compared(
    "FIRM score of tiered warnings",
    area="scores",
    ours='evaluation.score("firm"), "firm_false_alarms", "firm_misses"',
    theirs="firm",
    peer="scores",
)
def test_firm(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        if 0.9 in levels:
            pairs = pairs_of(np.round(outcome), np.round(quantiles), levels)  # on the thresholds too
            limits, weights = [20.0, 50.0, 80.0], [1.0, 2.0, 4.0]
            ours = ev.firm(pairs, thresholds=limits, risk=0.9, threshold_weights=weights)["value"]
            theirs = categorical.firm(
                hours(pairs.at(0.9)), hours(pairs.observed), 0.9, limits, weights, include_components=True
            )
            yield (
                ours,
                theirs.sel(components=["firm_score", "overforecast_penalty", "underforecast_penalty"]),
            )


@compared(
    "relative economic value",
    area="scores",
    ours="evaluation.relative_economic_value",
    theirs="relative_economic_value",
    peer="scores",
)
def test_relative_economic_value(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    ratios = [0.05, 0.3, 0.5, 0.9]
    for pairs, threshold, happened, chance in events(rng, draws):
        for limit in (0.13, 0.52):
            theirs = probability.relative_economic_value(
                hours(chance), hours(happened), cost_loss_ratios=ratios, probability_thresholds=[limit]
            )
            table = ev.relative_economic_value(pairs, threshold=threshold, ratios=ratios, probability=limit)
            yield table["value"], np.asarray(theirs).ravel()


@compared(
    "Murphy diagram of a quantile and of the mean",
    area="scores",
    ours="evaluation.murphy",
    theirs="murphy_score",
    peer="scores",
)
def test_murphy_diagram(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    thresholds = np.arange(0.0, 101.0, 5.0)
    for outcome, quantiles, levels in curves(rng, draws):
        pairs = pairs_of(np.round(outcome), np.round(quantiles), levels)
        for functional, kind, forecast in (
            ("quantile", "quantile", pairs.at(0.5)),
            ("mean", "expectile", pairs.mean),
        ):
            theirs = plotdata.murphy_score(
                hours(forecast), hours(pairs.observed), thresholds, functional=kind, alpha=0.5
            )
            yield ev.murphy(pairs, functional=functional, thresholds=thresholds)["value"], theirs["total"]


@compared(
    "loss of expectiles",
    area="scores",
    ours="evaluation.expectile_loss",
    theirs="consistent_expectile_score of the square",
    peer="scores",
)
def test_loss_of_expectiles(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for level in (0.1, 0.5, 0.95):
        outcome, expectiles = rng.normal(size=draws), rng.normal(size=draws)
        outcome[0], expectiles[1] = np.nan, outcome[1]
        theirs = continuous.consistent_expectile_score(
            hours(expectiles),
            hours(outcome),
            level,
            lambda x: x**2,
            lambda x: 2 * x,
            preserve_dims=["hour"],
        )
        yield ev.expectile_loss(outcome, expectiles, level=level), theirs
