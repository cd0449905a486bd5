"""Aggregation of scores: pointwise values to means, roots and sums, by group, with n and intervals.

Conventions
-----------
* An outcome is compared with the forecast of exactly its hour; an hour that was not observed at all
  is an error, an hour with a missing value, or one set aside by its flags, is counted and left out.
* The distribution is the curve of straight lines through the quantiles, flat outside the outer ones.
  Its median is judged by the absolute error, its mean by the squared error and the bias.
* The forecast of a plant lies between 0 and its capacity. Auxiliary use makes the outcome slightly
  negative in calm hours; such outcomes are judged as 0, and counted in ``below_zero``.
* The pinball loss is not doubled; the CRPS is twice the integral of the pinball loss over all levels.
* Every score is a function of the mean (or the sum) of its values at the points, or of the weighted points,
  so that groups, weights and intervals are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import check_types, checked
from energyforecast.errors import SchemaError
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.bootstrap import block_draws, quantile_interval, resampled, reweighted
from energyforecast.evaluation.inputs import Observed, Predicted, as_pairs
from energyforecast.evaluation.pairing import Pairs

__all__ = ["By", "Days", "Metric", "aggregate", "groups"]

Array = npt.NDArray[Any]
#: Labels by which scores are grouped.
By: TypeAlias = str | Sequence[str] | None

_BY: Final = (
    *("site", "kind", "lead_time", "hour", "month", "season", "weather_age", "quality", "flags", "level"),
)
_SEASONS: Final = np.array(["DJF", "MAM", "JJA", "SON"])


@checked(level=(0, 1))
@dataclass(frozen=True)
class Metric:
    r"""A score: its value at a point, and the way in which points are combined.

    .. math:: S = g\Big(\frac{1}{\sum_i w_i} \sum_i w_i \, s_i\Big)

    with the points :math:`s_i`, weights :math:`w_i`, and :math:`g` the identity, a root or `combine`.

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
    statistic : callable, optional
        From points and weights, shape (..., rows), to the score, shape (...), where means of points do not
        suffice, as for ranks and for deviations from a mean.
    order : float or sequence of float
        Power of the unit in which the points, or each of their columns, are; of no use with `root`.
    total : bool
        Whether points are summed up rather than averaged.
    by_level : callable, optional
        From the levels of a forecast to a metric for each, for tables by ``"level"``.

    See Also
    --------
    score : Scores by name.

    Examples
    --------
    A score of your own: the shortfall below the 10 % quantile.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> shortfall = Metric("shortfall", lambda p: np.maximum(p.at(0.1) - p.observed, 0.0), reach=(0.1, 0.1))
    >>> shortfall(example_observations(), example_forecast())["value"].tolist()
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
    statistic: Callable[[Array, Array], Array] | None = None
    order: float | Sequence[float] = 1
    total: bool = False
    by_level: Callable[[Array], Sequence[Metric]] | None = None

    def __post_init__(self) -> None:
        if self.share:
            object.__setattr__(self, "unit", "1")
        if self.root:
            object.__setattr__(self, "order", 2)
        elif isinstance(self.order, Sequence):
            object.__setattr__(self, "order", tuple(self.order))

    def __call__(
        self,
        observed: Observed,
        forecast: Predicted | None = None,
        *,
        by: By = None,
        weights: Array | None = None,
        confidence: float | None = None,
    ) -> pd.DataFrame:
        """Table of this score; see :func:`energyforecast.evaluation.score`."""
        pairs = as_pairs(observed, forecast)
        return aggregate([self], pairs, by=by, weights=weights, confidence=confidence)

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
        if self.statistic is not None:
            return float(self.statistic(values, weight))
        together = np.average(values, axis=0, weights=weights) * (weight.sum() if self.total else 1.0)
        return float(self.from_means(np.asarray(together)))

    def normalised(self, points: Array, capacity: Array) -> Array:
        """Points in units of the capacity."""
        scale = capacity.reshape(-1, *[1] * (points.ndim - 1)) ** np.asarray(self.order)
        return np.asarray(points / scale)


