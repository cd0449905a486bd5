"""Scores of samples, quantiles, events and single values against scores of the Bureau of Meteorology."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from energyforecast import evaluation as ev
from tests.support.oracles import Pair, compared, peer
from tests.support.pairs import certain, pairs_of
from tests.support.random_forecasts import curves, events, samples

probability, continuous = peer("scores.probability"), peer("scores.continuous")
statistical_tests = peer("scores.stats.statistical_tests")


def hours(values: Any) -> xr.DataArray:
    return xr.DataArray(values, dims="hour")


@compared(
    "CRPS of samples, fair or not",
    area="scores",
    ours="evaluation.crps_of_samples",
    theirs="crps_for_ensemble, methods ecdf and fair",
    peer="scores",
    tolerance=1e-10,
    convention="The fair score of one sample is not defined: NaN in scores, the absolute error here. About a mean of "
    "10⁶, scores loses digits: sums in fractions agree with ours.",
)
def test_crps_of_samples(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, drawn in samples(rng, draws):
        for method, fair in (("ecdf", False), ("fair", True)):
            if drawn.shape[1] > fair:
                theirs = probability.crps_for_ensemble(
                    xr.DataArray(drawn, dims=("hour", "member")),
                    hours(outcome),
                    "member",
                    method=method,
                    preserve_dims=["hour"],
                )
                yield ev.crps_of_samples(outcome, drawn, fair=fair), theirs


@compared(
    "CRPS of a curve through quantiles, whole and over a range",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="crps_cdf",
    peer="scores",
    tolerance=1e-6,
    convention="The masses beyond the outer levels lie on the outer quantiles. Distribution functions of scores are "
    "continuous: there the masses rise within 1e-7 MW.",
    benchmark=300,
)
def test_crps_of_quantiles(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    width, levels = 1e-7, np.array([0.1, 0.3, 0.5, 0.8, 0.95])
    for _ in range(max(draws // 10, 2)):
        quantiles = np.sort(rng.uniform(0, 100, size=5))
        nodes = np.concatenate([quantiles[:1] - width, quantiles, quantiles[-1:] + width])
        curve = xr.DataArray([[0.0, *levels, 1.0]], dims=("hour", "power"), coords={"power": nodes})
        above = rng.uniform(0, 100)
        for outcome in (rng.uniform(0, 100), quantiles[2] + 1e-3, -20.0, 130.0):
            weight = probability.crps_step_threshold_weight(
                hours([above]), "power", threshold_values=[*nodes, outcome]
            )
            for limit, weights in ((-np.inf, None), (above, weight)):
                ours = ev.crps_of_quantiles(np.array([outcome]), quantiles[None], levels, above=limit)
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "numba is not available", UserWarning)
                    theirs = probability.crps_cdf(
                        curve, hours([outcome]), threshold_dim="power", threshold_weight=weights
                    )
                yield ours, [float(theirs["total"])]


@compared(
    "pinball loss",
    area="scores",
    ours="evaluation.pinball_loss",
    theirs="quantile_score",
    peer="scores",
)
def test_pinball_loss(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        places = list(range(0, len(levels), 11))
        theirs = [
            continuous.quantile_score(
                hours(quantiles[:, j]), hours(outcome), alpha=levels[j], preserve_dims=["hour"]
            )
            for j in places
        ]
        yield ev.pinball_loss(outcome, quantiles, levels)[:, places], np.column_stack(theirs)


@compared(
    "interval score",
    area="scores",
    ours='evaluation.score("interval_score")',
    theirs="interval_score",
    peer="scores",
)
def test_interval_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        if 0.1 in levels:
            low, high = (hours(quantiles[:, np.flatnonzero(levels == level)[0]]) for level in (0.1, 0.9))
            theirs = continuous.interval_score(low, high, hours(outcome), interval_range=0.8)
            pairs = pairs_of(outcome, quantiles, levels)
            yield ev.interval_score(pairs, interval=0.8)["value"], [float(theirs["total"])]


@compared(
    "errors of single values",
    area="scores",
    ours='evaluation.score("mae"), "rmse", "bias", "correlation", "mse"',
    theirs="mae, rmse, additive_bias, correlation.pearsonr, mse",
    peer="scores",
    tolerance=1e-9,
)
def test_errors_of_single_values(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    names = ("mae", "rmse", "bias", "correlation", "mse")
    theirs = ("mae", "rmse", "additive_bias", "correlation.pearsonr", "mse")
    for rows in (2, 30, 500) * max(1, draws // 100):
        for centre in (50.0, 0.0, 1e6):
            outcome = centre + rng.normal(size=rows)
            forecast = outcome + rng.normal(size=rows)
            pairs = certain(outcome, forecast)
            for ours, other in zip(names, theirs, strict=True):
                function: Any = continuous
                for part in other.split("."):
                    function = getattr(function, part)
                yield (
                    ev.score(ours, pairs)["value"].iloc[[0]],
                    [float(function(hours(forecast), hours(outcome)))],
                )


@compared(
    "Brier score",
    area="scores",
    ours='evaluation.score("brier")',
    theirs="brier_score",
    peer="scores",
)
def test_brier_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, forecast in events(rng, draws):
        theirs = probability.brier_score(hours(forecast), hours(happened))
        yield ev.brier(pairs, threshold=threshold)["value"][:1], [float(theirs)]


@compared(
    "area under the ROC",
    area="scores",
    ours='evaluation.score("roc_area")',
    theirs="roc_curve_data",
    peer="scores",
    convention="Theirs is taken with a threshold at each probability that occurs.",
)
def test_roc_area(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, forecast in events(rng, draws):
        steps = np.unique([0.0, *forecast, 1.0])
        # Their last threshold is 1, at which certain forecasts still warn: half the probability leaves the order.
        theirs = probability.roc_curve_data(hours(forecast / 2), hours(happened), thresholds=steps / 2)
        yield ev.roc_area(pairs, threshold=threshold)["value"], [float(theirs["AUC"])]


@compared(
    "Diebold–Mariano statistic and p-values, two-sided and one-sided",
    area="significance",
    ours="evaluation.diebold_mariano(lags=0)",
    theirs="diebold_mariano, method HLN, one step ahead, Student's t",
    peer="scores",
    tolerance=1e-9,
    convention="With lags, autocovariances have Bartlett's weights here, so that the variance is not negative; in HLN "
    "the weights are equal.",
)
def test_diebold_mariano(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        size = int(rng.integers(10, 60))
        differences = rng.normal(rng.normal() * 0.3, 1.0, size=size)
        differences[rng.uniform(size=size) < 0.1] = np.nan
        series = xr.DataArray(differences[None], dims=("series", "time"), coords={"ahead": ("series", [1])})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A least one NaN", RuntimeWarning)
            theirs = statistical_tests.diebold_mariano(
                series, "series", "ahead", method="HLN", statistic_distribution="t"
            )
        ours = ev.diebold_mariano(differences, lags=0)
        one_sided = ev.diebold_mariano(differences, lags=0, alternative="less")
        above = float(theirs["confidence_gt_0"].item())
        yield (
            [ours.mean, ours.statistic, ours.p_value, one_sided.p_value, ours.n],
            [
                float(theirs["mean"].item()),
                float(theirs["dm_test_stat"].item()),
                2 * min(above, 1 - above),
                above,
                float(theirs["timeseries_len"].item()),
            ],
        )
