"""Validation of weather, once, where it enters."""

from energyforecast.core.weather_schema import ValidatedWeather, validated

__all__ = ["ValidatedWeather", "validated"]
