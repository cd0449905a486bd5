"""Scores by name: one function for every metric of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import Metric, aggregate
from energyforecast.evaluation.inputs import Observed, Predicted, as_pairs
from energyforecast.evaluation.metrics import (
    basic,
    contingency,
    corp,
    corp_diagrams,
    deterministic,
    distribution,
    economic,
    ensemble,
    events,
    exceedance,
    expectiles,
    explained,
    murphy,
    spread,
)
from energyforecast.evaluation.registry import REGISTRY, Parameters, RegisteredMetric, RegisteredTable

__all__ = ["METRICS", "AnyMetric", "metric_names", "named", "score"]

Array = npt.NDArray[Any]
#: A metric: its name, an object of the registry, or one of your own.
AnyMetric: TypeAlias = str | Metric | RegisteredMetric

#: Metrics of a table of scores, in its order.
METRICS: Final[tuple[Metric, ...]] = tuple(
    item
    for family in (
        basic.mae,
        basic.rmse,
        basic.bias,
        basic.pinball,
        basic.pinball_7,
        basic.crps,
        basic.coverage,
        basic.width,
    )
    for item in family.metrics()
)
#: Names of scores and tables of samples.
SAMPLE_METRICS: Final = (*ensemble.SAMPLE_SCORES, *ensemble.SAMPLE_TABLES)


def metric_names() -> list[str]:
    """Names of all metrics, by topic.

    See Also
    --------
    score : Scores by these names.

    Examples
    --------
    >>> metric_names()[:6]
    ['mae', 'rmse', 'bias', 'pinball', 'pinball_7', 'crps']
    """
    topics = (
        basic,
        deterministic,
        explained,
        distribution,
        expectiles,
        spread,
        exceedance,
        corp,
        corp_diagrams,
        murphy,
        contingency,
        events,
        economic,
    )
    known = [name for topic in topics for name, item in REGISTRY.items() if item.__module__ == topic.__name__]
    return [*known, *SAMPLE_METRICS]


def named(choice: AnyMetric, parameters: Parameters | None = None) -> tuple[Metric, ...]:
    """The metrics of a name, or of one part of a metric: coverage has several, one for each interval."""
    if isinstance(choice, Metric):
        return (choice,)
    if isinstance(choice, RegisteredMetric):
        return choice.metrics(parameters)
    entry = REGISTRY.get(choice) if isinstance(choice, str) else None
    if isinstance(entry, RegisteredMetric):
        return entry.metrics(parameters)
    for family in REGISTRY.values():
        if isinstance(family, RegisteredMetric) and choice in family.parts:
            return tuple(item for item in family.metrics(parameters) if item.name == choice)
    if entry is not None or choice in SAMPLE_METRICS:
        raise SchemaError(
            f"{choice!r} is asked for among scores.",
            "It is a table of its own, or a score of samples.",
            f"Call energyforecast.evaluation.score({choice!r}, observed, forecast) by itself.",
        )
    raise SchemaError(
        f"Scores by {choice!r} are asked for.",
        f"A metric must be a Metric, or one of {metric_names()}.",
        "Choose among them, or write energyforecast.evaluation.Metric(...).",
    )


def score(
    metric: AnyMetric | RegisteredTable | Sequence[AnyMetric],
    observed: Observed | Array,
    forecast: Predicted | Any = None,
    *,
    by: Any = None,
    weights: Array | None = None,
    confidence: float | None = None,
    parameters: Parameters | None = None,
) -> pd.DataFrame:
    """Table of scores, by the names of the metrics.

    Parameters
    ----------
    metric : str, Metric, object of the registry, or sequence of them
        Names, such as ``"mae"`` (all of :func:`metric_names`), or metrics of your own.
    observed : Observations, Pairs, Series, DataFrame or DataArray
        Outcomes; an array for scores of samples. [MW]
    forecast : Forecast, Series, DataFrame or DataArray, optional
        Not needed with pairs; an array of samples for their scores. A series is a single value an hour; the columns of
        a table are levels, if all are numbers in (0, 1), else sites; an array has the dimension ``time``, and may
        have ``site`` and ``quantile``, ``attrs`` ``kind`` and ``capacity`` [MW], and coordinates ``issue_time`` and
        ``lead_time`` along ``time``. Times (in UTC if without a zone) and sites must be those of the outcomes. [MW]
    by : str or sequence of str, optional
        Any of ``"site"``, ``"kind"``, ``"lead_time"``, ``"hour"``, ``"month"`` (local), ``"season"`` (``"DJF"`` ...),
        ``"weather_age"`` (issue minus run, hours), ``"quality"`` (``fallback_level``), and ``"level"`` for
        metrics that have one at each level. For samples, labels of the rows.
    weights : array, shape (rows,), optional
        Of the pairs, or of the rows of samples.
    confidence : float, optional
        Probability, like 0.9, of an interval for each value, from days drawn in blocks of seven; NaN with
        fewer than eight days. Columns ``low`` and ``high``, in the unit of ``value``.
    parameters : mapping, optional
        Of the metric, by name: ``score("brier", observed, forecast, parameters={"threshold": 50.0})`` is
        ``brier(observed, forecast, threshold=50.0)``.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``metric``, ``level``, ``value`` [MW, or 1 for a share], ``percent`` (of
        capacity, or of 1; NaN without capacity), ``low`` and ``high`` if asked for, ``n``, ``missing``,
        ``hours``. Diagrams and comparisons, such as ``"pit"``, ``"roc"``, ``"murphy"`` and ``"economic_value"``, are
        tables of their own.

    Raises
    ------
    SchemaError
        If a metric, a label or a parameter is unknown, or sites or dimensions differ.
    TimeError
        If times differ.
    MissingDataError
        If the forecast of an observed hour is missing.

    See Also
    --------
    Metric : A metric of your own.
    metric_names : Names of all metrics.
    energyforecast.Result : Scores of all models of a backtest.
    compare : Test of a difference.

    References
    ----------
    Intervals: circular block bootstrap of Politis and Romano (1994), https://doi.org/10.1080/01621459.1994.10476870.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> score(["mae", "rmse", "bias"], example_observations(), example_forecast())[["metric", "value", "n", "missing"]]
      metric  value   n  missing
    0    mae    1.0  24        0
    1   rmse    1.0  24        0
    2   bias   -1.0  24        0
    """
    check_types(locals(), of=score)
    entry = REGISTRY.get(metric) if isinstance(metric, str) else metric
    given = {"by": by, "weights": weights, "confidence": confidence}
    if isinstance(entry, RegisteredTable):
        asked = {name: value for name, value in given.items() if value is not None}
        twice = sorted({"observed", "forecast", *asked} & set(parameters or {}))
        if twice:
            raise SchemaError(
                f"{twice[0]!r} is given among the parameters too.",
                "It must be given once.",
                f"Leave it out of parameters: score({entry.name!r}, ..., {twice[0]}=...).",
            )
        return entry(observed, forecast, **asked, **(parameters or {}))
    if isinstance(metric, str) and metric in SAMPLE_METRICS:
        return _of_samples(metric, np.asarray(observed), forecast, given=given, parameters=parameters)
    chosen = [metric] if isinstance(metric, str | Metric | RegisteredMetric) else list(metric)  # type: ignore[arg-type]
    if not chosen:
        raise SchemaError(
            "No metric is given.", "There must be one or more.", f"Choose among {metric_names()}."
        )
    if parameters and len(chosen) > 1:
        raise SchemaError(
            f"Parameters {list(parameters)} are given for {len(chosen)} metrics.",
            "They must belong to one metric.",
            "Score it by itself, or give metrics such as *brier.metrics({'threshold': 50.0}).",
        )
    metrics = [item for choice in chosen for item in named(choice, parameters)]
    return aggregate(metrics, as_pairs(observed, forecast), **given)


def _of_samples(
    metric: str, observed: Array, samples: Any, *, given: dict[str, Any], parameters: Parameters | None
) -> pd.DataFrame:
    """A score of samples, or a table of them, which takes parameters alone."""
    refused = ["confidence"] if metric in ensemble.SAMPLE_SCORES else list(given)
    asked = [name for name in refused if given.pop(name) is not None]
    if asked:
        raise SchemaError(
            f"{metric!r} is asked for with {asked[0]!r}.",
            "Scores of samples take by, weights and parameters, tables of samples parameters alone.",
            "Leave it out.",
        )
    if metric in ensemble.SAMPLE_TABLES:
        return ensemble.table_of_samples(metric, observed, samples, parameters=parameters)
    return ensemble.score_samples(metric, observed, samples, **given, parameters=parameters)
