"""Forecast for sites without measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from energyforecast.models.base import Array, Part, QuantileModel, weighted_quantiles

__all__ = ["ColdStart"]

#: Levels of the wind before powers are sorted: beyond cut-out more wind is less power.
_FINE: Final = (np.arange(400) + 0.5) / 400
#: Groups of curve power with separate errors of other sites, and rows that a group needs.
_GROUPS: Final = 10
_MIN_ROWS: Final = 100

_NAME: Final = "cold_start["
_MIDDLE: Final = "cold_start[+0]"


class ColdStart(QuantileModel):
    r"""Physical power of the weather forecast, with residuals of other sites or of the weather alone.

    Without rows of other sites, the error of the weather is normal: with the power :math:`P(z)` for weather that is off
    by :math:`z` standard deviations,

    .. math:: q_\tau = Q_\tau\bigl(P(Z)\bigr), \qquad Z \sim \mathcal{N}(0, 1).

    With rows of other sites, :math:`q_\tau = P(0) + Q_\tau(\text{residuals of rows with about the same } P(0))`.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    See Also
    --------
    energyforecast.features.ColdStartPower : Feature that this model reads.

    Notes
    -----
    The columns ``cold_start[-4]`` to ``cold_start[+4]`` are :math:`P(-4)` to :math:`P(4)`. Residuals of other sites are
    in ten groups by power, linear between them; the outer columns are the bounds.

    Examples
    --------
    >>> X = pd.DataFrame({"cold_start[-1]": [0.1], "cold_start[+0]": [0.3], "cold_start[+1]": [0.6]})
    >>> without_rows = ColdStart((0.25, 0.5, 0.75)).fit(X[:0], np.empty(0))
    >>> without_rows.predict(X).round(2).tolist()
    [[0.17, 0.3, 0.5]]
    """

    needs_rows: ClassVar[bool] = False

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        if not len(y):
            self.centres_, self.errors_ = np.empty(0), np.empty((0, len(self.levels)))
            return
        power = X[_MIDDLE].to_numpy(dtype=np.float64)
        groups = max(1, min(_GROUPS, len(power) // _MIN_ROWS))
        edges = np.unique(np.quantile(power, np.arange(1, groups) / groups))
        member = np.searchsorted(edges, power, side="right")
        rows = [member == k for k in np.unique(member)]
        weights = [None if sample_weight is None else sample_weight[row] for row in rows]
        self.centres_ = np.array([power[row].mean() for row in rows])
        self.errors_ = np.stack(
            [
                weighted_quantiles((y - power)[row], self.levels, w)
                for row, w in zip(rows, weights, strict=True)
            ]
        )

    def _predict(self, X: pd.DataFrame) -> Array:
        deviations = {name: float(name[len(_NAME) : -1]) for name in self.columns_ if name.startswith(_NAME)}
        rungs = X[list(deviations)].to_numpy(dtype=np.float64)
        if not len(self.centres_):
            return self._from_weather(np.array(list(deviations.values())), rungs)
        power = X[_MIDDLE].to_numpy(dtype=np.float64)
        errors = np.column_stack([np.interp(power, self.centres_, column) for column in self.errors_.T])
        low, high = rungs.min(axis=1, keepdims=True), rungs.max(axis=1, keepdims=True)
        return np.asarray(np.clip(power[:, None] + errors, low, high))

    def _from_weather(self, deviations: Array, rungs: Array) -> Array:
        """Quantiles of the power of normally distributed weather."""
        normal = np.clip(ndtri(_FINE), deviations[0], deviations[-1])
        right = np.clip(np.searchsorted(deviations, normal), 1, len(deviations) - 1)
        share = (normal - deviations[right - 1]) / (deviations[right] - deviations[right - 1])
        fine = np.sort(rungs[:, right - 1] * (1 - share) + rungs[:, right] * share, axis=1)
        return np.asarray(np.quantile(fine, self.levels, axis=1, method="hazen").T)

    def parts(self) -> dict[str, Part]:
        """Centres of the groups and quantiles of their residuals; both empty without rows of other sites."""
        return {"centres": self.centres_, "errors": self.errors_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.centres_, self.errors_ = (np.asarray(parts[name]) for name in ("centres", "errors"))
