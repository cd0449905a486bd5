"""Sources of weather; each ends in :func:`energyforecast.checks.check_weather`."""

from energyforecast.weather.files import read, write

__all__ = ["read", "write"]
