"""The sun, clear sky and photovoltaic plants: pvlib's functions on arrays, vectorised over sites and hours.

The position of the sun is computed once and handed on::

    position = solar_position(middle_of_the_hour, latitude, longitude)
    power = pv_power(ghi, position, temp_air=..., wind_speed=..., surface_tilt=35, surface_azimuth=180)

Arrays are broadcast against each other, e.g. coordinates of shape (sites, 1) and times of shape (hours,).
Missing input gives missing output: no weather is ever made up.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "Irradiance",
    "PlaneOfArray",
    "SolarPosition",
    "ac_power",
    "clear_sky",
    "clear_sky_index",
    "decompose",
    "is_dark",
    "plane_of_array",
    "pv_power",
    "rear_irradiance",
    "solar_hour",
    "solar_position",
    "tracker_orientation",
]

Array = npt.NDArray[Any]
Number = Array | float

_J2000: Final = np.datetime64("2000-01-01T12:00", "ns")
#: Terrestrial time minus universal time in this century's first decades. [d]
_TERRESTRIAL: Final = 69.0 / 86400.0
#: Deeper than this the sun gives a plant nothing; twilight does, and clocks and places are a little wrong. [degree]
_DARK: Final = 93.0
#: Open rack, glass and polymer: SAPM's constants for the temperature of cells.
_SAPM: Final = {"a": -3.56, "b": -0.075, "deltaT": 3.0}
#: Efficiency of an inverter at its rated power.
_INVERTER: Final = 0.98


class SolarPosition(NamedTuple):
    """Where the sun stands, and how strong it is outside the atmosphere; arrays of one shape.

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)  # equinox
    >>> round(float(noon.zenith)), round(float(noon.azimuth))
    (45, 180)
    """

    zenith: Array  #: from the vertical, without refraction [degree]
    apparent_zenith: Array  #: from the vertical, as refracted by standard air [degree]
    azimuth: Array  #: clockwise from north [degree]
    dni_extra: Array  #: extraterrestrial radiation on a plane facing the sun [W m⁻²]


class Irradiance(NamedTuple):
    """Global, direct normal and diffuse horizontal irradiance. [W m⁻²]

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> sky = decompose(600.0, noon)
    >>> horizontal = sky.dni * np.cos(np.radians(noon.zenith))  # what comes straight from the sun
    >>> round(float(sky.ghi)), round(float(horizontal + sky.dhi))
    (600, 600)
    """

    ghi: Array
    dni: Array
    dhi: Array


class PlaneOfArray(NamedTuple):
    """Irradiance in the plane of the modules. [W m⁻²]

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> facing = plane_of_array(clear_sky(noon), noon, surface_tilt=45.0, surface_azimuth=180.0)
    >>> round(float(facing.effective / facing.poa_global), 2)  # the sun stands upright on the modules
    1.0
    """

    poa_global: Array  #: what falls on the front; it warms the modules
    effective: Array  #: what reaches the cells: less reflection, with the rear's share


def solar_position(time: Array, latitude: Number, longitude: Number) -> SolarPosition:
    """Position of the sun at instants; for an hour's mean, give the middle of the hour.

    Parameters
    ----------
    time : array of datetime64
        Instants. [UTC]
    latitude, longitude : array
        North and east positive. [degree]

    Returns
    -------
    SolarPosition

    Notes
    -----
    Within 0.01° of NREL's solar position algorithm from 2000 to 2050, at a thirtieth of its cost. pvlib's own
    fast method, ``ephemeris``, is as exact, but takes one site at a time in a pandas index.

    References
    ----------
    Meeus (1998), Astronomical Algorithms, chapters 12, 13 and 25 (low accuracy). Refraction as in Reda
    and Andreas (2004), https://doi.org/10.1016/j.solener.2003.12.003; extraterrestrial radiation after
    Spencer (1971), with 1361 W m⁻² from Kopp and Lean (2011),
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


def solar_hour(time: Array, longitude: Number) -> Array:
    """Time of day by the sun: 12 when it stands highest.

    Parameters
    ----------
    time : array of datetime64
        Instants. [UTC]
    longitude : array
        East positive. [degree]

    Returns
    -------
    array
        From 0 up to 24. [h]

    References
    ----------
    That of :func:`solar_position`: the sun's hour angle, and 12.

    Examples
    --------
    >>> round(float(solar_hour(np.datetime64("2024-03-20T07:00"), 76.9)), 1)  # noon in Almaty
    12.0
    """
    right_ascension, _, sidereal = _sun(np.asarray(time, dtype="datetime64[ns]"))
    angle = sidereal + np.radians(longitude) - right_ascension
    return np.asarray(np.mod(12.0 + np.degrees(angle) / 15.0, 24.0))


