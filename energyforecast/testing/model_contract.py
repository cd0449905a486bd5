"""What every quantile model keeps to, as a check that its author runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.errors import LeakageError, NotFittedError, SchemaError
from energyforecast.models.base import Array, QuantileModel, parts_of, restored

__all__ = ["check_model"]

_BOUNDS = (0.0, 60.0)
_LEVELS = (0.1, 0.5, 0.9)


def check_model(
    model: QuantileModel, X: pd.DataFrame | None = None, y: npt.ArrayLike | None = None, *, seed: int = 0
) -> None:
    """See that a quantile model keeps its contract, on rows of its own or made-up ones.

    It keeps its settings as they were given, so that it can be copied; gives finite quantiles at the levels
    asked for, inside the bounds; says the same of a row whatever rows stand beside it; is the same when fitted
    twice, and when fitted anew after other rows; leaves X and y as they were; and what ``parts()``
    gives is all that it has learnt.

    Parameters
    ----------
    model : QuantileModel
        Not changed.
    X : DataFrame, shape (rows, columns), optional
        Made up by default, with gaps, and with the columns that the model asks for by name.
    y : array, shape (rows,), optional
        Outcomes from 0 to 60.
    seed : int
        Of the made-up rows.

    Raises
    ------
    SchemaError
        If it breaks its contract.
    LeakageError
        If what it says of a row depends on other rows of the same forecast.

    Examples
    --------
    >>> from energyforecast.models import Climatology
    >>> check_model(Climatology())

    One that looks at the mean of the rows that it is to forecast does not pass:

    >>> class Peeking(Climatology):
    ...     def _predict(self, X):
    ...         return super()._predict(X) + X["hour"].mean()
    >>> check_model(Peeking())
    Traceback (most recent call last):
        ...
    energyforecast.errors.LeakageError: Peeking says something else of a row when it is forecast alone.
    A row is forecast from its own columns.
    Compute with X row by row, and learn means and scales in fit.
    """
    name = type(model).__name__
    rows, outcomes = _made_up(model, seed) if X is None or y is None else (X, np.asarray(y, dtype=np.float64))
    _check_copy(model, name)
    _check_unfitted(model, rows, name)
    for levels in (_LEVELS, None):
        _check_quantiles(_fitted(model, rows, outcomes, levels), rows, name)
    learnt = _fitted(model, rows, outcomes, _LEVELS)
    _check_rows(learnt, rows, name)
    _check_again(model, learnt, rows, outcomes, name)
    _check_parts(learnt, rows, name)


def _made_up(model: QuantileModel, seed: int) -> tuple[pd.DataFrame, Array]:
    rng, count = np.random.default_rng(seed), 400
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
            f"{type(model).__name__}.fit gives something else.", "It gives self.", "Return self."
        )
    copy.predict(given)
    if not given.equals(X) or not np.array_equal(outcomes, y):
        raise SchemaError(
            f"{type(model).__name__} writes into X or y.", "They stay as they were.", "Compute with a copy."
        )
    return copy


def _check_copy(model: QuantileModel, name: str) -> None:
    try:
        copy = clone(model)
    except (RuntimeError, TypeError) as error:
        raise SchemaError(
            f"{name} cannot be copied: {error}",
            "__init__ stores each setting as it came, under its own name, and does nothing else.",
            "Move checks and conversions to _fit.",
        ) from error
    if "quantiles" not in copy.get_params(deep=False):
        raise SchemaError(
            f"{name} has no setting 'quantiles'.",
            "A forecaster sets the levels of its task.",
            "Take quantiles=None in __init__, and give it to super().__init__.",
        )


def _check_unfitted(model: QuantileModel, X: pd.DataFrame, name: str) -> None:
    try:
        clone(model).predict(X)
    except NotFittedError:
        return
    raise SchemaError(
        f"{name} forecasts before it has learnt.",
        "It refuses.",
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
            f"Finite values inside the bounds {_BOUNDS}, also where a column is missing.",
            "Say what a missing value means to the model; leave clipping to QuantileModel.predict.",
        )


def _check_rows(model: QuantileModel, X: pd.DataFrame, name: str) -> None:
    some = X.iloc[:: max(1, len(X) // 12)]
    alone = np.concatenate([model.predict(some.iloc[[k]]) for k in range(len(some))])
    if not (np.allclose(model.predict(some), alone) and np.allclose(model.predict(some[::-1])[::-1], alone)):
        raise LeakageError(
            f"{name} says something else of a row when it is forecast alone.",
            "A row is forecast from its own columns.",
            "Compute with X row by row, and learn means and scales in fit.",
        )


def _check_again(model: QuantileModel, learnt: QuantileModel, X: pd.DataFrame, y: Array, name: str) -> None:
    expected, half = learnt.predict(X), len(X) // 2
    again = _fitted(model, X, y, _LEVELS)
    if not np.array_equal(again.predict(X), expected):
        raise SchemaError(
            f"{name} forecasts something else when it is fitted twice to the same rows.",
            "The same rows give the same model to the bit.",
            "Take a seed as a setting, and draw from np.random.default_rng(seed) in _fit.",
        )
    again.fit(X[:half], y[:half], bounds=_BOUNDS).fit(X, y, bounds=_BOUNDS)
    if not np.array_equal(again.predict(X), expected):
        raise SchemaError(
            f"{name} remembers rows of an earlier fit.",
            "A fit begins anew.",
            "Set what is learnt in _fit alone.",
        )


def _check_parts(learnt: QuantileModel, X: pd.DataFrame, name: str) -> None:
    parts = learnt.parts()
    odd = [key for key, part in parts.items() if not isinstance(part, str | np.ndarray)]
    if odd:
        raise SchemaError(
            f"parts() of {name} has {odd[0]!r} of type {type(parts[odd[0]]).__name__}.",
            "Parts are texts and arrays, which are stored without pickle.",
            "Turn it into np.asarray(...), or into JSON.",
        )
    if not np.array_equal(restored("part", learnt, parts_of("part", learnt)).predict(X), learnt.predict(X)):
        raise SchemaError(
            f"{name} forecasts something else after restore(parts()).",
            "Parts hold all that was learnt.",
            "Add what is missing to parts(), and take it back in restore().",
        )
