"""Demand response to temperature and calendar, and its distribution over temperature scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import MissingDataError, RangeError, SchemaError
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges
from energyforecast.models.boosters import boosters_of, texts_of
from energyforecast.models.tree_growth import RANGES

__all__ = ["DemandResponse"]

Floats = npt.NDArray[np.float64]

#: Columns that begin so are temperatures: splines in the linear part.
_TEMPERATURE: Final = "temp_air"
#: Heating and cooling degrees, which repeat the splines.
_REPEATED: Final = ("[heating]", "[cooling]")
#: Hours further from the level than this are faults or outages and do not train. [logarithm]
_OUTLIER: Final = 0.5
#: Bound of a day's residual as it moves the level. [logarithm]
_CLIP: Final = 0.1
#: Levels of the residuals around each temperature scenario.
_ERRORS: Final = (np.arange(25) + 0.5) / 25
#: Arrays of the fitted state.
_ARRAYS: Final = ("hours", "centre", "scale", "weights", "intercept", "errors")
#: Days of training, at least.
_MIN_DAYS: Final = 90


class DemandResponse(QuantileModel):
    r"""Demand given temperature and calendar, for temperature scenarios.

    The logarithm of demand :math:`D_t` is a slow level :math:`\ell`, a response :math:`f` and a residual,

    .. math::

        \ln D_t = \ell_{d(t)} + f(x_t) + \varepsilon_t, \qquad
        \ell_d = \ell_{d-1} + \bigl(1 - 2^{-1/H}\bigr)
        \operatorname{clip}(\bar r_d - \ell_{d-1}, -c, c),

    where :math:`\bar r_d` is the mean of :math:`\ln D - f` over the day :math:`d`, :math:`H` the half-life and
    :math:`c = 0.1`. The response is the mean of a ridge regression for each hour of the day (splines of each
    temperature, weekdays, day classes, harmonics of the year) and of LightGBM on the same columns. The forecast
    distribution is the mixture over :math:`M` temperature scenarios of the 25 residual quantiles :math:`e_{h,j}` of
    held-out days at the same hour :math:`h` of the day,

    .. math::

        F_t(y) = \frac{1}{25 M} \sum_{m=1}^{M} \sum_{j=1}^{25}
        \mathbf{1}\bigl[\exp\bigl(\ell + f(x_t^{(m)}) + e_{h(t),j}\bigr) \le y\bigr].

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; a forecaster sets them from its task.
    half_life : float
        Half-life :math:`H` of the level. [d]
    horizon : int
        Age of the level from which residuals are measured, the middle of the forecast window. [d]
    folds : int
        Blocks of time that are held out in turn, so that residuals are out of fold.
    knots, penalty : int, float
        Knots of the temperature splines, and ridge penalty.
    n_estimators, num_leaves, learning_rate : int, int, float
        As in LightGBM's scikit-learn interface.
    seed : int
        Seed of the trees.

    Attributes
    ----------
    level_ : float
        Newest level :math:`\ell` of the logarithm of demand.
    errors_ : array, shape (hours of the day, 25)
        Quantiles of out-of-fold residuals. [logarithm]
    left_out_ : int
        Rows too far from the level, which did not train.

    See Also
    --------
    energyforecast.weather.TemperatureEnsemble : Temperature scenarios as the weather of a forecaster.
    energyforecast.physics.heating_degrees : Heating degrees.

    References
    ----------
    Semi-parametric models of demand: Hong and Fan (2016), https://doi.org/10.1016/j.ijforecast.2015.11.011;
    exponential smoothing of residuals: Hyndman and Athanasopoulos (2021), https://otexts.com/fpp3/ses.html.

    Examples
    --------
    >>> hours = pd.date_range("2022-01-01", "2022-12-31 23:00", freq="1h")
    >>> temperature = 10 - 12 * np.cos(2 * np.pi * hours.day_of_year / 365)
    >>> X = pd.DataFrame({"hour": hours.hour, "weekday": hours.day_of_week, "temp_air[mean]": temperature})
    >>> demand = 100 + 2 * np.maximum(0, 15 - temperature)  # 2 MW a degree below 15 °C
    >>> model = DemandResponse(n_estimators=20).fit(X, demand.to_numpy())
    >>> cold, mild = X[:1].assign(**{"temp_air[mean]": -1.0}), X[:1].assign(**{"temp_air[mean]": 14.0})
    >>> [float(model.expected(X).round(-1)[0]) for X in (cold, mild)]
    [130.0, 100.0]
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        half_life: float = 80.0,
        horizon: int = 15,
        folds: int = 3,
        knots: int = 8,
        penalty: float = 10.0,
        n_estimators: int = 60,
        num_leaves: int = 20,
        learning_rate: float = 0.15,
        seed: int = 1,
    ) -> None:
        super().__init__(quantiles)
        self.half_life = half_life
        self.horizon = horizon
        self.folds = folds
        self.knots = knots
        self.penalty = penalty
        self.n_estimators = n_estimators
        self.num_leaves = num_leaves
        self.learning_rate = learning_rate
        self.seed = seed

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        """Fit level, response and residuals."""
        check_ranges(self, RANGES | {"folds": (2, np.inf), "horizon": (0, np.inf), "knots": (1, np.inf)})
        check_ranges(self, {"half_life": (1e-6, np.inf), "penalty": (0, np.inf)})
        if sample_weight is not None:
            raise SchemaError(
                "DemandResponse is given weights of rows.",
                "Rows are hours in order, each of the same weight: their level is smoothed in time.",
                "Leave sample_weight out.",
            )
        known = _usable(X, y)
        X, log = X[known], np.log(y[known])
        self.hours_ = np.unique(X["hour"].to_numpy(dtype=np.float64))
        day = len(self.hours_)
        self._fit_basis(X)
        design, hour = self._design(X), self._hour(X)
        values = X.to_numpy(dtype=np.float32, na_value=np.nan)
        first = log - _by_hour(*self._ridge(design, hour, log), design, hour)
        level = np.repeat(self._smoothed(first, day, both=True), day)[: len(log)]
        kept = np.abs(first - level) < _OUTLIER
        self.left_out_ = int((~kept).sum())
        response = self._fit_blocks(design, values, hour, log - level, kept)
        residual = log - response
        smoothed = self._smoothed(residual, day)
        self.level_ = float(smoothed[-1])
        self.errors_ = self._errors(residual, smoothed, hour, kept)

    def _fit_basis(self, X: pd.DataFrame) -> None:
        """Knots of each temperature, and centre and scale of the design."""
        inner = np.linspace(0, 1, self.knots)
        each = {
            name: np.unique(np.quantile(X[name].to_numpy(dtype=np.float64), inner))
            for name in self.columns_
            if _is_temperature(name)
        }
        self.knots_ = {name: knots for name, knots in each.items() if len(knots) > 1}
        raw = self._raw(X)
        self.centre_ = np.nan_to_num(np.nanmean(np.where(np.isfinite(raw), raw, 0.0), axis=0))
        self.scale_ = np.where(raw.std(axis=0) > 1e-9, raw.std(axis=0), 1.0)

    def _raw(self, X: pd.DataFrame) -> Floats:
        """Splines of temperatures, weekdays, flags and harmonics, not standardised."""
        parts = [_spline(X[name], knots) for name, knots in self.knots_.items()]
        weekday = X["weekday"].to_numpy(dtype=np.float64)
        parts.append((weekday[:, None] == np.arange(1, 7)).astype(np.float64))
        others = [
            name
            for name in self.columns_
            if name not in ("hour", "weekday") and not _is_temperature(name) and not name.endswith(_REPEATED)
        ]
        # An unknown flag, as of holidays without a country, counts as 0.
        parts.append(np.nan_to_num(X[others].to_numpy(dtype=np.float64, na_value=np.nan)))
        if {"season_cosine", "season_sine"} <= set(self.columns_):
            turn = X["season_cosine"].to_numpy(dtype=np.float64) + 1j * X["season_sine"].to_numpy(
                dtype=np.float64
            )
            parts += [np.column_stack([(turn**k).real, (turn**k).imag]) for k in (2, 3)]
        return np.hstack(parts)

    def _design(self, X: pd.DataFrame) -> Floats:
        return np.asarray((self._raw(X) - self.centre_) / self.scale_)

    def _hour(self, X: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Index of each row's hour among those of fit."""
        place = np.searchsorted(self.hours_, X["hour"].to_numpy(dtype=np.float64))
        return np.asarray(np.minimum(place, len(self.hours_) - 1))

    def _ridge(self, design: Floats, hour: Array, target: Floats) -> tuple[Floats, Floats]:
        """Weights and intercept for each hour of the day."""
        from sklearn.linear_model import Ridge

        weights = np.zeros((len(self.hours_), design.shape[1]))
        intercept = np.full(len(self.hours_), target.mean())
        for k in np.unique(hour):
            rows = hour == k
            fitted = Ridge(alpha=self.penalty).fit(design[rows], target[rows])
            weights[k], intercept[k] = fitted.coef_, fitted.intercept_
        return weights, intercept

    def _grow(self, values: Array, target: Floats, *, block: int) -> Any:
        """Booster on the columns as they are."""
        import lightgbm

        settings = {
            "objective": "regression",
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": 40,
            "feature_fraction": 0.7,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "max_bin": 63,
            "seed": 1000 * self.seed + block,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        return lightgbm.train(
            settings, lightgbm.Dataset(values, label=target), num_boost_round=self.n_estimators
        )

    def _fit_blocks(
        self, design: Floats, values: Array, hour: Array, target: Floats, kept: npt.NDArray[np.bool_]
    ) -> Floats:
        """Fit both models without each block of time; returns the out-of-fold response."""
        block = np.arange(len(target)) * self.folds // len(target)
        response, ridges = np.empty(len(target)), []
        self.boosters_ = []
        for k in range(self.folds):
            seen, unseen = (block != k) & kept, block == k
            ridges.append(self._ridge(design[seen], hour[seen], target[seen]))
            self.boosters_.append(self._grow(values[seen], target[seen], block=k))
            trees = self.boosters_[-1].predict(values[unseen], num_threads=1)
            response[unseen] = (_by_hour(*ridges[-1], design[unseen], hour[unseen]) + trees) / 2
        # The mean of linear models is the model of their mean weights.
        self.weights_ = np.mean([weights for weights, _ in ridges], axis=0)
        self.intercept_ = np.mean([intercept for _, intercept in ridges], axis=0)
        return response

    def _smoothed(self, residual: Floats, day: int, *, both: bool = False) -> Floats:
        """Level after each day; with `both`, the mean of forward and backward smoothing."""
        days = np.array([block.mean() for block in np.split(residual, np.arange(day, len(residual), day))])
        forward = _smooth(days, self.half_life)
        return (forward + _smooth(days[::-1], self.half_life)[::-1]) / 2 if both else forward

    def _errors(self, residual: Floats, level: Floats, hour: Array, kept: npt.NDArray[np.bool_]) -> Floats:
        """Quantiles of residuals by hour of the day, from a level as old as in a forecast."""
        day = len(self.hours_)
        place = np.arange(len(residual)) // day - 1 - self.horizon
        error = residual - level[np.maximum(place, 0)]
        # The level settles in the first weeks.
        rows = kept & (place > min(60, place[-1] // 2))
        of_hour = [error[rows & (hour == k)] for k in range(day)]
        return np.stack([np.quantile(some if some.size else error[rows], _ERRORS) for some in of_hour])

    def _centre(self, X: pd.DataFrame) -> Floats:
        """Level plus response. [logarithm]"""
        self._check_columns(X)
        values = X.to_numpy(dtype=np.float32, na_value=np.nan)
        trees = np.mean([booster.predict(values, num_threads=1) for booster in self.boosters_], axis=0)
        linear = _by_hour(self.weights_, self.intercept_, self._design(X), self._hour(X))
        return np.asarray(self.level_ + (linear + trees) / 2)

    def expected(self, X: pd.DataFrame) -> Floats:
        """Central demand (the exponential of level plus response), shape (rows,). [MW]"""
        return np.asarray(np.exp(self._centre(X)))

    def predict_members(self, X: pd.DataFrame, *, members: int) -> Floats:
        """Predict quantiles of the mixture over temperature scenarios and residuals.

        Parameters
        ----------
        X : DataFrame, shape (members * steps, columns)
            Rows of one member after the other, the steps of each in order.
        members : int

        Returns
        -------
        array, shape (steps, levels)
            Not crossing, and inside the bounds. [MW]
        """
        centre = self._centre(X).reshape(members, -1)
        hour = self._hour(X[: centre.shape[1]])
        mixture = centre[:, :, None] + self.errors_[hour][None, :, :]
        pooled = np.moveaxis(mixture, 1, 0).reshape(centre.shape[1], -1)
        quantiles = np.exp(np.quantile(pooled, self.levels, axis=1)).T
        return np.asarray(np.clip(quantiles, *self.bounds_))

    def _predict(self, X: pd.DataFrame) -> Array:
        return self.predict_members(X, members=1)

    def parts(self) -> dict[str, Part]:
        """Text of each booster; knots, weights, level and residuals."""
        knots = {f"knots:{name}": values for name, values in self.knots_.items()}
        arrays = {name: getattr(self, f"{name}_") for name in _ARRAYS}
        counts = np.array([self.level_, self.left_out_])
        return {**texts_of(self.boosters_), **knots, **arrays, "counts": counts}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        for name in _ARRAYS:
            setattr(self, f"{name}_", np.asarray(parts[name]))
        self.level_, self.left_out_ = float(parts["counts"][0]), int(parts["counts"][1])
        names = [name for name in self.columns_ if f"knots:{name}" in parts]
        self.knots_ = {name: np.asarray(parts[f"knots:{name}"]) for name in names}
        self.boosters_ = boosters_of(parts)


def _spline(values: pd.Series[Any], knots: Floats) -> Floats:
    """Cubic splines of a temperature, linear beyond the knots."""
    from sklearn.preprocessing import SplineTransformer

    spline = SplineTransformer(knots=knots[:, None], extrapolation="linear", include_bias=False)
    return np.asarray(spline.fit(knots[:, None]).transform(values.to_numpy(dtype=np.float64)[:, None]))


def _is_temperature(name: str) -> bool:
    return name.split(":", 1)[-1].startswith(_TEMPERATURE) and not name.endswith(_REPEATED)


def _usable(X: pd.DataFrame, y: Array) -> npt.NDArray[np.bool_]:
    """Rows with demand and temperature."""
    temperatures = [name for name in X.columns if _is_temperature(str(name))]
    absent = [name for name in ("hour", "weekday") if name not in X.columns]
    if absent or not temperatures:
        raise SchemaError(
            f"X has the columns {list(X.columns)}, without {absent[0] if absent else _TEMPERATURE!r}.",
            "X must have hour, weekday and at least one temperature.",
            "Use the features LocalHour(), DayType() and Temperature().",
        )
    if (y <= 0).any():
        raise RangeError(
            f"A demand of {y[y <= 0][0]:g} MW is given ({int((y <= 0).sum())} rows of 0 or less).",
            "The logarithm of demand is modelled, so demand must be above 0.",
            "Set meter faults to NaN; a net demand is forecast as demand less generation, each by itself.",
        )
    known = np.isfinite(X[temperatures].to_numpy(dtype=np.float64)).all(axis=1)
    day = max(1, X["hour"].nunique())
    if known.sum() < _MIN_DAYS * day:
        raise MissingDataError(
            f"Of {len(y)} rows with demand, {int(known.sum())} have a temperature.",
            f"A response must be fitted on {_MIN_DAYS} days of {day} rows or more.",
            "Give a longer history; a year shows every season.",
        )
    return np.asarray(known)


def _by_hour(weights: Floats, intercept: Floats, design: Floats, hour: Array) -> Floats:
    """Linear prediction with the weights of each row's hour."""
    result = np.empty(len(hour))
    for k in np.unique(hour):
        rows = hour == k
        result[rows] = intercept[k] + design[rows] @ weights[k]
    return result


def _smooth(days: Floats, half_life: float) -> Floats:
    """Exponential smoothing with clipped residuals."""
    step = 1 - 0.5 ** (1 / half_life)
    level, levels = float(np.median(days[:30])), np.empty(len(days))
    for k, value in enumerate(days):
        level += step * float(np.clip(value - level, -_CLIP, _CLIP))
        levels[k] = level
    return levels
