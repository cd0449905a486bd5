"""Embedded real data, and synthetic worlds with known truth."""

from energyforecast.datasets.almaty import almaty
from energyforecast.datasets.la_haute_borne import la_haute_borne
from energyforecast.datasets.photovoltaics import kapshagay, nur_navoi
from energyforecast.datasets.shelek import shelek
from energyforecast.datasets.worlds import Statistic, World

__all__ = ["Statistic", "World", "almaty", "kapshagay", "la_haute_borne", "nur_navoi", "shelek"]
