"""Tests of equal skill of two forecasts, adjusted for their number, and intervals of skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.aggregation import By, Days, Metric, aggregate, groups
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.bootstrap import quantile_interval
from energyforecast.evaluation.matching import Fill, match
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.score import METRICS, AnyMetric, named

__all__ = [
    "Alternative",
    "DieboldMariano",
    "benjamini_hochberg",
    "comparable",
    "compare",
    "diebold_mariano",
    "skill_interval",
]

Array = npt.NDArray[Any]

#: Which difference a test looks for: any, or one below or above 0.
Alternative = Literal["two-sided", "less", "greater"]
#: Days whose covariances count: a week of weather.
_LAGS: Final = 7


@dataclass(frozen=True)
class DieboldMariano:
    """Test of equal skill, as :func:`diebold_mariano` returns it."""

    mean: float
    statistic: float
    p_value: float
    n: int
    lags: int


def diebold_mariano(
    difference: npt.ArrayLike, *, lags: int = _LAGS, alternative: Alternative = "two-sided"
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
    about = series - mean
    if np.abs(about).max() <= 1e-12 * max(abs(mean), np.finfo(float).tiny):
        certain = float(np.copysign(np.inf, mean)) if mean else 0.0
        return DieboldMariano(mean, certain, _p_value(certain, count - 1, alternative), count, lags)
    lagged = [about[k:] @ about[: count - k] / count for k in range(lags + 1)]
    variance = lagged[0] + 2 * sum((1 - k / (lags + 1)) * lagged[k] for k in range(1, lags + 1))
    ahead = lags + 1
    correction = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    statistic = float(mean * np.sqrt(correction * count / variance))
    return DieboldMariano(mean, statistic, _p_value(statistic, count - 1, alternative), count, lags)


def _p_value(statistic: float, freedom: int, alternative: Alternative) -> float:
    """P-value of a statistic that has Student's t distribution."""
    if alternative == "two-sided":
        return float(2 * stats.t.sf(abs(statistic), df=freedom))
    return float(stats.t.sf(statistic if alternative == "greater" else -statistic, df=freedom))


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
    lags: int = _LAGS,
    alternative: Alternative = "two-sided",
) -> pd.DataFrame:
    r"""Test a forecast against a reference on the same hours, with its skill.

    .. math:: d_t = \frac{1}{n_t} \sum_{i \in t} (\ell_i - \ell_i^{\mathrm{ref}}),
        \quad \mathrm{skill} = 1 - \frac{S}{S_{\mathrm{ref}}}

    The losses :math:`\ell` of each day :math:`t` are averaged over its sites and leads, and the differences of the days
    tested: over all leads this is the daily multivariate test, by ``"lead_time"`` it is the test of each lead.

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
    lags : int
        Days, as in :func:`diebold_mariano`.
    alternative : {"two-sided", "less", "greater"}
        Of the loss of the model minus that of the reference: ``"less"`` tests whether the model is better.

    Returns
    -------
    DataFrame
        Columns of `by`, ``metric``, ``value``, ``reference`` (score), ``skill``, ``low``, ``high``, ``statistic``,
        ``p``, ``p_adjusted`` (over the rows of the table), ``days``, ``n``, ``filled``, ``unmatched``.

    See Also
    --------
    diebold_mariano, benjamini_hochberg, score, energyforecast.evaluation.scored_forecasts.ScoredForecasts.compare

    References
    ----------
    Ziel and Weron (2018), https://doi.org/10.1016/j.eneco.2017.12.016, for the daily multivariate form; Politis and
    Romano (1994), https://doi.org/10.1080/01621459.1994.10476870, for the blocks of seven days of the skill's interval.

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
    both = match(model, reference, fill=fill)
    losses = [item.pointwise(pairs) for pairs in (both.model, both.reference)]
    days = Days.of(both.reference)
    table, base = (aggregate([item], pairs, by=by) for pairs in (both.model, both.reference))
    rows = []
    for (key, members, _), value, other in zip(
        groups(both.reference, by), table["value"], base["value"], strict=True
    ):
        daily = _daily(losses[0][members] - losses[1][members], days.number[members])
        test = diebold_mariano(daily, lags=lags, alternative=alternative)
        low, high = skill_interval(item, losses, days, members, confidence=confidence)
        rows.append(
            key
            | {"metric": item.name, "value": value, "reference": other}
            | {"skill": 1 - value / other if other > 0 else float("nan"), "low": low, "high": high}
            | {"statistic": test.statistic, "p": test.p_value, "days": test.n, "n": len(members)}
            | {"filled": int(both.filled[members].sum()), "unmatched": both.unmatched}
        )
    result = pd.DataFrame(rows)
    result.insert(result.columns.get_loc("p") + 1, "p_adjusted", benjamini_hochberg(result["p"]))
    return result


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


def _daily(difference: Array, day: Array) -> Array:
    """Mean of each day, in order of the days."""
    known = np.isfinite(difference)
    _, number = np.unique(day[known], return_inverse=True)
    return (
        np.bincount(number, weights=difference[known]) / np.bincount(number) if known.any() else np.zeros(0)
    )


def skill_interval(
    metric: Metric, losses: Sequence[Array], days: Days, rows: Array, *, confidence: float = 0.9
) -> tuple[float, float]:
    """Interval of the skill, both scores resampled on the same days, in blocks of seven."""

    def draw() -> Array:
        model, reference = (days.draws(metric, points, rows, None) for points in losses)
        return np.asarray(1 - model / np.where(reference > 0, reference, np.nan))

    return quantile_interval(draw, days=len(np.unique(days.number[rows])), interval=confidence)
