"""Arrays of a PV plant: modules of one orientation on one inverter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from energyforecast.core.arguments import check_types
from energyforecast.errors import RangeError, SchemaError
from energyforecast.physics.pv_system import TemperatureModel

__all__ = ["Horizon", "PVArray", "as_arrays", "as_horizon", "check_inverters"]

#: Direction and elevation of points of a horizon. [degree]
Horizon: TypeAlias = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class PVArray:
    """Modules of one orientation on one inverter of a :class:`PVPlant`.

    Fields that are not given are those of the plant.

    Parameters
    ----------
    dc_capacity : float
        Rated power of the modules. [MW]
    inverter : str, optional
        Name of the inverter, of ``inverters`` of the plant; without one all arrays share an inverter of the plant's
        capacity.
    mounting : {"fixed", "single_axis"}, optional
        Fixed modules, or trackers with one axis.
    surface_tilt, surface_azimuth : float, optional
        Of fixed modules, as of :class:`PVPlant`. [degree]
    axis_azimuth, axis_tilt, cross_axis_tilt, max_angle : float, optional
        Of trackers, as of :class:`PVPlant`. [degree]
    backtracking, row_shading : bool, optional
        Of rows, as of :class:`PVPlant`.
    gcr, bifaciality : float, optional
        Ground coverage, and efficiency of the rear over that of the front.
    temperature_model : str, optional
        As of :class:`PVPlant`: a part on a roof, another on an open rack.

    Raises
    ------
    RangeError
        If the rated power is not above 0; the other fields are checked by the plant.

    See Also
    --------
    PVPlant, energyforecast.physics.PVSystem

    Examples
    --------
    >>> PVArray(dc_capacity=0.05, surface_azimuth=90.0).changes
    {'surface_azimuth': 90.0}
    """

    dc_capacity: float
    inverter: str | None = None
    mounting: Literal["fixed", "single_axis"] | None = None
    surface_tilt: float | None = None
    surface_azimuth: float | None = None
    axis_azimuth: float | None = None
    axis_tilt: float | None = None
    cross_axis_tilt: float | None = None
    max_angle: float | None = None
    backtracking: bool | None = None
    gcr: float | None = None
    row_shading: bool | None = None
    bifaciality: float | None = None
    temperature_model: TemperatureModel | None = None

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))
        if not (math.isfinite(self.dc_capacity) and self.dc_capacity > 0):
            raise RangeError(
                f"An array has dc_capacity {self.dc_capacity}.",
                "The rated power of its modules must be above 0 [MW].",
                "Correct the value.",
            )

    @property
    def changes(self) -> dict[str, Any]:
        """Fields that differ from those of the plant."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        del own["dc_capacity"], own["inverter"]
        return {name: value for name, value in own.items() if value is not None}


def as_arrays(given: Any, *, plant: str) -> tuple[PVArray, ...]:
    """Arrays of a plant; also from plain mappings, as a file holds them."""
    known = {item.name for item in fields(PVArray)}
    result = []
    for item in given if isinstance(given, Iterable) else [given]:
        unknown = set(item) - known if isinstance(item, Mapping) else {item}
        if not isinstance(item, PVArray) and (unknown or "dc_capacity" not in item):
            raise SchemaError(
                f"Site {plant!r} has the array {item!r}.",
                f"It must be a PVArray with dc_capacity, or a mapping of some of {sorted(known)}.",
                "Give PVArray(dc_capacity=..., surface_azimuth=...).",
            )
        result.append(item if isinstance(item, PVArray) else PVArray(**item))
    return tuple(result)


def as_horizon(given: Any, *, plant: str) -> Horizon:
    """Horizon of pairs of numbers, from any sequences."""
    try:
        return tuple((float(azimuth), float(elevation)) for azimuth, elevation in given)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"Site {plant!r} has the horizon {given!r}.",
            "It must be pairs of a direction and an elevation [degree].",
            "Give them, e.g. horizon=[(90, 12), (180, 4), (270, 20)].",
        ) from error


def check_inverters(arrays: Iterable[PVArray], inverters: Mapping[str, float], *, plant: str) -> None:
    """Refuse arrays without an inverter, inverters without arrays, and capacities that are not above 0."""
    named = [array.inverter for array in arrays]
    if {*named} - {None} != {*inverters} or (inverters and None in named):
        raise SchemaError(
            f"The arrays of site {plant!r} have the inverters {named}, and its inverters are {list(inverters)}.",
            "Every array must name one of the inverters, and every inverter must have an array.",
            "Name them in arrays and inverters, or leave both out: all arrays then share one inverter.",
        )
    wrong = {name: value for name, value in inverters.items() if not (math.isfinite(value) and value > 0)}
    if wrong:
        raise RangeError(
            f"Site {plant!r} has inverters of {wrong} MW.",
            "The capacity of an inverter must be above 0 [MW].",
            "Correct the value.",
        )
