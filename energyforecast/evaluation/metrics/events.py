"""Scores of events: power above a threshold, ramps, peaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import RangeError
from energyforecast.evaluation.metrics.basic import Metric, as_pairs, score
from energyforecast.evaluation.pairing import Pairs

__all__ = [
    "brier",
    "event_reliability",
    "exceedance",
    "match_ramps",
    "onsets",
    "peaks",
    "ramps",
    "roc",
    "roc_area",
]

Array = npt.NDArray[Any]
By = str | Sequence[str] | None

#: Probabilities of a receiver operating characteristic are rounded to this many steps.
_STEPS: Final = 100


# -- exceedance ------------------------------------------------------------------------------------


def exceedance(pairs: Pairs, threshold: float, *, relative: bool = False) -> tuple[Array, Array]:
    """Whether outcomes exceed a threshold, and the probability of that, each of shape (rows,).

    Parameters
    ----------
    pairs : Pairs
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
        Whether it is a share.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> happened, told = exceedance(example_result().pairs["model"], 15.0)
    >>> happened[7:10].tolist(), told[7:10].round(2).tolist()
    ([0.0, 0.0, 1.0], [0.35, 0.4, 0.45])
    """
    limit = threshold * (pairs.capacity if relative else np.ones(len(pairs)))
    told = 1.0 - pairs.distribution.at_most(limit)
    happened = np.where(np.isfinite(limit), pairs.observed > limit, np.nan)
    return happened, np.where(np.isfinite(limit), told, np.nan)


def _bin(told: Array, bins: int) -> Array:
    return np.asarray(
        np.minimum((np.where(np.isfinite(told), told, 0.0) * bins + 1e-9).astype(int), bins - 1)
    )


def _brier_points(pairs: Pairs, threshold: float, relative: bool, bins: int) -> Array:
    """Squared error, outcome, and of each bin of probabilities its share, probability and outcomes."""
    happened, told = exceedance(pairs, threshold, relative=relative)
    member = (_bin(told, bins)[:, None] == np.arange(bins)).astype(float)
    return np.column_stack(
        [(told - happened) ** 2, happened, member, member * told[:, None], member * happened[:, None]]
    )


def _by_bin(means: Array) -> tuple[Array, Array, Array]:
    """Share of each bin, its mean probability and how often the event happened."""
    share, told, happened = np.split(means[..., 2:], 3, axis=-1)
    full = np.where(share > 0, share, 1.0)
    return share, told / full, happened / full


def _reliability(means: Array) -> Array:
    share, told, happened = _by_bin(means)
    return np.asarray((share * (told - happened) ** 2).sum(axis=-1))


def _resolution(means: Array) -> Array:
    share, _, happened = _by_bin(means)
    return np.asarray((share * (happened - means[..., 1:2]) ** 2).sum(axis=-1))


def _uncertainty(means: Array) -> Array:
    return np.asarray(means[..., 1] * (1 - means[..., 1]))


def _within_bins(means: Array) -> Array:
    return np.asarray(means[..., 0] - _reliability(means) + _resolution(means) - _uncertainty(means))


_PARTS: Final[tuple[tuple[str, Callable[[Array], Array], bool | None], ...]] = (
    ("brier", lambda means: means[..., 0], True),
    ("brier_reliability", _reliability, True),
    ("brier_resolution", _resolution, False),
    ("brier_uncertainty", _uncertainty, None),
    ("brier_within_bins", _within_bins, None),
)


def brier(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    threshold: float,
    relative: bool = False,
    bins: int = 10,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Brier score of power above a threshold, and its parts. [1]

    The score is ``brier_reliability`` - ``brier_resolution`` + ``brier_uncertainty`` + ``brier_within_bins``; the
    last is what probabilities differ within the bins.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
        Whether it is a share.
    bins : int
        Of probabilities, for the parts.
    by, weights : optional
        As in :func:`score`.

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
    metrics = [
        Metric(
            name,
            lambda p: _brier_points(p, threshold, relative, bins),
            share=True,
            combine=combine,
            lower_is_better=better,
        )
        for name, combine, better in _PARTS
    ]
    return score(metrics, observed, forecast, by=by, weights=weights)


def event_reliability(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    threshold: float,
    relative: bool = False,
    bins: int = 10,
    confidence: float = 0.9,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How often power exceeded a threshold, by the probability that was told, with consistency bars. [1]

    The bars come from resampling: forecasts are drawn, events happen with their probabilities, and are counted.
    They hold for hours that are independent of each other, so they are narrow where hours hang together.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
        Whether it is a share.
    bins : int
    confidence : float
        Probability of the bars.
    draws, seed : int

    Returns
    -------
    DataFrame
        ``probability`` (mean of the bin), ``value`` (frequency), ``low``, ``high``, ``n``: a row for each bin.

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
    happened, told = exceedance(as_pairs(observed, forecast), threshold, relative=relative)
    known = np.isfinite(told)
    happened, told = happened[known], told[known]
    count, probability, frequency = _frequencies(told, happened, bins)
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(draws if len(told) else 0):
        chosen = told[rng.integers(len(told), size=len(told))]
        drawn.append(_frequencies(chosen, (rng.uniform(size=len(chosen)) < chosen).astype(float), bins)[2])
    table = pd.DataFrame({"probability": probability, "value": frequency, "n": count.astype(int)})
    for place, (end, tail) in enumerate((("low", (1 - confidence) / 2), ("high", (1 + confidence) / 2))):
        bars = [np.nanquantile(x, tail) if np.isfinite(x).any() else np.nan for x in np.array(drawn).T]
        table.insert(2 + place, end, bars if drawn else np.nan)
    return table


def _frequencies(told: Array, happened: Array, bins: int) -> tuple[Array, Array, Array]:
    place = _bin(told, bins)
    count = np.bincount(place, minlength=bins)
    full = np.where(count > 0, count, np.nan)
    probability, frequency = (np.bincount(place, weights=x, minlength=bins) / full for x in (told, happened))
    return count, probability, frequency


def _roc_points(pairs: Pairs, threshold: float, relative: bool) -> Array:
    happened, told = exceedance(pairs, threshold, relative=relative)
    step = np.rint(np.where(np.isfinite(told), told, 0.0) * _STEPS).astype(int)
    warned = (step[:, None] >= np.arange(_STEPS, -1, -1)).astype(float)
    return np.column_stack([warned * happened[:, None], warned * (1 - happened[:, None])])


def _rates(means: Array) -> tuple[Array, Array]:
    """Hit rate and false alarm rate, from no warning at all to always."""
    hits, alarms = np.split(means, 2, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / hits[..., -1:], alarms / alarms[..., -1:]


def _area(means: Array) -> Array:
    hits, alarms = (np.concatenate([0 * rate[..., :1], rate], axis=-1) for rate in _rates(means))
    return np.asarray(np.trapezoid(hits, alarms, axis=-1))


def roc(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    threshold: float,
    relative: bool = False,
) -> pd.DataFrame:
    """Hit and false alarm rates of warnings of power above a threshold, by the probability that warns. [1]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
        Whether it is a share.

    Returns
    -------
    DataFrame
        ``probability`` from 1 to 0, ``hit_rate``, ``false_alarm_rate``; rounded to 1 %. NaN where the event
        happened always or never.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> curve = roc(example_observations(), example_forecast(), threshold=15.0)
    >>> curve.iloc[[0, 55, 100]].round(2).to_numpy().tolist()
    [[1.0, 0.33, 0.0], [0.45, 1.0, 0.0], [0.0, 1.0, 1.0]]
    """
    points = _roc_points(as_pairs(observed, forecast), threshold, relative)
    points = points[np.isfinite(points).all(axis=1)]
    means = points.mean(axis=0) if len(points) else np.full(2 * (_STEPS + 1), np.nan)
    hits, alarms = _rates(means)
    levels = np.arange(_STEPS, -1, -1) / _STEPS
    return pd.DataFrame({"probability": levels, "hit_rate": hits, "false_alarm_rate": alarms})


def roc_area(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    threshold: float,
    relative: bool = False,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Area under the curve of :func:`roc`: 1 tells events from others always, 0.5 never; blind to calibration. [1]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
        Whether it is a share.
    by, weights : optional
        As in :func:`score`.

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
    metric = Metric(
        "roc_area",
        lambda p: _roc_points(p, threshold, relative),
        share=True,
        combine=_area,
        lower_is_better=False,
    )
    return score(metric, observed, forecast, by=by, weights=weights)


# -- ramps -----------------------------------------------------------------------------------------


def _series(pairs: Pairs) -> list[Array]:
    """Rows of each issue at each site, in order of time."""
    ordered = np.lexsort([pairs.labels["valid_time"].to_numpy()])
    issues = pairs.labels.groupby(["site", "issue_time"], sort=False).ngroup().to_numpy()[ordered]
    return [ordered[issues == number] for number in range(issues.max() + 1 if len(issues) else 0)]


def _changes(values: Array, hour: Array, window: float) -> Array:
    """Change from a window before; NaN where that was not observed."""
    place = np.searchsorted(hour, hour - window - 1e-6)
    there = np.abs(hour[place] - (hour - window)) < 1e-6
    return np.where(there, values - values[place], np.nan)


def onsets(change: Array, least: Array | float) -> list[tuple[int, int]]:
    """Place and direction of each ramp: where the change is greatest, of neighbours that change enough.

    Parameters
    ----------
    change : array, shape (hours,)
        NaN where it is not known. [MW]
    least : array or float
        Change that is a ramp. [MW]

    Examples
    --------
    >>> onsets(np.array([0.0, 4.0, 6.0, -5.0, np.nan]), 4.0)
    [(2, 1), (3, -1)]
    """
    large = np.where(np.abs(np.nan_to_num(change)) >= least, np.sign(np.nan_to_num(change)), 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], large, [0]])))
    return [
        (start + int(np.abs(change[start:end]).argmax()), int(large[start]))
        for start, end in pairwise(edges.tolist())
        if large[start]
    ]


def match_ramps(
    told: Sequence[tuple[float, float, int]],
    came: Sequence[tuple[float, int]],
    *,
    tolerance: float,
) -> tuple[list[int], list[int]]:
    """Numbers of the ramps that were foretold, and of the forecasts that remain as false alarms.

    Parameters
    ----------
    told : sequence of tuple
        First and last hour of each forecast ramp, and its direction, 1 or -1. [h]
    came : sequence of tuple
        Hour and direction of each observed one. [h]
    tolerance : float
        How far outside of its hours a forecast still hits. [h]

    Notes
    -----
    Each observed ramp, in order, takes the nearest forecast of its direction that is free; each hits once.

    Examples
    --------
    >>> match_ramps([(3, 3, 1), (8, 8, -1)], [(4, 1), (9, 1)], tolerance=1)
    ([0], [1])
    """
    free = dict(enumerate(told))
    hits = []
    for number, (hour, direction) in enumerate(came):
        away = {
            key: max(first - hour, hour - last, 0.0)
            for key, (first, last, way) in free.items()
            if way == direction
        }
        near = min(away, key=lambda key: away[key], default=None)
        if near is not None and away[near] <= tolerance + 1e-6:
            hits.append(number)
            del free[near]
    return hits, list(free)


def _ramp_points(pairs: Pairs, change: float, window: float, tolerance: float) -> Array:
    """Hits, misses and false alarms at the hours at which they stand; NaN where no change is known."""
    found, median = np.full((len(pairs), 3), np.nan), pairs.at(0.5)
    stamps = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    for rows in _series(pairs):
        hour = (stamps[rows] - stamps[rows[0]]) / np.timedelta64(1, "h")
        told, real = (_changes(values[rows], hour, window) for values in (median, pairs.observed))
        found[rows[np.isfinite(real)]] = 0.0
        least = change * pairs.capacity[rows]
        warned, came = onsets(told, least), onsets(real, least)
        hits, false = match_ramps(
            [(hour[place], hour[place], direction) for place, direction in warned],
            [(hour[place], direction) for place, direction in came],
            tolerance=tolerance,
        )
        for number, (place, _) in enumerate(came):
            found[rows[place], 0 if number in hits else 1] += 1
        for number in false:
            found[rows[warned[number][0]], 2] += 1
    return found


_RAMPS: Final[tuple[tuple[str, Callable[[Array], Array], bool | None], ...]] = (
    ("ramp_hits", lambda sums: sums[..., 0], None),
    ("ramp_misses", lambda sums: sums[..., 1], None),
    ("ramp_false_alarms", lambda sums: sums[..., 2], None),
)


def _csi(sums: Array) -> Array:
    events = sums.sum(axis=-1)
    return np.where(events > 0, sums[..., 0] / np.where(events > 0, events, 1.0), np.nan)


def ramps(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    change: float = 0.3,
    window: float = 3.0,
    tolerance: float = 1.0,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Ramps of the median matched with those that came: hits, misses, false alarms, and the critical success index.

    A ramp is a change by at least `change` of the capacity within `window` hours, upward or downward; of
    neighbouring hours that all change so, the one of the greatest change. An observed ramp is hit by the nearest
    forecast ramp of its direction within the tolerance, each of which hits once. ``ramp_csi`` is hits over
    hits, misses and false alarms; it is NaN where there is none of them.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    change : float
        Share of the capacity.
    window, tolerance : float
        [h]
    by, weights : optional
        As in :func:`score`; an event belongs to its own hour, a false alarm to that of the forecast.

    Raises
    ------
    RangeError
        If a site has no capacity.

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
    pairs = as_pairs(observed, forecast)
    bare = np.flatnonzero(~np.isfinite(pairs.capacity))
    if bare.size:
        raise RangeError(
            f"Ramps of site {pairs.labels['site'].iloc[int(bare[0])]!r} are asked for, which has no capacity.",
            "A ramp is a change by a share of the capacity.",
            "Give the site a capacity.",
        )

    def points(given: Pairs) -> Array:
        return _ramp_points(given, change, window, tolerance)

    metrics = [
        Metric(name, points, unit="events", total=True, combine=combine, lower_is_better=better)
        for name, combine, better in _RAMPS
    ]
    metrics.append(Metric("ramp_csi", points, share=True, total=True, combine=_csi, lower_is_better=False))
    return score(metrics, pairs, by=by, weights=weights)


# -- peaks -----------------------------------------------------------------------------------------


def _peak_points(pairs: Pairs) -> tuple[Array, Array]:
    """Error of each issue's peak and of its hour, at the observed peak; NaN elsewhere and where hours are missing."""
    error, late, median = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan), pairs.at(0.5)
    stamps = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[ns]")
    broken = set(zip(pairs.missing["site"], pairs.missing["issue_time"], strict=True))
    for rows in _series(pairs):
        first = pairs.labels.iloc[int(rows[0])]
        if (first["site"], first["issue_time"]) not in broken:
            came, told = rows[pairs.observed[rows].argmax()], rows[median[rows].argmax()]
            error[came] = np.abs(median[told] - pairs.observed[came])
            late[came] = np.abs((stamps[told] - stamps[came]) / np.timedelta64(1, "h"))
    return error, late


def peaks(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Absolute error of the greatest power of each issue's window, and of its hour. [MW, h]

    The forecast's peak is that of its medians, which is lower than the median peak where hours are uncertain.
    Windows with a missing outcome do not count; ``n`` counts windows.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`; a peak belongs to its observed hour.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> peaks(example_observations(), example_forecast())[["metric", "value", "n"]]
          metric  value  n
    0       peak    1.0  1
    1  peak_hour    0.0  1
    """
    metrics = (
        Metric("peak", lambda p: _peak_points(p)[0]),
        Metric("peak_hour", lambda p: _peak_points(p)[1], unit="h"),
    )
    return score(metrics, observed, forecast, by=by, weights=weights)
