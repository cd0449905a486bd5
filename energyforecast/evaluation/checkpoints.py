"""Checkpoints of a backtest on disk: a file for each fit, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.bounded_memory import plain_array, refuse_bloated_zip
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.files import whole_file
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import COLUMNS
from energyforecast.core.structured_text import parse_json
from energyforecast.core.version import __version__
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import FileFormatError, SchemaError
from energyforecast.forecasting import description
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["Checkpoint", "Checkpoints", "fingerprint"]

Array = npt.NDArray[Any]

_MANIFEST: Final = "backtest.json"


@dataclass(frozen=True)
class Checkpoint:
    """Forecasts of one fit by site, (rows, levels) [MW], fallback levels of its origins, and a plain summary."""

    quantiles: dict[str, Array]
    fallback_levels: dict[str, npt.NDArray[np.int64]]
    summary: dict[str, Any]


@dataclass(frozen=True)
class Checkpoints:
    """Folder of a backtest's checkpoints."""

    folder: Path

    def begin(self, mark: str) -> None:
        """Take the folder for the backtest of this mark, or go on in it; refuse one of another backtest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / _MANIFEST
        if not path.exists():
            with whole_file(path) as file:
                file.write_text(json.dumps({"schema": 1, "fingerprint": mark}), encoding="utf-8")
            return
        try:
            begun_with = parse_json(path.read_text(encoding="utf-8"))["fingerprint"]
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                f"{path} cannot be read: {error}.", "It must be written by backtest.", "Use an empty folder."
            ) from error
        if begun_with != mark:
            raise SchemaError(
                f"The folder {self.folder} holds a backtest of other data, forecasters, origins or versions.",
                "A backtest goes on with the data it began with, so that its result is the same.",
                "Give the same data, forecasters and origins, or resume in an empty folder.",
            )

    def _path(self, model: int, fold: int) -> Path:
        return self.folder / f"model{model:03d}_fold{fold:05d}.npz"

    def write(self, model: int, fold: int, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, whole or not at all."""
        arrays: dict[str, Any] = {}
        for k, site in enumerate(checkpoint.quantiles):
            arrays[f"quantiles_{k}"] = checkpoint.quantiles[site]
            arrays[f"levels_{k}"] = checkpoint.fallback_levels[site]
        text = json.dumps({"sites": list(checkpoint.quantiles), "summary": checkpoint.summary})
        with whole_file(self._path(model, fold)) as file:
            np.savez(file, text=np.array(text), **arrays)

    def read(self, model: int, fold: int) -> Checkpoint | None:
        """A checkpoint; None if it is absent or damaged, so that it is made again."""
        try:
            path = self._path(model, fold)
            with zipfile.ZipFile(path) as archive:
                refuse_bloated_zip(archive, size=path.stat().st_size)
                arrays = {name: plain_array(archive.read(name), label=name) for name in archive.namelist()}
            content = parse_json(str(arrays["text.npy"]))
            quantiles = {str(name): arrays[f"quantiles_{k}.npy"] for k, name in enumerate(content["sites"])}
            levels = {str(name): arrays[f"levels_{k}.npy"] for k, name in enumerate(content["sites"])}
            return Checkpoint(quantiles, levels, dict(content["summary"]))
        except DAMAGE:
            return None

    def cube(self, model: int, shape: tuple[int, ...]) -> Array:
        """An array on disk in place of one in memory."""
        path = self.folder / f"model{model:03d}.npy"
        # A new file: an earlier result may still look at the old one.
        path.unlink(missing_ok=True)
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)


def fingerprint(
    named: Mapping[str, Forecaster],
    weather: Weather,
    observations: Observations,
    *,
    settings: Iterable[Any],
) -> str:
    """Mark that changes with everything on which the result of a backtest depends."""
    digest = hashlib.sha256()
    versions = [__version__, np.__version__, pd.__version__, version("lightgbm"), version("scikit-learn")]
    for item in [*versions, *settings]:
        _add(digest, item)
    for name, forecaster in named.items():
        _add(digest, json.dumps([name, description.describe(forecaster)], default=str))
    _add_observations(digest, observations)
    for name, dataset in as_models(weather).items():
        _add(digest, name)
        for key in sorted(map(str, dataset.variables)):
            _add(digest, key)
            _add(digest, dataset[key].values)
        _add(digest, json.dumps(dict(dataset.attrs), default=str, sort_keys=True))
    return digest.hexdigest()


def _add_observations(digest: Any, observations: Observations) -> None:
    for frame in (observations.values, observations.flags):
        if frame is not None:
            _add(digest, frame.to_numpy())
    for capacity in observations.capacities:
        for item in (capacity.values.to_numpy(), timestamps.to_ns(capacity.index), capacity.limit):
            _add(digest, item)
        for site in capacity.sites:
            _add(digest, site)
            _add(digest, capacity.published(site))
    if observations.planned is not None:
        for column in COLUMNS:
            _add(digest, observations.planned.rows[column].to_list())
    _add(digest, " ".join(observations.sites))
    _add(digest, timestamps.to_ns(observations.index))
    _add(digest, observations.published)


def _add(digest: Any, item: Any) -> None:
    if isinstance(item, np.ndarray) and item.dtype.kind != "O":
        digest.update(f"{item.dtype}{item.shape}".encode())
        digest.update(np.ascontiguousarray(item).view(np.uint8) if item.size else b"")
    else:
        value = item.tolist() if isinstance(item, np.ndarray) else item
        digest.update(repr(value).encode() + b"\0")
