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
from energyforecast.forecasting.default_of_wind import SEASON, model_of_wind, season_for
from energyforecast.models import DemandResponse, LightGBMQuantiles, QuantileModel, SelectedModel
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

#: Levels fitted for demand.
_DENSE: Final = (0.01, 0.025, 0.05, 0.1, 0.17, 0.25, 0.37, 0.5, 0.63, 0.75, 0.83, 0.9, 0.95, 0.975, 0.99)

#: Columns of demand in its unit, which enter as departures where the outcome does.
_LEVELS_OF_DEMAND: Final = ("lag_*h", "mean_*", "level", "day_mean", "newest")
#: Columns that move as slowly as the season: in a short history with weather, trees take single weeks for them.
_OF_WEEKS: Final = ("day_length", "mean_4x168h", "level[[]*")
_SLOW: Final = (*_OF_WEEKS, "level", "mean_7x24h", "day_mean")
#: Columns that move with the year, which no temperature explains.
_OF_THE_YEAR: Final = ("season_*", "day_length", "daylight")
#: Settings of trees where columns explain little: random thresholds, no start at the median, holidays of a few days.
_EXPLAIN_LITTLE: Final[dict[str, Any]] = {
    "extra_trees": True,
    "init_from_median": False,
    "min_child_samples": 40,
}
#: Candidate of a PV plant that reads the newest day.
_SHARE: Final = "share of sun and clear sky"
#: Years of demand from which on the season is known. [a]
_SEASON_AFTER: Final = 1.25


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
        return _of_pv(known("ClearSkyPower", "clear_sky_power"), chain)
    if not isinstance(site, DemandArea):
        near = isinstance(task, Intraday) if features is None else "DecayingNewest" in _as_set(features).names
        return model_of_wind(next_hours=near, by_recipe=features is None)
    if isinstance(task, Intraday):
        return _of_demand_now(known("LeadTime", "lead_time"))
    return _of_demand(site)


def _of_pv(clear_sky: str | None, chain: str | None) -> QuantileModel:
    """Default model of a PV plant.

    Features are few and collinear: thresholds are searched in full, each tree receives few columns, so that trees
    differ, and out-of-fold models see most seasons. At the same power, noon in winter is less certain than a morning in
    summer: levels are calibrated by clear-sky power, too. Absolute powers follow a plant that is not as described,
    departures from the chain of models one that is, shares of sun and clear sky a brighter season, below snow as well;
    these two take over where the sun is higher than all that was learned. Their errors differ: the mean is the usual
    choice. What the newest day gave shows snow, in the light of the sky alone: shares see it, with most columns.
    """
    settings: dict[str, Any] = {
        "extra_trees": False,
        "folds": 3,
        "feature_fraction": 0.4,
        "calibrate_by": clear_sky,
    }
    if clear_sky is None or chain is None:
        return LightGBMQuantiles(**settings)
    share = settings | {"share_of": (clear_sky, chain), "feature_fraction": 0.8}
    settings["exclude"] = ("newest_clear_sky_share*",)
    candidates: dict[str, QuantileModel] = {
        "absolute": LightGBMQuantiles(**settings),
        _SHARE: LightGBMQuantiles(**share),
        "departure from the chain": LightGBMQuantiles(relative_to=chain, **settings),
    }
    able = (_SHARE, "departure from the chain")
    return SelectedModel(
        candidates=candidates, usual=tuple(candidates), beyond=tuple((clear_sky, name) for name in able)
    )


def _of_demand(site: DemandArea) -> QuantileModel:
    """Default model of a demand area.

    Departures from published values follow growth and breaks; a linear base on the level goes beyond the range of
    training, as in the first frost, in which it takes over. Errors differ: the mean is the usual choice. Industry moves
    in steps: its level is that of its newest days.
    """
    absolute = {"absolute": _demand_trees()}
    if site.sector == "industry":
        return SelectedModel(
            candidates={"departure from the level": _demand_trees(relative_to="level")} | absolute
        )
    means = {
        "linear base on the level": _demand_trees(linear_base=True, relative_to="level"),
        "departure from the week's mean": _demand_trees(relative_to="mean_7x24h"),
    }
    newest = _demand_trees(relative_to="day_mean", relative_columns=_LEVELS_OF_DEMAND, linear_base=True)
    early, alone = _of_short_history(), _of_demand_alone()
    responding = absolute | means | {"departure from the newest day": newest}
    return SelectedModel(
        candidates=responding | early | alone,
        usual=(*absolute, *means, *alone),
        required=(
            *((name, "temp_air*") for name in (*responding, *early)),
            *((name, "!temp_air*") for name in alone),
        ),
        # A frost or heat beyond all before raises demand: a base that falls follows the other leg of its response.
        beyond=tuple(
            ("temp_air[mean]", name, "above") for name in ("linear base on the level", "linear base, weather")
        ),
        early=tuple(early),
        early_before=_SEASON_AFTER,
    )


def _of_short_history() -> dict[str, QuantileModel]:
    """Candidates where a temperature is known and the season is not.

    In so short a history, trees take single weeks for what moves with the season. On 34 histories of two to fourteen
    months, the mean of these four has 14 % less loss than the usual one of longer histories.
    """
    newest = {"relative_to": "day_mean", "relative_columns": _LEVELS_OF_DEMAND, "exclude": _OF_WEEKS}
    return {
        "weather": _demand_trees(exclude=_SLOW),
        "linear base, weather": _demand_trees(exclude=_SLOW, linear_base=True),
        "departure from the newest day, short history": _demand_trees(**newest),
        "departure from the week's mean, short history": _demand_trees(relative_to="mean_7x24h"),
    }


def _of_demand_alone() -> dict[str, QuantileModel]:
    """Candidates where no temperature is known: departures of demand from its newest levels, as all of its past enters.

    The settings of the trees are those for columns that explain little.
    """
    settings = _EXPLAIN_LITTLE | {"relative_columns": _LEVELS_OF_DEMAND, "exclude": _OF_THE_YEAR}
    return {
        "departure from the week's mean, past alone": _demand_trees(relative_to="mean_7x24h", **settings),
        "departure from the newest day, past alone": _demand_trees(relative_to="day_mean", **settings),
    }


def _of_demand_now(lead: str | None) -> QuantileModel:
    """Default model of a demand area for the next hours, which continue from the newest value.

    Errors grow with the lead, by which levels are calibrated. How much columns explain differs by area: the mean of
    trees for both is the usual choice.
    """
    settings: dict[str, Any] = {"relative_to": "newest", "calibrate_by": lead}
    usual = {
        "departure from the newest value": _demand_trees(**settings),
        "departure from the newest value, random thresholds": _demand_trees(**settings, **_EXPLAIN_LITTLE),
    }
    linear = {"linear base": _demand_trees(linear_base=True, calibrate_by=lead)}
    return SelectedModel(candidates=usual | linear, usual=tuple(usual))


def _demand_trees(**settings: Any) -> QuantileModel:
    """Trees for demand.

    It depends on few features: thresholds are searched in full. Quantiles lie near the median, where leaf values begin;
    each fold has all seasons; residuals are nearly normal, so that straight lines between few levels would widen the
    distribution.
    """
    usual: dict[str, Any] = {
        "extra_trees": False,
        "init_from_median": True,
        "folds": 3,
        "blocks_per_fold": 15,
        "fitted_quantiles": _DENSE,
        "season_after": _SEASON_AFTER,
    }
    return LightGBMQuantiles(**(usual | settings))


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
