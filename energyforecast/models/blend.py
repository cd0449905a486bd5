"""Quantile-regression average (QRA) of base models of several weather models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from energyforecast.core.quantile_interpolation import interpolation_weights
from energyforecast.errors import MissingDataError, RangeError, SchemaError, one_of
from energyforecast.models.base import Array, Part, QuantileModel, check_ranges, parts_of, restored
from energyforecast.models.conformal import unfitted
from energyforecast.models.linear import LinearQuantiles
from energyforecast.models.out_of_fold_calibration import GROWN

__all__ = ["Blend"]

#: Rows of a block that weights need; with fewer all base models weigh the same.
_MIN_ROWS: Final = 100
#: Rows for each coefficient, at least: with fewer, equal weights are better, since hours resemble each other.
_ROWS_PER_COEFFICIENT: Final = 40
#: Ridge penalty of the regression: neighbouring levels of a base model are nearly collinear.
_PENALTY: Final = 1e-3
_COMBINATIONS: Final = ("regression", "weights", "equal")


class Blend(QuantileModel):
    r"""Quantile-regression average (QRA): one base model for each weather model, and their quantiles combined.

    Columns named ``"ifs:..."`` belong to the weather model ``ifs``, those without a prefix to all. Each base
    model uses its own weather model's columns and the shared ones. With the out-of-fold quantiles
    :math:`\hat q_{m,\sigma}` of base model :math:`m` at nine levels :math:`\sigma`, the regression of each level
    :math:`\tau` is

    .. math::

        q_\tau(x) = \beta_{0,\tau} + \sum_m \sum_\sigma \beta_{m,\sigma,\tau}\, \hat q_{m,\sigma}(x), \qquad
        \beta_\tau = \arg\min_\beta \sum_i \rho_\tau\bigl(y_i - q_\tau(x_i)\bigr),

    and the weighted mean (``"weights"``) is :math:`q_\tau = \sum_m w_{m,\tau} \hat q_{m,\tau}` with
    :math:`w_{m,\tau} \ge 0` and :math:`\sum_m w_{m,\tau} = 1`.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    model : QuantileModel, optional
        Base model, not fitted; :class:`LightGBMQuantiles` by default.
    sources : tuple of str, optional
        Weather models; by default all prefixes of the columns.
    folds : int
        Blocks of time that are held out in turn, at least two. The forecast averages the base models of all blocks.
        With fewer than 100 rows in a block, weather models have equal weights.
    combination : {"regression", "weights", "equal"}
        ``"regression"`` is a linear quantile regression, which also widens distributions that are too narrow;
        ``"weights"`` a mean with weights for each level; ``"equal"`` the mean.

    Attributes
    ----------
    regressions_ : dict of LinearQuantiles
        By the available weather models: all of them, or all but one. Empty with less than 40 rows for each
        coefficient, and unless `combination` is ``"regression"``.
    weights_ : array, shape (sources, levels)
        Weights of the mean, where there is no regression. Equal unless `combination` is ``"weights"``.

    Raises
    ------
    SchemaError
        If no column belongs to a named weather model.
    MissingDataError
        If a weather model has no value in any row.

    See Also
    --------
    LinearQuantiles : Linear quantile regression.
    ConformalQuantiles : Conformal calibration of any model.

    Notes
    -----
    Where one weather model is missing, the regression on the others is used, or the others share its weight.

    References
    ----------
    - Olauson, Viotti and Huss (2026), The HEFTCom2024 winning model, International Journal of Forecasting
      42(3), doi:10.1016/j.ijforecast.2026.02.005
    - Lichtendahl, Grushka-Cockayne and Winkler (2013), Is it better to average probabilities or
      quantiles?, Management Science 59(7), doi:10.1287/mnsc.1120.1667
    - Nowotarski and Weron (2015), Computing electricity spot price prediction intervals using quantile
      regression and forecast averaging, Computational Statistics 30(3), doi:10.1007/s00180-014-0523-0

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=1000)
    >>> X = pd.DataFrame({"good:wind": y, "poor:wind": rng.normal(size=1000)})
    >>> from energyforecast.models import LinearQuantiles
    >>> blend = Blend((0.5,), model=LinearQuantiles()).fit(X, y)
    >>> blend.regressions_["good", "poor"].coefficients().round(2).abs()
               0.5
    intercept  0.0
    good 0.5   1.0
    poor 0.5   0.0

    Weights are easier to read, and somewhat worse:

    >>> Blend((0.5,), model=LinearQuantiles(), combination="weights").fit(X, y).weights().round(2)
           0.5
    good   1.0
    poor   0.0
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        model: QuantileModel | None = None,
        sources: tuple[str, ...] | None = None,
        folds: int = 5,
        combination: Literal["regression", "weights", "equal"] = "regression",
    ) -> None:
        super().__init__(quantiles)
        self.model = model
        self.sources = sources
        self.folds = folds
        self.combination = combination

    @property
    def needs(self) -> tuple[str, ...] | None:
        """Columns that the base models require."""
        return unfitted(self.model, self.levels).needs

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        one_of("combination", self.combination, allowed=_COMBINATIONS, error=RangeError)
        check_ranges(self, {"folds": (2, np.inf)})
        self.sources_ = self._found(X)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        folds = self.folds if len(y) >= self.folds * _MIN_ROWS else 1
        block = np.arange(len(y)) * folds // len(y)
        unseen = np.full((len(self.sources_), len(y), len(self.levels)), np.nan)
        self.base_models_: dict[str, list[QuantileModel]] = {}
        for k, source in enumerate(self.sources_):
            columns, available = self._columns_of(X, source), self._available(X, source)
            self.base_models_[source] = []
            for fold in range(folds):
                rows = available & (block != fold) if folds > 1 else available
                if not rows.any():
                    continue
                base = unfitted(self.model, self.levels)
                base.fit(X.loc[rows, columns], y[rows], sample_weight=weight[rows], bounds=self.bounds_)
                self.base_models_[source].append(base)
                held_out = available & (block == fold)
                if folds > 1 and held_out.any():
                    unseen[k, held_out] = base.predict(X.loc[held_out, columns])
        self._refuse_none(X)
        self._combine(unseen, y, weight)

    def _combine(self, unseen: Array, y: Array, weight: Array) -> None:
        """Fit weights and regressions to out-of-fold quantiles, NaN where a base model had no weather."""
        available = np.isfinite(unseen[:, :, 0]) & (weight > 0)
        count, whole = len(self.sources_), available.all(axis=0)
        self.weights_ = np.full((count, len(self.levels)), 1 / count)
        if self.combination == "weights" and whole.sum() >= _MIN_ROWS:
            self.weights_ = _weights(unseen[:, whole], y[whole], weight[whole], self.levels)
        self.regressions_: dict[tuple[str, ...], LinearQuantiles] = {}
        if self.combination != "regression":
            return
        for names in filter(None, (tuple(self.sources_), *combinations(self.sources_, count - 1))):
            rows = available[[name in names for name in self.sources_]].all(axis=0)
            table = self._table(unseen[:, rows], names)
            if rows.sum() >= _ROWS_PER_COEFFICIENT * (1 + table.shape[1]):
                self.regressions_[names] = self._regression()
                self.regressions_[names].fit(table, y[rows], sample_weight=weight[rows], bounds=self.bounds_)

    def _regression(self) -> LinearQuantiles:
        fitted = tuple(self.levels[j] for j in _anchors(self.levels))
        return LinearQuantiles(self.levels, fitted_quantiles=fitted, penalty=_PENALTY)

    def _table(self, values: Array, names: tuple[str, ...]) -> pd.DataFrame:
        """Quantiles of these base models at nine levels; `values` has the shape (sources, rows, levels)."""
        columns = {
            f"{name} {self.levels[j]:g}": values[k, :, j]
            for k, name in enumerate(self.sources_)
            if name in names
            for j in _anchors(self.levels)
        }
        return pd.DataFrame(columns, index=range(values.shape[1]))

    def _found(self, X: pd.DataFrame) -> list[str]:
        """Weather models as given, or all prefixes of the columns."""
        prefixes = list(dict.fromkeys(name.rpartition(":")[0] for name in map(str, X.columns) if ":" in name))
        found = [""] if not prefixes and self.sources is None else list(self.sources or prefixes)
        lacking = [name for name in found if name and name not in prefixes]
        if lacking:
            raise SchemaError(
                f"No column is of the weather model {lacking[0]!r}.",
                f"Columns must begin with the name of their weather model; there are {prefixes}.",
                "Give the weather as {'name': dataset, ...}, or correct sources.",
            )
        return found

    def _with_prefix(self, columns: list[str], source: str) -> list[str]:
        return [name for name in columns if name.startswith(f"{source}:")] if source else columns

    def _columns_of(self, X: pd.DataFrame, source: str) -> list[str]:
        """Columns of the weather model, and those without a prefix."""
        names = [str(name) for name in X.columns]
        prefixed = set(self._with_prefix(names, source))
        return [name for name in names if name in prefixed or ":" not in name]

    def _available(self, X: pd.DataFrame, source: str) -> npt.NDArray[np.bool_]:
        """Rows in which the weather model has a value."""
        names = self._with_prefix([str(name) for name in X.columns], source)
        return np.asarray(X[names].notna().any(axis=1)) if source else np.ones(len(X), dtype=bool)

    def _refuse_none(self, X: pd.DataFrame) -> None:
        """Refuse a weather model without any value."""
        empty = [source for source, models in self.base_models_.items() if not models]
        if empty:
            raise MissingDataError(
                f"The weather model {empty[0]!r} has no value in {len(X)} rows.",
                "Each base model must have rows to be fitted on.",
                "Leave it out: Blend(sources=(...)), or give weather that reaches back.",
            )

    def _predict(self, X: pd.DataFrame) -> Array:
        available = np.stack([self._available(X, source) for source in self.sources_])
        lost = ~available.any(axis=0)
        if lost.any():
            raise MissingDataError(
                f"In {int(lost.sum())} rows no weather model of {self.sources_} has a value.",
                "At least one must have.",
                "Forecast such rows from climatology: predict(..., strict=False).",
            )
        values = np.zeros((len(self.sources_), len(X), len(self.levels)))
        for k, source in enumerate(self.sources_):
            if available[k].any():
                given = X.loc[available[k], self._columns_of(X, source)]
                values[k, available[k]] = np.mean(
                    [base.predict(given) for base in self.base_models_[source]], axis=0
                )
        result = self._averaged(values, available)
        for names, regression in self.regressions_.items():
            used = np.array([name in names for name in self.sources_])
            rows = (available == used[:, None]).all(axis=0)
            if rows.any():
                result[rows] = regression.predict(self._table(values[:, rows], names))
        return result

    def _averaged(self, values: Array, available: npt.NDArray[np.bool_]) -> Array:
        """Weighted mean of the available base models."""
        weight = self.weights_[:, None, :] * available[:, :, None]
        whole = weight.sum(axis=0)
        # If the available models have no weight at a level, they weigh the same.
        equal = (available / available.sum(axis=0))[:, :, None]
        weight = np.where(whole > 1e-6, weight / np.where(whole > 1e-6, whole, 1.0), equal)
        return np.asarray((weight * values).sum(axis=0))

    def weights(self) -> pd.DataFrame:
        """Weights of each weather model (rows) at each level (columns), which sum to one. [1]

        With regressions they are used only if more than one weather model is missing.

        Examples
        --------
        >>> from energyforecast.models import Climatology
        >>> X = pd.DataFrame({"a:x": [1.0, 2.0], "b:x": [1.0, 2.0], "hour": [0.0, 0.0]})
        >>> Blend((0.5,), model=Climatology()).fit(X, np.array([1.0, 2.0])).weights()  # too few rows to tell
           0.5
        a  0.5
        b  0.5
        """
        return pd.DataFrame(self.weights_, index=self.sources_, columns=list(self.levels))

    def parts(self) -> dict[str, Part]:
        """Weights, regressions, and fitted state of each base model."""
        about = {
            "base_models": {source: len(models) for source, models in self.base_models_.items()},
            "regressions": list(self.regressions_),
        }
        state: dict[str, Part] = {"weights": self.weights_, "about": json.dumps(about)}
        for source, models in self.base_models_.items():
            for k, base in enumerate(models):
                state |= parts_of(f"base_{source}_{k}", base)
        for k, regression in enumerate(self.regressions_.values()):
            state |= parts_of(f"regression_{k}", regression)
        return state

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        about = json.loads(str(parts["about"]))
        self.weights_, self.sources_ = np.asarray(parts["weights"]), list(about["base_models"])
        self.base_models_ = {
            source: [
                restored(f"base_{source}_{k}", unfitted(self.model, self.levels), parts) for k in range(count)
            ]
            for source, count in about["base_models"].items()
        }
        self.regressions_ = {
            tuple(names): restored(f"regression_{k}", self._regression(), parts)
            for k, names in enumerate(about["regressions"])
        }


