"""Columns of Open-Meteo's answers, by variable, model and ensemble member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError
from energyforecast.weather.sources.openmeteo.catalogue import (
    Column,
    OpenMeteoModel,
)

__all__ = ["ColumnReader", "Floats", "unexpected", "units_of"]

Floats = npt.NDArray[np.float64]


def unexpected(found: str, expected: str) -> ResponseError:
    """Error for an answer that contradicts the documentation of the server."""
    return ResponseError(
        found, expected, "Try again later; if the error persists, report it to the operators of the server."
    )


def units_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Units of the hourly columns of an answer."""
    units = item.get("hourly_units")
    return units if isinstance(units, dict) else {}


@dataclass(frozen=True)
class ColumnReader:
    """Reader of the columns of a variable, under each of their names."""

    column: Column
    model: OpenMeteoModel
    requested: tuple[str, ...]
    day: int

    def read(self, item: Mapping[str, Any], site: Site, count: int) -> Floats:
        """Values in the unit of the library, shape (hours,), or (hours, members) for an ensemble."""
        base = self.column.name + (f"_previous_day{self.day}" if self.day else "")
        if not self.model.members:
            return self._values(item, self._key(item, base, site), site, count)
        keys = [self._found(item, base + (f"_member{k:02d}" if k else "")) for k in range(self.model.members)]
        if not any(keys):
            self._key(item, base, site)
        strange = self._found(item, f"{base}_member{self.model.members:02d}")
        if strange:
            raise unexpected(
                f"Open-Meteo's {self.model.name} gives {strange!r}.",
                f"It must have {self.model.members} members.",
            )
        absent = np.full(count, np.nan)  # a member without values
        return np.column_stack([self._values(item, key, site, count) if key else absent for key in keys])

    def _found(self, item: Mapping[str, Any], base: str) -> str | None:
        """Name of a column, with or without the model as suffix."""
        names = [f"{base}_{self.model.name}"]
        if self.model.members:  # the names in answers of ensembles differ from the requested ones
            names += [f"{base}_{self.model.name}_eps", f"{base}_{self.model.name}_ensemble"]
        if len(self.requested) == 1:
            names.insert(0, base)
        return next((name for name in names if name in item["hourly"]), None)

    def _key(self, item: Mapping[str, Any], base: str, site: Site) -> str:
        key = self._found(item, base)
        if key is not None:
            return key
        if base in item["hourly"]:
            raise unexpected(
                f"Open-Meteo gives {base!r} at site {site.name!r} without naming its model among "
                f"{', '.join(self.requested)}.",
                "Columns of several models must carry their names; only one covers the site.",
            )
        others = [name for name in item["hourly"] if name.startswith(base + "_")]
        if others:
            raise unexpected(
                f"Open-Meteo answers with {others[0]!r} at site {site.name!r}.",
                f"{self.model.name} was requested.",
            )
        raise unexpected(
            f"Open-Meteo gives no {base!r} at site {site.name!r}.",
            "Every requested variable must be present.",
        )

    def _values(self, item: Mapping[str, Any], key: str, site: Site, count: int) -> Floats:
        given = item["hourly"][key]
        if not isinstance(given, list) or len(given) != count:
            size = len(given) if isinstance(given, list) else "no"
            raise unexpected(
                f"Open-Meteo gives {size} values of {key!r} at site {site.name!r}.",
                f"There must be one for each of {count} hours.",
            )
        try:
            values = np.array([np.nan if value is None else value for value in given], dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise unexpected(
                f"{key!r} at site {site.name!r} cannot be read: {error}", "Values must be numbers, or null."
            ) from error
        if np.isnan(values).all():  # a column without values may have any unit
            return values
        return values * self.column.factor(units_of(item).get(key), f"site {site.name!r}")
