"""Metrics of events in a series: ramps and peaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core.wording import spaced
from energyforecast.errors import RangeError, TimeError
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_positive, check_probability, check_range
from energyforecast.evaluation.event_probability import tiers
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.ramp_matching import match_ramps, onsets
from energyforecast.evaluation.registry import metric

__all__ = ["peaks", "ramp_firm", "ramps"]

Array = npt.NDArray[Any]

#: Rounding of a change, as a share of the capacity.
_SLACK: Final = 1e-9
#: Hits, misses and false alarms above and below the line of each score of ramps, and whether lower is better.
_RAMP_SCORES: Final = (
    ("ramp_csi", ((1, 0, 0), (1, 1, 1)), False),
    ("ramp_pod", ((1, 0, 0), (1, 1, 0)), False),
    ("ramp_far", ((0, 0, 1), (1, 0, 1)), True),
    ("ramp_frequency_bias", ((1, 0, 1), (1, 1, 0)), None),
)


@metric(
    "ramp_hits", "ramp_misses", "ramp_false_alarms", "ramp_csi", "ramp_pod", "ramp_far", "ramp_frequency_bias"
)
def ramps(*, change: float = 0.3, window: float = 3.0, tolerance: float = 1.0) -> list[Metric]:
    r"""Ramps of the median matched with observed ones: hits, misses, false alarms, and scores of these.

    .. math::

        \mathrm{CSI} = \frac{a}{a + b + c}, \quad \mathrm{POD} = \frac{a}{a + c}, \quad
            \mathrm{FAR} = \frac{b}{a + b}, \quad \mathrm{bias} = \frac{a + b}{a + c}

    with hits :math:`a`, false alarms :math:`b` and misses :math:`c`. A ramp is a change by at least `change` of the
    capacity within `window` hours, upward or downward; of neighbouring hours that all change so, the one of the
    greatest change. An observed ramp is hit by the nearest forecast ramp of its direction within the tolerance, each of
    which hits once. A score is NaN where its denominator is 0; none needs correct negatives, as hours without a ramp
    are no events. An event belongs to its hour, a false alarm to that of the forecast.

    Parameters
    ----------
    change : float
        Share of the capacity, above 0 and at most 1.
    window, tolerance : float
        [h]

    Raises
    ------
    RangeError
        If a site has no capacity, or a parameter is out of its range.
    TimeError
        If the window is no whole number of intervals.

    See Also
    --------
    ramp_firm, peaks, energyforecast.planning.ramps

    References
    ----------
    Bossavy, Girard and Kariniotakis (2013), https://doi.org/10.1002/we.526.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> ramps(example_observations(), example_forecast(), change=0.02)[["metric", "value", "n"]]
                    metric  value   n
    0            ramp_hits    1.0  21
    1          ramp_misses    0.0  21
    2    ramp_false_alarms    0.0  21
    3             ramp_csi    1.0  21
    4             ramp_pod    1.0  21
    5             ramp_far    0.0  21
    6  ramp_frequency_bias    1.0  21
    """
    check_positive("change", change, high=1.0)
    check_positive("window", window)
    check_range("tolerance", tolerance, low=0.0)

    def points(pairs: Pairs) -> Array:
        return _ramp_points(pairs, change, window, tolerance)

    parts = [
        Metric(
            name,
            points,
            unit="events",
            total=True,
            combine=lambda sums, column=column: sums[..., column],  # type: ignore[misc]
            lower_is_better=None,
        )
        for column, name in enumerate(("ramp_hits", "ramp_misses", "ramp_false_alarms"))
    ]
    scores = [
        Metric(name, points, share=True, total=True, combine=_quotient(*weights), lower_is_better=better)
        for name, weights, better in _RAMP_SCORES
    ]
    return [*parts, *scores]


@metric("ramp_firm", "ramp_firm_false_alarms", "ramp_firm_misses")
def ramp_firm(
    *,
    changes: Sequence[float] | Array,
    risk: float,
    window: float = 3.0,
    threshold_weights: Sequence[float] | Array | None = None,
) -> list[Metric]:
    r"""FIRM score of ramps of several sizes, hour by hour, of the median's changes; and its parts. [1]

    .. math::

        \sum_{\pm} \sum_k w_k \big( (1 - \alpha) \, \mathbf{1}[\pm \Delta y < \theta_k \le \pm \Delta m]
            + \alpha \, \mathbf{1}[\pm \Delta m < \theta_k \le \pm \Delta y] \big)

    with the changes :math:`\Delta y` of the outcome and :math:`\Delta m` of the median over the window, upward and
    downward, and thresholds :math:`\theta_k` with weights :math:`w_k`: a miss costs :math:`\alpha`, a false alarm
    :math:`1 - \alpha`. 0 is perfect. A ramp that is an hour late costs both.

    Parameters
    ----------
    changes : sequence of float
        Rising shares of the capacity, above 0 and at most 1.
    risk : float
        Risk parameter: 0.8 where a miss costs four times a false alarm.
    window : float
        [h]
    threshold_weights : sequence of float, optional
        Of the changes; all 1 by default.

    Raises
    ------
    RangeError
        If a site has no capacity, or a parameter is out of its range.

    See Also
    --------
    firm, ramps

    References
    ----------
    Taggart, Loveday and Griffiths (2022), https://doi.org/10.1002/qj.4266, here for changes.

    Examples
    --------
    Outcome and median rise alike.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> ramp_firm(example_observations(), example_forecast(), changes=[0.02, 0.1], risk=0.7)[["metric", "value", "n"]]
                       metric  value   n
    0               ramp_firm    0.0  21
    1  ramp_firm_false_alarms    0.0  21
    2        ramp_firm_misses    0.0  21
    """
    limits, scale = tiers(changes, threshold_weights, True)
    check_positive("A change", limits[0])
    check_probability("The risk", risk)
    check_positive("window", window)

    def points(pairs: Pairs) -> Array:
        return _firm_points(pairs, limits, scale, window) * [1.0 - risk, risk]

    combined = (lambda means: means.sum(axis=-1), lambda means: means[..., 0], lambda means: means[..., 1])
    names = ("ramp_firm", "ramp_firm_false_alarms", "ramp_firm_misses")
    return [
        Metric(name, points, share=True, combine=combine)
        for name, combine in zip(names, combined, strict=True)
    ]


@metric("peak", "peak_hour")
def peaks() -> list[Metric]:
    r"""Absolute error of the greatest power of each issue's window, and of its hour. [MW, h]

    .. math:: |\max_t m_t - \max_t y_t|, \quad |\arg\max_t m_t - \arg\max_t y_t|

    with medians :math:`m_t` and outcomes :math:`y_t` of a window.

    The forecast's peak is that of its medians, which is lower than the median peak where hours are uncertain.
    Windows with a missing outcome do not count; ``n`` counts windows. A peak belongs to its observed hour.

    See Also
    --------
    ramps, mae

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> peaks(example_observations(), example_forecast())[["metric", "value", "n"]]
          metric  value  n
    0       peak    1.0  1
    1  peak_hour    0.0  1
    """
    return [
        Metric("peak", lambda p: _peak_points(p)[0]),
        Metric("peak_hour", lambda p: _peak_points(p)[1], unit="h"),
    ]


def _hours(pairs: Pairs) -> Array:
    """Moments of the rows, in hours."""
    stamps = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    return np.asarray((stamps - stamps[:1]) / np.timedelta64(1, "h"))


def _series(pairs: Pairs) -> list[Array]:
    """Rows of each issue at each site, in order of time."""
    ordered = np.lexsort([pairs.labels["valid_time"].to_numpy()])
    issues = pairs.labels.groupby(["site", "issue_time"], sort=False).ngroup().to_numpy()[ordered]
    return [ordered[issues == number] for number in range(issues.max() + 1 if len(issues) else 0)]


def _changes(values: Array, hour: Array, window: float) -> Array:
    """Change from a window before; NaN where that was not observed."""
    place = np.searchsorted(hour, hour - window - 1e-6)
    known = np.abs(hour[place] - (hour - window)) < 1e-6
    return np.where(known, values - values[place], np.nan)


def _check_window(pairs: Pairs, window: float) -> None:
    """Refuse a window that is no whole number of intervals, in which no change would be known."""
    if abs(window / pairs.step - round(window / pairs.step)) > 1e-6:
        raise TimeError(
            f"Ramps within {spaced(window)} are asked for, of intervals of {spaced(pairs.step)}.",
            "The window must be a whole number of intervals.",
            f"Choose window={pairs.step * max(1, round(window / pairs.step)):g}.",
        )


def _ramp_points(pairs: Pairs, change: float, window: float, tolerance: float) -> Array:
    """Hits, misses and false alarms at their hours; NaN where no change is known."""
    _check_capacity(pairs)
    _check_window(pairs, window)
    counts, median, hours = np.full((len(pairs), 3), np.nan), pairs.at(0.5), _hours(pairs)
    for rows in _series(pairs):
        hour = hours[rows]
        observed, predicted = (_changes(values[rows], hour, window) for values in (pairs.observed, median))
        counts[rows[np.isfinite(observed)]] = 0.0
        threshold = change * pairs.capacity[rows]
        events, warnings = onsets(observed, threshold), onsets(predicted, threshold)
        hits, false = match_ramps(
            [(hour[place], direction) for place, direction in events],
            [(hour[place], hour[place], direction) for place, direction in warnings],
            tolerance=tolerance,
        )
        for number, (place, _) in enumerate(events):
            counts[rows[place], 0 if number in hits else 1] += 1
        for number in false:
            counts[rows[warnings[number][0]], 2] += 1
    return counts


def _check_capacity(pairs: Pairs) -> None:
    """Refuse sites without a capacity."""
    bare = np.flatnonzero(~np.isfinite(pairs.capacity))
    if bare.size:
        raise RangeError(
            f"Ramps of site {pairs.labels['site'].iloc[int(bare[0])]!r} are asked for, which has no capacity.",
            "It must have one: a ramp is a change by a share of the capacity.",
            "Give the site a capacity.",
        )


def _firm_points(pairs: Pairs, limits: Array, scale: Array, window: float) -> Array:
    """Weights of the thresholds that are false alarms and misses at each hour; NaN where no change is known."""
    _check_capacity(pairs)
    _check_window(pairs, window)
    points, median, hours = np.zeros((len(pairs), 2)), pairs.at(0.5), _hours(pairs)
    for rows in _series(pairs):
        observed, predicted = (
            _changes(values[rows], hours[rows], window)[:, None] / pairs.capacity[rows][:, None]
            for values in (pairs.observed, median)
        )
        for sign in (1, -1):
            happened, warned = (sign * change >= limits - _SLACK for change in (observed, predicted))
            points[rows, 0] += (warned & ~happened) @ scale
            points[rows, 1] += (happened & ~warned) @ scale
        points[rows[~np.isfinite(observed[:, 0])]] = np.nan
    return points


def _quotient(above: Sequence[float], below: Sequence[float]) -> Callable[[Array], Array]:
    """Ratio of two sums of hits, misses and false alarms; NaN where the second is 0."""

    def score(sums: Array) -> Array:
        part, whole = sums @ np.asarray(above), sums @ np.asarray(below)
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)

    return score


def _peak_points(pairs: Pairs) -> tuple[Array, Array]:
    """Error of each issue's peak and of its hour, at the observed peak; NaN elsewhere and where hours are missing."""
    error, late, median = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan), pairs.at(0.5)
    hours = _hours(pairs)
    broken = set(zip(pairs.missing["site"], pairs.missing["issue_time"], strict=True))
    for rows in _series(pairs):
        first = pairs.labels.iloc[int(rows[0])]
        if (first["site"], first["issue_time"]) not in broken:
            observed, predicted = rows[pairs.observed[rows].argmax()], rows[median[rows].argmax()]
            error[observed] = np.abs(median[predicted] - pairs.observed[observed])
            late[observed] = np.abs(hours[predicted] - hours[observed])
    return error, late
