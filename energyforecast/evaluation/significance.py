"""Tests of equal skill of two forecasts, adjusted for their number, and intervals of skill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.aggregation import By, Metric, aggregate, groups
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.matching import Fill, match
from energyforecast.evaluation.paired_difference import (
    LAGS,
    Alternative,
    PairedTest,
    daily_means,
    long_run_covariance,
    p_value,
    paired_test,
    standardised,
    usual_fit_spread,
)
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.score import METRICS, AnyMetric, named

__all__ = [
    "Alternative",
    "DieboldMariano",
    "benjamini_hochberg",
    "comparable",
    "compare",
    "diebold_mariano",
    "skill_test",
]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class DieboldMariano:
    """Test of equal skill, as :func:`diebold_mariano` returns it."""

    mean: float
    statistic: float
    p_value: float
    n: int
    lags: int


def diebold_mariano(
    difference: npt.ArrayLike, *, lags: int = LAGS, alternative: Alternative = "two-sided"
) -> DieboldMariano:
    r"""Test of a mean difference of zero, two-sided or one-sided, for an autocorrelated series.

    .. math:: t = \sqrt{\frac{n + 1 - 2h + h (h - 1) / n}{n}} \, \frac{\bar d}{\sqrt{\hat\sigma^2 / n}},
        \quad \hat\sigma^2 = \hat\gamma_0 + 2 \sum_{k=1}^{L} \Big(1 - \frac{k}{L + 1}\Big) \hat\gamma_k,
        \quad h = L + 1

    with the autocovariances :math:`\hat\gamma_k` of the differences :math:`d` and :math:`L` `lags`.

    Parameters
    ----------
    difference : array
        Loss of one forecast minus that of another, in order of time; NaN are left out.
    lags : int
        Covariances of the long-run variance, in Bartlett's weights; fewer in a short series, at most a
        quarter of its length.
    alternative : {"two-sided", "less", "greater"}
        Whether the mean may differ from 0 to both sides, or is asked to be less (the first forecast is better) or
        greater.

    Returns
    -------
    DieboldMariano
        ``mean`` of the differences, negative where the first forecast is better; ``statistic``; ``p_value``;
        ``n``, the number of differences; ``lags`` that were used.

    Notes
    -----
    The variance is heteroskedasticity and autocorrelation consistent (HAC) and never negative. The statistic
    is corrected for short series as for forecasts ``lags + 1`` steps ahead, and has Student's t distribution with
    n − 1 degrees of freedom. With fewer than three differences the p-value is NaN.

    See Also
    --------
    compare

    References
    ----------
    Diebold and Mariano (1995), https://doi.org/10.1080/07350015.1995.10524599; Newey and West (1987),
    https://doi.org/10.2307/1913610; Harvey, Leybourne and Newbold (1997),
    https://doi.org/10.1016/S0169-2070(96)00719-4.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=90)
    >>> diebold_mariano(noise).p_value > 0.05, diebold_mariano(noise + 1).p_value < 0.001
    (True, True)
    >>> diebold_mariano(noise - 1, alternative="less").p_value < 0.001
    True
    """
    check_types(locals(), of=diebold_mariano)
    one_of("alternative", alternative, allowed=("two-sided", "less", "greater"))
    series = as_numbers("difference", difference)
    if series.ndim != 1:
        raise SchemaError(
            f"Differences have the shape {series.shape}.",
            "They must be one series, in order of time.",
            "Test each series by itself.",
        )
    check_range("lags", lags, low=0)
    series = series[~np.isnan(series)]
    check_range("A difference", series)
    count, nan = len(series), float("nan")
    lags = min(lags, count // 4)
    if count < 3:
        return DieboldMariano(float(series.mean()) if count else nan, nan, nan, count, lags)
    mean = float(series.mean())
    statistic = standardised(mean, float(long_run_covariance(series[:, None], lags=lags)[0, 0]))
    return DieboldMariano(mean, statistic, p_value(statistic, count - 1, alternative), count, lags)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Array:
    r"""P-values adjusted for their number, by the false discovery rate.

    .. math:: \tilde p_{(i)} = \min_{j \ge i} \min\Big(1, \frac{m}{j} p_{(j)}\Big)

    for the :math:`m` p-values in rising order: of those below 0.05, at most 5 % are expected to be due to chance.

    Parameters
    ----------
    p_values : array
        NaN stay NaN and do not count.

    See Also
    --------
    compare

    References
    ----------
    Benjamini and Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x. Holds for independent tests
    and for positively dependent ones, such as neighbouring leads.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    check_types(locals(), of=benjamini_hochberg)
    p = as_numbers("p_values", p_values, ndim=1)
    check_range("A p-value", p[~np.isnan(p)], low=0.0, high=1.0)
    adjusted, known = np.full(p.shape, np.nan), np.isfinite(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known], method="bh")
    return adjusted


