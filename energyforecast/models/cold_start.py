"""A forecast for sites of which nothing was measured yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri

from energyforecast.models.base import Array, Part, QuantileModel, weighted_quantiles

__all__ = ["ColdStart"]

#: Levels at which the distribution is drawn before it is sorted: beyond cut-out more wind is less power.
_FINE: Final = (np.arange(400) + 0.5) / 400
#: Groups of curve power in which errors of other sites are learnt, and rows that a group needs.
_GROUPS: Final = 10
_LEAST: Final = 100

_NAME: Final = "cold_start["
_MIDDLE: Final = "cold_start[+0]"


class ColdStart(QuantileModel):
    """Physics on the weather forecast, with the errors of other sites or, without any, of the weather alone.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    Notes
    -----
    The columns are powers if the weather is off by so many standard deviations, as
    :class:`energyforecast.features.ColdStartPower` gives them: ``cold_start[-4]`` to ``cold_start[+4]``.
    Without rows to learn from, the weather's errors are normal and pushed through the plant's curve.
    With rows of other sites, the errors of the middle column are taken in ten groups by its power and
    straight lines between them; the outer columns stay the bounds.

    Examples
    --------
    >>> X = pd.DataFrame({"cold_start[-1]": [0.1], "cold_start[+0]": [0.3], "cold_start[+1]": [0.6]})
    >>> unlearnt = ColdStart((0.25, 0.5, 0.75)).fit(X[:0], np.empty(0))
    >>> unlearnt.predict(X).round(2).tolist()
    [[0.17, 0.3, 0.5]]
    """

    def fit(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Self:
        """Learn errors from other sites; of no rows, nothing.

        Parameters
        ----------
        X : DataFrame, shape (rows, columns)
        y : array, shape (rows,)
            Power of other sites. [fraction of capacity]
        sample_weight : array, shape (rows,), optional
        bounds : tuple of float
        """
        if len(X) or len(y):
            return super().fit(X, y, sample_weight=sample_weight, bounds=bounds)
        self.columns_, self.bounds_ = [str(name) for name in X.columns], (float(bounds[0]), float(bounds[1]))
        self.centres_, self.errors_ = np.empty(0), np.empty((0, len(self.levels)))
        return self

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        power = X[_MIDDLE].to_numpy(dtype=np.float64)
        groups = max(1, min(_GROUPS, len(power) // _LEAST))
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
        wanted = np.clip(ndtri(_FINE), deviations[0], deviations[-1])
        right = np.clip(np.searchsorted(deviations, wanted), 1, len(deviations) - 1)
        share = (wanted - deviations[right - 1]) / (deviations[right] - deviations[right - 1])
        fine = np.sort(rungs[:, right - 1] * (1 - share) + rungs[:, right] * share, axis=1)
        return np.asarray(np.quantile(fine, self.levels, axis=1, method="hazen").T)

    def parts(self) -> dict[str, Part]:
        """Centres of the groups, and the quantiles of their errors; both empty if nothing was learnt."""
        return {"centres": self.centres_, "errors": self.errors_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.centres_, self.errors_ = (np.asarray(parts[name]) for name in ("centres", "errors"))
