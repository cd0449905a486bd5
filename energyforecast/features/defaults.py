"""Default features for each kind of site, and the features of reference forecasts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from energyforecast.core.arguments import check_types, checked
from energyforecast.core.embedded import SOURCES
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import DayAhead, Intraday, MonthAhead, Task
from energyforecast.errors import SchemaError
from energyforecast.features.base import Feature
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
from energyforecast.features.demand import ApparentTemperature, Daylight, DayType, Temperature
from energyforecast.features.embedded import EmbeddedPower
from energyforecast.features.feature_set import FeatureSet
from energyforecast.features.lags import Lag, LagMean, NewestDayMean, NewestObservation, RecentLevel
from energyforecast.features.neighbours import NeighbourWind, NeighbourWindComponents
from energyforecast.features.newest import CurveError, DecayingNewest, NewestChange, NewestWind
from energyforecast.features.newest_departures import NewestDepartures
from energyforecast.features.planned import Planned
from energyforecast.features.pv_chain import PVChainPower
from energyforecast.features.solar import (
    ClearSky,
    ClearSkyPersistence,
    ClearSkyPower,
    IntervalMean,
    Irradiance,
    NewestClearSkyShare,
    SunPosition,
)
from energyforecast.features.wind import EnsembleSpread, WindDirection, WindShear, WindSpeed, WindVeer
from energyforecast.features.wind_power import AirMass, PowerCurvePower

__all__ = ["features_giving", "recipe"]

# Chosen by cross-validation inside 2014 at La Haute Borne: with a year of data or less, the day of the
# year memorises single weather episodes and makes forecasts worse; the default model adds it after one and a half.
_WIND: Final = FeatureSet(
    (
        WindSpeed(),
        WindDirection(),
        WindShear(),
        WindVeer(),
        AirMass(),
        LocalHour(),
        WeatherAge(),
        LeadTime(),
    )
)
# Empty for a single site without an ensemble; chosen on the first months of GEFCom2014, see docs/benchmarks.
_WIND_MORE: Final = (NeighbourWind(), NeighbourWindComponents(), EnsembleSpread())

# Net load is the normal case of a grid point: sun and wind behind the meter, where the weather has them.
_BEHIND_THE_METER: Final = tuple(IntervalMean(name, hours=(-1, 0, 1)) for name in ("ghi", "wind_speed_*m"))

# Chosen on Victoria's demand of 2012 and 2013, see docs/explanation/demand.md.
_PEOPLE: Final = FeatureSet(
    (
        Temperature(),
        ApparentTemperature(),
        DayType(),
        LocalHour(),
        DayOfYear(),
        Daylight(),
        Lag("24h", step="24h"),
        LagMean("168h", 4),
        LagMean("24h", 7),
        NewestDayMean(),
        RecentLevel(),
        Planned(),
        *_BEHIND_THE_METER,
        WeatherAge(),
        LeadTime(),
    )
)
# Shifts follow the hour of the week; maintenance and new consumers show in the level of the last days. Lagged
# observations enter as departures from it: with growth, their levels exceed those of the training data of trees.
_INDUSTRY: Final = FeatureSet(
    (
        Temperature(time_constants=(24,)),
        DayType(),
        HourOfWeek(),
        RecentLevel(holidays=False),
        Planned(holidays=False),
        *_BEHIND_THE_METER,
        LeadTime(),
    )
)
# In the first weeks of a works its level is not known yet.
_FIRST_WEEKS: Final = (
    LocalHour(),
    Lag("24h", step="24h"),
    LagMean("168h", 4),
    LagMean("24h", 7),
    NewestDayMean(),
)
# Where no weather tells of the next day, the demand of the newest days and hours does.
_DEMAND_ALONE: Final = (
    Lag("48h", step="24h"),
    Lag("168h", step="168h"),
    NewestObservation(),
    NewestDepartures(hours=(1, 2, 3, 6)),
)
_DEMAND: Final = {"total": _PEOPLE, "households": _PEOPLE, "industry": _INDUSTRY}

_SOLAR: Final = FeatureSet(
    (
        Irradiance(),
        Irradiance("dni", hours=(0,)),
        Irradiance("dhi", hours=(0,)),
        PVChainPower(hours=(-2, -1, 0, 1, 2)),
        SunPosition(),
        ClearSky(),
        ClearSkyPower(),
        IntervalMean("cloud_cover"),
        IntervalMean("temp_air"),
        # Where available: clouds and haze beyond the irradiance.
        *map(IntervalMean, ("relative_humidity", "precipitation", "longwave_down", "top_net_solar")),
        *map(IntervalMean, ("cloud_water", "cloud_ice", "snow_depth", "albedo")),
        WeatherAge(),
        LeadTime(),
    )
)
# Modules below snow are seen in the power of the newest day; a month later they are free.
_SOLAR_NEXT_DAYS: Final = (NewestClearSkyShare(),)


# Newest values are informative for the next hours only.
_NOW: Final[dict[type[Site], tuple[Feature, ...]]] = {
    WindFarm: (NewestObservation(), NewestChange(), DecayingNewest(), NewestWind(), CurveError()),
    PVPlant: (NewestObservation(), ClearSkyPersistence()),
    DemandArea: (NewestObservation(), NewestDepartures()),
}


def recipe(site: Site, task: Task | None = None, *, weather: Literal["any"] | None = "any") -> FeatureSet:
    """Default features for a site, by its type, and for a task.

    Parameters
    ----------
    site : Site
        A wind farm, a PV plant, or an area by its sector; a plain site needs features of the user's choice.
    task : Task, optional
        An intraday task adds the newest observation: the recipe then needs observations in predict, too. That of
        wind counts the time from it in place of the lead time.
        A month-ahead task replaces the lead time, which would be the day of the month, by that of the run
        of each hour, where the weather has it.
    weather : {"any", None}
        ``None`` leaves out all that needs weather: demand by calendar and lags, and intraday power of plants by its
        newest observation and the sun.

    Raises
    ------
    SchemaError
        If there is no recipe for this kind of site, or none without weather.

    See Also
    --------
    FeatureSet, features_giving

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
    >>> recipe(farm).names[:2]
    ['WindSpeed', 'WindDirection']
    >>> from energyforecast.core.tasks import intraday
    >>> recipe(farm, intraday(every="1h", leads="12h")).names[-2:]
    ['NewestWind', 'CurveError']
    """
    check_types(locals(), of=recipe)
    known = _recipe(site)
    if isinstance(task, MonthAhead):
        lead = (LeadTime().name, WeatherAge().name)
        known = FeatureSet((*(item for item in known if item.name not in lead), RunLeadTime()))
    if isinstance(task, DayAhead) and isinstance(site, PVPlant):
        known += _SOLAR_NEXT_DAYS
    if isinstance(task, DayAhead) and isinstance(site, DemandArea):
        known += [item for item in _FIRST_WEEKS if item.name not in known.names]
    if isinstance(task, Intraday) and isinstance(site, WindFarm):
        # Without newest values a forecast is then that of a longer lead, not one of this lead with values that are old.
        known -= LeadTime().name
    now = (
        next(items for kind, items in _NOW.items() if isinstance(site, kind))
        if isinstance(task, Intraday)
        else ()
    )
    whole = known + [item for item in now if item.name not in known.names]
    return _without_weather(whole, site, task) if weather is None else whole


def _without_weather(features: FeatureSet, site: Site, task: Task | None) -> FeatureSet:
    """The features that need no weather, where they tell something of the power, and more of the newest demand."""
    if not isinstance(site, DemandArea) and not isinstance(task, Intraday):
        lost = next(item for item in features if item.weather)
        raise SchemaError(
            f"The feature {lost.name!r} of {site.name!r} needs {lost.weather[0]!r}, and there is no weather.",
            f"A day-ahead forecast of a {type(site).__name__} by its recipe must have weather.",
            "Give weather (in a configuration [weather]), or a model that needs none, such as model=Climatology().",
        )
    idle = (WeatherAge().name,)
    kept = FeatureSet(tuple(item for item in features if not item.weather and item.name not in idle))
    alone = isinstance(site, DemandArea) and site.sector != "industry"
    return kept + [item for item in _DEMAND_ALONE if alone and item.name not in kept.names]


def _recipe(site: Site) -> FeatureSet:
    if isinstance(site, WindFarm):
        curve = (PowerCurvePower(), PowerCurvePower(density=True)) if site.has_power_curve else ()
        return _WIND + _WIND_MORE + curve
    if isinstance(site, PVPlant):
        asked = {"snow_loss": site.snow, "soiling_loss": site.soiling_rate is not None}
        return _SOLAR + [IntervalMean(name) for name, wanted in asked.items() if wanted]
    if isinstance(site, DemandArea):
        behind = [
            EmbeddedPower(source)
            for source in SOURCES
            if any(getattr(item, source) for item in site.embedded)
        ]
        return _DEMAND[site.sector] + behind
    raise SchemaError(
        f"There is no recipe for {type(site).__name__} {site.name!r}.",
        "Recipes exist for WindFarm, PVPlant and DemandArea.",
        "Choose features: Forecaster(site, task, features=FeatureSet((LocalHour(), DayOfYear(), ...))).",
    )


def _calendar(column: str) -> Feature | None:
    known: dict[str, Feature] = {"hour": LocalHour(), "weekday": Weekday(), "lead_time": LeadTime()}
    known |= {
        "weekend": Weekend(),
        "season_cosine": DayOfYear(),
        "season_sine": DayOfYear(),
        "newest": NewestObservation(),
        "day_class": DayClass(),
        "same_type_lag": SameTypeLag(),
    }
    known |= {"power_curve": PowerCurvePower(), "power_curve[density]": PowerCurvePower(density=True)}
    known |= {
        "smart_persistence": ClearSkyPersistence(),
        "clear_sky_power": ClearSkyPower(),
        "newest_clear_sky_share": NewestClearSkyShare(),
        "pv_chain_power": PVChainPower(),
    }
    return known.get(column.rpartition(":")[2])


@checked()
def features_giving(columns: Iterable[str]) -> FeatureSet:
    """Select the built-in features that provide certain columns, for models with fixed inputs.

    Raises
    ------
    SchemaError
        If no built-in feature provides a column.

    See Also
    --------
    recipe

    Examples
    --------
    >>> features_giving(["hour", "lag_168h"])
    FeatureSet(LocalHour, lag_168h)
    """
    found: dict[str, Feature] = {}
    for column in columns:
        # Whole seasons back: an unpublished week falls back to the same weekday of the week before.
        lag = column.removeprefix("lag_")
        item = Lag(lag, step=lag) if column.startswith("lag_") else _calendar(column)
        if item is None:
            raise SchemaError(
                f"No built-in feature gives the column {column!r}.",
                "There are hour, weekday, weekend, day_class, lead_time, season_cosine, season_sine, newest, "
                "same_type_lag, power_curve, power_curve[density], smart_persistence, clear_sky_power, pv_chain_power "
                "and lag_<length>.",
                "Give the forecaster features=... that hold it.",
            )
        found[item.name] = item
    return FeatureSet(tuple(found.values()))
