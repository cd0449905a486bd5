"""Metrics of exceedance: power above a threshold, as an event with a probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.event_probability import check_threshold, exceedance
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric, table

__all__ = ["brier", "event_reliability", "roc", "roc_area"]

Array = npt.NDArray[Any]


@metric("brier", "brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within_bins")
def brier(*, threshold: float, relative: bool = False, bins: int = 10) -> list[Metric]:
    r"""Brier score of power above a threshold, and its parts. [1]

    .. math::

        \frac{1}{n} \sum_i (P_i - o_i)^2
            = \sum_b w_b (\bar P_b - \bar o_b)^2 - \sum_b w_b (\bar o_b - \bar o)^2 + \bar o (1 - \bar o) + W

    with the probability :math:`P` of the event, its occurrence :math:`o`, 0 or 1, and the share :math:`w` of each bin
    of probabilities. The parts are ``brier_reliability``, ``brier_resolution``, ``brier_uncertainty`` and, for
    :math:`W`, ``brier_within_bins``, which is due to the different probabilities within the bins.

    Parameters
    ----------
    bins : int
        Of probabilities, for the parts.

    See Also
    --------
    event_reliability, roc_area, threshold_crps

    References
    ----------
    Brier (1950), https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2; Murphy (1973),
    https://doi.org/10.1175/1520-0450(1973)012%3C0595:ANVPOT%3E2.0.CO;2; within bins: Stephenson, Coelho and
    Jolliffe (2008), https://doi.org/10.1175/2007WAF2006116.1.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> brier(example_observations(), example_forecast(), threshold=15.0)[["metric", "value", "n"]].round(3).head(1)
      metric  value   n
    0  brier  0.073  24
    """
    check_range("bins", bins, low=1)
    check_threshold(threshold, relative)

    def points(pairs: Pairs) -> Array:
        return _brier_points(pairs, threshold, relative, bins)

    return [
        Metric(name, points, share=True, combine=combine, lower_is_better=better)
        for name, combine, better in (
            ("brier", lambda means: means[..., 0], True),
            ("brier_reliability", _reliability, True),
            ("brier_resolution", _resolution, False),
            ("brier_uncertainty", _uncertainty, None),
            ("brier_within_bins", _within_bins, None),
        )
    ]


@metric()
def roc_area(*, threshold: float, relative: bool = False) -> Metric:
    r"""Area under the receiver operating characteristic: discrimination of events, blind to calibration. [1]

    .. math:: \int_0^1 H \, dF

    with the hit rate :math:`H` and the false alarm rate :math:`F` of :func:`roc`: 1 discriminates always, 0.5 never.
    It is the share of pairs of an hour with the event and one without in which the first had the higher probability;
    equal probabilities count by half. NaN where the event happened always or never.

    See Also
    --------
    roc, brier

    References
    ----------
    Mason and Graham (2002), https://doi.org/10.1256/003590002320603584.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> roc_area(example_observations(), example_forecast(), threshold=15.0)[["metric", "value", "n"]]
         metric  value   n
    0  roc_area    1.0  24
    """
    check_threshold(threshold, relative)

    def points(pairs: Pairs) -> Array:
        return np.column_stack(exceedance(pairs, threshold, relative=relative))

    return Metric("roc_area", points, share=True, statistic=_area, lower_is_better=False)


@table
def roc(pairs: Pairs, *, threshold: float, relative: bool = False) -> pd.DataFrame:
    r"""Receiver operating characteristic: hit and false alarm rates, by the probability that warns. [1]

    .. math:: H(p) = \frac{\sum_i o_i \mathbf{1}[P_i \ge p]}{\sum_i o_i}, \quad
        F(p) = \frac{\sum_i (1 - o_i) \mathbf{1}[P_i \ge p]}{\sum_i (1 - o_i)}

    Returns
    -------
    DataFrame
        ``probability``, ``hit_rate``, ``false_alarm_rate``, ``n``: a row for each probability that was forecast, from
        high to low, after infinity, at which there is no warning. Rates are NaN where the event happened always or
        never.

    See Also
    --------
    roc_area

    References
    ----------
    Mason and Graham (2002), https://doi.org/10.1256/003590002320603584.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> curve = roc(example_observations(), example_forecast(), threshold=15.0)
    >>> curve.iloc[[0, 1, -1]].round(2).to_numpy().tolist()
    [[inf, 0.0, 0.0, 24.0], [1.0, 0.33, 0.0, 24.0], [0.0, 1.0, 1.0, 24.0]]
    """
    points = np.column_stack(exceedance(pairs, threshold, relative=relative))
    points = points[np.isfinite(points).all(axis=1)]
    levels, hits, alarms = _roc_curve(points, np.ones(len(points)))
    return pd.DataFrame(
        {"probability": levels, "hit_rate": hits, "false_alarm_rate": alarms, "n": len(points)}
    )


@table
def event_reliability(
    pairs: Pairs,
    *,
    threshold: float,
    relative: bool = False,
    bins: int = 10,
    confidence: float = 0.9,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Reliability diagram of power above a threshold: its frequency, by its probability, with consistency bars. [1]

    .. math:: \bar o_b = \frac{1}{n_b} \sum_{i \in b} o_i

    The bars come from resampling: forecasts are drawn, events happen with their probabilities, and are counted.
    They hold for independent hours, so they are narrow where hours are correlated.

    Parameters
    ----------
    bins : int
    confidence : float
        Probability of the bars.
    draws, seed : int

    Returns
    -------
    DataFrame
        ``probability`` (mean of the bin), ``value`` (frequency), ``low``, ``high``, ``n``: a row for each bin.

    See Also
    --------
    reliability, brier

    References
    ----------
    Bröcker and Smith (2007), https://doi.org/10.1175/WAF993.1.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = event_reliability(example_observations(), example_forecast(), threshold=15.0, bins=2)
    >>> table[["probability", "value", "n"]].round(2)
       probability  value   n
    0         0.21    0.1  10
    1         0.81    1.0  14
    """
    check_range("bins", bins, low=1)
    check_probability("The confidence", confidence)
    for name, value in (("draws", draws), ("seed", seed)):
        check_range(name, value, low=0)
    happened, forecast = exceedance(pairs, threshold, relative=relative)
    known = np.isfinite(forecast)
    happened, forecast = happened[known], forecast[known]
    count, probability, frequency = _frequencies(happened, forecast, bins)
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(draws if len(forecast) else 0):
        chosen = forecast[rng.integers(len(forecast), size=len(forecast))]
        drawn.append(_frequencies((rng.uniform(size=len(chosen)) < chosen).astype(float), chosen, bins)[2])
    diagram = pd.DataFrame({"probability": probability, "value": frequency, "n": count.astype(int)})
    for place, (end, tail) in enumerate((("low", (1 - confidence) / 2), ("high", (1 + confidence) / 2))):
        bars = [np.nanquantile(x, tail) if np.isfinite(x).any() else np.nan for x in np.array(drawn).T]
        diagram.insert(2 + place, end, bars if drawn else np.nan)
    return diagram


