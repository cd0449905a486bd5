"""Quantile models on a table of features: ``fit(X, y)`` and ``predict(X)``."""

from energyforecast.models.base import FitsOutOfFold, PoolsMembers, QuantileModel
from energyforecast.models.blend import Blend
from energyforecast.models.climatology import Climatology, SeasonalClimatology
from energyforecast.models.cold_start import ColdStart
from energyforecast.models.conformal import ConformalQuantiles
from energyforecast.models.day_profile import DayProfile
from energyforecast.models.day_references import SameTypeDay, SeasonalNaive
from energyforecast.models.demand_response import DemandResponse
from energyforecast.models.kernel_quantiles import KernelQuantiles
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.linear import LinearQuantiles
from energyforecast.models.profile_start import ProfileStart
from energyforecast.models.references import (
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SmartPersistence,
)
from energyforecast.models.selected_model import SelectedModel

__all__ = [
    "Blend",
    "Climatology",
    "ColdStart",
    "ConformalQuantiles",
    "ConvexCombination",
    "DayProfile",
    "DemandResponse",
    "FitsOutOfFold",
    "KernelQuantiles",
    "LightGBMQuantiles",
    "LinearQuantiles",
    "Persistence",
    "PoolsMembers",
    "PowerCurveReference",
    "ProfileStart",
    "QuantileModel",
    "SameTypeDay",
    "SeasonalClimatology",
    "SeasonalNaive",
    "SelectedModel",
    "SmartPersistence",
]
