"""Direct and diffuse components of global irradiance: decomposed, or completed from one of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from energyforecast.physics.arguments import physical
from energyforecast.physics.solar import Irradiance, Number, SolarPosition

__all__ = ["complete_irradiance", "decompose"]

#: Cosine of the zenith angle of a sun 3° high: below it direct irradiance is not computed from horizontal.
_LOW: Final = float(np.cos(np.radians(87.0)))


@physical
def decompose(ghi: Number, position: SolarPosition) -> Irradiance:
    r"""Decompose global irradiance into its direct and its diffuse component.

    .. math::
        k_t = \frac{\mathrm{GHI}}{I_0 \cos z}, \qquad
        \mathrm{DHI} = k_d(k_t) \, \mathrm{GHI}, \qquad
        \mathrm{DNI} = \frac{\mathrm{GHI} - \mathrm{DHI}}{\cos z}

    with the extraterrestrial irradiance :math:`I_0`, the zenith angle :math:`z`, and the diffuse fraction of Erbs,

    .. math::
        k_d = \begin{cases}
            1 - 0.09 \, k_t & k_t \le 0.22 \\
            0.9511 - 0.1604 \, k_t + 4.388 \, k_t^2 - 16.638 \, k_t^3 + 12.336 \, k_t^4 & 0.22 < k_t \le 0.8 \\
            0.165 & k_t > 0.8
        \end{cases}

    whose steps are smoothed.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance. [W m⁻²]
    position : SolarPosition

    Returns
    -------
    Irradiance
        All of it is diffuse while the sun is lower than 3°. [W m⁻²]

    See Also
    --------
    complete_irradiance, plane_of_array, clear_sky

    References
    ----------
    Erbs et al. (1982), https://doi.org/10.1016/0038-092X(82)90302-4, made continuous by Driesse, Jensen
    and Perez (2024), https://doi.org/10.1016/j.solener.2023.112093.

    Examples
    --------
    >>> from energyforecast.physics import solar_position
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> overcast, clear = decompose(150.0, noon), decompose(900.0, noon)
    >>> round(float(overcast.dhi / 150), 2), round(float(clear.dhi / 900), 2)
    (0.99, 0.2)
    """
    from pvlib import irradiance

    found = irradiance.erbs_driesse(ghi, position.zenith, dni_extra=position.dni_extra)
    return Irradiance(np.asarray(ghi), np.asarray(found["dni"]), np.asarray(found["dhi"]))


@physical
def complete_irradiance(
    ghi: Number, position: SolarPosition, *, dni: Number | None = None, dhi: Number | None = None
) -> Irradiance:
    r"""Complete the components of irradiance, from global irradiance and those that are known.

    .. math::
        \mathrm{DHI} = \max(\mathrm{GHI} - \mathrm{DNI} \cos z, 0), \qquad
        \mathrm{DNI} = \frac{\mathrm{GHI} - \mathrm{DHI}}{\cos z} \in [0, I_0]

    with the zenith angle :math:`z` and the extraterrestrial irradiance :math:`I_0`.

    Parameters
    ----------
    ghi : array
        Global horizontal irradiance. [W m⁻²]
    position : SolarPosition
        In the middle of each interval.
    dni, dhi : array, optional
        Direct normal and diffuse horizontal irradiance; without both, `ghi` is decomposed. [W m⁻²]

    Returns
    -------
    Irradiance
        With the given components unchanged; completed direct irradiance is 0 while the sun is lower than 3°. [W m⁻²]

    See Also
    --------
    decompose, energyforecast.features.PVChainPower

    Examples
    --------
    >>> from energyforecast.physics import solar_position
    >>> noon = solar_position(np.datetime64("2024-06-21T12:00"), 45.0, 0.0)
    >>> round(float(np.cos(np.radians(noon.zenith))), 2)
    0.93
    >>> round(float(complete_irradiance(800.0, noon, dni=700.0).dhi))  # 800 - 700 × 0.93
    149
    >>> round(float(complete_irradiance(800.0, noon, dhi=149.0).dni))
    700
    """
    if dni is None and dhi is None:
        return decompose(ghi, position)
    cosine = np.cos(np.radians(position.zenith))
    if dhi is None:
        dhi = np.clip(ghi - np.asarray(dni) * np.maximum(cosine, 0.0), 0.0, ghi)
    elif dni is None:
        beam = np.clip((ghi - np.asarray(dhi)) / np.maximum(cosine, _LOW), 0.0, position.dni_extra)
        dni = np.where(cosine < _LOW, 0.0 * beam, beam)
    return Irradiance(np.asarray(ghi), np.asarray(dni), np.asarray(dhi))
