"""Embedded real data, and readers of public file forms."""

from energyforecast.datasets.la_haute_borne import la_haute_borne
from energyforecast.datasets.shelek_scada import ShelekScada, read_shelek_scada

__all__ = ["ShelekScada", "la_haute_borne", "read_shelek_scada"]
