"""Base class of quantile models: ``fit(X, y)`` and ``predict(X)`` on a table of features."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, clone

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.quantiles import PERCENTILES, check_levels
from energyforecast.errors import MissingDataError, NotFittedError, RangeError, SchemaError

__all__ = ["FitsOutOfFold", "Part", "PoolsMembers", "QuantileModel"]

Array = npt.NDArray[Any]
#: A text or an array: one part of a stored model.
Part = str | Array


def weighted_quantiles(values: Array, levels: tuple[float, ...], weight: Array | None) -> Array:
    """Weighted empirical quantiles, linear between the sorted values; equal weights have no effect."""
    if weight is None:
        return np.asarray(np.quantile(values, levels))
    kept = np.asarray(weight, dtype=float) > 0
    order = np.argsort(values[kept], kind="stable")
    v, w = values[kept][order], np.asarray(weight, dtype=float)[kept][order]
    if len(v) == 1:
        return np.repeat(v, len(levels))
    # Row k of n lies at k w_k + (n - 1) times the weight of the rows below, over its value at the last row.
    place = np.arange(len(v)) * w + (len(v) - 1) * (np.cumsum(w) - w)
    return np.asarray(np.interp(levels, place / place[-1], v))


class QuantileModel(BaseEstimator, ABC):
    """Base class of quantile models; a subclass must define ``_fit``, ``_predict``, ``parts`` and ``restore``.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; a forecaster sets them from its task. 0.01 to 0.99 by default.

    Attributes
    ----------
    columns_ : list of str
        Columns seen in fit.
    bounds_ : tuple of float
        Bounds to which predictions are clipped.

    See Also
    --------
    energyforecast.testing.check_model : Contract that every model must fulfil.

    Examples
    --------
    >>> class Constant(QuantileModel):
    ...     def _fit(self, X, y, sample_weight):
    ...         self.row_ = np.quantile(y, self.levels)
    ...     def _predict(self, X):
    ...         return np.tile(self.row_, (len(X), 1))
    ...     def parts(self):
    ...         return {"row": self.row_}
    ...     def restore(self, parts):
    ...         self.row_ = np.asarray(parts["row"])
    >>> X = pd.DataFrame({"hour": [0, 1, 2]})
    >>> Constant((0.5, 0.9)).fit(X, np.array([1.0, 2.0, 6.0]), bounds=(0, 5)).predict(X[:1]).tolist()  # 5.2 is out
    [[2.0, 5.0]]
    """

    registry: ClassVar[dict[str, type[QuantileModel]]] = {}
    #: Whether a fit requires at least one row.
    needs_rows: ClassVar[bool] = True
    #: Whether there are so few parameters that errors of the rows of a fit are those of later ones.
    few_parameters: ClassVar[bool] = False

    def __init__(self, quantiles: tuple[float, ...] | None = None) -> None:
        self.quantiles = quantiles

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("energyforecast."):
            QuantileModel.registry[cls.__name__] = cls

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that :meth:`predict` returns."""
        return PERCENTILES if self.quantiles is None else tuple(self.quantiles)

    @property
    def needs(self) -> tuple[str, ...] | None:
        """Columns that the model requires by name; ``None`` if it uses all columns."""
        return None

    def fit(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Self:
        """Fit the conditional quantiles of y given X.

        Parameters
        ----------
        X : DataFrame, shape (rows, columns)
            Rows must be in order of time; NaN where a value is missing. A forecaster gives the beginning of each
            row's interval as the index, so that a model can see days.
        y : array, shape (rows,)
            Outcomes; must be finite.
        sample_weight : array, shape (rows,), optional
            Weight of each row: must be finite, not negative, and positive somewhere.
        bounds : tuple of float
            Range to which predictions are clipped, e.g. 0 and the capacity.

        Raises
        ------
        MissingDataError
            If there are no rows, or an outcome is not finite.
        RangeError
            If a weight or a level is out of its range.
        SchemaError
            If an argument, or a parameter of the model, is not of its type, or X has no columns, or not those that
            the model needs.
        """
        target, weight = self._begin(X, y, sample_weight, bounds)
        self._fit(X, target, weight)
        return self

    def _begin(
        self, X: pd.DataFrame, y: Array, sample_weight: Array | None, bounds: tuple[float, float]
    ) -> tuple[Array, Array | None]:
        """Check the rows of a fit, keep their columns and bounds, and return outcomes and weights."""
        check_types({"X": X, "y": y, "sample_weight": sample_weight, "bounds": bounds}, of=QuantileModel.fit)
        check_parameters(self)
        check_levels(self.levels)
        target = as_numbers("y", y, ndim=1)
        empty = self.needs_rows and not len(target)
        if empty or len(X) != len(target) or not np.isfinite(target).all():
            raise MissingDataError(
                f"X has {len(X)} rows, y {len(target)} of which {int(np.isfinite(target).sum())} are finite.",
                "There must be at least one row, and a finite outcome for each.",
                "Leave out rows without outcome.",
            )
        if not X.columns.size and self.needs != ():
            raise SchemaError(
                f"X has no columns, only {len(X)} rows.",
                f"{type(self).__name__} must have at least one column.",
                "Give X a column for each feature.",
            )
        _check_names(X)
        missing = lacking(self, X)
        if missing:
            raise SchemaError(
                f"X has the columns {list(X.columns)}, without {missing}.",
                f"{type(self).__name__} must have the columns {list(self.needs or ())}.",
                "Add them; energyforecast.features.features_giving finds the features that give them.",
            )
        sample_weight = None if sample_weight is None else _check_weight(sample_weight, len(target))
        self.columns_ = [str(name) for name in X.columns]
        self.bounds_ = (float(bounds[0]), float(bounds[1]))
        return target, sample_weight

    def predict(self, X: pd.DataFrame) -> Array:
        """Predict quantiles, shape (rows, levels): not crossing, and inside the bounds."""
        self._check_columns(X)
        if not len(X):
            return np.empty((0, len(self.levels)))
        quantiles = np.sort(self._predict(X), axis=1)
        return np.asarray(np.clip(quantiles, *self.bounds_))

    def _check_fitted(self) -> None:
        """Refuse a model that is not fitted."""
        if not hasattr(self, "columns_"):
            raise NotFittedError(
                f"{type(self).__name__} is not fitted.",
                "A model must be fitted before it predicts.",
                "Call fit(X, y).",
            )

    def _check_columns(self, X: pd.DataFrame) -> None:
        """Refuse other columns than those of fit."""
        self._check_fitted()
        if list(map(str, X.columns)) != self.columns_:
            raise SchemaError(
                f"X has the columns {list(X.columns)}.",
                f"They must be those of fit, in the same order: {self.columns_}.",
                "Build X with the same features.",
            )

    @abstractmethod
    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None: ...

    @abstractmethod
    def _predict(self, X: pd.DataFrame) -> Array: ...

    @abstractmethod
    def parts(self) -> dict[str, Part]:
        """Fitted state as texts and arrays, for storage."""

    @abstractmethod
    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""


@runtime_checkable
class PoolsMembers(Protocol):
    """Quantile model that pools its forecasts over the members of an ensemble of weather.

    A forecaster gives it the features of each member; any other model receives those of the ensemble's mean.

    See Also
    --------
    DemandResponse : Model with this method.

    Examples
    --------
    >>> from energyforecast.models import Climatology, DemandResponse
    >>> isinstance(DemandResponse(), PoolsMembers), isinstance(Climatology(), PoolsMembers)
    (True, False)
    """

    def predict_members(self, X: pd.DataFrame, *, members: int) -> Array:
        """Predict quantiles of the mixture over members, shape (steps, levels).

        Parameters
        ----------
        X : DataFrame, shape (members * steps, columns)
            Rows of one member after the other, the steps of each in order.
        members : int
        """


@runtime_checkable
class FitsOutOfFold(Protocol):
    """Quantile model with a way of its own to forecast the rows of a fit without their folds, at low cost.

    Any other model is fitted again for each fold.

    See Also
    --------
    KernelQuantiles : Model with this method.

    Examples
    --------
    >>> from energyforecast.models import Climatology, KernelQuantiles
    >>> isinstance(KernelQuantiles(), FitsOutOfFold), isinstance(Climatology(), FitsOutOfFold)
    (True, False)
    """

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


_Model = TypeVar("_Model", bound=QuantileModel)


def check_parameters(model: QuantileModel) -> None:
    """Refuse parameters of a model of the library, and of models inside it, that are not of their types."""
    given = model.get_params(deep=False)
    if isinstance(given.get("quantiles"), QuantileModel):
        kind, inner = type(model).__name__, type(given["quantiles"]).__name__
        raise SchemaError(
            f"The quantiles of {kind} are a model: {inner}.",
            "They must be levels between 0 and 1, or None.",
            f"Name the parameter of the model, where there is one: {kind}(model={inner}(...)).",
        )
    if type(model).__init__.__module__.startswith("energyforecast."):
        check_types(given, of=type(model).__init__)
    for inside in given.values():
        for item in models_in(inside):
            check_parameters(item)


def models_in(value: object) -> list[QuantileModel]:
    """Models of a parameter: itself, or those in a table or sequence."""
    inside = list(value.values()) if isinstance(value, Mapping) else value
    several = inside if isinstance(inside, list | tuple) else (inside,)
    return [item for item in several if isinstance(item, QuantileModel)]


def check_ranges(model: QuantileModel, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse parameters of a model that are below the lowest or above the highest value, or not a number."""
    for name, (low, high) in ranges.items():
        value = getattr(model, name)
        if not (low <= value <= high and np.isfinite(value)):
            raise RangeError(
                f"{name} is {value}.",
                f"It must be at least {low:g}" + (f" and at most {high:g}." if np.isfinite(high) else "."),
                "Leave it out for the default.",
            )


def lacking(model: QuantileModel, X: pd.DataFrame) -> list[str]:
    """Columns that a model requires and X does not have, of any weather model."""
    given = {item for name in map(str, X.columns) for item in (name, name.split(":", 1)[-1])}
    return [name for name in model.needs or () if name not in given]


def _check_names(X: pd.DataFrame) -> None:
    """Refuse columns without a name of their own, which none can be found by."""
    names = list(X.columns)
    wrong = [name for name in names if not isinstance(name, str) or names.count(name) > 1]
    if wrong:
        raise SchemaError(
            f"X has the columns {names}.",
            f"Each must have a text of its own as its name; {wrong[0]!r} is none.",
            "Rename them: X.columns = ['x0', 'x1'].",
        )


def _check_weight(weight: Array, rows: int) -> Array:
    """Weights of rows, refused if there is not one for each."""
    found = np.asarray(weight, dtype=np.float64)
    if found.shape != (rows,) or not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
        usable = int((np.isfinite(found) & (found >= 0)).sum())
        raise RangeError(
            f"sample_weight has the shape {found.shape}; {usable} are finite and not negative.",
            f"Each of the {rows} rows must have a weight, at least one above 0.",
            "Give a weight for each row, or sample_weight=None.",
        )
    return found


def parts_of(name: str, model: QuantileModel) -> dict[str, Part]:
    """Fitted state of a model inside another, under names with a prefix."""
    about = json.dumps({"columns": model.columns_, "bounds": model.bounds_})
    # The colon keeps it apart from a part that the model itself calls "about".
    return {f"{name}:about": about} | {f"{name}/{key}": part for key, part in model.parts().items()}


def restored(name: str, unfitted: _Model, parts: Mapping[str, Part]) -> _Model:
    """Restore a model inside another from :func:`parts_of`."""
    model: _Model = clone(unfitted)
    inner = {key.removeprefix(f"{name}/"): part for key, part in parts.items() if key.startswith(f"{name}/")}
    about = json.loads(str(parts[f"{name}:about"]))
    model.columns_, model.bounds_ = about["columns"], (about["bounds"][0], about["bounds"][1])
    model.restore(inner)
    return model
