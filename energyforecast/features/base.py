"""What a feature is: declared needs and a function of a Snapshot."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import CodeType
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.errors import SchemaError, one_of
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Feature", "FeatureSet", "FunctionFeature", "Needs", "feature"]

Array = npt.NDArray[Any]
Columns: TypeAlias = Mapping[str, Array]
_NONE: Final = pd.Timedelta(0)
#: A fifth of the last bit of single precision. What was single stays as it is; what lies half-way between two such
#: numbers, as means of two do but for the noise of a sine, goes upwards on every processor.
_NUDGE: Final = 1 + 0.2 * 2.0**-23


class Feature(ABC):
    """One or several columns computed from what was known.

    A feature of your own is a frozen dataclass with :meth:`compute`, or, shorter, a function under
    the decorator :func:`feature`.

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

    #: Variables that must be there; ``*`` stands for anything, as in ``"wind_speed_*m"``.
    weather: ClassVar[tuple[str, ...]] = ()
    #: Variables that it uses where they are there.
    weather_if_present: ClassVar[tuple[str, ...]] = ()
    #: How far before and after each step the feature looks in the weather.
    margin: ClassVar[pd.Timedelta] = _NONE
    #: Lagged observations.
    history: ClassVar[tuple[Past, ...]] = ()
    #: Whether the feature is left out where its variables are not there.
    optional: ClassVar[bool] = False

    registry: ClassVar[dict[str, type[Feature]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("energyforecast."):
            Feature.registry[cls.__name__] = cls

    @property
    def name(self) -> str:
        """Name by which the feature is replaced or removed."""
        return type(self).__name__

    @abstractmethod
    def compute(self, now: Snapshot) -> Columns | Array:
        """Columns of shape (origins, steps), by name; a single one may come without."""

    def settings(self) -> dict[str, Any]:
        """Values of the dataclass's fields."""
        plain: Any = self
        fields = dataclasses.fields(plain) if dataclasses.is_dataclass(plain) else ()
        return {item.name: getattr(self, item.name) for item in fields}


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
        How far before and after each step it looks in the weather.
    history : tuple of Past
        Lagged observations.
    source_hash : str
        Tells a changed function from the one that was stored.

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
        """Columns that the function gives."""
        return self.function(now)

    def __call__(self, now: Snapshot) -> Columns | Array:
        """What the function itself gives, so that it can still be called."""
        return self.function(now)


def _code_text(value: object) -> str:
    """Text of compiled code that is the same in every process: no addresses, no order of sets."""
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
        How far before and after each step it looks in the weather.
    history : sequence of str or (str, str)
        Lags of the observations, alone or with the step by which an unpublished one goes back.

    Returns
    -------
    callable
        A decorator.

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


@dataclass(frozen=True)
class Needs:
    """What a set of features needs of given weather.

    Parameters
    ----------
    names : dict of tuple of str
        Variables by weather model, without its prefix.
    margin : Timedelta
    history : tuple of Past

    Examples
    --------
    >>> from energyforecast.features import Lag, WindSpeed
    >>> from energyforecast.testing import example_weather
    >>> _, needs = FeatureSet((WindSpeed(), Lag("168h"))).resolve(example_weather())
    >>> needs.names, needs.margin / pd.Timedelta("1h"), len(needs.history)
    ({'': ('wind_speed_100m',)}, 4.0, 1)
    """

    names: dict[str, tuple[str, ...]]
    margin: pd.Timedelta
    history: tuple[Past, ...]


@dataclass(frozen=True)
class FeatureSet:
    """Features in order, unique by name.

    ``set + feature`` adds, ``set - "name"`` removes, :meth:`replace` puts another in its place.

    Examples
    --------
    >>> @feature(weather=["temp_air"])
    ... def kelvin(now):
    ...     return now["temp_air"] + 273.15
    >>> FeatureSet() + kelvin
    FeatureSet(kelvin)
    """

    features: tuple[Feature, ...] = ()

    def __post_init__(self) -> None:
        strangers = [item for item in self.features if not isinstance(item, Feature)]
        if strangers:
            raise SchemaError(
                f"{strangers[0]!r} is not a feature.",
                "A feature is a function under @energyforecast.feature, or a Feature object.",
                "Put the decorator above the function; call classes, e.g. LocalHour().",
            )
        names = self.names
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise SchemaError(
                f"There are two features named {repeated[0]!r}.",
                "Features are unique by name.",
                "Use features.replace(name, other), or rename one.",
            )

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [item.name for item in self.features]

    def __add__(self, other: Feature | FeatureSet | Iterable[Feature]) -> FeatureSet:
        added = (other,) if isinstance(other, Feature) else tuple(other)
        return FeatureSet(self.features + added)

    def __sub__(self, name: str) -> FeatureSet:
        self._known(name)
        return FeatureSet(tuple(item for item in self.features if item.name != name))

    def replace(self, name: str, other: Feature) -> FeatureSet:
        """The same with another feature in the place of the named one.

        Parameters
        ----------
        name : str
        other : Feature

        Raises
        ------
        SchemaError
            If there is no feature of that name.

        Examples
        --------
        >>> from energyforecast.features import Lag, LocalHour
        >>> FeatureSet((LocalHour(), Lag("168h"))).replace("lag_168h", Lag("24h"))
        FeatureSet(LocalHour, lag_24h)
        """
        self._known(name)
        return FeatureSet(tuple(other if item.name == name else item for item in self.features))

    def _known(self, name: str) -> None:
        one_of("name of a feature", name, allowed=self.names)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        return f"FeatureSet({', '.join(self.names)})"

    def resolve(self, weather: weather_schema.Weather) -> tuple[FeatureSet, Needs]:
        """The features that given weather can serve, and what they need of it.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset

        Returns
        -------
        features : FeatureSet
            Without the optional ones whose variables are not there.
        needs : Needs

        Raises
        ------
        SchemaError
            If a variable of a feature that is not optional is not there.

        Examples
        --------
        >>> from energyforecast.features import WindDirection, WindSpeed
        >>> from energyforecast.testing import example_weather
        >>> FeatureSet((WindSpeed(), WindDirection())).resolve(example_weather())[0]  # it holds no direction
        FeatureSet(WindSpeed)
        """
        models = weather_schema.as_models(weather)
        present = [
            f"{model}:{name}" if model else str(name)
            for model, data in models.items()
            for name in data.data_vars
        ]
        kept, wanted = [], dict.fromkeys(())  # type: ignore[var-annotated]
        for item in self.features:
            found = [variables.match(present, [pattern]) for pattern in item.weather]
            if all(found):
                kept.append(item)
                wanted |= dict.fromkeys(name for names in found for name in names)
                wanted |= dict.fromkeys(variables.match(present, item.weather_if_present))
            elif not item.optional:
                lacking = item.weather[[bool(names) for names in found].index(False)]
                raise SchemaError(
                    f"The feature {item.name!r} needs {lacking!r}; the weather holds {present}.",
                    "The weather holds every variable of every feature that is not optional.",
                    f"Add the variable to the weather, or remove the feature: features - {item.name!r}.",
                )
        return FeatureSet(tuple(kept)), Needs(
            names={model: _of_model(wanted, model) for model in models},
            margin=max((item.margin for item in kept), default=_NONE),
            history=tuple(dict.fromkeys(past for item in kept for past in item.history)),
        )

    def compute(self, now: Snapshot) -> dict[str, Array]:
        """Every column for the snapshot's site, shape (origins, steps), float32.

        Parameters
        ----------
        now : Snapshot

        Returns
        -------
        dict of array
            By name of the column.

        Raises
        ------
        SchemaError
            If a feature gives another shape, or a column that is already there.

        Examples
        --------
        >>> from energyforecast.features import LeadTime, LocalHour
        >>> from energyforecast.testing import example_snapshot
        >>> FeatureSet((LocalHour(), LeadTime())).compute(example_snapshot(hours=2))
        {'hour': array([[6., 7.]], dtype=float32), 'lead_time': array([[15., 16.]], dtype=float32)}
        """
        table: dict[str, Array] = {}
        for item in self.features:
            for name, values in _columns(item, now).items():
                if name in table:
                    raise SchemaError(
                        f"The feature {item.name!r} gives the column {name!r}, which is already there.",
                        "Names of columns are unique.",
                        "Rename the column.",
                    )
                table[name] = _shaped(values, now, item, name)
        return table


def _of_model(wanted: Iterable[str], model: str) -> tuple[str, ...]:
    prefix = f"{model}:" if model else ""
    return tuple(
        name.removeprefix(prefix) for name in wanted if name.startswith(prefix) and (model or ":" not in name)
    )


def _columns(item: Feature, now: Snapshot) -> Columns:
    result = item.compute(now)
    return result if isinstance(result, Mapping) else {item.name: result}


def _shaped(values: Any, now: Snapshot, item: Feature, name: str) -> Array:
    shape = now.valid_time.shape
    if isinstance(values, xr.DataArray | pd.Series | pd.DataFrame):
        values = np.asarray(values)
    try:
        array = (np.asarray(values, dtype=np.float64) * _NUDGE).astype(np.float32)
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"The feature {item.name!r} gives the column {name!r}, which holds no numbers: {error}",
            "A column is an array of numbers.",
            "Turn categories into numbers.",
        ) from error
    if array.shape not in (shape, shape[:1], (shape[0], 1), ()):
        raise SchemaError(
            f"The feature {item.name!r} gives the column {name!r} with shape {array.shape}.",
            f"A column has shape (origins, steps) = {shape}, or one value an origin.",
            "Compute with the snapshot's arrays as they come.",
        )
    return np.broadcast_to(array[:, None] if array.ndim == 1 else array, shape)
