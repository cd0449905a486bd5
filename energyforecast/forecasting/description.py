"""Description of a forecaster's settings as plain JSON, and back: sites, task, features, models."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from typing import Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import DemandArea, PVPlant, Site, TurbineGroup, WindFarm
from energyforecast.core.tasks import DayAhead, Intraday, MonthAhead, Task
from energyforecast.errors import SchemaError
from energyforecast.features import Feature, FunctionFeature, Needs
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import QuantileModel
from energyforecast.point_in_time.history import Past

__all__ = [
    "describe",
    "feature_from_json",
    "model_from_json",
    "model_to_json",
    "needs_from_json",
    "needs_to_json",
    "settings_to_json",
    "site_from_json",
    "task_from_json",
]

_KINDS: Final[dict[str, type[Site]]] = {kind.__name__: kind for kind in (Site, WindFarm, PVPlant, DemandArea)}
_TASKS: Final[dict[str, type[Task]]] = {kind.__name__: kind for kind in (DayAhead, Intraday, MonthAhead)}


def describe(forecaster: Forecaster) -> dict[str, Any]:
    """Settings of a forecaster, fitted or not: equal for forecasters that learn and forecast alike."""
    return settings_to_json(forecaster, describe_model=_any_model)


def settings_to_json(
    forecaster: Forecaster, *, describe_model: Callable[[QuantileModel], dict[str, Any]]
) -> dict[str, Any]:
    """Sites, task, recipes and options of a forecaster."""
    recipes = [
        {
            "sites": [site.name for site in sites],
            "features": [_feature_to_json(item) for item in features],
            "model": describe_model(model),
        }
        for sites, features, model in forecaster.recipes
    ]
    return {
        "sites": _sites_to_json(forecaster.sites),
        "neighbours": _sites_to_json(forecaster.neighbours),
        "task": _task_to_json(forecaster.task),
        "recipes": recipes,
        "perfect_weather": forecaster.perfect_weather,
        "pooled": forecaster.pooled,
        "trust_clock": forecaster.trust_clock,
        "tuned_until": forecaster.tuned_until,
    }


def _any_model(model: QuantileModel) -> dict[str, Any]:
    """Kind and parameters, and the code of a model that is not one of the library's."""
    if type(model).__name__ in QuantileModel.registry:
        return model_to_json(model)
    try:
        code = inspect.getsource(type(model))
    except (OSError, TypeError):
        code = type(model).__qualname__
    return {"source_hash": hashlib.sha256(code.encode()).hexdigest(), "parameters": repr(model)}


def model_to_json(model: QuantileModel) -> dict[str, Any]:
    """Kind and parameters of a model, and of the models inside it."""
    if type(model).__name__ not in QuantileModel.registry:
        raise SchemaError(
            f"The model {type(model).__name__} is not one of the library's.",
            "Only the library's models can be stored; storing others would need pickle.",
            "Keep the code that fits it, or store its parts yourself.",
        )
    given = model.get_params(deep=False).items()
    return {
        "type": type(model).__name__,
        "parameters": {name: _inner_to_json(value) for name, value in given},
    }


def _inner_to_json(value: Any) -> Any:
    """Parameter of a model: a model, several by name or in a row, or a plain value."""
    if isinstance(value, Mapping):
        return {"models": {name: model_to_json(item) for name, item in value.items()}}
    if isinstance(value, list | tuple):
        return [_inner_to_json(item) for item in value]
    return model_to_json(value) if isinstance(value, QuantileModel) else value


def _sites_to_json(sites: Iterable[Site]) -> list[dict[str, Any]]:
    return [{"type": type(site).__name__} | dataclasses.asdict(site) for site in sites]


def _task_to_json(task: Task) -> dict[str, Any]:
    values = {item.name: _plain(getattr(task, item.name)) for item in dataclasses.fields(task)}
    return {"type": type(task).__name__} | values


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timedelta):
        return value.isoformat()
    return value.isoformat() if isinstance(value, time) else value


