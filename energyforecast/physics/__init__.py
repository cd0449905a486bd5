"""Pure functions on arrays: no pandas, no files, no time. They import nothing of the library."""

from energyforecast.physics.solar import (
    Irradiance,
    PlaneOfArray,
    SolarPosition,
    ac_power,
    clear_sky,
    clear_sky_index,
    decompose,
    is_dark,
    plane_of_array,
    pv_power,
    rear_irradiance,
    solar_position,
    tracker_orientation,
)
from energyforecast.physics.wind import (
    air_density,
    density_corrected_wind_speed,
    wind_components,
    wind_from_components,
)

__all__ = [
    "Irradiance",
    "PlaneOfArray",
    "SolarPosition",
    "ac_power",
    "air_density",
    "clear_sky",
    "clear_sky_index",
    "decompose",
    "density_corrected_wind_speed",
    "is_dark",
    "plane_of_array",
    "pv_power",
    "rear_irradiance",
    "solar_position",
    "tracker_orientation",
    "wind_components",
    "wind_from_components",
]
