"""Position of the sun, clear-sky irradiance and its components: functions on arrays, vectorised over sites and hours.

The position of the sun is computed once and passed on::

    position = solar_position(middle_of_the_hour, latitude, longitude)
    irradiance = decompose(ghi, position)

Arrays are broadcast against each other, e.g. coordinates of shape (sites, 1) and times of shape (hours,).
Missing input gives missing output; no weather is invented.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from energyforecast.physics.arguments import physical

__all__ = [
    "Irradiance",
    "SolarPosition",
    "clear_sky",
    "clear_sky_index",
    "is_dark",
    "solar_hour",
    "solar_position",
]

Array = npt.NDArray[Any]
Number = Array | float

_J2000: Final = np.datetime64("2000-01-01T12:00", "ns")
#: Terrestrial time minus universal time in the first decades of this century. [d]
_TERRESTRIAL: Final = 69.0 / 86400.0
#: Zenith angle from which a plant generates no power: twilight still gives some, and clocks and coordinates are
#: slightly wrong. [degree]
_DARK: Final = 93.0


class SolarPosition(NamedTuple):
    """Angles of the sun and extraterrestrial irradiance, as arrays of one shape.

    See Also
    --------
    solar_position

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)  # equinox
    >>> round(float(noon.zenith)), round(float(noon.azimuth))
    (45, 180)
    """

    zenith: Array  #: from the vertical, without refraction [degree]
    apparent_zenith: Array  #: from the vertical, refracted by standard air [degree]
    azimuth: Array  #: clockwise from north [degree]
    dni_extra: Array  #: extraterrestrial irradiance on a plane normal to the sun [W m⁻²]


class Irradiance(NamedTuple):
    r"""Global horizontal, direct normal and diffuse horizontal irradiance. [W m⁻²]

    .. math:: \mathrm{GHI} = \mathrm{DNI} \cos z + \mathrm{DHI}

    with the zenith angle :math:`z` of the sun.

    See Also
    --------
    decompose, clear_sky, plane_of_array

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> from energyforecast.physics import decompose
    >>> sky = decompose(600.0, noon)
    >>> direct_horizontal = sky.dni * np.cos(np.radians(noon.zenith))
    >>> round(float(sky.ghi)), round(float(direct_horizontal + sky.dhi))
    (600, 600)
    """

    ghi: Array
    dni: Array
    dhi: Array


@physical
def solar_position(time: Array | np.datetime64, latitude: Number, longitude: Number) -> SolarPosition:
    r"""Position of the sun at instants; for the mean of an hour, give the middle of the hour.

    .. math::
        \sin h &= \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos H \\
        \tan A &= \frac{-\cos\delta \sin H}{\sin\delta \cos\varphi - \cos\delta \sin\varphi \cos H}

    with the elevation :math:`h`, the azimuth :math:`A`, the latitude :math:`\varphi`, the declination
    :math:`\delta` and the hour angle :math:`H`, the sidereal time minus the right ascension of the sun.

    Parameters
    ----------
    time : datetime64 or array of datetime64
        Instants. [UTC]
    latitude, longitude : array
        North and east positive. [degree]

    Returns
    -------
    SolarPosition

    See Also
    --------
    solar_hour, is_dark, clear_sky

    Notes
    -----
    Within 0.01° of NREL's solar position algorithm from 2000 to 2050, at a thirtieth of its cost. pvlib's own
    fast method, ``ephemeris``, is as accurate, but takes one site at a time in a pandas index.

    References
    ----------
    Declination and right ascension: Meeus (1998), Astronomical Algorithms, chapters 12, 13 and 25 (low
    accuracy). Refraction as in Reda and Andreas (2004), https://doi.org/10.1016/j.solener.2003.12.003;
    extraterrestrial irradiance after Spencer (1971), with 1361 W m⁻² from Kopp and Lean (2011),
    https://doi.org/10.1029/2010GL045777.

    Examples
    --------
    >>> noon = np.datetime64("2024-03-20T12:07")  # equinox, on the equator at Greenwich
    >>> position = solar_position(noon, 0.0, 0.0)
    >>> round(float(position.zenith), 1), round(float(position.dni_extra))
    (0.2, 1371)
    """
    from pvlib import spa

    instant = np.asarray(time, dtype="datetime64[ns]")
    right_ascension, declination, sidereal = _sun(instant)
    latitude, hour = np.radians(latitude), sidereal + np.radians(longitude) - right_ascension
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    elevation = np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
    east = -np.cos(declination) * np.sin(hour)
    north = np.sin(declination) * np.cos(latitude) - np.cos(declination) * np.cos(hour) * np.sin(latitude)
    refraction = spa.atmospheric_refraction_correction(1013.25, 12.0, elevation, 0.5667)
    return SolarPosition(
        zenith=90.0 - elevation,
        apparent_zenith=90.0 - elevation - refraction,
        azimuth=np.degrees(np.arctan2(east, north)) % 360.0,
        dni_extra=np.broadcast_to(_extraterrestrial(instant), elevation.shape),
    )


@physical
def solar_hour(time: Array | np.datetime64, longitude: Number) -> Array:
    r"""True solar time of day: 12 at the highest elevation of the sun. [h]

    .. math:: t_\odot = \left(12 + \frac{H}{15^\circ}\right) \bmod 24

    with the hour angle :math:`H` of the sun.

    Parameters
    ----------
    time : datetime64 or array of datetime64
        Instants. [UTC]
    longitude : array
        East positive. [degree]

    Returns
    -------
    array
        From 0 up to 24. [h]

    See Also
    --------
    solar_position, daylight_share, hour_after_sunset

    References
    ----------
    Those of :func:`solar_position`.

    Examples
    --------
    >>> round(float(solar_hour(np.datetime64("2024-03-20T07:00"), 76.9)), 1)  # noon in Almaty
    12.0
    """
    right_ascension, _, sidereal = _sun(np.asarray(time, dtype="datetime64[ns]"))
    angle = sidereal + np.radians(longitude) - right_ascension
    return np.asarray(np.mod(12.0 + np.degrees(angle) / 15.0, 24.0))


def _sun(instant: Array) -> tuple[Array, Array, Array]:
    """Right ascension, declination and apparent sidereal time at Greenwich, independent of the place. [rad]"""
    day = (instant - _J2000) / np.timedelta64(1, "D")
    century = (day + _TERRESTRIAL) / 36525.0
    anomaly = np.radians(357.52911 + 35999.05029 * century)
    centre = (
        (1.914602 - 0.004817 * century) * np.sin(anomaly)
        + 0.019993 * np.sin(2 * anomaly)
        + 0.000289 * np.sin(3 * anomaly)
    )
    node = np.radians(125.04 - 1934.136 * century)
    nutation = -0.00478 * np.sin(node)
    obliquity = np.radians(23.439291 - 0.0130042 * century + 0.00256 * np.cos(node))
    # 0.00569 is the aberration of light.
    longitude = np.radians(280.46646 + 36000.76983 * century + centre - 0.00569 + nutation)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    sidereal = np.radians((280.46061837 + 360.98564736629 * day + nutation * np.cos(obliquity)) % 360.0)
    return right_ascension, declination, sidereal


def _extraterrestrial(instant: Array) -> Array:
    from pvlib import irradiance

    year = instant.astype("datetime64[Y]").astype("datetime64[ns]")
    day_of_year = 1.0 + (instant - year) / np.timedelta64(1, "D")
    return np.asarray(irradiance.get_extra_radiation(day_of_year, solar_constant=1361.0))


def is_dark(*positions: SolarPosition) -> npt.NDArray[np.bool_]:
    r"""Darkness: a sun more than 3° below the horizon at each of several instants, :math:`z > 93^\circ`.

    See Also
    --------
    solar_position

    Examples
    --------
    >>> hours = np.datetime64("2024-03-20T00:30") + np.arange(0, 24, 6).astype("timedelta64[h]")
    >>> is_dark(solar_position(hours, 0.0, 0.0)).tolist()
    [True, False, False, True]
    """
    return np.asarray(np.all([position.zenith > _DARK for position in positions], axis=0))


@physical
def clear_sky(
    position: SolarPosition, *, linke_turbidity: Number = 3.0, altitude: Number = 0.0
) -> Irradiance:
    r"""Clear-sky irradiance by the model of Ineichen and Perez.

    .. math::
        \mathrm{GHI} &= a_1 I_0 \cos z \,
            \exp\bigl(-a_2 m \, [f_1 + f_2 (T_L - 1)]\bigr) \\
        a_1 &= 5.09 \cdot 10^{-5} A + 0.868, \quad a_2 = 3.92 \cdot 10^{-5} A + 0.0387 \\
        f_1 &= e^{-A / 8000}, \quad f_2 = e^{-A / 1250}

    with the extraterrestrial irradiance :math:`I_0`, the zenith angle :math:`z`, the absolute air mass :math:`m`,
    Linke's turbidity :math:`T_L` and the altitude :math:`A` in metres.

    Parameters
    ----------
    position : SolarPosition
    linke_turbidity : array
        Linke's turbidity: 2 is very clean air, 3 usual, 5 hazy.
    altitude : array
        Above sea level. [m]

    Returns
    -------
    Irradiance
        Zero at night. [W m⁻²]

    See Also
    --------
    clear_sky_index, solar_position, decompose

    References
    ----------
    Ineichen and Perez (2002), https://doi.org/10.1016/S0038-092X(02)00045-2.

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> [round(float(value), -1) for value in clear_sky(noon)]
    [940.0, 900.0, 100.0]
    """
    from pvlib import atmosphere, clearsky

    relative = atmosphere.get_relative_airmass(position.apparent_zenith)
    absolute = atmosphere.get_absolute_airmass(relative, atmosphere.alt2pres(np.asarray(altitude)))
    with np.errstate(divide="ignore", invalid="ignore"):  # at night, where the result is 0
        found = clearsky.ineichen(
            position.apparent_zenith,
            absolute,
            np.asarray(linke_turbidity),
            altitude=np.asarray(altitude),
            dni_extra=position.dni_extra,
        )
    return Irradiance(*(np.asarray(found[name]) for name in Irradiance._fields))


@physical
def clear_sky_index(
    value: Number, clear: Number, *, min_clear: float = 20.0, max_index: float = 1.5
) -> Array:
    r"""Clear-sky index: irradiance, or power, relative to its clear-sky value.

    .. math:: k_c = \min\left(\frac{G}{G_\mathrm{clear}},\, k_\mathrm{max}\right)

    Parameters
    ----------
    value, clear : array
        A quantity :math:`G`, and the same quantity under a clear sky.
    min_clear : float
        Lowest clear-sky value for which the ratio is meaningful; below it the index is NaN. [units of `clear`]
    max_index : float
        Upper bound: clouds near the sun reflect, but a high ratio near the horizon is mostly error.

    Returns
    -------
    array

    See Also
    --------
    clear_sky

    References
    ----------
    Reno, Hansen and Stein (2012), Global horizontal irradiance clear sky models, SAND2012-2389.

    Examples
    --------
    >>> clear_sky_index(np.array([400.0, 900.0, 5.0]), np.array([800.0, 500.0, 1.0])).tolist()
    [0.5, 1.5, nan]
    """
    from pvlib import irradiance

    known = np.where(np.asarray(clear) >= min_clear, clear, np.nan)
    return np.asarray(irradiance.clearsky_index(np.asarray(value), known, max_clearsky_index=max_index))
