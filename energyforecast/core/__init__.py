"""Types and rules that all of the package shares."""

from energyforecast.core import alignment, settlement

__all__ = ["alignment", "settlement"]