def _sun(instant: Array) -> tuple[Array, Array, Array]:
    """Right ascension, declination and apparent sidereal time at Greenwich, none of which knows the place. [rad]"""
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
    """Whether the sun is more than 3° below the horizon at each of several instants.

    Examples
    --------
    >>> hours = np.datetime64("2024-03-20T00:30") + np.arange(0, 24, 6).astype("timedelta64[h]")
    >>> is_dark(solar_position(hours, 0.0, 0.0)).tolist()
    [True, False, False, True]
    """
    return np.asarray(np.all([position.zenith > _DARK for position in positions], axis=0))


def clear_sky(
    position: SolarPosition, *, linke_turbidity: Number = 3.0, altitude: Number = 0.0
) -> Irradiance:
    """Irradiance under a sky without clouds.

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
        Nothing at night. [W m⁻²]

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


def clear_sky_index(value: Number, clear: Number, *, least: float = 20.0, most: float = 1.5) -> Array:
    """Radiation, or power, over what it would be without clouds.

    Parameters
    ----------
    value, clear : array
        The same quantity as it is, and under a clear sky.
    least : float
        Where the clear sky gives less than this, the ratio says nothing: NaN. [units of `clear`]
    most : float
        Upper bound: clouds beside the sun reflect, but a ratio near the horizon is mostly error.

    Returns
    -------
    array

    Examples
    --------
    >>> clear_sky_index(np.array([400.0, 900.0, 5.0]), np.array([800.0, 500.0, 1.0])).tolist()
    [0.5, 1.5, nan]
    """
    from pvlib import irradiance

    known = np.where(np.asarray(clear) >= least, clear, np.nan)
    return np.asarray(irradiance.clearsky_index(np.asarray(value), known, max_clearsky_index=most))


def decompose(ghi: Number, position: SolarPosition) -> Irradiance:
    """Split global irradiance into its direct and its diffuse part.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance. [W m⁻²]
    position : SolarPosition

    Returns
    -------
    Irradiance
        With the sun less than 3° high all of it is diffuse. [W m⁻²]

    References
    ----------
    Erbs et al. (1982), https://doi.org/10.1016/0038-092X(82)90302-4, made continuous by Driesse, Jensen
    and Perez (2024), https://doi.org/10.1016/j.solener.2023.112093.

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> overcast, clear = decompose(150.0, noon), decompose(900.0, noon)
    >>> round(float(overcast.dhi / 150), 2), round(float(clear.dhi / 900), 2)
    (0.99, 0.2)
    """
    from pvlib import irradiance

    found = irradiance.erbs_driesse(ghi, position.zenith, dni_extra=position.dni_extra)
    return Irradiance(np.asarray(ghi), np.asarray(found["dni"]), np.asarray(found["dhi"]))


def tracker_orientation(
    position: SolarPosition,
    *,
    axis_azimuth: Number = 180.0,
    max_angle: Number = 55.0,
    gcr: Number = 0.4,
) -> tuple[Array, Array]:
    """How modules on a horizontal single-axis tracker stand; they turn back where rows would shade each other.

    Parameters
    ----------
    position : SolarPosition
    axis_azimuth : array
        Direction of the axis, clockwise from north. [degree]
    max_angle : array
        Greatest rotation from the horizontal, to both sides. [degree]
    gcr : array
        Area of the modules over that of the ground.

    Returns
    -------
    surface_tilt, surface_azimuth : array
        Horizontal while the sun is down. [degree]

    References
    ----------
    Anderson and Mikofski (2020), https://doi.org/10.2172/1660126.

    Examples
    --------
    >>> morning = solar_position(np.datetime64("2024-06-21T09:00"), 45.0, 0.0)
    >>> tilt, azimuth = tracker_orientation(morning)
    >>> round(float(tilt)), round(float(azimuth))  # to the east
    (42, 90)
    """
    from pvlib import tracking

    every = np.broadcast_arrays(position.apparent_zenith, position.azimuth, axis_azimuth, max_angle, gcr)
    zenith, azimuth, axis, most, cover = (np.ravel(one).astype(float) for one in every)
    found = tracking.singleaxis(zenith, azimuth, axis_azimuth=axis, max_angle=(-most, most), gcr=cover)
    down = zenith > 90.0
    tilt = np.where(down, 0.0, found["surface_tilt"])
    facing = np.where(down, (axis - 90.0) % 360.0, found["surface_azimuth"])
    return tilt.reshape(every[0].shape), facing.reshape(every[0].shape)


def plane_of_array(
    irradiance: Irradiance,
    position: SolarPosition,
    *,
    surface_tilt: Number,
    surface_azimuth: Number,
    albedo: Number = 0.2,
    bifaciality: Number = 0.0,
    gcr: Number = 0.4,
) -> PlaneOfArray:
    """Irradiance on the modules, and what of it reaches the cells through the glass.

    Parameters
    ----------
    irradiance : Irradiance
    position : SolarPosition
    surface_tilt, surface_azimuth : array
        Tilt from the horizontal, and where the modules face, clockwise from north. [degree]
    albedo : array
        Share of light that the ground reflects.
    bifaciality : array
        Efficiency of the modules' rear over that of their front; 0 for modules with one face.
    gcr : array
        Area of the modules over that of the ground, for the rear.

    Returns
    -------
    PlaneOfArray

    References
    ----------
    Sky: Hay and Davies (1980), as assessed by Loutzenhiser et al. (2007),
    https://doi.org/10.1016/j.solener.2006.03.009. Glass: Snell's and Fresnel's laws
    for direct light (De Soto et al. 2006, https://doi.org/10.1016/j.solener.2005.06.010),
    Martin and Ruiz (2001, https://doi.org/10.1016/S0927-0248(00)00408-6) for diffuse light.

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> facing = plane_of_array(clear_sky(noon), noon, surface_tilt=45.0, surface_azimuth=180.0)
    >>> [round(float(value), -1) for value in facing]
    [1010.0, 1010.0]
    """
    from pvlib import iam
    from pvlib import irradiance as sky

    cosine = sky.aoi_projection(surface_tilt, surface_azimuth, position.apparent_zenith, position.azimuth)
    facing = np.maximum(cosine, 0.0)
    height = np.cos(np.radians(position.apparent_zenith))
    parts = sky.haydavies(
        surface_tilt,
        surface_azimuth,
        irradiance.dhi,
        irradiance.dni,
        position.dni_extra,
        projection_ratio=facing / np.maximum(height, 0.01745),  # 89°, as in pvlib
        return_components=True,
    )
    beam = irradiance.dni * facing + parts["poa_circumsolar"]
    ground = sky.get_ground_diffuse(surface_tilt, irradiance.ghi, np.asarray(albedo))
    through = iam.martin_ruiz_diffuse(np.asarray(surface_tilt))
    front = (
        beam * iam.physical(np.degrees(np.arccos(cosine)))
        + parts["poa_isotropic"] * through["sky"]
        + ground * through["ground"]
    )
    rear = rear_irradiance(irradiance.ghi, surface_tilt=surface_tilt, albedo=albedo, gcr=gcr)
    return PlaneOfArray(
        np.asarray(beam + parts["poa_isotropic"] + ground), np.asarray(front + bifaciality * rear)
    )


def rear_irradiance(ghi: Number, *, surface_tilt: Number, albedo: Number = 0.2, gcr: Number = 0.4) -> Array:
    """Irradiance on the rear of modules in long rows, by view factors.

    The rear sees the ground, of which the modules shade the share that they cover. The sky that it would
    see is hidden by the row behind.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance. [W m⁻²]
    surface_tilt : array
        Tilt from the horizontal. [degree]
    albedo : array
        Share of light that the ground reflects.
    gcr : array
        Area of the modules over that of the ground.

    Returns
    -------
    array
        [W m⁻²]

    Notes
    -----
    Over a year within 15 % of pvlib's ``bifacial.infinite_sheds`` for tilts from 15° to 30°, and up to 30 % less
    at 45°, with ground covers from 0.3 to 0.5: 1 to 2 % of the power.

    References
    ----------
    View factors as in Marion et al. (2017), https://doi.org/10.1109/PVSC.2017.8366263.

    Examples
    --------
    >>> float(rear_irradiance(1000.0, surface_tilt=0.0, albedo=0.25))  # 1000 W m⁻² x 0.25 x (1 - 0.4)
    150.0
    """
    seen = 0.5 * (1.0 + np.cos(np.radians(surface_tilt)))
    return np.asarray(np.asarray(ghi) * albedo * (1.0 - np.asarray(gcr)) * seen)


def ac_power(
    effective: Number,
    *,
    temp_cell: Number = 25.0,
    dc_ac_ratio: Number = 1.2,
    gamma_pdc: Number = -0.0035,
    losses: Number = 0.10,
) -> Array:
    """Power of a plant from the light in its cells: PVWatts, cut off at the inverters' limit.

    Parameters
    ----------
    effective : array
        Irradiance that reaches the cells. [W m⁻²]
    temp_cell : array
        Temperature of the cells; at 25 °C, that of the modules' rating, nothing is lost to heat. [°C]
    dc_ac_ratio : array
        Rated power of the modules over the capacity of the inverters.
    gamma_pdc : array
        Change of power with the temperature of the cells. [°C⁻¹]
    losses : array
        Share lost to wiring, mismatch, age and shading: PVWatts' 14 % less its soiling and outages.

    Returns
    -------
    array
        As a share of the inverters' capacity, 0 to 1.

    References
    ----------
    Dobos (2014), PVWatts Version 5 Manual, https://doi.org/10.2172/1158421; the inverter's efficiency is
    98 % at full load.

    Examples
    --------
    >>> ac_power(np.array([0.0, 500.0, 1000.0])).round(2).tolist()
    [0.0, 0.53, 1.0]
    """
    from pvlib import inverter, pvsystem

    rated = np.asarray(dc_ac_ratio) * (1.0 - np.asarray(losses))
    dc = np.asarray(pvsystem.pvwatts_dc(np.asarray(effective), temp_cell, rated, gamma_pdc))
    return np.asarray(inverter.pvwatts(dc, 1.0 / _INVERTER, eta_inv_nom=_INVERTER))


def pv_power(
    ghi: Number,
    position: SolarPosition,
    *,
    temp_air: Number,
    wind_speed: Number,
    surface_tilt: Number,
    surface_azimuth: Number,
    dni: Number | None = None,
    dhi: Number | None = None,
    albedo: Number = 0.2,
    bifaciality: Number = 0.0,
    gcr: Number = 0.4,
    dc_ac_ratio: Number = 1.2,
    gamma_pdc: Number = -0.0035,
    losses: Number = 0.10,
    soiling: Number = 0.0,
    snow: Number = 0.0,
) -> Array:
    """Power of a PV plant from the weather: the whole chain.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance, a mean over each interval. [W m⁻²]
    position : SolarPosition
        In the middle of each interval.
    temp_air : array
        Temperature of the air. [°C]
    wind_speed : array
        Wind speed 10 m above ground. [m s⁻¹]
    surface_tilt, surface_azimuth : array
        How the modules stand; of a tracker from :func:`tracker_orientation`. [degree]
    dni, dhi : array, optional
        Direct normal and diffuse horizontal irradiance; without both, `ghi` is split. [W m⁻²]
    albedo : array
        Share of light that the ground reflects.
    bifaciality : array
        Efficiency of the modules' rear over that of their front.
    gcr : array
        Area of the modules over that of the ground.
    dc_ac_ratio : array
        Rated power of the modules over the capacity of the inverters.
    gamma_pdc : array
        Change of power with the temperature of the cells. [°C⁻¹]
    losses : array
        Share lost between modules and grid.
    soiling, snow : array
        Share of the light lost to dirt and to snow.

    Returns
    -------
    array
        As a share of the plant's capacity, 0 to 1; NaN where any input is missing.

    References
    ----------
    Those of :func:`decompose`, :func:`plane_of_array` and :func:`ac_power`; cell temperature after King et
    al. (2004), https://doi.org/10.2172/919131, for an open rack.

    Examples
    --------
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> weather = {"temp_air": 10.0, "wind_speed": 3.0}
    >>> ghi = np.array([0.0, 200.0, 700.0, np.nan])
    >>> pv_power(ghi, noon, surface_tilt=35.0, surface_azimuth=180.0, **weather).round(2).tolist()
    [0.0, 0.19, 0.97, nan]
    """
    if dni is None or dhi is None:
        irradiance = decompose(ghi, position)
    else:
        irradiance = Irradiance(np.asarray(ghi), np.asarray(dni), np.asarray(dhi))
    plane = plane_of_array(
        irradiance,
        position,
        surface_tilt=surface_tilt,
        surface_azimuth=surface_azimuth,
        albedo=albedo,
        bifaciality=bifaciality,
        gcr=gcr,
    )
    clean = (1.0 - np.asarray(soiling)) * (1.0 - np.asarray(snow))
    return ac_power(
        plane.effective * clean,
        temp_cell=_temp_cell(plane.poa_global * clean, temp_air, wind_speed),
        dc_ac_ratio=dc_ac_ratio,
        gamma_pdc=gamma_pdc,
        losses=losses,
    )


def _temp_cell(poa_global: Array, temp_air: Number, wind_speed: Number) -> Array:
    from pvlib import temperature

    return np.asarray(
        temperature.sapm_cell(poa_global, np.asarray(temp_air), np.asarray(wind_speed), **_SAPM)
    )