def _weights(values: Array, y: Array, weight: Array, levels: tuple[float, ...]) -> Array:
    """Weights at nine levels that minimise the pinball loss of the mean, linear between them."""
    if len(values) == 1:
        return np.ones((1, len(levels)))
    at = _anchors(levels)
    found = np.stack([_best(values[:, :, j].T, y, weight, levels[j]) for j in at], axis=1)
    spread = found @ interpolation_weights([levels[j] for j in at], levels)
    spread = np.clip(spread, 0.0, None)
    return np.asarray(spread / spread.sum(axis=0))


def _anchors(levels: tuple[float, ...]) -> list[int]:
    """Indices of at most nine levels, the nearest to those of a linear model."""
    if len(levels) <= len(GROWN):
        return list(range(len(levels)))
    return sorted({int(np.abs(np.array(levels) - level).argmin()) for level in GROWN})


def _best(values: Array, y: Array, weight: Array, level: float) -> Array:
    """Weights on the simplex with the lowest pinball loss."""
    unit = float(np.abs(y[:, None] - values).mean()) or 1.0
    count = values.shape[1]

    def loss(w: Array) -> tuple[float, Array]:
        error = (y - values @ w) / unit
        slope = np.where(error > 0, level, level - 1)
        return float(np.mean(weight * slope * error)), -(values.T @ (weight * slope)) / (unit * len(y))

    simplex = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: np.ones(count)}
    start = np.full(count, 1 / count)
    found = minimize(
        loss, start, jac=True, method="SLSQP", bounds=[(0, 1)] * count, constraints=[simplex], tol=1e-8
    )
    best = np.clip(found.x, 0.0, None)
    best = best / best.sum()
    return np.asarray(best if loss(best)[0] < loss(start)[0] else start)
