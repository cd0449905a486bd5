"""Types and rules that all of the package shares."""

from energyforecast.core import quantiles

__all__ = ["quantiles"]