def _bin(probability: Array, bins: int) -> Array:
    """Number of the bin of each probability."""
    known = np.where(np.isfinite(probability), probability, 0.0)
    return np.asarray(np.minimum((known * bins + 1e-9).astype(int), bins - 1))


def _brier_points(pairs: Pairs, threshold: float, relative: bool, bins: int) -> Array:
    """Squared error, outcome, and of each bin of probabilities its share, probability and outcomes."""
    happened, forecast = exceedance(pairs, threshold, relative=relative)
    member = (_bin(forecast, bins)[:, None] == np.arange(bins)).astype(float)
    return np.column_stack(
        [(forecast - happened) ** 2, happened, member, member * forecast[:, None], member * happened[:, None]]
    )


def _by_bin(means: Array) -> tuple[Array, Array, Array]:
    """Share of each bin, its mean probability and the frequency of the event."""
    share, forecast, happened = np.split(means[..., 2:], 3, axis=-1)
    full = np.where(share > 0, share, 1.0)
    return share, forecast / full, happened / full


def _reliability(means: Array) -> Array:
    """Squared differences of probability and frequency."""
    share, forecast, happened = _by_bin(means)
    return np.asarray((share * (forecast - happened) ** 2).sum(axis=-1))


def _resolution(means: Array) -> Array:
    """Squared differences of the bins' frequencies from the overall one."""
    share, _, happened = _by_bin(means)
    return np.asarray((share * (happened - means[..., 1:2]) ** 2).sum(axis=-1))


def _uncertainty(means: Array) -> Array:
    """Variance of the event."""
    return np.asarray(means[..., 1] * (1 - means[..., 1]))


def _within_bins(means: Array) -> Array:
    """The remainder, due to different probabilities within the bins."""
    return np.asarray(means[..., 0] - _reliability(means) + _resolution(means) - _uncertainty(means))


def _frequencies(happened: Array, forecast: Array, bins: int) -> tuple[Array, Array, Array]:
    """Count of each bin, its mean probability and the frequency of the event."""
    place = _bin(forecast, bins)
    count = np.bincount(place, minlength=bins)
    full = np.where(count > 0, count, np.nan)
    probability, frequency = (
        np.bincount(place, weights=x, minlength=bins) / full for x in (forecast, happened)
    )
    return count, probability, frequency


def _roc_curve(points: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Probabilities that warn, falling from infinity, and the hit and false alarm rates of each."""
    happened, forecast = points.T
    # Equal probabilities that were computed by different sums differ in their last digits.
    probability = forecast.round(12)
    order = np.argsort(-probability)
    first = np.flatnonzero(np.diff(probability[order], prepend=np.inf))
    rates = []
    for part in (happened, 1.0 - happened):
        warned = np.cumsum(np.add.reduceat((weights * part)[..., order], first, axis=-1), axis=-1)
        warned = np.concatenate([np.zeros((*warned.shape[:-1], 1)), warned], axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates.append(warned / warned[..., -1:])
    return np.append(np.inf, probability[order][first]), rates[0], rates[1]


def _area(points: Array, weights: Array) -> Array:
    """Area under the curve, by trapezoids."""
    _, hits, alarms = _roc_curve(points, weights)
    return np.asarray(np.trapezoid(hits, alarms, axis=-1))
