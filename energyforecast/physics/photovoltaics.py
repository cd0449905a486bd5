"""Power of photovoltaic plants: cell temperature, modules and inverters, by pvlib's functions on arrays.

The chain from the weather to the power::

    system = PVSystem(surface_tilt=35.0, surface_azimuth=180.0)
    power = pv_power(decompose(ghi, position), position, system=system, temp_air=..., wind_speed=...)

Arrays are broadcast against each other; missing input gives missing output.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import get_annotations
from typing import Final

import numpy as np

from energyforecast.physics.arguments import check_quantities, physical
from energyforecast.physics.solar import Array, Irradiance, Number, SolarPosition
from energyforecast.physics.transposition import plane_of_array

__all__ = ["PVSystem", "ac_power", "cell_temperature", "pv_power"]

#: Open rack, glass and polymer: constants of the Sandia array performance model (SAPM).
_SAPM: Final = {"a": -3.56, "b": -0.075, "deltaT": 3.0}
#: Efficiency of an inverter at its rated power.
_INVERTER: Final = 0.98


@dataclass(frozen=True, eq=False, kw_only=True)
class PVSystem:
    """Modules with their orientation, and inverters of a PV plant.

    Parameters
    ----------
    surface_tilt, surface_azimuth : array
        Tilt from the horizontal, and orientation clockwise from north; of a tracker from
        :func:`tracker_orientation`. [degree]
    bifaciality : array
        Efficiency of the rear of the modules over that of their front; 0 for monofacial modules.
    gcr : array
        Ground coverage ratio: area of the modules over that of the ground.
    dc_ac_ratio : array
        Rated power of the modules over the capacity of the inverters.
    gamma_pdc : array
        Temperature coefficient of the power. [°C⁻¹]
    losses : array
        Share lost to wiring, mismatch, age and shading.

    See Also
    --------
    pv_power, energyforecast.PVPlant

    Examples
    --------
    >>> PVSystem(surface_tilt=35.0, surface_azimuth=180.0).dc_ac_ratio
    1.2
    """

    surface_tilt: Number
    surface_azimuth: Number
    bifaciality: Number = 0.0
    gcr: Number = 0.4
    dc_ac_ratio: Number = 1.2
    gamma_pdc: Number = -0.0035
    losses: Number = 0.10

    def __post_init__(self) -> None:
        check_quantities(vars(self), hints=get_annotations(PVSystem), of="PVSystem")


@physical
def cell_temperature(poa_global: Number, temp_air: Number, wind_speed: Number) -> Array:
    r"""Temperature of the cells of modules on an open rack, by the Sandia array performance model. [°C]

    .. math:: T_\mathrm{cell} = T_\mathrm{air} + G \, e^{a + b w} + \frac{G}{1000 \, \mathrm{W \, m^{-2}}} \Delta T

    with :math:`a = -3.56`, :math:`b = -0.075` and :math:`\Delta T = 3` °C for glass and polymer.

    Parameters
    ----------
    poa_global : array
        Irradiance :math:`G` on the modules. [W m⁻²]
    temp_air : array
        Air temperature. [°C]
    wind_speed : array
        Wind speed :math:`w` 10 m above ground. [m s⁻¹]

    Returns
    -------
    array
        [°C]

    See Also
    --------
    plane_of_array, ac_power

    References
    ----------
    King et al. (2004), https://doi.org/10.2172/919131.

    Examples
    --------
    >>> round(float(cell_temperature(1000.0, 20.0, 0.0)), 1)  # 20 + 1000 exp(-3.56) + 3
    51.4
    """
    from pvlib import temperature

    return np.asarray(
        temperature.sapm_cell(poa_global, np.asarray(temp_air), np.asarray(wind_speed), **_SAPM)
    )


@physical
def ac_power(
    effective: Number,
    *,
    temp_cell: Number = 25.0,
    dc_ac_ratio: Number = 1.2,
    gamma_pdc: Number = -0.0035,
    losses: Number = 0.10,
) -> Array:
    r"""AC power of a plant from the light in its cells: PVWatts, limited by the inverters.

    .. math::
        P_\mathrm{dc} &= r (1 - L) \, \frac{E}{1000 \, \mathrm{W \, m^{-2}}} \,
            \bigl(1 + \gamma (T_\mathrm{cell} - 25)\bigr) \\
        P_\mathrm{ac} &= \min\bigl(\eta(\zeta) P_\mathrm{dc},\, 1\bigr),
            \qquad \zeta = \eta_\mathrm{nom} P_\mathrm{dc} \\
        \eta(\zeta) &= \frac{\eta_\mathrm{nom}}{0.9637}
            \left(0.9858 - 0.0162 \, \zeta - \frac{0.0059}{\zeta}\right), \qquad \eta_\mathrm{nom} = 0.98

    in units of the inverters' capacity.

    Parameters
    ----------
    effective : array
        Irradiance :math:`E` that reaches the cells. [W m⁻²]
    temp_cell : array
        Temperature of the cells; the modules are rated at 25 °C. [°C]
    dc_ac_ratio : array
        Rated power of the modules over the capacity of the inverters, :math:`r`.
    gamma_pdc : array
        Temperature coefficient :math:`\gamma` of the power. [°C⁻¹]
    losses : array
        Share :math:`L` lost to wiring, mismatch, age and shading: PVWatts' 14 % less its soiling and outages.

    Returns
    -------
    array
        As a share of the inverters' capacity, 0 to 1.

    See Also
    --------
    pv_power, cell_temperature

    References
    ----------
    Dobos (2014), PVWatts Version 5 Manual, https://doi.org/10.2172/1158421.

    Examples
    --------
    >>> ac_power(np.array([0.0, 500.0, 1000.0])).round(2).tolist()
    [0.0, 0.53, 1.0]
    """
    from pvlib import inverter, pvsystem

    rated = np.asarray(dc_ac_ratio) * (1.0 - np.asarray(losses))
    dc = np.asarray(pvsystem.pvwatts_dc(np.asarray(effective), temp_cell, rated, gamma_pdc))
    return np.asarray(inverter.pvwatts(dc, 1.0 / _INVERTER, eta_inv_nom=_INVERTER))


@physical
def pv_power(
    irradiance: Irradiance,
    position: SolarPosition,
    *,
    system: PVSystem,
    temp_air: Number,
    wind_speed: Number,
    albedo: Number = 0.2,
    soiling: Number = 0.0,
    snow: Number = 0.0,
) -> Array:
    r"""Power of a PV plant from the weather: transposition, cell temperature, modules and inverters.

    .. math:: P = P_\mathrm{ac}\bigl(E', T_\mathrm{cell}(G')\bigr), \qquad (E', G') = (1 - s)(1 - n) (E, G)

    with the effective irradiance :math:`E` and the irradiance :math:`G` of :func:`plane_of_array`, the shares
    :math:`s` and :math:`n` lost to soiling and snow, :math:`T_\mathrm{cell}` of :func:`cell_temperature` and
    :math:`P_\mathrm{ac}` of :func:`ac_power`.

    Parameters
    ----------
    irradiance : Irradiance
        Means over each interval; of global irradiance alone, ``decompose(ghi, position)``. [W m⁻²]
    position : SolarPosition
        In the middle of each interval.
    system : PVSystem
        Modules and inverters.
    temp_air : array
        Air temperature. [°C]
    wind_speed : array
        Wind speed 10 m above ground. [m s⁻¹]
    albedo : array
        Share of light that the ground reflects.
    soiling, snow : array
        Shares of the light lost to dirt and to snow.

    Returns
    -------
    array
        As a share of the plant's capacity, 0 to 1; NaN where any input is missing.

    See Also
    --------
    decompose, plane_of_array, cell_temperature, ac_power, tracker_orientation, energyforecast.PVPlant

    References
    ----------
    Those of :func:`decompose`, :func:`plane_of_array`, :func:`cell_temperature` and :func:`ac_power`.

    Examples
    --------
    >>> from energyforecast.physics import decompose, solar_position
    >>> noon = solar_position(np.datetime64("2024-03-20T12:07"), 45.0, 0.0)
    >>> system = PVSystem(surface_tilt=35.0, surface_azimuth=180.0)
    >>> sky = decompose(np.array([0.0, 200.0, 700.0, np.nan]), noon)
    >>> pv_power(sky, noon, system=system, temp_air=10.0, wind_speed=3.0).round(2).tolist()
    [0.0, 0.19, 0.97, nan]
    """
    plane = plane_of_array(
        irradiance,
        position,
        surface_tilt=system.surface_tilt,
        surface_azimuth=system.surface_azimuth,
        albedo=albedo,
        bifaciality=system.bifaciality,
        gcr=system.gcr,
    )
    clean = (1.0 - np.asarray(soiling)) * (1.0 - np.asarray(snow))
    return ac_power(
        plane.effective * clean,
        temp_cell=cell_temperature(plane.poa_global * clean, temp_air, wind_speed),
        dc_ac_ratio=system.dc_ac_ratio,
        gamma_pdc=system.gamma_pdc,
        losses=system.losses,
    )
