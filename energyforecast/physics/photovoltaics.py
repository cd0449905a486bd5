"""Power of photovoltaic plants: cell temperature, modules and inverters, by pvlib's functions on arrays.

The chain from the weather to the power::

    system = PVSystem(surface_tilt=35.0, surface_azimuth=180.0)
    power = pv_power(decompose(ghi, position), position, system=system, temp_air=..., wind_speed=...)

Arrays are broadcast against each other; missing input gives missing output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from energyforecast.errors import SchemaError
from energyforecast.physics.arguments import physical
from energyforecast.physics.pv_system import PVSystem, cell_temperature
from energyforecast.physics.solar import Array, Irradiance, Number, SolarPosition
from energyforecast.physics.transposition import plane_of_system

__all__ = ["ac_power", "pv_power"]

#: Efficiency of an inverter at its rated power.
_INVERTER: Final = 0.98


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
    from pvlib import pvsystem

    rated = np.asarray(dc_ac_ratio) * (1.0 - np.asarray(losses))
    return _inverted(np.asarray(pvsystem.pvwatts_dc(np.asarray(effective), temp_cell, rated, gamma_pdc)))


def _inverted(dc: Array) -> Array:
    """AC power of an inverter from that of its modules, both as shares of its capacity."""
    from pvlib import inverter

    return np.asarray(inverter.pvwatts(dc, 1.0 / _INVERTER, eta_inv_nom=_INVERTER))


@physical
def pv_power(
    irradiance: Irradiance,
    position: SolarPosition,
    *,
    system: PVSystem | Sequence[PVSystem],
    temp_air: Number | None,
    wind_speed: Number | None = None,
    albedo: Number = 0.2,
    soiling: Number = 0.0,
    snow: Number = 0.0,
) -> Array:
    r"""Power of an inverter from the weather: transposition, cell temperature, modules, inverter.

    .. math::
        P = \min\Bigl(\eta \sum_i P_{\mathrm{dc},i}\bigl(E_i', T_\mathrm{cell}(G_i')\bigr),\, 1\Bigr), \qquad
        (E_i', G_i') = (1 - s)(1 - n) (E_i, G_i)

    with the effective irradiance :math:`E_i` and the irradiance :math:`G_i` of :func:`plane_of_array` on each
    array, the shares :math:`s` and :math:`n` lost to soiling and snow, :math:`T_\mathrm{cell}` of
    :func:`cell_temperature`, :math:`P_\mathrm{dc}` and the efficiency :math:`\eta` of :func:`ac_power`.

    Parameters
    ----------
    irradiance : Irradiance
        Means over each interval; of global irradiance alone, ``decompose(ghi, position)``. [W m⁻²]
    position : SolarPosition
        In the middle of each interval.
    system : PVSystem or sequence of PVSystem
        Modules of the inverter; of several arrays, each with its rated power over the capacity of the inverter.
    temp_air : array or None
        Air temperature; cells at 25 °C if None. [°C]
    wind_speed : array, optional
        Wind speed 10 m above ground, needed with an air temperature. [m s⁻¹]
    albedo : array
        Share of light that the ground reflects.
    soiling, snow : array
        Shares of the light lost to dirt and to snow.

    Returns
    -------
    array
        As a share of the inverter's capacity, 0 to 1; NaN where any input is missing.

    Raises
    ------
    SchemaError
        If there is an air temperature and no wind, or no system.

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
    >>> roof = [PVSystem(surface_tilt=20.0, surface_azimuth=side, dc_ac_ratio=0.6) for side in (90.0, 270.0)]
    >>> pv_power(sky, noon, system=roof, temp_air=10.0, wind_speed=3.0).round(2).tolist()
    [0.0, 0.2, 0.68, nan]
    """
    from pvlib import pvsystem

    several = tuple(system) if isinstance(system, Sequence) else (system,)
    if not several or (temp_air is not None and wind_speed is None):
        raise SchemaError(
            f"The power of {len(several)} systems is asked for with {'no' if wind_speed is None else 'a'} wind speed.",
            "There must be one system at least, and wind with the air temperature: it cools the cells.",
            "Give both, or temp_air=None for cells at 25 °C.",
        )
    clean = (1.0 - np.asarray(soiling)) * (1.0 - np.asarray(snow))
    dc: Array | float = 0.0
    for one in several:
        plane = plane_of_system(irradiance, position, system=one, albedo=albedo)
        cell: Number = 25.0
        if temp_air is not None and wind_speed is not None:
            light = plane.poa_global * clean
            cell = cell_temperature(light, temp_air, wind_speed, model=one.temperature_model)
        rated = np.asarray(one.dc_ac_ratio) * (1.0 - np.asarray(one.losses))
        dc = dc + pvsystem.pvwatts_dc(plane.effective * clean, cell, rated, one.gamma_pdc)
    return _inverted(np.asarray(dc))
