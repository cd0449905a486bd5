"""Declarative features; each sees a Snapshot, never an archive."""

from energyforecast.features.calendar import DayOfYear, LeadTime, LocalHour, WeatherAge, Weekday
from energyforecast.features.declaration import Feature, FeatureSet, FunctionFeature, Needs, feature
from energyforecast.features.lags import Lag, NewestObservation
from energyforecast.features.recipes import features_giving, recipe
from energyforecast.features.wind import (
    AirMass,
    EnsembleSpread,
    HubWind,
    NeighbourWind,
    PowerCurvePower,
    WindDirection,
    WindShear,
    WindSpeed,
    WindTrend,
    WindVariability,
    WindVeer,
)

__all__ = [
    "AirMass",
    "DayOfYear",
    "EnsembleSpread",
    "Feature",
    "FeatureSet",
    "FunctionFeature",
    "HubWind",
    "Lag",
    "LeadTime",
    "LocalHour",
    "Needs",
    "NeighbourWind",
    "NewestObservation",
    "PowerCurvePower",
    "WeatherAge",
    "Weekday",
    "WindDirection",
    "WindShear",
    "WindSpeed",
    "WindTrend",
    "WindVariability",
    "WindVeer",
    "feature",
    "features_giving",
    "recipe",
]
