"""Profile of demand by hour and type of day, for a history of days or weeks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.errors import RangeError, SchemaError
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges, weighted_quantiles
from energyforecast.models.calibration_groups import numbers_of
from energyforecast.models.tree_growth import days_of

__all__ = ["DayProfile"]

_HOURS: Final = 24
#: Types of days of the profile.
_KINDS: Final = 4
#: Hours on each side of one whose errors count as its own. [h]
_NEAR: Final = 2
#: Errors, in hours, of a type of day that count half against those of all days.
_FEW: Final = 20.0
#: Share of rows that have a level, from which on the others take the mean of their hour.
_KNOWN: Final = 0.5
#: Parts into which days are cut, of which each is left out once for the errors.
_PARTS: Final = 7


class DayProfile(QuantileModel):
    r"""Profile by hour and type of day that follows the newest days, from a few days of demand on.

    With a published level :math:`m` of the interval, the mean size :math:`s` of the outcomes of training, the
    departures :math:`x_k` of other published values from the level, less their mean at this hour in training, and terms
    :math:`d` for working days and days off, of all hours and of each,

    .. math::

        \hat y = m + \sum_k \beta_k x_k + s \, (d_o + d_{h, o}),
        \qquad
        \min_{\beta, d} \sum_i w_i \Bigl(\frac{y_i - \hat y_i}{s}\Bigr)^2
        + \lambda \lVert \beta \rVert^2 + \lambda \lVert d \rVert^2,

    where the weights :math:`w` of the rows of an hour add up to 1: coefficients that few days determine stay near 0,
    and the forecast near the level. Quantiles are those of the errors of days that were left out of a fit, at hours up
    to two from this one; :math:`n` hours of the same type of day count :math:`n / (n + 20)`, all days the rest.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    level : str
        Column of the level, such as the mean of this hour over a week. Where it is missing, the mean outcome of the
        hour in training takes its place.
    departures : tuple of str
        Columns in the unit of the outcome of which departures are taken; those that X does not have are left out.
    penalty : float
        Ridge penalty :math:`\lambda`. [days]
    weekend : tuple of int
        Weekdays that are off, Monday being 0, besides holidays and without working weekends.

    Raises
    ------
    SchemaError
        If X has no column ``hour``, ``weekday`` or that of the level.
    RangeError
        If the penalty is not positive, or a weekday is not of 0 to 6.

    See Also
    --------
    SameTypeDay : The newest day of the same type, as it was.
    LightGBMQuantiles : Trees, for longer histories.

    Notes
    -----
    Days are those of the index of X, where it has times. The columns ``holiday`` and ``working_weekend`` are read where
    they are there.

    References
    ----------
    Hoerl and Kennard (1970), Ridge regression: biased estimation for nonorthogonal problems, Technometrics 12(1),
    https://doi.org/10.1080/00401706.1970.10488634

    Examples
    --------
    A consumer of 1 kW that takes 2 kW on days off, known for three weeks:

    >>> index = pd.date_range("2024-01-01", periods=21 * 24, freq="1h")
    >>> X = pd.DataFrame({"mean_7x24h": 9 / 7, "hour": index.hour, "weekday": index.day_of_week}, index=index)
    >>> model = DayProfile((0.5,), penalty=0.01).fit(X, 1.0 + (X["weekday"] >= 5).to_numpy())
    >>> model.predict(X.iloc[[100, 130]]).ravel().round(2).tolist()  # Friday and Saturday
    [1.0, 2.0]
    """

    few_parameters = True

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        level: str = "mean_7x24h",
        departures: tuple[str, ...] = (
            "lag_24h",
            "lag_48h",
            "lag_168h",
            "mean_7x24h",
            "mean_4x168h",
            "day_mean",
        ),
        penalty: float = 5.0,
        weekend: tuple[int, ...] = (5, 6),
    ) -> None:
        super().__init__(quantiles)
        self.level = level
        self.departures = departures
        self.penalty = penalty
        self.weekend = weekend

    def fit_out_of_fold(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        fold: npt.ArrayLike,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Array:
        """Fit on all rows, and return the quantiles of each from a fit without its fold, shape (rows, levels).

        Parameters
        ----------
        X, y, sample_weight, bounds
            As in :meth:`QuantileModel.fit`.
        fold : array of int, shape (rows,)
        """
        folds, weight = np.asarray(fold), np.ones(len(X)) if sample_weight is None else sample_weight
        unseen = np.full((len(X), len(self.levels)), np.nan)
        for k in np.unique(folds):
            others = (folds != k) & (weight > 0)
            if others.any():
                model: DayProfile = clone(self)
                model.fit(X[others], y[others], sample_weight=weight[others], bounds=bounds)
                unseen[folds == k] = model.predict(X[folds == k])
        self.fit(X, y, sample_weight=sample_weight, bounds=bounds)
        return unseen

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check(X)
        counted = np.ones(len(y)) if sample_weight is None else sample_weight
        X, y, counted = X[counted > 0], y[counted > 0], counted[counted > 0]
        hour, _ = self._when(X)
        self.usual_ = _by_hour(y, hour, counted)
        level = self._level(X, hour)
        if np.isfinite(numbers_of(X[self.level])).mean() < _KNOWN:
            # Of one or two days the hour's own mean would leave no error: the departure is that from all hours.
            level = np.where(np.isfinite(numbers_of(X[self.level])), level, np.average(y, weights=counted))
        self.scale_ = float(np.average(np.abs(y), weights=counted)) or 1.0
        names = [name for name in self.departures if name in X.columns and name != self.level]
        self.names_ = [name for name in names if np.isfinite(numbers_of(X[name])).any()]
        self.centre_ = np.zeros((_HOURS, len(self.names_)))
        away = self._departures(X, hour)
        self.centre_ = (
            np.stack([_by_hour(x, hour, counted) for x in away.T], axis=1) if away.size else self.centre_
        )
        terms, target = self._terms(X), (y - level) / self.scale_
        day = days_of(X.index)
        day = np.arange(len(y)) * _HOURS // len(y) if day is None else day
        weight = counted / counted.max() / _rows_an_hour(X.index, day, hour)
        self.coefficients_ = self._solved(terms, target, weight)
        self.errors_ = self._errors(X, target - self._unseen(terms, target, weight, day), weight)

    def _check(self, X: pd.DataFrame) -> None:
        """Refuse settings that cannot be used, and columns that are not there."""
        check_ranges(self, {"penalty": (1e-9, np.inf)})
        if not set(self.weekend) <= set(range(7)):
            raise RangeError(
                f"weekend is {self.weekend}.",
                "Weekdays must be numbers from 0, Monday, to 6, Sunday.",
                "Give weekend=(5, 6) for Saturday and Sunday.",
            )
        missing = [name for name in ("hour", "weekday", self.level) if name not in X.columns]
        if missing:
            raise SchemaError(
                f"X has the columns {list(X.columns)}, without {missing}.",
                f"DayProfile must have hour, weekday and its level {self.level!r}.",
                "Add the features that give them: LocalHour(), DayType() and LagMean('24h', 7).",
            )

    def _when(self, X: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Hour of the day, and whether the day is off, 0 or 1."""
        off = np.isin(numbers_of(X["weekday"]), self.weekend)
        if "working_weekend" in X:
            off &= ~(numbers_of(X["working_weekend"]) == 1)
        if "holiday" in X:
            off |= numbers_of(X["holiday"]) == 1
        return np.floor(numbers_of(X["hour"])).astype(np.int64) % _HOURS, off.astype(np.int64)

    def _level(self, X: pd.DataFrame, hour: npt.NDArray[np.int64]) -> Array:
        """Level of each row; where it is missing, the usual outcome of the hour."""
        level = numbers_of(X[self.level])
        return np.where(np.isfinite(level), level, self.usual_[hour])

    def _departures(self, X: pd.DataFrame, hour: npt.NDArray[np.int64]) -> Array:
        """Departures of columns from the level, less their usual value at the hour, in parts of the scale."""
        level = numbers_of(X[self.level])
        away = [(numbers_of(X[name]) - level) / self.scale_ for name in self.names_]
        return np.stack(away, axis=1) - self.centre_[hour] if away else np.empty((len(X), 0))

    def _terms(self, X: pd.DataFrame) -> Array:
        """Departures, of which a missing one is the usual, and indicators of the type of day and of its hours."""
        hour, off = self._when(X)
        weekday = numbers_of(X["weekday"]).astype(np.int64)
        first, last = (self.weekend or (-1,))[0], (self.weekend or (-1,))[-1]
        # The first day of the weekend, other days off, the working day after a weekend, and the other working days.
        kind = np.select([(off == 1) & (weekday == first), off == 1, weekday == (last + 1) % 7], [0, 1, 2], 3)
        indicators = (np.eye(2)[off], np.eye(_KINDS)[kind])
        hours = (np.eye(2 * _HOURS)[2 * hour + off], np.eye(_KINDS * _HOURS)[_KINDS * hour + kind])
        return np.hstack([np.nan_to_num(self._departures(X, hour)), *indicators, *hours])

    def _solved(self, terms: Array, target: Array, weight: Array) -> Array:
        """Coefficients of the ridge regression."""
        weighted = terms * weight[:, None]
        matrix = weighted.T @ terms + self.penalty * np.eye(terms.shape[1])
        return np.linalg.solve(matrix, weighted.T @ target)

    def _unseen(self, terms: Array, target: Array, weight: Array, day: Array) -> Array:
        """Forecast of each row by the others' days; of a single day that of all days is 0, the level."""
        days = int(day.max()) + 1
        part = day * min(days, _PARTS) // days
        unseen = np.zeros(len(target))
        for k in np.unique(part) if days > 1 else ():
            others = part != k
            unseen[~others] = terms[~others] @ self._solved(terms[others], target[others], weight[others])
        return unseen

    def _errors(self, X: pd.DataFrame, error: Array, weight: Array) -> Array:
        """Quantiles of errors by hour and type of day, shape (hours, 2, levels)."""
        hour, off = self._when(X)
        table = np.empty((_HOURS, 2, len(self.levels)))
        everywhere = weighted_quantiles(error, self.levels, weight)
        for h in range(_HOURS):
            near = np.abs((hour - h + _HOURS // 2) % _HOURS - _HOURS // 2) <= _NEAR
            usual = weighted_quantiles(error[near], self.levels, weight[near]) if near.any() else everywhere
            for o in range(2):
                own = near & (off == o)
                share = weight[own].sum() / (weight[own].sum() + _FEW)
                curve = weighted_quantiles(error[own], self.levels, weight[own]) if own.any() else usual
                table[h, o] = share * curve + (1 - share) * usual
        return table

    def _predict(self, X: pd.DataFrame) -> Array:
        hour, off = self._when(X)
        middle = self._level(X, hour) + self.scale_ * (self._terms(X) @ self.coefficients_)
        return np.asarray(middle[:, None] + self.scale_ * self.errors_[hour, off])

    def parts(self) -> dict[str, Part]:
        """Coefficients, usual values by hour, and quantiles of errors."""
        return {
            "about": json.dumps({"names": self.names_, "scale": self.scale_}),
            "coefficients": self.coefficients_,
            "usual": self.usual_,
            "centre": self.centre_,
            "errors": self.errors_,
        }

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        about = json.loads(str(parts["about"]))
        self.names_, self.scale_ = about["names"], float(about["scale"])
        self.coefficients_, self.usual_, self.centre_, self.errors_ = (
            np.asarray(parts[name]) for name in ("coefficients", "usual", "centre", "errors")
        )


def _rows_an_hour(index: pd.Index, day: Array, hour: Array) -> float:
    """Rows of an hour of a day, by the step of the times, or as there are without times."""
    if isinstance(index, pd.DatetimeIndex) and index.nunique() > 1:
        step = np.median(np.diff(np.unique(index.values))) / np.timedelta64(1, "h")
        return max(1.0, 1.0 / float(step))
    return len(day) / len(np.unique(day * _HOURS + hour))


def _by_hour(values: Array, hour: npt.NDArray[np.int64], weight: Array) -> Array:
    """Mean of the known values at each hour; of all where there are none, 0 without any."""
    known = np.isfinite(values)
    sums, weights = (
        np.bincount(hour[known], weights=each, minlength=_HOURS)
        for each in ((weight * values)[known], weight[known])
    )
    whole = sums.sum() / weights.sum() if weights.sum() > 0 else 0.0
    return np.where(weights > 0, sums / np.where(weights > 0, weights, 1.0), whole)
