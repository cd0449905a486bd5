"""A fitted forecaster in one file: a zip with a manifest, LightGBM's text and plain arrays. No pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import DayAhead, Intraday, MonthAhead, Task
from energyforecast.core.version import __version__
from energyforecast.errors import FileFormatError, NotFittedError, SchemaError
from energyforecast.features import Feature, FeatureSet, FunctionFeature, Needs
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.training import Training
from energyforecast.models import QuantileModel
from energyforecast.models.base import Part
from energyforecast.point_in_time.history import Past

__all__ = ["describe", "dump", "load", "parts", "save"]

_FORMAT: Final = "energyforecast.forecasting.forecaster"
#: 2: the levels of trees are corrected by levels, not by normal scores. 3: a task names its type.
_SCHEMA: Final = 3
#: What reading a damaged zip can raise: a flipped bit may also claim another compression or a password.
_DAMAGE: Final = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_KINDS: Final[dict[str, type[Site]]] = {kind.__name__: kind for kind in (Site, WindFarm, PVPlant, DemandArea)}
_TASKS: Final[dict[str, type[Task]]] = {kind.__name__: kind for kind in (DayAhead, Intraday, MonthAhead)}
#: A manifest or a booster that is larger than this is not ours. [bytes]
_LARGEST: Final = 2**31


def save(forecaster: Forecaster, path: str | Path) -> Path:
    """Write a fitted forecaster.

    Parameters
    ----------
    forecaster : Forecaster
    path : path
        E.g. ``"farm.forecaster"``. It appears whole or not at all.

    Returns
    -------
    Path

    Raises
    ------
    NotFittedError
        Before fit.
    SchemaError
        If the model is not one of the library's.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_forecaster
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(save(example_forecaster(), folder + "/farm.forecaster"))
    Forecaster(farm, Climatology, fitted on 29 origins)
    """
    target = Path(path)
    scratch = target.with_name(target.name + ".part")
    scratch.write_bytes(dump(forecaster))
    scratch.replace(target)
    return target


def dump(forecaster: Forecaster) -> bytes:
    """The bytes that :func:`save` writes: the same for the same forecaster.

    Parameters
    ----------
    forecaster : Forecaster

    Returns
    -------
    bytes

    Raises
    ------
    NotFittedError, SchemaError
        As :func:`save` does.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> with zipfile.ZipFile(io.BytesIO(dump(example_forecaster()))) as archive:
    ...     archive.namelist()[0]
    'manifest.json'
    """
    if not forecaster.is_fitted:
        raise NotFittedError(
            "The forecaster has learnt nothing.", "A fitted forecaster is stored.", "Call fit first."
        )
    members: dict[str, bytes] = {}
    described = {site: _describe_model(model, members) for site, model in forecaster.models_.items()}
    climatology = {site: _describe_model(model, members) for site, model in forecaster.climatology_.items()}
    manifest = {
        "format": _FORMAT,
        "schema": _SCHEMA,
        "versions": {"energyforecast": __version__, "lightgbm": version("lightgbm"), "numpy": np.__version__},
        "sites": _sites_to_json(forecaster.sites),
        "neighbours": _sites_to_json(forecaster.neighbours),
        "task": _task_to_json(forecaster.task),
        "recipes": [_recipe_to_json(*item) for item in forecaster.recipes],
        "perfect_weather": forecaster.perfect_weather,
        "pooled": forecaster.pooled,
        "trust_clock": forecaster.trust_clock,
        "scale": forecaster.scale_,
        "needs": _needs_to_json(forecaster.needs_),
        "training": dataclasses.asdict(forecaster.training_),
        "models": described,
        "climatology": climatology,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    return _zip({"manifest.json": json.dumps(manifest, indent=1, default=_number).encode()} | members)


def describe(forecaster: Forecaster) -> dict[str, Any]:
    """Describe a forecaster, fitted or not: sites, task, features and models.

    Parameters
    ----------
    forecaster : Forecaster

    Returns
    -------
    dict
        Equal for forecasters that learn and forecast alike; code is told by its hash.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> describe(example_forecaster())["recipes"][0]["model"]["type"]
    'Climatology'
    """
    recipes = [
        {
            "sites": [site.name for site in sites],
            "features": [_feature_to_json(item) for item in features],
            "model": _any_model(model),
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
    }


def _any_model(model: QuantileModel) -> dict[str, Any]:
    """Kind and parameters, and the code of a model that is not one of the library's."""
    if type(model).__name__ in QuantileModel.registry:
        return _unfitted_to_json(model)
    try:
        code = inspect.getsource(type(model))
    except (OSError, TypeError):
        code = type(model).__qualname__
    return {"source_hash": hashlib.sha256(code.encode()).hexdigest(), "parameters": repr(model)}


