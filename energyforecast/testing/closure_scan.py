"""Search of the code of a feature for data with time stamps outside its snapshot.

The inputs of a feature can be replaced by noise, data that it holds itself cannot. A leak there passes every
test that destroys data, and is found by inspection of the code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, Final

import pandas as pd
import xarray as xr

from energyforecast.core.observation_series import Observations
from energyforecast.features.base import Feature, FunctionFeature

__all__ = ["archives_within_reach"]

#: Depth of the search in containers and dataclasses.
_DEPTH: Final = 3


def archives_within_reach(feature: Feature) -> dict[str, str]:
    """Names and types of values with time stamps in the closure, defaults, helpers and fields of a feature."""
    function: Any = feature.function if isinstance(feature, FunctionFeature) else type(feature).compute
    fields = {} if isinstance(feature, FunctionFeature) else feature.settings()
    held = [*_used(function, set()), *fields.items()]
    return {name: type(value).__name__ for name, value in held if _has_times(value, _DEPTH)}


def _used(function: Any, seen: set[CodeType]) -> Iterator[tuple[str, Any]]:
    """Names and values around a function, and around the functions of its module that it calls."""
    if not isinstance(function, FunctionType) or function.__code__ in seen:
        return
    seen.add(function.__code__)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    around = {name: cell.cell_contents for name, cell in cells if _filled(cell)}
    called = {
        name: function.__globals__[name] for name in _names(function.__code__) & set(function.__globals__)
    }
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    given = dict(zip(reversed(arguments), reversed(function.__defaults__ or ()), strict=False))
    for name, value in (called | around | given | (function.__kwdefaults__ or {})).items():
        if isinstance(value, FunctionType):
            if value.__module__ == function.__module__:
                yield from _used(value, seen)
        else:
            yield name, value


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a name that is bound later
        return False
    return True


def _names(code: CodeType) -> set[str]:
    """Names that code looks up, including functions and comprehensions inside it."""
    inner = [_names(item) for item in code.co_consts if isinstance(item, CodeType)]
    return set(code.co_names).union(*inner)


def _has_times(value: Any, depth: int) -> bool:
    if isinstance(value, Observations):
        return True
    if isinstance(value, pd.Series | pd.DataFrame):
        columns = list(value.dtypes) if isinstance(value, pd.DataFrame) else [value.dtype]
        return isinstance(value.index, pd.DatetimeIndex) or any(kind.kind == "M" for kind in columns)
    if isinstance(value, xr.Dataset | xr.DataArray):
        return any(coordinate.dtype.kind == "M" for coordinate in value.coords.values())
    return depth > 0 and any(_has_times(item, depth - 1) for item in _inside(value))


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, item.name) for item in dataclasses.fields(value)]
    return []
