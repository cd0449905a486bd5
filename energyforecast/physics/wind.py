"""Wind and air."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "air_density",
    "density_corrected_wind_speed",
    "icing_conditions",
    "shear_exponent",
    "wind_components",
    "wind_from_components",
    "wind_speed_between_heights",
    "wind_speed_log_law",
    "wind_speed_power_law",
    "wind_veer",
]

Array = npt.NDArray[Any]

#: Specific gas constants of dry air and of water vapour. [J kg⁻¹ K⁻¹]
_DRY: Final = 287.05
_VAPOUR: Final = 461.5
#: Density for which power curves are stated. [kg m⁻³]
_REFERENCE: Final = 1.225
#: Exponent over open land in neutral air.
_OPEN_LAND: Final = 1 / 7


def air_density(temp_air: Array, pressure: Array, relative_humidity: Array | float = 0.0) -> Array:
    """Density of moist air.

    Parameters
    ----------
    temp_air : array
        Air temperature. [°C]
    pressure : array
        Air pressure. [Pa]
    relative_humidity : array, optional
        Relative humidity; dry air by default. [%]

    Returns
    -------
    array
        Density. [kg m⁻³]

    References
    ----------
    The gas law for a mixture of dry air and vapour as in IEC 61400-12-1; saturation pressure after
    Bolton (1980), https://doi.org/10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2, equation 10.

    Examples
    --------
    >>> round(float(air_density(15.0, 101325.0)), 3)
    1.225
    """
    celsius = np.asarray(temp_air)
    kelvin = celsius + 273.15
    vapour = np.asarray(relative_humidity) / 100.0 * 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))
    return np.asarray((np.asarray(pressure) - vapour) / (_DRY * kelvin) + vapour / (_VAPOUR * kelvin))


def density_corrected_wind_speed(wind_speed: Array, density: Array) -> Array:
    """Wind speed that carries the same power in air of 1.225 kg m⁻³.

    Parameters
    ----------
    wind_speed : array
        Wind speed. [m s⁻¹]
    density : array
        Air density. [kg m⁻³]

    Returns
    -------
    array
        Corrected wind speed. [m s⁻¹]

    References
    ----------
    IEC 61400-12-1 (2017), correction for pitch-controlled turbines; discussed by Svenningsen (2010);
    curves interpolated between densities: Floors and Nielsen (2019), https://doi.org/10.3390/en12112038.

    Examples
    --------
    >>> round(float(density_corrected_wind_speed(8.0, 1.0)), 2)
    7.48
    """
    return np.asarray(np.asarray(wind_speed) * np.cbrt(np.asarray(density) / _REFERENCE))


def wind_components(wind_speed: Array, wind_direction: Array) -> tuple[Array, Array]:
    """Eastward and northward components of a wind.

    Parameters
    ----------
    wind_speed : array
        Wind speed. [m s⁻¹]
    wind_direction : array
        Where the wind comes from, clockwise from north. [degree]

    Returns
    -------
    eastward, northward : array
        Components. [m s⁻¹]

    Examples
    --------
    >>> east, north = wind_components(10.0, 270.0)  # a west wind blows to the east
    >>> round(float(east), 6), abs(round(float(north), 6))
    (10.0, 0.0)
    """
    angle = np.radians(np.asarray(wind_direction))
    return np.asarray(-np.asarray(wind_speed) * np.sin(angle)), np.asarray(
        -np.asarray(wind_speed) * np.cos(angle)
    )


def wind_from_components(eastward: Array, northward: Array) -> tuple[Array, Array]:
    """Wind speed and the direction it comes from.

    Parameters
    ----------
    eastward, northward : array
        Components. [m s⁻¹]

    Returns
    -------
    wind_speed : array
        [m s⁻¹]
    wind_direction : array
        Clockwise from north, in [0, 360). [degree]

    Examples
    --------
    >>> speed, direction = wind_from_components(0.0, -5.0)
    >>> float(speed), float(direction)
    (5.0, 0.0)
    """
    east, north = np.asarray(eastward), np.asarray(northward)
    direction = np.mod(180.0 + np.degrees(np.arctan2(east, north)), 360.0)
    return np.asarray(np.hypot(east, north)), np.asarray(direction)


def wind_speed_power_law(
    wind_speed: Array, *, height: float, hub_height: float, exponent: Array | float = _OPEN_LAND
) -> Array:
    """Wind speed at another height by the power law.

    Parameters
    ----------
    wind_speed : array
        Wind speed at `height`. [m s⁻¹]
    height, hub_height : float
        From where and to where, above ground. [m]
    exponent : array or float
        Shear exponent: 1/7 over open land in neutral air; 0.2 in IEC 61400-1's normal wind profile.

    Returns
    -------
    array
        Wind speed at `hub_height`. [m s⁻¹]

    References
    ----------
    IEC 61400-1 (2019), 6.3.2.2; the exponent 1/7: Peterson and Hennessey (1978),
    https://doi.org/10.1175/1520-0450(1978)017<0390:OTUOPL>2.0.CO;2.

    Examples
    --------
    >>> round(float(wind_speed_power_law(8.0, height=10, hub_height=80)), 2)  # 8 × 8^(1/7)
    10.77
    """
    return np.asarray(np.asarray(wind_speed) * (hub_height / height) ** np.asarray(exponent))


def wind_speed_log_law(
    wind_speed: Array, *, height: float, hub_height: float, roughness_length: Array | float
) -> Array:
    """Wind speed at another height by the logarithmic law of neutral air.

    Parameters
    ----------
    wind_speed : array
        Wind speed at `height`. [m s⁻¹]
    height, hub_height : float
        From where and to where, above ground. [m]
    roughness_length : array or float
        E.g. 0.0002 over sea, 0.03 over grass, 0.1 over farmland, 1 over forest; below both heights. [m]

    Returns
    -------
    array
        Wind speed at `hub_height`. [m s⁻¹]

    References
    ----------
    Stull (1988), chapter 9, https://doi.org/10.1007/978-94-009-3027-8.

    Examples
    --------
    >>> round(float(wind_speed_log_law(6.0, height=10, hub_height=100, roughness_length=0.1)), 2)  # 6 × 3/2
    9.0
    """
    rough = np.asarray(roughness_length)
    return np.asarray(np.asarray(wind_speed) * np.log(hub_height / rough) / np.log(height / rough))


def shear_exponent(
    lower_speed: Array,
    upper_speed: Array,
    *,
    lower_height: float,
    upper_height: float,
    calm: float = 1.0,
    bounds: tuple[float, float] = (-0.2, 0.6),
    otherwise: float = _OPEN_LAND,
) -> Array:
    """Exponent of the power law through the wind speeds at two heights.

    Parameters
    ----------
    lower_speed, upper_speed : array
        Wind speeds. [m s⁻¹]
    lower_height, upper_height : float
        Heights above ground. [m]
    calm : float
        Where either speed is smaller, their ratio says nothing, and `otherwise` is given. [m s⁻¹]
    bounds : tuple of float
        Limits of the exponent, so that no extrapolation runs away.
    otherwise : float
        Exponent in calm air.

    Returns
    -------
    array
        Exponent; NaN where a speed is missing.

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
    lower, upper = np.asarray(lower_speed), np.asarray(upper_speed)
    still = (lower < calm) | (upper < calm)
    ratio = np.where(still, 1.0, upper) / np.where(still, 1.0, lower)
    fitted = np.clip(np.log(ratio) / np.log(upper_height / lower_height), *bounds)
    missing = np.isnan(lower) | np.isnan(upper)
    return np.asarray(np.where(missing, np.nan, np.where(still, otherwise, fitted)))


