"""Air: its density at the surface and at hub height, the correction of wind speeds for it, and icing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError
from energyforecast.physics.arguments import physical

__all__ = [
    "air_density",
    "air_density_at_height",
    "density_corrected_wind_speed",
    "icing_conditions",
    "pressure_at_height",
    "temp_air_at_height",
]

Array = npt.NDArray[Any]
Number = Array | float

#: Specific gas constants of dry air and of water vapour. [J kg⁻¹ K⁻¹]
_DRY: Final = 287.05
_VAPOUR: Final = 461.5
#: Density to which power curves refer. [kg m⁻³]
_REFERENCE: Final = 1.225
#: Acceleration of gravity. [m s⁻²]
_GRAVITY: Final = 9.80665
_KELVIN: Final = 273.15
#: Decrease of the temperature with height in the standard atmosphere. [K m⁻¹]
_LAPSE_RATE: Final = 0.0065
#: Decrease with which the density is the same at all heights; no air over land decreases as much over a rotor.
_STEEPEST: Final = _GRAVITY / _DRY


@physical
def air_density(temp_air: Number, pressure: Number, relative_humidity: Number = 0.0) -> Array:
    r"""Density of moist air.

    .. math::
        \varrho = \frac{p - e}{R_d T} + \frac{e}{R_v T}, \qquad
        e = \frac{\mathrm{RH}}{100} \, 611.2 \exp\frac{17.67 \, \vartheta}{\vartheta + 243.5}

    with the pressure :math:`p`, the vapour pressure :math:`e`, the temperature :math:`T` in K and :math:`\vartheta` in
    °C, :math:`R_d = 287.05` and :math:`R_v = 461.5` J kg⁻¹ K⁻¹.

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

    See Also
    --------
    air_density_at_height, density_corrected_wind_speed

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


@physical
def temp_air_at_height(
    temp_air: Number, *, hub_height: float, height: float = 2.0, lapse_rate: Number = _LAPSE_RATE
) -> Array:
    r"""Air temperature at another height by a constant lapse rate.

    .. math:: T(z_h) = T(z) - \Gamma \, (z_h - z)

    Parameters
    ----------
    temp_air : array
        Air temperature at `height`. [°C]
    hub_height, height : float
        Wanted height :math:`z_h` and given height :math:`z` above ground. [m]
    lapse_rate : array or float
        Decrease :math:`\Gamma` of the temperature with height; negative in an inversion. [K m⁻¹]

    Returns
    -------
    array
        Temperature at `hub_height`. [°C]

    Raises
    ------
    RangeError
        If a height is negative, a temperature below absolute zero, or the lapse rate beyond ±0.034 K m⁻¹.

    See Also
    --------
    pressure_at_height, air_density_at_height

    References
    ----------
    ISO 2533:1975, standard atmosphere: 6.5 K per km.

    Examples
    --------
    >>> float(temp_air_at_height(15.0, hub_height=102.0))
    14.35
    """
    _check_heights(hub_height, height)
    return np.asarray(np.asarray(temp_air) - np.asarray(lapse_rate) * (hub_height - height))


@physical
def pressure_at_height(
    pressure: Number,
    temp_air: Number,
    *,
    hub_height: float,
    height: float = 0.0,
    lapse_rate: Number = _LAPSE_RATE,
) -> Array:
    r"""Air pressure at another height by the barometric formula (hydrostatic, with a constant lapse rate).

    .. math:: p(z_h) = p(z) \left( 1 - \frac{\Gamma (z_h - z)}{T(z)} \right)^{g / (R_d \Gamma)}, \qquad
        p(z_h) = p(z) \, e^{-g (z_h - z) / (R_d T)} \quad \text{for } \Gamma = 0

    with the temperature :math:`T(z)` in K, :math:`g = 9.80665` m s⁻² and :math:`R_d = 287.05` J kg⁻¹ K⁻¹.

    Parameters
    ----------
    pressure, temp_air : array
        Air pressure and temperature at `height`. [Pa; °C]
    hub_height, height : float
        Wanted height :math:`z_h` and given height :math:`z` above ground; surface pressure is that at 0. [m]
    lapse_rate : array or float
        Decrease :math:`\Gamma` of the temperature with height. [K m⁻¹]

    Returns
    -------
    array
        Pressure at `hub_height`. [Pa]

    Raises
    ------
    RangeError
        If a height or pressure is negative, a temperature below absolute zero, or the lapse rate beyond
        ±0.034 K m⁻¹.

    See Also
    --------
    temp_air_at_height, air_density_at_height

    References
    ----------
    ISO 2533:1975, standard atmosphere. Near the ground it is 1 hPa per 8 m, which windpowerlib takes.

    Examples
    --------
    >>> round(float(pressure_at_height(101325.0, 15.0, hub_height=100.0)))
    100129
    """
    _check_heights(hub_height, height)
    kelvin, lapse = np.asarray(temp_air) + _KELVIN, np.asarray(lapse_rate)
    # ln(1 + x) / x is 1 at x = 0: both forms of the formula in one.
    fall = -lapse * (hub_height - height) / kelvin
    curvature = np.where(fall == 0.0, 1.0, np.log1p(fall) / np.where(fall == 0.0, 1.0, fall))
    return np.asarray(np.asarray(pressure) * np.exp(-_STEEPEST * (hub_height - height) / kelvin * curvature))


