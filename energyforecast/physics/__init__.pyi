# The public names, read by type checkers and by lazy_loader.

from .air import (
    air_density as air_density,
    air_density_at_height as air_density_at_height,
    density_corrected_wind_speed as density_corrected_wind_speed,
    icing_conditions as icing_conditions,
    pressure_at_height as pressure_at_height,
    temp_air_at_height as temp_air_at_height,
)
from .decomposition import complete_irradiance as complete_irradiance, decompose as decompose
from .demand import (
    apparent_temperature as apparent_temperature,
    cooling_degrees as cooling_degrees,
    day_length as day_length,
    daylight_share as daylight_share,
    heating_degrees as heating_degrees,
    hour_after_sunset as hour_after_sunset,
    thermal_inertia as thermal_inertia,
)
from .photovoltaics import ac_power as ac_power, pv_power as pv_power
from .pv_system import PVSystem as PVSystem, cell_temperature as cell_temperature
from .shading import (
    RowShading as RowShading,
    behind_horizon as behind_horizon,
    row_shading as row_shading,
    sky_view as sky_view,
)
from .solar import (
    Irradiance as Irradiance,
    SolarPosition as SolarPosition,
    clear_sky as clear_sky,
    clear_sky_index as clear_sky_index,
    is_dark as is_dark,
    solar_hour as solar_hour,
    solar_position as solar_position,
)
from .transposition import (
    PlaneOfArray as PlaneOfArray,
    optimal_tilt as optimal_tilt,
    plane_of_array as plane_of_array,
    rear_irradiance as rear_irradiance,
    tracker_orientation as tracker_orientation,
)
from .turbines import (
    curve_power as curve_power,
    ideal_turbine_power as ideal_turbine_power,
    power_from_coefficient as power_from_coefficient,
    smoothed_curve_power as smoothed_curve_power,
    turbines_running as turbines_running,
)
from .wakes import wake_factor as wake_factor, wake_wind_speed as wake_wind_speed
from .wind import (
    shear_exponent as shear_exponent,
    wind_components as wind_components,
    wind_from_components as wind_from_components,
    wind_speed_between_heights as wind_speed_between_heights,
    wind_speed_log_law as wind_speed_log_law,
    wind_speed_power_law as wind_speed_power_law,
    wind_veer as wind_veer,
)
