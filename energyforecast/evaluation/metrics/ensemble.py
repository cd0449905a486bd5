"""Metrics of samples, such as members of an ensemble and scenarios of a whole day or of several sites."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.arguments import check_range
from energyforecast.evaluation.registry import Parameters, check_declared
from energyforecast.evaluation.sample_losses import (
    brier_of_samples,
    coverage_of_samples,
    crps_of_samples,
)
from energyforecast.evaluation.sample_tables import rank_histogram, spread_skill_of_samples
from energyforecast.evaluation.vector_losses import energy_score, variogram_score

__all__ = ["SAMPLE_SCORES", "SAMPLE_TABLES", "score_samples", "table_of_samples"]

Array = npt.NDArray[Any]

#: Scores of samples by name. Energy and variogram scores take rows of several dimensions, the others of one.
SAMPLE_SCORES: Final[dict[str, Callable[..., Array]]] = {
    "crps_of_samples": crps_of_samples,
    "brier_of_samples": brier_of_samples,
    "coverage_of_samples": coverage_of_samples,
    "energy_score": energy_score,
    "variogram_score": variogram_score,
}
#: Columns of a table of scores.
_COLUMNS: Final = ("metric", "value", "n", "missing")
#: Tables of samples by name.
SAMPLE_TABLES: Final[dict[str, Callable[..., pd.DataFrame]]] = {
    "rank_histogram": rank_histogram,
    "spread_skill_of_samples": spread_skill_of_samples,
}


def score_samples(
    metric: str,
    observed: Array,
    samples: Any,
    *,
    by: pd.Series | pd.DataFrame | None = None,
    weights: Array | None = None,
    parameters: Parameters | None = None,
) -> pd.DataFrame:
    r"""Table of a score of samples, with the number of rows and of missing ones.

    .. math:: S = \frac{1}{\sum_i w_i} \sum_i w_i \, s_i

    Parameters
    ----------
    metric : {"crps_of_samples", "brier_of_samples", "coverage_of_samples", "energy_score", "variogram_score"}
    observed : array, shape (rows,) or (rows, dims)
        A row with a missing outcome is left out and counted. [MW]
    samples : array, shape (rows, samples) or (rows, samples, dims)
        [MW]
    by : Series or DataFrame, optional
        Labels of the rows.
    weights : array, shape (rows,), optional
        Of the rows; those of the members are the parameter ``member_weights``.
    parameters : mapping, optional
        Of the score, by name, such as ``{"fair": True}``.

    Raises
    ------
    SchemaError
        If the score or a parameter is not known, rows have different numbers of samples, or arrays do not fit.
    RangeError
        If a sample is not finite, or a weight is negative or missing.

    See Also
    --------
    crps_of_samples, brier_of_samples, coverage_of_samples, energy_score, variogram_score, rank_histogram
    energyforecast.evaluation.score : The same by name, ``score("energy_score", observed, samples)``.

    Examples
    --------
    >>> outcomes, samples = np.array([[0.0, 0.0], [1.0, np.nan]]), np.zeros((2, 5, 2))
    >>> score_samples("energy_score", outcomes, samples)
             metric  value  n  missing
    0  energy_score    0.0  1        1
    """
    check_types(locals(), of=score_samples)
    one_of("metric of samples", metric, allowed=SAMPLE_SCORES)
    given = _parameters(metric, SAMPLE_SCORES[metric], parameters)
    points = SAMPLE_SCORES[metric](as_numbers("observed", observed), samples, **given)
    weight = np.ones(len(points)) if weights is None else as_numbers("weights", weights, ndim=1)
    check_range("A weight", weight, low=0.0)
    sizes = {len(part) if np.ndim(part) else 0 for part in (weights, by) if part is not None}
    if sizes - {len(points)}:
        raise SchemaError(
            f"There are {len(points)} outcomes, and weights or labels of the sizes {sorted(sizes)}.",
            "There must be one for each outcome.",
            "Give the weights and the labels of the same hours.",
        )
    labels = pd.DataFrame(index=range(len(points))) if by is None else pd.DataFrame(by).reset_index(drop=True)
    taken = [name for name in labels if name in _COLUMNS]
    if taken:
        raise SchemaError(
            f"Labels of the rows are named {taken}.",
            f"The table of scores has the columns {list(_COLUMNS)} itself.",
            "Rename them.",
        )
    return _table(metric, points, weight, labels)


def table_of_samples(
    metric: str, observed: Array, samples: Any, *, parameters: Parameters | None = None
) -> pd.DataFrame:
    """A table of samples, by its name in ``SAMPLE_TABLES``."""
    given = _parameters(metric, SAMPLE_TABLES[metric], parameters)
    return SAMPLE_TABLES[metric](observed, samples, **given)


def _parameters(name: str, function: Callable[..., Any], given: Parameters | None) -> Parameters:
    """Parameters that a function declares by keyword."""
    declared = inspect.signature(function).parameters
    own = {name: item for name, item in declared.items() if item.kind is item.KEYWORD_ONLY}
    check_declared(name, own, given or {})
    return given or {}


def _table(metric: str, points: Array, weight: Array, labels: pd.DataFrame) -> pd.DataFrame:
    """Weighted means by label."""
    keys = list(labels.columns)
    members = labels.groupby(keys, dropna=False).ngroup().to_numpy() if keys else np.zeros(len(points), int)
    rows = []
    for number in range(max(int(members.max()) + 1, 1) if len(members) else 1):
        chosen = np.flatnonzero(members == number)
        known = chosen[np.isfinite(points[chosen])]
        label = labels.iloc[int(chosen[0])].to_dict() if keys and chosen.size else {}
        value = np.average(points[known], weights=weight[known]) if weight[known].any() else np.nan
        rows.append(
            label | {"metric": metric, "value": value, "n": len(known), "missing": len(chosen) - len(known)}
        )
    return pd.DataFrame(rows)
