"""Wind and air."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["air_density", "density_corrected_wind_speed", "wind_components", "wind_from_components"]

Array = npt.NDArray[Any]

#: Specific gas constants of dry air and of water vapour. [J kg⁻¹ K⁻¹]
_DRY: Final = 287.05
_VAPOUR: Final = 461.5
#: Density for which power curves are stated. [kg m⁻³]
_REFERENCE: Final = 1.225


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
    IEC 61400-12-1 (2017), correction for pitch-controlled turbines; discussed by Svenningsen (2010)
    and https://doi.org/10.5194/wes-4-1-2019.

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
