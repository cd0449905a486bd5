"""Components of a system: areas, links, thermal units, storages and electrolysers, checked at their creation."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from energyforecast.core.arguments import checked
from energyforecast.errors import RangeError, SchemaError

__all__ = ["Area", "Battery", "Electrolyser", "HVDCLink", "PumpedStorage", "ThermalUnit", "check_bounds"]


def check_bounds(part: Any, *bounds: tuple[str, float, float]) -> None:
    """Refuse a field outside its bounds, and a component without name; None is left out."""
    label = type(part).__name__
    if hasattr(part, "name"):
        if not isinstance(part.name, str) or not part.name:
            raise SchemaError(
                f"A {label} has no name in text.", "Components of a system must be named.", "Name it."
            )
        label += f" {part.name!r}"
    for name, low, high in bounds:
        value = getattr(part, name)
        number = float(value) if isinstance(value, Real) else np.nan
        if value is not None and not (np.isfinite(number) and low <= number <= high):
            upper = f"and at most {high:g}" if np.isfinite(high) else "and finite"
            raise RangeError(
                f"{label} has {name} = {value if isinstance(value, Real) else repr(value)}.",
                f"It must be at least {low:g} {upper}.",
                "Correct it; shares are between 0 and 1, power is in MW and energy in MWh.",
            )


class _Store:
    """Bounds and end level of a component that stores energy."""

    start_level: float
    end_level: float | None

    def _check(self, energy: float, *efficiencies: str) -> None:
        check_bounds(self, ("start_level", 0, energy), ("end_level", 0, energy))
        check_bounds(self, *((name, 1e-3, 1.0) for name in efficiencies))

    @property
    def end(self) -> float:
        """Minimum energy after the last hour. [MWh]"""
        return self.start_level if self.end_level is None else self.end_level


@checked()
@dataclass(frozen=True, kw_only=True)
class Area:
    """A part of the grid without internal limits on power.

    See Also
    --------
    HVDCLink : A connection of two areas.

    Examples
    --------
    >>> Area(name="South")
    Area(name='South')
    """

    name: str

    def __post_init__(self) -> None:
        check_bounds(self)


@checked()
@dataclass(frozen=True, kw_only=True)
class HVDCLink:
    r"""A line of direct current between two areas.

    .. math:: p_\text{to} = (1 - \ell)\, p_\text{from}, \qquad 0 \le p_\text{from} \le \bar p

    with the losses :math:`\ell` and the capacity p̄.

    Parameters
    ----------
    name, from_area, to_area : str
    capacity : float
        Maximum power sent. [MW]
    losses : float
        Share of the power sent that is lost. [1]
    bidirectional : bool
        Whether power may also flow from `to_area` to `from_area`.
    scheduled : bool
        Whether its flow is fixed a day ahead with the schedule of the units; otherwise it is free in real time.

    See Also
    --------
    Area : Its ends.

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
                "A link must join two areas.",
                "Correct from_area or to_area.",
            )


