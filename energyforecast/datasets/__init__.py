"""Embedded real data, and synthetic sites with known truth."""

from energyforecast.datasets.la_haute_borne import la_haute_borne
from energyforecast.datasets.synthetic.almaty import almaty
from energyforecast.datasets.synthetic.almaty_region import almaty_region
from energyforecast.datasets.synthetic.city import city
from energyforecast.datasets.synthetic.households import households
from energyforecast.datasets.synthetic.pv_plants import kapshagay, nur_navoi
from energyforecast.datasets.synthetic.shelek import shelek
from energyforecast.datasets.synthetic.synthetic_consumers import SyntheticConsumers
from energyforecast.datasets.synthetic.synthetic_site import Statistic, SyntheticSite
from energyforecast.datasets.synthetic.works import works

__all__ = [
    "Statistic",
    "SyntheticConsumers",
    "SyntheticSite",
    "almaty",
    "almaty_region",
    "city",
    "households",
    "kapshagay",
    "la_haute_borne",
    "nur_navoi",
    "shelek",
    "works",
]
