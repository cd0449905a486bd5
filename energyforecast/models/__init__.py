"""Quantile models: ``fit(X, y)`` and ``predict(X)``; they know neither weather nor time."""

from energyforecast.models.base import QuantileModel
from energyforecast.models.blend import Blend
from energyforecast.models.cold_start import ColdStart
from energyforecast.models.conformal import ConformalQuantiles
from energyforecast.models.demand_response import DemandResponse
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.linear import LinearQuantiles
from energyforecast.models.references import (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SeasonalClimatology,
    SeasonalNaive,
    SmartPersistence,
)

__all__ = [
    "Blend",
    "Climatology",
    "ColdStart",
    "ConformalQuantiles",
    "ConvexCombination",
    "DemandResponse",
    "LightGBMQuantiles",
    "LinearQuantiles",
    "Persistence",
    "PowerCurveReference",
    "QuantileModel",
    "SeasonalClimatology",
    "SeasonalNaive",
    "SmartPersistence",
]
