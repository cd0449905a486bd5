"""Features and model of each site of a forecaster, as given or by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import xarray as xr

from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import Intraday, Task
from energyforecast.core.variables import match
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import SchemaError, of_type
from energyforecast.features import (
    DayOfYear,
    DayType,
    Feature,
    FeatureSet,
    LocalHour,
    Temperature,
    features_giving,
    recipe,
)
from energyforecast.forecasting.default_of_demand import model_of_demand, model_of_demand_now
from energyforecast.forecasting.default_of_pv import model_of_pv
from energyforecast.forecasting.default_of_wind import SEASON, model_of_wind, season_for
from energyforecast.models import DemandResponse, QuantileModel
from energyforecast.models.base import check_parameters

__all__ = [
    "FeaturesFor",
    "ModelsFor",
    "Recipe",
    "alike",
    "assign_features",
    "assign_models",
    "check_pooled",
    "group_recipes",
    "shared",
    "unserved",
    "without_weather",
]

Features: TypeAlias = FeatureSet | Sequence[Feature]
#: One set for all sites, or one for each by its name; ``None``: the recipe of each.
FeaturesFor: TypeAlias = Features | Mapping[str, Features] | None
#: One model for all sites, or one for each by its name; ``"auto"``, as None: the default of each kind.
ModelsFor: TypeAlias = QuantileModel | Literal["auto"] | Mapping[str, QuantileModel | Literal["auto"]] | None

#: Calendar and temperature, to which demand responds.
RESPONSE_FEATURES: Final = FeatureSet((LocalHour(), DayType(), DayOfYear(), Temperature()))

_T = TypeVar("_T")


class Recipe(NamedTuple):
    """Sites that share their features and their model, not fitted."""

    sites: tuple[Site, ...]
    features: FeatureSet
    model: QuantileModel


def group_recipes(
    sites: Sequence[Site], features_of: Mapping[str, FeatureSet], model_of: Mapping[str, QuantileModel]
) -> list[Recipe]:
    """Sites with the same features and the same model, in order of the first of them."""
    groups: list[Recipe] = []
    for site in sites:
        features, model = features_of[site.name], model_of[site.name]
        for k, group in enumerate(groups):
            if alike(features, group.features) and alike(model, group.model):
                groups[k] = group._replace(sites=(*group.sites, site))
                break
        else:
            groups.append(Recipe((site,), features, model))
    return groups


def assign_models(
    sites: Sequence[Site], given: ModelsFor, *, task: Task, features: FeaturesFor = None
) -> dict[str, QuantileModel]:
    """Unfitted model of each site: the given one, or the default of its kind, the task and its features."""
    chosen = features if isinstance(features, Mapping) else dict.fromkeys((s.name for s in sites), features)
    each: dict[str, Any] = _by_site(sites, "auto" if given is None else given, "model")
    models: dict[str, QuantileModel] = {}
    for site in sites:
        model = each[site.name]
        if isinstance(model, str) and model == "auto":
            models[site.name] = _default_model(site, task, chosen.get(site.name))
            continue
        of_type(
            "model", model, expected=QuantileModel, remedy='Give one such as LightGBMQuantiles(), or "auto".'
        )
        check_parameters(model)
        models[site.name] = model
    return models


def assign_features(
    sites: Sequence[Site], task: Task, models: Mapping[str, QuantileModel], *, given: FeaturesFor
) -> dict[str, FeatureSet]:
    """Features of each site: those given, those that its model requires, or the recipe of its kind."""
    if given is None:
        given = {site.name: _default_features(site, task, models[site.name]) for site in sites}
    chosen: dict[str, Features] = _by_site(sites, given, "features")
    result = {name: _as_set(features) for name, features in chosen.items()}
    for name, features in result.items():
        if not features.features and models[name].needs != ():
            raise SchemaError(
                f"features of {name!r} is empty, with {type(models[name]).__name__}.",
                "A model that reads columns must have at least one feature.",
                "Leave features out for the recipe of the site, or name some: [ef.features.LocalHour()].",
            )
    return result


def _default_model(site: Site, task: Task, features: Features | None) -> QuantileModel:
    """Default model of a kind of site and task: chosen among candidates, the usual one first."""

    def known(feature: str, column: str) -> str | None:
        return column if features is None or feature in _as_set(features).names else None

    if isinstance(site, PVPlant):
        # Minutes to hours ahead, the newest power matters most: shares and departures were not compared there.
        chain = None if isinstance(task, Intraday) else known("PVChainPower", "pv_chain_power")
        return model_of_pv(known("ClearSkyPower", "clear_sky_power"), chain)
    if not isinstance(site, DemandArea):
        near = isinstance(task, Intraday) if features is None else "DecayingNewest" in _as_set(features).names
        return model_of_wind(next_hours=near, by_recipe=features is None)
    if isinstance(task, Intraday):
        return model_of_demand_now(site, known("LeadTime", "lead_time"))
    return model_of_demand(site)


def _default_features(site: Site, task: Task, model: QuantileModel) -> FeatureSet:
    """Recipe of the kind of site, or the features that the model requires."""
    if isinstance(model, DemandResponse):
        return RESPONSE_FEATURES
    if model.needs is not None:
        return features_giving(model.needs)
    return recipe(site, task) + season_for(site, model)


def without_weather(
    sites: Sequence[Site], task: Task, features_of: Mapping[str, FeatureSet]
) -> dict[str, FeatureSet]:
    """Features of each site where there is no weather: its recipe gives way to the one that needs none."""
    return {
        site.name: recipe(site, task, weather=None)
        if _is_recipe(features_of[site.name], site, task)
        else features_of[site.name]
        for site in sites
    }


def unserved(
    sites: Sequence[Site], features_of: Mapping[str, FeatureSet], weather: Weather
) -> dict[str, tuple[str, ...]]:
    """Optional features of areas, by site, of which the weather has a variable for other sites alone."""
    models = as_models(weather)
    found = {
        site.name: tuple(
            item.name
            for item in features_of[site.name]
            if item.optional and not all(_served(name, site.name, models) for name in item.weather)
        )
        for site in sites
        if isinstance(site, DemandArea)
    }
    return {name: several for name, several in found.items() if several}


def _served(pattern: str, site: str, models: Mapping[str, xr.Dataset]) -> bool:
    """Whether a weather model has a value of a variable at a site, or does not know the site."""
    for data in models.values():
        if site not in data["site"].values:
            return True
        for name in match([str(item) for item in data.data_vars], [pattern]):
            values = data[name].sel(site=site)
            first = values.isel({values.dims[0]: slice(0, 50)})  # most often enough, and cheap in an archive
            if np.isfinite(first.values).any() or np.isfinite(values.values).any():
                return True
    return False


def _is_recipe(features: FeatureSet, site: Site, task: Task) -> bool:
    """Whether features are the defaults of the kind of site."""
    if not isinstance(site, WindFarm | PVPlant | DemandArea):
        return False
    usual = recipe(site, task)
    return features == usual or (isinstance(site, WindFarm) and features == usual + SEASON)


def _as_set(features: Features) -> FeatureSet:
    return features if isinstance(features, FeatureSet) else FeatureSet(tuple(features))


def _by_site(sites: Sequence[Site], given: _T | Mapping[str, _T], name: str) -> dict[str, _T]:
    """Value of each site, of one for all or of a mapping by name."""
    names = [site.name for site in sites]
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if set(given) != set(names):
        raise SchemaError(
            f"{name} is given for {list(given)}.",
            f"A mapping must name each of the sites {names}.",
            f"Give one for each site, one for all, or none: the default {name} of its kind is then used.",
        )
    return {name: given[name] for name in names}


def check_pooled(sites: Sequence[Site], features: Mapping[str, FeatureSet]) -> None:
    """Refuse one model for sites of several kinds or with different features."""
    kinds = list(dict.fromkeys(type(site).__name__ for site in sites))
    different = [site.name for site in sites if features[site.name] != features[sites[0].name]]
    if len(kinds) > 1:
        reason = f"A pooled model is asked for sites of the kinds {', '.join(kinds)}."
    elif different:
        reason = f"A pooled model is asked for; {different[0]!r} has other features than {sites[0].name!r}."
    else:
        return
    raise SchemaError(
        reason,
        "One model for all must be fitted on sites of one kind with the same features.",
        "Make a forecaster for each kind, leave pooled=False, or give features=... that all sites can serve.",
    )


def shared(values: Mapping[str, _T], attribute: str) -> _T:
    """Value that all sites share; refused if they differ."""
    several = list(values.values())
    if not all(alike(value, several[0]) for value in several):
        raise SchemaError(
            f"The sites have different {attribute}: {values}.",
            f"One value of {attribute} exists where sites are of one kind.",
            f"Look up one site: forecaster.{attribute}_of[name].",
        )
    return several[0]


def alike(one: object, other: object) -> bool:
    """Whether two feature sets or two unfitted models are the same."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(alike(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if one is other or not isinstance(one, QuantileModel):
        return one is other or bool(one == other)
    if type(one) is not type(other) or not isinstance(other, QuantileModel):
        return False
    parameters = other.get_params(deep=False)
    return all(alike(value, parameters[name]) for name, value in one.get_params(deep=False).items())
