"""Steps of a run that read its data."""

from __future__ import annotations

from energyforecast.operations.issuing import Inputs
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_steps import Run

__all__ = ["read_measurements", "read_weather"]


def read_weather(run: Run) -> StepOutcome:
    """Read the weather of the sites."""
    weather = run.settings.weather()
    run.inputs = Inputs(weather, run.inputs.observations)
    if weather is None:
        return StepOutcome("weather", "skipped", "The configuration has no weather.")
    return StepOutcome("weather", "good")


def read_measurements(run: Run) -> StepOutcome:
    """Read the measurements of the sites."""
    power = run.settings.observations()
    run.inputs = Inputs(run.inputs.weather, power)
    return StepOutcome("measurements", "good", f"Newest of {power.index[-1]:%Y-%m-%d %H:%M} UTC.")
