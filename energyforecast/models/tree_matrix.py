"""Training table of tree models: rounded numbers, coded categories and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import SchemaError
from energyforecast.models.base import Array

__all__ = [
    "categories",
    "category_name",
    "coded",
    "columns_of",
    "fits",
    "lasts_less",
    "meets",
    "positive_weight",
    "rounded",
    "tree_matrix",
    "used_columns",
    "usual_values",
    "years_of",
]

#: Leading bits of a feature that trees use; share of a step of the last of them at which rounding turns upwards.
_BITS: Final = 16
_TURN: Final = 0.618

#: Share of rows in which a column may be missing, so that its median takes its place in forecasts.
_RARELY: Final = 0.05

#: Columns of the season.
_SEASON: Final = ("season_cosine", "season_sine")

#: Names of the categories of a column; None where they are numbers.
Categories = Mapping[str, list[str] | None]


def tree_matrix(X: pd.DataFrame, known: Categories, *, usual: Array | None = None) -> npt.NDArray[np.float32]:
    """Rounded numbers; a category is exact, and missing where training did not hold it.

    Missing values are the `usual` ones of their columns, as far as these are known.
    """
    values = (
        np.column_stack([_column(X[name], known) for name in X.columns]).astype(np.float32)
        if known
        else rounded(X.to_numpy(dtype=np.float64, na_value=np.nan))
    )
    return values if usual is None else np.where(np.isnan(values), usual, values)


def usual_values(values: npt.NDArray[np.float32], *, coded: Sequence[int]) -> npt.NDArray[np.float32]:
    """Median of each column that was nearly always known, NaN of the others: trees have learnt their missing values."""
    rarely = np.isnan(values).mean(axis=0) <= _RARELY
    rarely[list(coded)] = False
    usual = np.full(values.shape[1], np.nan, dtype=np.float32)
    usual[rarely] = np.nanmedian(values[:, rarely], axis=0)
    return usual


def used_columns(X: pd.DataFrame, *, exclude: tuple[str, ...], season_after: float) -> list[str]:
    """Columns without those excluded, and without the season where rows span fewer years: they would memorise it."""
    left_out = (*exclude, *(_SEASON if lasts_less(X, season_after) else ()))
    return [str(name) for name in X.columns if not fits(str(name), left_out)]


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a column has one of some names, which may hold brackets, or fits a pattern.

    One without a weather model is that of every model: ``"temp_air*"`` fits ``"ifs:temp_air[mean]"``.
    """
    bare = name.split(":", 1)[-1]
    return any(
        tried == item or fnmatchcase(tried, item)
        for item in patterns
        for tried in [name if ":" in item else bare]
    )


def columns_of(X: pd.DataFrame, name: str) -> list[str]:
    """The column of a name, or else those of this name of every weather model."""
    if name in X.columns:
        return [name]
    return [str(column) for column in X.columns if str(column).split(":", 1)[-1] == name]


def lasts_less(X: pd.DataFrame, years: float) -> bool:
    """Whether rows span fewer years; False without the columns of the season."""
    return years > 0 and set(_SEASON) <= set(X.columns) and years_of(X) < years


def years_of(X: pd.DataFrame) -> float:
    """Time from the first row to the last, by their times, or by the turns of the season; endless without both. [a]"""
    if isinstance(X.index, pd.DatetimeIndex) and len(X):
        return float((X.index.max() - X.index.min()) / pd.Timedelta(365.25, "D"))
    if not set(_SEASON) <= set(X.columns):
        return np.inf
    cosine, sine = (X[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _SEASON)
    known = np.isfinite(cosine) & np.isfinite(sine)
    angle = np.unwrap(np.arctan2(sine[known], cosine[known]))
    return float(angle[-1] - angle[0]) / (2 * np.pi) if len(angle) else 0.0


def categories(X: pd.DataFrame, named: tuple[str, ...]) -> dict[str, list[str] | None]:
    """Columns of categories, with the names that pandas gives them; None where they are numbers."""
    missing = [name for name in named if name not in X.columns]
    if missing:
        raise SchemaError(
            f"categories names the columns {missing}, X has {list(X.columns)}.",
            "Columns of categories must be among the features.",
            "Leave out names that the features do not give.",
        )
    found: dict[str, list[str] | None] = dict.fromkeys(named)
    for name in X.columns:
        _check_numbers(X[name])
        if isinstance(X[name].dtype, pd.CategoricalDtype):
            found[str(name)] = [category_name(item) for item in X[name].cat.categories]
    return found


def _check_numbers(column: pd.Series) -> None:
    """Refuse a column of texts."""
    kind = pd.api.types.infer_dtype(column, skipna=True) if column.dtype.kind == "O" else ""
    if kind in ("string", "mixed", "mixed-integer") and not isinstance(column.dtype, pd.CategoricalDtype):
        raise SchemaError(
            f"The column {column.name!r} holds texts, such as {column.dropna().iloc[0]!r}.",
            "Columns must be numbers, or of pandas' category dtype.",
            f"X = X.astype({{{column.name!r}: 'category'}}) makes it one of categories.",
        )


def positive_weight(
    X: pd.DataFrame, y: Array, weight: Array | None
) -> tuple[Array, pd.DataFrame, Array | None]:
    """Drop rows of weight 0, and scale the other weights to a mean of 1, since shrinkage of leaves counts rows."""
    if weight is None:
        return y, X, None
    positive = weight > 0
    # As LightGBM holds them: rounded so, equal weights are exactly none.
    return y[positive], X[positive], (weight[positive] / weight[positive].mean()).astype(np.float32)


def _column(column: pd.Series, known: Categories) -> Array:
    """Column as numbers."""
    names = known.get(str(column.name), [])
    if names:
        return coded(column, names)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return values if names is None else rounded(values)


def rounded(values: Array) -> npt.NDArray[np.float32]:
    """Numbers with their leading bits alone, within 2e-5 of the original, relatively."""
    # The last bits of a sine, a logarithm or a sum differ between processors. One such bit moves the edge of a bin,
    # and random splits then grow other trees. Rounding turns at 0.38 of a step, not at its half: halves are frequent,
    # as means of two rounded numbers, and would fall to either side.
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    steps = np.floor(mantissa * 2.0**_BITS + _TURN)
    with np.errstate(over="ignore"):  # beyond single precision a number is infinite
        return np.asarray(np.ldexp(steps, exponent - _BITS), dtype=np.float32)


def coded(column: pd.Series, names: list[str]) -> Array:
    """Position of each category among those of training; NaN for others."""
    code = pd.Index(names, dtype=object).get_indexer(
        pd.Index(column.astype(object).map(category_name), dtype=object)
    )
    return np.asarray(np.where((code < 0) | column.isna().to_numpy(), np.nan, code))


def category_name(item: object) -> str:
    """Name of a category: pandas makes 1 a 1.0 where a value is missing."""
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def meets(pattern: str, X: pd.DataFrame) -> bool:
    """Whether a column of a pattern has a value, or none of one that begins with an exclamation mark."""
    names = [name for name in X.columns if fits(str(name), (pattern.removeprefix("!"),))]
    return any(bool(X[name].notna().any()) for name in names) != pattern.startswith("!")