def parts(forecaster: Forecaster) -> dict[str, bytes]:
    """Everything that a forecaster has learnt, as named bytes: equal for equal forecasters.

    Parameters
    ----------
    forecaster : Forecaster

    Returns
    -------
    dict of bytes

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> parts(example_forecaster()) == parts(example_forecaster())
    True
    """
    members: dict[str, bytes] = {}
    for model in (*forecaster.models_.values(), *forecaster.climatology_.values()):
        _describe_model(model, members)
    return members | {"scale": repr(forecaster.scale_).encode()}


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _recipe_to_json(sites: Sequence[Site], features: FeatureSet, model: QuantileModel) -> dict[str, Any]:
    return {
        "sites": [site.name for site in sites],
        "features": [_feature_to_json(item) for item in features],
        "model": _unfitted_to_json(model),
    }


def _unfitted_to_json(model: QuantileModel) -> dict[str, Any]:
    """Kind and parameters of a model, and of the models inside it."""
    if type(model).__name__ not in QuantileModel.registry:
        raise SchemaError(
            f"The model {type(model).__name__} is not one of the library's.",
            "Only the library's own models are stored; storing others would need pickle.",
            "Keep the code that fits it, or store its parts yourself.",
        )
    given = model.get_params(deep=False).items()
    parameters = {
        name: _unfitted_to_json(value) if isinstance(value, QuantileModel) else value for name, value in given
    }
    return {"type": type(model).__name__, "parameters": parameters}


def _describe_model(model: QuantileModel, members: dict[str, bytes]) -> dict[str, Any]:
    described = _unfitted_to_json(model)
    names = {}
    for key, part in model.parts().items():
        content = part.encode() if isinstance(part, str) else _array_to_bytes(part)
        digest = hashlib.sha256(content).hexdigest()[:24]
        names[key] = f"parts/{digest}.{'txt' if isinstance(part, str) else 'npy'}"
        members[names[key]] = content
    return described | {
        "columns": model.columns_,
        "bounds": [None if np.isinf(bound) else bound for bound in model.bounds_],
        "parts": names,
    }


