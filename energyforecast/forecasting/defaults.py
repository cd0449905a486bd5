"""Which features and which model each site of a forecaster gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar

from energyforecast.core.sites import DemandArea, PVPlant, Site
from energyforecast.core.tasks import Task
from energyforecast.errors import SchemaError
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
from energyforecast.models import DemandResponse, LightGBMQuantiles, QuantileModel

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
]

Features: TypeAlias = FeatureSet | Sequence[Feature]
#: One set for all sites, or one for each by its name; ``None``: the recipe of each.
FeaturesFor: TypeAlias = Features | Mapping[str, Features] | None
#: One model for all sites, or one for each by its name; ``None``: the default of each.
ModelsFor: TypeAlias = QuantileModel | Mapping[str, QuantileModel] | None

#: Calendar and temperature, to which demand responds.
RESPONSE_FEATURES: Final = FeatureSet((LocalHour(), DayType(), DayOfYear(), Temperature()))

_T = TypeVar("_T")

#: Levels fitted for demand.
_DENSE: Final = (0.01, 0.025, 0.05, 0.1, 0.17, 0.25, 0.37, 0.5, 0.63, 0.75, 0.83, 0.9, 0.95, 0.975, 0.99)


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
    sites: Sequence[Site], given: ModelsFor, *, features: FeaturesFor = None
) -> dict[str, QuantileModel]:
    """A model for each site, not fitted.

    Parameters
    ----------
    sites : sequence of Site
    given : QuantileModel or mapping of QuantileModel, optional
        One for all, or by name of the site.
    features : FeatureSet, sequence of Feature or mapping of them, optional
        Those that were chosen; defaults look only at columns that these give.

    Raises
    ------
    SchemaError
        If a mapping names other sites.

    Examples
    --------
    >>> factory = DemandArea(name="factory", latitude=43, longitude=77, sector="industry")
    >>> town = DemandArea(name="town", latitude=43, longitude=77, sector="households")
    >>> {name: model.relative_to for name, model in assign_models([factory, town], None).items()}
    {'factory': 'level', 'town': None}
    """
    if given is not None:
        return _by_site(sites, given, "model")
    chosen = features if isinstance(features, Mapping) else dict.fromkeys((s.name for s in sites), features)
    return {site.name: _default_model(site, chosen.get(site.name)) for site in sites}


def assign_features(
    sites: Sequence[Site], task: Task, models: Mapping[str, QuantileModel], *, given: FeaturesFor
) -> dict[str, FeatureSet]:
    """Features for each site: those given, those that its model names, or the recipe of its kind.

    Parameters
    ----------
    sites : sequence of Site
    task : Task
    models : mapping of QuantileModel
    given : FeatureSet, sequence of Feature or mapping of them, optional
        One for all, or by name of the site.

    Raises
    ------
    SchemaError
        If a mapping names other sites, or there is no recipe for a site.

    Examples
    --------
    >>> from energyforecast.models import Climatology
    >>> from energyforecast.core.tasks import day_ahead
    >>> town = DemandArea(name="town", latitude=43, longitude=77)
    >>> task = day_ahead("08:00", timezone="Asia/Almaty")
    >>> assign_features([town], task, {"town": Climatology()}, given=None)
    {'town': FeatureSet(LocalHour)}
    """
    if given is None:
        given = {site.name: _default_features(site, task, models[site.name]) for site in sites}
    chosen: dict[str, Features] = _by_site(sites, given, "features")
    return {name: _as_set(features) for name, features in chosen.items()}


def _default_model(site: Site, features: Features | None) -> QuantileModel:
    """Default model of a kind of site.

    PV and demand depend on few features: thresholds are searched in full, and out-of-fold models see most seasons.

    A PV plant's features say much the same: few are shown to a tree, so that trees differ. Noon in winter is less
    certain than a summer's morning of the same power: levels are calibrated by what a clear sky would give, too.
    Demand's quantiles lie near its median: leaf values begin there, and its seasons are unlike each other: out-of-fold
    models see something of each, and as its errors are near to normal, straight lines between few levels would
    widen them.
    Industry moves in steps that trees have not seen: it is forecast as a departure from its recent level.
    """

    def known(feature: str, column: str) -> str | None:
        return column if features is None or feature in _as_set(features).names else None

    if isinstance(site, PVPlant):
        by = known("ClearSkyPower", "clear_sky_power")
        return LightGBMQuantiles(extra_trees=False, folds=3, feature_fraction=0.4, calibrate_by=by)
    if not isinstance(site, DemandArea):
        return LightGBMQuantiles()
    level = known("RecentLevel", "level") if site.sector == "industry" else None
    return LightGBMQuantiles(
        extra_trees=False,
        init_from_median=True,
        folds=3,
        blocks_per_fold=15,
        relative_to=level,
        fitted_quantiles=_DENSE,
    )


def _default_features(site: Site, task: Task, model: QuantileModel) -> FeatureSet:
    """Recipe of the kind of site, or the features that the model requires."""
    if isinstance(model, DemandResponse):
        return RESPONSE_FEATURES
    return recipe(site, task) if model.needs is None else features_giving(model.needs)


def _as_set(features: Features) -> FeatureSet:
    return features if isinstance(features, FeatureSet) else FeatureSet(tuple(features))


def _by_site(sites: Sequence[Site], given: _T | Mapping[str, _T], what: str) -> dict[str, _T]:
    names = [site.name for site in sites]
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if set(given) != set(names):
        raise SchemaError(
            f"{what} is given for {list(given)}.",
            f"The sites are {names}, and each has its own.",
            f"Give one for each site, one for all, or none: {what} of its kind is then chosen.",
        )
    return {name: given[name] for name in names}


def check_pooled(sites: Sequence[Site], features: Mapping[str, FeatureSet]) -> None:
    """See that one model can be fitted for all sites.

    Parameters
    ----------
    sites : sequence of Site
    features : mapping of FeatureSet

    Raises
    ------
    SchemaError
        If the sites are of several kinds or have different features.

    Examples
    --------
    >>> towns = [DemandArea(name=name, latitude=43, longitude=77) for name in ("north", "south")]
    >>> check_pooled(towns, dict.fromkeys(("north", "south"), FeatureSet()))
    """
    kinds = list(dict.fromkeys(type(site).__name__ for site in sites))
    different = [site.name for site in sites if features[site.name] != features[sites[0].name]]
    if len(kinds) > 1:
        found = f"A pooled model is asked for sites of the kinds {', '.join(kinds)}."
    elif different:
        found = f"A pooled model is asked for; {different[0]!r} has other features than {sites[0].name!r}."
    else:
        return
    raise SchemaError(
        found,
        "One model for all learns from sites of one kind with the same features.",
        "Make a forecaster for each kind, leave pooled=False, or give features=... that all sites can serve.",
    )


def shared(values: Mapping[str, _T], what: str) -> _T:
    """The value that all sites share.

    Parameters
    ----------
    values : mapping
        By name of the site.
    what : str
        Its name, for the message.

    Raises
    ------
    SchemaError
        If sites differ.

    Examples
    --------
    >>> shared({"north": 1, "south": 1}, "number")
    1
    """
    several = list(values.values())
    if not all(alike(value, several[0]) for value in several):
        raise SchemaError(
            f"The sites have different {what}: {values}.",
            f"There is one {what.removesuffix('s')} where sites are of one kind.",
            f"Look up one site: forecaster.{what}_of[name].",
        )
    return several[0]


def alike(one: object, other: object) -> bool:
    """Whether two feature sets or two unfitted models are the same.

    Examples
    --------
    >>> alike(LightGBMQuantiles(), LightGBMQuantiles()), alike(LightGBMQuantiles(), LightGBMQuantiles(seed=2))
    (True, False)
    """
    if one is other or not isinstance(one, QuantileModel):
        return one is other or bool(one == other)
    if type(one) is not type(other) or not isinstance(other, QuantileModel):
        return False
    mine, its = one.get_params(deep=False), other.get_params(deep=False)
    return all(alike(value, its[name]) for name, value in mine.items())
