"""Metrics of warnings: contingency scores, the FIRM score of several thresholds, and relative economic value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import RangeError
from energyforecast.evaluation.aggregation import By, Metric, aggregate
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.event_probability import check_threshold, exceedance, tiers
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric, table

__all__ = ["contingency", "firm", "relative_economic_value"]

Array = npt.NDArray[Any]

#: Rounding of a probability that is computed from quantiles.
_SLACK: Final = 1e-9
_COUNTS: Final = ("hits", "misses", "false_alarms", "correct_negatives")
#: Cost of protection as a share of the loss.
_RATIOS: Final = tuple(k / 20 for k in range(1, 20))


@metric(*_COUNTS, "pod", "far", "pofd", "csi", "ets", "heidke", "peirce", "frequency_bias", "sedi")
def contingency(*, threshold: float, relative: bool = False, probability: float = 0.5) -> list[Metric]:
    r"""Contingency table of warnings of power above a threshold, and its scores.

    A warning is given where the probability of the event is at least `probability`. With hits :math:`a`, false alarms
    :math:`b`, misses :math:`c` and correct negatives :math:`d`, all :math:`n`, and those by chance
    :math:`a_r = (a + b)(a + c) / n`:

    .. math::

        \mathrm{POD} = H &= \frac{a}{a + c}, &\quad \mathrm{FAR} &= \frac{b}{a + b}, &\quad
            \mathrm{POFD} = F &= \frac{b}{b + d}, \\
        \mathrm{CSI} &= \frac{a}{a + b + c}, & \mathrm{ETS} &= \frac{a - a_r}{a + b + c - a_r}, &
            \mathrm{bias} &= \frac{a + b}{a + c}, \\
        \mathrm{Peirce} &= H - F, & \mathrm{Heidke} &= \frac{2 (a d - b c)}{(a + c)(c + d) + (a + b)(b + d)}, &
            \mathrm{SEDI} &= \frac{\ln F - \ln H - \ln(1 - F) + \ln(1 - H)}{\ln F + \ln H + \ln(1 - F) + \ln(1 - H)}

    A score is NaN where its denominator is 0, such as the probability of detection without events; SEDI also where
    :math:`H` or :math:`F` is 0 or 1. Of rare events, CSI and ETS go to 0 whatever the skill, SEDI does not.

    Parameters
    ----------
    probability : float
        Of a warning, above 0 and at most 1; the ratio of the cost of a false alarm to the loss of a miss, if known.

    See Also
    --------
    firm, relative_economic_value, roc, ramps

    References
    ----------
    Hogan and Mason (2011), https://doi.org/10.1002/9781119960003.ch3; SEDI: Ferro and Stephenson (2011),
    https://doi.org/10.1175/WAF-D-10-05030.1.

    Examples
    --------
    15 of 24 hours exceed 15 MW; the median, 1 MW too low, misses the first, and equals 15 MW at the second.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = contingency(example_observations(), example_forecast(), threshold=15.0, probability=0.5)
    >>> table.set_index("metric")["value"].round(2)[["hits", "misses", "false_alarms", "pod", "far", "csi"]].to_dict()
    {'hits': 14.0, 'misses': 1.0, 'false_alarms': 0.0, 'pod': 0.93, 'far': 0.0, 'csi': 0.93}
    """
    check_threshold(threshold, relative)
    _check_warning(probability)

    def points(pairs: Pairs) -> Array:
        happened, forecast = exceedance(pairs, threshold, relative=relative)
        return _table(happened, forecast >= probability - _SLACK)

    counts = [
        Metric(
            name,
            points,
            unit="events",
            total=True,
            combine=lambda sums, column=column: sums[..., column],  # type: ignore[misc]
            lower_is_better=None,
        )
        for column, name in enumerate(_COUNTS)
    ]
    scores = [
        Metric(name, points, share=True, combine=combine, lower_is_better=better)
        for name, combine, better in _SCORES
    ]
    return [*counts, *scores]


@metric("firm", "firm_false_alarms", "firm_misses")
def firm(
    *,
    thresholds: Sequence[float] | Array,
    risk: float,
    threshold_weights: Sequence[float] | Array | None = None,
    relative: bool = False,
) -> list[Metric]:
    r"""Fixed risk multicategorical (FIRM) score of tiered warnings, and its parts. [1]

    .. math::

        \sum_k w_k \big( (1 - \alpha) \, \mathbf{1}[y \le \theta_k < q_\alpha]
            + \alpha \, \mathbf{1}[q_\alpha \le \theta_k < y] \big)

    with thresholds :math:`\theta_k` of rising severity, their weights :math:`w_k`, and the risk parameter
    :math:`\alpha`: a miss costs :math:`\alpha`, a false alarm :math:`1 - \alpha`. The forecast is in the category of
    its quantile :math:`q_\alpha`, which warns of a threshold if its probability exceeds :math:`1 - \alpha`; so the
    score is consistent, while CSI and others reward warnings of rare events at low probabilities. 0 is perfect.
    ``firm_false_alarms`` and ``firm_misses`` add up to ``firm``.

    Parameters
    ----------
    thresholds : sequence of float
        Rising. [MW], or shares of the capacity.
    risk : float
        Risk parameter, the level of the quantile: 0.8 where a miss costs four times a false alarm.
    threshold_weights : sequence of float, optional
        Of the thresholds; all 1 by default.

    Raises
    ------
    RangeError
        If thresholds do not rise, or a weight is not above 0.

    See Also
    --------
    contingency, ramp_firm

    References
    ----------
    Taggart, Loveday and Griffiths (2022), https://doi.org/10.1002/qj.4266.

    Examples
    --------
    The quantile 0.9 lies 3 MW above the outcome, which grows by half a megawatt an hour: six hours are false alarms of
    15 MW, and six of 20 MW, each for 0.1.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = firm(example_observations(), example_forecast(), thresholds=[15.0, 20.0], risk=0.9)
    >>> table[["metric", "value", "n"]].round(3)
                  metric  value   n
    0               firm   0.05  24
    1  firm_false_alarms   0.05  24
    2        firm_misses   0.00  24
    """
    limits, scale = tiers(thresholds, threshold_weights, relative)
    check_probability("The risk", risk)

    def points(pairs: Pairs) -> Array:
        limit = limits * (pairs.capacity[:, None] if relative else np.ones((len(pairs), 1)))
        happened, warned = (x[:, None] > limit for x in (pairs.observed, pairs.at(risk)))
        alarms = (1.0 - risk) * (warned & ~happened) @ scale
        return np.where(
            np.isfinite(limit).all(axis=1, keepdims=True),
            np.column_stack([alarms, risk * (happened & ~warned) @ scale]),
            np.nan,
        )

    return [
        Metric("firm", points, share=True, combine=lambda means: means.sum(axis=-1), reach=(risk, risk)),
        Metric("firm_false_alarms", points, share=True, combine=lambda m: m[..., 0], reach=(risk, risk)),
        Metric("firm_misses", points, share=True, combine=lambda means: means[..., 1], reach=(risk, risk)),
    ]


@table
def relative_economic_value(
    pairs: Pairs,
    *,
    threshold: float,
    relative: bool = False,
    ratios: Sequence[float] | Array = _RATIOS,
    probability: float | None = None,
    by: By = None,
    weights: Array | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    r"""Relative economic value of warnings, by the ratio of the cost of protection to the loss that it avoids. [1]

    .. math::

        V = \frac{\min(\alpha, s) - F (1 - s) \alpha + H s (1 - \alpha) - s}{\min(\alpha, s) - s \alpha}

    with the ratio :math:`\alpha` of cost to loss, the frequency :math:`s` of power above the threshold, and the hit and
    false alarm rates :math:`H` and :math:`F` of a user who protects where the probability of the event is at least
    `probability`, by default :math:`\alpha`, which is best for a reliable forecast. 1 is a perfect forecast; at 0 and
    below, the user does as well by always or never protecting.

    Parameters
    ----------
    ratios : sequence of float
        Between 0 and 1.
    probability : float, optional
        Of a warning, the same for all ratios.
    confidence : float, optional
        Probability of an interval, from days drawn in blocks of seven.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``cost_loss``, ``value`` (NaN where the event happened always or never), ``low`` and
        ``high`` if asked for, ``n``, ``missing``, ``hours``.

    See Also
    --------
    contingency, economic_value, energyforecast.reporting.figures.relative_economic_value

    References
    ----------
    Richardson (2000), https://doi.org/10.1002/qj.49712656313.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pair = example_observations(), example_forecast()
    >>> relative_economic_value(*pair, threshold=15.0, ratios=[0.2, 0.5, 0.8])[["cost_loss", "value", "n"]].round(2)
       cost_loss  value   n
    0        0.2   0.44  24
    1        0.5   0.89  24
    2        0.8   0.53  24
    """
    check_threshold(threshold, relative)
    check_probability("A ratio", ratios)
    if probability is not None:
        _check_warning(probability)
    happened, forecast = exceedance(pairs, threshold, relative=relative)
    metrics = [
        Metric(
            "relative_economic_value",
            _warned(happened, forecast, ratio if probability is None else probability),
            share=True,
            level=ratio,
            combine=lambda means, ratio=ratio: _value(means, ratio),  # type: ignore[misc]
            lower_is_better=False,
        )
        for ratio in np.asarray(ratios, dtype=float).ravel().tolist()
    ]
    found = aggregate(metrics, pairs, by=by, weights=weights, confidence=confidence)
    return found.drop(columns=["metric", "percent"]).rename(columns={"level": "cost_loss"})


def _check_warning(probability: float) -> None:
    """Refuse a probability of warnings of 0 or less, at which all hours are warned of, or above 1."""
    check_range("The probability of a warning", probability, low=0.0, high=1.0)
    if probability <= 0:
        raise RangeError(
            f"The probability of a warning is {probability:g}.",
            "It must be above 0, else all hours are warned of.",
            "Correct it.",
        )


def _table(happened: Array, warned: Array) -> Array:
    """Hit, miss, false alarm and correct negative of each row, 0 or 1; NaN where it is not known."""
    alarm = np.where(np.isfinite(happened), warned.astype(float), np.nan)
    return np.column_stack(
        [happened * alarm, happened * (1 - alarm), (1 - happened) * alarm, (1 - happened) * (1 - alarm)]
    )


def _warned(happened: Array, forecast: Array, probability: float) -> Callable[[Pairs], Array]:
    """Points of warnings from a probability on."""
    return lambda _: _table(happened, forecast >= probability - _SLACK)


def _ratio(above: Array, below: Array) -> Array:
    """Quotient; NaN where the denominator is 0."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def _of(function: Callable[[Array, Array, Array, Array], Array]) -> Callable[[Array], Array]:
    """A score of shares of hits, false alarms, misses and correct negatives, in the letters of the formulas."""
    return lambda means: np.asarray(function(means[..., 0], means[..., 2], means[..., 1], means[..., 3]))