@physical
def air_density_at_height(
    temp_air: Number,
    pressure: Number,
    *,
    hub_height: float,
    relative_humidity: Number = 0.0,
    temp_height: float = 2.0,
    pressure_height: float = 0.0,
    lapse_rate: Number = _LAPSE_RATE,
) -> Array:
    r"""Density of the air at hub height, from temperature and pressure near the ground.

    .. math:: \varrho(z_h) = \varrho \, \frac{p(z_h)}{p} \, \frac{T}{T(z_h)}

    with the density :math:`\varrho` of :func:`air_density`, the pressure of :func:`pressure_at_height` and the
    temperature of :func:`temp_air_at_height`. The share of vapour in the air is that near the ground.

    Parameters
    ----------
    temp_air : array
        Air temperature at `temp_height`. [°C]
    pressure : array
        Air pressure at `pressure_height`, not reduced to sea level. [Pa]
    hub_height : float
        Wanted height above ground. [m]
    relative_humidity : array, optional
        At `temp_height`; dry air by default. [%]
    temp_height, pressure_height : float
        Heights of the temperature and of the pressure above ground. [m]
    lapse_rate : array or float
        Decrease of the temperature with height. [K m⁻¹]

    Returns
    -------
    array
        Density. [kg m⁻³]

    Raises
    ------
    RangeError
        If a height or pressure is negative, a temperature below absolute zero, or the lapse rate beyond
        ±0.034 K m⁻¹.

    See Also
    --------
    air_density, density_corrected_wind_speed, energyforecast.features.PowerCurvePower

    References
    ----------
    ISO 2533:1975, standard atmosphere; densities at hub height: IEC 61400-12-1 (2017).

    Examples
    --------
    >>> round(float(air_density_at_height(15.0, 101325.0, hub_height=100.0)), 3)  # 1.225 at the ground
    1.213
    """
    at_ground = temp_air_at_height(
        temp_air, hub_height=pressure_height, height=temp_height, lapse_rate=lapse_rate
    )
    at_hub = temp_air_at_height(temp_air, hub_height=hub_height, height=temp_height, lapse_rate=lapse_rate)
    hub_pressure = pressure_at_height(
        pressure, at_ground, hub_height=hub_height, height=pressure_height, lapse_rate=lapse_rate
    )
    warmth = (np.asarray(temp_air) + _KELVIN) / (at_hub + _KELVIN)
    return np.asarray(
        air_density(temp_air, pressure, relative_humidity) * hub_pressure / np.asarray(pressure) * warmth
    )


def _check_heights(hub_height: float, height: float) -> None:
    """Refuse heights below the ground."""
    if not (0 <= hub_height < np.inf and 0 <= height < np.inf):
        raise RangeError(
            f"The heights are {hub_height:g} and {height:g} m.",
            "They must be 0 or above, and finite: heights above ground, not above sea level. [m]",
            "Correct them.",
        )


@physical
def density_corrected_wind_speed(wind_speed: Number, density: Number) -> Array:
    r"""Wind speed with the same power in air of 1.225 kg m⁻³ (density correction).

    .. math:: v_n = v \left(\frac{\varrho}{\varrho_0}\right)^{1/3}, \qquad \varrho_0 = 1.225 \; \mathrm{kg \, m^{-3}}

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

    See Also
    --------
    air_density, curve_power

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


@physical
def icing_conditions(
    temp_air: Number, relative_humidity: Number, *, max_temp_air: float = 0.0, min_humidity: float = 95.0
) -> Array:
    r"""Conditions for ice on blades: freezing air that is almost saturated.

    .. math:: i = \mathbf{1}\{T \le T_\mathrm{max} \text{ and } \mathrm{RH} \ge \mathrm{RH}_\mathrm{min}\}

    Parameters
    ----------
    temp_air : array
        Air temperature, best at hub height. [°C]
    relative_humidity : array
        Relative humidity over liquid water. [%]
    max_temp_air : float
        Highest temperature at which ice grows. [°C]
    min_humidity : float
        Lowest humidity at which a cloud may touch the rotor. [%]

    Returns
    -------
    array
        1 where ice can grow, 0 where not, NaN where an input is missing.

    See Also
    --------
    air_density

    Notes
    -----
    The two thresholds are a convention of site assessments, not a model of accretion, which needs the
    liquid water content of the cloud (ISO 12494). They overestimate the hours with ice.

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
    possible = (temperature <= max_temp_air) & (humidity >= min_humidity)
    return np.where(np.isnan(temperature) | np.isnan(humidity), np.nan, possible.astype(float))
