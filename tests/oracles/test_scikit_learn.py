"""Scores, curves of events and linear quantile regression against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import QuantileRegressor

from energyforecast import evaluation as ev
from energyforecast.models import LinearQuantiles
from tests.support.oracles import Pair, compared
from tests.support.pairs import certain, pairs_of
from tests.support.random_forecasts import curves, events


@compared(
    "pinball loss of each level, with weights",
    area="scores",
    ours='evaluation.score("pinball", by="level")',
    theirs="mean_pinball_loss",
    peer="scikit-learn",
)
def test_pinball_loss_of_each_level(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        weights = rng.uniform(size=draws)
        weights[0] = 0.0
        ours = ev.score("pinball", pairs_of(outcome, quantiles, levels), by="level", weights=weights)
        yield (
            ours["value"],
            [
                metrics.mean_pinball_loss(outcome, column, alpha=level, sample_weight=weights)
                for column, level in zip(quantiles.T, levels, strict=True)
            ],
        )


@compared(
    "share of the pinball loss that is avoided (D²), of each level",
    area="scores",
    ours='evaluation.score("d2_pinball", by="level")',
    theirs="d2_pinball_score",
    peer="scikit-learn",
    convention="Missing where all outcomes are equal here, 0 or 1 in scikit-learn. Older versions take constants "
    "that are interpolated, whose loss is not the least.",
)
def test_share_of_the_avoided_loss(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, quantiles, levels in curves(rng, draws):
        if outcome.any():
            ours = ev.score("d2_pinball", pairs_of(outcome, quantiles, levels), by="level")["value"]
            columns = zip(quantiles.T, levels, strict=True)
            yield (
                ours,
                [
                    metrics.d2_pinball_score(outcome, column, alpha=level, sample_weight=np.ones(draws))
                    for column, level in columns
                ],
            )


@compared(
    "errors of single values, with weights",
    area="scores",
    ours='evaluation.score("mae"), "rmse", "mape"',
    theirs="mean_absolute_error, root of mean_squared_error, mean_absolute_percentage_error",
    peer="scikit-learn",
    convention="Hours without demand are left out of the percentage error here; scikit-learn divides by 2e-16.",
)
def test_errors_of_single_values(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for rows in (2, 30, 500) * max(1, draws // 100):
        outcome, weights = rng.uniform(1, 90, size=rows), rng.uniform(size=rows)
        forecast = outcome + rng.normal(size=rows)
        pairs = certain(outcome, forecast, kind="demand")
        ours = [ev.score(name, pairs, weights=weights)["value"][0] for name in ("mae", "rmse", "mape")]
        yield (
            ours,
            [
                metrics.mean_absolute_error(outcome, forecast, sample_weight=weights),
                np.sqrt(metrics.mean_squared_error(outcome, forecast, sample_weight=weights)),
                metrics.mean_absolute_percentage_error(outcome, forecast, sample_weight=weights),
            ],
        )


@compared(
    "Brier score and area under the ROC, with weights",
    area="scores",
    ours='evaluation.score("brier"), "roc_area"',
    theirs="brier_score_loss, roc_auc_score",
    peer="scikit-learn",
    convention="Probabilities that differ by less than 1e-12 are ties here.",
)
def test_brier_score_and_roc_area(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, probability in events(rng, draws):
        weights = rng.uniform(size=len(pairs))
        ours = [
            ev.brier(pairs, threshold=threshold, weights=weights)["value"][0],
            ev.roc_area(pairs, threshold=threshold, weights=weights)["value"][0],
        ]
        yield (
            ours,
            [
                metrics.brier_score_loss(happened, probability, sample_weight=weights),
                metrics.roc_auc_score(happened, probability.round(12), sample_weight=weights),
            ],
        )


@compared(
    "ROC",
    area="scores",
    ours="evaluation.roc",
    theirs="roc_curve",
    peer="scikit-learn",
)
def test_roc(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, probability in events(rng, draws):
        alarms, hits, thresholds = metrics.roc_curve(happened, probability.round(12), drop_intermediate=False)
        curve = ev.roc(pairs, threshold=threshold)
        yield curve[["false_alarm_rate", "hit_rate"]], np.column_stack([alarms, hits])
        yield curve["probability"], thresholds


@compared(
    "reliability diagram of an event",
    area="scores",
    ours="evaluation.event_reliability",
    theirs="calibration_curve",
    peer="scikit-learn",
    convention="A probability on an edge belongs to the bin above here, to the bin below in scikit-learn.",
)
def test_event_reliability(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    bins = 7
    for pairs, threshold, happened, probability in events(rng, draws):
        inside = probability[(probability > 0) & (probability < 1)] * bins
        if np.abs(inside - np.round(inside)).min(initial=1.0) > 1e-6:
            frequency, mean = calibration_curve(happened, probability, n_bins=bins)
            table = ev.event_reliability(pairs, threshold=threshold, bins=bins, draws=0).dropna(
                subset="value"
            )
            yield table[["value", "probability"]], np.column_stack([frequency, mean])


@compared(
    "recalibrated probabilities, and the Brier score in CORP's parts",
    area="scores",
    ours="evaluation.corp_event_reliability, evaluation.brier_parts",
    theirs="IsotonicRegression",
    peer="scikit-learn",
)
def test_recalibrated_probabilities(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for pairs, threshold, happened, probability in events(rng, draws):
        tied = probability.round(12)
        fit = IsotonicRegression().fit(tied, happened)
        diagram = ev.corp_event_reliability(pairs, threshold=threshold, draws=0)
        yield diagram["value"], fit.predict(diagram["probability"].round(12))
        loss = [np.mean((p - happened) ** 2) for p in (probability, fit.predict(tied), happened.mean())]
        parts = [loss[0] - loss[1], loss[2] - loss[1], loss[2]]
        yield ev.brier_parts(pairs, threshold=threshold)["value"], parts


@compared(
    "loss of linear quantile regression on its training rows",
    area="models",
    ours="models.LinearQuantiles",
    theirs="QuantileRegressor, solver highs",
    peer="scikit-learn",
    tolerance=2e-3,
    suite=2,
    benchmark=20,
    convention="Smoothed around its kink here, with a small ridge penalty; scikit-learn attains the minimum itself.",
)
def test_linear_quantile_regression(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        rows = 400
        X = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
        y = X["a"].to_numpy() + (1 + np.abs(X["b"].to_numpy())) * rng.gumbel(size=rows)
        for level in (0.1, 0.5, 0.9):
            exact = QuantileRegressor(quantile=level, alpha=0.0, solver="highs").fit(X, y)
            model = LinearQuantiles((level,), fitted_quantiles=(level,)).fit(X, y)
            yield (
                [metrics.mean_pinball_loss(y, model.predict(X)[:, 0], alpha=level)],
                [metrics.mean_pinball_loss(y, exact.predict(X), alpha=level)],
            )
