"""Embedded real data."""

from energyforecast.datasets.la_haute_borne import la_haute_borne

__all__ = ["la_haute_borne"]
