"""Sides of an imbalance: shortage and surplus by the kind of power."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.power_kinds import Kind, check_kind
from energyforecast.errors import MissingDataError

__all__ = ["deviations", "is_demand", "tolerance"]

Array = npt.NDArray[Any]


def is_demand(kind: Kind | Array, *, alike: Array | bool) -> Array:
    """Whether power is demand; an unknown kind is refused unless both sides are alike."""
    kinds = np.asarray(kind)
    for one in pd.unique(kinds.ravel()):
        check_kind(str(one), of="the forecast")
    unknown = int(((kinds == "site") & ~np.asarray(alike)).sum())
    if unknown:
        raise MissingDataError(
            f"The side of an imbalance is asked for of a plain site: its kind is not known ({unknown} hours).",
            "Less than declared is a shortage of generation, a surplus of demand; the kind must be known "
            "wherever the two differ in price.",
            'Give the kind: forecast.with_kind("generation") or "demand", kind=... of Forecast.from_frame and '
            "Scenarios.from_values, or forecast a WindFarm, PVPlant or DemandArea.",
        )
    return np.asarray(kinds == "demand")


def deviations(observed: Array, declared: Array, *, kind: Kind | Array) -> tuple[Array, Array]:
    r"""Shortage and surplus of outcomes against the declared power; NaN where one of the two is missing. [MW]

    .. math:: d^- = \max(s - y, 0), \qquad d^+ = \max(y - s, 0)

    of generation, with the outcome :math:`y` and the schedule :math:`s`; of demand the other way round.

    Parameters
    ----------
    observed, declared : array, shape (rows,)
        [MW]
    kind : str or array of str
        Of all, or of each row: one of :data:`energyforecast.core.power_kinds.KINDS`.

    Returns
    -------
    shortage, surplus : array, shape (rows,)
        At least 0.

    Raises
    ------
    MissingDataError
        If a kind is ``"site"``, which has no known side.

    See Also
    --------
    energyforecast.core.settlement.ImbalanceTerms.cost

    Examples
    --------
    >>> observed, declared = np.array([8.0, 13.0]), np.full(2, 10.0)
    >>> [side.tolist() for side in deviations(observed, declared, kind="wind")]
    [[2.0, 0.0], [0.0, 3.0]]
    >>> [side.tolist() for side in deviations(observed, declared, kind="demand")]
    [[0.0, 3.0], [2.0, 0.0]]
    """
    excess = np.where(is_demand(kind, alike=False), -1.0, 1.0) * (observed - declared)
    return np.maximum(-excess, 0.0), np.maximum(excess, 0.0)


def tolerance(values: Array) -> float:
    """Rounding by which an outcome on the edge of a band may be moved. [MW]"""
    return 1e-9 * max(1.0, float(np.nanmax(np.abs(values), initial=0.0)))
