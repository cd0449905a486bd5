"""Search of the code of a feature or model for data outside its snapshot.

The inputs of a feature can be replaced by noise, data that it holds itself cannot. A leak there passes every
test that destroys data, and is found by inspection of what the code can reach.
"""

from __future__ import annotations

import array
import dataclasses
import dis
import io
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Set
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from lightgbm import Booster
from sklearn.base import BaseEstimator

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import Site
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import ValidatedWeather
from energyforecast.evaluation.result import Result
from energyforecast.features.base import Feature, FunctionFeature
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import QuantileModel
from energyforecast.weather import TemperatureEnsemble

__all__ = ["Reach", "reach_of"]

#: Depth of the search in containers and objects.
_DEPTH: Final = 6
#: So many numbers are no constants of a formula but data.
_MANY: Final = 200
#: So many characters or bytes may hold a table.
_LONG: Final = 10_000
#: Objects of the library that hold measurements, weather or forecasts.
_ARCHIVES: Final = (Observations, ValidatedWeather, TemperatureEnsemble, Forecast, Result, Forecaster)
#: Numbers, and facts of a plant and a task, which a forecaster is given as well.
_FACTS: Final = (bool, int, float, Site, PowerCurve, Task)
#: Open files and data bases.
_OPEN: Final = (io.IOBase, sqlite3.Connection)
#: Code is looked through; of other values the outermost one is named.
_CODE: Final = (FunctionType, MethodType, partial, staticmethod, classmethod, property, type, ModuleType)
#: Functions that read files, of which some are opened by compiled code that nothing observes.
_READERS: Final = frozenset(
    ["from_file", "open", "open_dataarray", "open_dataset", "open_mfdataset", "open_zarr", "read_sql"]
    + ["fromfile", "genfromtxt", "loadtxt", "memmap", "read_bytes", "read_text", "read_power", "read_table"]
    + [f"read_{form}" for form in ("csv", "excel", "feather", "hdf", "json", "orc", "parquet", "pickle")]
)
Numbers = npt.NDArray[np.float64]


@dataclasses.dataclass
class Reach:
    """Data that code can reach besides its arguments.

    Parameters
    ----------
    archives : dict of str
        Data by the name under which it is held, in words.
    tables : dict of array
        Smaller tables of numbers, which may be constants or statistics of the outcome.
    readers : set of str
        Functions that read files, by name.
    caches : list
        Functions that keep results of earlier calls.
    """

    archives: dict[str, str] = dataclasses.field(default_factory=dict)
    tables: dict[str, Numbers] = dataclasses.field(default_factory=dict)
    readers: set[str] = dataclasses.field(default_factory=set)
    caches: list[Any] = dataclasses.field(default_factory=list)
    _seen: set[int] = dataclasses.field(default_factory=set)
    #: Keeps what was seen alive, so that no other object has its identity.
    _kept: list[Any] = dataclasses.field(default_factory=list)

    def look(
        self, name: str, value: Any, *, depth: int = _DEPTH, holder: tuple[str, str] | None = None
    ) -> None:
        """Look at a value, and at all that can be reached from it; data is named by its holder."""
        if depth < 0 or id(value) in self._seen or value is None or isinstance(value, _FACTS):
            return
        self._seen.add(id(value))
        self._kept.append(value)
        words = _in_words(value)
        if words:
            found, kind = holder or (name, words)
            self.archives[found] = kind
            return
        table = _numbers(value)
        if len(table):
            self.tables[holder[0] if holder else name] = table
        if holder is None and not isinstance(value, _CODE):
            holder = (name, type(value).__name__)
        for inner, item in _inside(value):
            self.look(inner or name, item, depth=depth - 1, holder=holder)
        if isinstance(value, FunctionType):
            self.readers |= _READERS & _names(value.__code__)
        if hasattr(value, "cache_clear"):
            self.caches.append(value)


def reach_of(owner: Feature | QuantileModel) -> Reach:
    """Data within reach of a feature or a model: closures, defaults, globals, modules, fields and helpers."""
    reach = Reach()
    if isinstance(owner, FunctionFeature):
        reach.look(owner.name, owner.function)
        return reach
    for name, value in _fields(owner).items():
        reach.look(name, value)
    for name, value in _of_class(type(owner)):
        reach.look(name, value)
    return reach


def _fields(owner: Feature | QuantileModel) -> dict[str, Any]:
    """Settings, and whatever else was set on the object."""
    given = owner.settings() if isinstance(owner, Feature) else owner.get_params(deep=False)
    return given | {name: value for name, value in vars(owner).items() if not name.endswith("_")}


def _in_words(value: Any) -> str:
    """Words for a value that is data; empty for all others."""
    kind = type(value).__name__
    if isinstance(value, _ARCHIVES) and not (isinstance(value, Forecaster) and not value.is_fitted):
        return kind
    if isinstance(value, _OPEN):
        return f"{kind}, which is open"
    if _is_fitted(value):
        return f"{kind}, which is fitted"
    if _has_times(value):
        return kind
    if isinstance(value, str | bytes | bytearray):
        return f"{kind} of {len(value):,} characters" if len(value) >= _LONG else ""
    count = len(_numbers(value))
    return f"{kind} of {count:,} numbers" if count >= _MANY else ""


def _is_fitted(value: Any) -> bool:
    """Whether a value is a model of scikit-learn's kind, or of LightGBM, that has learnt from data."""
    if isinstance(value, BaseEstimator):
        return any(name.endswith("_") and not name.startswith("_") for name in vars(value))
    return isinstance(value, Booster)


