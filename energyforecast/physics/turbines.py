"""Power of wind turbines and farms: power curves, power coefficients and storm shutdown."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from energyforecast.errors import RangeError, SchemaError
from energyforecast.physics.air import density_corrected_wind_speed
from energyforecast.physics.arguments import physical

__all__ = [
    "curve_power",
    "ideal_turbine_power",
    "power_from_coefficient",
    "smoothed_curve_power",
    "turbines_running",
]

Array = npt.NDArray[Any]
Number = Array | float

#: Greatest share of the wind's power that a rotor can take, after Betz.
_BETZ: Final = 16 / 27


@physical
def curve_power(
    wind_speed: Number,
    curve_speed: Array,
    power: Array,
    *,
    density: Number | None = None,
    cut_out: float | None = None,
) -> Array:
    r"""Power by a power curve, corrected for the density of the air.

    .. math:: P = \begin{cases}
        P_\mathrm{curve}\Bigl(\min\bigl(v \, (\varrho / \varrho_0)^{1/3},\, v_\mathrm{out}\bigr)\Bigr)
        & v \le v_\mathrm{out} \\
        0 & v > v_\mathrm{out} \end{cases}

    with :math:`\varrho_0 = 1.225` kg m⁻³.

    Parameters
    ----------
    wind_speed : array
        Wind speed at hub height. [m s⁻¹]
    curve_speed, power : array, shape (points,)
        Points of the curve with rising wind speed; the power is zero outside them. [m s⁻¹; any unit]
    density : array or float, optional
        Air density; that of the curve, 1.225, by default. [kg m⁻³]
    cut_out : float, optional
        Wind speed :math:`v_\mathrm{out}` at which turbines stop, whatever the curve has above it; the last speed of
        the curve by default. [m s⁻¹]

    Returns
    -------
    array
        Power, in the unit of the curve; NaN where the wind is missing.

    Raises
    ------
    SchemaError
        If the wind speeds of the curve do not rise.

    See Also
    --------
    smoothed_curve_power, density_corrected_wind_speed, energyforecast.PowerCurve

    Notes
    -----
    Turbines stop by the wind speed alone, not by the corrected one: the correction does not exceed `cut_out`, nor
    the last speed at which the curve has power, and a decrease above that is read without it.

    References
    ----------
    IEC 61400-12-1 (2017), correction for pitch-controlled turbines; curves interpolated between densities:
    Floors and Nielsen (2019), https://doi.org/10.3390/en12112038.

    Examples
    --------
    >>> curve = np.array([3.0, 12.0, 25.0]), np.array([0.0, 1.0, 1.0])
    >>> curve_power(np.array([2.0, 7.5, 20.0, 26.0]), *curve).tolist()
    [0.0, 0.5, 1.0, 0.0]
    >>> round(float(curve_power(7.5, *curve, density=1.0)), 3)  # as 7.01 m/s in standard air
    0.445
    >>> curve_power(np.array([22.0, 22.5]), *curve, cut_out=22.0).tolist()
    [1.0, 0.0]
    """
    _check_rising(curve_speed)
    speed = np.asarray(wind_speed)
    stop = curve_speed[-1] if cut_out is None else cut_out
    last = min(stop, curve_speed[np.max(np.flatnonzero(power), initial=0)])
    corrected = speed if density is None else density_corrected_wind_speed(speed, np.asarray(density))
    effective = np.where(speed > last, speed, np.minimum(corrected, last))
    read = np.interp(effective, curve_speed, power, left=0.0, right=0.0)
    return np.asarray(np.where(speed > stop, 0.0, read))


@physical
def smoothed_curve_power(wind_speed: Number, curve_speed: Array, power: Array, *, deviation: Number) -> Array:
    r"""Power curve of a farm: mean power of turbines with normally distributed wind speeds.

    .. math:: \bar P(v) = \int P(x) \, \frac{1}{\sigma} \, \varphi\left(\frac{x - v}{\sigma}\right) \mathrm{d}x

    with the standard normal density :math:`\varphi`.

    Parameters
    ----------
    wind_speed : array
        Mean wind speed :math:`v` of the farm. [m s⁻¹]
    curve_speed, power : array, shape (points,)
        Curve of one turbine; zero outside its points. [m s⁻¹; any unit]
    deviation : array or float
        Standard deviation :math:`\sigma` of the wind speed over the farm, of the shape of `wind_speed` or one
        number; above 0. [m s⁻¹]

    Returns
    -------
    array
        Mean power, in the unit of the curve.

    Raises
    ------
    SchemaError
        If the wind speeds of the curve do not rise.
    RangeError
        If a deviation is not above 0.

    See Also
    --------
    curve_power, energyforecast.PowerCurve

    Notes
    -----
    The integral over the straight segments of the curve is taken in closed form: weights add up to
    one, the result stays within the range of the curve, and one deviation for all speeds preserves the area
    under the curve.

    References
    ----------
    Nørgaard and Holttinen (2004), A multi-turbine power curve approach, Nordic Wind Power
    Conference, Gothenburg. Staffell and Pfenninger (2016),
    https://doi.org/10.1016/j.energy.2016.08.068, take 0.6 m/s plus 0.2 of the speed for fleets.

    Examples
    --------
    >>> curve = np.array([3.0, 12.0, 25.0]), np.array([0.0, 1.0, 1.0])
    >>> smoothed_curve_power(np.array([3.0, 7.5, 12.0, 25.0]), *curve, deviation=1.0).round(3).tolist()
    [0.044, 0.5, 0.956, 0.5]
    """
    _check_rising(curve_speed)
    if np.any(np.asarray(deviation) <= 0):
        raise RangeError(
            f"The deviation of the wind speed is {np.min(deviation):g} m/s.",
            "It must be above 0.",
            "Use curve_power where the wind does not vary.",
        )
    mean = np.asarray(wind_speed, dtype=float)[..., None]
    sigma = np.broadcast_to(np.asarray(deviation, dtype=float), mean.shape[:-1])[..., None]
    begin, end = (np.asarray(curve_speed, dtype=float)[part] for part in (slice(None, -1), slice(1, None)))
    first, slope = np.asarray(power, dtype=float)[:-1], np.diff(power) / np.diff(curve_speed)
    low, high = (begin - mean) / sigma, (end - mean) / sigma
    # ∫ (p + s (x − begin)) φ(x) dx over a segment, where ∫ (x − mean) φ dx = −σ² φ.
    inside = (first + slope * (mean - begin)) * (ndtr(high) - ndtr(low))
    edges = slope * sigma * (np.exp(-0.5 * low**2) - np.exp(-0.5 * high**2)) / np.sqrt(2 * np.pi)
    return np.asarray((inside + edges).sum(axis=-1))


def _check_rising(curve_speed: Array) -> None:
    """Refuse a curve in the wrong order: power would be read from the wrong place."""
    back = np.flatnonzero(np.diff(curve_speed) <= 0)
    if back.size:
        first, second = curve_speed[back[0]], curve_speed[back[0] + 1]
        raise SchemaError(
            f"The power curve goes from {first:g} to {second:g} m/s.",
            "Its wind speeds must rise, each once.",
            "Sort the points by wind speed.",
        )


@physical
def ideal_turbine_power(
    wind_speed: Number, *, specific_power: float, power_coefficient: float, density: Number = 1.225
) -> Array:
    r"""Power of a turbine in air without turbulence: a constant power coefficient up to rated power.

    .. math:: P = \min\left(1,\, \frac{C_p \, \tfrac{1}{2} \varrho v^3}{p_A}\right)

    Parameters
    ----------
    wind_speed : array
        Wind speed :math:`v` at hub height. [m s⁻¹]
    specific_power : float
        Rated power by swept area of the rotor, :math:`p_A`. [W m⁻²]
    power_coefficient : float
        Share :math:`C_p` of the wind's power that becomes electricity, below rated power; at most 16/27.
    density : array or float
        Air density :math:`\varrho`. [kg m⁻³]

    Returns
    -------
    array
        Power. [fraction of rated]

    See Also
    --------
    smoothed_curve_power, curve_power

    References
    ----------
    The curve without turbulence of IEC 61400-12-1 (2017), annex M; Saint-Drenan et al. (2020),
    https://doi.org/10.1016/j.renene.2020.04.123.

    Examples
    --------
    >>> ideal = ideal_turbine_power(np.array([5.0, 10.0, 15.0]), specific_power=300, power_coefficient=0.44)
    >>> ideal.round(3).tolist()  # 0.5 × 1.225 × 0.44 × 1000 / 300 at 10 m/s
    [0.112, 0.898, 1.0]
    """
    flux = 0.5 * np.asarray(density) * np.asarray(wind_speed) ** 3
    return np.asarray(np.minimum(1.0, power_coefficient * flux / specific_power))


@physical
def power_from_coefficient(
    wind_speed: Number,
    curve_speed: Array,
    power_coefficient: Array,
    *,
    rotor_diameter: float,
    density: Number = 1.225,
    rated: float | None = None,
    cut_out: float | None = None,
) -> Array:
    r"""Power of a turbine by its curve of power coefficients.

    .. math:: P = \min\left( P_\mathrm{rated},\, \tfrac{\pi}{8} \, \varrho \, d^2 \, v^3 \, C_p(v) \right), \qquad
        v \le v_\mathrm{out}

    Parameters
    ----------
    wind_speed : array
        Wind speed at hub height. [m s⁻¹]
    curve_speed, power_coefficient : array, shape (points,)
        Points of :math:`C_p(v)` with rising wind speed, linear in between; the power is zero below them. [m s⁻¹; -]
    rotor_diameter : float
        Diameter :math:`d` of the rotor. [m]
    density : array or float
        Air density :math:`\varrho`. [kg m⁻³]
    rated : float, optional
        Rated power, which limits it. [MW]
    cut_out : float, optional
        Wind speed above which turbines stand still; the last speed of the curve by default. Between the two the last
        coefficient holds. [m s⁻¹]

    Returns
    -------
    array
        Power; NaN where the wind is missing. [MW]

    Raises
    ------
    SchemaError
        If the wind speeds of the curve do not rise.
    RangeError
        If a coefficient is negative or above 16/27 (the limit of Betz), or the diameter, the density or the rated
        power not above 0.

    See Also
    --------
    curve_power, ideal_turbine_power, energyforecast.PowerCurve.from_power_coefficient

    References
    ----------
    IEC 61400-12-1 (2017), power coefficient; the limit: Betz (2013),
    https://doi.org/10.1260/0309-524X.37.4.441.

    Examples
    --------
    >>> curve = np.array([4.0, 10.0, 25.0]), np.array([0.4, 0.45, 0.05])
    >>> power_from_coefficient(np.array([3.0, 10.0, 14.0, 26.0]), *curve, rotor_diameter=100, rated=3).round(2).tolist()
    [0.0, 2.16, 3.0, 0.0]
    """
    _check_rising(curve_speed)
    for name, value, unit in (("rotor diameter", rotor_diameter, "m"), ("rated power", rated, "MW")):
        if value is not None and not value > 0:
            raise RangeError(f"The {name} is {value:g} {unit}.", "It must be above 0.", "Correct it.")
    speed = np.asarray(wind_speed, dtype=float)
    coefficient = np.interp(speed, curve_speed, power_coefficient, left=0.0)
    flux = np.pi / 8.0 * np.asarray(density) * rotor_diameter**2 * speed**3 * 1e-6
    power = np.minimum(coefficient * flux, np.inf if rated is None else rated)
    return np.where(speed > (curve_speed[-1] if cut_out is None else cut_out), 0.0, power)


@physical
def turbines_running(
    wind_speed: Array, *, stop: float = 25.0, restart: float = 22.0, axis: int = -1
) -> npt.NDArray[np.bool_]:
    r"""Operation of turbines in a storm: stopped at one wind speed, restarted at a lower one (hysteresis).

    .. math:: r_t = \begin{cases} 0 & v_t \ge v_\mathrm{stop} \\ 1 & v_t \le v_\mathrm{restart} \\
        r_{t-1} & \text{otherwise} \end{cases}

    Parameters
    ----------
    wind_speed : array
        Wind speed at hub height, in order of time along `axis`; any number of series. [m s⁻¹]
    stop : float
        Speed at which turbines stop. [m s⁻¹]
    restart : float
        Speed at which they start again, below `stop`. [m s⁻¹]
    axis : int
        Axis of time.

    Returns
    -------
    array of bool
        Turbines run at the beginning of a series. Where the wind is missing, the previous state lasts.

    Raises
    ------
    RangeError
        If `restart` is not below `stop`.

    See Also
    --------
    curve_power

    Notes
    -----
    Both speeds are set by the manufacturer; 25 and 22 m/s are common.

    Examples
    --------
    >>> turbines_running(np.array([20.0, 25.0, 23.0, 22.0, 24.0])).tolist()
    [True, False, False, True, True]
    """
    if not restart < stop:
        raise RangeError(
            f"Turbines stop at {stop:g} m/s and start again at {restart:g} m/s.",
            "They must start again at a lower speed than that at which they stop.",
            "Exchange the two, e.g. stop=25, restart=22.",
        )
    speed = np.moveaxis(np.asarray(wind_speed, dtype=float), axis, -1)
    # The state follows from the last crossing; position 0 is the beginning.
    crossing = (speed >= stop) | (speed <= restart)
    last = np.maximum.accumulate(np.where(crossing, np.arange(1, speed.shape[-1] + 1), 0), axis=-1)
    running = np.concatenate([np.ones((*speed.shape[:-1], 1), dtype=bool), speed <= restart], axis=-1)
    return np.moveaxis(np.take_along_axis(running, last, axis=-1), -1, axis)