@checked()
@dataclass(frozen=True, kw_only=True)
class ThermalUnit:
    r"""A unit or a fleet that is scheduled a day ahead. It is always on: there is no unit commitment.

    .. math::
        m \bar p \le p_t \le \bar p, \qquad |p_t - p_{t-1}| \le r\, \Delta t, \qquad |p_t - s_t| \le f \bar p

    with the output p, the schedule s, the capacity p̄, the minimum m, the ramp r and the flexible share f. An hour
    costs :math:`c\, p_t + r_+ (p_t - s_t)_+ + r_- (s_t - p_t)_+`, with the premiums :math:`r_+` and :math:`r_-`.

    Parameters
    ----------
    name, area : str
    capacity : float
        [MW]
    cost : float
        Variable cost. [currency/MWh]
    minimum : float
        Minimum output, as a share of the capacity. [1]
    ramp : float, optional
        Maximum change of the output within an hour; any change by default. [MW/h]
    flexible : float
        Share of the capacity by which the output may deviate from its schedule, up or down. [1]
    premium_up : float
        Cost of output above the schedule, in addition to `cost`. [currency/MWh]
    premium_down : float
        Cost of output below the schedule: the part of `cost` that is not saved. [currency/MWh]

    See Also
    --------
    energyforecast.planning.plan_scenarios : Schedules units by these costs.

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


@checked()
@dataclass(frozen=True, kw_only=True)
class PumpedStorage(_Store):
    r"""Pumped-storage hydro: a reservoir with a pump and a turbine.

    .. math::
        e_t = e_{t-1} + \left(\eta_p\, p_t - \frac{g_t}{\eta_g}\right) \Delta t, \qquad
        0 \le e_t \le \bar e, \qquad e_T \ge e_\text{end}

    with the energy e at the end of interval t, the power p of the pump, the power g of the turbine, and their
    efficiencies :math:`\eta`. Both never run at once.

    Parameters
    ----------
    name, area : str
    turbine : float
        Maximum power generated. [MW]
    pump : float
        Maximum power consumed. [MW]
    reservoir : float
        Maximum energy. [MWh]
    pump_efficiency, turbine_efficiency : float
        [1]
    start_level : float
        Energy before the first hour. [MWh]
    end_level : float, optional
        Minimum energy after the last hour; the start level by default, so that no plan empties the reservoir. [MWh]

    See Also
    --------
    Battery : One power for both directions.

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
        self._check(self.reservoir, "pump_efficiency", "turbine_efficiency")


@checked()
@dataclass(frozen=True, kw_only=True)
class Battery(_Store):
    r"""A battery.

    .. math::
        e_t = e_{t-1} + \left(\eta_c\, c_t - \frac{d_t}{\eta_d}\right) \Delta t, \qquad
        0 \le e_t \le \bar e, \qquad e_T \ge e_\text{end}

    with the energy e at the end of interval t, the power c of charging and d of discharging, and their efficiencies
    :math:`\eta`. It never charges and discharges at once.

    Parameters
    ----------
    name, area : str
    power : float
        Maximum power of charging and of discharging. [MW]
    energy : float
        Maximum energy. [MWh]
    charge_efficiency, discharge_efficiency : float
        [1]
    start_level, end_level : float
        As for :class:`PumpedStorage`. [MWh]

    See Also
    --------
    PumpedStorage : Different powers of pump and turbine.

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
        self._check(self.energy, "charge_efficiency", "discharge_efficiency")


@checked()
@dataclass(frozen=True, kw_only=True)
class Electrolyser(_Store):
    r"""Flexible demand: power becomes hydrogen, which a tank stores.

    .. math:: h_t = h_{t-1} + \left(\eta\, p_t + u_t - d\right) \Delta t, \qquad 0 \le h_t \le \bar h

    with the hydrogen h at the end of interval t, the power p, the demand d, the unserved demand u and the efficiency
    :math:`\eta`.

    Parameters
    ----------
    name, area : str
    capacity : float
        Maximum power consumed. [MW]
    efficiency : float
        Energy of the hydrogen per energy consumed, by the heating value of the other parameters. [1]
    hydrogen_demand : float
        Hydrogen taken from the tank in every hour. [MW of hydrogen]
    hydrogen_storage : float
        [MWh of hydrogen]
    start_level, end_level : float
        As for :class:`PumpedStorage`. [MWh of hydrogen]
    unserved_cost : float, optional
        Price of unserved demand for hydrogen; without it all must be served. [currency/MWh of hydrogen]

    See Also
    --------
    Battery, PumpedStorage

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
        names = ("capacity", "hydrogen_demand", "hydrogen_storage", "unserved_cost")
        check_bounds(self, *((name, 0, np.inf) for name in names))
        self._check(self.hydrogen_storage, "efficiency")