def _ets(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Equitable threat score."""
    chance = (a + b) * (a + c) / (a + b + c + d)  # of shares, the sum is 1
    return _ratio(a - chance, a + b + c - chance)


def _sedi(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Symmetric extremal dependence index; NaN where a rate is 0 or 1."""
    hit, alarm = (np.where((x > 0) & (x < 1), x, np.nan) for x in (_ratio(a, a + c), _ratio(b, b + d)))
    parts = np.log(alarm), np.log(hit), np.log(1 - alarm), np.log(1 - hit)
    return np.asarray((parts[0] - parts[1] - parts[2] + parts[3]) / sum(parts))


def _value(means: Array, ratio: float) -> Array:
    """Relative economic value of shares of hits, misses, false alarms and correct negatives."""
    hits, misses, alarms = means[..., 0], means[..., 1], means[..., 2]
    base = hits + misses
    climate = np.minimum(ratio, base)
    perfect = climate - base * ratio
    saved = climate - alarms * ratio + hits * (1 - ratio) - base
    return np.where(perfect > 1e-12, saved / np.where(perfect > 1e-12, perfect, 1.0), np.nan)


_SCORES: Final[tuple[tuple[str, Callable[[Array], Array], bool | None], ...]] = (
    ("pod", _of(lambda a, b, c, d: _ratio(a, a + c)), False),  # noqa: ARG005
    ("far", _of(lambda a, b, c, d: _ratio(b, a + b)), True),  # noqa: ARG005
    ("pofd", _of(lambda a, b, c, d: _ratio(b, b + d)), True),  # noqa: ARG005
    ("csi", _of(lambda a, b, c, d: _ratio(a, a + b + c)), False),  # noqa: ARG005
    ("ets", _of(_ets), False),
    (
        "heidke",
        _of(lambda a, b, c, d: _ratio(2 * (a * d - b * c), (a + c) * (c + d) + (a + b) * (b + d))),
        False,
    ),
    ("peirce", _of(lambda a, b, c, d: _ratio(a, a + c) - _ratio(b, b + d)), False),
    ("frequency_bias", _of(lambda a, b, c, d: _ratio(a + b, a + c)), None),  # noqa: ARG005
    ("sedi", _of(_sedi), False),
)
