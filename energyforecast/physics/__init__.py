"""Pure functions on arrays: no pandas, no files, no time. They import nothing of the library."""

from energyforecast.physics.demand import (
    apparent_temperature,
    cooling_degrees,
    day_length,
    daylight_share,
    equation_of_time,
    heating_degrees,
    hour_after_sunset,
    solar_hour,
    thermal_inertia,
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
    "apparent_temperature",
    "cooling_degrees",
    "day_length",
    "daylight_share",
    "density_corrected_wind_speed",
    "equation_of_time",
    "heating_degrees",
    "hour_after_sunset",
    "solar_hour",
    "thermal_inertia",
    "wind_components",
    "wind_from_components",
]
