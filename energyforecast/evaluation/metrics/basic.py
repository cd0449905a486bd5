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
* Every score is a function of the mean (or the sum) of what it is at each point, so that groups,
  weights and intervals are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import SchemaError
from energyforecast.evaluation.bootstrap import block_draws, quantile_interval, resampled
from energyforecast.evaluation.losses import crps_of_quantiles, pinball_loss
from energyforecast.evaluation.pairing import Pairs, align

__all__ = [
    "METRICS",
    "Days",
    "Metric",
    "Pairs",
    "align",
    "as_pairs",
    "bias",
    "coverage",
    "crps",
    "crps_of_quantiles",
    "groups",
    "mae",
    "named",
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


@dataclass(frozen=True)
class Metric:
    """A score: what it is at a point, and how points are put together.

    Parameters
    ----------
    name : str
    pointwise : callable
        From pairs to an array of shape (rows,), or (rows, columns) where `combine` needs several means.
        Rows to which the score does not apply are NaN; they are not in ``n``.
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
    unit : str
        Of its value: ``"MW"``, ``"MW²"``, ``"MWh"``, ``"h"``, ``"1"``, ``"events"``, ``"currency"``.
    combine : callable, optional
        From means, shape (..., columns), to the score, shape (...).
    order : float or sequence of float
        Power of the unit in which the points, or each of their columns, are; of no use with `root`.
    total : bool
        Whether points are summed up rather than averaged.
    by_level : callable, optional
        From the levels of a forecast to a metric for each, for tables by ``"level"``.

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
    unit: str = "MW"
    combine: Callable[[Array], Array] | None = None
    order: float | Sequence[float] = 1
    total: bool = False
    by_level: Callable[[Array], Sequence[Metric]] | None = None

    def __post_init__(self) -> None:
        if self.share:
            object.__setattr__(self, "unit", "1")
        if self.root:
            object.__setattr__(self, "order", 2)

    def within(self, levels: Array) -> bool:
        """Whether the levels of a forecast reach as far as the metric looks."""
        return bool(levels[0] <= self.reach[0] + 1e-9 and self.reach[1] - 1e-9 <= levels[-1])

    def from_means(self, means: Array) -> Array:
        """The score of means (or sums) of points.

        Examples
        --------
        >>> Metric("rmse", lambda p: (p.observed - p.mean) ** 2, root=True).from_means(np.array([4.0, 9.0])).tolist()
        [2.0, 3.0]
        """
        if self.combine is not None:
            return np.asarray(self.combine(means))
        return np.sqrt(means) if self.root else means

    def aggregate(self, values: Array, weights: Array | None = None) -> float:
        """Mean of the points, or its root; NaN if there are none.

        Examples
        --------
        >>> squared = np.array([1.0, 49.0])
        >>> Metric("rmse", lambda p: (p.observed - p.mean) ** 2, root=True).aggregate(squared)
        5.0
        """
        weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
        if not weight.any():
            return float("nan")
        together = np.average(values, axis=0, weights=weights) * (weight.sum() if self.total else 1.0)
        return float(self.from_means(np.asarray(together)))

    def normalised(self, points: Array, capacity: Array) -> Array:
        """Points in units of the capacity."""
        scale = capacity.reshape(-1, *[1] * (points.ndim - 1)) ** np.asarray(self.order)
        return np.asarray(points / scale)


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


def _pinball_at(level: float) -> Metric:
    return Metric("pinball", lambda p: _pinball_on(p, [level]), level=level, reach=(level, level))


_PINBALL: Final = Metric(
    "pinball",
    lambda p: pinball_loss(p.observed, p.quantiles, p.levels).mean(axis=1),
    by_level=lambda levels: [_pinball_at(float(level)) for level in levels],
)
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

_BY: Final = ("site", "kind", "lead_time", "hour", "month", "season", "weather_age", "quality", "level")
_SEASONS: Final = np.array(["DJF", "MAM", "JJA", "SON"])


def named(choice: str | Metric) -> list[Metric]:
    """The metrics of a name: coverage and width have several, one for each interval.

    Raises
    ------
    SchemaError
        If there is none.

    Examples
    --------
    >>> [item.level for item in named("coverage")]
    [0.5, 0.8, 0.9]
    """
    if isinstance(choice, Metric):
        return [choice]
    found = [item for item in METRICS if item.name == choice]
    if not found:
        raise SchemaError(
            f"Scores by {choice!r} are asked for.",
            f"A metric is a Metric, or one of {list(dict.fromkeys(item.name for item in METRICS))}.",
            "Choose among them, or write energyforecast.evaluation.Metric(...).",
        )
    return found


def score(
    metric: str | Metric | Sequence[str | Metric],
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: str | Sequence[str] | None = None,
    weights: Array | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """Table of scores.

    Parameters
    ----------
    metric : str, Metric or sequence of them
        Names, such as ``"mae"``, or metrics of your own.
    observed : Observations or Pairs
    forecast : Forecast, optional
        Not needed with pairs.
    by : str or sequence of str, optional
        Any of ``"site"``, ``"lead_time"``, ``"hour"``, ``"month"`` (local), ``"season"`` (``"DJF"`` ...),
        ``"weather_age"`` (issue minus run, hours), ``"quality"`` (``fallback_level``), and ``"level"`` for
        metrics that have one at each level.
    weights : array, shape (rows,), optional
        Of the pairs.
    confidence : float, optional
        Probability, like 0.9, of an interval for each value, from days drawn in blocks of seven; NaN with
        fewer than eight days. Columns ``low`` and ``high``, in the unit of ``value``.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``metric``, ``level``, ``value`` [MW, or 1 for a share], ``percent`` (of
        capacity, or of 1; NaN without capacity), ``low`` and ``high`` if asked for, ``n``, ``missing``,
        ``hours``.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> score(["mae", "rmse", "bias"], example_observations(), example_forecast())[["metric", "value", "n", "missing"]]
      metric  value   n  missing
    0    mae    1.0  24        0
    1   rmse    1.0  24        0
    2   bias   -1.0  24        0
    """
    pairs = as_pairs(observed, forecast)
    _check_weights(weights, pairs)
    keys = [by] if isinstance(by, str) else list(by or ())
    chosen = (metric,) if isinstance(metric, str | Metric) else metric
    metrics = tuple(item for choice in chosen for item in named(choice))
    if "level" in keys:
        metrics, keys = _at_levels(metrics, pairs), [key for key in keys if key != "level"]
    members = groups(pairs, keys)
    days = None if confidence is None else Days.of(pairs)
    rows = []
    for item in metrics:
        points = pairs.points(item) if item in METRICS else item.pointwise(pairs)
        applies = np.isfinite(points if points.ndim == 1 else points.sum(axis=1))
        for key, member, missing in members:
            counted = member[applies[member]]
            row = key | _row(item, points, pairs, counted, weights)
            if days is not None and confidence is not None:
                row["low"], row["high"] = days.interval(item, points, counted, weights, confidence=confidence)
            rows.append(row | {"n": len(counted), "missing": missing, "hours": pairs.hours})
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Days:
    """The days of some pairs, drawn in blocks; all sites and leads of a day stay together.

    Parameters
    ----------
    number : array of int, shape (rows,)
        Of the day of each row, in UTC.
    drawn : array, shape (draws, days)

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> Days.of(example_result().pairs["model"]).drawn.shape
    (1000, 1)
    """

    number: Array
    drawn: Array

    @classmethod
    def of(cls, pairs: Pairs) -> Days:
        """Number the days of pairs and draw them."""
        day = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        known, number = np.unique(day, return_inverse=True)
        return cls(number.ravel(), block_draws(len(known)) if len(known) else np.zeros((0, 0)))

    def draws(self, item: Metric, points: Array, rows: Array, weights: Array | None) -> Array:
        """The score in each draw."""
        weight = None if weights is None else np.asarray(weights)[rows]
        means = resampled(points[rows], self.number[rows], self.drawn, weights=weight, total=item.total)
        return item.from_means(means)

    def interval(
        self, item: Metric, points: Array, rows: Array, weights: Array | None, *, confidence: float
    ) -> tuple[float, float]:
        """Central interval of the score."""
        return quantile_interval(
            lambda: self.draws(item, points, rows, weights),
            days=len(np.unique(self.number[rows])),
            interval=confidence,
        )


def as_pairs(observed: Observations | Pairs, forecast: Forecast | None = None) -> Pairs:
    """Pairs as they are, or observations aligned with a forecast.

    Raises
    ------
    SchemaError
        If observations are given without a forecast.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> len(as_pairs(example_observations(), example_forecast()))
    24
    """
    if isinstance(observed, Pairs):
        return observed
    if forecast is None:
        raise SchemaError(
            "No forecast is given.", "Observations are scored with a forecast.", "Give one, or Pairs."
        )
    return align(observed, forecast)


def _check_weights(weights: Array | None, pairs: Pairs) -> None:
    if weights is not None and np.shape(weights) != (len(pairs),):
        raise SchemaError(
            f"Weights have the shape {np.shape(weights)}, for {len(pairs)} hours with an outcome.",
            "There is one for each row of the pairs.",
            "Make them from pairs = align(observed, forecast), and score the pairs.",
        )


def _at_levels(metrics: Sequence[Metric], pairs: Pairs) -> tuple[Metric, ...]:
    found: list[Metric] = []
    for item in metrics:
        if item.by_level is not None:
            found += item.by_level(pairs.levels)
        elif item.level is not None:
            found.append(item)
        else:
            raise SchemaError(
                f"The score {item.name!r} is asked for by level.",
                "Pinball losses, coverages, widths and interval scores have levels.",
                "Leave 'level' out for other scores.",
            )
    return tuple(found)


def _labels(labels: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if "season" in keys:
        labels = labels.assign(season=_SEASONS[labels["month"].to_numpy() % 12 // 3])
    return labels[keys]


def groups(pairs: Pairs, by: str | Sequence[str] | None) -> list[tuple[dict[str, Any], Array, int]]:
    """Labels of each group, numbers of its rows, and how many of its hours have no outcome.

    Parameters
    ----------
    pairs : Pairs
    by : str or sequence of str, optional
        As in :func:`score`, without ``"level"``.

    Raises
    ------
    SchemaError
        If a label is not known.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [(label, len(rows), lost) for label, rows, lost in groups(example_result().pairs["model"], "season")]
    [({'season': 'DJF'}, 24, 0)]
    """
    keys = [by] if isinstance(by, str) else list(by or ())
    unknown = [key for key in keys if key not in _BY or (key != "season" and key not in pairs.labels)]
    if unknown:
        raise SchemaError(
            f"Scores by {unknown[0]!r} are asked for.", f"Groups are {_BY}.", "Choose among them."
        )
    if not keys:
        return [({}, np.arange(len(pairs)), len(pairs.missing))]
    both = pd.concat([_labels(pairs.labels, keys), _labels(pairs.missing, keys)], ignore_index=True)
    member = both.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
    result = []
    for number in range(member.max() + 1 if len(member) else 0):
        rows = np.flatnonzero(member == number)
        here = rows[rows < len(pairs)]
        result.append((both.iloc[int(rows[0])].to_dict(), here, len(rows) - len(here)))
    return result


def _row(item: Metric, points: Array, pairs: Pairs, rows: Array, weights: Array | None) -> dict[str, Any]:
    chosen = None if weights is None else np.asarray(weights)[rows]
    value = item.aggregate(points[rows], chosen)
    if item.unit == "1":
        percent = 100 * value
    elif item.unit in ("MW", "MW²"):
        percent = 100 * item.aggregate(item.normalised(points[rows], pairs.capacity[rows]), chosen)
    else:
        percent = float("nan")
    level = float("nan") if item.level is None else item.level
    return {"metric": item.name, "level": level, "value": value, "percent": percent}


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
