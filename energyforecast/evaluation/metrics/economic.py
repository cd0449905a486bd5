"""What a forecast is worth in money, where deviations from a declared schedule are paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.settlement import ImbalanceTerms, Price, as_terms, best_level
from energyforecast.evaluation.metrics.basic import Metric, as_pairs, groups, score
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.significance import Fill, match

__all__ = ["economic_value", "imbalance_cost"]

Array = npt.NDArray[Any]
By = str | Sequence[str] | None


def _declared(pairs: Pairs, terms: ImbalanceTerms, level: float | None) -> Array:
    """The schedule: a level of the forecast, or of each hour the one that costs least."""
    if level is not None:
        return pairs.at(level)
    return pairs.distribution.at(best_level(*terms.prices(kind=pairs.kind, hours=pairs.valid_times)))


def _cost(terms: ImbalanceTerms, level: float | None) -> Metric:
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


def imbalance_cost(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    terms: ImbalanceTerms | None = None,
    shortage: Price | None = None,
    surplus: Price | None = None,
    level: float | None = None,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    r"""Cost of the deviations from a declared schedule, over all hours with an outcome. [currency]

    .. math:: \sum \Delta t \, p_{side} \, \max(|y - s| - b, 0)

    with the terms of :meth:`energyforecast.core.settlement.ImbalanceTerms.cost`. Which side is short, the kind of
    each site says: of demand, more than declared is a shortage.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    terms : ImbalanceTerms, optional
        In place of the prices, with a dead band.
    shortage, surplus : float or Series
        What a megawatt-hour too little or too much costs, against having declared it: a number, or a series by
        the beginnings of hours, with their zone. [currency per MWh]
    level : float, optional
        Quantile that is declared; by default that which costs least without a dead band, ``surplus / (shortage +
        surplus)`` of a plant, ``shortage / (shortage + surplus)`` of demand, within the levels of the forecast.
    by, weights : optional
        As in :func:`score`.

    Raises
    ------
    MissingDataError
        If a site's kind is ``"site"``, so that the side is not known, and the prices of the sides differ.
    TimeError
        If a series of prices lacks an hour or a zone.
    SchemaError
        If terms and prices are both given, or neither.

    References
    ----------
    Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

    See Also
    --------
    economic_value, energyforecast.planning.compare_schedules

    Examples
    --------
    Each hour brings 1 MW more than the median.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = imbalance_cost(example_observations(), example_forecast(), shortage=40, surplus=10, level=0.5)
    >>> table[["metric", "value", "n"]]
               metric  value   n
    0  imbalance_cost  240.0  24
    """
    metric = _cost(as_terms(terms, shortage=shortage, surplus=surplus), level)
    return score(metric, observed, forecast, by=by, weights=weights)


def economic_value(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    reference: Forecast | Pairs,
    terms: ImbalanceTerms | None = None,
    shortage: Price | None = None,
    surplus: Price | None = None,
    level: float | None = None,
    fill: Fill = "reference",
    by: By = None,
) -> pd.DataFrame:
    """Imbalance cost against that of a reference, and the share of what a perfect forecast would save.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    reference : Forecast or Pairs
    terms, shortage, surplus, level : optional
        As in :func:`imbalance_cost`, for both forecasts.
    fill : {"reference", "common"}
        As in ``energyforecast.evaluation.significance.match``.
    by : str or sequence of str, optional
        As in :func:`score`.

    Returns
    -------
    DataFrame
        Columns of `by`, ``cost``, ``reference_cost``, ``saved`` [currency], ``value`` (saved over what a perfect
        forecast saves, which pays nothing: 1 is perfect, NaN where the reference costs nothing), ``n``, ``filled``.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> economic_value(pairs["model"], reference=pairs["reference"], shortage=40, surplus=10, level=0.5)
        cost  reference_cost  saved  value   n  filled
    0  240.0           480.0  240.0    0.5  24       0
    """
    other = reference if isinstance(reference, Pairs) or isinstance(observed, Pairs) else None
    base = as_pairs(observed, reference) if other is None else reference  # type: ignore[arg-type]
    both = match(as_pairs(observed, forecast), base, fill=fill)  # type: ignore[arg-type]
    metric = _cost(as_terms(terms, shortage=shortage, surplus=surplus), level)
    table, beside = score(metric, both.model, by=by), score(metric, both.reference, by=by)
    filled = [int(both.filled[rows].sum()) for _, rows, _ in groups(both.reference, by)]
    keys = table.drop(columns=["metric", "level", "value", "percent", "n", "missing", "hours"])
    cost, paid = table["value"], beside["value"]
    return keys.assign(
        cost=cost,
        reference_cost=paid,
        saved=paid - cost,
        value=(1 - cost / paid.where(paid > 0)),
        n=table["n"],
        filled=filled,
    )
