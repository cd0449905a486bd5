"""Metrics of samples, such as scenarios of a whole day or of several sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import SchemaError, one_of
from energyforecast.evaluation.arguments import check_range
from energyforecast.evaluation.losses import as_samples, crps_of_samples, energy_score, variogram_score

__all__ = ["SAMPLE_SCORES", "score_samples"]

Array = npt.NDArray[Any]

#: Scores of samples by name; lower is better. The CRPS takes rows of one dimension.
SAMPLE_SCORES: Final[dict[str, Callable[[Array, Array], Array]]] = {
    "crps_of_samples": crps_of_samples,
    "energy_score": energy_score,
    "variogram_score": variogram_score,
}


def score_samples(
    metric: str,
    observed: Array,
    samples: Any,
    *,
    by: pd.Series | pd.DataFrame | None = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    r"""Table of a score of samples, with the number of rows and of missing ones.

    .. math:: S = \frac{1}{\sum_i w_i} \sum_i w_i \, s_i

    Parameters
    ----------
    metric : {"crps_of_samples", "energy_score", "variogram_score"}
    observed : array, shape (rows,) or (rows, dims)
        A row with a missing outcome is left out and counted. [MW]
    samples : array, shape (rows, samples) or (rows, samples, dims)
        [MW]
    by : Series or DataFrame, optional
        Labels of the rows.
    weights : array, shape (rows,), optional

    Raises
    ------
    SchemaError
        If the score is not known, rows have different numbers of samples, or arrays do not fit.
    RangeError
        If a sample is not finite, or a weight is negative or missing.

    See Also
    --------
    crps_of_samples, energy_score, variogram_score
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
    outcome = as_numbers("observed", observed)
    drawn = as_samples(samples, dims=2 if metric == "crps_of_samples" else 3)
    weight = np.ones(len(drawn)) if weights is None else as_numbers("weights", weights, ndim=1)
    check_range("A weight", weight, low=0.0)
    sizes = {len(part) if np.ndim(part) else 0 for part in (weights, by) if part is not None}
    if outcome.ndim == 0 or sizes - {len(outcome)}:
        raise SchemaError(
            f"Outcomes have the shape {outcome.shape}, weights or labels the sizes {sorted(sizes)}.",
            "There must be a row for each outcome.",
            "Give the weights and the labels of the same hours.",
        )
    if len(drawn) != len(outcome):
        raise SchemaError(
            f"There are {len(outcome)} outcomes and {len(drawn)} rows of samples.",
            "Each outcome must have a row of samples.",
            "Give the samples of the same hours.",
        )
    known = np.isfinite(outcome.reshape(len(outcome), -1)).all(axis=1) if len(outcome) else np.zeros(0, bool)
    points = np.full(len(outcome), np.nan)
    points[known] = SAMPLE_SCORES[metric](outcome[known], drawn[known])
    labels = pd.DataFrame(index=range(len(points))) if by is None else pd.DataFrame(by).reset_index(drop=True)
    return _table(metric, points, weight, labels)


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