def aggregate(
    metrics: Sequence[Metric],
    pairs: Pairs,
    *,
    by: By = None,
    weights: Array | None = None,
    confidence: float | None = None,
) -> pd.DataFrame:
    """Table of metrics over groups of pairs; :func:`energyforecast.evaluation.score` describes it."""
    _check_weights(weights, pairs)
    if confidence is not None:
        check_probability("The confidence", confidence)
    check_types({"by": by}, of=aggregate)
    keys = [by] if isinstance(by, str) else list(() if by is None else by)
    if "level" in keys:
        metrics, keys = _at_levels(metrics, pairs), [key for key in keys if key != "level"]
    members = groups(pairs, keys)
    days = None if confidence is None else Days.of(pairs)
    rows = []
    for metric in metrics:
        points = pairs.points(metric)
        applies = np.isfinite(points if points.ndim == 1 else points.sum(axis=1))
        for key, member, missing in members:
            counted = member[applies[member]]
            row = key | _row(metric, points, pairs, counted, weights)
            if days is not None and confidence is not None:
                row["low"], row["high"] = days.interval(
                    metric, points, counted, weights, confidence=confidence
                )
            rows.append(row | {"n": len(counted), "missing": missing, "hours": pairs.hours})
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Days:
    """Number of the day of each row, in UTC, and draws of days in blocks; sites and leads of a day stay together."""

    number: Array
    drawn: Array

    @classmethod
    def of(cls, pairs: Pairs) -> Days:
        """Number the days of pairs and draw them."""
        day = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        known, number = np.unique(day, return_inverse=True)
        return cls(number.ravel(), block_draws(len(known)) if len(known) else np.zeros((0, 0)))

    def draws(self, metric: Metric, points: Array, rows: Array, weights: Array | None) -> Array:
        """The score in each draw."""
        weight = None if weights is None else np.asarray(weights)[rows]
        if metric.statistic is not None:
            return reweighted(
                metric.statistic, points[rows], self.number[rows], drawn=self.drawn, weights=weight
            )
        means = resampled(points[rows], self.number[rows], self.drawn, weights=weight, total=metric.total)
        return metric.from_means(means)

    def interval(
        self, metric: Metric, points: Array, rows: Array, weights: Array | None, *, confidence: float
    ) -> tuple[float, float]:
        """Central interval of the score."""
        return quantile_interval(
            lambda: self.draws(metric, points, rows, weights),
            days=len(np.unique(self.number[rows])),
            interval=confidence,
        )


def groups(pairs: Pairs, by: By) -> list[tuple[dict[str, Any], Array, int]]:
    """Labels of each group, the numbers of its rows, and the number of its hours without an outcome."""
    keys = [by] if isinstance(by, str) else list(() if by is None else by)
    if len(set(keys)) < len(keys):
        raise SchemaError(
            f"Scores by {keys} are asked for.", "A label must occur once.", "Leave out the others."
        )
    unknown = [key for key in keys if key not in _BY or (key != "season" and key not in pairs.labels)]
    if unknown:
        raise SchemaError(
            f"Scores by {unknown[0]!r} are asked for.", f"Groups must be among {_BY}.", "Choose among them."
        )
    if not keys:
        return [({}, np.arange(len(pairs)), len(pairs.missing))]
    both = pd.concat([_labels(pairs.labels, keys), _labels(pairs.missing, keys)], ignore_index=True)
    member = both.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
    result = []
    for number in range(member.max() + 1 if len(member) else 0):
        rows = np.flatnonzero(member == number)
        paired = rows[rows < len(pairs)]
        result.append((both.iloc[int(rows[0])].to_dict(), paired, len(rows) - len(paired)))
    return result


def _labels(labels: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Columns of labels, with the season where it is asked for."""
    if "season" in keys:
        labels = labels.assign(season=_SEASONS[labels["month"].to_numpy() % 12 // 3])
    return labels[keys]


def _check_weights(weights: Array | None, pairs: Pairs) -> None:
    """Refuse weights of another length than the pairs, negative and missing ones."""
    if weights is not None and np.shape(weights) != (len(pairs),):
        raise SchemaError(
            f"Weights have the shape {np.shape(weights)}, for {len(pairs)} hours with an outcome.",
            "There must be one for each row of the pairs.",
            "Make them from pairs = align(observed, forecast), and score the pairs.",
        )
    if weights is not None:
        check_range("A weight", weights, low=0.0)


def _at_levels(metrics: Sequence[Metric], pairs: Pairs) -> list[Metric]:
    """The metric of each level in place of a metric over levels."""
    single: list[Metric] = []
    for metric in metrics:
        if metric.by_level is not None:
            single += metric.by_level(pairs.quantile_levels)
        elif metric.level is not None:
            single.append(metric)
        else:
            raise SchemaError(
                f"The score {metric.name!r} is asked for by level.",
                "Only pinball losses, coverages, widths and interval scores have levels.",
                "Leave 'level' out for other scores.",
            )
    return single


def _row(metric: Metric, points: Array, pairs: Pairs, rows: Array, weights: Array | None) -> dict[str, Any]:
    """Value of a metric over some rows, and its percentage."""
    weight = None if weights is None else np.asarray(weights)[rows]
    value = metric.aggregate(points[rows], weight)
    if metric.unit == "1":
        percent = 100 * value
    elif metric.unit in ("MW", "MW²") and np.isfinite(pairs.capacity[rows]).all():
        percent = 100 * metric.aggregate(metric.normalised(points[rows], pairs.capacity[rows]), weight)
    else:
        percent = float("nan")
    level = float("nan") if metric.level is None else metric.level
    return {"metric": metric.name, "level": level, "value": value, "percent": percent}
