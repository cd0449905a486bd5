"""Shading of modules: by the rows before them, and by a horizon of mountains, trees or houses."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError, SchemaError
from energyforecast.physics.arguments import physical
from energyforecast.physics.solar import Array, Irradiance, Number, SolarPosition

__all__ = ["RowShading", "behind_horizon", "row_shading", "sky_view"]

#: Directions in which a horizon is integrated. [degree]
_AROUND: Final = np.arange(0.5, 360.0)


class RowShading(NamedTuple):
    """Shares of light that pass the rows before.

    See Also
    --------
    row_shading

    Examples
    --------
    >>> RowShading(direct=np.array(0.5), sky=np.array(0.94), ground=np.array(0.7)).direct.tolist()
    0.5
    """

    direct: Array  #: from the direction of the sun
    sky: Array  #: from the rest of the sky
    ground: Array  #: from the ground


@physical
def row_shading(
    position: SolarPosition, *, surface_tilt: Number, surface_azimuth: Number, gcr: Number
) -> RowShading:
    r"""Light that passes the rows before, in long rows on level ground.

    .. math::
        s_\mathrm{direct} &= 1 - \operatorname{clip}\left(1 - \frac{\cos\theta_z}
            {\mathrm{GCR} \, |\cos(\beta - \theta_z)|},\, 0,\, 1\right) \\
        s_\mathrm{sky} &= \frac{2 F(\beta)}{1 + \cos\beta}, \qquad
        s_\mathrm{ground} = \frac{2 F(180^\circ - \beta)}{1 - \cos\beta}

    with the zenith angle of the sun :math:`\theta_z` projected on the plane across the rows, the tilt :math:`\beta` and
    the mean view :math:`F` of a row between its neighbours. Power is lost in proportion to the shaded area: modules
    with strings across the shadow lose more. Shadows on the ground are left out.

    Parameters
    ----------
    position : SolarPosition
    surface_tilt, surface_azimuth : array
        Tilt from the horizontal, and orientation clockwise from north. [degree]
    gcr : array
        Ground coverage ratio :math:`\mathrm{GCR}`: length of a row's slope over the distance of rows.

    Returns
    -------
    RowShading
        Shares, 0 to 1.

    See Also
    --------
    behind_horizon, plane_of_array, PVSystem

    References
    ----------
    Direct: Anderson and Jensen (2024), https://doi.org/10.1063/5.0202220. Views: those of pvlib's ``infinite_sheds``,
    Mikofski et al. (2019), https://doi.org/10.1109/PVSC40753.2019.8980572.

    Examples
    --------
    >>> low = SolarPosition(*map(np.array, (80.0, 80.0, 180.0, 1361.0)))
    >>> shares = row_shading(low, surface_tilt=30.0, surface_azimuth=180.0, gcr=0.5)
    >>> round(float(shares.direct), 2)  # cos 80° / (0.5 cos 50°)
    0.54
    >>> round(float(shares.sky), 2), round(float(shares.ground), 2)
    (0.94, 0.68)
    """
    from pvlib import shading

    tilt, azimuth, cover = map(np.asarray, (surface_tilt, surface_azimuth, gcr))
    shaded = shading.shaded_fraction1d(
        position.apparent_zenith,
        position.azimuth,
        axis_azimuth=azimuth - 90.0,
        shaded_row_rotation=tilt,
        collector_width=cover,
        pitch=1.0,
    )
    alone = 0.5 * (1.0 + np.cos(np.radians(tilt)))
    level = alone > 1.0 - 1e-9  # it sees no ground
    seen = np.where(level, 1.0, _view(180.0 - tilt, cover) / np.where(level, 1.0, 1.0 - alone))
    return RowShading(np.asarray(1.0 - shaded), _view(tilt, cover) / alone, seen)


def _view(tilt: Array, gcr: Array) -> Array:
    """Mean share of the half-space before a row that is the sky between its neighbours."""
    from pvlib.bifacial import utils

    tilt, gcr = np.broadcast_arrays(tilt, gcr)
    return np.asarray(utils.vf_row_sky_2d_integ(np.ravel(tilt), np.ravel(gcr))).reshape(tilt.shape)


@physical
def sky_view(azimuth: npt.ArrayLike, elevation: npt.ArrayLike) -> float:
    r"""Share of diffuse light on level ground that a horizon leaves, under an even sky.

    .. math:: F = \frac{1}{2\pi} \int_0^{2\pi} \cos^2 h(A) \, dA

    with the elevation :math:`h` of the horizon in the direction :math:`A`, linear between the given directions.

    Parameters
    ----------
    azimuth, elevation : array
        Directions, clockwise from north, and elevations of the horizon. [degree]

    Returns
    -------
    float

    Raises
    ------
    RangeError, SchemaError
        If a direction or an elevation is out of range, or their numbers differ.

    See Also
    --------
    behind_horizon

    Examples
    --------
    >>> round(sky_view([0.0], [30.0]), 3)  # cos² 30°
    0.75
    """
    return float(np.mean(np.cos(np.radians(_elevation(_AROUND, azimuth, elevation))) ** 2))


@physical
def behind_horizon(
    irradiance: Irradiance, position: SolarPosition, *, azimuth: npt.ArrayLike, elevation: npt.ArrayLike
) -> Irradiance:
    r"""Irradiance of a place with a horizon: without direct light behind it, and with less of the sky.

    .. math::
        \mathrm{DNI}' = \begin{cases} \mathrm{DNI} & 90^\circ - z > h(A) \\ 0 & \text{else} \end{cases}, \qquad
        \mathrm{DHI}' = F \, \mathrm{DHI}, \qquad \mathrm{GHI}' = \mathrm{DNI}' \cos z + \mathrm{DHI}'

    with the zenith angle :math:`z` and azimuth :math:`A` of the sun, the horizon :math:`h` and its :func:`sky_view`
    :math:`F`. GHI keeps its difference to the sum of its parts, if it has one.

    Parameters
    ----------
    irradiance : Irradiance
        Over an open horizon, as of weather models. [W m⁻²]
    position : SolarPosition
    azimuth, elevation : array
        Directions, clockwise from north, and elevations of the horizon, linear in between and round the north.
        [degree]

    Returns
    -------
    Irradiance
        [W m⁻²]

    Raises
    ------
    RangeError, SchemaError
        If a direction or an elevation is out of range, or their numbers differ.

    See Also
    --------
    sky_view, row_shading, energyforecast.PVPlant

    Examples
    --------
    >>> sun = SolarPosition(*map(np.array, (80.0, 80.0, 180.0, 1361.0)))  # 10° high in the south
    >>> sky = Irradiance(*map(np.array, (100.0, 0.5 / np.cos(np.radians(80.0)) * 100.0, 50.0)))
    >>> hidden = behind_horizon(sky, sun, azimuth=[90.0, 180.0, 270.0], elevation=[0.0, 20.0, 0.0])
    >>> float(hidden.dni), round(float(hidden.dhi), 1)
    (0.0, 49.0)
    """
    high = 90.0 - position.apparent_zenith > _elevation(position.azimuth, azimuth, elevation)
    cosine = np.maximum(np.cos(np.radians(position.zenith)), 0.0)
    dni = np.where(high | np.isnan(irradiance.dni), irradiance.dni, 0.0)
    dhi = irradiance.dhi * sky_view(azimuth, elevation)
    lost = (irradiance.dni - dni) * cosine + (irradiance.dhi - dhi)
    return Irradiance(np.maximum(irradiance.ghi - lost, 0.0), dni, np.asarray(dhi))


def _elevation(direction: Array, azimuth: npt.ArrayLike, elevation: npt.ArrayLike) -> Array:
    """Elevation of the horizon in directions, linear between those given. [degree]"""
    given, height = np.asarray(azimuth, dtype=float), np.asarray(elevation, dtype=float)
    if given.ndim != 1 or given.shape != height.shape or not given.size or len({*given % 360}) < given.size:
        raise SchemaError(
            f"A horizon has directions of shape {given.shape} and elevations of shape {height.shape}.",
            "It must have one elevation for each direction, and each direction once.",
            "Give both, e.g. azimuth=[90, 180, 270], elevation=[5, 12, 3].",
        )
    if not ((given >= 0) & (given <= 360) & (height >= 0) & (height < 90)).all():
        raise RangeError(
            f"A horizon has the directions {given.tolist()} with the elevations {height.tolist()}.",
            "Directions must lie from 0 to 360 degrees, elevations from 0 up to 90 degrees.",
            "Correct the profile; its columns may be exchanged.",
        )
    return np.asarray(np.interp(direction, given, height, period=360.0))
