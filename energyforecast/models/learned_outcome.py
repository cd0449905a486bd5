"""Outcome as trees learn it: as it is, as a departure from a published level, or as a share of a bound."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.models.base import Array, weighted_quantiles
from energyforecast.models.calibration_groups import numbers_of
from energyforecast.models.tree_matrix import columns_of, fits, rounded

__all__ = ["LearnedOutcome", "departures", "of_rows", "placed", "present"]

#: Lowest bound of which an outcome is learned as a share, as a share of the largest bound of training.
_MIN_BOUND: Final = 0.01
#: Share of the weight beyond the lowest and the highest share that is learned: at dusk, shares have no meaning.
_OUTSIDE: Final = 0.001


class LearnedOutcome(NamedTuple):
    """Rows that train, with the outcome as it is learned, and the way back to it.

    `weight` is that of growth, `counted` that of calibration; `usual` are the mean level and bound, `rows` the places
    among all rows.
    """

    X: pd.DataFrame
    y: Array
    weight: Array | None
    counted: Array | None
    usual: Array
    rows: npt.NDArray[np.intp]
    level: Array
    scale: Array

    def whole(self, learned: Array) -> Array:
        """Outcomes, shape (rows, levels), of those that were learned."""
        return np.asarray(self.level[:, None] + self.scale[:, None] * learned)


def of_rows(
    X: pd.DataFrame,
    y: Array,
    weight: Array | None,
    *,
    relative_to: str | None,
    share_of: str | tuple[str, ...] | None,
) -> LearnedOutcome:
    """Departure of y from the level, as a share of the bound, of rows in which they are known."""
    if relative_to is None and share_of is None:
        return LearnedOutcome(
            X, y, weight, weight, np.array([0.0, 1.0]), np.arange(len(y)), np.zeros(len(y)), np.ones(len(y))
        )
    level, bound = np.zeros(len(y)), np.ones(len(y))
    if relative_to is not None:
        _check(X, relative_to, parameter="relative_to")
        level = _values(X, relative_to)
    if share_of is not None:
        if not share_of:
            raise SchemaError(
                f"share_of is {share_of!r}.",
                "It must name a column, or several.",
                'Write share_of="clear_sky_power", or leave it out.',
            )
        for name in present(X, share_of):
            _check(X, name, parameter="share_of")
        bound = _large_enough(_bound(X, share_of), share_of)
    known = np.isfinite(level) & np.isfinite(bound)
    if not known.any():
        raise MissingDataError(
            f"The columns {_named(relative_to, share_of)} are never known at once in {len(y)} rows.",
            "Outcomes are forecast by all of them, so they must be known in some of the same rows.",
            "Name columns that are, or leave relative_to and share_of out.",
        )
    rows = np.flatnonzero(known)
    usual = np.array([values[np.isfinite(values)].mean() for values in (level, bound)])
    given = None if weight is None else weight[known]
    if share_of is None:
        return LearnedOutcome(
            X[known], (y - level)[known], given, given, usual, rows, level[known], bound[known]
        )
    scale = bound[known]
    share = (y - level)[known] / scale
    # As LightGBM holds them, with a mean of 1, since shrinkage of leaves counts rows.
    growth = (scale if given is None else scale * given).astype(np.float32)
    low, high = weighted_quantiles(share, (_OUTSIDE, 1 - _OUTSIDE), growth)
    clipped = np.clip(share, min(low, 0.0), high)
    return LearnedOutcome(X[known], clipped, growth / growth.mean(), given, usual, rows, level[known], scale)


def departures(X: pd.DataFrame, names: tuple[str, ...], *, relative_to: str | None) -> pd.DataFrame:
    """Columns with those of the given names or patterns as departures from the level."""
    if relative_to is None or not names:
        return X
    level = _values(X, relative_to)
    chosen = [str(name) for name in X.columns if fits(str(name), names)]
    return X.assign(**{name: numbers_of(X[name]) - level for name in chosen})


def placed(
    X: pd.DataFrame, *, relative_to: str | None, share_of: str | tuple[str, ...] | None, usual: Array
) -> tuple[Array, Array]:
    """Level and scale of each row: a forecast is the level, plus the scale times that of the trees."""
    level, scale = np.zeros(len(X)), np.ones(len(X))
    if relative_to is not None:
        level = _filled(_values(X, relative_to), usual[0])
    if share_of is not None:
        scale = np.maximum(_filled(_bound(X, share_of), usual[1]), 0.0)
    return level, scale


def _filled(values: Array, usual: float) -> Array:
    return np.where(np.isfinite(values), values, usual)


def present(X: pd.DataFrame, columns: str | tuple[str, ...]) -> list[str]:
    """Names of one column or several: those that X has, or all if it has none."""
    names = [columns] if isinstance(columns, str) else list(columns)
    return [name for name in names if columns_of(X, name)] or names


def _bound(X: pd.DataFrame, columns: str | tuple[str, ...]) -> Array:
    """Bound of each row, the mean of several; rounded like features, as its last bits differ between processors."""
    mean = np.mean([_values(X, name) for name in present(X, columns)], axis=0)
    return np.asarray(rounded(mean), dtype=np.float64)


def _named(relative_to: str | None, share_of: str | tuple[str, ...] | None) -> list[str]:
    """Columns by which outcomes are forecast."""
    bounds = (share_of,) if isinstance(share_of, str) else share_of or ()
    return [name for name in (relative_to, *bounds) if name is not None]


def _values(X: pd.DataFrame, name: str) -> Array:
    """Values of a column, or the mean of those of every weather model, such as ``"ifs:pv_chain_power"``."""
    several = pd.DataFrame({column: numbers_of(X[column]) for column in columns_of(X, name)})
    return np.asarray(several.mean(axis=1))


def _large_enough(bound: Array, columns: str | tuple[str, ...]) -> Array:
    """Bounds, NaN where they are too low for shares; refused if none is positive."""
    largest = np.max(bound, where=np.isfinite(bound), initial=-np.inf)
    if -np.inf < largest <= 0:
        raise MissingDataError(
            f"The column {columns!r} is at most {largest:g} in {len(bound)} rows.",
            "Outcomes are forecast as a share of it, so it must be positive in some rows.",
            "Give rows of daylight, or share_of=None.",
        )
    return np.where(bound > _MIN_BOUND * largest, bound, np.nan)


def _check(X: pd.DataFrame, name: str, *, parameter: str) -> None:
    """Refuse a column that is absent or has no value."""
    if not columns_of(X, name):
        raise SchemaError(
            f"{parameter} names the column {name!r}, X has {list(X.columns)}.",
            f"{parameter} must name one of the features.",
            f"Add the feature that gives it, or {parameter}=None.",
        )
    if not np.isfinite(_values(X, name)).any():
        raise MissingDataError(
            f"The column {name!r} has no value in {len(X)} rows.",
            f"Outcomes are forecast by {parameter}={name!r}, so it must be known in some rows.",
            f"Give a longer past, or {parameter}=None.",
        )
