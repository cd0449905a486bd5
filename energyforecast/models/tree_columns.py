"""Columns that trees take: those of the features, and forecasts of base models; and the linear base beneath them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.models.base import Array, Part
from energyforecast.models.base_columns import BaseColumns, fit_base_columns
from energyforecast.models.learned_outcome import LearnedOutcome, departures
from energyforecast.models.linear_base import LinearBase, fit_linear_base
from energyforecast.models.tree_matrix import categories, tree_matrix, used_columns, usual_values, years_of

__all__ = ["TreeColumns", "fit_tree_columns"]

_UNBOUNDED: Final = (-np.inf, np.inf)


@dataclass(frozen=True)
class TreeColumns:
    """Names of the columns and of their categories, base models and linear base, by the settings of the model.

    `usual`, shape (columns of features,), is the value of each where it is missing, NaN where trees know that.
    """

    settings: Mapping[str, Any]
    used: list[str]
    categories: dict[str, list[str] | None]
    base: BaseColumns
    linear: LinearBase | None
    usual: Array

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [*self.used, *self.base.names]

    @property
    def coded(self) -> list[int]:
        """Places of the columns of categories."""
        return [k for k, name in enumerate(self.used) if name in self.categories]

    def values(self, X: pd.DataFrame) -> tuple[Array, Array]:
        """Columns of the trees, shape (rows, columns), and level of the linear base, shape (rows,)."""
        X = _departing(X, self.settings)
        own = tree_matrix(X[self.used], self.categories, usual=self.usual)
        level = np.zeros(len(X)) if self.linear is None else self.linear.predict(own)
        return _beside(own, self.base.values(X), level), level

    def among(self, columns: list[str]) -> list[str]:
        """All columns of the features, also those that are not used, and those of base models."""
        return [*columns, *self.base.names]

    def parts(self) -> dict[str, Part]:
        """Fitted state, for storage."""
        names = json.dumps({"used": self.used, "categories": self.categories})
        own: dict[str, Part] = {"columns": names, "usual": self.usual}
        linear = {} if self.linear is None else self.linear.parts()
        return own | self.base.parts() | linear

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Mapping[str, Part]) -> TreeColumns:
        """Columns from :meth:`parts`."""
        names = json.loads(str(parts["columns"]))
        base = BaseColumns.restored(settings["base_models"], parts)
        linear, usual = LinearBase.restored(parts), np.asarray(parts["usual"])
        return cls(settings, names["used"], names["categories"], base, linear, usual)


def fit_tree_columns(
    settings: Mapping[str, Any],
    learned: LearnedOutcome,
    *,
    fold: npt.NDArray[np.int64],
    bounds: tuple[float, float],
) -> tuple[TreeColumns, Array, Array]:
    """Fit base models and linear base, and give the columns of the rows and their level, both out of fold."""
    X, y, weight = _departing(learned.X, settings), learned.y, learned.weight
    used = used_columns(X, exclude=settings["exclude"], season_after=settings["season_after"])
    names = categories(X[used], settings["categories"])
    own = tree_matrix(X[used], names)
    as_it_is = settings["relative_to"] is None and settings["share_of"] is None
    short = years_of(X) < settings["base_after"]
    base, columns = fit_base_columns(
        () if short else settings["base_models"],
        X,
        y,
        weight=weight,
        bounds=bounds if as_it_is else _UNBOUNDED,
    )
    linear, level = None, np.zeros(len(y))
    if settings["linear_base"]:
        linear, level = fit_linear_base(own, y, fold=fold, weight=weight)
    coded = [k for k, name in enumerate(used) if name in names]
    found = TreeColumns(settings, used, names, base, linear, usual_values(own, coded=coded))
    return found, _beside(own, columns, level), level


def _departing(X: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    return departures(X, settings["relative_columns"], relative_to=settings["relative_to"])


def _beside(own: Array, base: Array, level: Array) -> Array:
    """Columns with those of base models, as departures from the linear base, which the trees learn as well."""
    return np.hstack([own, (base - level[:, None]).astype(np.float32)]) if base.size else own
