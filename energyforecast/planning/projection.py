"""Projection of forecasts onto those that add up: weights, covariances of residuals, and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import lsq_linear

from energyforecast.core import timestamps
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import LeakageError, MissingDataError, RangeError, SchemaError

__all__ = [
    "BOUNDS_BY",
    "Bounds",
    "bounds_of",
    "check_known",
    "sample_covariance",
    "shrunk",
    "varies",
    "weights_of",
    "within",
]

Array = npt.NDArray[Any]
#: Minimum and maximum of each site, or of all of them. [MW]
Bounds = Mapping[str, tuple[float, float]] | tuple[float, float]

#: Ways to keep sites within their bounds.
BOUNDS_BY: Final = ("clipping", "optimisation")
#: Smallest eigenvalue of a correlation matrix that is taken for regular.
_SINGULAR: Final = 1e-9


def weights_of(sums: Array, covariance: Array) -> Array:
    """The projection without S: theorem 1 of Wickramasuriya, Athanasopoulos and Hyndman."""
    scaled = np.linalg.solve(covariance, sums)
    return np.linalg.solve(sums.T @ scaled, scaled.T)


def within(sites: Array, *, low: Array, high: Array, sums: Array, covariance: Array | None) -> Array:
    """Reconciled sites, shape (rows, sites), of the smallest distance within their bounds; clipped without covariance.

    With the unbounded optimum b and H = SᵀΣ⁻¹S, the distance to a forecast is that to b in the norm of H, plus a
    constant.
    """
    outside = ((sites < low) | (sites > high)).any(axis=1)
    if covariance is None or not outside.any():
        return np.clip(sites, low, high)
    norm = sums.T @ np.linalg.solve(covariance, sums)
    unit = 1 / np.sqrt(np.diag(norm))  # well-conditioned for sites of different size
    root = np.linalg.cholesky(norm * np.outer(unit, unit)).T
    free = high > low
    result = np.clip(sites, low, high)
    for row in np.flatnonzero(outside):
        # Sites without a choice are known: their part of the product moves to the other side.
        target = root @ (sites[row] / unit) - root[:, ~free] @ (low / unit)[~free]
        limits = (low / unit)[free], (high / unit)[free]
        found = lsq_linear(
            root[:, free], target, bounds=limits, method="bvls", tol=1e-12, max_iter=100 * len(low)
        )
        moved = np.where(found.active_mask < 0, low[free], found.x * unit[free])
        result[row, free] = np.clip(np.where(found.active_mask > 0, high[free], moved), low[free], high[free])
    return result


def bounds_of(bounds: Bounds | None, sites: tuple[str, ...]) -> tuple[Array, Array]:
    """Minimum and maximum of each site, infinite without; refuse those that are missing or in the wrong order."""
    each = bounds if isinstance(bounds, Mapping) else {} if bounds is None else dict.fromkeys(sites, bounds)
    unknown = sorted(set(each) - set(sites))
    if unknown:
        raise SchemaError(
            f"Bounds are given for {unknown}.", f"Sites have bounds: {list(sites)}.", "Correct them."
        )
    for name, (low, high) in each.items():
        if not low <= high or low == np.inf or high == -np.inf:
            raise RangeError(
                f"The bounds of {name!r} are {low:g} and {high:g} MW.",
                "The minimum must not be above the maximum, and neither may be missing.",
                f'Use bounds={{"{name}": ({high:g}, {low:g})}}.' if high < low else "Correct them.",
            )
    pairs = [each.get(name, (-np.inf, np.inf)) for name in sites]
    lowest, highest = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    return lowest, highest


def check_known(known_by: pd.Timestamp | None, scenarios: Scenarios) -> None:
    """Refuse weights from residuals that became known after the issue of the scenarios."""
    issued = scenarios.data.attrs.get("issue_time")
    if known_by is not None and issued is not None and known_by > timestamps.instant(issued):
        raise LeakageError(
            f"Residuals became known until {known_by}; the scenarios were issued at {issued}.",
            "Weights must be learnt from data known at the issue.",
            "Collect residuals with hindcast_residuals(..., until=issue_time).",
        )


def varies(table: Array) -> Array:
    """Whether residuals of each column vary by more than the rounding error of numbers of their size."""
    if not len(table):
        return np.zeros(table.shape[1], dtype=bool)
    size = np.abs(table).max(axis=0)
    return np.asarray(table.std(axis=0) > np.maximum(1e-9 * size, 1e-12 * size.max()))


def shrunk(table: Array) -> tuple[Array, float]:
    """Covariance with correlations shrunk towards zero, and the share of shrinkage."""
    rows = len(table)
    deviation = table.std(axis=0, ddof=1)
    unit = (table - table.mean(axis=0)) / (deviation * np.sqrt(rows - 1))
    sample = unit.T @ unit
    variance = (rows * ((unit**2).T @ unit**2) - sample**2) / (rows - 1)
    apart = ~np.eye(len(sample), dtype=bool)
    distance = (sample[apart] ** 2).sum()
    share = float(np.clip(variance[apart].sum() / distance, 0.0, 1.0)) if distance > 0 else 1.0
    # Forecasts that add up already make the sample singular: a little of the diagonal always remains.
    share = max(share, 1e-6)
    correlation = np.where(apart, (1 - share) * sample, 1.0)
    return correlation * np.outer(deviation, deviation), share


def sample_covariance(table: Array) -> Array:
    """Covariance of residuals as it is; refuse one that is singular, from few hours or residuals that add up."""
    if len(table) <= table.shape[1]:
        raise MissingDataError(
            f"{len(table)} hours have the residuals of all {table.shape[1]} names.",
            'A covariance without shrinkage ("mint_cov") must be learnt from more hours than names.',
            'Give more past forecasts, or use method="mint_shrink".',
        )
    smallest = float(np.linalg.eigvalsh(np.corrcoef(table.T))[0])
    if smallest < _SINGULAR:
        raise RangeError(
            f"The covariance of the residuals is singular: {smallest:.1g} is an eigenvalue of their correlation.",
            'Without shrinkage ("mint_cov") residuals must not be sums of each other.',
            'Use method="mint_shrink", or leave out names whose forecast is already the sum of others.',
        )
    return np.atleast_2d(np.cov(table.T))
