"""Points of a power curve, their checks, and the power that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core import power_curve_sources
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.errors import RangeError, SchemaError, one_of

__all__ = ["CurvePoints"]
Array = npt.NDArray[Any]
#: Dips below this before rated power are rounding, as in published tables.
_DIP: Final = 0.005
#: Distance of points on a part that is not straight. [m s⁻¹]
_FINE: Final = 0.1


@dataclass(frozen=True)
class CurvePoints:
    """Points of a power curve and all that follows from them: the part of PowerCurve without its sources."""

    wind_speed: Sequence[float] | Array
    power: Sequence[float] | Array
    rated: float = 1.0
    cut_out: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_types(vars(self), of=type(self))
        for field in ("wind_speed", "power"):
            object.__setattr__(self, field, tuple(as_numbers(field, getattr(self, field), ndim=1).tolist()))
        self._check_values()
        power_curve_sources.check_speeds(self._who, self.wind_speed, self.cut_out)
        if self.cut_out is not None:
            speeds, power = power_curve_sources.until(self.cut_out, self._speed, np.asarray(self.power))
            object.__setattr__(self, "wind_speed", tuple(speeds.tolist()))
            object.__setattr__(self, "power", tuple(power.tolist()))
        self._check_shape()
        if self.cut_out is None:
            after = np.flatnonzero(self.share)[-1] + 1
            object.__setattr__(self, "cut_out", self.wind_speed[min(after, len(self.wind_speed) - 1)])

    def _check_values(self) -> None:
        if len(self.wind_speed) != len(self.power) or len(self.power) < 3:
            raise SchemaError(
                f"{self._who} has {len(self.wind_speed)} wind speeds and {len(self.power)} powers.",
                "Each wind speed must have a power, and they must be three or more.",
                "Give both columns of the table.",
            )
        for field, unit in (("wind_speed", "m/s"), ("power", "fraction of rated, or MW")):
            wrong = [value for value in getattr(self, field) if not (np.isfinite(value) and value >= 0)]
            if wrong:
                raise RangeError(
                    f"{self._who} has the {field} {wrong[0]:g}.",
                    f"Each must be finite and not negative. [{unit}]",
                    "Correct the table, or leave the row out.",
                )
        if not (np.isfinite(self.rated) and self.rated > 0):
            raise RangeError(f"{self._who} has rated {self.rated}.", "It must be > 0. [MW]", "Correct it.")

    def _check_shape(self) -> None:
        top = int(self.share.argmax())
        if not 0.8 <= self.share[top] <= 1.1:
            raise RangeError(
                f"{self._who} reaches {self.power[top]:g}, which is {self.share[top]:g} of rated {self.rated:g}.",
                "The greatest power must be 0.8 to 1.1 of the rated one. [fraction of rated, or MW with rated]",
                "Give rated=... in MW, or power as its fraction; W or kW are divided first.",
            )
        fall = np.flatnonzero(np.diff(self.share[: top + 1]) < -_DIP)
        if fall.size:
            raise RangeError(
                f"{self._who} falls from {self.power[fall[0]]:g} to {self.power[fall[0] + 1]:g} "
                f"at {self.wind_speed[fall[0] + 1]:g} m/s, before it is rated.",
                "Power must not fall until it has reached its maximum.",
                "Correct the row; of measurements use PowerCurve.from_measurements.",
            )

    @property
    def _who(self) -> str:
        return f"The power curve {self.name!r}" if self.name else "The power curve"

    @property
    def _speed(self) -> Array:
        return np.asarray(self.wind_speed)

    @property
    def share(self) -> Array:
        """Power of each point. [fraction of rated]"""
        return np.asarray(self.power) / self.rated

    @property
    def cut_in(self) -> float:
        """Wind speed above which power is generated. [m s⁻¹]"""
        return float(self._speed[max(0, np.flatnonzero(self.share)[0] - 1)])

    @property
    def rated_speed(self) -> float:
        """Lowest wind speed with the greatest power, within half a percent. [m s⁻¹]"""
        return float(self._speed[np.flatnonzero(self.share >= self.share.max() - _DIP)[0]])

    def power_at(self, wind_speed: Any, density: Any = None) -> Array:
        r"""Power at hub-height wind speeds, corrected for the density of the air.

        .. math:: P(v, \varrho) = P\left( v \left( \varrho / \varrho_0 \right)^{1/3} \right),
            \qquad \varrho_0 = 1.225 \, \mathrm{kg \, m^{-3}}

        Parameters
        ----------
        wind_speed : array
            [m s⁻¹]
        density : array, optional
            Density of the air, 1.225 by default. [kg m⁻³]

        Returns
        -------
        array
            NaN where the wind is missing. [fraction of rated]
        """
        return physics.curve_power(
            np.asarray(wind_speed), self._speed, self.share, density=density, cut_out=self.cut_out
        )

    def smoothed(self, deviation: float, *, relative: float = 0.0) -> Self:
        r"""Power curve of a farm over which the wind varies.

        .. math:: \bar P(v) = \int P(x) \, \frac{1}{\sigma} \, \varphi\left(\frac{x - v}{\sigma}\right) \mathrm{d}x,
            \qquad \sigma = \sigma_0 + r v

        Parameters
        ----------
        deviation : float
            Standard deviation :math:`\sigma_0` of the wind speed between turbines. [m s⁻¹]
        relative : float
            Increase :math:`r` of the deviation with the wind speed.

        See Also
        --------
        energyforecast.physics.smoothed_curve_power : The integral in closed form, with sources.

        Examples
        --------
        >>> from energyforecast import PowerCurve
        >>> farm = PowerCurve((3, 12, 25), (0, 1, 1)).smoothed(1.0)
        >>> farm.power_at([3, 7.5, 12]).round(3).tolist()
        [0.044, 0.5, 0.956]
        """
        check_types(locals(), of=CurvePoints.smoothed)
        if not (deviation >= 0 and relative >= 0 and 0 < deviation + relative < np.inf):
            raise RangeError(
                f"The curve is to be smoothed by {deviation:g} m/s plus {relative:g} of the speed.",
                "Neither must be negative or infinite, and one must be above 0.",
                "Give e.g. smoothed(1.0), or smoothed(0.6, relative=0.2) for a fleet.",
            )
        reach = 4 * (deviation + relative * self._speed[-1])
        speeds = np.arange(0.0, self._speed[-1] + reach, 0.25)
        sigma = np.maximum(deviation + relative * speeds, 1e-6)
        smooth = physics.smoothed_curve_power(speeds, self._speed, self.share, deviation=sigma)
        return type(self)(speeds, smooth * self.rated, rated=self.rated, name=self.name)

    def with_wakes(
        self,
        efficiency: str | Sequence[Sequence[float]] | Array,
        *,
        of: Literal["wind_speed", "power"] = "wind_speed",
    ) -> Self:
        r"""Power curve of a farm with the losses in its own wakes, by the wind speed before the farm.

        .. math:: P_\mathrm{farm}(v) = P\bigl(v \, \eta(v)\bigr) \quad \text{or} \quad
            P_\mathrm{farm}(v) = \eta(v) \, P(v)

        with the efficiency :math:`\eta` of the wind speed, or of the power.

        Parameters
        ----------
        efficiency : sequence of (float, float), or str
            Wind speeds and the efficiency at each, above 0 and up to 1: linear in between and constant outside. Or the
            name of a published curve in windpowerlib, such as ``"dena_mean"`` or ``"knorr_mean"``, which are of the
            wind speed. [m s⁻¹; 1]
        of : {"wind_speed", "power"}
            Whether it is a share of the wind speed or of the power.

        Raises
        ------
        SchemaError, RangeError
            If the efficiency is not a table of rising wind speeds with shares above 0 and up to 1.
        DependencyError, MissingDataError
            If windpowerlib is not installed (``pip install energyforecast[examples]``), or has no such curve.

        See Also
        --------
        energyforecast.physics.wake_wind_speed : Sources of published curves.
        smoothed : The differences of the wind between turbines, to be applied afterwards.

        Notes
        -----
        Turbines stop by the wind before the farm: above the cut-out the power is 0, whatever the efficiency.

        Examples
        --------
        >>> from energyforecast import PowerCurve
        >>> farm = PowerCurve((3, 13, 25), (0, 1, 1)).with_wakes([(5, 0.8), (15, 1.0)])
        >>> farm.power_at([5, 10, 20]).round(2).tolist()  # the wind behind wakes has 4, 9 and 20 m/s
        [0.1, 0.6, 1.0]
        """
        one_of("The efficiency", of, allowed=("wind_speed", "power"))
        at, share = power_curve_sources.efficiency_points(efficiency, of=of)
        stop = float(self._speed[-1] if self.cut_out is None else self.cut_out)
        grid = np.concatenate([np.arange(0.0, stop, _FINE), self._speed, at, [stop]])
        grid = np.unique(grid[grid <= self._speed[-1]])
        # The points of the curve, moved to the wind before the farm, keep its corners.
        corners = np.interp(self._speed, physics.wake_wind_speed(grid, at, share), grid)
        speeds = np.unique(np.concatenate([grid, corners]).round(6))
        reduced = physics.wake_wind_speed(speeds, at, share)
        free = self.power_at(speeds)
        # In a storm the free wind stops turbines.
        power = (
            np.minimum(free, self.power_at(reduced))
            if of == "wind_speed"
            else free * reduced / np.maximum(speeds, _FINE)
        )
        return type(self)(speeds, power * self.rated, rated=self.rated, cut_out=stop, name=self.name)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        size = "rated" if self.rated == 1.0 else f"{self.rated:g} MW"
        reach = f"at {self.rated_speed:g} m/s, {self.cut_in:g} to {self.cut_out:g} m/s"
        return f"{type(self).__name__}({name}{size} {reach})"
