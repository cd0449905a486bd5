"""Tables of samples: where outcomes rank among them, and whether their spread is that of the errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core.arguments import check_types
from energyforecast.errors import RangeError
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.sample_losses import member_shares, rows_of

__all__ = ["RankFlatness", "by_spread", "rank_flatness", "rank_histogram", "spread_skill_of_samples"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RankFlatness:
    """Test of a flat rank histogram, as :func:`rank_flatness` returns it.

    Examples
    --------
    >>> rank_flatness(np.array([0.0, 3.0]), np.array([[1.0, 2.0]] * 2), bins=1)  # one bin is always flat
    RankFlatness(statistic=0.0, p_value=1.0, slope=0.0, slope_p=1.0, convexity=0.0, convexity_p=1.0, n=2, bins=1)
    """

    statistic: float
    p_value: float
    slope: float
    slope_p: float
    convexity: float
    convexity_p: float
    n: int
    bins: int


def rank_histogram(
    observed: Array,
    samples: Any,
    *,
    bins: int | None = None,
    seed: int | None = None,
    confidence: float = 0.9,
) -> pd.DataFrame:
    r"""Rank histogram (Talagrand diagram): share of outcomes at each rank among the samples. [1]

    .. math:: r = \#\{i : x_i < y\}, \quad u = \Big[\frac{r}{m + 1}, \frac{r + t + 1}{m + 1}\Big]

    with the number :math:`t` of the :math:`m` samples that equal the outcome. A reliable ensemble has a flat one; a
    U has too little spread, a hump too much, a slope to the right samples that are too low. An outcome that equals
    samples represents all of its ranks: it is spread over them (``method`` "spread"), or with a `seed` put at one of
    them at random ("randomised").

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN are left out and counted.
    samples : array, shape (rows, samples)
        Equally likely.
    bins : int, optional
        One for each of the :math:`m + 1` ranks by default; fewer are of equal width, and share a rank on their edge.
    seed : int, optional
    confidence : float
        Probability of the bars, which hold the share of a reliable ensemble whose rows are independent.

    Returns
    -------
    DataFrame
        ``low`` and ``high`` (edges, in shares of the ranks), ``value`` (share of outcomes), ``bar_low``, ``bar_high``,
        ``n``, ``missing``, ``method``.

    Raises
    ------
    SchemaError, RangeError
        If samples are not finite or do not fit the outcomes, or a parameter is out of its range.

    See Also
    --------
    rank_flatness, pit, spread_skill_of_samples

    References
    ----------
    Hamill (2001), https://doi.org/10.1175/1520-0493(2001)129%3C0550:IORHFV%3E2.0.CO;2; of ties Czado, Gneiting and Held
    (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> members = np.array([[1.0, 2.0, 3.0]] * 4)
    >>> table = rank_histogram(np.array([0.5, 1.5, 2.0, 9.0]), members)  # 2.0 is between ranks 1 and 2
    >>> table[["low", "high", "value"]].to_numpy().tolist()
    [[0.0, 0.25, 0.25], [0.25, 0.5, 0.375], [0.5, 0.75, 0.125], [0.75, 1.0, 0.25]]
    """
    check_types(locals(), of=rank_histogram)
    check_probability("The confidence", confidence)
    y, drawn = rows_of(observed, samples, dims=2)
    share = _in_bins(y, drawn, bins, seed)
    count, number = share.shape
    ends = (stats.binom.ppf(tail, count, 1 / number) for tail in ((1 - confidence) / 2, (1 + confidence) / 2))
    low, high = (end / count if count else np.nan for end in ends)
    edges = np.arange(number + 1) / number
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "value": share.mean(axis=0) if count else np.nan,
            "bar_low": low,
            "bar_high": high,
            "n": count,
            "missing": len(y) - count,
            "method": "spread" if seed is None else "randomised",
        }
    )


def rank_flatness(
    observed: Array,
    samples: Any,
    *,
    bins: int | None = None,
    seed: int | None = None,
    block: int = 1,
    draws: int = 1000,
) -> RankFlatness:
    r"""Test of a flat rank histogram, with its slope (bias) and its convexity (spread).

    .. math:: \chi^2 = \sum_k \frac{(c_k - n / K)^2}{n / K}, \quad z = \sum_k a_k \frac{c_k - n / K}{\sqrt{n / K}}

    with the counts :math:`c` of :math:`K` bins and contrasts :math:`a` that are orthonormal: a line, and a parabola.
    A `slope` above 0 has outcomes at the high ranks: samples are too low. A `convexity` above 0 is a U: their spread is
    too small. For independent rows both are nearly standard normal, and :math:`\chi^2` has :math:`K - 1` degrees of
    freedom.

    Parameters
    ----------
    observed, samples, bins, seed
        As in :func:`rank_histogram`.
    block : int
        Rows that depend on each other, such as 168 for hours in order of time: p-values come from a circular block
        bootstrap of the counts. With 1, rows are independent, and p-values those of the distributions above.
    draws : int
        Of the bootstrap.

    Returns
    -------
    RankFlatness
        ``statistic``, ``p_value``; ``slope``, ``slope_p``; ``convexity``, ``convexity_p`` (two-sided); ``n``; ``bins``.

    See Also
    --------
    rank_histogram

    Notes
    -----
    Ties that are spread make the counts more even than chance; with many of them, use a `seed`.

    References
    ----------
    Jolliffe and Primo (2008), https://doi.org/10.1175/2007MWR2219.1; of blocks Künsch (1989),
    https://doi.org/10.1214/aos/1176347265.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> outcomes, members = rng.normal(size=1000), rng.normal(size=(1000, 9))
    >>> rank_flatness(outcomes, members).p_value > 0.05
    True
    >>> narrow, low = rank_flatness(outcomes, 0.5 * members), rank_flatness(outcomes, members - 0.5)
    >>> narrow.convexity > 0, narrow.convexity_p < 0.001, low.slope > 0, low.slope_p < 0.001
    (True, True, True, True)
    """
    check_types(locals(), of=rank_flatness)
    for name, value in (("block", block), ("draws", draws)):
        check_range(name, value, low=1)
    y, drawn = rows_of(observed, samples, dims=2)
    share = _in_bins(y, drawn, bins, seed)
    count, number = share.shape
    nan = float("nan")
    if not count:
        return RankFlatness(nan, nan, nan, nan, nan, nan, 0, number)
    away = (share.sum(axis=0) - count / number) / np.sqrt(count / number)
    found = _statistics(away[None])[0]
    if block == 1:
        p = np.append(
            stats.chi2.sf(found[0], number - 1) if number > 1 else 1.0, 2 * stats.norm.sf(np.abs(found[1:]))
        )
    else:
        moved = (_block_counts(share, block, draws) - share.sum(axis=0)) / np.sqrt(count / number)
        p = (np.abs(_statistics(moved)) >= np.abs(found)).mean(axis=0)
    statistic, slope, convexity = found.tolist()
    whole, line, parabola = np.asarray(p, dtype=float).tolist()
    return RankFlatness(statistic, whole, slope, line, convexity, parabola, count, number)


def spread_skill_of_samples(
    observed: Array, samples: Any, *, bins: int = 10, member_weights: Array | None = None
) -> pd.DataFrame:
    r"""Spread of samples against the error of their mean, in bins of equal size from low to high spread. [MW]

    .. math:: \sqrt{\frac{1}{n} \sum_i \frac{1 + \kappa_i}{1 - \kappa_i} v_i} \approx
        \sqrt{\frac{1}{n} \sum_i (y_i - \bar x_i)^2}, \quad v = \sum_k p_k (x_k - \bar x)^2, \quad \kappa = \sum_k p_k^2

    In a reliable ensemble the two are equal in each bin: its mean errs by its own sampling as well, by which the spread
    of :math:`m` equal members is :math:`\sqrt{(m + 1) / (m - 1)}` times their plain deviation.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN are left out and counted.
    samples : array, shape (rows, samples)
        At least two members with a weight.
    bins : int
        Rows of equal spread stay together: there may be fewer bins.
    member_weights : array, shape (samples,) or (rows, samples), optional

    Returns
    -------
    DataFrame
        ``low`` and ``high`` (limits of the spread), ``spread``, ``error``, ``ratio`` (spread by error), ``n``,
        ``missing``.

    See Also
    --------
    spread_skill : The same of quantile forecasts.
    rank_histogram

    References
    ----------
    Fortin, Abaza, Anctil and Turcotte (2014), https://doi.org/10.1175/JHM-D-14-0008.1; in bins Leutbecher and Palmer
    (2008), https://doi.org/10.1016/j.jcp.2007.02.014.

    Examples
    --------
    >>> members = np.array([[4.0, 6.0], [2.0, 8.0]])  # of deviations 1 and 3, times √3
    >>> spread_skill_of_samples(np.array([7.0, 0.0]), members, bins=2)[["spread", "error", "n"]].round(2)
       spread  error  n
    0    1.73    2.0  1
    1    5.20    5.0  1
    """
    check_types(locals(), of=spread_skill_of_samples)
    y, drawn = rows_of(observed, samples, dims=2)
    share = member_shares(member_weights, drawn)
    alone = (share**2).sum(axis=1)
    if (alone > 1 - 1e-12).any():
        raise RangeError(
            "Samples of a row are a single member, or one has all the weight.",
            "Spread needs two members at least.",
            "Give more members.",
        )
    mean = (share * drawn).sum(axis=1)
    variance = (share * (drawn - mean[:, None]) ** 2).sum(axis=1) * (1 + alone) / (1 - alone)
    return by_spread(variance, (y - mean) ** 2, bins)


def by_spread(variance: Array, squared: Array, bins: int) -> pd.DataFrame:
    """Spread and error in bins of rows of rising variance; rows of equal variance are in one."""
    check_range("bins", bins, low=1)
    known = np.isfinite(squared)
    variance, squared = variance[known], squared[known]
    edges = np.unique(
        np.sort(variance)[(np.arange(1, bins) * len(variance) // bins)] if len(variance) else []
    )
    number = np.searchsorted(edges, variance, side="right")
    rows = []
    for place in np.unique(number):
        inside = number == place
        spread, error = (float(np.sqrt(part[inside].mean())) for part in (variance, squared))
        low, high = (float(np.sqrt(end(variance[inside]))) for end in (np.min, np.max))
        ratio = spread / error if error > 0 else float("nan")
        rows.append([low, high, spread, error, ratio, int(inside.sum()), int((~known).sum())])
    return pd.DataFrame(rows, columns=["low", "high", "spread", "error", "ratio", "n", "missing"])


def _in_bins(y: Array, drawn: Array, bins: int | None, seed: int | None) -> Array:
    """Share of the ranks of each outcome in each bin, shape (rows with an outcome, bins)."""
    number = drawn.shape[1] + 1 if bins is None else bins
    check_range("bins", number, low=1)
    check_range("seed", 0 if seed is None else seed, low=0)
    known = np.isfinite(y)
    outcome, members = y[known][:, None], drawn[known]
    first, last = (members < outcome).sum(axis=1), (members <= outcome).sum(axis=1) + 1
    ranks = drawn.shape[1] + 1
    if seed is not None:
        first = np.random.default_rng(seed).integers(first, last)
        last = first + 1
    # In whole numbers, so that a rank that ends at an edge has no rounding error beyond it.
    edge = np.arange(number) * ranks
    low, high = first[:, None] * number, last[:, None] * number
    inside = np.clip(np.minimum(high, edge + ranks) - np.maximum(low, edge), 0, None)
    return np.asarray(inside / (high - low))


def _statistics(away: Array) -> Array:
    """Chi-squared, slope and convexity of standardised deviations of counts, shape (draws, 3)."""
    place = np.arange(away.shape[1]) - (away.shape[1] - 1) / 2
    parabola = place**2 - (place**2).mean()
    contrasts = [a / max(float(np.linalg.norm(a)), np.finfo(float).tiny) for a in (place, parabola)]
    return np.column_stack([(away**2).sum(axis=1), *[away @ contrast for contrast in contrasts]])


def _block_counts(share: Array, block: int, draws: int) -> Array:
    """Counts of each bin in circular blocks of rows, drawn to as many rows, shape (draws, bins)."""
    count = len(share)
    length = max(1, min(block, count // 4))
    total = np.cumsum(np.concatenate([np.zeros((1, share.shape[1])), share, share[:length]]), axis=0)
    rng, number = np.random.default_rng(0), -(-count // length)
    drawn = []
    for _ in range(draws):
        first = rng.integers(count, size=number)
        drawn.append((total[first + length] - total[first]).sum(axis=0) * (count / (number * length)))
    return np.asarray(drawn)
