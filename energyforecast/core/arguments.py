"""Arguments of public functions against their annotations, so that a wrong type ends in an error of the library."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import itertools
import os
import sys
import types
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import timedelta
from functools import cache, wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.errors import RangeError, SchemaError
from energyforecast.physics.arguments import unmasked

__all__ = ["as_numbers", "check_types", "checked"]

T = TypeVar("T")
#: Numbers of numpy count as those of Python.
_NUMBERS: Final[dict[Any, type]] = {int: Integral, float: Real}
#: Elements of a container that are looked at.
_FIRST: Final = 100


def check_types(given: Mapping[str, Any], *, of: Callable[..., Any]) -> None:
    """Refuse arguments, the ``locals()`` of the first line of a function, that are not of their annotated types.

    A part of an annotation that is known to type checkers alone is not checked.

    Examples
    --------
    >>> def shifted(by: int, name: str | None = None) -> None:
    ...     check_types(locals(), of=shifted)
    >>> shifted(1)
    >>> shifted("1")
    Traceback (most recent call last):
        ...
    energyforecast.errors.SchemaError: by is of the type str: '1'.
    It must be of the type int.
    Give shifted another value; help(shifted) has an example.
    """
    for name, (hint, words) in _hints(of).items():
        if name in given and not _accepts(given[name], hint):
            text, function = repr(given[name]), of.__qualname__.removesuffix(".__init__")
            shown = f": {text}" if len(text) <= 40 and "\n" not in text else ""
            raise SchemaError(
                f"{name} is of the type {type(given[name]).__name__}{shown}.",
                f"It must be of the type {words}.",
                f"Give {function} another value; help({function}) has an example.",
            )


def checked(**limits: tuple[float, float] | str) -> Callable[[T], T]:
    """Check the arguments of a function, or of a class when it is made, by their annotations and limits.

    Limits of an argument are its lowest and highest number, or the shortest length of time.

    Examples
    --------
    >>> @checked(hours=(1, 240))
    ... def mean(hours: int = 3) -> None: ...
    >>> mean(hours=0)
    Traceback (most recent call last):
        ...
    energyforecast.errors.RangeError: hours of mean is 0.
    It must lie between 1 and 240.
    Give another value; help(mean) has an example.
    """

    def wrap(target: T) -> T:
        called: Any = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
        signature = inspect.signature(called)
        typed: Any = target if dataclasses.is_dataclass(target) else called

        @wraps(called)
        def check(*args: Any, **kwargs: Any) -> Any:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:  # Python's own words for unknown and missing arguments
                return called(*args, **kwargs)
            check_types(given, of=typed)
            for name, bounds in limits.items():
                _check_limits(name, given.get(name), bounds, of=target.__qualname__)  # type: ignore[attr-defined]
            return called(*args, **kwargs)

        if not isinstance(target, type):
            return check  # type: ignore[return-value]
        target.__init__ = check  # type: ignore[misc]
        return target

    return wrap


def _check_limits(name: str, value: Any, bounds: tuple[float, float] | str, *, of: str) -> None:
    """Refuse a number, or a sequence with one, outside its limits; an empty sequence too."""
    if value is None:
        return
    if isinstance(bounds, str):
        if timestamps.duration(value) < timestamps.duration(bounds):
            raise RangeError(
                f"{name} of {of} is {value}.", f"It must be at least {bounds}.", "Give a longer time."
            )
        return
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    wrong = numbers[~((numbers >= bounds[0]) & (numbers <= bounds[1]))]
    if wrong.size or not numbers.size:
        found = f"{wrong[0]:g}" if wrong.size else "empty"
        low, high = bounds
        expected = f"lie between {low:g} and {high:g}" if np.isfinite(high) else f"be at least {low:g}"
        raise RangeError(
            f"{name} of {of} is {found}.",
            f"It must {expected}.",
            f"Give another value; help({of}) has an example.",
        )


def as_numbers(name: str, values: Any, *, ndim: int | None = None) -> npt.NDArray[np.float64]:
    """Numbers, with so many dimensions if stated, as an array of floats; refuse text and objects."""
    try:
        array = np.asarray(unmasked(values), dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(
            f"{name} is of the type {type(values).__name__} and cannot be read as numbers: {error}.",
            "It must hold numbers.",
            "Convert text to numbers where it is read; missing values are NaN.",
        ) from error
    if ndim not in (None, array.ndim):
        raise SchemaError(
            f"{name} has the shape {array.shape}.",
            f"It must have {ndim} dimensions.",
            "Choose or stack the values.",
        )
    return array


@cache
def _hints(function: Callable[..., Any]) -> dict[str, tuple[Any, str]]:
    """Annotations, resolved, and as text."""
    if isinstance(function, type):
        bases = [base for base in reversed(function.__mro__) if base.__module__.startswith("energyforecast")]
        found = [(inspect.get_annotations(base), vars(sys.modules[base.__module__])) for base in bases]
    else:
        found = [(function.__annotations__, function.__globals__)]
    return {
        name: (_resolved(hint, space), str(hint))
        for hints, space in found
        for name, hint in hints.items()
        if name != "return" and "ClassVar" not in str(hint)
    }


def _resolved(hint: Any, space: Mapping[str, Any]) -> Any:
    """Type of an annotation; Any where its names are not known at run time."""
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, dict(space))  # noqa: S307 (an annotation of the library)
    except (NameError, AttributeError, TypeError):
        return Any


def _accepts(value: Any, hint: Any) -> bool:
    """Whether a value is of a type; an annotation that cannot be tested accepts all."""
    if hint is None or hint is type(None):
        return value is None
    if get_origin(hint) is not None:
        return _accepts_parts(value, get_origin(hint), get_args(hint))
    if hint in _NUMBERS:
        # A whole number of hundreds of digits is none of the processor.
        return (
            isinstance(value, _NUMBERS[hint])
            and not isinstance(value, bool | np.bool_)
            and not (isinstance(value, int) and abs(value) > sys.float_info.max)
        )
    kinds = {bool: (bool, np.bool_), timedelta: (timedelta, np.timedelta64), Path: os.PathLike}
    return not isinstance(hint, type) or _is(value, kinds.get(hint, hint))


def _accepts_parts(value: Any, origin: Any, parts: tuple[Any, ...]) -> bool:
    """Whether a value is of a type with parameters."""
    if origin in (Union, types.UnionType):
        arrays = set(get_args(npt.ArrayLike)) <= set(parts)
        return (arrays and _is_array(value)) or any(_accepts(value, part) for part in parts)
    if origin is Literal:  # which text is allowed is for the function, with a better message
        return isinstance(value, str) or (isinstance(value, Hashable) and value in parts)
    if origin is np.ndarray:
        return _is_array(value)
    return not isinstance(origin, type) or _holds(value, origin, parts)


def _is(value: Any, kind: Any) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that is not checked at run time
        return True


def _is_array(value: Any) -> bool:
    """Whether it holds numbers or moments; objects are numbers that a table did not convert."""
    if not isinstance(value, Real | np.generic | Sequence) and not hasattr(value, "__array__"):
        return False
    try:
        array = np.asarray(value)
        return bool(array.dtype.kind in "biufmM" or (array.dtype.kind == "O" and array.astype(float).size))
    except (TypeError, ValueError, OverflowError):
        return False


def _holds(value: Any, kind: Any, parts: tuple[Any, ...]) -> bool:
    """Whether a container is of a kind, with elements of their types; text is no sequence."""
    if kind is collections.abc.Callable or isinstance(value, str | bytes):
        return callable(value)
    if issubclass(kind, Mapping):
        some = itertools.islice(value.items(), _FIRST) if isinstance(value, Mapping) else ()
        return isinstance(value, Mapping) and all(
            _accepts(x, parts[0]) and _accepts(y, parts[1]) for x, y in some
        )
    if isinstance(value, np.ndarray | pd.Series | pd.Index | xr.DataArray):
        return value.ndim == 1 and _holds(list(np.asarray(value)[:_FIRST]), kind, parts)
    if not _is(value, Sequence if kind in (list, tuple) else kind):
        return False
    if kind is tuple and parts[-1] is not Ellipsis:
        return len(value) == len(parts) and all(map(_accepts, value, parts))
    some = itertools.islice(value, _FIRST) if isinstance(value, Collection) else ()
    return not parts or all(_accepts(item, parts[0]) for item in some)
