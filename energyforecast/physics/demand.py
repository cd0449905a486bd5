"""Effects of weather and daylight on demand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from energyforecast.physics.arguments import physical

__all__ = [
    "apparent_temperature",
    "cooling_degrees",
    "day_length",
    "daylight_share",
    "heating_degrees",
    "hour_after_sunset",
    "thermal_inertia",
]

Array = npt.NDArray[Any]
Number = Array | float

#: Height of the sun's centre at sunrise: refraction and the radius of its disc. [degree]
_HORIZON: Final = -0.8333


@physical
def heating_degrees(temp_air: Number, base: float = 15.0, *, softness: float = 0.0) -> Array:
    r"""Heating degrees: temperature deficit below the base temperature of heating. [K]

    .. math:: h = \max(T_b - T, 0), \qquad h_s = s \ln\bigl(1 + e^{(T_b - T) / s}\bigr)

    Parameters
    ----------
    temp_air : array
        Air temperature :math:`T`, best after :func:`thermal_inertia`. [°C]
    base : float
        Base temperature :math:`T_b`, below which buildings are heated. [°C]
    softness : float
        Width :math:`s` of a smooth transition, as not every building begins on the same day; 0 is a hinge. [K]

    Returns
    -------
    array
        [K]

    See Also
    --------
    cooling_degrees, thermal_inertia

    References
    ----------
    Degree days as a measure of demand: Quayle and Diaz (1980),
    https://doi.org/10.1175/1520-0450(1980)019<0241:HDDDAT>2.0.CO;2.

    Examples
    --------
    >>> heating_degrees(np.array([-5.0, 15.0, 30.0])).tolist()
    [20.0, 0.0, 0.0]
    >>> heating_degrees(np.array([-5.0, 15.0, 30.0]), softness=2.0).round(2).tolist()
    [20.0, 1.39, 0.0]
    """
    return _hinge(base - np.asarray(temp_air), softness)


@physical
def cooling_degrees(temp_air: Number, base: float = 20.0, *, softness: float = 0.0) -> Array:
    r"""Cooling degrees: temperature excess above the base temperature of cooling. [K]

    .. math:: c = \max(T - T_b, 0), \qquad c_s = s \ln\bigl(1 + e^{(T - T_b) / s}\bigr)

    Parameters
    ----------
    temp_air, softness
        As in :func:`heating_degrees`.
    base : float
        Base temperature :math:`T_b`, above which buildings are cooled. [°C]

    Returns
    -------
    array
        [K]

    See Also
    --------
    heating_degrees, thermal_inertia

    References
    ----------
    Quayle and Diaz (1980), https://doi.org/10.1175/1520-0450(1980)019<0241:HDDDAT>2.0.CO;2.

    Examples
    --------
    >>> cooling_degrees(np.array([10.0, 20.0, 35.0])).tolist()
    [0.0, 0.0, 15.0]
    """
    return _hinge(np.asarray(temp_air) - base, softness)


def _hinge(degrees: Array, softness: float) -> Array:
    if softness == 0.0:
        return np.asarray(np.maximum(degrees, 0.0))
    return np.asarray(softness * np.logaddexp(0.0, degrees / softness))


@physical
def thermal_inertia(temp_air: Array, time_constant: float, *, step: float = 1.0) -> Array:
    r"""Smoothed temperature of a building with thermal inertia: exponentially weighted mean of the past. [°C]

    .. math:: \bar T_k = \frac{\sum_{j \ge 0} e^{-j \Delta t / \tau} \, T_{k-j}}{\sum_{j \ge 0} e^{-j \Delta t / \tau}}

    where both sums are over known temperatures.

    Parameters
    ----------
    temp_air : array, shape (..., times)
        Air temperature :math:`T` at even steps, the oldest first; NaN where it is missing. [°C]
    time_constant : float
        Age :math:`\tau` at which a temperature weighs 1/e of the present one. [h]
    step : float
        Time :math:`\Delta t` between two values. [h]

    Returns
    -------
    array, shape (..., times)
        Each value depends on itself and earlier ones, never on later ones; NaN before the first known value. [°C]

    See Also
    --------
    heating_degrees, cooling_degrees

    References
    ----------
    Exponentially smoothed temperatures in models of demand: Taylor (2003), as used by National Grid,
    https://doi.org/10.1057/palgrave.jors.2601589; Fasiolo et al. (2021),
    https://doi.org/10.1080/01621459.2020.1725521.

    Examples
    --------
    >>> thermal_inertia(np.array([0.0, 10.0, 10.0]), 1 / np.log(2)).round(2).tolist()  # weights 1, ½, ¼
    [0.0, 6.67, 8.57]
    >>> thermal_inertia(np.array([np.nan, 10.0, 10.0]), 24.0).tolist()
    [nan, 10.0, 10.0]
    """
    values = np.asarray(temp_air)
    keep = np.exp(-step / time_constant)
    known = np.isfinite(values)
    # Both sums are the same recursion, x[k] + keep * sum[k - 1].
    total = lfilter([1.0], [1.0, -keep], np.where(known, values, 0.0), axis=-1)
    weight = lfilter([1.0], [1.0, -keep], known.astype(np.float64), axis=-1)
    return np.asarray(np.divide(total, weight, out=np.full(values.shape, np.nan), where=weight > 0))


@physical
def apparent_temperature(temp_air: Number, relative_humidity: Number, wind_speed: Number) -> Array:
    r"""Apparent temperature in the shade, from humidity and wind. [°C]

    .. math::
        T_a = T + 0.33 \, e - 0.70 \, v - 4.00, \qquad
        e = \frac{\mathrm{RH}}{100} \, 6.105 \exp\frac{17.27 \, T}{237.7 + T}

    with the vapour pressure :math:`e` in hPa.

    Parameters
    ----------
    temp_air : array
        Air temperature :math:`T`. [°C]
    relative_humidity : array
        Relative humidity. [%]
    wind_speed : array
        Wind speed :math:`v` 10 m above ground. [m s⁻¹]

    Returns
    -------
    array
        [°C]

    See Also
    --------
    thermal_inertia

    References
    ----------
    Steadman (1984), https://doi.org/10.1175/1520-0450(1984)023<1674:AUSOAT>2.0.CO;2, in the form that
    Australia's Bureau of Meteorology took from Steadman (1994), Australian Meteorological Magazine 43, 1-16.

    Examples
    --------
    >>> round(float(apparent_temperature(35.0, 50.0, 2.0)), 1)
    38.8
    >>> round(float(apparent_temperature(-10.0, 80.0, 8.0)), 1)
    -18.8
    """
    celsius = np.asarray(temp_air)
    vapour = np.asarray(relative_humidity) / 100.0 * 6.105 * np.exp(17.27 * celsius / (237.7 + celsius))
    return np.asarray(celsius + 0.33 * vapour - 0.70 * np.asarray(wind_speed) - 4.0)


@physical
def day_length(latitude: Number, day_of_year: Number) -> Array:
    r"""Length of the day: hours between sunrise and sunset. [h]

    .. math::
        D = 24 - \frac{24}{\pi} \arccos
            \frac{\sin 0.8333^\circ + \sin\varphi \sin\delta}{\cos\varphi \cos\delta}

    with the latitude :math:`\varphi` and the declination :math:`\delta` of the sun on that day.

    Parameters
    ----------
    latitude : array or float
        North positive. [degree]
    day_of_year : array or float
        1 on 1 January.

    Returns
    -------
    array
        0 in polar night, 24 where the sun does not set. [h]

    See Also
    --------
    daylight_share, hour_after_sunset, solar_position

    References
    ----------
    The model "CBM" of Forsythe et al. (1995), https://doi.org/10.1016/0304-3800(94)00034-F.

    Examples
    --------
    >>> day_length(43.2, np.array([80, 172, 355])).round(1).tolist()  # Almaty: equinox and solstices
    [12.1, 15.4, 9.0]
    """
    revolution = 0.2163108 + 2 * np.arctan(0.9671396 * np.tan(0.00860 * (np.asarray(day_of_year) - 186)))
    declination = np.arcsin(0.39795 * np.cos(revolution))
    north = np.radians(np.asarray(latitude))
    cosine = (np.sin(np.radians(-_HORIZON)) + np.sin(north) * np.sin(declination)) / (
        np.cos(north) * np.cos(declination)
    )
    return np.asarray(24.0 - 24.0 / np.pi * np.arccos(np.clip(cosine, -1.0, 1.0)))


@physical
def daylight_share(solar_hour: Number, length: Number, *, interval: float = 1.0) -> Array:
    r"""Share of an interval during which the sun is above the horizon.

    .. math:: d = \frac{1}{\Delta} \, \bigl| [t, t + \Delta] \cap [12 - \tfrac{D}{2}, 12 + \tfrac{D}{2}] \bigr|

    Parameters
    ----------
    solar_hour : array
        Solar time :math:`t` at the beginning of the interval, see :func:`solar_hour`. [h]
    length : array
        Length :math:`D` of the day, see :func:`day_length`. [h]
    interval : float
        Length :math:`\Delta` of the interval. [h]

    Returns
    -------
    array
        From 0 to 1.

    See Also
    --------
    day_length, solar_hour

    Examples
    --------
    >>> daylight_share(np.array([5.0, 5.5, 12.0, 17.75]), np.array(12.0)).tolist()
    [0.0, 0.5, 1.0, 0.25]
    """
    begin = np.asarray(solar_hour)
    shares = [_overlap(begin, interval, 12.0 + noon, np.asarray(length)) for noon in (0.0, 24.0)]
    return np.asarray((shares[0] + shares[1]) / interval)


def _overlap(begin: Array, interval: float, noon: float, length: Array) -> Array:
    """Hours that an interval shares with the day around a noon."""
    last = np.minimum(begin + interval, noon + length / 2)
    return np.asarray(np.maximum(0.0, last - np.maximum(begin, noon - length / 2)))


@physical
def hour_after_sunset(solar_hour: Number, length: Number) -> Array:
    r"""Time since the nearest sunset. [h]

    .. math:: s = \bigl((t - 12 - \tfrac{D}{2} + 12) \bmod 24\bigr) - 12

    Parameters
    ----------
    solar_hour : array
        Solar time :math:`t`, see :func:`solar_hour`. [h]
    length : array
        Length :math:`D` of the day, see :func:`day_length`. [h]

    Returns
    -------
    array
        From -12, before sunset, up to 12. [h]

    See Also
    --------
    day_length, solar_hour

    Examples
    --------
    >>> hour_after_sunset(np.array([17.0, 20.0, 4.0]), np.array(12.0)).tolist()
    [-1.0, 2.0, 10.0]
    """
    since = np.asarray(solar_hour) - 12.0 - np.asarray(length) / 2
    return np.asarray(np.mod(since + 12.0, 24.0) - 12.0)
