"""Scores of forecasts: pointwise functions on arrays, one alignment, one aggregation, always with n.

Conventions
-----------
* An outcome is compared with the forecast of exactly its hour; an hour that was not observed at all
  is an error, an hour whose value is missing or set aside by its flags is counted and left out.
* The distribution is the curve of straight lines through the quantiles, flat outside the outer ones.
  Its median is judged by the absolute error, its mean by the squared error and the bias.
* The forecast of a plant lies between 0 and its capacity. Auxiliary use makes the outcome slightly
  negative in calm hours; such outcomes are judged as 0, and counted in ``below_zero``.
* The pinball loss is not doubled; the CRPS is twice the integral of the pinball loss over all levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import times
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.forecast import Forecast
from energyforecast.observations import Observations

__all__ = [
    "METRICS",
    "Metric",
    "Pairs",
    "align",
    "bias",
    "coverage",
    "crps",
    "crps_of_quantiles",
    "mae",
    "pinball",
    "pinball_loss",
    "rmse",
    "score",
    "width",
]

Array = npt.NDArray[Any]

#: Central intervals whose coverage and width are reported.
INTERVALS: Final = (0.5, 0.8, 0.9)
#: A coarse grid of levels on which pinball losses are often published.
SEVEN_LEVELS: Final = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


def pinball_loss(observed: Array, quantiles: Array, levels: Sequence[float] | Array) -> Array:
    """Pinball (quantile) loss of each level, not doubled.

    Parameters
    ----------
    observed : array, shape (rows,)
    quantiles : array, shape (rows, levels)
    levels : sequence of float

    Returns
    -------
    array, shape (rows, levels)

    References
    ----------
    Koenker and Bassett (1978), https://doi.org/10.2307/1913643.

    Examples
    --------
    >>> pinball_loss(np.array([3.0]), np.array([[1.0, 4.0]]), [0.1, 0.9]).round(3).tolist()
    [[0.2, 0.1]]
    """
    error = np.asarray(observed)[:, None] - np.asarray(quantiles)
    return np.asarray(np.maximum(np.asarray(levels) * error, (np.asarray(levels) - 1) * error))


def crps_of_quantiles(observed: Array, quantiles: Array, levels: Sequence[float] | Array) -> Array:
    """Continuous ranked probability score of the curve through the quantiles, exactly.

    Between levels the quantile function is a straight line; below the first and above the last level
    it is flat, so the outer masses lie on the outer quantiles.

    Parameters
    ----------
    observed : array, shape (rows,)
    quantiles : array, shape (rows, levels)
        Not falling.
    levels : sequence of float

    Returns
    -------
    array, shape (rows,)

    References
    ----------
    Gneiting and Ranjan (2011), https://doi.org/10.1198/jbes.2010.08110: the score is twice the
    integral of the pinball loss over all levels.

    Examples
    --------
    >>> crps_of_quantiles(np.array([0.0]), np.array([[2.0, 2.0]]), [0.1, 0.9]).tolist()  # |2 - 0|
    [2.0]
    """
    y = np.asarray(observed, dtype=float)[:, None]
    q = np.asarray(quantiles, dtype=float)
    curve = np.concatenate([q[:, :1], q, q[:, -1:]], axis=1) - y
    tau = np.concatenate([[0.0], np.asarray(levels, dtype=float), [1.0]])
    below, above = curve[:, :-1], curve[:, 1:]
    rise = above - below
    # Share of each piece on which the curve lies below the outcome.
    share = np.where(
        rise > 0, np.clip(-below / np.where(rise > 0, rise, 1.0), 0, 1), (below < 0).astype(float)
    )
    start, end = tau[:-1], tau[1:]
    cross = start + share * (end - start)
    touch = below + share * rise
    # (indicator - level) times a straight line is a parabola on each part, for which Simpson's rule is exact.
    lower = _simpson(start, cross, below, touch, 0.0)
    upper = _simpson(cross, end, touch, above, 1.0)
    return np.asarray(2.0 * (lower + upper).sum(axis=1))


def _simpson(a: Array, b: Array, value_a: Array, value_b: Array, indicator: float) -> Array:
    middle = (indicator - 0.5 * (a + b)) * 0.5 * (value_a + value_b)
    ends = (indicator - a) * value_a + (indicator - b) * value_b
    return np.asarray((b - a) / 6.0 * (ends + 4.0 * middle))


@dataclass(frozen=True)
class Pairs:
    """Outcomes and forecasts of the same hours.

    Parameters
    ----------
    observed : array, shape (rows,)
        Between the bounds of the forecast. [MW]
    quantiles : array, shape (rows, levels)
        [MW]
    levels : array, shape (levels,)
    labels : DataFrame, shape (rows, ...)
        ``site``, ``lead_time`` [h], ``issue_time``, ``valid_time``, ``hour``, ``month``.
    capacity : array, shape (rows,)
        NaN where there is none. [MW]
    missing : DataFrame
        The labels of hours without outcome.
    below_zero : int
        Outcomes judged as 0.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pairs = align(example_observations(), example_forecast())
    >>> pairs.observed[:3].tolist(), pairs.at(0.5)[:3].tolist()
    ([11.0, 11.5, 12.0], [10.0, 10.5, 11.0])
    """

    observed: Array
    quantiles: Array
    levels: Array
    labels: pd.DataFrame
    capacity: Array
    missing: pd.DataFrame
    below_zero: int
    _points: dict[tuple[str, float | None], Array] = field(default_factory=dict, repr=False)

    def points(self, metric: Metric) -> Array:
        """The metric at each row, computed once.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> example_result().pairs["model"].points(METRICS[0])[:3].tolist()  # absolute errors
        [1.0, 1.0, 1.0]
        """
        key = (metric.name, metric.level)
        if key not in self._points:
            self._points[key] = metric.pointwise(self)
        return self._points[key]

    def __len__(self) -> int:
        return len(self.observed)

    def at(self, level: float) -> Array:
        """One quantile of each row, interpolated where it is not among the levels.

        Raises
        ------
        RangeError
            If the level lies outside those of the forecast.
        """
        if not self.levels[0] - 1e-9 <= level <= self.levels[-1] + 1e-9:
            raise RangeError(
                f"A score asks for the quantile {level:g}.",
                f"The forecast holds levels from {self.levels[0]:g} to {self.levels[-1]:g}.",
                "Forecast more levels, or choose another interval.",
            )
        near = int(np.abs(self.levels - level).argmin())
        if abs(self.levels[near] - level) <= 1e-9:
            return self.quantiles[:, near]
        right = int(np.clip(np.searchsorted(self.levels, level - 1e-9), 1, len(self.levels) - 1))
        span = self.levels[right] - self.levels[right - 1]
        share = np.clip((level - self.levels[right - 1]) / span, 0.0, 1.0)
        return np.asarray(self.quantiles[:, right - 1] * (1 - share) + self.quantiles[:, right] * share)

    @property
    def share_at_or_below(self) -> Array:
        """Probability that the outcome lies at or below each quantile, shape (rows, levels): 0 or 1.

        Where several quantiles lie on the outcome itself, as on the mass that a plant has at 0, the
        outcome stands for all of them alike, and the share rises from level to level.
        """
        tied = self.quantiles == self.observed[:, None]
        share = (self.observed[:, None] <= self.quantiles).astype(float)
        rows = np.flatnonzero(tied.sum(axis=1) > 1)
        below = (self.quantiles[rows] < self.observed[rows, None]).sum(axis=1)
        upto = (self.quantiles[rows] <= self.observed[rows, None]).sum(axis=1)
        edges = np.concatenate([[0.0], self.levels, [1.0]])
        low = edges[below][:, None]
        high = np.where(upto == len(self.levels), 1.0, edges[upto])[:, None]
        share[rows] = np.where(tied[rows], (self.levels - low) / (high - low), share[rows])
        return share

    @property
    def mean(self) -> Array:
        """Mean of each distribution. [MW]"""
        edges = np.concatenate([[0.0], (self.levels[1:] + self.levels[:-1]) / 2, [1.0]])
        return np.asarray(self.quantiles @ np.diff(edges))


def align(observed: Observations, forecast: Forecast) -> Pairs:
    """Pair every forecast hour with its outcome, exactly.

    Parameters
    ----------
    observed : Observations
    forecast : Forecast

    Returns
    -------
    Pairs

    Raises
    ------
    TimeError
        If an hour of the forecast lies outside the observations.
    SchemaError
        If a site was not observed.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pairs = align(example_observations(), example_forecast())
    >>> pairs.labels[["site", "valid_time", "lead_time"]].head(2)
       site                valid_time  lead_time
    0  farm 2024-01-02 00:00:00+00:00       15.0
    1  farm 2024-01-02 01:00:00+00:00       16.0
    """
    origin, step = np.nonzero(forecast.inside)
    data = forecast.data
    valid = data["valid_time"].values[origin, step].astype("datetime64[ns]")
    stamps = times.to_ns(observed.index)
    position = np.searchsorted(stamps, valid)
    there = stamps[np.minimum(position, len(stamps) - 1)] == valid
    if not there.all():
        raise TimeError(
            f"{int((~there).sum())} hours of the forecast were not observed, the first {valid[~there][0]} UTC.",
            f"The observations ({observed.index[0]} to {observed.index[-1]}) hold every hour of the forecast; "
            "an unknown value is NaN.",
            "Score the forecasts of a shorter period, or give more observations.",
        )
    zone = times.zone(str(data.attrs.get("timezone", "UTC")))
    local = pd.DatetimeIndex(valid, tz="UTC").tz_convert(zone)
    frames, outcomes, cubes, limits = [], [], [], []
    for k, name in enumerate(forecast.sites):
        if name not in observed.sites:
            raise SchemaError(
                f"Site {name!r} was not observed.",
                f"Observed were {list(observed.sites)}.",
                "Rename the column.",
            )
        values = observed.values[name].where(~observed.unfit[name]).to_numpy()
        outcomes.append(values[position])
        cubes.append(data.values[k, origin, step].astype(float))
        limits.append(np.full(len(valid), float(data["capacity"].values[k])))
        labels = {
            "site": name,
            "issue_time": times.to_index(data["issue_time"].values[origin]),
            "valid_time": times.to_index(valid),
            "lead_time": data["lead_time"].values[step] / np.timedelta64(1, "h"),
            "hour": np.asarray(local.hour),
            "month": np.asarray(local.month),
        }
        frames.append(pd.DataFrame(labels))
    outcome, capacity = np.concatenate(outcomes), np.concatenate(limits)
    labels_, cube = pd.concat(frames, ignore_index=True), np.concatenate(cubes)
    known, plant = np.isfinite(outcome), np.isfinite(capacity)
    judged = np.where(plant, np.clip(outcome, 0.0, capacity), outcome)
    return Pairs(
        observed=judged[known],
        quantiles=cube[known],
        levels=np.asarray(forecast.quantiles),
        labels=labels_[known].reset_index(drop=True),
        capacity=capacity[known],
        missing=labels_[~known].reset_index(drop=True),
        below_zero=int((plant & (outcome < 0)).sum()),
    )


@dataclass(frozen=True)
class Metric:
    """A score: what it is at a point, and how points are put together.

    Parameters
    ----------
    name : str
    pointwise : callable
        From pairs to an array of shape (rows,); levels beside it are parameters of the metric.
    root : bool
        Whether the root of the mean is taken.
    share : bool
        Whether it is a share (1) rather than a power (MW).
    level : float, optional
        Level of the interval or quantile.
    lower_is_better : bool or None
        ``None`` if neither is: a bias, a width, a coverage.
    reach : (float, float)
        Lowest and highest level at which it looks at the distribution.

    Examples
    --------
    A score of your own: the greatest shortfall that the forecast's 10 % level did not foresee.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> shortfall = Metric("shortfall", lambda p: np.maximum(p.at(0.1) - p.observed, 0.0), reach=(0.1, 0.1))
    >>> score(shortfall, example_observations(), example_forecast())["value"].tolist()
    [0.0]
    """

    name: str
    pointwise: Callable[[Pairs], Array]
    root: bool = False
    share: bool = False
    level: float | None = None
    lower_is_better: bool | None = True
    reach: tuple[float, float] = (0.5, 0.5)

    def within(self, levels: Array) -> bool:
        """Whether the levels of a forecast reach as far as the metric looks."""
        return bool(levels[0] <= self.reach[0] + 1e-9 and self.reach[1] - 1e-9 <= levels[-1])

    def aggregate(self, values: Array, weights: Array | None = None) -> float:
        """Mean of the points, or its root; NaN if there are none.

        Examples
        --------
        >>> squared = np.array([1.0, 49.0])
        >>> Metric("rmse", lambda p: (p.observed - p.mean) ** 2, root=True).aggregate(squared)
        5.0
        """
        if not len(values):
            return float("nan")
        mean = float(np.average(values, weights=weights))
        return float(np.sqrt(mean)) if self.root else mean


def _inside(pairs: Pairs, interval: float) -> Array:
    low, high = pairs.at((1 - interval) / 2), pairs.at((1 + interval) / 2)
    return np.asarray(((pairs.observed >= low) & (pairs.observed <= high)).astype(float))


def _width(pairs: Pairs, interval: float) -> Array:
    return pairs.at((1 + interval) / 2) - pairs.at((1 - interval) / 2)


def _pinball_on(pairs: Pairs, levels: Sequence[float]) -> Array:
    quantiles = np.column_stack([pairs.at(level) for level in levels])
    return np.asarray(pinball_loss(pairs.observed, quantiles, levels).mean(axis=1))


def _reach(interval: float) -> tuple[float, float]:
    return (1 - interval) / 2, (1 + interval) / 2


def _coverage(interval: float) -> Metric:
    return Metric(
        "coverage",
        lambda p: _inside(p, interval),
        share=True,
        level=interval,
        lower_is_better=None,
        reach=_reach(interval),
    )


def _interval_width(interval: float) -> Metric:
    return Metric(
        "width", lambda p: _width(p, interval), level=interval, lower_is_better=None, reach=_reach(interval)
    )


_MAE: Final = Metric("mae", lambda p: np.abs(p.observed - p.at(0.5)))
_RMSE: Final = Metric("rmse", lambda p: (p.observed - p.mean) ** 2, root=True)
_BIAS: Final = Metric("bias", lambda p: p.mean - p.observed, lower_is_better=None)
_PINBALL: Final = Metric("pinball", lambda p: pinball_loss(p.observed, p.quantiles, p.levels).mean(axis=1))
_PINBALL_7: Final = Metric("pinball_7", lambda p: _pinball_on(p, SEVEN_LEVELS), reach=(0.05, 0.95))
_CRPS: Final = Metric("crps", lambda p: crps_of_quantiles(p.observed, p.quantiles, p.levels))

#: Metrics of a table of scores, in its order.
METRICS: Final[tuple[Metric, ...]] = (
    _MAE,
    _RMSE,
    _BIAS,
    _PINBALL,
    _PINBALL_7,
    _CRPS,
    *(_coverage(interval) for interval in INTERVALS),
    *(_interval_width(interval) for interval in INTERVALS),
)

_BY: Final = ("site", "lead_time", "hour", "month")


def score(
    metric: Metric | Sequence[Metric],
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Table of scores.

    Parameters
    ----------
    metric : Metric or sequence of Metric
    observed : Observations or Pairs
    forecast : Forecast, optional
        Not needed with pairs.
    by : str or sequence of str, optional
        Any of ``"site"``, ``"lead_time"``, ``"hour"``, ``"month"`` (local).
    weights : array, shape (rows,), optional
        Of the pairs.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``metric``, ``level``, ``value`` [MW, or 1 for a share], ``percent`` (of
        capacity, or of 1; NaN without capacity), ``n``, ``missing``.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> score(METRICS[:3], example_observations(), example_forecast())[["metric", "value", "n", "missing"]]
      metric  value   n  missing
    0    mae    1.0  24        0
    1   rmse    1.0  24        0
    2   bias   -1.0  24        0
    """
    pairs = observed if isinstance(observed, Pairs) else align(observed, _given(forecast))
    keys = [by] if isinstance(by, str) else list(by or ())
    unknown = [key for key in keys if key not in _BY]
    if unknown:
        raise SchemaError(
            f"Scores by {unknown[0]!r} are asked for.", f"Groups are {_BY}.", "Choose among them."
        )
    metrics = (metric,) if isinstance(metric, Metric) else tuple(metric)
    groups = _groups(pairs, keys)
    rows = []
    for item in metrics:
        points = pairs.points(item) if item in METRICS else item.pointwise(pairs)
        for key, member, missing in groups:
            rows.append(
                key
                | _row(item, points, pairs, member, weights)
                | {"n": int(member.sum()), "missing": missing}
            )
    return pd.DataFrame(rows)


