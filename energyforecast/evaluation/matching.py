"""Matching of two forecasts, hour by hour of each issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import SchemaError
from energyforecast.evaluation.pairing import Pairs

__all__ = ["Fill", "Matched", "match"]

Fill = Literal["reference", "common"]

_KEY: Final = ["site", "issue_time", "valid_time"]


@dataclass(frozen=True, eq=False)
class Matched:
    """Two forecasts of the same hours, row by row.

    Parameters
    ----------
    model, reference : Pairs
    filled : array of bool, shape (rows,)
        Hours of which only the reference had a forecast: the model's is the reference's there.
    unmatched : int
        Hours of either that are left out.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> len(match(pairs["model"], pairs["reference"]).model)
    24
    """

    model: Pairs
    reference: Pairs
    filled: npt.NDArray[np.bool_]
    unmatched: int


def match(model: Pairs, reference: Pairs, *, fill: Fill = "reference") -> Matched:
    """Match two forecasts, hour by hour of each issue.

    Parameters
    ----------
    model, reference : Pairs
    fill : {"reference", "common"}
        How an hour is treated that the model did not forecast: with the reference's forecast, so that leaving out
        difficult hours gains nothing; or left out, so that only common hours are compared.

    Raises
    ------
    SchemaError
        If they have no hour in common, an hour twice, or other levels where hours are filled.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> late = pairs["model"].of_rows(np.arange(6, 24))  # six hours are missing
    >>> both = match(late, pairs["reference"])
    >>> len(both.model), int(both.filled.sum()), both.unmatched
    (24, 6, 0)
    """
    keys = _common_keys(model, reference)
    first, second = (pd.MultiIndex.from_frame(pairs.labels[keys]) for pairs in (model, reference))
    place = first.get_indexer(second)
    has = place >= 0
    unmatched = len(first) - int(has.sum())
    if fill == "common" or has.all():
        rows = np.flatnonzero(has)
        left = unmatched + int((~has).sum())
        return Matched(
            model.of_rows(place[rows]), reference.of_rows(rows), np.zeros(len(rows), dtype=bool), left
        )
    if not np.array_equal(model.quantile_levels, reference.quantile_levels):
        raise SchemaError(
            f"{int((~has).sum())} hours lack the model's forecast, which has {len(model.quantile_levels)} levels, the "
            f"reference {len(reference.quantile_levels)}.",
            "Where the reference's forecast stands in, both have the same levels.",
            "Forecast the same levels, or compare common hours: fill='common'.",
        )
    filled = reference.of_rows(np.arange(len(reference)))
    filled.quantiles[has] = model.quantiles[place[has]]
    return Matched(filled, reference, ~has, unmatched)


def _common_keys(model: Pairs, reference: Pairs) -> list[str]:
    """Columns that identify a row: with the issue, unless the two were issued at other times."""
    same = set(model.labels["issue_time"]) & set(reference.labels["issue_time"])
    keys = _KEY if same else ["site", "valid_time"]
    for name, pairs in (("model", model), ("reference", reference)):
        twice = pairs.labels[keys].duplicated()
        if twice.any():
            raise SchemaError(
                f"The {name} has {int(twice.sum())} forecasts of an hour more than one, the first of "
                f"{pairs.labels.loc[twice, 'site'].iloc[0]!r} at {pairs.labels.loc[twice, 'valid_time'].iloc[0]}.",
                "Forecasts issued at other times are matched by the hour, of which each has one.",
                "Choose one issue for each hour, such as the newest before the day.",
            )
    if not len(pd.merge(model.labels[keys], reference.labels[keys])):
        raise SchemaError(
            "The two forecasts have no hour with an outcome in common.",
            "What is compared are forecasts of the same hours.",
            "Forecast the same period at the same sites.",
        )
    return keys
