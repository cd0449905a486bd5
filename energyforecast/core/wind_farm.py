"""Wind farms: their turbines, of one type or several, by height, power curve and commissioning date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from energyforecast.core import power_curve_sources, timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.power_kinds import Kind
from energyforecast.core.site_base import Site
from energyforecast.errors import RangeError, of_type

__all__ = ["ModelledGroup", "TurbineGroup", "WindFarm"]

Array = npt.NDArray[Any]
#: Hub height of turbines of which it is not known. [m]
_USUAL_HEIGHT: Final = 100.0
_READ: Final = "Read it: power_curve=PowerCurve.read('curve.csv')."


@dataclass(frozen=True, kw_only=True)
class TurbineGroup:
    """Turbines of a wind farm with the same type, hub height and commissioning date.

    Parameters
    ----------
    capacity : float
        Rated power of all of them. [MW]
    hub_height : float, optional
        Height of their hubs above ground; by default that of the farm. [m]
    power_curve : PowerCurve, optional
        As a share of their rated power; by default that of the farm, or the generic one of their rotors.
    rotor_diameter : float, optional
        Diameter of the rotors. [m]
    turbines : int, optional
        Number of turbines.
    commissioned : str or date, optional
        Day or moment of ISO 8601 from which they are in service, in the zone of the farm; always by default.
    name : str
        Name of the type, in words.

    Raises
    ------
    RangeError
        If a number is impossible.
    TimeError
        If `commissioned` is no moment.

    See Also
    --------
    WindFarm, PowerCurve

    Examples
    --------
    >>> TurbineGroup(capacity=30, turbines=12, hub_height=80, commissioned="2019-05-01").commissioned
    '2019-05-01'
    """

    capacity: float
    hub_height: float | None = None
    power_curve: PowerCurve | None = None
    rotor_diameter: float | None = None
    turbines: int | None = None
    commissioned: str | date | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.power_curve is not None:
            of_type("The power curve", self.power_curve, expected=PowerCurve, remedy=_READ)
        check_types(vars(self), of=type(self))
        for field, high, unit in (
            ("capacity", 1e6, "MW"),
            ("hub_height", 300.0, "m"),
            ("rotor_diameter", 400.0, "m"),
            ("turbines", 10_000, "turbines"),
        ):
            value = getattr(self, field)
            if value is not None and not 0 < value <= high:
                raise RangeError(
                    f"The turbine group {self.name!r} has {field} {value:g}.",
                    f"{field} must lie above 0 and up to {high:g} [{unit}].",
                    "Correct the value, or its unit.",
                )
        if self.commissioned is not None:
            timestamps.instant(self.commissioned)
            object.__setattr__(self, "commissioned", str(self.commissioned))

    def generic_curve(self) -> PowerCurve:
        """Generic power curve of its rotor and capacity; of the usual rotor where they are not known."""
        if self.rotor_diameter is None or self.turbines is None:
            return PowerCurve.generic()
        swept = np.pi / 4 * self.rotor_diameter**2 * self.turbines
        return PowerCurve.generic(specific_power=float(1e6 * self.capacity / swept))


class ModelledGroup(NamedTuple):
    """Height and power curve with which the power of a group is modelled."""

    hub_height: float
    power_curve: PowerCurve


@dataclass(frozen=True, kw_only=True)
class WindFarm(Site):
    r"""A wind farm, of one type of turbines or several.

    Parameters
    ----------
    hub_height : float, optional
        Height of the hubs above ground; of several groups by default their mean. [m]
    rotor_diameter : float, optional
        Diameter of the rotors. [m]
    turbines : int, optional
        Number of turbines.
    power_curve : PowerCurve, optional
        Power by the wind at hub height; of one turbine or of the farm, as a share of its rated power.
    turbine_groups : sequence of TurbineGroup
        Turbines that differ in type, hub height or commissioning date. The capacity of the farm is their sum.
    wake_efficiency : sequence of (float, float), or str, optional
        Losses in the farm's own wakes by wind speed, applied to every power curve, as
        :meth:`energyforecast.PowerCurve.with_wakes` takes it: ``[(5, 0.85), (10, 0.93), (15, 1.0)]`` or
        ``"dena_mean"``.

    Raises
    ------
    RangeError
        If the capacity is not the sum of those of the groups.

    See Also
    --------
    TurbineGroup, PowerCurve, energyforecast.features.PowerCurvePower

    Notes
    -----
    With the capacities :math:`C_g` of groups that are in service from :math:`t_g` on, their power curves and hub
    heights, the power as a share of the capacity in service is

    .. math:: P(t) = \frac{\sum_g \mathbf{1}\{t \ge t_g\} \, C_g \, P_g\bigl(v(z_g)\bigr)}
        {\sum_g \mathbf{1}\{t \ge t_g\} \, C_g}

    A forecaster learns on power as a share of the capacity in service, which follows from the dates; an
    :class:`energyforecast.AvailableCapacity` replaces it where it is known. Dates count as known beforehand.
    The mean hub height is :math:`\exp(\sum_g C_g \ln z_g / \sum_g C_g)`.

    References
    ----------
    Mean hub height: Knorr, K. (2016), doctoral thesis, Universität Kassel, p. 35.

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2, hub_height=80)
    >>> farm.kind
    'wind'
    >>> old = TurbineGroup(capacity=20, hub_height=80)
    >>> new = TurbineGroup(capacity=30, hub_height=140, commissioned="2024-06-01")
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, turbine_groups=(old, new))
    >>> farm.capacity, round(farm.hub_height)
    (50.0, 112)
    >>> farm.capacity_at(["2024-05-31 12:00", "2024-06-01 12:00"]).tolist()
    [20.0, 50.0]
    """

    kind: ClassVar[Kind] = "wind"

    hub_height: float | None = None
    rotor_diameter: float | None = None
    turbines: int | None = None
    power_curve: PowerCurve | None = None
    turbine_groups: Sequence[TurbineGroup] = ()
    wake_efficiency: str | Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        if self.power_curve is not None:
            of_type("The power curve", self.power_curve, expected=PowerCurve, remedy=_READ)
        if self.wake_efficiency is not None:
            points = power_curve_sources.efficiency_points(self.wake_efficiency, of="wind_speed")
            PowerCurve.generic().with_wakes(np.stack(points, axis=1))  # refuses what is no efficiency
            pairs = tuple(zip(*(values.tolist() for values in points), strict=True))
            object.__setattr__(self, "wake_efficiency", pairs)
        self._take_groups()
        super().__post_init__()
        self._bounded("hub_height", 0.0, 300.0, "m", above=True)
        self._bounded("rotor_diameter", 0.0, 400.0, "m", above=True)
        self._bounded("turbines", 0.0, 10_000.0, "turbines", above=True)

    def _take_groups(self) -> None:
        """Check the groups, which give capacity, mean hub height and number of turbines where they are not given."""
        remedy = "Give turbine_groups=(TurbineGroup(capacity=..., hub_height=...), ...)."
        of_type("turbine_groups", self.turbine_groups, expected=Sequence, remedy=remedy)
        for group in self.turbine_groups:
            of_type("A turbine group", group, expected=TurbineGroup, remedy=remedy)
        groups = tuple(self.turbine_groups)
        object.__setattr__(self, "turbine_groups", groups)
        if not groups:
            return
        total = sum(float(group.capacity) for group in groups)
        if self.capacity is None:
            object.__setattr__(self, "capacity", total)
        elif isinstance(self.capacity, int | float) and abs(self.capacity - total) > 0.01 * total:
            raise RangeError(
                f"Site {self.name!r} has capacity {self.capacity:g}, and its turbine groups {total:g} MW.",
                "The capacity of the farm must be the sum of those of its turbine groups. [MW]",
                "Leave capacity out. A limit of the grid is an order: AvailableCapacity(..., limit=True).",
            )
        heights = [float(group.hub_height) for group in groups if group.hub_height is not None]
        if self.hub_height is None and len(heights) == len(groups):
            weights = [group.capacity / total for group in groups]
            object.__setattr__(self, "hub_height", float(np.exp(np.dot(weights, np.log(heights)))))
        counts = [group.turbines for group in groups if group.turbines is not None]
        if self.turbines is None and len(counts) == len(groups):
            object.__setattr__(self, "turbines", sum(counts))

    @property
    def has_power_curve(self) -> bool:
        """Whether its power follows from the wind: by a curve of the farm, or of each group."""
        return self.power_curve is not None or bool(self.turbine_groups)

    @property
    def grows(self) -> bool:
        """Whether turbines are in service from a date on."""
        return any(group.commissioned is not None for group in self.turbine_groups)

    def groups(self) -> tuple[ModelledGroup, ...]:
        """Hub height and power curve of each group, behind the wakes of the farm; one of a farm without groups.

        Examples
        --------
        >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2, hub_height=80)
        >>> farm.groups()
        (ModelledGroup(hub_height=80, power_curve=PowerCurve('generic', rated at 12.5 m/s, 3 to 25 m/s)),)
        """
        whole = TurbineGroup(capacity=self.capacity or 1.0)
        height = self.hub_height or _USUAL_HEIGHT
        found = []
        for group in self.turbine_groups or (whole,):
            curve = group.power_curve or self.power_curve or group.generic_curve()
            if self.wake_efficiency is not None:
                curve = curve.with_wakes(self.wake_efficiency)
            found.append(ModelledGroup(group.hub_height or height, curve))
        return tuple(found)

    def capacity_at(self, valid_time: Any) -> Array:
        """Capacity in service at given hours by the commissioning dates, in the shape of the hours. [MW]"""
        if not self.turbine_groups:
            return super().capacity_at(valid_time)
        return np.asarray(self._in_service(valid_time).sum(axis=0))

    def group_shares(self, valid_time: Any) -> Array:
        """Share of each group in the capacity in service, shape (groups, ...); before the first the shares at the end.

        Examples
        --------
        >>> groups = TurbineGroup(capacity=20), TurbineGroup(capacity=30, commissioned="2024-06-01")
        >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, turbine_groups=groups)
        >>> farm.group_shares(["2024-05-31", "2024-06-01"]).tolist()
        [[1.0, 0.4], [0.0, 0.6]]
        """
        if not self.turbine_groups:
            return np.ones((1, *timestamps.instants(valid_time).shape))
        service = self._in_service(valid_time)
        rated = np.array([float(group.capacity) for group in self.turbine_groups])
        rated = rated.reshape(-1, *(1,) * (service.ndim - 1))
        service = np.where(service.any(axis=0), service, rated)
        return np.asarray(service / service.sum(axis=0))

    def _in_service(self, valid_time: Any) -> Array:
        """Capacity of each group in service, shape (groups, ...). [MW]"""
        hours = timestamps.instants(valid_time)
        return np.stack(
            [np.where(self._since(group, hours), float(group.capacity), 0.0) for group in self.turbine_groups]
        )

    def _since(self, group: TurbineGroup, hours: timestamps.Times) -> npt.NDArray[np.bool_]:
        """Whether a group is in service at given hours."""
        if group.commissioned is None:
            return np.ones(hours.shape, dtype=bool)
        begin = timestamps.instant(group.commissioned, timezone=self.timezone)
        return np.asarray(hours >= timestamps.to_ns([begin])[0])
