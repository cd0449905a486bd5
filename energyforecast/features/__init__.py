"""Declarative features, computed from a Snapshot, never from an archive."""

from energyforecast.features.base import Feature, FunctionFeature, feature
from energyforecast.features.calendar import (
    DayOfYear,
    HourOfWeek,
    LeadTime,
    LocalHour,
    RunLeadTime,
    WeatherAge,
    Weekday,
    Weekend,
)
from energyforecast.features.day_class import DayClass, SameTypeLag
from energyforecast.features.defaults import features_giving, recipe
from energyforecast.features.demand import (
    ApparentTemperature,
    Daylight,
    DaysOff,
    DayType,
    HalfDays,
    SchoolHolidays,
    Temperature,
)
from energyforecast.features.embedded import EmbeddedPower
from energyforecast.features.feature_set import FeatureSet, Needs
from energyforecast.features.lags import Lag, LagMean, NewestDayMean, NewestObservation, RecentLevel
from energyforecast.features.neighbours import NeighbourIrradiance, NeighbourWind, NeighbourWindComponents
from energyforecast.features.newest import CurveError, DecayingNewest, NewestChange, NewestWind
from energyforecast.features.newest_departures import NewestDepartures
from energyforecast.features.physical_power import ColdStartPower
from energyforecast.features.planned import Planned
from energyforecast.features.pv_chain import PVChainPower
from energyforecast.features.site import SiteStatics
from energyforecast.features.solar import (
    ClearSky,
    ClearSkyPersistence,
    ClearSkyPower,
    IntervalMean,
    Irradiance,
    NewestClearSkyShare,
    SunPosition,
)
from energyforecast.features.standard_profile import StandardLoadProfile
from energyforecast.features.wind import (
    EnsembleSpread,
    WindDirection,
    WindShear,
    WindSpeed,
    WindTrend,
    WindVariability,
    WindVeer,
)
from energyforecast.features.wind_power import AirMass, HubWind, PowerCurvePower

__all__ = [
    "AirMass",
    "ApparentTemperature",
    "ClearSky",
    "ClearSkyPersistence",
    "ClearSkyPower",
    "ColdStartPower",
    "CurveError",
    "DayClass",
    "DayOfYear",
    "DayType",
    "Daylight",
    "DaysOff",
    "DecayingNewest",
    "EmbeddedPower",
    "EnsembleSpread",
    "Feature",
    "FeatureSet",
    "FunctionFeature",
    "HalfDays",
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
    "NewestChange",
    "NewestClearSkyShare",
    "NewestDayMean",
    "NewestDepartures",
    "NewestObservation",
    "NewestWind",
    "PVChainPower",
    "Planned",
    "PowerCurvePower",
    "RecentLevel",
    "RunLeadTime",
    "SameTypeLag",
    "SchoolHolidays",
    "SiteStatics",
    "StandardLoadProfile",
    "SunPosition",
    "Temperature",
    "WeatherAge",
    "Weekday",
    "Weekend",
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