def _given(forecast: Forecast | None) -> Forecast:
    if forecast is None:
        raise SchemaError("No forecast is given.", "Observations are scored with a forecast.", "Give one.")
    return forecast


def _groups(pairs: Pairs, keys: list[str]) -> list[tuple[dict[str, Any], Array, int]]:
    if not keys:
        return [({}, np.ones(len(pairs), dtype=bool), len(pairs.missing))]
    both = pd.concat([pairs.labels[keys], pairs.missing[keys]]).drop_duplicates().sort_values(keys)
    result = []
    for values in both.itertuples(index=False, name=None):
        member = np.logical_and.reduce(
            [pairs.labels[key].to_numpy() == v for key, v in zip(keys, values, strict=True)]
        )
        lost = np.logical_and.reduce(
            [pairs.missing[key].to_numpy() == v for key, v in zip(keys, values, strict=True)]
        )
        result.append((dict(zip(keys, values, strict=True)), member, int(np.sum(lost))))
    return result


def _row(item: Metric, points: Array, pairs: Pairs, member: Array, weights: Array | None) -> dict[str, Any]:
    chosen = None if weights is None else np.asarray(weights)[member]
    value = item.aggregate(points[member], chosen)
    if item.share:
        percent = 100 * value
    else:
        scaled = points[member] / (pairs.capacity[member] ** (2 if item.root else 1))
        percent = 100 * item.aggregate(scaled, chosen)
    return {"metric": item.name, "level": item.level, "value": value, "percent": percent}


