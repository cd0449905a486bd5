"""Groups of rows that are calibrated apart: by the values, categories or ranges of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.models.base import Array, Part
from energyforecast.models.tree_matrix import category_name, coded

__all__ = ["Groups", "check_column", "numbers_of"]


@dataclass(frozen=True)
class Groups:
    """Groups by a column: edges between numbers, or the names of categories; one group of all rows without either."""

    edges: Array = field(default_factory=lambda: np.empty(0))
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: pd.Series, *, count: int) -> Self:
        """One group for each category, or for each number if they are few; else ranges of equally many rows."""
        if not column.notna().any():
            raise MissingDataError(
                f"The column {column.name!r} has no value in {len(column)} rows.",
                "Rows are grouped by its values for calibration.",
                "Name a column that is known in training.",
            )
        if not _is_number(column):
            names = sorted({category_name(item) for item in column.dropna()})
            return cls(np.arange(1, len(names)) - 0.5, tuple(names))
        known = numbers_of(column)
        known = known[np.isfinite(known)]
        values = np.unique(known)
        if len(values) <= count:
            return cls(np.asarray((values[1:] + values[:-1]) / 2))
        return cls(np.unique(np.quantile(known, np.arange(1, count) / count)))

    def __len__(self) -> int:
        return len(self.edges) + 1

    def place(self, column: pd.Series) -> npt.NDArray[np.int64]:
        """Group of each row; -1 where the column is missing, or holds a category that is not known."""
        if _is_number(column) == bool(self.names):
            raise SchemaError(
                f"The column {column.name!r} is of the type {column.dtype}.",
                f"In fit it held {'categories' if self.names else 'numbers'}, by which rows are grouped.",
                "Give the column as in fit.",
            )
        values = coded(column, list(self.names)) if self.names else numbers_of(column)
        return np.where(np.isfinite(values), np.searchsorted(self.edges, values, side="right"), -1)

    def parts(self) -> dict[str, Part]:
        """Edges and names, for storage."""
        return {"edges": self.edges, "names": json.dumps(self.names)}

    @classmethod
    def restored(cls, parts: Mapping[str, Part]) -> Self:
        """Groups from :meth:`parts`."""
        return cls(np.asarray(parts["edges"]), tuple(json.loads(str(parts["names"]))))


def check_column(X: pd.DataFrame, name: str | None, *, parameter: str) -> None:
    """Refuse a column that calibration names and X does not hold."""
    if name is not None and name not in X.columns:
        raise SchemaError(
            f"{parameter} names the column {name!r}, X has {list(X.columns)}.",
            f"{parameter} must name one of the features.",
            "Add the feature that gives it, or leave it out.",
        )


def numbers_of(column: pd.Series) -> Array:
    """Numbers of a column, NaN where they are missing; refuse text and moments."""
    if not _is_number(column):
        raise SchemaError(
            f"The column {column.name!r} is of the type {column.dtype}.",
            "It must hold numbers.",
            "Convert it, or name another column.",
        )
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype))
