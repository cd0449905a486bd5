"""Features: declared inputs and a function of a Snapshot."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import CodeType
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Feature", "FunctionFeature", "feature", "mean_of_known", "offset_name", "step_hours"]

Array = npt.NDArray[Any]
Columns: TypeAlias = Mapping[str, Array]
_NONE: Final = pd.Timedelta(0)


class Feature(ABC):
    """One or several columns of the design matrix, computed from a Snapshot.

    A feature of your own is a frozen dataclass with :meth:`compute`, or, shorter, a function with
    the decorator :func:`feature`.

    See Also
    --------
    feature, FeatureSet, energyforecast.testing.check_feature

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Kelvin(Feature):
    ...     weather: ClassVar[tuple[str, ...]] = ("temp_air",)
    ...     def compute(self, now):
    ...         return {"temp_kelvin": now["temp_air"] + 273.15}
    >>> Kelvin().name
    'Kelvin'
    """

    #: Required variables; ``*`` matches anything, as in ``"wind_speed_*m"``.
    weather: ClassVar[tuple[str, ...]] = ()
    #: Variables used where they are available.
    weather_if_present: ClassVar[tuple[str, ...]] = ()
    #: Range before and after each step that the feature reads from the weather.
    margin: ClassVar[pd.Timedelta] = _NONE
    #: Lagged observations.
    history: ClassVar[tuple[Past, ...]] = ()
    #: Whether the feature is left out where its variables are missing.
    optional: ClassVar[bool] = False

    registry: ClassVar[dict[str, type[Feature]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("energyforecast."):
            Feature.registry[cls.__name__] = cls

    @property
    def name(self) -> str:
        """Unique name, by which the feature is replaced or removed."""
        return type(self).__name__

    @abstractmethod
    def compute(self, now: Snapshot) -> Columns | Array:
        """Columns of shape (origins, steps), by name; a single one may have no name."""

    def settings(self) -> dict[str, Any]:
        """Values of the dataclass's fields."""
        plain: Any = self
        fields = dataclasses.fields(plain) if dataclasses.is_dataclass(plain) else ()
        return {item.name: getattr(self, item.name) for item in fields}


@checked()
@dataclass(frozen=True, kw_only=True)
class FunctionFeature(Feature):
    """A user's function as a feature; made by :func:`feature`.

    Parameters
    ----------
    function : callable
        From a :class:`energyforecast.point_in_time.snapshot.Snapshot` to an array, or to arrays by name.
    weather : tuple of str
        Variables that it uses.
    margin : Timedelta
        Range before and after each step that it reads from the weather.
    history : tuple of Past
        Lagged observations.
    source_hash : str
        Hash of the code, which distinguishes a changed function from a stored one.

    See Also
    --------
    feature

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> cubed = FunctionFeature(function=lambda now: now["wind_speed_100m"] ** 3, weather=("wind_speed_100m",))
    >>> cubed(example_snapshot({"wind_speed_100m": 2.0})).tolist()
    [[8.0, 8.0, 8.0]]
    """

    function: Callable[[Snapshot], Columns | Array]
    weather: tuple[str, ...] = ()  # type: ignore[misc]
    margin: pd.Timedelta = _NONE  # type: ignore[misc]
    history: tuple[Past, ...] = ()  # type: ignore[misc]
    source_hash: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    def compute(self, now: Snapshot) -> Columns | Array:
        """Columns of the function."""
        return self.function(now)

    def __call__(self, now: Snapshot) -> Columns | Array:
        """Result of the function itself, which remains callable."""
        return self.function(now)


def _code_text(value: object) -> str:
    """Text of compiled code, identical in every process: no addresses, no order of sets."""
    if isinstance(value, CodeType):
        parts = (*value.co_consts, *value.co_names)
        return f"{value.co_code.hex()}({','.join(map(_code_text, parts))})"
    if isinstance(value, tuple | frozenset):
        texts = list(map(_code_text, value))
        return f"({','.join(texts if isinstance(value, tuple) else sorted(texts))})"
    return repr(value)


def _source_hash(function: Callable[..., Any]) -> str:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        source = _code_text(function.__code__)
    return hashlib.sha256(source.encode()).hexdigest()


@checked(margin="0h")
def feature(
    *,
    weather: Sequence[str] = (),
    margin: str | timedelta = "0h",
    history: Sequence[str | tuple[str, str]] = (),
) -> Callable[[Callable[[Snapshot], Columns | Array]], FunctionFeature]:
    """Turn a function of a Snapshot into a feature.

    Parameters
    ----------
    weather : sequence of str
        Variables that it uses.
    margin : str or timedelta
        Range before and after each step that it reads from the weather.
    history : sequence of str or (str, str)
        Lags of the observations, alone or with the step back from an unpublished one to older ones.

    Returns
    -------
    callable
        A decorator.

    See Also
    --------
    Feature, FeatureSet, energyforecast.testing.check_feature

    Examples
    --------
    >>> @feature(weather=["wind_speed_100m"])
    ... def wind_cubed(now):
    ...     return now["wind_speed_100m"] ** 3
    >>> wind_cubed.name, wind_cubed.weather
    ('wind_cubed', ('wind_speed_100m',))
    """

    def wrap(function: Callable[[Snapshot], Columns | Array]) -> FunctionFeature:
        return FunctionFeature(
            function=function,
            weather=tuple(weather),
            margin=timestamps.duration(margin),
            history=tuple(_past(item) for item in history),
            source_hash=_source_hash(function),
        )

    return wrap


def _past(item: str | tuple[str, str]) -> Past:
    if isinstance(item, str):
        return Past(timestamps.duration(item))
    return Past(timestamps.duration(item[0]), timestamps.duration(item[1]))


def step_hours(now: Snapshot) -> float:
    """Length of an interval of the task. [h]"""
    return float(now.windows.frequency / pd.Timedelta("1h"))


def offset_name(hours: float) -> str:
    """Distance from the interval in the name of a column, like +1h, -0.5h, +10min."""
    quarters = 4 * hours
    return f"{hours:+g}h" if quarters == round(quarters) else f"{round(60 * hours, 6):+g}min"


def mean_of_known(values: Array) -> Array:
    """Mean of the known values over the first axis, NaN where none is known."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
