"""Declarative features; each sees a Snapshot, never an archive."""

from energyforecast.features.calendar import (
    DayOfYear,
    HourOfWeek,
    LeadTime,
    LocalHour,
    RunLeadTime,
    WeatherAge,
    Weekday,
)
from energyforecast.features.cold_start import ColdStartPower
from energyforecast.features.declaration import Feature, FeatureSet, FunctionFeature, Needs, feature
from energyforecast.features.demand import ApparentTemperature, Daylight, DayType, Temperature
from energyforecast.features.lags import Lag, LagMean, NewestObservation, RecentLevel
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
from energyforecast.features.statics import SiteStatics
from energyforecast.features.wind import (
    AirMass,
    EnsembleSpread,
    HubWind,
    NeighbourWind,
    NeighbourWindComponents,
    NewestWind,
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
    "ApparentTemperature",
    "ClearSky",
    "ClearSkyPersistence",
    "ColdStartPower",
    "DayOfYear",
    "DayType",
    "Daylight",
    "EnsembleSpread",
    "Feature",
    "FeatureSet",
    "FunctionFeature",
    "HourOfWeek",
    "HubWind",
    "IntervalMean",
    "Irradiance",
    "Lag",
    "LagMean",
    "LeadTime",
    "LocalHour",
    "Needs",
    "NeighbourIrradiance",
    "NeighbourWind",
    "NeighbourWindComponents",
    "NewestObservation",
    "NewestWind",
    "PVChainPower",
    "PowerCurvePower",
    "RecentLevel",
    "RunLeadTime",
    "SiteStatics",
    "SunPosition",
    "Temperature",
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
