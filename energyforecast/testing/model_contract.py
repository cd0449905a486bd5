"""Contract of quantile models, as a check for their authors."""

from __future__ import annotations

from math import inf

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.core.arguments import checked
from energyforecast.errors import LeakageError, NotFittedError, SchemaError
from energyforecast.models.base import Array, QuantileModel, parts_of, restored

__all__ = ["check_model"]

_BOUNDS = (0.0, 60.0)
_LEVELS = (0.1, 0.5, 0.9)


@checked(seed=(0, inf))
def check_model(
    model: QuantileModel, X: pd.DataFrame | None = None, y: npt.ArrayLike | None = None, *, seed: int = 0
) -> None:
    """Check the contract of a quantile model, on given or synthetic rows.

    A model must store its settings unchanged, so that it can be cloned, and return finite quantiles at the
    requested levels, inside the bounds. The forecast of a row must not depend on other rows; fits to the same rows
    must give identical models, also after a fit to other rows. The model must not change X and y, and ``parts()``
    must contain everything that it has learned.

    Parameters
    ----------
    model : QuantileModel
        The model; it is not changed.
    X : DataFrame, shape (rows, columns), optional
        Synthetic by default, with gaps, and with the columns that the model requires by name.
    y : array, shape (rows,), optional
        Outcomes from 0 to 60.
    seed : int
        Of the synthetic rows.

    Raises
    ------
    SchemaError
        If it breaks its contract.
    LeakageError
        If the forecast of a row depends on other rows.

    See Also
    --------
    check_feature, check_source, energyforecast.QuantileModel

    Examples
    --------
    >>> from energyforecast.models import Climatology
    >>> check_model(Climatology())

    A model that uses the mean of the rows to forecast does not pass:

    >>> class Peeking(Climatology):
    ...     def _predict(self, X):
    ...         return super()._predict(X) + X["hour"].mean()
    >>> check_model(Peeking())
    Traceback (most recent call last):
        ...
    energyforecast.errors.LeakageError: Peeking gives another forecast of a row when it is forecast alone.
    The forecast of a row must depend on its columns only.
    Compute with X row by row, and learn means and scales in fit.
    """
    name = type(model).__name__
    rows, outcomes = (
        _synthetic_rows(model, seed) if X is None or y is None else (X, np.asarray(y, dtype=np.float64))
    )
    _check_copy(model, name)
    _check_unfitted(model, rows, name)
    for levels in (_LEVELS, None):
        _check_quantiles(_fitted(model, rows, outcomes, levels), rows, name)
    fitted = _fitted(model, rows, outcomes, _LEVELS)
    _check_rows(fitted, rows, name)
    _check_again(model, fitted, rows, outcomes, name)
    _check_parts(fitted, rows, name)


def _synthetic_rows(model: QuantileModel, seed: int) -> tuple[pd.DataFrame, Array]:
    rng, count = np.random.default_rng(seed), 800  # enough for half of them to calibrate a model
    x = rng.uniform(size=count)
    y = np.clip(60 * x + rng.normal(scale=5, size=count), *_BOUNDS)
    columns = {"x": np.where(rng.uniform(size=count) < 0.05, np.nan, x), "hour": np.arange(count) % 24.0}
    columns |= {"lead_time": 15.0 + np.arange(count) % 24}
    named = {column: y + rng.normal(size=count) for column in model.needs or () if column not in columns}
    return pd.DataFrame(columns | named), y


def _fitted(
    model: QuantileModel, X: pd.DataFrame, y: Array, levels: tuple[float, ...] | None
) -> QuantileModel:
    copy: QuantileModel = clone(model).set_params(quantiles=levels)
    given, outcomes = X.copy(), y.copy()
    if copy.fit(given, outcomes, bounds=_BOUNDS) is not copy:
        raise SchemaError(
            f"{type(model).__name__}.fit does not return the model.", "It must return self.", "Return self."
        )
    copy.predict(given)
    if not given.equals(X) or not np.array_equal(outcomes, y):
        raise SchemaError(
            f"{type(model).__name__} writes into X or y.", "They must not be changed.", "Compute with a copy."
        )
    return copy