def task_from_json(values: dict[str, Any]) -> Task:
    """Task of its stored fields."""
    readers: dict[str, Any] = dict.fromkeys(("every", "leads", "frequency"), timestamps.duration)
    readers |= {"issue": timestamps.wall_time, "quantiles": tuple}
    given = {name: readers.get(name, lambda value: value)(value) for name, value in values.items()}
    return _TASKS[given.pop("type")](**given)


def needs_to_json(needs: Needs) -> dict[str, Any]:
    """Needs of features as plain lists."""
    past = [
        [
            item.lag.isoformat(),
            None if item.step is None else item.step.isoformat(),
            item.newest,
            item.weather,
            item.optional,
        ]
        for item in needs.history
    ]
    return {"names": needs.names, "margin": needs.margin.isoformat(), "history": past} | {
        "left_out": needs.left_out
    }


def needs_from_json(values: dict[str, Any]) -> Needs:
    """Needs from :func:`needs_to_json`."""
    past = (
        Past(
            timestamps.duration(lag),
            None if step is None else timestamps.duration(step),
            newest,
            tuple(weather),
            optional,
        )
        for lag, step, newest, weather, optional in values["history"]
    )
    names = {model: tuple(several) for model, several in values["names"].items()}
    left_out = {site: tuple(several) for site, several in values["left_out"].items()}
    margin = timestamps.duration(values["margin"])
    return Needs(names=names, margin=margin, history=tuple(past), left_out=left_out)


def _feature_to_json(item: Feature) -> dict[str, Any]:
    if type(item).__name__ in Feature.registry and not isinstance(item, FunctionFeature):
        return {"type": type(item).__name__, "settings": item.settings()}
    return {"user": item.name, "source_hash": _hash_of(item)}


def _hash_of(item: Feature) -> str:
    """Hash of the code of a user's feature."""
    if isinstance(item, FunctionFeature):
        return item.source_hash
    try:
        source = inspect.getsource(type(item))
    except (OSError, TypeError):
        source = repr(type(item).compute.__code__.co_code)
    return hashlib.sha256((source + repr(item.settings())).encode()).hexdigest()


def site_from_json(values: dict[str, Any]) -> Site:
    """Site of its stored fields."""
    given = {name: value for name, value in values.items() if name != "type"}
    if given.get("power_curve") is not None:
        given["power_curve"] = PowerCurve(**given["power_curve"])
    if "turbine_groups" in given:
        given["turbine_groups"] = tuple(_group_from_json(item) for item in given["turbine_groups"])
    return _KINDS[values["type"]](**given)


def _group_from_json(values: dict[str, Any]) -> TurbineGroup:
    """Turbine group of its stored fields."""
    curve = values["power_curve"]
    return TurbineGroup(**(values | {"power_curve": None if curve is None else PowerCurve(**curve)}))


def feature_from_json(values: dict[str, Any], given: dict[str, Feature]) -> Feature:
    """Feature of the library by its settings, or one of the user's by its name and hash."""
    if "type" in values:
        settings = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values["settings"].items()
        }
        return Feature.registry[values["type"]](**settings)
    item = given.get(values["user"])
    if item is None or _hash_of(item) != values["source_hash"]:
        raise SchemaError(
            f"The feature {values['user']!r} "
            + ("was not given." if item is None else "has changed since the forecaster was stored."),
            "A user's feature must be given again, unchanged: its code is not stored.",
            f"Use energyforecast.load(path, features=[{values['user']}]), or fit again.",
        )
    return item


def model_from_json(type: str, parameters: dict[str, Any]) -> QuantileModel:  # noqa: A002  (a key of the file)
    """Unfitted model of its stored kind and parameters."""
    return QuantileModel.registry[type](**{key: _parameter(value) for key, value in parameters.items()})


def _parameter(value: Any) -> Any:
    if isinstance(value, dict):
        several = value.get("models")
        return (
            model_from_json(**value)
            if several is None
            else {k: model_from_json(**v) for k, v in several.items()}
        )
    return tuple(map(_parameter, value)) if isinstance(value, list) else value