def _has_times(value: Any) -> bool:
    """Whether a table has time stamps."""
    if isinstance(value, pd.Series | pd.DataFrame):
        columns = list(value.dtypes) if isinstance(value, pd.DataFrame) else [value.dtype]
        return isinstance(value.index, pd.DatetimeIndex) or any(kind.kind == "M" for kind in columns)
    if isinstance(value, xr.Dataset | xr.DataArray):
        return any(coordinate.dtype.kind == "M" for coordinate in value.coords.values())
    return False


def _numbers(value: Any) -> Numbers:
    """Numbers of an array, a table or a container, in order."""
    if isinstance(value, pd.DataFrame):
        value = value.select_dtypes("number").to_numpy()
    elif isinstance(value, xr.Dataset):
        value = [item.values for item in value.data_vars.values()]
    elif isinstance(value, pd.Series | pd.Index | xr.DataArray):
        value = np.asarray(value.values)
    elif isinstance(value, array.array | memoryview):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        return value.ravel().astype(np.float64) if value.dtype.kind in "fiu" else np.array([])
    if not isinstance(value, Mapping | list | tuple | Set):
        return np.array([])
    items = list(value.values() if isinstance(value, Mapping) else value)
    plain = [
        item for item in items if isinstance(item, int | float | np.number) and not isinstance(item, bool)
    ]
    nested = [_numbers(item) for item in items if isinstance(item, Mapping | list | tuple | np.ndarray)]
    return np.concatenate([np.asarray(plain, dtype=np.float64), *nested])


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """Names and values that can be reached from a value, each in one step; no name: that of the value."""
    if isinstance(value, FunctionType):
        yield from _around(value)
    elif isinstance(value, MethodType):
        yield from [("", value.__self__), ("", value.__func__)]
    elif isinstance(value, partial):
        yield from [("", item) for item in (value.func, *value.args, *value.keywords.values())]
    elif isinstance(value, staticmethod | classmethod):
        yield "", value.__func__
    elif isinstance(value, property):
        yield "", value.fget
    elif isinstance(value, Mapping | list | tuple | Set):
        items = value.values() if isinstance(value, Mapping) else value
        yield from [("", item) for item in list(items)[:_LONG]]
    elif isinstance(value, type):
        yield from _of_class(value)
    elif hasattr(value, "__wrapped__"):
        yield "", value.__wrapped__
    elif not isinstance(value, ModuleType):
        yield from _of_object(value)


def _of_object(value: Any) -> Iterator[tuple[str, Any]]:
    """Attributes of an object of the user's, and those of its class."""
    if isinstance(value, QuantileModel):
        yield from _fields(value).items()
    elif dataclasses.is_dataclass(value):
        yield from [(item.name, getattr(value, item.name, None)) for item in dataclasses.fields(value)]
    held = _attributes(value)
    if _of_the_user(type(value).__module__):
        yield from held.items()
        yield from _of_class(type(value))
    elif not type(value).__module__.startswith("energyforecast."):  # e.g. an interpolation of scipy
        yield from [(name, item) for name, item in held.items() if isinstance(item, np.ndarray)]


def _attributes(value: Any) -> dict[str, Any]:
    """Attributes of an object, those in slots too."""
    found = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else list(slots):
            if not name.startswith("__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def _of_class(kind: type) -> Iterator[tuple[str, Any]]:
    """Attributes and methods of the classes of the user's that an object has."""
    for base in kind.__mro__:
        if _of_the_user(base.__module__):
            for name, value in vars(base).items():
                if not name.startswith("__") and name != "_abc_impl":
                    yield name, value


def _of_the_user(module: str) -> bool:
    """Whether a module is code of the user's, not of the library, of Python or of an installed package."""
    top = module.partition(".")[0]
    if top == "energyforecast" or top in sys.stdlib_module_names - {"__main__"}:
        return False
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" not in file and "dist-packages" not in file


def _around(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names and values of the closure, the defaults and the globals that a function uses."""
    if not _of_the_user(function.__module__ or ""):
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if _filled(cell):
            yield name, cell.cell_contents
    arguments = code.co_varnames[: code.co_argcount]
    yield from zip(reversed(arguments), reversed(function.__defaults__ or ()), strict=False)
    yield from (function.__kwdefaults__ or {}).items()
    yield from [(name, item) for name, item in vars(function).items() if name != "__wrapped__"]
    if hasattr(function, "__wrapped__"):
        yield "", function.__wrapped__
    attributes = _names(code)
    for name in _globals(code) & set(function.__globals__):
        value = function.__globals__[name]
        if not isinstance(value, ModuleType):
            yield name, value
        elif _of_the_user(value.__name__):
            yield from [
                (f"{name}.{item}", vars(value)[item]) for item in sorted(attributes & set(vars(value)))
            ]


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a name that is bound later
        return False
    return True


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code, and that of the functions and comprehensions inside it."""
    yield code
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield from _codes(item)


def _names(code: CodeType) -> set[str]:
    """Names that code looks up, of globals and of attributes."""
    return set().union(*(item.co_names for item in _codes(code)))


def _globals(code: CodeType) -> set[str]:
    """Names of globals that code looks up; modules are also imported by it."""
    found = set()
    for item in _codes(code):
        for step in dis.get_instructions(item):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                found.add(str(step.argval))
    return found
