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
#: Sums over an interval: what they are an hour.
_SUMS: Final[dict[str, dict[str, float]]] = {
    "W m-2": {"Wh/m2": 1.0, "kWh/m2": 1000.0, "J/m2": 1 / 3600, "kJ/m2": 1 / 3.6, "MJ/m2": 1000 / 3.6},
    "mm h-1": {"mm": 1.0},
}


def converted(values: Floats, name: str, *, unit: str, hours: float | Floats) -> Floats:
    """Values in the library's unit of a variable.

    Parameters
    ----------
    values : array
    name : str
        Variable, e.g. ``"temp_air"``.
    unit : str
        What they are in; sums over an interval are divided by its length.
    hours : float or array
        Length of the intervals. [h]

    Raises
    ------
    UnitsError
        If the unit is not one of this variable.

    Examples
    --------
    >>> converted(np.array([36.0]), "wind_speed_100m", unit="km/h", hours=1.0).tolist()
    [10.0]
    >>> converted(np.array([900_000.0]), "ghi", unit="J/m2", hours=0.5).tolist()
    [500.0]
    """
    own = variables.lookup(name).units
    if unit == own:
        return values
    if unit in _UNITS[own]:
        factor, offset = _UNITS[own][unit]
        return values * factor + offset
    if unit in _SUMS.get(own, {}):
        return values * (_SUMS[own][unit] / hours)
    raise UnitsError(
        f"{name} is said to be in {unit!r}.",
        f"Known are {', '.join([own, *_UNITS[own], *_SUMS.get(own, {})])}.",
        "Choose one of them, or convert the column.",
    )
