"""Wind vectors and vertical wind profiles."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError
from energyforecast.physics.arguments import physical

__all__ = [
    "shear_exponent",
    "wind_components",
    "wind_from_components",
    "wind_speed_between_heights",
    "wind_speed_log_law",
    "wind_speed_power_law",
    "wind_veer",
]

Array = npt.NDArray[Any]
Number = Array | float

#: Exponent over open land in neutral air.
_OPEN_LAND: Final = 1 / 7


@physical
def wind_components(wind_speed: Number, wind_direction: Number) -> tuple[Array, Array]:
    r"""Eastward and northward components of the wind.

    .. math:: u = -v \sin\varphi, \qquad w = -v \cos\varphi

    with the wind speed :math:`v` and the direction :math:`\varphi` of origin.

    Parameters
    ----------
    wind_speed : array
        Wind speed. [m s⁻¹]
    wind_direction : array
        Direction of origin, clockwise from north. [degree]

    Returns
    -------
    eastward, northward : array
        Components. [m s⁻¹]

    See Also
    --------
    wind_from_components

    Examples
    --------
    >>> east, north = wind_components(10.0, 270.0)  # a west wind blows to the east
    >>> round(float(east), 6), abs(round(float(north), 6))
    (10.0, 0.0)
    """
    speed, angle = np.asarray(wind_speed), np.radians(np.asarray(wind_direction))
    return np.asarray(-speed * np.sin(angle)), np.asarray(-speed * np.cos(angle))


@physical
def wind_from_components(eastward: Number, northward: Number) -> tuple[Array, Array]:
    r"""Wind speed and direction of origin from the components of the wind.

    .. math:: v = \sqrt{u^2 + w^2}, \qquad \varphi = 180^\circ + \operatorname{atan2}(u, w)

    Parameters
    ----------
    eastward, northward : array
        Components :math:`u` and :math:`w`. [m s⁻¹]

    Returns
    -------
    wind_speed : array
        [m s⁻¹]
    wind_direction : array
        Clockwise from north, in [0, 360). [degree]

    See Also
    --------
    wind_components

    Examples
    --------
    >>> speed, direction = wind_from_components(0.0, -5.0)
    >>> float(speed), float(direction)
    (5.0, 0.0)
    """
    east, north = np.asarray(eastward), np.asarray(northward)
    direction = np.mod(180.0 + np.degrees(np.arctan2(east, north)), 360.0)
    return np.asarray(np.hypot(east, north)), np.asarray(direction)


@physical
def wind_speed_power_law(
    wind_speed: Number, *, height: float, hub_height: float, exponent: Number = _OPEN_LAND
) -> Array:
    r"""Wind speed at another height by the power law.

    .. math:: v(z_h) = v(z) \left(\frac{z_h}{z}\right)^{\alpha}

    Parameters
    ----------
    wind_speed : array
        Wind speed at `height`. [m s⁻¹]
    height, hub_height : float
        Given height :math:`z` and wanted height :math:`z_h` above ground. [m]
    exponent : array or float
        Shear exponent :math:`\alpha`: 1/7 over open land in neutral air; 0.2 in IEC 61400-1's normal wind profile.

    Returns
    -------
    array
        Wind speed at `hub_height`. [m s⁻¹]

    Raises
    ------
    RangeError
        If a height is not above 0.

    See Also
    --------
    shear_exponent, wind_speed_log_law, wind_speed_between_heights

    References
    ----------
    IEC 61400-1 (2019), 6.3.2.2; the exponent 1/7: Peterson and Hennessey (1978),
    https://doi.org/10.1175/1520-0450(1978)017<0390:OTUOPL>2.0.CO;2.

    Examples
    --------
    >>> round(float(wind_speed_power_law(8.0, height=10, hub_height=80)), 2)  # 8 × 8^(1/7)
    10.77
    """
    _check_heights("height and hub_height", height, hub_height)
    return np.asarray(np.asarray(wind_speed) * (hub_height / height) ** np.asarray(exponent))


@physical
def wind_speed_log_law(
    wind_speed: Number, *, height: float, hub_height: float, roughness_length: Number
) -> Array:
    r"""Wind speed at another height by the logarithmic law of neutral air.

    .. math:: v(z_h) = v(z) \, \frac{\ln(z_h / z_0)}{\ln(z / z_0)}

    Parameters
    ----------
    wind_speed : array
        Wind speed at `height`. [m s⁻¹]
    height, hub_height : float
        Given height :math:`z` and wanted height :math:`z_h` above ground. [m]
    roughness_length : array or float
        :math:`z_0`, e.g. 0.0002 over sea, 0.03 over grass, 0.1 over farmland, 1 over forest; below both heights. [m]

    Returns
    -------
    array
        Wind speed at `hub_height`. [m s⁻¹]

    Raises
    ------
    RangeError
        If a height is not above 0, or the roughness length not above 0 and below both heights.

    See Also
    --------
    wind_speed_power_law, wind_speed_between_heights

    References
    ----------
    Stull (1988), chapter 9, https://doi.org/10.1007/978-94-009-3027-8.

    Examples
    --------
    >>> round(float(wind_speed_log_law(6.0, height=10, hub_height=100, roughness_length=0.1)), 2)  # 6 × 3/2
    9.0
    """
    _check_heights("height and hub_height", height, hub_height)
    rough = np.asarray(roughness_length)
    wrong = rough[(rough <= 0) | (rough >= min(height, hub_height))]
    if wrong.size:
        raise RangeError(
            f"The heights are {height:g} and {hub_height:g} m, with the roughness length {wrong[0]:g} m.",
            "The roughness length must be above 0 and below both heights: the logarithmic law begins at it.",
            "Correct it, or use wind_speed_power_law.",
        )
    return np.asarray(np.asarray(wind_speed) * np.log(hub_height / rough) / np.log(height / rough))


@physical
def shear_exponent(
    lower_speed: Number,
    upper_speed: Number,
    *,
    lower_height: float,
    upper_height: float,
    min_speed: float = 1.0,
    bounds: tuple[float, float] = (-0.2, 0.6),
    calm_exponent: float = _OPEN_LAND,
) -> Array:
    r"""Exponent of the power law through the wind speeds at two heights.

    .. math:: \alpha = \frac{\ln(v_2 / v_1)}{\ln(z_2 / z_1)}

    Parameters
    ----------
    lower_speed, upper_speed : array
        Wind speeds. [m s⁻¹]
    lower_height, upper_height : float
        Heights above ground. [m]
    min_speed : float
        Lowest speed at which the ratio is meaningful; below it the exponent is `calm_exponent`. [m s⁻¹]
    bounds : tuple of float
        Limits of the exponent, which keep extrapolations plausible.
    calm_exponent : float
        Exponent in calm air.

    Returns
    -------
    array
        Exponent; NaN where a speed is missing.

    Raises
    ------
    RangeError
        If the heights are not above 0 and rising, or the bounds not rising.

    See Also
    --------
    wind_speed_power_law, wind_veer

    References
    ----------
    The power law of IEC 61400-1 (2019), 6.3.2.2, solved for its exponent.

    Examples
    --------
    >>> round(float(shear_exponent(5.0, 7.0, lower_height=10, upper_height=100)), 3)  # log10(1.4)
    0.146
    >>> round(float(shear_exponent(0.1, 2.0, lower_height=10, upper_height=100)), 3)  # calm: 1/7
    0.143
    """
    _check_heights("lower_height and upper_height", lower_height, upper_height, rising=True)
    if not bounds[0] <= bounds[1]:
        raise RangeError(
            f"The bounds of the exponent are {bounds[0]:g} and {bounds[1]:g}.",
            "The first must not exceed the second.",
            "Give the lower bound first, e.g. bounds=(-0.2, 0.6).",
        )
    lower, upper = np.asarray(lower_speed), np.asarray(upper_speed)
    calm = (lower < min_speed) | (upper < min_speed)
    ratio = np.where(calm, 1.0, upper) / np.where(calm, 1.0, lower)
    fitted = np.clip(np.log(ratio) / np.log(upper_height / lower_height), *bounds)
    missing = np.isnan(lower) | np.isnan(upper)
    return np.asarray(np.where(missing, np.nan, np.where(calm, calm_exponent, fitted)))


@physical
def wind_speed_between_heights(
    lower_speed: Number, upper_speed: Number, *, lower_height: float, upper_height: float, hub_height: float
) -> Array:
    r"""Wind speed at hub height, interpolated or extrapolated from two other heights.

    .. math:: v(z_h) = v_1 + (v_2 - v_1) \, \frac{\ln(z_h / z_1)}{\ln(z_2 / z_1)}, \qquad z_1 \le z_h \le z_2

    Outside the two heights it follows the power law from the nearer one, with the bounded exponent of
    :func:`shear_exponent`.

    Parameters
    ----------
    lower_speed, upper_speed : array
        Wind speeds. [m s⁻¹]
    lower_height, upper_height, hub_height : float
        Heights above ground. [m]

    Returns
    -------
    array
        Wind speed at `hub_height`. [m s⁻¹]

    Raises
    ------
    RangeError
        If a height is not above 0, or `upper_height` not above `lower_height`.

    See Also
    --------
    shear_exponent, wind_speed_power_law, wind_speed_log_law

    References
    ----------
    Between: the logarithmic law, Stull (1988), chapter 9, https://doi.org/10.1007/978-94-009-3027-8.
    Outside: the power law, IEC 61400-1 (2019), 6.3.2.2.

    Examples
    --------
    >>> float(wind_speed_between_heights(6.0, 8.0, lower_height=25, upper_height=100, hub_height=50))
    7.0
    """
    _check_heights("lower_height and upper_height", lower_height, upper_height, rising=True)
    _check_heights("hub_height", hub_height)
    lower, upper = np.asarray(lower_speed), np.asarray(upper_speed)
    if lower_height <= hub_height <= upper_height:
        share = np.log(hub_height / lower_height) / np.log(upper_height / lower_height)
        return np.asarray(lower + share * (upper - lower))
    exponent = shear_exponent(lower, upper, lower_height=lower_height, upper_height=upper_height)
    near, height = (upper, upper_height) if hub_height > upper_height else (lower, lower_height)
    return wind_speed_power_law(near, height=height, hub_height=hub_height, exponent=exponent)


def _check_heights(names: str, *heights: float, rising: bool = False) -> None:
    """Refuse heights that are not above the ground, or in the wrong order."""
    given = " and ".join(f"{height:g}" for height in heights)
    if not all(0 < height < np.inf for height in heights):
        raise RangeError(
            f"The value of {names} is {given} m.", "Heights must be above 0 and finite. [m]", "Correct them."
        )
    if rising and not heights[0] < heights[1]:
        raise RangeError(
            f"The arguments {names} are {given} m.",
            "The first must be below the second.",
            "Exchange the two heights, and the wind speeds with them.",
        )


@physical
def wind_veer(lower_direction: Number, upper_direction: Number) -> Array:
    r"""Wind veer: change of the wind direction from a lower to an upper height.

    .. math:: \Delta\varphi = \bigl((\varphi_2 - \varphi_1 + 180^\circ) \bmod 360^\circ\bigr) - 180^\circ

    Parameters
    ----------
    lower_direction, upper_direction : array
        Directions of origin, :math:`\varphi_1` and :math:`\varphi_2`. [degree]

    Returns
    -------
    array
        In [-180, 180): positive clockwise, which is usual over land in the northern hemisphere. [degree]

    See Also
    --------
    shear_exponent, wind_components

    References
    ----------
    The Ekman spiral: Stull (1988), https://doi.org/10.1007/978-94-009-3027-8.

    Examples
    --------
    >>> float(wind_veer(350.0, 10.0)), float(wind_veer(90.0, 80.0))
    (20.0, -10.0)
    """
    change = np.asarray(upper_direction) - np.asarray(lower_direction)
    return np.asarray(np.mod(change + 180.0, 360.0) - 180.0)
