"""Scores and tests against published values: tables of papers, and values in the tests of R's packages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from energyforecast import evaluation as ev
from tests.support.oracles import Array, Pair, compared
from tests.support.pairs import certain, pairs_of

SCORINGRULES = "R scoringRules, https://github.com/FK83/scoringRules"
SCORINGUTILS = "R scoringutils, https://github.com/epiforecasts/scoringutils"
BENJAMINI = "Benjamini and Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x"
MASON = "Mason and Graham (2002), https://doi.org/10.1256/003590002320603584"
FINLEY = "Joint Working Group on Forecast Verification, https://www.cawcr.gov.au/projects/verification/Finley/Finley_Tornados.html"
GNEITING = "Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437"


def crps_of(distribution: stats.rv_continuous, outcome: float) -> Array:
    """CRPS of a distribution by 99,999 of its quantiles."""
    levels = np.arange(1, 100_000) / 100_000
    return ev.crps_of_quantiles(np.array([outcome]), distribution.ppf(levels)[None], levels)


@compared(
    "CRPS of a uniform distribution, with masses at its ends",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="crps_unif",
    peer=SCORINGRULES,
    tolerance=1e-8,
)
def test_crps_of_uniform_distributions(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, low, high, mass_low, mass_high, expected in (
        (0.3, 0.0, 1.0, 1e-12, 1e-12, 0.123333333),
        (0.3, 0.0, 1.0, 0.1, 0.4, 0.248333333),
        (-1.0, -3.0, 2.0, 0.1, 0.4, 1.01666667),
    ):
        levels = [mass_low, 1 - mass_high]
        yield ev.crps_of_quantiles(np.array([outcome]), np.array([[low, high]]), levels), [expected]


@compared(
    "CRPS of normal, logistic, Laplace and exponential distributions, from quantiles",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="crps_norm, crps_logis, crps_lapl, crps_exp",
    peer=SCORINGRULES,
    tolerance=1e-6,
    convention="Straight lines between 99,999 quantiles stand for the distribution.",
)
def test_crps_of_distributions(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield crps_of(stats.norm(), -3.0), [2.43657473]
    yield crps_of(stats.logistic(), -3.0), [2.0971747]
    yield crps_of(stats.laplace(), -3.0), [2.29978707]
    yield crps_of(stats.expon(scale=1 / 0.7), 3.0), [1.20701837]


@compared(
    "CRPS of the standard normal distribution at its centre",
    area="scores",
    ours="evaluation.crps_of_quantiles",
    theirs="closed form, (√2 − 1) / √π",
    peer=GNEITING,
    tolerance=1e-6,
    convention="Straight lines between 99,999 quantiles stand for the distribution.",
)
def test_crps_of_the_standard_normal_distribution(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield crps_of(stats.norm(), 0.0), [(np.sqrt(2) - 1) / np.sqrt(np.pi)]


@compared(
    "pinball loss and interval score",
    area="scores",
    ours='evaluation.pinball_loss, evaluation.score("interval_score")',
    theirs="qs, ints",
    peer=SCORINGRULES,
)
def test_pinball_loss_and_interval_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for outcome, level, expected in ((1.0, 0.1, 0.1), (1.0, 0.4, 0.4), (-1.0, 0.1, 0.9)):
        yield ev.pinball_loss(np.array([outcome]), np.zeros((1, 1)), [level]), [[expected]]
    for outcome, probability, expected in (
        (1.0, 0.8, 2.0),
        (1.0, 0.5, 2.0),
        (2.0, 0.8, 12.0),
        (2.0, 0.5, 6.0),
    ):
        pairs = pairs_of([outcome], [[-1.0, 1.0]], [(1 - probability) / 2, (1 + probability) / 2])
        yield ev.interval_score(pairs, interval=probability)["value"], [expected]


@compared(
    "weighted interval score of two intervals and the median",
    area="scores",
    ours='evaluation.score("weighted_interval_score")',
    theirs="wis(count_median_twice = FALSE)",
    peer=SCORINGUTILS,
    convention="Without a median, scoringutils leaves its term out; here the median is interpolated.",
)
def test_weighted_interval_score(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    quantiles = [[-1.0, 0.0, 1.0, 2.0, 3.0], [-2.0, 1.0, 2.0, 2.0, 4.0], [-2.0, 0.0, 3.0, 3.0, 4.0]]
    pairs = pairs_of([1.0, -15.0, 22.0], quantiles, [0.1, 0.25, 0.5, 0.75, 0.9])
    yield ev.weighted_interval_score.metrics()[0].pointwise(pairs), [0.36, 15.34, 19.14]


@compared(
    "rejected hypotheses at 5 % and the adjusted p-value of the last of them",
    area="significance",
    ours="evaluation.benjamini_hochberg",
    theirs="example of 15 p-values of a trial",
    peer=BENJAMINI,
)
def test_benjamini_and_hochberg(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    adjusted = ev.benjamini_hochberg(p)
    yield [(adjusted <= 0.05).sum(), adjusted[3]], [4, 0.0095 * 15 / 4]


@compared(
    "area under the ROC, with and without ties",
    area="scores",
    ours='evaluation.score("roc_area")',
    theirs="rainfall of 15 years, as in roc.area of R's verification",
    peer=MASON,
    tolerance=1e-7,
)
def test_mason_and_graham(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    happened = np.array([0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1], dtype=float)
    tied = [0.8, 0.8, 0.0, 1.0, 1.0, 0.6, 0.4, 0.8, 0.0, 0.0, 0.2, 0.0, 0.0, 1.0, 1.0]
    single = [
        0.928,
        0.576,
        0.008,
        0.944,
        0.832,
        0.816,
        0.136,
        0.584,
        0.032,
        0.016,
        0.28,
        0.024,
        0.0,
        0.984,
        0.952,
    ]
    for probability, expected in ((tied, 0.8392857), (single, 0.875)):
        # More than 50 MW is the likelier, the higher the upper quantile: in the order of the probabilities.
        top = 50.0 + 50.0 * np.asarray(probability)
        quantiles = np.column_stack([np.zeros(15), top])
        pairs = pairs_of(np.where(happened > 0, 60.0, 40.0), quantiles, [0.001, 0.999])
        yield ev.roc_area(pairs, threshold=50.0)["value"], [expected]


@compared(
    "scores of Finley's forecasts of tornadoes of 1884",
    area="scores",
    ours='evaluation.score("pod"), "far", "csi", "ets", "heidke", "peirce", "frequency_bias"',
    theirs="table of 28 hits, 72 false alarms, 23 misses, 2680 correct negatives",
    peer=FINLEY,
    tolerance=1e-3,
    convention="Published to three digits.",
)
def test_finley(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    counts = (28, 72, 23, 2680)
    outcome = np.repeat([60.0, 40.0, 60.0, 40.0], counts)
    forecast = np.repeat([60.0, 60.0, 40.0, 40.0], counts)
    table = ev.contingency(certain(outcome, forecast), threshold=50.0, probability=0.5)
    names = ["pod", "far", "csi", "ets", "heidke", "peirce", "frequency_bias"]
    expected = [0.549, 0.720, 0.228, 0.216, 0.355, 0.523, 1.96]
    yield table.set_index("metric")["value"][names], expected
