"""Losses of samples of several dimensions at a point, such as whole days or several sites: functions on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import SchemaError
from energyforecast.evaluation.arguments import check_positive, check_range
from energyforecast.evaluation.sample_losses import member_shares, rows_of, share_of_pairs

__all__ = ["energy_score", "variogram_score"]

Array = npt.NDArray[Any]


def energy_score(
    observed: Array, samples: Any, *, fair: bool = False, member_weights: Array | None = None
) -> Array:
    r"""Energy score of samples of several dimensions (leads, sites), shape (rows,): the CRPS of vectors.

    .. math:: \sum_i p_i \|x_i - y\| - \frac{1}{2} \sum_{i, j} p_i p_j \|x_i - x_j\|

    Parameters
    ----------
    observed : array, shape (rows, dims)
    samples : array, shape (rows, samples, dims)
    fair, member_weights : optional
        As in :func:`crps_of_samples`.

    See Also
    --------
    variogram_score, crps_of_samples, score_samples

    References
    ----------
    Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437; fair: Ferro (2014),
    https://doi.org/10.1002/qj.2270.

    Examples
    --------
    >>> energy_score(np.array([[0.0, 0.0]]), np.array([[[3.0, 4.0], [3.0, 4.0]]])).tolist()
    [5.0]
    >>> both = np.array([[[0.0, 0.0], [6.0, 8.0]]])  # 5 from the outcome each, 10 from each other
    >>> [float(energy_score(np.array([[3.0, 4.0]]), both, fair=fair)[0]) for fair in (False, True)]
    [2.5, 0.0]
    """
    check_types(locals(), of=energy_score)
    y, drawn = rows_of(observed, samples, dims=3)
    share = member_shares(member_weights, drawn)
    away = (share * np.linalg.norm(drawn - y[:, None, :], axis=2)).sum(axis=1)
    # A row at a time: all distances of all rows at once would not fit.
    apart = [
        p @ np.linalg.norm(row[:, None, :] - row[None, :, :], axis=2) @ p
        for row, p in zip(drawn, share, strict=True)
    ]
    return np.asarray(away - 0.5 * np.asarray(apart, dtype=float) / share_of_pairs(share, fair))


def variogram_score(
    observed: Array,
    samples: Any,
    *,
    order: float = 0.5,
    weights: Array | None = None,
    fair: bool = False,
    member_weights: Array | None = None,
) -> Array:
    r"""Variogram score of samples of several dimensions, shape (rows,): a score of their dependence.

    .. math:: \sum_{a, b} w_{ab} \Big(|y_a - y_b|^q - \sum_i p_i |x_{ia} - x_{ib}|^q\Big)^2

    `fair` takes the sampling variance of the mean over members off each square; it may be below 0.

    Parameters
    ----------
    observed : array, shape (rows, dims)
    samples : array, shape (rows, samples, dims)
    order : float
        Power :math:`q` of the differences, above 0.
    weights : array, shape (dims, dims), optional
        1 for each pair of dimensions by default; each pair is counted from both sides.
    fair, member_weights : optional
        As in :func:`crps_of_samples`.

    See Also
    --------
    energy_score, score_samples

    References
    ----------
    Scheuerer and Hamill (2015), https://doi.org/10.1175/MWR-D-14-00269.1; fair: Ferro (2014),
    https://doi.org/10.1002/qj.2270.

    Examples
    --------
    >>> variogram_score(np.array([[0.0, 4.0]]), np.array([[[0.0, 1.0], [1.0, 2.0]]])).tolist()  # 2 (2 - 1)²
    [2.0]
    """
    check_types(locals(), of=variogram_score)
    check_positive("The order", order)
    y, drawn = rows_of(observed, samples, dims=3)
    weight = np.ones((y.shape[1],) * 2) if weights is None else as_numbers("weights", weights)
    if weight.shape != (y.shape[1],) * 2:
        raise SchemaError(
            f"Weights have the shape {weight.shape}, for {y.shape[1]} dimensions.",
            "There must be one for each pair of dimensions.",
            "Give a square of them.",
        )
    check_range("A weight", weight, low=0.0)
    share = member_shares(member_weights, drawn)
    sampling = 1.0 / share_of_pairs(share, fair) - 1.0
    rows = []
    for outcome, row, p, part in zip(y, drawn, share, sampling, strict=True):
        apart = np.abs(row[:, :, None] - row[:, None, :]) ** order
        mean = np.tensordot(p, apart, axes=1)
        squares = (np.abs(outcome[:, None] - outcome[None, :]) ** order - mean) ** 2
        if part:
            squares = squares - part * np.tensordot(p, (apart - mean) ** 2, axes=1)
        rows.append((weight * squares).sum())
    return np.asarray(rows, dtype=float)
