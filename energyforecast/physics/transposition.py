"""Irradiance on tilted and tracking modules (transposition), by pvlib's functions on arrays."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from energyforecast.physics.arguments import physical
from energyforecast.physics.pv_system import PVSystem, Transposition
from energyforecast.physics.shading import row_shading
from energyforecast.physics.solar import Array, Irradiance, Number, SolarPosition

__all__ = [
    "PlaneOfArray",
    "optimal_tilt",
    "plane_of_array",
    "plane_of_system",
    "rear_irradiance",
    "tracker_orientation",
]

#: Polynomials of the optimal tilt of each hemisphere, highest power first. [degree]
_NORTH: Final = (0.000080509, -0.014404, 1.2011, 1.3793)
_SOUTH: Final = (0.00021828, 0.024051, 1.4216, -0.41657)


class PlaneOfArray(NamedTuple):
    """Irradiance in the plane of the modules. [W m⁻²]

    See Also
    --------
    plane_of_array

    Examples
    --------
    >>> from energyforecast.physics import clear_sky, solar_position
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> plane = plane_of_array(clear_sky(noon), noon, surface_tilt=45.0, surface_azimuth=180.0)
    >>> round(float(plane.effective / plane.poa_global), 2)  # the modules face the sun
    1.0
    """

    poa_global: Array  #: on the front; it warms the modules
    effective: Array  #: that reaches the cells: less reflection, with the share of the rear


@physical
def optimal_tilt(latitude: Number) -> Array:
    r"""Tilt of fixed modules with the highest yearly yield, by latitude. [degree]

    .. math:: \beta = \begin{cases}
        1.3793 + 1.2011 \varphi - 0.014404 \varphi^2 + 0.000080509 \varphi^3 & \varphi \ge 0 \\
        |{-0.41657} + 1.4216 \varphi + 0.024051 \varphi^2 + 0.00021828 \varphi^3| & \varphi < 0 \end{cases}

    but at most 90°.

    Parameters
    ----------
    latitude : array
        Latitude :math:`\varphi`, negative south of the equator. Each hemisphere has its own fit. [degree]

    See Also
    --------
    tracker_orientation, plane_of_array, energyforecast.PVPlant

    References
    ----------
    Jacobson and Jadhav (2018), https://doi.org/10.1016/j.solener.2018.04.030.

    Examples
    --------
    >>> optimal_tilt(np.array([0.0, 45.0, -45.0])).round(1).tolist()
    [1.4, 33.6, 35.6]
    """
    phi = np.asarray(latitude, dtype=float)
    tilt = np.where(phi < 0, np.polyval(_SOUTH, phi), np.polyval(_NORTH, phi))
    return np.asarray(np.minimum(np.abs(tilt), 90.0))


@physical
def tracker_orientation(
    position: SolarPosition,
    *,
    axis_azimuth: Number = 180.0,
    max_angle: Number = 55.0,
    gcr: Number = 0.4,
    axis_tilt: Number = 0.0,
    cross_axis_tilt: Number = 0.0,
    backtracking: bool = True,
) -> tuple[Array, Array]:
    r"""Orientation of modules on a single-axis tracker, level or on a slope.

    .. math::
        \tan R_0 &= \frac{\sin z \, \sin(A - A_\mathrm{axis})}
            {\sin z \, \cos(A - A_\mathrm{axis}) \sin\beta_a + \cos z \, \cos\beta_a} \\
        R &= R_0 - \operatorname{sgn}(R_0) \arccos \frac{|\cos(R_0 - \beta_c)|}{\mathrm{GCR} \, \cos\beta_c}
            \quad \text{where the fraction is below 1}

    with the zenith angle :math:`z` and azimuth :math:`A` of the sun, the tilt of the axis :math:`\beta_a`, the slope
    across the axes :math:`\beta_c` and the ground coverage ratio GCR: rows turn back where they would shade each
    other. The rotation :math:`R` is limited to `max_angle`.

    Parameters
    ----------
    position : SolarPosition
    axis_azimuth : array
        Direction of the axis, clockwise from north. [degree]
    max_angle : array
        Greatest rotation from the horizontal, to both sides. [degree]
    gcr : array
        Area of the modules over that of the ground.
    axis_tilt : array
        Tilt of the axis: its end in the direction of `axis_azimuth` is the lower one. [degree]
    cross_axis_tilt : array
        Slope of the ground across the axes, as of ``pvlib.tracking.calc_cross_axis_tilt``. [degree]
    backtracking : bool
        Without it the modules follow the sun, and rows shade each other.

    Returns
    -------
    surface_tilt, surface_azimuth : array
        Without rotation while the sun is below the horizon. [degree]

    Raises
    ------
    RangeError
        If an angle or the ground coverage ratio is out of its range.

    See Also
    --------
    plane_of_array, pv_power, row_shading

    References
    ----------
    Anderson and Mikofski (2020), https://doi.org/10.2172/1660126.

    Examples
    --------
    >>> from energyforecast.physics import solar_position
    >>> morning = solar_position(np.datetime64("2024-06-21T09:00"), 45.0, 0.0)
    >>> tilt, azimuth = tracker_orientation(morning)
    >>> round(float(tilt)), round(float(azimuth))  # to the east
    (42, 90)
    """
    from pvlib import tracking

    given = np.broadcast_arrays(
        position.apparent_zenith, position.azimuth, axis_azimuth, max_angle, gcr, axis_tilt, cross_axis_tilt
    )
    zenith, azimuth, axis, limit, cover, tilted, across = (np.ravel(one).astype(float) for one in given)
    found = tracking.singleaxis(
        zenith,
        azimuth,
        axis_tilt=tilted,
        axis_azimuth=axis,
        max_angle=(-limit, limit),
        backtrack=backtracking,
        gcr=cover,
        cross_axis_tilt=across,
    )
    down = zenith > 90.0
    tilt = np.where(down, tilted, found["surface_tilt"])
    level = (axis - np.where(tilted > 0.0, 0.0, 90.0)) % 360.0
    facing = np.where(down, level, found["surface_azimuth"])
    return tilt.reshape(given[0].shape), facing.reshape(given[0].shape)


@physical
def plane_of_array(
    irradiance: Irradiance,
    position: SolarPosition,
    *,
    surface_tilt: Number,
    surface_azimuth: Number,
    albedo: Number = 0.2,
    bifaciality: Number = 0.0,
    gcr: Number = 0.4,
    transposition: Transposition = "haydavies",
) -> PlaneOfArray:
    r"""Irradiance on tilted modules (transposition), and its share that reaches the cells.

    By the model of Hay and Davies:

    .. math::
        G_\mathrm{poa} = \underbrace{\mathrm{DNI}\, c + \mathrm{DHI}\, a R_b}_\text{direct, circumsolar}
            + \underbrace{\mathrm{DHI} \, (1 - a) \tfrac{1 + \cos\beta}{2}}_\text{sky}
            + \underbrace{\varrho\, \mathrm{GHI}\, \tfrac{1 - \cos\beta}{2}}_\text{ground}

    with :math:`c = \max(\cos\theta, 0)` of the angle of incidence :math:`\theta`, the tilt :math:`\beta`, the albedo
    :math:`\varrho`, the anisotropy :math:`a = \mathrm{DNI} / I_0`, and
    :math:`R_b = c / \max(\cos z, \cos 89^\circ)`. The model of Perez has a brighter horizon in addition, and
    coefficients by the clearness and brightness of the sky; ``"perez-driesse"`` is its form without steps.
    The effective irradiance multiplies each of the three parts by the transmittance of the glass, and adds
    `bifaciality` times the :func:`rear_irradiance`.

    Parameters
    ----------
    irradiance : Irradiance
        On the horizontal plane.
    position : SolarPosition
    surface_tilt, surface_azimuth : array
        Tilt from the horizontal, and orientation clockwise from north. [degree]
    albedo : array
        Share of light that the ground reflects.
    bifaciality : array
        Efficiency of the rear of the modules over that of their front; 0 for monofacial modules.
    gcr : array
        Area of the modules over that of the ground, for the rear.
    transposition : {"haydavies", "perez", "perez-driesse"}
        Model of the sky.

    Returns
    -------
    PlaneOfArray

    Raises
    ------
    RangeError
        If the model is unknown, or a value out of its range.

    See Also
    --------
    decompose, rear_irradiance, pv_power

    References
    ----------
    Sky: Hay and Davies (1980), as assessed by Loutzenhiser et al. (2007),
    https://doi.org/10.1016/j.solener.2006.03.009; Perez et al. (1990),
    https://doi.org/10.1016/0038-092X(90)90055-H, made continuous by Driesse, Jensen and Perez (2024),
    https://doi.org/10.1016/j.solener.2023.112093. Glass: Snell's and Fresnel's laws
    for direct light (De Soto et al. 2006, https://doi.org/10.1016/j.solener.2005.06.010),
    Martin and Ruiz (2001, https://doi.org/10.1016/S0927-0248(00)00408-6) for diffuse light.

    Examples
    --------
    >>> from energyforecast.physics import clear_sky, solar_position
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> plane = plane_of_array(clear_sky(noon), noon, surface_tilt=45.0, surface_azimuth=180.0)
    >>> [round(float(value), -1) for value in plane]
    [1010.0, 1010.0]
    """
    system = PVSystem(
        surface_tilt=surface_tilt,
        surface_azimuth=surface_azimuth,
        bifaciality=bifaciality,
        gcr=gcr,
        transposition=transposition,
    )
    return plane_of_system(irradiance, position, system=system, albedo=albedo)


@physical
def plane_of_system(
    irradiance: Irradiance, position: SolarPosition, *, system: PVSystem, albedo: Number = 0.2
) -> PlaneOfArray:
    """Irradiance on the modules of a system, as by :func:`plane_of_array`, behind the rows before them.

    See Also
    --------
    plane_of_array, row_shading

    Examples
    --------
    >>> from energyforecast.physics import clear_sky, solar_position
    >>> winter = solar_position(np.datetime64("2024-12-21T09:00"), 45.0, 0.0)
    >>> for shading in (False, True):
    ...     rows = PVSystem(surface_tilt=45.0, surface_azimuth=180.0, gcr=0.6, row_shading=shading)
    ...     print(int(plane_of_system(clear_sky(winter), winter, system=rows).poa_global))
    361
    177
    """
    from pvlib import iam
    from pvlib import irradiance as sky

    tilt, azimuth = system.surface_tilt, system.surface_azimuth
    cosine = sky.aoi_projection(tilt, azimuth, position.apparent_zenith, position.azimuth)
    facing = np.maximum(cosine, 0.0)
    parts = _sky(irradiance, position, system=system, facing=facing)
    beam = irradiance.dni * facing + parts["poa_circumsolar"]
    even = parts["poa_isotropic"] + parts.get("poa_horizon", 0.0)
    ground = sky.get_ground_diffuse(tilt, irradiance.ghi, np.asarray(albedo))
    if system.row_shading:
        passing = row_shading(position, surface_tilt=tilt, surface_azimuth=azimuth, gcr=system.gcr)
        beam, even, ground = beam * passing.direct, even * passing.sky, ground * passing.ground
    through = iam.martin_ruiz_diffuse(np.asarray(tilt))
    front = (
        beam * iam.physical(np.degrees(np.arccos(cosine)))
        + even * through["sky"]
        + ground * through["ground"]
    )
    rear = rear_irradiance(irradiance.ghi, surface_tilt=tilt, albedo=albedo, gcr=system.gcr)
    return PlaneOfArray(np.asarray(beam + even + ground), np.asarray(front + system.bifaciality * rear))


def _sky(
    irradiance: Irradiance, position: SolarPosition, *, system: PVSystem, facing: Array
) -> dict[str, Array]:
    """Parts of the diffuse irradiance of the sky on the modules, without a negative sum. [W m⁻²]"""
    from pvlib import irradiance as sky

    tilt, azimuth = system.surface_tilt, system.surface_azimuth
    if system.transposition == "haydavies":
        height = np.maximum(np.cos(np.radians(position.apparent_zenith)), 0.01745)  # 89°, as in pvlib
        found: dict[str, Array] = sky.haydavies(
            tilt,
            azimuth,
            irradiance.dhi,
            irradiance.dni,
            position.dni_extra,
            projection_ratio=facing / height,
            return_components=True,
        )
        return found
    return _perez(irradiance, position, system=system)


def _perez(irradiance: Irradiance, position: SolarPosition, *, system: PVSystem) -> dict[str, Array]:
    """Parts by a model of Perez: all light of the sky even while the sun is down; missing stays missing."""
    from pvlib import irradiance as sky

    tilt, zenith = np.asarray(system.surface_tilt), position.apparent_zenith
    up = np.where(zenith < 90.0, zenith, 89.99)
    with np.errstate(divide="ignore", invalid="ignore"):  # where there is no diffuse light
        found = sky.get_sky_diffuse(
            tilt,
            system.surface_azimuth,
            up,
            position.azimuth,
            irradiance.dni,
            irradiance.ghi,
            irradiance.dhi,
            dni_extra=position.dni_extra,
            model=system.transposition,
            return_components=True,
        )
    isotropic = irradiance.dhi * 0.5 * (1.0 + np.cos(np.radians(tilt)))
    dark = (irradiance.dhi <= 0.0) | (zenith >= 90.0) | np.isnan(isotropic) | np.isnan(zenith)
    parts = {
        name: np.where(dark, isotropic if name == "poa_isotropic" else 0.0, found[name])
        for name in ("poa_isotropic", "poa_circumsolar", "poa_horizon")
    }
    # A darker horizon takes no more light than the rest of the sky gives.
    rest = parts["poa_isotropic"] + parts["poa_circumsolar"]
    return parts | {"poa_horizon": np.maximum(parts["poa_horizon"], -rest)}


@physical
def rear_irradiance(ghi: Number, *, surface_tilt: Number, albedo: Number = 0.2, gcr: Number = 0.4) -> Array:
    r"""Irradiance on the rear of modules in long rows, by view factors.

    .. math:: G_\mathrm{rear} = \varrho \, \mathrm{GHI} \, (1 - \mathrm{GCR}) \, \frac{1 + \cos\beta}{2}

    The rear sees the ground, of which the modules shade the share that they cover. The sky is hidden by
    the row behind.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance. [W m⁻²]
    surface_tilt : array
        Tilt :math:`\beta` from the horizontal. [degree]
    albedo : array
        Share :math:`\varrho` of light that the ground reflects.
    gcr : array
        Area of the modules over that of the ground.

    Returns
    -------
    array
        [W m⁻²]

    See Also
    --------
    plane_of_array

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