def _check_copy(model: QuantileModel, name: str) -> None:
    try:
        copy = clone(model)
    except (RuntimeError, TypeError) as error:
        raise SchemaError(
            f"{name} cannot be copied: {error}",
            "__init__ must only store each setting unchanged, under its own name.",
            "Move checks and conversions to _fit.",
        ) from error
    if "quantiles" not in copy.get_params(deep=False):
        raise SchemaError(
            f"{name} has no setting 'quantiles'.",
            "A forecaster must be able to set the levels of its task.",
            "Take quantiles=None in __init__, and give it to super().__init__.",
        )


def _check_unfitted(model: QuantileModel, X: pd.DataFrame, name: str) -> None:
    try:
        clone(model).predict(X)
    except NotFittedError:
        return
    raise SchemaError(
        f"{name} forecasts before it is fitted.",
        "It must raise NotFittedError.",
        "Leave predict to QuantileModel; give _predict.",
    )


def _check_quantiles(model: QuantileModel, X: pd.DataFrame, name: str) -> None:
    found = model.predict(X)
    if found.shape != (len(X), len(model.levels)):
        raise SchemaError(
            f"{name} gives an array of shape {found.shape}.",
            f"A row for each of X, a column for each level: {(len(X), len(model.levels))}.",
            "Use self.levels in _fit or _predict.",
        )
    if not np.isfinite(found).all() or found.min() < _BOUNDS[0] or found.max() > _BOUNDS[1]:
        raise SchemaError(
            f"{name} gives {int((~np.isfinite(found)).sum())} values that are not finite, from {np.nanmin(found):g} "
            f"to {np.nanmax(found):g}.",
            f"Values must be finite and inside the bounds {_BOUNDS}, also where a column is missing.",
            "Handle missing values in the model; leave clipping to QuantileModel.predict.",
        )


def _check_rows(model: QuantileModel, X: pd.DataFrame, name: str) -> None:
    some = X.iloc[:: max(1, len(X) // 12)]
    alone = np.concatenate([model.predict(some.iloc[[k]]) for k in range(len(some))])
    if not (np.allclose(model.predict(some), alone) and np.allclose(model.predict(some[::-1])[::-1], alone)):
        raise LeakageError(
            f"{name} gives another forecast of a row when it is forecast alone.",
            "The forecast of a row must depend on its columns only.",
            "Compute with X row by row, and learn means and scales in fit.",
        )


def _check_again(model: QuantileModel, fitted: QuantileModel, X: pd.DataFrame, y: Array, name: str) -> None:
    expected, half = fitted.predict(X), len(X) // 2
    again = _fitted(model, X, y, _LEVELS)
    if not np.array_equal(again.predict(X), expected):
        raise SchemaError(
            f"{name} gives other forecasts when it is fitted twice to the same rows.",
            "The same rows must give the same model to the bit.",
            "Take a seed as a setting, and draw from np.random.default_rng(seed) in _fit.",
        )
    again.fit(X[:half], y[:half], bounds=_BOUNDS).fit(X, y, bounds=_BOUNDS)
    if not np.array_equal(again.predict(X), expected):
        raise SchemaError(
            f"{name} remembers rows of an earlier fit.",
            "A fit must start anew.",
            "Set learned attributes in _fit only.",
        )


def _check_parts(fitted: QuantileModel, X: pd.DataFrame, name: str) -> None:
    parts = fitted.parts()
    wrong = [key for key, part in parts.items() if not isinstance(part, str | np.ndarray)]
    if wrong:
        raise SchemaError(
            f"parts() of {name} has {wrong[0]!r} of type {type(parts[wrong[0]]).__name__}.",
            "Parts must be texts and arrays, which are stored without pickle.",
            "Turn it into np.asarray(...), or into JSON.",
        )
    if not np.array_equal(restored("part", fitted, parts_of("part", fitted)).predict(X), fitted.predict(X)):
        raise SchemaError(
            f"{name} gives other forecasts after restore(parts()).",
            "Parts must contain everything learned.",
            "Add what is missing to parts(), and take it back in restore().",
        )
