"""Conformal calibration of the quantiles of any model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.errors import MissingDataError, RangeError, UncalibratedWarning
from energyforecast.models.base import Array, Part, QuantileModel, parts_of, restored
from energyforecast.models.calibration_groups import Groups, check_column, numbers_of
from energyforecast.models.lightgbm import LightGBMQuantiles

__all__ = ["ConformalQuantiles", "quantile_by_level"]

#: Held-out rows that calibration of the outer levels needs: with fewer there is none, or that of all rows.
_MIN_ROWS = 100
#: A spread below this share of the largest one counts as this share.
_NARROW = 0.02


class ConformalQuantiles(QuantileModel):
    r"""Conformalised quantile regression: each level is corrected by its residuals on held-out rows.

    With the quantile :math:`\hat q_\tau(x_i)` of a model that was fitted without row :math:`i`, its scale
    :math:`\sigma(x_i)`, and the :math:`n` sorted residuals :math:`r_{(1)} \le \dots \le r_{(n)}` of
    :math:`r_i = (y_i - \hat q_\tau(x_i)) / \sigma(x_i)`, linear between them,

    .. math:: \hat q^{\,\mathrm{cal}}_\tau(x) = \hat q_\tau(x) + \sigma(x)\, r_{((n + 1) \tau)}.

    This is conformalised quantile regression in its one-sided form, applied to every level in place of the two ends
    of one interval. The scale is 1, or with `scaled` the width
    :math:`\hat q_{\tau_K}(x) - \hat q_{\tau_1}(x)` or a column (locally weighted). With `by` the residuals are those
    of the group of :math:`x` (Mondrian, or class-conditional).

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
        Column that defines groups for calibration, e.g. ``"hour"``, ``"site"`` or ``"wind_speed_100m[mean]"``.
        A group of less than 100 held-out rows is calibrated as all rows are, with a warning.
    groups : int
        Groups, at most; a column of more numbers is cut at its quantiles. Each category or text is a group of its own.
    scaled : bool or str
        Scale of the residuals: the width between the outer levels (``True``), so that a calm hour is moved less than a
        windy one; or a column that is large where the forecast is uncertain, such as the spread of an ensemble.

    Attributes
    ----------
    corrections_ : array, shape (groups + 1, levels)
        Correction of each level, in the unit of y or of the scale; the last row is for all rows together.
        Empty if there were too few rows to calibrate.
    counts_ : array, shape (groups,)
        Held-out rows of each group.

    Raises
    ------
    SchemaError
        If a named column is not in X, or `scaled` names one that holds no numbers.
    MissingDataError, RangeError
        If a named column has no value, or a scale is negative; if a setting is out of its range.

    Warns
    -----
    UncalibratedWarning
        In a fit, if there are too few rows to calibrate, in all or in a group.

    See Also
    --------
    energyforecast.AdaptiveCalibration : Online calibration under drift.
    LightGBMQuantiles : Out-of-fold calibration of its own.

    Notes
    -----
    *Guarantee.* Let ``folds=0`` and ``refit=False``, rows not be weighted, and the :math:`n` held-out rows of a group
    and a new row of it be exchangeable, given the fitted model. Then for any model and any distribution

    .. math::

        P\bigl(Y < \hat q^{\,\mathrm{cal}}_\tau(X)\bigr) - \frac{1}{n + 1} < \tau <
        P\bigl(Y \le \hat q^{\,\mathrm{cal}}_\tau(X)\bigr) + \frac{1}{n + 1}

    within the group; both are exactly :math:`\tau` if :math:`(n + 1) \tau` is a whole number and no residuals are
    equal. The probability is that over all samples: given one sample, the share below the level has a standard
    deviation of about :math:`\sqrt{\tau (1 - \tau) / n}`, so small groups cost more than they gain. It holds for each
    group, not for each :math:`x`; for groups that are too small, only in the mean over all rows; and for a level as
    long as corrections do not make levels cross, which are then sorted. Edges of groups and floors of scales are
    taken from the rows that were fitted, as the guarantee requires.

    With blocks (the default) models are averaged, and it holds approximately, as far as they are alike. Hours
    that follow each other are exchangeable at best in the long run, and under drift they are not.

    A missing value in the column `by` is calibrated as all rows are, as is a category that training did not hold; one
    in the column of `scaled` is taken for the median. A scale is at least 2 % of the largest width, or of the median
    of the column.

    References
    ----------
    - Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, doi:10.1007/b106715
    - By group: Vovk (2013), Conditional validity of inductive conformal predictors, Machine Learning 92,
      doi:10.1007/s10994-013-5355-6
    - Locally weighted: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), Distribution-free predictive
      inference for regression, Journal of the American Statistical Association 113, doi:10.1080/01621459.2017.1307116
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

    Outcomes of the regime "windy" vary ten times as much as those of "calm":

    >>> X = pd.DataFrame({"hour": np.zeros(800), "regime": ["calm", "windy"] * 400})
    >>> y = np.tile(np.repeat(np.linspace(-1, 1, 80), 2), 5) * np.where(X["regime"] == "windy", 10, 1)
    >>> model = ConformalQuantiles((0.1, 0.9), model=Climatology(), by="regime")
    >>> model.fit(X, y).predict(X[:2]).round(0).tolist()
    [[-1.0, 1.0], [-8.0, 8.0]]
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
        scaled: bool | str = False,
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
        """Columns that the inner model requires, and those of groups and scale."""
        inner = self._unfitted().needs
        return inner if inner is None else tuple(dict.fromkeys((*inner, *self._own_columns())))

    def _own_columns(self) -> list[str]:
        return [name for name in (self.by, self.scaled) if isinstance(name, str)]

    def _unfitted(self) -> QuantileModel:
        return unfitted(self.model, self.levels)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check(X)
        weight = sample_weight
        if sample_weight is not None:
            positive = sample_weight > 0
            X, y, weight = X[positive], y[positive], sample_weight[positive]
        parts = list(_held_out(len(y), self.folds, self.share))
        # The guarantee needs groups and scales that do not depend on the held-out rows.
        fitted = ~parts[0] if len(parts) == 1 else np.ones(len(y), dtype=bool)
        self.groups_ = Groups() if self.by is None else Groups.of(X.loc[fitted, self.by], count=self.groups)
        self.corrections_, self.counts_ = np.empty((0, len(self.levels))), np.zeros(0, dtype=np.int64)
        self.models_, self.scale_ = [], np.empty(0)
        if parts:
            unseen, values = np.zeros(len(y), dtype=bool), np.empty((len(y), len(self.levels)))
            for part in parts:
                model = self._unfitted().fit(
                    X[~part], y[~part], sample_weight=_rows(weight, ~part), bounds=self.bounds_
                )
                values[part], unseen[part] = model.predict(X[part]), True
                self.models_.append(model)
            if self.scaled is not False:
                known = self.models_[0].predict(X[fitted]) if len(parts) == 1 else values
                self.scale_ = self._scale(X[fitted], known)
            self.corrections_ = self._corrections(X[unseen], y[unseen], values[unseen], _rows(weight, unseen))
        else:
            warnings.warn(
                f"{len(y)} rows are too few to calibrate: {_MIN_ROWS} must be held out, with folds={self.folds}, "
                f"share={self.share}. The quantiles are those of {type(self._unfitted()).__name__}.",
                UncalibratedWarning,
                stacklevel=3,  # where fit() was called
            )
        if self.refit or not parts:
            self.models_ = [self._unfitted().fit(X, y, sample_weight=weight, bounds=self.bounds_)]

    def _check(self, X: pd.DataFrame) -> None:
        """Refuse settings and columns that cannot be used."""
        for parameter in ("by", "scaled"):
            name = getattr(self, parameter)
            check_column(X, name if isinstance(name, str) else None, parameter=parameter)
        if not 0 < self.share < 1 or self.folds == 1 or self.folds < 0 or self.groups < 1:
            raise RangeError(
                f"folds={self.folds}, share={self.share}, groups={self.groups}.",
                "folds must be 0 or at least 2, the share between 0 and 1, groups at least 1.",
                "Correct the settings.",
            )

    def _corrections(self, X: pd.DataFrame, y: Array, values: Array, weight: Array | None) -> Array:
        """Correction of each group, and of all rows."""
        error = (y[:, None] - values) / self._unit(X, values)
        overall = quantile_by_level(error, self.levels, weight)
        if self.by is None:
            return overall[None]
        group = self.groups_.place(X[self.by])
        rows = [group == k for k in range(len(self.groups_))]
        self.counts_ = np.array([row.sum() for row in rows])
        self._warn_of_small_groups()
        each = [
            quantile_by_level(error[row], self.levels, _rows(weight, row)) if count >= _MIN_ROWS else overall
            for row, count in zip(rows, self.counts_, strict=True)
        ]
        return np.stack([*each, overall])

    def _warn_of_small_groups(self) -> None:
        small = int((self.counts_ < _MIN_ROWS).sum())
        if small:
            warnings.warn(
                f"{small} of {len(self.counts_)} groups of {self.by!r} have fewer than {_MIN_ROWS} held-out rows "
                f"(the smallest {self.counts_.min()}) and are calibrated as all rows are: take fewer groups, or "
                "a longer sample.",
                UncalibratedWarning,
                stacklevel=5,  # where fit() was called
            )

    def _scale(self, X: pd.DataFrame, values: Array) -> Array:
        """Lowest scale, and the one where the column is missing."""
        if not isinstance(self.scaled, str):
            return np.array([_NARROW * np.max(_width(values), initial=0.0), np.nan])
        found = _difficulty(X[self.scaled])
        positive = found[found > 0]
        if not len(positive):
            raise MissingDataError(
                f"The column {self.scaled!r} has no value above 0 in {len(found)} rows.",
                "Residuals are scaled by it.",
                "Name a column that is large where the forecast is uncertain, or scaled=False.",
            )
        usual = np.median(positive)
        return np.array([_NARROW * usual, usual])

    def _unit(self, X: pd.DataFrame, values: Array) -> Array:
        """Unit of the corrections in each row, shape (rows, 1)."""
        if self.scaled is False:
            return np.ones((len(values), 1))
        lowest, usual = self.scale_
        size = _difficulty(X[self.scaled]) if isinstance(self.scaled, str) else _width(values)
        unit = np.maximum(np.where(np.isfinite(size), size, usual), lowest)
        return np.asarray(np.where(unit > 0, unit, 1.0)[:, None])

    def _predict(self, X: pd.DataFrame) -> Array:
        values = np.mean([model.predict(X) for model in self.models_], axis=0)
        if not len(self.corrections_):
            return np.asarray(values)
        row = -1 if self.by is None else self.groups_.place(X[self.by])  # the last row is for all
        return np.asarray(values + self.corrections_[row] * self._unit(X, values))

    def parts(self) -> dict[str, Part]:
        """Corrections, their groups and scale, and fitted state of each inner model."""
        state: dict[str, Part] = {"corrections": self.corrections_, "scale": self.scale_}
        state |= {"counts": self.counts_.astype(float)} | self.groups_.parts()
        for k, model in enumerate(self.models_):
            state |= parts_of(f"model_{k}", model)
        return state

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        self.corrections_, self.counts_, self.scale_ = (
            np.asarray(parts[name]) for name in ("corrections", "counts", "scale")
        )
        self.counts_ = self.counts_.astype(np.int64)
        self.groups_ = Groups.restored(parts)
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


def _difficulty(column: pd.Series) -> Array:
    """Scale of each row, NaN where it is missing; refuse negative ones."""
    found = numbers_of(column)
    if (found < 0).any() or np.isinf(found).any():
        raise RangeError(
            f"The column {column.name!r}, by which residuals are scaled, lies between {np.nanmin(found):g} and "
            f"{np.nanmax(found):g}.",
            "A scale must be finite and not negative.",
            "Name a spread or a width, such as the standard deviation of an ensemble.",
        )
    return found


def _width(values: Array) -> Array:
    return np.asarray(values[:, -1] - values[:, 0])


def _rows(weight: Array | None, chosen: npt.NDArray[np.bool_]) -> Array | None:
    return None if weight is None else weight[chosen]
