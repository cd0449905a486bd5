"""Figures. Matplotlib is imported where it is used; every function returns a Figure and shows nothing."""

from energyforecast.plotting.forecasts import (
    error_by_hour_and_month,
    fan_chart,
    pit,
    reliability,
    skill_by_lead,
)
from energyforecast.plotting.plans import costs, dispatch, ramps, reserve, scenarios, storage
from energyforecast.plotting.style import save

__all__ = [
    "costs",
    "dispatch",
    "error_by_hour_and_month",
    "fan_chart",
    "pit",
    "ramps",
    "reliability",
    "reserve",
    "save",
    "scenarios",
    "skill_by_lead",
    "storage",
]
