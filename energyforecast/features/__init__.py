"""Declarative features; each sees a Snapshot, never an archive."""

from energyforecast.features.calendar import DayOfYear, HourOfWeek, LeadTime, LocalHour, WeatherAge, Weekday
from energyforecast.features.declaration import Feature, FeatureSet, FunctionFeature, Needs, feature
from energyforecast.features.demand import ApparentTemperature, Daylight, DayType, Temperature
from energyforecast.features.lags import Lag, LagMean, NewestObservation
from energyforecast.features.recipes import features_giving, recipe
from energyforecast.features.wind import AirMass, WindDirection, WindSpeed, WindVariability

__all__ = [
    "AirMass",
    "ApparentTemperature",
    "DayOfYear",
    "DayType",
    "Daylight",
    "Feature",
    "FeatureSet",
    "FunctionFeature",
    "HourOfWeek",
    "Lag",
    "LagMean",
    "LeadTime",
    "LocalHour",
    "Needs",
    "NewestObservation",
    "Temperature",
    "WeatherAge",
    "Weekday",
    "WindDirection",
    "WindSpeed",
    "WindVariability",
    "feature",
    "features_giving",
    "recipe",
]
