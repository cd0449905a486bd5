"""Linear quantile regression with readable coefficients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit

from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.models.base import Array, Part, QuantileModel, weighted_quantiles
from energyforecast.models.out_of_fold_calibration import GROWN

__all__ = ["LinearQuantiles"]

#: Rows that each coefficient needs; with fewer there is only the intercept.
_ROWS_PER_COEFFICIENT: Final = 10
#: Successive widths of smoothing of the loss around its kink. [standard deviations of the outcome]
_SMOOTHING: Final = (0.3, 0.1, 0.03)
_MAX_STEPS: Final = 30
_TOLERANCE: Final = 1e-6


class LinearQuantiles(QuantileModel):
    r"""Linear quantile regression: less accurate than trees, and interpretable.

    The coefficients of each level :math:`\tau` minimise the pinball loss with a ridge penalty :math:`\lambda`,

    .. math::

        \min_{\beta_0, \beta} \; \frac{1}{n} \sum_{i=1}^{n} \rho_\tau(y_i - \beta_0 - x_i^\top \beta)
        + \frac{\lambda}{2} \lVert \beta \rVert^2, \qquad
        \rho_\tau(r) = \max(\tau r, (\tau - 1) r),

    on standardised columns and outcomes. Linear splines :math:`\max(x - \kappa, 0)` give columns such as the wind speed
    another slope from each knot :math:`\kappa` on.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    fitted_quantiles : tuple of float
        Levels at which coefficients are fitted. The others are interpolated linearly in the level.
    spline_columns : tuple of str
        Columns, or patterns such as ``"wind_speed_*"``, that get a linear spline.
    knots : int
        Knots of a spline column, at equally spaced quantiles of its values.
    penalty : float
        Ridge penalty :math:`\lambda`; the intercept is not penalised. It decides between collinear columns.

    Attributes
    ----------
    missing_ : dict of int
        Rows of fit in which a column was missing. The median replaces it, and an indicator column, named
        ``"... is missing"``, has a coefficient. A value that is missing in a forecast but never was in fit is replaced
        by the median.

    See Also
    --------
    LightGBMQuantiles : Gradient-boosted quantile regression.
    Blend : Linear quantile regression on the quantiles of base models.

    Notes
    -----
    The loss is smoothed around its kink, with a decreasing width, and minimised by Newton's method; each intercept is
    then set so that a share :math:`\tau` of the training rows lies below. With fewer than ten rows for each
    coefficient only the intercept is fitted.

    References
    ----------
    - Koenker and Bassett (1978), Regression quantiles, Econometrica 46(1), doi:10.2307/1913643
    - He, Pan, Tan and Zhou (2023), Smoothed quantile regression with large-scale inference, Journal of
      Econometrics 232(2), doi:10.1016/j.jeconom.2021.07.010

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"x": rng.uniform(size=4000)})
    >>> y = 1 + 2 * X["x"].to_numpy() + rng.uniform(size=4000)
    >>> model = LinearQuantiles((0.1, 0.5, 0.9)).fit(X, y)
    >>> model.coefficients()[[0.1, 0.5, 0.9]].round(1)
               0.1  0.5  0.9
    intercept  1.1  1.5  1.9
    x          2.0  2.0  2.0
    """

    few_parameters = True

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        fitted_quantiles: tuple[float, ...] = GROWN,
        spline_columns: tuple[str, ...] = (),
        knots: int = 4,
        penalty: float = 1e-4,
    ) -> None:
        super().__init__(quantiles)
        self.fitted_quantiles = fitted_quantiles
        self.spline_columns = spline_columns
        self.knots = knots
        self.penalty = penalty

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._check()
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        values = X.to_numpy(dtype=np.float64)
        lacking = ~np.isfinite(values)
        self.missing_ = {
            name: int(n) for name, n in zip(self.columns_, lacking.sum(axis=0), strict=True) if n
        }
        self.medians_ = np.array([_median(column) for column in values.T])
        self.knots_ = [
            _inner_knots(column, self.knots) if self._is_spline(name) else np.empty(0)
            for name, column in zip(self.columns_, values.T, strict=True)
        ]
        terms = self._terms(values)
        self.terms_ = self._names()
        self.coefficients_ = self._solved(terms, y, weight / weight.mean())

    def _check(self) -> None:
        """Refuse settings that cannot be used."""
        check_levels(self.fitted_quantiles)
        if self.knots < 1 or not self.penalty >= 0:
            raise RangeError(
                f"knots={self.knots}, penalty={self.penalty}.",
                "There must be at least one knot, and the penalty must not be negative.",
                "Correct the settings.",
            )
        for pattern in self.spline_columns:
            if not any(fnmatchcase(name, pattern) for name in self.columns_):
                raise SchemaError(
                    f"No column fits {pattern!r}, named in spline_columns.",
                    f"The columns are {self.columns_}.",
                    "Correct the pattern.",
                )

    def _is_spline(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.spline_columns)

    def _names(self) -> list[str]:
        """Names of the terms."""
        splines = [
            f"{name} above {knot:.4g}"
            for name, knots in zip(self.columns_, self.knots_, strict=True)
            for knot in knots
        ]
        return [*self.columns_, *splines, *(f"{name} is missing" for name in self.missing_)]

    def _terms(self, values: Array) -> Array:
        """Columns, spline terms and missing indicators, shape (rows, terms)."""
        lacking = ~np.isfinite(values)
        whole = np.where(lacking, self.medians_, values)
        splines = [
            np.maximum(whole[:, k] - knot, 0.0) for k, knots in enumerate(self.knots_) for knot in knots
        ]
        gaps = [lacking[:, self.columns_.index(name)].astype(float) for name in self.missing_]
        return np.column_stack([whole, *splines, *gaps])

    def _solved(self, terms: Array, y: Array, weight: Array) -> Array:
        """Intercept and coefficients, shape (1 + terms, fitted levels)."""
        centre, spread = terms.mean(axis=0), terms.std(axis=0)
        # Rounding leaves a little spread in a column that holds one value.
        used = spread > 1e-9 * np.maximum(np.abs(centre), 1e-300)
        unit = float(y.std())
        if len(y) < _ROWS_PER_COEFFICIENT * (1 + used.sum()) or not unit > 1e-12 * np.abs(y).max():
            used = np.zeros_like(used)
        design = (terms[:, used] - centre[used]) / spread[used]
        found = np.zeros((1 + terms.shape[1], len(self.fitted_quantiles)))
        slope = np.zeros(design.shape[1])
        for j, level in enumerate(self.fitted_quantiles):
            if used.any():
                slope = _newton(
                    design, (y - y.mean()) / unit, weight, level=level, penalty=self.penalty, start=slope
                )
            raw = slope / spread[used] * unit
            found[1:, j][used] = raw
            found[0, j] = weighted_quantiles(y - terms[:, used] @ raw, (level,), weight)[0]
        return found

    def _predict(self, X: pd.DataFrame) -> Array:
        terms = self._terms(X.to_numpy(dtype=np.float64))
        # Not a matrix product: its rounding would depend on the number of rows.
        slopes = np.einsum("ij,jk->ik", terms, self.coefficients_[1:])
        curve = np.sort(self.coefficients_[0] + slopes, axis=1)
        return QuantileFunction(curve, self.fitted_quantiles).table(self.levels, tails="normal")

    def coefficients(self) -> pd.DataFrame:
        """Coefficients of intercept and terms (rows) for each fitted level (columns). [unit of y per unit of the term]

        Examples
        --------
        >>> X = pd.DataFrame({"speed": np.linspace(0, 20, 400)})
        >>> y = np.maximum(X["speed"].to_numpy() - 10, 0)
        >>> model = LinearQuantiles(fitted_quantiles=(0.5,), spline_columns=("speed",), knots=1).fit(X, y)
        >>> model.coefficients().round(2).abs().to_dict()[0.5]
        {'intercept': 0.0, 'speed': 0.0, 'speed above 10': 1.0}
        """
        index = pd.Index(["intercept", *self.terms_], name=None)
        return pd.DataFrame(self.coefficients_, index=index, columns=list(self.fitted_quantiles))

    def parts(self) -> dict[str, Part]:
        """Coefficients, medians, and definitions of the terms."""
        about = {
            "terms": self.terms_,
            "missing": self.missing_,
            "knots": [list(map(float, knots)) for knots in self.knots_],
        }
        return {"coefficients": self.coefficients_, "medians": self.medians_, "about": json.dumps(about)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        about = json.loads(str(parts["about"]))
        self.coefficients_, self.medians_ = (np.asarray(parts[name]) for name in ("coefficients", "medians"))
        self.terms_, self.missing_ = about["terms"], about["missing"]
        self.knots_ = [np.asarray(knots, dtype=float) for knots in about["knots"]]


def _median(column: Array) -> float:
    known = column[np.isfinite(column)]
    return float(np.median(known)) if len(known) else 0.0


def _inner_knots(column: Array, count: int) -> Array:
    """Knots at equally spaced quantiles, inside the range of a column."""
    known = column[np.isfinite(column)]
    if not len(known):
        return np.empty(0)
    knots = np.unique(np.quantile(known, np.arange(1, count + 1) / (count + 1)))
    return np.asarray(knots[(knots > known.min()) & (knots < known.max())])


def _newton(design: Array, y: Array, weight: Array, *, level: float, penalty: float, start: Array) -> Array:
    """Coefficients of standardised columns that minimise the smoothed pinball loss plus the penalty.

    With residual r the loss is level * r + h log(1 + exp(-r / h)): the pinball loss for h to 0.
    """
    X = np.column_stack([np.ones(len(y)), design])
    ridge = np.full(X.shape[1], penalty)
    ridge[0] = 0.0
    beta = np.concatenate([[np.quantile(y - design @ start, level)], start])

    def loss(beta: Array, h: float) -> float:
        r = y - X @ beta
        return float(np.mean(weight * (level * r + h * np.logaddexp(0.0, -r / h))) + ridge @ beta**2 / 2)

    for h in _SMOOTHING:
        value = loss(beta, h)
        for _ in range(_MAX_STEPS):
            below = expit(-(y - X @ beta) / h)
            gradient = X.T @ (weight * (below - level)) / len(y) + ridge * beta
            curvature = weight * below * (1 - below) / h / len(y)
            hessian = (X * curvature[:, None]).T @ X + np.diag(ridge + 1e-9)
            step = np.linalg.solve(hessian, gradient)
            length = 1.0
            while (
                loss(beta - length * step, h) > value - 1e-4 * length * float(gradient @ step)
                and length > 1e-4
            ):
                length /= 2
            improved = value - loss(beta - length * step, h)
            if improved <= 0:
                break
            beta, value = beta - length * step, value - improved
            if improved < _TOLERANCE * abs(value):
                break
    return np.asarray(beta[1:])
