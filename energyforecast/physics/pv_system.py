"""Modules with their orientation, and the inverter that they feed."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import get_annotations
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from energyforecast.errors import RangeError, one_of
from energyforecast.physics.arguments import check_quantities, physical
from energyforecast.physics.solar import Array, Number

__all__ = ["PVSystem", "TemperatureModel", "Transposition", "cell_temperature"]

Transposition: TypeAlias = Literal["haydavies", "perez", "perez-driesse"]
TemperatureModel: TypeAlias = Literal[
    "sapm",
    "sapm_close_mount",
    "sapm_insulated_back",
    "pvsyst",
    "pvsyst_semi_integrated",
    "pvsyst_insulated",
    "faiman",
]
#: Function of pvlib and its set of constants by temperature model.
_TEMPERATURE: Final[dict[str, tuple[str, str, str]]] = {
    "sapm": ("sapm_cell", "sapm", "open_rack_glass_polymer"),
    "sapm_close_mount": ("sapm_cell", "sapm", "close_mount_glass_glass"),
    "sapm_insulated_back": ("sapm_cell", "sapm", "insulated_back_glass_polymer"),
    "pvsyst": ("pvsyst_cell", "pvsyst", "freestanding"),
    "pvsyst_semi_integrated": ("pvsyst_cell", "pvsyst", "semi_integrated"),
    "pvsyst_insulated": ("pvsyst_cell", "pvsyst", "insulated"),
    "faiman": ("faiman", "", ""),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class PVSystem:
    """Modules with their orientation, and the inverter of a PV plant.

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
        Rated power of the modules over the capacity of the inverter.
    gamma_pdc : array
        Temperature coefficient of the power. [°C⁻¹]
    losses : array
        Share lost to wiring, mismatch, age and shading.
    transposition : {"haydavies", "perez", "perez-driesse"}
        Model of the sky, by pvlib's name.
    temperature_model : {"sapm", "sapm_close_mount", "sapm_insulated_back", "pvsyst", "pvsyst_semi_integrated", \
"pvsyst_insulated", "faiman"}
        Model of the cells, with its constants for the mounting.
    row_shading : bool
        Rows shade each other, by :func:`row_shading`.

    Raises
    ------
    RangeError, SchemaError
        If a value is out of its range or of another type, or a model is unknown.

    See Also
    --------
    pv_power, energyforecast.PVPlant, energyforecast.PVArray

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
    transposition: Transposition = "haydavies"
    temperature_model: TemperatureModel = "sapm"
    row_shading: bool = False

    def __post_init__(self) -> None:
        one_of("transposition", self.transposition, allowed=get_args(Transposition), error=RangeError)
        one_of("temperature_model", self.temperature_model, allowed=_TEMPERATURE, error=RangeError)
        ready = check_quantities(vars(self), hints=get_annotations(PVSystem), of="PVSystem")
        for name, value in ready.items():
            object.__setattr__(self, name, value)


@physical
def cell_temperature(
    poa_global: Number, temp_air: Number, wind_speed: Number, *, model: TemperatureModel = "sapm"
) -> Array:
    r"""Temperature of the cells, by the model of Sandia (SAPM), PVsyst or Faiman. [°C]

    .. math::
        T_\mathrm{cell} &= T_\mathrm{air} + G \, e^{a + b w} + \frac{G}{1000 \, \mathrm{W \, m^{-2}}} \Delta T
            && \text{SAPM} \\
        T_\mathrm{cell} &= T_\mathrm{air} + \frac{0.9 \, (1 - 0.1) \, G}{U_c + U_v w} && \text{PVsyst} \\
        T_\mathrm{cell} &= T_\mathrm{air} + \frac{G}{25 + 6.84 \, w} && \text{Faiman}

    with pvlib's constants: :math:`(a, b, \Delta T)` = (-3.56, -0.075, 3) for an open rack, (-2.98, -0.0471, 1)
    mounted close to a roof, (-2.81, -0.0455, 0) with an insulated back; :math:`U_v = 0` and :math:`U_c` = 29
    freestanding, 20 semi-integrated, 15 with an insulated back.

    Parameters
    ----------
    poa_global : array
        Irradiance :math:`G` on the modules. [W m⁻²]
    temp_air : array
        Air temperature. [°C]
    wind_speed : array
        Wind speed :math:`w` 10 m above ground. [m s⁻¹]
    model : str
        As ``temperature_model`` of :class:`PVSystem`.

    Returns
    -------
    array
        [°C]

    Raises
    ------
    RangeError
        If the model is unknown.

    See Also
    --------
    plane_of_array, ac_power

    References
    ----------
    SAPM: King et al. (2004), https://doi.org/10.2172/919131. Faiman (2008), https://doi.org/10.1002/pip.813.

    Examples
    --------
    >>> round(float(cell_temperature(1000.0, 20.0, 0.0)), 1)  # 20 + 1000 exp(-3.56) + 3
    51.4
    >>> round(float(cell_temperature(1000.0, 20.0, 0.0, model="pvsyst")), 1)  # 20 + 0.81 × 1000 / 29
    47.9
    >>> float(cell_temperature(1000.0, 20.0, 0.0, model="faiman"))  # 20 + 1000 / 25
    60.0
    """
    from pvlib import temperature

    one_of("model", model, allowed=_TEMPERATURE, error=RangeError)
    function, family, mounting = _TEMPERATURE[model]
    constants = temperature.TEMPERATURE_MODEL_PARAMETERS[family][mounting] if family else {}
    given = (poa_global, np.asarray(temp_air), np.asarray(wind_speed))
    return np.asarray(getattr(temperature, function)(*given, **constants))
