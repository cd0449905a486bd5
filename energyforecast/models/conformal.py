"""Conformal calibration of the quantiles of any model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.errors import RangeError, SchemaError, UncalibratedWarning
from energyforecast.models.base import Array, Part, QuantileModel, parts_of, restored
from energyforecast.models.lightgbm import LightGBMQuantiles

__all__ = ["ConformalQuantiles", "quantile_by_level"]

#: Held-out rows that calibration of the outer levels needs: with fewer there is none, or that of all rows.
_MIN_ROWS = 100
#: A spread below this share of the largest one counts as this share.
_NARROW = 0.02


class ConformalQuantiles(QuantileModel):
    r"""Conformalised quantile regression: each level is corrected by its residuals on held-out rows.

    With the quantile :math:`\hat q_\tau(x_i)` of a model that was fitted without row :math:`i`, and the :math:`n`
    sorted residuals :math:`r_{(1)} \le \dots \le r_{(n)}` of :math:`r_i = y_i - \hat q_\tau(x_i)`, linear between them,

    .. math:: \hat q^{\,\mathrm{cal}}_\tau(x) = \hat q_\tau(x) + r_{((n + 1) \tau)}.

    This is conformalised quantile regression in its one-sided form, applied to every level in place of the two ends
    of one interval. With ``scaled`` residuals are in units of the width
    :math:`\hat q_{\tau_K}(x_i) - \hat q_{\tau_1}(x_i)`, and so is the correction.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    model : QuantileModel, optional
        Model to calibrate, not fitted; :class:`LightGBMQuantiles` by default.
    folds : int
        Blocks of rows in order of time, each held out from the model that forecasts it. With 0 only the last rows
        are held out. With fewer than 100 held-out rows in all there is no calibration, but a warning.
    share : float
        Share of the rows that is held out at the end if `folds` is 0.
    refit : bool
        Fit on all rows after calibration; otherwise the forecast is the mean of the models of the folds.
    by : str, optional
        Column that defines groups for calibration, e.g. ``"lead_time"``, ``"hour"`` or ``"site"``.
        A group of less than 100 rows is calibrated as all rows are.
    groups : int
        Groups, at most; a column with more values is cut at its quantiles.
    scaled : bool
        Scale residuals by the width between the outer levels, so that a calm hour is moved less than a windy one.

    Attributes
    ----------
    corrections_ : array, shape (groups + 1, levels)
        Correction of each level, in the unit of y or in widths; the last row is for all rows together.
        Empty if there were too few rows to calibrate.

    Warns
    -----
    UncalibratedWarning
        In a fit, if there are too few rows to calibrate.

    See Also
    --------
    energyforecast.AdaptiveCalibration : Online calibration under drift.
    LightGBMQuantiles : Out-of-fold calibration of its own.

    Notes
    -----
    If future residuals are exchangeable with the held-out ones, an outcome falls below each level with its nominal
    probability, for any model. Under drift they are not exchangeable.

    References
    ----------
    - Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, doi:10.1007/b106715
    - Romano, Patterson and Candès (2019), Conformalized quantile regression, NeurIPS 32, arXiv:1905.03222
    - Barber, Candès, Ramdas and Tibshirani (2021), Predictive inference with the jackknife+, Annals of
      Statistics 49(1), doi:10.1214/20-AOS1965
    - Sesia and Candès (2020), A comparison of some conformal quantile regression methods, Stat 9(1),
      doi:10.1002/sta4.261

    Examples
    --------
    >>> from energyforecast.models import Climatology
    >>> X = pd.DataFrame({"hour": np.zeros(400)})
    >>> y = np.concatenate([np.linspace(0, 1, 200), np.linspace(1, 2, 200)])  # it grew
    >>> model = ConformalQuantiles((0.1, 0.9), model=Climatology(), folds=0, share=0.5)
    >>> model.fit(X, y).predict(X[:1]).round(1).tolist()
    [[1.1, 1.9]]
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        model: QuantileModel | None = None,
        folds: int = 5,
        share: float = 0.25,
        refit: bool = False,
        by: str | None = None,
        groups: int = 4,
        scaled: bool = False,
    ) -> None:
        super().__init__(quantiles)
        self.model = model
        self.folds = folds
        self.share = share
        self.refit = refit
        self.by = by
        self.groups = groups
        self.scaled = scaled

    @property
    def needs(self) -> tuple[str, ...] | None:
        """Columns that the inner model requires, and the column of the groups."""
        inner = self._unfitted().needs
        return inner if inner is None or self.by is None else tuple(dict.fromkeys((*inner, self.by)))

    def _unfitted(self) -> QuantileModel:
        return unfitted(self.model, self.levels)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check(X)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        parts = list(_held_out(len(y), self.folds, self.share))
        self.edges_ = np.empty(0) if self.by is None else _edges(X[self.by], self.groups)
        self.corrections_ = np.empty((0, len(self.levels)))
        self.models_ = []
        if parts:
            unseen, values = np.zeros(len(y), dtype=bool), np.empty((len(y), len(self.levels)))
            for part in parts:
                model = self._unfitted().fit(
                    X[~part], y[~part], sample_weight=_rows(weight, ~part), bounds=self.bounds_
                )
                values[part], unseen[part] = model.predict(X[part]), True
                self.models_.append(model)
            self.corrections_ = self._corrections(X[unseen], y[unseen], values[unseen], _rows(weight, unseen))
        else:
            warnings.warn(
                f"{len(y)} rows are too few to calibrate: {_MIN_ROWS} must be held out, with folds={self.folds}, "
                f"share={self.share}. The quantiles are those of {type(self._unfitted()).__name__}.",
                UncalibratedWarning,
                stacklevel=3,  # where fit() was called
            )
        if self.refit or not parts:
            self.models_ = [self._unfitted().fit(X, y, sample_weight=sample_weight, bounds=self.bounds_)]

    def _check(self, X: pd.DataFrame) -> None:
        """Refuse settings and columns that cannot be used."""
        if self.by is not None and self.by not in X.columns:
            raise SchemaError(
                f"Calibration by {self.by!r} is asked for; the columns are {list(X.columns)}.",
                "Groups must be made by one of the columns.",
                "Choose one, or add the feature that gives it.",
            )
        if not 0 < self.share < 1 or self.folds == 1 or self.folds < 0 or self.groups < 1:
            raise RangeError(
                f"folds={self.folds}, share={self.share}, groups={self.groups}.",
                "folds must be 0 or at least 2, the share between 0 and 1, groups at least 1.",
                "Correct the settings.",
            )

    def _corrections(self, X: pd.DataFrame, y: Array, values: Array, weight: Array | None) -> Array:
        """Correction of each group, and of all rows."""
        error = y[:, None] - values
        if self.scaled:
            self.narrow_ = np.array([_NARROW * np.max(_width(values), initial=0.0)])
            error = error / self._unit(values)
        overall = quantile_by_level(error, self.levels, weight)
        group = self._group(X)
        rows = [group == k for k in range(len(self.edges_) + 1 if self.by is not None else 0)]
        each = [
            quantile_by_level(error[row], self.levels, _rows(weight, row))
            if row.sum() >= _MIN_ROWS
            else overall
            for row in rows
        ]
        return np.stack([*each, overall])

    def _unit(self, values: Array) -> Array:
        """Unit of the corrections in each row, shape (rows, 1)."""
        if not self.scaled:
            return np.ones((len(values), 1))
        unit = np.maximum(_width(values), self.narrow_[0])
        return np.asarray(np.where(unit > 0, unit, 1.0)[:, None])

    def _group(self, X: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Row of the corrections for each row of X; the last one where the column is missing."""
        if self.by is None:
            return np.full(len(X), -1, dtype=np.int64)
        column = X[self.by].to_numpy(dtype=np.float64)
        return np.where(np.isfinite(column), np.searchsorted(self.edges_, column, side="right"), -1)

    def _predict(self, X: pd.DataFrame) -> Array:
        values = np.mean([model.predict(X) for model in self.models_], axis=0)
        if not len(self.corrections_):
            return np.asarray(values)
        return np.asarray(values + self.corrections_[self._group(X)] * self._unit(values))

    def parts(self) -> dict[str, Part]:
        """Corrections, edges of their groups, and fitted state of each inner model."""
        narrow = self.narrow_ if self.scaled and len(self.corrections_) else np.empty(0)
        state: dict[str, Part] = {"corrections": self.corrections_, "edges": self.edges_, "narrow": narrow}
        for k, model in enumerate(self.models_):
            state |= parts_of(f"model_{k}", model)
        return state

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.corrections_, self.edges_, self.narrow_ = (
            np.asarray(parts[name]) for name in ("corrections", "edges", "narrow")
        )
        count = sum(name.endswith(":about") and "/" not in name for name in parts)
        self.models_ = [restored(f"model_{k}", self._unfitted(), parts) for k in range(count)]


def quantile_by_level(errors: Array, levels: tuple[float, ...], weight: Array | None = None) -> Array:
    """Quantile of each column of errors at the level of that column: the k-th of n errors lies at k / (n + 1)."""
    if weight is None:
        ordered, rows, last = np.sort(errors, axis=0), np.arange(len(levels)), len(errors) - 1
        place = np.clip((last + 2) * np.asarray(levels) - 1, 0, last)
        below = np.minimum(place.astype(int), max(last - 1, 0))
        low, high = ordered[below, rows], ordered[np.minimum(below + 1, last), rows]
        return np.asarray(low + (place - below) * (high - low))
    weights = np.asarray(weight, dtype=float)
    kept = weights > 0
    values, weights = errors[kept], weights[kept]
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    place = np.cumsum(weights[order], axis=0) / (weights.sum() + weights.mean())
    return np.array([np.interp(level, place[:, j], ordered[:, j]) for j, level in enumerate(levels)])


def unfitted(model: QuantileModel | None, levels: tuple[float, ...]) -> QuantileModel:
    """Unfitted copy of a model, or of the default one, for other levels."""
    copy: QuantileModel = clone(LightGBMQuantiles() if model is None else model)
    copy.set_params(quantiles=levels)
    return copy


def _held_out(rows: int, folds: int, share: float) -> Iterator[npt.NDArray[np.bool_]]:
    """Held-out rows of each model; none if there are too few."""
    place = np.arange(rows)
    if folds == 0:
        first = rows - int(rows * share)
        if rows - first >= _MIN_ROWS:
            yield place >= first
    elif rows >= max(folds, _MIN_ROWS):  # residuals of all blocks are taken together
        block = place * folds // rows
        for k in range(folds):
            yield block == k


def _edges(column: pd.Series, groups: int) -> Array:
    """Edges of groups: between the values of a column if they are few, else at its quantiles."""
    known = column.to_numpy(dtype=np.float64)
    values = np.unique(known[np.isfinite(known)])
    if len(values) <= groups:
        return np.asarray((values[1:] + values[:-1]) / 2)
    return np.unique(np.quantile(known[np.isfinite(known)], np.arange(1, groups) / groups))


def _width(values: Array) -> Array:
    return np.asarray(values[:, -1] - values[:, 0])


def _rows(weight: Array | None, chosen: npt.NDArray[np.bool_]) -> Array | None:
    return None if weight is None else weight[chosen]
