"""Default features for each kind of site, and the features that a reference forecast needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from energyforecast.errors import SchemaError
from energyforecast.features.calendar import DayOfYear, LeadTime, LocalHour, WeatherAge, Weekday
from energyforecast.features.declaration import Feature, FeatureSet
from energyforecast.features.lags import Lag, NewestObservation
from energyforecast.features.solar import (
    ClearSky,
    ClearSkyPersistence,
    IntervalMean,
    Irradiance,
    PVChainPower,
    SunPosition,
)
from energyforecast.features.wind import AirMass, WindDirection, WindSpeed
from energyforecast.sites import PVPlant, Site, WindFarm

__all__ = ["features_giving", "recipe"]

# Chosen by cross-validation inside 2014 at La Haute Borne: with a year of data or less, the day of the
# year memorises single weather episodes and makes forecasts worse, so it is not among them.
_WIND: Final = FeatureSet((WindSpeed(), WindDirection(), AirMass(), LocalHour(), WeatherAge(), LeadTime()))

_SOLAR: Final = FeatureSet(
    (
        Irradiance(),
        Irradiance("dni", hours=(0,)),
        Irradiance("dhi", hours=(0,)),
        PVChainPower(),
        SunPosition(),
        ClearSky(),
        IntervalMean("cloud_cover"),
        IntervalMean("temp_air"),
        WeatherAge(),
        LeadTime(),
    )
)


def recipe(site: Site) -> FeatureSet:
    """Default features for a site, by its type.

    Parameters
    ----------
    site : Site
        A wind farm or a PV plant; other kinds have no recipe yet and need features of the user's choice.

    Raises
    ------
    SchemaError
        If there is no recipe for this kind of site.

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
    >>> recipe(farm).names[:2]
    ['WindSpeed', 'WindDirection']
    """
    if isinstance(site, WindFarm):
        return _WIND
    if isinstance(site, PVPlant):
        return _SOLAR
    raise SchemaError(
        f"There is no recipe for {type(site).__name__} {site.name!r}.",
        "Recipes exist for WindFarm and PVPlant.",
        "Choose features: Forecaster(site, task, features=FeatureSet((LocalHour(), DayOfYear(), ...))).",
    )


def _calendar(column: str) -> Feature | None:
    known: dict[str, Feature] = {"hour": LocalHour(), "weekday": Weekday(), "lead_time": LeadTime()}
    known |= {"season_cosine": DayOfYear(), "season_sine": DayOfYear(), "newest": NewestObservation()}
    known |= dict.fromkeys(("smart_persistence", "clear_sky_power"), ClearSkyPersistence())
    return known.get(column)


def features_giving(columns: Iterable[str]) -> FeatureSet:
    """The built-in features that give certain columns, for models that name what they need.

    Examples
    --------
    >>> features_giving(["hour", "lag_168h"])
    FeatureSet(LocalHour, lag_168h)
    """
    found: dict[str, Feature] = {}
    for column in columns:
        item = (
            Lag(column.removeprefix("lag_"), step="24h") if column.startswith("lag_") else _calendar(column)
        )
        if item is None:
            raise SchemaError(
                f"No built-in feature gives the column {column!r}.",
                "There are hour, weekday, lead_time, season_cosine, season_sine, newest, smart_persistence, "
                "clear_sky_power and lag_<length>.",
                "Give the forecaster features=... that hold it.",
            )
        found[item.name] = item
    return FeatureSet(tuple(found.values()))
