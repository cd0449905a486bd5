"""A fitted forecaster in one file: a zip with a manifest, LightGBM's text and plain arrays. No pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from energyforecast.core.arguments import check_types, checked
from energyforecast.core.bounded_memory import largest_content, plain_array
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.files import whole_file
from energyforecast.core.structured_text import parse_json
from energyforecast.core.version import __version__
from energyforecast.errors import FileFormatError, NotFittedError, SchemaError
from energyforecast.features import Feature, FeatureSet
from energyforecast.forecasting.description import (
    feature_from_json,
    model_from_json,
    model_to_json,
    needs_from_json,
    needs_to_json,
    settings_to_json,
    site_from_json,
    task_from_json,
)
from energyforecast.forecasting.fallback_models import FallbackModel
from energyforecast.forecasting.fallback_plans import FallbackPlan
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import QuantileModel
from energyforecast.models.base import Part

__all__ = ["SCHEMA", "dump", "load", "parts", "save"]

_FORMAT: Final = "energyforecast.forecasting.forecaster"
#: 2: the levels of trees are corrected by levels, not by normal scores. 3: a task names its type.
SCHEMA: Final = 3
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
#: A manifest or a booster that is larger than this is not ours. [bytes]
_LARGEST: Final = 2**31


@checked()
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
    Forecaster(farm, Climatology, fitted on 30 origins)
    """
    target = Path(path)
    content = dump(forecaster)
    with whole_file(target) as file:
        file.write_bytes(content)
    return target