def wind_speed_between_heights(
    lower_speed: Array, upper_speed: Array, *, lower_height: float, upper_height: float, hub_height: float
) -> Array:
    """Wind speed at hub height from those at two other heights.

    Between the two it is read from a straight line over the logarithm of height, so it never leaves
    them. Outside it follows the power law from the nearer height, with the guarded exponent of
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

    References
    ----------
    Between: the logarithmic law, Stull (1988), chapter 9, https://doi.org/10.1007/978-94-009-3027-8.
    Outside: the power law, IEC 61400-1 (2019), 6.3.2.2.

    Examples
    --------
    >>> float(wind_speed_between_heights(6.0, 8.0, lower_height=25, upper_height=100, hub_height=50))
    7.0
    """
    lower, upper = np.asarray(lower_speed), np.asarray(upper_speed)
    if lower_height <= hub_height <= upper_height:
        share = np.log(hub_height / lower_height) / np.log(upper_height / lower_height)
        return np.asarray(lower + share * (upper - lower))
    exponent = shear_exponent(lower, upper, lower_height=lower_height, upper_height=upper_height)
    near, height = (upper, upper_height) if hub_height > upper_height else (lower, lower_height)
    return wind_speed_power_law(near, height=height, hub_height=hub_height, exponent=exponent)


def wind_veer(lower_direction: Array, upper_direction: Array) -> Array:
    """How far the wind turns from a lower to an upper height.

    Parameters
    ----------
    lower_direction, upper_direction : array
        Where the wind comes from. [degree]

    Returns
    -------
    array
        In [-180, 180): positive clockwise, which is usual over land in the northern hemisphere. [degree]

    References
    ----------
    The Ekman spiral: Stull (1988), https://doi.org/10.1007/978-94-009-3027-8.

    Examples
    --------
    >>> float(wind_veer(350.0, 10.0)), float(wind_veer(90.0, 80.0))
    (20.0, -10.0)
    """
    turn = np.asarray(upper_direction) - np.asarray(lower_direction)
    return np.asarray(np.mod(turn + 180.0, 360.0) - 180.0)


def icing_conditions(
    temp_air: Array, relative_humidity: Array, *, warmest: float = 0.0, driest: float = 95.0
) -> Array:
    """Where ice can grow on blades: freezing air that is almost saturated.

    Parameters
    ----------
    temp_air : array
        Air temperature, best at hub height. [°C]
    relative_humidity : array
        Relative humidity over liquid water. [%]
    warmest : float
        Highest temperature at which ice grows. [°C]
    driest : float
        Lowest humidity at which a cloud may touch the rotor. [%]

    Returns
    -------
    array
        1 where ice can grow, 0 where not, NaN where it is not known.

    Notes
    -----
    The two thresholds are a convention of site assessments, not a model of accretion: that needs the
    liquid water of the cloud (ISO 12494). Hours counted so are more than hours with ice.

    References
    ----------
    ISO 12494 (2017); COST 727, Atmospheric icing on structures (2007), MeteoSwiss publication 75;
    IEA Wind Recommended Practice 13, Wind energy projects in cold climates (2011).

    Examples
    --------
    >>> icing_conditions(np.array([-3.0, -3.0, 4.0]), np.array([98.0, 70.0, 98.0])).tolist()
    [1.0, 0.0, 0.0]
    """
    temperature, humidity = np.asarray(temp_air), np.asarray(relative_humidity)
    possible = (temperature <= warmest) & (humidity >= driest)
    return np.where(np.isnan(temperature) | np.isnan(humidity), np.nan, possible.astype(float))
