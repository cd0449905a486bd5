"""Matching of two forecasts, hour by hour of each issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.intervals import check_same_step
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.pairing import Pairs

__all__ = ["Fill", "Matched", "common_keys", "match"]

Fill = Literal["reference", "common"]

_KEY: Final = ["site", "issue_time", "valid_time"]


@dataclass(frozen=True, eq=False)
class Matched:
    """Two forecasts of the same rows; hours filled with the reference's forecast, and the count of hours left out."""

    model: Pairs
    reference: Pairs
    filled: npt.NDArray[np.bool_]
    unmatched: int


def match(model: Pairs, reference: Pairs, *, fill: Fill = "reference") -> Matched:
    """Match two forecasts, hour by hour of each issue.

    `fill` "reference" takes the reference's forecast where the model has none, so that leaving out difficult hours
    gains no skill; "common" compares common hours only.
    """
    one_of("fill", fill, allowed=("reference", "common"))
    check_same_step(model.step, reference.step, name="The forecast", other="the reference")
    keys = common_keys(model, reference)
    first, second = (pd.MultiIndex.from_frame(pairs.labels[keys]) for pairs in (model, reference))
    place = first.get_indexer(second)
    matched = place >= 0
    unmatched = len(first) - int(matched.sum())
    if fill == "common" or matched.all():
        rows = np.flatnonzero(matched)
        left = unmatched + int((~matched).sum())
        return Matched(
            model.of_rows(place[rows]), reference.of_rows(rows), np.zeros(len(rows), dtype=bool), left
        )
    if not np.array_equal(model.quantile_levels, reference.quantile_levels):
        raise SchemaError(
            f"{int((~matched).sum())} hours lack the model's forecast, which has {len(model.quantile_levels)} levels, "
            f"the reference {len(reference.quantile_levels)}.",
            "Where the reference's forecast is taken, both must have the same levels.",
            "Forecast the same levels, or compare common hours: fill='common'.",
        )
    filled = reference.of_rows(np.arange(len(reference)))
    filled.quantiles[matched] = model.quantiles[place[matched]]
    return Matched(filled, reference, ~matched, unmatched)


def common_keys(model: Pairs, reference: Pairs) -> list[str]:
    """Columns that identify a row: with the issue, unless the two were issued at other times."""
    same = set(model.labels["issue_time"]) & set(reference.labels["issue_time"])
    keys = _KEY if same else ["site", "valid_time"]
    for name, pairs in (("model", model), ("reference", reference)):
        twice = pairs.labels[keys].duplicated()
        if twice.any():
            raise SchemaError(
                f"The {name} has {int(twice.sum())} forecasts of an hour more than one, the first of "
                f"{pairs.labels.loc[twice, 'site'].iloc[0]!r} at {pairs.labels.loc[twice, 'valid_time'].iloc[0]}.",
                "Forecasts issued at other times are matched by the hour: each must have one for it.",
                "Choose one issue for each hour, such as the newest before the day.",
            )
    if not len(pd.merge(model.labels[keys], reference.labels[keys])):
        raise SchemaError(
            "The two forecasts have no hour with an outcome in common.",
            "Forecasts of the same hours must be compared.",
            "Forecast the same period at the same sites.",
        )
    return keys
