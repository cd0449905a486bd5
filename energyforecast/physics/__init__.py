"""Pure functions on arrays: no pandas, no files, no time. They import nothing of the library."""

from energyforecast.physics.wind import (
    air_density,
    density_corrected_wind_speed,
    wind_components,
    wind_from_components,
)

__all__ = ["air_density", "density_corrected_wind_speed", "wind_components", "wind_from_components"]
