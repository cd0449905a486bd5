"""Declarative features; each sees a Snapshot, never an archive."""

from energyforecast.features.calendar import DayOfYear, LeadTime, LocalHour, WeatherAge, Weekday
from energyforecast.features.declaration import Feature, FeatureSet, FunctionFeature, Needs, feature
from energyforecast.features.lags import Lag, NewestObservation
from energyforecast.features.recipes import features_giving, recipe
from energyforecast.features.solar import (
    ClearSky,
    ClearSkyPersistence,
    IntervalMean,
    Irradiance,
    NeighbourIrradiance,
    PVChainPower,
    SunPosition,
)
from energyforecast.features.wind import AirMass, WindDirection, WindSpeed, WindVariability

__all__ = [
    "AirMass",
    "ClearSky",
    "ClearSkyPersistence",
    "DayOfYear",
    "Feature",
    "FeatureSet",
    "FunctionFeature",
    "IntervalMean",
    "Irradiance",
    "Lag",
    "LeadTime",
    "LocalHour",
    "Needs",
    "NeighbourIrradiance",
    "NewestObservation",
    "PVChainPower",
    "SunPosition",
    "WeatherAge",
    "Weekday",
    "WindDirection",
    "WindSpeed",
    "WindVariability",
    "feature",
    "features_giving",
    "recipe",
]
