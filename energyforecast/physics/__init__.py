"""Pure functions on arrays: no pandas, no files, no time. They import nothing of the library."""

from energyforecast.physics.turbines import (
    curve_power,
    ideal_turbine_power,
    smoothed_curve_power,
    turbines_running,
    wake_factor,
)
from energyforecast.physics.wind import (
    air_density,
    density_corrected_wind_speed,
    icing_conditions,
    shear_exponent,
    wind_components,
    wind_from_components,
    wind_speed_between_heights,
    wind_speed_log_law,
    wind_speed_power_law,
    wind_veer,
)

__all__ = [
    "air_density",
    "curve_power",
    "density_corrected_wind_speed",
    "icing_conditions",
    "ideal_turbine_power",
    "shear_exponent",
    "smoothed_curve_power",
    "turbines_running",
    "wake_factor",
    "wind_components",
    "wind_from_components",
    "wind_speed_between_heights",
    "wind_speed_log_law",
    "wind_speed_power_law",
    "wind_veer",
]
