"""Power curves of turbines and farms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core import power_curve_sources, table_files
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.curve_points import CurvePoints
from energyforecast.core.table_format import TableFormat

__all__ = ["PowerCurve"]
Array = npt.NDArray[Any]


@dataclass(frozen=True, repr=False)
class PowerCurve(CurvePoints):
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
        check_types(locals(), of=cls.generic)
        power_curve_sources.refuse_not_positive("cut_out", cut_out)
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
    def from_power_coefficient(
        cls,
        wind_speed: Sequence[float] | Array,
        power_coefficient: Sequence[float] | Array,
        *,
        rotor_diameter: float,
        rated: float,
        cut_out: float | None = None,
        name: str = "",
    ) -> PowerCurve:
        r"""Power curve of a turbine from its curve of power coefficients.

        .. math:: P(v) = \min\left( P_\mathrm{rated},\, \tfrac{\pi}{8} \, \varrho_0 \, d^2 \, v^3 \, C_p(v) \right)

        Parameters
        ----------
        wind_speed, power_coefficient : sequence of float
            Points of :math:`C_p(v)`, linear in between. [m s⁻¹; 1]
        rotor_diameter : float
            Diameter :math:`d` of the rotor. [m]
        rated : float
            Rated power. [MW]
        cut_out : float, optional
            Wind speed above which turbines stand still; the last of the table by default. [m s⁻¹]
        name : str
            Name in messages and figures.

        Raises
        ------
        SchemaError, RangeError
            If the wind speeds do not rise, a coefficient exceeds 16/27, or the power is far from `rated`.

        See Also
        --------
        energyforecast.physics.power_from_coefficient : The same for any density, with its sources.

        Notes
        -----
        Coefficients of two digits give a power that falls by rounding before it is rated: it is levelled.

        Examples
        --------
        >>> PowerCurve.from_power_coefficient((3, 5, 10, 25), (0.2, 0.42, 0.45, 0.03), rotor_diameter=100, rated=2.5)
        PowerCurve(2.5 MW at 10.7 m/s, 3 to 25 m/s)
        """
        check_types(locals(), of=cls.from_power_coefficient)
        points, coefficient = (
            as_numbers(label, values, ndim=1)
            for label, values in (("wind_speed", wind_speed), ("power_coefficient", power_coefficient))
        )
        speeds, power = power_curve_sources.by_coefficient(
            points, coefficient, rotor_diameter=rotor_diameter, rated=rated, cut_out=cut_out
        )
        return cls(speeds, power, rated=rated, cut_out=cut_out, name=name)

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
        values as weight, up to the last bin with 0.6 of the greatest median. Above it turbines have stopped, at a
        wind speed lower than `cut_out`, and the curve falls. Bins between running ones in which most turbines wait for
        the wind to drop (hysteresis) are left out, and bins of strong wind with too few values are joined.

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
        check_types(locals(), of=cls.from_measurements)
        speeds, values = power_curve_sources.by_bins(
            power, wind_speed, usable=usable, bin_width=bin_width, min_count=min_count, cut_out=cut_out
        )
        return cls(speeds, values, rated=rated, name="measured")
