"""Components of a system: areas, links, thermal units, storages and electrolysers, checked when made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from energyforecast.errors import RangeError, SchemaError

__all__ = ["Area", "Battery", "Electrolyser", "HVDCLink", "PumpedStorage", "ThermalUnit", "check_bounds"]


def check_bounds(part: Any, *bounds: tuple[str, float, float]) -> None:
    """Each field named lies within its bounds; None is left out.

    Examples
    --------
    >>> check_bounds(Area(name="South"))
    """
    label = type(part).__name__
    if hasattr(part, "name"):
        if not part.name:
            raise SchemaError(
                f"A part of kind {label} has no name.", "Parts of a system are named.", "Name it."
            )
        label += f" {part.name!r}"
    for name, low, high in bounds:
        value = getattr(part, name)
        if value is not None and not (np.isfinite(value) and low <= value <= high):
            upper = f"and at most {high:g}" if np.isfinite(high) else "and finite"
            raise RangeError(
                f"{label} has {name} = {value}.",
                f"It is at least {low:g} {upper}.",
                "Correct it; shares are between 0 and 1, power is in MW and energy in MWh.",
            )


def _check_efficiency(part: Any, *names: str) -> None:
    check_bounds(part, *((name, 1e-3, 1.0) for name in names))


@dataclass(frozen=True, kw_only=True)
class Area:
    """A part of the grid without internal limits on power.

    Examples
    --------
    >>> Area(name="South")
    Area(name='South')
    """

    name: str

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True, kw_only=True)
class HVDCLink:
    """A line of direct current between two areas.

    Parameters
    ----------
    name, from_area, to_area : str
    capacity : float
        What may be sent. [MW]
    losses : float
        Share of what is sent that does not arrive.
    bidirectional : bool
        Whether it may be turned round.
    scheduled : bool
        Whether its flow is fixed with the schedule of the units, a day ahead; otherwise it follows what happens.

    Examples
    --------
    >>> HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=500, losses=0.05).losses
    0.05
    """

    name: str
    from_area: str
    to_area: str
    capacity: float
    losses: float = 0.0
    bidirectional: bool = True
    scheduled: bool = False

    def __post_init__(self) -> None:
        check_bounds(self, ("capacity", 0, np.inf), ("losses", 0, 0.999))
        if self.from_area == self.to_area:
            raise SchemaError(
                f"HVDCLink {self.name!r} leads from {self.from_area!r} to itself.",
                "A link joins two areas.",
                "Correct from_area or to_area.",
            )


@dataclass(frozen=True, kw_only=True)
class ThermalUnit:
    """A unit or a fleet that is scheduled a day ahead. It is always on: units are not committed.

    Parameters
    ----------
    name, area : str
    capacity : float
        [MW]
    cost : float
        Variable cost. [currency/MWh]
    minimum : float
        Least output, as a share of the capacity.
    ramp : float, optional
        Most that the output changes within an hour; any change by default. [MW/h]
    flexible : float
        Share of the capacity by which the output may leave its schedule when the truth arrives, up or down.
    premium_up : float
        What a MWh above the schedule costs beside `cost`. [currency/MWh]
    premium_down : float
        What of the saved `cost` is lost on a MWh below the schedule. [currency/MWh]

    Examples
    --------
    >>> ThermalUnit(name="coal", area="North", capacity=1000, cost=20, minimum=0.4, ramp=100).minimum
    0.4
    """

    name: str
    area: str
    capacity: float
    cost: float
    minimum: float = 0.0
    ramp: float | None = None
    flexible: float = 1.0
    premium_up: float = 0.0
    premium_down: float = 0.0

    def __post_init__(self) -> None:
        check_bounds(
            self, ("capacity", 0, np.inf), ("cost", 0, np.inf), ("minimum", 0, 1), ("ramp", 0, np.inf)
        )
        check_bounds(self, ("flexible", 0, 1), ("premium_up", 0, np.inf), ("premium_down", 0, np.inf))


@dataclass(frozen=True, kw_only=True)
class PumpedStorage:
    """Pumped-storage hydro: a reservoir between a pump and a turbine.

    Parameters
    ----------
    name, area : str
    turbine : float
        Most that it gives. [MW]
    pump : float
        Most that it takes. [MW]
    reservoir : float
        [MWh]
    pump_efficiency, turbine_efficiency : float
    start_level : float
        Energy in the reservoir before the first hour. [MWh]
    end_level : float, optional
        Least energy after the last hour; the start level by default, so that no plan lives on the reservoir. [MWh]

    Examples
    --------
    >>> PumpedStorage(name="lake", area="South", turbine=100, pump=120, reservoir=600, start_level=300).end
    300
    """

    name: str
    area: str
    turbine: float
    pump: float
    reservoir: float
    pump_efficiency: float = 0.87
    turbine_efficiency: float = 0.9
    start_level: float = 0.0
    end_level: float | None = None

    def __post_init__(self) -> None:
        check_bounds(self, ("turbine", 0, np.inf), ("pump", 0, np.inf), ("reservoir", 0, np.inf))
        check_bounds(self, ("start_level", 0, self.reservoir), ("end_level", 0, self.reservoir))
        _check_efficiency(self, "pump_efficiency", "turbine_efficiency")

    @property
    def end(self) -> float:
        """Least energy after the last hour. [MWh]"""
        return self.start_level if self.end_level is None else self.end_level


@dataclass(frozen=True, kw_only=True)
class Battery:
    """A battery.

    Parameters
    ----------
    name, area : str
    power : float
        Most that it takes or gives. [MW]
    energy : float
        [MWh]
    charge_efficiency, discharge_efficiency : float
    start_level, end_level : float
        As for :class:`PumpedStorage`. [MWh]

    Examples
    --------
    >>> Battery(name="battery", area="South", power=50, energy=100, end_level=20).end
    20
    """

    name: str
    area: str
    power: float
    energy: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    start_level: float = 0.0
    end_level: float | None = None

    def __post_init__(self) -> None:
        check_bounds(self, ("power", 0, np.inf), ("energy", 0, np.inf))
        check_bounds(self, ("start_level", 0, self.energy), ("end_level", 0, self.energy))
        _check_efficiency(self, "charge_efficiency", "discharge_efficiency")

    @property
    def end(self) -> float:
        """Least energy after the last hour. [MWh]"""
        return self.start_level if self.end_level is None else self.end_level


@dataclass(frozen=True, kw_only=True)
class Electrolyser:
    """Flexible demand: power becomes hydrogen, which a tank keeps until it is needed.

    Parameters
    ----------
    name, area : str
    capacity : float
        Most power that it takes. [MW]
    efficiency : float
        Hydrogen for power, by the heating value in which the rest is given.
    hydrogen_demand : float
        What is taken from the tank in every hour. [MW of hydrogen]
    hydrogen_storage : float
        [MWh of hydrogen]
    start_level, end_level : float
        As for :class:`PumpedStorage`. [MWh of hydrogen]
    unserved_cost : float, optional
        Price of hydrogen that is not delivered; without it all must be. [currency/MWh of hydrogen]

    Examples
    --------
    >>> Electrolyser(name="electrolyser", area="South", capacity=50, hydrogen_demand=10, hydrogen_storage=200).end
    0.0
    """

    name: str
    area: str
    capacity: float
    hydrogen_demand: float
    efficiency: float = 0.65
    hydrogen_storage: float = 0.0
    start_level: float = 0.0
    end_level: float | None = None
    unserved_cost: float | None = None

    def __post_init__(self) -> None:
        check_bounds(
            self, ("capacity", 0, np.inf), ("hydrogen_demand", 0, np.inf), ("hydrogen_storage", 0, np.inf)
        )
        check_bounds(self, ("start_level", 0, self.hydrogen_storage), ("end_level", 0, self.hydrogen_storage))
        check_bounds(self, ("unserved_cost", 0, np.inf))
        _check_efficiency(self, "efficiency")

    @property
    def end(self) -> float:
        """Least hydrogen after the last hour. [MWh]"""
        return self.start_level if self.end_level is None else self.end_level
