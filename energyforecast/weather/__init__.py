"""Sources of weather; each ends in :func:`energyforecast.checks.check_weather`."""

from energyforecast.weather.files import read, write
from energyforecast.weather.scenarios import known_by, measured_temperature, temperature_scenarios

__all__ = ["known_by", "measured_temperature", "read", "temperature_scenarios", "write"]
