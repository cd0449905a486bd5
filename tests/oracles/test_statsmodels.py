"""Robust variances, many tests and weighted moments against statsmodels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from energyforecast import evaluation as ev
from tests.support.oracles import Pair, compared, peer
from tests.support.pairs import certain

linear_model = peer("statsmodels.regression.linear_model")
multitest = peer("statsmodels.stats.multitest")
weightstats = peer("statsmodels.stats.weightstats")


@compared(
    "Diebold–Mariano statistic with autocorrelation",
    area="significance",
    ours="evaluation.diebold_mariano",
    theirs="OLS of a constant, cov_type HAC",
    peer="statsmodels",
    tolerance=1e-10,
    convention="The correction for short series (Harvey, Leybourne and Newbold) is ours alone, and applied to theirs.",
)
def test_diebold_mariano(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for _ in range(draws):
        size, lags = int(rng.integers(30, 200)), int(rng.integers(0, 8))
        noise = rng.normal(size=size + 1)
        differences = 0.1 * rng.normal() + noise[1:] + 0.6 * noise[:-1]
        ours = ev.diebold_mariano(differences, lags=lags)
        theirs = linear_model.OLS(differences, np.ones(size)).fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
        )
        ahead = lags + 1
        short = np.sqrt((size + 1 - 2 * ahead + ahead * (ahead - 1) / size) / size)
        yield [ours.mean, ours.statistic], [theirs.params[0], theirs.tvalues[0] * short]


@compared(
    "p-values adjusted for their number",
    area="significance",
    ours="evaluation.benjamini_hochberg",
    theirs="multipletests, method fdr_bh",
    peer="statsmodels",
    convention="Missing p-values stay missing and do not count here; they are left out for statsmodels.",
)
def test_benjamini_hochberg(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for size in (1, 2, 24, 200):
        for _ in range(max(draws // 4, 1)):
            p = rng.uniform(size=size) ** 3
            for values in (p, p.round(1), np.zeros(size), np.ones(size)):  # ties, the bounds
                known = np.ones(size, dtype=bool)
                known[1:] = rng.uniform(size=size - 1) > 0.1
                theirs = np.full(size, np.nan)
                theirs[known] = multitest.multipletests(values[known], method="fdr_bh")[1]
                yield ev.benjamini_hochberg(np.where(known, values, np.nan)), theirs


@compared(
    "correlation and bias, with weights",
    area="scores",
    ours='evaluation.score("correlation"), "bias"',
    theirs="DescrStatsW",
    peer="statsmodels",
    tolerance=1e-8,
)
def test_weighted_moments(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for rows in (3, 30, 500) * max(1, draws // 100):
        for centre in (0.0, 50.0, 1e6):
            outcome, weights = centre + rng.normal(size=rows), rng.uniform(size=rows)
            forecast = outcome + rng.normal(size=rows)
            both = np.column_stack([outcome, forecast]) - centre  # theirs lose digits about a large mean
            stats = weightstats.DescrStatsW(both, weights=weights)
            pairs = certain(outcome, forecast)
            ours = [ev.score(name, pairs, weights=weights)["value"][0] for name in ("correlation", "bias")]
            yield ours, [stats.corrcoef[0, 1], stats.mean[1] - stats.mean[0]]
