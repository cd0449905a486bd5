"""What a quantile model is: ``fit(X, y)`` and ``predict(X)``, knowing neither weather nor time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, clone

from energyforecast.core import quantile_levels
from energyforecast.core.tasks import PERCENTILES
from energyforecast.errors import MissingDataError, NotFittedError, RangeError, SchemaError

__all__ = ["Part", "QuantileModel"]

Array = npt.NDArray[Any]
#: A text or an array: what a model's storage consists of.
Part = str | Array


def weighted_quantiles(values: Array, levels: tuple[float, ...], weight: Array | None) -> Array:
    """Quantiles by straight lines between the sorted values; equal weights change nothing.

    Row k of n lies at (k w_k + (n - 1) * weight of the rows below) / its value at the last row.
    """
    if weight is None:
        return np.asarray(np.quantile(values, levels))
    kept = np.asarray(weight, dtype=float) > 0
    order = np.argsort(values[kept], kind="stable")
    v, w = values[kept][order], np.asarray(weight, dtype=float)[kept][order]
    if len(v) == 1:
        return np.repeat(v, len(levels))
    place = np.arange(len(v)) * w + (len(v) - 1) * (np.cumsum(w) - w)
    return np.asarray(np.interp(levels, place / place[-1], v))


class QuantileModel(BaseEstimator, ABC):
    """Base of the models; a subclass gives ``_fit``, ``_predict``, ``parts`` and ``restore``.

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

    def __init__(self, quantiles: tuple[float, ...] | None = None) -> None:
        self.quantiles = quantiles

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("energyforecast."):
            QuantileModel.registry[cls.__name__] = cls

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels that :meth:`predict` gives."""
        return PERCENTILES if self.quantiles is None else tuple(self.quantiles)

    @property
    def needs(self) -> tuple[str, ...] | None:
        """Columns that the model asks for by name; ``None`` if it takes what it is given."""
        return None

    def fit(
        self,
        X: pd.DataFrame,
        y: Array,
        *,
        sample_weight: Array | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Self:
        """Learn the quantiles of y given X.

        Parameters
        ----------
        X : DataFrame, shape (rows, columns)
            Rows in order of time; NaN where a value is missing.
        y : array, shape (rows,)
            Finite outcomes.
        sample_weight : array, shape (rows,), optional
            How much each row counts: finite, not negative, and positive somewhere.
        bounds : tuple of float
            What can never be left, e.g. nothing and the capacity.
        """
        quantile_levels.check_quantiles(self.levels)
        target = np.asarray(y, dtype=np.float64)
        if len(target) == 0 or len(X) != len(target) or not np.isfinite(target).all():
            raise MissingDataError(
                f"X has {len(X)} rows, y {len(target)} of which {int(np.isfinite(target).sum())} are finite.",
                "There is at least one row, and a finite outcome for each.",
                "Leave out rows without outcome.",
            )
        sample_weight = None if sample_weight is None else _check_weight(sample_weight, len(target))
        self.columns_ = [str(name) for name in X.columns]
        self.bounds_ = (float(bounds[0]), float(bounds[1]))
        self._fit(X, target, sample_weight)
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """Quantiles, shape (rows, levels): rising and inside the bounds."""
        self._check_columns(X)
        quantiles = np.sort(self._predict(X), axis=1)
        return np.asarray(np.clip(quantiles, *self.bounds_))

    def _check_fitted(self) -> None:
        if not hasattr(self, "columns_"):
            raise NotFittedError(
                f"{type(self).__name__} has learnt nothing.", "It is fitted first.", "Call fit(X, y)."
            )

    def _check_columns(self, X: pd.DataFrame) -> None:
        self._check_fitted()
        if list(map(str, X.columns)) != self.columns_:
            raise SchemaError(
                f"X has the columns {list(X.columns)}.",
                f"They are those of fit, in the same order: {self.columns_}.",
                "Build X with the same features.",
            )

    @abstractmethod
    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None: ...

    @abstractmethod
    def _predict(self, X: pd.DataFrame) -> Array: ...

    @abstractmethod
    def parts(self) -> dict[str, Part]:
        """What was learnt, as texts and arrays, for storage."""

    @abstractmethod
    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""


_Model = TypeVar("_Model", bound=QuantileModel)


def _check_weight(weight: Array, rows: int) -> Array:
    found = np.asarray(weight, dtype=np.float64)
    if found.shape != (rows,) or not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
        usable = int((np.isfinite(found) & (found >= 0)).sum())
        raise RangeError(
            f"sample_weight has the shape {found.shape}; {usable} are finite and not negative.",
            f"Each of the {rows} rows has a weight, and at least one is above 0.",
            "Give a weight for each row, or sample_weight=None.",
        )
    return found


def parts_of(name: str, model: QuantileModel) -> dict[str, Part]:
    """What a model inside another has learnt, under names of its own."""
    about = json.dumps({"columns": model.columns_, "bounds": model.bounds_})
    # The colon keeps it apart from a part that the model itself calls "about".
    return {f"{name}:about": about} | {f"{name}/{key}": part for key, part in model.parts().items()}


def restored(name: str, unfitted: _Model, parts: Mapping[str, Part]) -> _Model:
    """A model as :func:`parts_of` took it apart."""
    model: _Model = clone(unfitted)
    own = {key.removeprefix(f"{name}/"): part for key, part in parts.items() if key.startswith(f"{name}/")}
    about = json.loads(str(parts[f"{name}:about"]))
    model.columns_, model.bounds_ = about["columns"], (about["bounds"][0], about["bounds"][1])
    model.restore(own)
    return model