def dump(forecaster: Forecaster) -> bytes:
    """Bytes that :func:`save` writes: the same for the same forecaster."""
    if not forecaster.is_fitted:
        raise NotFittedError(
            "The forecaster is not fitted.", "Only a fitted forecaster can be stored.", "Call fit first."
        )
    members: dict[str, bytes] = {}
    manifest = {
        "format": _FORMAT,
        "schema": SCHEMA,
        "versions": {"energyforecast": __version__, "lightgbm": version("lightgbm"), "numpy": np.__version__},
        **_describe(forecaster, members),
        "fallbacks": [
            {
                **{name: value for name, value in fallback.plan._asdict().items() if name != "features_of"},
                "forecaster": _describe(fallback.forecaster, members),
            }
            for fallback in forecaster.fallbacks_
        ],
    }
    manifest["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    return _zip({"manifest.json": json.dumps(manifest, indent=1, default=_number).encode()} | members)


def _describe(forecaster: Forecaster, members: dict[str, bytes]) -> dict[str, Any]:
    """Settings, training and models of a fitted forecaster; its parts are added to the members."""
    return {
        **settings_to_json(forecaster, describe_model=model_to_json),
        "scale": forecaster.scale_,
        "needs": needs_to_json(forecaster.needs_),
        "training": dataclasses.asdict(forecaster.training_),
        "models": {site: _describe_model(model, members) for site, model in forecaster.models_.items()},
        "climatology": {
            site: _describe_model(model, members) for site, model in forecaster.climatology_.items()
        },
    }


def parts(forecaster: Forecaster) -> dict[str, bytes]:
    """Fitted state of a forecaster as named bytes: equal for equal forecasters."""
    members: dict[str, bytes] = {}
    for fitted in (forecaster, *(fallback.forecaster for fallback in forecaster.fallbacks_)):
        for model in (*fitted.models_.values(), *fitted.climatology_.values()):
            _describe_model(model, members)
    return members | {"scale": repr(forecaster.scale_).encode()}


def _zip(members: Mapping[str, bytes]) -> bytes:
    """Bytes of a zip file, the same for the same members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _describe_model(model: QuantileModel, members: dict[str, bytes]) -> dict[str, Any]:
    """Kind, parameters and names of the fitted parts of a model, which join the members."""
    described = model_to_json(model)
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


def _number(value: Any) -> Any:
    """A number of numpy's, as the tables of users hold them."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be stored")


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
    Forecaster(farm, Climatology, fitted on 30 origins)
    """
    check_types(locals(), of=load)
    manifest, members = _read(Path(path))
    try:
        return _rebuild(manifest, members, {item.name: item for item in features})
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, SchemaError):
            raise
        raise FileFormatError(
            f"{path} does not describe a forecaster: {type(error).__name__} {error}.",
            f"Its manifest must follow schema {SCHEMA}.",
            "Fit and save again with this version.",
        ) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and members of a file, with the checksums of the manifest."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
        manifest = parse_json(members.pop("manifest.json"))
    except DAMAGE as error:
        raise FileFormatError(
            f"{path} cannot be read as a forecaster: {error}.",
            "It must be a file of Forecaster.save.",
            "Check the path.",
        ) from error
    if not isinstance(manifest, dict):
        manifest = {}
    if manifest.get("format") != _FORMAT or manifest.get("schema") != SCHEMA:
        raise FileFormatError(
            f"{path} has format {manifest.get('format')!r}, schema {manifest.get('schema')!r}.",
            f"This version reads {_FORMAT!r}, schema {SCHEMA}.",
            "Fit and save again with this version.",
        )
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    if checksums != manifest.get("files"):
        raise FileFormatError(
            f"{path} is damaged: its contents do not have the checksums of its manifest.",
            "Every member must be as it was written.",
            "Restore the file, or fit and save again.",
        )
    return manifest, members


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Contents of a file, of which the sizes are checked before anything is unpacked."""
    packed = sum(item.compress_size for item in archive.infolist())
    if sum(item.file_size for item in archive.infolist()) > min(_LARGEST, largest_content(packed)):
        raise zipfile.BadZipFile(f"{packed:,} bytes unpack to more than {largest_content(packed):,}")
    return {name: archive.read(name) for name in archive.namelist()}


def _rebuild(manifest: dict[str, Any], members: dict[str, bytes], given: dict[str, Feature]) -> Forecaster:
    """Fitted forecaster of a manifest and its members."""
    features: dict[str, FeatureSet] = {}
    models: dict[str, QuantileModel] = {}
    for item in manifest["recipes"]:
        chosen = FeatureSet(tuple(feature_from_json(values, given) for values in item["features"]))
        features |= dict.fromkeys(item["sites"], chosen)
        models |= dict.fromkeys(item["sites"], model_from_json(**item["model"]))
    forecaster = Forecaster(
        [site_from_json(values) for values in manifest["sites"]],
        task_from_json(manifest["task"]),
        features=features,
        model=models,
        perfect_weather=manifest["perfect_weather"],
        pooled=manifest["pooled"],
        trust_clock=manifest["trust_clock"],
        neighbours=[site_from_json(values) for values in manifest.get("neighbours", ())],
    )
    forecaster.tuned_until = str(manifest.get("tuned_until", ""))
    forecaster.scale_ = manifest["scale"]
    forecaster.needs_ = needs_from_json(manifest["needs"])
    forecaster.training_ = Training(**manifest["training"])
    forecaster.models_ = {site: _model(values, members) for site, values in manifest["models"].items()}
    forecaster.climatology_ = {
        site: _model(values, members) for site, values in manifest["climatology"].items()
    }
    forecaster.fallbacks_ = tuple(
        _fallback(values, members, given) for values in manifest.get("fallbacks", ())
    )
    return forecaster


def _fallback(values: dict[str, Any], members: dict[str, bytes], given: dict[str, Feature]) -> FallbackModel:
    """Fallback model of its description."""
    forecaster = _rebuild(values["forecaster"], members, given)
    plan = FallbackPlan(
        name=values["name"],
        level=values["level"],
        features_of=forecaster.features_of,
        models=tuple(values["models"]),
        variables=tuple(values["variables"]),
        delays=tuple((weather, measured) for weather, measured in values["delays"]),
    )
    return FallbackModel(plan, forecaster)


def _model(values: dict[str, Any], members: Mapping[str, bytes]) -> QuantileModel:
    """Fitted model of its description."""
    model = model_from_json(values["type"], values["parameters"])
    low, high = values["bounds"]
    model.columns_ = list(values["columns"])
    model.bounds_ = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
    model.restore({key: _part(name, members[name]) for key, name in values["parts"].items()})
    return model


def _part(name: str, content: bytes) -> Part:
    if name.endswith(".txt"):
        return content.decode()
    array: Part = plain_array(content, label=name)
    return array
