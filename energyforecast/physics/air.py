"""Air: its density, the correction of wind speeds for it, and icing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["air_density", "density_corrected_wind_speed", "icing_conditions"]

Array = npt.NDArray[Any]
Number = Array | float

#: Specific gas constants of dry air and of water vapour. [J kg⁻¹ K⁻¹]
_DRY: Final = 287.05
_VAPOUR: Final = 461.5
#: Density to which power curves refer. [kg m⁻³]
_REFERENCE: Final = 1.225


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
    density_corrected_wind_speed

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
