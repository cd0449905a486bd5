"""Metrics of events in a series: ramps and peaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_positive, check_range
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.ramp_matching import match_ramps, onsets
from energyforecast.evaluation.registry import metric

__all__ = ["peaks", "ramps"]

Array = npt.NDArray[Any]


@metric("ramp_hits", "ramp_misses", "ramp_false_alarms", "ramp_csi")
def ramps(*, change: float = 0.3, window: float = 3.0, tolerance: float = 1.0) -> list[Metric]:
    r"""Ramps of the median matched with observed ones: hits, misses, false alarms, critical success index.

    .. math:: \mathrm{CSI} = \frac{\mathrm{hits}}{\mathrm{hits} + \mathrm{misses} + \mathrm{false\ alarms}}

    A ramp is a change by at least `change` of the capacity within `window` hours, upward or downward; of
    neighbouring hours that all change so, the one of the greatest change. An observed ramp is hit by the nearest
    forecast ramp of its direction within the tolerance, each of which hits once. ``ramp_csi`` is NaN where there is no
    ramp. An event belongs to its hour, a false alarm to that of the forecast.

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

    See Also
    --------
    peaks, energyforecast.planning.ramps

    References
    ----------
    Bossavy, Girard and Kariniotakis (2013), https://doi.org/10.1002/we.526.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> ramps(example_observations(), example_forecast(), change=0.02)[["metric", "value", "n"]]
                  metric  value   n
    0          ramp_hits    1.0  21
    1        ramp_misses    0.0  21
    2  ramp_false_alarms    0.0  21
    3           ramp_csi    1.0  21
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
    return [*parts, Metric("ramp_csi", points, share=True, total=True, combine=_csi, lower_is_better=False)]


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


def _ramp_points(pairs: Pairs, change: float, window: float, tolerance: float) -> Array:
    """Hits, misses and false alarms at their hours; NaN where no change is known."""
    bare = np.flatnonzero(~np.isfinite(pairs.capacity))
    if bare.size:
        raise RangeError(
            f"Ramps of site {pairs.labels['site'].iloc[int(bare[0])]!r} are asked for, which has no capacity.",
            "It must have one: a ramp is a change by a share of the capacity.",
            "Give the site a capacity.",
        )
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


def _csi(sums: Array) -> Array:
    """Critical success index of counts; NaN without events."""
    events = sums.sum(axis=-1)
    return np.where(events > 0, sums[..., 0] / np.where(events > 0, events, 1.0), np.nan)


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
