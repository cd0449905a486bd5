"""Metrics of costs, where deviations from a declared schedule are paid for."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import pandas as pd

from energyforecast.core.settlement import ImbalanceTerms, Price, as_terms, best_level
from energyforecast.evaluation.aggregation import By, Metric, aggregate, groups
from energyforecast.evaluation.matching import Fill, match
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric, table

__all__ = ["economic_value", "imbalance_cost"]

Array = npt.NDArray[Any]


@metric()
def imbalance_cost(
    *,
    terms: ImbalanceTerms | None = None,
    shortage: Price | None = None,
    surplus: Price | None = None,
    level: float | None = None,
) -> Metric:
    r"""Cost of the deviations from a declared schedule, over all hours with an outcome. [currency]

    .. math:: \sum_i \Delta t \, p_{\mathrm{side}} \, \max(|y_i - s_i| - b, 0)

    with the schedule :math:`s` and the terms of :meth:`energyforecast.core.settlement.ImbalanceTerms.cost`. The kind of
    each site decides which side is short: of demand, more than declared is a shortage.

    Parameters
    ----------
    terms : ImbalanceTerms, optional
        In place of the prices, with a dead band.
    shortage, surplus : float or Series
        Cost of a megawatt-hour too little or too much, against having declared it: a number, or a series by
        the beginnings of hours, with their zone. [currency per MWh]
    level : float, optional
        Quantile that is declared; by default the cheapest one without a dead band, ``surplus / (shortage +
        surplus)`` of a plant, ``shortage / (shortage + surplus)`` of demand, within the levels of the forecast.

    Raises
    ------
    MissingDataError
        If a site's kind is ``"site"``, so that the side is not known, and the prices of the sides differ.
    TimeError
        If a series of prices lacks an hour or a zone.
    SchemaError
        If terms and prices are both given, or neither.

    See Also
    --------
    economic_value, energyforecast.planning.compare_schedules

    References
    ----------
    Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

    Examples
    --------
    Each hour brings 1 MW more than the median.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = imbalance_cost(example_observations(), example_forecast(), shortage=40, surplus=10, level=0.5)
    >>> table[["metric", "value", "n"]]
               metric  value   n
    0  imbalance_cost  240.0  24
    """
    return _cost(as_terms(terms, shortage=shortage, surplus=surplus), level)


@table
def economic_value(
    pairs: Pairs,
    *,
    reference: Pairs,
    terms: ImbalanceTerms | None = None,
    shortage: Price | None = None,
    surplus: Price | None = None,
    level: float | None = None,
    fill: Fill = "reference",
    by: By = None,
) -> pd.DataFrame:
    r"""Economic value: the saving over a reference, as a share of that of a perfect forecast. [1]

    .. math:: V = \frac{C_{\mathrm{reference}} - C}{C_{\mathrm{reference}} - C_{\mathrm{perfect}}},
        \quad C_{\mathrm{perfect}} = 0

    with the imbalance cost :math:`C`.

    Parameters
    ----------
    reference : Pairs or Forecast
        Of the same hours.
    terms, shortage, surplus, level : optional
        As in :func:`imbalance_cost`, for both forecasts.

    Returns
    -------
    DataFrame
        Columns of `by`, ``cost``, ``reference_cost``, ``saved`` [currency], ``value`` (1 is perfect, NaN where the
        reference has no cost), ``n``, ``filled``.

    See Also
    --------
    imbalance_cost, energyforecast.evaluation.compare

    References
    ----------
    Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> economic_value(pairs["model"], reference=pairs["reference"], shortage=40, surplus=10, level=0.5)
        cost  reference_cost  saved  value   n  filled
    0  240.0           480.0  240.0    0.5  24       0
    """
    both = match(pairs, reference, fill=fill)
    metric = _cost(as_terms(terms, shortage=shortage, surplus=surplus), level)
    table, base = (aggregate([metric], item, by=by) for item in (both.model, both.reference))
    filled = [int(both.filled[rows].sum()) for _, rows, _ in groups(both.reference, by)]
    keys = table.drop(columns=["metric", "level", "value", "percent", "n", "missing", "hours"])
    cost, paid = table["value"], base["value"]
    return keys.assign(
        cost=cost,
        reference_cost=paid,
        saved=paid - cost,
        value=(1 - cost / paid.where(paid > 0)),
        n=table["n"],
        filled=filled,
    )


def _cost(terms: ImbalanceTerms, level: float | None) -> Metric:
    """Cost of each row under some terms."""

    def points(pairs: Pairs) -> Array:
        return terms.cost(
            pairs.observed,
            _declared(pairs, terms, level),
            kind=pairs.kind,
            hours=pairs.valid_times,
            capacity=pairs.capacity,
            step=pairs.step,
        )

    return Metric("imbalance_cost", points, unit="currency", total=True)


def _declared(pairs: Pairs, terms: ImbalanceTerms, level: float | None) -> Array:
    """The schedule: a level of the forecast, or of each hour the cheapest one."""
    if level is not None:
        return pairs.at(level)
    prices = terms.prices(kind=pairs.kind, hours=pairs.valid_times, step=pairs.step)
    return pairs.distribution.at(best_level(*prices))
