"""Units of weather variables as files write them, and their conversion."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from energyforecast.core import variables
from energyforecast.errors import (
    UnitsError,
)

__all__ = ["converted"]

Floats = npt.NDArray[np.float64]

#: By the unit that the library holds: others, with factor and offset. Per hour of the interval: see below.
_UNITS: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "m s-1": {"m/s": (1, 0), "km/h": (1 / 3.6, 0), "kn": (1852 / 3600, 0), "mph": (0.44704, 0)},
    "degree": {"°": (1, 0), "deg": (1, 0), "rad": (180 / np.pi, 0)},
    "degree_Celsius": {"°C": (1, 0), "K": (1, -273.15), "°F": (5 / 9, -160 / 9)},
    "Pa": {"hPa": (100, 0), "mbar": (100, 0), "kPa": (1000, 0)},
    "percent": {"%": (1, 0), "1": (100, 0)},
    "1": {"%": (0.01, 0)},
    "W m-2": {"W/m2": (1, 0), "kW/m2": (1000, 0)},
    "m": {"cm": (0.01, 0), "mm": (0.001, 0)},
    "mm h-1": {"mm/h": (1, 0)},
    "h": {},
    "kg m-2": {"kg/m2": (1, 0), "mm": (1, 0)},
}
#: Sums over an interval, with the factor to a rate per hour.
_SUMS: Final[dict[str, dict[str, float]]] = {
    "W m-2": {"Wh/m2": 1.0, "kWh/m2": 1000.0, "J/m2": 1 / 3600, "kJ/m2": 1 / 3.6, "MJ/m2": 1000 / 3.6},
    "mm h-1": {"mm": 1.0},
}


def converted(values: Floats, name: str, *, unit: str, hours: float | Floats) -> Floats:
    """Values in the library's unit of a variable."""
    target = variables.lookup(name).units
    if unit == target:
        return values
    if unit in _UNITS[target]:
        factor, offset = _UNITS[target][unit]
        return values * factor + offset
    if unit in _SUMS.get(target, {}):
        return values * (_SUMS[target][unit] / hours)
    raise UnitsError(
        f"The declared unit of {name} is {unit!r}.",
        f"It must be one of {', '.join([target, *_UNITS[target], *_SUMS.get(target, {})])}.",
        "Choose one of them, or convert the column.",
    )
