"""The event of the report, and the miscalibration of forecasts by isotonic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.evaluation.metrics import basic, corp
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import tables

__all__ = ["EVENT", "event", "fewer_rows", "miscalibration"]

#: The event of warnings: power above this share of the capacity.
EVENT: Final = 0.5
#: Rows of isotonic regressions.
_ROWS: Final = 20_000


def event(result: Result, *, model: str) -> dict[str, Any]:
    """The event of the report: power above half of the capacity, or above the median outcome without a capacity.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> event(example_result(), model="model")
    {'threshold': 0.5, 'relative': True}
    """
    if not tables.has_no_capacity(result, model):
        return {"threshold": EVENT, "relative": True}
    return {"threshold": float(np.median(result.pairs[model].observed)), "relative": False}


def fewer_rows(pairs: Pairs) -> Pairs:
    """Pairs with at most so many rows that isotonic regression takes seconds, spread evenly."""
    if len(pairs) <= _ROWS:
        return pairs
    return pairs.of_rows(np.linspace(0, len(pairs) - 1, _ROWS).astype(int))


def miscalibration(result: Result, *, models: Sequence[str]) -> pd.DataFrame:
    """CRPS, and the part of it that recalibration could save; columns ``model``, ``crps``, ``miscalibration``, ``n``.

    In MW; of very many hours, of some that are spread evenly.

    See Also
    --------
    energyforecast.evaluation.crps_parts : The division of the CRPS.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> miscalibration(example_result(), models=["model"]).round(3)
       model   crps  miscalibration   n
    0  model  0.927           0.927  24
    """
    whole, part, rows = basic.crps.metrics()[0], corp.crps_parts.metrics()[0], []
    for name in models:
        pairs = fewer_rows(result.pairs[name])
        rows.append((name, *(item.aggregate(item.pointwise(pairs)) for item in (whole, part)), len(pairs)))
    return pd.DataFrame(rows, columns=["model", "crps", "miscalibration", "n"])