def mae(
    observed: Observations,
    forecast: Forecast,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean absolute error of the median. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> mae(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0    mae    1.0  24
    """
    return score(_MAE, observed, forecast, by=by, weights=weights)


def rmse(
    observed: Observations,
    forecast: Forecast,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Root of the mean squared error of the mean. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> rmse(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0   rmse    1.0  24
    """
    return score(_RMSE, observed, forecast, by=by, weights=weights)


def bias(
    observed: Observations,
    forecast: Forecast,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean of forecast minus outcome, for the mean of the distribution. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> bias(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0   bias   -1.0  24
    """
    return score(_BIAS, observed, forecast, by=by, weights=weights)


def pinball(
    observed: Observations,
    forecast: Forecast,
    *,
    levels: Sequence[float] | None = None,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean pinball loss over the forecast's levels, or over others. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    levels : sequence of float, optional
        Those of the forecast by default.
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pinball(example_observations(), example_forecast(), levels=[0.5])[["metric", "value", "n"]]
        metric  value   n
    0  pinball    0.5  24
    """
    metric = _PINBALL if levels is None else Metric("pinball", lambda p: _pinball_on(p, levels))
    return score(metric, observed, forecast, by=by, weights=weights)


def crps(
    observed: Observations,
    forecast: Forecast,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Continuous ranked probability score. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> crps(example_observations(), example_forecast())[["metric", "value", "n"]].round(2)
      metric  value   n
    0   crps   0.93  24
    """
    return score(_CRPS, observed, forecast, by=by, weights=weights)


def coverage(
    observed: Observations,
    forecast: Forecast,
    *,
    interval: float = 0.9,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Share of outcomes inside a central interval. [1]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    interval : float
        Probability that the interval holds the outcome: 0.9 lies between the levels 0.05 and 0.95.
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> coverage(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value", "n"]]
         metric  level  value   n
    0  coverage    0.8    1.0  24
    """
    return score(_coverage(interval), observed, forecast, by=by, weights=weights)


def width(
    observed: Observations,
    forecast: Forecast,
    *,
    interval: float = 0.9,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean width of a central interval. [MW]

    Parameters
    ----------
    observed : Observations
    forecast : Forecast
    interval : float
        Probability that the interval holds the outcome: 0.9 lies between the levels 0.05 and 0.95.
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> width(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value", "n"]]
      metric  level  value   n
    0  width    0.8    8.0  24
    """
    return score(_interval_width(interval), observed, forecast, by=by, weights=weights)