def compare(
    model: Pairs,
    reference: Pairs,
    *,
    metric: AnyMetric = "crps",
    by: By = None,
    fill: Fill = "reference",
    confidence: float = 0.9,
    alternative: Alternative = "two-sided",
    fit_spread: float | None = None,
) -> pd.DataFrame:
    r"""Test a method of forecasting against a reference on the same hours, with its skill.

    .. math:: t(s) = \frac{\bar d + s \, \bar b}{\sqrt{\hat\sigma^2_{d + s b} \big/ (c \, n)
        + \kappa^2 \big( \bar m^2 + (1 - s)^2 \, \bar b^2 \big)}}, \quad
        \mathrm{skill} = 1 - \frac{\bar m}{\bar b} = - \frac{\bar d}{\bar b}

    The losses :math:`m` of the model and :math:`b` of the reference are averaged over the sites and leads of each of
    :math:`n` days, and :math:`d = m - b`. The variance has two parts: that of the days, as in
    :func:`diebold_mariano`, and that of the fits, since two fits that differ by seed alone differ in loss by a share of
    the order :math:`\kappa` (`fit_spread`) that days do not average away. The p-value is that of :math:`t(0)`, and the
    interval holds each skill :math:`s` that the same test does not reject.

    Parameters
    ----------
    model, reference : Pairs
    metric : str or Metric
        A mean of points of which less is better: ``"mae"``, ``"rmse"`` (its squared errors are tested),
        ``"pinball"``, ``"crps"`` or another.
    by : str or sequence of str, optional
        As in :func:`score`.
    fill : {"reference", "common"}
        Hours without a forecast of the model: taken from the reference, so that leaving out difficult hours
        gains no skill, or left out.
    confidence : float
        Probability of the interval of the skill.
    alternative : {"two-sided", "less", "greater"}
        Of the loss of the model minus that of the reference: ``"less"`` tests whether the model is better.
    fit_spread : float, optional
        Standard deviation of the loss between fits of one model that differ by seed alone, as a share of the loss; by
        default 0.025 for demand and 0.004 for other sites. 0 where the claim is about these fits, not their methods.

    Returns
    -------
    DataFrame
        Columns of `by`, ``metric``, ``value``, ``reference`` (score), ``skill``, ``low``, ``high``, ``statistic``,
        ``p``, ``p_adjusted`` (over the rows of the table), ``days``, ``n``, ``filled``, ``unmatched``. With fewer than
        eight days ``low``, ``high``, ``statistic`` and ``p`` are NaN.

    See Also
    --------
    diebold_mariano, benjamini_hochberg, score, energyforecast.evaluation.scored_forecasts.ScoredForecasts.compare

    Notes
    -----
    At two sides, p is below 1 − `confidence` exactly where the interval excludes 0. Losses of the RMSE are squared
    errors, which vary by twice `fit_spread`.

    References
    ----------
    Ziel and Weron (2018), https://doi.org/10.1016/j.eneco.2017.12.016, for the daily multivariate form; Fieller (1954),
    https://doi.org/10.1111/j.2517-6161.1954.tb00159.x, for the interval of a ratio.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> compare(pairs["model"], pairs["reference"], metric="mae")[["value", "reference", "skill", "days", "n"]]
       value  reference  skill  days   n
    0    1.0        2.0    0.5     1  24
    """
    check_types(locals(), of=compare)
    item = comparable(metric)
    check_probability("The confidence", confidence)
    one_of("alternative", alternative, allowed=("two-sided", "less", "greater"))
    both = match(model, reference, fill=fill)
    if fit_spread is None:
        fit_spread = usual_fit_spread(both.reference.labels["kind"].unique())
    check_range("fit_spread", fit_spread, low=0.0)
    losses = np.array([item.pointwise(pairs) for pairs in (both.model, both.reference)])
    day = both.reference.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    table, base = (aggregate([item], pairs, by=by) for pairs in (both.model, both.reference))
    rows = []
    for (key, members, _), value, other in zip(
        groups(both.reference, by), table["value"], base["value"], strict=True
    ):
        test = skill_test(
            item,
            losses[:, members],
            day[members],
            confidence=confidence,
            alternative=alternative,
            fit_spread=fit_spread,
        )
        rows.append(
            key
            | {"metric": item.name, "value": value, "reference": other}
            | {"skill": 1 - value / other if other > 0 else float("nan"), "low": test.low, "high": test.high}
            | {"statistic": test.statistic, "p": test.p, "days": test.days, "n": len(members)}
            | {"filled": int(both.filled[members].sum()), "unmatched": both.unmatched}
        )
    result = pd.DataFrame(rows)
    result.insert(result.columns.get_loc("p") + 1, "p_adjusted", benjamini_hochberg(result["p"]))
    return result


def skill_test(
    metric: Metric,
    losses: Array,
    day: Array,
    *,
    confidence: float = 0.9,
    alternative: Alternative = "two-sided",
    fit_spread: float,
) -> PairedTest:
    """Paired test of the points of a metric of a model and a reference, shape (2, rows)."""
    known = np.isfinite(losses).all(axis=0)
    test = paired_test(
        *daily_means(losses[:, known], day[known]),
        confidence=confidence,
        alternative=alternative,
        # A root varies by half as much as its square.
        fit_spread=2 * fit_spread if metric.root else fit_spread,
    )
    if not metric.root:
        return test
    low, high = (1 - np.sqrt(max(0.0, 1 - skill)) for skill in (test.low, test.high))
    return replace(test, low=float(low), high=float(high))


def comparable(metric: AnyMetric) -> Metric:
    """The metric of a comparison: a mean of losses."""
    metrics = named(metric)
    mean = len(metrics) == 1 and metrics[0].combine is None and metrics[0].statistic is None
    if not (mean and metrics[0].lower_is_better):
        names = [item.name for item in METRICS if item.lower_is_better]
        raise SchemaError(
            f"A comparison by {metric if isinstance(metric, str) else metric.name!r} is asked for.",
            f"It must be by a mean of losses, such as {names}.",
            "Choose one of them, or give a Metric of your own.",
        )
    return metrics[0]
