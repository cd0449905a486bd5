"""What a forecast is worth in money, where deviations from a declared schedule are paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import times
from energyforecast.errors import MissingDataError
from energyforecast.evaluation.losses import imbalance_cost_of
from energyforecast.evaluation.metrics import Metric, as_pairs, groups, score
from energyforecast.evaluation.pairs import Pairs
from energyforecast.evaluation.significance import Fill, match
from energyforecast.forecast import Forecast
from energyforecast.observations import Observations

__all__ = ["economic_value", "imbalance_cost"]

Array = npt.NDArray[Any]
By = str | Sequence[str] | None
#: A price for all hours, or a series of prices by the beginnings of hours in UTC. [currency per MWh]
Price: TypeAlias = float | pd.Series


def _price(price: Price, pairs: Pairs, name: str) -> Array:
    """Of each row."""
    if not isinstance(price, pd.Series):
        return np.full(len(pairs), float(price))
    wanted = times.to_ns(pairs.labels["valid_time"])
    found = pd.Series(price.to_numpy(dtype=float), index=times.to_ns(price.index)).reindex(wanted).to_numpy()
    absent = ~np.isfinite(found)
    if absent.any():
        raise MissingDataError(
            f"The price of {name} is not known at {int(absent.sum())} hours, the first {wanted[absent][0]} UTC.",
            "A series of prices holds each hour of the forecast.",
            "Give more prices, or score a shorter period.",
        )
    return np.asarray(found)


def _declared(pairs: Pairs, shortage: Array, surplus: Array, level: float | None) -> Array:
    """The schedule: a level of the forecast, or of each hour the one that costs least."""
    if level is not None:
        return pairs.at(level)
    dear = shortage + surplus
    best = np.where(dear > 0, surplus / np.where(dear > 0, dear, 1.0), 0.5)
    return pairs.distribution.at(best)


def _cost(shortage: Price, surplus: Price, dead_band: float, level: float | None, *, demand: bool) -> Metric:
    def points(pairs: Pairs) -> Array:
        # Buyers are short when more was used than bought: their outcomes count as negative deliveries.
        prices = _price(shortage, pairs, "shortage"), _price(surplus, pairs, "surplus")
        few, many = prices[::-1] if demand else prices
        schedule = _declared(pairs, few, many, level)
        return imbalance_cost_of(
            pairs.observed, schedule, shortage=few, surplus=many, dead_band=dead_band, step=pairs.step
        )

    return Metric("imbalance_cost", points, unit="currency", total=True)


def imbalance_cost(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    shortage: Price,
    surplus: Price,
    dead_band: float = 0.0,
    level: float | None = None,
    demand: bool = False,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Cost of the deviations from a declared schedule, over all hours with an outcome. [currency]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    shortage, surplus : float or Series
        What a megawatt-hour too little or too much costs, against having declared it: a number, or a series by
        the beginnings of hours in UTC.
    dead_band : float
        Deviation that costs nothing; only what exceeds it is paid. [MW]
    level : float, optional
        Quantile that is declared; by default that which costs least, ``surplus / (shortage + surplus)``, within
        the levels of the forecast (without a dead band it is the best one).
    demand : bool
        Whether outcomes are used rather than made: then more than declared is a shortage.
    by, weights : optional
        As in :func:`score`.

    Raises
    ------
    MissingDataError
        If a series of prices lacks an hour.

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
    metric = _cost(shortage, surplus, dead_band, level, demand=demand)
    return score(metric, observed, forecast, by=by, weights=weights)


def economic_value(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    reference: Forecast | Pairs,
    shortage: Price,
    surplus: Price,
    dead_band: float = 0.0,
    level: float | None = None,
    demand: bool = False,
    fill: Fill = "reference",
    by: By = None,
) -> pd.DataFrame:
    """Imbalance cost against that of a reference, and the share of what a perfect forecast would save.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    reference : Forecast or Pairs
    shortage, surplus, dead_band, level, demand : optional
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
    metric = _cost(shortage, surplus, dead_band, level, demand=demand)
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
