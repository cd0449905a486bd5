"""Columns of a table as standardised numbers: hours on a circle, categories apart, gaps with an indicator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.models.base import Part
from energyforecast.models.tree_matrix import categories, category_name, coded

__all__ = ["KernelInputs"]

Array = npt.NDArray[Any]

#: Numbers are below that of single precision, which trees have: others, as infinite ones, are taken for missing.
_LARGEST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class KernelInputs:
    """Standardised inputs of the columns of a table.

    `names` are the categories of columns, `gaps` the columns with an indicator of missing values; `scaling`, shape
    (4, inputs), is the mean, the standard deviation (0: not used), and the lowest and highest standardised value of
    training, at which a forecast is clipped.
    """

    columns: list[str]
    names: Mapping[str, list[str] | None]
    gaps: list[str]
    scaling: Array

    @classmethod
    def of(cls, X: pd.DataFrame, *, named: tuple[str, ...], weight: Array) -> Self:
        """Inputs of the rows of training."""
        columns = [str(name) for name in X.columns]
        names = categories(X, named) | _weekdays(X)
        names = {name: _seen(X[name], found) for name, found in names.items()}
        gaps = [name for name in columns if name not in names and X[name].isna().any()]
        each = cls(columns, names, gaps, np.empty((4, 0))).raw(X)
        scaling = [_scaling(values, weight) for values in each]
        return cls(columns, names, gaps, np.array(scaling).reshape(-1, 4).T)

    def __len__(self) -> int:
        return int(self.scaling.shape[1])

    def raw(self, X: pd.DataFrame) -> Iterator[Array]:
        """Numbers of one input after the other, shape (rows,), NaN where one is missing."""
        for name in self.columns:
            yield from self._numbers(X[name])
        for name in self.gaps:
            yield X[name].isna().to_numpy(dtype=np.float64)

    def _numbers(self, column: pd.Series) -> list[Array]:
        """Inputs of a column."""
        name = str(column.name)
        if name in self.names:
            found = coded(column, self.names[name] or [])
            return [np.asarray(found == k, dtype=np.float64) for k in range(len(self.names[name] or []))]
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        values = np.where(np.abs(values) < _LARGEST, values, np.nan)
        if _bare(name) == "hour":
            return [np.sin(2 * np.pi * values / 24), np.cos(2 * np.pi * values / 24)]
        return [values]

    def of_rows(self, X: pd.DataFrame) -> Array:
        """Standardised inputs, shape (rows, inputs): 0 where a value is missing."""
        result = np.empty((len(X), len(self)))
        for k, (raw, (mean, spread, low, high)) in enumerate(zip(self.raw(X), self.scaling.T, strict=True)):
            result[:, k] = np.clip(_scaled(np.where(np.isfinite(raw), raw, mean), mean, spread), low, high)
        return result

    def parts(self) -> dict[str, Part]:
        """Fitted state, for storage."""
        about = {"columns": self.columns, "names": dict(self.names), "gaps": self.gaps}
        return {"inputs": json.dumps(about), "scaling": self.scaling}

    @classmethod
    def restored(cls, parts: Mapping[str, Part]) -> Self:
        """Inputs from :meth:`parts`."""
        return cls(**json.loads(str(parts["inputs"])), scaling=np.asarray(parts["scaling"]))


def _scaling(raw: Array, weight: Array) -> tuple[float, float, float, float]:
    """Mean, standard deviation, and lowest and highest standardised value of an input in training."""
    known = np.isfinite(raw) & (weight > 0)
    share = np.where(known, weight, 0.0)
    total = max(float(share.sum()), 1e-300)
    whole = np.where(known, raw, 0.0)
    mean = float((share * whole).sum()) / total
    spread = float(np.sqrt((share * (whole - mean) ** 2).sum() / total))
    if spread <= 1e-9 * abs(mean):  # rounding leaves a little spread in a column that holds one value
        spread = 0.0
    scaled = _scaled(np.where(known, raw, mean), mean, spread)
    return mean, spread, float(scaled.min()), float(scaled.max())


def _scaled(raw: Array, mean: float, spread: float) -> Array:
    return np.asarray((raw - mean) / spread if spread > 0 else np.zeros(len(raw)))


def _bare(name: str) -> str:
    """Name of a column without its weather model."""
    return name.split(":", 1)[-1]


def _weekdays(X: pd.DataFrame) -> dict[str, list[str] | None]:
    """Days of the week are no numbers."""
    return {str(name): None for name in X.columns if _bare(str(name)) == "weekday"}


def _seen(column: pd.Series, names: list[str] | None) -> list[str]:
    """Names of the categories of a column; of those that it holds, where they are numbers."""
    if names is not None:
        return names
    return [category_name(float(value)) for value in np.unique(column.dropna().to_numpy(dtype=np.float64))]
