"""Embedded real data, synthetic worlds with known truth, and readers of public file forms."""

from energyforecast.datasets.almaty import almaty
from energyforecast.datasets.almaty_region import almaty_region
from energyforecast.datasets.competition_data import CompetitionData
from energyforecast.datasets.gefcom2012 import read_gefcom2012_wind
from energyforecast.datasets.gefcom2014 import read_gefcom2014_solar, read_gefcom2014_wind
from energyforecast.datasets.gefcom2014_load import read_gefcom2014_load
from energyforecast.datasets.la_haute_borne import la_haute_borne
from energyforecast.datasets.photovoltaics import kapshagay, nur_navoi
from energyforecast.datasets.shelek import shelek
from energyforecast.datasets.shelek_scada import ShelekScada, read_shelek_scada
from energyforecast.datasets.worlds import Statistic, World

__all__ = [
    "CompetitionData",
    "ShelekScada",
    "Statistic",
    "World",
    "almaty",
    "almaty_region",
    "kapshagay",
    "la_haute_borne",
    "nur_navoi",
    "read_gefcom2012_wind",
    "read_gefcom2014_load",
    "read_gefcom2014_solar",
    "read_gefcom2014_wind",
    "read_shelek_scada",
    "shelek",
]
