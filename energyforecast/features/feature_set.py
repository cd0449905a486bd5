"""Sets of features: their inputs, and the columns that they compute together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import variables, weather_schema
from energyforecast.errors import SchemaError, one_of
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["FeatureSet", "Needs"]

#: A fifth of the last bit of single precision. Numbers of single precision stay as they are; those half-way between
#: two such numbers, as means of two are but for the noise of a sine, are rounded up on every processor.
_NUDGE: Final = 1 + 0.2 * 2.0**-23


@dataclass(frozen=True)
class Needs:
    """Variables, margin and lags that a set of features reads from given weather.

    Parameters
    ----------
    names : dict of tuple of str
        Variables by weather model, without its prefix.
    margin : Timedelta
        Range before and after each step.
    history : tuple of Past
        Lagged observations.
    left_out : dict of tuple of str
        Names of optional features that a fit left out, by site, because the weather has no value there.

    See Also
    --------
    FeatureSet

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
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureSet:
    """Features in order, unique by name.

    ``set + feature`` adds, ``set - "name"`` removes, :meth:`replace` exchanges one for another.

    See Also
    --------
    recipe, features_giving, Feature

    Examples
    --------
    >>> from energyforecast.features import feature
    >>> @feature(weather=["temp_air"])
    ... def kelvin(now):
    ...     return now["temp_air"] + 273.15
    >>> FeatureSet() + kelvin
    FeatureSet(kelvin)
    """

    features: tuple[Feature, ...] = ()

    def __post_init__(self) -> None:
        given = self.features if isinstance(self.features, tuple | list) else [self.features]
        others = [item for item in given if not isinstance(item, Feature)]
        if others:
            raise SchemaError(
                f"{others[0]!r} is not a feature.",
                "A feature must be a function with the decorator @energyforecast.feature, or a Feature object.",
                "Put the decorator above the function; call classes, e.g. LocalHour().",
            )
        names = self.names
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise SchemaError(
                f"There are two features named {repeated[0]!r}.",
                "Names of features must be unique.",
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
        """Replace the named feature by another.

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
        """Select the features that given weather can serve, and collect their inputs.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset

        Returns
        -------
        features : FeatureSet
            Without the optional ones that lack variables.
        needs : Needs

        Raises
        ------
        SchemaError
            If a variable of a feature that is not optional is missing.

        Examples
        --------
        >>> from energyforecast.features import WindDirection, WindSpeed
        >>> from energyforecast.testing import example_weather
        >>> FeatureSet((WindSpeed(), WindDirection())).resolve(example_weather())[0]  # without direction
        FeatureSet(WindSpeed)
        """
        models = weather_schema.as_models(weather)
        present = [
            f"{model}:{name}" if model else str(name)
            for model, data in models.items()
            for name in data.data_vars
        ]
        kept: list[Feature] = []
        wanted: dict[str, None] = {}
        for item in self.features:
            found = [variables.match(present, [pattern]) for pattern in item.weather]
            if all(found):
                kept.append(item)
                wanted |= dict.fromkeys(name for names in found for name in names)
                wanted |= dict.fromkeys(variables.match(present, item.weather_if_present))
            elif not item.optional:
                raise _lacking(item, item.weather[[bool(names) for names in found].index(False)], present)
        return FeatureSet(tuple(kept)), Needs(
            names={model: _of_model(wanted, model) for model in models},
            margin=max((item.margin for item in kept), default=pd.Timedelta(0)),
            history=tuple(dict.fromkeys(past for item in kept for past in item.history)),
        )

    def compute(self, now: Snapshot) -> dict[str, Array]:
        """Compute every column for the site of the snapshot, shape (origins, steps), float32.

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
            If a feature returns another shape, or a column of another feature.

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
                        f"The feature {item.name!r} gives the column {name!r}, which another feature gives, too.",
                        "Names of columns must be unique.",
                        "Rename the column.",
                    )
                table[name] = _shaped(values, now, item, name)
        return table


def _lacking(item: Feature, variable: str, present: list[str]) -> SchemaError:
    """Error of a feature without one of its variables."""
    if present:
        return SchemaError(
            f"The feature {item.name!r} needs {variable!r}; the weather holds {present}.",
            "The weather must hold every variable of every feature that is not optional.",
            f"Add the variable to the weather, or remove the feature: features - {item.name!r}.",
        )
    return SchemaError(
        f"The feature {item.name!r} needs {variable!r}, and there is no weather.",
        "Without weather every feature must do without it.",
        f"Give weather, or remove the feature: features - {item.name!r}; recipe(site, task, weather=None) has those "
        "that need none.",
    )


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
            "A column must be an array of numbers.",
            "Turn categories into numbers.",
        ) from error
    if array.shape not in (shape, shape[:1], (shape[0], 1), ()):
        raise SchemaError(
            f"The feature {item.name!r} gives the column {name!r} with shape {array.shape}.",
            f"A column must have the shape (origins, steps) = {shape}, or one value an origin.",
            "Compute with the arrays of the snapshot in their shape.",
        )
    return np.broadcast_to(array[:, None] if array.ndim == 1 else array, shape)
