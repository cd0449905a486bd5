"""Plans of fallback models: each reads fewer inputs than the full model, or inputs that come later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from energyforecast.core import variables
from energyforecast.core.fallback import OLDER_RUN, REDUCED
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import Intraday, Task
from energyforecast.core.weather_schema import Weather, as_models, is_analysis
from energyforecast.features import FeatureSet, WeatherAge
from energyforecast.forecasting.defaults import without_weather
from energyforecast.forecasting.specification import Specification

__all__ = ["FallbackPlan", "fallback_plans"]

#: Delays of weather and of measurements with which a fallback model learns, drawn by issue. [h]
_LATE_WEATHER: Final = ((6, 0), (12, 0), (24, 0), (48, 0))
_MIXED_WEATHER: Final = ((0, 0), (0, 0), (0, 0), *_LATE_WEATHER)
_LATE_MEASUREMENTS: Final = ((0, 6), (0, 24), (0, 72), (0, 168))
_MIXED_MEASUREMENTS: Final = ((0, 0), (0, 0), (0, 0), *_LATE_MEASUREMENTS)
_ON_TIME: Final = ((0, 0),)

#: Variables of the weather that a kind of site needs most.
_BASIC: Final[dict[type[Site], tuple[str, ...]]] = {
    WindFarm: ("wind_speed_*m",),
    PVPlant: ("ghi", "temp_air"),
    DemandArea: ("temp_air",),
}


class FallbackPlan(NamedTuple):
    """Inputs of a fallback model: features by site, weather models, patterns of their variables, and delays. [h]"""

    name: str
    level: int
    features_of: dict[str, FeatureSet]
    models: tuple[str, ...]
    variables: tuple[str, ...] = ("*",)
    delays: tuple[tuple[int, int], ...] = _ON_TIME

    def weather(self, given: Weather) -> Any:
        """The part of the weather that the model reads; None where it reads none."""
        models = {name: data for name, data in as_models(given).items() if name in self.models}
        return {
            name: data[list(variables.match(map(str, data.data_vars), self.variables))]
            for name, data in models.items()
        } or None


def fallback_plans(forecaster: Specification, weather: Weather) -> list[FallbackPlan]:
    """Fallback models in the order in which they are asked, for the sites that read more than they would.

    Each is for sites whose model is one of columns; a reference has none.
    """
    models = as_models(weather)
    features_of = {
        site.name: FeatureSet(tuple(recipe.features.resolve(weather)[0]))
        for recipe in forecaster.recipes_for(weather)
        for site in recipe.sites
        if recipe.model.needs is None
    }
    sites = [site for site in forecaster.sites if site.name in features_of]
    weathered = {name: features for name, features in features_of.items() if any(map(_by_weather, features))}
    measured = {name: features for name, features in features_of.items() if _histories(features)}
    both = {name: features for name, features in weathered.items() if name in measured}
    runs = bool(models) and not any(map(is_analysis, models.values()))
    late = _LATE_WEATHER if runs else _ON_TIME
    every = tuple(models)
    alone = _without_weather(sites, forecaster.task, both)
    plans = [
        FallbackPlan("older runs", OLDER_RUN, _aged(weathered), every, delays=late) if runs else None,
        *(
            FallbackPlan(f"{model} alone", REDUCED, weathered, (model,))
            for model in (every if len(every) > 1 else ())
        ),
        _basic(sites, weathered, models),
        FallbackPlan("older measurements", REDUCED, measured, every, delays=_LATE_MEASUREMENTS),
        FallbackPlan(
            "weather alone",
            REDUCED,
            _aged({name: _without_history(features) for name, features in both.items()}),
            every,
            delays=_MIXED_WEATHER if runs else _ON_TIME,
        ),
        FallbackPlan(
            "measurements alone",
            REDUCED,
            alone,
            (),
            delays=_MIXED_MEASUREMENTS,
        ),
    ]
    return [plan for plan in plans if plan is not None and plan.features_of]


def _without_weather(
    sites: Sequence[Site], task: Task, features_of: dict[str, FeatureSet]
) -> dict[str, FeatureSet]:
    """Features that read no weather, of the sites of which they read measurements."""
    chosen = [site for site in sites if site.name in features_of]
    has_recipe = [site for site in chosen if isinstance(site, DemandArea) or isinstance(task, Intraday)]
    recipes = without_weather(has_recipe, task, features_of)
    found = {site.name: _needing_none(recipes.get(site.name, features_of[site.name])) for site in chosen}
    return {name: features for name, features in found.items() if _histories(features)}


def _by_weather(feature: Any) -> bool:
    return bool(feature.weather or feature.weather_if_present)


def _histories(features: FeatureSet) -> bool:
    return any(item.history for item in features)


def _aged(features_of: dict[str, FeatureSet]) -> dict[str, FeatureSet]:
    """Features with the age of the weather run."""
    age = WeatherAge()
    return {
        name: features if age.name in features.names else features + age
        for name, features in features_of.items()
    }


def _without_history(features: FeatureSet) -> FeatureSet:
    return FeatureSet(tuple(item for item in features if not item.history))


def _needing_none(features: FeatureSet) -> FeatureSet:
    """Features that read no weather at all."""
    return FeatureSet(
        tuple(
            item
            for item in features
            if not _by_weather(item)
            and item.name != WeatherAge().name
            and not any(past.weather for past in item.history)
        )
    )


def _basic(
    sites: Sequence[Site], features_of: dict[str, FeatureSet], models: dict[str, Any]
) -> FallbackPlan | None:
    """Model of the variables that a kind needs most, where the full one requires more."""
    chosen: dict[str, FeatureSet] = {}
    patterns: dict[str, None] = {}
    for site in sites:
        basic = next((names for kind, names in _BASIC.items() if isinstance(site, kind)), ())
        if site.name not in features_of or not basic:
            continue
        held = variables.match([str(name) for data in models.values() for name in data.data_vars], basic)
        reduced = FeatureSet(tuple(item for item in features_of[site.name] if _served(item, held)))
        if any(map(_by_weather, reduced)) and reduced.names != features_of[site.name].names:
            chosen[site.name] = reduced
            patterns |= dict.fromkeys(basic)
    return FallbackPlan("basic weather", REDUCED, chosen, tuple(models), tuple(patterns)) if chosen else None


def _served(feature: Any, held: Sequence[str]) -> bool:
    """Whether a feature needs no variable but those held."""
    return all(variables.match(held, [pattern]) for pattern in feature.weather)