def _array_to_bytes(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _sites_to_json(sites: Iterable[Site]) -> list[dict[str, Any]]:
    return [{"type": type(site).__name__} | dataclasses.asdict(site) for site in sites]


def _task_to_json(task: Task) -> dict[str, Any]:
    values = {item.name: _plain(getattr(task, item.name)) for item in dataclasses.fields(task)}  # type: ignore[arg-type]
    return {"type": type(task).__name__} | values


def _number(value: Any) -> Any:
    """A number of numpy's, as the tables of users hold them."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be stored")


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timedelta):
        return value.isoformat()
    return value.isoformat() if isinstance(value, time) else value


def _task_from_json(values: dict[str, Any]) -> Task:
    readers: dict[str, Any] = dict.fromkeys(("every", "leads", "frequency"), timestamps.duration)
    readers |= {"issue": timestamps.wall_time, "quantiles": tuple}
    given = {name: readers.get(name, lambda value: value)(value) for name, value in values.items()}
    return _TASKS[given.pop("type")](**given)


def _needs_to_json(needs: Needs) -> dict[str, Any]:
    past = [
        [item.lag.isoformat(), None if item.step is None else item.step.isoformat()] for item in needs.history
    ]
    return {"names": needs.names, "margin": needs.margin.isoformat(), "history": past}


def _needs_from_json(values: dict[str, Any]) -> Needs:
    past = (
        Past(timestamps.duration(lag), None if step is None else timestamps.duration(step))
        for lag, step in values["history"]
    )
    names = {model: tuple(several) for model, several in values["names"].items()}
    return Needs(names=names, margin=timestamps.duration(values["margin"]), history=tuple(past))


def _feature_to_json(item: Feature) -> dict[str, Any]:
    if type(item).__name__ in Feature.registry and not isinstance(item, FunctionFeature):
        return {"type": type(item).__name__, "settings": item.settings()}
    return {"user": item.name, "source_hash": _hash_of(item)}


def _hash_of(item: Feature) -> str:
    if isinstance(item, FunctionFeature):
        return item.source_hash
    try:
        source = inspect.getsource(type(item))
    except (OSError, TypeError):
        source = repr(type(item).compute.__code__.co_code)
    return hashlib.sha256((source + repr(item.settings())).encode()).hexdigest()


def load(path: str | Path, *, features: Iterable[Feature] = ()) -> Forecaster:
    """Read a forecaster that :func:`save` wrote.

    Parameters
    ----------
    path : path
    features : iterable of Feature
        The user's own features that it uses: code is never stored, only its name and hash.

    Returns
    -------
    Forecaster
        Fitted; its forecasts are bit-identical to those of the one that was stored.

    Raises
    ------
    FileFormatError
        If the file is damaged or not a forecaster.
    SchemaError
        If one of the user's features is missing or has changed.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_forecaster
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = example_forecaster().save(folder + "/farm.forecaster")
    ...     load(path)
    Forecaster(farm, Climatology, fitted on 29 origins)
    """
    manifest, members = _read(Path(path))
    try:
        return _rebuild(manifest, members, {item.name: item for item in features})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SchemaError):
            raise
        raise FileFormatError(
            f"{path} does not describe a forecaster: {type(error).__name__} {error}.",
            f"Its manifest follows schema {_SCHEMA}.",
            "Fit and save again with this version.",
        ) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
        manifest = json.loads(members.pop("manifest.json"))
    except _DAMAGE as error:
        raise FileFormatError(
            f"{path} cannot be read as a forecaster: {error}.",
            "It was written by Forecaster.save.",
            "Check the path.",
        ) from error
    if not isinstance(manifest, dict):
        manifest = {}
    if manifest.get("format") != _FORMAT or manifest.get("schema") != _SCHEMA:
        raise FileFormatError(
            f"{path} has format {manifest.get('format')!r}, schema {manifest.get('schema')!r}.",
            f"This version reads {_FORMAT!r}, schema {_SCHEMA}.",
            "Fit and save again with this version.",
        )
    found = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    if found != manifest.get("files"):
        raise FileFormatError(
            f"{path} is damaged: its contents do not have the checksums of its manifest.",
            "Every member is as it was written.",
            "Restore the file, or fit and save again.",
        )
    return manifest, members


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    if sum(item.file_size for item in archive.infolist()) > _LARGEST:
        raise zipfile.BadZipFile("it unpacks to more than 2 GiB")
    return {name: archive.read(name) for name in archive.namelist()}


def _rebuild(manifest: dict[str, Any], members: dict[str, bytes], given: dict[str, Feature]) -> Forecaster:
    features: dict[str, FeatureSet] = {}
    models: dict[str, QuantileModel] = {}
    for item in manifest["recipes"]:
        chosen = FeatureSet(tuple(_feature(values, given) for values in item["features"]))
        features |= dict.fromkeys(item["sites"], chosen)
        models |= dict.fromkeys(item["sites"], _new_model(**item["model"]))
    forecaster = Forecaster(
        [_site(values) for values in manifest["sites"]],
        _task_from_json(manifest["task"]),
        features=features,
        model=models,
        perfect_weather=manifest["perfect_weather"],
        pooled=manifest["pooled"],
        trust_clock=manifest["trust_clock"],
        neighbours=[_site(values) for values in manifest.get("neighbours", ())],
    )
    forecaster.scale_ = manifest["scale"]
    forecaster.needs_ = _needs_from_json(manifest["needs"])
    forecaster.training_ = Training(**manifest["training"])
    forecaster.models_ = {site: _model(values, members) for site, values in manifest["models"].items()}
    forecaster.climatology_ = {
        site: _model(values, members) for site, values in manifest["climatology"].items()
    }
    return forecaster


def _site(values: dict[str, Any]) -> Site:
    given = {name: value for name, value in values.items() if name != "type"}
    if given.get("power_curve") is not None:
        given["power_curve"] = PowerCurve(**given["power_curve"])
    return _KINDS[values["type"]](**given)


def _feature(values: dict[str, Any], given: dict[str, Feature]) -> Feature:
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
            "A feature of your own is handed in again, as it was: its code is not stored.",
            f"Use energyforecast.load(path, features=[{values['user']}]), or fit again.",
        )
    return item


def _new_model(type: str, parameters: dict[str, Any]) -> QuantileModel:  # noqa: A002  (a key of the file)
    return QuantileModel.registry[type](**{key: _parameter(value) for key, value in parameters.items()})


def _parameter(value: Any) -> Any:
    if isinstance(value, dict):
        return _new_model(**value)
    return tuple(value) if isinstance(value, list) else value


def _model(values: dict[str, Any], members: Mapping[str, bytes]) -> QuantileModel:
    model = _new_model(values["type"], values["parameters"])
    low, high = values["bounds"]
    model.columns_ = list(values["columns"])
    model.bounds_ = (-np.inf if low is None else low, np.inf if high is None else high)
    model.restore({key: _part(name, members[name]) for key, name in values["parts"].items()})
    return model


def _part(name: str, content: bytes) -> Part:
    if name.endswith(".txt"):
        return content.decode()
    array: Part = np.load(io.BytesIO(content), allow_pickle=False)
    return array
