"""Embedded real data, and synthetic worlds with known truth."""

from energyforecast.datasets.la_haute_borne import la_haute_borne
from energyforecast.datasets.shelek import shelek
from energyforecast.datasets.worlds import Statistic, World

__all__ = ["Statistic", "World", "la_haute_borne", "shelek"]
