"""Power curves of turbines and farms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core import power_curve_sources, table_files
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.table_format import TableFormat
from energyforecast.errors import RangeError, SchemaError

__all__ = ["PowerCurve"]
Array = npt.NDArray[Any]
#: Dips below this before rated power are rounding, as in published tables.
_DIP: Final = 0.005


@dataclass(frozen=True)
class PowerCurve:
    """Power curve of a turbine or a farm: power by wind speed at hub height, in air of 1.225 kg m⁻³.

    Parameters
    ----------
    wind_speed : sequence of float
        Rising; below the first and above the last the power is zero. [m s⁻¹]
    power : sequence of float
        Power at each. [fraction of rated, or MW with `rated`]
    rated : float
        Rated power if `power` is in MW. [MW]
    cut_out : float, optional
        Speed above which turbines stand still; points of the curve above it are left out. By default that at which
        the power of the curve has fallen to zero, or its last. [m s⁻¹]
    name : str
        Name in messages and figures.

    Raises
    ------
    SchemaError
        If speeds do not rise, or lengths differ.
    RangeError
        If a value is negative or not finite, power falls before it is rated, or its maximum is far from `rated`.

    See Also
    --------
    energyforecast.physics.curve_power, energyforecast.features.PowerCurvePower, energyforecast.PowerCurveReference

    Examples
    --------
    >>> curve = PowerCurve((3, 6, 12, 25), (0, 0.4, 2.5, 2.5), rated=2.5)
    >>> curve
    PowerCurve(2.5 MW at 12 m/s, 3 to 25 m/s)
    >>> curve.power_at([2, 9, 20, 26]).tolist()
    [0.0, 0.58, 1.0, 0.0]
    """

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

    def smoothed(self, deviation: float, *, relative: float = 0.0) -> PowerCurve:
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
        >>> farm = PowerCurve((3, 12, 25), (0, 1, 1)).smoothed(1.0)
        >>> farm.power_at([3, 7.5, 12]).round(3).tolist()
        [0.044, 0.5, 0.956]
        """
        if not (deviation >= 0 and relative >= 0 and deviation + relative > 0):
            raise RangeError(
                f"The curve is to be smoothed by {deviation:g} m/s plus {relative:g} of the speed.",
                "Neither must be negative, and one must be above 0.",
                "Give e.g. smoothed(1.0), or smoothed(0.6, relative=0.2) for a fleet.",
            )
        reach = 4 * (deviation + relative * self._speed[-1])
        speeds = np.arange(0.0, self._speed[-1] + reach, 0.25)
        sigma = np.maximum(deviation + relative * speeds, 1e-6)
        smooth = physics.smoothed_curve_power(speeds, self._speed, self.share, deviation=sigma)
        return PowerCurve(speeds, smooth * self.rated, rated=self.rated, name=self.name)

    @classmethod
    def generic(
        cls,
        *,
        specific_power: float = 260.0,
        cut_in: float = 3.0,
        cut_out: float = 25.0,
        turbulence_intensity: float = 0.1,
        power_coefficient: float = 0.44,
        rated: float = 1.0,
    ) -> PowerCurve:
        r"""Power curve of a turbine from its rotor and rated power alone.

        .. math:: P(v) = \int \min\left(1, \frac{C_p \varrho_0 x^3}{2 p_A}\right) \frac{1}{I v} \,
            \varphi\left(\frac{x - v}{I v}\right) \mathrm{d}x

        with the specific power :math:`p_A`, the power coefficient :math:`C_p` and the turbulence intensity :math:`I`.

        Parameters
        ----------
        specific_power : float
            Rated power by swept area: 2.5 MW on a rotor of 110 m has 263 W m⁻². [W m⁻²]
        cut_in, cut_out : float
            Speeds at which turbines start and stop. [m s⁻¹]
        turbulence_intensity : float
            Deviation of the wind inside ten minutes by its mean: it rounds the knee at rated power.
        power_coefficient : float
            Share of the wind's power that becomes electricity.
        rated : float
            Rated power. [MW]

        See Also
        --------
        energyforecast.physics.ideal_turbine_power, energyforecast.physics.smoothed_curve_power

        Notes
        -----
        On the 55 machines of 1.5 to 4 MW in the Open Energy Database, each
        with the specific power of each, the error is 1.2 % of rated power in the median and 2.4 % in nine
        of ten (root mean square up to 18 m/s).

        References
        ----------
        A constant power coefficient below rated power, and turbulence as a Gaussian: IEC 61400-12-1
        (2017), annex M; Saint-Drenan et al. (2020), https://doi.org/10.1016/j.renene.2020.04.123.

        Examples
        --------
        >>> curve = PowerCurve.generic(specific_power=300)
        >>> curve.power_at([3, 8, 14, 25, 26]).round(2).tolist()
        [0.02, 0.47, 1.0, 1.0, 0.0]
        """
        fine = np.arange(0.0, 3 * cut_out, 0.05)
        ideal = physics.ideal_turbine_power(
            fine, specific_power=specific_power, power_coefficient=power_coefficient
        )
        speeds = np.unique([*np.arange(0.0, cut_out, 0.5), cut_in, cut_out])
        speeds = speeds[speeds >= cut_in]
        share = physics.smoothed_curve_power(
            speeds, fine, np.where(fine < cut_in, 0.0, ideal), deviation=turbulence_intensity * speeds
        )
        return cls(speeds, share * rated, rated=rated, name="generic")

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        wind_speed: str = "wind_speed",
        power: str = "power",
        unit: Literal["share", "W", "kW", "MW"] | None = None,
        rated: float | None = None,
        delimiter: str = ",",
        decimal: str = ".",
    ) -> PowerCurve:
        r"""Power curve of a CSV file with a header.

        Parameters
        ----------
        path : path
        wind_speed, power : str
            Names of the columns. The header may give units in brackets: ``wind_speed [m/s],power [kW]``.
        unit : {"share", "W", "kW", "MW"}, optional
            Unit of power, unless the header gives it; ``"share"`` is the fraction of rated power.
        rated : float, optional
            Rated power; by default the greatest in the file. [MW]
        delimiter, decimal : str
            As in :class:`energyforecast.TableFormat`.

        Raises
        ------
        MissingDataError, FileFormatError, SchemaError, UnitsError
            If the file is absent, empty, unreadable or not sorted, or lacks a column or a unit.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "curve.csv")
        ...     _ = file.write_text("wind_speed [m/s],power [kW]\n3,0\n12,2500\n25,2500\n")
        ...     PowerCurve.read(file)
        PowerCurve('curve', 2.5 MW at 12 m/s, 3 to 25 m/s)
        """
        table = table_files.load_table(path, format=TableFormat(delimiter=delimiter, decimal=decimal))
        speeds = power_curve_sources.wind_speeds(table, wind_speed, path)
        values, full = power_curve_sources.powers(table, power, path, unit=unit, rated=rated)
        return cls(speeds, values, rated=full, name=Path(path).stem)

    @classmethod
    def from_windpowerlib(cls, turbine_type: str) -> PowerCurve:
        """Published power curve of the Open Energy Database, from the library windpowerlib.

        Parameters
        ----------
        turbine_type : str
            Name in its library, e.g. ``"N100/2500"``.

        Raises
        ------
        DependencyError, MissingDataError
            If windpowerlib is not installed (``pip install energyforecast[examples]``), or has no such turbine.

        References
        ----------
        https://windpowerlib.readthedocs.io; the curves: https://openenergyplatform.org, ODbL 1.0.
        """
        speeds, values, rated = power_curve_sources.from_windpowerlib(turbine_type)
        return cls(speeds, values, rated=rated, name=turbine_type)

    @classmethod
    def from_measurements(
        cls,
        power: Any,
        wind_speed: Any,
        *,
        rated: float,
        usable: Any = None,
        bin_width: float = 0.5,
        min_count: int = 6,
        cut_out: float = 25.0,
    ) -> PowerCurve:
        r"""Power curve by the method of bins: medians of measured power, rising to rated power.

        .. math:: P(\bar v_k) = \operatorname{median} \{ P_t : |v_t - k w| \le w / 2 \}

        with bins of width :math:`w` and mean wind speeds :math:`\bar v_k`.

        Parameters
        ----------
        power, wind_speed : array, shape (times,)
            Measured at the same times; pandas series must have the same index. [MW; m s⁻¹]
        rated : float
            Rated power of the measured turbine or farm. [MW]
        usable : array of bool, optional
            Hours to learn from, e.g. ``~observations.unfit["farm"]``; missing values are always left out.
        bin_width : float
            Width of the bins. [m s⁻¹]
        min_count : int
            Smallest number of values in a bin that counts.
        cut_out : float
            Turbines stand still above this speed: measurements above it are left out, and the curve continues to it
            at its last power. [m s⁻¹]

        Raises
        ------
        MissingDataError, RangeError
            If fewer than three bins have enough values, or none comes near rated power.

        Notes
        -----
        A median is not moved by hours that were curtailed without a flag, as long as they are fewer
        than half of their bin. Medians that still fall are levelled by isotonic regression, with the number of
        values as weight, up to the last bin with half of the greatest median. Above it turbines have stopped, at a
        wind speed lower than `cut_out`, and the curve falls.

        References
        ----------
        Method of bins: IEC 61400-12-1 (2017), which takes means of at least three values.

        Examples
        --------
        >>> wind = np.linspace(0, 16, 1601)
        >>> curve = PowerCurve.from_measurements(60 * np.clip((wind - 3) / 9, 0, 1), wind, rated=60)
        >>> curve.power_at([3, 7.5, 14, 26]).round(2).tolist()
        [0.0, 0.5, 1.0, 0.0]
        """
        speeds, values = power_curve_sources.by_bins(
            power, wind_speed, usable=usable, bin_width=bin_width, min_count=min_count, cut_out=cut_out
        )
        return cls(speeds, values, rated=rated, name="measured")

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        size = "rated" if self.rated == 1.0 else f"{self.rated:g} MW"
        return (
            f"PowerCurve({name}{size} at {self.rated_speed:g} m/s, {self.cut_in:g} to {self.cut_out:g} m/s)"
        )
