"""One page that says what forecasts are worth: opens offline, on a phone, in print, by keyboard."""

from energyforecast.report.page import write

__all__ = ["write"]
